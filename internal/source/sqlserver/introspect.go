package sqlserver

import (
	"cmp"
	"context"
	"database/sql/driver"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// catalogSQL lists the columns of the tables and views that the user may know of. A type that a database defines is
// listed as the one that it is made of.
// https://learn.microsoft.com/en-us/sql/relational-databases/system-catalog-views/sys-columns-transact-sql
const catalogSQL = `SELECT s.name, o.name, CASE WHEN o.type = 'V' THEN 'view' ELSE 'table' END, c.name, COALESCE(b.name, t.name),
CAST(c.max_length AS BIGINT), CAST(c.precision AS BIGINT), CAST(c.scale AS BIGINT), c.is_nullable, `

// The ends of catalogSQL: with comments and numbers of rows, and without.
const (
	fullSQL = `CAST(p.value AS NVARCHAR(4000)), r.rows
FROM sys.objects AS o
JOIN sys.schemas AS s ON s.schema_id = o.schema_id
JOIN sys.columns AS c ON c.object_id = o.object_id AND c.is_hidden = 0
LEFT JOIN sys.types AS b ON b.user_type_id = c.system_type_id
LEFT JOIN sys.types AS t ON t.user_type_id = c.user_type_id
LEFT JOIN sys.extended_properties AS p ON p.class = 1 AND p.name = N'MS_Description' AND p.major_id = c.object_id AND p.minor_id = c.column_id
LEFT JOIN (SELECT object_id, SUM(rows) AS rows FROM sys.partitions WHERE index_id IN (0, 1) GROUP BY object_id) AS r ON r.object_id = o.object_id
WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0`

	plainSQL = `NULL, NULL
FROM sys.objects AS o
JOIN sys.schemas AS s ON s.schema_id = o.schema_id
JOIN sys.columns AS c ON c.object_id = o.object_id
LEFT JOIN sys.types AS b ON b.user_type_id = c.system_type_id
LEFT JOIN sys.types AS t ON t.user_type_id = c.user_type_id
WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0`

	// catalogOrder is the end of both, the order in which columns stand.
	catalogOrder = " ORDER BY s.name, o.name, c.column_id"
)

// systemSchemas belong to the product:
// https://learn.microsoft.com/en-us/fabric/data-warehouse/query-insights
var systemSchemas = []string{"sys", "INFORMATION_SCHEMA", "queryinsights"}

// foundColumn is a row of the catalog.
type foundColumn struct {
	schema, table, kind string
	rows                *int64
	column              value.Column
}

// Introspect lists tables and views.
func (s *Source) Introspect(ctx context.Context) ([]connector.Table, error) {
	end := plainSQL
	if s.edition.commented {
		end = fullSQL
	}
	found, err := s.columns(ctx, catalogSQL+end+catalogOrder)
	if err != nil {
		return nil, err
	}
	return tablesOf(found, s.own), nil
}

// own tells which schemas are not shown.
func (s *Source) own(schema string) bool {
	return query.IsOwnSchema(schema) || slices.Contains(systemSchemas, schema)
}

// columns reads the catalog over a connection of its own.
func (s *Source) columns(ctx context.Context, sql string) ([]foundColumn, error) {
	x, err := s.connect(ctx, "")
	if err != nil {
		return nil, err
	}
	defer x.close()
	var found []foundColumn
	err = x.all(sql, func(row []driver.Value) error {
		f, err := foundOf(row)
		found = append(found, f)
		return err
	})
	return found, x.explain(err, statement{})
}

func foundOf(row []driver.Value) (foundColumn, error) {
	word := func(i int) string { s, _ := row[i].(string); return s }
	number := func(i int) int64 { n, _ := row[i].(int64); return n }
	k := kind{name: strings.ToLower(word(4)), length: number(5), precision: number(6), scale: number(7)}
	if k.name == "nchar" || k.name == "nvarchar" {
		k.length /= 2 // the catalog counts bytes; -1, which is (max), becomes 0
	}
	c := columnOf(k)
	schema, err := value.SchemaOf(arrow.NewSchema([]arrow.Field{c.field}, nil))
	if err != nil {
		return foundColumn{}, err
	}
	nullable, _ := row[8].(bool)
	f := foundColumn{schema: word(0), table: word(1), kind: word(2), column: value.Column{
		Name: word(3), Type: schema[0].Type, Native: k.native(), Nullable: nullable, Description: word(9),
	}}
	if n, counted := row[10].(int64); counted && f.kind == "table" {
		f.rows = &n
	}
	return f, nil
}

// tablesOf groups columns, and sorts tables by their names' bytes, which no collation of the server does.
func tablesOf(found []foundColumn, own func(string) bool) []connector.Table {
	var tables []connector.Table
	for _, f := range found {
		if own(f.schema) {
			continue
		}
		ref := query.TableRef{Schema: f.schema, Name: f.table}
		if n := len(tables); n == 0 || tables[n-1].Ref != ref {
			tables = append(tables, connector.Table{Ref: ref, Kind: f.kind, Rows: f.rows})
		}
		last := &tables[len(tables)-1]
		last.Columns = append(last.Columns, f.column)
	}
	slices.SortFunc(tables, func(a, b connector.Table) int {
		return cmp.Or(strings.Compare(a.Ref.Schema, b.Ref.Schema), strings.Compare(a.Ref.Name, b.Ref.Name))
	})
	return tables
}
