package query

import (
	"slices"
	"time"

	"github.com/millrace/millrace/internal/fault"
)

// Zone is a time zone by its IANA name, such as Europe/Berlin. The zero Zone is UTC.
type Zone struct{ at *time.Location }

// ZoneOf finds a time zone.
func ZoneOf(name string) (Zone, error) {
	at, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return Zone{}, fault.New(fault.CodeInvalid, "there is no time zone %q", name).
			WithSuggestion("Name one as the IANA database does, such as Europe/Berlin, or UTC.")
	}
	return Zone{at}, nil
}

// Location is the time zone for computations in Go.
func (z Zone) Location() *time.Location {
	if z.at == nil {
		return time.UTC
	}
	return z.at
}

// InZone is the local time that an instant has in a time zone. Where a database knows no IANA names, or needs tables
// that its administrator may not have loaded, the time zone's changes between 2000 and 2039 are spelled out; before and
// after them it is taken to be as at the nearest.
func InZone(instant Expr, z Zone) Expr { return Expr{n: zoned{instant, z, true}} }

// FromZone is the instant of a local time in a time zone. One that the clocks skip is taken as of before the change, one
// that they show twice as of after it.
func FromZone(local Expr, z Zone) Expr { return Expr{n: zoned{local, z, false}} }

// Ago is the instant so many units before an instant, in UTC.
func Ago(instant Expr, n int64, u Unit) Expr {
	return FromZone(AddTime(InZone(instant, Zone{}), -n, u), Zone{})
}

type zoned struct {
	e    Expr
	zone Zone
	from bool // an instant, to a local time
}

func (z zoned) level() int { return levelAtom }

func (z zoned) print(p *printer) {
	c := p.d.g.clock
	named, utc := c.unzone, c.ununiv
	if z.from {
		named, utc = c.zone, c.utc
	}
	name := z.zone.Location().String()
	switch {
	case named != "":
		p.spell(named, z.e, Text(name))
	case name == time.UTC.String():
		p.spell(utc, z.e)
	case z.from:
		p.expr(byOffsets(spell(utc, z.e), z.zone.offsets(), false), levelAtom)
	default:
		p.spell(utc, byOffsets(z.e, z.zone.offsets(), true))
	}
}

// offset is what a time zone adds to UTC until a change.
type offset struct {
	until   time.Time
	seconds int
}

// offsets are those of the years in which they are spelled out; the last has no end.
func (z Zone) offsets() []offset {
	var all []offset
	at := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).In(z.Location())
	for last := time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC); ; {
		_, seconds := at.Zone()
		_, until := at.ZoneBounds()
		if until.IsZero() || !until.Before(last) {
			return append(all, offset{seconds: seconds})
		}
		if _, next := until.Zone(); next != seconds { // a change of its name alone is none
			all = append(all, offset{until.UTC(), seconds})
		}
		at = until
	}
}

// byOffsets is a local time in UTC as one of the time zone, or back.
func byOffsets(local Expr, all []offset, back bool) Expr {
	moved := func(seconds int) Expr {
		if back {
			seconds = -seconds
		}
		return AddTime(local, int64(seconds), Second)
	}
	last := all[len(all)-1].seconds
	choice := Case()
	var seen []int
	for _, o := range all {
		if o.seconds != last && !slices.Contains(seen, o.seconds) {
			seen = append(seen, o.seconds)
			choice = choice.When(during(local, all, o.seconds, back), moved(o.seconds))
		}
	}
	if len(seen) == 0 {
		return moved(last)
	}
	return choice.Else(moved(last))
}

// during holds where a local time is in a time in which the time zone adds so much.
func during(local Expr, all []offset, seconds int, back bool) Expr {
	change := func(i int) Expr { // as the clocks show it: by what comes after it
		at := all[i].until
		if back {
			at = at.Add(time.Duration(all[i+1].seconds) * time.Second)
		}
		return LocalTime(at)
	}
	var times []Expr
	for i, o := range all {
		if o.seconds != seconds {
			continue
		}
		var begin Expr
		if i > 0 {
			begin = local.Ge(change(i - 1))
		}
		times = append(times, And(begin, local.Lt(change(i))))
	}
	return Or(times...)
}
