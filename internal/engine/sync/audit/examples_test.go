package audit_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/audit"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/query"
)

// The queries that people are shown answer what their titles say.
//
// Req: SY-59
func TestExamples(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.target.refuse = map[string]string{"2": "too short", "3": "too short", "4": "too long"}
		w.people(person{"1", "Ann"}, person{"2", "B"}, person{"3", "C"}, person{"4", "Dagobert"})
		w.logged(run.Options{})
		w.people(person{"1", "Anna"}, person{"2", "B"}, person{"3", "C"}, person{"4", "Dagobert"}, person{"5", "Eve"})
		w.logged(run.Options{})
		w.people(person{"2", "B"}, person{"3", "C"}, person{"4", "Dagobert"}, person{"5", "Eve"})
		w.logged(run.Options{})
		w.people(person{"1", "Ann"}, person{"2", "B"}, person{"3", "C"}, person{"4", "Dagobert"}, person{"5", "Eve"})
		w.logged(run.Options{})
		want := [][]string{
			{"too short|2", "too long|1"},
			{
				"1|People|added|2026-03-01T08:00:00.000Z", "1|People|removed|2026-03-01T08:02:00.000Z", "1|People|added|2026-03-01T08:03:00.000Z",
				"2|People|added|2026-03-01T08:00:00.000Z", "3|People|added|2026-03-01T08:00:00.000Z", "4|People|added|2026-03-01T08:00:00.000Z",
				"5|People|added|2026-03-01T08:01:00.000Z",
			},
			{"People|1", "People|5"},
		}
		for i, e := range audit.Examples(w.warehouse.Dialect(), w.warehouse.Schemas()) {
			if got := w.ordered(e.SQL); !slices.Equal(got, want[i]) {
				t.Errorf("%s:\n%s\nyields\n  %s\nwant\n  %s", e.Title, e.SQL, strings.Join(got, "\n  "), strings.Join(want[i], "\n  "))
			}
		}
	})
}

// Queries that people bring along find the names that they know: these are as the reference has them, but for the schema.
// The second one pairs every change with all runs of its sync, and so tells more moments than there were.
//
// Req: SY-59, WH-11, WH-12, WH-13
func TestQueriesThatPeopleBring(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.target.refuse = map[string]string{"2": "too short"}
		w.people(person{"1", "Ann"}, person{"2", "B"})
		w.logged(run.Options{})
		w.want(`select failure_reason, count(*) as c from millrace_audit.sync_snapshot where failure_reason is not null group by failure_reason order by c desc`, "too short|1")
		w.want(`with details as ( select model_name, row_id, op_type as type, started_at as timestamp,
			lag(op_type) over(partition by model_name, row_id order by started_at) as lag_type
			from millrace_audit.sync_changelog c join millrace_audit.sync_runs r on c.sync_id = r.sync_id where op_type != 'changed' order by model_name, row_id )
			select row_id as user_id, model_name as audience, type, timestamp from details where (lag_type != type or lag_type is null) order by model_name, row_id, timestamp`,
			"1|People|added|2026-03-01T08:00:00.000Z", "2|People|added|2026-03-01T08:00:00.000Z")
		const members = `with model_names as ( select distinct sync_id, model_name from millrace_audit.sync_runs )
			select model_name, row_id as user_id from millrace_audit.sync_snapshot s join model_names r on s.sync_id = r.sync_id where s.status != 'failed'`
		w.want(members+" order by user_id", "People|1")
		if w.warehouse.Dialect().Name == query.DuckDB.Name { // PostgreSQL has no QUALIFY
			w.want(members+" qualify row_number() over (partition by user_id, model_name order by null) = 1 order by user_id", "People|1")
		}
	})
}

// The guide shows the same queries.
//
// Req: SY-59
func TestGuideHasTheExamples(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../../../docs/guides/sync-logs.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range audit.Examples(query.Postgres, connector.SchemasOf(nil)) {
		if !strings.Contains(string(guide), "```sql\n"+e.SQL+";\n```") {
			t.Errorf("the guide lacks %q:\n%s;", e.Title, e.SQL)
		}
	}
}
