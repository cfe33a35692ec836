package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// Schemas returns the schemas that Millrace writes in.
func (s *Source) Schemas() connector.Schemas { return s.schemas }

// Describe lets the server prepare the query, which does not run it.
func (s *Source) Describe(ctx context.Context, q connector.Query) (*arrow.Schema, error) {
	x, err := s.read(ctx, q.Class)
	if err != nil {
		return nil, err
	}
	defer x.close()
	st := s.statementOf(q)
	columns, err := x.describe(st, q.Class == connector.WorkloadInteractive)
	if err != nil {
		return nil, explain(x.ctx, err, st)
	}
	return schemaOf(columns), nil
}

// Execute runs commands in one transaction.
func (s *Source) Execute(ctx context.Context, commands ...connector.Query) (rows int64, err error) {
	x, err := s.write(ctx)
	if err != nil {
		return 0, err
	}
	defer x.close()
	for _, c := range commands {
		st := s.statementOf(c)
		done := x.conn.PgConn().ExecParams(x.ctx, st.text, nil, nil, nil, nil).Read() // the server takes one statement only
		if done.Err != nil {
			return 0, explain(x.ctx, done.Err, st)
		}
		rows = done.CommandTag.RowsAffected()
	}
	if _, err := x.conn.PgConn().Exec(x.ctx, "COMMIT").ReadAll(); err != nil {
		return 0, explain(x.ctx, err, statement{})
	}
	return rows, nil
}

// Columns returns the columns of a table.
func (s *Source) Columns(ctx context.Context, table query.TableRef) (value.Schema, error) {
	x, err := s.read(ctx, connector.WorkloadBatch)
	if err != nil {
		return nil, err
	}
	defer x.close()
	found, err := x.columns(fmt.Sprintf(columnsSQL, s.Dialect().Text(table.Schema), s.Dialect().Text(table.Name)))
	if err == nil {
		err = x.setTypes(found)
	}
	if err != nil {
		return nil, explain(x.ctx, err, statement{})
	}
	columns := make(value.Schema, len(found))
	for i, f := range found {
		columns[i] = f.column
	}
	return columns, nil
}

const columnsSQL = `
SELECT n.nspname, c.relname, 'table', NULL, a.attname, a.atttypid, a.atttypmod, format_type(a.atttypid, a.atttypmod),
       NOT a.attnotnull, ''
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = %s AND c.relname = %s
ORDER BY a.attnum`

// OwnTables lists the tables of a schema whose names begin with the prefix.
func (s *Source) OwnTables(ctx context.Context, schema, prefix string) ([]string, error) {
	x, err := s.read(ctx, connector.WorkloadBatch)
	if err != nil {
		return nil, err
	}
	defer x.close()
	rows, err := x.ask("SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname = " + s.Dialect().Text(schema))
	if err != nil {
		return nil, explain(x.ctx, err, statement{})
	}
	var names []string
	for _, row := range rows {
		if name := string(row[0]); strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names, nil
}
