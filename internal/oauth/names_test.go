package oauth

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// Where a provider gives a client no refresh token, the access token is used until it ends; then a person must allow the
// access again.
//
// Req: SY-17
func TestOrLasting(t *testing.T) {
	t.Parallel()
	p, shared, now := newProvider(t), connector.Memory(), clock.NewManual(day)
	p.more = map[string]any{"refresh_token": nil}
	c := p.allowed()
	c.RefreshToken, c.OrLasting = "", true
	a, err := New(c, Options{State: shared, Clock: now}).Exchange(t.Context(), p.client(t), callback, "code")
	if err != nil || a.Refresh != "access-1" {
		t.Fatalf("got %+v, %v", a, err)
	}
	c.RefreshToken = a.Refresh
	if err := p.works(t, New(c, Options{State: shared, Clock: now})); err != nil || len(p.asked) != 1 {
		t.Errorf("at once: %v after %d requests", err, len(p.asked))
	}
	now.Advance(400 * 24 * time.Hour)
	p.set(func() {
		p.fail = func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
		}
	})
	if err := p.works(t, New(c, Options{State: shared, Clock: now})); !fault.Is(err, fault.CodeDestinationGrant) {
		t.Errorf("when it has ended: %v", err)
	}
}

// A provider with names of its own for the standard's parameters is asked with these, and the token is read where its
// answer has it.
//
// Req: SY-17
func TestNames(t *testing.T) {
	t.Parallel()
	var asked, answer string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) //nolint:errcheck // what is missing is seen below
		asked = string(body)
		io.WriteString(w, answer) //nolint:errcheck // the client sees
	}))
	defer server.Close()
	c := Config{
		Grant: GrantCode, AuthURL: "https://auth.example.com/allow", TokenURL: server.URL, ClientID: "app", ClientSecret: "s3cret",
		AuthStyle: AuthBody, JSON: true, Lasting: true, Within: "data", Keep: []string{"scope"},
		Names: map[string]string{"client_id": "app_id", "client_secret": "secret", "code": "auth_code", "response_type": "", "grant_type": "", "redirect_uri": "redirect"},
	}
	k := New(c, Options{State: connector.Memory()})
	address, err := k.AuthorizeURL(t.Context(), "https://back.example.com", "st")
	if want := "https://auth.example.com/allow?app_id=app&redirect=https%3A%2F%2Fback.example.com&state=st"; err != nil || address != want {
		t.Errorf("got  %s, %v\nwant %s", address, err, want)
	}
	client := newProvider(t).client(t)
	answer = `{"code":0,"message":"OK","data":{"access_token":"access","scope":[4]}}`
	got, err := k.Exchange(t.Context(), client, "https://back.example.com", "the-code")
	if err != nil || got.Refresh != "access" || got.Extra["scope"] != "[4]" {
		t.Errorf("got %+v, %v", got, err)
	}
	var sent map[string]string
	if err := json.Unmarshal([]byte(asked), &sent); err != nil || len(sent) != 4 || sent["app_id"] != "app" || sent["secret"] != "s3cret" || sent["auth_code"] != "the-code" {
		t.Errorf("asked with %s, %v", asked, err)
	}
	answer = `{"code":40110,"message":"the auth_code the-code is used","data":{}}`
	_, err = k.Exchange(t.Context(), client, "https://back.example.com", "the-code")
	if !fault.Is(err, fault.CodeDestinationAuth) || !strings.Contains(err.Error(), "is used") || strings.Contains(err.Error(), "the-code") {
		t.Errorf("got %v", err)
	}
}
