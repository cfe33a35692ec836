package run

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/uptrace/bun"
)

// Day is what the runs did that ended on one day.
type Day struct {
	Day      string // 2026-11-28
	Runs     int64
	Failed   int64 // of the runs; those that a person cancelled, or that the end of the process interrupted, are not among them
	Sent     int64 // rows that arrived
	Rejected int64 // rows whose change was seen and did not arrive, those with a key that is not unique among them
}

// Days counts what the runs of a workspace did on each of the last n days of a zone, the oldest first; the last one is
// today. A run belongs to the day on which it ended, so that a day that is over stays as it is.
func (s *Store) Days(ctx context.Context, workspaceID int64, zone *time.Location, n int) ([]Day, error) {
	var days []Day
	if err := s.daysQuery(workspaceID, s.clock.Now().In(zone), n).Scan(ctx, &days); err != nil {
		return nil, fmt.Errorf("counting what runs did by day: %w", err)
	}
	return days, nil
}

func (s *Store) daysQuery(workspaceID int64, now time.Time, n int) *bun.RawQuery {
	days := strings.TrimSuffix(strings.Repeat("(?, ?, ?), ", n), ", ")
	return s.db.NewRaw(`WITH days (day, since, until) AS (VALUES `+days+`)
		SELECT days.day, count(r.id) AS runs, count(CASE WHEN r.state = ? THEN 1 END) AS failed,
			CAST(coalesce(sum(r.sent), 0) AS BIGINT) AS sent, CAST(coalesce(sum(r.rejected), 0) AS BIGINT) AS rejected
		FROM days LEFT JOIN sync_runs r ON r.workspace_id = ? AND r.finished_at >= days.since AND r.finished_at < days.until
		GROUP BY days.day ORDER BY days.day`, append(dayBounds(now, n), string(Failed), workspaceID)...)
}

// dayBounds are the names, beginnings and ends of the last n days until now, in the zone of now, one after another.
func dayBounds(now time.Time, n int) []any {
	year, month, today := now.Date()
	bounds := make([]any, 0, 3*n)
	for i := today - n + 1; i <= today; i++ {
		name := time.Date(year, month, i, 12, 0, 0, 0, time.UTC).Format(time.DateOnly)
		since, until := dayStart(year, month, i, now.Location()), dayStart(year, month, i+1, now.Location())
		bounds = append(bounds, name, clock.Millis(since), clock.Millis(until))
	}
	return bounds
}

// dayStart is the first moment of a day. Where clocks are put forward at midnight it is later than that, and where they
// are put back to it, midnight comes twice.
func dayStart(year int, month time.Month, day int, zone *time.Location) time.Time {
	midnight := time.Date(year, month, day, 0, 0, 0, 0, zone)
	noon := time.Date(year, month, day, 12, 0, 0, 0, zone)
	if midnight.Day() != noon.Day() {
		_, change := midnight.ZoneBounds()
		return change
	}
	if earlier := midnight.Add(-time.Hour); earlier.Day() == noon.Day() {
		return earlier
	}
	return midnight
}
