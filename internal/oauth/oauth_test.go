package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/state"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/secret"
)

// provider is an OAuth server and the API behind it. It gives tokens "access-1", "access-2" …, and the API lets only the
// newest one in. Refresh tokens are good once.
type provider struct {
	*httptest.Server

	mu      sync.Mutex
	asked   []url.Values        // token requests
	heads   []http.Header       // of them
	under   int                 // token requests under way
	most    int                 // the most of them at a time
	tokens  int                 // how many were given
	refresh string              // the refresh token that is good
	more    map[string]any      // members of the token answer besides
	fail    http.HandlerFunc    // answers token requests instead
	seen    []string            // Authorization headers that the API saw
	codes   map[string]string   // challenges by code
	check   func(*http.Request) // looks at token requests
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{refresh: "refresh-0", codes: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("/api", p.api)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// overlap counts token requests that are under way.
func (p *provider) overlap(by int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.under += by
	p.most = max(p.most, p.under)
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.overlap(1)
	defer p.overlap(-1)
	p.mu.Lock()
	defer p.mu.Unlock()
	form := p.read(r)
	p.asked, p.heads = append(p.asked, form), append(p.heads, r.Header)
	if p.check != nil {
		p.check(r)
	}
	if p.fail != nil {
		p.fail(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	challenge, bound := p.codes[form.Get("code")]
	if form.Get("grant_type") == "refresh_token" && form.Get("refresh_token") != p.refresh ||
		bound && challenge != base64.RawURLEncoding.EncodeToString(sum[:]) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":"invalid_grant","error_description":"no longer good: %s"}`, form.Get("refresh_token"))
		return
	}
	p.tokens++
	answer := map[string]any{"access_token": fmt.Sprintf("access-%d", p.tokens), "token_type": "bearer", "expires_in": 3600}
	if g := form.Get("grant_type"); g == "refresh_token" || g == "authorization_code" {
		p.refresh = fmt.Sprintf("refresh-%d", p.tokens)
		answer["refresh_token"] = p.refresh
	}
	for name, v := range p.more {
		answer[name] = v
		if v == nil {
			delete(answer, name)
		}
	}
	json.NewEncoder(w).Encode(answer) //nolint:errcheck // the client sees
}

// read returns the members of a token request, whichever way they are written.
func (p *provider) read(r *http.Request) url.Values {
	if r.Header.Get("Content-Type") != "application/json" {
		r.ParseForm() //nolint:errcheck // the client sees
		return r.PostForm
	}
	var members map[string]string
	json.NewDecoder(r.Body).Decode(&members) //nolint:errcheck // the client sees
	form := url.Values{"as": {"JSON"}}
	for name, v := range members {
		form.Set(name, v)
	}
	return form
}

func (p *provider) api(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := r.Header.Get("Authorization") + r.Header.Get("X-Token")
	p.seen = append(p.seen, got)
	if !strings.HasSuffix(got, fmt.Sprintf("access-%d", p.tokens)) {
		http.Error(w, "the token "+got+" is over", http.StatusUnauthorized)
	}
}

// set changes what the provider does.
func (p *provider) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// allowed is the Config of a connection that a person allowed.
func (p *provider) allowed() Config {
	return Config{
		Grant: GrantCode, AuthURL: "https://auth.example.com/allow", TokenURL: p.URL + "/token",
		ClientID: "client id", ClientSecret: "client/secret", RefreshToken: "refresh-0", HeaderPrefix: "Bearer",
	}
}

func (p *provider) client(t *testing.T) *httpx.Client {
	t.Helper()
	c, err := httpx.New(httpx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// call sends a request to the API, and tells what the log has of it.
func (p *provider) call(t *testing.T, k *Tokens) (*httpx.Response, string, error) {
	t.Helper()
	client := p.client(t)
	u, err := url.Parse(p.URL + "/api")
	if err != nil {
		t.Fatal(err)
	}
	r := &httpx.Request{Method: http.MethodGet, URL: u}
	log := ""
	resp, err := httpx.Authorized(t.Context(), k.Through(client), r, func() (*httpx.Response, error) {
		resp, x, err := client.Do(t.Context(), r)
		log += fmt.Sprint(x)
		return resp, err
	})
	return resp, log, err
}

// works reports what keeps a request from being taken.
func (p *provider) works(t *testing.T, k *Tokens) error {
	t.Helper()
	resp, log, err := p.call(t, k)
	if strings.Contains(log, "access-") {
		t.Errorf("a token is in the log: %s", log)
	}
	if err != nil {
		return err
	}
	if resp.Status != http.StatusOK {
		return fmt.Errorf("status %d", resp.Status)
	}
	return nil
}

var day = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// TestLifetimes: a token is renewed before its end, whether the provider says when that is or its connector knows.
func TestLifetimes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		expires any
		life    time.Duration
		good    time.Duration // how long the first token is used
	}{
		"a number":           {600, 0, 569 * time.Second},
		"a text":             {"600", 0, 569 * time.Second},
		"a fraction":         {600.5, 0, 569 * time.Second},
		"the connector's":    {nil, 2 * time.Hour, 2*time.Hour - 31*time.Second},
		"the provider's own": {600, 2 * time.Hour, 569 * time.Second},
		"nonsense":           {"soon", 10 * time.Minute, 569 * time.Second},
		"unknown":            {nil, 0, 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, now := newProvider(t), clock.NewManual(day)
			p.more = map[string]any{"expires_in": c.expires}
			config := p.allowed()
			config.DefaultLifetime = c.life
			k := New(config, Options{Clock: now})
			if err := p.works(t, k); err != nil {
				t.Fatal(err)
			}
			now.Advance(c.good)
			if err := p.works(t, k); err != nil || p.tokens != 1 {
				t.Errorf("%v, %d tokens: the first one is still good", err, p.tokens)
			}
			now.Advance(2 * time.Second)
			want := 2
			if name == "unknown" {
				want = 1 // until it is refused
			}
			if err := p.works(t, k); err != nil || p.tokens != want {
				t.Errorf("%v, %d tokens, want %d", err, p.tokens, want)
			}
		})
	}
}

// TestWorkersRace: whoever needs a token at the same time, in one worker or several, shares one refresh, since the
// refresh token is good once.
//
// Req: FLD-22
func TestWorkersRace(t *testing.T) {
	t.Parallel()
	now := clock.NewManual(day)
	memory := connector.Memory()
	d := dbtest.SQLite(t)
	stored := func() connector.State { // as each worker opens it
		key, err := secret.NewKey([]byte(strings.Repeat("k", 32)))
		if err != nil {
			t.Fatal(err)
		}
		return state.NewStore(d, key, now).Of(1, "destination", 5)
	}
	for name, open := range map[string]func() connector.State{"memory": func() connector.State { return memory }, "database": stored} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			race(t, now, open)
		})
	}
}

func race(t *testing.T, now clock.Clock, open func() connector.State) {
	t.Helper()
	p := newProvider(t)
	p.more = map[string]any{"expires_in": 31} // too short for a second request, once a second has passed
	later := clock.NewManual(now.Now())
	workers := []*Tokens{New(p.allowed(), Options{State: open(), Clock: later}), New(p.allowed(), Options{State: open(), Clock: later})}
	for want := 1; want <= 3; want++ {
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				if err := p.works(t, workers[i%2]); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if p.tokens != want || len(p.asked) != want || p.most != 1 {
			t.Errorf("%d tokens after %d requests, %d at a time; want %d", p.tokens, len(p.asked), p.most, want)
		}
		if got := p.asked[want-1].Get("refresh_token"); got != fmt.Sprintf("refresh-%d", want-1) {
			t.Errorf("refresh %d used %q", want, got)
		}
		if err := p.works(t, New(p.allowed(), Options{State: open(), Clock: later})); err != nil || p.tokens != want {
			t.Errorf("a third worker: %v, %d tokens", err, p.tokens)
		}
		later.Advance(time.Second)
	}
}

// TestRefusedToken: a token that the API does not let in is renewed once, by whoever finds out; where the new one is
// refused too, the answer stands.
func TestRefusedToken(t *testing.T) {
	t.Parallel()
	p, shared := newProvider(t), connector.Memory()
	a, b := New(p.allowed(), Options{State: shared}), New(p.allowed(), Options{State: shared})
	for _, k := range []*Tokens{a, b} {
		if err := p.works(t, k); err != nil {
			t.Fatal(err)
		}
	}
	p.set(func() { p.tokens = 7 }) // access-1 is revoked
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			if err := p.works(t, []*Tokens{a, b}[i%2]); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(p.asked) != 2 {
		t.Errorf("%d token requests", len(p.asked))
	}
	p.set(func() { p.more = map[string]any{"access_token": "useless"}; p.tokens = 20; p.seen = nil })
	if resp, _, err := p.call(t, a); err != nil || resp.Status != http.StatusUnauthorized || len(p.seen) != 2 || len(p.asked) != 3 {
		t.Errorf("%v, %v, the API saw %q after %d token requests", resp, err, p.seen, len(p.asked))
	}
}

// TestRefusedHook: APIs that say it otherwise than by 401.
func TestRefusedHook(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	c := p.allowed()
	c.Refused = func(r *httpx.Response) bool { return r.Status == http.StatusTeapot }
	through := New(c, Options{}).Through(p.client(t))
	r := &httpx.Request{}
	if err := through.Authorize(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if through.Refused(r, &httpx.Response{Status: 401}) || !through.Refused(r, &httpx.Response{Status: http.StatusTeapot}) {
		t.Error("the hook is not asked")
	}
	if err := through.Authorize(t.Context(), r); err != nil || r.Header.Get("Authorization") != "Bearer access-2" {
		t.Errorf("%v, %v", err, r.Header)
	}
}

// TestRevokedGrant: a permission that is over ends the run and tells the person what to do, in every worker and without
// asking the provider again; a test of the connection asks.
//
// Req: FLD-22
func TestRevokedGrant(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		words string
		more  []string
	}{
		"invalid_grant":      {`{"error":"invalid_grant","error_description":"refresh-0 of client/secret was revoked"}`, nil},
		"the provider's own": {`{"error":"token_revoked","error_description":"refresh-0 of client/secret was revoked"}`, []string{"token_revoked"}},
	} {
		for _, status := range []int{http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized} {
			t.Run(fmt.Sprintf("%s with %d", name, status), func(t *testing.T) {
				t.Parallel()
				p, shared, now := newProvider(t), connector.Memory(), clock.NewManual(day)
				p.fail = func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(status)
					fmt.Fprint(w, c.words)
				}
				config := p.allowed()
				config.GrantErrors = c.more
				for range 2 {
					err := p.works(t, New(config, Options{State: shared, Clock: now}))
					if !fault.Is(err, fault.CodeDestinationGrant) || fault.ClassOf(err) != fault.Fatal || !strings.Contains(fault.As(err).Hint(), "allow the access again") {
						t.Errorf("got %v, %s", err, fault.As(err).Hint())
					}
					if text := err.Error(); !strings.Contains(text, "was revoked") || strings.Contains(text, "refresh-0") || strings.Contains(text, "client/secret") {
						t.Errorf("says %q", text)
					}
				}
				if len(p.asked) != 1 || len(p.seen) != 0 {
					t.Errorf("asked the provider %d times, the API %d times", len(p.asked), len(p.seen))
				}
				p.set(func() { p.fail = nil })
				k := New(config, Options{State: shared, Clock: now})
				k.Insist()
				if err := p.works(t, k); err != nil {
					t.Errorf("a test of the connection: %v", err)
				}
			})
		}
	}
}

// TestFailures: what a token URL may answer, and what that means for the run. Nothing of it is lost or remembered, but
// what a person must mend.
func TestFailures(t *testing.T) {
	t.Parallel()
	const page = "<!doctype html><title>Sign in</title>"
	answers := func(status int, body string, headers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		class  fault.Class
		code   fault.Code
		after  time.Duration
	}{
		"500":              {answers(500, "out of order"), fault.Retryable, fault.CodeDestinationRejected, 0},
		"500 with a page":  {answers(500, page), fault.Retryable, fault.CodeDestinationRejected, 0},
		"502":              {answers(502, page), fault.Retryable, fault.CodeDestinationUnknown, 0},
		"503":              {answers(503, ""), fault.Retryable, fault.CodeDestinationRejected, 0},
		"503, later":       {answers(503, "", "Retry-After", "7"), fault.Throttled, fault.CodeDestinationThrottled, 7 * time.Second},
		"429":              {answers(429, `{"error":"slow_down"}`), fault.Throttled, fault.CodeDestinationThrottled, 0},
		"429, later":       {answers(429, "", "Retry-After", "60"), fault.Throttled, fault.CodeDestinationThrottled, time.Minute},
		"a page":           {answers(200, page), fault.Fatal, fault.CodeDestinationAuth, 0},
		"nothing":          {answers(200, ""), fault.Fatal, fault.CodeDestinationAuth, 0},
		"no token":         {answers(200, `{"token_type":"bearer"}`), fault.Fatal, fault.CodeDestinationAuth, 0},
		"unknown client":   {answers(401, `{"error":"invalid_client"}`), fault.Fatal, fault.CodeDestinationAuth, 0},
		"400 with a page":  {answers(400, page), fault.Fatal, fault.CodeDestinationAuth, 0},
		"403":              {answers(403, page), fault.Fatal, fault.CodeDestinationAuth, 0},
		"404":              {answers(404, page), fault.Fatal, fault.CodeDestinationAuth, 0},
		"another address":  {answers(302, "", "Location", "https://auth.example.com/login"), fault.Fatal, fault.CodeDestinationAuth, 0},
		"a cut connection": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, fault.Retryable, fault.CodeDestinationUnknown, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, shared, now := newProvider(t), connector.Memory(), clock.NewManual(day)
			p.fail = c.answer
			k := New(p.allowed(), Options{State: shared, Clock: now})
			err := p.works(t, k)
			if f := fault.As(err); err == nil || f.Class != c.class || f.Code != c.code || f.After != c.after || !strings.Contains(err.Error(), "access token") {
				t.Fatalf("got %+v, want %v %v", f, c.class, c.code)
			}
			p.set(func() { p.fail = nil })
			if c.class == fault.Fatal {
				if err := p.works(t, k); fault.ClassOf(err) != fault.Fatal || len(p.asked) != 1 {
					t.Errorf("asked again at once: %v", err)
				}
				now.Advance(pauseOfCredentials)
			}
			if err := p.works(t, New(p.allowed(), Options{State: shared, Clock: now})); err != nil {
				t.Errorf("mended: %v", err)
			}
		})
	}
}

// TestInvalidGrantWithoutAPerson: invalid_grant is about a person's permission only where there was one.
func TestInvalidGrantWithoutAPerson(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.fail = func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant"}`)
	}
	c := p.allowed()
	c.Grant, c.Username, c.Password = GrantPassword, "ada", "pass word"
	if err := p.works(t, New(c, Options{})); !fault.Is(err, fault.CodeDestinationAuth) || fault.ClassOf(err) != fault.Fatal {
		t.Errorf("got %v", err)
	}
}

// TestRequests: how each way to show the client, and each addition, looks to the provider.
func TestRequests(t *testing.T) {
	t.Parallel()
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("client+id:client%2Fsecret"))
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
		head   string
	}{
		"header":    {func(*Config) {}, "grant_type=client_credentials", basic},
		"body":      {func(c *Config) { c.AuthStyle = AuthBody }, "client_id=client+id&client_secret=client%2Fsecret&grant_type=client_credentials", ""},
		"public":    {func(c *Config) { c.AuthStyle, c.ClientSecret = AuthBody, "" }, "client_id=client+id&grant_type=client_credentials", ""},
		"no client": {func(c *Config) { c.ClientID = "" }, "grant_type=client_credentials", ""},
		"JSON":      {func(c *Config) { c.JSON = true }, "as=JSON&grant_type=client_credentials", basic},
		"audience":  {func(c *Config) { c.Audience, c.Scopes = "https://api.example.com", "a,b" }, "audience=https%3A%2F%2Fapi.example.com&grant_type=client_credentials&scope=a%2Cb", basic},
		"additions": {
			func(c *Config) {
				c.Token = Extra{Headers: []Param{{"Authorization", "mine"}}, Body: []Param{{"grant_type", "account_credentials"}, {"account_id", "1"}}}
			}, "account_id=1&grant_type=account_credentials", "mine",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			config := Config{Grant: GrantClient, TokenURL: p.URL + "/token", ClientID: "client id", ClientSecret: "client/secret", HeaderName: "X-Token"}
			c.change(&config)
			if err := p.works(t, New(config, Options{})); err != nil {
				t.Fatal(err)
			}
			if got, head := p.asked[0].Encode(), p.heads[0].Get("Authorization"); got != c.want || head != c.head {
				t.Errorf("asked for with %s, %q; want %s, %q", got, head, c.want, c.head)
			}
			if p.seen[0] != "access-1" {
				t.Errorf("shown as %q", p.seen[0])
			}
		})
	}
}

// TestKeep: what a token answer says besides is there for every worker, also where the answer to a refresh repeats less.
func TestKeep(t *testing.T) {
	t.Parallel()
	p, shared, now := newProvider(t), connector.Memory(), clock.NewManual(day)
	p.more = map[string]any{"instance_url": "https://eu1.example.com", "id": 42, "none": nil, "other": "x"}
	c := p.allowed()
	c.Keep = []string{"instance_url", "id", "none", "missing"}
	first, err := New(c, Options{State: shared, Clock: now}).Get(t.Context(), p.client(t))
	if err != nil || first.Access != "access-1" || fmt.Sprint(first.Extra) != "map[id:42 instance_url:https://eu1.example.com]" {
		t.Errorf("got %v, %v", first, err)
	}
	now.Advance(time.Hour)
	p.more = map[string]any{"id": 43}
	for range 2 {
		next, err := New(c, Options{State: shared, Clock: now}).Get(t.Context(), p.client(t))
		if err != nil || next.Access != "access-2" || fmt.Sprint(next.Extra) != "map[id:43 instance_url:https://eu1.example.com]" {
			t.Errorf("got %v, %v", next, err)
		}
	}
}

// TestRead: a provider that answers in its own way.
func TestRead(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	words := ""
	p.fail = func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"message":%q,"data":{"access_token":"access-0","advertisers":["a"]}}`, words)
	}
	c := p.allowed()
	c.Read = func(body []byte) (Answer, error) {
		var a struct {
			Message string
			Data    struct {
				Token       string `json:"access_token"`
				Advertisers []string
			}
		}
		if err := json.Unmarshal(body, &a); err != nil {
			return Answer{}, err
		}
		switch a.Message {
		case "":
			return Answer{Access: a.Data.Token, Extra: map[string]string{"advertiser": a.Data.Advertisers[0]}}, nil
		case "later":
			return Answer{}, fault.RetryAfter(fault.New(fault.CodeDestinationThrottled, "too many requests"), time.Minute)
		case "empty":
			return Answer{}, nil
		}
		return Answer{}, errors.New(a.Message)
	}
	k, err := New(c, Options{}).Get(t.Context(), p.client(t))
	if err != nil || k.Access != "access-0" || k.Extra["advertiser"] != "a" {
		t.Errorf("got %v, %v", k, err)
	}
	for word, want := range map[string]fault.Class{"later": fault.Throttled, "wrong secret": fault.Fatal, "empty": fault.Fatal} {
		words = word
		if _, err := New(c, Options{}).Get(t.Context(), p.client(t)); err == nil || fault.ClassOf(err) != want || want == fault.Fatal && !fault.Is(err, fault.CodeDestinationAuth) {
			t.Errorf("%s: got %v", word, err)
		}
	}
}

// TestKeptTokensStayValid: what HTTP Request kept before this package was made is still found.
func TestKeptTokensStayValid(t *testing.T) {
	t.Parallel()
	p, shared := newProvider(t), connector.Memory()
	p.refresh = "rotated"
	const kept = `[{"connection":"e77b1d43edd1047c26fdace449a926681c7306990616d1114edb3c5e0fc4c709","settings":"of another time","access":"old","expires":"2999-01-01T00:00:00Z","got":"2026-01-01T00:00:00Z","refresh":"rotated"}]`
	store(t, shared, kept)
	if err := p.works(t, New(p.allowed(), Options{State: shared})); err != nil || p.asked[0].Get("refresh_token") != "rotated" {
		t.Errorf("%v, asked %v", err, p.asked)
	}
}

func store(t *testing.T, s connector.State, text string) {
	t.Helper()
	if _, err := s.Update(t.Context(), stateKey, func(_ context.Context, _ string) (string, error) { return text, nil }); err != nil {
		t.Fatal(err)
	}
}

// TestNothingLeaks: a provider that repeats all that it was sent, and gives a token besides, makes no error tell it.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	for _, style := range []AuthStyle{AuthHeader, AuthBody} {
		for _, status := range []int{http.StatusOK, http.StatusBadRequest, http.StatusInternalServerError} {
			p := newProvider(t)
			p.fail = func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(status)
				json.NewEncoder(w).Encode(map[string]string{ //nolint:errcheck // the client sees
					"error": "mirror", "error_description": r.Header.Get("Authorization") + " " + r.PostForm.Encode(), "access_token": "access-secret", "refresh_token": "refresh-secret",
				})
			}
			c := p.allowed()
			c.AuthStyle, c.RefreshToken = style, "refresh/0"
			err := p.works(t, New(c, Options{}))
			if err == nil || !strings.Contains(err.Error(), "mirror") {
				t.Fatalf("got %v", err)
			}
			basic := base64.StdEncoding.EncodeToString([]byte("client+id:client%2Fsecret"))
			for _, secret := range []string{"client/secret", "client%2Fsecret", "refresh/0", "refresh%2F0", basic, "access-secret", "refresh-secret"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%s, %d: %q is in %q", style, status, secret, err)
				}
			}
		}
	}
}
