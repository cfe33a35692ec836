package watch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/alert"
	"github.com/millrace/millrace/internal/alert/notify"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/engine/sync/watch"
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/millrace/millrace/internal/kind/channel"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/source"
	kindsync "github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/secret"
	"github.com/uptrace/bun"
)

// world is a sync with runs that the test makes up, watched as in production.
type world struct {
	t       *testing.T
	db      *db.DB
	clock   *clock.Manual
	docs    *resource.Store
	runs    *run.Store
	alerts  *alert.Store
	watcher *watch.Watcher
	send    *alert.Dispatcher
	sync    resource.Document
	told    []string
}

var scope = resource.Scope{WorkspaceID: 1, Actor: "test"}

func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(t, newWorld(t, d)) })
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	key, err := secret.NewKey(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	c := clock.NewManual(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC))
	registry := connector.New([]connector.SourceInfo{{Slug: "memory", Name: "Memory", Methods: []string{"sql"}}}, []connector.DestinationInfo{{
		Slug: "memory", Name: "Memory", SyncTypes: []connector.SyncType{{Slug: "record", Name: "Records", Modes: []connector.Mode{connector.ModeUpsert}}},
	}})
	w := &world{t: t, db: d, clock: c, runs: run.NewStore(d, c), alerts: alert.NewStore(d, c)}
	w.docs = resource.NewStore(d, resource.NewRegistry(channel.Kind(), source.Kind(registry), destination.Kind(registry), model.Kind(registry), kindsync.Kind(registry)), key, c)
	w.watcher = &watch.Watcher{Documents: w.docs, Runs: w.runs, Alerts: w.alerts, Clock: c, Log: slog.New(slog.DiscardHandler)}
	w.send = &alert.Dispatcher{Store: w.alerts, Channels: w, Sender: w, Log: slog.New(slog.DiscardHandler)}
	w.make(alerting.ChannelKind, "team", `{"type":"webhook","configuration":{"url":"https://example.com"}}`)
	w.make("source", "shop", `{"type":"memory"}`)
	w.make("model", "people", `{"source":"shop","method":"sql","sql":"select 1","primaryKey":"id"}`)
	w.make("destination", "crm", `{"type":"memory","alerts":{"recipients":[{"channel":"team"}]}}`)
	w.sync = w.make("sync", "people", syncSpec(`{}`))
	return w
}

func syncSpec(alerts string) string {
	return `{"model":"people","destination":"crm","type":"record","mode":"upsert","schedule":{},"disabled":false,"alerts":` + alerts + `}`
}

func (w *world) make(kind, slug, spec string) resource.Document {
	w.t.Helper()
	d, err := w.docs.Create(w.t.Context(), scope, kind, resource.Write{Name: slug, Slug: slug, Spec: json.RawMessage(spec)})
	if err != nil {
		w.t.Fatalf("%s: %v", kind, err)
	}
	return d
}

// set changes the alerts of the sync.
func (w *world) set(alerts string) {
	w.t.Helper()
	if _, err := w.docs.Update(w.t.Context(), scope, "sync", "people", resource.Write{Name: "people", Spec: json.RawMessage(syncSpec(alerts))}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) Channel(context.Context, int64, string) (channel.Spec, error) {
	return channel.Spec{Type: channel.Webhook}, nil
}

func (w *world) Send(_ context.Context, _ channel.Spec, _ string, n notify.Notice) error {
	w.told = append(w.told, fmt.Sprintf("%s %s: %s", n.Trigger, n.Level, n.Words))
	return nil
}

func (w *world) Enqueue(context.Context, bun.Tx, int64) error { return nil }

// begin makes a run as a trigger does.
func (w *world) begin() run.Run {
	w.t.Helper()
	r, err := w.runs.Trigger(w.t.Context(), run.Request{WorkspaceID: 1, SyncID: w.sync.ID, SyncSlug: "people", Trigger: run.TriggerManual}, w)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// become brings a run to a state with counts, as a worker does.
func (w *world) become(r run.Run, s run.State, c run.Counts, failure string) {
	w.t.Helper()
	counts, err := json.Marshal(c)
	if err != nil {
		w.t.Fatal(err)
	}
	finished := int64(0)
	if s.Ended() {
		finished = w.clock.Now().UnixMilli()
	}
	text := "null"
	if failure != "" {
		text = fmt.Sprintf(`{"code":"destination.unreachable","message":%q}`, failure)
	}
	_, err = w.db.NewRaw("UPDATE sync_runs SET state = ?, counts = ?, finished_at = ?, error = ? WHERE id = ?", string(s), string(counts), finished, text, r.ID).Exec(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.db.NewRaw("UPDATE sync_state SET last_run_id = ? WHERE sync_id = ?", r.ID, w.sync.ID).Exec(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func good(read int64) run.Counts {
	return run.Counts{Read: read, Succeeded: run.OpCounts{Added: read}}
}

// ran is a run that is over, evaluated as the worker that ran it does.
func (w *world) ran(s run.State, c run.Counts, failure string) {
	w.t.Helper()
	r := w.begin()
	w.become(r, s, c, failure)
	r.State = s
	w.watcher.Ended(w.t.Context(), r)
}

// hears checks what the recipients were told since the last look, by the beginning of each notice.
func (w *world) hears(want ...string) {
	w.t.Helper()
	w.send.Sweep(w.t.Context())
	slices.Sort(w.told)
	slices.Sort(want)
	if !slices.EqualFunc(w.told, want, strings.HasPrefix) {
		w.t.Errorf("they hear %q, want %q", w.told, want)
	}
	w.told = nil
}

// pass lets time go by, with a look each minute as in production.
func (w *world) pass(d time.Duration) {
	for ; d > 0; d -= time.Minute {
		w.clock.Advance(min(time.Minute, d))
		w.watcher.Pulse(w.t.Context())
	}
}

// A run that fails alerts at once, a second one does not, and a success calls it off. Runs that a person cancelled or
// that were interrupted say nothing.
//
// Req: SY-61, SY-64, SY-66
func TestFatal(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.ran(run.Committed, good(3), "")
		w.hears()
		w.ran(run.Failed, run.Counts{}, "no connection")
		w.hears("fatal critical: The last run failed: no connection")
		w.ran(run.Failed, run.Counts{}, "no connection")
		w.ran(run.Cancelled, run.Counts{}, "")
		w.ran(run.Interrupted, run.Counts{}, "")
		w.hears()
		w.ran(run.Committed, good(3), "")
		w.hears("fatal ok: The last run finished.")
	})
}

// A streak counts runs in a row, whatever was cancelled between them.
//
// Req: SY-66
func TestStreak(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.set(`{"triggers":{"fatal":{"critical":3}}}`)
		w.ran(run.Failed, run.Counts{}, "one")
		w.ran(run.Failed, run.Counts{}, "two")
		w.ran(run.Committed, good(1), "")
		w.ran(run.Failed, run.Counts{}, "one")
		w.ran(run.Cancelled, run.Counts{}, "")
		w.ran(run.Failed, run.Counts{}, "two")
		w.hears()
		w.ran(run.Failed, run.Counts{}, "three")
		w.hears("fatal critical: The last 3 runs failed: three")
	})
}

// Rejected rows of all operations count; the base of a percentage is the rows that were queried. A run that failed
// before it sent anything does not say that all is well.
//
// Req: SY-66
func TestRejected(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.set(`{"triggers":{"rejected":{"warning":1,"critical":5,"measure":"percent"},"fatal":{"critical":100}}}`)
		few := run.Counts{Read: 1000, Succeeded: run.OpCounts{Added: 100}, Failed: run.OpCounts{Added: 3, Changed: 2, Removed: 4}}
		w.ran(run.Committed, few, "")
		w.hears() // 9 of 1000 queried are 0.9 %, and 9 of 109 attempted would be 8 %
		w.set(`{"triggers":{"rejected":{"warning":9,"critical":500},"fatal":{"critical":100}}}`)
		w.ran(run.Committed, few, "")
		w.hears("rejected warning: 9 rows were rejected, of 1000 that the query returned.")
		w.ran(run.Failed, run.Counts{}, "the source is down")
		w.hears()
		w.ran(run.Committed, run.Counts{Read: 1000, Duplicates: 600}, "")
		w.hears("rejected critical: 600 rows were rejected")
		w.ran(run.Failed, run.Counts{Read: 10, Failed: run.OpCounts{Added: 1}}, "the destination is down")
		w.hears()
		w.ran(run.Committed, good(1000), "")
		w.hears("rejected ok: 0 rows were rejected")
	})
}

// The size of the model counts where the run got to know it.
//
// Req: SY-66
func TestModelSize(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.set(`{"triggers":{"modelSize":{"warning":1000,"critical":1},"fatal":{"critical":100}}}`)
		w.ran(run.Failed, run.Counts{}, "the query is wrong")
		w.hears()
		w.ran(run.Committed, good(999), "")
		w.hears("modelSize warning: The model's query returned 999 rows.")
		w.ran(run.Failed, run.Counts{}, "the query is wrong")
		w.hears()
		w.ran(run.Failed, run.Counts{Rows: run.OpCounts{Removed: 999}}, "the destination is down")
		w.hears("modelSize critical: The model's query returned 0 rows.")
		w.ran(run.Committed, good(1000), "")
		w.hears("modelSize ok: The model's query returned 1000 rows.")
	})
}

// A run that takes too long alerts while it is under way, its waiting included, also where no worker takes it.
//
// Req: SY-65, SY-66, FLD-21
func TestDuration(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.set(`{"triggers":{"duration":{"warning":1,"critical":2}}}`)
		r := w.begin()
		w.pass(time.Hour)
		w.hears()
		w.pass(5 * time.Minute)
		w.hears("duration warning: A run has been waiting to start for 1 hour")
		w.become(r, run.Delivering, run.Counts{}, "")
		w.pass(time.Hour)
		w.hears("duration critical: A run has been under way for 2 hours")
		w.become(r, run.Committed, good(1), "")
		w.watcher.Ended(t.Context(), run.Run{ID: r.ID, SyncID: w.sync.ID, WorkspaceID: 1, State: run.Committed})
		w.hears() // it took two hours: that is no news

		next := w.begin()
		w.pass(10 * time.Minute)
		w.hears() // it has not ended: nobody knows how long it takes
		w.become(next, run.Committed, good(1), "")
		w.watcher.Ended(t.Context(), run.Run{ID: next.ID, SyncID: w.sync.ID, WorkspaceID: 1, State: run.Committed})
		w.hears("duration ok: The last run took 10 minutes, waiting included.")
	})
}

// All operations of all runs in the window count, those of failed ones and of one under way too. A sync that is
// younger than the window is not judged.
//
// Req: SY-66
func TestThroughput(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.set(`{"triggers":{"throughput":{"warning":6,"windowHours":24},"fatal":{"critical":100}}}`)
		w.pass(23 * time.Hour)
		w.hears()
		w.ran(run.Committed, run.Counts{Succeeded: run.OpCounts{Added: 1, Changed: 2}}, "")
		w.ran(run.Failed, run.Counts{Succeeded: run.OpCounts{Removed: 2}}, "down")
		w.pass(2 * time.Hour)
		w.hears("throughput warning: 5 rows arrived in the last 24 hours.")
		r := w.begin()
		w.become(r, run.Delivering, run.Counts{Succeeded: run.OpCounts{Changed: 1}}, "")
		w.pass(5 * time.Minute)
		w.hears("throughput ok: 6 rows arrived in the last 24 hours.")
		w.become(r, run.Committed, run.Counts{Succeeded: run.OpCounts{Changed: 1}}, "")
		w.pass(25 * time.Hour)
		w.hears("throughput warning: 1 row arrived in the last 24 hours.") // an hour ago it was still in the window
		w.ran(run.Committed, good(10), "")
		w.hears("throughput ok: 10 rows arrived")
	})
}

// A destination that is down is known within five minutes, also while the run still tries.
//
// Req: FLD-14
func TestDestinationDown(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		r := w.begin()
		w.become(r, run.Delivering, run.Counts{Read: 10, Failed: run.OpCounts{Added: 10}}, "")
		w.pass(5 * time.Minute)
		w.hears("rejected warning: 10 rows were rejected")
		w.become(r, run.Failed, run.Counts{Read: 10, Failed: run.OpCounts{Added: 10}}, "10 batches in a row failed")
		w.watcher.Ended(t.Context(), run.Run{ID: r.ID, SyncID: w.sync.ID, WorkspaceID: 1, State: run.Failed})
		w.hears("fatal critical: The last run failed: 10 batches in a row failed")
	})
}

// Runs whose worker died before it evaluated them are found, and evaluated in their order, each once.
//
// Req: SY-64
func TestMissedRuns(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.ran(run.Committed, good(1), "")
		for _, s := range []run.State{run.Failed, run.Committed, run.Failed} {
			w.become(w.begin(), s, run.Counts{}, map[bool]string{true: "down"}[s == run.Failed])
		}
		w.pass(time.Minute)
		w.hears("fatal critical: The last run failed: down", "fatal critical: The last run failed: down", "fatal ok: The last run finished.")
		w.pass(20 * time.Minute)
		w.hears()
	})
}

// What happened before anybody watched is history: only the newest run counts.
func TestFirstEvaluation(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		for _, s := range []run.State{run.Failed, run.Committed, run.Failed, run.Committed} {
			w.become(w.begin(), s, run.Counts{}, "")
		}
		w.pass(time.Minute)
		w.hears()
	})
}

// Other thresholds and recipients count from the next evaluation on: five minutes at most where time counts.
//
// Req: SY-62, SY-65
func TestChangedSettings(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.begin()
		w.pass(90 * time.Minute)
		w.hears()
		w.set(`{"triggers":{"duration":{}}}`)
		w.pass(5 * time.Minute)
		w.hears("duration warning")
		w.set(`{"recipients":[],"triggers":{"duration":{"off":true}}}`)
		w.pass(5 * time.Minute)
		w.hears() // nobody is a recipient any more
		all, err := w.alerts.Standings(t.Context(), 1, "sync", w.sync.ID)
		if err != nil || all[alerting.Duration].Level != alerting.OK {
			t.Errorf("%+v: %v", all, err)
		}
	})
}

// A channel that alerts refer to cannot be deleted.
//
// Req: SY-62
func TestChannelIsProtected(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		err := w.docs.Delete(t.Context(), scope, alerting.ChannelKind, "team", 0)
		if err == nil || !strings.Contains(err.Error(), `destination "crm"`) {
			t.Errorf("it was deleted: %v", err)
		}
		_, err = w.docs.Create(t.Context(), scope, "destination", resource.Write{Name: "x", Spec: json.RawMessage(`{"type":"memory","alerts":{"recipients":[{"channel":"nobody"}]}}`)})
		if err == nil || !strings.Contains(err.Error(), `there is no alert-channel "nobody"`) {
			t.Errorf("a channel that is not there was taken: %v", err)
		}
	})
}
