package duckdb

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	pqschema "github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/millrace/millrace/internal/value"
)

// resultRows is how many rows a batch of a streamed result has.
const resultRows = 8192

// result streams a Parquet file and removes it, with the database that made it, on its last release.
type result struct {
	array.RecordReader

	schema *arrow.Schema
	batch  arrow.RecordBatch
	file   *file.Reader
	owner  *database
	refs   int64
}

func openResult(path string, owner *database) (array.RecordReader, error) {
	f, err := file.OpenParquetFile(path, false)
	if err != nil {
		return nil, err
	}
	fr, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: resultRows}, memory.DefaultAllocator)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	rr, err := fr.GetRecordReader(context.Background(), nil, nil)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r := &result{RecordReader: rr, file: f, owner: owner, refs: 1}
	r.schema = relabel(rr.Schema(), f.MetaData().Schema)
	return r, nil
}

// relabel marks JSON columns: Arrow knows them as text.
func relabel(s *arrow.Schema, p *pqschema.Schema) *arrow.Schema {
	fields := make([]arrow.Field, s.NumFields())
	for i, f := range s.Fields() {
		if at := p.ColumnIndexByName(f.Name); at >= 0 && p.Column(at).LogicalType().Equals(pqschema.JSONLogicalType{}) {
			f.Type = arrow.BinaryTypes.String
			f.Metadata = arrow.MetadataFrom(map[string]string{value.MetaType: string(value.TypeObject), value.MetaNative: "JSON"})
		} else {
			f.Metadata = arrow.Metadata{}
		}
		fields[i] = f
	}
	return arrow.NewSchema(fields, nil)
}

// Schema returns the columns.
func (r *result) Schema() *arrow.Schema { return r.schema }

// Next reads a batch.
func (r *result) Next() bool {
	r.drop()
	if !r.RecordReader.Next() {
		return false
	}
	b := r.RecordReader.RecordBatch()
	columns := make([]arrow.Array, b.NumCols())
	for i := range columns {
		columns[i] = b.Column(i)
		if r.schema.Field(i).Type.ID() == arrow.STRING {
			columns[i] = asText(columns[i])
			defer columns[i].Release()
		}
	}
	r.batch = array.NewRecordBatch(r.schema, columns, b.NumRows())
	return true
}

// asText returns a column of text that shares the memory of one of bytes: how Parquet's JSON arrives.
func asText(a arrow.Array) arrow.Array {
	if e, ok := a.(array.ExtensionArray); ok {
		a = e.Storage()
	}
	if a.DataType().ID() != arrow.BINARY {
		a.Retain()
		return a
	}
	d := a.Data()
	text := array.NewData(arrow.BinaryTypes.String, d.Len(), d.Buffers(), nil, d.NullN(), d.Offset())
	defer text.Release()
	return array.NewStringData(text)
}

// RecordBatch returns the batch that Next read.
func (r *result) RecordBatch() arrow.RecordBatch { return r.batch }

// Record returns the batch that Next read.
func (r *result) Record() arrow.RecordBatch { return r.batch }

// Err returns what ended the rows, other than their end.
func (r *result) Err() error { return r.RecordReader.Err() }

func (r *result) drop() {
	if r.batch != nil {
		r.batch.Release()
		r.batch = nil
	}
}

// Retain counts one more user.
func (r *result) Retain() { r.refs++ }

// Release counts one user less; the last one removes the file.
func (r *result) Release() {
	if r.refs--; r.refs > 0 {
		return
	}
	r.drop()
	r.RecordReader.Release()
	_ = errors.Join(r.file.Close(), r.owner.close()) //nolint:errcheck // temporary files; nobody could act on it
}
