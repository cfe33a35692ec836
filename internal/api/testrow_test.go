package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/fault"
)

// Req: SY-11
func TestARowIsTested(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		w.source.rows = threePeople
		const path = "/api/syncs/people-to-crm/test-row"
		w.ok("GET", path, nil).lists("rows", "key", "1", "2", "3").lists("columns", "name", "id", "name", "email").
			has("rows.1.values.1", "Bob").has("operations", "[added changed removed]").
			has("columns.0.used", true).has("columns.0.fixed", "it is the primary key, by which the row is known").has("columns.1.fixed", nil).has("columns.2.used", false)
		w.ok("GET", path+"?key=2", nil).lists("rows", "key", "2")
		w.send("GET", path+"?key=9", nil).want(http.StatusNotFound).has("error.path", "key")

		w.ok("POST", path, object{"key": "2", "operation": "added", "values": object{"name": object{"type": "string", "value": "Bobby"}}}).
			has("outcome", "succeeded").has("key", 2).has("values.name", "Bobby").has("columns", "[id name email]").has("error", nil).has("exchanges", "[]")
		if w.target.have["2"] != "Bobby" || w.target.writes != 1 {
			t.Errorf("the destination has %v after %d writes", w.target.have, w.target.writes)
		}
		w.target.refuse = "2"
		w.ok("POST", path, object{"key": "2", "operation": "changed"}).has("outcome", "rejected").has("reason", "no such person")
		w.target.before = func(int64) error { return fault.New(fault.CodeDestinationAuth, "401 bad key") }
		w.ok("POST", path, object{"key": "2", "operation": "added"}).has("outcome", "not_sent").has("error.code", fault.CodeDestinationAuth).has("error.message", "401 bad key")
		w.target.before, w.target.refuse = nil, ""

		w.send("POST", path, object{"key": "2", "operation": "moved"}).want(http.StatusUnprocessableEntity)
		w.send("POST", path, object{"key": "", "operation": "added"}).want(http.StatusUnprocessableEntity).has("error.path", "key")
		w.send("POST", path, object{"key": "9", "operation": "added"}).want(http.StatusNotFound)
		w.send("POST", path, object{"key": "2", "operation": "added", "values": object{"id": object{"type": "string", "value": "3"}}}).
			want(http.StatusUnprocessableEntity).has("error.path", "values.id")
		w.send("POST", path, object{"key": "2", "operation": "added", "values": object{"name": object{"type": "number", "value": "many"}}}).
			want(http.StatusUnprocessableEntity).has("error.path", "values.name")
		w.send("POST", "/api/syncs/nothing/test-row", object{"key": "2", "operation": "added"}).want(http.StatusNotFound)

		w.ok("GET", "/api/syncs/people-to-crm/runs", nil).has("items", "[]")
		activity := w.ok("GET", "/api/syncs/people-to-crm/activity", nil)
		if got := activity.list("items", "summary"); strings.Join(got[:3], "; ") != "a row as added: not sent; a row as changed: rejected; a row as added: succeeded" {
			t.Errorf("the activity says %v", got)
		}
		if strings.Contains(activity.body, "Bob") || strings.Contains(w.log.String(), "Bob") {
			t.Error("the activity or the log tells of a customer")
		}
	})
}

// A test shows requests as the request log does: what is secret is not in them. Nobody of another workspace tests.
//
// Req: SY-11, SY-74
func TestATestedRowKeepsSecrets(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		var got http.Header
		receiver := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			got = r.Header
			rw.Header().Set("X-Trace", "t-77")
			rw.WriteHeader(http.StatusUnprocessableEntity)
			if _, err := rw.Write([]byte(`{"error":"no Bobs, and hunter2-secret is shown"}`)); err != nil {
				t.Error(err)
			}
		}))
		t.Cleanup(receiver.Close)
		w.furnish()
		w.source.rows = threePeople
		w.ok("POST", "/api/destinations", document("hook", "Hook", object{"type": "http-request", "configuration": object{
			"baseUrl": receiver.URL, "headers": []object{{"name": "Authorization", "value": "Bearer hunter2-secret", "secret": true}},
		}}))
		w.ok("POST", "/api/syncs", document("people-to-hook", "People to hook", object{
			"model": "people", "destination": "hook", "type": "request", "mode": "trigger", "schedule": object{"type": "manual"}, "disabled": false,
			"settings": object{"added": object{"enabled": true, "url": "/people/{{ row.id }}", "body": "json", "json": `{"name": "{{ row.name }}"}`}},
		}))
		const path = "/api/syncs/people-to-hook/test-row"
		a := w.ok("POST", path, object{"key": "2", "operation": "added"})
		a.has("outcome", "rejected").has("exchanges.0.method", "POST").has("exchanges.0.url", receiver.URL+"/people/2").has("exchanges.0.requestBody", `{"name":"Bob"}`).has("exchanges.0.status", 422)
		if got.Get("Authorization") != "Bearer hunter2-secret" {
			t.Errorf("the request was sent with %v", got)
		}
		if strings.Contains(a.body, "hunter2-secret") || strings.Contains(w.log.String(), "hunter2-secret") {
			t.Errorf("a secret is shown: %s", a.body)
		}
		if !strings.Contains(a.body, "no Bobs") || !strings.Contains(a.body, "t-77") {
			t.Errorf("the destination's words are missing: %s", a.body)
		}
		w.send("POST", path, object{"key": "2", "operation": "removed"}).want(http.StatusUnprocessableEntity).has("error.code", fault.CodeRunUntestable).has("error.path", "operation")
		w.key = w.second()
		w.send("POST", path, object{"key": "2", "operation": "added"}).want(http.StatusNotFound)
	})
}
