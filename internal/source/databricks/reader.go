package databricks

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/fault"
)

// The size of a batch: whichever is reached first.
const (
	batchRows  = 8192
	batchBytes = 8 << 20
)

// reader gives out a result in batches, one part of it after the other.
type reader struct {
	refs    atomic.Int64
	session *session
	schema  *arrow.Schema
	parts   int   // how many there are
	rows    int64 // how many there must be
	read    int64

	part  *part
	next  int // the index of the part after it
	first []link
	wide  arrow.RecordBatch // as it came, converted
	at    int64             // the row of wide that comes next

	batch arrow.RecordBatch
	done  bool
	err   error
}

var _ array.RecordReader = (*reader)(nil)

func newReader(x *session, a *answer, schema *arrow.Schema, limit int64) (*reader, error) {
	m := a.Manifest
	if got, want := len(m.Schema.Columns), schema.NumFields(); got != want {
		return nil, fault.New(fault.CodeSourceQuery, "the query has %d columns, and %d were described", got, want).WithSuggestion("A table has changed meanwhile: run the query again.")
	}
	if m.Compression != "" && m.Compression != "NONE" {
		return nil, fault.New(fault.CodeSourceQuery, "the result is compressed with %s, which was not asked for", m.Compression)
	}
	if m.Truncated && (limit == 0 || m.Rows < limit) {
		return nil, fault.New(fault.CodeSourceQuery, "the warehouse cut off the result after %d rows", m.Rows).
			WithSuggestion("A result has 100 GiB at most: let the query yield fewer columns or rows.")
	}
	r := &reader{session: x, schema: schema, parts: m.Chunks, rows: m.Rows, first: a.Result.Links}
	r.refs.Store(1)
	return r, nil
}

// Schema returns the columns.
func (r *reader) Schema() *arrow.Schema { return r.schema }

// Next reads a batch.
func (r *reader) Next() bool {
	r.drop()
	for !r.done {
		if r.wide != nil && r.at < r.wide.NumRows() {
			r.batch = r.slice()
			return true
		}
		if err := r.fetch(); err != nil {
			r.finish(err)
		}
	}
	return false
}

// slice takes the next rows of what has come: as many as a batch may have.
func (r *reader) slice() arrow.RecordBatch {
	rows := min(batchRows, r.wide.NumRows()-r.at)
	if size := sizeOf(r.wide); size > batchBytes {
		rows = min(rows, max(1, batchBytes*r.wide.NumRows()/size))
	}
	b := r.wide.NewSlice(r.at, r.at+rows)
	r.at += rows
	r.read += rows
	return b
}

func sizeOf(b arrow.RecordBatch) int64 {
	var size uint64
	for _, c := range b.Columns() {
		size += c.Data().SizeInBytes()
	}
	return int64(size)
}

// fetch gets more rows, or finds out that there are none.
func (r *reader) fetch() error {
	r.dropWide()
	if r.part == nil {
		if r.next >= r.parts {
			if r.read != r.rows {
				return errShort(r.read, r.rows)
			}
			r.finish(nil)
			return nil
		}
		r.part = &part{session: r.session, statement: r.session.statement(), index: r.next, first: r.first}
		r.next++
	}
	b, err := r.part.next()
	if err != nil {
		return err
	}
	if b == nil {
		r.part.close()
		r.part = nil
		return nil
	}
	r.wide, err = r.convert(b)
	r.at = 0
	return err
}

// convert gives a batch the types that the description promised.
func (r *reader) convert(b arrow.RecordBatch) (arrow.RecordBatch, error) {
	if int(b.NumCols()) != r.schema.NumFields() {
		return nil, fmt.Errorf("a part of the result has %d columns, want %d", b.NumCols(), r.schema.NumFields())
	}
	columns := make([]arrow.Array, 0, b.NumCols())
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for i, f := range r.schema.Fields() {
		c, err := convert(f, b.Schema().Field(i), b.Column(i))
		if err != nil {
			return nil, err
		}
		columns = append(columns, c)
	}
	return array.NewRecordBatch(r.schema, columns, b.NumRows()), nil
}

// finish ends the session, once; err is what ended it, if not the last row.
func (r *reader) finish(err error) {
	if r.done {
		return
	}
	r.done = true
	if err != nil && !errors.Is(err, errReleased) {
		err = r.session.explain(err)
	}
	r.err = err
	if r.part != nil {
		r.part.close()
		r.part = nil
	}
	if err == nil {
		r.session.setRunning("") // nothing is left to stop
	}
	r.session.end(errReleased)
}

// RecordBatch returns the batch that Next read; it is valid until the next call of Next.
func (r *reader) RecordBatch() arrow.RecordBatch { return r.batch }

// Record is RecordBatch under its former name, which array.RecordReader still asks for.
func (r *reader) Record() arrow.RecordBatch { return r.batch }

// Err returns what ended the rows early.
func (r *reader) Err() error { return r.err }

// Retain counts one more user.
func (r *reader) Retain() { r.refs.Add(1) }

// Release counts one user less; the last one stops a statement that still runs.
func (r *reader) Release() {
	if r.refs.Add(-1) > 0 {
		return
	}
	r.drop()
	r.dropWide()
	r.finish(errReleased)
}

func (r *reader) drop() {
	if r.batch != nil {
		r.batch.Release()
		r.batch = nil
	}
}

func (r *reader) dropWide() {
	if r.wide != nil {
		r.wide.Release()
		r.wide = nil
	}
}
