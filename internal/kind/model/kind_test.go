package model

import (
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/dbtproject"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// A model has one of the methods that its source offers, with what the method needs.
//
// Req: M-01, M-02, M-03, DBT-03
func TestMethods(t *testing.T) {
	t.Parallel()
	k := Kind(connector.New([]connector.SourceInfo{{Slug: "log", Name: "Log files", Methods: []string{"sql"}}, {Slug: "db", Name: "Database", Methods: []string{"sql", "table"}}}, nil))
	table := &query.TableRef{Name: "people"}
	for _, tt := range []struct {
		name   string
		source string
		spec   Spec
		path   string // of the error; empty means none
		says   string
	}{
		{"a query", "log", Spec{Method: MethodSQL, SQL: "SELECT 1", PrimaryKey: "id"}, "", ""},
		{"a table", "db", Spec{Method: MethodTable, Table: table, PrimaryKey: "id"}, "", ""},
		{"a table of a source without any", "log", Spec{Method: MethodTable, Table: table, PrimaryKey: "id"}, "spec.method", "models of Log files have no method"},
		{"a method that there is not", "db", Spec{Method: "looker", PrimaryKey: "id"}, "spec.method", "there are sql, table, file, sheet, dbt and bi"},
		{"no method", "db", Spec{PrimaryKey: "id"}, "spec.method", "there are sql, table, file, sheet, dbt and bi"},
		{"a method without its query", "db", Spec{Method: MethodSQL, Table: table, PrimaryKey: "id"}, "spec.sql", "needs a query"},
		{"a method without its table", "db", Spec{Method: MethodTable, SQL: "SELECT 1", PrimaryKey: "id"}, "spec.table", "needs a table"},
		{"a node of dbt", "db", Spec{Method: MethodDBT, DBT: &DBT{Project: "p", Node: "model.a.b"}, PrimaryKey: "id"}, "", ""},
		{"a method without its node", "db", Spec{Method: MethodDBT, DBT: &DBT{Project: "p"}, PrimaryKey: "id"}, "spec.dbt", "needs a dbt project"},
		{"a node read otherwise", "db", Spec{Method: MethodDBT, DBT: &DBT{Project: "p", Node: "model.a.b", Read: "rows"}, PrimaryKey: "id"}, "spec.dbt.read", "there are table and sql"},
		{"a project of another source", "db", Spec{Method: MethodDBT, DBT: &DBT{Project: "other", Node: "model.a.b"}, PrimaryKey: "id"}, "spec.dbt.project", `belongs to the source "elsewhere"`},
		{"a Look", "db", Spec{Method: MethodBI, BI: &BI{Tool: "looker", Item: "42"}, PrimaryKey: "id"}, "", ""},
		{"a method without its item", "db", Spec{Method: MethodBI, BI: &BI{Tool: "looker"}, PrimaryKey: "id"}, "spec.bi", "needs a BI tool"},
		{"no key", "db", Spec{Method: MethodSQL, SQL: "SELECT 1"}, "spec.primaryKey", "identifies the rows"},
		{"a key that is no column", "db", Spec{Method: MethodSQL, SQL: "SELECT 1", PrimaryKey: "id", Columns: []Column{{Name: "a", Type: value.TypeString}}}, "spec.primaryKey", "has no column"},
	} {
		tt.spec.Source = "shop"
		issues := k.Validate(&tt.spec, nil)
		issues = append(issues, k.Related(&tt.spec, func(kind, slug string) (any, error) {
			switch {
			case kind == "source":
				return &source.Spec{Type: tt.source}, nil
			case slug == "other":
				return &dbtproject.Spec{Source: "elsewhere"}, nil
			default:
				return &dbtproject.Spec{Source: "shop"}, nil
			}
		})...)
		if tt.path == "" && len(issues) > 0 || tt.path != "" && (len(issues) != 1 || issues[0].Path != tt.path || !strings.Contains(issues[0].Error(), tt.says)) {
			t.Errorf("%s: %v", tt.name, issues)
		}
	}
	gone := func(string, string) (any, error) { return nil, fault.New(fault.CodeNotFound, "gone") }
	if issues := k.Related(&Spec{Method: MethodSQL}, gone); len(issues) > 0 {
		t.Errorf("a missing source is reported twice: %v", issues)
	}
}
