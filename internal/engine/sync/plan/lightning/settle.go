package lightning

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// Settle writes the overlay of the next baseline and returns the baseline, as the Basic planner does. The overlay's
// table exists even where there are no exceptions (SY-49).
func (p *Planner) Settle(ctx context.Context, in plan.SettleInput) (_ plan.Baseline, err error) {
	s := &settler{Planner: p, in: in, rejections: p.table(rejectionsTable)}
	if s.pieces, err = in.Plan.Refused(in.Outcomes, in.Default); err != nil {
		return plan.Baseline{}, failure(ctx, err, "settling the run")
	}
	b := plan.Baseline{
		Tables: &plan.Tables{Plan: *in.Staged.Table, Rejections: s.rejections},
		Layout: in.Staged.Layout, Rows: in.Staged.Kept, Duplicates: in.Plan.Duplicates.Rows > 0,
	}
	if err := s.run(ctx, &b); err != nil {
		return plan.Baseline{}, failure(ctx, err, "settling the run")
	}
	return b, nil
}

type settler struct {
	*Planner

	in         plan.SettleInput
	pieces     []plan.Piece
	rejections query.TableRef
	compares   bool
}

func (s *settler) run(ctx context.Context, b *plan.Baseline) (err error) {
	if len(s.pieces) == 0 && s.in.Plan.Duplicates.Rows == 0 {
		return s.execute(ctx, rejections(s.rejections, b.Layout))
	}
	if s.compares = s.in.Plan.Compares(); s.compares {
		if err := s.check(ctx, s.in.Old); err != nil {
			return err
		}
	}
	if err := s.upload(ctx); err != nil {
		return err
	}
	err = s.execute(ctx, rejections(s.rejections, b.Layout), s.inserted())
	if err := errors.Join(err, s.drop(ctx, s.table(outcomesTable))); err != nil {
		return err
	}
	return s.count(ctx, b)
}

// rejections is an overlay's table.
func rejections(t query.TableRef, l plan.Layout) query.CreateTable {
	c := query.CreateTable{Table: t, Columns: []query.NewColumn{
		{Name: "_k", Type: query.TypeText}, {Name: "_state", Type: query.TypeText}, {Name: "_held", Type: query.TypeInteger},
		{Name: "_op", Type: query.TypeText}, {Name: "_h", Type: query.TypeText}, {Name: "_attempts", Type: query.TypeText},
	}}
	for i, native := range l.Physical {
		c.Columns = append(c.Columns, query.NewColumn{Name: column(i), Type: query.Native(native)})
	}
	return c
}

// inserted writes the overlay.
func (s *settler) inserted() query.Command {
	names := append([]string{"_k", "_state", "_held", "_op", "_h", "_attempts"}, columns(len(s.in.Staged.Schema))...)
	return query.InsertQuery{Table: s.rejections, Columns: names, Query: s.overlay()}
}

// overlay is the state of every exception. A row that is kept in a run whose mapping changed has no hash: its values
// may be the settled ones, and yet it must be sent.
func (s *settler) overlay() query.Query {
	x := query.Table(s.table(outcomesTable)).As("x")
	inDoubt := x.Col("state").Eq(query.Text(string(plan.Dirty)))
	if !s.compares {
		return s.fresh(x, inDoubt)
	}
	base := s.base()
	o, n := query.Sub(base.values()).As("o"), query.Table(*s.in.Staged.Table).As("n")
	sent := query.And(inDoubt, x.Col("op").Ne(query.Text(string(connector.Removed))))
	wasDirty := o.Col("_dirty").Eq(query.Int(1))
	hash := query.Case().When(query.And(query.Not(inDoubt), o.Col("_dirty").Eq(query.Int(0))), o.Col("_x")).End()
	if s.in.Plan.MappingChanged {
		hash = query.Null(query.TypeText)
	}
	q := query.From(x).LeftJoin(o, o.Col("_k").Eq(x.Col("_k"))).LeftJoin(n, query.And(n.Col("_k").Eq(x.Col("_k")), sent)).Select(
		x.Col("_k"),
		query.Case().When(query.Or(inDoubt, wasDirty), query.Text(plan.StateDirty)).
			When(o.Col("_k").IsNull(), query.Text(plan.StateAbsent)).Else(query.Text(plan.StateKept)).As("_state"),
		query.Coalesce(o.Col("_held"), query.Int(0)).As("_held"),
		query.Case().When(inDoubt, x.Col("op")).Else(o.Col("_op")).As("_op"),
		hash.As("_h"), x.Col("attempts").As("_attempts"),
	)
	for i := range s.in.Staged.Schema {
		settled := base.converted(o, i)
		q = q.Select(query.Case().When(o.Col("_held").Eq(query.Int(1)), settled).When(sent, n.Col(column(i))).Else(settled).As(column(i)))
	}
	return q
}

// fresh is the overlay of a run that compared nothing: what it did not bring over is not there, or in doubt.
func (s *settler) fresh(x query.Relation, inDoubt query.Expr) query.Query {
	n := query.Table(*s.in.Staged.Table).As("n")
	q := query.From(x).LeftJoin(n, query.And(n.Col("_k").Eq(x.Col("_k")), inDoubt)).Select(
		x.Col("_k"), query.Case().When(inDoubt, query.Text(plan.StateDirty)).Else(query.Text(plan.StateAbsent)).As("_state"),
		query.Int(0).As("_held"), query.Case().When(inDoubt, x.Col("op")).End().As("_op"),
		query.Null(query.TypeText).As("_h"), x.Col("attempts").As("_attempts"),
	)
	return q.Select(n.Cols(columns(len(s.in.Staged.Schema))...)...)
}

// base is the old baseline with hashes over all compared columns, since the overlay's hashes are compared with
// staged ones.
func (s *settler) base() base {
	l := s.in.Staged.Layout
	c := l.CompareWith(s.in.Old.Layout)
	c.Shared = l.ComparePositions()
	return base{baseline: s.in.Old, now: l, compare: c}
}

// count derives the baseline's numbers: staged rows, less those that the overlay replaces, plus those that the
// overlay holds.
func (s *settler) count(ctx context.Context, b *plan.Baseline) error {
	var held int64
	err := s.numbers(ctx, counted(s.rejections), &b.Overlap, &b.Dirty, &held)
	b.Rows += held - s.in.Plan.Counts.Duplicates
	for _, piece := range s.pieces {
		if piece.Op != connector.Removed {
			b.Rows -= piece.To - piece.From
		}
	}
	return err
}

// counted counts an overlay's rows, those in doubt, and those that hold what was settled.
func counted(rejections query.TableRef) query.Query {
	r := query.Table(rejections).As("r")
	return query.From(r).Select(query.Count().As("n"),
		query.Sum(flag(r.Col("_state").Eq(query.Text(plan.StateDirty)))).As("dirty"), query.Sum(r.Col("_held")).As("held"))
}

// upload makes the table of the keys that were not accepted, one row each: _k, op, state, attempts.
func (s *settler) upload(ctx context.Context) error {
	doubts, err := s.doubts(ctx)
	if err != nil {
		return err
	}
	r := newOutcomes(s.in.Plan, s.pieces, doubts)
	defer r.Release()
	if err := s.warehouse.Load(ctx, s.table(outcomesTable), r); err != nil {
		return errors.Join(r.Err(), err)
	}
	return r.Err()
}

// doubts are the attempts of keys in doubt that the model has more than once now: no planned row carries them.
func (s *settler) doubts(ctx context.Context) (map[string]string, error) {
	found := map[string]string{}
	if !s.compares || s.in.Old.Dirty == 0 || s.in.Plan.Duplicates.Rows == 0 {
		return found, nil
	}
	err := s.read(ctx, s.doubtful(), func(row []string) error {
		found[row[0]] = forgetColumns(row[1], s.in.Old.Schema, s.in.Staged.Schema)
		return nil
	})
	return found, err
}

// doubtful are the keys in doubt that the model has more than once now, with what was sent.
func (s *settler) doubtful() query.Query {
	o, n := query.Table(s.in.Old.Tables.Rejections).As("o"), query.Table(*s.in.Staged.Table).As("n")
	repeated := query.Sub(query.From(n).Where(n.Col("_k").NotNull()).GroupBy(n.Col("_k")).Having(query.Count().Gt(query.Int(1))).Select(n.Col("_k"))).As("n")
	return query.From(o).Join(repeated, repeated.Col("_k").Eq(o.Col("_k"))).Where(o.Col("_state").Eq(query.Text(plan.StateDirty))).
		Select(o.Col("_k"), o.Col("_attempts"))
}

// outcomes streams the keys of rows that were not accepted.
type outcomes struct {
	plan    *plan.Plan
	todo    []plan.Piece
	repeats *plan.Rows // of the duplicates
	seen    map[string]bool
	doubts  map[string]string
	rows    *plan.Rows
	op      connector.Operation
	done    bool
	batch   arrow.RecordBatch
	err     error
}

var outcomesSchema = arrow.NewSchema([]arrow.Field{
	{Name: "_k", Type: arrow.BinaryTypes.String},
	{Name: "op", Type: arrow.BinaryTypes.String},
	{Name: "state", Type: arrow.BinaryTypes.String},
	{Name: "attempts", Type: arrow.BinaryTypes.String, Nullable: true},
}, nil)

func newOutcomes(p *plan.Plan, pieces []plan.Piece, doubts map[string]string) *outcomes {
	return &outcomes{plan: p, todo: append([]plan.Piece(nil), pieces...), seen: map[string]bool{}, doubts: doubts}
}

// batchRows is how many keys make a batch.
const batchRows = 8192

// Schema returns the columns.
func (o *outcomes) Schema() *arrow.Schema { return outcomesSchema }

// Next gathers keys.
func (o *outcomes) Next() bool {
	o.drop()
	b := array.NewRecordBuilder(memory.DefaultAllocator, outcomesSchema)
	defer b.Release()
	for o.err == nil && !o.done && b.Field(0).Len() < batchRows {
		if len(o.todo) > 0 {
			o.err = o.gather(b)
		} else {
			o.err = o.gatherDuplicates(b)
		}
	}
	if o.err != nil || b.Field(0).Len() == 0 {
		return false
	}
	o.batch = b.NewRecordBatch()
	return true
}

// gather appends some keys of the piece that is next.
func (o *outcomes) gather(b *array.RecordBuilder) error {
	p := &o.todo[0]
	if err := o.seek(*p); err != nil {
		return err
	}
	if !o.rows.Next() {
		return o.rows.Err()
	}
	batch := o.rows.Batch()
	tried, err := o.tried(batch, *p)
	if err != nil {
		return err
	}
	n := min(int64(batch.Len()), p.To-p.From)
	for i := range int(n) {
		appendOutcome(b, batch.Keys.Value(i), string(p.Op), string(p.State), tried(i))
	}
	if p.From += n; p.From == p.To {
		o.todo = o.todo[1:]
	}
	return nil
}

// tried returns what was sent of a row in doubt, this time and before.
func (o *outcomes) tried(batch plan.Batch, p plan.Piece) (func(row int) string, error) {
	before, err := o.plan.AttemptReader(batch)
	if err != nil {
		return nil, err
	}
	var now []value.Reader
	if p.State == plan.Dirty && p.Op != connector.Removed {
		for i := range o.plan.Schema {
			read, err := value.NewReader(arrow.Field{Type: batch.Values.Column(i).DataType()}, batch.Values.Column(i))
			if err != nil {
				return nil, err
			}
			now = append(now, read)
		}
	}
	return func(row int) string {
		list := ""
		if before != nil {
			for _, values := range before(row) {
				list = appendAttempt(list, o.plan.Schema, values)
			}
		}
		if now == nil {
			return list
		}
		values := make([]value.Value, len(now))
		for i, read := range now {
			values[i] = read(row)
		}
		return appendAttempt(list, o.plan.Schema, values)
	}, nil
}

func appendOutcome(b *array.RecordBuilder, key, op, state, attempts string) {
	for i, text := range []string{key, op, state, attempts} {
		field := b.Field(i).(*array.StringBuilder) //nolint:forcetypeassert // outcomesSchema
		if i == 3 && text == "" {
			field.AppendNull()
			continue
		}
		field.Append(text)
	}
}

// seek makes the piece's first row the next one to read.
func (o *outcomes) seek(p plan.Piece) (err error) {
	if o.rows == nil || o.op != p.Op {
		if o.rows != nil {
			if err := o.rows.Close(); err != nil {
				return err
			}
		}
		if o.rows, err = o.plan.Open(p.Op); err != nil {
			return err
		}
		o.op = p.Op
	}
	return o.rows.SeekTo(p.From)
}

// gatherDuplicates appends keys that the model has more than once, each once.
func (o *outcomes) gatherDuplicates(b *array.RecordBuilder) (err error) {
	if o.repeats == nil {
		if o.repeats, err = o.plan.OpenDuplicates(); err != nil {
			return err
		}
	}
	if !o.repeats.Next() {
		o.done = true
		return o.repeats.Err()
	}
	keys := o.repeats.Batch().Keys
	for i := range keys.Len() {
		key := keys.Value(i)
		if o.seen[key] {
			continue
		}
		o.seen[string([]byte(key))] = true
		appendOutcome(b, key, "", string(plan.Duplicate), o.doubts[key])
	}
	return nil
}

// RecordBatch returns what Next gathered.
func (o *outcomes) RecordBatch() arrow.RecordBatch { return o.batch }

// Record is RecordBatch under its former name.
func (o *outcomes) Record() arrow.RecordBatch { return o.batch }

// Err returns what ended the keys early.
func (o *outcomes) Err() error { return o.err }

// Retain does nothing: the settler releases the outcomes.
func (o *outcomes) Retain() {}

// Release closes the plan's files. It may be called again.
func (o *outcomes) Release() {
	o.drop()
	for _, rows := range []*plan.Rows{o.rows, o.repeats} {
		if rows != nil {
			o.err = errors.Join(o.err, rows.Close())
		}
	}
	o.rows, o.repeats = nil, nil
}

func (o *outcomes) drop() {
	if o.batch != nil {
		o.batch.Release()
		o.batch = nil
	}
}

var _ array.RecordReader = (*outcomes)(nil)
