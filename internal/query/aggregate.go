package query

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/internal/value"
)

// Avg is the average of numbers, as a float whatever the numbers are.
func Avg(e Expr) Expr { return function("avg", Cast(e, TypeFloat)) }

// AnyValue is a value of the group, null only where there is no other; which one, the database chooses.
func AnyValue(e Expr) Expr {
	return Expr{n: aggregate{tabled{func(g *grammar) form { return g.anyValue }, []Expr{e}}}}
}

// ApproxCountDistinct is about the number of different values, computed faster than CountDistinct; exactly, where a
// database does not estimate.
func ApproxCountDistinct(e Expr) Expr {
	return Expr{n: aggregate{tabled{func(g *grammar) form { return g.approxDistinct }, []Expr{e}}}}
}

// aggregate is one value of a group's rows, in a form of the expression.
type aggregate struct{ tabled }

// CountWhere is the number of rows for which the condition holds.
func CountWhere(condition Expr) Expr { return CountOf(Case().When(condition, Int(1)).End()) }

// OfRows is an aggregate of the rows for which the condition holds: each other row counts as one without a value.
func (e Expr) OfRows(condition Expr) Expr {
	only := func(e Expr) Expr { return Case().When(condition, e).End() }
	switch n := e.n.(type) {
	case call:
		if n.star {
			return Expr{n: call{name: n.name, args: []Expr{only(Int(1))}}, name: e.name}
		}
		n.args = slices.Clone(n.args)
		n.args[0] = only(n.args[0])
		return Expr{n: n, name: e.name}
	case aggregate:
		n.parts = []Expr{only(n.parts[0])}
		return Expr{n: n, name: e.name}
	case gathered:
		n.m.Value = only(n.m.Value)
		return Expr{n: n, name: e.name}
	default:
		panic("query: only an aggregate has rows")
	}
}

// StringAgg is the group's texts one behind the other, in an order, with a separator between them. Rows without a text
// are left out, and of none it is null.
func StringAgg(e Expr, separator string, first Order, more ...Order) Expr {
	return Expr{n: gathered{m: Member{Value: e, Type: value.TypeString}, separator: Text(separator), orders: append([]Order{first}, more...), text: true}}
}

// ListAgg is the group's values in an order, as a list (List). Rows without a value are left out, and of none it is
// null. The member's name does not matter.
func ListAgg(m Member, first Order, more ...Order) Expr {
	return Expr{n: gathered{m: m, orders: append([]Order{first}, more...)}}
}

// gathered is the values of a group's rows in one.
type gathered struct {
	m         Member
	separator Expr
	orders    []Order
	text      bool
}

func (a gathered) level() int { return levelAtom }

func (a gathered) print(p *printer) {
	if a.text {
		p.mustHave(ConstructStringAgg)
		p.d.g.stringAgg(p, a.m.Value, a.separator, a.orders)
		return
	}
	p.mustHave(ConstructListAgg)
	p.d.g.listAgg(p, a.m, a.orders)
}

// stringAggAs is a form of the text, the separator and the order.
func stringAggAs(f form) func(p *printer, e, separator Expr, orders []Order) {
	return func(p *printer, e, separator Expr, orders []Order) {
		text, between := p.apart(func(q *printer) { q.expr(e, levelConcat) }), p.apart(func(q *printer) { q.expr(separator, levelConcat) })
		p.text(fmt.Sprintf(string(f), text, between, p.apart(func(q *printer) { q.orders(orders) })))
	}
}

// listAggAs is a form of the value and the order.
func listAggAs(f form) func(p *printer, m Member, orders []Order) {
	return func(p *printer, m Member, orders []Order) {
		v := p.apart(func(q *printer) { q.expr(m.Value, levelConcat) })
		p.text(fmt.Sprintf(string(f), v, p.apart(func(q *printer) { q.orders(orders) })))
	}
}

// listAggOfTexts is for databases whose lists are JSON that is put together: the group's members, each as JSON, with a
// comma between them; whole is what makes a list of that text.
func listAggOfTexts(member func(m Member) Expr, whole form) func(p *printer, m Member, orders []Order) {
	return func(p *printer, m Member, orders []Order) {
		all := Expr{n: gathered{m: Member{Value: member(m)}, separator: Text(","), orders: orders, text: true}}
		p.spell(whole, Text("["), all, Text("]"))
	}
}

// Forms of texts and lists of a group that several dialects share.
const (
	stringAggWithin form = "LISTAGG(%[1]s, %[2]s) WITHIN GROUP (ORDER BY %[3]s)"
	stringAggInside form = "string_agg(%[1]s, %[2]s ORDER BY %[3]s)"
	listAggFiltered form = "array_agg(%[1]s ORDER BY %[2]s) FILTER (WHERE %[1]s IS NOT NULL)"
)

// MostFrequent is a query of the value that most of the rows of q have, in each group; the smallest of several. Rows
// without a value do not count. Its columns are those of groups, which q must have under their names, and value.
func MostFrequent(q Query, groups []string, column string) Query {
	return byFrequency(q, groups, column, Desc)
}

// LeastFrequent is MostFrequent of the value that the fewest rows have.
func LeastFrequent(q Query, groups []string, column string) Query {
	return byFrequency(q, groups, column, Asc)
}

func byFrequency(q Query, groups []string, column string, direction func(Expr) Order) Query {
	r := Sub(q).As("_rows")
	v := r.Col(column)
	by := append(r.Cols(groups...), v)
	counted := From(r).Where(v.NotNull()).GroupBy(by...).Select(by...).Select(Count().As("_count"))
	c := Sub(counted).As("_counted")
	return FirstOf(counted, groups, append(slices.Clone(groups), column), direction(c.Col("_count")), Asc(c.Col(column)))
}

// FirstOf is a query of the first row of each group of q in an order, with some of its columns. The order's columns
// are named alone (Col), or of a relation whose name is left out of account.
func FirstOf(q Query, groups, columns []string, first Order, more ...Order) Query {
	r := Sub(q).As("_rows")
	orders := append([]Order{first}, more...)
	for i, o := range orders {
		if c, ok := o.by.n.(column); ok {
			orders[i].by = r.Col(c.name)
		}
	}
	place := RowNumber().Over(Partition(r.Cols(groups...)...).OrderBy(orders...))
	placed := Sub(From(r).Select(r.Cols(columns...)...).Select(place.As("_place"))).As("_placed")
	return From(placed).Where(placed.Col("_place").Eq(Int(1))).Select(placed.Cols(columns...)...)
}

// percentileParts is how finely a percentile is given: in millionths.
const percentileParts = 1_000_000

// Percentile is a query of the percentile of a column of q in each group, as a float: the value below which that share
// of the rows lies, between two rows in proportion (as PERCENTILE_CONT of the standard is; share 0.5 is the median).
// Rows without a value do not count. Its columns are those of groups, and the percentile under the column's name. Many
// databases have it as a window function or not at all, so that it is computed of the rows' numbers.
func Percentile(q Query, groups []string, column string, share float64) Query {
	r := Sub(q).As("_rows")
	v, by := Cast(r.Col(column), TypeFloat), r.Cols(groups...)
	placed := Sub(From(r).Where(r.Col(column).NotNull()).Select(by...).Select(v.As("_value"),
		RowNumber().Over(Partition(by...).OrderBy(Asc(r.Col(column)))).As("_place"), Count().Over(Partition(by...)).As("_count"))).As("_placed")
	parts := Int(int64(min(max(share, 0), 1)*percentileParts + 0.5))
	way := placed.Col("_count").Sub(Int(1)).Mul(parts) // from the first row, in parts
	beyond := Mod(way, Int(percentileParts))
	before := placed.Col("_place").Sub(Int(1)).Mul(Int(percentileParts))
	value, rest := placed.Col("_value"), Cast(beyond, TypeFloat).Mul(Value(value.OfFloat(1.0/percentileParts)))
	low := Case().When(before.Eq(way.Sub(beyond)), value.Mul(Value(one).Sub(rest))).End()
	high := Case().When(before.Eq(way.Sub(beyond).Add(Int(percentileParts))), value.Mul(rest)).End()
	return From(placed).GroupBy(placed.Cols(groups...)...).Select(placed.Cols(groups...)...).
		Select(Coalesce(Max(low), Value(zero)).Add(Coalesce(Max(high), Value(zero))).As(column))
}

var zero, one = value.OfFloat(0), value.OfFloat(1)
