package condition

import (
	"time"

	"github.com/millrace/millrace/internal/query"
)

// Times is what a moment stands for: from its beginning up to its end, which is no part of it. Of an instant the two
// are the same; a day is one in the time zone. now is when the condition is asked.
func (m Moment) Times(now time.Time, z query.Zone) query.Period {
	if m.Ago != nil {
		from := query.Rolling(now, m.Ago.N, m.Ago.Unit).From
		return query.Period{From: from, To: from}
	}
	at, day, err := m.parsed(z.Location())
	if err != nil {
		panic("condition: a moment that was not checked: " + m.At)
	}
	if day {
		return query.Period{From: at.UTC(), To: at.AddDate(0, 0, 1).UTC()}
	}
	return query.Period{From: at.UTC(), To: at.UTC()}
}

func (m Moment) parsed(zone *time.Location) (at time.Time, day bool, err error) {
	if at, err = time.ParseInLocation(time.DateOnly, m.At, zone); err == nil {
		return at, true, nil
	}
	at, err = time.Parse(time.RFC3339, m.At)
	return at, false, err
}

// Times is the period, as of now.
func (p Period) Times(now time.Time, z query.Zone) query.Period {
	if p.Calendar {
		return query.Previous(now, p.N, p.Unit, z)
	}
	return query.Rolling(now, p.N, p.Unit)
}
