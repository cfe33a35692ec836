package schedule

import (
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
