package snowflake

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/millrace/millrace/internal/fault"
	"github.com/snowflakedb/gosnowflake"
)

// The size of a batch: whichever is reached first. Bytes are those of the wire.
const (
	batchRows  = 8192
	batchBytes = 4 << 20
)

// reader reads a result part by part, and each part record by record.
type reader struct {
	refs    atomic.Int64
	source  *Source
	session *session
	ctx     context.Context
	end     context.CancelCauseFunc
	st      statement
	schema  *arrow.Schema
	columns []column
	parts   []gosnowflake.ArrowStreamBatch

	part   *part // the one that is being read
	record arrow.RecordBatch
	from   int64 // how many of the record's rows were given
	step   int64
	batch  arrow.RecordBatch
	err    error
	ended  bool
}

// part is a file of Arrow records.
type part struct {
	stream io.ReadCloser
	ipc    *ipc.Reader
	rows   int64 // that it should have
	read   int64
}

func newReader(ctx context.Context, s *Source, x *session, st statement, columns []column, parts []gosnowflake.ArrowStreamBatch) *reader {
	r := &reader{source: s, session: x, ctx: ctx, end: func(error) {}, st: st, schema: schemaOf(columns), columns: columns, parts: parts}
	r.refs.Store(1)
	return r
}

// Schema returns the columns.
func (r *reader) Schema() *arrow.Schema { return r.schema }

// Next reads a batch.
func (r *reader) Next() bool {
	r.drop()
	if r.ended {
		return false
	}
	more, err := r.fill()
	if err != nil || !more {
		r.finish(err)
		return false
	}
	return true
}

// fill gives the next rows of the record, for which it may have to be read.
func (r *reader) fill() (more bool, err error) {
	for r.record == nil {
		if err := r.ctx.Err(); err != nil {
			return false, err
		}
		if more, err := r.read(); err != nil || !more {
			return false, err
		}
	}
	to := min(r.from+r.step, r.record.NumRows())
	rows := r.record.NewSlice(r.from, to)
	defer rows.Release()
	if r.from = to; to == r.record.NumRows() {
		r.record.Release()
		r.record = nil
	}
	r.batch, err = r.convert(rows)
	return err == nil, err
}

// read goes to the next record that has rows.
func (r *reader) read() (more bool, err error) {
	if r.part == nil {
		if len(r.parts) == 0 {
			return false, nil
		}
		if err := r.open(&r.parts[0]); err != nil {
			return false, err
		}
		r.parts = r.parts[1:]
	}
	if !r.part.ipc.Next() {
		return true, r.closePart()
	}
	record := r.part.ipc.RecordBatch()
	r.part.read += record.NumRows()
	if record.NumRows() == 0 {
		return true, nil
	}
	if int(record.NumCols()) != len(r.columns) {
		return false, fmt.Errorf("the result has %d columns, %d were described", record.NumCols(), len(r.columns))
	}
	record.Retain()
	r.record, r.from, r.step = record, 0, stepOf(record)
	return true, nil
}

// stepOf is how many rows of a record make a batch.
func stepOf(record arrow.RecordBatch) int64 {
	var size uint64
	for _, c := range record.Columns() {
		size += c.Data().SizeInBytes()
	}
	each := max(size/uint64(record.NumRows()), 1)
	return int64(min(max(batchBytes/each, 1), batchRows))
}

func (r *reader) open(b *gosnowflake.ArrowStreamBatch) error {
	stream, err := b.GetStream(r.ctx)
	if err != nil {
		return err
	}
	read, err := readStream(stream)
	if err != nil {
		return errors.Join(err, stream.Close())
	}
	r.part = &part{stream: stream, ipc: read, rows: b.NumRows()}
	return nil
}

// How a stream of Arrow begins: with a mark, or in its former version with the length of what describes the columns
// (https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format).
const (
	streamMark   = 0xFFFFFFFF
	mostMetadata = 16 << 20
	markBytes    = 4
)

var errNoArrow = errors.New("a part of the result is no stream of Arrow")

// readStream begins a stream. Anything else than one would be taken for a message of gigabytes.
func readStream(stream io.Reader) (*ipc.Reader, error) {
	buffered := bufio.NewReader(stream)
	mark, err := buffered.Peek(markBytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoArrow, err)
	}
	if n := binary.LittleEndian.Uint32(mark); n != streamMark && n > mostMetadata {
		return nil, errNoArrow
	}
	return ipc.NewReader(buffered)
}

// closePart ends a part. One that ends early between two records looks like a whole one, so that its rows are counted.
func (r *reader) closePart() error {
	p := r.part
	r.part = nil
	err := p.ipc.Err()
	p.ipc.Release()
	if closeErr := p.stream.Close(); err == nil {
		err = closeErr
	}
	if err == nil && p.read != p.rows {
		err = fmt.Errorf("a part of the result has %d rows, %d were announced: %w", p.read, p.rows, io.ErrUnexpectedEOF)
	}
	return err
}

func (r *reader) convert(rows arrow.RecordBatch) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, 0, len(r.columns))
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for i, c := range r.columns {
		made, err := c.convert(rows.Column(i))
		if err != nil {
			return nil, fault.Wrap(err, fault.CodeSourceType, "reading the column %s", strconv.Quote(c.field.Name)).
				WithSuggestion("Cast it in the model's query, such as CAST(… AS VARCHAR).")
		}
		columns = append(columns, made)
	}
	return array.NewRecordBatch(r.schema, columns, rows.NumRows()), nil
}

// finish ends the query, once; err is what ended it early. The session is given back: the statement ended before its
// result could be read.
func (r *reader) finish(err error) {
	if r.ended {
		return
	}
	r.ended = true
	if err != nil {
		r.err = r.source.explain(r.ctx, err, r.st)
	}
	r.end(errReleased)
	r.stop()
	r.session.leave(r.ctx, nil)
}

// stop gives up what is being read.
func (r *reader) stop() {
	r.drop()
	if r.record != nil {
		r.record.Release()
		r.record = nil
	}
	if r.part != nil {
		_ = r.closePart() //nolint:errcheck // nobody wants the rest
	}
}

// RecordBatch returns the batch that Next read; it is valid until the next call of Next.
func (r *reader) RecordBatch() arrow.RecordBatch { return r.batch }

// Record is RecordBatch under its former name, which array.RecordReader still asks for.
func (r *reader) Record() arrow.RecordBatch { return r.batch }

// Err returns what ended the rows early.
func (r *reader) Err() error { return r.err }

// Retain keeps the reader for another owner.
func (r *reader) Retain() { r.refs.Add(1) }

// Release gives the reader up; the last one ends the query.
func (r *reader) Release() {
	if r.refs.Add(-1) == 0 {
		r.drop()
		r.finish(nil)
	}
}

func (r *reader) drop() {
	if r.batch != nil {
		r.batch.Release()
		r.batch = nil
	}
}

var _ array.RecordReader = (*reader)(nil)
