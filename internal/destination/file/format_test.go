package file

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/file/filetest"
	"github.com/millrace/millrace/internal/value"
)

// TestSplitting proves that every row is in exactly one file, in order, whatever the sizes of
// batches and files, and that no file has more rows than it may.
func TestSplitting(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		format := rapid.SampledFrom(filetest.Formats).Draw(rt, "format")
		limit := rapid.IntRange(1, 7).Draw(rt, "limit")
		sizes := rapid.SliceOfN(rapid.IntRange(1, 9), 0, 6).Draw(rt, "sizes")
		r := newRun(t, connector.ModeAll, "", connector.Settings{"format": format, "rowsPerFile": limit})
		want := sendAll(rt, r, sizes)
		r.finish()
		var got []string
		for i, name := range r.place.order {
			if name != fmt.Sprintf("rows_%d.out", i+1) {
				rt.Fatalf("file %d is called %s", i, name)
			}
			rows := filetest.Read(t, format, []byte(r.place.files[name]))
			if len(rows) > limit || len(rows) == 0 && want != nil {
				rt.Fatalf("%s has %d rows", name, len(rows))
			}
			for _, row := range rows {
				got = append(got, row["id"].String())
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			rt.Fatalf("got %v, want %v", got, want)
		}
	})
}

func sendAll(rt *rapid.T, r *run, sizes []int) []string {
	var ids []string
	for n, size := range sizes {
		b := &connector.Batch{ID: strconv.Itoa(n), Operation: connector.Added}
		for range size {
			id := fmt.Sprintf("row %d", len(ids))
			ids = append(ids, id)
			b.Rows = append(b.Rows, connector.Row{Values: []value.Value{value.OfText(id), {}}})
		}
		if _, err := r.Write(r.t.Context(), b); err != nil {
			rt.Fatal(err)
		}
	}
	return ids
}

// encoded returns the file that a format makes of rows of two texts.
func encoded(t *testing.T, f format, texts ...string) string {
	t.Helper()
	var b bytes.Buffer
	l, err := f.layout(&b)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]value.Value, len(texts))
	for i, s := range texts {
		values[i] = value.OfText(s)
	}
	c, rejected := f.encode([]connector.Row{{Values: values}})
	if len(rejected) > 0 {
		t.Fatalf("refused: %v", rejected)
	}
	if err := l.append(c, 0, c.rows()); err != nil {
		t.Fatal(err)
	}
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// FuzzCSV proves that any two texts come back from the standard library's reader, which joins a
// carriage return and line feed, and byte for byte from a reader that does not.
//
// Req: FLD-32
func FuzzCSV(f *testing.F) {
	f.Add("O'Brien", `say "hi"`, "comma")
	f.Add("", "\r\n", "tab")
	f.Add("a;b|c~d", "\x00\xff", "semicolon")
	f.Fuzz(func(t *testing.T, a, b, delimiter string) {
		if delimiters[delimiter] == 0 {
			return
		}
		text := encoded(t, newCSV(twoColumns, settings{CSVDelimiter: delimiter}), a, b)
		lines := filetest.Fields(t, text, delimiters[delimiter])
		if len(lines) != 1 || len(lines[0]) != 2 || lines[0][0].Raw() != a || lines[0][1].Raw() != b || lines[0][0].IsNull() {
			t.Fatalf("%q and %q became %q", a, b, text)
		}
		r := csv.NewReader(strings.NewReader(text))
		r.Comma = rune(delimiters[delimiter])
		record, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		if joined := strings.NewReplacer("\r\n", "\n"); record[0] != joined.Replace(a) || record[1] != joined.Replace(b) {
			t.Fatalf("%q and %q were read as %q", a, b, record)
		}
	})
}

// FuzzXML proves that any text under any column name makes well-formed XML that gives both back.
//
// Req: FLD-32
func FuzzXML(f *testing.F) {
	f.Add("name", "<a>&\"\r\n\x00]]>")
	f.Add("1 x:y", "é\xff")
	f.Add("xml", "\ufffe")
	f.Fuzz(func(t *testing.T, column, text string) {
		if !utf8.ValidString(column) || strings.ContainsFunc(column, func(r rune) bool { return !isXMLChar(r) }) {
			return
		}
		columns := []connector.TargetColumn{{Name: column}, {Name: column + " "}}
		data := encoded(t, newXML(columns), text, text)
		var well any
		if err := xml.Unmarshal([]byte(data), &well); err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, data)
		}
		rows := filetest.Read(t, formatXML, []byte(data))
		if len(rows) != 1 || len(rows[0]) != 2 || rows[0][column].Raw() != text || rows[0][column+" "].Raw() != text {
			t.Fatalf("%q in %q became\n%s", text, column, data)
		}
	})
}

// TestParquetNumbers proves that numbers arrive exactly or not at all.
func TestParquetNumbers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		native string
		value  value.Value
		fits   bool
	}{
		{"bigint", value.OfInt(-1 << 63), true},
		{"bigint", value.OfDecimal("12.000"), true},
		{"bigint", value.OfDecimal("12.5"), false},
		{"bigint", value.OfDecimal("9223372036854775808"), false},
		{"bigint", value.OfFloat(3), true},
		{"bigint", value.OfText("3"), false},
		{"double", value.OfInt(1 << 60), true},
		{"double", value.OfInt(1<<60 + 1), false},
		{"double", value.OfDecimal("0.1"), true},
		{"double", value.OfDecimal("0.10000000000000001"), false},
		{"double", value.OfDecimal("1e400"), false},
		{"double", value.OfDecimal("1e-999999999"), false},
		{"numeric(5,2)", value.OfDecimal("123.45"), true},
		{"numeric(5,2)", value.OfDecimal("123.456"), false},
		{"numeric(5,2)", value.OfDecimal("1234.5"), false},
		{"numeric(5,2)", value.OfFloat(0.25), true},
		{"numeric(5,2)", value.OfInt(-999), true},
		{"numeric(38)", value.OfDecimal("99999999999999999999999999999999999999"), true},
		{"numeric(38)", value.OfDecimal("999999999999999999999999999999999999999"), false},
		{"numeric(39)", value.OfDecimal("0.5"), true},
	} {
		problem := numberColumn(c.native).problem(c.value)
		if (problem == "") != c.fits {
			t.Errorf("%s in %s: %q", c.value, c.native, problem)
		}
		if !c.fits && strings.Contains(problem, c.value.String()) && len(c.value.String()) > 1 {
			t.Errorf("the reason shows the value: %q", problem)
		}
	}
}
