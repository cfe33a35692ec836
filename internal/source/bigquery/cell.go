package bigquery

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/value"
	rest "google.golang.org/api/bigquery/v2"
)

var errCell = errors.New("BigQuery's value has another form than its type")

// cellValue reads a cell of a page of JSON: a text, for structs {"f": [{"v": …}]}, for arrays [{"v": …}].
// https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/getQueryResults
func cellValue(f *rest.TableFieldSchema, cell any) (value.Value, error) {
	if cell == nil {
		return value.Value{}, nil
	}
	if f.Mode == modeRepeated {
		return cellList(f, cell)
	}
	if baseOf(f) == typeStruct {
		return cellStruct(f, cell)
	}
	text, ok := cell.(string)
	if !ok {
		return value.Value{}, errCell
	}
	return textValue(baseOf(f), rangeElement(f), text)
}

func cellList(f *rest.TableFieldSchema, cell any) (value.Value, error) {
	items, ok := cell.([]any)
	if !ok {
		return value.Value{}, errCell
	}
	one := item(f)
	list := make([]value.Value, len(items))
	for i, wrapped := range items {
		m, ok := wrapped.(map[string]any)
		if !ok {
			return value.Value{}, errCell
		}
		var err error
		if list[i], err = cellValue(one, m["v"]); err != nil {
			return value.Value{}, err
		}
	}
	return value.OfList(list), nil
}

// item is a repeated field's item.
func item(f *rest.TableFieldSchema) *rest.TableFieldSchema {
	one := *f
	one.Mode = ""
	return &one
}

func cellStruct(f *rest.TableFieldSchema, cell any) (value.Value, error) {
	m, ok := cell.(map[string]any)
	if !ok {
		return value.Value{}, errCell
	}
	members, ok := m["f"].([]any)
	if !ok || len(members) != len(f.Fields) {
		return value.Value{}, errCell
	}
	fields := make([]value.Field, len(members))
	for i, inner := range f.Fields {
		wrapped, ok := members[i].(map[string]any)
		if !ok {
			return value.Value{}, errCell
		}
		v, err := cellValue(inner, wrapped["v"])
		if err != nil {
			return value.Value{}, err
		}
		fields[i] = value.Field{Name: inner.Name, Value: v}
	}
	return value.OfMap(fields), nil
}

func rangeElement(f *rest.TableFieldSchema) string {
	if f.RangeElementType == nil {
		return ""
	}
	return strings.ToUpper(f.RangeElementType.Type)
}

// textValue reads the text of a scalar; element is the type of a range's ends.
func textValue(base, element, text string) (value.Value, error) {
	switch base {
	case typeInt64:
		n, err := strconv.ParseInt(text, 10, 64)
		return value.OfInt(n), err
	case typeFloat64:
		n, err := strconv.ParseFloat(text, 64) // NaN and the infinities too
		return value.OfFloat(n), err
	case typeNumeric, typeBigNumeric:
		return value.OfNumber(shortest(text)), nil
	case typeBool:
		b, err := strconv.ParseBool(text)
		return value.OfBool(b), err
	case typeBytes:
		b, err := base64.StdEncoding.DecodeString(text)
		return value.OfBytes(b), err
	case typeDate:
		t, err := time.Parse(time.DateOnly, text)
		return value.OfDay(int32(t.Unix() / secondsOfDay)), err
	case typeDatetime:
		t, err := time.Parse("2006-01-02T15:04:05.999999", text)
		return value.OfTime(t), err
	case typeTimestamp:
		n, err := strconv.ParseInt(text, 10, 64) // microseconds, which we ask for
		return value.OfMicros(n), err
	case typeTime:
		n, err := clock(text)
		return clockValue(n), err
	case typeJSON:
		return value.ParseJSON(text)
	case typeInterval:
		return intervalText(text)
	case typeRange:
		return rangeValue(element, text)
	default:
		return value.OfText(text), nil
	}
}

const secondsOfDay = 86_400

// shortest removes zeros at the end of a decimal: the Storage Read API sends a fixed number of digits, pages of JSON
// no more than there are.
func shortest(text string) string {
	if !strings.Contains(text, ".") {
		return text
	}
	text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	if text == "-0" {
		return "0"
	}
	return text
}

// clock reads a time of day, in microseconds.
func clock(text string) (int64, error) {
	t, err := time.Parse("15:04:05.999999", text)
	return t.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)).Microseconds(), err
}

// clockValue writes a time of day as value does where it is a column.
func clockValue(micros int64) value.Value {
	t := time.UnixMicro(micros).UTC()
	if micros%int64(time.Second/time.Microsecond) == 0 {
		return value.OfText(t.Format(time.TimeOnly))
	}
	return value.OfText(t.Format("15:04:05.000000"))
}

const unbounded = "UNBOUNDED"

// rangeValue reads [start, end): https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#range_type
func rangeValue(element, text string) (value.Value, error) {
	inside, ok := strings.CutPrefix(text, "[")
	start, end, both := strings.Cut(strings.TrimSuffix(inside, ")"), ", ")
	if !ok || !both || !strings.HasSuffix(text, ")") {
		return value.Value{}, errCell
	}
	var ends [2]value.Value
	for i, part := range []string{start, end} {
		if part == unbounded || part == "NULL" {
			continue
		}
		var err error
		if ends[i], err = textValue(element, "", part); err != nil {
			return value.Value{}, err
		}
	}
	return rangeOf(ends[0], ends[1]), nil
}

// rangeOf writes a range; null is an end without a bound.
func rangeOf(start, end value.Value) value.Value {
	text := func(v value.Value) string {
		if v.IsNull() {
			return unbounded
		}
		return v.String()
	}
	return value.OfText(fmt.Sprintf("[%s, %s)", text(start), text(end)))
}
