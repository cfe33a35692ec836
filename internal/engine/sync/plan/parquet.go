package plan

import (
	"context"
	"errors"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/millrace/millrace/internal/value"
)

// batchRows is how many rows are read from Parquet at a time.
const batchRows = 8192

// parquetFile is an open Parquet file that is read through Arrow.
type parquetFile struct {
	*pqarrow.FileReader
	file   *file.Reader
	schema *arrow.Schema
}

func openParquet(path string) (*parquetFile, error) {
	f, err := file.OpenParquetFile(path, false)
	if err != nil {
		return nil, err
	}
	r, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: batchRows}, memory.DefaultAllocator)
	if err != nil {
		return nil, closing(f, err)
	}
	s, err := r.Schema()
	if err != nil {
		return nil, closing(f, err)
	}
	return &parquetFile{FileReader: r, file: f, schema: s}, nil
}

func closing(f *file.Reader, err error) error {
	_ = f.Close() //nolint:errcheck // the first error says more
	return err
}

// Close closes the file.
func (p *parquetFile) Close() error { return p.file.Close() }

func (p *parquetFile) rows() int64 { return p.file.NumRows() }

// groups returns the number of rows of each row group.
func (p *parquetFile) groups() []int64 {
	rows := make([]int64, p.file.NumRowGroups())
	for i := range rows {
		rows[i] = p.file.MetaData().RowGroup(i).NumRows()
	}
	return rows
}

// leaves returns the positions of what Parquet stores for the columns that keep accepts.
func (p *parquetFile) leaves(keep func(column string) bool) []int {
	var at []int
	s := p.file.MetaData().Schema
	for i := range s.NumColumns() {
		if keep(s.Column(i).ColumnPath()[0]) {
			at = append(at, i)
		}
	}
	return at
}

// columns returns the file's columns; known wins over what Parquet says.
func (p *parquetFile) columns(known value.Schema) (value.Schema, error) {
	return value.SchemaOf(p.described(known))
}

// described is the file's Arrow schema with the metadata that value.SchemaOf reads.
func (p *parquetFile) described(known value.Schema) *arrow.Schema {
	fields := slices.Clone(p.schema.Fields())
	for i, f := range fields {
		keys, values := []string{}, []string{}
		if k := known.Index(f.Name); k >= 0 {
			keys = append(keys, value.MetaType, value.MetaNative)
			values = append(values, string(known[k].Type), known[k].Native)
		} else if p.isJSON(f.Name) {
			keys, values = append(keys, value.MetaType), append(values, string(value.TypeObject))
		}
		fields[i].Metadata = arrow.NewMetadata(keys, values)
	}
	return arrow.NewSchema(fields, nil)
}

func (p *parquetFile) isJSON(column string) bool {
	leaf := p.leaf(column)
	return leaf != nil && leaf.LogicalType().Equals(schema.JSONLogicalType{})
}

func (p *parquetFile) leaf(column string) *schema.Column {
	s := p.file.MetaData().Schema
	if at := s.ColumnIndexByName(column); at >= 0 {
		return s.Column(at)
	}
	return nil
}

// plain reports whether DuckDB reads the column as Flatten would pass it on.
func (p *parquetFile) plain(name string, columns value.Schema) (arrow.Field, bool) {
	at := p.schema.FieldIndices(name)
	if len(at) != 1 || caseless(columns.Names()) {
		return arrow.Field{}, false
	}
	f := p.schema.Field(at[0])
	if columns[columns.Index(name)].Type == value.TypeObject || p.leaf(name) == nil {
		return f, false
	}
	switch t := f.Type.(type) {
	case *arrow.TimestampType:
		return f, t.Unit == arrow.Microsecond
	case *arrow.Decimal128Type:
		return f, t.Scale >= 0 && t.Scale <= t.Precision
	}
	switch f.Type.ID() {
	case arrow.BOOL, arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32,
		arrow.UINT64, arrow.FLOAT64, arrow.DATE32, arrow.STRING:
		return f, true
	default:
		return f, false
	}
}

// stream reads the whole file as rows.
func (p *parquetFile) stream(known value.Schema) (array.RecordReader, error) {
	all := p.leaves(func(string) bool { return true })
	groups := make([]int, p.file.NumRowGroups())
	for i := range groups {
		groups[i] = i
	}
	r, err := p.GetRecordReader(context.Background(), all, groups)
	if err != nil {
		return nil, err
	}
	return &relabelled{RecordReader: r, schema: p.described(known)}, nil
}

// relabelled gives batches another schema of the same types.
type relabelled struct {
	array.RecordReader
	schema *arrow.Schema
	batch  arrow.RecordBatch
}

// Schema returns the other schema.
func (r *relabelled) Schema() *arrow.Schema { return r.schema }

// Next reads a batch.
func (r *relabelled) Next() bool {
	if !r.RecordReader.Next() {
		return false
	}
	if r.batch != nil {
		r.batch.Release()
	}
	in := r.RecordReader.RecordBatch()
	r.batch = array.NewRecordBatch(r.schema, in.Columns(), in.NumRows())
	return true
}

// RecordBatch returns the batch that Next read.
func (r *relabelled) RecordBatch() arrow.RecordBatch { return r.batch }

// Record is RecordBatch under its former name.
func (r *relabelled) Record() arrow.RecordBatch { return r.batch }

// FileSchema returns the columns of a Parquet file that a source wrote, as Stage will see them.
func FileSchema(path string) (_ value.Schema, err error) {
	p, err := openParquet(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	return p.columns(nil)
}
