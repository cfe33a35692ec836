package segment

import (
	"time"

	"github.com/millrace/millrace/internal/condition"
	"github.com/millrace/millrace/internal/query"
)

// clocked is a column of times with what its values are compared with.
type clocked struct {
	e     query.Expr
	at    func(time.Time) query.Expr // an instant as the column has it
	local func(query.Zone) query.Expr
	daily bool // it has days, and no time of the day
}

// instants is a column of instants. Local times are taken as of UTC, as sources read them.
func instants(e query.Expr) clocked {
	return clocked{
		e: e, at: query.Time,
		local: func(z query.Zone) query.Expr { return query.InZone(query.Cast(e, query.TypeTimestamp), z) },
	}
}

// days is a column of days. An instant is the day that it has in the time zone.
func days(e query.Expr, z query.Zone) clocked {
	return clocked{
		e: query.Midnight(e), daily: true,
		at:    func(t time.Time) query.Expr { return query.LocalTime(t.In(z.Location())) },
		local: func(query.Zone) query.Expr { return e },
	}
}

// times compares times. A day that is given without a time of the day is meant as a whole.
func (b *builder) times(p condition.Property, c clocked) query.Expr {
	switch p.Operator {
	case condition.Anniversary:
		return c.local(b.Zone).Anniversary(b.Now.In(b.Zone.Location()))
	case condition.Within, condition.NotWithin:
		return b.denied(p.Operator, c.e, c.within(b.period(*p.Period, c)))
	}
	from := b.moment(*p.From, c)
	switch p.Operator {
	case condition.Before:
		return c.e.Lt(c.at(from.From))
	case condition.After:
		if from.From.Equal(from.To) {
			return c.e.Gt(c.at(from.To))
		}
		return c.e.Ge(c.at(from.To))
	case condition.Between:
		return query.And(c.e.Ge(c.at(from.From)), c.until(b.moment(*p.To, c)))
	default:
		return query.And(c.e.Ge(c.at(from.From)), c.until(from))
	}
}

// until holds before a moment is over.
func (c clocked) until(m query.Period) query.Expr {
	if m.From.Equal(m.To) {
		return c.e.Le(c.at(m.To))
	}
	return c.e.Lt(c.at(m.To))
}

func (c clocked) within(p query.Period) query.Expr {
	return query.And(c.e.Ge(c.at(p.From)), c.e.Lt(c.at(p.To)))
}

// moment is when a moment begins and ends. Of a column of days it is always the whole day that it is in.
func (b *builder) moment(m condition.Moment, c clocked) query.Period {
	p := m.Times(b.Now, b.Zone)
	if c.daily && p.From.Equal(p.To) {
		return query.This(p.From, query.Day, b.Zone)
	}
	return p
}

// period is a period of time. Of a column of days it is whole days: the first that is not wholly outside, to today.
func (b *builder) period(p condition.Period, c clocked) query.Period {
	times := p.Times(b.Now, b.Zone)
	if c.daily && !p.Calendar {
		return query.Period{From: query.This(times.From, query.Day, b.Zone).From, To: query.This(times.To, query.Day, b.Zone).To}
	}
	return times
}
