package dbt_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/dbt"
	"github.com/millrace/millrace/internal/dbt/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/dbtproject"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/secret"
	"github.com/millrace/millrace/internal/value"
)

// world is the store over real documents: a source with the dbt project "shop", in two workspaces.
type world struct {
	t     *testing.T
	db    *db.DB
	docs  *resource.Store
	store *dbt.Store
	now   *clock.Manual
	id    int64 // of the project
}

var scope = resource.Scope{WorkspaceID: 1, Actor: "ada@example.com"}

func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		registry := connector.New([]connector.SourceInfo{{Slug: "db", Name: "Database", Methods: []string{"sql"}}}, nil)
		key, err := secret.NewKey([]byte("0123456789abcdef0123456789abcdef"))
		if err != nil {
			t.Fatal(err)
		}
		now := clock.NewManual(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC))
		docs := resource.NewStore(d, resource.NewRegistry(source.Kind(registry), dbtproject.Kind(registry), model.Kind(registry)), key, now)
		w := &world{t: t, db: d, docs: docs, now: now, store: dbt.NewStore(d, now)}
		w.create("source", "db", source.Spec{Type: "db"})
		w.id = w.create(dbtproject.KindName, "shop", dbtproject.Spec{Source: "db", Origin: dbtproject.OriginManifest}).ID
		f(t, w)
	})
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) create(kind, slug string, spec any) resource.Document {
	w.t.Helper()
	text, err := json.Marshal(spec)
	w.must(err)
	d, err := w.docs.Create(w.t.Context(), scope, kind, resource.Write{Name: slug, Slug: slug, Spec: text})
	w.must(err)
	return d
}

func (w *world) project() dbt.Project {
	return dbt.Project{WorkspaceID: 1, ID: w.id, Actor: "ada@example.com"}
}

// text is a manifest with the nodes.
func text(nodes ...string) string {
	return `{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "dbt_version": "1.10.0", "adapter_type": "postgres", "project_name": "shop",
		"generated_at": "2026-02-28T07:00:00Z"}, "nodes": {` + strings.Join(nodes, ", ") + `}}`
}

func table(name string) string {
	return fmt.Sprintf(`"model.shop.%s": {"name": %q, "description": "All %s", "relation_name": "analytics.%s", "compiled_code": "select * from raw.%s;", "config": {"materialized": "table"},
		"columns": {"id": {"name": "id", "description": "The number"}}}`, name, name, name, name, name)
}

func analysis(name string) string {
	return fmt.Sprintf(`"analysis.shop.%s": {"name": %q, "compiled_code": "select 1 as id"}`, name, name)
}

func (w *world) load(text string) dbt.Manifest {
	w.t.Helper()
	m, err := w.store.Load(w.t.Context(), w.project(), strings.NewReader(text))
	w.must(err)
	return m
}

// names lists the names of the project's nodes.
func (w *world) names(f dbt.Filter) ([]string, int) {
	w.t.Helper()
	if f.Limit == 0 {
		f.Limit = 1000
	}
	all, total, err := w.store.Nodes(w.t.Context(), 1, w.id, f)
	w.must(err)
	names := []string{}
	for _, n := range all {
		names = append(names, n.Name)
	}
	return names, total
}

func (w *world) lists(f dbt.Filter, total int, want ...string) {
	w.t.Helper()
	if names, n := w.names(f); strings.Join(names, " ") != strings.Join(want, " ") || n != total {
		w.t.Errorf("%+v: %v of %d, want %v of %d", f, names, n, want, total)
	}
}

// rows counts the nodes that the table holds.
func (w *world) rows() int64 {
	w.t.Helper()
	n, err := w.db.NewSelect().Table("dbt_nodes").Count(w.t.Context())
	w.must(err)
	return n
}

// A manifest is kept whole, takes the place of the earlier one, and is listed and searched.
//
// Req: DBT-01, DBT-03
func TestLoad(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		if _, ok, err := w.store.Manifest(t.Context(), 1, w.id); ok || err != nil {
			t.Fatalf("before: %v, %v", ok, err)
		}
		m := w.load(text(table("people"), table("orders"), analysis("report_1")))
		if m.Version != 12 || m.DBT != "1.10.0" || m.Adapter != "postgres" || m.Project != "shop" || m.Models != 2 || m.Analyses != 1 || m.Bytes == 0 || m.LoadedBy != "ada@example.com" || !m.LoadedAt.Equal(w.now.Now()) {
			t.Errorf("loaded: %+v", m)
		}
		kept, ok, err := w.store.Manifest(t.Context(), 1, w.id)
		if err != nil || !ok || kept != m {
			t.Errorf("kept: %+v, %v, want %+v", kept, err, m)
		}
		w.lists(dbt.Filter{}, 3, "orders", "people", "report_1")
		w.lists(dbt.Filter{Offset: 1, Limit: 1}, 3, "people")
		w.lists(dbt.Filter{Search: "MODEL.shop"}, 2, "orders", "people")
		w.lists(dbt.Filter{Search: "t_1"}, 1, "report_1")
		w.lists(dbt.Filter{Search: "r_e"}, 0)
		w.lists(dbt.Filter{Search: "%"}, 0)
		n, found, err := w.store.Node(t.Context(), 1, w.id, "model.shop.people")
		if err != nil || !found || n.Code != "select * from raw.people;" || n.Description != "All people" || n.Relation != "analytics.people" || n.Describe("ID") != "The number" {
			t.Errorf("people: %+v, %v, %v", n, found, err)
		}
		w.load(text(table("orders"), table("returns")))
		w.lists(dbt.Filter{}, 2, "orders", "returns")
		if n := w.rows(); n != 2 {
			t.Errorf("%d rows are left", n)
		}
		if _, found, err := w.store.Node(t.Context(), 2, w.id, "model.shop.orders"); found || err != nil {
			t.Errorf("another workspace sees it: %v, %v", found, err)
		}
		if _, ok, err := w.store.Manifest(t.Context(), 2, w.id); ok || err != nil {
			t.Errorf("another workspace sees the manifest: %v, %v", ok, err)
		}
		w.must(w.docs.Delete(t.Context(), scope, dbtproject.KindName, "shop", 0))
		if n := w.rows(); n != 0 {
			t.Errorf("%d rows outlive their project", n)
		}
	})
}

// More nodes than one statement takes are all there.
//
// Req: DBT-01
func TestLoadMany(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		all := []string{}
		for i := range 250 {
			all = append(all, table(fmt.Sprintf("m%03d", i)))
		}
		if m := w.load(text(all...)); m.Models != 250 {
			t.Errorf("%d models", m.Models)
		}
		if names, total := w.names(dbt.Filter{}); total != 250 || names[0] != "m000" || names[249] != "m249" {
			t.Errorf("%d: %v", total, names)
		}
	})
}

// A manifest that cannot be read leaves the earlier one as it is, and nothing of its own.
//
// Req: DBT-02
func TestLoadFails(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.load(text(table("people")))
		many := []string{}
		for i := range 150 {
			many = append(many, table(fmt.Sprintf("m%03d", i)))
		}
		cut := strings.TrimSuffix(text(many...), "}}")
		broken := errors.New("the connection is gone")
		for name, r := range map[string]io.Reader{
			"cut off":     strings.NewReader(cut),
			"interrupted": io.MultiReader(strings.NewReader(cut), failing{broken}),
			"twice":       strings.NewReader(text(append(many, table("m000"))...)),
			"too large":   io.MultiReader(strings.NewReader(cut+`}, "macros": {"a": 1`), io.LimitReader(spaces{}, dbt.MaxBytes)),
		} {
			_, err := w.store.Load(t.Context(), w.project(), r)
			switch {
			case name == "interrupted" && !errors.Is(err, broken), name == "too large" && !fault.Is(err, fault.CodeTooLarge),
				(name == "cut off" || name == "twice") && !fault.Is(err, fault.CodeDBTManifest):
				t.Errorf("%s: %v", name, err)
			}
			w.lists(dbt.Filter{}, 1, "people")
			if n := w.rows(); n != 1 {
				t.Errorf("%s: %d rows", name, n)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := w.store.Load(ctx, w.project(), strings.NewReader(text(table("x")))); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		w.lists(dbt.Filter{}, 1, "people")
	})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type spaces struct{}

func (spaces) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

// Of two manifests that are loaded at once, one takes the other's place; neither is left in parts.
//
// Req: DBT-02
func TestLoadAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		many := []string{}
		for i := range 120 {
			many = append(many, table(fmt.Sprintf("m%03d", i)))
		}
		slow, feed := io.Pipe()
		done := make(chan error)
		go func() {
			_, err := w.store.Load(t.Context(), w.project(), slow)
			done <- err
		}()
		whole := text(many...)
		_, err := io.WriteString(feed, whole[:len(whole)-2]) // its first hundred are in the table
		w.must(err)
		for w.rows() != 100 {
			continue
		}
		w.load(text(table("people")))
		_, err = io.WriteString(feed, "}}")
		w.must(err)
		w.must(feed.Close())
		if err := <-done; !fault.Is(err, fault.CodeConflict) {
			t.Errorf("the slower one ends with %v", err)
		}
		w.lists(dbt.Filter{}, 1, "people")
		if n := w.rows(); n != 1 {
			t.Errorf("%d rows", n)
		}
	})
}

// A model reads its node's table or compiled SQL, as the manifest has it now; what is wrong is an error of its query.
//
// Req: DBT-03, DBT-04
func TestResolve(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		r := dbt.Resolver{Store: w.store, Documents: w.docs}
		spec := func(node string, read manifest.Access) model.Spec {
			return model.Spec{Source: "db", Method: model.MethodDBT, DBT: &model.DBT{Project: "shop", Node: node, Read: read}, PrimaryKey: "id"}
		}
		sql := func(m model.Spec) (string, error) {
			t.Helper()
			m, err := r.Resolve(t.Context(), scope, m)
			w.must(err)
			q, err := m.Query(query.Postgres)
			return q.SQL, err
		}
		if _, err := sql(spec("model.shop.people", "")); !fault.Is(err, fault.CodeDBTMissing) || !strings.Contains(err.Error(), `"shop"`) {
			t.Errorf("without a manifest: %v", err)
		}
		w.load(text(table("people"), analysis("report")))
		for _, tt := range []struct {
			node string
			read manifest.Access
			want string
		}{
			{"model.shop.people", "", "SELECT * FROM analytics.people"},
			{"model.shop.people", manifest.AccessTable, "SELECT * FROM analytics.people"},
			{"model.shop.people", manifest.AccessSQL, "select * from raw.people"},
			{"analysis.shop.report", "", "select 1 as id"},
		} {
			if got, err := sql(spec(tt.node, tt.read)); err != nil || got != tt.want {
				t.Errorf("%s as %q: %q, %v", tt.node, tt.read, got, err)
			}
		}
		if _, err := sql(spec("analysis.shop.report", manifest.AccessTable)); !fault.Is(err, fault.CodeDBTModel) {
			t.Errorf("the table of an analysis: %v", err)
		}
		if _, err := sql(spec("model.shop.gone", "")); !fault.Is(err, fault.CodeDBTModel) || !strings.Contains(err.Error(), "2026-03-01 08:00 UTC has no") {
			t.Errorf("a node that is gone: %v", err)
		}
		other := spec("model.shop.people", "")
		other.DBT.Project = "none"
		if _, err := sql(other); !fault.Is(err, fault.CodeNotFound) {
			t.Errorf("a project that is gone: %v", err)
		}
		raw := model.Spec{Source: "db", Method: model.MethodSQL, SQL: "SELECT 1"}
		if got, err := sql(raw); err != nil || got != "SELECT 1" {
			t.Errorf("another method: %q, %v", got, err)
		}
		if _, err := spec("model.shop.people", "").Query(query.Postgres); !fault.Is(err, fault.CodeDBTMissing) {
			t.Errorf("a model that nobody resolved: %v", err)
		}
		columns := []model.Column{{Name: "ID", Type: value.TypeNumber, Description: "key"}, {Name: "name", Description: "stays"}}
		n, err := r.Find(t.Context(), scope, *spec("model.shop.people", "").DBT)
		w.must(err)
		dbt.Describe(n, columns)
		if columns[0].Description != "The number" || columns[1].Description != "stays" {
			t.Errorf("descriptions: %+v", columns)
		}
	})
}
