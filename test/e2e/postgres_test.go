package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/millrace/millrace/test/services"
)

// database is a PostgreSQL database that a sync reads from or writes to.
type database struct {
	t    *testing.T
	conn *pgx.Conn
	url  *url.URL
}

func newDatabase(t *testing.T, statements ...string) *database {
	t.Helper()
	address := services.Postgres(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	c, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(t.Context()) }) //nolint:errcheck // the database is dropped anyway
	d := &database{t: t, conn: c, url: u}
	d.exec(statements...)
	return d
}

func (d *database) exec(statements ...string) {
	d.t.Helper()
	for _, s := range statements {
		if _, err := d.conn.Exec(d.t.Context(), s); err != nil {
			d.t.Fatalf("%s: %v", s, err)
		}
	}
}

// configuration is how a source or destination connects.
func (d *database) configuration() map[string]any {
	d.t.Helper()
	port, err := strconv.Atoi(d.url.Port())
	if err != nil {
		d.t.Fatal(err)
	}
	return map[string]any{
		"host": d.url.Hostname(), "port": port, "database": strings.TrimPrefix(d.url.Path, "/"), "user": "postgres", "sslMode": "disable",
	}
}

// text runs a query of one column and joins its rows.
func (d *database) text(query string) string {
	d.t.Helper()
	rows, err := d.conn.Query(d.t.Context(), query)
	if err != nil {
		d.t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		d.t.Fatal(err)
	}
	return strings.Join(all, "\n")
}

const crm = `CREATE TABLE contacts (
	id text PRIMARY KEY, email text, score numeric CHECK (score >= 0), born date, seen timestamptz, tags text[], profile jsonb, note text DEFAULT 'new')`

const contacts = "SELECT concat_ws('|', id, email, score, born, seen AT TIME ZONE 'UTC', tags, profile, note) FROM contacts ORDER BY id"

// From one PostgreSQL database to another: values keep their types, only the difference is written, a row
// that the table refuses is refused alone and tried again, and rows that leave the model are deleted.
//
// Req: SY-15, SY-18, SY-39, SY-77, SY-97, M-06, M-12, M-23
func TestPostgresToPostgres(t *testing.T) {
	t.Parallel()
	from := newDatabase(t,
		`CREATE TABLE people (id bigint PRIMARY KEY, email text, score numeric(12,3), born date, seen timestamptz, tags text[], profile jsonb)`,
		`INSERT INTO people VALUES
			(1, 'a@x.test', 12345678.125, '1990-02-28', '2026-03-01 12:00:00+02', '{vip,"two words"}', '{"b":[1,null],"a":"é"}'),
			(2, NULL, NULL, NULL, NULL, NULL, NULL),
			(3, 'c@x.test', -5, '2000-01-01', '2026-03-01 00:00:00.123456Z', '{}', '{}'),
			(9007199254740993, 'big@x.test', 0, NULL, NULL, NULL, NULL)`)
	to := newDatabase(t, crm)
	p := start(t, "MILLRACE_HOME="+t.TempDir())
	fields := []any{}
	for _, name := range []string{"id", "email", "score", "born", "seen", "tags", "profile"} {
		fields = append(fields, map[string]any{"from": name, "to": name})
	}
	document := func(kind, slug string, spec map[string]any) map[string]any {
		return map[string]any{"kind": kind, "metadata": map[string]any{"slug": slug, "name": slug}, "spec": spec}
	}
	p.must(http.MethodPost, "/api/apply", map[string]any{"documents": []any{
		document("source", "app", map[string]any{"type": "postgresql", "configuration": from.configuration()}),
		document("model", "people", map[string]any{"source": "app", "method": "table", "table": map[string]any{"schema": "public", "name": "people"}, "primaryKey": "id"}),
		document("destination", "crm", map[string]any{"type": "postgres", "configuration": to.configuration()}),
		document("sync", "people-to-crm", map[string]any{
			"model": "people", "destination": "crm", "type": "table", "mode": "upsert", "delete": "delete", "mappings": fields,
			"match": []any{map[string]any{"from": "id", "to": "id"}}, "settings": map[string]any{"schema": "public", "table": "contacts"},
		}),
	}}, nil)

	sync := func(succeeded, failed opCounts) int64 {
		t.Helper()
		p.trigger("people-to-crm")
		last := p.settle("people-to-crm")[0]
		if last.Error != nil || last.Succeeded != succeeded || last.Failed != failed {
			t.Errorf("run %d took %+v and refused %+v, want %+v and %+v; error %+v", last.ID, last.Succeeded, last.Failed, succeeded, failed, last.Error)
		}
		return last.ID
	}
	expect := func(want ...string) {
		t.Helper()
		if got := to.text(contacts); got != strings.Join(want, "\n") {
			t.Errorf("the table holds\n%s\nwant\n%s", got, strings.Join(want, "\n"))
		}
	}
	const (
		first = `1|a@x.test|12345678.125|1990-02-28|2026-03-01 10:00:00|{vip,"two words"}|{"a": "é", "b": [1, null]}|new`
		big   = "9007199254740993|big@x.test|0.000|new"
	)
	id := sync(opCounts{Added: 3}, opCounts{Added: 1})
	expect(first, "2|new", big)
	refused := p.rows(id, "failed")
	if len(refused) != 1 || refused[0].Key != "3" || !strings.Contains(refused[0].Reason, "contacts_score_check") {
		t.Errorf("the refused rows are %+v", refused)
	}

	sync(opCounts{}, opCounts{Added: 1})
	from.exec(`UPDATE people SET score = 5 WHERE id = 3`, `UPDATE people SET email = 'A@x.test' WHERE id = 1`, `DELETE FROM people WHERE id = 2`)
	to.exec(`UPDATE contacts SET note = 'kept'`)
	sync(opCounts{Added: 1, Changed: 1, Removed: 1}, opCounts{})
	expect(strings.Replace(strings.Replace(first, "a@x", "A@x", 1), "|new", "|kept", 1),
		"3|c@x.test|5.000|2000-01-01|2026-03-01 00:00:00.123456|{}|{}|new", strings.Replace(big, "|new", "|kept", 1))
	sync(opCounts{}, opCounts{})

	from.exec(`ALTER TABLE people DROP COLUMN born`)
	p.trigger("people-to-crm")
	if last := p.settle("people-to-crm")[0]; last.Error == nil || !strings.Contains(last.Error.Message, "born") {
		t.Errorf("a missing column is not named: %+v", last.Error)
	}
	from.exec(`DROP TABLE people`)
	p.trigger("people-to-crm")
	if last := p.settle("people-to-crm")[0]; last.Error == nil || !strings.Contains(last.Error.Message, `relation "public.people" does not exist`) || last.Error.Suggestion == "" {
		t.Errorf("the server's words are missing: %+v", last.Error)
	}
}

// What was used is counted from the first run on, sample sources left out.
//
// Req: P-01, P-04, S-85
func TestUsage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, http.MethodPut)
	w.check()
	w.change()
	w.check()
	var usage struct {
		Months []struct {
			ActiveSyncs, Operations int64
		}
	}
	w.server.must(http.MethodGet, "/api/usage", nil, &usage)
	if want := int64(len(w.receiver.since(0))); len(usage.Months) != 1 || usage.Months[0].ActiveSyncs != 1 || usage.Months[0].Operations != want {
		t.Errorf("usage is %s, want one sync with %d operations", fmt.Sprint(usage), want)
	}
}
