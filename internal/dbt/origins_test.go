package dbt_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/dbt"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/git/gittest"
	"github.com/millrace/millrace/internal/kind/dbtproject"
	"github.com/millrace/millrace/internal/tunnel"
)

// origins are those of a server, with what it remembers of projects.
func origins(t *testing.T, command string) dbt.Origins {
	t.Helper()
	state := connector.Memory()
	return dbt.Origins{
		Network: func(int64, string) connector.Network { return connector.Network{} },
		State:   func(int64, int64) connector.State { return state }, Command: command, Dir: t.TempDir(), Clock: clock.System{},
	}
}

func look(o dbtproject.Origin, seen string, pairs ...string) dbt.Look {
	l := dbt.Look{WorkspaceID: 1, ProjectID: 1, Seen: seen, Spec: dbtproject.Spec{Source: "db", Origin: o, Configuration: map[string]any{}}}
	for i := 0; i < len(pairs); i += 2 {
		l.Spec.Configuration[pairs[i]] = pairs[i+1]
	}
	return l
}

// fetch reads what an origin has; nothing new is empty.
func fetch(t *testing.T, o dbt.Origins, l dbt.Look) (seen, text string, err error) {
	t.Helper()
	found, err := o.Fetch(t.Context(), l)
	if err != nil || found == nil {
		return "", "", err
	}
	b, err := io.ReadAll(found.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := found.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Join(o.Dir, "dbt")); err == nil && len(left) > 0 {
		t.Errorf("%d folders are left", len(left))
	}
	return found.Seen, string(b), nil
}

// The manifest that a branch has is fetched, over HTTPS and SSH, and only when the branch has moved. A server whose key
// changes is not trusted.
//
// Req: DBT-01, GIT-06
func TestFromGit(t *testing.T) {
	t.Parallel()
	repo := gittest.New(t, map[string]string{"target/manifest.json": "one"})
	first := repo.Commit("main", map[string]string{"dbt/target/manifest.json": "two"})
	o, url := origins(t, ""), repo.HTTP("secret")
	if seen, text, err := fetch(t, o, look(dbtproject.OriginGit, "", "url", url, "token", "secret")); err != nil || seen != first || text != "one" {
		t.Errorf("%q %q, %v", seen, text, err)
	}
	if seen, text, err := fetch(t, o, look(dbtproject.OriginGit, "", "url", url, "token", "secret", "path", "dbt/target/manifest.json")); err != nil || seen != first || text != "two" {
		t.Errorf("%q %q, %v", seen, text, err)
	}
	if seen, _, err := fetch(t, o, look(dbtproject.OriginGit, first, "url", url, "token", "secret")); err != nil || seen != "" {
		t.Errorf("nothing new: %q, %v", seen, err)
	}
	if _, _, err := fetch(t, o, look(dbtproject.OriginGit, "", "url", url, "token", "hunter2")); !fault.Is(err, fault.CodeGitAuth) {
		t.Errorf("a wrong token: %v", err)
	}
	_, _, err := fetch(t, o, look(dbtproject.OriginGit, "", "url", url, "token", "secret", "path", "x/manifest.json"))
	if !fault.Is(err, fault.CodeGitMissing) || !strings.Contains(fault.As(err).Suggestion, "millrace dbt load") {
		t.Errorf("no manifest: %v", err)
	}

	private, public := gittest.Key(t)
	server := repo.SSH(public)
	ssh := func(address string, more ...string) dbt.Look {
		return look(dbtproject.OriginGit, "", append([]string{"url", address, "auth", "ssh", "key", private}, more...)...)
	}
	for range 2 {
		if seen, text, err := fetch(t, o, ssh(server.Address)); err != nil || seen != first || text != "one" {
			t.Errorf("SSH: %q %q, %v", seen, text, err)
		}
	}
	_, other := gittest.Key(t)
	if _, _, err := fetch(t, o, ssh(server.Address, "hostKey", tunnel.Line(other))); !fault.Is(err, fault.CodeGitHostKey) {
		t.Errorf("another host key was taken: %v", err)
	}
	if _, _, err := fetch(t, o, ssh(server.Address, "hostKey", tunnel.Line(server.HostKey))); err != nil {
		t.Errorf("the host key of the settings: %v", err)
	}
}

// A repository is reached through its project's tunnel, whatever its address is here.
//
// Req: X-22, DBT-01
func TestFromGitThroughTunnel(t *testing.T) {
	t.Parallel()
	repo := gittest.New(t, map[string]string{"target/manifest.json": "one"})
	private, public := gittest.Key(t)
	server := repo.SSH(public)
	for _, c := range []struct {
		address string
		more    []string
	}{{repo.HTTP("secret"), []string{"token", "secret"}}, {server.Address, []string{"auth", "ssh", "key", private}}} {
		at, err := url.Parse(c.address)
		if err != nil {
			t.Fatal(err)
		}
		inside := strings.Replace(c.address, at.Host, "git.internal.example:"+at.Port(), 1)
		o := origins(t, "")
		o.Network = func(workspaceID int64, tunnel string) connector.Network {
			if workspaceID != 1 || tunnel != "office" {
				return connector.Network{}
			}
			dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, at.Host)
			}
			return connector.Network{Dial: dial, Beside: (&net.Dialer{}).DialContext}
		}
		l := look(dbtproject.OriginGit, "", append([]string{"url", inside}, c.more...)...)
		if _, _, err := fetch(t, o, l); err == nil {
			t.Errorf("%s was reached without the tunnel", inside)
		}
		l.Spec.Tunnel = "office"
		if _, text, err := fetch(t, o, l); err != nil || text != "one" {
			t.Errorf("%s: %q, %v", inside, text, err)
		}
	}
}

// A job's newest run that is over and left a manifest is taken, whether it succeeded or failed; a run that was seen is
// not taken again.
//
// Req: DBT-06, DBT-08
func TestFromCloud(t *testing.T) {
	t.Parallel()
	var runs, asked string
	artifacts := map[string]string{"/api/v2/accounts/7/runs/11/artifacts/manifest.json": "eleven", "/api/v2/accounts/7/runs/14/artifacts/manifest.json": "fourteen"}
	status := http.StatusOK
	cloud := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, is := artifacts[r.URL.Path]
		switch {
		case r.Header.Get("Authorization") != "Token secret":
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"status": {"code": 401, "user_message": "Invalid token."}, "data": null}`) //nolint:errcheck // a test
		case status != http.StatusOK:
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(status)
		case r.URL.Path == "/api/v2/accounts/7/runs/":
			asked = r.URL.RawQuery
			_, _ = io.WriteString(w, `{"status": {"code": 200}, "data": [`+runs+`]}`) //nolint:errcheck // a test
		case is:
			_, _ = io.WriteString(w, text) //nolint:errcheck // a test
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(cloud.Close)
	o := origins(t, "")
	get := func(seen string, more ...string) (string, string, error) {
		return fetch(t, o, look(dbtproject.OriginCloud, seen, append([]string{"baseUrl", cloud.URL + "/", "token", "secret", "accountId", "7", "jobId", "70471"}, more...)...))
	}
	if seen, _, err := get(""); err != nil || seen != "" {
		t.Errorf("a job that never ran: %q, %v", seen, err)
	}
	if asked != "job_definition_id=70471&limit=20&order_by=-id" {
		t.Errorf("asked for %s", asked)
	}
	runs = `{"id": 12, "status": 3}, {"id": 11, "status": 10, "finished_at": "2026-03-01"}`
	if seen, text, err := get(""); err != nil || seen != "run 11" || text != "eleven" {
		t.Errorf("a run that succeeded: %q %q, %v", seen, text, err)
	}
	if seen, _, err := get("run 11"); err != nil || seen != "" {
		t.Errorf("it was seen: %q, %v", seen, err)
	}
	runs = `{"id": 15, "status": 30}, {"id": 14, "status": 20}, ` + runs
	if seen, text, err := get("run 11"); err != nil || seen != "run 14" || text != "fourteen" {
		t.Errorf("a run that failed: %q %q, %v", seen, text, err)
	}
	runs = `{"id": 15, "status": 10}`
	if _, _, err := get(""); !fault.Is(err, fault.CodeDBTCloud) || !strings.Contains(fault.As(err).Suggestion, "dbt compile") {
		t.Errorf("runs without a manifest: %v", err)
	}
	if _, _, err := get("", "token", "wrong"); !fault.Is(err, fault.CodeDBTCloud) || !strings.Contains(err.Error(), "Invalid token.") {
		t.Errorf("a wrong token: %v", err)
	}
	if _, _, err := get("", "accountId", "8"); !fault.Is(err, fault.CodeNotFound) {
		t.Errorf("another account: %v", err)
	}
	status = http.StatusTooManyRequests
	if _, _, err := get(""); fault.As(err).After != 30*time.Second {
		t.Errorf("too many requests: %v", err)
	}
	status = http.StatusBadGateway
	if _, _, err := get(""); fault.ClassOf(err) != fault.Retryable {
		t.Errorf("a gateway: %v", err)
	}
}

// standIn is a program that is called as dbt is: it writes down how, and leaves a manifest.
const standIn = `#!/bin/sh
set -eu
echo "$@" >> calls
[ -f "$DBT_PROFILES_DIR/profiles.yml" ] && [ -f dbt_project.yml ]
[ -z "${MILLRACE_API_KEY:-}" ]
case "$1" in
deps) exit 0;;
compile)
  if grep -q broken dbt_project.yml; then cat "$DBT_PROFILES_DIR/profiles.yml"; echo "Compilation Error: duplicated mapping key"; exit 2; fi
  mkdir -p "$DBT_TARGET_PATH"
  { cat calls; cat "$DBT_PROFILES_DIR/profiles.yml"; env | sort | cut -d= -f1; } > "$DBT_TARGET_PATH/manifest.json";;
esac
`

// A project is compiled in a folder of its own, with what its settings say, only where the operator has named dbt.
// What dbt says when it fails is told without what profiles.yml has.
//
// Req: DBT-01, DBT-05
func TestCompile(t *testing.T) {
	t.Setenv("MILLRACE_API_KEY", "hunter2")
	command := filepath.Join(t.TempDir(), "dbt")
	if err := os.WriteFile(command, []byte(standIn), 0o700); err != nil {
		t.Fatal(err)
	}
	repo := gittest.New(t, map[string]string{"analytics/dbt_project.yml": "name: shop", "analytics/packages.yml": "packages: []", "analytics/models/a.sql": "select 1"})
	url := repo.HTTP("")
	compiled := func(more ...string) dbt.Look {
		return look(dbtproject.OriginGit, "", append([]string{"url", url, "auth", "none", "made", "compiled", "profiles", "shop:\n  outputs:\n    prod: {}\n  password: s3cret-word\n"}, more...)...)
	}
	if _, _, err := fetch(t, origins(t, ""), compiled()); !fault.Is(err, fault.CodeDBTCompile) || !strings.Contains(fault.As(err).Suggestion, "dbt-command") {
		t.Errorf("without a command: %v", err)
	}
	_, text, err := fetch(t, origins(t, command+" --no-version-check"), compiled())
	if err == nil || !strings.Contains(err.Error(), "left no manifest") { // the stand-in knows its words in first place only
		t.Errorf("with words before: %q, %v", text, err)
	}
	o := origins(t, command)
	_, text, err = fetch(t, o, compiled("target", "prod", "select", "tag:a  tag:b"))
	if err != nil || !strings.HasPrefix(text, "deps\ncompile --target prod --select tag:a tag:b\n") {
		t.Errorf("%q, %v", text, err)
	}
	if strings.Contains(text, "MILLRACE") {
		t.Errorf("dbt sees the environment of this server: %s", text)
	}
	_, text, err = fetch(t, o, compiled("schema", "dbt_production"))
	if err != nil || !strings.Contains(text, "schema: dbt_production") || !strings.Contains(text, "password: s3cret-word") {
		t.Errorf("with a default schema: %q, %v", text, err)
	}
	_, _, err = fetch(t, o, compiled("schema", "x", "profiles", "shop: {{ s3cret-word }}"))
	if !fault.Is(err, fault.CodeDBTCompile) || !strings.Contains(err.Error(), "profiles.yml") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("profiles that are no YAML: %v", err)
	}
	if _, _, err := fetch(t, o, compiled("folder", "elsewhere")); !fault.Is(err, fault.CodeGitMissing) {
		t.Errorf("another folder: %v", err)
	}
	repo.Commit("two", map[string]string{"other/dbt_project.yml": "name: two"})
	if _, _, err := fetch(t, o, compiled("branch", "two")); !fault.Is(err, fault.CodeInvalid) || !strings.Contains(err.Error(), "2 files") {
		t.Errorf("two projects: %v", err)
	}
	if _, _, err := fetch(t, o, compiled("branch", "two", "folder", "analytics")); err != nil {
		t.Errorf("one of two projects: %v", err)
	}
	repo.Commit("broken", map[string]string{"analytics/dbt_project.yml": "name: broken"})
	_, _, err = fetch(t, o, compiled("branch", "broken"))
	if !fault.Is(err, fault.CodeDBTCompile) || !strings.Contains(err.Error(), "duplicated mapping key") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a broken project: %v", err)
	}
	if _, _, err := fetch(t, origins(t, "/nowhere/dbt"), compiled()); !fault.Is(err, fault.CodeDBTCompile) || !strings.Contains(err.Error(), "dbt-command") {
		t.Errorf("no program: %v", err)
	}
}
