package bigquery

import (
	"context"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
	rest "google.golang.org/api/bigquery/v2"
)

// Schemas returns the datasets that Millrace writes in.
func (s *Source) Schemas() connector.Schemas { return s.schemas }

// Describe lets BigQuery check the query, which does not run it.
func (s *Source) Describe(ctx context.Context, q connector.Query) (schema *arrow.Schema, err error) {
	own := query.Clean(q.SQL)
	err = s.within(ctx, own, func(ctx context.Context) (err error) {
		_, schema, err = s.describe(ctx, own, q)
		return err
	})
	return schema, err
}

// Execute runs commands in their order. Each one happens wholly or not at all, and so do several that only change rows;
// BigQuery has no transaction that makes or drops tables:
// https://cloud.google.com/bigquery/docs/transactions
func (s *Source) Execute(ctx context.Context, commands ...connector.Query) (written int64, err error) {
	err = s.within(ctx, "", func(ctx context.Context) error {
		for _, c := range together(commands) {
			own := query.Clean(c.SQL)
			_, answer, err := s.run(ctx, own, c)
			if err != nil {
				return s.explain(ctx, err, own)
			}
			if written, err = changed(answer); err != nil {
				return err
			}
		}
		return nil
	})
	return written, err
}

// together makes one script of several commands that only change rows. Its last statement tells how many rows the last
// command changed: https://cloud.google.com/bigquery/docs/reference/system-variables
func together(commands []connector.Query) []connector.Query {
	if len(commands) < 2 || slices.ContainsFunc(commands, func(c connector.Query) bool { return !changesRows(c.SQL) }) {
		return commands
	}
	var script strings.Builder
	script.WriteString("BEGIN TRANSACTION;\n")
	for _, c := range commands {
		script.WriteString(query.Clean(c.SQL) + "\n;\n")
	}
	script.WriteString("SELECT @@row_count AS " + rowCount + ";\nCOMMIT TRANSACTION")
	whole := commands[0]
	whole.SQL = script.String()
	return []connector.Query{whole}
}

const rowCount = "_millrace_rows"

func changesRows(sql string) bool {
	first, _, _ := strings.Cut(strings.TrimSpace(sql), " ")
	return slices.Contains([]string{"INSERT", "UPDATE", "DELETE"}, strings.ToUpper(first))
}

// changed is how many rows a job has changed.
func changed(answer *rest.GetQueryResultsResponse) (int64, error) {
	if answer.Schema == nil || len(answer.Schema.Fields) != 1 || answer.Schema.Fields[0].Name != rowCount || len(answer.Rows) != 1 {
		return answer.NumDmlAffectedRows, nil
	}
	n, err := cellValue(answer.Schema.Fields[0], answer.Rows[0].F[0].V)
	return n.Int(), err
}

// Columns returns the columns of a table.
func (s *Source) Columns(ctx context.Context, table query.TableRef) (schema value.Schema, err error) {
	err = s.within(ctx, "", func(ctx context.Context) error {
		t, err := s.table(ctx, s.projectOf(table), table.Schema, table.Name)
		if missing(err) || err == nil && t.Schema == nil {
			return nil
		}
		if err != nil {
			return err
		}
		schema, err = columns(t.Schema.Fields)
		return err
	})
	return schema, err
}

func (s *Source) projectOf(t query.TableRef) string {
	if t.Database != "" {
		return t.Database
	}
	return s.jobProject()
}

// OwnTables lists the tables of a dataset whose names begin with the prefix.
func (s *Source) OwnTables(ctx context.Context, schema, prefix string) (names []string, err error) {
	err = s.within(ctx, "", func(ctx context.Context) error {
		tables, err := s.listOf(ctx, s.jobProject(), schema)
		for _, t := range tables {
			if name := t.TableReference.TableId; strings.HasPrefix(name, prefix) {
				names = append(names, name)
			}
		}
		return err
	})
	return names, err
}
