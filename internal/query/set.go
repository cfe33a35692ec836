package query

// Union is the rows of several queries with the same columns, repetitions included.
func Union(all ...Query) Query { return setOf(unionAll, all) }

// UnionDistinct is the different rows of several queries with the same columns.
func UnionDistinct(all ...Query) Query { return setOf(unionDistinct, all) }

// Intersect is the different rows that all of the queries have.
func Intersect(all ...Query) Query { return setOf(intersect, all) }

// Except is the different rows of the first query that none of the others has.
func Except(first Query, others ...Query) Query {
	return setOf(except, append([]Query{first}, others...))
}

// The set operations, as the standard writes them.
const (
	unionAll      = "UNION ALL"
	unionDistinct = "UNION"
	intersect     = "INTERSECT"
	except        = "EXCEPT"
)

func setOf(op string, all []Query) Query {
	if len(all) == 1 {
		return all[0]
	}
	return set{op, all}
}

// set is what a set operation makes of queries. It is sorted and limited around it (Sub).
type set struct {
	op  string
	all []Query
}

func (s set) printQuery(p *printer) {
	words := s.op
	if other, differs := p.d.g.sets[s.op]; differs {
		words = other
	}
	for i, q := range s.all {
		if i > 0 {
			p.text(" " + words + " ")
		}
		p.query(s.operand(q))
	}
}

// operand puts into a query of its own what would otherwise belong to the whole: another operation, which may bind more
// strongly, or an order and a limit. Parentheses around operands are not known everywhere.
func (s set) operand(q Query) Query {
	switch q := q.(type) {
	case set:
		if s.op != unionAll || q.op != unionAll {
			return From(Sub(q).As("_set"))
		}
	case Select:
		if q.limited || len(q.orders) > 0 {
			return From(Sub(q).As("_set"))
		}
	}
	return q
}
