package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
)

func TestDocuments(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		made := w.ok("POST", "/api/models", object{"metadata": object{"name": "People"}, "spec": modelSpec()}).want(201)
		made.has("metadata.slug", "people-2").has("metadata.revision", 1).has("metadata.createdBy", adminEmail).has("kind", "model").has("status.syncCount", 0).has("status.source.name", "Shop")
		w.send("POST", "/api/models", document("people", "Again", modelSpec())).want(409).has("error.code", "resource.conflict").has("error.path", "metadata.slug")
		w.send("POST", "/api/models", document("No Slug", "Again", modelSpec())).want(422).has("error.path", "metadata.slug")

		changed := modelSpec()
		changed["sql"] = "SELECT 2"
		put := w.ok("PUT", "/api/models/people", object{"metadata": object{"name": "Persons", "revision": 1}, "spec": changed})
		put.has("metadata.revision", 2).has("metadata.name", "Persons").has("metadata.slug", "people").has("spec.sql", "SELECT 2").has("metadata.id", w.ok("GET", "/api/models/people", nil).id("metadata.id"))
		stale := w.send("PUT", "/api/models/people", object{"metadata": object{"name": "Mine", "revision": 1}, "spec": changed}).want(409)
		stale.has("error.code", "resource.stale_revision").has("error.path", "metadata.revision").has("error.suggestion", "Somebody changed it meanwhile: load it again and repeat the change.")
		w.ok("GET", "/api/models/people", nil).has("metadata.name", "Persons")
		read := w.ok("GET", "/api/models/people", nil)
		w.ok("PUT", "/api/models/people", read.body).has("metadata.revision", 3) // what was read can be sent back
		w.send("PUT", "/api/models/people", document("other", "Persons", changed)).want(422).has("error.path", "metadata.slug")
		w.send("PUT", "/api/models/people", object{"kind": "sync", "metadata": object{"name": "P"}, "spec": changed}).want(422).has("error.path", "kind")
		w.send("PUT", "/api/models/nobody", object{"metadata": object{"name": "P"}, "spec": changed}).want(404).has("error.code", "resource.not_found")

		versions := w.ok("GET", "/api/models/people/versions", nil).lists("items", "revision", "3", "2", "1").has("items.2.spec.sql", "SELECT 1").has("items.1.spec.sql", "SELECT 2")
		versions.has("items.0.by", adminEmail).has("total", 3)
		w.ok("POST", "/api/syncs/people-to-crm/trigger", nil)
		w.ok("POST", "/api/syncs/people-to-crm/disable", nil).has("spec.disabled", true).has("status.state", "queued")
		w.ok("POST", "/api/syncs/people-to-crm/enable", nil).has("spec.disabled", false)
		w.ok("GET", "/api/syncs/people-to-crm/activity", nil).lists("items", "action", "updated", "updated", "triggered", "created").lists("items", "summary", "enabled", "disabled", fmt.Sprintf("run %d", w.ok("GET", "/api/syncs/people-to-crm", nil).id("status.lastRun.id")), "")

		w.ok("GET", "/api/models/people/references", nil).lists("items", "slug", "people-to-crm").has("items.0.kind", "sync").has("items.0.name", "People to CRM")
		for path, by := range map[string]string{"sources/shop": `model "people"`, "models/people": `sync "people-to-crm"`, "destinations/crm": `sync "people-to-crm"`} {
			a := w.send("DELETE", "/api/"+path, nil).want(409).has("error.code", "resource.referenced")
			if !strings.Contains(a.body, strings.ReplaceAll(by, `"`, `\"`)) {
				t.Errorf("%s does not name %s: %s", a.what, by, a.body)
			}
		}
		w.send("DELETE", "/api/syncs/people-to-crm?revision=1", nil).want(409).has("error.code", "resource.stale_revision")
		w.ok("DELETE", "/api/syncs/people-to-crm?revision=3", nil)
		w.send("GET", "/api/syncs/people-to-crm", nil).want(404)
		w.send("GET", "/api/syncs/people-to-crm/versions", nil).want(404)
		w.ok("DELETE", "/api/models/people", nil)
	})
}

func TestLists(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		w.ok("POST", "/api/sources", document("second", "Second", sourceSpec()))
		other := modelSpec()
		other["source"] = "second"
		w.ok("POST", "/api/models", document("others", "Others", other))
		for i, f := range []struct{ name, folder, team, model string }{
			{"Alpha 100%", "Sales", "crm", "people"}, {"beta_1", "Sales/EU", "crm", "others"}, {"Gamma", "Sales_EU", "web-2", "others"}, {"betaX1", "", "Team two", "people"},
		} {
			spec := syncSpec()
			spec["model"] = f.model
			w.ok("POST", "/api/syncs", object{"metadata": object{"slug": fmt.Sprintf("s%d", i), "name": f.name, "folder": f.folder, "labels": object{"team": f.team}}, "spec": spec})
		}
		list := func(query string, want ...string) answer {
			t.Helper()
			return w.ok("GET", "/api/syncs?"+query, nil).lists("items", "metadata.slug", want...)
		}
		list("", "s0", "s1", "s3", "s2", "people-to-crm").has("total", 5).has("nextCursor", nil)
		list("sort=-name&limit=2", "people-to-crm", "s2").has("total", 5).has("nextCursor", "2")
		list("sort=-name&limit=2&cursor=2", "s3", "s1").has("nextCursor", "4")
		list("sort=-name&limit=2&cursor=4", "s0").has("nextCursor", nil)
		list("sort=id&limit=1", "people-to-crm")
		list("sort=-createdAt&limit=1", "s3")
		list("search=BETA", "s1", "s3")
		list("search="+url.QueryEscape("100%"), "s0")
		list("search=beta_", "s1")
		list("label=team:crm", "s0", "s1")
		list("label="+url.QueryEscape("team:Team two"), "s3")
		list("label=team:Crm")
		list("notLabel=team:crm", "s3", "s2", "people-to-crm")
		list("label=team:crm&folder=Sales/EU", "s1")
		list("folder=Sales", "s0", "s1")
		list("source=second", "s1", "s2")
		list("source=shop&label=team:crm", "s0")
		list("model=others&destination=crm", "s1", "s2")
		list("destination=nobody")
		list("createdBy="+adminEmail+"&limit=1", "s0").has("total", 5)
		list("createdBy=bob@example.com")
		w.ok("GET", "/api/models?source=second", nil).lists("items", "metadata.slug", "others")
		w.ok("GET", "/api/folders", nil).lists("items", "path", "Sales", "Sales/EU", "Sales_EU")
		for query, path := range map[string]string{"sort=colour": "sort", "cursor=x": "cursor", "label=team": "label", "status=happy": "status", "limit=0": "limit", "limit=many": "limit"} {
			w.send("GET", "/api/syncs?"+query, nil).want(422).has("error.path", path)
		}
		for _, labels := range []object{{"a:b": "c"}, {"a": "b@c"}, {" ": "x"}} {
			w.send("PUT", "/api/syncs/s0", object{"metadata": object{"name": "x", "labels": labels}, "spec": syncSpec()}).want(422)
		}
		w.ok("PUT", "/api/syncs/s0", object{"metadata": object{"name": "x", "labels": object{"Größe 1_a-b": "é"}}, "spec": syncSpec()}).has("metadata.labels.Größe 1_a-b", "é")
	})
}

// Pages and totals are those of what the filter leaves.
//
// Req: SY-03
func TestStatusFilter(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		for i := range 7 {
			spec := syncSpec()
			spec["disabled"] = i == 6
			w.ok("POST", "/api/syncs", document(fmt.Sprintf("s%d", i), fmt.Sprintf("S%d", i), spec))
		}
		for _, i := range []int{1, 3, 5} {
			w.ok("POST", fmt.Sprintf("/api/syncs/s%d/trigger", i), nil)
		}
		w.ok("GET", "/api/syncs?status=queued&limit=2", nil).lists("items", "metadata.slug", "s1", "s3").has("total", 3).has("nextCursor", "2")
		w.ok("GET", "/api/syncs?status=queued&limit=2&cursor=2", nil).lists("items", "metadata.slug", "s5").has("total", 3).has("nextCursor", nil)
		w.ok("GET", "/api/syncs?status=pending&sort=-name", nil).lists("items", "metadata.slug", "s4", "s2", "s0", "people-to-crm").has("total", 4)
		w.ok("GET", "/api/syncs?status=disabled", nil).lists("items", "metadata.slug", "s6").has("items.0.status.label", "Disabled")
		w.work()
		w.ok("GET", "/api/syncs?status=healthy&limit=1", nil).has("total", 3)
		w.ok("GET", "/api/syncs?status=queued", nil).has("total", 0).has("items", "[]")
	})
}

func TestValidation(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		bad := object{
			"model": "nobody", "destination": "crm", "type": "record", "mode": "sideways", "colour": "red",
			"schedule": object{"type": "interval", "interval": object{"unit": "hour", "quantity": 1, "jitter": 5}}, "mappings": []object{{"to": "a", "from": "id"}, {"to": "b", "from": "id", "shade": 1}},
		}
		unknown := w.send("POST", "/api/syncs", document("x", "X", bad)).want(422)
		unknown.lists("error.issues", "path", "spec.colour", "spec.mappings[1].shade", "spec.schedule.interval.jitter").lists("error.issues", "code", "input.unknown_field", "input.unknown_field", "input.unknown_field")
		delete(bad, "colour")
		bad["schedule"], bad["mappings"] = object{"type": "cron", "cron": "x"}, []object{{"to": "", "from": "id"}}
		issues := w.ok("POST", "/api/validate/syncs", document("", "", bad))
		for _, path := range []string{"metadata.name", "spec.mode", "spec.schedule.cron", "spec.mappings[0].to", "spec.model"} {
			if !strings.Contains(issues.body, fmt.Sprintf(`"path":%q`, path)) {
				t.Errorf("nothing about %s: %s", path, issues.body)
			}
		}
		w.ok("POST", "/api/validate/syncs", document("", "X", syncSpec())).has("issues", "[]")
		w.ok("GET", "/api/syncs", nil).has("total", 1)
		wrongType := modelSpec()
		wrongType["sql"] = 7
		w.send("POST", "/api/models", document("x", "X", wrongType)).want(422).has("error.path", "spec.sql").has("error.message", "spec.sql must be text, not number")
		misspelt := modelSpec()
		misspelt["primaryKay"] = "id"
		w.send("POST", "/api/models", object{"metadata": object{"name": "X"}, "spec": misspelt}).want(422).has("error.message", `there is no field "primaryKay"; did you mean "primaryKey"?`)
		w.send("POST", "/api/models", object{"metadata": object{"name": "X", "colour": "red"}, "spec": modelSpec()}).want(422).has("error.path", "metadata.colour").has("error.code", "input.unknown_field")
		w.send("POST", "/api/sources", document("x", "X", object{"type": "memory", "configuration": object{"host": "h", "password": "x", "hots": 1}})).want(422).has("error.path", "spec.configuration.hots")
		w.send("POST", "/api/sources", document("x", "X", object{"type": "oracle", "configuration": object{}})).want(422).has("error.path", "spec.type")
		w.send("POST", "/api/models", object{"metadata": object{"name": "X"}}).want(422).has("error.path", "spec").has("error.code", "input.required")
	})
}

func TestRequestsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.send("POST", "/api/sources", `{"metadata": `).want(400).has("error.code", "input.malformed").has("error.suggestion", "Send well-formed JSON or YAML.")
		a := w.send("POST", "/api/sources", `x: 1`, "Content-Type", "application/yaml").want(415).has("error.code", "input.media_type")
		if a.at("error.requestId") != a.header.Get("X-Request-Id") || a.at("error.requestId") == "" {
			t.Errorf("the answer carries no request id: %s", a.body)
		}
		w.send("POST", "/api/sources", `{"metadata":{"name":"`+strings.Repeat("x", 11<<20)+`"}}`).want(413).has("error.code", "input.too_large")
		long := modelSpec()
		long["sql"] = "SELECT '" + strings.Repeat("x", 2<<20) + "'"
		w.ok("POST", "/api/sources", document("shop", "Shop", sourceSpec()))
		w.ok("POST", "/api/models", document("long", "Long", long))
		w.send("GET", "/api/nothing", nil).want(404).has("error.message", "there is nothing at /api/nothing").has("error.suggestion", "/api/openapi.json describes every address.")
		method := w.send("PATCH", "/api/sources/shop", object{}).want(405).has("error.code", "input.method_not_allowed").has("error.suggestion", "Use one of the methods that the Allow header names.")
		if method.header.Get("Allow") != "GET, PUT, DELETE" {
			t.Errorf("allowed are %q", method.header.Get("Allow"))
		}
		w.send("GET", "/api/runs/abc", nil).want(422).has("error.path", "id")
		w.must(w.db.Close())
		broken := w.send("GET", "/api/sources", nil).want(500).has("error.code", "internal.error").has("error.message", "Something went wrong on the server.")
		if !strings.Contains(w.log.String(), broken.text("error.requestId")) {
			t.Error("the log does not know the request")
		}
	})
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		const password, token, header = "hunter2-secret", "tok3n-secret", "h3ader-secret"
		spec := func(configuration object) object {
			configuration["host"] = "h"
			return object{"metadata": object{"name": "Shop"}, "spec": object{"type": "memory", "configuration": configuration}}
		}
		var answers strings.Builder
		put := func(configuration object) answer {
			a := w.ok("PUT", "/api/sources/shop", spec(configuration))
			answers.WriteString(a.body)
			return a
		}
		opened := func(want object) {
			t.Helper()
			w.ok("POST", "/api/models/preview", object{"source": "shop", "method": "sql", "sql": "SELECT 1"})
			for name, v := range want {
				if got := w.source.opened[name]; fmt.Sprint(got) != fmt.Sprint(v) {
					t.Errorf("%s is opened as %v, want %v", name, got, v)
				}
			}
		}
		secrets := func(want int) {
			t.Helper()
			n, err := w.db.NewSelect().Table("secrets").Count(t.Context())
			if err != nil || int(n) != want {
				t.Errorf("%d secrets are stored, want %d: %v", n, want, err)
			}
		}
		w.send("POST", "/api/sources", spec(object{"password": object{"$secret": "set"}})).want(422).has("error.path", "spec.configuration.password")
		made := w.ok("POST", "/api/sources", spec(object{
			"password": password, "token": token, "headers": []object{{"name": "X-Key", "value": header, "secret": true}, {"name": "X-Plain", "value": "plain"}},
		}))
		made.has("spec.configuration.password", "map[$secret:set]").has("spec.configuration.headers.0.value", "map[$secret:set]").has("spec.configuration.headers.1.value", "plain")
		answers.WriteString(made.body)
		secrets(3)

		put(object{"headers": made.at("spec.configuration.headers")}) // left out: kept
		opened(object{"password": password, "token": token})
		put(object{"password": object{"$secret": "set"}, "token": object{"$secret": "set"}, "headers": []object{{"name": "X-Plain", "value": "plain"}, {"name": "X-Key", "secret": true}}}) // sent back: kept
		opened(object{"password": password, "headers": []any{object{"name": "X-Plain", "value": "plain"}, object{"name": "X-Key", "secret": true, "value": header}}})
		secrets(3)
		put(object{"token": ""}) // emptied and no header: removed
		opened(object{"password": password, "token": ""})
		secrets(1)
		put(object{"password": "n3w-secret"})
		opened(object{"password": "n3w-secret"})
		secrets(1)
		w.send("PUT", "/api/sources/shop", spec(object{"password": nil})).want(422).has("error.path", "spec.configuration.password")
		w.send("PUT", "/api/sources/shop", spec(object{"password": 7})).want(422)
		w.ok("POST", "/api/sources/test", object{"type": "memory", "slug": "shop", "configuration": object{"host": "h"}}).has("ok", true)
		if w.source.opened["password"] != "n3w-secret" {
			t.Errorf("the test ran with %v", w.source.opened)
		}

		for _, path := range []string{"sources", "sources/shop", "sources/shop/versions", "sources/shop/activity", "v1/sources"} {
			answers.WriteString(w.ok("GET", "/api/"+path, nil).body)
		}
		apply := object{"documents": []object{{"kind": "source", "metadata": object{"slug": "shop", "name": "Shop"}, "spec": object{"type": "memory", "configuration": object{"host": "other", "password": "n3w-secret"}}}}}
		changes := w.ok("POST", "/api/apply", apply)
		changes.lists("results.0.changes", "path", "spec.configuration.host")
		answers.WriteString(changes.body)
		stored := w.dump("documents", "spec") + w.dump("document_versions", "spec") + w.dump("activity", "summary") + w.dump("secrets", "sealed")
		for _, s := range []string{password, token, header, "n3w-secret"} {
			for where, text := range map[string]string{"an answer": answers.String(), "the database": stored, "the log": w.log.String()} {
				if strings.Contains(text, s) {
					t.Errorf("%s has %s", where, s)
				}
			}
		}
		w.ok("DELETE", "/api/sources/shop", nil)
		secrets(0)
	})
}

// dump is a column as text.
func (w *world) dump(table, column string) string {
	w.t.Helper()
	var all []string
	w.must(w.db.NewSelect().Table(table).Column(column).Scan(w.t.Context(), &all))
	return strings.Join(all, "\n")
}

func TestApply(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		of := func(kind, slug string, spec object) object {
			return object{"kind": kind, "metadata": object{"slug": slug, "name": slug, "labels": object{"by": "file"}}, "spec": spec}
		}
		all := []object{of("sync", "people-to-crm", syncSpec()), of("model", "people", modelSpec()), of("destination", "crm", destinationSpec()), of("source", "shop", sourceSpec())}
		trial := w.ok("POST", "/api/apply", object{"documents": all, "dryRun": true})
		trial.lists("results", "action", "created", "created", "created", "created").lists("results", "slug", "people-to-crm", "people", "crm", "shop")
		w.ok("GET", "/api/syncs", nil).has("total", 0)
		w.ok("POST", "/api/apply", object{"documents": all}).lists("results", "action", "created", "created", "created", "created")
		again := w.ok("POST", "/api/apply", object{"documents": all})
		again.lists("results", "action", "unchanged", "unchanged", "unchanged", "unchanged")
		w.ok("GET", "/api/syncs/people-to-crm", nil).has("metadata.revision", 1)

		all[1]["spec"].(object)["sql"] = "SELECT 3"
		all[3]["spec"].(object)["configuration"].(object)["password"] = "another-secret"
		trial = w.ok("POST", "/api/apply", object{"documents": all, "dryRun": true})
		trial.lists("results", "action", "unchanged", "updated", "unchanged", "updated").has("results.1.changes.0", "map[from:SELECT 1 path:spec.sql to:SELECT 3]")
		if strings.Contains(trial.body, "another-secret") {
			t.Error("a change shows a secret")
		}
		w.ok("GET", "/api/models/people", nil).has("spec.sql", "SELECT 1")

		all[0]["spec"].(object)["mode"] = "sideways"
		refused := w.send("POST", "/api/apply", object{"documents": all}).want(422)
		if !strings.Contains(refused.body, "sync people-to-crm: spec.mode") {
			t.Errorf("the document is not named: %s", refused.body)
		}
		w.ok("GET", "/api/models/people", nil).has("spec.sql", "SELECT 1").has("metadata.revision", 1)
		w.send("POST", "/api/apply", object{"documents": []object{of("widget", "x", modelSpec())}}).want(422)
		w.send("POST", "/api/apply", object{"documents": []object{{"kind": "model", "metadata": object{"name": "X"}, "spec": modelSpec()}}}).want(422)
	})
}

func TestTables(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.ok("POST", "/api/sources", document("shop", "Shop", sourceSpec()))
		read := func(query string, want int) {
			t.Helper()
			w.ok("GET", "/api/sources/shop/tables"+query, nil).has("items.0.ref.name", "people")
			if w.source.asked != want {
				t.Errorf("the source was asked %d times, want %d", w.source.asked, want)
			}
		}
		read("", 1)
		read("", 1)
		read("?refresh=true", 2)
		w.ok("PUT", "/api/sources/shop", document("shop", "Shop", sourceSpec()))
		read("", 3)
		read("", 3)
	})
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		for _, path := range []string{"/", "/syncs/x", "/api/sources", "/healthz"} {
			h := w.send("GET", path, nil).want(200).header
			for name, want := range map[string]string{
				"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
				"X-Content-Type-Options":  "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
			} {
				if h.Get(name) != want {
					t.Errorf("%s: %s is %q", path, name, h.Get(name))
				}
			}
			if (h.Get("Cache-Control") == "no-store") != strings.HasPrefix(path, "/api/") {
				t.Errorf("%s: Cache-Control is %q", path, h.Get("Cache-Control"))
			}
		}
		w.send(http.MethodGet, "/assets/none.js", nil).want(404)
	})
}

// Req: M-13, S-89
func TestPreview(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		w.source.rows = [][]string{{"1", "Ada", "a"}, {"2", "Bob", "b"}, {"3", "Cyd", "c"}}
		ask := object{"source": "shop", "method": "sql", "sql": "SELECT 1;", "limit": 2}
		w.ok("POST", "/api/models/preview", ask).lists("columns", "name", "id", "name", "email").has("rows", "[[1 Ada a] [2 Bob b]]").has("truncated", true).has("rowCount", nil)
		if w.source.class != connector.WorkloadInteractive {
			w.t.Errorf("somebody waits for a query of the class %q", w.source.class)
		}
		ask["limit"] = 0
		w.ok("POST", "/api/models/preview", ask).has("rows.2.1", "Cyd").has("truncated", false)
		w.source.fail = queryFailed("syntax error at or near SELEC")
		w.send("POST", "/api/models/preview", ask).want(422).has("error.code", "source.query_failed").has("error.message", "syntax error at or near SELEC")
		w.send("POST", "/api/models/preview", object{"source": "shop", "method": "sql", "sql": " "}).want(422).has("error.path", "sql")
		w.send("POST", "/api/models/preview", object{"source": "nobody", "method": "sql", "sql": "x"}).want(404)
		w.ok("POST", "/api/sources/test", object{"type": "memory", "slug": "shop", "configuration": object{"host": "h"}}).has("ok", false).has("error.message", "syntax error at or near SELEC")
		w.clock.Advance(time.Second)
	})
}

// A preview can be narrowed to the rows for which a condition holds: the source is asked for them.
//
// Req: AUD-2, AUD-4, AUD-8
func TestPreviewIsFiltered(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		columns := []object{{"name": "id", "type": "string"}, {"name": "name", "type": "string"}, {"name": "seen", "type": "timestamp"}}
		since := object{"property": object{"column": "seen", "operator": "after", "from": object{"at": "2026-05-31"}}}
		named := object{"property": object{"column": "name", "operator": "equals", "values": []any{"O'Brien"}}}
		ask := object{"source": "shop", "method": "sql", "sql": "SELECT 1 -- all", "columns": columns, "zone": "Europe/Berlin", "filter": object{"all": []object{named, since}}}
		w.ok("POST", "/api/models/preview", ask)
		for _, want := range []string{"SELECT 1 -- all\n", "O''Brien", "2026-05-31T22:00:00.000Z"} {
			if !strings.Contains(w.source.last, want) {
				t.Errorf("%q is not in %s", want, w.source.last)
			}
		}
		ask["filter"] = object{"any": []object{named, {"property": object{"column": "surname", "operator": "exists"}}}}
		w.send("POST", "/api/models/preview", ask).want(422).has("error.path", "filter.any.1.property.column")
		ask["filter"], ask["zone"] = named, "Mars/Olympus"
		w.send("POST", "/api/models/preview", ask).want(422).has("error.path", "zone")
	})
}
