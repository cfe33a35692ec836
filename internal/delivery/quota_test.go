package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/quota"
	"github.com/millrace/millrace/internal/secret"
)

// vendor is an API with limits of its own: it counts what comes and refuses what is too much.
type vendor struct {
	rnd *rand.Rand

	mu       sync.Mutex
	begun    map[string][]time.Time // by endpoint
	under    int
	most     int // of under
	taken    map[string]int
	closed   time.Time // nothing is taken before
	told     time.Time // when that was said first
	pushed   int       // requests that came later than anybody may be ignorant of it
	refusals int
}

// knowing is how long another worker may be ignorant of what one was told.
const knowing = 1100 * time.Millisecond

func (v *vendor) write(worker int, endpoint string, b *connector.Batch) (connector.Result, error) {
	v.mu.Lock()
	now := time.Now()
	v.begun[endpoint] = append(v.begun[endpoint], now)
	v.under++
	v.most = max(v.most, v.under)
	closed := now.Before(v.closed)
	if closed && !v.told.IsZero() && now.After(v.told.Add(knowing)) {
		v.pushed++
	}
	if !closed && v.rnd.IntN(40) == 0 {
		v.closed, v.told, closed = now.Add(time.Duration(5+v.rnd.IntN(30))*time.Second), time.Time{}, true
	}
	if !closed {
		for _, row := range b.Rows {
			v.taken[fmt.Sprintf("%d of worker %d", row.Ordinal, worker)]++
		}
	}
	wait := time.Duration(v.rnd.IntN(3000)) * time.Millisecond
	after := v.closed.Sub(now)
	v.mu.Unlock()
	time.Sleep(wait)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.under--
	if closed {
		if v.refusals++; v.told.IsZero() {
			v.told = time.Now()
		}
		return connector.Result{}, fault.RetryAfter(fault.New(fault.CodeDestinationThrottled, "slow down"), max(after-wait, time.Millisecond))
	}
	return connector.Result{}, nil
}

// Workers that send with one credential at the same time keep within every limit of its API together, whatever their
// own pace: in a day, in a minute, in a second, at a time, and for each endpoint. When the API asks one of them to
// wait, all wait. Being asked to wait costs no attempt and no row.
//
// Req: FLD-09, FLD-10
func TestWorkersKeepWithinALimitTogether(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { keepWithin(t, seed) })
		})
	}
}

func keepWithin(t *testing.T, seed uint64) {
	account := newAccount(t)
	v := &vendor{rnd: rand.New(rand.NewPCG(seed, 0)), begun: map[string][]time.Time{}, taken: map[string]int{}}
	limits := map[string][]connector.Rate{
		"contacts": {{Requests: 30, Window: time.Minute, Class: "contacts"}, {Requests: 6, Window: time.Second, Class: "all"}, {Requests: 4, Class: "all"}, {Requests: 400, Window: 24 * time.Hour, Class: "all"}},
		"deals":    {{Requests: 6, Window: time.Second, Class: "all"}, {Requests: 4, Class: "all"}, {Requests: 400, Window: 24 * time.Hour, Class: "all"}},
	}
	var workers sync.WaitGroup
	var refused sync.Map
	for i, endpoint := range []string{"contacts", "contacts", "deals"} {
		s := &target{limits: connector.Limits{Rows: 1, Concurrency: 3, Retry: connector.RetryPolicy{Attempts: 1}, Rates: limits[endpoint]}}
		s.write = func(b *connector.Batch) (connector.Result, error) { return v.write(i, endpoint, b) }
		workers.Go(func() {
			l := NewLedger(0, 0, 60)
			j := NewJournal(t.Context(), &tape{}, l)
			defer j.Close()
			d := delivery(s, l, j)
			d.Quotas, d.Owner = account, fmt.Sprint("worker ", i)
			if err := d.Run(t.Context(), t.Context()); err != nil || l.Total(Accepted) != 60 {
				refused.Store(i, fmt.Sprintf("%v, %d of 60 rows were taken", err, l.Total(Accepted)))
			}
		})
	}
	workers.Wait()
	refused.Range(func(i, what any) bool { t.Errorf("worker %v: %v", i, what); return true })
	if v.pushed > 0 {
		t.Errorf("%d requests came while all were to wait", v.pushed)
	}
	if v.refusals == 0 {
		t.Error("the API never asked to wait: the test shows nothing")
	}
	if v.most > 4 {
		t.Errorf("%d requests were under way at a time", v.most)
	}
	for key, n := range v.taken {
		if n != 1 {
			t.Errorf("row %s was taken %d times", key, n)
		}
	}
	within(t, v.begun["contacts"], 30, time.Minute)
	within(t, slices.Concat(v.begun["contacts"], v.begun["deals"]), 6, time.Second)
}

func within(t *testing.T, begun []time.Time, most int, window time.Duration) {
	t.Helper()
	slices.SortFunc(begun, time.Time.Compare)
	for i := most; i < len(begun); i++ {
		if span := begun[i].Sub(begun[i-most]); span < window {
			t.Fatalf("%d requests within %s; %d are allowed in %s", most+1, span, most, window)
		}
	}
}

func newAccount(t *testing.T) *quota.Account {
	t.Helper()
	return accountBy(t, clock.System{})
}

func accountBy(t *testing.T, c clock.Clock) *quota.Account {
	t.Helper()
	key, err := secret.NewKey([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	a, err := quota.NewStore(dbtest.SQLite(t), key, c).Of(1, "token")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func delivery(s connector.Session, l *Ledger, j *Journal) *Delivery {
	return &Delivery{
		PlanID: "r1", Session: s, Chunks: &rows{ledger: l, size: 7}, Journal: j, Ledger: l, Clock: clock.System{},
		Log: slog.New(slog.DiscardHandler),
	}
}

// A wait that is longer than a worker should spend with it ends the delivery; the rows that are left are not sent and
// not refused, and a later delivery of the same plan sends them and no others.
//
// Req: FLD-09, FLD-10
func TestALongWaitIsAPause(t *testing.T) {
	t.Parallel()
	day := []connector.Rate{{Requests: 4, Window: 24 * time.Hour, Class: "all"}}
	for name, c := range map[string]struct {
		rates []connector.Rate
		asked time.Duration // to wait, by the third request
		want  time.Duration
	}{
		"a daily limit":         {day, 0, 24 * time.Hour},
		"the sync's own limit":  {[]connector.Rate{{Requests: 4, Window: time.Hour}}, 0, time.Hour},
		"an hour's Retry-After": {nil, time.Hour, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				account := newAccount(t)
				s := &target{limits: connector.Limits{Rows: 2, Concurrency: 1, Retry: connector.RetryPolicy{Attempts: 1}, Rates: c.rates}}
				writes := 0
				s.write = func(*connector.Batch) (connector.Result, error) {
					if writes++; writes == 3 && c.asked > 0 {
						return connector.Result{}, fault.RetryAfter(fault.New(fault.CodeDestinationThrottled, "come back"), c.asked)
					}
					return connector.Result{}, nil
				}
				l, tp := NewLedger(0, 0, 12), &tape{}
				began := time.Now()
				err := deliverOnce(t, s, account, tp, l)
				pause, ok := errors.AsType[*Pause](err)
				if !ok || s.finished != 0 || l.Total(NotSent)+l.Total(Accepted) != 12 || l.Total(Accepted) == 0 || time.Since(began) > time.Minute {
					t.Fatalf("%v after %s: %d taken, %d not sent", err, time.Since(began), l.Total(Accepted), l.Total(NotSent))
				}
				if wait := pause.Until.Sub(began); wait < c.want || wait > c.want*11/10 {
					t.Errorf("the pause is %s, want %s", wait, c.want)
				}
				again, err := tp.replay(0, 0, 12) // another worker takes the run up
				if err != nil {
					t.Fatal(err)
				}
				for range 5 {
					time.Sleep(time.Until(pause.Until))
					if pause, ok = errors.AsType[*Pause](deliverOnce(t, s, account, tp, again)); !ok {
						break
					}
				}
				if again.Total(Accepted) != 12 || s.finished != 1 {
					t.Errorf("%d taken, finished %d times", again.Total(Accepted), s.finished)
				}
				for n, times := range s.taken {
					if times != 1 {
						t.Errorf("row %d was taken %d times", n, times)
					}
				}
				if last, err := tp.replay(0, 0, 12); err != nil || last.Total(Accepted) != 12 {
					t.Errorf("%v: the journal of both has %d taken rows", err, last.Total(Accepted))
				}
			})
		})
	}
}

func deliverOnce(t *testing.T, s connector.Session, account Quotas, tp *tape, l *Ledger) error {
	t.Helper()
	j := NewJournal(t.Context(), tp, l)
	defer j.Close()
	d := delivery(s, l, j)
	d.Quotas, d.Owner, d.Patience = account, "w", 30*time.Second
	return d.Run(t.Context(), t.Context())
}

// A run does not wait for its sync's own windows to pass at its end: what it used up counts in the sync's next run.
//
// Req: SY-75
func TestTheNextRunKnowsTheWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := newAccount(t)
		s := &target{limits: connector.Limits{Rows: 1, Concurrency: 2, WaitOut: true, Rates: []connector.Rate{{Requests: 10, Window: time.Minute}}}}
		var begun []time.Time
		var mu sync.Mutex
		s.write = func(*connector.Batch) (connector.Result, error) {
			mu.Lock()
			defer mu.Unlock()
			begun = append(begun, time.Now())
			return connector.Result{}, nil
		}
		start := time.Now()
		for range 2 {
			l := NewLedger(0, 0, 8)
			j := NewJournal(t.Context(), &tape{}, l)
			d := delivery(s, l, j)
			d.Quotas, d.Owner = account, "w"
			if err := d.Run(t.Context(), t.Context()); err != nil || l.Total(Accepted) != 8 {
				t.Fatalf("%v, %d taken", err, l.Total(Accepted))
			}
			j.Close()
			if len(begun) == 8 && time.Since(start) > 10*time.Second {
				t.Errorf("the first run took %s", time.Since(start))
			}
		}
		within(t, begun, 10, time.Minute)
	})
}

// A destination's limits do not outweigh its errors: what is wrong is said, also where a lane wanted to pause.
func TestAPauseDoesNotHideAnError(t *testing.T) {
	t.Parallel()
	f := &failure{stop: func() {}}
	f.set(&Pause{Until: time.Now()})
	f.set(fault.New(fault.CodeDestinationAuth, "the token is wrong"))
	f.set(&Pause{Until: time.Now()})
	if err := f.get(); !fault.Is(err, fault.CodeDestinationAuth) {
		t.Errorf("got %v", err)
	}
}

// Limits that cannot be asked for do not let requests through, and do not end the run either.
func TestTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &target{limits: connector.Limits{Rows: 5, Concurrency: 1}}
		l := NewLedger(0, 0, 5)
		j := NewJournal(t.Context(), &tape{}, l)
		defer j.Close()
		d := delivery(s, l, j)
		away := &absent{Quotas: newAccount(t), until: time.Now().Add(10 * time.Second)}
		d.Quotas = away
		began := time.Now()
		if err := d.Run(t.Context(), t.Context()); err != nil || l.Total(Accepted) != 5 || time.Since(began) < 10*time.Second {
			t.Errorf("%v, %d taken after %s", err, l.Total(Accepted), time.Since(began))
		}
	})
}

// A file that was begun cannot be put aside: it waits as long as it must. The clock may be set in the meantime, and a
// wait that it ends is over soon.
//
// Req: FLD-10
func TestAWaitNoticesThatTheClockWasSet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		set := &settable{}
		account := accountBy(t, set)
		if err := account.Hold(t.Context(), "", time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		s := &target{limits: connector.Limits{Rows: 5, Concurrency: 1, Deferred: true}}
		l := NewLedger(0, 0, 5)
		j := NewJournal(t.Context(), &tape{}, l)
		defer j.Close()
		d := delivery(s, l, j)
		d.Quotas, d.Clock, d.Patience = account, set, time.Second
		began := time.Now()
		time.AfterFunc(time.Minute, func() { set.ahead.Store(int64(2 * time.Hour)) })
		if err := d.Run(t.Context(), t.Context()); err != nil || l.Total(Accepted) != 5 {
			t.Fatalf("%v, %d taken", err, l.Total(Accepted))
		}
		if waited := time.Since(began); waited < time.Minute || waited > 2*time.Minute {
			t.Errorf("waited for %s", waited)
		}
	})
}

// settable is a clock that goes with time and is set ahead.
type settable struct{ ahead atomic.Int64 }

func (c *settable) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

type absent struct {
	Quotas
	until time.Time
}

func (a *absent) Take(ctx context.Context, q quota.Ask) (quota.Grant, error) {
	if time.Now().Before(a.until) {
		return quota.Grant{}, errors.New("connection refused")
	}
	return a.Quotas.Take(ctx, q)
}
