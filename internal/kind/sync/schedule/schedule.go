// Package schedule computes when a sync runs next.
package schedule

import (
	"strings"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/kind/sync/cron"
)

// Next returns the first time after now at which the schedule wants a run, in UTC. lastRun is when the sync
// last ran for whatever reason; zero means never. ok is false when the schedule wants no further run.
func Next(s sync.Schedule, now, lastRun time.Time) (next time.Time, ok bool, err error) {
	from := now
	if s.Start != nil && s.Start.After(from) {
		from = s.Start.Add(-time.Nanosecond)
	}
	switch s.Type {
	case sync.ScheduleInterval:
		next, err = nextInterval(s, now, lastRun)
	case sync.ScheduleCron:
		next, err = cron.Next(s.Cron, from)
	case sync.ScheduleCustom:
		next, err = nextRecurrence(s, from)
	default:
		return time.Time{}, false, nil
	}
	if err != nil || next.IsZero() {
		return time.Time{}, false, err
	}
	if s.End != nil && next.After(*s.End) {
		return time.Time{}, false, nil
	}
	return next.UTC(), true, nil
}

// Duration returns the length of an interval.
func Duration(i sync.Interval) (time.Duration, error) {
	units := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour}
	unit, known := units[strings.TrimSuffix(i.Unit, "s")]
	if !known || i.Quantity < 1 {
		return 0, fault.New(fault.CodeInvalid, "an interval is a number of minutes, hours, days or weeks, at least 1")
	}
	return time.Duration(i.Quantity) * unit, nil
}

// nextInterval counts from the last run, whatever started it (SY-81). A sync that never ran, or whose
// time has passed, is due at once.
func nextInterval(s sync.Schedule, now, lastRun time.Time) (time.Time, error) {
	if s.Interval == nil {
		return time.Time{}, fault.New(fault.CodeRequired, "the schedule has no interval")
	}
	every, err := Duration(*s.Interval)
	if err != nil {
		return time.Time{}, err
	}
	next := now
	if !lastRun.IsZero() && lastRun.Add(every).After(now) {
		next = lastRun.Add(every)
	}
	if s.Start != nil && s.Start.After(next) {
		next = *s.Start
	}
	return next, nil
}

var weekdays = map[string]time.Weekday{
	"sunday": time.Sunday, "monday": time.Monday, "tuesday": time.Tuesday, "wednesday": time.Wednesday,
	"thursday": time.Thursday, "friday": time.Friday, "saturday": time.Saturday,
}

// nextRecurrence finds the next wall-clock time of the recurrences in the schedule's zone (SY-82).
func nextRecurrence(s sync.Schedule, after time.Time) (time.Time, error) {
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return time.Time{}, fault.Wrap(err, fault.CodeInvalid, "there is no time zone %q", s.Zone).WithPath("spec.schedule.zone")
	}
	var best time.Time
	for _, r := range s.Recurrences {
		t, err := nextOf(r, zone, after)
		if err != nil {
			return time.Time{}, err
		}
		if !t.IsZero() && (best.IsZero() || t.Before(best)) {
			best = t
		}
	}
	return best, nil
}

func nextOf(r sync.Recurrence, zone *time.Location, after time.Time) (time.Time, error) {
	clock, err := time.Parse("15:04", r.Time)
	if err != nil {
		return time.Time{}, fault.New(fault.CodeInvalid, "%q is not a time of day such as 08:30", r.Time)
	}
	days, err := daySet(r.Days)
	if err != nil {
		return time.Time{}, err
	}
	local := after.In(zone)
	for d := -1; d <= 8; d++ {
		day := time.Date(local.Year(), local.Month(), local.Day()+d, 12, 0, 0, 0, zone)
		if !days[day.Weekday()] {
			continue
		}
		if t := wall(day, clock.Hour(), clock.Minute()); t.After(after) {
			return t, nil
		}
	}
	return time.Time{}, nil
}

func daySet(names []string) (map[time.Weekday]bool, error) {
	set := map[time.Weekday]bool{}
	for _, name := range names {
		d, known := weekdays[strings.ToLower(name)]
		if !known {
			return nil, fault.New(fault.CodeInvalid, "%q is not a day of the week", name)
		}
		set[d] = true
	}
	return set, nil
}

// wall returns the instant at which the clocks of day's zone show hour:minute on that day. Where the
// clocks show it twice, the first; where they skip it, the moment of the skip.
func wall(day time.Time, hour, minute int) time.Time {
	zone := day.Location()
	naive := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, time.UTC)
	_, before := naive.Add(-24 * time.Hour).In(zone).Zone()
	_, after := naive.Add(24 * time.Hour).In(zone).Zone()
	first := naive.Add(-time.Duration(before) * time.Second).In(zone)
	second := naive.Add(-time.Duration(after) * time.Second).In(zone)
	if second.Before(first) {
		first, second = second, first
	}
	for _, t := range []time.Time{first, second} {
		if t.Hour() == hour && t.Minute() == minute {
			return t
		}
	}
	return transition(first, second)
}

// transition returns the first instant after from at which the zone's offset is the one it has at to.
func transition(from, to time.Time) time.Time {
	from, to = from.Add(-24*time.Hour), to.Add(24*time.Hour)
	_, target := to.Zone()
	for to.Sub(from) > time.Second {
		mid := from.Add(to.Sub(from) / 2)
		if _, offset := mid.Zone(); offset == target {
			to = mid
		} else {
			from = mid
		}
	}
	return to.Truncate(time.Second)
}

// Preview returns the next times at which a schedule starts runs, up to n, each run taking no time: intervals then
// count from the one before.
func Preview(s sync.Schedule, now, lastRun time.Time, n int) ([]time.Time, error) {
	times := make([]time.Time, 0, n)
	for len(times) < n {
		next, ok, err := Next(s, now, lastRun)
		if err != nil || !ok {
			return times, err
		}
		times = append(times, next)
		now, lastRun = next, next
	}
	return times, nil
}
