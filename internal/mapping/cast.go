package mapping

import (
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Cast converts a value to a column type (M-25). Null stays null. A value that cannot be converted
// is a row error with fault.CodeCast, or fault.CodeImprecise for a number that a double cannot hold
// (M-28); the message does not contain the value.
func Cast(v value.Value, to value.Type) (value.Value, error) {
	if v.IsNull() {
		return v, nil
	}
	switch to {
	case value.TypeString:
		return toText(v), nil
	case value.TypeNumber:
		return toNumber(v)
	case value.TypeBoolean:
		return toBool(v)
	case value.TypeTimestamp:
		return toTimestamp(v)
	case value.TypeDate:
		return toDate(v)
	case value.TypeObject:
		return toObject(v)
	default:
		return value.Value{}, fault.New(fault.CodeCast, "there is no type %q to cast to", to)
	}
}

func castError(v value.Value, to value.Type) error {
	return fault.New(fault.CodeCast, "a %s value cannot be cast to %s", v.Kind(), to)
}

func toText(v value.Value) value.Value {
	if v.Kind() == value.Text {
		return v
	}
	return value.OfText(v.String())
}

func toNumber(v value.Value) (value.Value, error) {
	switch v.Kind() {
	case value.Int, value.Float:
		return v, nil
	case value.Bool:
		return value.OfInt(boolInt(v.Bool())), nil
	case value.Time:
		return value.OfInt(v.Micros() / 1000), nil
	case value.Text, value.Decimal:
		return parseNumber(v)
	default:
		return value.Value{}, castError(v, value.TypeNumber)
	}
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// parseNumber reads a number's text, and refuses one that a double holds only roughly.
func parseNumber(v value.Value) (value.Value, error) {
	text := strings.TrimSpace(v.Raw())
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return value.OfInt(i), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !isDecimalText(text) {
		return value.Value{}, castError(v, value.TypeNumber)
	}
	if !precise(text, f) {
		return value.Value{}, fault.New(fault.CodeImprecise, "Imprecise conversion: a number of the column has more digits than a double holds")
	}
	return value.OfFloat(f), nil
}

// isDecimalText keeps out what ParseFloat takes and a warehouse does not mean: hexadecimal, Inf, underscores.
func isDecimalText(text string) bool {
	return strings.Trim(text, "0123456789+-.eE") == ""
}

// The digits within which a decimal number survives a round trip through a double. IEEE 754 promises 15
// significant ones; more than ten behind the point are refused as well unless they are held exactly,
// since they come from computations whose last digits matter to those who keep them (M-28).
const (
	maxSignificant = 15
	maxFraction    = 10
)

func precise(text string, f float64) bool {
	significant, fraction := countDigits(text)
	if f == 0 && significant > 0 {
		return false // too small for a double
	}
	if significant <= maxSignificant && fraction <= maxFraction {
		return true
	}
	want, ok := new(big.Rat).SetString(text)
	return ok && new(big.Rat).SetFloat64(f).Cmp(want) == 0
}

// countDigits returns the significant digits of a number's text and the digits behind its point.
func countDigits(text string) (significant, fraction int) {
	mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
	whole, frac, _ := strings.Cut(strings.TrimLeft(mantissa, "+-"), ".")
	return len(strings.TrimLeft(whole+frac, "0")), len(frac)
}

func toBool(v value.Value) (value.Value, error) {
	switch v.Kind() {
	case value.Bool:
		return v, nil
	case value.Int:
		if v.Int() == 0 || v.Int() == 1 {
			return value.OfBool(v.Int() == 1), nil
		}
	case value.Text:
		switch strings.ToLower(strings.TrimSpace(v.Raw())) {
		case "true", "t", "1", "yes":
			return value.OfBool(true), nil
		case "false", "f", "0", "no":
			return value.OfBool(false), nil
		}
	}
	return value.Value{}, castError(v, value.TypeBoolean)
}

var timestampLayouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999Z07", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly,
}

// maxMillis bounds timestamps from numbers to the years that ISO 8601 writes with four digits.
const maxMillis = 253_402_300_799_999

// toTimestamp reads ISO 8601 text (without a zone: UTC), dates (midnight UTC) and numbers
// (milliseconds since 1970 UTC).
func toTimestamp(v value.Value) (value.Value, error) {
	switch v.Kind() {
	case value.Time:
		return v, nil
	case value.Day:
		return value.OfTime(v.Time()), nil
	case value.Int:
		if ms := v.Int(); ms >= -maxMillis && ms <= maxMillis {
			return value.OfMicros(ms * 1000), nil
		}
	case value.Text:
		text := strings.TrimSpace(v.Raw())
		for _, layout := range timestampLayouts {
			if t, err := time.Parse(layout, text); err == nil {
				return value.OfTime(t), nil
			}
		}
	}
	return value.Value{}, castError(v, value.TypeTimestamp)
}

func toDate(v value.Value) (value.Value, error) {
	if v.Kind() == value.Day {
		return v, nil
	}
	t, err := toTimestamp(v)
	if err != nil {
		return value.Value{}, castError(v, value.TypeDate)
	}
	days := t.Time().Unix() / 86400
	if t.Time().Unix()%86400 < 0 {
		days--
	}
	return value.OfDay(int32(days)), nil
}

func toObject(v value.Value) (value.Value, error) {
	switch v.Kind() {
	case value.JSON, value.List, value.Map:
		return v, nil
	case value.Text:
		p, err := value.ParseJSON(v.Raw())
		if err == nil && (p.Kind() == value.List || p.Kind() == value.Map) {
			return p, nil
		}
	}
	return value.Value{}, castError(v, value.TypeObject)
}
