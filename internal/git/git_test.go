package git_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/git"
	"github.com/millrace/millrace/internal/git/gittest"
	"golang.org/x/crypto/ssh"
)

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// read opens a repository, and returns the commit and a file of it.
func read(t *testing.T, o git.Options, name string) (commit, text string, err error) {
	t.Helper()
	o.Dial, o.Transport = dial, http.DefaultTransport
	r, err := git.Open(t.Context(), o)
	if err != nil {
		return "", "", err
	}
	defer r.Close() //nolint:errcheck // a test's end
	files, err := r.Fetch(t.Context(), t.TempDir())
	if err != nil {
		return r.Commit, "", err
	}
	defer files.Close() //nolint:errcheck // a test's end
	f, err := files.Open(name)
	if err != nil {
		return r.Commit, "", err
	}
	b, err := io.ReadAll(f)
	return r.Commit, string(b), errors.Join(err, f.Close())
}

// Over HTTPS with a token and over SSH with a key, the newest commit of the default or a named branch is read.
//
// Req: GIT-06, DBT-01
func TestRead(t *testing.T) {
	t.Parallel()
	repo := gittest.New(t, map[string]string{"dbt/target/manifest.json": "one", "README.md": "x"})
	main := repo.Commit("main", map[string]string{"dbt/target/manifest.json": "two"})
	branch := repo.Commit("next", map[string]string{"dbt/target/manifest.json": "three"})
	private, public := gittest.Key(t)
	server := repo.SSH(public)
	for name, o := range map[string]git.Options{
		"HTTPS":      {URL: repo.HTTP("secret"), Token: "secret"},
		"HTTPS open": {URL: repo.HTTP("")},
		"SSH":        {URL: server.Address, Key: private, HostKey: ssh.FixedHostKey(server.HostKey)},
	} {
		if commit, text, err := read(t, o, "dbt/target/manifest.json"); err != nil || commit != main || text != "two" {
			t.Errorf("%s: %s %q, %v", name, commit, text, err)
		}
		o.Branch = "next"
		if commit, text, err := read(t, o, "./dbt/../dbt/target/manifest.json"); err != nil || commit != branch || text != "three" {
			t.Errorf("%s, a branch: %s %q, %v", name, commit, text, err)
		}
		if _, _, err := read(t, o, "target/manifest.json"); !fault.Is(err, fault.CodeGitMissing) || !strings.Contains(err.Error(), "no file target/manifest.json") {
			t.Errorf("%s, no file: %v", name, err)
		}
		o.Branch = "none"
		if _, _, err := read(t, o, "README.md"); !fault.Is(err, fault.CodeGitMissing) || !strings.Contains(err.Error(), `no branch "none"`) {
			t.Errorf("%s, no branch: %v", name, err)
		}
		o.Branch, o.URL = "", strings.Replace(o.URL, "shop.git", "none.git", 1)
		if _, _, err := read(t, o, "README.md"); !fault.Is(err, fault.CodeGitMissing) || !strings.Contains(err.Error(), "no such repository") {
			t.Errorf("%s, no repository: %v", name, err)
		}
	}
}

// What keeps a repository from being read is told without the secrets.
//
// Req: GIT-06
func TestRefused(t *testing.T) {
	t.Parallel()
	repo := gittest.New(t, map[string]string{"a": "b"})
	private, public := gittest.Key(t)
	other, otherPublic := gittest.Key(t)
	server, address := repo.SSH(public), repo.HTTP("secret")
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	wrong := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	t.Cleanup(wrong.Close)
	anyKey := ssh.InsecureIgnoreHostKey()
	for name, tt := range map[string]struct {
		o    git.Options
		code fault.Code
	}{
		"no token":        {git.Options{URL: address}, fault.CodeGitAuth},
		"wrong token":     {git.Options{URL: address, Token: "hunter2"}, fault.CodeGitAuth},
		"wrong key":       {git.Options{URL: server.Address, Key: other, HostKey: anyKey}, fault.CodeGitAuth},
		"no key":          {git.Options{URL: server.Address, HostKey: anyKey}, fault.CodeGitAuth},
		"a broken key":    {git.Options{URL: server.Address, Key: "hunter2", HostKey: anyKey}, fault.CodeGitAuth},
		"nobody there":    {git.Options{URL: closed.URL + "/shop.git", Token: "hunter2"}, fault.CodeGitUnreachable},
		"no Git server":   {git.Options{URL: wrong.URL + "/shop.git", Token: "hunter2"}, fault.CodeGit},
		"no address":      {git.Options{URL: "shop"}, fault.CodeInvalid},
		"a file":          {git.Options{URL: "file://" + repo.Root + "/shop.git"}, fault.CodeInvalid},
		"a secret inside": {git.Options{URL: "https://u:hunter2@example.com/shop.git"}, fault.CodeInvalid},
	} {
		_, _, err := read(t, tt.o, "a")
		if !fault.Is(err, tt.code) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %s", name, err, tt.code)
		}
	}
	_, _, err := read(t, git.Options{URL: server.Address, Key: private, HostKey: ssh.FixedHostKey(otherPublic)}, "a")
	if err == nil {
		t.Error("another host key is taken")
	}
}

// Req: GIT-06
func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://github.com/acme/shop.git": "https://github.com/acme/shop.git",
		"git@github.com:acme/shop.git":     "ssh://git@github.com/acme/shop.git",
		"ssh://APKAEIBAERJR2EXAMPLE@git-codecommit.eu-central-1.amazonaws.com/v1/repos/shop": "ssh://APKAEIBAERJR2EXAMPLE@git-codecommit.eu-central-1.amazonaws.com/v1/repos/shop",
		"": "", "https://github.com": "", "git@github.com": "", "https://token@github.com/acme/shop": "", "ftp://x/y": "",
	} {
		u, err := git.Parse(text)
		if want == "" && err == nil || want != "" && (err != nil || u.String() != want) {
			t.Errorf("%q: %v, %v", text, u, err)
		}
	}
}

// A checkout holds the files and nothing that points out of its folder.
//
// Req: DBT-01
func TestCheckout(t *testing.T) {
	t.Parallel()
	repo := gittest.New(t, map[string]string{"dbt_project.yml": "name: shop", "models/marts/a.sql": "select 1", "evil": "-> /etc/passwd"})
	r, err := git.Open(t.Context(), git.Options{URL: repo.HTTP(""), Dial: dial, Transport: http.DefaultTransport})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close() //nolint:errcheck // a test's end
	files, err := r.Fetch(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close() //nolint:errcheck // a test's end
	dir := t.TempDir()
	if err := files.Checkout(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "models", "marts", "a.sql")); err != nil || string(b) != "select 1" {
		t.Errorf("a file: %q, %v", b, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "evil")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a link: %v", err)
	}
}

// A GitHub App signs for itself, and gets the token of its installation.
//
// Req: GIT-06
func TestGitHubApp(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	github := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims := jwt.RegisteredClaims{}
		_, err := jwt.ParseWithClaims(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), &claims, func(*jwt.Token) (any, error) { return key.Public(), nil },
			jwt.WithValidMethods([]string{"RS256"}), jwt.WithTimeFunc(func() time.Time { return now }), jwt.WithIssuer("42"))
		switch {
		case err != nil:
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"message": "A JSON web token could not be decoded"}`) //nolint:errcheck // a test
		case claims.ExpiresAt.Sub(now) > 10*time.Minute:
			w.WriteHeader(http.StatusTeapot)
		case r.URL.Path != "/api/v3/app/installations/7/access_tokens" || r.Method != http.MethodPost:
			w.WriteHeader(http.StatusNotFound)
		default:
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"token": "ghs_installation", "expires_at": "2026-03-01T09:00:00Z"}`) //nolint:errcheck // a test
		}
	}))
	t.Cleanup(github.Close)
	app := git.App{ID: "42", Installation: "7", Key: text, API: github.URL + "/api/v3/"}
	token, err := app.Token(t.Context(), http.DefaultTransport, now)
	if err != nil || token != "ghs_installation" {
		t.Errorf("%q, %v", token, err)
	}
	for name, change := range map[string]func(*git.App){
		"another app":          func(a *git.App) { a.ID = "43" },
		"another installation": func(a *git.App) { a.Installation = "8" },
		"no key":               func(a *git.App) { a.Key = "hunter2" },
	} {
		wrong := app
		change(&wrong)
		if _, err := wrong.Token(t.Context(), http.DefaultTransport, now); !fault.Is(err, fault.CodeGitAuth) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
