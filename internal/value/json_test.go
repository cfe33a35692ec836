package value_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/value"
)

// Req: SY-97, M-29, FLD-32
func TestAppendJSON(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 30, 0, 0, time.FixedZone("", 2*3600))
	tests := []struct {
		name string
		v    value.Value
		want string
		text string // as a CSV file or a template prints it
	}{
		{"null", value.Value{}, `null`, ``},
		{"true", value.OfBool(true), `true`, `true`},
		{"false", value.OfBool(false), `false`, `false`},
		{"the largest integer", value.OfInt(math.MaxInt64), `9223372036854775807`, `9223372036854775807`},
		{"the smallest integer", value.OfInt(math.MinInt64), `-9223372036854775808`, `-9223372036854775808`},
		{"a float", value.OfFloat(0.1), `0.1`, `0.1`},
		{"a whole float", value.OfFloat(3), `3`, `3`},
		{"a large float", value.OfFloat(1e21), `1e+21`, `1e+21`},
		{"a float that people write out", value.OfFloat(123456789012345680000), `123456789012345680000`, `123456789012345680000`},
		{"a small float", value.OfFloat(1.5e-7), `1.5e-7`, `1.5e-7`},
		{"not a number", value.OfFloat(math.NaN()), `null`, ``},
		{"infinity", value.OfFloat(math.Inf(-1)), `null`, ``},
		{"a decimal, digit for digit", value.OfDecimal("123.12345678910"), `123.12345678910`, `123.12345678910`},
		{"a number beyond 64 bits", value.OfNumber("123456789012345678901234567890"), `123456789012345678901234567890`, `123456789012345678901234567890`},
		{"quotes and backslashes", value.OfText(`O'Brien "\`), `"O'Brien \"\\"`, `O'Brien "\`},
		{"control characters", value.OfText("a\x00\t\r\n\x1f"), `"a\u0000\t\r\n\u001f"`, "a\x00\t\r\n\x1f"},
		{"HTML as it is", value.OfText("<a&b>"), `"<a&b>"`, "<a&b>"},
		{"other scripts", value.OfText("שלום 👋 é"), `"שלום 👋 é"`, "שלום 👋 é"},
		{"bytes that are no text", value.OfText("a\xffb"), `"a\ufffdb"`, "a\xffb"},
		{"binary", value.OfBytes([]byte{0, 1, 255}), `"AAH/"`, `AAH/`},
		{"an instant in UTC", value.OfTime(at), `"2026-03-01T10:30:00.000Z"`, `2026-03-01T10:30:00.000Z`},
		{"microseconds", value.OfMicros(1), `"1970-01-01T00:00:00.000001Z"`, `1970-01-01T00:00:00.000001Z`},
		{"before 1970", value.OfMicros(-1000), `"1969-12-31T23:59:59.999Z"`, `1969-12-31T23:59:59.999Z`},
		{"a date", value.OfDay(-1), `"1969-12-31"`, `1969-12-31`},
		{"JSON as it is", value.OfJSON(`{"b":1.50,"a":[]}`), `{"b":1.50,"a":[]}`, `{"b":1.50,"a":[]}`},
		{"an array", value.OfList([]value.Value{value.OfInt(1), {}, value.OfText("x")}), `[1,null,"x"]`, `[1,null,"x"]`},
		{"an empty array", value.OfList(nil), `[]`, `[]`},
		{"an object keeps its order", value.OfMap([]value.Field{{Name: "b", Value: value.OfInt(1)}, {Name: `"`, Value: value.Value{}}}), `{"b":1,"\"":null}`, `{"b":1,"\"":null}`},
	}
	for _, tt := range tests {
		got := string(tt.v.AppendJSON(nil))
		if got != tt.want || tt.v.String() != tt.text {
			t.Errorf("%s: %s and %q, want %s and %q", tt.name, got, tt.v.String(), tt.want, tt.text)
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("%s: %s is not JSON", tt.name, got)
		}
	}
}

// One megabyte of every awkward character arrives byte for byte.
//
// Req: FLD-32
func TestLongTextSurvives(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("O'Brien \"quoted\" \\ \x00 \u202eשלום 👋\n", 1<<20/40)
	v, err := value.ParseJSON(string(value.OfText(long).AppendJSON(nil)))
	if err != nil || v.Raw() != long {
		t.Errorf("%d bytes became %d: %v", len(long), len(v.Raw()), err)
	}
}

func TestParseJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`1`: `1`, `-0`: `-0`, `1.0`: `1.0`, `1e2`: `1e2`, `18446744073709551615`: `18446744073709551615`, ` {"b":[1,{"a":null}],"a":true} `: `{"b":[1,{"a":null}],"a":true}`, //nolint:gocritic // the spaces are what is read
		`"\u00e9\ud83d\udc4b"`: `"é👋"`, `{"a":1,"a":2}`: `{"a":1,"a":2}`,
	} {
		v, err := value.ParseJSON(text)
		if err != nil || string(v.AppendJSON(nil)) != want {
			t.Errorf("%s: %s, %v; want %s", text, v.AppendJSON(nil), err, want)
		}
	}
	for _, text := range []string{``, `{`, `[1,]`, `{"a"}`, `1 2`, `nul`, `{"a":1}x`, `'a'`, `[1 2]`} {
		if v, err := value.ParseJSON(text); err == nil {
			t.Errorf("%s became %s", text, v.AppendJSON(nil))
		}
	}
	var v value.Value
	if err := json.Unmarshal([]byte(`{"a":123.12345678910}`), &v); err != nil {
		t.Fatal(err)
	}
	if b, err := json.Marshal(v); err != nil || string(b) != `{"a":123.12345678910}` {
		t.Errorf("%s, %v", b, err)
	}
}

// Text that nests without end is an error, and not the end of the process.
func TestParseJSONBoundsTheDepth(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("[", 5_000_000), strings.Repeat(`{"a":`, 1_000_000)} {
		if _, err := value.ParseJSON(text); err == nil || !strings.Contains(err.Error(), "nest more than") {
			t.Errorf("got %v", err)
		}
		if _, err := value.CanonicalJSON(text); err == nil {
			t.Error("it has a canonical form")
		}
	}
	deep := strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)
	if got, err := value.CanonicalJSON(deep); err != nil || got != deep {
		t.Errorf("what encoding/json reads is refused: %v", err)
	}
}

// FuzzCanonicalJSON: what is JSON has one canonical form, which says the same to another reader.
//
// Req: SY-39
func FuzzCanonicalJSON(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, `null`, `{"b":1,"a":{"d":[1,2],"c":"x"}}`, `[1.0, 1.00, 1e5, -0]`, `"\ud800"`, `{"a":1,"a":2}`, ` [ ] `, `{"\u0062":1,"a":""}`, `tru`, "\"\xff\"",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		canonical, err := value.CanonicalJSON(s)
		if valid := json.Valid([]byte(s)); valid != (err == nil) {
			t.Fatalf("%q: %v, and encoding/json finds it valid: %v", s, err, valid)
		}
		if err != nil {
			return
		}
		again, err := value.CanonicalJSON(canonical)
		if err != nil || again != canonical {
			t.Errorf("%q: %q, then %q, %v", s, canonical, again, err)
		}
		was, now := decoded(t, s), decoded(t, canonical)
		if was != now {
			t.Errorf("%q says %s, its canonical form %q says %s", s, was, canonical, now)
		}
	})
}

// decoded is what encoding/json makes of a text, with sorted members and the digits of numbers.
func decoded(t *testing.T, text string) string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var x any
	if err := d.Decode(&x); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCanonicalJSONSortsMembers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"b":1, "a":{"d":[ 1, 2 ],"c":"x"}}`: `{"a":{"c":"x","d":[1,2]},"b":1}`,
		` null `:                              `null`, `1.50`: `1.50`, `[{"b":1,"a":2}]`: `[{"a":2,"b":1}]`, `{"é":1,"z":2}`: `{"z":2,"é":1}`,
	} {
		if got, err := value.CanonicalJSON(text); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	text, number := value.OfText, value.OfInt
	object := value.OfJSON
	tests := []struct {
		a, b value.Value
		want bool
	}{
		{value.Value{}, value.Value{}, true}, {value.Value{}, text(""), false}, {text("1"), number(1), false},
		{number(1), value.OfFloat(1), true}, {value.OfDecimal("1.5"), value.OfFloat(1.5), true}, {number(math.MaxInt64), number(math.MaxInt64 - 1), false},
		{value.OfDecimal("9007199254740993.1"), value.OfDecimal("9007199254740993.2"), false},
		{value.OfBool(true), number(1), false}, {value.OfBytes([]byte("a")), text("a"), false},
		{object(`{"a":1,"b":[2]}`), object(`{"b":[2],"a":1}`), true}, {object(`{"a":1}`), object(`{"a":1,"b":2}`), false},
		{object(`[1,2]`), value.OfList([]value.Value{number(1), number(2)}), true}, {object(`[1,2]`), object(`[2,1]`), false}, {object(`[1]`), object(`[1,1]`), false},
		{value.OfMicros(5), value.OfMicros(5), true}, {value.OfMicros(0), value.OfDay(0), false},
	}
	for _, tt := range tests {
		if tt.a.Equal(tt.b) != tt.want || tt.b.Equal(tt.a) != tt.want {
			t.Errorf("%s %s and %s %s: want equal %v", tt.a.Kind(), tt.a.AppendJSON(nil), tt.b.Kind(), tt.b.AppendJSON(nil), tt.want)
		}
	}
}

func TestOfGoValues(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		x    any
		want string
	}{
		{nil, `null`}, {true, `true`}, {int(1), `1`}, {int32(-2), `-2`}, {int64(3), `3`}, {1.5, `1.5`}, {json.Number("1.50"), `1.50`}, {"<x>", `"<x>"`},
		{[]byte{1}, `"AQ=="`}, {time.Unix(0, 0), `"1970-01-01T00:00:00.000Z"`}, {map[string]any{"a": []any{1, "<"}}, `{"a":[1,"<"]}`}, {value.OfInt(9), `9`},
	} {
		if got := string(value.Of(tt.x).AppendJSON(nil)); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.x, got, tt.want)
		}
	}
}
