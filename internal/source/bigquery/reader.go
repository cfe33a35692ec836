package bigquery

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// rows are the rows of a job that has ended.
type rows interface {
	// next returns a batch, io.EOF after the last. The caller releases it.
	next(ctx context.Context) (arrow.RecordBatch, error)
	close()
}

// reader hands out rows. It lives within one call's context and the source's life.
type reader struct {
	refs   atomic.Int64
	source *Source
	ctx    context.Context
	end    func()
	schema *arrow.Schema
	rows   rows // nil once they have ended
	batch  arrow.RecordBatch
	err    error
}

var _ array.RecordReader = (*reader)(nil)

func newReader(ctx context.Context, end func(), s *Source, schema *arrow.Schema, r rows) *reader {
	all := &reader{source: s, ctx: ctx, end: end, schema: schema, rows: r}
	all.refs.Store(1)
	return all
}

// Schema returns the columns.
func (r *reader) Schema() *arrow.Schema { return r.schema }

// Next reads a batch.
func (r *reader) Next() bool {
	r.drop()
	if r.rows == nil {
		return false
	}
	if err := r.source.enter(); err != nil {
		r.finish(err)
		return false
	}
	batch, err := r.rows.next(r.ctx)
	r.source.leave()
	switch {
	case errors.Is(err, io.EOF):
		r.finish(nil)
		return false
	case err != nil:
		r.finish(r.source.explain(r.ctx, err, ""))
		return false
	default:
		r.batch = batch
		return true
	}
}

// finish ends the rows, once.
func (r *reader) finish(err error) {
	if r.rows == nil {
		return
	}
	r.err = err
	r.end()
	r.rows.close()
	r.rows = nil
}

// RecordBatch returns the batch that Next read; it is valid until the next call of Next.
func (r *reader) RecordBatch() arrow.RecordBatch { return r.batch }

// Record is RecordBatch under its former name, which array.RecordReader still asks for.
func (r *reader) Record() arrow.RecordBatch { return r.batch }

// Err returns what ended the rows early.
func (r *reader) Err() error { return r.err }

// Retain counts one more user.
func (r *reader) Retain() { r.refs.Add(1) }

// Release counts one user less; the last one ends the rows.
func (r *reader) Release() {
	if r.refs.Add(-1) > 0 {
		return
	}
	r.drop()
	r.finish(errReleased)
}

func (r *reader) drop() {
	if r.batch != nil {
		r.batch.Release()
		r.batch = nil
	}
}
