package run

import (
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // zones that the machine may lack

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
)

const (
	dayWorkspace   = int64(7)
	otherWorkspace = int64(8)
)

// at reads a moment.
func at(t *testing.T, moment string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, moment)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// zoneNamed loads a zone.
func zoneNamed(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// ended writes runs as they are kept when they are over, or under way where they have no end.
func ended(t *testing.T, d *db.DB, runs ...Run) {
	t.Helper()
	for i, r := range runs {
		r.ID = int64(i + 1)
		row, err := toRow(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.NewInsert().Model(row).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// Req: SY-08, SY-69
func TestDays(t *testing.T) {
	t.Parallel()
	sent := func(n int64) Counts { return Counts{Succeeded: OpCounts{Added: n}} }
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		// In Berlin, the day on which clocks are put back has 25 hours: from 22:00 to 23:00 of the next day in UTC.
		ended(t, d,
			Run{WorkspaceID: dayWorkspace, State: Committed, FinishedAt: at(t, "2026-10-24T21:59:59Z"), Counts: sent(1)},
			Run{WorkspaceID: dayWorkspace, State: Committed, FinishedAt: at(t, "2026-10-24T22:00:00Z"), Counts: Counts{
				Succeeded: OpCounts{1, 20, 300}, Failed: OpCounts{4_000, 50_000, 600_000}, Aborted: OpCounts{7_000_000, 80_000_000, 900_000_000}, Duplicates: 1_000_000_000,
			}},
			Run{WorkspaceID: dayWorkspace, State: Failed, FinishedAt: at(t, "2026-10-25T22:59:59Z"), Counts: sent(5_000_000_000)},
			Run{WorkspaceID: dayWorkspace, State: Cancelled, FinishedAt: at(t, "2026-10-25T23:00:00Z")},
			Run{WorkspaceID: dayWorkspace, State: Interrupted, FinishedAt: at(t, "2026-10-26T10:00:00Z"), Counts: sent(9)},
			Run{WorkspaceID: dayWorkspace, State: Delivering, Counts: sent(100)},
			Run{WorkspaceID: otherWorkspace, State: Failed, FinishedAt: at(t, "2026-10-25T12:00:00Z"), Counts: sent(100)},
		)
		if _, err := d.NewRaw("UPDATE sync_runs SET counts = '' WHERE state = ?", string(Cancelled)).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		store := NewStore(d, clock.NewManual(at(t, "2026-10-26T22:30:00Z")))
		days, err := store.Days(t.Context(), dayWorkspace, zoneNamed(t, "Europe/Berlin"), 4)
		if err != nil {
			t.Fatal(err)
		}
		want := []Day{
			{Day: "2026-10-23"},
			{Day: "2026-10-24", Runs: 1, Sent: 1},
			{Day: "2026-10-25", Runs: 2, Failed: 1, Sent: 5_000_000_321, Rejected: 1_987_654_000},
			{Day: "2026-10-26", Runs: 2, Sent: 9},
		}
		if fmt.Sprint(days) != fmt.Sprint(want) {
			t.Errorf("the days are\n%v, want\n%v", days, want)
		}
	})
}

// What the question for days reads is bounded by an index.
func TestDaysByIndex(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	var plan []map[string]any
	query := NewStore(d, clock.System{}).daysQuery(dayWorkspace, time.Now(), 14)
	err := d.NewRaw("EXPLAIN QUERY PLAN ?", query).Scan(t.Context(), &plan)
	if err != nil || !strings.Contains(fmt.Sprint(plan), "INDEX sync_runs_by_end (workspace_id=? AND finished_at>? AND finished_at<?)") {
		t.Errorf("the plan is %v, %v", plan, err)
	}
}

func TestDayStart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		zone  string
		year  int
		month time.Month
		day   int
		want  string
	}{
		{"UTC", 2026, 11, 28, "2026-11-28T00:00:00Z"},
		{"Asia/Kolkata", 2026, 11, 28, "2026-11-27T18:30:00Z"},
		{"Europe/Berlin", 2026, 3, 29, "2026-03-28T23:00:00Z"},
		{"Europe/Berlin", 2026, 3, 30, "2026-03-29T22:00:00Z"},
		{"Europe/Berlin", 2026, 10, 32, "2026-10-31T23:00:00Z"},
		{"America/Santiago", 2026, 9, 6, "2026-09-06T04:00:00Z"}, // 24:00 becomes 01:00: there is no midnight
		{"America/Santiago", 2026, 4, 5, "2026-04-05T04:00:00Z"}, // 24:00 becomes 23:00 of the day before
		{"America/Havana", 2026, 3, 8, "2026-03-08T05:00:00Z"},   // 00:00 becomes 01:00
		{"America/Havana", 2026, 11, 1, "2026-11-01T04:00:00Z"},  // 01:00 becomes 00:00: midnight comes twice
		{"Asia/Amman", 2021, 10, 29, "2021-10-28T21:00:00Z"},     // the same, east of Greenwich
	} {
		if got := dayStart(tt.year, tt.month, tt.day, zoneNamed(t, tt.zone)).UTC().Format(time.RFC3339); got != tt.want {
			t.Errorf("day %d of month %d of %d begins in %s at %s, want %s", tt.day, tt.month, tt.year, tt.zone, got, tt.want)
		}
	}
}
