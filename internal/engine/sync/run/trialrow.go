package run

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/delivery"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/mapping"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// sampleRows is how many rows are offered for a trial, as in a preview.
const sampleRows = 100

// Sample is rows of a model that can be tried, and what may be done with them.
type Sample struct {
	Columns    []SampleColumn
	Rows       []SampleRow
	Operations []connector.Operation // those that the sync acts on
}

// SampleColumn is a column of the model.
type SampleColumn struct {
	value.Column

	Used  bool   // the sync sends it or reads it
	Fixed string // why its value cannot be changed; empty where it can
}

// SampleRow is a row of the model.
type SampleRow struct {
	Key    string
	Values []value.Value
}

// Sample returns the first rows of the model of a sync, or the one with a key. It fails where Try would, so that a
// person learns it before choosing a row.
func (e *Engine) Sample(ctx context.Context, workspaceID, syncID int64, key string) (Sample, error) {
	t, err := e.newTrial(ctx, workspaceID, syncID)
	if err != nil {
		return Sample{}, err
	}
	var s Sample
	if key != "" {
		if err := t.find(ctx, key); err != nil {
			return Sample{}, err
		}
		s.Rows = []SampleRow{{key, t.row}}
	} else if s.Rows, err = t.first(ctx); err != nil {
		return Sample{}, err
	}
	m, err := compileMapping(t.bundle, t.kind, t.schema)
	if err != nil {
		return Sample{}, err
	}
	for _, c := range t.schema {
		s.Columns = append(s.Columns, SampleColumn{Column: c, Used: slices.Contains(m.Referenced(), c.Name), Fixed: t.fixed(c.Name)})
	}
	rules := rulesOf(t.bundle.SyncSpec.Mode, t.bundle.SyncSpec.Delete)
	for _, op := range []connector.Operation{connector.Added, connector.Changed, connector.Removed} {
		if rules.acts[op] {
			s.Operations = append(s.Operations, op)
		}
	}
	return s, nil
}

// first reads the first rows of the model. Rows without a key cannot be synced.
func (t *trial) first(ctx context.Context) ([]SampleRow, error) {
	var rows []SampleRow
	err := t.read(ctx, func(_ query.Dialect, q connector.Query) connector.Query {
		q.Limit = sampleRows
		return q
	}, func(key string, row []value.Value) bool {
		rows = append(rows, SampleRow{key, row})
		return len(rows) < sampleRows
	})
	return rows, err
}

// find reads the row with a primary key. The source looks for it where it prints keys as Millrace does; otherwise
// the model is read up to the row.
func (t *trial) find(ctx context.Context, key string) error {
	found := 0
	match := func(k string, row []value.Value) bool {
		if k == key {
			found++
			t.row = row
		}
		return found < 2
	}
	err := t.read(ctx, func(d query.Dialect, q connector.Query) connector.Query {
		q.SQL = d.Find(q.SQL, t.bundle.ModelSpec.PrimaryKey, key, 2)
		return q
	}, match)
	if found == 0 && (err != nil || !t.printsAlike(key)) {
		err = t.read(ctx, func(_ query.Dialect, q connector.Query) connector.Query { return q }, func(k string, row []value.Value) bool {
			return match(k, row) && found == 0
		})
	}
	switch {
	case err != nil:
		return err
	case found == 0:
		return fault.New(fault.CodeNotFound, "the model has no row with this primary key").WithPath("key").
			WithSuggestion("The key is compared letter for letter; choose one of the model's rows.")
	case found > 1:
		return fault.New(fault.CodeModelDuplicate, "%s", sharedReason(t.bundle.SyncSpec.Expand)).WithPath("key")
	default:
		return nil
	}
}

// printsAlike reports whether every source writes keys such as this one as value.Value does.
func (t *trial) printsAlike(key string) bool {
	c, known := t.bundle.ModelSpec.Column(t.bundle.ModelSpec.PrimaryKey)
	if !known {
		return false
	}
	switch c.Type {
	case value.TypeString:
		return !strings.HasPrefix(c.Native, "character(") // whose blanks at the end a database may drop
	case value.TypeBoolean, value.TypeDate:
		return true
	case value.TypeNumber:
		return strings.Trim(key, "-0123456789") == ""
	default:
		return false
	}
}

// read runs the model's query, changed by adapt, and gives rows that have a key to each until it returns false.
func (t *trial) read(ctx context.Context, adapt func(query.Dialect, connector.Query) connector.Query, each func(key string, row []value.Value) bool) (err error) {
	src, err := t.openSource(ctx, t.workspaceID, t.bundle, t.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	q, err := t.bundle.ModelSpec.Query(src.Dialect())
	if err != nil {
		return err
	}
	q.Class, q.Tag = connector.WorkloadInteractive, fmt.Sprintf("millrace test of sync %d", t.bundle.Sync.ID)
	if q, err = t.expand(ctx, src, q); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r, err := src.Query(ctx, adapt(src.Dialect(), q))
	if err != nil {
		return err
	}
	defer func() {
		stop() // enough was read: the source need not go on
		r.Release()
	}()
	if t.schema, err = value.SchemaOf(r.Schema()); err != nil {
		return fault.Wrap(err, fault.CodeSourceType, "reading the model's columns")
	}
	at := t.schema.Index(t.bundle.ModelSpec.PrimaryKey)
	if at < 0 {
		return fault.New(fault.CodeModelKey, "the model has no column %q, which is its primary key", t.bundle.ModelSpec.PrimaryKey)
	}
	return scan(r, at, each)
}

// expand changes the query where the sync's rows are the elements of an array.
func (t *trial) expand(ctx context.Context, src connector.Source, q connector.Query) (connector.Query, error) {
	if t.bundle.ModelKey == "" {
		return q, nil
	}
	q, columns, err := Elements(ctx, src, q, t.bundle.SyncSpec.Expand, t.bundle.ModelKey)
	t.bundle = t.bundle.withColumn(columns)
	return q, err
}

// scan reads rows as they are staged for a run: flat, with one zero.
func scan(r array.RecordReader, at int, each func(key string, row []value.Value) bool) error {
	flat, err := value.Flatten(r, nil)
	if err != nil {
		return fault.Wrap(err, fault.CodeSourceType, "reading the model's columns")
	}
	defer flat.Release()
	for flat.Next() {
		columns, err := columnsOf(flat.RecordBatch())
		if err != nil {
			return fault.Wrap(err, fault.CodeSourceType, "reading the model's columns")
		}
		for i := range int(flat.RecordBatch().NumRows()) {
			row := make([]value.Value, len(columns.readers))
			for c, read := range columns.readers {
				row[c] = staged(read(i))
			}
			if !row[at].IsNull() && !each(row[at].String(), row) {
				return nil
			}
		}
	}
	return flat.Err()
}

// staged is a value as a run's staged rows have it, with memory of its own.
func staged(v value.Value) value.Value {
	if v.Kind() == value.Float && v.Float() == 0 {
		return value.OfFloat(0)
	}
	return v.Clone()
}

// pick returns the named columns, in their own order.
func pick(schema value.Schema, names []string) value.Schema {
	var picked value.Schema
	for _, c := range schema {
		if slices.Contains(names, c.Name) {
			picked = append(picked, c)
		}
	}
	return picked
}

// trialRow gives the row of a trial to a delivery, through the mapping that runs use.
type trialRow struct {
	mappedRows

	key   string
	fan   *mapping.Fan
	shown []value.Field
	done  bool
}

var (
	_ delivery.Chunks    = (*trialRow)(nil)
	_ delivery.RowReader = (*trialRow)(nil)
)

// Next returns the row once, for its operation.
func (r *trialRow) Next(_ context.Context, op connector.Operation) (*delivery.Chunk, error) {
	if r.done || op != r.op {
		return nil, nil //nolint:nilnil // there are no more rows
	}
	r.done = true
	return &delivery.Chunk{Rows: 1, Bind: func() delivery.RowReader {
		if r.fan == nil {
			return r
		}
		return &fanned{mappedRows: &r.mappedRows, fan: r.fan}
	}}, nil
}

// mapped binds the row to the mapping.
func (t *trial) mapped(m *mapping.Mapping, job connector.SyncJob, limits connector.Limits) (*trialRow, error) {
	_, schema := t.changed()
	row := t.values()
	r := &trialRow{fan: fanOf(t.kind, m, job.Match), key: row[t.schema.Index(t.bundle.ModelSpec.PrimaryKey)].String()}
	vars := variables(t.bundle, 0, job.StartedAt)
	r.mappedRows = mappedRows{
		op: t.op, key: func(int) string { return r.key }, source: limits.NeedSource,
		current: bindRow(m, schema, row, vars),
	}
	for i, c := range schema {
		r.shown = append(r.shown, value.Field{Name: c.Name, Value: row[i]})
	}
	if !limits.NeedBefore || t.op != connector.Changed {
		return r, nil
	}
	before, err := compileMapping(t.bundle, t.kind, t.schema) // the row as the model has it, with the model's own types
	if err != nil {
		return nil, err
	}
	r.before = bindRow(before, t.schema, t.row, vars)
	return r, nil
}

// bindRow binds one row, with the columns that a run would have staged.
func bindRow(m *mapping.Mapping, schema value.Schema, row []value.Value, vars *mapping.Variables) *mapping.Binding {
	kept := pick(schema, m.Referenced())
	readers := make([]value.Reader, len(kept))
	for i, c := range kept {
		v := row[schema.Index(c.Name)]
		readers[i] = func(int) value.Value { return v }
	}
	return m.Bind(kept, readers, vars)
}

// trialID names a trial in batch ids. No run and no other trial has it, so that a vendor who remembers keys takes
// neither for the other.
func trialID(job connector.SyncJob) string { return fmt.Sprintf("%d-test-%s", job.SyncID, rand.Text()) }
