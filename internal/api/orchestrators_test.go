package api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func orchestratorSpec(url string) object {
	return object{"type": "fivetran", "configuration": object{"apiKey": "key", "apiSecret": "s3same-secret", "baseUrl": url}}
}

// A sync waits for connections of Fivetran: the webhook needs no identity but its signature, and starts a run.
//
// Req: ORC-01, DBT-06, DBT-07
func TestOrchestrator(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		hook := map[string]any{}
		vendor := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				_, _ = io.WriteString(rw, `{"data": {"items": [{"id": "a_b", "service": "postgres", "schema": "shop"}]}}`) //nolint:errcheck // a test
				return
			}
			if err := json.NewDecoder(r.Body).Decode(&hook); err != nil {
				t.Error(err)
			}
			rw.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(rw, `{"data": {"id": "hook-1"}}`) //nolint:errcheck // a test
		}))
		t.Cleanup(vendor.Close)
		w.ok("GET", "/api/catalog/orchestrators", nil).lists("items", "slug", "dbtCloud", "fivetran")
		w.ok("POST", "/api/orchestrators", document("five", "Loads", orchestratorSpec(vendor.URL))).has("status.webhook", nil).has("spec.configuration.apiSecret.$secret", "set")
		w.ok("GET", "/api/orchestrators/five/jobs", nil).has("items.0.id", "a_b").has("items.0.label", "shop postgres")
		w.ok("POST", "/api/orchestrators/five/connect", nil).has("webhook", "hook-1")
		w.ok("GET", "/api/orchestrators/five", nil).has("status.webhook", "hook-1").has("status.useCount", 0)

		spec := syncSpec()
		spec["schedule"] = object{"type": "fivetran", "after": object{"orchestrator": "none", "jobs": []string{"a_b"}}}
		put := func() answer {
			return w.send("PUT", "/api/syncs/people-to-crm", object{"metadata": object{"name": "S"}, "spec": spec})
		}
		put().want(422).has("error.path", "spec.schedule.after.orchestrator")
		spec["schedule"] = object{"type": "dbtCloud", "after": object{"orchestrator": "five", "jobs": []string{"a_b"}}}
		put().want(422).has("error.path", "spec.schedule.after.orchestrator")
		spec["schedule"] = object{"type": "fivetran", "after": object{"orchestrator": "five", "jobs": []string{}}}
		put().want(422).has("error.path", "spec.schedule.after.jobs")
		spec["schedule"] = object{"type": "fivetran", "after": object{"orchestrator": "five", "jobs": []string{"a_b"}}}
		put().want(200)
		w.send("DELETE", "/api/orchestrators/five", nil).want(409)
		w.times.Tick(t.Context())

		address := strings.TrimPrefix(hook["url"].(string), public)
		body := `{"event":"sync_end","connector_id":"a_b","data":{"status":"SUCCESSFUL"}}`
		mac := hmac.New(sha256.New, []byte(hook["secret"].(string)))
		mac.Write([]byte(body))
		signature := hex.EncodeToString(mac.Sum(nil))
		w.key = ""
		w.send("POST", address, body).want(401).has("error.code", "orchestrator.bad_signature")
		w.send("POST", address, body+" ", "X-Fivetran-Signature-256", signature).want(401)
		w.send("POST", strings.Replace(address, "/1/", "/2/", 1), body, "X-Fivetran-Signature-256", signature).want(401)
		w.send("POST", strings.Replace(address, "/1/", "/x/", 1), body, "X-Fivetran-Signature-256", signature).want(400)
		w.send("POST", address, strings.Repeat(" ", 2<<20), "X-Fivetran-Signature-256", signature).want(413)
		w.key = bootstrapKey
		w.ok("GET", "/api/syncs/people-to-crm/runs", nil).has("items", "[]")
		w.key = ""
		w.send("POST", address, body, "X-Fivetran-Signature-256", signature).want(200)
		w.clock.Advance(1e9)
		w.times.Tick(t.Context())
		w.key = bootstrapKey
		w.ok("GET", "/api/syncs/people-to-crm/runs", nil).has("items.0.trigger", "schedule")
	})
}
