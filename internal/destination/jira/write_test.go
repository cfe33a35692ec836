package jira

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

// site is a Jira with two issues, which has enough of changes after the first one, once.
type site struct {
	mu    sync.Mutex
	asked []string
	tired bool
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	what := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/rest/api/3/")
	s.asked = append(s.asked, what)
	switch what {
	case "GET issue/createmeta/1/issuetypes/2":
		reply(w, http.StatusOK, `{"total": 1, "fields": [{"fieldId": "summary", "schema": {"type": "string", "system": "summary"}}]}`)
	case "GET project/1":
		reply(w, http.StatusOK, `{"projectTypeKey": "software"}`)
	case "POST search/jql":
		reply(w, http.StatusOK, `{"issues": [{"id": "10", "fields": {"customfield_5": "a"}}, {"id": "11", "fields": {"customfield_5": "b"}}]}`)
	case "PUT issue/11":
		if s.tired {
			s.tired = false
			reply(w, http.StatusTooManyRequests, `{"errorMessages": ["Rate limit exceeded"]}`)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	case "PUT issue/10":
		w.WriteHeader(http.StatusNoContent)
	case "POST issue/bulk":
		reply(w, http.StatusCreated, `{"issues": [{"id": "12"}], "errors": []}`)
	default:
		http.NotFound(w, r)
	}
}

func reply(w http.ResponseWriter, status int, text string) {
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) //nolint:errcheck // the client sees
}

// A batch that comes again, since Jira had enough of requests, goes on where it stopped: what was changed is not changed
// again, and issues are made once, after all changes.
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
	s := &site{tired: true}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	info := m.Info(httpx.AnyNetwork, Hooks())
	d, err := info.Open(connector.DestinationOptions{Settings: connector.Settings{
		"domain": "acme", "email": "ann@example.com", "apiToken": "token", "baseUrl": server.URL,
	}.WithDefaults(info.Fields)})
	if err != nil {
		t.Fatal(err)
	}
	run, err := d.Begin(t.Context(), connector.SyncJob{
		Type: "issues", Mode: connector.ModeUpsert, Settings: connector.Settings{"project": "1", "issueType": "2"},
		Match: []connector.MatchPair{{From: "code", To: "customfield_5"}}, Columns: []connector.TargetColumn{{Name: "summary", Type: value.TypeString}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.asked = nil
	s.mu.Unlock()
	batch := &connector.Batch{ID: "1", Operation: connector.Added}
	for _, code := range []string{"a", "b", "c", "c"} {
		batch.Rows = append(batch.Rows, connector.Row{Key: code, Match: []value.Value{value.OfText(code)}, Values: []value.Value{value.OfText("The summary")}})
	}
	if _, err := run.Write(t.Context(), batch); fault.ClassOf(err) != fault.Throttled {
		t.Fatalf("the first time: %v", err)
	}
	result, err := run.Write(t.Context(), batch)
	if err != nil || len(result.Rejected) != 1 || result.Rejected[0].Row != 3 {
		t.Errorf("the second time: %+v: %v", result, err)
	}
	want := []string{"POST search/jql", "PUT issue/10", "PUT issue/11", "POST search/jql", "PUT issue/11", "POST issue/bulk"}
	if !slices.Equal(s.asked, want) {
		t.Errorf("asked %q, want %q", s.asked, want)
	}
}
