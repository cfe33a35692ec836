package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// session is a person who signed in with the web app.
type session struct {
	cookie string // as a request sends it
	csrf   string
}

// signIn signs the admin in.
func (w *world) signIn() session {
	w.t.Helper()
	key := w.key
	w.key = ""
	defer func() { w.key = key }()
	a := w.ok("POST", "/api/session", object{"email": " Ada@Example.com", "password": adminPassword})
	cookie, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	return session{cookie, a.text("csrfToken")}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.key = ""
		w.send("POST", "/api/session", object{"email": adminEmail, "password": "wrong"}).want(401).has("error.code", "access.unauthenticated")
		a := w.ok("POST", "/api/session", object{"email": adminEmail, "password": adminPassword}).has("user.email", adminEmail).has("workspace.slug", "main")
		cookies, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
		w.must(err)
		if !cookies.Secure || !cookies.HttpOnly || cookies.SameSite != http.SameSiteLaxMode || cookies.Path != "/" || cookies.MaxAge != 14*24*3600 {
			t.Errorf("the cookie is %v", cookies)
		}
		s := w.signIn()
		w.ok("GET", "/api/session", nil, "Cookie", s.cookie).has("csrfToken", s.csrf)
		w.send("GET", "/api/session", nil, "Cookie", s.cookie+"x").want(401)
		w.send("DELETE", "/api/session", nil, "Cookie", s.cookie).want(403).has("error.code", "access.csrf")
		gone := w.ok("DELETE", "/api/session", nil, "Cookie", s.cookie, "X-CSRF-Token", s.csrf)
		if c, err := http.ParseSetCookie(gone.header.Get("Set-Cookie")); err != nil || c.MaxAge >= 0 || c.Value != "" {
			t.Errorf("signing out sets %v %v", c, err)
		}
		w.send("GET", "/api/session", nil, "Cookie", s.cookie).want(401)
		s = w.signIn()
		w.clock.Advance(14*24*time.Hour + time.Second)
		w.send("GET", "/api/session", nil, "Cookie", s.cookie).want(401)
	})
}

func TestGuessingIsSlowedDown(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.key = ""
		wrong := object{"email": adminEmail, "password": "wrong"}
		for range 10 {
			w.send("POST", "/api/session", wrong).want(401)
		}
		a := w.send("POST", "/api/session", object{"email": adminEmail, "password": adminPassword}).want(429).has("error.code", "access.rate_limited")
		if a.header.Get("Retry-After") != "900" || a.at("error.suggestion") != "Wait 15 minutes, then try again." {
			t.Errorf("%v %s", a.header, a.body)
		}
		w.send("POST", "/api/session", object{"email": "bob@example.com", "password": "x"}).want(401)
		w.clock.Advance(15 * time.Minute)
		w.send("POST", "/api/session", object{"email": adminEmail, "password": adminPassword}).want(200)
	})
}

// Req: API-02
func TestKeys(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		made := w.ok("POST", "/api/keys", object{"name": "CI"}).want(201)
		key := made.text("secret")
		if list := w.ok("GET", "/api/keys", nil).has("items.0.name", "CI").has("items.0.prefix", key[:8]).has("total", 2); strings.Contains(list.body, key) {
			t.Error("a list shows the key")
		}
		w.send("POST", "/api/keys", object{"name": " "}).want(422).has("error.path", "name")
		w.key = key
		w.ok("GET", "/api/v1/sources", nil)
		w.key = bootstrapKey
		path := fmt.Sprintf("/api/keys/%d", made.id("key.id"))
		w.ok("DELETE", path, nil)
		w.send("DELETE", path, nil).want(404)
		w.key = key
		w.send("GET", "/api/v1/sources", nil).want(401).has("details", "Token is invalid")
		if noted := w.dump("activity", "action"); noted != "created\ndeleted" { // making and revoking, not using
			t.Errorf("noted are %q", noted)
		}
	})
}

// A person makes a workspace, goes there with the session they have, and finds nothing of the other one; a key stays where
// it is.
//
// Req: ORG-02, ORG-03, ORG-07
func TestWorkspaces(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		key, s := w.key, w.signIn()
		w.key = ""
		signed := []string{"Cookie", s.cookie, "X-CSRF-Token", s.csrf}
		w.ok("GET", "/api/workspaces", nil, signed...).has("total", 1).has("items.0.slug", "main").has("items.0.current", true)
		w.ok("POST", "/api/workspaces", object{"name": "Europe, Middle East"}, signed...).want(201).has("slug", "europe-middle-east").has("role", "admin").has("current", false)
		w.send("POST", "/api/workspaces", object{"name": "Main", "slug": "main"}, signed...).want(409).has("error.code", "resource.conflict")
		w.send("POST", "/api/workspaces", object{"name": "Main", "slug": "Main Street"}, signed...).want(422)
		entered := w.ok("PUT", "/api/session", object{"workspace": "europe-middle-east"}, signed...).has("workspace.name", "Europe, Middle East").text("csrfToken")
		w.send("POST", "/api/keys", object{"name": "Of the page before"}, signed...).want(403).has("error.code", "access.csrf")
		signed = []string{"Cookie", s.cookie, "X-CSRF-Token", entered}
		w.ok("GET", "/api/syncs", nil, signed...).has("total", 0)
		w.ok("GET", "/api/workspaces", nil, signed...).has("total", 2).has("items.0.current", true)
		w.send("PUT", "/api/session", object{"workspace": "elsewhere"}, signed...).want(404)
		w.ok("PUT", "/api/session", object{"workspace": "main"}, signed...)
		w.key = key
		w.send("PUT", "/api/session", object{"workspace": "europe-middle-east"}).want(403)
		w.ok("GET", "/api/syncs", nil).has("items.0.metadata.slug", "people-to-crm")
	})
}
