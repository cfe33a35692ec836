package api_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/engine/monitor"
	"github.com/uptrace/bun"
)

func datadogSender(t *testing.T, c clock.Clock) *monitor.DatadogSender {
	t.Helper()
	s, err := monitor.NewDatadog(monitor.Options{Public: "https://millrace.example.com", Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A monitor is described, tried, saved without showing its key, and tells how its newest report was sent.
//
// Req: MON-01
func TestMonitors(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		dd := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Header.Get("DD-API-KEY") != "right" {
				rw.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(rw, `{"errors":["Forbidden"]}`) //nolint:errcheck // a test's server
			}
		}))
		t.Cleanup(dd.Close)
		w.ok("GET", "/api/catalog/monitors", nil).lists("items", "slug", "datadog")
		test := func(key string) answer {
			return w.ok("POST", "/api/monitors/test", object{"type": "datadog", "configuration": object{"apiKey": key, "baseUrl": dd.URL}})
		}
		test("right").has("ok", true)
		test("wrong").has("ok", false).has("error.code", "notice.authentication")
		w.send("POST", "/api/monitors", object{"metadata": object{"name": "Dashboards"}, "spec": object{"type": "datadog", "configuration": object{}}}).want(422)
		saved := w.send("POST", "/api/monitors", object{"metadata": object{"name": "Dashboards"}, "spec": object{"type": "datadog", "configuration": object{"apiKey": "the-right-key", "baseUrl": dd.URL}}}).want(201)
		if strings.Contains(saved.body, "the-right-key") {
			t.Error("the answer shows the key")
		}
		saved.has("status.lastReport", nil)
		err := w.db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			return monitor.NewStore(w.db, w.clock).Note(ctx, tx, 1, func(context.Context, bun.Tx) (monitor.Report, error) { return monitor.Report{Sync: "people"}, nil })
		})
		w.must(err)
		w.ok("GET", "/api/monitors/dashboards", nil).has("status.lastReport.state", "pending")
	})
}

func monitorSpec() object {
	return object{"type": "datadog", "configuration": object{"apiKey": "datadog-key-1"}}
}
