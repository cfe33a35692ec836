package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The Lightning engine keeps its promises where the process is killed at each edge of the state machine and at random
// requests: what was acknowledged is not sent again, nothing is missing, and two pairs of tables are left.
//
// Req: FLD-03, FLD-31, SY-46, SY-49
func TestLightningKill(t *testing.T) {
	t.Parallel()
	w := newWorldOn(t, "lightning", http.MethodPut)
	w.check()
	for _, point := range failpoints {
		w.killAtPoint(point)
	}
	for range 4 {
		w.killAtRequest()
	}
	const tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'millrace_planner' ORDER BY 1"
	err := until(t.Context(), time.Minute, func() (bool, error) { // they are dropped once the run is over
		return strings.Count(w.people.db.text(tables), "mr_") == 4, nil
	})
	if err != nil {
		t.Errorf("these tables are left: %s", w.people.db.text(tables))
	}
}

// Req: FLD-03, SY-46
func TestLightningStoppedWorkerIsFenced(t *testing.T) {
	t.Parallel()
	stoppedWorkerIsFenced(t, "lightning")
}

// From one PostgreSQL database to another on the Lightning engine: values keep their types, a row that the table refuses
// is refused alone and tried again, and rows that leave the model are deleted. Then the source's engine cannot go back.
//
// Req: SY-46, SY-47, SY-97, SY-45, SY-77, M-06, M-12
func TestLightningPostgresToPostgres(t *testing.T) {
	t.Parallel()
	from := newDatabase(t, "CREATE SCHEMA millrace_planner",
		`CREATE TABLE people (id bigint PRIMARY KEY, email text, score numeric(12,3), born date, seen timestamptz, tags text[], profile jsonb)`,
		`INSERT INTO people VALUES
			(1, 'a@x.test', 12345678.125, '1990-02-28', '2026-03-01 12:00:00+02', '{vip,"two words"}', '{"b":[1,null],"a":"é"}'),
			(2, NULL, NULL, NULL, NULL, NULL, NULL),
			(3, 'c@x.test', -5, '2000-01-01', '2026-03-01 00:00:00.123456Z', '{}', '{}')`)
	to := newDatabase(t, crm)
	p := start(t, "MILLRACE_HOME="+t.TempDir())
	document := func(kind, slug string, spec map[string]any) map[string]any {
		return map[string]any{"kind": kind, "metadata": map[string]any{"slug": slug, "name": slug}, "spec": spec}
	}
	fields := []any{}
	for _, name := range []string{"id", "email", "score", "born", "seen", "tags", "profile"} {
		fields = append(fields, map[string]any{"from": name, "to": name})
	}
	source := map[string]any{"type": "postgresql", "configuration": from.configuration(), "engine": "lightning"}
	p.must(http.MethodPost, "/api/apply", map[string]any{"documents": []any{
		document("source", "app", source),
		document("model", "people", map[string]any{"source": "app", "method": "table", "table": map[string]any{"schema": "public", "name": "people"}, "primaryKey": "id"}),
		document("destination", "crm", map[string]any{"type": "postgres", "configuration": to.configuration()}),
		document("sync", "people-to-crm", map[string]any{
			"model": "people", "destination": "crm", "type": "table", "mode": "upsert", "delete": "delete", "mappings": fields,
			"match": []any{map[string]any{"from": "id", "to": "id"}}, "settings": map[string]any{"schema": "public", "table": "contacts"},
		}),
	}}, nil)
	sync := func(succeeded, failed opCounts) {
		t.Helper()
		p.trigger("people-to-crm")
		last := p.settle("people-to-crm")[0]
		if last.Error != nil || last.Succeeded != succeeded || last.Failed != failed || last.Engine != "lightning" {
			t.Errorf("run %d took %+v and refused %+v on %q, want %+v and %+v; error %+v", last.ID, last.Succeeded, last.Failed, last.Engine, succeeded, failed, last.Error)
		}
	}
	sync(opCounts{Added: 2}, opCounts{Added: 1})
	first := `1|a@x.test|12345678.125|1990-02-28|2026-03-01 10:00:00|{vip,"two words"}|{"a": "é", "b": [1, null]}|new`
	if got := to.text(contacts); got != first+"\n2|new" {
		t.Errorf("the table holds\n%s", got)
	}
	from.exec(`UPDATE people SET score = 5 WHERE id = 3`, `UPDATE people SET email = 'A@x.test' WHERE id = 1`, `DELETE FROM people WHERE id = 2`)
	sync(opCounts{Added: 1, Changed: 1, Removed: 1}, opCounts{})
	if got := to.text(contacts); got != strings.Replace(first, "a@x", "A@x", 1)+"\n3|c@x.test|5.000|2000-01-01|2026-03-01 00:00:00.123456|{}|{}|new" {
		t.Errorf("the table holds\n%s", got)
	}
	sync(opCounts{}, opCounts{})

	source["engine"] = "basic"
	err := p.call(http.MethodPost, "/api/apply", map[string]any{"documents": []any{document("source", "app", source)}}, nil)
	if err == nil || !strings.Contains(fmt.Sprint(err), "spec.engine") {
		t.Errorf("the way back to the Basic engine: %v", err)
	}
}
