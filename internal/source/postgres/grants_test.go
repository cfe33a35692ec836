package postgres

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// A test under the Lightning engine names the schema that cannot be written in, with the SQL that helps; and that SQL is
// all that it takes.
//
// Req: S-03, SY-47, SY-49
func TestGrants(t *testing.T) {
	t.Parallel()
	settings, admin := place(t, "")
	user := fmt.Sprintf(`limited "%d"`, time.Now().UnixNano())
	role := `"` + strings.ReplaceAll(user, `"`, `""`) + `"`
	execute(t, admin, "CREATE ROLE "+role+" LOGIN")
	t.Cleanup(func() { execute(t, admin, "DROP OWNED BY "+role+"; DROP ROLE "+role) })
	settings = with(with(with(settings, "user", user), connector.FieldPlannerSchema, "our planner"), connector.FieldAuditSchema, `our "audit"`)
	s := openAt(t, settings).(connector.Warehouse)

	test := func(schema string) {
		t.Helper()
		err := connector.TestWarehouse(t.Context(), s, Info(), settings)
		hint := fault.As(err).Hint()
		if !fault.Is(err, fault.CodeSourceDenied) || !strings.Contains(err.Error(), fmt.Sprintf("%q", schema)) || !strings.Contains(hint, `TO "`+strings.ReplaceAll(user, `"`, `""`)+`"`) {
			t.Errorf("the test says %v; %s", err, hint)
		}
	}
	test("our planner")
	all := connector.GrantsFor(Info(), settings)
	planner, audit, _ := strings.Cut(strings.ReplaceAll(all, "\n", ""), `GRANT CREATE, USAGE ON SCHEMA "our ""audit"""`)
	execute(t, admin, planner)
	test(`our "audit"`)
	execute(t, admin, `GRANT CREATE, USAGE ON SCHEMA "our ""audit"""`+audit)
	if err := connector.TestWarehouse(t.Context(), s, Info(), settings); err != nil {
		t.Errorf("with the grants: %v", err)
	}
	if n := number(t, admin, "SELECT count(*) FROM pg_tables WHERE schemaname IN ('our planner', 'our \"audit\"')"); n > 0 {
		t.Errorf("the test left %d tables", n)
	}
}
