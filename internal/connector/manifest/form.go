package manifest

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// conversion turns a value that is not null into the form that a field takes.
type conversion func(value.Value) (value.Value, error)

// forms are the words of Pipeline.As.
var forms = map[string]conversion{
	"text":        func(v value.Value) (value.Value, error) { return asText(v), nil },
	"integer":     asInteger,
	"number":      asNumber,
	"boolean":     asBoolean,
	"list":        func(v value.Value) (value.Value, error) { return asList(v), nil },
	"json":        asJSON,
	"iso":         timeAs(isoMillis),
	"iso_seconds": timeAs(func(t time.Time) value.Value { return value.OfText(t.Format(time.RFC3339)) }),
	"date":        timeAs(func(t time.Time) value.Value { return value.OfText(t.Format(time.DateOnly)) }),
	"unix":        timeAs(func(t time.Time) value.Value { return value.OfInt(t.Unix()) }),
	"unix_ms":     timeAs(func(t time.Time) value.Value { return value.OfInt(t.UnixMilli()) }),
}

// isoMillis is an instant to the millisecond, as 2026-01-02T03:04:05.006Z.
func isoMillis(t time.Time) value.Value {
	return value.OfText(value.OfTime(t.Truncate(time.Millisecond)).String())
}

// refuse says that a value does not fit. Values never stand in errors.
func refuse(what string, v value.Value) error {
	return fault.New(fault.CodeMappingReject, "a value of type %s is not %s", v.Kind(), what)
}

func asText(v value.Value) value.Value {
	if v.Kind() == value.Text {
		return v
	}
	return value.OfText(v.String())
}

func asInteger(v value.Value) (value.Value, error) {
	switch v.Kind() {
	case value.Int:
		return v, nil
	case value.Bool:
		return value.OfInt(int64(btoi(v.Bool()))), nil
	case value.Float:
		if f := v.Float(); f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return value.OfInt(int64(f)), nil
		}
	case value.Text, value.Decimal:
		text := strings.TrimSpace(v.Raw())
		if whole, fraction, cut := strings.Cut(text, "."); cut && strings.Trim(fraction, "0") == "" {
			text = whole
		}
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return value.OfInt(n), nil
		}
	}
	return value.Value{}, refuse("a whole number", v)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func asNumber(v value.Value) (value.Value, error) {
	switch v.Kind() {
	case value.Int, value.Decimal:
		return v, nil
	case value.Float:
		if f := v.Float(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return v, nil
		}
	case value.Text:
		text := strings.TrimSpace(v.Raw())
		if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) && !strings.ContainsAny(text, "xX_pP") {
			return value.OfNumber(strings.TrimPrefix(text, "+")), nil
		}
	}
	return value.Value{}, refuse("a number", v)
}

func asBoolean(v value.Value) (value.Value, error) {
	switch v.Kind() {
	case value.Bool:
		return v, nil
	case value.Int:
		if n := v.Int(); n == 0 || n == 1 {
			return value.OfBool(n == 1), nil
		}
	case value.Text:
		switch strings.ToLower(strings.TrimSpace(v.Raw())) {
		case "true", "t", "yes", "1":
			return value.OfBool(true), nil
		case "false", "f", "no", "0":
			return value.OfBool(false), nil
		}
	}
	return value.Value{}, refuse("true or false", v)
}

// asList splits a text at its commas; JSON text that is a list is one, and any other value is a list of itself.
func asList(v value.Value) value.Value {
	if v = v.Parsed(); v.Kind() == value.List {
		return v
	}
	if v.Kind() != value.Text {
		return value.OfList([]value.Value{v})
	}
	var items []value.Value
	for part := range strings.SplitSeq(v.Raw(), ",") {
		if part = strings.TrimSpace(part); part != "" {
			items = append(items, value.OfText(part))
		}
	}
	return value.OfList(items)
}

// asJSON parses a text that holds JSON.
func asJSON(v value.Value) (value.Value, error) {
	switch v.Kind() {
	case value.JSON:
		return v.Parsed(), nil
	case value.Text:
		parsed, err := value.ParseJSON(v.Raw())
		if err != nil {
			return value.Value{}, refuse("JSON", v)
		}
		return parsed, nil
	default:
		return v, nil
	}
}

var timeLayouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z07",
	"2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly,
}

// Numbers from this one on are milliseconds since 1970, not seconds: as seconds they would be after the year 5138.
const fromMillis = 100_000_000_000

// moment reads a time: a date is midnight UTC, a text without a zone is UTC, a number counts from 1970.
func moment(v value.Value) (time.Time, bool) {
	switch v.Kind() {
	case value.Time, value.Day:
		return v.Time().UTC(), true
	case value.Int:
		if n := v.Int(); n >= fromMillis || n <= -fromMillis {
			return time.UnixMilli(n).UTC(), true
		}
		return time.Unix(v.Int(), 0).UTC(), true
	case value.Float:
		return moment(value.OfInt(int64(v.Float())))
	case value.Text:
		text := strings.TrimSpace(v.Raw())
		for _, layout := range timeLayouts {
			if t, err := time.Parse(layout, text); err == nil {
				return t.UTC(), true
			}
		}
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && len(text) >= 9 {
			return moment(value.OfInt(n))
		}
	}
	return time.Time{}, false
}

func timeAs(form func(time.Time) value.Value) conversion {
	return func(v value.Value) (value.Value, error) {
		t, ok := moment(v)
		if !ok || t.Year() < 1 || t.Year() > 9999 {
			return value.Value{}, refuse("a time: use a timestamp, ISO 8601, or seconds or milliseconds since 1970", v)
		}
		return form(t), nil
	}
}
