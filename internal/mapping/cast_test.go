package mapping_test

import (
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/mapping"
	"github.com/millrace/millrace/internal/value"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Req: M-23, M-25, M-28, SY-97
func TestCast(t *testing.T) {
	t.Parallel()
	text, number, object := value.OfText, value.OfInt, value.OfJSON
	day := value.OfDay(int32(noon.Unix() / 86400))
	tests := []struct {
		name string
		from value.Value
		to   value.Type
		want string     // as JSON
		code fault.Code // instead
	}{
		{"null stays null", value.Value{}, value.TypeNumber, `null`, ""},

		{"text as it is", text("O'Brien"), value.TypeString, `"O'Brien"`, ""},
		{"number to text", number(-7), value.TypeString, `"-7"`, ""},
		{"float to text without an exponent", value.OfFloat(1234567.5), value.TypeString, `"1234567.5"`, ""},
		{"decimal to text, every digit", value.OfDecimal("123.12345678910"), value.TypeString, `"123.12345678910"`, ""},
		{"boolean to text", value.OfBool(true), value.TypeString, `"true"`, ""},
		{"instant to text", value.OfTime(noon), value.TypeString, `"2026-03-01T12:00:00.000Z"`, ""},
		{"date to text", day, value.TypeString, `"2026-03-01"`, ""},
		{"object to text", object(`{"a":1}`), value.TypeString, `"{\"a\":1}"`, ""},
		{"bytes to base64", value.OfBytes([]byte{0, 255}), value.TypeString, `"AP8="`, ""},

		{"text to number", text(" 42 "), value.TypeNumber, `42`, ""},
		{"text with a fraction", text("-0.5"), value.TypeNumber, `-0.5`, ""},
		{"text with an exponent", text("1.5e3"), value.TypeNumber, `1500`, ""},
		{"a plus sign", text("+5"), value.TypeNumber, `5`, ""},
		{"integers keep every digit", text("9007199254740993"), value.TypeNumber, `9007199254740993`, ""},
		{"a decimal that a double holds", value.OfDecimal("19.99"), value.TypeNumber, `19.99`, ""},
		{"the documented example", value.OfDecimal("123.12345678910"), value.TypeNumber, "", fault.CodeImprecise},
		{"many digits held exactly", text("0.00000000000000000000000000000000000000011754943508222875"), value.TypeNumber, "", fault.CodeImprecise},
		{"a dyadic fraction is exact", text("0.000030517578125"), value.TypeNumber, `0.000030517578125`, ""},
		{"too many digits", text("12345678901234567.5"), value.TypeNumber, "", fault.CodeImprecise},
		{"an integer beyond 64 bits", text("123456789012345678901234567890"), value.TypeNumber, "", fault.CodeImprecise},
		{"a power of two beyond 64 bits, as a double prints", text("18446744073709551616"), value.TypeNumber, `18446744073709552000`, ""},
		{"too small for a double", text("1e-400"), value.TypeNumber, "", fault.CodeImprecise},
		{"too large for a double", text("1e400"), value.TypeNumber, "", fault.CodeCast},
		{"zero with an exponent", text("0e-999999999"), value.TypeNumber, `0`, ""},
		{"an absurd exponent costs nothing", text("1234567890123456789e-999999999"), value.TypeNumber, "", fault.CodeImprecise},
		{"hexadecimal is no number", text("0x10"), value.TypeNumber, "", fault.CodeCast},
		{"underscores are no number", text("1_000"), value.TypeNumber, "", fault.CodeCast},
		{"nor is infinity", text("Inf"), value.TypeNumber, "", fault.CodeCast},
		{"nor NaN", text("NaN"), value.TypeNumber, "", fault.CodeCast},
		{"nor nothing", text(""), value.TypeNumber, "", fault.CodeCast},
		{"boolean to number", value.OfBool(true), value.TypeNumber, `1`, ""},
		{"instant to milliseconds", value.OfTime(noon), value.TypeNumber, `1772366400000`, ""},
		{"a date is no number", day, value.TypeNumber, "", fault.CodeCast},
		{"an object is no number", object(`{}`), value.TypeNumber, "", fault.CodeCast},

		{"text to boolean", text("Yes"), value.TypeBoolean, `true`, ""},
		{"f to boolean", text("f"), value.TypeBoolean, `false`, ""},
		{"1 to boolean", number(1), value.TypeBoolean, `true`, ""},
		{"2 is no boolean", number(2), value.TypeBoolean, "", fault.CodeCast},
		{"maybe is no boolean", text("maybe"), value.TypeBoolean, "", fault.CodeCast},

		{"ISO with a zone", text("2026-03-01T14:00:00+02:00"), value.TypeTimestamp, `"2026-03-01T12:00:00.000Z"`, ""},
		{"a space and a short zone", text("2026-03-01 14:00:00+02"), value.TypeTimestamp, `"2026-03-01T12:00:00.000Z"`, ""},
		{"no zone is UTC", text("2026-03-01 12:00:00.123456"), value.TypeTimestamp, `"2026-03-01T12:00:00.123456Z"`, ""},
		{"a date is midnight", day, value.TypeTimestamp, `"2026-03-01T00:00:00.000Z"`, ""},
		{"text of a date", text("2026-03-01"), value.TypeTimestamp, `"2026-03-01T00:00:00.000Z"`, ""},
		{"milliseconds", number(1772366400000), value.TypeTimestamp, `"2026-03-01T12:00:00.000Z"`, ""},
		{"a number that is no time", number(1 << 62), value.TypeTimestamp, "", fault.CodeCast},
		{"no time", text("soon"), value.TypeTimestamp, "", fault.CodeCast},

		{"instant to date", value.OfTime(noon), value.TypeDate, `"2026-03-01"`, ""},
		{"before 1970", value.OfTime(time.Date(1969, 12, 31, 23, 0, 0, 0, time.UTC)), value.TypeDate, `"1969-12-31"`, ""},
		{"text to date", text("2026-03-01T12:00:00Z"), value.TypeDate, `"2026-03-01"`, ""},
		{"no date", value.OfBool(true), value.TypeDate, "", fault.CodeCast},

		{"text to object", text(`{"b":1,"a":[2]}`), value.TypeObject, `{"b":1,"a":[2]}`, ""},
		{"text to array", text(` [1, 2] `), value.TypeObject, `[1,2]`, ""},
		{"a number is no object", text("5"), value.TypeObject, "", fault.CodeCast},
		{"broken JSON", text("{"), value.TypeObject, "", fault.CodeCast},
		{"object as it is", object(`{"a":1}`), value.TypeObject, `{"a":1}`, ""},

		{"there is no such type", text("x"), "blob", "", fault.CodeCast},
	}
	for _, tt := range tests {
		got, err := mapping.Cast(tt.from, tt.to)
		if tt.code != "" {
			if !fault.Is(err, tt.code) {
				t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
			}
			if raw := tt.from.Raw(); raw != "" && len(raw) > 3 && strings.Contains(err.Error(), raw) {
				t.Errorf("%s: the error tells the value: %v", tt.name, err)
			}
			continue
		}
		if err != nil || string(got.AppendJSON(nil)) != tt.want {
			t.Errorf("%s: %s, %v; want %s", tt.name, got.AppendJSON(nil), err, tt.want)
		}
	}
}

// The words that the documented product uses, which people look for.
//
// Req: M-28
func TestImpreciseConversionSaysSo(t *testing.T) {
	t.Parallel()
	_, err := mapping.Cast(value.OfText("123.12345678910"), value.TypeNumber)
	if err == nil || !strings.Contains(err.Error(), "Imprecise conversion") || fault.As(err).Hint() == "" {
		t.Errorf("got %v with the hint %q", err, fault.As(err).Hint())
	}
}

func FuzzCast(f *testing.F) {
	for _, s := range []string{"", "1", "1e5", "-0.1", "2026-03-01", "true", "{}", "[[]]", "12345678901234567890.5", "0e-999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, to := range value.Types {
			v, err := mapping.Cast(value.OfText(s), to)
			if err != nil {
				continue
			}
			again, err := mapping.Cast(v, to)
			if err != nil || !again.Equal(v) {
				t.Errorf("%q as %s is %s, which casts to %s, %v", s, to, v.AppendJSON(nil), again.AppendJSON(nil), err)
			}
		}
	})
}
