package duckdb

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// The size of a batch of a streamed result: whichever is reached first.
const (
	resultRows  = 8192
	resultBytes = 8 << 20
)

// result streams a Parquet file and removes it, with the database that made it, on its last release.
type result struct {
	array.RecordReader

	schema *arrow.Schema
	batch  arrow.RecordBatch
	file   *file.Reader
	owner  *database
	refs   atomic.Int64
}

func openResult(path string, columns []described, owner *database) (array.RecordReader, error) {
	// Streamed, for whole columns of a row group would be in memory otherwise.
	properties := parquet.NewReaderProperties(memory.DefaultAllocator)
	properties.BufferedStreamEnabled = true
	f, err := file.OpenParquetFile(path, false, file.WithReadProps(properties))
	if err != nil {
		return nil, err
	}
	fr, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: batchRows(f)}, memory.DefaultAllocator)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	rr, err := fr.GetRecordReader(context.Background(), nil, nil)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r := &result{RecordReader: rr, file: f, owner: owner}
	r.refs.Store(1)
	r.schema = relabel(rr.Schema(), columns)
	return r, nil
}

// batchRows is how many rows of the widest row group make a batch.
func batchRows(f *file.Reader) int64 {
	rows := int64(resultRows)
	for i := range f.NumRowGroups() {
		group := f.MetaData().RowGroup(i)
		if n := group.NumRows(); n > 0 {
			rows = min(rows, max(1, resultBytes/max(1, group.TotalByteSize()/n)))
		}
	}
	return rows
}

// relabel tells the columns' own types, and marks JSON columns: Arrow knows them as text.
func relabel(s *arrow.Schema, columns []described) *arrow.Schema {
	fields := make([]arrow.Field, s.NumFields())
	for i, f := range s.Fields() {
		labels := map[string]string{value.MetaNative: columns[i].native}
		if columns[i].comment != "" {
			labels[value.MetaDescription] = columns[i].comment
		}
		if TypeOf(columns[i].native) == value.TypeObject {
			f.Type = arrow.BinaryTypes.String
			labels[value.MetaType] = string(value.TypeObject)
		}
		f.Metadata = arrow.MetadataFrom(labels)
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
func (r *result) Err() error {
	if err := r.RecordReader.Err(); err != nil {
		return fault.Wrap(err, fault.CodeStorage, "reading a result")
	}
	return nil
}

func (r *result) drop() {
	if r.batch != nil {
		r.batch.Release()
		r.batch = nil
	}
}

// Retain counts one more user.
func (r *result) Retain() { r.refs.Add(1) }

// Release counts one user less; the last one removes the file.
func (r *result) Release() {
	if r.refs.Add(-1) > 0 {
		return
	}
	r.drop()
	r.RecordReader.Release()
	_ = errors.Join(r.file.Close(), r.owner.close()) //nolint:errcheck // temporary files; nobody could act on it
}
