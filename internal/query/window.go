package query

import (
	"slices"
	"strconv"
)

// Order is a direction in which rows follow one another. Those that have no value are the last, in every database.
type Order struct {
	by   Expr
	desc bool
}

// Asc sorts the smallest first.
func Asc(e Expr) Order { return Order{by: e} }

// Desc sorts the largest first.
func Desc(e Expr) Order { return Order{by: e, desc: true} }

func (p *printer) order(o Order) {
	if p.d.g.nullsLast == "" {
		p.expr(Case().When(o.by.IsNull(), Int(1)).Else(Int(0)), levelOr)
		p.text(", ")
	}
	p.expr(o.by, levelOr)
	if o.desc {
		p.text(" DESC")
	}
	p.text(p.d.g.nullsLast)
}

func (p *printer) orders(all []Order) {
	for i, o := range all {
		if i > 0 {
			p.text(", ")
		}
		p.order(o)
	}
}

// Window says which rows a function sees beside its own (Expr.Over). The zero Window is all rows.
type Window struct {
	partition []Expr
	orders    []Order
	from, to  Bound
	framed    bool
}

// Partition is a window of the rows with equal values.
func Partition(by ...Expr) Window { return Window{partition: by} }

// OrderBy sorts the window's rows.
func (w Window) OrderBy(by ...Order) Window {
	w.orders = append(slices.Clip(w.orders), by...)
	return w
}

// Rows narrows an aggregate, FirstValue and LastValue to the rows between two bounds. Without it an aggregate of a
// sorted window sees the rows up to its own, and the other two see the whole window.
func (w Window) Rows(from, to Bound) Window {
	w.from, w.to, w.framed = from, to, true
	return w
}

// Bound is where a frame of rows begins or ends.
type Bound struct{ words string }

// The bounds of frames.
var (
	WindowBegin = Bound{"UNBOUNDED PRECEDING"}
	CurrentRow  = Bound{"CURRENT ROW"}
	WindowEnd   = Bound{"UNBOUNDED FOLLOWING"}
)

// Preceding is so many rows before the row.
func Preceding(n int) Bound { return Bound{strconv.Itoa(n) + " PRECEDING"} }

// Following is so many rows behind the row.
func Following(n int) Bound { return Bound{strconv.Itoa(n) + " FOLLOWING"} }

// RowNumber numbers the rows of a sorted window (Expr.Over) from 1.
func RowNumber() Expr { return function("row_number") }

// Rank numbers the rows of a sorted window; equal ones have one number, and as many are left out behind them.
func Rank() Expr { return function("rank") }

// DenseRank numbers the different values of a sorted window.
func DenseRank() Expr { return function("dense_rank") }

// Lag is the value that so many rows before has in a sorted window; null where there is none.
func Lag(e Expr, rows int) Expr { return function("lag", maybe(e), Int(int64(rows))) }

// Lead is the value that so many rows behind has in a sorted window; null where there is none.
func Lead(e Expr, rows int) Expr { return function("lead", maybe(e), Int(int64(rows))) }

// maybe is a value that can be null.
func maybe(e Expr) Expr { return Expr{n: nullable{e}} }

type nullable struct{ e Expr }

func (n nullable) level() int { return levelAtom }

func (n nullable) print(p *printer) {
	if p.d.g.nullable == "" {
		p.expr(n.e, levelOr)
		return
	}
	p.spell(p.d.g.nullable, n.e)
}

// FirstValue is the value of a sorted window's first row.
func FirstValue(e Expr) Expr { return function("first_value", e) }

// LastValue is the value of a sorted window's last row.
func LastValue(e Expr) Expr { return function("last_value", e) }

// Over is a function or an aggregate over a window. It stands in a select list, never in a condition (Sub).
func (e Expr) Over(w Window) Expr { return Expr{n: over{e, w}} }

type over struct {
	function Expr
	window   Window
}

func (o over) level() int { return levelAtom }

func (o over) print(p *printer) {
	o.function.n.print(p)
	p.text(" OVER (")
	if len(o.window.partition) > 0 {
		p.text("PARTITION BY ")
		p.list(o.window.partition)
	}
	if len(o.window.orders) > 0 {
		if len(o.window.partition) > 0 {
			p.text(" ")
		}
		p.text("ORDER BY ")
		p.orders(o.window.orders)
		if from, to, framed := o.frame(p.d.g); framed {
			p.text(" ROWS BETWEEN " + from.words + " AND " + to.words)
		}
	}
	p.text(")")
}

// frame is what the function sees of a sorted window. It is always said, since some databases demand it, and the
// usual one counts rows that are equal to the row.
func (o over) frame(g *grammar) (from, to Bound, framed bool) {
	name := ""
	if c, ok := o.function.n.(call); ok {
		name = c.name
	}
	switch name {
	case "row_number", "rank", "dense_rank":
		return from, to, false
	case "lag", "lead":
		return WindowBegin, WindowEnd, g.shiftInFrame
	case "first_value", "last_value":
		from, to = WindowBegin, WindowEnd
	default:
		from, to = WindowBegin, CurrentRow
	}
	if o.window.framed {
		from, to = o.window.from, o.window.to
	}
	return from, to, true
}
