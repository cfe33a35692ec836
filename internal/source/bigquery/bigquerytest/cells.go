package bigquerytest

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/value"
	rest "google.golang.org/api/bigquery/v2"
)

// cell is a value as a page of JSON has it.
func cell(f *rest.TableFieldSchema, a arrow.Array, i int) (any, error) {
	if list, ok := a.(array.ListLike); ok && f.Mode == "REPEATED" {
		one := *f
		one.Mode = "NULLABLE"
		items := []any{} // a list that is null is an empty one
		if a.IsNull(i) {
			return items, nil
		}
		start, end := list.ValueOffsets(i)
		for at := start; at < end; at++ {
			v, err := cell(&one, list.ListValues(), int(at))
			if err != nil {
				return nil, err
			}
			items = append(items, map[string]any{"v": v})
		}
		return items, nil
	}
	if a.IsNull(i) {
		return nil, nil
	}
	if members, ok := a.(*array.Struct); ok && f.Type == "RECORD" {
		cells := []any{}
		for n, inner := range f.Fields {
			v, err := cell(inner, members.Field(n), i)
			if err != nil {
				return nil, err
			}
			cells = append(cells, map[string]any{"v": v})
		}
		return map[string]any{"f": cells}, nil
	}
	return text(f, a, i)
}

// text is a scalar's text: https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/getQueryResults
func text(f *rest.TableFieldSchema, a arrow.Array, i int) (string, error) {
	switch a := a.(type) {
	case array.ExtensionArray:
		return text(f, a.Storage(), i)
	case *array.Float64:
		return float(a.Value(i)), nil
	case *array.Binary:
		return base64.StdEncoding.EncodeToString(a.Value(i)), nil
	case *array.String:
		return strings.Clone(a.Value(i)), nil // the batch ends before it
	case *array.Timestamp:
		if f.Type == "TIMESTAMP" {
			return strconv.FormatInt(int64(a.Value(i)), 10), nil
		}
		return time.UnixMicro(int64(a.Value(i))).UTC().Format("2006-01-02T15:04:05.999999"), nil
	case *array.Time64:
		return time.UnixMicro(int64(a.Value(i))).UTC().Format("15:04:05.999999"), nil
	case *array.MonthDayNanoInterval:
		return interval(a.Value(i)), nil
	case *array.Decimal128, *array.Int64, *array.Boolean, *array.Date32:
		read, err := value.NewReader(arrow.Field{Type: a.DataType()}, a)
		if err != nil {
			return "", err
		}
		plain := read(i).String()
		if a.DataType().ID() == arrow.DECIMAL128 && strings.Contains(plain, ".") {
			plain = strings.TrimSuffix(strings.TrimRight(plain, "0"), ".")
		}
		return plain, nil
	default:
		return "", fmt.Errorf("the stand-in cannot write %s", a.DataType())
	}
}

func float(n float64) string {
	switch {
	case math.IsNaN(n):
		return "NaN"
	case math.IsInf(n, 1):
		return "Infinity"
	case math.IsInf(n, -1):
		return "-Infinity"
	default:
		return strconv.FormatFloat(n, 'g', -1, 64)
	}
}

func interval(v arrow.MonthDayNanoInterval) string {
	sign, nanos := "", v.Nanoseconds
	if nanos < 0 {
		sign, nanos = "-", -nanos
	}
	months := ""
	if v.Months < 0 {
		months, v.Months = "-", -v.Months
	}
	whole := nanos / 1e9
	text := fmt.Sprintf("%s%d-%d %d %s%d:%d:%d", months, v.Months/12, v.Months%12, v.Days, sign, whole/3600, whole/60%60, whole%60)
	if part := nanos % 1e9; part != 0 {
		text += fmt.Sprintf(".%06d", part/1000)
	}
	return text
}
