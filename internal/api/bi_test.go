package api_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func biSpec(url string) object {
	return object{"type": "looker", "configuration": object{"baseUrl": url, "clientId": "me", "clientSecret": "s3same-secret"}}
}

// A model reads a Look: it is previewed, saved and synced with the SQL that Looker gives at that time.
//
// Req: BI-01
func TestBIModel(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		sql := "SELECT id, name, email FROM buyers"
		looker := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/api/4.0/login":
				_, _ = io.WriteString(rw, `{"access_token": "abc"}`) //nolint:errcheck // a test
			case "/api/4.0/looks":
				_, _ = io.WriteString(rw, `[{"id": "42", "title": "Buyers"}]`) //nolint:errcheck // a test
			case "/api/4.0/looks/42/run/sql":
				_, _ = io.WriteString(rw, sql) //nolint:errcheck // a test
			default:
				rw.WriteHeader(http.StatusNotFound)
			}
		}))
		w.t.Cleanup(looker.Close)
		w.ok("GET", "/api/catalog/bi-tools", nil).lists("items", "slug", "looker", "sigma")
		w.ok("POST", "/api/bi-tools", document("looks", "Looks", biSpec(looker.URL))).has("spec.configuration.clientSecret.$secret", "set").has("status.modelCount", 0)
		w.ok("GET", "/api/bi-tools/looks/items", nil).lists("items", "id", "42").has("items.0.leaf", true)
		w.ok("GET", "/api/bi-tools/looks/sql?item=42", nil).has("sql", sql)
		w.send("GET", "/api/bi-tools/looks/sql?item=1", nil).want(422).has("error.code", "bi.failed")
		w.source.rows = [][]string{{"1", "Ada", "ada@example.com"}}
		look := object{"source": "shop", "method": "bi", "bi": object{"tool": "looks", "item": "42"}}
		w.ok("POST", "/api/models/preview", look).has("rows.0.1", "Ada")
		w.asked(sql)
		w.send("POST", "/api/models/preview", object{"source": "shop", "method": "bi", "bi": object{"tool": "looks", "item": "1"}}).want(422).has("error.code", "bi.failed")
		look["primaryKey"] = "id"
		w.ok("POST", "/api/models", document("buyers", "Buyers", look))
		w.send("DELETE", "/api/bi-tools/looks", nil).want(409)
		w.ok("POST", "/api/models/buyers/refresh", nil).lists("spec.columns", "name", "id", "name", "email")
		spec := syncSpec()
		spec["model"] = "buyers"
		w.ok("POST", "/api/syncs", document("buyers-to-crm", "Buyers to CRM", spec))
		sql = "SELECT id, name, email FROM new_buyers"
		w.clock.Advance(60e9)
		id := w.ok("POST", "/api/syncs/buyers-to-crm/trigger", nil).id("run.id")
		w.work()
		w.ok("GET", fmt.Sprintf("/api/runs/%d", id), nil).has("state", "committed").has("succeeded.added", 1)
		w.asked(sql)
	})
}
