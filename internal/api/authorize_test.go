package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
	httprequest "github.com/millrace/millrace/internal/destination/http"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/resource"
)

const millraceCallback = public + "/api/oauth/callback"

// provider is an OAuth provider with an API. Codes and refresh tokens are good once; only the newest access token is
// let in.
type provider struct {
	*httptest.Server

	mu      sync.Mutex
	codes   map[string]bool
	tokens  int
	refresh string
	grants  []string // of the token requests
	sent    []string // Authorization headers and bodies of requests
	deny    bool
	named   string // what the code is called
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{codes: map[string]bool{}, named: "code"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("/api/", p.api)
	mux.HandleFunc("GET /organizations/oauth2/v2.0/authorize", p.authorize)
	mux.HandleFunc("POST /organizations/oauth2/v2.0/token", p.token)
	mux.HandleFunc("GET /v1.0/me/drive", p.api)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) authorize(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := r.URL.Query()
	if q.Get("client_id") != "millrace" || q.Get("redirect_uri") != millraceCallback || q.Get("response_type") != "code" {
		http.Error(w, "the request is wrong", http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {q.Get("state")}}
	if p.deny {
		answer.Set("error", "access_denied")
		answer.Set("error_description", "Ada <said> no")
	} else {
		code := fmt.Sprintf("code-%d", len(p.codes))
		p.codes[code] = true
		answer.Set(p.named, code)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+answer.Encode(), http.StatusFound)
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	user, secret, basic := r.BasicAuth()
	if !basic {
		user, secret = r.FormValue("client_id"), r.FormValue("client_secret")
	}
	code, refresh := r.FormValue("code"), r.FormValue("refresh_token")
	p.grants = append(p.grants, r.FormValue("grant_type"))
	switch {
	case user != "millrace" || secret != "client-secret":
		http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
		return
	case code != "" && (!p.codes[code] || r.FormValue("redirect_uri") != millraceCallback), code == "" && refresh != p.refresh:
		http.Error(w, `{"error":"invalid_grant","error_description":"that was used already"}`, http.StatusBadRequest)
		return
	}
	p.codes[code] = false
	p.tokens++
	p.refresh = fmt.Sprintf("refresh-token-%d", p.tokens)
	json.NewEncoder(w).Encode(map[string]any{ //nolint:errcheck // the client sees
		"access_token": fmt.Sprintf("access-token-%d", p.tokens), "token_type": "Bearer", "expires_in": 3600, "refresh_token": p.refresh,
	})
}

func (p *provider) api(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, r.Method+" "+r.Header.Get("Authorization"))
	if r.Header.Get("Authorization") != fmt.Sprintf("Bearer access-token-%d", p.tokens) {
		http.Error(w, "the token has expired", http.StatusUnauthorized)
		return
	}
	fmt.Fprint(w, "{}")
}

func (p *provider) asked() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.grants, " ")
}

// hook makes the destination hook, whose access somebody must allow.
func (w *world) hook(p *provider) {
	w.t.Helper()
	w.ok("POST", "/api/destinations", document("hook", "Hook", object{"type": "http-request", "configuration": object{
		"baseUrl": p.URL + "/api/", "auth": "oauth2", "grant": "authorization_code", "clientId": "millrace", "clientSecret": "client-secret",
		"authUrl": p.URL + "/authorize", "tokenUrl": p.URL + "/token", "scopes": "write offline",
	}}))
}

// asPerson makes a request with a session instead of a key.
func (w *world) asPerson(s session, method, path string, body any) answer {
	w.t.Helper()
	key := w.key
	w.key = ""
	defer func() { w.key = key }()
	return w.send(method, path, body, "Cookie", s.cookie, "X-CSRF-Token", s.csrf)
}

// begin goes to the provider as a browser does, and returns the address that it sends the browser back to.
func (w *world) begin(s session) string { return w.beginAt(s, "/api/destinations/hook") }

// beginAt is begin for a connection of the caller's choice.
func (w *world) beginAt(s session, connection string) string {
	w.t.Helper()
	address := w.asPerson(s, "POST", connection+"/authorize", nil).want(200).text("url")
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, address, http.NoBody)
	w.must(err)
	resp, err := http.DefaultTransport.RoundTrip(r)
	w.must(err)
	w.must(resp.Body.Close())
	back, ok := strings.CutPrefix(resp.Header.Get("Location"), public)
	if !ok {
		w.t.Fatalf("the provider answers %d and sends to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
	return back
}

// allowed lets the admin allow the access to hook.
func (w *world) allowed(p *provider) {
	w.t.Helper()
	w.hook(p)
	s := w.signIn()
	a := w.asPerson(s, "GET", w.begin(s), nil).want(303)
	if to := a.header.Get("Location"); to != "/destinations/hook?authorized=1" {
		w.t.Fatalf("the browser goes to %q", to)
	}
}

// testHook tests the connection as it is saved.
func (w *world) testHook() answer {
	w.t.Helper()
	saved := w.ok("GET", "/api/destinations/hook", nil)
	return w.ok("POST", "/api/destinations/test", object{"type": "http-request", "slug": "hook", "configuration": saved.at("spec.configuration")})
}

// TestAuthorization: a person allows the access in a browser; runs send with the token and keep the refresh tokens that
// replace each other.
func TestAuthorization(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := newProvider(t)
		w.furnish()
		w.hook(p)
		w.ok("GET", "/api/destinations/hook/authorize", nil).has("callbackUrl", millraceCallback).has("allowedAt", nil)
		w.testHook().has("ok", false).has("error.message", "nobody has allowed the access yet")
		s := w.signIn()
		w.asPerson(s, "GET", w.begin(s), nil).want(303)
		w.ok("GET", "/api/destinations/hook", nil).has("spec.configuration.refreshToken.$secret", "set").has("metadata.revision", 2)
		w.ok("GET", "/api/destinations/hook/activity", nil).has("items.0.action", "authorized").has("items.0.by", adminEmail)
		w.ok("GET", "/api/destinations/hook/authorize", nil).has("allowedBy", adminEmail)
		w.testHook().has("ok", true)
		if got := p.asked(); got != "authorization_code" {
			t.Errorf("asked %s: the first token is there already", got)
		}
		spec := object{
			"model": "people", "destination": "hook", "type": "request", "mode": "trigger", "schedule": object{"type": "manual"},
			"settings": object{"added": object{"enabled": true, "body": "none", "rateLimit": 0}},
		}
		w.ok("POST", "/api/syncs", document("people-to-hook", "People to Hook", spec))
		for i, want := range []string{"authorization_code", "authorization_code refresh_token", "authorization_code refresh_token refresh_token"} {
			w.source.rows = append(w.source.rows, []string{strconv.Itoa(i), "Ada", "ada@example.com"})
			id := w.ok("POST", "/api/syncs/people-to-hook/trigger", nil).id("run.id")
			w.work()
			w.ok("GET", fmt.Sprintf("/api/runs/%d", id), nil).has("state", "committed").has("error", nil)
			if got, last := p.asked(), p.sent[len(p.sent)-1]; got != want || last != fmt.Sprintf("POST Bearer access-token-%d", i+1) {
				t.Errorf("run %d asked %s and sent %s", i, got, last)
			}
			w.clock.Advance(time.Hour)
		}
		stored := w.dump("connector_state", "key") + w.dump("connector_state", "value") + w.dump("documents", "spec") + w.log.String()
		if strings.Contains(stored, "-token-") || !strings.Contains(stored, "value:oauth tokens") {
			t.Errorf("tokens are to be stored encrypted, and nowhere else: %s", stored)
		}
		w.ok("DELETE", "/api/syncs/people-to-hook", nil)
		w.ok("DELETE", "/api/destinations/hook", nil)
		if left := w.dump("connector_state", "key"); left != "" {
			t.Errorf("left behind: %s", left)
		}
	})
}

// TestCodeOfAnotherName: some vendors have a name of their own for the code.
//
// Req: SY-17
func TestCodeOfAnotherName(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := newProvider(t)
		p.named = "auth_code"
		w.allowed(p)
		w.testHook().has("ok", true)
	})
}

// TestAuthorizationOfSource: a person allows the access to workbooks, and the source reads with it.
//
// Req: S-84
func TestAuthorizationOfSource(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := newProvider(t)
		w.ok("POST", "/api/sources", document("books", "Books", object{"type": "excel", "configuration": object{
			"access": "person", "clientId": "millrace", "clientSecret": "client-secret", "endpoint": p.URL, "authority": p.URL,
		}}))
		test := func() answer {
			saved := w.ok("GET", "/api/sources/books", nil)
			return w.ok("POST", "/api/sources/test", object{"type": "excel", "slug": "books", "configuration": saved.at("spec.configuration")})
		}
		test().has("ok", false).has("error.code", "source.authentication")
		w.ok("GET", "/api/sources/books/authorize", nil).has("callbackUrl", millraceCallback).has("allowedAt", nil)
		w.send("POST", "/api/sources/books/authorize", nil).want(403)
		s := w.signIn()
		a := w.asPerson(s, "GET", w.beginAt(s, "/api/sources/books"), nil).want(303)
		if to := a.header.Get("Location"); to != "/sources/books?authorized=1" {
			t.Errorf("the browser goes to %q", to)
		}
		w.ok("GET", "/api/sources/books", nil).has("spec.configuration.refreshToken.$secret", "set")
		w.ok("GET", "/api/sources/books/authorize", nil).has("allowedBy", adminEmail)
		test().has("ok", true)
		if got := p.asked(); got != "authorization_code" {
			t.Errorf("asked %s: the first token is there already", got)
		}
		w.furnish()
		w.asPerson(s, "POST", "/api/sources/shop/authorize", nil).want(422)
		w.ok("DELETE", "/api/sources/books", nil)
		if left := w.dump("connector_state", "key"); left != "" {
			t.Errorf("left behind: %s", left)
		}
	})
}

// TestOneRefreshAtATime: workers that find a token expired at the same time ask for one new token.
func TestOneRefreshAtATime(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := newProvider(t)
		w.allowed(p)
		w.clock.Advance(time.Hour)
		doc, err := w.docs.Resolve(t.Context(), resource.Scope{WorkspaceID: 1}, "destination", "hook")
		w.must(err)
		info := httprequest.Info(httpx.AnyNetwork)
		var workers sync.WaitGroup
		for range 6 {
			d, err := info.Open(connector.DestinationOptions{
				Settings: connector.Settings(doc.Spec.(*destination.Spec).Configuration).WithDefaults(info.Fields),
				State:    w.state.Of(1, "destination", doc.ID), Clock: w.clock,
			})
			w.must(err)
			workers.Go(func() {
				if err := d.Test(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		workers.Wait()
		if got := p.asked(); got != "authorization_code refresh_token" {
			t.Errorf("asked %s", got)
		}
	})
}

// TestAuthorizationIsRefused: who did not begin does not finish, and what the provider says is shown.
func TestAuthorizationIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := newProvider(t)
		w.furnish()
		w.hook(p)
		s := w.signIn()
		refused := func(what string, who session, back string, status int, words string) {
			t.Helper()
			a := w.asPerson(who, "GET", back, nil).want(status)
			if !strings.Contains(a.body, words) || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
				t.Errorf("%s: %s", what, a.body)
			}
			if got := w.ok("GET", "/api/destinations/hook", nil).at("spec.configuration.refreshToken"); got != nil {
				t.Errorf("%s: the access is allowed", what)
			}
		}
		w.send("POST", "/api/destinations/hook/authorize", nil).want(403).has("error.code", "access.forbidden")
		w.asPerson(s, "POST", "/api/destinations/crm/authorize", nil).want(422)
		w.asPerson(session{cookie: s.cookie}, "POST", "/api/destinations/hook/authorize", nil).want(403).has("error.code", "access.csrf")

		const notHere = "this authorization was not begun here"
		back := w.begin(s)
		refused("another session", w.signIn(), back, 403, notHere)
		refused("no session", session{}, back, 401, "not signed in")
		refused("no state", s, "/api/oauth/callback?code=code-0&error_description=phishing", 403, notHere)
		refused("a forged state", s, strings.Replace(back, "state=", "state=x", 1), 403, notHere)
		w.clock.Advance(15 * time.Minute)
		refused("an expired state", s, back, 403, notHere)

		refused("no code", s, strings.Replace(w.begin(s), "code=", "other=", 1), 422, "the provider sent no code")
		refused("a forged code", s, strings.Replace(w.begin(s), "code=", "code=x", 1), 422, "that was used already")
		p.deny = true
		refused("the person says no", s, w.begin(s), 422, "access_denied: Ada &lt;said&gt; no")
		p.deny = false

		other := w.key
		w.key = w.second()
		w.send("GET", "/api/destinations/hook/authorize", nil).want(404)
		w.key = other
		if _, err := w.db.NewRaw("UPDATE sessions SET workspace_id = 2").Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := w.db.NewRaw("INSERT INTO members (workspace_id, user_id, role) VALUES (2, 1, 'admin')").Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.asPerson(s, "POST", "/api/destinations/hook/authorize", nil).want(404)
		if _, err := w.db.NewRaw("UPDATE sessions SET workspace_id = 1").Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		back = w.begin(s)
		if _, err := w.db.NewRaw("UPDATE sessions SET workspace_id = 2").Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		refused("another workspace", s, back, 403, "another workspace")
		if _, err := w.db.NewRaw("UPDATE sessions SET workspace_id = 1").Exec(t.Context()); err != nil {
			t.Fatal(err)
		}

		back = w.begin(s)
		w.asPerson(s, "GET", back, nil).want(303)
		w.asPerson(s, "GET", back, nil).want(403)
		if got := p.asked(); strings.Count(got, "authorization_code") != 2 { // the forged code and the good one
			t.Errorf("asked %s", got)
		}
	})
}
