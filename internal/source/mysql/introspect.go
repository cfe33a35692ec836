package mysql

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// The catalog: https://dev.mysql.com/doc/refman/8.4/en/information-schema.html. Both statements name one schema, which
// places that spread a database over several servers insist on.
const (
	tablesSQL = `SELECT TABLE_NAME, TABLE_TYPE, TABLE_ROWS FROM information_schema.TABLES
WHERE TABLE_SCHEMA = ? AND TABLE_TYPE <> 'SEQUENCE'`
	columnsSQL = `SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_COMMENT, EXTRA, PRIVILEGES
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME, ORDINAL_POSITION`
)

// hidden are the databases of the servers themselves.
var hidden = []string{"information_schema", "mysql", "performance_schema", "sys", "memsql", "cluster", "_vt"}

// Introspect lists the tables and views of the source's databases that the user may read.
func (s *Source) Introspect(ctx context.Context) ([]connector.Table, error) {
	x, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer x.close()
	var all []connector.Table
	for _, database := range distinct(s.databases) {
		if query.IsOwnSchema(database) || slices.Contains(hidden, strings.ToLower(database)) {
			continue
		}
		tables, err := x.tables(database)
		if err != nil {
			return nil, s.explain(x.ctx, err, statement{})
		}
		all = append(all, tables...)
	}
	slices.SortFunc(all, func(a, b connector.Table) int {
		return strings.Compare(a.Ref.Schema+"\x00"+a.Ref.Name, b.Ref.Schema+"\x00"+b.Ref.Name)
	})
	return all, nil
}

func distinct(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return slices.Compact(names)
}

// tables lists the tables of one database.
func (x *session) tables(database string) ([]connector.Table, error) {
	found, err := x.table(tablesSQL, database)
	if err != nil {
		return nil, err
	}
	columns, err := x.columns(database)
	if err != nil {
		return nil, err
	}
	var all []connector.Table
	for _, row := range found {
		t := connector.Table{Ref: query.TableRef{Schema: database, Name: row[0].text}, Kind: "table", Columns: columns[row[0].text]}
		if strings.Contains(row[1].text, "VIEW") {
			t.Kind = "view"
		}
		if rows, err := strconv.ParseInt(row[2].text, 10, 64); err == nil && t.Kind == "table" {
			t.Rows = &rows
		}
		if len(t.Columns) > 0 { // a view of what is gone has none
			all = append(all, t)
		}
	}
	return all, nil
}

// columns lists the columns of every table of a database that SELECT * yields and the user may read.
func (x *session) columns(database string) (map[string]value.Schema, error) {
	found, err := x.table(columnsSQL, database)
	if err != nil {
		return nil, err
	}
	all := map[string]value.Schema{}
	for _, row := range found {
		readable := row[6].text == "" || strings.Contains(strings.ToLower(row[6].text), "select")
		if !readable || strings.Contains(strings.ToUpper(row[5].text), "INVISIBLE") {
			continue
		}
		schema, err := value.SchemaOf(schemaOf([]column{x.owner.column(row[1].text, parseNative(row[2].text))}))
		if err != nil {
			return nil, err
		}
		c := schema[0]
		c.Native, c.Nullable, c.Description = row[2].text, row[3].text == "YES", row[4].text
		all[row[0].text] = append(all[row[0].text], c)
	}
	return all, nil
}
