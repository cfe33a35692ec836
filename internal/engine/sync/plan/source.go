package plan

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// source is the rows of a model on their way to the stage file. Either they stream through Arrow, or
// DuckDB reads them from a file by itself.
type source struct {
	layout Layout
	key    string   // SQL of the key as text
	values []string // SQL of the kept columns

	rows    *numbered // the stream, or nil
	file    string    // the file, or empty
	fileRow int64
	closers []io.Closer
}

// openSource decides how the rows are read.
func openSource(in StageInput) (*source, error) {
	if in.File == "" {
		return streamSource(in, in.Reader)
	}
	p, err := openParquet(in.File)
	if err != nil {
		return nil, err
	}
	if src, ok, err := fileSource(in, p); ok || err != nil {
		return src, errors.Join(err, p.Close())
	}
	reader, err := p.stream(in.Schema)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	defer reader.Release()
	src, err := streamSource(in, reader)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	src.closers = append(src.closers, p)
	return src, nil
}

// streamSource flattens the rows on their way.
func streamSource(in StageInput, r array.RecordReader) (*source, error) {
	schema, err := value.SchemaOf(r.Schema())
	if err != nil {
		return nil, err
	}
	kept, err := in.Kept(schema.Names())
	if err != nil {
		return nil, err
	}
	l, err := in.Layout(schema, kept)
	if err != nil {
		return nil, err
	}
	flat, err := value.Flatten(r, withKey(kept, in.PrimaryKey))
	if err != nil {
		return nil, err
	}
	defer flat.Release()
	src := &source{layout: l, rows: newNumbered(flat, slices.Index(withKey(kept, in.PrimaryKey), in.PrimaryKey))}
	src.describe(flat.Schema().Fields()[:len(kept)], func(i int) string { return "s" + strconv.Itoa(i) })
	src.key = src.rows.keySQL()
	return src, nil
}

func withKey(kept []string, key string) []string {
	if slices.Contains(kept, key) {
		return kept
	}
	return append(slices.Clone(kept), key)
}

// fileSource lets DuckDB read the file, when its columns need nothing that only Flatten does.
func fileSource(in StageInput, p *parquetFile) (*source, bool, error) {
	schema, err := p.columns(in.Schema)
	if err != nil {
		return nil, false, err
	}
	kept, err := in.Kept(schema.Names())
	if err != nil {
		return nil, false, err
	}
	l, err := in.Layout(schema, kept)
	if err != nil {
		return nil, false, err
	}
	var fields []arrow.Field
	for _, name := range withKey(kept, in.PrimaryKey) {
		f, plain := p.plain(name, schema)
		if !plain {
			return nil, false, nil
		}
		fields = append(fields, f)
	}
	at := slices.Index(withKey(kept, in.PrimaryKey), in.PrimaryKey)
	if !printsAsText(fields[at]) {
		return nil, false, nil
	}
	src := &source{layout: l, file: in.File, fileRow: p.rows()}
	src.describe(fields[:len(kept)], func(i int) string { return query.DuckDB.Ident(kept[i]) })
	src.key = query.DuckDB.Ident(in.PrimaryKey) + "::VARCHAR"
	return src, true, nil
}

// describe derives the SQL and the type of every kept column.
func (src *source) describe(fields []arrow.Field, name func(int) string) {
	for i, f := range fields {
		physical := physicalType(f.Type)
		src.layout.Physical = append(src.layout.Physical, physical)
		src.values = append(src.values, normalised(name(i), physical))
	}
}

// physicalType is the type that a flat column has in staged files. Integers share one, so that a source
// that widens a column changes no row.
func physicalType(t arrow.DataType) string {
	switch t := t.(type) {
	case *arrow.BooleanType:
		return "BOOLEAN"
	case *arrow.Uint64Type:
		return "UBIGINT"
	case *arrow.Float64Type:
		return "DOUBLE"
	case *arrow.Decimal128Type:
		return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale)
	case *arrow.Date32Type:
		return "DATE"
	case *arrow.TimestampType:
		return "TIMESTAMP"
	case *arrow.BinaryType, *arrow.LargeBinaryType:
		return "BLOB"
	case *arrow.StringType, *arrow.LargeStringType:
		return "VARCHAR"
	default:
		return "BIGINT"
	}
}

// normalised makes equal values equal bits: there is one zero, and what is not a finite number is
// null, as it is in every destination.
func normalised(column, physical string) string {
	if physical == "DOUBLE" {
		return "CASE WHEN isfinite(" + column + ") THEN " + column + " + 0.0 END"
	}
	return column + "::" + physical
}

// printsAsText reports whether DuckDB writes a key of this type as value.Value.String does.
func printsAsText(f arrow.Field) bool {
	switch f.Type.ID() {
	case arrow.BOOL, arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32,
		arrow.UINT64, arrow.DECIMAL128, arrow.STRING, arrow.LARGE_STRING:
		return true
	default:
		return false
	}
}

// attach makes the rows readable in SQL and returns the name to read them by.
func (src *source) attach(s *session) (from string, err error) {
	if src.rows == nil {
		return parquet(src.file), nil
	}
	return "model_rows", s.view("model_rows", src.rows)
}

// read returns how many rows the model had.
func (src *source) read() int64 {
	if src.rows == nil {
		return src.fileRow
	}
	return src.rows.count
}

// err returns what ended the stream early.
func (src *source) err() error {
	if src.rows == nil {
		return nil
	}
	return src.rows.Err()
}

func (src *source) close() error {
	var errs []error
	if src.rows != nil {
		src.rows.Release()
	}
	for _, c := range src.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// numbered counts rows, renames columns to s0, s1 … so that a model's names never meet SQL, and adds
// the key as text where DuckDB would write it differently.
type numbered struct {
	array.RecordReader
	schema *arrow.Schema
	key    int
	field  arrow.Field // of the key
	batch  arrow.RecordBatch
	count  int64
	err    error
}

func newNumbered(r array.RecordReader, key int) *numbered {
	r.Retain()
	n := &numbered{RecordReader: r, key: key, field: r.Schema().Field(key)}
	var fields []arrow.Field
	for i, f := range r.Schema().Fields() {
		fields = append(fields, arrow.Field{Name: "s" + strconv.Itoa(i), Type: f.Type, Nullable: true})
	}
	if !printsAsText(n.field) {
		fields = append(fields, arrow.Field{Name: "s_key", Type: arrow.BinaryTypes.String, Nullable: true})
	}
	n.schema = arrow.NewSchema(fields, nil)
	return n
}

// keySQL is the key as text.
func (n *numbered) keySQL() string {
	if !printsAsText(n.field) {
		return "s_key"
	}
	return "s" + strconv.Itoa(n.key) + "::VARCHAR"
}

// Schema returns the numbered columns.
func (n *numbered) Schema() *arrow.Schema { return n.schema }

// Next reads a batch.
func (n *numbered) Next() bool {
	n.drop()
	if n.err != nil || !n.RecordReader.Next() {
		return false
	}
	in := n.RecordReader.RecordBatch()
	n.count += in.NumRows()
	n.batch, n.err = n.renamed(in)
	return n.err == nil
}

func (n *numbered) renamed(in arrow.RecordBatch) (arrow.RecordBatch, error) {
	if printsAsText(n.field) {
		return array.NewRecordBatch(n.schema, in.Columns(), in.NumRows()), nil
	}
	read, err := value.NewReader(n.field, in.Column(n.key))
	if err != nil {
		return nil, err
	}
	keys := keyTexts(read, int(in.NumRows()))
	defer keys.Release()
	return array.NewRecordBatch(n.schema, append(slices.Clone(in.Columns()), keys), in.NumRows()), nil
}

func keyTexts(read value.Reader, rows int) arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	var scratch []byte
	for i := range rows {
		v := read(i)
		if v.IsNull() {
			b.AppendNull()
			continue
		}
		scratch = v.AppendText(scratch[:0])
		b.BinaryBuilder.Append(scratch)
	}
	return b.NewArray()
}

// RecordBatch returns the batch that Next read.
func (n *numbered) RecordBatch() arrow.RecordBatch { return n.batch }

// Record is RecordBatch under its former name.
func (n *numbered) Record() arrow.RecordBatch { return n.batch }

// Err returns what ended the rows early.
func (n *numbered) Err() error {
	if n.err != nil {
		return n.err
	}
	return n.RecordReader.Err()
}

// Release drops the reference.
func (n *numbered) Release() {
	n.drop()
	n.RecordReader.Release()
}

func (n *numbered) drop() {
	if n.batch != nil {
		n.batch.Release()
		n.batch = nil
	}
}

// caseless reports whether two names differ at most in the case of their letters, which is all that
// DuckDB would see of them.
func caseless(names []string) bool {
	seen := map[string]bool{}
	for _, n := range names {
		if seen[strings.ToLower(n)] {
			return true
		}
		seen[strings.ToLower(n)] = true
	}
	return false
}
