package lightning

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/query"
)

// The verdicts on a key. A key that did not change has none.
const (
	removed   = "r"
	changed   = "c"
	added     = "a"
	duplicate = "d"
	same      = "u"
)

// Diff compares the staged rows with the baseline as the Basic planner does, and writes the rows that differ to
// files of the plan.
func (p *Planner) Diff(ctx context.Context, in plan.DiffInput) (_ plan.Plan, err error) {
	if err := in.Check(); err != nil {
		return plan.Plan{}, err
	}
	d := &differ{Planner: p, in: in, plan: plan.NewPlan(in), now: query.Table(*in.Staged.Table).As("n"), verdict: query.Table(p.table(diffTable)).As("v")}
	defer func() {
		if len(d.made) == 0 {
			return
		}
		if derr := p.drop(ctx, d.made...); err == nil { // what stays goes with the run (Forget)
			err = derr
		}
	}()
	if err := d.run(ctx); err != nil {
		return plan.Plan{}, failure(ctx, err, "comparing the model with the previous run")
	}
	return d.plan, nil
}

type differ struct {
	*Planner

	in      plan.DiffInput
	plan    plan.Plan
	base    base
	now     query.Relation // the staged rows
	verdict query.Relation // _k, n (rows of the model with the key), old (1 where the baseline has the key), op
	claimed bool           // some removals do not happen
	fields  []arrow.Field  // of the staged columns, flat; nil where no other row has them
	made    []query.TableRef
}

// make makes a table that lives as long as the call.
func (d *differ) make(ctx context.Context, t query.TableRef, rows query.Query) error {
	d.made = append(d.made, t)
	return d.create(ctx, t, rows)
}

func (d *differ) run(ctx context.Context) error {
	verdicts := d.find
	if d.plan.Compares() {
		if err := d.check(ctx, d.in.Baseline); err != nil {
			return err
		}
		l := d.in.Staged.Layout
		d.base = base{baseline: d.in.Baseline, now: l, previous: d.plan.Before, compare: l.CompareWith(d.in.Baseline.Layout)}
		d.plan.Attempts = d.in.Baseline.Dirty > 0
		verdicts = d.compare
	}
	found, err := verdicts(ctx)
	if err != nil {
		return err
	}
	if err := d.claim(ctx, found); err != nil {
		return err
	}
	d.count(found)
	return d.write(ctx, found)
}

// find looks for repeated keys, where nothing is compared.
func (d *differ) find(ctx context.Context) (verdicts, error) { return d.decide(ctx, d.repeated()) }

// compare decides on every key. Whether a key appears twice costs as much to find out as the comparison itself, and
// hardly ever one does: it is made as if none did, and made again where the numbers say otherwise.
func (d *differ) compare(ctx context.Context) (verdicts, error) {
	if !d.in.Baseline.Duplicates {
		found, err := d.decide(ctx, d.compared(d.ungrouped()))
		if err != nil {
			return nil, err
		}
		if once, err := d.once(ctx, found); once || err != nil {
			return found, err
		}
		if err := d.drop(ctx, d.table(diffTable)); err != nil {
			return nil, err
		}
	}
	return d.decide(ctx, d.compared(d.keys()))
}

// decide makes the table of verdicts.
func (d *differ) decide(ctx context.Context, rows query.Query) (verdicts, error) {
	if err := d.make(ctx, d.table(diffTable), rows); err != nil {
		return nil, err
	}
	return d.tally(ctx)
}

// once reports whether every key appears once. The staged rows whose key the baseline has are as many as the keys that
// the baseline and the model share, unless one of these appears twice; of the others, all have a verdict.
func (d *differ) once(ctx context.Context, found verdicts) (bool, error) {
	var fresh int64
	for op, v := range found {
		if op != removed {
			fresh += v.keys - v.old
		}
	}
	settled := d.in.Baseline.Rows
	if d.in.Baseline.Overlap > 0 {
		if err := d.numbers(ctx, d.settled(), &settled); err != nil {
			return false, err
		}
	}
	if d.in.Staged.Kept-fresh != settled-found[removed].keys {
		return false, nil
	}
	if fresh == 0 {
		return true, nil
	}
	var rows, keys int64
	err := d.numbers(ctx, d.fresh(), &rows, &keys)
	return rows == keys, err
}

// settled counts the keys that the baseline has.
func (d *differ) settled() query.Query {
	return query.From(query.Sub(d.base.verdicts()).As("b")).Select(query.Count().As("n"))
}

// fresh counts the rows that are added, and their keys.
func (d *differ) fresh() query.Query {
	v := d.verdict
	return query.From(v).Where(v.Col("op").Eq(query.Text(added))).
		Select(query.Count().As("n"), query.CountDistinct(v.Col("_k")).As("keys"))
}

// compared decides on every key of n: one that appears twice is refused; one in doubt is planned even when its values are
// the settled ones; otherwise the hashes decide, unless the mapping changed. Only hashes are compared here.
func (d *differ) compared(keys query.Query) query.Query {
	n := query.Sub(keys).As("n")
	b := query.Sub(d.base.verdicts()).As("b")
	differs := n.Col("x").Distinct(b.Col("_x"))
	if d.plan.MappingChanged {
		differs = query.Int(1).Eq(query.Int(1))
	}
	op := query.Case().
		When(n.Col("n").Gt(query.Int(1)), query.Text(duplicate)).
		When(n.Col("_k").IsNull(), query.Text(removed)).
		When(query.Or(b.Col("_k").IsNull(), b.Col("_held").Eq(query.Int(0))), query.Text(added)).
		When(b.Col("_dirty").Eq(query.Int(1)), d.doubtful(b)).
		When(differs, query.Text(changed)).
		Else(query.Text(same))
	all := query.Sub(query.From(n).FullJoin(b, n.Col("_k").Eq(b.Col("_k"))).Select(
		query.Coalesce(n.Col("_k"), b.Col("_k")).As("_k"), query.Coalesce(n.Col("n"), query.Int(0)).As("n"), flag(b.Col("_k").NotNull()).As("old"), op.As("op"),
	)).As("v")
	return query.From(all).Where(all.Col("op").Ne(query.Text(same))).Select(all.Cols("_k", "n", "old", "op")...)
}

// ungrouped are the staged rows with the hash to compare by, each as if it were the only one with its key.
func (d *differ) ungrouped() query.Query {
	t := query.Table(*d.in.Staged.Table).As("t")
	return query.From(t).Where(t.Col("_k").NotNull()).Select(t.Col("_k"), d.hash(t).As("x"), query.Int(1).As("n"))
}

// keys are the staged keys with the hash to compare by and the number of their rows.
func (d *differ) keys() query.Query {
	t := query.Table(*d.in.Staged.Table).As("t")
	return query.From(t).Where(t.Col("_k").NotNull()).GroupBy(t.Col("_k")).
		Select(t.Col("_k"), query.Max(d.hash(t)).As("x"), query.Count().As("n"))
}

func (d *differ) hash(t query.Relation) query.Expr {
	if d.base.compare.Direct {
		return t.Col("_h")
	}
	return hashOf(t, d.in.Staged.Layout, d.base.compare.Shared)
}

// doubtful is the verdict on a present key that was settled once and is in doubt since.
func (d *differ) doubtful(b query.Relation) query.Expr {
	if !d.in.Rules.DoubtAdds() {
		return query.Text(changed)
	}
	return query.Case().When(b.Col("_op").Eq(query.Text(string(connector.Removed))), query.Text(added)).Else(query.Text(changed))
}

// repeated are the keys that appear more than once, which is all there is to find without a comparison.
func (d *differ) repeated() query.Query {
	return query.From(d.now).Where(d.now.Col("_k").NotNull()).GroupBy(d.now.Col("_k")).Having(query.Count().Gt(query.Int(1))).
		Select(d.now.Col("_k"), query.Count().As("n"), query.Int(0).As("old"), query.Text(duplicate).As("op"))
}

// verdicts is how many keys got each verdict, how many rows of the model they have, and how many of them the baseline
// has.
type verdicts map[string]verdictCount

type verdictCount struct{ keys, rows, old int64 }

// tallied counts the verdicts.
func (d *differ) tallied() query.Query {
	v := d.verdict
	return query.From(v).GroupBy(v.Col("op")).
		Select(v.Col("op"), query.Count().As("keys"), query.Sum(v.Col("n")).As("found"), query.Sum(v.Col("old")).As("old"))
}

func (d *differ) tally(ctx context.Context) (verdicts, error) {
	found := verdicts{}
	err := d.read(ctx, d.tallied(), func(row []string) error {
		keys, kerr := count(row[1])
		rows, rerr := count(row[2])
		old, oerr := count(row[3])
		found[row[0]] = verdictCount{keys, rows, old}
		return errors.Join(kerr, rerr, oerr)
	})
	return found, err
}

// claim finds the removals whose record another row of the model claims.
func (d *differ) claim(ctx context.Context, found verdicts) error {
	if !d.in.Claims() || found[removed].keys == 0 {
		return nil
	}
	d.claimed = true
	if err := d.make(ctx, d.table(claimedTable), d.claims()); err != nil {
		return err
	}
	return d.numbers(ctx, query.From(query.Table(d.table(claimedTable))).Select(query.Count().As("n")), &d.plan.Counts.Claimed)
}

// claims are the keys of removed rows whose identifying values another row has.
func (d *differ) claims() query.Query {
	b, m := query.Sub(d.base.values()).As("b"), query.Table(*d.in.Staged.Table).As("m")
	var same []query.Expr
	for _, name := range d.in.Identify {
		same = append(same, d.base.sameValue(m, b, d.plan.Schema.Index(name)))
	}
	v := d.verdict
	return query.From(v).Join(b, b.Col("_k").Eq(v.Col("_k"))).Join(m, query.And(same...)).
		Where(v.Col("op").Eq(query.Text(removed)), m.Col("_k").NotNull()).Distinct().Select(v.Col("_k"))
}

func (d *differ) count(found verdicts) {
	c := &d.plan.Counts
	c.Duplicates, c.DuplicateKeys = found[duplicate].rows, found[duplicate].keys
	c.Found.Removed, c.Found.Changed, c.Found.Added = found[removed].keys, found[changed].keys, found[added].keys
	switch {
	case d.plan.Compares():
	case d.plan.ResetCDC:
		c.Unchanged = d.in.Staged.Kept - c.Duplicates
		return
	default:
		c.Found.Added = d.in.Staged.Kept - c.Duplicates
	}
	d.plan.Derive(d.in.Rules)
}

// write brings the rows of each operation out of the warehouse.
func (d *differ) write(ctx context.Context, found verdicts) (err error) {
	c := d.plan.Counts
	if c.Planned.Total()+c.Rejected() == 0 {
		return nil
	}
	if d.plan.Compares() && (c.Planned.Removed > 0 || len(d.plan.Before) > 0 || d.plan.Attempts) {
		staged := query.From(d.now).Select(d.now.Cols(columns(len(d.plan.Schema))...)...)
		if d.fields, err = d.Planner.fields(ctx, staged); err != nil {
			return err
		}
	}
	for _, part := range []struct {
		section *plan.Section
		name    string
		rows    int64
		query   func(repeated bool) query.Query
	}{
		{&d.plan.Removed, "removed", c.Planned.Removed, d.removed},
		{&d.plan.Changed, "changed", c.Planned.Changed, d.changed},
		{&d.plan.Added, "added", c.Planned.Added, d.added},
		{&d.plan.Duplicates, "duplicates", c.Duplicates, d.duplicates},
		{&d.plan.Repeated, "repeated", c.Repeated, d.repeats},
		{&d.plan.NoArray, "no_array", c.NoArray, d.noArrays},
	} {
		if part.rows == 0 {
			continue
		}
		if err := d.writeSection(ctx, part.section, part.name, part.query(found[duplicate].keys > 0)); err != nil {
			return err
		}
	}
	return nil
}

func (d *differ) writeSection(ctx context.Context, s *plan.Section, name string, q query.Query) error {
	r, err := d.section(ctx, q)
	if err != nil {
		return err
	}
	defer r.Release()
	f, err := plan.WriteFile(d.plan.Dir, name+".parquet", r)
	if err != nil {
		return err
	}
	s.Files, s.Rows = append(s.Files, f), f.Rows
	return nil
}

// section streams a query's rows as the columns of a section.
func (d *differ) section(ctx context.Context, q query.Query) (array.RecordReader, error) {
	r, err := d.rows(ctx, q)
	if err != nil {
		return nil, err
	}
	defer r.Release()
	return newSection(r, d.in, d.fields), nil
}

// of restricts the verdicts to one, and joins them to the rows of a relation.
func (d *differ) of(r query.Relation, verdict string) query.Select {
	v := d.verdict
	return query.From(r).Join(v, v.Col("_k").Eq(r.Col("_k"))).Where(v.Col("op").Eq(query.Text(verdict)))
}

// removed has the values that were settled last; of a row that never was settled, those that were sent in doubt last.
func (d *differ) removed(bool) query.Query {
	b := query.Sub(d.base.values()).As("b")
	q := d.of(b, removed).Select(b.Col("_k")).Select(b.Cols(columns(len(d.plan.Schema))...)...)
	if d.plan.Attempts {
		q = q.Select(b.Col("_attempts"))
	}
	if d.claimed {
		k := query.Table(d.table(claimedTable)).As("k")
		q = q.AntiJoin(k, k.Col("_k").Eq(b.Col("_k")))
	}
	return q
}

func (d *differ) changed(bool) query.Query {
	q := d.of(d.now, changed).Select(d.now.Col("_k")).Select(d.now.Cols(columns(len(d.plan.Schema))...)...)
	if len(d.plan.Before) == 0 && !d.plan.Attempts {
		return q
	}
	b := query.Sub(d.base.values()).As("b")
	q = q.Join(b, b.Col("_k").Eq(d.now.Col("_k")))
	for i := range d.plan.Before {
		q = q.Select(b.Col(previous(i)).As("b" + previous(i)[1:]))
	}
	if d.plan.Attempts {
		q = q.Select(b.Col("_attempts"))
	}
	return q
}

func (d *differ) added(repeated bool) query.Query {
	names := append([]string{"_k"}, columns(len(d.plan.Schema))...)
	if d.plan.Compares() {
		q := d.of(d.now, added).Select(d.now.Cols(names...)...)
		if !d.plan.Attempts {
			return q
		}
		o := query.Table(d.in.Baseline.Tables.Rejections).As("o")
		doubt := query.And(o.Col("_k").Eq(d.now.Col("_k")), o.Col("_state").Ne(query.Text(plan.StateAbsent)))
		return q.LeftJoin(o, doubt).Select(o.Col("_attempts"))
	}
	q := query.From(d.now).Where(d.now.Col("_k").NotNull()).Select(d.now.Cols(names...)...)
	if repeated {
		q = q.AntiJoin(d.verdict, d.verdict.Col("_k").Eq(d.now.Col("_k")))
	}
	return q
}

func (d *differ) duplicates(bool) query.Query {
	return d.of(d.now, duplicate).Select(d.now.Col("_k"), d.verdict.Col("n").As("_n")).
		Select(d.now.Cols(columns(len(d.plan.Schema))...)...)
}

// repeats are the elements that their array has before.
func (d *differ) repeats(bool) query.Query {
	return query.From(d.now).Where(repeated(d.now)).Select(d.now.Col("_e").As("_k")).Select(d.now.Cols(columns(len(d.plan.Schema))...)...)
}

// noArrays are the rows without elements: they have no key.
func (d *differ) noArrays(bool) query.Query {
	return query.From(d.now).Where(noArray(d.now)).Select(query.Text("").As("_k")).Select(d.now.Cols(columns(len(d.plan.Schema))...)...)
}
