package query

import "time"

// Period is the time from an instant up to another, which is no part of it. It is computed in Go from the instant at
// which a run began, and printed as constants: so it means the same in every database, which then finds the rows by
// an index or a partition.
type Period struct{ From, To time.Time }

// Rolling is the last so many units before an instant, to the second; months and longer go by the calendar of UTC.
func Rolling(now time.Time, n int, u Unit) Period {
	return Period{addUnits(now.UTC(), -n, u), now.UTC()}
}

// Calendar is whole units of the calendar in a time zone, n of them. Those before the unit that an instant is in where
// back is 1: the two months before June are April and May. The unit itself where back is 0 and n is 1.
func Calendar(now time.Time, n, back int, u Unit, z Zone) Period {
	begin := truncate(now.In(z.Location()), u)
	to := addUnits(begin, 1-back, u)
	return Period{addUnits(to, -n, u).UTC(), to.UTC()}
}

// Previous is the n whole units before the one that an instant is in.
func Previous(now time.Time, n int, u Unit, z Zone) Period { return Calendar(now, n, 1, u, z) }

// This is the unit that an instant is in, to its end.
func This(now time.Time, u Unit, z Zone) Period { return Calendar(now, 1, 0, u, z) }

// Within holds where an instant is in the period.
func (e Expr) Within(p Period) Expr { return And(e.Ge(Time(p.From)), e.Lt(Time(p.To))) }

// NotWithin holds where an instant is before or behind the period; of null, as all comparisons, it holds nowhere.
func (e Expr) NotWithin(p Period) Expr { return Or(e.Lt(Time(p.From)), e.Ge(Time(p.To))) }

// Anniversary holds where a local time or a date has the month and the day of a day. Who was born on 29 February has it
// on 28 February of the other years.
func (e Expr) Anniversary(today time.Time) Expr {
	same := func(month time.Month, day int) Expr {
		return And(PartOf(e, PartMonth).Eq(Int(int64(month))), PartOf(e, PartDay).Eq(Int(int64(day))))
	}
	last := today.AddDate(0, 0, 1)
	if today.Month() == time.February && today.Day() == 28 && last.Month() == time.March {
		return Or(same(time.February, 28), same(time.February, 29))
	}
	return same(today.Month(), today.Day())
}

// addUnits adds by the calendar, as AddTime does: a day that a month does not have becomes the month's last.
func addUnits(t time.Time, n int, u Unit) time.Time {
	if months := n * int(monthsOf[u]); months != 0 {
		first := time.Date(t.Year(), t.Month(), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location()).AddDate(0, months, 0)
		days := first.AddDate(0, 1, -1).Day()
		return time.Date(first.Year(), first.Month(), min(t.Day(), days), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	}
	if days := n * int(daysOf[u]); days != 0 {
		return t.AddDate(0, 0, days)
	}
	return t.Add(time.Duration(int64(n)*secondsOf[u]) * time.Second)
}

// truncate is TruncTime in Go.
func truncate(t time.Time, u Unit) time.Time {
	year, month, day := t.Date()
	hour, minute, second := 0, 0, 0
	switch u {
	case Year:
		month, day = time.January, 1
	case Quarter:
		month, day = month-(month-1)%3, 1
	case Month:
		day = 1
	case Week:
		day -= (int(t.Weekday()) + 6) % 7
	case Hour:
		hour = t.Hour()
	case Minute:
		hour, minute = t.Hour(), t.Minute()
	case Second:
		hour, minute, second = t.Clock()
	}
	return time.Date(year, month, day, hour, minute, second, 0, t.Location())
}
