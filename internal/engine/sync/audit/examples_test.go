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
		for i, e := range audit.Examples(w.house.Dialect(), w.house.Schemas()) {
			if got := w.ordered(e.SQL); !slices.Equal(got, want[i]) {
				t.Errorf("%s:\n%s\nyields\n  %s\nwant\n  %s", e.Title, e.SQL, strings.Join(got, "\n  "), strings.Join(want[i], "\n  "))
			}
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
