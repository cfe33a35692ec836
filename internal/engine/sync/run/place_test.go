package run_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
)

// mover is where the test says that objects lie: each place in a folder of its own.
type mover struct {
	world   *world
	at      run.Place
	removed bool // nothing describes the earlier places any more
}

func (m *mover) Place(context.Context, int64) (run.Place, error) { return m.at, nil }

func (m *mover) Earlier(_ context.Context, _, placeID int64) (run.Stored, error) {
	if m.removed {
		return nil, fault.New(fault.CodeNotFound, "the storage was used before")
	}
	return m.folder(placeID), nil
}

// folder is where the objects of a place lie.
func (m *mover) folder(placeID int64) folder {
	if placeID == 0 {
		return folder(filepath.Join(m.world.dir, "storage"))
	}
	return folder(filepath.Join(m.world.dir, "storage-"+strconv.FormatInt(placeID, 10)))
}

// placed puts the world's objects into places.
func placed(w *world) *mover {
	m := &mover{world: w}
	w.places = m
	w.restart()
	return m
}

// move is what a switch of the storage does to the engine.
func (m *mover) move(id int64, expiry time.Duration) {
	m.at = run.Place{ID: id, Expiry: expiry}
	m.world.storage = m.folder(id)
	m.world.expiry = expiry
	m.world.restart()
}

// files counts the files below the world's storage folders.
func (w *world) files(dir, part string) int {
	w.t.Helper()
	n := 0
	err := filepath.WalkDir(filepath.Join(w.dir, dir), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(path, part) {
			n++
		}
		return nil
	})
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	return n
}

// expectAsking holds a run to having stopped before it sent anything.
func (w *world) expectAsking(got run.Run, code fault.Code) {
	w.t.Helper()
	if got.State != run.Failed || got.Failure == nil || got.Failure.Code != code || got.Counts.Planned.Total() != 0 {
		w.t.Fatalf("%s, %+v, planned %+v; want that it asks with %s", got.State, got.Failure, got.Counts.Planned, code)
	}
	if !strings.Contains(got.Failure.Suggestion, "full resync") || !strings.Contains(got.Failure.Suggestion, "reset CDC") {
		w.t.Errorf("the hint %q does not name the two ways on", got.Failure.Suggestion)
	}
}

func (w *world) standing(placeID int64) run.SyncBaseline {
	w.t.Helper()
	all, err := w.store.Baselines(w.t.Context(), workspace, placeID)
	if err != nil {
		w.t.Fatal(err)
	}
	return all[syncID]
}

// After the storage was switched, a sync stops and asks, at every run until somebody answers; nothing is sent by
// itself. Both answers set up a baseline in the new place.
//
// Req
func TestASyncAsksAfterTheStorageMoved(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := placed(w)
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2)}
		first := w.run(run.Options{})
		if st := w.standing(0); st.State != run.BaselineReady || !st.Moves || st.Settled.IsZero() {
			t.Errorf("%+v", st)
		}
		for i, answer := range []run.Options{{FullResync: true}, {ResetCDC: true}} {
			p.move(int64(i+1), 0)
			w.rows = append(w.rows, r(strconv.Itoa(i+3), "New", 1))
			w.expectAsking(w.run(run.Options{}), fault.CodeRunMoved)
			w.expectAsking(w.run(run.Options{}), fault.CodeRunMoved)
			if st := w.standing(int64(i + 1)); st.State != run.BaselineMoved || st.Moves {
				t.Errorf("%+v", st)
			}
			want := run.OpCounts{}
			if answer.FullResync {
				want.Added = int64(len(w.rows))
			}
			if got := w.run(answer); got.State != run.Committed || got.Counts.Planned != want {
				t.Fatalf("%+v: %s, %+v, planned %+v", answer, got.State, got.Failure, got.Counts.Planned)
			}
			if w.target.job.FirstRun {
				t.Error("the destination takes it for the first run")
			}
			if got := w.run(run.Options{}); got.State != run.Committed || got.Counts.Planned.Total() != 0 {
				t.Errorf("afterwards: %s, %+v", got.State, got.Counts.Planned)
			}
			if st := w.standing(int64(i + 1)); st.State != run.BaselineReady {
				t.Errorf("%+v", st)
			}
		}
		if rows, _, err := w.engine.Rows(t.Context(), workspace, first.ID, run.RowQuery{Limit: 10}); err != nil || len(rows) != 2 {
			t.Errorf("rows of a run in the storage before: %v, %v", rows, err)
		}
	})
}

// What a run did is read from where it was kept, as long as it is there and somebody can say where that is.
//
// Req: X-11, SY-68
func TestRunsInTheStorageOfBefore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := placed(w)
		w.rows = []row{r("1", "Ann", 1)}
		first := w.run(run.Options{})
		p.move(1, 0)
		read := func() error {
			_, _, rerr := w.engine.Rows(t.Context(), workspace, first.ID, run.RowQuery{Limit: 10})
			_, eerr := w.engine.Exchanges(t.Context(), workspace, first.ID, 0)
			if fault.Is(rerr, fault.CodeNotFound) != fault.Is(eerr, fault.CodeNotFound) {
				t.Errorf("%v, but %v", rerr, eerr)
			}
			return rerr
		}
		if err := read(); err != nil {
			t.Error(err)
		}
		p.removed = true
		if err := read(); !fault.Is(err, fault.CodeNotFound) || !strings.Contains(err.Error(), "no longer in the storage") {
			t.Errorf("a storage that is gone: %v", err)
		}
		p.removed = false
		if err := p.folder(0).DeletePrefix(t.Context(), workspace, "syncs/"); err != nil {
			t.Fatal(err)
		}
		if err := read(); !fault.Is(err, fault.CodeNotFound) || !strings.Contains(err.Error(), "no longer in the storage") {
			t.Errorf("objects that are gone: %v", err)
		}
	})
}

// A baseline that is gone where it was, because somebody's lifecycle rule removed it, is asked about as well, and
// either answer works without it. One that cannot be read for another reason is no reason to send everything again.
//
// Req: X-09, SY-12, SY-14
func TestABaselineThatIsGone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2)}
		for _, answer := range []run.Options{{FullResync: true}, {ResetCDC: true}} {
			w.run(answer)
			if err := w.storage.DeletePrefix(t.Context(), workspace, "syncs/77/baseline/"); err != nil {
				t.Fatal(err)
			}
			w.expectAsking(w.run(run.Options{}), fault.CodeRunBaseline)
			if got := w.run(answer); got.State != run.Committed {
				t.Fatalf("%+v: %s, %+v", answer, got.State, got.Failure)
			}
		}
		w.storage = denying{w.storage}
		w.restart()
		if got := w.run(run.Options{}); got.State != run.Failed || got.Failure.Code != fault.CodeStorageDenied {
			t.Errorf("%s, %+v", got.State, got.Failure)
		}
	})
}

// denying is storage that may not be read.
type denying struct{ run.Storage }

func (denying) Download(context.Context, int64, string, string) error {
	return fault.New(fault.CodeStorageDenied, "reading: AccessDenied")
}

// A full resync without the old baseline that dies on its way is settled without it too. Invariant R4.
//
// Req: X-11
func TestDeathOfAResyncAfterTheStorageMoved(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := placed(w)
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2), r("3", "Cyd", 3)}
		w.run(run.Options{})
		p.move(1, 0)
		made, err := w.store.Trigger(t.Context(), run.Request{WorkspaceID: workspace, SyncID: syncID, SyncSlug: "people", Trigger: run.TriggerManual, Options: run.Options{FullResync: true}}, w.queue)
		if err != nil {
			t.Fatal(err)
		}
		if !w.crash(made.ID, "", 1, true) {
			t.Fatal("no crash")
		}
		w.recover()
		if got := w.get(made.ID); got.State != run.Interrupted {
			t.Errorf("%s, %+v", got.State, got.Failure)
		}
		w.run(run.Options{})
		w.checkTarget(w.model())
		if st := w.standing(1); st.State != run.BaselineReady {
			t.Errorf("%+v", st)
		}
	})
}

// Modes that send every row remember nothing, and so have nothing to ask.
//
// Req: X-13
func TestModesWithoutABaselineGoOn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := placed(w)
		w.rows = []row{r("1", "Ann", 1)}
		w.run(run.Options{})
		w.bundle.SyncSpec.Mode, w.bundle.SyncSpec.Delete = connector.ModeAll, connector.DeleteNothing
		p.move(1, 0)
		if got := w.run(run.Options{}); got.State != run.Committed || got.Counts.Planned.Added != 1 {
			t.Errorf("%s, %+v", got.State, got.Failure)
		}
	})
}

// Where the server's storage removes what nobody uses, a sync that rested for longer stops and asks; its baseline is
// really gone. One that runs, even in vain, keeps it; so does one in a bucket where nothing expires.
//
// Req, SY-44, FLD-14
func TestBaselinesExpire(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const month = 30 * 24 * time.Hour
		p := placed(w)
		p.move(0, month)
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2)}
		w.run(run.Options{})
		expire := func() {
			t.Helper()
			if _, err := w.engine.Expire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		w.clock.Advance(month - time.Hour)
		expire()
		w.fail = fault.New(fault.CodeSourceUnreachable, "the source is away")
		w.run(run.Options{})
		w.fail = nil
		w.clock.Advance(month - time.Hour)
		expire()
		if st := w.standing(0); st.State != run.BaselineReady {
			t.Fatalf("a sync that ran within the time: %+v", st)
		}
		w.clock.Advance(2 * time.Hour)
		expire()
		if st := w.standing(0); st.State != run.BaselineExpired {
			t.Fatalf("%+v", st)
		}
		if n := w.files("storage-0", "baseline"); n != 0 {
			t.Errorf("%d files of the baseline are left", n)
		}
		w.expectAsking(w.run(run.Options{}), fault.CodeRunExpired)
		expire()
		w.expectAsking(w.run(run.Options{}), fault.CodeRunExpired)
		if got := w.run(run.Options{ResetCDC: true}); got.State != run.Committed || got.Counts.Planned.Total() != 0 {
			t.Fatalf("%s, %+v", got.State, got.Failure)
		}
		w.clock.Advance(2 * month)
		p.at.Expiry = 0 // a bucket of the workspace's own
		expire()
		if got := w.run(run.Options{}); got.State != run.Committed {
			t.Errorf("it expired in a bucket where nothing does: %s, %+v", got.State, got.Failure)
		}
	})
}

// What is remembered of a sync goes with it.
//
// Req: X-06
func TestADeletedSyncIsForgotten(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1)}
		w.run(run.Options{})
		if w.files("storage", "baseline") == 0 {
			t.Fatal("there is no baseline")
		}
		err := w.db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			return run.NoteDeleted(w.store, ctx, tx, syncID)
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.engine.Expire(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := w.files("storage", "baseline"); n != 0 {
			t.Errorf("%d files of the baseline are left", n)
		}
	})
}

// While the syncs of a workspace are paused none starts, whatever triggers it; those of others do. What was
// triggered meanwhile runs afterwards.
//
// Req: X-12
func TestPause(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1)}
		inTx := func(f func(ctx context.Context, tx bun.Tx) error) {
			t.Helper()
			if err := w.db.InTx(t.Context(), f); err != nil {
				t.Fatal(err)
			}
		}
		inTx(func(ctx context.Context, tx bun.Tx) error { return w.store.Pause(ctx, tx, workspace, "a test") })
		inTx(func(ctx context.Context, tx bun.Tx) error { return w.store.Pause(ctx, tx, workspace, "once more") })
		id := w.trigger()
		if got := w.execute(id); got.State != run.Queued {
			t.Errorf("a run of a paused workspace is %s", got.State)
		}
		w.queue.ids = nil
		if _, err := w.engine.Reap(t.Context(), false); err != nil || len(w.queue.ids) != 0 {
			t.Errorf("%v were woken: %v", w.queue.ids, err)
		}
		if n, err := w.store.Drain(t.Context(), workspace, false); err != nil || n != 0 {
			t.Errorf("%d runs are under way: %v", n, err)
		}
		inTx(func(ctx context.Context, tx bun.Tx) error { return w.store.Resume(ctx, tx, workspace, w.queue) })
		if len(w.queue.ids) != 1 || w.queue.ids[0] != id {
			t.Fatalf("%v were woken", w.queue.ids)
		}
		if got := w.execute(id); got.State != run.Committed {
			t.Errorf("the run is %s", got.State)
		}
	})
}

// A run under way ends while its workspace is paused, and one that died is settled: a switch waits for both.
//
// Req: X-12
func TestRunsUnderWayEndInAPause(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2), r("3", "Cyd", 3)}
		id := w.trigger()
		if !w.crash(id, "", 1, true) {
			t.Fatal("no crash")
		}
		if err := w.db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error { return w.store.Pause(ctx, tx, workspace, "a test") }); err != nil {
			t.Fatal(err)
		}
		if n, err := w.store.Drain(t.Context(), workspace, false); err != nil || n != 1 {
			t.Errorf("%d runs are under way: %v", n, err)
		}
		w.restart()
		if _, err := w.engine.Reap(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		if n, err := w.store.Drain(t.Context(), workspace, false); err != nil || n != 0 {
			t.Errorf("%d runs are under way: %v", n, err)
		}
		if got := w.get(id); got.State != run.Interrupted {
			t.Errorf("the run is %s", got.State)
		}
	})
}

// Where the old storage is lost, a run that cannot be settled without it is given up, but none whose worker lives;
// and its sync asks, wherever its objects are, since what the run sent is not known.
//
// Req: X-12, FLD-14
func TestGivingUp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2), r("3", "Cyd", 3)}
		id := w.trigger()
		if !w.crash(id, "", 1, true) {
			t.Fatal("no crash")
		}
		if n, err := w.store.Drain(t.Context(), workspace, true); err != nil || n != 1 {
			t.Errorf("%d runs are left while the lease holds: %v", n, err)
		}
		w.clock.Advance(time.Minute)
		if n, err := w.store.Drain(t.Context(), workspace, true); err != nil || n != 0 {
			t.Errorf("%d runs are left: %v", n, err)
		}
		if got := w.get(id); got.State != run.Failed || got.Failure.Code != fault.CodeRunMoved {
			t.Errorf("%s, %+v", got.State, got.Failure)
		}
		w.expectAsking(w.run(run.Options{}), fault.CodeRunMoved)
		if got := w.run(run.Options{FullResync: true}); got.State != run.Committed {
			t.Errorf("%s, %+v", got.State, got.Failure)
		}
		w.checkTarget(w.model())
	})
}
