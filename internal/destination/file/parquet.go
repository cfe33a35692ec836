package file

import (
	"io"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// parquetFormat writes typed columns. A value that its column cannot hold exactly refuses its row:
// nothing is rounded or cut silently.
type parquetFormat struct {
	schema  *arrow.Schema
	columns []parquetColumn
	codec   compress.Compression
}

// parquetColumn is one column: it says why a value does not fit, or adds it.
type parquetColumn interface {
	arrowType() arrow.DataType
	problem(v value.Value) string // empty when the value fits; never asked about null
	add(b array.Builder, v value.Value)
}

func newParquet(job connector.SyncJob, gzip bool) *parquetFormat {
	f := &parquetFormat{codec: compress.Codecs.Snappy}
	if gzip {
		f.codec = compress.Codecs.Gzip
	}
	fields := make([]arrow.Field, len(job.Columns))
	for i, c := range job.Columns {
		column := newColumn(c, job.Model.Schema)
		f.columns = append(f.columns, column)
		fields[i] = arrow.Field{Name: c.Name, Type: column.arrowType(), Nullable: true}
	}
	f.schema = arrow.NewSchema(fields, nil)
	return f
}

// newColumn chooses the Parquet type of a mapped column by its type and, for numbers, by what the
// source calls them.
func newColumn(c connector.TargetColumn, model value.Schema) parquetColumn {
	switch c.Type {
	case value.TypeBoolean:
		return boolColumn{}
	case value.TypeTimestamp:
		return timeColumn{}
	case value.TypeDate:
		return dayColumn{}
	case value.TypeNumber:
		native := ""
		if i := model.Index(c.From); i >= 0 && model[i].Type == value.TypeNumber {
			native = model[i].Native
		}
		return numberColumn(native)
	case value.TypeObject:
		return jsonColumn{}
	default:
		return textColumn{}
	}
}

var (
	integerType = regexp.MustCompile(`(?i)^u?(big|small|tiny|medium)?(int|integer|serial)(2|4|8|16|32|64)?( unsigned)?(\(\d+\))?( unsigned)?$`)
	decimalType = regexp.MustCompile(`(?i)^(?:decimal(?:32|64|128)?|numeric|number|dec)\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)$`)
)

// numberColumn returns INT64 for integers, DECIMAL where the source names precision and scale, and
// DOUBLE for everything else.
func numberColumn(native string) parquetColumn {
	native = strings.TrimSpace(native)
	if integerType.MatchString(native) {
		return intColumn{}
	}
	m := decimalType.FindStringSubmatch(native)
	if m == nil {
		return floatColumn{}
	}
	precision, _ := strconv.ParseInt(m[1], 10, 32) //nolint:errcheck // digits; too many of them read as a number above the limit
	scale, _ := strconv.ParseInt(m[2], 10, 32)     //nolint:errcheck // the same; absent reads as 0
	if precision < 1 || precision > 38 || scale > precision {
		return floatColumn{}
	}
	return decimalColumn{precision: int32(precision), scale: int32(scale)}
}

func (f *parquetFormat) contentType() string { return "application/vnd.apache.parquet" }

func (f *parquetFormat) encode(rows []connector.Row) (chunk, []connector.Rejection) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, f.schema)
	defer b.Release()
	b.Reserve(len(rows))
	var rejected []connector.Rejection
	for i := range rows {
		if reason := f.problem(rows[i].Values); reason != "" {
			rejected = append(rejected, connector.Rejection{Row: i, Reason: reason})
			continue
		}
		for j, v := range rows[i].Values {
			f.add(b, j, v)
		}
	}
	return chunk{record: b.NewRecordBatch()}, rejected
}

// problem says why a row does not fit.
func (f *parquetFormat) problem(values []value.Value) string {
	for j, v := range values {
		if v.IsNull() {
			continue
		}
		if p := f.columns[j].problem(v); p != "" {
			return "column " + strconv.Quote(f.schema.Field(j).Name) + ": " + p
		}
	}
	return ""
}

func (f *parquetFormat) add(b *array.RecordBuilder, column int, v value.Value) {
	if v.IsNull() {
		b.Field(column).AppendNull()
		return
	}
	f.columns[column].add(b.Field(column), v)
}

// Sizes of a row group: large enough to read well, small enough to hold in memory.
const (
	groupRows  = 1 << 20
	groupBytes = 64 << 20
)

func (f *parquetFormat) layout(w io.Writer) (layout, error) {
	props := parquet.NewWriterProperties(
		parquet.WithCompression(f.codec),
		parquet.WithMaxRowGroupLength(groupRows),
		parquet.WithCreatedBy("Millrace"),
	)
	fw, err := pqarrow.NewFileWriter(f.schema, struct{ io.Writer }{w}, props, pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, err
	}
	return &parquetLayout{w: fw}, nil
}

// parquetLayout is one Parquet file.
type parquetLayout struct {
	w *pqarrow.FileWriter
}

func (l *parquetLayout) append(c chunk, from, to int) error {
	part := c.record.NewSlice(int64(from), int64(to))
	defer part.Release()
	if err := l.w.WriteBuffered(part); err != nil {
		return err
	}
	if l.w.RowGroupTotalBytesWritten() >= groupBytes {
		return l.w.NewBufferedRowGroupChecked()
	}
	return nil
}

func (l *parquetLayout) close() error { return l.w.Close() }

type boolColumn struct{}

func (boolColumn) arrowType() arrow.DataType { return arrow.FixedWidthTypes.Boolean }

func (boolColumn) problem(v value.Value) string {
	if v.Kind() != value.Bool {
		return "a " + v.Kind().String() + " does not fit in a boolean column"
	}
	return ""
}

func (boolColumn) add(b array.Builder, v value.Value) {
	b.(*array.BooleanBuilder).Append(v.Bool()) //nolint:forcetypeassert // made for arrowType
}

type textColumn struct{}

func (textColumn) arrowType() arrow.DataType { return arrow.BinaryTypes.String }

func (textColumn) problem(v value.Value) string {
	if v.Kind() == value.Text && !utf8.ValidString(v.Raw()) {
		return "the text is not valid UTF-8, which a string column of Parquet must be"
	}
	return ""
}

func (textColumn) add(b array.Builder, v value.Value) {
	b.(*array.StringBuilder).Append(v.String()) //nolint:forcetypeassert // made for arrowType
}

// jsonColumn holds objects and arrays as JSON text.
type jsonColumn struct{}

func (jsonColumn) arrowType() arrow.DataType { return arrow.BinaryTypes.String }

func (jsonColumn) problem(value.Value) string { return "" }

func (jsonColumn) add(b array.Builder, v value.Value) {
	b.(*array.StringBuilder).Append(string(v.AppendJSON(nil))) //nolint:forcetypeassert // made for arrowType
}

type timeColumn struct{}

func (timeColumn) arrowType() arrow.DataType { return arrow.FixedWidthTypes.Timestamp_us }

func (timeColumn) problem(v value.Value) string {
	if v.Kind() != value.Time && v.Kind() != value.Day {
		return "a " + v.Kind().String() + " does not fit in a timestamp column"
	}
	return ""
}

func (timeColumn) add(b array.Builder, v value.Value) {
	b.(*array.TimestampBuilder).Append(arrow.Timestamp(v.Time().UnixMicro())) //nolint:forcetypeassert // made for arrowType
}

type dayColumn struct{}

func (dayColumn) arrowType() arrow.DataType { return arrow.FixedWidthTypes.Date32 }

func (dayColumn) problem(v value.Value) string {
	if v.Kind() != value.Day {
		return "a " + v.Kind().String() + " does not fit in a date column"
	}
	return ""
}

func (dayColumn) add(b array.Builder, v value.Value) {
	b.(*array.Date32Builder).Append(arrow.Date32(v.Days())) //nolint:forcetypeassert // made for arrowType
}

const castHint = "; cast the column to string to keep every digit"

type intColumn struct{}

func (intColumn) arrowType() arrow.DataType { return arrow.PrimitiveTypes.Int64 }

func (intColumn) problem(v value.Value) string {
	if _, ok := exactInt(v); !ok {
		return misfit(v, "an INT64 column")
	}
	return ""
}

func (intColumn) add(b array.Builder, v value.Value) {
	n, _ := exactInt(v)
	b.(*array.Int64Builder).Append(n) //nolint:forcetypeassert // made for arrowType
}

func misfit(v value.Value, column string) string {
	switch v.Kind() {
	case value.Int, value.Float, value.Decimal:
		return "the number does not fit exactly in " + column + castHint
	default:
		return "a " + v.Kind().String() + " does not fit in " + column
	}
}

// exactInt returns the 64-bit integer that a number is, if it is one.
func exactInt(v value.Value) (int64, bool) {
	switch v.Kind() {
	case value.Int:
		return v.Int(), true
	case value.Float, value.Decimal:
		n, ok := scaledInt(v, 0)
		if !ok || !n.IsInt64() {
			return 0, false
		}
		return n.Int64(), true
	default:
		return 0, false
	}
}

type floatColumn struct{}

func (floatColumn) arrowType() arrow.DataType { return arrow.PrimitiveTypes.Float64 }

// exactFloats is the range in which every integer is a float.
const exactFloats = 1 << 53

// exactDigits is how many decimal digits always survive in a float.
const exactDigits = 15

func (floatColumn) problem(v value.Value) string {
	fits := false
	switch v.Kind() {
	case value.Int:
		n := v.Int()
		fits = -exactFloats <= n && n <= exactFloats || survives(v)
	case value.Float:
		fits = true
	case value.Decimal:
		fits = len(v.Raw()) <= exactDigits && !strings.ContainsAny(v.Raw(), "eE") || survives(v)
	}
	if !fits {
		return misfit(v, "a DOUBLE column")
	}
	return ""
}

// survives reports whether the float nearest to a number is that number, or prints as it.
func survives(v value.Value) bool {
	f := v.Float()
	if math.IsInf(f, 0) {
		return false
	}
	want, ok := rational(v.String())
	if !ok {
		return false
	}
	printed, _ := rational(strconv.FormatFloat(f, 'g', -1, 64))
	return printed.Cmp(want) == 0 || new(big.Rat).SetFloat64(f).Cmp(want) == 0
}

func (floatColumn) add(b array.Builder, v value.Value) {
	b.(*array.Float64Builder).Append(v.Float()) //nolint:forcetypeassert // made for arrowType
}

type decimalColumn struct{ precision, scale int32 }

func (c decimalColumn) arrowType() arrow.DataType {
	return &arrow.Decimal128Type{Precision: c.precision, Scale: c.scale}
}

func (c decimalColumn) problem(v value.Value) string {
	if _, ok := c.unscaled(v); !ok {
		return misfit(v, "a "+c.arrowType().String()+" column")
	}
	return ""
}

func (c decimalColumn) unscaled(v value.Value) (decimal128.Num, bool) {
	n, ok := scaledInt(v, c.scale)
	if !ok || n.BitLen() > 127 {
		return decimal128.Num{}, false
	}
	d := decimal128.FromBigInt(n)
	return d, d.FitsInPrecision(c.precision)
}

func (c decimalColumn) add(b array.Builder, v value.Value) {
	d, _ := c.unscaled(v)
	b.(*array.Decimal128Builder).Append(d) //nolint:forcetypeassert // made for arrowType
}

// scaledInt returns number × 10^scale, if it is an integer.
func scaledInt(v value.Value, scale int32) (*big.Int, bool) {
	switch v.Kind() {
	case value.Int, value.Float, value.Decimal:
	default:
		return nil, false
	}
	r, ok := rational(v.String())
	if !ok {
		return nil, false
	}
	r.Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
	return r.Num(), r.IsInt()
}

// rational reads a number's text. Exponents that would take much memory are refused.
func rational(text string) (*big.Rat, bool) {
	if at := strings.IndexAny(text, "eE"); at >= 0 {
		if e, err := strconv.Atoi(text[at+1:]); err != nil || e > 400 || e < -400 {
			return nil, false
		}
	}
	return new(big.Rat).SetString(text)
}
