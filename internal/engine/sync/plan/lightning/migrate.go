package lightning

import (
	"context"
	"errors"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// migrated marks layouts whose hashes another engine made: they say nothing here, the values do.
const migrated = "migrated"

// Migrate copies a baseline of the Basic planner, whose files are in dir, into the warehouse (SY-51), and returns
// it as one of this planner. Nothing is planned again for it: rows compare by their values. key is the model's key
// column as it is now; a key that the two engines write differently would make every row another one, and is refused.
func (p *Planner) Migrate(ctx context.Context, b *plan.Baseline, dir string, key value.Column) (plan.Baseline, error) {
	if !sameText(key) {
		return plan.Baseline{}, fault.New(fault.CodeRunBaseline, "what was synced cannot move to the warehouse: the engines write keys of the type %s differently", key.Native)
	}
	next := plan.Baseline{
		Tables: &plan.Tables{Plan: p.table(copiedPlan), Rejections: p.table(copiedRejection)},
		Layout: b.Layout, Rows: b.Rows, Overlap: b.Overlap, Dirty: b.Dirty,
	}
	next.HashVersion, next.KeyType = migrated, key.Native
	if err := p.copyBaseline(ctx, b, &next, dir); err != nil {
		return plan.Baseline{}, failure(ctx, err, "copying what was synced before into the warehouse")
	}
	return next, nil
}

// sameText reports whether the warehouse writes a key of the type as value.Value.String does.
func sameText(key value.Column) bool {
	switch strings.ToLower(key.Native) {
	case "real", "double precision", "float", "double", "bytea", "blob":
		return false
	default:
		return key.Type != value.TypeObject
	}
}

func (p *Planner) copyBaseline(ctx context.Context, b, next *plan.Baseline, dir string) error {
	files, err := b.ReadFiles(dir)
	if err != nil {
		return err
	}
	defer files.Release()
	if err := p.load(ctx, next.Tables.Plan, newCopied(files, b.Layout)); err != nil {
		return err
	}
	found, err := p.warehouse.Columns(ctx, next.Tables.Plan)
	if err != nil {
		return err
	}
	next.Physical = nil
	for i := range next.Schema {
		at := found.Index(column(i))
		if at < 0 {
			return fault.New(fault.CodeInternal, "the table %s has no column %s", next.Tables.Plan, column(i))
		}
		next.Physical = append(next.Physical, found[at].Native)
	}
	if b.Overlay == "" {
		return p.execute(ctx, rejections(next.Tables.Rejections, next.Layout))
	}
	overlay, err := b.ReadOverlay(dir)
	if err != nil {
		return err
	}
	defer overlay.Release()
	return p.load(ctx, next.Tables.Rejections, newCopied(overlay, b.Layout))
}

func (p *Planner) load(ctx context.Context, t query.TableRef, r *copied) error {
	return errors.Join(p.warehouse.Load(ctx, t, r), r.Err())
}

// copied gives the rows of Basic's files the columns of our tables.
type copied struct {
	array.RecordReader

	layout plan.Layout
	schema *arrow.Schema
	batch  arrow.RecordBatch
	err    error
}

func newCopied(r array.RecordReader, l plan.Layout) *copied {
	c := &copied{RecordReader: r, layout: l}
	var fields []arrow.Field
	for _, f := range r.Schema().Fields() {
		switch f.Name {
		case "_h", "_attempts":
			f.Type = arrow.BinaryTypes.String
		case "_held":
			f.Type = arrow.PrimitiveTypes.Int64
		}
		f.Nullable = true
		fields = append(fields, f)
	}
	c.schema = arrow.NewSchema(fields, nil)
	return c
}

// Schema returns the columns.
func (c *copied) Schema() *arrow.Schema { return c.schema }

// Next reads a batch.
func (c *copied) Next() bool {
	c.drop()
	if c.err != nil || !c.RecordReader.Next() {
		return false
	}
	c.batch, c.err = c.converted(c.RecordReader.RecordBatch())
	return c.err == nil
}

func (c *copied) converted(in arrow.RecordBatch) (arrow.RecordBatch, error) {
	named := map[string]arrow.Array{}
	for i, f := range in.Schema().Fields() {
		named[f.Name] = in.Column(i)
	}
	tried, err := c.tried(named["_attempts"])
	if err != nil {
		return nil, err
	}
	columns := make([]arrow.Array, in.NumCols())
	for i, f := range in.Schema().Fields() {
		a, err := c.column(f, in.Column(i), named["_held"], tried)
		if err != nil {
			return nil, err
		}
		defer a.Release()
		columns[i] = a
	}
	return array.NewRecordBatch(c.schema, columns, in.NumRows()), nil
}

// tried reads what was sent in doubt of each row.
func (c *copied) tried(a arrow.Array) (func(row int) [][]value.Value, error) {
	if a == nil {
		return func(int) [][]value.Value { return nil }, nil
	}
	list, ok := a.(*array.List)
	if !ok {
		return nil, fault.New(fault.CodeStorage, "the baseline's attempts are not a list")
	}
	p := plan.Plan{Schema: c.layout.Schema}
	return p.AttemptReader(plan.Batch{Attempts: list})
}

func (c *copied) column(f arrow.Field, a, held arrow.Array, tried func(row int) [][]value.Value) (arrow.Array, error) {
	switch {
	case f.Name == "_h":
		return texts(a.Len(), func(row int) string { return present(!a.IsNull(row)) }), nil
	case f.Name == "_attempts":
		return texts(a.Len(), func(row int) string {
			list := ""
			for _, values := range tried(row) {
				list = appendAttempt(list, c.layout.Schema, values)
			}
			return list
		}), nil
	case f.Name == "_held":
		return numbers(held.(*array.Boolean)), nil //nolint:forcetypeassert // the overlay's column
	case f.Name[0] != 'c' || held == nil:
		a.Retain()
		return a, nil
	default:
		return c.settled(f, a, held.(*array.Boolean), tried) //nolint:forcetypeassert // the overlay's column
	}
}

// settled has, where nothing was settled, what was sent in doubt last.
func (c *copied) settled(f arrow.Field, a arrow.Array, held *array.Boolean, tried func(row int) [][]value.Value) (arrow.Array, error) {
	at, err := count(f.Name[1:])
	if err != nil {
		return nil, err
	}
	read, err := value.NewReader(arrow.Field{Type: f.Type}, a)
	if err != nil {
		return nil, err
	}
	b := array.NewBuilder(memory.DefaultAllocator, f.Type)
	defer b.Release()
	for row := range a.Len() {
		v := read(row)
		if all := tried(row); !held.Value(row) && len(all) > 0 {
			v = all[len(all)-1][at]
		}
		add(b, v)
	}
	return b.NewArray(), nil
}

// present is a text that says only that there is one.
func present(is bool) string {
	if is {
		return migrated
	}
	return ""
}

// texts makes a column of text in which the empty text is null.
func texts(rows int, at func(row int) string) arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	for row := range rows {
		if text := at(row); text != "" {
			b.Append(text)
		} else {
			b.AppendNull()
		}
	}
	return b.NewArray()
}

// numbers is a column of conditions as numbers.
func numbers(held *array.Boolean) arrow.Array {
	b := array.NewInt64Builder(memory.DefaultAllocator)
	defer b.Release()
	for row := range held.Len() {
		if held.Value(row) {
			b.Append(1)
		} else {
			b.Append(0)
		}
	}
	return b.NewArray()
}

// RecordBatch returns the batch that Next read.
func (c *copied) RecordBatch() arrow.RecordBatch { return c.batch }

// Record is RecordBatch under its former name.
func (c *copied) Record() arrow.RecordBatch { return c.batch }

// Err returns what ended the rows early.
func (c *copied) Err() error { return errors.Join(c.err, c.RecordReader.Err()) }

// Release drops the batch; the reader beneath belongs to whoever opened it.
func (c *copied) Release() { c.drop() }

// Retain does nothing.
func (c *copied) Retain() {}

func (c *copied) drop() {
	if c.batch != nil {
		c.batch.Release()
		c.batch = nil
	}
}

var _ array.RecordReader = (*copied)(nil)
