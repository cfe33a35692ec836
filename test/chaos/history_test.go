package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Settings of the tests.
const (
	seedEnv      = "MILLRACE_TEST_SEED"  // one history alone
	historiesEnv = "MILLRACE_TEST_CHAOS" // how many histories; 20 where it is not set
	histories    = 20
)

// seeds returns the seeds of this test run: rotating ones, or the one that is to be repeated.
func seeds(t *testing.T, share float64) []uint64 {
	t.Helper()
	if text := os.Getenv(seedEnv); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return []uint64{seed}
	}
	n := histories
	if text := os.Getenv(historiesEnv); text != "" {
		given, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		n = given
	}
	first := uint64(time.Now().UnixMilli())
	all := make([]uint64, int(math.Ceil(float64(n)*share)))
	for i := range all {
		all[i] = first + uint64(i)
	}
	return all
}

// Whatever happens to workers, database, storage, destination and clock: once it is over, the destination holds what
// the model says, no acknowledged row was sent again, every run has an end and numbers that add up, and nothing is left
// behind; and the warehouse was told of each run and each of its rows once. Invariants R1 to R7, D1 to D6 and L1 to L4.
//
// Req: FLD-02, FLD-03, FLD-09, FLD-31, SY-39, SY-53, SY-55, SY-56, SY-57, SY-76, SY-77, SY-79
func TestHistories(t *testing.T) {
	t.Parallel()
	for name, engine := range engines {
		for _, seed := range seeds(t, engine.share) {
			t.Run(fmt.Sprintf("%s/%s=%d", name, seedEnv, seed), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, seed, engine.setUp)
				w.live()
				w.rest()
				w.check()
				if t.Failed() {
					w.logging.Lock()
					defer w.logging.Unlock()
					t.Logf("repeat it with %s=%d\n%s\n%s", seedEnv, seed, strings.Join(w.story, "\n"), w.log)
				}
			})
		}
	}
}

// points are the failpoints of a run.
var points = []string{"querying", "planning", "kept", "delivering", "paused", "settling", "settled", "committed"}

// live goes through some steps in which things fail.
func (w *world) live() {
	w.note("%s, %d workers, %s", w.target, w.count(), map[bool]string{true: "SQLite", false: "PostgreSQL"}[w.url == ""])
	for step := range 4 + w.rnd.IntN(4) {
		w.change()
		m, storm := calm, fair
		if w.rnd.IntN(3) > 0 {
			m = moods[w.rnd.IntN(len(moods))]
		}
		if w.rnd.IntN(3) == 0 {
			storm = weathers[w.rnd.IntN(len(weathers))]
		}
		w.target.set(m)
		w.storage.set(storm)
		w.climate(step)
		w.note("%d: the model has %d rows, the destination is %s, the storage %s", step, len(w.model()), m, storm)
		victim := w.workers[w.rnd.IntN(len(w.workers))]
		w.doom(victim)
		w.lose(w.rnd.IntN(12) == 0)
		if err := w.trigger(); err != nil {
			w.note("   no run could be made: %v", err)
		}
		w.disturb()
		w.settle(time.Duration(200+w.rnd.IntN(600)) * time.Millisecond)
		w.revive()
	}
}

// lose lets the source be away, or back.
func (w *world) lose(away bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.source = nil
	if away {
		w.source = errSource
		w.note("   the source is away")
	}
}

// doom decides whether a worker dies in this step, and where.
func (w *world) doom(k *worker) {
	switch w.rnd.IntN(4) {
	case 0:
		all := points
		if w.warehouse != nil {
			all = slices.Concat(points, logPoints)
		}
		p := all[w.rnd.IntN(len(all))]
		w.note("   a worker dies at %s", p)
		for _, other := range w.workers { // whoever has the run
			other.point.Store(&p)
		}
	case 1:
		w.target.mu.Lock()
		defer w.target.mu.Unlock()
		nth := w.target.writes + 1 + w.rnd.IntN(6)
		w.note("   a worker dies at request %d", nth)
		w.target.wrote = func(n int) error {
			if n != nth {
				return nil
			}
			for _, other := range w.workers { // nobody knows who sends
				other.dead.Store(true)
				other.kill(errKilled)
			}
			return fault.New(fault.CodeDestinationTimeout, "killed")
		}
	case 2:
		after := time.Duration(w.rnd.IntN(300)) * time.Millisecond
		w.note("   a worker dies after %s", after)
		w.fated = make(chan struct{})
		w.fate = time.AfterFunc(after, func() {
			defer close(w.fated)
			k.dead.Store(true)
			k.kill(errKilled)
		})
	}
}

// disturb does something to the database, the clock or the run while it is under way.
func (w *world) disturb() {
	time.Sleep(time.Duration(w.rnd.IntN(250)) * time.Millisecond)
	switch w.rnd.IntN(7) {
	case 0:
		d := time.Duration(10+w.rnd.IntN(400)) * time.Millisecond
		w.note("   the database is away for %s", d)
		if w.url == "" {
			w.fill(d)
		} else {
			w.outage(d)
		}
	case 1:
		d := time.Duration(w.rnd.IntN(120)-60) * time.Minute
		w.note("   the clock jumps by %s", d)
		w.clock.jump(d)
	case 2:
		w.note("   another worker takes everything over")
		k := w.workers[w.rnd.IntN(len(w.workers))]
		if w.url != "" {
			_, _ = k.reapOnce(true) //nolint:errcheck // the database may be away
		}
	case 3:
		w.cancel()
	case 4:
		w.mu.Lock()
		w.bundle.Sync.Revision++
		w.mu.Unlock()
		w.note("   somebody saves the sync")
	}
}

func (w *world) cancel() {
	runs, err := w.runs()
	if err != nil || len(runs) == 0 {
		return
	}
	w.note("   somebody cancels run %d", runs[0].ID)
	_, _ = w.workers[0].store.Cancel(w.t.Context(), workspace, runs[0].ID) //nolint:errcheck // the database may be away
}

// settle waits until nothing is under way, at most for a while.
func (w *world) settle(most time.Duration) bool {
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		runs, err := w.runs()
		if err == nil && !slices.ContainsFunc(runs, func(r run.Run) bool { return !r.State.Ended() }) {
			return true
		}
	}
	return false
}

// revive replaces the workers that died.
func (w *world) revive() {
	w.target.mu.Lock()
	w.target.wrote = nil
	w.target.mu.Unlock()
	if w.fate != nil && !w.fate.Stop() {
		<-w.fated
	}
	w.fate = nil
	for _, k := range slices.Clone(w.workers) {
		k.point.Store(nil)
		if k.dead.Load() {
			w.replace(k)
		}
	}
}

// rest lets everything work again, and waits until the sync has nothing left to do.
func (w *world) rest() {
	w.t.Helper()
	w.target.set(calm)
	w.storage.set(fair)
	if w.warehouse != nil {
		w.warehouse.set(fair)
	}
	w.lose(false)
	w.clock.jump(2 * time.Hour) // what a clock that was set back holds
	for range 2 {
		if !w.subside() {
			w.tell("runs do not end")
			w.t.FailNow()
		}
		if err := w.trigger(); err != nil {
			w.t.Fatal(err)
		}
	}
	if !w.subside() {
		w.tell("runs do not end")
		w.t.FailNow()
	}
	w.transcribe()
}

// subside waits until nothing is under way. A worker may have been on its way to its death when the last ones were
// replaced.
func (w *world) subside() bool {
	for range 30 {
		if w.settle(time.Second) {
			return true
		}
		w.revive()
	}
	return false
}

func (w *world) tell(format string, args ...any) {
	w.t.Helper()
	runs, err := w.runs()
	var list []string
	for _, r := range runs {
		list = append(list, fmt.Sprintf("%d %s %s %+v paused until %s, %+v", r.ID, r.Trigger, r.State, r.Failure, r.ResumeAt, r.Counts))
	}
	w.logging.Lock()
	defer w.logging.Unlock()
	w.t.Errorf("%s; repeat it with %s=%d\n%s\n%s\n%v\n%s", fmt.Sprintf(format, args...), seedEnv, w.seed, strings.Join(w.story, "\n"), strings.Join(list, "\n"), err, w.log)
}

// check holds the world to what the engine promises.
func (w *world) check() {
	w.t.Helper()
	runs, err := w.runs()
	if err != nil {
		w.t.Fatal(err)
	}
	if last := runs[0]; last.State != run.Committed || last.Counts.Failed.Total() != 0 || last.Counts.Aborted.Total() != 0 {
		w.tell("the last run is %s: %+v %+v", last.State, last.Failure, last.Counts)
	}
	if !w.mirrors() && runs[0].Counts.Planned.Total() != 0 {
		w.tell("the sync does not come to rest")
	}
	for _, r := range runs {
		w.checkCounts(r)
	}
	w.checkDestination(runs)
	w.checkSent(runs)
	w.checkLogs(runs)
	w.checkLeftovers(runs)
}

func (w *world) checkCounts(r run.Run) {
	w.t.Helper()
	c := r.Counts
	compared := c.Rows.Total()+c.Unchanged+c.Duplicates > 0 || r.State == run.Committed
	if compared && c.Read != c.Rows.Added+c.Rows.Changed+c.Unchanged+c.NullKeys+c.Duplicates {
		w.tell("run %d: %d rows read do not add up: %+v", r.ID, c.Read, c)
	}
	for _, x := range [][4]int64{
		{c.Planned.Added, c.Succeeded.Added, c.Failed.Added, c.Aborted.Added},
		{c.Planned.Changed, c.Succeeded.Changed, c.Failed.Changed, c.Aborted.Changed},
		{c.Planned.Removed, c.Succeeded.Removed, c.Failed.Removed, c.Aborted.Removed},
	} {
		if x[0] != x[1]+x[2]+x[3] || min(x[1], x[2], x[3]) < 0 {
			w.tell("run %d: planned rows do not add up: %+v", r.ID, c)
		}
	}
}

// checkDestination compares the destination with the model. Where sending twice would do harm, rows in doubt were
// reported instead of sent again, and may differ.
func (w *world) checkDestination(runs []run.Run) {
	w.t.Helper()
	want, got := w.model(), w.target.state()
	if maps.Equal(want, got) {
		return
	}
	reported := int64(0)
	for _, r := range runs {
		reported += r.Counts.InDoubt
	}
	different := 0
	for id := range unite(want, got) {
		if want[id] != got[id] {
			different++
		}
	}
	if w.target.limits.Idempotency != connector.NotIdempotent || int64(different) > reported {
		w.tell("the destination holds\n%v\nand the model\n%v\n%d rows were reported to be in doubt", got, want, reported)
	}
}

func unite(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// checkSent looks at each row that a run knows as taken: its content was not sent in a later run, and it did take
// effect. What a destination that is not idempotent took, it took once, and so it is where it knows rows by keys. An id
// never names other rows than before.
func (w *world) checkSent(runs []run.Run) {
	w.t.Helper()
	if w.mirrors() {
		return
	}
	acknowledged := map[string]int64{}
	for _, r := range slices.Backward(runs) {
		rows, _, err := w.workers[0].engine.Rows(w.t.Context(), workspace, r.ID, run.RowQuery{Statuses: []run.RowStatus{run.RowSucceeded}, Limit: 1000})
		if err != nil {
			w.tell("reading the rows of run %d: %v", r.ID, err)
			return
		}
		for _, row := range rows {
			said := row.Key + " removed"
			if row.Operation != connector.Removed {
				said = row.Key + " " + row.Values[slices.IndexFunc(row.Values, func(f value.Field) bool { return f.Name == "name" })].Value.String()
			}
			if w.target.taken[said] == 0 {
				w.tell("run %d: the row %q counts as taken, and was not", r.ID, said)
			}
			if before, again := acknowledged[said]; again && row.Operation != connector.Removed && !w.again[said] {
				w.tell("run %d sent the row %q, which run %d knew as taken", r.ID, said, before)
			}
			acknowledged[said] = r.ID
		}
	}
	if w.target.misused != "" {
		w.tell("%s", w.target.misused)
	}
	if !w.target.strict() {
		return
	}
	for said, n := range w.target.taken {
		if n > 1 && !w.again[said] && !strings.HasSuffix(said, " removed") {
			w.tell("the row %q was taken %d times", said, n)
		}
	}
}

// checkLeftovers: nothing is held, and when the logs' time is over, storage has the baseline and nothing else.
func (w *world) checkLeftovers(runs []run.Run) {
	w.t.Helper()
	ctx := w.t.Context()
	var held int
	if err := w.db.NewSelect().Table("sync_state").ColumnExpr("count(*)").Where("active_run_id <> 0").Scan(ctx, &held); err != nil || held != 0 {
		w.tell("%d syncs are held: %v", held, err)
	}
	var frames int
	if err := w.db.NewSelect().Table("run_journal").ColumnExpr("count(*)").Scan(ctx, &frames); err != nil || frames != 0 {
		w.tell("%d frames of journals are left: %v", frames, err)
	}
	if len(w.storage.rewrote) > 0 {
		w.tell("objects were written over: %v", w.storage.rewrote)
	}
	if w.warehouse != nil {
		w.warehouse.check()
	}
	w.clock.jump(30 * 24 * time.Hour)
	for range 2 + len(runs)/50 {
		if _, err := w.workers[0].engine.Expire(ctx); err != nil {
			w.tell("expiring: %v", err)
		}
	}
	prefix, err := w.baseline(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, name := range w.storage.names() {
		if prefix == "" || !strings.HasPrefix(name, fmt.Sprintf("%d/%s/", workspace, prefix)) {
			w.tell("the object %s is left, and the baseline is %s", name, prefix)
			return
		}
	}
}

// baseline returns where the sync's baseline lies.
func (w *world) baseline(ctx context.Context) (string, error) {
	var text string
	if err := w.db.NewSelect().Table("sync_state").Column("baseline").Where("sync_id = ?", syncID).Scan(ctx, &text); err != nil || text == "" {
		return "", err
	}
	var b struct{ Prefix string }
	err := json.Unmarshal([]byte(text), &b)
	return b.Prefix, err
}
