package hubspot

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/value"
)

func described(t *testing.T) connector.DestinationInfo {
	t.Helper()
	file, err := os.ReadFile("manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Parse("manifest.yaml", file)
	if err != nil {
		t.Fatal(err)
	}
	return m.Info(httpx.AnyNetwork, Hooks())
}

const accessToken = "pat-na1-secret-token"

// account is an account with one object, whose records have an id of their own and a property that is unique.
type account struct {
	unique bool // whether HubSpot keeps the property's values unique

	mu      sync.Mutex
	records []map[string]string
}

func (a *account) serve(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	answer := func(pattern string, do func(body map[string]json.RawMessage) (int, any)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer "+accessToken {
				reply(w, http.StatusUnauthorized, map[string]any{"message": "This token is not known"})
				return
			}
			body := map[string]json.RawMessage{}
			if r.Method == http.MethodPost {
				if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
					reply(w, http.StatusBadRequest, map[string]any{"message": err.Error()})
					return
				}
			}
			a.mu.Lock()
			defer a.mu.Unlock()
			status, out := do(body)
			reply(w, status, out)
		})
	}
	id := map[string]any{"name": "id", "type": "string", "hasUniqueValue": a.unique}
	answer("GET /crm/v3/properties/contacts", func(map[string]json.RawMessage) (int, any) { return 200, map[string]any{} })
	answer("GET /crm/v3/properties/things", func(map[string]json.RawMessage) (int, any) {
		return 200, map[string]any{"results": []any{id, map[string]any{"name": "value", "type": "string"}}}
	})
	answer("GET /crm/v3/properties/things/id", func(map[string]json.RawMessage) (int, any) { return 200, id })
	answer("GET /crm-object-schemas/v3/schemas/things", func(map[string]json.RawMessage) (int, any) { return 200, map[string]any{} })
	for _, verb := range []string{"upsert", "update", "create"} {
		answer("POST /crm/v3/objects/things/batch/"+verb, a.write)
	}
	answer("POST /crm/v3/objects/things/batch/read", func(body map[string]json.RawMessage) (int, any) {
		var ids []string
		for _, in := range inputs(body) {
			ids = append(ids, in.ID)
		}
		return 200, a.found(ids)
	})
	answer("POST /crm/v3/objects/things/search", a.search)
	answer("POST /crm/v3/objects/things/batch/archive", func(body map[string]json.RawMessage) (int, any) {
		for _, in := range inputs(body) {
			a.records = slices.DeleteFunc(a.records, func(r map[string]string) bool { return r[recordID] == in.ID })
		}
		return 204, nil
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func reply(w http.ResponseWriter, status int, body any) {
	w.WriteHeader(status)
	if body != nil {
		json.NewEncoder(w).Encode(body) //nolint:errcheck // the client sees
	}
}

// sent is a record of a request.
type sent struct {
	ID         string            `json:"id"`
	IDProperty string            `json:"idProperty"`
	Properties map[string]string `json:"properties"`
	Trace      string            `json:"objectWriteTraceId"`
}

func inputs(body map[string]json.RawMessage) (all []sent) {
	json.Unmarshal(body["inputs"], &all) //nolint:errcheck // what is no list has no inputs
	return all
}

// write takes records as all three endpoints do, and refuses them all for one bad value.
func (a *account) write(body map[string]json.RawMessage) (int, any) {
	var results []any
	for _, in := range inputs(body) {
		if in.Properties["value"] == "bad" {
			return 400, map[string]any{"message": "Property values were not valid", "category": "VALIDATION_ERROR"}
		}
	}
	for _, in := range inputs(body) {
		rec := a.record(in)
		maps.Copy(rec, in.Properties)
		results = append(results, map[string]any{"id": rec[recordID], "objectWriteTraceId": in.Trace})
	}
	return 200, map[string]any{"results": results}
}

func (a *account) record(in sent) map[string]string {
	for _, r := range a.records {
		if in.ID != "" && (in.IDProperty == "" && r[recordID] == in.ID || in.IDProperty != "" && r[in.IDProperty] == in.ID) {
			return r
		}
	}
	rec := map[string]string{recordID: "1" + strings.Repeat("0", len(a.records)), "id": in.ID}
	a.records = append(a.records, rec)
	return rec
}

func (a *account) search(body map[string]json.RawMessage) (int, any) {
	var groups []struct {
		Filters []struct {
			Values []string `json:"values"`
		} `json:"filters"`
	}
	if err := json.Unmarshal(body["filterGroups"], &groups); err != nil {
		return 400, map[string]any{"message": err.Error()}
	}
	return 200, a.found(groups[0].Filters[0].Values)
}

func (a *account) found(ids []string) any {
	results := []any{}
	for _, r := range a.records {
		if slices.Contains(ids, r["id"]) {
			results = append(results, map[string]any{"id": r[recordID], "properties": r})
		}
	}
	return map[string]any{"results": results}
}

func (a *account) read(*testing.T) (all []destinationtest.Record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.records {
		rec := destinationtest.Record{}
		for _, name := range []string{"id", "value"} {
			if v, there := r[name]; there {
				rec[name] = value.OfText(v)
			}
		}
		all = append(all, rec)
	}
	return all
}

// Records arrive as they were sent, by a unique property and by one that is searched.
//
// Req: FLD-32, SY-15, SY-18, SY-21, SY-74, SY-78
func TestConformance(t *testing.T) {
	t.Parallel()
	info := described(t)
	for name, unique := range map[string]bool{"unique": true, "searched": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := &account{}
			destinationtest.Run(t, destinationtest.Fixture{
				Info: info, Removes: true,
				Target: func(t *testing.T, columns []connector.TargetColumn) destinationtest.Target {
					t.Helper()
					a := &account{unique: unique}
					kind, err := info.SyncType("objects")
					if err != nil {
						t.Fatal(err)
					}
					return destinationtest.Target{
						Settings: connector.Settings{"method": "token", "accessToken": accessToken, "baseUrl": a.serve(t)},
						Job: connector.SyncJob{
							Type: "objects", Mode: connector.ModeUpsert, Delete: connector.DeleteArchive, Columns: columns,
							Match:    []connector.MatchPair{{From: "id", To: "id"}},
							Settings: connector.Settings{"object": "things"}.WithDefaults(kind.Fields),
						},
						Read: a.read,
					}
				},
				Failing: []destinationtest.Failing{{
					Name: "wrong token", Settings: connector.Settings{"method": "token", "accessToken": "another-token", "baseUrl": bad.serve(t)},
					Code: fault.CodeDestinationAuth, Says: "This token is not known",
				}},
				Invalid: []destinationtest.Invalid{{
					Name: "upsert by HubSpot's id", Edit: func(job *connector.SyncJob) { job.Match[0].To = recordID }, Paths: []string{"spec.settings"},
				}},
				Arrival: func(c connector.TargetColumn, v value.Value) destinationtest.Arrival {
					if v.IsNull() && c.Omit {
						return destinationtest.Arrival{Absent: true}
					}
					return destinationtest.As(value.OfText(text(v)))
				},
				Refused: []destinationtest.Refused{{
					Name: "bad value", Column: connector.TargetColumn{Name: "value", From: "value", Type: value.TypeString},
					Value: value.OfText("bad"), Says: "Property values were not valid",
				}},
			})
		})
	}
}
