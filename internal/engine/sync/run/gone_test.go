package run_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	kindsync "github.com/millrace/millrace/internal/kind/sync"
)

// fills lets the world's sync fill a destination that is a manifest, at a server of the test.
func (w *world) fills(slug string, configuration map[string]any, handle http.Handler) {
	w.t.Helper()
	server := httptest.NewServer(handle)
	w.t.Cleanup(server.Close)
	w.manifests = destination.Manifests(httpx.AnyNetwork)
	w.restart()
	configuration["baseUrl"] = server.URL
	w.bundle.DestinationSpec.Type, w.bundle.DestinationSpec.Configuration = slug, configuration
}

// mailchimp is an audience with merge fields, members and a tag, each of which somebody may delete.
type mailchimp struct {
	mu       sync.Mutex
	audience bool
	fields   []string
	tag      bool
	members  map[string]string // what was sent last, by the member's address
	tagged   []string
	changes  int // requests that changed something
}

func (m *mailchimp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	var sent struct {
		Address string          `json:"email_address"`
		Fields  json.RawMessage `json:"merge_fields"`
		Add     []string        `json:"members_to_add"`
		Remove  []string        `json:"members_to_remove"`
	}
	json.NewDecoder(r.Body).Decode(&sent) //nolint:errcheck // requests that read have no body
	switch {
	case !m.audience, strings.HasSuffix(r.URL.Path, "/segments/5") && !m.tag:
		w.WriteHeader(http.StatusNotFound)
		w.Write([]byte(`{"title": "Resource Not Found", "detail": "The requested resource could not be found."}`)) //nolint:errcheck // the client sees
	case r.Method == http.MethodGet:
		var list []map[string]string
		for _, tag := range m.fields {
			list = append(list, map[string]string{"tag": tag, "name": tag, "type": "text"})
		}
		json.NewEncoder(w).Encode(map[string]any{"merge_fields": list}) //nolint:errcheck // the client sees
	default:
		m.changes++
		if sent.Address != "" {
			m.members[sent.Address] = string(sent.Fields)
		}
		m.tagged = slices.DeleteFunc(append(m.tagged, sent.Add...), func(x string) bool { return slices.Contains(sent.Remove, x) })
		w.Write([]byte(`{}`)) //nolint:errcheck // the client sees
	}
}

// What a sync fills, or a field that it maps, is deleted at the vendor after a run that succeeded. The next runs fail and
// say what is gone, nothing arrives and what is remembered stays; once it is there again, what is left is sent.
//
// Req: SY-39, SY-45, SY-72, FLD-08
func TestTheTargetIsGoneBetweenRuns(t *testing.T) {
	t.Parallel()
	member := func(w *world) {
		w.bundle.SyncSpec.Type, w.bundle.SyncSpec.Delete = "member", connector.DeleteNothing
		w.bundle.SyncSpec.Mappings = []kindsync.Mapping{{To: "merge_fields.FNAME", From: "name"}, {To: "merge_fields.SCORE", From: "score"}}
	}
	tests := map[string]struct {
		sync        func(w *world)
		lose, mend  func(m *mailchimp)
		code        fault.Code
		names       string
		third       run.OpCounts
		unchanged   int64
		wantMembers map[string]string
		wantTagged  []string
	}{
		"an audience": {
			sync: member, lose: func(m *mailchimp) { m.audience = false }, mend: func(m *mailchimp) { m.audience = true },
			code: fault.CodeDestinationSchema, names: "audience a1", third: run.OpCounts{Added: 1, Changed: 1}, unchanged: 1,
			wantMembers: map[string]string{"ann": `{"FNAME":"Ann","SCORE":1}`, "bob": `{"FNAME":"Bob","SCORE":2}`, "cy": `{"FNAME":"Cyd","SCORE":3}`, "dee": `{"FNAME":"Dee","SCORE":4}`},
		},
		"an audience whose fields are not read": {
			sync: func(w *world) {
				member(w)
				w.bundle.SyncSpec.Mappings = []kindsync.Mapping{{To: "language", From: "name"}}
			},
			lose: func(m *mailchimp) { m.audience = false }, mend: func(m *mailchimp) { m.audience = true },
			code: fault.CodeDestinationSchema, names: "audience a1", third: run.OpCounts{Added: 1, Changed: 1}, unchanged: 1,
			wantMembers: map[string]string{"ann": "", "bob": "", "cy": "", "dee": ""},
		},
		"a mapped field": {
			sync: member, lose: func(m *mailchimp) { m.fields = []string{"FNAME"} }, mend: func(m *mailchimp) { m.fields = []string{"FNAME", "SCORE"} },
			code: fault.CodeMappingColumn, names: `"merge_fields.SCORE"`, third: run.OpCounts{Added: 1, Changed: 1}, unchanged: 1,
			wantMembers: map[string]string{"ann": `{"FNAME":"Ann","SCORE":1}`, "bob": `{"FNAME":"Bob","SCORE":2}`, "cy": `{"FNAME":"Cyd","SCORE":3}`, "dee": `{"FNAME":"Dee","SCORE":4}`},
		},
		"a tag": {
			sync: func(w *world) {
				w.bundle.SyncSpec.Type, w.bundle.SyncSpec.Mode, w.bundle.SyncSpec.Delete = "tag", connector.ModeAdd, connector.DeleteMember
				w.bundle.SyncSpec.Mappings = nil
				w.bundle.SyncSpec.Settings["tagChoice"], w.bundle.SyncSpec.Settings["tag"] = "existing", "5"
			},
			lose: func(m *mailchimp) { m.tag = false }, mend: func(m *mailchimp) { m.tag = true },
			code: fault.CodeDestinationSchema, names: "tag 5 of the audience a1", third: run.OpCounts{Added: 1, Removed: 1}, unchanged: 2,
			wantMembers: map[string]string{}, wantTagged: []string{"ann", "cy", "dee"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				m := &mailchimp{audience: true, tag: true, fields: []string{"FNAME", "SCORE"}, members: map[string]string{}}
				w.fills("mailchimp", map[string]any{"dataCenter": "us1", "apiKey": "k"}, m)
				w.bundle.SyncSpec.Settings = map[string]any{"audience": "a1"}
				w.bundle.SyncSpec.Match = []connector.MatchPair{{From: "id", To: "email_address"}}
				tt.sync(w)
				w.rows = []row{r("ann", "Ann", 1), r("bob", "Bob", 2), r("cy", "Cy", 3)}
				if first := w.run(run.Options{}); first.State != run.Committed || first.Counts.Succeeded.Added != 3 {
					t.Fatalf("the first run: %s, %+v, %+v", first.State, first.Failure, first.Counts)
				}
				changes := m.changes

				tt.lose(m)
				w.rows = []row{r("ann", "Ann", 1), r("cy", "Cyd", 3), r("dee", "Dee", 4)}
				for range 2 {
					got := w.run(run.Options{})
					if got.State != run.Failed || got.Failure == nil || got.Failure.Code != tt.code || !strings.Contains(got.Failure.Message, tt.names) || got.Failure.Suggestion == "" {
						t.Errorf("without it: %s, %+v", got.State, got.Failure)
					}
					if m.changes != changes || got.Counts.Succeeded.Total() != 0 {
						t.Errorf("without it, %d requests changed something: %+v", m.changes-changes, got.Counts)
					}
				}

				tt.mend(m)
				if third := w.run(run.Options{}); third.State != run.Committed || third.Counts.Succeeded != tt.third || third.Counts.Unchanged != tt.unchanged {
					t.Errorf("the third run: %s, %+v, %+v", third.State, third.Failure, third.Counts)
				}
				if !maps.Equal(m.members, tt.wantMembers) || !slices.Equal(slices.Sorted(slices.Values(m.tagged)), tt.wantTagged) {
					t.Errorf("Mailchimp has %v and tagged %v", m.members, m.tagged)
				}
				if idle := w.run(run.Options{}); idle.Counts.Planned.Total() != 0 {
					t.Errorf("a run with nothing to do plans %+v", idle.Counts.Planned)
				}
			})
		})
	}
}

// Rows that Google's validation server took have arrived nowhere: the sync does not go on as if they had.
//
// Req: SY-39
func TestValidatedRowsAreNotSent(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var mu sync.Mutex
		asked := map[string]int{}
		w.fills("google-analytics", map[string]any{"apiSecret": "s"}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			asked[r.URL.Path]++
		}))
		w.bundle.SyncSpec = kindsync.Spec{
			Model: "people", Destination: "d", Type: "event", Mode: connector.ModeInsert, Settings: map[string]any{"measurementId": "G-1", "validate": true},
			Mappings: []kindsync.Mapping{{To: "ids.client_id", From: "id"}, {To: "event.name", From: "name"}},
		}
		w.rows = []row{r("1.2", "visit", 1)}
		w.run(run.Options{})
		w.bundle.SyncSpec.Settings["validate"] = false
		if got := w.run(run.Options{}); got.Failure == nil || got.Failure.Code != fault.CodeRunBaseline {
			t.Errorf("it goes on: %s, %+v", got.State, got.Counts)
		}
		full := w.run(run.Options{FullResync: true})
		if full.Counts.Succeeded.Added != 1 || !maps.Equal(asked, map[string]int{"/debug/mp/collect": 1, "/mp/collect": 1}) {
			t.Errorf("%s, %+v, asked %v", full.State, full.Counts, asked)
		}
	})
}
