package databricks

import (
	"context"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// convert turns a column as it came into one of the type that the description promised. What the two have in common is
// taken as it is; the caller releases the result.
func convert(want arrow.Field, got arrow.Field, col arrow.Array) (arrow.Array, error) {
	out, err := converted(want, got, col)
	if err == nil && !valid(out) {
		out.Release()
		return nil, fault.New(fault.CodeSourceType, "the column %s has a text that is no UTF-8", strconv.Quote(want.Name)).
			WithSuggestion("Repair it in the query with make_valid_utf8, or take its bytes with CAST(… AS BINARY).")
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeSourceType, "reading the column %s", strconv.Quote(want.Name))
	}
	return out, nil
}

func converted(want arrow.Field, got arrow.Field, col arrow.Array) (arrow.Array, error) {
	switch {
	case arrow.TypeEqual(want.Type, col.DataType()):
		col.Retain()
		return col, nil
	case col.DataType().ID() == arrow.NULL:
		return array.MakeArrayOfNull(memory.DefaultAllocator, want.Type, col.Len()), nil
	case want.Type.ID() == arrow.TIMESTAMP && col.DataType().ID() == arrow.TIMESTAMP:
		return convertTime(want.Type, col)
	case want.Type.ID() == arrow.DECIMAL128:
		return convertDecimal(want.Type, col)
	case want.Type.ID() == arrow.STRING && jsonOf(want):
		return convertNested(got, col)
	case want.Type.ID() == arrow.STRING:
		return convertText(col)
	case want.Type.ID() == arrow.BINARY && col.DataType().ID() == arrow.LARGE_BINARY:
		return compute.CastArray(context.Background(), col, compute.SafeCastOptions(want.Type))
	default:
		return nil, unexpected(want.Type, col)
	}
}

// valid reports whether texts are UTF-8, which the warehouse does not see to:
// https://docs.databricks.com/aws/en/sql/language-manual/functions/is_valid_utf8
func valid(col arrow.Array) bool {
	texts, ok := col.(*array.String)
	if !ok {
		return true
	}
	for i := range texts.Len() {
		if !utf8.ValidString(texts.Value(i)) && !texts.IsNull(i) {
			return false
		}
	}
	return true
}

func unexpected(want arrow.DataType, col arrow.Array) error {
	return fmt.Errorf("it arrived as %s, which is not read as %s", col.DataType(), want)
}

func jsonOf(f arrow.Field) bool {
	t, _ := f.Metadata.GetValue(value.MetaType)
	return t == string(value.TypeObject)
}

// convertTime changes what a type says of instants, not the instants: the zone of a column is only how it is shown.
func convertTime(want arrow.DataType, col arrow.Array) (arrow.Array, error) {
	if col.DataType().(*arrow.TimestampType).Unit != arrow.Microsecond { //nolint:forcetypeassert // the array's own type
		return nil, unexpected(want, col)
	}
	d := col.Data()
	as := array.NewData(want, d.Len(), d.Buffers(), nil, d.NullN(), d.Offset())
	defer as.Release()
	return array.MakeFromData(as), nil
}

// convertDecimal reads decimals that came as texts, or in a wider type; none loses a digit.
func convertDecimal(want arrow.DataType, col arrow.Array) (arrow.Array, error) {
	t := want.(*arrow.Decimal128Type) //nolint:forcetypeassert // asked before
	texts, ok := col.(*array.String)
	if !ok {
		return nil, unexpected(want, col)
	}
	b := array.NewDecimal128Builder(memory.DefaultAllocator, t)
	defer b.Release()
	for i := range texts.Len() {
		if texts.IsNull(i) {
			b.AppendNull()
			continue
		}
		n, err := decimal128.FromString(texts.Value(i), t.Precision, t.Scale)
		if err != nil || n.ToString(t.Scale) != texts.Value(i) {
			return nil, fmt.Errorf("a number does not fit in %s", want)
		}
		b.Append(n)
	}
	return b.NewArray(), nil
}

// convertNested writes lists, maps and structures as JSON.
func convertNested(got arrow.Field, col arrow.Array) (arrow.Array, error) {
	if _, ok := col.(array.StringLike); ok {
		return convertText(col)
	}
	read, err := value.NewReader(got, col)
	if err != nil {
		return nil, err
	}
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	var text []byte
	for i := range col.Len() {
		if col.IsNull(i) {
			b.AppendNull()
			continue
		}
		text = read(i).AppendJSON(text[:0])
		b.Append(string(text))
	}
	return b.NewArray(), nil
}

// convertText writes other forms of texts, and intervals, as texts.
func convertText(col arrow.Array) (arrow.Array, error) {
	at, err := textOf(col)
	if err != nil {
		return nil, err
	}
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	for i := range col.Len() {
		if col.IsNull(i) {
			b.AppendNull()
		} else {
			b.Append(at(i))
		}
	}
	return b.NewArray(), nil
}

func textOf(col arrow.Array) (func(int) string, error) {
	switch a := col.(type) {
	case array.StringLike:
		return a.Value, nil
	case *array.MonthInterval:
		return func(i int) string { return yearMonth(int64(a.Value(i))) }, nil
	case *array.Duration:
		unit := a.DataType().(*arrow.DurationType).Unit //nolint:forcetypeassert // the array's own type
		return func(i int) string { return dayTime(time.Duration(a.Value(i)) * unit.Multiplier()) }, nil
	default:
		return nil, unexpected(arrow.BinaryTypes.String, col)
	}
}

// yearMonth writes an interval of months as the warehouse does: 1-2 is a year and two months.
func yearMonth(months int64) string {
	sign := ""
	if months < 0 {
		sign, months = "-", -months
	}
	return fmt.Sprintf("%s%d-%d", sign, months/12, months%12)
}

// dayTime writes an interval of days as the warehouse does: 3 04:05:06.789000000.
func dayTime(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	return fmt.Sprintf("%s%d %02d:%02d:%02d.%09d", sign, d/(24*time.Hour), d/time.Hour%24, d/time.Minute%60, d/time.Second%60, d%time.Second)
}
