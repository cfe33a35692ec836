package template

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/value"
)

// dateFilters write instants. Without a zone they are UTC.
var dateFilters = map[string]filter{
	"date":                date,
	"date_to_xmlschema":   dated(func([]value.Value) string { return "%Y-%m-%dT%H:%M:%S%:z" }),
	"date_to_rfc822":      dated(func([]value.Value) string { return "%a, %d %b %Y %H:%M:%S %z" }),
	"date_to_string":      dated(func(args []value.Value) string { return dayFormat("%b", args) }),
	"date_to_long_string": dated(func(args []value.Value) string { return dayFormat("%B", args) }),
}

func dayFormat(month string, args []value.Value) string {
	switch {
	case textArg(args, 0, "") != "ordinal":
		return "%d " + month + " %Y"
	case textArg(args, 1, "") == "US":
		return month + " %-e%q, %Y"
	default:
		return "%-e%q " + month + " %Y"
	}
}

// dated writes an instant by a format; what is no instant is passed on as it is.
func dated(format func(args []value.Value) string) filter {
	return func(s *Scope, in value.Value, args []value.Value) (value.Value, error) {
		at, ok := moment(s, in)
		if !ok {
			return in, nil
		}
		return value.OfText(strftime(at, format(args))), nil
	}
}

// date takes a format and a zone.
func date(s *Scope, in value.Value, args []value.Value) (value.Value, error) {
	at, ok := moment(s, in)
	if !ok {
		return in, nil
	}
	if zone := arg(args, 1); !zone.IsNull() {
		moved, err := inZone(at, zone)
		if err != nil {
			return value.Value{}, err
		}
		at = moved
	}
	format := "%A, %B %-e, %Y at %-l:%M %P %z"
	if f := arg(args, 0); !f.IsNull() {
		format = textOf(f)
	}
	return value.OfText(strftime(at, format)), nil
}

// inZone moves an instant into a zone: a name, or minutes west of UTC as JavaScript counts.
func inZone(at time.Time, zone value.Value) (time.Time, error) {
	if isNumber(zone) {
		return at.In(time.FixedZone("", int(-60*toInt(zone)))), nil
	}
	loc, err := time.LoadLocation(textOf(zone))
	if err != nil {
		_, err := reject("date: there is no time zone %q", textOf(zone))
		return at, err
	}
	return at.In(loc), nil
}

// layouts are how dates are written, tried in turn. Without a zone they are UTC.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999 -0700", "2006-01-02 15:04:05.999999999 MST", "2006-01-02 15:04:05.999999999",
	"2006-01-02 15:04", "2006-01-02T15:04:05.999999999Z0700", time.DateOnly, "2006-01", time.RFC1123Z, time.RFC1123, time.RFC850, time.ANSIC, time.UnixDate,
	"2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05", "Jan 2, 2006 15:04:05", "Jan 2, 2006 3:04 PM", "January 2, 2006 15:04:05", "January 2, 2006 3:04 PM",
	"January 2, 2006", "Jan 2, 2006", "2 January 2006", "2 Jan 2006", "Mon, 2 Jan 2006", "Mon Jan 2 2006", "Monday, January 2, 2006",
	"2006/01/02 15:04:05", "2006/01/02", "2006/1/2", "01/02/2006 15:04:05", "1/2/2006", "1/2/2006 15:04:05", "2006-1-2",
}

// moment reads an instant: a time, seconds since 1970 as a number or a text of digits, now, or a written date.
func moment(s *Scope, v value.Value) (time.Time, bool) {
	switch v.Kind() {
	case value.Time, value.Day:
		return v.Time(), true
	case value.Int, value.Float, value.Decimal:
		return ofSeconds(v.Float())
	case value.Text:
		return momentIn(s, strings.TrimSpace(v.Raw()))
	default:
		return time.Time{}, false
	}
}

func momentIn(s *Scope, text string) (time.Time, bool) {
	if text == "now" || text == "today" {
		return s.now(), true
	}
	if text == "" || len(text) > 64 {
		return time.Time{}, false
	}
	if strings.Trim(text, "0123456789") == "" {
		f, _ := strconv.ParseFloat(text, 64) //nolint:errcheck // a few digits
		return ofSeconds(f)
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// now is the run's time where the scope has it, so that each row of a run sees the same.
func (s *Scope) now() time.Time {
	if c, ok := s.vars["context"]; ok {
		if t, ok := c.Get("current_timestamp"); ok && t.Kind() == value.Time {
			return t.Time()
		}
	}
	return time.Now().UTC()
}

// maxSeconds is how far from 1970 an instant may be: the limit of JavaScript's dates.
const maxSeconds = 8.64e12

func ofSeconds(f float64) (time.Time, bool) {
	if math.Abs(f) > maxSeconds {
		return time.Time{}, false
	}
	whole, part := math.Modf(f)
	return time.Unix(int64(whole), int64(math.Round(part*1e6))*1000).UTC(), true
}
