package cli

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// dbtServer answers as the API does, and keeps the manifest that it is sent.
func dbtServer(t *testing.T) (url string, got *string) {
	t.Helper()
	got = new(string)
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /api/dbt-projects/shop/manifest", func(w http.ResponseWriter, r *http.Request) {
		z, err := gzip.NewReader(r.Body)
		if err != nil || r.Header.Get("Content-Encoding") != "gzip" || r.Header.Get("Authorization") != "Bearer k" {
			http.Error(w, "not as it should be", http.StatusTeapot)
			return
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Error(err)
		}
		*got = string(text)
		if !json.Valid(text) {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = w.Write([]byte(`{"error": {"code": "dbt.bad_manifest", "message": "it cannot be read", "suggestion": "Compile."}}`)) //nolint:errcheck // a test
			return
		}
		_, _ = w.Write([]byte(`{"dbtVersion": "1.10.4", "models": 2, "analyses": 1}`)) //nolint:errcheck // a test
	})
	mux.HandleFunc("GET /api/dbt-projects/shop/nodes", func(w http.ResponseWriter, r *http.Request) {
		page := `{"items": [{"id": "model.shop.people", "materialized": "table", "read": "table"}], "nextCursor": "1"}`
		if r.FormValue("cursor") == "1" {
			page = `{"items": [{"id": "analysis.shop.` + r.FormValue("search") + `", "read": "sql"}], "nextCursor": null}`
		}
		_, _ = w.Write([]byte(page)) //nolint:errcheck // a test
	})
	mux.HandleFunc("POST /api/dbt-projects/shop/check", func(w http.ResponseWriter, r *http.Request) {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Error(err)
		}
		broken := ""
		if string(text) != "{}" {
			broken = `{"sync": {"slug": "s"}, "model": {"slug": "m"}, "node": "model.shop.a", "message": "it is gone", "suggestion": "Bring it back."}`
		}
		_, _ = w.Write([]byte(`{"checked": 3, "broken": [` + broken + `]}`)) //nolint:errcheck // a test
	})
	mux.HandleFunc("GET /api/dbt-projects/shop/exposures", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"name": "x.yml", "content": "version: 2\n"}`)) //nolint:errcheck // a test
	})
	refreshed := false
	mux.HandleFunc("POST /api/dbt-projects/shop/refresh", func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body) //nolint:errcheck // a test
		*got, refreshed = string(text), false
		_, _ = w.Write([]byte(`{"kind": "dbt-project"}`)) //nolint:errcheck // a test
	})
	mux.HandleFunc("GET /api/dbt-projects/shop", func(w http.ResponseWriter, _ *http.Request) {
		refresh := `{"state": "running"}`
		if refreshed {
			refresh = `{"state": "done", "seen": "4f2a"}`
		}
		if refreshed && strings.Contains(*got, "true") {
			refresh = `{"state": "failed", "error": {"code": "git.authentication", "message": "not accepted", "suggestion": "Check the token."}}`
		}
		refreshed = true
		_, _ = w.Write([]byte(`{"status": {"manifest": {"models": 3, "analyses": 0, "dbtVersion": "1.10.4"}, "refresh": ` + refresh + `}}`)) //nolint:errcheck // a test
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL, got
}

// execute runs the command line against a server.
func execute(t *testing.T, url, stdin string, args ...string) (string, error) {
	t.Helper()
	root := &cobra.Command{Use: "millrace", SilenceUsage: true, SilenceErrors: true}
	Flags(root)
	root.AddCommand(dbtCommand())
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetIn(strings.NewReader(stdin))
	root.SetArgs(append(args, "--server", url, "--api-key", "k"))
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

// Req: DBT-01, DBT-03
func TestDBTCommands(t *testing.T) {
	t.Parallel()
	url, got := dbtServer(t)
	const text = `{"nodes": {}}`
	file := filepath.Join(t.TempDir(), "manifest.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"", file}, {text, "-"}} {
		*got = ""
		out, err := execute(t, url, args[0], "dbt", "load", "shop", args[1])
		if err != nil || out != "loaded 2 models and 1 analyses of dbt 1.10.4\n" || *got != text {
			t.Errorf("%s: %q, %v; the server got %q", args[1], out, err, *got)
		}
	}
	if _, err := execute(t, url, "no JSON", "dbt", "load", "shop", "-"); err == nil || !strings.Contains(Explain(err), "Compile.") {
		t.Errorf("what the server says is told as %v", err)
	}
	if _, err := execute(t, url, "", "dbt", "load", "shop", file+".none"); err == nil || !strings.Contains(Explain(err), "target/manifest.json") {
		t.Errorf("without a file: %v", err)
	}
	if out, err := execute(t, url, "", "dbt", "refresh", "shop"); err != nil || out != "4f2a: 3 models and 0 analyses of dbt 1.10.4\n" || *got != `{"full":false}` {
		t.Errorf("a refresh: %q, %v; the server got %s", out, err, *got)
	}
	if _, err := execute(t, url, "", "dbt", "refresh", "shop", "--full"); err == nil || !strings.Contains(Explain(err), "Check the token.") || *got != `{"full":true}` {
		t.Errorf("a refresh that fails: %v; the server got %s", err, *got)
	}
	if out, err := execute(t, url, "{}", "dbt", "check", "shop", "-"); err != nil || out != "3 enabled syncs read the project; none breaks\n" {
		t.Errorf("a check: %q, %v", out, err)
	}
	if out, err := execute(t, url, "[]", "dbt", "check", "shop", "-"); ExitCode(err) != 2 || out != "s (model m): it is gone\n  → Bring it back.\n" {
		t.Errorf("a check that fails: %q, %v", out, err)
	}
	if out, err := execute(t, url, "", "dbt", "exposures", "shop"); err != nil || out != "version: 2\n" {
		t.Errorf("exposures: %q, %v", out, err)
	}
	out, err := execute(t, url, "", "dbt", "list", "shop", "--search", "report")
	if want := "UNIQUE ID             MATERIALIZED  READ\nmodel.shop.people     table         table\nanalysis.shop.report                sql\n"; err != nil || out != want {
		t.Errorf("the list: %v\n%s", err, out)
	}
}
