package e2e

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// One row is sent by the command line, to an API that answers: no run is made, and the run that follows sends every
// row as if there had been no test.
//
// Req: SY-11
func TestTestRow(t *testing.T) {
	t.Parallel()
	w, a := retries(t)
	p := w.server
	run(t, p, "", "test-row", "sync/"+crashSync, "--key", "2").expect(t, 0,
		"PUT "+w.receiver.URL+"/contacts/2", `{"id":"2","name":"person 2","version":1}`, "→ 200", `{"ok":true}`, "row 2 as added: succeeded")
	run(t, p, "", "test-row", crashSync, "--key", "2", "--op", "changed", "--set", "name=Ada=Lovelace", "--set", "version:number=1.5").expect(t, 0,
		`{"id":"2","name":"Ada=Lovelace","version":1.5}`, "row 2 as changed: succeeded")
	run(t, p, "", "test-row", crashSync, "--key", "2", "--set", "name:null").expect(t, 0, `"name":null`)
	if got := w.receiver.state(); len(got) != 1 || !strings.Contains(got["2"], `"name":null`) {
		t.Errorf("the receiver holds %v", got)
	}
	run(t, p, "", "test-row", crashSync, "--key", "2", "--op", "removed").expect(t, 0, "DELETE ", "row 2 as removed: succeeded")
	if got := w.receiver.state(); len(got) != 0 {
		t.Errorf("the receiver holds %v", got)
	}
	a.refuse("3")
	run(t, p, "", "test-row", crashSync, "--key", "3").expect(t, 8, "→ 422", "contact 3 is not wanted", "row 3 as added: rejected", "the row was refused")
	var whole struct {
		Outcome   string
		Exchanges []struct{ Status int }
	}
	r := run(t, p, "", "test-row", crashSync, "--key", "3", "-o", "json")
	if err := json.Unmarshal([]byte(r.out), &whole); err != nil || whole.Outcome != "rejected" || len(whole.Exchanges) != 1 || whole.Exchanges[0].Status != 422 {
		t.Errorf("%v: %s", err, r.out)
	}
	a.refuse()

	run(t, p, "", "test-row", crashSync, "--key", "99").expect(t, 4, "no row with this primary key")
	run(t, p, "", "test-row", crashSync).expect(t, 1, "key")
	run(t, p, "", "test-row", crashSync, "--key", "2", "--op", "moved").expect(t, 2, "operation")
	run(t, p, "", "test-row", crashSync, "--key", "2", "--set", "name").expect(t, 2, "COLUMN=VALUE")
	run(t, p, "", "test-row", crashSync, "--key", "2", "--set", "nam=x").expect(t, 2, `no column "nam"`)
	run(t, p, "", "test-row", crashSync, "--key", "2", "--set", "id=7").expect(t, 2, "primary key")
	run(t, p, "", "test-row", crashSync, "--key", "2", "--set", "version:number=many").expect(t, 2, "cannot be cast to number")

	if runs := p.runs(crashSync); len(runs) != 0 {
		t.Errorf("tests made the runs %+v", runs)
	}
	a.take()
	w.sync(opCounts{Added: 3}, opCounts{})
	if got := a.take(); got != "1 2 3" {
		t.Errorf("the first run sent %s", got)
	}
}

// Files are whole only with all rows of a run: testing a row of theirs is refused, and leaves no file.
//
// Req: SY-11
func TestTestRowOfFiles(t *testing.T) {
	t.Parallel()
	home, data := t.TempDir(), t.TempDir()
	p := start(t, "MILLRACE_HOME="+home)
	write(t, filepath.Join(data, "orders.csv"), "id,total\n1,10\n")
	run(t, p, shop(data, "SELECT id, total FROM orders"), "apply", "-f", "-").expect(t, 0)
	run(t, p, "", "test-row", "orders-to-files", "--key", "1").expect(t, 2, "writes files", "Run the sync")
	if found, err := filepath.Glob(filepath.Join(home, "files", "out", "*")); err != nil || len(found) != 0 {
		t.Errorf("%v, %v", found, err)
	}
	run(t, p, "", "run", "orders-to-files").expect(t, 0, "1 added")
}

// A row goes to a table as a run's rows do: with its types, in a transaction, and without a receipt that stays.
// A refusal is told in the words of the database.
//
// Req: SY-11, SY-72, SY-97
func TestTestRowOfATable(t *testing.T) {
	t.Parallel()
	from := newDatabase(t,
		`CREATE TABLE people (id uuid PRIMARY KEY, email text, score numeric(12,3), born date, seen timestamptz, tags text[], profile jsonb)`,
		`INSERT INTO people VALUES
			('6f1b1c3e-0000-4000-8000-000000000001', 'a@x.test', 12345678.125, '1990-02-28', '2026-03-01 12:00:00+02', '{vip,"two words"}', '{"b":[1,null],"a":"é"}'),
			('6f1b1c3e-0000-4000-8000-000000000002', NULL, -1, NULL, NULL, NULL, NULL)`)
	to := newDatabase(t, crm)
	p := start(t, "MILLRACE_HOME="+t.TempDir())
	fields := []any{}
	for _, name := range []string{"id", "email", "score", "born", "seen", "tags", "profile"} {
		fields = append(fields, map[string]any{"from": name, "to": name})
	}
	document := func(kind, slug string, spec map[string]any) map[string]any {
		return map[string]any{"kind": kind, "metadata": map[string]any{"slug": slug, "name": slug}, "spec": spec}
	}
	sync := map[string]any{
		"model": "people", "destination": "crm", "type": "table", "mode": "upsert", "delete": "delete", "mappings": fields,
		"match": []any{map[string]any{"from": "id", "to": "id"}}, "settings": map[string]any{"schema": "public", "table": "contacts"},
	}
	p.must(http.MethodPost, "/api/apply", map[string]any{"documents": []any{
		document("source", "app", map[string]any{"type": "postgresql", "configuration": from.configuration()}),
		document("model", "people", map[string]any{"source": "app", "method": "table", "table": map[string]any{"schema": "public", "name": "people"}, "primaryKey": "id"}),
		document("destination", "crm", map[string]any{"type": "postgres", "configuration": to.configuration()}),
		document("sync", "people-to-crm", sync),
	}}, nil)
	const one, two = "6f1b1c3e-0000-4000-8000-000000000001", "6f1b1c3e-0000-4000-8000-000000000002"
	run(t, p, "", "test-row", "people-to-crm", "--key", one).expect(t, 0, "INSERT INTO", "succeeded")
	tested := to.text(contacts)
	run(t, p, "", "test-row", "people-to-crm", "--key", two).expect(t, 8, "violates check constraint")
	run(t, p, "", "test-row", "people-to-crm", "--key", two, "--set", "score:number=5", "--set", "born:date=2001-02-03").expect(t, 0, "succeeded")
	if got := to.text("SELECT concat_ws('|', score, born) FROM contacts WHERE id = '" + two + "'"); got != "5|2001-02-03" {
		t.Errorf("the row with other values is %s", got)
	}
	if got := to.text("SELECT count(*)::text FROM millrace_receipts"); got != "0" {
		t.Errorf("%s receipts are left", got)
	}
	run(t, p, "", "test-row", "people-to-crm", "--key", one, "--op", "removed").expect(t, 0, "DELETE", "succeeded")
	run(t, p, "", "test-row", "people-to-crm", "--key", strings.ToUpper(one)).expect(t, 4, "no row")

	p.trigger("people-to-crm")
	if last := p.settle("people-to-crm")[0]; last.Succeeded != (opCounts{Added: 1}) || last.Failed != (opCounts{Added: 1}) {
		t.Errorf("the run took %+v and refused %+v", last.Succeeded, last.Failed)
	}
	if got := to.text(contacts); !strings.HasPrefix(got, tested) {
		t.Errorf("a run wrote\n%s\na test\n%s", got, tested)
	}
}
