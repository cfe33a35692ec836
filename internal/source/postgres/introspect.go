package postgres

import (
	"context"
	"strconv"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// introspectSQL lists what the user may read: tables, partitioned tables without their partitions, foreign
// tables, views and materialized views. A table that was never analyzed has no estimate.
const introspectSQL = `
SELECT n.nspname, c.relname, CASE WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'table' END,
       CASE WHEN c.relkind <> 'v' AND c.reltuples >= 0 THEN c.reltuples::bigint END,
       a.attname, a.atttypid, a.atttypmod, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
       coalesce(col_description(c.oid, a.attnum), '')
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", a.attnum`

// foundColumn is a row of introspectSQL.
type foundColumn struct {
	schema, table, kind string
	rows                *int64
	column              value.Column
	oid                 uint32
	typmod              int32
}

// Introspect lists tables and views.
func (s *Source) Introspect(ctx context.Context) ([]connector.Table, error) {
	x, err := s.read(ctx, connector.WorkloadInteractive)
	if err != nil {
		return nil, err
	}
	defer x.close()
	found, err := s.variant.tables(x)
	if err == nil {
		err = x.setTypes(found)
	}
	if err != nil {
		return nil, explain(x.ctx, err, statement{})
	}
	return s.tablesOf(found), nil
}

// ask runs a statement of ours about the catalog, in one go. Its values are text; nil is null.
func (x *session) ask(sql string) ([][][]byte, error) {
	results, err := x.conn.PgConn().Exec(x.ctx, sql).ReadAll()
	if err != nil || len(results) == 0 {
		return nil, err
	}
	return results[len(results)-1].Rows, nil
}

// columns runs a statement that yields what foundColumn has, in the order of introspectSQL.
func (x *session) columns(sql string) ([]foundColumn, error) {
	rows, err := x.ask(sql)
	if err != nil {
		return nil, err
	}
	found := make([]foundColumn, len(rows))
	for i, row := range rows {
		if found[i], err = foundIn(row); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func foundIn(row [][]byte) (foundColumn, error) {
	f := foundColumn{schema: string(row[0]), table: string(row[1]), kind: string(row[2])}
	f.column = value.Column{Name: string(row[4]), Native: string(row[7]), Nullable: string(row[8]) == "t", Description: string(row[9])}
	if row[3] != nil {
		n, err := strconv.ParseInt(string(row[3]), 10, 64)
		if err != nil {
			return f, err
		}
		f.rows = &n
	}
	oid, err := strconv.ParseUint(string(row[5]), 10, 32)
	if err != nil {
		return f, err
	}
	typmod, err := strconv.ParseInt(string(row[6]), 10, 32)
	f.oid, f.typmod = uint32(oid), int32(typmod)
	return f, err
}

// setTypes gives the columns the types that a query will report.
func (x *session) setTypes(found []foundColumn) error {
	types := x.newCatalog()
	var unknown []uint32
	for _, f := range found {
		if types.unknown(f.oid) {
			unknown = append(unknown, f.oid)
		}
	}
	if err := types.load(x, unknown); err != nil {
		return err
	}
	for i, f := range found {
		schema, err := value.SchemaOf(schemaOf([]column{types.column(f.column.Name, f.oid, f.typmod)}))
		if err != nil {
			return err
		}
		found[i].column.Type = schema[0].Type
	}
	return nil
}

func (s *Source) tablesOf(found []foundColumn) []connector.Table {
	var tables []connector.Table
	for _, f := range found {
		if s.schemas.Own(f.schema) {
			continue
		}
		ref := query.TableRef{Schema: f.schema, Name: f.table}
		if n := len(tables); n == 0 || tables[n-1].Ref != ref {
			tables = append(tables, connector.Table{Ref: ref, Kind: f.kind, Rows: f.rows})
		}
		last := &tables[len(tables)-1]
		last.Columns = append(last.Columns, f.column)
	}
	return tables
}
