package unload

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Source are batches that a Reader hands out.
type Source interface {
	// Next returns the next batch, io.EOF after the last. The reader releases it.
	Next() (arrow.RecordBatch, error)
	// Close ends the reading: cause is nil where it ended by itself.
	Close(cause error)
}

// errReleased is the cause of an end that came before the last batch.
var errReleased = errors.New("the rows were released")

// Reader hands out batches.
type Reader struct {
	refs   atomic.Int64
	schema *arrow.Schema
	source Source // nil once it has ended
	batch  arrow.RecordBatch
	err    error
}

var _ array.RecordReader = (*Reader)(nil)

// NewReader returns a reader, which closes the source at its end or with its last release.
func NewReader(schema *arrow.Schema, s Source) *Reader {
	r := &Reader{schema: schema, source: s}
	r.refs.Store(1)
	return r
}

// Schema returns the columns.
func (r *Reader) Schema() *arrow.Schema { return r.schema }

// Next reads a batch.
func (r *Reader) Next() bool {
	r.drop()
	if r.source == nil {
		return false
	}
	batch, err := r.source.Next()
	switch {
	case err == nil:
		r.batch = batch
		return true
	case errors.Is(err, io.EOF):
		r.finish(nil)
	default:
		r.err = err
		r.finish(err)
	}
	return false
}

func (r *Reader) finish(cause error) {
	if s := r.source; s != nil {
		r.source = nil
		s.Close(cause)
	}
}

// RecordBatch returns the batch that Next read; it is valid until the next call of Next.
func (r *Reader) RecordBatch() arrow.RecordBatch { return r.batch }

// Record is RecordBatch under its former name, which array.RecordReader still asks for.
func (r *Reader) Record() arrow.RecordBatch { return r.batch }

// Err returns what ended the rows early.
func (r *Reader) Err() error { return r.err }

// Retain counts one more user.
func (r *Reader) Retain() { r.refs.Add(1) }

// Release counts one user less; the last one ends the rows.
func (r *Reader) Release() {
	if r.refs.Add(-1) > 0 {
		return
	}
	r.drop()
	r.finish(errReleased)
}

func (r *Reader) drop() {
	if r.batch != nil {
		r.batch.Release()
		r.batch = nil
	}
}

// Texts makes a batch of the schema of one whose columns are of the schema's types, or the texts of their values. into
// returns what appends the texts of a column to a builder; nulls are appended here.
func Texts(in arrow.RecordBatch, schema *arrow.Schema, into func(column int, b array.Builder) func(text string) error) (arrow.RecordBatch, error) {
	if int(in.NumCols()) != schema.NumFields() {
		return nil, errForm
	}
	columns := make([]arrow.Array, 0, schema.NumFields())
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for i, f := range schema.Fields() {
		column := in.Column(i)
		if arrow.TypeEqual(column.DataType(), f.Type) {
			column.Retain()
			columns = append(columns, column)
			continue
		}
		texts, ok := column.(*array.String)
		if !ok {
			return nil, fmt.Errorf("%w: %s", errForm, column.DataType())
		}
		parsed, err := parse(texts, f.Type, func(b array.Builder) func(string) error { return into(i, b) })
		if err != nil {
			return nil, fmt.Errorf("the column %q: %w", f.Name, err)
		}
		columns = append(columns, parsed)
	}
	return array.NewRecordBatch(schema, columns, in.NumRows()), nil
}

func parse(texts *array.String, t arrow.DataType, into func(b array.Builder) func(string) error) (arrow.Array, error) {
	b := array.NewBuilder(memory.DefaultAllocator, t)
	defer b.Release()
	add := into(b)
	b.Reserve(texts.Len())
	for row := range texts.Len() {
		if texts.IsNull(row) {
			b.AppendNull()
			continue
		}
		if err := add(texts.Value(row)); err != nil {
			return nil, err
		}
	}
	return b.NewArray(), nil
}
