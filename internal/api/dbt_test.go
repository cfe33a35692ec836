package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/dbt"
	"github.com/millrace/millrace/internal/fault"
)

func dbtSpec() object {
	return object{"source": "shop", "origin": "manifest", "files": "https://github.com/acme/shop/blob/main"}
}

// dbtManifest is a manifest with People in a table, an analysis, and a model that nobody can read.
func dbtManifest() string {
	return `{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "dbt_version": "1.10.4", "generated_at": "2026-02-28T07:00:00Z", "adapter_type": "duckdb", "project_name": "shop"},
	"macros": {"macro.dbt.x": {"macro_sql": "x"}},
	"nodes": {
		"model.shop.people": {"name": "people", "package_name": "shop", "original_file_path": "models/people.sql", "description": "People who bought", "relation_name": "analytics.people",
			"language": "sql", "compiled_code": "select id, name, email from raw.people;", "config": {"materialized": "incremental"},
			"columns": {"ID": {"name": "ID", "description": "The customer's number", "data_type": "text"}, "email": {"name": "email", "description": "Where mail goes"}}},
		"analysis.shop.report": {"name": "report", "original_file_path": "analyses/report.sql", "compiled_code": "select 1 as id"},
		"model.shop.scores": {"name": "scores", "language": "python", "compiled_code": "def model(): pass"}
	}}`
}

// dbtModel is a model of dbt.
func dbtModel(node, read string) object {
	return object{"source": "shop", "method": "dbt", "dbt": object{"project": "shop-dbt", "node": node, "read": read}, "primaryKey": "id"}
}

const dbtAddress = "/api/dbt-projects/shop-dbt"

func (w *world) dbtProject() {
	w.t.Helper()
	w.furnish()
	w.ok("POST", "/api/dbt-projects", document("shop-dbt", "Shop's dbt", dbtSpec()))
}

// A project's manifest is loaded through the API, plain or compressed, and its nodes are listed with all that a person
// chooses by.
//
// Req: DBT-01, DBT-03, DBT-04
func TestDBTProject(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.dbtProject()
		w.ok("GET", dbtAddress, nil).has("status.manifest", nil).has("status.modelCount", 0).has("status.source.name", "Shop")
		w.ok("GET", dbtAddress+"/nodes", nil).has("total", 0)
		w.ok("GET", "/api/sources/shop", nil).has("status.modelCount", 1) // the project is none
		w.send("GET", dbtAddress+"/nodes/model.shop.people", nil).want(422).has("error.code", "dbt.no_manifest")
		w.ok("PUT", dbtAddress+"/manifest", dbtManifest()).has("models", 2).has("analyses", 1).has("dbtVersion", "1.10.4").has("adapter", "duckdb").
			has("generatedAt", "2026-02-28T07:00:00.000Z").has("loadedBy", adminEmail).has("version", 12)
		w.ok("GET", dbtAddress, nil).has("status.manifest.project", "shop").has("status.manifest.models", 2)
		w.ok("GET", dbtAddress+"/activity", nil).has("items.0.action", "loaded").has("items.0.summary", "2 models and 1 analyses of dbt 1.10.4")
		w.ok("GET", dbtAddress+"/nodes", nil).lists("items", "id", "model.shop.people", "analysis.shop.report", "model.shop.scores").lists("items", "read", "table", "sql", "sql").
			has("items.0.link", "https://github.com/acme/shop/blob/main/models/people.sql").has("items.0.description", "People who bought").has("items.0.sql", nil)
		w.ok("GET", dbtAddress+"/nodes?search=ANALYSIS&limit=1", nil).lists("items", "name", "report").has("total", 1)
		w.ok("GET", dbtAddress+"/nodes?limit=2&cursor=2", nil).lists("items", "name", "scores").has("total", 3).has("nextCursor", nil)
		w.send("GET", dbtAddress+"/nodes?cursor=x", nil).want(422)
		w.ok("GET", dbtAddress+"/nodes/model.shop.people", nil).has("sql", "select id, name, email from raw.people;").lists("columns", "name", "ID", "email").lists("ways", "read", "table", "sql").
			has("ways.0.error", nil).has("ways.1.error", nil).has("ways.0.notes", "[]").has("ways.1.notes.0", "The model is incremental. Its compiled SQL may hold only the rows that dbt would add next; the others would be removed from the destination. Read its table instead.")
		w.ok("GET", dbtAddress+"/nodes/model.shop.scores", nil).has("sql", "").has("ways.0.error.code", "dbt.unusable_model").has("ways.1.error.code", "dbt.unusable_model")
		w.send("GET", dbtAddress+"/nodes/model.shop.none", nil).want(404)
		w.send("GET", "/api/dbt-projects/none/nodes", nil).want(404)

		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, err := z.Write([]byte(strings.Replace(dbtManifest(), "analysis.shop.report", "analysis.shop.summary", 1)))
		w.must(err)
		w.must(z.Close())
		w.ok("PUT", dbtAddress+"/manifest", packed.String(), "Content-Encoding", "gzip").has("analyses", 1)
		w.ok("GET", dbtAddress+"/nodes?search=summary", nil).has("total", 1)

		w.send("PUT", dbtAddress+"/manifest", packed.String()).want(422).has("error.code", "dbt.bad_manifest")
		w.send("PUT", dbtAddress+"/manifest", "{}", "Content-Encoding", "gzip").want(422).has("error.code", "dbt.bad_manifest")
		w.send("PUT", dbtAddress+"/manifest", "{}", "Content-Encoding", "br").want(415)
		w.send("PUT", dbtAddress+"/manifest", `{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json"}}`).want(422).has("error.message", "this is dbt's file run_results.json, not its manifest")
		w.send("PUT", "/api/dbt-projects/none/manifest", dbtManifest()).want(404)
		w.ok("GET", dbtAddress+"/nodes", nil).has("total", 3)
	})
}

// A manifest may be larger than any other body.
//
// Req: DBT-01
func TestLargeDBTManifest(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.dbtProject()
		large := strings.Replace(dbtManifest(), `"macro_sql": "x"`, fmt.Sprintf(`"macro_sql": %q`, strings.Repeat("x", 12<<20)), 1)
		w.ok("PUT", dbtAddress+"/manifest", large).has("models", 2)
		w.send("PUT", dbtAddress, large).want(413)
	})
}

// A model of dbt is previewed, refreshed, sampled and synced with what the manifest has now, and its columns are
// described as the project describes them.
//
// Req: DBT-03, DBT-04, M-14
func TestDBTModel(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.dbtProject()
		w.source.said = map[string]string{"id": "key", "name": "what they are called"}
		w.source.rows = [][]string{{"1", "Ada", "ada@example.com"}}
		preview := object{"source": "shop", "method": "dbt", "dbt": object{"project": "shop-dbt", "node": "model.shop.people"}}
		w.send("POST", "/api/models/preview", preview).want(422).has("error.code", "dbt.no_manifest")
		w.ok("PUT", dbtAddress+"/manifest", dbtManifest())
		w.ok("POST", "/api/models/preview", preview).has("rows.0.1", "Ada").has("columns.0.description", "The customer's number").has("columns.1.description", "what they are called")
		w.asked("SELECT * FROM analytics.people")
		preview["dbt"].(object)["read"] = "sql"
		w.ok("POST", "/api/models/preview", preview)
		w.asked("select id, name, email from raw.people")
		preview["dbt"].(object)["node"] = "model.shop.scores"
		w.send("POST", "/api/models/preview", preview).want(422).has("error.code", "dbt.unusable_model")

		w.send("POST", "/api/models", document("buyers", "Buyers", object{"source": "shop", "method": "dbt", "primaryKey": "id"})).want(422).has("error.path", "spec.dbt")
		w.send("POST", "/api/models", document("buyers", "Buyers", object{"source": "shop", "method": "dbt", "dbt": object{"project": "none", "node": "x"}, "primaryKey": "id"})).
			want(422).has("error.path", "spec.dbt.project")
		w.ok("POST", "/api/models", document("buyers", "Buyers", dbtModel("model.shop.people", ""))).has("status.dbt.node.name", "people").has("status.dbt.read", "table").
			has("status.dbt.sql", "SELECT * FROM analytics.people").has("status.dbt.error", nil)
		w.send("DELETE", dbtAddress, nil).want(409)
		w.ok("POST", "/api/models/buyers/refresh", nil).has("spec.columns.0.description", "The customer's number").has("spec.columns.1.description", "what they are called").has("status.drift", nil)
		w.ok("GET", "/api/v1/models", nil).has("data.1.queryType", "dbt").has("data.1.dbt.dbtUniqueId", "model.shop.people").has("data.1.dbt.compiledSql", "SELECT * FROM analytics.people")

		spec := syncSpec()
		spec["model"] = "buyers"
		w.ok("POST", "/api/syncs", document("buyers-to-crm", "Buyers to CRM", spec))
		run := func() answer {
			t.Helper()
			id := w.ok("POST", "/api/syncs/buyers-to-crm/trigger", nil).id("run.id")
			w.work()
			return w.ok("GET", fmt.Sprintf("/api/runs/%d", id), nil)
		}
		run().has("state", "committed").has("succeeded.added", 1)
		w.asked("SELECT * FROM analytics.people")

		next := strings.NewReplacer("analytics.people", "analytics.people_v2", "The customer's number", "Its number").Replace(dbtManifest())
		w.ok("PUT", dbtAddress+"/manifest", next)
		w.ok("GET", "/api/models/buyers", nil).has("spec.columns.0.description", "Its number").has("status.dbt.sql", "SELECT * FROM analytics.people_v2")
		run().has("state", "committed")
		w.asked("SELECT * FROM analytics.people_v2")

		w.ok("PUT", dbtAddress+"/manifest", strings.ReplaceAll(dbtManifest(), "model.shop.people", "model.shop.persons"))
		w.ok("GET", "/api/models/buyers", nil).has("status.dbt.error.code", "dbt.unusable_model").has("status.dbt.node", nil)
		run().has("state", "failed").has("error.code", "dbt.unusable_model")
		w.send("POST", "/api/models/buyers/refresh", nil).want(422).has("error.code", "dbt.unusable_model")
	})
}

// asked checks the query that the source got last.
func (w *world) asked(sql string) {
	w.t.Helper()
	w.source.mu.Lock()
	defer w.source.mu.Unlock()
	if w.source.last != sql {
		w.t.Errorf("the source was asked %q, want %q", w.source.last, sql)
	}
}

// dbtOrigin has a manifest, or says why not.
type dbtOrigin struct {
	has  string
	fail error
}

func (o *dbtOrigin) Fetch(_ context.Context, l dbt.Look) (*dbt.Fetched, error) {
	if o.fail != nil || o.has == l.Seen {
		return nil, o.fail
	}
	return &dbt.Fetched{Seen: o.has, Body: io.NopCloser(strings.NewReader(dbtManifest()))}, nil
}

// A project's manifest is fetched from its origin: the API tells how that stands, and fetches anew when asked.
//
// Req: DBT-01, DBT-02, DBT-08, GIT-06
func TestDBTRefresh(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		w.ok("GET", "/api/catalog/dbt-origins", nil).lists("items", "slug", "manifest", "git", "cloud")
		spec := object{"source": "shop", "origin": "git", "configuration": object{"url": "https://github.com/acme/shop.git"}}
		w.send("POST", "/api/dbt-projects", document("shop-dbt", "Shop's dbt", spec)).want(422).has("error.path", "spec.configuration.token")
		spec["configuration"].(object)["token"] = "s3same-secret"
		a := w.ok("POST", "/api/dbt-projects", document("shop-dbt", "Shop's dbt", spec)).has("status.refresh.state", "waiting").has("status.refresh.checkedAt", nil).has("spec.configuration.token.$secret", "set")
		if strings.Contains(a.body, "s3same") {
			t.Error("the token comes back")
		}
		w.send("PUT", dbtAddress+"/manifest", dbtManifest()).want(422).has("error.code", "input.invalid")
		w.origin.has = "4f2a"
		w.dbt.Sweep(t.Context())
		w.ok("GET", dbtAddress, nil).has("status.refresh.state", "done").has("status.refresh.seen", "4f2a").has("status.manifest.models", 2).has("status.manifest.loadedBy", "millrace").has("status.refresh.error", nil)
		w.origin.fail = fault.New(fault.CodeGitAuth, "github.com does not accept the credentials")
		w.ok("POST", dbtAddress+"/refresh", nil).has("status.refresh.state", "waiting")
		w.dbt.Sweep(t.Context())
		w.ok("GET", dbtAddress, nil).has("status.refresh.state", "failed").has("status.refresh.error.code", "git.authentication").has("status.manifest.models", 2)
		w.origin.fail = nil
		w.ok("POST", dbtAddress+"/refresh", object{"full": true})
		w.dbt.Sweep(t.Context())
		w.ok("GET", dbtAddress, nil).has("status.refresh.state", "done").has("status.refresh.error", nil)
		w.ok("GET", dbtAddress+"/activity", nil).lists("items", "action", "loaded", "loaded", "created")
		w.ok("POST", "/api/dbt-projects", document("other", "Other", dbtSpec())).has("status.refresh", nil)
		w.send("POST", "/api/dbt-projects/other/refresh", nil).want(422)
	})
}

// A manifest is checked before it is loaded: only what breaks enabled syncs counts.
//
// Req: DBT-09
func TestDBTCheck(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.dbtProject()
		w.ok("PUT", dbtAddress+"/manifest", dbtManifest())
		for slug, read := range map[string]string{"buyers": "table", "compiled": "sql", "idle": "table"} {
			w.ok("POST", "/api/models", document(slug, "M "+slug, dbtModel("model.shop.people", read)))
			spec := syncSpec()
			spec["model"], spec["disabled"] = slug, slug == "idle"
			w.ok("POST", "/api/syncs", document(slug, "S "+slug, spec))
		}
		w.ok("POST", dbtAddress+"/check", dbtManifest()).has("checked", 2).has("broken", "[]")
		w.ok("POST", dbtAddress+"/check", strings.Replace(dbtManifest(), "select id, name, email from raw.people;", "", 1)).lists("broken", "sync.slug", "compiled").has("broken.0.node", "model.shop.people")
		w.ok("POST", dbtAddress+"/check", strings.ReplaceAll(dbtManifest(), "model.shop.people", "model.shop.persons")).lists("broken", "sync.slug", "buyers", "compiled").
			has("broken.0.message", `the project has no "model.shop.people" any more`).has("broken.0.sync.name", "S buyers").has("broken.0.model.slug", "buyers")
		w.ok("GET", dbtAddress+"/nodes?search=persons", nil).has("total", 0)
		w.send("POST", dbtAddress+"/check", "{}").want(422).has("error.code", "dbt.bad_manifest")
		w.send("POST", "/api/dbt-projects/none/check", dbtManifest()).want(404)
	})
}

// Enabled syncs become exposures of the models that they read.
//
// Req: DBT-10
func TestDBTExposures(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.dbtProject()
		w.ok("PUT", dbtAddress+"/manifest", dbtManifest())
		for slug, node := range map[string]string{"buyers-all": "model.shop.people", "idle": "model.shop.people", "report": "analysis.shop.report", "lost": "model.shop.none"} {
			w.ok("POST", "/api/models", document(slug, "M: "+slug, dbtModel(node, "")))
			spec := syncSpec()
			spec["model"], spec["disabled"] = slug, slug == "idle"
			w.ok("POST", "/api/syncs", document(slug, "S: "+slug, spec))
		}
		got := w.ok("GET", dbtAddress+"/exposures", nil).has("name", "millrace_sync_exposures.yml").text("content")
		want := `# Written by Millrace from its syncs. Changes are lost when it is written again.
version: 2
exposures:
  - name: millrace_buyers_all
    label: 'S: buyers-all'
    type: application
    url: https://millrace.example.com/syncs/buyers-all
    description: 'Millrace sends the rows of the model M: buyers-all to the destination crm.'
    depends_on:
      - ref('shop', 'people')
    owner:
      email: ada@example.com
      name: Millrace
`
		if got != want {
			t.Errorf("the exposures are\n%s", got)
		}
		w.send("GET", "/api/dbt-projects/none/exposures", nil).want(404)
	})
}
