package oauth

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

const callback = "https://millrace.example.com/api/oauth/callback"

// TestAuthorizeURL: what a person's browser is sent to.
func TestAuthorizeURL(t *testing.T) {
	t.Parallel()
	c := Config{
		Grant: GrantCode, AuthURL: "https://auth.example.com/allow?tenant=1", ClientID: "client id", Scopes: "a b", Audience: "api.example.com",
		AuthParams: []Param{{"prompt", "consent"}},
	}
	got, err := New(c, Options{}).AuthorizeURL(t.Context(), callback, "st/ate")
	want := "https://auth.example.com/allow?tenant=1&response_type=code&client_id=client+id&redirect_uri=" + url.QueryEscape(callback) + "&state=st%2Fate&scope=a+b&audience=api.example.com&prompt=consent"
	if err != nil || got != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
	c.AuthURL = "https://[::1"
	if _, err := New(c, Options{}).AuthorizeURL(t.Context(), callback, ""); !fault.Is(err, fault.CodeInvalid) {
		t.Errorf("got %v", err)
	}
}

// TestProofKey: a code is good only for who asked for it, on whichever worker the person comes back, once and in time.
func TestProofKey(t *testing.T) {
	t.Parallel()
	p, shared, now := newProvider(t), connector.Memory(), clock.NewManual(day)
	c := p.allowed()
	c.PKCE, c.RefreshToken = true, ""
	worker := func() *Tokens { return New(c, Options{State: shared, Clock: now}) }
	begin := func(code string) {
		t.Helper()
		address, err := worker().AuthorizeURL(t.Context(), callback, "state")
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(address)
		if err != nil || u.Query().Get("code_challenge_method") != "S256" {
			t.Fatalf("sent to %s, %v", address, err)
		}
		p.set(func() { p.codes[code] = u.Query().Get("code_challenge") })
	}
	finish := func(code string) (Answer, error) { return worker().Exchange(t.Context(), p.client(t), callback, code) }

	begin("first")
	a, err := finish("first")
	if err != nil || a.Refresh != "refresh-1" {
		t.Fatalf("got %+v, %v", a, err)
	}
	if form := p.asked[0]; form.Get("redirect_uri") != callback || len(form.Get("code_verifier")) < 43 {
		t.Errorf("asked with %v", form)
	}
	begin("second")
	p.set(func() { p.codes["stolen"] = "another one's challenge" })
	if _, err := finish("stolen"); !fault.Is(err, fault.CodeDestinationAuth) {
		t.Errorf("a code of another authorization: %v", err)
	}
	if _, err := finish("second"); !fault.Is(err, fault.CodeDestinationAuth) || !strings.Contains(fault.As(err).Hint(), "again") {
		t.Errorf("what was begun counts twice: %v", err)
	}
	begin("late")
	now.Advance(pendingTime)
	if _, err := finish("late"); !fault.Is(err, fault.CodeDestinationAuth) || len(p.asked) != 2 {
		t.Errorf("too late: %v after %d requests", err, len(p.asked))
	}
	store(t, shared, "")
	if _, err := New(c, Options{}).Exchange(t.Context(), p.client(t), callback, "first"); !fault.Is(err, fault.CodeDestinationAuth) {
		t.Errorf("nobody began: %v", err)
	}
}

// TestExchange: the access token that comes with the code serves the first run, with what is kept of the answer; without
// a refresh token there is no connection.
func TestExchange(t *testing.T) {
	t.Parallel()
	p, shared, now := newProvider(t), connector.Memory(), clock.NewManual(day)
	p.more = map[string]any{"instance_url": "https://eu1.example.com"}
	c := p.allowed()
	c.RefreshToken, c.Keep = "", []string{"instance_url"}
	k := New(c, Options{State: shared, Clock: now})
	if err := p.works(t, k); !fault.Is(err, fault.CodeDestinationAuth) || fault.ClassOf(err) != fault.Fatal || !strings.Contains(fault.As(err).Hint(), "Allow access") || len(p.asked) != 0 {
		t.Errorf("before anybody allowed it: %v", err)
	}
	a, err := k.Exchange(t.Context(), p.client(t), callback, "code")
	if err != nil || a.Refresh != "refresh-1" || a.Extra["instance_url"] != "https://eu1.example.com" {
		t.Fatalf("got %+v, %v", a, err)
	}
	c.RefreshToken = a.Refresh
	got, err := New(c, Options{State: shared, Clock: now}).Get(t.Context(), p.client(t))
	if err != nil || got.Access != "access-1" || got.Extra["instance_url"] != "https://eu1.example.com" || len(p.asked) != 1 {
		t.Errorf("got %+v, %v after %d requests", got, err, len(p.asked))
	}
	p.set(func() { p.more = map[string]any{"refresh_token": nil} })
	if _, err := k.Exchange(t.Context(), p.client(t), callback, "code"); !fault.Is(err, fault.CodeDestinationAuth) || !strings.Contains(fault.As(err).Hint(), "offline_access") {
		t.Errorf("without a refresh token: %v", err)
	}
}

// TestLasting: an access token that takes the refresh token's place is used until it is refused, which a person must
// mend.
func TestLasting(t *testing.T) {
	t.Parallel()
	p, shared, now := newProvider(t), connector.Memory(), clock.NewManual(day)
	p.more = map[string]any{"refresh_token": nil, "expires_in": nil}
	c := p.allowed()
	c.RefreshToken, c.Lasting = "", true
	a, err := New(c, Options{State: shared, Clock: now}).Exchange(t.Context(), p.client(t), callback, "code")
	if err != nil || a.Refresh != "access-1" {
		t.Fatalf("got %+v, %v", a, err)
	}
	c.RefreshToken = a.Refresh
	for _, s := range []connector.State{shared, connector.Memory()} { // also where the state was lost
		if err := p.works(t, New(c, Options{State: s, Clock: now})); err != nil {
			t.Errorf("got %v", err)
		}
	}
	now.Advance(400 * 24 * time.Hour)
	if err := p.works(t, New(c, Options{State: shared, Clock: now})); err != nil || len(p.asked) != 1 {
		t.Errorf("a year later: %v after %d requests", err, len(p.asked))
	}
	p.set(func() { p.tokens++; p.seen = nil }) // revoked
	for range 2 {
		err = p.works(t, New(c, Options{State: shared, Clock: now}))
		if !fault.Is(err, fault.CodeDestinationGrant) || fault.ClassOf(err) != fault.Fatal {
			t.Errorf("got %v", err)
		}
	}
	if len(p.seen) != 1 || p.seen[0] != "Bearer access-1" {
		t.Errorf("the API saw %q", p.seen)
	}
}
