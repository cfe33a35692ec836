package manifest

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/fault"
)

const head = `"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v%d.json", "dbt_version": "1.10.4", "generated_at": "2026-03-01T08:00:00.123456Z", "adapter_type": "postgres", "project_name": "shop", "env": {}}`

const nodes = `"nodes": {
  "model.shop.customers": {"resource_type": "model", "unique_id": "model.shop.customers", "name": "customers", "package_name": "shop", "version": null,
    "original_file_path": "models/marts/customers.sql", "description": "Everybody who bought", "database": "shop", "schema": "analytics", "alias": "customers",
    "relation_name": "\"shop\".\"analytics\".\"customers\"", "language": "sql", "compiled": true, "compiled_code": "select id, email from raw.people",
    "config": {"enabled": true, "materialized": "table", "pre-hook": [], "post-hook": []},
    "columns": {"ID": {"name": "ID", "description": "The number", "data_type": "bigint", "meta": {}}, "email": {"name": "email", "description": "", "data_type": null}}},
  "test.shop.not_null": {"resource_type": "test", "name": "not_null", "columns": 5},
  "seed.shop.countries": {"resource_type": "seed"},
  "model.shop.orders.v2": {"resource_type": "model", "name": "orders", "version": 2, "relation_name": "analytics.orders_v2", "language": "sql",
    "compiled_code": "select 1", "config": {"materialized": "incremental", "post-hook": [{"sql": "grant"}]}, "columns": {}},
  "model.shop.names": {"resource_type": "model", "name": "names", "relation_name": null, "compiled_code": "select 'a' as name", "config": {"materialized": "ephemeral"}},
  "model.shop.scores": {"resource_type": "model", "name": "scores", "relation_name": "analytics.scores", "language": "python", "compiled_code": "def model(dbt, session): ...", "config": {"materialized": "table"}},
  "model.shop.parsed": {"resource_type": "model", "name": "parsed", "relation_name": "analytics.parsed", "language": "sql", "compiled_code": null, "config": {"materialized": "view"}},
  "analysis.shop.report": {"resource_type": "analysis", "name": "report", "relation_name": "analytics.report", "language": "sql", "compiled_code": "select 2 as n;", "config": {"materialized": "view"}}
}`

const rest = `"macros": {"macro.dbt.x": {"macro_sql": "{% macro %}"}}, "docs": {}, "parent_map": {"a": ["b", {"c": [1]}]}, "selectors": [1, {"x": 2}], "disabled": null, "group_map": {}`

func read(t *testing.T, text string) (Metadata, []Node, error) {
	t.Helper()
	var all []Node
	m, err := Read(strings.NewReader(text), func(n Node) error { all = append(all, n); return nil })
	return m, all, err
}

func node(t *testing.T, all []Node, name string) Node {
	t.Helper()
	i := slices.IndexFunc(all, func(n Node) bool { return n.Name == name })
	if i < 0 {
		t.Fatalf("there is no %q among %d nodes", name, len(all))
	}
	return all[i]
}

// Models and analyses of every version of the format are read, wherever the parts stand; everything else is passed over.
//
// Req: DBT-01, DBT-03
func TestRead(t *testing.T) {
	t.Parallel()
	for _, version := range []int{7, 8, 9, 10, 11, 12, 20} {
		for _, parts := range [][]string{{head, nodes, rest}, {rest, nodes, head}} {
			text := "{" + strings.Replace(strings.Join(parts, ", "), "%d", strconv.Itoa(version), 1) + "}\n"
			m, all, err := read(t, text)
			if err != nil {
				t.Fatalf("version %d: %v", version, err)
			}
			if m.Version != version || m.DBT != "1.10.4" || m.Adapter != "postgres" || m.Project != "shop" || m.GeneratedAt.UnixMilli() != 1772352000123 {
				t.Errorf("metadata: %+v", m)
			}
			if len(all) != 6 {
				t.Fatalf("version %d: %d nodes", version, len(all))
			}
			c := node(t, all, "customers")
			if c.ID != "model.shop.customers" || c.Type != TypeModel || c.Package != "shop" || c.Path != "models/marts/customers.sql" || c.Description != "Everybody who bought" ||
				c.Relation != `"shop"."analytics"."customers"` || c.Schema != "analytics" || c.Materialized != "table" || c.Hooks || c.Version != "" {
				t.Errorf("customers: %+v", c)
			}
			if c.Describe("id") != "The number" || c.Describe("email") != "" || c.Describe("none") != "" || len(c.Columns) != 2 {
				t.Errorf("columns: %+v", c.Columns)
			}
			if o := node(t, all, "orders"); o.Version != "2" || !o.Hooks {
				t.Errorf("orders: %+v", o)
			}
		}
	}
}

// What is no manifest, or one that cannot be used, is named with what to do.
//
// Req: DBT-05
func TestUnreadable(t *testing.T) {
	t.Parallel()
	meta := func(schema string) string {
		return `{"metadata": {"dbt_schema_version": "` + schema + `"}, "nodes": {}}`
	}
	for _, tt := range []struct{ text, want string }{
		{"", "cannot be read beyond byte 0"},
		{"no JSON", "cannot be read"},
		{"[]", "an object is expected"},
		{`{"metadata": {`, "cannot be read"},
		{"{" + fmt.Sprintf(head, 12) + `, "nodes": {"model.a.b": {"name": "b"}`, "cannot be read"},
		{"{}", "no metadata.dbt_schema_version"},
		{"{" + fmt.Sprintf(head, 12) + "}", "has no nodes"},
		{"{" + fmt.Sprintf(head, 12) + `, "nodes": {"model.a.b": {"name": 5}}}`, `has number where string belongs, in "name"`},
		{"{" + fmt.Sprintf(head, 12) + `, "nodes": {"model.a.b": 5}}`, "has number where"},
		{meta("https://schemas.getdbt.com/dbt/run-results/v6.json"), "this is dbt's file run_results.json"},
		{meta("https://schemas.getdbt.com/dbt/manifest/v6.json"), "dbt older than 1.3"},
		{meta("https://example.com/x"), "not one of dbt's"},
	} {
		_, _, err := read(t, tt.text)
		if !fault.Is(err, fault.CodeDBTManifest) || !strings.Contains(err.Error(), tt.want) || fault.As(err).Suggestion == "" {
			t.Errorf("%.60q: %v, want %q", tt.text, err, tt.want)
		}
	}
	stop := errors.New("full")
	_, err := Read(strings.NewReader("{"+fmt.Sprintf(head, 12)+", "+nodes+"}"), func(Node) error { return stop })
	if !errors.Is(err, stop) {
		t.Errorf("the error of who takes nodes becomes %v", err)
	}
}

// A node is read as its table or as its compiled SQL; where that cannot be, the error says why and what to do.
//
// Req: DBT-04, DBT-05
func TestQuery(t *testing.T) {
	t.Parallel()
	_, all, err := read(t, "{"+fmt.Sprintf(head, 12)+", "+nodes+"}")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		access Access
		sql    string
		says   string // of the error
	}{
		{"customers", "", `SELECT * FROM "shop"."analytics"."customers"`, ""},
		{"customers", AccessTable, `SELECT * FROM "shop"."analytics"."customers"`, ""},
		{"customers", AccessSQL, "select id, email from raw.people", ""},
		{"report", "", "select 2 as n;", ""},
		{"report", AccessTable, "", "no table of the analysis"},
		{"names", "", "select 'a' as name", ""},
		{"names", AccessTable, "", "is ephemeral"},
		{"scores", "", "SELECT * FROM analytics.scores", ""},
		{"scores", AccessSQL, "", "written in Python"},
		{"parsed", "", "SELECT * FROM analytics.parsed", ""},
		{"parsed", AccessSQL, "", "no compiled SQL"},
	} {
		sql, err := node(t, all, tt.name).Query(tt.access)
		if tt.says == "" && (err != nil || sql != tt.sql) {
			t.Errorf("%s as %q: %q, %v", tt.name, tt.access, sql, err)
		}
		if tt.says != "" && (!fault.Is(err, fault.CodeDBTModel) || !strings.Contains(err.Error(), tt.says) || fault.As(err).Suggestion == "") {
			t.Errorf("%s as %q: %v", tt.name, tt.access, err)
		}
	}
	if _, err := (Node{Name: "x", Language: LanguagePython}).Query(AccessSQL); !strings.Contains(fault.As(err).Suggestion, "Materialize") {
		t.Errorf("Python without a table: %v", fault.As(err).Suggestion)
	}
	if _, err := (Node{Name: "x"}).Query(AccessTable); !strings.Contains(err.Error(), "names no table") {
		t.Errorf("without a relation: %v", err)
	}
	orders := node(t, all, "orders")
	if n := orders.Notes(""); len(n) != 0 {
		t.Errorf("as a table: %v", n)
	}
	if n := orders.Notes(AccessSQL); len(n) != 2 || !strings.Contains(n[0], "incremental") || !strings.Contains(n[1], "Hooks") {
		t.Errorf("as SQL: %v", n)
	}
}

// A large manifest is read as it comes: memory does not grow with it.
//
// Req: DBT-01
func TestLargeManifest(t *testing.T) {
	t.Parallel()
	const models, macros = 400, 4000
	body := strings.Repeat("x", 10<<10)
	r, w := io.Pipe()
	go func() {
		fmt.Fprintf(w, `{`+head+`, "macros": {`, 12)
		for i := range macros {
			fmt.Fprintf(w, `"macro.%d": {"macro_sql": %q}, `, i, body)
		}
		fmt.Fprint(w, `"macro.last": {}}, "nodes": {`)
		for i := range models {
			fmt.Fprintf(w, `"model.shop.m%d": {"name": "m%d", "raw_code": %q, "compiled_code": "select 1"}, `, i, i, body)
		}
		_, err := io.WriteString(w, `"test.x": {}}}`)
		_ = w.CloseWithError(err)
	}()
	n, most := 0, uint64(0)
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	_, err := Read(r, func(Node) error {
		n++
		if n%100 == 0 {
			var now runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc-min(before.HeapAlloc, now.HeapAlloc))
		}
		return nil
	})
	if err != nil || n != models {
		t.Fatalf("%d models, %v", n, err)
	}
	if most > 16<<20 {
		t.Errorf("reading %d MB holds %d MB", (models+macros)*len(body)>>20, most>>20)
	}
}
