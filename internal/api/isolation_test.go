package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// operation is one of the API description.
type operation struct {
	method, path, id string
}

// operations reads what the API says of itself, so that what is new is tested too.
func (w *world) operations() []operation {
	w.t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		} `json:"paths"`
	}
	w.must(json.Unmarshal([]byte(w.ok("GET", "/api/openapi.json", nil).body), &doc))
	var all []operation
	for path, methods := range doc.Paths {
		for method, o := range methods {
			all = append(all, operation{strings.ToUpper(method), path, o.OperationID})
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	if len(all) < 40 {
		w.t.Fatalf("only %d operations are described", len(all))
	}
	return all
}

// v1Operations are those of the compatible API, which describes itself elsewhere.
var v1Operations = []operation{
	{"GET", "/api/v1/sources", ""}, {"GET", "/api/v1/destinations", ""}, {"GET", "/api/v1/models", ""}, {"GET", "/api/v1/syncs", ""},
	{"POST", "/api/v1/sources", ""}, {"POST", "/api/v1/destinations", ""}, {"POST", "/api/v1/models", ""}, {"POST", "/api/v1/syncs", ""},
	{"GET", "/api/v1/sources/{source}", ""}, {"GET", "/api/v1/destinations/{destination}", ""}, {"GET", "/api/v1/models/{model}", ""}, {"GET", "/api/v1/syncs/{sync}", ""},
	{"PATCH", "/api/v1/sources/{source}", ""}, {"PATCH", "/api/v1/destinations/{destination}", ""}, {"PATCH", "/api/v1/models/{model}", ""}, {"PATCH", "/api/v1/syncs/{sync}", ""},
	{"GET", "/api/v1/syncs/{sync}/runs", ""}, {"POST", "/api/v1/syncs/{sync}/trigger", ""}, {"POST", "/api/v1/syncs/trigger", ""},
	{"GET", "/api/v1/sync-sequences", ""}, {"POST", "/api/v1/sync-sequences/{sequence}/trigger", ""}, {"GET", "/api/v1/sync-sequences/{sequence}/runs", ""},
	{"GET", "/api/v1/sync-sequences/runs/{sequenceRun}", ""},
}

// fill puts ids and slugs of workspace 1 into a path.
func (w *world) fill(path string, ids map[string]int64) string {
	slugs := map[string]string{"sources": "shop", "models": "people", "destinations": "crm", "syncs": "people-to-crm", "sequences": "all", "alert-channels": "on-call", "storages": "lake", "monitors": "dashboards", "tunnels": "office", "credentials": "amazon", "dbt-projects": "shop-dbt", "orchestrators": "five", "bi-tools": "looks"}
	for plural, slug := range slugs {
		if strings.HasPrefix(path, "/api/"+plural+"/") {
			path = strings.Replace(path, "{slug}", slug, 1)
		}
	}
	number := ids["run"]
	if strings.HasPrefix(path, "/api/keys/") {
		number = ids["key"]
	}
	if strings.HasPrefix(path, "/api/saved-filters/") {
		number = ids["savedFilter"]
	}
	if strings.HasPrefix(path, "/api/sequence-runs/") {
		number = ids["sequenceRun"]
	}
	path = strings.NewReplacer("{id}", strconv.FormatInt(number, 10), "{ordinal}", "0", "{list}", "objects", "{node}", "model.shop.people", "{trigger}", "fatal").Replace(path)
	for name, id := range ids {
		path = strings.ReplaceAll(path, "{"+name+"}", strconv.FormatInt(id, 10))
	}
	if strings.Contains(path, "{") {
		w.t.Fatalf("the test does not know how to fill %s", path)
	}
	return path
}

// ids returns the numbers of what workspace 1 has.
func (w *world) ids() map[string]int64 {
	ids := map[string]int64{}
	for _, kind := range []string{"source", "model", "destination", "sync"} {
		ids[kind] = w.ok("GET", "/api/v1/"+kind, nil).id("data.0.id")
	}
	ids["key"] = w.ok("GET", "/api/keys", nil).id("items.0.id")
	ids["run"] = w.ok("POST", "/api/syncs/people-to-crm/trigger", nil).id("run.id")
	ids["sequence"] = w.ok("POST", "/api/sequences", document("all", "All People", sequenceSpec())).id("metadata.id")
	ids["savedFilter"] = w.ok("POST", "/api/saved-filters", object{"kind": "syncs", "name": "People's", "query": "status=failed", "shared": true}).id("id")
	ids["sequenceRun"] = w.ok("POST", "/api/sequences/all/trigger", nil).id("run.id")
	return ids
}

// bodyFor is a body that an operation would accept of workspace 1.
func bodyFor(o operation) any {
	specs := map[string]object{"source": sourceSpec(), "model": modelSpec(), "destination": destinationSpec(), "sync": syncSpec(), "sequence": sequenceSpec(), "alert-channel": channelSpec(), "storage": storageSpec(), "monitor": monitorSpec(), "tunnel": tunnelSpec(), "credential": credentialSpec(), "dbt-project": dbtSpec(), "orchestrator": orchestratorSpec("https://api.example.com"), "bi-tool": biSpec("https://bi.example.com")}
	for kind, spec := range specs {
		if o.id == "update-"+kind || o.id == "create-"+kind || o.id == "validate-"+kind {
			return object{"metadata": object{"name": "Intruder"}, "spec": spec}
		}
	}
	switch o.id {
	case "apply":
		return object{"documents": []object{{"kind": "sync", "metadata": object{"slug": "x", "name": "X"}, "spec": syncSpec()}}}
	case "test-source", "test-destination", "list-source-options", "list-destination-options":
		return object{"type": "memory", "slug": map[string]string{"test-source": "shop", "test-destination": "crm", "list-source-options": "shop", "list-destination-options": "crm"}[o.id], "configuration": object{"host": "evil", "place": "evil", "password": object{"$secret": "set"}}}
	case "test-alert-channel":
		return object{"type": "pagerduty", "slug": "on-call", "configuration": object{"routingKey": object{"$secret": "set"}, "baseUrl": "https://evil.example.com"}}
	case "test-storage":
		return object{"type": "s3", "slug": "lake", "configuration": object{"bucket": "evil", "secretAccessKey": object{"$secret": "set"}}}
	case "test-credential":
		return object{"type": "aws", "slug": "amazon", "configuration": object{"accessKeyId": "AKIA", "secretAccessKey": object{"$secret": "set"}, "stsEndpoint": "https://evil.example.com"}}
	case "switch-storage":
		return object{"to": "lake"}
	case "preview-model":
		return object{"source": "shop", "method": "sql", "sql": "SELECT 1"}
	case "list-options", "list-form", "list-fields":
		return object{"spec": object{"type": "record"}}
	case "suggest-mappings":
		return object{"model": "people", "fields": []string{"id"}}
	case "test-row":
		return object{"key": "1", "operation": "added"}
	case "try-mapping":
		return object{"mapping": object{"to": "x", "from": "name"}}
	case "create-folder":
		return object{"path": "Intruders"}
	case "move-folder":
		return object{"path": "Sales", "to": "Intruders"}
	case "update-saved-filter":
		return object{"name": "Mine", "query": "status=failed"}
	case "create-saved-filter":
		return object{"kind": "syncs", "name": "Mine", "query": "status=failed"}
	case "bulk":
		return object{"kind": "syncs", "slugs": []string{"people-to-crm"}, "action": "delete"}
	case "make-key":
		return object{"name": "Mine"}
	}
	if o.method == "POST" || o.method == "PATCH" || o.method == "PUT" {
		return object{}
	}
	return nil
}

// Req: API-02
func TestEveryOperationNeedsAnIdentity(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		w.ok("POST", "/api/storages", document("lake", "People's lake", storageSpec()))
		w.ok("POST", "/api/monitors", document("dashboards", "Dashboards", monitorSpec()))
		w.ok("POST", "/api/tunnels", document("office", "People's office", tunnelSpec()))
		w.ok("POST", "/api/credentials", document("amazon", "People's cloud", credentialSpec()))
		w.ok("POST", "/api/dbt-projects", document("shop-dbt", "Shop's dbt", dbtSpec()))
		w.ok("PUT", "/api/dbt-projects/shop-dbt/manifest", dbtManifest())
		w.ok("POST", "/api/orchestrators", document("five", "Shop's loads", orchestratorSpec("https://api.example.com")))
		w.ok("POST", "/api/bi-tools", document("looks", "Shop's Looks", biSpec("https://bi.example.com")))
		ids := w.ids()
		all := append(w.operations(), v1Operations...)
		all = append(all, operation{"GET", "/api/events", "events"})
		w.key = ""
		for _, o := range all {
			if o.id == "sign-in" {
				continue
			}
			for _, headers := range [][]string{nil, {"Authorization", "Bearer wrong"}, {"Cookie", "millrace_session=wrong"}} {
				a := w.send(o.method, w.fill(o.path, ids), bodyFor(o), headers...)
				a.want(401)
				if strings.Contains(a.body, "Shop") || strings.Contains(a.body, "People") {
					t.Errorf("%s tells %s", a.what, a.body)
				}
			}
		}
	})
}

func TestSessionsNeedTheirToken(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		w.ok("POST", "/api/storages", document("lake", "People's lake", storageSpec()))
		w.ok("POST", "/api/monitors", document("dashboards", "Dashboards", monitorSpec()))
		w.ok("POST", "/api/tunnels", document("office", "People's office", tunnelSpec()))
		w.ok("POST", "/api/credentials", document("amazon", "People's cloud", credentialSpec()))
		w.ok("POST", "/api/dbt-projects", document("shop-dbt", "Shop's dbt", dbtSpec()))
		w.ok("PUT", "/api/dbt-projects/shop-dbt/manifest", dbtManifest())
		w.ok("POST", "/api/orchestrators", document("five", "Shop's loads", orchestratorSpec("https://api.example.com")))
		w.ok("POST", "/api/bi-tools", document("looks", "Shop's Looks", biSpec("https://bi.example.com")))
		ids := w.ids()
		s := w.signIn()
		all := w.operations()
		w.key = ""
		for _, o := range all {
			if o.id == "sign-in" || o.method == "GET" {
				continue
			}
			for _, token := range []string{"", "wrong"} {
				w.send(o.method, w.fill(o.path, ids), bodyFor(o), "Cookie", s.cookie, "X-CSRF-Token", token).want(403).has("error.code", "access.csrf")
			}
		}
		w.ok("POST", "/api/syncs/people-to-crm/disable", nil, "Cookie", s.cookie, "X-CSRF-Token", s.csrf)
		w.ok("GET", "/api/syncs", nil, "Cookie", s.cookie)
	})
}

// Nobody of another workspace reads or changes anything, whatever the operation.
func TestWorkspacesAreIsolated(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		w.ok("POST", "/api/storages", document("lake", "People's lake", storageSpec()))
		w.ok("POST", "/api/monitors", document("dashboards", "Dashboards", monitorSpec()))
		w.ok("POST", "/api/tunnels", document("office", "People's office", tunnelSpec()))
		w.ok("POST", "/api/credentials", document("amazon", "People's cloud", credentialSpec()))
		w.ok("POST", "/api/dbt-projects", document("shop-dbt", "Shop's dbt", dbtSpec()))
		w.ok("PUT", "/api/dbt-projects/shop-dbt/manifest", dbtManifest())
		w.ok("POST", "/api/orchestrators", document("five", "Shop's loads", orchestratorSpec("https://api.example.com")))
		w.ok("POST", "/api/bi-tools", document("looks", "Shop's Looks", biSpec("https://bi.example.com")))
		ids := w.ids()
		w.source.rows = [][]string{{"1", "Ada", "a"}}
		w.work()
		w.ok("GET", "/api/sources/shop/tables", nil)
		before := w.everything()
		all := append(w.operations(), v1Operations...)
		mine := w.key
		w.key = w.second()
		for _, o := range all {
			if strings.HasSuffix(o.path, "/session") {
				continue
			}
			path := w.fill(o.path, ids)
			a := w.send(o.method, path, bodyFor(o))
			w.clock.Advance(1e9)
			if strings.Contains(o.path, "{") && a.status != 404 {
				t.Errorf("%s: %d %s", a.what, a.status, a.body)
			}
			for _, word := range []string{"Shop", "People", "CRM", "On call", "Ada", adminEmail, "hunter2", "s3same", "routing-key"} {
				if strings.Contains(a.body, word) {
					t.Errorf("%s tells %s", a.what, a.body)
				}
			}
		}
		for _, b := range []object{{"syncId": ids["sync"]}, {"syncSlug": "people-to-crm"}} {
			if a := w.send("POST", "/api/v1/syncs/trigger", b); a.status != 404 && a.status != 422 {
				t.Errorf("%s: %d %s", a.what, a.status, a.body)
			}
		}
		w.ok("GET", fmt.Sprintf("/api/v1/syncs?modelId=%d", ids["model"]), nil).has("data", "[]")
		if len(w.noticed) > 0 {
			t.Errorf("a test notice went out by %v", w.noticed)
		}
		w.key = mine
		if after := w.everything(); after != before {
			t.Errorf("workspace 1 was\n%s\nand is\n%s", before, after)
		}
	})
}

// everything is what workspace 1 has, as text.
func (w *world) everything() string {
	w.t.Helper()
	var all strings.Builder
	for _, path := range []string{"sources", "models", "destinations", "syncs", "syncs/people-to-crm/runs", "syncs/people-to-crm/activity", "syncs/people-to-crm/alerts", "alert-channels", "monitors", "sequences", "sequences/all/runs", "sequences/all/activity", "sources/shop/versions", "folders", "usage", "runs/days", "storages", "storage", "storage/syncs", "tunnels", "credentials"} {
		fmt.Fprintln(&all, w.ok("GET", "/api/"+path, nil).body)
	}
	fmt.Fprintln(&all, w.ok("GET", "/api/keys", nil).list("items", "id"))
	return all.String()
}
