package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/engine/sync/audit"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/synclog"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

var errKilled = errors.New("the process was killed here")

// kill drains in a process that dies at a point, and reports whether it did.
func (w *world) kill(point string) (killed bool) {
	w.t.Helper()
	w.writer.Failpoint = func(p string) {
		if p == point {
			panic(errKilled)
		}
	}
	defer func() {
		if p := recover(); p != nil {
			if p != errKilled { //nolint:errorlint // the very value
				panic(p)
			}
			killed = true
		}
	}()
	w.writer.Drain(w.t.Context())
	return false
}

// Wherever a writer dies, the next process writes the same log: nothing is lost, and nothing is there twice.
//
// Req: SY-53, FLD-03
func TestKilledWriter(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"log-taken", "log-staged", "log-written", "log-noted"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				w.store.LeaseTime = time.Millisecond // of a clock that stands still: there are many heartbeats
				w.people(person{"1", "Ann"}, person{"2", "Bob"}, person{"3", "Cyd"})
				w.logged(run.Options{})
				w.people(person{"1", "Anna"}, person{"3", "Cyd"}, person{"4", "Dan"})
				w.sync(run.Options{})
				if !w.kill(point) {
					t.Fatal("the writer did not pass this point")
				}
				w.restart()
				if err := w.store.Recover(t.Context()); err != nil {
					t.Fatal(err)
				}
				w.drain()
				w.want("SELECT op_type, row_id FROM millrace_audit.sync_changelog", "added|1", "added|2", "added|3", "changed|1", "removed|2", "added|4")
				w.want("SELECT op_type, row_id FROM millrace_audit.sync_snapshot", "changed|1", "unchanged|3", "added|4")
				w.want("SELECT count(*) FROM millrace_audit.sync_runs", "2")
				if left := w.leftovers(); len(left) > 0 {
					t.Errorf("these tables are left: %v", left)
				}
			})
		})
	}
}

// A writer that stood still while another one took its log over, and wrote that of a later run as well, changes nothing
// when it goes on: wherever it stood.
//
// Req: SY-53, FLD-03
func TestRevivedWriter(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"log-taken", "log-staged"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				w.store.LeaseTime = time.Hour // no heartbeat tells it
				w.people(person{"1", "Ann"}, person{"2", "Bob"})
				first := w.sync(run.Options{})
				later := *w.writer
				stood := false
				w.writer.Failpoint = func(p string) {
					if p != point || stood {
						return
					}
					stood = true
					w.clock.Advance(2 * time.Hour)
					later.Drain(t.Context())
					w.people(person{"2", "Bobby"})
					w.sync(run.Options{})
					later.Drain(t.Context())
				}
				w.writer.Drain(t.Context())
				if !stood {
					t.Fatal("the writer did not pass this point")
				}
				w.want(fmt.Sprintf("SELECT op_type, row_id FROM millrace_audit.sync_changelog WHERE sync_run_id = %d", first.ID), "added|1", "added|2")
				w.want("SELECT op_type, row_id FROM millrace_audit.sync_snapshot", "changed|2")
				w.want("SELECT count(*) FROM millrace_audit.sync_runs", "2")
				if left := w.leftovers(); len(left) > 0 {
					t.Errorf("these tables are left: %v", left)
				}
			})
		})
	}
}

var errAway = fault.New(fault.CodeSourceUnreachable, "nobody answers")

// deaf is a warehouse that does what it is asked once, and whose answer gets lost.
type deaf struct {
	connector.Warehouse

	once *sync.Once
}

// Execute loses the answer to what writes the changelog.
func (d deaf) Execute(ctx context.Context, commands ...connector.Query) (n int64, err error) {
	n, err = d.Warehouse.Execute(ctx, commands...)
	for _, c := range commands {
		if strings.HasPrefix(c.SQL, "INSERT INTO \"millrace_audit\".\"sync_changelog\"") {
			d.once.Do(func() { err = errors.Join(err, errAway) })
		}
	}
	return n, err
}

// A log that was written without anybody knowing is written again, and is there once.
//
// Req: SY-53
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		once := &sync.Once{}
		w.wrap = func(h connector.Warehouse) connector.Warehouse { return deaf{h, once} }
		w.people(person{"1", "Ann"}, person{"2", "Bob"})
		w.sync(run.Options{})
		w.writer.Drain(t.Context())
		if s := w.status(); s.Waiting != 1 || s.Failure == nil {
			t.Fatalf("%+v", s)
		}
		w.clock.Advance(time.Hour)
		w.drain()
		for _, table := range []string{"sync_changelog", "sync_snapshot"} {
			w.want("SELECT op_type, row_id FROM millrace_audit."+table, "added|1", "added|2")
		}
		w.want("SELECT count(*) FROM millrace_audit.sync_runs", "1")
	})
}

// meeting is a warehouse whose writers all see that a table is missing before one of them makes it.
type meeting struct {
	connector.Warehouse

	missing *sync.WaitGroup
	met     *sync.Once
}

// Columns waits for the others, once.
func (m meeting) Columns(ctx context.Context, table query.TableRef) (value.Schema, error) {
	found, err := m.Warehouse.Columns(ctx, table)
	if table.Schema == m.Schemas().Audit {
		m.met.Do(func() {
			m.missing.Done()
			m.missing.Wait()
		})
	}
	return found, err
}

// Syncs share the tables: those that write for the first time at once make them once, and each replaces its own rows.
//
// Req: SY-53
func TestSyncsShareTheTables(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		const other = syncID + 1
		w.people(person{"1", "Ann"}, person{"2", "Bob"})
		w.sync(run.Options{})
		w.execute(w.triggerOf(other, run.Options{}))
		var missing, writers sync.WaitGroup
		missing.Add(2)
		w.wrap = func(h connector.Warehouse) connector.Warehouse { return meeting{h, &missing, &sync.Once{}} }
		for range 2 {
			writers.Go(func() { w.writer.Drain(t.Context()) })
		}
		writers.Wait()
		w.wrap = nil
		w.drain()
		w.people(person{"1", "Ann"})
		w.logged(run.Options{})
		w.want("SELECT sync_id, op_type, row_id FROM millrace_audit.sync_snapshot", "77|unchanged|1", "78|added|1", "78|added|2")
		w.want("SELECT sync_id, op_type, row_id FROM millrace_audit.sync_changelog", "77|added|1", "77|added|2", "77|removed|2", "78|added|1", "78|added|2")
		w.want("SELECT sync_id, count(*) FROM millrace_audit.sync_runs GROUP BY sync_id", "77|2", "78|1")
	})
}

// While the warehouse is away, logs wait, the first one first, and are tried again after longer and longer times. When
// it is back, all of them are written; of the snapshots only the newest.
//
// Req: SY-53, SY-56
func TestWarehouseIsAway(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, w *world) {
		w.wrap = func(h connector.Warehouse) connector.Warehouse { return unreachable{h} }
		w.people(person{"1", "Ann"}, person{"2", "Bob"})
		first := w.sync(run.Options{})
		w.people(person{"2", "Bob"}, person{"3", "Cyd"})
		second := w.sync(run.Options{})
		if first.State != run.Committed || second.State != run.Committed {
			t.Fatalf("the runs are %s and %s", first.State, second.State)
		}
		var waits []time.Duration
		for range 8 {
			w.writer.Drain(t.Context())
			s := w.status()
			if s.Waiting != 2 || s.Written != nil || s.GivenUp != nil || s.Failure == nil || s.Failure.Code != fault.CodeSourceUnreachable || s.Failure.Suggestion == "" {
				t.Fatalf("%+v, %+v", s, s.Failure)
			}
			waits = append(waits, s.NextAt.Sub(w.clock.Now()))
			w.clock.Advance(s.NextAt.Sub(w.clock.Now()))
		}
		for i, wait := range waits {
			full := min(30*time.Second<<i, 15*time.Minute)
			if wait < full/2 || wait > full {
				t.Errorf("attempt %d is followed by %s, want %s to %s", i+1, wait, full/2, full)
			}
		}
		w.wrap = nil
		w.drain()
		w.want("SELECT sync_run_id, op_type, row_id FROM millrace_audit.sync_changelog",
			fmt.Sprintf("%d|added|1", first.ID), fmt.Sprintf("%d|added|2", first.ID), fmt.Sprintf("%d|removed|1", second.ID), fmt.Sprintf("%d|added|3", second.ID))
		w.want("SELECT op_type, row_id FROM millrace_audit.sync_snapshot", "unchanged|2", "added|3")
		if s := w.status(); s.Waiting != 0 || s.Written == nil || s.Written.RunID != second.ID || s.Written.Remark != "" {
			t.Errorf("%+v", s)
		}
	})
}

// The log of a run waits for that of the run before it, however long that takes.
//
// Req: SY-53
func TestLogsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, w *world) {
		w.people(person{"1", "Ann"})
		w.sync(run.Options{})
		w.people(person{"1", "Anna"})
		w.sync(run.Options{})
		answers := false
		w.wrap = func(h connector.Warehouse) connector.Warehouse {
			if answers {
				return h
			}
			answers = true
			return unreachable{h}
		}
		w.writer.Drain(t.Context())
		if s := w.status(); s.Waiting != 2 || s.Written != nil {
			t.Fatalf("%+v", s)
		}
		w.clock.Advance(time.Hour)
		w.drain()
		w.want("SELECT op_type, row_id FROM millrace_audit.sync_changelog", "added|1", "changed|1")
	})
}

// Two processes never write the same log, and what one has is free when its lease is over.
//
// Req: SY-53
func TestLease(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, w *world) {
		w.people(person{"1", "Ann"})
		w.sync(run.Options{})
		if !w.kill("log-taken") {
			t.Fatal("the writer did not pass this point")
		}
		w.writer.Failpoint = nil
		w.writer.Drain(t.Context())
		if s := w.status(); s.Waiting != 1 {
			t.Fatalf("somebody else's log was written: %+v", s)
		}
		w.clock.Advance(w.store.LeaseTime)
		w.drain()
		w.want("SELECT row_id FROM millrace_audit.sync_changelog", "1")
	})
}

// What became of logs is forgotten after a while, but for the newest of each sync; that of a deleted sync at once.
//
// Req: SY-53
func TestForgetting(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, w *world) {
		w.people(person{"1", "Ann"})
		w.logged(run.Options{})
		second := w.logged(run.Options{})
		rows := func() int {
			t.Helper()
			n, err := w.db.NewSelect().Table("sync_logs").Count(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return int(n)
		}
		expire := func() {
			t.Helper()
			if err := w.store.Expire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if expire(); rows() != 2 {
			t.Errorf("%d are left", rows())
		}
		w.clock.Advance(31 * 24 * time.Hour)
		if expire(); rows() != 1 || w.status().Written.RunID != second.ID {
			t.Errorf("%d are left", rows())
		}
		w.sync(run.Options{}) // its log waits
		remove := func(ctx context.Context, tx bun.Tx) error {
			_, err := tx.NewUpdate().Table("sync_state").Set("deleted_at = 1").Where("sync_id = ?", syncID).Exec(ctx)
			return errors.Join(err, w.store.Forget(ctx, tx, syncID))
		}
		if err := w.db.InTx(t.Context(), remove); err != nil {
			t.Fatal(err)
		}
		if expire(); rows() != 1 || w.status().Waiting != 1 {
			t.Errorf("%d are left, not the one that waits", rows())
		}
		w.drain()
		if expire(); rows() != 0 {
			t.Errorf("%d are left", rows())
		}
	})
}

// A log that waits while the storage is switched is written from where its run's rows were kept, which stay until then.
//
// Req: SY-53, X-11
func TestTheStorageIsSwitched(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, w *world) {
		w.people(person{"1", "Ann"}, person{"2", "Bob"})
		w.sync(run.Options{})
		if unread, err := w.store.Unread(t.Context(), workspace, w.clock.Now()); err != nil || !unread {
			t.Errorf("nothing is to be read: %v", err)
		}
		if unread, err := w.store.Unread(t.Context(), workspace+1, w.clock.Now()); err != nil || unread {
			t.Errorf("another workspace has to read: %v", err)
		}
		w.moved = true
		w.restart()
		w.drain()
		w.want("SELECT op_type, row_id FROM millrace_audit.sync_changelog", "added|1", "added|2")
		if s := w.status(); s.Written == nil || s.Written.Remark != "" {
			t.Errorf("%+v", s)
		}
		if unread, err := w.store.Unread(t.Context(), workspace, w.clock.Now()); err != nil || unread {
			t.Errorf("there is still something to be read: %v", err)
		}
	})
}

// Another workspace, and another source, learn nothing.
//
// Req: SY-53
func TestStatusIsOfOne(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, w *world) {
		w.people(person{"1", "Ann"})
		r := w.logged(run.Options{})
		of, err := w.store.OfSource(t.Context(), workspace, sourceID)
		if err != nil || of.Written == nil || of.Written.RunID != r.ID || of.Written.SyncID != syncID || !of.Written.At.Equal(w.clock.Now()) {
			t.Errorf("%+v, %v", of, err)
		}
		for _, read := range []func() (audit.Status, error){
			func() (audit.Status, error) { return w.store.OfSync(t.Context(), workspace+1, syncID) },
			func() (audit.Status, error) { return w.store.OfSource(t.Context(), workspace+1, sourceID) },
			func() (audit.Status, error) { return w.store.OfSource(t.Context(), workspace, sourceID+1) },
		} {
			if s, err := read(); err != nil || s != (audit.Status{}) {
				t.Errorf("%+v, %v", s, err)
			}
		}
	})
}

// A log that could not be written for too long is given up, which people are told until another one is written.
//
// Req: SY-53
func TestLogsAreGivenUp(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, w *world) {
		w.wrap = func(h connector.Warehouse) connector.Warehouse { return unreachable{h} }
		w.people(person{"1", "Ann"})
		r := w.sync(run.Options{})
		w.writer.Drain(t.Context())
		w.clock.Advance(audit.GiveUp)
		w.writer.Drain(t.Context())
		s := w.status()
		if s.Waiting != 0 || s.GivenUp == nil || s.GivenUp.RunID != r.ID || s.GivenUp.Failure.Code != fault.CodeSourceUnreachable {
			t.Fatalf("%+v", s)
		}
		w.wrap = nil
		w.people(person{"1", "Anna"})
		w.logged(run.Options{})
		if s := w.status(); s.GivenUp != nil || s.Written == nil {
			t.Errorf("%+v", s)
		}
		w.want("SELECT op_type, row_id FROM millrace_audit.sync_changelog", "changed|1")
	})
}

// Trying again cannot bring a source back that was deleted.
//
// Req: SY-53
func TestSourceIsGone(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, w *world) {
		w.people(person{"1", "Ann"})
		w.sync(run.Options{})
		w.gone = true
		w.writer.Drain(t.Context())
		if s := w.status(); s.Waiting != 0 || s.GivenUp == nil || s.GivenUp.Failure.Code != fault.CodeNotFound {
			t.Errorf("%+v", s)
		}
	})
}

// When the rows are not kept any more, the run itself can still be told.
//
// Req: SY-57
func TestRowsAreNotKept(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, w *world) {
		w.people(person{"1", "Ann"})
		w.sync(run.Options{})
		w.clock.Advance(8 * 24 * time.Hour)
		w.drain()
		w.want("SELECT status, num_succeeded_add FROM millrace_audit.sync_runs", "succeeded|1")
		if s := w.status(); s.Written == nil || s.Written.Remark == "" {
			t.Errorf("%+v", s)
		}
	})
}

// The planner keeps the model's rows of two runs. A snapshot that comes later than that is left as it was.
//
// Req: SY-56, SY-49
func TestSnapshotThatComesTooLate(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.bundle.SyncSpec.SyncLogs = &synclog.Tables{Snapshot: true}
		w.people(person{"1", "Ann"})
		w.sync(run.Options{})
		w.bundle.SyncSpec.SyncLogs = nil
		for _, name := range []string{"Anna", "Anne"} {
			w.people(person{"1", name})
			w.sync(run.Options{})
		}
		w.drain()
		if s := w.status(); s.Written == nil || s.Written.Remark == "" {
			t.Errorf("%+v", s)
		}
		if left := w.leftovers(); len(left) > 0 {
			t.Errorf("these tables are left: %v", left)
		}
	})
}

// People may remove rows: they are not written again.
//
// Req: SY-58
func TestPruning(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.people(person{"1", "Ann"}, person{"2", "Bob"})
		w.logged(run.Options{})
		w.exec("DELETE FROM millrace_audit.sync_changelog", "DELETE FROM millrace_audit.sync_runs", "DELETE FROM millrace_audit.sync_snapshot WHERE row_id = '1'")
		w.people(person{"1", "Ann"}, person{"2", "Bobby"})
		w.logged(run.Options{})
		w.want("SELECT op_type, row_id FROM millrace_audit.sync_changelog", "changed|2")
		w.want("SELECT count(*) FROM millrace_audit.sync_runs", "1")
		w.want("SELECT op_type, row_id FROM millrace_audit.sync_snapshot", "unchanged|1", "changed|2")
	})
}

// A table of an earlier version gets the columns that it lacks and keeps its rows. One with a column of another type is
// not written to, and the error says which.
//
// Req: SY-55
func TestTablesThatAreThere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.exec("CREATE SCHEMA millrace_audit", "CREATE TABLE millrace_audit.sync_changelog (sync_id bigint, sync_run_id bigint, op_type text, row_id text, note text)",
			"INSERT INTO millrace_audit.sync_changelog VALUES (77, 1, 'added', '0', 'mine')", "CREATE TABLE millrace_audit.sync_runs (sync_id text)")
		w.people(person{"1", "Ann"})
		w.sync(run.Options{})
		w.writer.Drain(t.Context())
		s := w.status()
		if s.Waiting != 1 || s.Failure == nil || s.Failure.Suggestion == "" || !strings.Contains(s.Failure.Message, "millrace_audit.sync_runs") || !strings.Contains(s.Failure.Message, "sync_id") {
			t.Fatalf("%+v, %+v", s, s.Failure)
		}
		w.want("SELECT row_id, note FROM millrace_audit.sync_changelog", "0|mine")
		w.exec("DROP TABLE millrace_audit.sync_runs")
		w.clock.Advance(time.Hour)
		w.drain()
		w.want("SELECT row_id, status, note FROM millrace_audit.sync_changelog", "0|-|mine", "1|succeeded|-")
	})
}

// A user who may not write in the audit schema does not keep the sync from running. Once the grant is there, and the
// source was saved, the log is written: the user need not be allowed to make schemas.
//
// Req: SY-53
func TestMissingGrant(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t), "postgres")
	admin := w.admin()
	role := "audit_" + w.settings.Text("database")
	w.sql(admin, "CREATE ROLE "+role+" LOGIN", "CREATE SCHEMA millrace_audit", "GRANT ALL ON SCHEMA shop, millrace_planner TO "+role, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
	t.Cleanup(func() {
		w.sql(admin, "DROP OWNED BY "+role+" CASCADE", "DROP ROLE "+role)
		_ = admin.Close(context.Background()) //nolint:errcheck // the test is over
	})
	w.settings["user"] = role
	w.bundle.SourceSpec.Configuration = w.settings
	w.people(person{"1", "Ann"})
	w.sql(admin, "ALTER TABLE shop.people OWNER TO "+role)
	if r := w.sync(run.Options{}); r.State != run.Committed {
		t.Fatalf("%s: %+v", r.State, r.Failure)
	}
	w.writer.Drain(t.Context())
	if s := w.status(); s.Failure == nil || s.Failure.Code != fault.CodeSourceDenied || !strings.Contains(s.Failure.Message, "millrace_audit") || s.Failure.Suggestion == "" {
		t.Fatalf("%+v", s.Failure)
	}
	w.sql(admin, "GRANT CREATE, USAGE ON SCHEMA millrace_audit TO "+role)
	w.hasten()
	w.drain()
	if s := w.status(); s.Written == nil {
		t.Errorf("%+v", s)
	}
}

// admin connects as the one who may do everything.
func (w *world) admin() *pgx.Conn {
	w.t.Helper()
	c, err := pgx.Connect(w.t.Context(), fmt.Sprintf("host=%s port=%d user=%s dbname=%s sslmode=disable", w.settings.Text("host"), w.settings["port"], w.settings.Text("user"), w.settings.Text("database")))
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) sql(c *pgx.Conn, statements ...string) {
	w.t.Helper()
	for _, s := range statements {
		if _, err := c.Exec(context.Background(), s); err != nil {
			w.t.Errorf("%s: %v", s, err)
		}
	}
}

// short is a warehouse whose texts cannot be long.
type short struct {
	connector.Warehouse

	longest int
}

// Dialect has a limit.
func (s short) Dialect() query.Dialect { return s.Warehouse.Dialect().Limited(s.longest) }

// Where a warehouse cannot hold long texts, they are cut, and say so; the objects are still JSON.
//
// Req: SY-58
func TestLongTexts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		const longest = 200
		w.wrap = func(h connector.Warehouse) connector.Warehouse { return short{h, longest} }
		long := strings.Repeat("ü", longest)
		w.target.refuse = map[string]string{"2": long}
		w.people(person{"1", long}, person{"2", "Bob"})
		w.logged(run.Options{})
		for _, table := range []string{"sync_changelog", "sync_snapshot"} {
			got := w.read("SELECT row_id, failure_reason FROM millrace_audit." + table)
			if len(got) != 2 || got[0] != "1|-" || !strings.HasSuffix(got[1], "(truncated)") || len(got[1]) > longest+2 {
				t.Errorf("%s: %q", table, got)
			}
			var fields map[string]any
			got = w.read("SELECT fields FROM millrace_audit." + table + " WHERE row_id = '1'")
			if len(got) != 1 || len(got[0]) > longest || json.Unmarshal([]byte(got[0]), &fields) != nil || fields["_millrace_truncated"] != true {
				t.Errorf("%s: %q", table, got)
			}
			w.want("SELECT fields FROM millrace_audit."+table+" WHERE row_id = '2'", `{"id":"2","name":"Bob"}`)
		}
	})
}

// A process that stops gives back what it has no time to write.
//
// Req: SY-53
func TestStop(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, w *world) {
		w.people(person{"1", "Ann"})
		w.sync(run.Options{})
		ctx, stop := context.WithCancel(t.Context())
		w.writer.Failpoint = func(p string) {
			if p == "log-staged" {
				stop()
			}
		}
		w.writer.Drain(ctx)
		if s := w.status(); s.Waiting != 1 || s.Failure != nil {
			t.Fatalf("%+v", s)
		}
		w.restart()
		w.drain() // without waiting for a lease
		w.want("SELECT row_id FROM millrace_audit.sync_changelog", "1")
	})
}

// unreachable is a warehouse that does not answer.
type unreachable struct{ connector.Warehouse }

// OwnTables fails.
func (unreachable) OwnTables(context.Context, string, string) ([]string, error) { return nil, errAway }

// Execute fails.
func (unreachable) Execute(context.Context, ...connector.Query) (int64, error) { return 0, errAway }

// Load fails.
func (unreachable) Load(context.Context, query.TableRef, array.RecordReader) error { return errAway }

// hasten is a person who saves the source.
func (w *world) hasten() {
	w.t.Helper()
	err := w.db.InTx(w.t.Context(), func(ctx context.Context, tx bun.Tx) error { return w.store.Hasten(ctx, tx, workspace, sourceID) })
	if err != nil {
		w.t.Fatal(err)
	}
}
