package query

import (
	"slices"
	"strconv"
	"time"
	_ "time/tzdata" // zones that the machine may lack

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
		utc := spell(utc, z.e)
		p.spell(c.shift, utc, byYears(utc, z.zone, false))
	default:
		p.spell(utc, spell(c.shift, z.e, Int(0).Sub(byYears(z.e, z.zone, true))))
	}
}

// The years whose changes of time zones are spelled out.
const (
	firstZoneYear = 2000
	lastZoneYear  = 2039
)

// change is a change of what a time zone adds to UTC.
type change struct {
	at            time.Time // as the clocks show it that are asked, in UTC
	before, after int       // seconds
}

// changes are those of each year. Local times meet a change where its new time would have begun.
func (z Zone) changes(local bool) (years map[int][]change, first, last int) {
	years = map[int][]change{}
	at := time.Date(firstZoneYear, 1, 1, 0, 0, 0, 0, time.UTC).In(z.Location())
	_, first = at.Zone()
	for end := time.Date(lastZoneYear+1, 1, 1, 0, 0, 0, 0, time.UTC); ; {
		_, last = at.Zone()
		_, until := at.ZoneBounds()
		if until.IsZero() || !until.Before(end) {
			return years, first, last
		}
		_, next := until.Zone()
		c := change{at: until.UTC(), before: last, after: next}
		if local {
			c.at = c.at.Add(time.Duration(next) * time.Second)
		}
		if next != last { // a change of its name alone is none
			years[c.at.Year()] = append(years[c.at.Year()], c)
		}
		at = until
	}
}

// byYears is what a time zone adds at a time in UTC, or at a local time: of the changes of its year it is before the
// first, the second … or behind all. So the time is written a few times, however many changes there are.
func byYears(at Expr, z Zone, local bool) Expr {
	years, first, last := z.changes(local)
	year, most := PartOf(at, PartYear), 0
	for _, all := range years {
		most = max(most, len(all))
	}
	choice := Case()
	for i := range most {
		moments, before := &perYear{of: year}, &perYear{of: year}
		for y := firstZoneYear; y <= lastZoneYear; y++ {
			if len(years[y]) > i {
				moments.add(y, LocalTime(years[y][i].at), "")
				before.add(y, Int(int64(years[y][i].before)), strconv.Itoa(years[y][i].before))
			}
		}
		choice = choice.When(at.Lt(Expr{n: switched{years: moments}}), before.choice(Expr{}))
	}
	rest, offset := perYear{of: year}, first
	rest.begin = Int(int64(first))
	for y := firstZoneYear; y <= lastZoneYear; y++ {
		if all := years[y]; len(all) > 0 {
			offset = all[len(all)-1].after
		}
		rest.add(y, Int(int64(offset)), strconv.Itoa(offset))
	}
	end := rest.choice(Int(int64(last)))
	if most == 0 {
		return end
	}
	return choice.Else(end)
}

// perYear is a value of each year.
type perYear struct {
	of    Expr
	years []int
	all   []Expr
	texts []string
	begin Expr // of the years before
}

func (p *perYear) add(year int, e Expr, text string) {
	p.years, p.all, p.texts = append(p.years, year), append(p.all, e), append(p.texts, text)
}

// choice is the value of the year, or the value itself where all have one.
func (p *perYear) choice(otherwise Expr) Expr {
	if !slices.ContainsFunc(p.texts, func(t string) bool { return t != p.texts[0] }) {
		return p.all[0]
	}
	return Expr{n: switched{p, otherwise}}
}

// switched is a choice by one expression, which is written once.
type switched struct {
	years     *perYear
	otherwise Expr
}

func (s switched) level() int { return levelAtom }

func (s switched) print(p *printer) {
	if !s.years.begin.IsZero() {
		p.text("CASE WHEN ")
		p.condition(s.years.of.Lt(Int(firstZoneYear)), levelOr)
		p.text(" THEN ")
		p.expr(s.years.begin, levelOr)
		p.text(" ELSE ")
		defer p.text(" END")
	}
	p.text("CASE ")
	p.expr(s.years.of, levelConcat)
	for i, y := range s.years.years {
		p.text(" WHEN " + strconv.Itoa(y) + " THEN ")
		p.expr(s.years.all[i], levelOr)
	}
	if !s.otherwise.IsZero() {
		p.text(" ELSE ")
		p.expr(s.otherwise, levelOr)
	}
	p.text(" END")
}
