package postgres

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/jackc/pgx/v5"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// Schemas returns the schemas that Millrace writes in.
func (s *Source) Schemas() connector.Schemas { return s.schemas }

// Describe lets the server prepare the query, which does not run it.
func (s *Source) Describe(ctx context.Context, q connector.Query) (*arrow.Schema, error) {
	x, err := s.connect(ctx, beginRead)
	if err != nil {
		return nil, err
	}
	defer x.close()
	st := statementOf(q)
	columns, err := x.describe(st, q.Class == connector.WorkloadInteractive)
	if err != nil {
		return nil, explain(x.ctx, err, st)
	}
	return schemaOf(columns), nil
}

// Execute runs commands in one transaction.
func (s *Source) Execute(ctx context.Context, commands ...connector.Query) (rows int64, err error) {
	x, err := s.connect(ctx, beginWrite)
	if err != nil {
		return 0, err
	}
	defer x.close()
	for _, c := range commands {
		st := statementOf(c)
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

const columnsSQL = `
SELECT n.nspname, c.relname, 'table', NULL::bigint, a.attname, a.atttypid, a.atttypmod, format_type(a.atttypid, a.atttypmod),
       NOT a.attnotnull, ''
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = $1 AND c.relname = $2
ORDER BY a.attnum`

// Columns returns the columns of a table.
func (s *Source) Columns(ctx context.Context, table query.TableRef) (value.Schema, error) {
	x, err := s.connect(ctx, beginRead)
	if err != nil {
		return nil, err
	}
	defer x.close()
	found, err := x.columns(columnsSQL, table.Schema, table.Name)
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

const ownTablesSQL = `
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind = 'r' AND starts_with(c.relname, $2)`

// OwnTables lists the tables of a schema whose names begin with the prefix.
func (s *Source) OwnTables(ctx context.Context, schema, prefix string) ([]string, error) {
	x, err := s.connect(ctx, beginRead)
	if err != nil {
		return nil, err
	}
	defer x.close()
	rows, err := x.conn.Query(x.ctx, ownTablesSQL, schema, prefix)
	if err != nil {
		return nil, explain(x.ctx, err, statement{})
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return names, explain(x.ctx, err, statement{})
}
