package snowflake

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// What discovery reads: the database of the settings only (S-44). Two statements are lighter than a join of two views
// of the catalog (https://docs.snowflake.com/en/sql-reference/info-schema/columns, …/tables).
const (
	tablesSQL = `SELECT TABLE_SCHEMA AS "schema", TABLE_NAME AS "name", TABLE_TYPE AS "type", ROW_COUNT AS "rows"
FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA <> 'INFORMATION_SCHEMA'`
	columnsSQL = `SELECT TABLE_SCHEMA AS "schema", TABLE_NAME AS "table", COLUMN_NAME AS "name", IS_NULLABLE AS "nullable", DATA_TYPE AS "type",
  CHARACTER_MAXIMUM_LENGTH AS "length", NUMERIC_PRECISION AS "precision", NUMERIC_SCALE AS "scale", DATETIME_PRECISION AS "digits", COMMENT AS "comment"
FROM INFORMATION_SCHEMA.COLUMNS WHERE `
	columnsOrder = ` ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION`
)

// Introspect lists the tables and views of the database.
func (s *Source) Introspect(ctx context.Context) (tables []connector.Table, err error) {
	err = s.with(ctx, connector.WorkloadInteractive, func(ctx context.Context, x *session) error {
		found, err := s.texts(ctx, x, tablesSQL)
		if err != nil {
			return err
		}
		columns, err := s.texts(ctx, x, columnsSQL+"TABLE_SCHEMA <> 'INFORMATION_SCHEMA'"+columnsOrder)
		if err != nil {
			return err
		}
		tables, err = s.tablesOf(found, columns)
		return err
	})
	return tables, err
}

// tablesOf joins tables with their columns, sorted by schema and name.
func (s *Source) tablesOf(found, columns [][]string) ([]connector.Table, error) {
	of := map[query.TableRef]value.Schema{}
	for _, row := range columns {
		c, err := catalogColumn(row[2:])
		if err != nil {
			return nil, err
		}
		ref := query.TableRef{Schema: row[0], Name: row[1]}
		of[ref] = append(of[ref], c)
	}
	var tables []connector.Table
	for _, row := range found {
		ref := query.TableRef{Schema: row[0], Name: row[1]}
		if s.schemas.Own(ref.Schema) || len(of[ref]) == 0 {
			continue
		}
		t := connector.Table{Ref: ref, Kind: "table", Columns: of[ref]}
		if strings.Contains(row[2], "VIEW") {
			t.Kind = "view"
		}
		if n, err := strconv.ParseInt(row[3], 10, 64); err == nil {
			t.Rows = &n
		}
		tables = append(tables, t)
	}
	slices.SortFunc(tables, func(a, b connector.Table) int {
		return strings.Compare(a.Ref.Schema+"\x00"+a.Ref.Name, b.Ref.Schema+"\x00"+b.Ref.Name)
	})
	return tables, nil
}

// wireTypes are the wire's names of the catalog's types, where they differ
// (https://docs.snowflake.com/en/sql-reference/info-schema/columns).
var wireTypes = map[string]string{"NUMBER": "fixed", "FLOAT": "real", "TEXT": "text", "VARCHAR": "text"}

// catalogColumn reads name, nullable, type, length, precision, scale, digits of times and comment.
func catalogColumn(row []string) (value.Column, error) {
	number := func(text string) int64 {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0
		}
		return n
	}
	d := described{name: row[0], nullable: row[1] == "YES", kind: strings.ToLower(row[2]), length: number(row[3]), precision: number(row[4]), scale: number(row[5])}
	if wire := wireTypes[row[2]]; wire != "" {
		d.kind = wire
	}
	if row[6] != "" {
		d.scale = number(row[6])
	}
	found := value.Column{Name: d.name, Native: row[2], Type: value.TypeString, Nullable: d.nullable, Description: row[7]}
	c, err := d.column()
	if err != nil { // it can be listed, but not read as it is
		return found, nil //nolint:nilerr // the query says what to do
	}
	schema, err := value.SchemaOf(arrow.NewSchema([]arrow.Field{c.field}, nil))
	if err != nil {
		return found, err
	}
	found.Native, found.Type = schema[0].Native, schema[0].Type
	return found, nil
}

// texts runs a statement of ours and returns its rows as texts; null is empty. Results of the catalog are small, and are
// read as the driver gives them, whichever form Snowflake chose.
func (s *Source) texts(ctx context.Context, x *session, sql string) (all [][]string, err error) {
	err = x.use(func(l link) (err error) {
		rows, err := l.QueryContext(statement{}.context(ctx), sql, nil)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		cells := make([]driver.Value, len(rows.Columns()))
		for {
			if err := rows.Next(cells); err != nil {
				if errors.Is(err, io.EOF) {
					return nil
				}
				return err
			}
			row := make([]string, len(cells))
			for i, c := range cells {
				if c != nil {
					row[i] = fmt.Sprint(c)
				}
			}
			all = append(all, row)
		}
	})
	return all, err
}
