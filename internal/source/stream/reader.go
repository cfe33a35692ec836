package stream

import (
	"errors"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// The size of a batch: whichever is reached first. Bytes are those of the wire.
const (
	batchRows  = 8192
	batchBytes = 4 << 20
)

// ErrEnd is what Rows return after the last row. It is not io.EOF, which connections end with before their time.
var ErrEnd = errors.New("there are no more rows")

// Rows are the rows of a running statement.
type Rows interface {
	// Append adds one row to the builders, one for each column, and returns how many bytes it took. Its error is
	// ErrEnd after the last row.
	Append(columns []array.Builder) (size int, err error)
	// Close ends the statement: cause is nil where it ended by itself.
	Close(cause error)
}

// Reader makes batches of rows.
type Reader struct {
	refs    atomic.Int64
	schema  *arrow.Schema
	rows    Rows // nil once they have ended
	builder *array.RecordBuilder
	batch   arrow.RecordBatch
	last    int // how many rows the last batch had, for which the next one has room at once
	err     error
}

var _ array.RecordReader = (*Reader)(nil)

// NewReader returns a reader of the rows, which it closes at their end or with its last release.
func NewReader(schema *arrow.Schema, rows Rows) *Reader {
	r := &Reader{schema: schema, rows: rows, builder: array.NewRecordBuilder(memory.DefaultAllocator, schema)}
	r.refs.Store(1)
	return r
}

// Schema returns the columns.
func (r *Reader) Schema() *arrow.Schema { return r.schema }

// Next reads a batch.
func (r *Reader) Next() bool {
	r.drop()
	if r.rows == nil {
		return false
	}
	n, err := r.fill()
	switch {
	case errors.Is(err, ErrEnd):
		r.finish(nil)
	case err != nil:
		r.err = err
		r.finish(err)
		return false
	}
	if n == 0 {
		return false
	}
	r.last = n
	r.batch = r.builder.NewRecordBatch()
	return true
}

func (r *Reader) fill() (rows int, err error) {
	r.builder.Reserve(r.last)
	columns := r.builder.Fields()
	for size := 0; rows < batchRows && size < batchBytes; rows++ {
		n, err := r.rows.Append(columns)
		if err != nil {
			return rows, err
		}
		size += n
	}
	return rows, nil
}

func (r *Reader) finish(cause error) {
	if rows := r.rows; rows != nil {
		r.rows = nil
		rows.Close(cause)
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

// Release counts one user less; the last one stops a statement that still runs.
func (r *Reader) Release() {
	if r.refs.Add(-1) > 0 {
		return
	}
	r.drop()
	r.finish(ErrReleased)
	r.builder.Release()
}

func (r *Reader) drop() {
	if r.batch != nil {
		r.batch.Release()
		r.batch = nil
	}
}
