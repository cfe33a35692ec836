package databricks

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// Schemas returns the schemas that Millrace writes in.
func (s *Source) Schemas() connector.Schemas { return s.schemas }

// Describe lets the warehouse analyze the query, which does not run it.
func (s *Source) Describe(ctx context.Context, q connector.Query) (*arrow.Schema, error) {
	x, err := s.connect(ctx, q.Class)
	if err != nil {
		return nil, err
	}
	defer x.end(errReleased)
	schema, err := x.describe(s.statementOf(q, describe), q)
	return schema, x.explain(err)
}

// Execute runs commands one after the other; each is a transaction of its own.
func (s *Source) Execute(ctx context.Context, commands ...connector.Query) (rows int64, err error) {
	class := connector.WorkloadBatch
	if len(commands) > 0 && commands[0].Class != "" {
		class = commands[0].Class
	}
	x, err := s.connect(ctx, class)
	if err != nil {
		return 0, err
	}
	defer x.end(errReleased)
	for _, c := range commands {
		if rows, err = x.execute(s.statementOf(c, ""), c.Tag); err != nil {
			return 0, x.explain(err)
		}
	}
	return rows, nil
}

// execute runs a command, and returns how many rows it wrote, where the warehouse says so.
func (x *session) execute(st statement, tag string) (int64, error) {
	a, rows, err := x.rows(st, tag)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	at := slices.IndexFunc(a.Manifest.Schema.Columns, func(c wireColumn) bool { return c.Name == "num_affected_rows" })
	if at < 0 || at >= len(rows[0]) || rows[0][at] == nil {
		return 0, nil
	}
	n, err := strconv.ParseInt(*rows[0][at], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading how many rows were written: %w", err)
	}
	return n, nil
}

const columnsSQL = "SELECT column_name, full_data_type, is_nullable FROM information_schema.columns " +
	"WHERE lower(table_schema) = lower(%s) AND lower(table_name) = lower(%s) ORDER BY ordinal_position"

// Columns returns the columns of a table. Names of Unity Catalog have no capitals:
// https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-names
func (s *Source) Columns(ctx context.Context, table query.TableRef) (value.Schema, error) {
	var columns value.Schema
	err := s.each(ctx, "columns", filled(columnsSQL, table.Schema, table.Name), func(row []string) {
		columns = append(columns, columnOf(row[0], row[1], "", row[2] != "NO"))
	})
	return columns, err
}

const ownTablesSQL = "SELECT table_name FROM information_schema.tables " +
	"WHERE lower(table_schema) = lower(%s) AND startswith(lower(table_name), lower(%s))"

// OwnTables lists the tables of a schema whose names begin with the prefix, whatever their capitals.
func (s *Source) OwnTables(ctx context.Context, schema, prefix string) ([]string, error) {
	var names []string
	err := s.each(ctx, "own tables", filled(ownTablesSQL, schema, prefix), func(row []string) { names = append(names, row[0]) })
	return names, err
}

// filled puts texts into SQL of ours.
func filled(sql string, texts ...string) string {
	quoted := make([]any, len(texts))
	for i, t := range texts {
		quoted[i] = query.Databricks.Text(t)
	}
	return fmt.Sprintf(sql, quoted...)
}
