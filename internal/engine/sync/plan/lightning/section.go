package lightning

import (
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/value"
)

// section gives rows that leave the warehouse the columns of a plan's section: previous and settled values have
// today's types, and attempts are objects.
type section struct {
	refs    atomic.Int64
	in      array.RecordReader
	schema  *arrow.Schema
	convert []func(arrow.Array) (arrow.Array, error) // nil passes a column on
	batch   arrow.RecordBatch
	err     error
}

func newSection(r array.RecordReader, in plan.DiffInput, staged []arrow.Field) array.RecordReader {
	r.Retain()
	s := &section{in: r}
	s.refs.Store(1)
	wanted := map[string]arrow.Field{}
	for i, f := range staged {
		wanted[column(i)] = f
	}
	for i, name := range in.Before {
		if at := in.Staged.Schema.Index(name); at >= 0 && staged != nil {
			wanted["b"+previous(i)[1:]] = staged[at]
		}
	}
	var fields []arrow.Field
	for _, f := range r.Schema().Fields() {
		field, convert := f, (func(arrow.Array) (arrow.Array, error))(nil)
		if to, typed := wanted[f.Name]; typed && !arrow.TypeEqual(f.Type, to.Type) {
			field.Type, convert = to.Type, converter(f, to.Type)
		}
		if f.Name == "_attempts" {
			reader := &attempts{schema: in.Staged.Schema, known: in.Baseline.Schema, fields: staged}
			field.Type, convert = reader.list(), reader.read
		}
		field.Nullable = true
		fields, s.convert = append(fields, field), append(s.convert, convert)
	}
	s.schema = arrow.NewSchema(fields, nil)
	return s
}

// converter turns a column into one of another flat type; what does not convert is null.
func converter(f arrow.Field, to arrow.DataType) func(arrow.Array) (arrow.Array, error) {
	return func(a arrow.Array) (arrow.Array, error) {
		read, err := value.NewReader(f, a)
		if err != nil {
			return nil, err
		}
		b := array.NewBuilder(memory.DefaultAllocator, to)
		defer b.Release()
		for i := range a.Len() {
			add(b, read(i))
		}
		return b.NewArray(), nil
	}
}

// Schema returns the section's columns.
func (s *section) Schema() *arrow.Schema { return s.schema }

// Next reads a batch.
func (s *section) Next() bool {
	s.drop()
	if s.err != nil || !s.in.Next() {
		return false
	}
	s.batch, s.err = s.converted(s.in.RecordBatch())
	return s.err == nil
}

func (s *section) converted(in arrow.RecordBatch) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, in.NumCols())
	for i := range columns {
		columns[i] = in.Column(i)
		if s.convert[i] == nil {
			continue
		}
		a, err := s.convert[i](in.Column(i))
		if err != nil {
			return nil, err
		}
		defer a.Release()
		columns[i] = a
	}
	return array.NewRecordBatch(s.schema, columns, in.NumRows()), nil
}

// RecordBatch returns the batch that Next read.
func (s *section) RecordBatch() arrow.RecordBatch { return s.batch }

// Record is RecordBatch under its former name.
func (s *section) Record() arrow.RecordBatch { return s.batch }

// Err returns what ended the rows early.
func (s *section) Err() error {
	if s.err != nil {
		return s.err
	}
	return s.in.Err()
}

// Retain counts one more user.
func (s *section) Retain() { s.refs.Add(1) }

// Release counts one user less; the last one releases the reader beneath.
func (s *section) Release() {
	if s.refs.Add(-1) == 0 {
		s.drop()
		s.in.Release()
	}
}

func (s *section) drop() {
	if s.batch != nil {
		s.batch.Release()
		s.batch = nil
	}
}

var _ array.RecordReader = (*section)(nil)
