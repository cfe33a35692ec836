package api_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Req: SY-69
func TestEvents(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		w.source.rows = [][]string{{"1", "Ada", "a"}}
		other := w.second()
		server := httptest.NewServer(w.handler)
		t.Cleanup(server.Close) // after the streams are closed
		stream := func(key string) *bufio.Scanner {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/events", nil)
			w.must(err)
			r.Header.Set("Authorization", "Bearer "+key)
			res, err := server.Client().Do(r)
			w.must(err)
			t.Cleanup(func() { w.must(res.Body.Close()) })
			if res.Header.Get("Content-Type") != "text/event-stream" {
				t.Fatalf("%s %v", res.Status, res.Header)
			}
			s := bufio.NewScanner(res.Body)
			s.Buffer(nil, 1<<20)
			return s
		}
		// next reads the stream to the next run of the slug in the state.
		next := func(s *bufio.Scanner, state string) string {
			t.Helper()
			for s.Scan() {
				data, ok := strings.CutPrefix(s.Text(), "data: ")
				if !ok {
					continue
				}
				var r struct{ State, SyncSlug string }
				w.must(json.Unmarshal([]byte(data), &r))
				if r.State == state {
					return r.SyncSlug
				}
			}
			t.Fatalf("the stream ended: %v", s.Err())
			return ""
		}
		mine, theirs := stream(bootstrapKey), stream(other)
		w.ok("POST", "/api/syncs/people-to-crm/trigger", nil)
		if slug := next(mine, "queued"); slug != "people-to-crm" {
			t.Errorf("a run of %s", slug)
		}
		w.work()
		next(mine, "committed")

		w.key = other
		w.ok("POST", "/api/sources", document("shop", "Shop", sourceSpec()))
		w.ok("POST", "/api/models", document("people", "People", modelSpec()))
		w.ok("POST", "/api/destinations", document("crm", "CRM", destinationSpec()))
		w.ok("POST", "/api/syncs", document("theirs", "Theirs", syncSpec()))
		w.ok("POST", "/api/syncs/theirs/trigger", nil)
		if slug := next(theirs, "queued"); slug != "theirs" {
			t.Errorf("another workspace saw a run of %s", slug)
		}
	})
}
