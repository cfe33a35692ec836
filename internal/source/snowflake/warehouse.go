package snowflake

import (
	"context"
	"regexp"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// changes are the commands that can be undone. Every other one is a transaction of its own, and ends the one that it
// stands in: https://docs.snowflake.com/en/sql-reference/transactions#ddl
var changes = regexp.MustCompile(`(?i)^\s*(INSERT|UPDATE|DELETE|MERGE)\b`)

// Execute runs commands in their order. Commands in a row that change rows are done all or not at all; one that makes
// or drops a table is done at once.
func (s *Source) Execute(ctx context.Context, commands ...connector.Query) (rows int64, err error) {
	var class connector.Workload
	for _, c := range commands {
		class = c.Class
	}
	err = s.with(ctx, class, func(ctx context.Context, x *session) error {
		for i, c := range commands {
			st := statement{text: query.Clean(c.SQL), own: query.Clean(c.SQL), tag: c.Tag}
			changing := changes.MatchString(st.text)
			if err := x.turn(ctx, changing && (x.open || i+1 < len(commands))); err != nil {
				return err
			}
			if rows, err = x.execute(ctx, st); err != nil {
				return s.explainOwn(ctx, err, st)
			}
		}
		return x.turn(ctx, false)
	})
	return rows, err
}

// turn begins a transaction or ends it. One that is never ended is undone with its session.
func (x *session) turn(ctx context.Context, wanted bool) error {
	if x.open == wanted {
		return nil
	}
	text := "COMMIT"
	if wanted {
		text = "BEGIN"
	}
	x.open = true // until Snowflake says otherwise
	_, err := x.execute(ctx, statement{text: text})
	if err == nil {
		x.open = wanted
	}
	return err
}

// Columns returns the columns of a table.
func (s *Source) Columns(ctx context.Context, table query.TableRef) (columns value.Schema, err error) {
	sql := columnsSQL + "TABLE_SCHEMA = " + s.dialect.Text(table.Schema) + " AND TABLE_NAME = " + s.dialect.Text(table.Name) + columnsOrder
	err = s.with(ctx, connector.WorkloadBatch, func(ctx context.Context, x *session) error {
		rows, err := s.texts(ctx, x, sql)
		for _, row := range rows {
			c, err := catalogColumn(row[2:])
			if err != nil {
				return err
			}
			columns = append(columns, c)
		}
		return err
	})
	return columns, err
}

// OwnTables lists the tables of a schema whose names begin with the prefix.
func (s *Source) OwnTables(ctx context.Context, schema, prefix string) (names []string, err error) {
	sql := `SELECT TABLE_NAME AS "name" FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = ` + s.dialect.Text(schema) +
		" AND STARTSWITH(TABLE_NAME, " + s.dialect.Text(prefix) + ") AND TABLE_TYPE NOT LIKE '%VIEW%'"
	err = s.with(ctx, connector.WorkloadBatch, func(ctx context.Context, x *session) error {
		rows, err := s.texts(ctx, x, sql)
		for _, row := range rows {
			names = append(names, row[0])
		}
		return err
	})
	return names, err
}
