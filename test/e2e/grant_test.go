package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/test/services"
)

// provider rotates refresh tokens: each is good once, and a second use of one ends the grant. Access tokens are good
// for a second.
type provider struct {
	*httptest.Server

	mu      sync.Mutex
	number  int
	asking  int
	most    int // requests for a token at a time
	asked   int
	reused  []string
	revoked bool
	api     map[int]int // requests by the number of their access token
	first   func()      // called when an access token is seen for the first time
}

func newProvider(t *testing.T) *provider {
	p := &provider{api: map[int]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("/", p.take)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked++
	p.asking++
	p.most = max(p.most, p.asking)
	p.mu.Unlock()
	time.Sleep(50 * time.Millisecond) // so that two would be seen
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asking--
	given := r.PostFormValue("refresh_token")
	if given != fmt.Sprintf("refresh-%d", p.number) && !p.revoked {
		p.reused = append(p.reused, given)
		p.revoked = true
	}
	if p.revoked {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant","error_description":"the permission is over"}`)
		return
	}
	p.number++
	_ = json.NewEncoder(w).Encode(map[string]any{ //nolint:errcheck // the client sees
		"access_token": fmt.Sprintf("access-%d", p.number), "refresh_token": fmt.Sprintf("refresh-%d", p.number), "expires_in": 31, // renewed 30 s early
	})
}

// take is the API.
func (p *provider) take(w http.ResponseWriter, r *http.Request) {
	var n int
	if _, err := fmt.Sscanf(r.Header.Get("Authorization"), "Bearer access-%d", &n); err != nil {
		http.Error(w, "no token", http.StatusUnauthorized)
		return
	}
	p.mu.Lock()
	p.api[n]++
	hook := p.first
	if p.api[n] > 1 {
		hook = nil
	}
	p.mu.Unlock()
	if hook != nil {
		hook()
	}
	fmt.Fprint(w, "{}")
}

func (p *provider) seen() (asked, most int, reused []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked, p.most, slices.Clone(p.reused)
}

// Workers in processes of their own share one grant whose refresh token is another one after each use: one of them at a
// time asks the provider, and what it gets is kept before it is used, so that its death loses nothing. When the grant is
// over, one run tells so, and nobody asks the provider again and again.
//
// Req: FLD-22
func TestOneGrantInSeveralProcesses(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	source := &people{dir: t.TempDir(), rows: map[int]int{}}
	for id := range 30 {
		source.rows[id] = 1
	}
	source.save(t)
	shared := []string{
		"MILLRACE_DATABASE_URL=" + services.Postgres(t), "MILLRACE_STORAGE_URL=file://" + filepath.Join(t.TempDir(), "objects"),
		"MILLRACE_ENCRYPTION_KEY=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "MILLRACE_LEASE_TIME=1s",
	}
	begin := func(role string) *process {
		return start(t, append(slices.Clone(shared), "MILLRACE_HOME="+t.TempDir(), "MILLRACE_ROLES="+role)...)
	}
	server := begin("api")
	syncs := configureGrant(server, source, p)
	workers := []*process{begin("worker"), begin("worker")}
	runAll := func() {
		t.Helper()
		for id := range source.rows {
			source.rows[id]++
		}
		source.save(t)
		for _, s := range syncs {
			server.trigger(s)
		}
	}
	committed := func() {
		t.Helper()
		for _, s := range syncs {
			if last := server.settle(s)[0]; last.State != "committed" || last.Failed.total() > 0 {
				t.Errorf("the last run of %s is %+v", s, last)
			}
		}
	}
	for range 3 {
		runAll()
		committed()
	}
	if asked, most, reused := p.seen(); asked < 2 || most != 1 || len(reused) != 0 {
		t.Fatalf("%d token requests, %d at a time; used twice: %v", asked, most, reused)
	}

	var killed sync.Once
	p.mu.Lock()
	p.first = func() { // the new token is used for the first time: whoever got it dies
		killed.Do(func() {
			for _, k := range workers {
				_ = k.cmd.Process.Kill() //nolint:errcheck // nobody knows which one it is
			}
		})
	}
	p.mu.Unlock()
	time.Sleep(1100 * time.Millisecond) // the access token is over
	runAll()
	for _, k := range workers {
		<-k.done
	}
	workers = []*process{begin("worker"), begin("worker")}
	committed()
	if _, most, reused := p.seen(); most != 1 || len(reused) != 0 {
		t.Fatalf("%d token requests at a time; used twice: %v", most, reused)
	}

	p.mu.Lock()
	p.revoked, p.first = true, nil
	before := p.asked
	p.mu.Unlock()
	time.Sleep(1100 * time.Millisecond)
	for range 3 {
		runAll()
		for _, s := range syncs {
			last := server.settle(s)[0]
			if last.State != "failed" || last.Error == nil || last.Error.Code != "destination.authorization_lost" || !strings.Contains(last.Error.Message, "the permission is over") || last.Error.Suggestion == "" {
				t.Errorf("the last run of %s is %s, %+v", s, last.State, last.Error)
			}
		}
	}
	if asked, _, _ := p.seen(); asked != before+1 {
		t.Errorf("a dead grant was asked for %d times", asked-before)
	}
	for _, s := range syncs {
		var sync struct{ Status struct{ Suspended *string } }
		server.must(http.MethodGet, "/api/syncs/"+s, nil, &sync)
		if sync.Status.Suspended == nil || !strings.Contains(*sync.Status.Suspended, "the permission is over") {
			t.Errorf("%s does not say why its schedule does not start it: %v", s, sync.Status.Suspended)
		}
	}
}

// configureGrant makes some syncs to one destination.
func configureGrant(server *process, source *people, p *provider) []string {
	document := func(kind, slug string, spec map[string]any) any {
		return map[string]any{"kind": kind, "metadata": map[string]any{"slug": slug, "name": slug}, "spec": spec}
	}
	send := map[string]any{"enabled": true, "method": http.MethodPut, "url": "/{{ row.id }}", "body": "mapped", "concurrency": 4}
	documents := []any{
		document("source", "people", map[string]any{"type": "file", "configuration": map[string]any{"path": source.dir}}),
		document("model", "people", map[string]any{"source": "people", "method": "sql", "sql": "SELECT id, name, version FROM people", "primaryKey": "id"}),
		document("destination", "api", map[string]any{"type": "http-request", "configuration": map[string]any{
			"baseUrl": p.URL, "auth": "oauth2", "grant": "authorization_code", "tokenUrl": p.URL + "/token", "authUrl": p.URL + "/allow",
			"clientId": "millrace", "clientSecret": "secret", "refreshToken": "refresh-0",
		}}),
	}
	var syncs []string
	for i := range 3 {
		slug := fmt.Sprint("people-", i)
		syncs = append(syncs, slug)
		documents = append(documents, document("sync", slug, map[string]any{
			"model": "people", "destination": "api", "mode": "trigger",
			"mappings": []any{map[string]any{"to": "id", "from": "id"}, map[string]any{"to": "version", "from": "version"}},
			"settings": map[string]any{"added": send, "changed": send},
		}))
	}
	server.must(http.MethodPost, "/api/apply", map[string]any{"documents": documents}, nil)
	return syncs
}
