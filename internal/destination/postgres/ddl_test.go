package postgres_test

import (
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// counting lets the database refuse to make the tables that a run prepares, and counts how often it was asked. A
// sequence counts what a transaction that fails did too.
const counting = `
CREATE SEQUENCE asked;
CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	IF current_query() !~ 'millrace_receipts|_millrace_mirror' THEN RETURN; END IF;
	PERFORM nextval('asked');
	RAISE EXCEPTION 'nothing is made here' USING ERRCODE = '%s';
END $$;
CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION refuse()`

// A table that cannot be made is asked for once in a run, whatever the server's reason: the impossible does not become
// possible by repetition, and statements that change a schema take locks. Where the run can do without, it does; where
// it cannot, it ends with the server's words.
//
// Req: FLD-15
func TestATableThatCannotBeMadeIsAskedForOnce(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]string{"permanent": "42601", "transient": "40001"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.exec(t, "CREATE TABLE kept (id int PRIMARY KEY)")
			w.exec(t, strings.Replace(counting, "%s", state, 1))
			j := job("kept", connector.ModeUpsert, "id", "id")
			s := begin(t, w, j)
			for i := range int64(5) {
				none(t, write(t, s, connector.Added, rowOf(j, num(i))))
			}
			if err := s.Finish(t.Context()); err != nil {
				t.Fatal(err)
			}
			same(t, w.text(t, "SELECT last_value FROM asked"), "(1)")
			same(t, w.text(t, "SELECT count(*) FROM kept"), "(5)")

			mirror := job("kept", connector.ModeAll, "", "id")
			_, err := w.open(t, w.settings(t)).Begin(t.Context(), mirror)
			if err == nil || !strings.Contains(err.Error(), "nothing is made here") {
				t.Errorf("got %v", err)
			}
			if class := fault.ClassOf(err); name == "permanent" && class == fault.Retryable {
				t.Errorf("the error is %s", class)
			}
			same(t, w.text(t, "SELECT last_value FROM asked"), "(2)")
			same(t, w.text(t, "SELECT count(*) FROM kept"), "(5)")
		})
	}
}
