package googlesheets_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/millrace/millrace/internal/cloud/cloudtest"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/googlesheets"
	"github.com/millrace/millrace/internal/fault"
)

// grant is Google's service of tokens for people's accounts.
// https://developers.google.com/identity/protocols/oauth2/web-server#exchange-authorization-code
func (g *google) grant(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	g.mu.Lock()
	challenge, over := g.challenge, g.over
	g.mu.Unlock()
	good := r.FormValue("client_id") == "client" && r.FormValue("client_secret") == "client-secret" && !over
	switch r.FormValue("grant_type") {
	case "authorization_code":
		good = good && r.FormValue("code") == "the-code" && r.FormValue("redirect_uri") == redirect &&
			oauth2.S256ChallengeFromVerifier(r.FormValue("code_verifier")) == challenge
	case "refresh_token":
		good = good && r.FormValue("refresh_token") == "refresh-1"
	default:
		good = false
	}
	if !good {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant","error_description":"Token has been expired or revoked."}`)
		return
	}
	fmt.Fprintf(w, `{"access_token":%q,"expires_in":3599,"refresh_token":"refresh-1","token_type":"Bearer"}`, cloudtest.Token)
}

const redirect = "https://cdp.example/api/oauth/callback"

// personal are the settings of a connection as a person.
func (g *google) personal(changes ...any) connector.Settings {
	return g.settings(append([]any{"credential", nil, "access", "person", "clientId", "client", "clientSecret", "client-secret"}, changes...)...)
}

// A person allows the access to the spreadsheets at Google, and what comes of it works from then on.
//
// Req: SY-17, SY-18
func TestPerson(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, newBook("b", "Book", "Sheet"))
	if err := open(t, g.personal()).Test(t.Context()); !fault.Is(err, fault.CodeDestinationAuth) || !strings.Contains(fault.As(err).Hint(), "Allow access") {
		t.Errorf("before anybody allowed it: %v", err)
	}
	d := open(t, g.personal()).(connector.Authorizer)
	address, err := d.AuthorizeURL(redirect, "the-state")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	asked := u.Query()
	for name, want := range map[string]string{
		"client_id": "client", "state": "the-state", "access_type": "offline", "prompt": "consent", "redirect_uri": redirect,
		"scope": "https://www.googleapis.com/auth/spreadsheets https://www.googleapis.com/auth/drive",
	} {
		if asked.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, asked.Get(name), want)
		}
	}
	if u.Host != "accounts.google.com" {
		t.Errorf("the person is sent to %s", u.Host)
	}
	g.mu.Lock()
	g.challenge = asked.Get("code_challenge")
	g.mu.Unlock()
	learned, err := d.Exchange(t.Context(), redirect, "the-code")
	if err != nil {
		t.Fatal(err)
	}
	allowed := g.personal("refreshToken", learned["refreshToken"])
	lists, err := open(t, allowed).(connector.OptionLister).ListOptions(t.Context(), "spreadsheets", connector.SyncJob{})
	if err != nil || len(lists) != 1 || lists[0].Value != "b" {
		t.Errorf("%v: %v", lists, err)
	}
	job := jobOf("b", connector.ModeAll, columnsOf("id"), "sheet", "Sheet")
	s, err := open(t, allowed).Begin(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// A permission that the person took back ends runs with the way out, and a service account asks nobody.
//
// Req: SY-17
func TestPersonRefused(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	g.over = true
	err := open(t, g.personal("refreshToken", "refresh-1")).Test(t.Context())
	if !fault.Is(err, fault.CodeDestinationGrant) || fault.ClassOf(err) != fault.Fatal || strings.Contains(err.Error(), "client-secret") {
		t.Errorf("%v", err)
	}
	_, err = open(t, g.settings()).(connector.Authorizer).AuthorizeURL(redirect, "s")
	if !fault.Is(err, fault.CodeInvalid) {
		t.Errorf("a service account: %v", err)
	}
	if _, err = open(t, g.personal("clientId", "")).(connector.Authorizer).AuthorizeURL(redirect, "s"); err == nil || !strings.Contains(err.Error(), "clientId") {
		t.Errorf("without a client: %v", err)
	}
	info := googlesheets.Info()
	for want, settings := range map[bool]connector.Settings{true: g.personal(), false: g.settings()} {
		if info.NeedsAuthorization(settings) != want {
			t.Errorf("somebody must allow the access: %v, want %v", !want, want)
		}
	}
}
