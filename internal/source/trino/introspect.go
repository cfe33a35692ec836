package trino

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/trino/trinotype"
	"github.com/millrace/millrace/internal/value"
)

// Introspect lists what the server lists for drivers: the tables and views of the default catalogue, or of all.
// https://trino.io/docs/current/connector/system.html
func (s *Source) Introspect(ctx context.Context) ([]connector.Table, error) {
	kinds := map[query.TableRef]string{}
	err := s.each(ctx, "SELECT table_cat, table_schem, table_name, table_type FROM system.jdbc.tables WHERE "+s.within(), func(c []string) {
		kinds[s.ref(c[0], c[1], c[2])] = kindOf(c[3])
	})
	if err != nil {
		return nil, err
	}
	found := map[query.TableRef]*connector.Table{}
	var order []*connector.Table
	err = s.columns(ctx, s.within(), func(ref query.TableRef, c value.Column) {
		if s.schemas.Own(ref.Schema) || strings.EqualFold(ref.Schema, "information_schema") {
			return
		}
		t := found[ref]
		if t == nil {
			t = &connector.Table{Ref: ref, Kind: cmp.Or(kinds[ref], "table")}
			found[ref], order = t, append(order, t)
		}
		t.Columns = append(t.Columns, c)
	})
	if err != nil {
		return nil, err
	}
	tables := make([]connector.Table, len(order))
	for i, t := range order {
		tables[i] = *t
	}
	slices.SortFunc(tables, func(a, b connector.Table) int {
		return cmp.Or(cmp.Compare(a.Ref.Schema, b.Ref.Schema), cmp.Compare(a.Ref.Name, b.Ref.Name), cmp.Compare(a.Ref.Database, b.Ref.Database))
	})
	return tables, nil
}

// within is the condition of the default catalogue. The server's own says nothing about customers.
func (s *Source) within() string {
	if s.catalog == "" {
		return "table_cat <> 'system'"
	}
	return "table_cat = " + s.dialect.Text(strings.ToLower(s.catalog))
}

// ref names a table as queries do, which need no default catalogue.
func (s *Source) ref(catalog, schema, name string) query.TableRef {
	if s.catalog != "" {
		catalog = ""
	}
	return query.TableRef{Database: catalog, Schema: schema, Name: name}
}

func kindOf(tableType string) string {
	if strings.Contains(strings.ToUpper(tableType), "VIEW") {
		return "view"
	}
	return "table"
}

// columns reads the columns of tables in their order.
func (s *Source) columns(ctx context.Context, where string, each func(query.TableRef, value.Column)) error {
	sql := "SELECT table_cat, table_schem, table_name, column_name, type_name, is_nullable, remarks FROM system.jdbc.columns WHERE " + where +
		" ORDER BY table_cat, table_schem, table_name, ordinal_position"
	return s.each(ctx, sql, func(c []string) {
		t := trinotype.Parse(c[4])
		each(s.ref(c[0], c[1], c[2]), value.Column{Name: c[3], Type: t.Value(), Native: c[4], Nullable: c[5] != "NO", Description: c[6]})
	})
}

// only is the condition of one schema, and of one table in it.
func (s *Source) only(table query.TableRef) string {
	catalog := cmp.Or(table.Database, s.catalog)
	where := "table_schem = " + s.dialect.Text(table.Schema)
	if catalog != "" {
		where = "table_cat = " + s.dialect.Text(strings.ToLower(catalog)) + " AND " + where
	}
	if table.Name != "" {
		where += " AND table_name = " + s.dialect.Text(table.Name)
	}
	return where
}
