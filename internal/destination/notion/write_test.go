package notion

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/value"
)

// workspace has one database with one page, and has enough of requests at the second page that is made, once.
type workspace struct {
	mu    sync.Mutex
	asked []string
	made  int
	tired bool
}

func (s *workspace) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	what := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/v1/")
	s.asked = append(s.asked, what)
	answer := `{"object": "page", "id": "p"}`
	switch what {
	case "GET data_sources/ds":
		answer = `{"properties": {"Code": {"type": "rich_text"}, "Name": {"type": "title"}}}`
	case "POST data_sources/ds/query":
		answer = `{"results": [{"id": "p1", "properties": {"Code": {"type": "rich_text", "rich_text": [{"plain_text": "a"}]}}}]}`
	case "POST pages":
		if s.made++; s.made == 2 && s.tired {
			s.tired = false
			w.WriteHeader(http.StatusTooManyRequests)
			answer = `{"object": "error", "code": "rate_limited", "message": "Slow down"}`
		}
	}
	_, _ = w.Write([]byte(answer)) //nolint:errcheck // the client sees
}

// A batch that comes again, since Notion had enough of requests, goes on where it stopped: no page is made twice, even
// where a query does not see yet what was made.
//
// Req: SY-39
func TestBatchComesAgain(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Parse("manifest.yaml", file)
	if err != nil {
		t.Fatal(err)
	}
	s := &workspace{tired: true}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	info := m.Info(httpx.AnyNetwork, Hooks())
	d, err := info.Open(connector.DestinationOptions{Settings: connector.Settings{"method": "token", "token": "secret", "baseUrl": server.URL}.WithDefaults(info.Fields)})
	if err != nil {
		t.Fatal(err)
	}
	run, err := d.Begin(t.Context(), connector.SyncJob{
		Type: "rows", Mode: connector.ModeUpsert, Settings: connector.Settings{"database": "ds"},
		Match: []connector.MatchPair{{From: "code", To: "Code"}}, Columns: []connector.TargetColumn{{Name: "Name", Type: value.TypeString}},
	})
	if err != nil {
		t.Fatal(err)
	}
	batch := &connector.Batch{ID: "1", Operation: connector.Added}
	for _, code := range []string{"a", "b", "c"} {
		batch.Rows = append(batch.Rows, connector.Row{Key: code, Match: []value.Value{value.OfText(code)}, Values: []value.Value{value.OfText("The name")}})
	}
	if _, err := run.Write(t.Context(), batch); fault.ClassOf(err) != fault.Throttled {
		t.Fatalf("the first time: %v", err)
	}
	if result, err := run.Write(t.Context(), batch); err != nil || len(result.Rejected) > 0 {
		t.Errorf("the second time: %+v: %v", result, err)
	}
	want := []string{"GET data_sources/ds", "POST data_sources/ds/query", "PATCH pages/p1", "POST pages", "POST pages", "POST data_sources/ds/query", "POST pages"}
	if !slices.Equal(s.asked, want) {
		t.Errorf("asked %q, want %q", s.asked, want)
	}
}
