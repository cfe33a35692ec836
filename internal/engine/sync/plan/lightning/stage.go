package lightning

import (
	"context"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// hashRecipe counts the ways in which this package has hashed rows.
const hashRecipe = "lightning/2/"

// Describe returns the columns of a model as Stage needs them, without running its query.
func Describe(ctx context.Context, w connector.Warehouse, model connector.Query) (value.Schema, error) {
	schema, err := w.Describe(ctx, model)
	if err != nil {
		return nil, err
	}
	columns, err := value.SchemaOf(schema)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeSourceType, "reading the model's columns")
	}
	return columns, nil
}

// Stage makes a table of the model's rows; model is its statement, in.Schema its columns. Keys become text, so that
// 1 and '1' are one key (M-06); every other value keeps the warehouse's own type (M-12).
func (p *Planner) Stage(ctx context.Context, model string, in plan.StageInput) (plan.Staged, error) {
	kept, err := in.Kept(in.Schema.Names())
	if err != nil {
		return plan.Staged{}, err
	}
	layout, err := in.Layout(in.Schema, kept)
	if err != nil {
		return plan.Staged{}, err
	}
	layout.HashVersion = hashRecipe + p.warehouse.Dialect().Name
	table := p.table(planTable)
	if err := p.create(ctx, table, staged(p.warehouse.Dialect(), model, in, layout)); err != nil {
		return plan.Staged{}, failure(ctx, p.explain(err), "staging the model's rows")
	}
	s := plan.Staged{Table: &table, Layout: layout}
	if err := p.measure(ctx, &s, in.Occurrence != ""); err != nil {
		return plan.Staged{}, failure(ctx, err, "staging the model's rows")
	}
	return s, nil
}

// staged is the query of the table's rows. What a table cannot hold becomes what it can before it is hashed, so that
// a stored value has the hash that was staged.
func staged(d query.Dialect, model string, in plan.StageInput, l plan.Layout) query.Query {
	m := query.Statement(model).As("m")
	key := in.Schema[in.Schema.Index(in.PrimaryKey)]
	var compared, kept []query.Expr
	for _, at := range l.ComparePositions() {
		c := l.Schema[at]
		e, native := d.Stored(m.Col(c.Name), c.Native)
		compared = append(compared, query.Canonical(e, c.Type, native))
	}
	for i, c := range l.Schema {
		e, _ := d.Stored(m.Col(c.Name), c.Native)
		kept = append(kept, e.As(column(i)))
	}
	text := query.Key(m.Col(key.Name), key.Type, key.Native)
	q := query.From(m).Select(text.As("_k"))
	if in.Occurrence != "" {
		first := query.Case().When(m.Col(in.Occurrence).Eq(query.Int(1)), text).End()
		q = query.From(m).Select(first.As("_k"), text.As("_e"), m.Col(in.Occurrence).As("_o"))
	}
	return q.Select(query.Hash(compared...).As("_h")).Select(kept...)
}

// measured counts the staged rows, and those that have a key.
func measured(staged query.TableRef) query.Select {
	t := query.Table(staged).As("t")
	return query.From(t).Select(query.Count().As("n"), query.CountOf(t.Col("_k")).As("keys"))
}

// measure counts the rows and asks for the types that the columns have now.
func (p *Planner) measure(ctx context.Context, s *plan.Staged, expanded bool) error {
	q, into := measured(*s.Table), []*int64{&s.Read, &s.Kept}
	if expanded {
		t := query.Table(*s.Table).As("t")
		q = q.Select(query.Sum(flag(repeated(t))).As("repeated"), query.Sum(flag(noArray(t))).As("none"))
		into = append(into, &s.Repeated, &s.NoArray)
	}
	if err := p.numbers(ctx, q, into...); err != nil {
		return err
	}
	s.NullKeys = s.Read - s.Kept - s.Repeated - s.NoArray
	found, err := p.warehouse.Columns(ctx, *s.Table)
	if err != nil {
		return err
	}
	for i := range s.Schema {
		at := found.Index(column(i))
		if at < 0 {
			return fault.New(fault.CodeInternal, "the table %s has no column %s", s.Table, column(i))
		}
		s.Physical = append(s.Physical, found[at].Native)
	}
	return nil
}

// repeated holds for the rows of an expanded array whose element their array has before.
func repeated(staged query.Relation) query.Expr { return staged.Col("_o").Gt(query.Int(1)) }

// noArray holds for rows whose column to expand holds no array.
func noArray(staged query.Relation) query.Expr {
	return staged.Col("_o").Eq(query.Int(query.NotAnArray))
}

// explain tells what to do where Millrace may not write.
func (p *Planner) explain(err error) error {
	if fault.Is(err, fault.CodeSourceDenied) {
		return fault.Wrap(err, fault.CodeSourceDenied, "writing in the schema %q", p.schema).
			WithSuggestion("Test the source's connection: it names the grant that is missing.")
	}
	return err
}

// Key is the key, as text, of a row of a staged table.
func Key(staged query.Relation) query.Expr { return staged.Col("_k") }

// Fields is the kept columns of a row of a staged table as one JSON object.
func Fields(staged query.Relation, l plan.Layout) query.Expr {
	members := make([]query.Member, len(l.Schema))
	for i, c := range l.Schema {
		members[i] = query.Member{Name: c.Name, Value: staged.Col(column(i)), Type: c.Type, Native: l.Physical[i]}
	}
	return query.Object(members...)
}
