package value

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Flatten returns a reader of the named columns of r, in that order (all of them when names is nil),
// in which every column is a scalar: boolean, an integer, float64, decimal128, string, binary, date32
// or timestamp in microseconds without a zone (UTC). Objects, arrays and JSON become canonical JSON
// text (CanonicalJSON), text that claims to be JSON and is not becomes a JSON string, and invalid
// UTF-8 becomes U+FFFD, since a bad value must never stop a run. SchemaOf says the same of the
// returned reader as of r. The returned reader owns a reference to r.
func Flatten(r array.RecordReader, names []string) (array.RecordReader, error) {
	in := r.Schema()
	f := &flatReader{in: r}
	f.refs.Store(1)
	fields, err := f.plan(in, names)
	if err != nil {
		return nil, err
	}
	meta := in.Metadata()
	f.schema = arrow.NewSchema(fields, &meta)
	r.Retain()
	return f, nil
}

// flatten turns one column into another; it returns an array that the caller releases.
type flatten func(arrow.Array) (arrow.Array, error)

type flatReader struct {
	refs    atomic.Int64
	in      array.RecordReader
	schema  *arrow.Schema
	pick    []int
	convert []flatten
	batch   arrow.RecordBatch
	err     error
}

func (f *flatReader) plan(in *arrow.Schema, names []string) ([]arrow.Field, error) {
	if names == nil {
		for _, field := range in.Fields() {
			names = append(names, field.Name)
		}
	}
	fields := make([]arrow.Field, len(names))
	for i, name := range names {
		at := in.FieldIndices(name)
		if len(at) != 1 {
			return nil, fmt.Errorf("the rows have %d columns called %q", len(at), name)
		}
		field, convert, err := flatField(in.Field(at[0]))
		if err != nil {
			return nil, err
		}
		fields[i] = field
		f.pick, f.convert = append(f.pick, at[0]), append(f.convert, convert)
	}
	return fields, nil
}

// flatField says what becomes of a column. A nil flatten passes it on.
func flatField(f arrow.Field) (arrow.Field, flatten, error) {
	t, err := typeOf(f)
	if err != nil {
		return f, nil, err
	}
	flat, convert := flatType(f, t)
	f.Metadata = flatMetadata(f, t, flat)
	f.Type = flat
	return f, convert, nil
}

// flatMetadata keeps what SchemaOf would say of the original column.
func flatMetadata(f arrow.Field, t Type, flat arrow.DataType) arrow.Metadata {
	native, _ := f.Metadata.GetValue(MetaNative)
	if native == "" {
		native = f.Type.String()
	}
	keys, values := []string{MetaNative}, []string{native}
	if plain, err := typeOf(arrow.Field{Type: flat}); err != nil || plain != t {
		keys, values = append(keys, MetaType), append(values, string(t))
	}
	return arrow.NewMetadata(keys, values)
}

func flatType(f arrow.Field, t Type) (arrow.DataType, flatten) {
	if t == TypeObject {
		return arrow.BinaryTypes.String, jsonFlatten(f)
	}
	switch d := f.Type.(type) {
	case *arrow.StringType, *arrow.LargeStringType:
		return arrow.BinaryTypes.String, flattenText
	case *arrow.TimestampType:
		return &arrow.TimestampType{Unit: arrow.Microsecond}, timestampFlatten(d.Unit)
	case *arrow.Decimal128Type:
		if d.Scale < 0 || d.Scale > d.Precision {
			return arrow.BinaryTypes.String, textFlatten(f)
		}
		return d, nil
	case arrow.ExtensionType:
		return arrow.BinaryTypes.String, textFlatten(f)
	}
	return flatScalar(f)
}

func flatScalar(f arrow.Field) (arrow.DataType, flatten) {
	switch f.Type.ID() {
	case arrow.BOOL, arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16,
		arrow.UINT32, arrow.UINT64, arrow.FLOAT64, arrow.DATE32, arrow.BINARY, arrow.LARGE_BINARY:
		return f.Type, nil
	case arrow.FLOAT16, arrow.FLOAT32:
		return arrow.PrimitiveTypes.Float64, flattenFloat
	case arrow.DATE64:
		return arrow.FixedWidthTypes.Date32, flattenDate
	case arrow.FIXED_SIZE_BINARY, arrow.BINARY_VIEW:
		return arrow.BinaryTypes.Binary, flattenBytes
	case arrow.NULL:
		return arrow.BinaryTypes.String, flattenNulls
	case arrow.DECIMAL32, arrow.DECIMAL64:
		return arrow.BinaryTypes.String, flattenPrinted
	default:
		return arrow.BinaryTypes.String, textFlatten(f)
	}
}

// flattenText passes valid UTF-8 on without copying it.
func flattenText(col arrow.Array) (arrow.Array, error) {
	text, ok := col.(*array.String)
	if ok && validText(text) {
		col.Retain()
		return col, nil
	}
	at, err := NewReader(arrow.Field{Type: col.DataType()}, col)
	if err != nil {
		return nil, err
	}
	return buildText(col, func(dst []byte, row int) []byte { return appendValid(dst, at(row).Raw()) }), nil
}

func validText(a *array.String) bool {
	if isASCII(a.ValueBytes()) {
		return true
	}
	for i := range a.Len() {
		if !utf8.ValidString(a.Value(i)) {
			return false
		}
	}
	return true
}

func isASCII(b []byte) bool {
	for len(b) >= 8 {
		if (b[0]|b[1]|b[2]|b[3]|b[4]|b[5]|b[6]|b[7])&0x80 != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func appendValid(dst []byte, s string) []byte {
	if utf8.ValidString(s) {
		return append(dst, s...)
	}
	for _, r := range s {
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// buildText makes a string column; write is called for rows that are not null.
func buildText(col arrow.Array, write func(dst []byte, row int) []byte) arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	b.Reserve(col.Len())
	var scratch []byte
	for i := range col.Len() {
		if col.IsNull(i) {
			b.AppendNull()
			continue
		}
		scratch = write(scratch[:0], i)
		b.BinaryBuilder.Append(scratch)
	}
	return b.NewArray()
}

// textFlatten prints values as Value.String does.
func textFlatten(f arrow.Field) flatten {
	return func(col arrow.Array) (arrow.Array, error) {
		at, err := NewReader(f, col)
		if err != nil {
			return nil, err
		}
		return buildText(col, func(dst []byte, row int) []byte {
			return appendValid(dst, at(row).String())
		}), nil
	}
}

// flattenNulls is for columns without a type, whose IsNull says false.
func flattenNulls(col arrow.Array) (arrow.Array, error) {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	b.AppendNulls(col.Len())
	return b.NewArray(), nil
}

// flattenPrinted is for types that a Reader does not know.
func flattenPrinted(col arrow.Array) (arrow.Array, error) {
	return buildText(col, func(dst []byte, row int) []byte { return append(dst, col.ValueStr(row)...) }), nil
}

// jsonFlatten writes objects, arrays and JSON text canonically.
func jsonFlatten(f arrow.Field) flatten {
	return func(col arrow.Array) (arrow.Array, error) {
		at, err := NewReader(f, col)
		if err != nil {
			return nil, err
		}
		return buildText(col, func(dst []byte, row int) []byte { return appendCanonical(dst, at(row)) }), nil
	}
}

func appendCanonical(dst []byte, v Value) []byte {
	switch v.kind {
	case List, Map:
		return sorted(v).AppendJSON(dst)
	case Text, Bytes, JSON:
		text, err := CanonicalJSON(v.s)
		if err != nil {
			return AppendJSONString(dst, v.s)
		}
		return append(dst, text...)
	default:
		return v.AppendJSON(dst)
	}
}

func flattenFloat(col arrow.Array) (arrow.Array, error) {
	at := floatReader(col)
	b := array.NewFloat64Builder(memory.DefaultAllocator)
	defer b.Release()
	b.Reserve(col.Len())
	for i := range col.Len() {
		if v := at(i); col.IsNull(i) || v.IsNull() {
			b.AppendNull()
		} else {
			b.Append(v.Float())
		}
	}
	return b.NewArray(), nil
}

func floatReader(col arrow.Array) Reader {
	switch a := col.(type) {
	case *array.Float16:
		return func(r int) Value { return ofFloat32(a.Value(r).Float32()) }
	case *array.Float32:
		return func(r int) Value { return ofFloat32(a.Value(r)) }
	default:
		return func(int) Value { return Value{} }
	}
}

func flattenDate(col arrow.Array) (arrow.Array, error) {
	at := timeReader(arrow.Field{}, col)
	b := array.NewDate32Builder(memory.DefaultAllocator)
	defer b.Release()
	b.Reserve(col.Len())
	for i := range col.Len() {
		if col.IsNull(i) {
			b.AppendNull()
		} else {
			b.Append(arrow.Date32(at(i).Days()))
		}
	}
	return b.NewArray(), nil
}

func flattenBytes(col arrow.Array) (arrow.Array, error) {
	b := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	defer b.Release()
	b.Reserve(col.Len())
	for i := range col.Len() {
		switch a := col.(type) {
		case *array.FixedSizeBinary:
			appendBytes(b, a.IsNull(i), a.Value(i))
		case *array.BinaryView:
			appendBytes(b, a.IsNull(i), a.Value(i))
		}
	}
	return b.NewArray(), nil
}

func appendBytes(b *array.BinaryBuilder, null bool, bytes []byte) {
	if null {
		b.AppendNull()
		return
	}
	b.Append(bytes)
}

// timestampFlatten returns the conversion to microseconds without a zone. Instants already in
// microseconds keep their memory.
func timestampFlatten(unit arrow.TimeUnit) flatten {
	if unit == arrow.Microsecond {
		return func(col arrow.Array) (arrow.Array, error) {
			d := col.Data()
			data := array.NewData(&arrow.TimestampType{Unit: arrow.Microsecond}, d.Len(), d.Buffers(), nil, d.NullN(), d.Offset())
			defer data.Release()
			return array.MakeFromData(data), nil
		}
	}
	return func(col arrow.Array) (arrow.Array, error) {
		at := timeReader(arrow.Field{}, col)
		if at == nil {
			return nil, fmt.Errorf("a timestamp column has the time zone of %s, which is not known", col.DataType())
		}
		b := array.NewTimestampBuilder(memory.DefaultAllocator, &arrow.TimestampType{Unit: arrow.Microsecond})
		defer b.Release()
		b.Reserve(col.Len())
		for i := range col.Len() {
			if col.IsNull(i) {
				b.AppendNull()
			} else {
				b.Append(arrow.Timestamp(at(i).Micros()))
			}
		}
		return b.NewArray(), nil
	}
}

// Schema returns the columns after flattening.
func (f *flatReader) Schema() *arrow.Schema { return f.schema }

// Next reads a batch.
func (f *flatReader) Next() bool {
	f.drop()
	if f.err != nil || !f.in.Next() {
		return false
	}
	f.batch, f.err = f.flat(f.in.RecordBatch())
	return f.err == nil
}

func (f *flatReader) flat(in arrow.RecordBatch) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, len(f.pick))
	defer func() {
		for _, c := range columns {
			if c != nil {
				c.Release()
			}
		}
	}()
	for i, at := range f.pick {
		col, err := f.column(i, in.Column(at))
		if err != nil {
			return nil, fmt.Errorf("reading column %s: %w", strconv.Quote(f.schema.Field(i).Name), err)
		}
		columns[i] = col
	}
	return array.NewRecordBatch(f.schema, columns, in.NumRows()), nil
}

func (f *flatReader) column(i int, col arrow.Array) (arrow.Array, error) {
	if f.convert[i] == nil {
		col.Retain()
		return col, nil
	}
	return f.convert[i](col)
}

// RecordBatch returns the batch that Next read; it is valid until the next call of Next.
func (f *flatReader) RecordBatch() arrow.RecordBatch { return f.batch }

// Record is RecordBatch under its former name, which array.RecordReader still asks for.
func (f *flatReader) Record() arrow.RecordBatch { return f.batch }

// Err returns what ended the rows early.
func (f *flatReader) Err() error {
	if f.err != nil {
		return f.err
	}
	return f.in.Err()
}

// Retain adds a reference.
func (f *flatReader) Retain() { f.refs.Add(1) }

// Release drops a reference; the last one releases the reader beneath.
func (f *flatReader) Release() {
	if f.refs.Add(-1) == 0 {
		f.drop()
		f.in.Release()
	}
}

func (f *flatReader) drop() {
	if f.batch != nil {
		f.batch.Release()
		f.batch = nil
	}
}

var _ array.RecordReader = (*flatReader)(nil)
