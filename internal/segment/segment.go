// Package segment turns conditions into SQL: which rows of a model they choose.
package segment

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/internal/condition"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// Rows is what conditions choose from, and by what.
type Rows struct {
	SQL          string         // yields them
	Columns      []value.Column // of the source; those that conditions ask about have their native types
	Now          time.Time      // when the conditions are asked: what is said of the time up to now is the same in every statement of a run
	Zone         query.Zone     // of days, and of periods by the calendar
	ExcludeNulls bool           // an operator that denies chooses no row without a value; otherwise null is a value like another
}

// Choose is the query of the rows for which a condition holds, with the columns of SQL. The condition has been checked
// against the columns.
func (r Rows) Choose(c condition.Condition) query.Query {
	rows := query.Statement(r.SQL).As("rows_of_model")
	b := &builder{Rows: r, rows: rows, from: query.From(rows)}
	where := b.condition(c)
	names := value.Schema(r.Columns).Names()
	return b.from.Where(where).Select(rows.Cols(names...)...)
}

// builder makes the query of one condition.
type builder struct {
	Rows

	rows        query.Relation
	from        query.Select
	percentiles int
}

func (b *builder) condition(c condition.Condition) query.Expr {
	switch {
	case c.Property != nil:
		return b.property(*c.Property)
	case c.Any != nil:
		return b.any(c.Any)
	default:
		all := make([]query.Expr, len(c.All))
		for i, one := range c.All {
			all[i] = b.condition(one)
		}
		return query.And(all...)
	}
}

// any holds where one of the conditions does. A group without conditions holds everywhere, also within another one.
func (b *builder) any(all []condition.Condition) query.Expr {
	var some []query.Expr
	for _, one := range all {
		e := b.condition(one)
		if e.IsZero() {
			return query.Expr{}
		}
		some = append(some, e)
	}
	return query.Or(some...)
}

func (b *builder) property(p condition.Property) query.Expr {
	column := b.Columns[value.Schema(b.Columns).Index(p.Column)]
	e := b.rows.Col(p.Column)
	if p.Path != "" {
		return b.inJSON(p, query.Document{Value: e, Native: column.Native})
	}
	return b.compare(p, e, column)
}

// inJSON is a condition on what stands at a path.
func (b *builder) inJSON(p condition.Property, d query.Document) query.Expr {
	path := query.ParsePath(p.Path)
	switch {
	case p.Operator == condition.Exists:
		return d.Has(path...)
	case p.Operator == condition.NotExists:
		return query.Not(d.Has(path...))
	case p.Type == value.TypeNumber:
		return b.compare(p, d.Number(path...), value.Column{Type: value.TypeNumber})
	case p.Type == value.TypeBoolean:
		return b.compare(p, d.Boolean(path...), value.Column{Type: value.TypeBoolean})
	default:
		return b.texts(p, d.Text(path...))
	}
}

func (b *builder) compare(p condition.Property, e query.Expr, column value.Column) query.Expr {
	switch p.Operator {
	case condition.Exists:
		return e.NotNull()
	case condition.NotExists:
		return e.IsNull()
	}
	switch column.Type {
	case value.TypeString:
		return b.texts(p, query.Key(e, value.TypeString, column.Native))
	case value.TypeTimestamp:
		return b.times(p, instants(e))
	case value.TypeDate:
		return b.times(p, days(e, b.Zone))
	default:
		return b.sizes(p, e)
	}
}

// texts compares letter by letter.
func (b *builder) texts(p condition.Property, e query.Expr) query.Expr {
	test := map[condition.Operator]func(string) query.Expr{
		condition.Equals: e.Exactly, condition.NotEquals: e.Exactly, condition.Contains: e.Contains, condition.NotContains: e.Contains,
		condition.StartsWith: e.StartsWith, condition.EndsWith: e.EndsWith,
	}[p.Operator]
	some := make([]query.Expr, len(p.Values))
	for i, v := range p.Values {
		some[i] = test(v.Raw())
	}
	return b.denied(p.Operator, e, oneOf(some))
}

// wide is how many conditions stand beside each other: databases bound how deep an expression may be, and some may read
// a chain of OR as deep as it is long.
const wide = 100

// oneOf holds where one of many conditions does.
func oneOf(all []query.Expr) query.Expr {
	if len(all) <= wide {
		return query.Or(all...)
	}
	half := len(all) / 2
	return query.Or(oneOf(all[:half]), oneOf(all[half:]))
}

// sizes compares numbers and booleans.
func (b *builder) sizes(p condition.Property, e query.Expr) query.Expr {
	with := func() query.Expr {
		if p.Percentile != nil {
			return b.percentile(p.Column, *p.Percentile)
		}
		return query.Value(p.Values[0])
	}
	switch p.Operator {
	case condition.Greater:
		return e.Gt(with())
	case condition.Less:
		return e.Lt(with())
	case condition.GreaterOrEqual:
		return e.Ge(with())
	case condition.LessOrEqual:
		return e.Le(with())
	}
	items := make([]query.Expr, len(p.Values))
	for i, v := range p.Values {
		items[i] = query.Value(v)
	}
	same := e.Eq(items[0])
	if len(items) > 1 {
		same = e.In(items...)
	}
	return b.denied(p.Operator, e, same)
}

// percentile is the value of a column below which so many of a hundred rows lie, among all rows that conditions choose
// from.
func (b *builder) percentile(column string, of float64) query.Expr {
	b.percentiles++
	all := query.Statement(b.SQL).As("all_rows")
	const share = 100
	one := query.Sub(query.Percentile(query.From(all).Select(all.Col(column)), nil, column, of/share)).As(fmt.Sprint("percentile_", b.percentiles))
	b.from = b.from.Join(one, query.Expr{})
	return one.Col(column)
}

// denied is a condition, or where the operator denies it, its opposite.
func (b *builder) denied(o condition.Operator, e, holds query.Expr) query.Expr {
	switch {
	case !o.Denies():
		return holds
	case b.ExcludeNulls:
		return query.Not(holds)
	default:
		return query.Or(e.IsNull(), query.Not(holds))
	}
}
