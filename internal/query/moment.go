package query

import (
	"fmt"
	"time"
)

// Unit is a unit of time.
type Unit string

// The units. A week begins on Monday.
const (
	Second  Unit = "second"
	Minute  Unit = "minute"
	Hour    Unit = "hour"
	Day     Unit = "day"
	Week    Unit = "week"
	Month   Unit = "month"
	Quarter Unit = "quarter"
	Year    Unit = "year"
)

// Part is a part of a date or a time, as a whole number.
type Part string

// The parts. Monday is weekday 1, and a year's first day is 1.
const (
	PartYear      Part = "year"
	PartQuarter   Part = "quarter"
	PartMonth     Part = "month"
	PartDay       Part = "day"
	PartHour      Part = "hour"
	PartMinute    Part = "minute"
	PartSecond    Part = "second"
	PartWeekday   Part = "weekday"
	PartDayOfYear Part = "day of year"
)

// clock is the part of a grammar that is about time. Everything is computed of local times (TypeLocal): instants become
// some in a time zone.
type clock struct {
	now     form // an instant
	literal form // of a local time's quoted text
	zone    form // an instant and a zone: the local time there
	unzone  form // a local time and its zone: the instant
	utc     form // an instant: the local time in UTC; only where there is no zone
	ununiv  form // a local time in UTC: the instant; only where there is no zone
	shift   form // a local time and seconds, whose number is not known before; only where there is no zone
	local   form // of a date

	seconds, days, months form // a local time, a number, and (3) the same as days and a time of the day, without its sign, and (4) its sign
	micros                form // two local times: the microseconds from the first to the second
	trunc                 form // a local time and a unit
	truncs                map[Unit]form
	units                 map[Unit]string // words of trunc
	part                  form            // a local time and a part
	parts                 map[Part]form
	partWords             map[Part]string
	date                  form // a local time's day
}

// Now is the instant at which the statement runs. What is computed of a known one (Time) is the same in every
// statement of a run, and needs nothing of the database: see Period.
func Now() Expr { return Expr{n: tabled{func(g *grammar) form { return g.clock.now }, nil}} }

// LocalTime is a constant of a day and a time of the day, in no time zone, of a moment's own time zone.
func LocalTime(t time.Time) Expr {
	return Expr{n: tabled{func(g *grammar) form { return g.clock.literal }, []Expr{Text(t.Format("2006-01-02 15:04:05.000000"))}}}
}

// Midnight is the local time at which a day begins.
func Midnight(date Expr) Expr {
	return Expr{n: tabled{func(g *grammar) form { return g.clock.local }, []Expr{date}}}
}

// DateOf is the day of a local time.
func DateOf(local Expr) Expr {
	return Expr{n: tabled{func(g *grammar) form { return g.clock.date }, []Expr{local}}}
}

// AddTime is a local time so many units later; earlier where n is negative. A day that a month does not have becomes the
// month's last.
func AddTime(local Expr, n int64, u Unit) Expr {
	if n == 0 {
		return local
	}
	return Expr{n: later{local, n, u}}
}

type later struct {
	local Expr
	n     int64
	unit  Unit
}

func (l later) level() int { return levelAtom }

func (l later) print(p *printer) {
	c := p.d.g.clock
	local := p.apart(func(q *printer) { q.expr(l.local, levelConcat) })
	write := func(f form, n int64, span string) {
		sign := ""
		if n < 0 {
			sign = "-"
		}
		p.text(fmt.Sprintf(string(f), local, n, span, sign))
	}
	switch seconds, days, months := l.n*secondsOf[l.unit], l.n*daysOf[l.unit], l.n*monthsOf[l.unit]; {
	case months != 0:
		write(c.months, months, "")
	case days != 0:
		write(c.days, days, "")
	default:
		s := max(seconds, -seconds)
		write(c.seconds, seconds, fmt.Sprintf("%d %02d:%02d:%02d", s/86400, s/3600%24, s/60%60, s%60))
	}
}

var (
	secondsOf = map[Unit]int64{Second: 1, Minute: 60, Hour: 3600}
	daysOf    = map[Unit]int64{Day: 1, Week: 7}
	monthsOf  = map[Unit]int64{Month: 1, Quarter: 3, Year: 12}
)

// Between is how many units lie between two local times, below zero where the second is the earlier. Of seconds to
// weeks it is the whole ones that passed; of months and longer, how many of the calendar's began.
func Between(from, to Expr, u Unit) Expr {
	if months := monthsOf[u]; months > 0 {
		per := int64(12)
		part := PartMonth
		switch u {
		case Quarter:
			per, part = 4, PartQuarter
		case Year:
			return PartOf(to, PartYear).Sub(PartOf(from, PartYear))
		}
		number := func(e Expr) Expr { return PartOf(e, PartYear).Mul(Int(per)).Add(PartOf(e, part)) }
		return number(to).Sub(number(from))
	}
	micros := (secondsOf[u] + daysOf[u]*86400) * 1_000_000
	passed := func(from, to Expr) Expr {
		all := Expr{n: tabled{func(g *grammar) form { return g.clock.micros }, []Expr{from, to}}}
		return Cast(spell("((%s) / %s)", all.Sub(Mod(all, Int(micros))), Int(micros)), TypeInteger)
	}
	return Case().When(to.Ge(from), passed(from, to)).When(to.Lt(from), Int(0).Sub(passed(to, from))).End()
}

// TruncTime is the local time at which the unit began that a local time is in.
func TruncTime(local Expr, u Unit) Expr { return Expr{n: truncated{local, u}} }

type truncated struct {
	local Expr
	unit  Unit
}

func (t truncated) level() int { return levelAtom }

func (t truncated) print(p *printer) {
	c := p.d.g.clock
	f, own := c.truncs[t.unit]
	if !own {
		f = c.trunc
	}
	p.spellWith(f, t.local, c.units[t.unit], string(t.unit))
}

// PartOf is a part of a local time or a date, as a whole number.
func PartOf(local Expr, part Part) Expr { return Expr{n: extracted{local, part}} }

type extracted struct {
	local Expr
	part  Part
}

func (x extracted) level() int { return levelAtom }

func (x extracted) print(p *printer) {
	c := p.d.g.clock
	f, own := c.parts[x.part]
	if !own {
		f = c.part
	}
	p.spellWith(f, x.local, c.partWords[x.part], string(x.part))
}

// spellWith writes a form of a local time and a word.
func (p *printer) spellWith(f form, local Expr, word, usual string) {
	if word == "" {
		word = usual
	}
	p.text(fmt.Sprintf(string(f), p.apart(func(q *printer) { q.expr(local, levelConcat) }), word))
}
