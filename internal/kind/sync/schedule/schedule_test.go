package schedule

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/kind/sync"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// Req: SY-80, SY-81, SY-82, SY-83, SY-84
func TestNext(t *testing.T) {
	t.Parallel()
	hourly := sync.Schedule{Type: "interval", Interval: &sync.Interval{Unit: "hour", Quantity: 1}}
	custom := func(zone, clock string, days ...string) sync.Schedule {
		return sync.Schedule{Type: "custom", Zone: zone, Recurrences: []sync.Recurrence{{Days: days, Time: clock}}}
	}
	cron := func(e string) sync.Schedule { return sync.Schedule{Type: "cron", Cron: e} }
	windowed := func(s sync.Schedule, start, end string) sync.Schedule {
		if start != "" {
			s.Start = new(at(start))
		}
		if end != "" {
			s.End = new(at(end))
		}
		return s
	}
	window := hourly
	window.Start, window.End = new(at("2026-03-10T00:00:00Z")), new(at("2026-03-11T00:00:00Z"))

	tests := []struct {
		name     string
		schedule sync.Schedule
		now      string
		last     string
		want     string // empty: never
	}{
		{"manual never runs by itself", sync.Schedule{Type: "manual"}, "2026-03-01T00:00:00Z", "", ""},
		{"interval: the first run is due at once", hourly, "2026-03-01T00:00:00Z", "", "2026-03-01T00:00:00Z"},
		{"interval counts from the last run", hourly, "2026-03-01T00:10:00Z", "2026-03-01T00:05:00Z", "2026-03-01T01:05:00Z"},
		{"interval: a missed time is due at once", hourly, "2026-03-01T09:00:00Z", "2026-03-01T00:05:00Z", "2026-03-01T09:00:00Z"},
		{"interval waits for its start", window, "2026-03-01T00:00:00Z", "", "2026-03-10T00:00:00Z"},
		{"interval ends", window, "2026-03-11T00:30:00Z", "2026-03-10T23:55:00Z", ""},
		{"cron is UTC", cron("30 8 * * *"), "2026-03-01T09:00:00Z", "", "2026-03-02T08:30:00Z"},
		{"cron: a match now is not after now", cron("0 9 * * *"), "2026-03-01T09:00:00Z", "", "2026-03-02T09:00:00Z"},
		{"cron list", cron("0 12 * 12 1,2"), "2026-03-01T00:00:00Z", "", "2026-12-01T12:00:00Z"},
		{"cron L in February", cron("0 12 L * *"), "2026-02-01T00:00:00Z", "", "2026-02-28T12:00:00Z"},
		{"cron L in a leap year", cron("0 12 L * *"), "2028-02-28T13:00:00Z", "", "2028-02-29T12:00:00Z"},
		{"cron L or a day", cron("0 12 15,L * *"), "2026-03-14T00:00:00Z", "", "2026-03-15T12:00:00Z"},
		{"cron L or a weekday", cron("0 12 L * 1"), "2026-03-01T00:00:00Z", "", "2026-03-02T12:00:00Z"},
		{"custom weekday", custom("Europe/Berlin", "08:00", "monday"), "2026-03-03T00:00:00Z", "", "2026-03-09T07:00:00Z"},
		{"custom in summer time", custom("Europe/Berlin", "08:00", "monday"), "2026-03-30T00:00:00Z", "", "2026-03-30T06:00:00Z"},
		{"a skipped time runs at the skip", custom("Europe/Berlin", "02:30", "sunday"), "2026-03-28T12:00:00Z", "", "2026-03-29T01:00:00Z"},
		{"a repeated time runs once: first", custom("Europe/Berlin", "02:30", "sunday"), "2026-10-24T12:00:00Z", "", "2026-10-25T00:30:00Z"},
		{"a repeated time runs once: then next week", custom("Europe/Berlin", "02:30", "sunday"), "2026-10-25T00:30:00Z", "", "2026-11-01T01:30:00Z"},
		{"a zone of three quarters", custom("Asia/Kathmandu", "00:00", "tuesday"), "2026-03-02T17:00:00Z", "", "2026-03-02T18:15:00Z"},
		{"a match at the start counts", windowed(cron("0 10 * * *"), "2026-03-10T10:00:00Z", ""), "2026-03-01T00:00:00Z", "", "2026-03-10T10:00:00Z"},
		{"a match before the start does not", windowed(cron("0 10 * * *"), "2026-03-10T10:01:00Z", ""), "2026-03-01T00:00:00Z", "", "2026-03-11T10:00:00Z"},
		{"a match at the end counts", windowed(cron("0 10 * * *"), "", "2026-03-02T10:00:00Z"), "2026-03-02T09:00:00Z", "", "2026-03-02T10:00:00Z"},
		{"a match after the end does not", windowed(cron("0 10 * * *"), "", "2026-03-02T09:59:59Z"), "2026-03-02T09:00:00Z", "", ""},
		{"a recurrence in its window", windowed(custom("Europe/Berlin", "08:00", "monday"), "2026-03-09T07:00:00Z", "2026-03-09T07:00:00Z"), "2026-03-03T00:00:00Z", "", "2026-03-09T07:00:00Z"},
		{"a recurrence out of its window", windowed(custom("Europe/Berlin", "08:00", "monday"), "2026-03-09T07:00:01Z", "2026-03-16T06:59:59Z"), "2026-03-03T00:00:00Z", "", ""},
		{"an interval at its end", windowed(hourly, "", "2026-03-02T10:00:00Z"), "2026-03-02T09:30:00Z", "2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z"},
		{"cron keeps UTC where clocks go forward", cron("30 8 * * *"), "2026-03-28T09:00:00Z", "", "2026-03-29T08:30:00Z"},
		{"cron keeps UTC where clocks go back", cron("30 8 * * *"), "2026-10-24T09:00:00Z", "", "2026-10-25T08:30:00Z"},
		{"the wall's time before clocks go back", custom("America/New_York", "07:00", "saturday", "sunday"), "2026-10-31T00:00:00Z", "", "2026-10-31T11:00:00Z"},
		{"the wall's time after clocks go back", custom("America/New_York", "07:00", "saturday", "sunday"), "2026-10-31T12:00:00Z", "", "2026-11-01T12:00:00Z"},
		{"a skip of half an hour in the south", custom("Australia/Lord_Howe", "02:15", "sunday"), "2026-10-03T00:00:00Z", "", "2026-10-03T15:30:00Z"},
		{"a repeat of half an hour runs once", custom("Australia/Lord_Howe", "01:45", "sunday"), "2026-04-04T00:00:00Z", "", "2026-04-04T14:45:00Z"},
		{"a repeat of half an hour, then next week", custom("Australia/Lord_Howe", "01:45", "sunday"), "2026-04-04T14:45:00Z", "", "2026-04-11T15:15:00Z"},
		{"a skip in the west", custom("America/St_Johns", "02:15", "sunday"), "2026-03-07T12:00:00Z", "", "2026-03-08T05:30:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var last time.Time
			if tt.last != "" {
				last = at(tt.last)
			}
			next, ok, err := Next(tt.schedule, at(tt.now), last)
			if err != nil {
				t.Fatal(err)
			}
			if !ok && tt.want == "" {
				return
			}
			if got := next.Format(time.RFC3339); !ok || got != tt.want {
				t.Errorf("got %s (%v), want %s", got, ok, tt.want)
			}
		})
	}
}

// Whatever schedule is accepted has times that can be computed, in their order and within its window.
func FuzzSchedule(f *testing.F) {
	for _, seed := range []string{
		`{"type":"interval","interval":{"unit":"hour","quantity":12}}`,
		`{"type":"interval","interval":{"unit":"week","quantity":53},"start":"2026-03-01T00:00:00Z","end":"2030-03-01T00:00:00Z"}`,
		`{"type":"custom","zone":"Europe/Berlin","recurrences":[{"days":["sunday"],"time":"02:30"},{"days":["monday","friday"],"time":"23:59"}]}`,
		`{"type":"custom","zone":"Australia/Lord_Howe","recurrences":[{"days":["sunday"],"time":"02:15"}],"start":"2026-10-01T00:00:00+05:45"}`,
		`{"type":"cron","cron":"0 12 L * *","end":"2027-01-01T00:00:00Z"}`,
		`{"type":"cron","cron":"0 0 29 2 *"}`,
		`{"type":"manual","cron":"x"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s sync.Schedule
		if json.Unmarshal([]byte(text), &s) != nil || len(s.Validate("spec.schedule")) > 0 {
			return
		}
		now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
		times, err := Preview(s, now, time.Time{}, 4)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if s.Manual() && len(times) > 0 {
			t.Fatalf("%s starts something at %s", text, times[0])
		}
		before := now.Add(-time.Nanosecond)
		for _, at := range times {
			if !at.After(before) || s.Start != nil && at.Before(*s.Start) || s.End != nil && at.After(*s.End) {
				t.Fatalf("%s: %v", text, times)
			}
			before = at
		}
	})
}
