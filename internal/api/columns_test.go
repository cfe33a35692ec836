package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
)

// people reads the model of the furniture.
func (w *world) people() answer { return w.ok("GET", "/api/models/people", nil) }

// Req: M-14, M-15, M-32
func TestRefreshModel(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		w.source.said = map[string]string{"email": "Confirmed by a click"}
		first := w.ok("POST", "/api/models/people/refresh", nil).lists("spec.columns", "name", "id", "name", "email").has("spec.columns.2.description", "Confirmed by a click").has("metadata.revision", 2)
		first.has("status.drift", nil).has("spec.columns.0.description", nil)
		w.ok("GET", "/api/models/people/activity", nil).has("items.0.action", "refreshed")
		w.ok("POST", "/api/models/people/refresh", nil).has("metadata.revision", 2)

		spec, _ := first.at("spec").(object)
		columns, _ := spec["columns"].([]any)
		columns[2].(object)["override"], columns[2].(object)["cast"] = "Work address", "object"
		w.ok("PUT", "/api/models/people", object{"metadata": object{"name": "People"}, "spec": spec}).has("metadata.revision", 3)
		w.source.said = map[string]string{"email": "Checked twice", "id": "Given at sign-up"}
		again := w.ok("POST", "/api/models/people/refresh", object{}).has("metadata.revision", 4).has("spec.columns.2.description", "Checked twice").has("spec.columns.0.description", "Given at sign-up")
		again.has("spec.columns.2.override", "Work address").has("spec.columns.2.cast", "object")

		w.source.fail = queryFailed("relation does not exist")
		w.send("POST", "/api/models/people/refresh", nil).want(422).has("error.message", "relation does not exist").has("error.code", "source.query_failed")
		w.people().has("metadata.revision", 4)
		w.send("POST", "/api/models/nobody/refresh", nil).want(404)
	})
}

// Req: M-15, M-31, M-32
func TestColumnsThatDrift(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		w.ok("POST", "/api/models/people/refresh", nil)
		w.ok("GET", "/api/models/people/uses", nil).lists("items", "column", "id", "id", "id", "name").lists("items", "path", "spec.primaryKey", "spec.match[0].from", "spec.mappings[0].from", "spec.mappings[1].from").
			lists("items", "known", "true", "true", "true", "true").lists("items", "kind", "model", "sync", "sync", "sync").has("items.3.slug", "people-to-crm").has("items.3.name", "People to CRM")

		w.source.columns = []string{"id", "full_name"}
		w.ok("POST", "/api/models/people/refresh", nil).has("metadata.revision", 2).lists("spec.columns", "name", "id", "name", "email").has("status.drift.renamed", "[map[from:name to:full_name]]").lists("status.drift.removed", "name", "email").has("status.drift.added", "[]")
		w.people().lists("status.drift.removed", "name", "email").has("status.drift.seenAt", w.people().text("status.drift.seenAt"))
		w.ok("GET", "/api/models", nil).lists("items.0.status.drift.renamed", "to", "full_name")

		before, _ := w.people().at("spec").(object)
		other, _ := w.people().at("spec").(object)
		other["sql"] = "SELECT 2"
		w.ok("PUT", "/api/models/people", object{"metadata": object{"name": "People"}, "spec": other}).has("status.drift", nil) // another query was not looked at
		w.ok("PUT", "/api/models/people", object{"metadata": object{"name": "Persons", "folder": "A"}, "spec": before}).lists("status.drift.removed", "name", "email")

		w.ok("POST", "/api/models/people/refresh", object{"adopt": true}).lists("spec.columns", "name", "id", "full_name").has("status.drift", nil).has("metadata.name", "Persons").has("metadata.folder", "A")
		w.ok("GET", "/api/models/people/uses", nil).has("items.3.column", "name").has("items.3.known", false).has("items.0.known", true)

		w.source.columns = []string{"full_name"}
		w.send("POST", "/api/models/people/refresh", object{"adopt": true}).want(422).has("error.path", "spec.primaryKey")
		w.people().lists("status.drift.removed", "name", "id")
	})
}

// One model that the source refuses does not keep the others from what it says.
//
// Req: M-14, M-15, S-04
func TestRefreshSource(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		table := object{"source": "shop", "method": "table", "table": object{"schema": "main", "name": "people"}, "primaryKey": "id"}
		broken := modelSpec()
		broken["sql"] = "SELECT broken"
		w.ok("POST", "/api/models", document("a-table", "A table", table))
		w.ok("POST", "/api/models", document("b-broken", "B broken", broken))
		w.source.refuse = "broken"
		asked := w.source.asked
		w.ok("GET", "/api/sources/shop/tables", nil)
		found := w.ok("POST", "/api/sources/shop/refresh", nil).has("tables", 1).lists("models", "slug", "a-table", "b-broken", "people").has("models.1.error.message", "it is broken").has("models.2.error", nil).has("models.0.drifted", false)
		if w.source.asked < asked+5 {
			t.Errorf("the source was asked %d times", w.source.asked-asked)
		}
		w.ok("GET", "/api/sources/shop/tables", nil).has("refreshedAt", found.text("refreshedAt"))
		// The source does not tell the comments of a query's columns: a table has those that discovery found.
		w.ok("GET", "/api/models/a-table", nil).lists("spec.columns", "name", "id", "name", "email").has("spec.columns.0.description", "Found by discovery").has("spec.columns.1.description", nil)
		w.people().has("spec.columns.0.description", nil)
		w.source.columns = append(w.source.columns, "phone")
		w.ok("POST", "/api/sources/shop/refresh", nil).lists("models", "drifted", "true", "false", "true")
		w.ok("GET", "/api/models/a-table", nil).lists("status.drift.added", "name", "phone")
	})
}

// Req: M-16
func TestCloneModel(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.synced()
		second := syncSpec()
		w.ok("POST", "/api/syncs", object{"metadata": object{"slug": "second", "name": "Copy of People to CRM", "folder": "Sales", "labels": object{"team": "crm"}}, "spec": second})
		w.ok("PUT", "/api/models/people", object{"metadata": object{"name": "People", "folder": "Core", "labels": object{"a": "b"}}, "spec": modelSpec()})

		plain := w.ok("POST", "/api/models/people/clone", object{}).want(http.StatusCreated)
		plain.has("model.metadata.name", "Copy of People").has("model.metadata.slug", "copy-of-people").has("model.metadata.folder", "Core").has("model.metadata.labels.a", "b").has("model.metadata.revision", 1).has("syncs", "[]").has("model.spec.sql", "SELECT 1")
		w.ok("POST", "/api/models/people/clone", object{}).has("model.metadata.name", "Copy of People 2").has("model.metadata.slug", "copy-of-people-2")

		spec := modelSpec()
		spec["sql"], spec["description"] = "SELECT 3", "Only some"
		made := w.ok("POST", "/api/models/people/clone", object{"metadata": object{"name": "Some people"}, "spec": spec, "syncs": []string{"people-to-crm", "second"}})
		made.has("model.metadata.slug", "some-people").has("model.spec.sql", "SELECT 3").has("model.spec.description", "Only some").has("model.status.syncCount", 2)
		made.lists("syncs", "metadata.name", "Copy of People to CRM 2", "Copy of Copy of People to CRM").lists("syncs", "spec.model", "some-people", "some-people").lists("syncs", "spec.disabled", "true", "true").lists("syncs", "spec.destination", "crm", "crm")
		made.has("syncs.1.metadata.folder", "Sales").has("syncs.1.metadata.labels.team", "crm").has("syncs.0.status.lastRun", nil).has("syncs.0.spec.mappings.1.from", "name")
		w.ok("GET", "/api/syncs/people-to-crm", nil).has("spec.model", "people").has("spec.disabled", false)
		w.ok("GET", "/api/models/some-people/activity", nil).has("items.0.summary", "cloned from people")
		w.ok("PUT", "/api/models/some-people", document("some-people", "Some people", modelSpec())) // it is a model of its own
		w.people().has("spec.sql", "SELECT 1")

		w.send("POST", "/api/models/people/clone", object{"metadata": object{"name": "some PEOPLE"}}).want(409).has("error.path", "metadata.name").has("error.code", "resource.conflict")
		w.send("POST", "/api/models/people/clone", object{"metadata": object{"name": "X", "slug": "people"}}).want(409).has("error.path", "metadata.slug")
		w.send("POST", "/api/models/nobody/clone", object{}).want(404)
		bad := w.send("POST", "/api/models/people/clone", object{"syncs": []string{"people-to-crm", "gone", "people-to-crm"}}).want(422)
		bad.lists("error.issues", "path", "syncs[1]", "syncs[2]")
	})
}

// A sync that cannot be cloned leaves no model behind.
//
// Req: M-16
func TestCloneIsAllOrNothing(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		spec := modelSpec()
		spec["columns"] = []object{{"name": "id", "type": "string"}}
		refused := w.send("POST", "/api/models/people/clone", object{"metadata": object{"name": "Fewer"}, "spec": spec, "syncs": []string{"people-to-crm"}}).want(422)
		refused.has("error.path", "syncs[0].spec.mappings[1].from").has("error.code", "mapping.unknown_field_name")
		w.ok("GET", "/api/models", nil).has("total", 1)
		w.ok("GET", "/api/syncs", nil).has("total", 1)
	})
}

// Req: M-25, M-30
func TestPreviewTellsWhatDoesNotCastAndWhereAnErrorIs(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		w.source.rows = [][]string{{"1", "Ada", "9007199254740993"}, {"2", "7", "1.5"}, {"3", "Cyd", "0.12345678901"}}
		ask := object{"source": "shop", "method": "sql", "sql": "SELECT 1", "columns": []object{{"name": "name", "type": "string", "cast": "number"}, {"name": "email", "type": "string", "cast": "number"}}}
		a := w.ok("POST", "/api/models/preview", ask).lists("castFailed", "column", "name", "email").has("castFailed.0.count", 2).has("castFailed.0.rows", "[0 2]").has("castFailed.0.to", "number").has("rows.1.1", 7).has("rows.0.1", "Ada")
		if !strings.Contains(a.text("castFailed.1.message"), "Imprecise conversion") || a.text("castFailed.1.suggestion") == "" || strings.Contains(a.text("castFailed.0.message"), "Ada") {
			t.Errorf("got %s", a.body)
		}
		if !strings.Contains(a.body, "9007199254740993") {
			t.Errorf("digits are lost: %s", a.body)
		}
		w.source.fail = fault.New(fault.CodeSourceQuery, "no such column").At(fault.Place{Line: 3, Column: 9})
		w.send("POST", "/api/models/preview", ask).want(422).has("error.line", 3).has("error.column", 9).has("error.message", "no such column")
		w.source.fail = queryFailed("broken")
		w.send("POST", "/api/models/preview", ask).want(422).has("error.line", nil)
	})
}

// Who stops waiting for a preview stops it at the source.
//
// Req: M-13
func TestPreviewIsCancelled(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		running, stopped := make(chan struct{}), make(chan struct{})
		w.source.during = func(ctx context.Context) {
			close(running)
			<-ctx.Done()
			close(stopped)
		}
		ctx, cancel := context.WithCancel(t.Context())
		r := httptest.NewRequestWithContext(ctx, "POST", "/api/models/preview", strings.NewReader(`{"source":"shop","method":"sql","sql":"SELECT 1"}`))
		r.Header.Set("Authorization", "Bearer "+w.key)
		r.Header.Set("Content-Type", "application/json")
		answered := make(chan struct{})
		go func() {
			w.handler.ServeHTTP(httptest.NewRecorder(), r)
			close(answered)
		}()
		<-running
		cancel()
		<-stopped
		<-answered
	})
}

// Rows that were looked at and sent are nowhere in the database: a model is a definition.
//
// Req: M-01
func TestModelHoldsNoData(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		const secret = "value-of-a-customer"
		w.furnish()
		w.source.rows = [][]string{{"1", secret, secret}, {"2", secret, secret}}
		w.ok("POST", "/api/models/preview", object{"source": "shop", "method": "sql", "sql": "SELECT 1", "count": false})
		w.ok("POST", "/api/models/people/refresh", nil)
		w.run(2)
		tables := "SELECT name FROM sqlite_master WHERE type = 'table'"
		if w.db.IsPostgres() {
			tables = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
		}
		var names []string
		w.must(w.db.NewRaw(tables).Scan(t.Context(), &names))
		seen := false
		for _, name := range names {
			var rows []map[string]any
			w.must(w.db.NewSelect().TableExpr("?", bun.Ident(name)).Scan(t.Context(), &rows))
			var text strings.Builder
			for _, row := range rows {
				for _, v := range row {
					if b, ok := v.([]byte); ok {
						v = string(b)
					}
					fmt.Fprintln(&text, v)
				}
			}
			if strings.Contains(text.String(), secret) {
				t.Errorf("the table %s holds a row's value", name)
			}
			seen = seen || strings.Contains(text.String(), "SELECT 1")
		}
		if !seen {
			t.Error("the test does not find what is in the database")
		}
		for _, missing := range []string{"source", "method", "sql", "primaryKey"} {
			spec := modelSpec()
			delete(spec, missing)
			w.send("POST", "/api/models", document("", "X", spec)).want(422).has("error.path", "spec."+missing)
		}
		extra := modelSpec()
		extra["rows"] = []string{secret}
		w.send("POST", "/api/models", document("", "X", extra)).want(422).has("error.code", "input.unknown_field")
	})
}
