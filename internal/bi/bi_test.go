package bi_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/bi"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/bitool"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/resource"
)

// tools has one tool.
type tools struct {
	spec     bitool.Spec
	revision int64
}

func (d *tools) Resolve(_ context.Context, _ resource.Scope, _, slug string) (resource.Document, error) {
	if slug != "tool" {
		return resource.Document{}, fault.New(fault.CodeNotFound, "there is no bi-tool %q", slug)
	}
	return resource.Document{ID: 7, Revision: d.revision, Name: "Tool", Spec: &d.spec}, nil
}

// vendor answers as the tools' APIs do; asked counts the queries that it gave.
type vendor struct {
	sql    string
	status int
	asked  int
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	write := func(text string) { _, _ = io.WriteString(w, text) } //nolint:errcheck // a test
	switch path := r.URL.Path; {
	case path == "/api/4.0/login" || path == "/v2/auth/token":
		sigma := path == "/v2/auth/token"
		if r.PostFormValue("client_id") != "me" || r.PostFormValue("client_secret") != "s3cret" || sigma && r.PostFormValue("grant_type") != "client_credentials" || r.URL.RawQuery != "" {
			w.WriteHeader(http.StatusNotFound) // as Looker does
			write(`{"message": "Not found"}`)
			return
		}
		write(`{"access_token": "abc", "expires_in": 3600}`)
	case r.Header.Get("Authorization") != "token abc" && r.Header.Get("Authorization") != "Bearer abc":
		w.WriteHeader(http.StatusUnauthorized)
	case v.status != 0:
		w.WriteHeader(v.status)
		write("<html>a proxy's page</html>")
	case path == "/api/4.0/looks":
		write(`[{"id": "42", "title": "Buyers", "folder": {"name": "Shared"}}, {"id": "43", "title": "Loose"}]`)
	case path == "/api/4.0/looks/42/run/sql" && r.FormValue("limit") == "-1":
		v.asked++
		write(v.sql)
	case path == "/v2/workbooks" && r.FormValue("page") == "":
		write(`{"entries": [{"workbookId": "w1", "name": "Sales"}], "nextPage": "2"}`)
	case path == "/v2/workbooks":
		write(`{"entries": [{"workbookId": "w2", "name": "Costs"}], "nextPage": null}`)
	case path == "/v2/workbooks/w1/pages":
		write(`{"entries": [{"pageId": "p1", "name": "Page 1"}, {"pageId": "p2", "name": "Page 2"}]}`)
	case path == "/v2/workbooks/w1/pages/p1/elements":
		write(`{"entries": [{"elementId": "e1", "name": "Buyers"}]}`)
	case path == "/v2/workbooks/w1/pages/p2/elements":
		write(`{"entries": []}`)
	case path == "/v2/workbooks/w1/elements/e1/query":
		v.asked++
		fmt.Fprintf(w, `{"elementId": "e1", "name": "Buyers", "sql": %q}`, v.sql)
	default:
		w.WriteHeader(http.StatusNotFound)
		write("<!DOCTYPE html><html>Not Found</html>")
	}
}

type world struct {
	*bi.Resolver

	vendor *vendor
	tools  *tools
	now    *clock.Manual
}

func newWorld(t *testing.T, typ string) *world {
	t.Helper()
	w := &world{vendor: &vendor{sql: "SELECT 1 AS id;\n"}, now: clock.NewManual(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC))}
	server := httptest.NewServer(w.vendor)
	t.Cleanup(server.Close)
	w.tools = &tools{spec: bitool.Spec{Type: typ, Configuration: map[string]any{"baseUrl": server.URL + "/", "clientId": "me", "clientSecret": "s3cret"}}}
	w.Resolver = &bi.Resolver{Documents: w.tools, Clock: w.now}
	return w
}

// query returns what the model's source is asked.
func (w *world) query(t *testing.T, tool, item string) (string, error) {
	t.Helper()
	m, err := w.Resolve(t.Context(), resource.Scope{WorkspaceID: 1}, model.Spec{Method: model.MethodBI, BI: &model.BI{Tool: tool, Item: item}})
	if err != nil {
		t.Fatal(err)
	}
	q, err := m.Query(query.Postgres)
	return q.SQL, err
}

// A tool is reached through its tunnel, whatever its address is here.
//
// Req: X-22, BI-01
func TestThroughTunnel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, bitool.Looker)
	base := w.tools.spec.Configuration["baseUrl"].(string)
	at, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	w.tools.spec.Configuration["baseUrl"], w.tools.spec.Tunnel = "http://looker.internal.example:19999", "office"
	w.Network = func(workspaceID int64, tunnel string) connector.Network {
		if workspaceID != 1 || tunnel != "office" {
			t.Errorf("workspace %d, tunnel %q", workspaceID, tunnel)
		}
		return connector.Network{Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, at.Host)
		}}
	}
	if sql, err := w.query(t, "tool", "42"); err != nil || sql != "SELECT 1 AS id" {
		t.Errorf("%q, %v", sql, err)
	}
}

// The SQL of a Look and of a Sigma element is fetched when it is needed: what was published since takes effect.
//
// Req: BI-01, BI-02
func TestSQL(t *testing.T) {
	t.Parallel()
	for typ, item := range map[string]string{bitool.Looker: "42", bitool.Sigma: "w1/e1"} {
		w := newWorld(t, typ)
		for range 2 {
			if sql, err := w.query(t, "tool", item); err != nil || sql != "SELECT 1 AS id" {
				t.Errorf("%s: %q, %v", typ, sql, err)
			}
		}
		if w.vendor.asked != 1 {
			t.Errorf("%s: one run asked %d times", typ, w.vendor.asked)
		}
		w.vendor.sql = "SELECT 2 AS id"
		w.now.Advance(time.Minute)
		if sql, err := w.query(t, "tool", item); err != nil || sql != "SELECT 2 AS id" {
			t.Errorf("%s, after it was published: %q, %v", typ, sql, err)
		}
		w.tools.revision++
		w.vendor.sql = " "
		if _, err := w.query(t, "tool", item); !fault.Is(err, fault.CodeBI) || !strings.Contains(err.Error(), "no SQL") {
			t.Errorf("%s, without SQL: %v", typ, err)
		}
	}
}

// Req: BI-01, BI-02
func TestItems(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ typ, parent, want string }{
		{bitool.Looker, "", "[{42 Shared / Buyers true} {43 Loose true}]"},
		{bitool.Sigma, "", "[{w1 Sales false} {w2 Costs false}]"},
		{bitool.Sigma, "w1", "[{w1/e1 Page 1 / Buyers true}]"},
	} {
		w := newWorld(t, tt.typ)
		got, err := w.Items(t.Context(), resource.Scope{WorkspaceID: 1}, "tool", tt.parent)
		if err != nil || fmt.Sprint(got) != tt.want {
			t.Errorf("%s %q: %v, %v", tt.typ, tt.parent, got, err)
		}
	}
}

// What is gone, and a tool that is not there, are told without its pages of HTML.
//
// Req: BI-01, BI-02
func TestRefused(t *testing.T) {
	t.Parallel()
	says := func(what string, err error, words ...string) {
		t.Helper()
		if err == nil {
			t.Errorf("%s: no error", what)
			return
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) || strings.Contains(err.Error(), "html") || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%s: %v, want %q", what, err, word)
			}
		}
	}
	l, s := newWorld(t, bitool.Looker), newWorld(t, bitool.Sigma)
	_, err := l.query(t, "tool", "1")
	says("a Look that is gone", err, "there is no Look 1, or Looker is not available")
	_, err = s.query(t, "tool", "w1/e2")
	says("an element that is gone", err, "there is no element e2 in the workbook w1")
	_, err = s.query(t, "tool", "w1")
	says("no element", err, "WORKBOOK/ELEMENT")
	_, err = s.Items(t.Context(), resource.Scope{}, "tool", "w9")
	says("a workbook that is gone", err, "there is no workbook w9")
	_, err = l.query(t, "none", "1")
	says("a tool that is gone", err, "none")
	l.vendor.status = http.StatusBadGateway
	_, err = l.query(t, "tool", "42")
	says("a gateway", err, "Looker answers 502")
	if fault.ClassOf(err) != fault.Retryable {
		t.Errorf("a gateway is of the class %v", fault.ClassOf(err))
	}
	for _, w := range []*world{l, s} {
		w.tools.spec.Configuration["clientSecret"] = "wrong"
		_, err = w.Items(t.Context(), resource.Scope{}, "tool", "")
		says("a wrong secret", err, "does not accept the client ID and secret")
	}
}
