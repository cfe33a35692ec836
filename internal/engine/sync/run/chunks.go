package run

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/delivery"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/mapping"
	"github.com/millrace/millrace/internal/value"
)

// chunks feeds a plan to a delivery.
type chunks struct {
	plan    *plan.Plan
	mapping *mapping.Mapping
	vars    *mapping.Variables
	limits  connector.Limits
	fan     *mapping.Fan // nil where each row is one record
	retract bool         // yields what rows had and lost, instead of the rows (delivery.Delivery.Retract)

	op   connector.Operation
	rows *plan.Rows
}

var _ delivery.Chunks = (*chunks)(nil)

// Next returns the next rows of an operation.
func (c *chunks) Next(_ context.Context, op connector.Operation) (*delivery.Chunk, error) {
	if c.retract && op == connector.Added && !c.plan.Attempts {
		return nil, nil //nolint:nilnil // what is new had nothing before
	}
	if c.rows == nil || c.op != op {
		if err := c.close(); err != nil {
			return nil, err
		}
		rows, err := c.plan.Open(op)
		if err != nil {
			return nil, err
		}
		c.rows, c.op = rows, op
	}
	if !c.rows.Next() {
		return nil, c.rows.Err()
	}
	return c.chunk(c.rows.Batch(), op)
}

func (c *chunks) close() error {
	if c.rows == nil {
		return nil
	}
	rows := c.rows
	c.rows = nil
	return rows.Close()
}

func (c *chunks) chunk(b plan.Batch, op connector.Operation) (*delivery.Chunk, error) {
	current, err := columnsOf(b.Values)
	if err != nil {
		return nil, err
	}
	before, err := columnsOf(b.Before)
	if err != nil {
		return nil, err
	}
	var attempts func(row int) [][]value.Value
	if c.fan != nil {
		if attempts, err = c.plan.AttemptReader(b); err != nil {
			return nil, err
		}
	}
	return &delivery.Chunk{
		First: b.First, Rows: b.Len(), Release: retain(b),
		Bind: func() delivery.RowReader {
			m := c.bind(b, op, current, before)
			if c.fan == nil {
				return m
			}
			return &fanned{mappedRows: m, fan: c.fan, retract: c.retract, earlier: earlier{attempts: attempts, schema: c.plan.Schema, mapping: c.mapping, vars: c.vars}}
		},
	}, nil
}

// retain keeps a batch's memory until the function that it returns is called.
func retain(b plan.Batch) (release func()) {
	b.Keys.Retain()
	b.Values.Retain()
	if b.Before != nil {
		b.Before.Retain()
	}
	if b.Attempts != nil {
		b.Attempts.Retain()
	}
	return func() {
		b.Keys.Release()
		b.Values.Release()
		if b.Before != nil {
			b.Before.Release()
		}
		if b.Attempts != nil {
			b.Attempts.Release()
		}
	}
}

// columns are the columns of a batch with their readers.
type columns struct {
	schema  value.Schema
	readers []value.Reader
}

func columnsOf(b arrow.RecordBatch) (c columns, err error) {
	if b == nil {
		return c, nil
	}
	if c.schema, err = value.SchemaOf(b.Schema()); err != nil {
		return c, err
	}
	for i, f := range b.Schema().Fields() {
		r, err := value.NewReader(f, b.Column(i))
		if err != nil {
			return c, err
		}
		c.readers = append(c.readers, r)
	}
	return c, nil
}

func (c *chunks) bind(b plan.Batch, op connector.Operation, current, before columns) *mappedRows {
	m := &mappedRows{
		first: b.First, op: op, key: b.Keys.Value, source: c.limits.NeedSource,
		current: c.mapping.Bind(current.schema, current.readers, c.vars),
	}
	if len(before.schema) > 0 {
		m.before = c.mapping.Bind(before.schema, before.readers, c.vars)
	}
	return m
}

// mappedRows maps the rows of one batch for one lane.
type mappedRows struct {
	first   int64
	op      connector.Operation
	key     func(i int) string
	source  bool
	current *mapping.Binding
	before  *mapping.Binding // nil where the destination does not ask for previous values
}

// Read fills a row for the destination.
func (m *mappedRows) Read(i int, row *connector.Row) (err error) {
	row.Ordinal, row.Key = m.first+int64(i), m.key(i)
	m.current.Row(i, m.op)
	if row.Values, err = m.current.Values(row.Values); err != nil {
		return err
	}
	if row.Match, err = m.current.Match(row.Match); err != nil {
		return err
	}
	if m.source {
		if row.Source, err = m.current.Source(row.Source); err != nil {
			return err
		}
	}
	if m.before == nil {
		return nil
	}
	m.before.Row(i, m.op)
	if row.Before, err = m.before.Values(row.Before); err != nil {
		return err
	}
	matched, err := m.before.Match(row.Matched)
	if err == nil { // a row that could not be matched before was matched by nothing
		row.Matched = matched
	}
	return nil
}
