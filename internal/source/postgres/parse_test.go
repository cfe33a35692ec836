package postgres

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/big"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"pgregory.net/rapid"
)

// The types of the parser's tests.
const (
	textArray = 100_000 + iota
	address
	addresses
	hstore
)

var types = &catalog{types: map[uint32]typeInfo{
	textArray: {shape: shapeArray, delim: ',', of: pgtype.TextOID},
	address:   {shape: shapeComposite, names: []string{"street", "tags", "on"}, fields: []uint32{pgtype.TextOID, textArray, pgtype.BoolOID}},
	addresses: {shape: shapeArray, delim: ',', of: address},
	hstore:    {shape: shapeHstore},
}}

// What the server never sends is an error, and what is read is JSON.
func FuzzNested(f *testing.F) {
	for _, s := range []string{
		`{a,"b c",NULL,{"x"}}`, `[0:1]={1,2}`, `{}`, `{`, `{"`, `{a`, `{a}}`, `(a,"{x}",t)`, `(,,)`, `(a,{},t`, `("a""b\\","{""x"",NULL}",f)`, `()`, `{"(a,\"{x}\",t)",NULL}`,
		`"a"=>"b", "c"=>NULL`, `"a"=>`, `a=>b,c`, `""=>""`, "\\", `"`, "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, oid := range []uint32{textArray, address, addresses, hstore} {
			got, err := types.appendJSON(nil, oid, src)
			if err == nil && !json.Valid(got) {
				t.Errorf("type %d: %q became %q", oid, src, got)
			}
		}
	})
}

// Any number that fits its type arrives digit for digit.
func TestDecimals(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		precision := rapid.IntRange(1, maxPrecision).Draw(t, "precision")
		scale := rapid.IntRange(0, precision).Draw(t, "scale")
		digits := rapid.StringMatching(fmt.Sprintf("[0-9]{1,%d}", precision)).Draw(t, "digits")
		want, _ := new(big.Int).SetString(digits, 10)
		if rapid.Bool().Draw(t, "negative") {
			want.Neg(want)
		}
		n := pgtype.Numeric{Int: new(big.Int).Set(want), Exp: int32(-scale), Valid: true}
		src, err := pgtype.NewMap().Encode(pgtype.NumericOID, pgtype.BinaryFormatCode, n, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, finite, err := decimal(src, scale)
		if err != nil || !finite || got.BigInt().Cmp(want) != 0 {
			t.Fatalf("%s of the scale %d became %s: %v", want, scale, got.BigInt(), err)
		}
	})
}

func FuzzDecimal(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 0, 0, 0, 0, 0, 1}, 2)
	f.Add([]byte{0, 20, 0x7f, 0xff, 0x40, 0, 0, 0, 0, 1}, 0)
	f.Add(binary.BigEndian.AppendUint64(nil, 0x0001_7fff_0000_0000), 0)
	f.Fuzz(func(t *testing.T, src []byte, scale int) {
		if n, finite, err := decimal(src, scale&63%(maxPrecision+1)); err != nil && (finite || n.BigInt().Sign() != 0) {
			t.Errorf("an error with the number %s", n.BigInt())
		}
	})
}

// A tag cannot end its comment, and a position is the author's own.
func TestStatement(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tag := rapid.String().Draw(t, "tag")
		own := rapid.StringMatching(`[a-zé😀\n]{1,30}x`).Draw(t, "own")
		st := statement{own: own, shift: utf8.RuneCountInString(query.Comment(tag))}
		if p, at := st.place(int32(st.shift)); at != "" || p != (fault.Place{}) {
			t.Fatalf("the last character of the tag is at %s", at)
		}
		if p, at := st.place(int32(st.shift + 1)); at != "line 1, column 1" || p != (fault.Place{Line: 1, Column: 1}) {
			t.Fatalf("the first character is at %q", at)
		}
	})
	for _, tag := range []string{"a */ DROP TABLE x; /*", "*/", "**//", "*/*", "/*", "/*/"} {
		c := query.Comment(tag)
		for i := 2; i+1 < len(c)-3; i++ {
			if two := c[i : i+2]; two == "*/" || two == "/*" {
				t.Errorf("%q became %q", tag, c)
			}
		}
	}
}
