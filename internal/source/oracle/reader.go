package oracle

import (
	"database/sql/driver"
	"errors"
	"io"
	"strconv"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/millrace/millrace/internal/fault"
)

// The size of a batch: whichever is reached first.
const (
	batchRows  = 8192
	batchBytes = 4 << 20
)

// reader turns the rows of a running statement into batches.
type reader struct {
	refs    atomic.Int64
	session *session
	st      statement
	schema  *arrow.Schema
	rows    rows // nil once they have ended
	row     []driver.Value
	builder *array.RecordBuilder
	puts    []put
	batch   arrow.RecordBatch
	err     error
}

func newReader(x *session, st statement, columns []column, from rows) *reader {
	r := &reader{session: x, st: st, schema: schemaOf(columns), rows: from, row: make([]driver.Value, len(columns))}
	r.refs.Store(1)
	r.builder = array.NewRecordBuilder(memory.DefaultAllocator, r.schema)
	for i, c := range columns {
		r.puts = append(r.puts, c.into(r.builder.Field(i)))
	}
	return r
}

// Schema returns the columns.
func (r *reader) Schema() *arrow.Schema { return r.schema }

// Next reads a batch.
func (r *reader) Next() bool {
	r.drop()
	if r.rows == nil {
		return false
	}
	n, err := r.fill()
	if err != nil {
		r.finish(err)
		return false
	}
	if n == 0 {
		return false
	}
	r.batch = r.builder.NewRecordBatch()
	return true
}

// fill reads rows into the builders until the batch is full or the rows end.
func (r *reader) fill() (rows int, err error) {
	for size := 0; rows < batchRows && size < batchBytes; rows++ {
		err := r.rows.Next(r.row)
		switch {
		case errors.Is(err, io.EOF) && r.session.ctx.Err() == nil:
			r.finish(nil)
			return rows, nil
		case err != nil:
			return 0, r.session.explain(err, r.st)
		}
		for i, v := range r.row {
			n, err := r.puts[i](v)
			if err != nil {
				return 0, fault.Wrap(err, fault.CodeSourceType, "reading the column %s", strconv.Quote(r.schema.Field(i).Name))
			}
			size += n
		}
	}
	return rows, nil
}

// finish ends the statement and its connection, once; err is what ended it, if not the server.
func (r *reader) finish(err error) {
	if r.rows == nil {
		return
	}
	r.rows, r.err = nil, err
	r.session.close()
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
	r.finish(errReleased)
	r.builder.Release()
}

func (r *reader) drop() {
	if r.batch != nil {
		r.batch.Release()
		r.batch = nil
	}
}

var _ array.RecordReader = (*reader)(nil)
