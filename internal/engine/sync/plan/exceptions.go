package plan

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/millrace/millrace/internal/connector"
)

// exceptions streams the keys of a plan's rows that were not accepted: _k, op, state. Rows of which
// all were accepted are not read.
type exceptions struct {
	plan  *Plan
	todo  []Piece
	rows  *Rows
	op    connector.Operation
	batch arrow.RecordBatch
	dirty bool // a row is in doubt
	err   error
}

var exceptionSchema = arrow.NewSchema([]arrow.Field{
	{Name: "_k", Type: arrow.BinaryTypes.String},
	{Name: "op", Type: arrow.BinaryTypes.String},
	{Name: "state", Type: arrow.BinaryTypes.String},
}, nil)

// newExceptions gathers the ranges first: DuckDB calls Next from threads of its own, where a Go iterator
// cannot be resumed.
func newExceptions(p *Plan, outcomes Outcomes, standard State) (*exceptions, error) {
	todo, err := p.Refused(outcomes, standard)
	dirty := slices.ContainsFunc(todo, func(p Piece) bool { return p.State == Dirty })
	return &exceptions{plan: p, todo: todo, dirty: dirty}, err
}

// any reports whether there is an exception, duplicate keys among them.
func (x *exceptions) any() bool { return len(x.todo) > 0 || x.plan.Duplicates.Rows > 0 }

// Schema returns the columns.
func (x *exceptions) Schema() *arrow.Schema { return exceptionSchema }

// Next gathers keys.
func (x *exceptions) Next() bool {
	x.drop()
	b := array.NewRecordBuilder(memory.DefaultAllocator, exceptionSchema)
	defer b.Release()
	for x.err == nil && len(x.todo) > 0 && b.Field(0).Len() < batchRows {
		x.err = x.gather(b)
	}
	if x.err != nil || b.Field(0).Len() == 0 {
		return false
	}
	x.batch = b.NewRecordBatch()
	return true
}

// gather appends some keys of the piece that is next.
func (x *exceptions) gather(b *array.RecordBuilder) error {
	p := &x.todo[0]
	if err := x.seek(*p); err != nil {
		return err
	}
	if !x.rows.Next() {
		return x.rows.Err()
	}
	batch := x.rows.Batch()
	n := min(int64(batch.Len()), p.To-p.From)
	for i := range int(n) {
		b.Field(0).(*array.StringBuilder).Append(batch.Keys.Value(i)) //nolint:forcetypeassert // exceptionSchema
		b.Field(1).(*array.StringBuilder).Append(string(p.Op))        //nolint:forcetypeassert // exceptionSchema
		b.Field(2).(*array.StringBuilder).Append(string(p.State))     //nolint:forcetypeassert // exceptionSchema
	}
	if p.From += n; p.From < p.To {
		return nil
	}
	x.todo = x.todo[1:]
	return nil
}

// seek makes the piece's first row the next one to read.
func (x *exceptions) seek(p Piece) (err error) {
	if x.rows == nil || x.op != p.Op {
		if err := x.closeRows(); err != nil {
			return err
		}
		if x.rows, err = x.plan.rows(*x.plan.section(p.Op), x.plan.First(p.Op), true); err != nil {
			return err
		}
		x.op = p.Op
	}
	return x.rows.SeekTo(p.From)
}

// RecordBatch returns what Next gathered.
func (x *exceptions) RecordBatch() arrow.RecordBatch { return x.batch }

// Record is RecordBatch under its former name.
func (x *exceptions) Record() arrow.RecordBatch { return x.batch }

// Err returns what ended the keys early.
func (x *exceptions) Err() error { return x.err }

// Retain does nothing: the settler closes the exceptions.
func (x *exceptions) Retain() {}

// Release does nothing: the settler closes the exceptions.
func (x *exceptions) Release() {}

func (x *exceptions) drop() {
	if x.batch != nil {
		x.batch.Release()
		x.batch = nil
	}
}

func (x *exceptions) closeRows() error {
	if x.rows == nil {
		return nil
	}
	return x.rows.Close()
}

func (x *exceptions) close() error {
	x.drop()
	return x.closeRows()
}

var _ array.RecordReader = (*exceptions)(nil)
