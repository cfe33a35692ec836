package audit

import (
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
)

// Example is a query of the tables that people can begin with (SY-59).
type Example struct {
	Title string
	Needs []string // the tables that it reads
	SQL   string
}

// examples are in SQL that every dialect understands; {sync_changelog} and the like stand for the tables. Window functions
// are filtered by a query around them, since not every database has QUALIFY.
var examples = []Example{
	{"The most common errors", []string{Snapshot}, `SELECT failure_reason, count(*) AS failures
FROM {sync_snapshot}
WHERE failure_reason IS NOT NULL
GROUP BY failure_reason
ORDER BY failures DESC`},
	{"When rows entered and left a model", []string{Changelog, Runs}, `WITH details AS (
  SELECT r.model_name, c.row_id, c.op_type, r.started_at,
    lag(c.op_type) OVER (PARTITION BY r.model_name, c.row_id ORDER BY r.started_at) AS op_before
  FROM {sync_changelog} AS c
  JOIN {sync_runs} AS r ON r.sync_id = c.sync_id AND r.sync_run_id = c.sync_run_id
  WHERE c.op_type <> 'changed'
)
SELECT row_id, model_name, op_type, started_at
FROM details
WHERE op_before IS NULL OR op_before <> op_type
ORDER BY model_name, row_id, started_at`},
	{"The rows that are in each model now", []string{Snapshot, Runs}, `SELECT DISTINCT r.model_name, s.row_id
FROM {sync_snapshot} AS s
JOIN (SELECT DISTINCT sync_id, model_name FROM {sync_runs}) AS r ON r.sync_id = s.sync_id
WHERE s.status <> 'failed'
ORDER BY r.model_name, s.row_id`},
}

// Examples returns the queries in a warehouse's own dialect.
func Examples(d query.Dialect, s connector.Schemas) []Example {
	var pairs []string
	for _, name := range []string{Changelog, Snapshot, Runs} {
		pairs = append(pairs, "{"+name+"}", d.Table(query.TableRef{Schema: s.Audit, Name: name}))
	}
	named := strings.NewReplacer(pairs...)
	all := make([]Example, len(examples))
	for i, e := range examples {
		e.SQL = named.Replace(e.SQL)
		all[i] = e
	}
	return all
}
