// Package cron reads the cron expressions of schedules: five fields, in UTC, with L for the last day of a month.
package cron

import (
	"strings"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/robfig/cron/v3"
)

var parser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// The places of a cron expression's fields that matter here.
const (
	fieldDayOfMonth = 2
	fieldDayOfWeek  = 4
	fieldCount      = 5
)

// Next returns the first match after now, in UTC (SY-83).
func Next(expression string, now time.Time) (time.Time, error) {
	parts, err := parse(expression)
	if err != nil {
		return time.Time{}, err
	}
	var best time.Time
	for _, p := range parts {
		if t := p.next(now.UTC()); !t.IsZero() && (best.IsZero() || t.Before(best)) {
			best = t
		}
	}
	return best, nil
}

// Check says what is wrong with a cron expression, or nothing.
func Check(expression string) error {
	next, err := Next(expression, leap)
	if err != nil {
		return err
	}
	if next.IsZero() {
		return invalid("%q names a day that never comes", expression)
	}
	return nil
}

// leap is a moment after which every day that exists comes within the years that a search looks at.
var leap = time.Date(2023, 12, 31, 0, 0, 0, 0, time.UTC)

// part is one schedule of an expression. An expression with L in its day of month is the union of up to
// three.
type part struct {
	schedule cron.Schedule
	lastDay  bool // only matches on the last day of a month count
}

func (p part) next(after time.Time) time.Time {
	t := p.schedule.Next(after)
	for p.lastDay && !t.IsZero() && t.AddDate(0, 0, 1).Day() != 1 {
		t = p.schedule.Next(t)
	}
	return t
}

func parse(expression string) ([]part, error) {
	fields := strings.Fields(expression)
	if len(fields) != fieldCount {
		return nil, invalid("a cron expression has five fields (minute, hour, day of month, month, day of week); %q has %d", expression, len(fields))
	}
	if bad := unsupported(fields); bad != "" {
		return nil, invalid("%q is not supported in a cron expression; L alone, as the day of month, means the month's last day", bad)
	}
	days, last := withoutLast(fields[fieldDayOfMonth])
	if !last {
		return parseParts(expression, fields, nil)
	}
	onLast := append([]string(nil), fields...)
	onLast[fieldDayOfMonth], onLast[fieldDayOfWeek] = "28-31", "*"
	rest := append([]string(nil), fields...)
	rest[fieldDayOfMonth] = days
	switch {
	case days != "":
	case fields[fieldDayOfWeek] != "*" && fields[fieldDayOfWeek] != "?":
		rest[fieldDayOfMonth] = "*"
	default:
		rest = nil
	}
	return parseParts(expression, rest, onLast)
}

func parseParts(expression string, plain, last []string) ([]part, error) {
	var parts []part
	for i, fields := range [][]string{plain, last} {
		if fields == nil {
			continue
		}
		s, err := parser.Parse(strings.Join(fields, " "))
		if err != nil {
			return nil, invalid("%q is not a cron expression: %v", expression, err)
		}
		parts = append(parts, part{s, i == 1})
	}
	return parts, nil
}

// withoutLast takes L out of a list of days.
func withoutLast(days string) (rest string, last bool) {
	var kept []string
	for d := range strings.SplitSeq(days, ",") {
		if strings.EqualFold(d, "L") {
			last = true
		} else {
			kept = append(kept, d)
		}
	}
	return strings.Join(kept, ","), last
}

// unsupported returns the first part of the fields that other schedulers know and this one refuses.
func unsupported(fields []string) string {
	for i, field := range fields {
		for item := range strings.SplitSeq(strings.ToUpper(field), ",") {
			alone := i == fieldDayOfMonth && item == "L"
			named := (i == 3 || i == fieldDayOfWeek) && len(strings.Trim(item, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-")) == 0
			if !alone && !named && strings.ContainsAny(item, "LW#") {
				return item
			}
		}
	}
	return ""
}

func invalid(format string, args ...any) error {
	return fault.New(fault.CodeInvalid, format, args...).WithPath("spec.schedule.cron")
}
