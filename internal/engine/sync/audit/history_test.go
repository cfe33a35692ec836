package audit_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/synclog"
)

// A full resync adds every row again; a CDC reset does nothing, and every row is unchanged.
//
// Req: SY-55, SY-56
func TestFullResyncAndReset(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.people(person{"1", "Ann"}, person{"2", "Bob"})
		w.logged(run.Options{})
		resync := w.logged(run.Options{FullResync: true})
		w.want(fmt.Sprintf("SELECT op_type, row_id FROM millrace_audit.sync_changelog WHERE sync_run_id = %d", resync.ID), "added|1", "added|2")
		w.want("SELECT op_type, row_id, status FROM millrace_audit.sync_snapshot", "added|1|succeeded", "added|2|succeeded")
		reset := w.logged(run.Options{ResetCDC: true})
		w.want(fmt.Sprintf("SELECT op_type, row_id FROM millrace_audit.sync_changelog WHERE sync_run_id = %d", reset.ID))
		w.want("SELECT op_type, row_id, status FROM millrace_audit.sync_snapshot", "unchanged|1|succeeded", "unchanged|2|succeeded")
	})
}

// A mode without change tracking sends every row each time, and so do its logs tell; the planner's tables of such a run
// are gone when its log is written.
//
// Req: SY-55, SY-56, SY-18
func TestModeWithoutChangeTracking(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.bundle.SyncSpec.Mode, w.bundle.SyncSpec.Delete = connector.ModeAll, ""
		w.bundle.SyncSpec.SyncLogs = &synclog.Tables{Snapshot: true}
		w.target.refuse = map[string]string{"2": "no bobs"}
		w.people(person{"1", "Ann"}, person{"2", "Bob"}, person{"3", "Cyd"}, person{"3", "Cyd again"})
		w.logged(run.Options{})
		want := []string{
			`added|1|succeeded|-|{"id":"1","name":"Ann"}`, `added|2|failed|no bobs|{"id":"2","name":"Bob"}`,
			`added|3|failed|` + duplicate + `|{"id":"3","name":"Cyd"}`, `added|3|failed|` + duplicate + `|{"id":"3","name":"Cyd again"}`,
		}
		w.want(snapshot, want...)
		w.people(person{"1", "Ann"})
		w.logged(run.Options{})
		w.want(snapshot, want[0])
		if found, err := w.warehouse.OwnTables(t.Context(), "millrace_audit", "sync_"); err != nil || len(found) != 1 {
			t.Errorf("tables that nobody chose: %v, %v", found, err)
		}
	})
}

// What the configuration ignores is no operation.
//
// Req: SY-55, SY-75
func TestIgnoredRowsAreNotLogged(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.bundle.SyncSpec.Mode, w.bundle.SyncSpec.Delete = connector.ModeInsert, ""
		w.people(person{"1", "Ann"}, person{"2", "Bob"})
		w.logged(run.Options{})
		w.people(person{"1", "Anna"}, person{"3", "Cyd"})
		second := w.logged(run.Options{})
		w.want(fmt.Sprintf(changelog+" AND sync_run_id = %d", second.ID), `added|3|succeeded|-|{"id":"3","name":"Cyd"}`)
		w.want(snapshot, `unchanged|1|succeeded|-|{"id":"1","name":"Anna"}`, `added|3|succeeded|-|{"id":"3","name":"Cyd"}`)
	})
}

// Rows of which nobody knows what became of them count as failed, and say so.
//
// Req: SY-55, FLD-01
func TestRowsInDoubt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.target.limits.Idempotency = connector.NotIdempotent
		w.target.fail = func(*connector.Batch) error { return fault.New(fault.CodeDestinationTimeout, "no answer") }
		w.people(person{"1", "Ann"})
		r := w.logged(run.Options{})
		if r.Counts.InDoubt != 1 {
			t.Fatalf("%+v", r.Counts)
		}
		got := w.read("SELECT status, failure_reason FROM millrace_audit.sync_changelog")
		if len(got) != 1 || !strings.HasPrefix(got[0], "failed|") || strings.HasSuffix(got[0], "|-") {
			t.Errorf("%q", got)
		}
	})
}

// A sync may have more logs than its source says, and never fewer. Others have none.
//
// Req: SY-54
func TestChoiceOfTables(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		source, sync *synclog.Tables
		engine       string
		want         *synclog.Tables
	}{
		{nil, nil, connector.EngineLightning, nil},
		{&synclog.Tables{}, &synclog.Tables{}, connector.EngineLightning, nil},
		{&synclog.Tables{Runs: true}, &synclog.Tables{Snapshot: true}, connector.EngineLightning, &synclog.Tables{Runs: true, Snapshot: true}},
		{nil, &everything, connector.EngineBasic, nil},
	} {
		w := newWorld(t, dbtest.SQLite(t), "duckdb")
		w.bundle.SourceSpec.SyncLogs, w.bundle.SyncSpec.SyncLogs, w.bundle.SourceSpec.Engine = c.source, c.sync, c.engine
		w.people(person{"1", "Ann"})
		switch r := w.sync(run.Options{}); {
		case c.want == nil && r.Pinned.Logs != nil, c.want != nil && (r.Pinned.Logs == nil || r.Pinned.Logs.Tables != *c.want):
			t.Errorf("%+v and %+v on %s: %+v", c.source, c.sync, c.engine, r.Pinned.Logs)
		}
		if waiting := w.status().Waiting; (waiting == 1) != (c.want != nil) {
			t.Errorf("%+v: %d logs wait", c, waiting)
		}
	}
}

// A run that was cancelled before it began is not logged: there is nothing to tell.
//
// Req: SY-57
func TestRunThatNeverBegan(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, w *world) {
		w.people(person{"1", "Ann"})
		if _, err := w.runs.Cancel(t.Context(), workspace, w.trigger(run.Options{})); err != nil {
			t.Fatal(err)
		}
		if s := w.status(); s.Waiting != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// Values keep their types and digits in the rows that are told from the warehouse's own tables as in those that went
// through a plan.
//
// Req: SY-55, SY-56
func TestFieldsAreTheSameInBothTables(t *testing.T) {
	t.Parallel()
	types := map[string]string{
		"duckdb": `SELECT '1' AS id, 1.50::DECIMAL(30,2) AS d, 9007199254740993::BIGINT AS n, 0.1::DOUBLE AS f, 'nan'::DOUBLE AS nan, true AS b, DATE '2026-03-01' AS day,
			TIMESTAMPTZ '2026-03-01 12:00:00+02' AS at, '\xFF\x00'::BLOB AS raw, '{"a": [1, null]}'::JSON AS j, [1, 2] AS l, NULL::VARCHAR AS missing, 'a "b" ü' AS t, 7 AS "it's ""odd"""`,
		"postgres": `SELECT '1' AS id, 1.50::numeric(30,2) AS d, 9007199254740993::bigint AS n, 0.1::float8 AS f, 'NaN'::float8 AS nan, true AS b, DATE '2026-03-01' AS day,
			TIMESTAMPTZ '2026-03-01 12:00:00+02' AS at, '\xff00'::bytea AS raw, '{"a": [1, null]}'::jsonb AS j, ARRAY[1, 2] AS l, NULL::text AS missing, 'a "b" ü' AS t, '{"z": "\u0000"}'::json AS zero, 7 AS "it's ""odd"""`,
	}
	each(t, func(t *testing.T, w *world) {
		w.bundle.ModelSpec.SQL = types[w.warehouse.Dialect().Name]
		w.bundle.SyncSpec.AllColumns, w.bundle.SyncSpec.Mappings = true, nil
		w.target.limits.Rows = 1
		r := w.logged(run.Options{})
		if r.State != run.Committed {
			t.Fatalf("%s: %+v", r.State, r.Failure)
		}
		changed, held := w.read("SELECT fields FROM millrace_audit.sync_changelog"), w.read("SELECT fields FROM millrace_audit.sync_snapshot")
		if len(changed) != 1 || len(held) != 1 || changed[0] != held[0] {
			t.Errorf("the changelog has\n%s\nthe snapshot\n%s", changed, held)
		}
		for _, member := range []string{`"d":1.50`, `"n":9007199254740993`, `"nan":null`, `"day":"2026-03-01"`, `"at":"2026-03-01T10:00:00.000Z"`, `"raw":"/wA="`, `"missing":null`, `"it's \"odd\"":7`} {
			if !strings.Contains(changed[0], member) {
				t.Errorf("%s lacks %s", changed[0], member)
			}
		}
	})
}

// Logs are written in batches; every row keeps its own outcome.
//
// Req: SY-55, SY-56
func TestManyRows(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.target.limits.Rows = 1000
		w.target.refuse = map[string]string{}
		var all []person
		for i := range 9000 {
			all = append(all, person{fmt.Sprintf("%05d", i), fmt.Sprintf("name %05d", i)})
		}
		var failed []string
		for _, i := range []int{0, 1, 4095, 4096, 4097, 8191, 8192, 8999} {
			w.target.refuse[all[i].id] = "refused " + all[i].id
			failed = append(failed, fmt.Sprintf("%s|refused %s", all[i].id, all[i].id))
		}
		w.people(all...)
		w.logged(run.Options{})
		for _, table := range []string{"sync_changelog", "sync_snapshot"} {
			w.want("SELECT row_id, failure_reason FROM millrace_audit."+table+" WHERE status = 'failed'", failed...)
			w.want("SELECT count(*) AS n, count(DISTINCT row_id) AS keys FROM millrace_audit."+table+" WHERE fields->>'name' = 'name ' || row_id", "9000|9000")
		}
	})
}

// The rows of a sync that expands an array are its elements: what an array has twice is told once, an element that two
// rows have is a failed addition for each, and a row without an array has no key to be told by.
//
// Req: SY-53, SY-90
func TestElementsAreLogged(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.bundle.ModelSpec.SQL = `SELECT * FROM (VALUES (1, 'Ann', '["a", "b", "b"]'), (2, 'Bob', '["c"]'), (3, 'Cyd', '["c"]'), (4, 'Dan', 'none')) AS p(id, name, devices)`
		w.bundle.SyncSpec.Expand = "devices"
		w.bundle.SyncSpec.Match[0].From, w.bundle.SyncSpec.Mappings[0].From = "_ht_devices_element", "_ht_devices_element"
		got := w.logged(run.Options{})
		if got.Counts.Duplicates != 4 {
			t.Errorf("%+v", got.Counts)
		}
		const shared = `Several rows of the model have this element in "devices", so none of them is sent. Keep it in one row.`
		rows := []string{
			`added|a|succeeded|-|{"_ht_devices_element":"a","id":1,"name":"Ann"}`, `added|b|succeeded|-|{"_ht_devices_element":"b","id":1,"name":"Ann"}`,
			`added|c|failed|` + shared + `|{"_ht_devices_element":"c","id":2,"name":"Bob"}`, `added|c|failed|` + shared + `|{"_ht_devices_element":"c","id":3,"name":"Cyd"}`,
		}
		w.want(changelog, rows...)
		w.want(snapshot, rows...)
	})
}
