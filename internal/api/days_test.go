package api_test

import (
	"net/url"
	"testing"
	"time"
)

// What the runs of all syncs did, by the days of the zone that is asked for.
//
// Req: SY-08, SY-69
func TestRunDays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		w.source.rows = [][]string{{"1", "Ada", "a"}, {"2", "Bob", "b"}, {"3", "Cyd", "c"}}
		w.target.refuse = "2"
		w.clock.Advance(14 * time.Hour) // 22:00 in UTC, 23:00 in Berlin, 03:30 of the next day in Kolkata
		w.ok("POST", "/api/syncs/people-to-crm/trigger", nil)
		w.work()
		w.clock.Advance(90 * time.Minute)

		berlin := w.ok("GET", "/api/runs/days?days=2&zone="+url.QueryEscape("Europe/Berlin"), nil)
		berlin.has("zone", "Europe/Berlin").has("days.0.day", "2026-03-01").has("days.0.runs", 1).has("days.0.failed", 0).has("days.0.sent", 2).has("days.0.rejected", 1)
		berlin.has("days.1.day", "2026-03-02").has("days.1.runs", 0).has("days.1.sent", 0)
		w.ok("GET", "/api/runs/days?days=1&zone="+url.QueryEscape("Asia/Kolkata"), nil).has("days.0.day", "2026-03-02").has("days.0.runs", 1).has("days.0.sent", 2)
		standard := w.ok("GET", "/api/runs/days", nil)
		if days := standard.list("days", "day"); len(days) != 14 || days[13] != "2026-03-01" {
			t.Errorf("the days are %v", days)
		}
		for _, query := range []string{"zone=Europe/Atlantis", "zone=Local", "days=0", "days=32"} {
			if a := w.send("GET", "/api/runs/days?"+query, nil); a.status != 422 {
				t.Errorf("%s: %d %s", query, a.status, a.body)
			}
		}
		w.key = w.second()
		w.ok("GET", "/api/runs/days?days=2&zone="+url.QueryEscape("Europe/Berlin"), nil).has("days.0.runs", 0)
	})
}
