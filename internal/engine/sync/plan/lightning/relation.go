package lightning

import (
	"context"
	"slices"

	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// check finds the baseline's tables.
func (p *Planner) check(ctx context.Context, b *plan.Baseline) error {
	if b.Tables == nil {
		return fault.New(fault.CodeInternal, "the baseline is not in the warehouse")
	}
	names, err := p.warehouse.OwnTables(ctx, p.schema, p.run.prefix())
	if err != nil {
		return err
	}
	for _, t := range []query.TableRef{b.Tables.Plan, b.Tables.Rejections} {
		if t.Schema != p.schema || !slices.Contains(names, t.Name) {
			return fault.New(fault.CodeRunBaseline, "the table %s, which has what was synced before, is gone", t)
		}
	}
	return nil
}

// base is the baseline as the layout now sees it: columns are found by name and keep the types that they had.
type base struct {
	baseline *plan.Baseline
	now      plan.Layout
	previous []string // of the values that are wanted under p0 …
	compare  plan.Comparison
}

// verdicts has what decides on a key: _k, _x (the hash to compare by, null where the row must be planned again),
// _held, _dirty and _op.
func (b base) verdicts() query.Query { return b.relation(nil) }

// values has the verdicts' columns, _attempts, c0 … (null where the baseline lacks a column) and p0 ….
func (b base) values() query.Query {
	return b.relation(func(r query.Relation, attempts query.Expr) []query.Expr {
		wanted := []query.Expr{attempts.As("_attempts")}
		for i, c := range b.now.Schema {
			wanted = append(wanted, b.column(r, c.Name).As(column(i)))
		}
		for i, name := range b.previous {
			wanted = append(wanted, b.column(r, name).As(previous(i)))
		}
		return wanted
	})
}

// relation joins the settled rows and the exceptions; more names further columns.
func (b base) relation(more func(r query.Relation, attempts query.Expr) []query.Expr) query.Query {
	f, o := query.Table(b.baseline.Tables.Plan).As("f"), query.Table(b.baseline.Tables.Rejections).As("o")
	none := query.Null(query.TypeText)
	settled := query.From(f).Where(f.Col("_k").NotNull()).
		Select(f.Col("_k"), b.hash(f).As("_x"), query.Int(1).As("_held"), query.Int(0).As("_dirty"), none.As("_op"))
	excepted := query.From(o).Where(o.Col("_state").Ne(query.Text(plan.StateAbsent))).
		Select(o.Col("_k"), b.hash(o).As("_x"), o.Col("_held"), flag(o.Col("_state").Eq(query.Text(plan.StateDirty))).As("_dirty"), o.Col("_op"))
	if more != nil {
		settled, excepted = settled.Select(more(f, none)...), excepted.Select(more(o, o.Col("_attempts"))...)
	}
	if b.baseline.Overlap == 0 {
		return settled
	}
	return query.Union(settled.AntiJoin(o, o.Col("_k").Eq(f.Col("_k"))), excepted)
}

// flag is a condition as a number, since not every database has values of conditions.
func flag(condition query.Expr) query.Expr {
	return query.Case().When(condition, query.Int(1)).Else(query.Int(0))
}

// hash is the stored hash where it can be compared, and otherwise that of the columns which both layouts have.
func (b base) hash(r query.Relation) query.Expr {
	if b.compare.Direct {
		return r.Col("_h")
	}
	texts := make([]query.Expr, len(b.compare.Shared))
	for i, at := range b.compare.Shared {
		texts[i] = b.text(r, b.now.Schema[at].Name)
	}
	return query.Case().When(r.Col("_h").NotNull(), query.Hash(texts...)).End()
}

// text is an old column in the form that hashes are made of.
func (b base) text(r query.Relation, name string) query.Expr {
	old := b.baseline.Layout
	at := old.Schema.Index(name)
	if at < 0 {
		return query.Null(query.TypeText)
	}
	return query.Canonical(r.Col(column(at)), old.Schema[at].Type, old.Physical[at])
}

// column is an old column in its own type.
func (b base) column(r query.Relation, name string) query.Expr {
	if at := b.baseline.Schema.Index(name); at >= 0 {
		return r.Col(column(at))
	}
	if at := b.now.Schema.Index(name); at >= 0 {
		return query.Null(query.Native(b.now.Physical[at]))
	}
	return query.Null(query.TypeText)
}

// converted is an old column in today's type; what does not convert is null.
func (b base) converted(r query.Relation, i int) query.Expr {
	at := b.baseline.Schema.Index(b.now.Schema[i].Name)
	if at < 0 || b.baseline.Physical[at] == b.now.Physical[i] {
		return r.Col(column(i))
	}
	return query.TryCast(r.Col(column(i)), b.baseline.Physical[at], query.Native(b.now.Physical[i]))
}

// previous is the name of a previous value.
func previous(i int) string { return "p" + column(i)[1:] }

// hashOf is the hash of a staged table's columns by position.
func hashOf(r query.Relation, l plan.Layout, positions []int) query.Expr {
	texts := make([]query.Expr, len(positions))
	for i, at := range positions {
		texts[i] = query.Canonical(r.Col(column(at)), l.Schema[at].Type, l.Physical[at])
	}
	return query.Hash(texts...)
}

// sameValue holds where a column of the staged rows has the baseline's value. Objects, and columns whose type is
// another one now, are compared as text.
func (b base) sameValue(now, old query.Relation, i int) query.Expr {
	c := b.now.Schema[i]
	at := b.baseline.Schema.Index(c.Name)
	if at < 0 {
		return query.Int(0).Eq(query.Int(1))
	}
	a, z := now.Col(column(i)), old.Col(column(i))
	if b.baseline.Physical[at] == b.now.Physical[i] && c.Type != value.TypeObject {
		return a.Eq(z)
	}
	return query.Canonical(a, c.Type, b.now.Physical[i]).Eq(query.Canonical(z, b.baseline.Schema[at].Type, b.baseline.Physical[at]))
}
