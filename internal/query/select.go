package query

import (
	"fmt"
	"slices"
	"strings"
)

// Query is what yields rows: a Select, a Union, or one of them behind common table expressions.
type Query interface {
	printQuery(p *printer)
}

// Relation is what a query reads from, under a name.
type Relation struct {
	table     TableRef
	query     Query
	statement string
	cte       string
	array     Expr // whose elements are the rows
	kind      ArrayKind
	alias     string

	sampleBefore, sampleBehind string // words of a sample, around the alias
}

// Table is a table or view.
func Table(t TableRef) Relation { return Relation{table: t} }

// Sub is a query that another one reads from. It needs a name (As).
func Sub(q Query) Relation { return Relation{query: q} }

// Statement is a person's own statement that a query reads from. It needs a name (As). A trailing line
// comment in it does not swallow the rest.
func Statement(sql string) Relation { return Relation{statement: Clean(sql)} }

// Common is a common table expression that With defines.
func Common(name string) Relation { return Relation{cte: name} }

// As names the relation.
func (r Relation) As(name string) Relation {
	r.alias = name
	return r
}

// Col is one of the relation's columns.
func (r Relation) Col(name string) Expr {
	table := r.alias
	if table == "" {
		table = r.cte
	}
	if table == "" {
		table = r.table.Name
	}
	if !r.array.IsZero() {
		return Expr{n: elementColumn{table, name}, name: name}
	}
	return Expr{n: column{table, name}, name: name}
}

// Cols are the relation's columns of these names.
func (r Relation) Cols(names ...string) []Expr {
	all := make([]Expr, len(names))
	for i, name := range names {
		all[i] = r.Col(name)
	}
	return all
}

func (r Relation) isZero() bool {
	return r.query == nil && r.statement == "" && r.cte == "" && r.array.IsZero() && r.table == TableRef{}
}

func (r Relation) print(p *printer) {
	switch {
	case r.query != nil:
		p.text("(")
		p.query(r.query)
		p.text(")")
	case r.statement != "":
		p.statement(r.statement)
	case r.cte != "":
		p.ident(r.cte)
	case !r.array.IsZero():
		p.mustHave(ConstructElements)
		p.d.g.elements(p, r.array, r.kind)
	default:
		p.text(p.d.Table(r.table) + r.sampleBefore)
	}
	if r.alias != "" {
		p.text(p.d.g.aliased)
		p.ident(r.alias)
	}
	if !r.array.IsZero() {
		p.text(p.d.g.elementColumns)
	}
	p.text(r.sampleBehind)
}

// Select reads rows of relations.
type Select struct {
	from     Relation
	joins    []joined
	where    []Expr
	groups   []Expr
	having   []Expr
	columns  []Expr
	orders   []order
	limit    int64
	limited  bool
	distinct bool
	sample   float64
	sampled  bool
}

type joined struct {
	kind string
	with Relation
	on   Expr
}

type order struct {
	by   Expr
	desc bool
	last bool // nulls are last, whatever the database does with them
}

// From begins a query of a relation. Without Select it yields every column.
func From(r Relation) Select { return Select{from: r} }

// Values is a query of one row that reads nothing.
func Values(columns ...Expr) Select { return Select{columns: columns} }

func (s Select) join(kind string, r Relation, on Expr) Select {
	s.joins = append(slices.Clip(s.joins), joined{kind, r, on})
	return s
}

// Join keeps the pairs of rows for which the condition holds.
func (s Select) Join(r Relation, on Expr) Select { return s.join("JOIN", r, on) }

// LeftJoin keeps those pairs, and the rows before it that have no partner.
func (s Select) LeftJoin(r Relation, on Expr) Select { return s.join("LEFT JOIN", r, on) }

// FullJoin keeps those pairs, and the rows of both sides that have no partner. Such a query may have conditions, and
// columns of its own names; it is grouped, sorted, limited and made distinct around it (Sub), since some databases
// have no full join.
func (s Select) FullJoin(r Relation, on Expr) Select { return s.join(fullJoin, r, on) }

const fullJoin = "FULL JOIN"

// SemiJoin keeps the rows that have a partner, without its columns.
func (s Select) SemiJoin(r Relation, on Expr) Select {
	return s.Where(Expr{n: partnerOf(r, on, false)})
}

// AntiJoin keeps the rows that have no partner.
func (s Select) AntiJoin(r Relation, on Expr) Select {
	return s.Where(Expr{n: partnerOf(r, on, true)})
}

func partnerOf(r Relation, on Expr, not bool) partner {
	return partner{exists: exists{not: not, query: From(r).Where(on).Select(Int(1).As("found"))}, with: r, on: on}
}

// withSemiJoins takes partners out of the conditions.
func (s Select) withSemiJoins() Select {
	joins, where := slices.Clip(s.joins), []Expr(nil)
	for _, e := range s.where {
		p, ok := e.n.(partner)
		switch {
		case !ok:
			where = append(where, e)
		case p.not:
			joins = append(joins, joined{"LEFT ANTI JOIN", p.with, p.on})
		default:
			joins = append(joins, joined{"LEFT SEMI JOIN", p.with, p.on})
		}
	}
	s.joins, s.where = joins, where
	return s
}

// Where keeps the rows for which all of the conditions hold, besides those given before.
func (s Select) Where(conditions ...Expr) Select {
	s.where = append(slices.Clip(s.where), conditions...)
	return s
}

// GroupBy makes one row of the rows with equal values.
func (s Select) GroupBy(by ...Expr) Select {
	s.groups = append(slices.Clip(s.groups), by...)
	return s
}

// Having keeps the groups for which the conditions hold.
func (s Select) Having(conditions ...Expr) Select {
	s.having = append(slices.Clip(s.having), conditions...)
	return s
}

// Select says which columns the query yields, besides those named before. Each needs a name (Expr.As) unless
// it is a column.
func (s Select) Select(columns ...Expr) Select {
	s.columns = append(slices.Clip(s.columns), columns...)
	return s
}

// Distinct leaves out rows that were yielded before.
func (s Select) Distinct() Select {
	s.distinct = true
	return s
}

// OrderBy sorts, the smallest first.
func (s Select) OrderBy(by ...Expr) Select {
	for _, e := range by {
		s.orders = append(slices.Clip(s.orders), order{by: e})
	}
	return s
}

// OrderByDesc sorts, the largest first.
func (s Select) OrderByDesc(by ...Expr) Select {
	for _, e := range by {
		s.orders = append(slices.Clip(s.orders), order{by: e, desc: true})
	}
	return s
}

// Sort sorts, and rows that have no value there are the last, in every database.
func (s Select) Sort(by ...Order) Select {
	for _, o := range by {
		s.orders = append(slices.Clip(s.orders), order{o.by, o.desc, true})
	}
	return s
}

// Sample keeps about so many percent of the rows, which the database chooses anew each time; where it can, of the
// first relation's rows, which must then be a table's. Bucket chooses the same ones each time.
func (s Select) Sample(percent float64) Select {
	s.sample = min(max(percent, 0), 100)
	s.sampled = true
	return s
}

// Limit yields at most n rows.
func (s Select) Limit(n int64) Select {
	s.limit, s.limited = n, true
	return s
}

func (s Select) printQuery(p *printer) {
	if at := slices.IndexFunc(s.joins, func(j joined) bool { return j.kind == fullJoin }); at >= 0 {
		s.mustBePlain()
		if p.d.g.noFull {
			p.query(s.withoutFullJoin(at))
			return
		}
	}
	if s.limited && s.distinct && p.d.g.limit == limitAlone {
		p.query(s.limitedAround())
		return
	}
	if p.d.g.semi {
		s = s.withSemiJoins()
	}
	s = s.withSample(p)
	p.text("SELECT ")
	if s.distinct {
		p.text("DISTINCT ")
	}
	p.text(s.top(p.d.g.limit))
	p.named(s.columns)
	s.printFrom(p)
	p.clause("WHERE", And(s.where...))
	if len(s.groups) > 0 {
		p.text(" GROUP BY ")
		p.list(s.groups)
	}
	p.clause("HAVING", And(s.having...))
	s.printOrder(p)
	p.text(s.last(p.d.g.limit))
}

func (s Select) printFrom(p *printer) {
	if s.from.isZero() {
		p.text(p.d.g.dual)
		return
	}
	p.text(" FROM ")
	s.from.print(p)
	for _, j := range s.joins {
		if j.with.array.IsZero() {
			p.text(" " + j.kind + " ")
		} else {
			p.text(" " + p.d.g.each + " ")
		}
		j.with.print(p)
		if j.with.array.IsZero() {
			p.text(" ON ")
			p.condition(j.on, levelOr)
		}
	}
}

// top is a limit before the columns.
func (s Select) top(at limit) string {
	switch {
	case s.limited && at == limitTop:
		return fmt.Sprintf("TOP (%d) ", s.limit)
	case s.limited && at == limitAlone:
		return fmt.Sprintf("TOP %d ", s.limit)
	default:
		return ""
	}
}

// last is a limit at the end.
func (s Select) last(at limit) string {
	switch {
	case s.limited && at == limitLast:
		return fmt.Sprintf(" LIMIT %d", s.limit)
	case s.limited && at == limitFetch:
		return fmt.Sprintf(" FETCH FIRST %d ROWS ONLY", s.limit)
	default:
		return ""
	}
}

// limitedAround takes the limit out of a query of different rows.
func (s Select) limitedAround() Query {
	n := s.limit
	s.limited = false
	return From(Sub(s).As("_limited")).Limit(n)
}

// mustBePlain refuses what FullJoin says.
func (s Select) mustBePlain() {
	if len(s.groups)+len(s.having)+len(s.orders) > 0 || s.limited || s.distinct || s.sampled {
		panic("query: a full join is grouped, sorted, limited and sampled around it (Sub)")
	}
}

// withoutFullJoin is the full join at that place as a left join and the rows of its other side that have no partner.
func (s Select) withoutFullJoin(at int) Query {
	before, full, after := s.joins[:at], s.joins[at], s.joins[at+1:]
	left := s
	left.joins = slices.Concat(before, []joined{{"LEFT JOIN", full.with, full.on}}, after)
	partner := Select{from: s.from, joins: before}.Where(full.on).Select(Int(1).As("found"))
	right := From(full.with).LeftJoin(s.from, Int(1).Eq(Int(0)))
	for _, j := range before {
		right = right.LeftJoin(j.with, Int(1).Eq(Int(0)))
	}
	right.joins = slices.Concat(right.joins, after)
	return Union(left, right.Where(NotExists(partner)).Where(s.where...).Select(s.columns...))
}

func (s Select) printOrder(p *printer) {
	for i, o := range s.orders {
		if i == 0 {
			p.text(" ORDER BY ")
		} else {
			p.text(", ")
		}
		if o.last {
			p.order(Order{o.by, o.desc})
			continue
		}
		p.expr(o.by, levelOr)
		if o.desc {
			p.text(" DESC")
		}
	}
}

// Definition is a query that others in the same statement read by its name.
type Definition struct {
	Name  string
	Query Query
}

// With is a query that reads from definitions (Common).
func With(q Query, definitions ...Definition) Query { return with{q, definitions} }

type with struct {
	query       Query
	definitions []Definition
}

func (w with) printQuery(p *printer) {
	definitions := make([]string, len(w.definitions))
	for i, d := range w.definitions {
		text := p.apart(func(q *printer) { q.query(d.Query) })
		definitions[i] = p.d.Ident(d.Name) + " AS (" + text + ")"
	}
	if p.hoisted != nil {
		*p.hoisted = append(*p.hoisted, definitions...)
	} else {
		p.text("WITH " + strings.Join(definitions, ", ") + " ")
	}
	p.query(w.query)
}

// statement writes a person's statement as a relation.
func (p *printer) statement(sql string) {
	if p.hoisted != nil {
		definitions, rest := splitWith(sql)
		if definitions != "" {
			*p.hoisted = append(*p.hoisted, definitions+"\n")
		}
		sql = unordered(rest)
	}
	p.text("(\n" + sql + "\n)")
}
