package httprequest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/value"
)

// provider gives tokens "access-1", "access-2" … and lets only the newest one in. Refresh tokens are good once.
type provider struct {
	*httptest.Server

	mu      sync.Mutex
	asked   []string // the forms of token requests, with what else was sent
	tokens  int
	refresh string // the one that is good
	expires any
	seen    []string // Authorization headers of requests
	refuse  string   // an OAuth error
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{refresh: "refresh-0", expires: 3600}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("POST /refresh", p.token)
	mux.HandleFunc("/api", p.api)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	user, secret, _ := r.BasicAuth()
	p.asked = append(p.asked, fmt.Sprintf("%s %s [%s:%s] %s %s", r.URL.Path, r.URL.RawQuery, user, secret, r.PostForm.Encode(), r.Header.Get("X-Extra")))
	given := r.PostForm.Get("refresh_token")
	if p.refuse != "" || given != "" && given != p.refresh {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":"invalid_grant","error_description":"%s %s"}`, p.refuse, given)
		return
	}
	p.tokens++
	p.refresh = fmt.Sprintf("refresh-%d", p.tokens)
	json.NewEncoder(w).Encode(map[string]any{ //nolint:errcheck // the client sees
		"access_token": fmt.Sprintf("access-%d", p.tokens), "token_type": "bearer", "expires_in": p.expires, "refresh_token": p.refresh,
	})
}

func (p *provider) api(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := r.Header.Get("Authorization")
	p.seen = append(p.seen, got)
	if !strings.HasSuffix(got, fmt.Sprintf("access-%d", p.tokens)) {
		http.Error(w, "the token "+got+" has expired", http.StatusUnauthorized)
	}
}

func (p *provider) connection(more connector.Settings) connector.Settings {
	s := connector.Settings{"baseUrl": p.URL + "/api", "auth": "oauth2", "tokenUrl": p.URL + "/token", "clientId": "client id", "clientSecret": "client/secret"}
	maps.Copy(s, more)
	return s
}

func pairs(name, v string) []any { return []any{map[string]any{"name": name, "value": v}} }

// TestGrants: what each grant asks for, and how the token is sent.
func TestGrants(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings connector.Settings
		asked    string
		sent     string
	}{
		"client credentials": {
			connector.Settings{"scopes": "a b"}, "/token  [client+id:client%2Fsecret] grant_type=client_credentials&scope=a+b ", "Bearer access-1",
		},
		"in the body": {
			connector.Settings{"clientAuth": "body", "headerPrefix": "Token"},
			"/token  [:] client_id=client+id&client_secret=client%2Fsecret&grant_type=client_credentials ", "Token access-1",
		},
		"password": {
			connector.Settings{"grant": "password", "ownerUsername": "ada", "ownerPassword": "pass word", "headerPrefix": ""},
			"/token  [client+id:client%2Fsecret] grant_type=password&password=pass+word&username=ada ", "access-1",
		},
		"authorization code": {
			connector.Settings{"grant": "authorization_code", "authUrl": "https://auth.example.com", "refreshToken": "refresh-0"},
			"/token  [client+id:client%2Fsecret] grant_type=refresh_token&refresh_token=refresh-0 ", "Bearer access-1",
		},
		"additions": {
			connector.Settings{"tokenHeaders": pairs("X-Extra", "yes"), "tokenParams": pairs("a b", "c"), "tokenBody": pairs("audience", "api")},
			"/token a+b=c [client+id:client%2Fsecret] audience=api&grant_type=client_credentials yes", "Bearer access-1",
		},
		"additions to a refresh": {
			connector.Settings{
				"grant": "authorization_code", "authUrl": "https://auth.example.com", "refreshToken": "refresh-0",
				"refreshHeaders": pairs("X-Extra", "yes"), "refreshParams": pairs("p", "1"), "refreshBody": pairs("audience", "api"),
			},
			"/refresh p=1 [client+id:client%2Fsecret] audience=api&grant_type=refresh_token&refresh_token=refresh-0 yes", "Bearer access-1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			if name == "additions to a refresh" {
				c.settings["refreshUrl"] = p.URL + "/refresh"
			}
			s := begin(t, httpx.AnyNetwork, p.connection(c.settings), connector.Settings{"added": map[string]any{"enabled": true}})
			for range 2 {
				b := oneRow(connector.Added)
				if _, err := s.Write(t.Context(), b); err != nil {
					t.Fatal(err)
				}
				if text := fmt.Sprint(b.Exchanges); strings.Contains(text, "access-1") {
					t.Errorf("the token is recorded: %s", text)
				}
			}
			if len(p.asked) != 1 || p.asked[0] != c.asked {
				t.Errorf("asked %q, want %q", p.asked, c.asked)
			}
			if !slices.Equal(p.seen, []string{c.sent, c.sent}) {
				t.Errorf("sent %q", p.seen)
			}
			if err := s.Test(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTokenExpires: a token is renewed before its end, and once when it is refused.
func TestTokenExpires(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.expires = "600"
	now := clock.NewManual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	s := started(t, opened(t, p.connection(connector.Settings{"grant": "password", "ownerUsername": "u", "ownerPassword": "p"}), nil, now))
	write := func() error { _, err := s.Write(t.Context(), oneRow(connector.Added)); return err }
	if err := write(); err != nil {
		t.Fatal(err)
	}
	now.Advance(569 * time.Second)
	if err := write(); err != nil || p.tokens != 1 {
		t.Fatalf("%v, %d tokens: the token is good for another 31 seconds", err, p.tokens)
	}
	now.Advance(2 * time.Second)
	if err := write(); err != nil || p.tokens != 2 || !strings.Contains(p.asked[1], "refresh_token=refresh-1") {
		t.Fatalf("%v, asked %q: the token is to be renewed with the refresh token", err, p.asked)
	}
	p.tokens++ // revoked
	if err := write(); err != nil || p.tokens != 4 {
		t.Fatalf("%v, %d tokens: a refused token is to be renewed", err, p.tokens)
	}
	p.tokens++
	p.refresh = "another" // the refresh token is revoked too; the password works
	if err := write(); err != nil || p.tokens != 6 || !strings.Contains(p.asked[len(p.asked)-1], "grant_type=password") {
		t.Errorf("%v, asked %q", err, p.asked)
	}
}

// TestTokenRefused: a refused grant ends the run with the provider's words and without secrets.
func TestTokenRefused(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.refuse = "the grant client/secret is over"
	s := begin(t, httpx.AnyNetwork, p.connection(connector.Settings{"grant": "authorization_code", "authUrl": "https://auth.example.com", "refreshToken": "refresh-0"}), connector.Settings{"added": map[string]any{"enabled": true}})
	_, err := s.Write(t.Context(), oneRow(connector.Added))
	if !fault.Is(err, fault.CodeDestinationGrant) || fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(), "is over") ||
		strings.Contains(err.Error(), "client/secret") || strings.Contains(err.Error(), "refresh-0") {
		t.Errorf("got %v", err)
	}
	if len(p.seen) != 0 {
		t.Error("a request was sent")
	}
}

// TestRotation: a refresh token that took the place of the configured one outlives the run, until somebody connects
// anew. A run that began before then does not lose the new connection's token.
func TestRotation(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.expires = 10 // never good for a second request
	shared := connector.Memory()
	write := func(refresh string) error {
		t.Helper()
		configuration := p.connection(connector.Settings{"grant": "authorization_code", "authUrl": "https://auth.example.com", "refreshToken": refresh})
		return opened(t, configuration, shared, nil).Test(t.Context())
	}
	for i := range 3 {
		if err := write("refresh-0"); err != nil || p.tokens != i+1 {
			t.Fatalf("run %d: %v, asked %q", i, err, p.asked)
		}
	}
	p.refresh = "new"
	if err := write("new"); err != nil {
		t.Errorf("connected anew: %v", err)
	}
	p.refresh = "refresh-3"
	if err := write("refresh-0"); err != nil {
		t.Errorf("a run of the old connection: %v", err)
	}
	p.refresh = "refresh-4"
	if err := write("new"); err != nil {
		t.Errorf("the new connection after a run of the old one: %v", err)
	}
}

// TestTokenIsShared: what one run got, the next one uses; not where the settings of the token request changed, and
// for a short while only where the provider does not say how long a token is good.
func TestTokenIsShared(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.expires = nil
	shared, now := connector.Memory(), clock.NewManual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	run := func(want int, more connector.Settings) {
		t.Helper()
		d := opened(t, p.connection(more), shared, now)
		if err := d.Test(t.Context()); err != nil || p.tokens != want {
			t.Errorf("%v, %d tokens, want %d", err, p.tokens, want)
		}
	}
	run(1, nil)
	run(1, nil)
	run(2, connector.Settings{"scopes": "more"})
	now.Advance(6 * time.Minute)
	run(3, connector.Settings{"scopes": "more"})
	p.tokens++                                   // revoked
	run(5, connector.Settings{"scopes": "more"}) // a shared token that is refused is renewed
}

func opened(t *testing.T, configuration connector.Settings, shared connector.State, c clock.Clock) *destination {
	t.Helper()
	info := Info(httpx.AnyNetwork)
	d, err := info.Open(connector.DestinationOptions{Settings: configuration.WithDefaults(info.Fields), State: shared, Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	return d.(*destination)
}

// started begins a run.
func started(t *testing.T, d *destination) connector.Session {
	t.Helper()
	s, err := d.Begin(t.Context(), connector.SyncJob{
		Settings: connector.Settings{"added": map[string]any{"enabled": true}}.WithDefaults(syncFields()),
		Columns:  []connector.TargetColumn{{Name: "id", From: "id"}}, Model: connector.ModelInfo{Schema: value.Schema{{Name: "id"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestAuthorize: the address that people are sent to, and the exchange of the code that comes back, after which the
// first run needs no other token.
func TestAuthorize(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	s := p.connection(connector.Settings{
		"grant": "authorization_code", "authUrl": "https://auth.example.com/allow?tenant=1", "scopes": "offline", "authParams": pairs("prompt", "consent"),
	})
	shared := connector.Memory()
	d := opened(t, s, shared, nil)
	got, err := d.AuthorizeURL("https://millrace.example.com/callback", "st/ate")
	want := "https://auth.example.com/allow?tenant=1&response_type=code&client_id=client+id&redirect_uri=" + url.QueryEscape("https://millrace.example.com/callback") + "&state=st%2Fate&scope=offline&prompt=consent"
	if err != nil || got != want {
		t.Errorf("got %s, %v", got, err)
	}
	learned, err := d.Exchange(t.Context(), "https://millrace.example.com/callback", "the-code")
	if err != nil || learned.Text("refreshToken") != "refresh-1" || !strings.Contains(p.asked[0], "code=the-code&grant_type=authorization_code&redirect_uri=") {
		t.Errorf("got %s, %v, asked %q", learned, err, p.asked)
	}
	s["refreshToken"] = "refresh-1"
	if err := opened(t, s, shared, nil).Test(t.Context()); err != nil || p.tokens != 1 {
		t.Errorf("%v, %d tokens", err, p.tokens)
	}
	if _, err := opened(t, connector.Settings{"auth": "oauth2"}, nil, nil).AuthorizeURL("", ""); !fault.Is(err, fault.CodeInvalid) {
		t.Errorf("another grant: %v", err)
	}
}

// TestNeedsAuthorization: the catalogue says when a person must allow the access.
func TestNeedsAuthorization(t *testing.T) {
	t.Parallel()
	info := Info(httpx.AnyNetwork)
	for _, c := range []struct {
		settings connector.Settings
		want     bool
	}{
		{connector.Settings{"auth": "oauth2", "grant": "authorization_code"}, true},
		{connector.Settings{"auth": "oauth2"}, false},
		{connector.Settings{"auth": "bearer", "grant": "authorization_code"}, false},
	} {
		if got := info.NeedsAuthorization(c.settings); got != c.want {
			t.Errorf("%v: %v", c.settings, got)
		}
	}
	if (connector.DestinationInfo{}).NeedsAuthorization(nil) {
		t.Error("a destination without conditions needs it")
	}
}

// TestNobodyAllowed: a connection without a refresh token says what to do.
func TestNobodyAllowed(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	s := begin(t, httpx.AnyNetwork, p.connection(connector.Settings{"grant": "authorization_code", "authUrl": "https://auth.example.com"}), connector.Settings{"added": map[string]any{"enabled": true}})
	if err := s.Test(t.Context()); !fault.Is(err, fault.CodeDestinationAuth) || !strings.Contains(fault.As(err).Hint(), "Allow access") {
		t.Errorf("got %v", err)
	}
}

// TestADeadGrantIsAskedForOnce: what a provider refuses is known to all runs and workers that share the state, and
// nobody asks again before a while; a person who tests the connection or allows the access again is served at once.
//
// Req: FLD-22
func TestADeadGrantIsAskedForOnce(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.refuse = "revoked"
	shared, now := connector.Memory(), clock.NewManual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	settings := connector.Settings{"grant": "authorization_code", "authUrl": "https://auth.example.com", "refreshToken": "refresh-0"}
	write := func(s connector.Settings) error {
		run := started(t, opened(t, p.connection(s), shared, now)) // another run, another worker
		_, err := run.Write(t.Context(), oneRow(connector.Added))
		return err
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := write(settings); !fault.Is(err, fault.CodeDestinationGrant) || fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(), "revoked") || strings.Contains(err.Error(), "refresh-0") {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	if len(p.asked) != 1 || len(p.seen) != 0 {
		t.Errorf("the provider was asked %d times, the API %d times", len(p.asked), len(p.seen))
	}
	now.Advance(time.Hour - time.Second)
	if err := write(settings); err == nil || len(p.asked) != 1 {
		t.Errorf("%v after %d requests", err, len(p.asked))
	}
	p.refuse = "" // allowed again, elsewhere
	d := opened(t, p.connection(settings), shared, now)
	if err := d.Test(t.Context()); err != nil || len(p.asked) != 2 {
		t.Errorf("a person's test: %v after %d requests", err, len(p.asked))
	}
	if err := write(settings); err != nil || len(p.asked) != 2 {
		t.Errorf("after it: %v after %d requests", err, len(p.asked))
	}

	p.refuse = "revoked again"
	now.Advance(2 * time.Hour)
	if err := write(settings); !fault.Is(err, fault.CodeDestinationGrant) {
		t.Errorf("got %v", err)
	}
	p.refuse, p.refresh = "", "refresh-new"
	settings["refreshToken"] = "refresh-new" // a person allowed the access
	if err := write(settings); err != nil {
		t.Errorf("connected anew: %v", err)
	}
}

// TestRefusedCredentials: credentials that a provider refuses may be mended there, and are tried again soon.
//
// Req: FLD-22
func TestRefusedCredentials(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.refuse = "unknown client"
	shared, now := connector.Memory(), clock.NewManual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	token := func() error {
		d := opened(t, p.connection(nil), shared, now)
		client, err := d.client(1)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		_, err = d.tokens.Get(t.Context(), client)
		return err
	}
	for range 3 {
		if err := token(); !fault.Is(err, fault.CodeDestinationAuth) || len(p.asked) != 1 {
			t.Errorf("%v after %d requests", err, len(p.asked))
		}
	}
	p.refuse = ""
	now.Advance(time.Minute)
	if err := token(); err != nil || len(p.asked) != 2 {
		t.Errorf("%v after %d requests", err, len(p.asked))
	}
}

// TestARotatedTokenIsKeptBeforeItsUse: the API sees a new access token only when the refresh token that came with it is
// where every worker finds it, so that the death of this one loses nothing.
//
// Req: FLD-22
func TestARotatedTokenIsKeptBeforeItsUse(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	shared := connector.Memory()
	var kept string
	api := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		kept, _, _ = shared.Load(t.Context(), "oauth tokens") //nolint:errcheck // memory
	}))
	t.Cleanup(api.Close)
	s := p.connection(connector.Settings{"grant": "authorization_code", "authUrl": "https://auth.example.com", "refreshToken": "refresh-0"})
	s["baseUrl"] = api.URL
	if err := opened(t, s, shared, nil).Test(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(kept, `"refresh":"refresh-1"`) {
		t.Errorf("when the API was asked, %q was kept", kept)
	}
}
