package quota

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// worker is a run that asks for requests and makes some of them.
type worker struct {
	name    string
	grant   Grant
	left    int
	running []int64 // when its requests under way end
}

// Whoever asks, and however late in their time grants are used: no span of a window has more requests than its limit
// allows, no more are under way at a time than may be, and where nobody may begin it is said truly when that changes.
//
// Req: FLD-10
func TestLimitsHoldWhateverIsAsked(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		widths := rapid.SliceOfNDistinct(rapid.SampledFrom([]time.Duration{time.Second, 7 * time.Second, time.Minute, time.Hour, 24 * time.Hour}), 1, 3, rapid.ID).Draw(t, "windows")
		var limits []Limit
		for _, w := range widths {
			limits = append(limits, Limit{rapid.IntRange(1, 40).Draw(t, "requests"), w})
		}
		slots := 1000
		if rapid.Bool().Draw(t, "parallel") {
			slots = rapid.IntRange(1, 6).Draw(t, "slots")
			limits = append(limits, Limit{Requests: slots})
		}
		l := &ledger{}
		var begun []int64
		workers := []*worker{{name: "a"}, {name: "b"}, {name: "c"}}
		now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
		for range rapid.IntRange(20, 200).Draw(t, "steps") {
			now += rapid.SampledFrom([]int64{0, 1, 40, 99, 500, 2_000, 59_000, 400_000, 10_000_000}).Draw(t, "passes")
			w := rapid.SampledFrom(workers).Draw(t, "worker")
			w.running = slices.DeleteFunc(w.running, func(end int64) bool { return end <= now })
			if w.left == 0 || now >= w.grant.Until.UnixMilli() {
				w.ask(l, now, limits, rapid.IntRange(1, 50).Draw(t, "wants"))
				l = stored(t, l)
			}
			for range rapid.IntRange(0, 50).Draw(t, "begins") {
				if w.left == 0 || len(w.running) >= w.grant.Slots || now >= w.grant.Until.UnixMilli() {
					break
				}
				w.left--
				begun = append(begun, now)
				w.running = append(w.running, now+rapid.Int64Range(1, 5_000).Draw(t, "takes"))
				now += rapid.Int64Range(0, 30).Draw(t, "between")
				w.running = slices.DeleteFunc(w.running, func(end int64) bool { return end <= now })
			}
			under := 0
			for _, other := range workers {
				other.running = slices.DeleteFunc(other.running, func(end int64) bool { return end <= now })
				under += len(other.running)
			}
			if under > slots {
				t.Fatalf("%d requests are under way, and %d may be", under, slots)
			}
		}
		for _, limit := range limits {
			if limit.Window > 0 {
				checkWindow(t, begun, limit)
			}
		}
		for _, w := range workers {
			l.leave(w.name, Grant{Requests: w.left, marks: w.grant.marks})
		}
		last := &worker{name: "last"}
		last.ask(l, now, limits, 1)
		if last.left == 0 {
			again := last.grant.Again.UnixMilli()
			if early := stored(t, l).take(time.UnixMilli(again-1), Ask{Limits: limits, Owner: "last", Want: 1, Slots: 1}); early.Requests > 0 {
				t.Fatalf("there is room before %d, when asking again is said to help", again)
			}
			if last.ask(l, again, limits, 1); last.left == 0 {
				t.Fatalf("there is no room at %d: %+v", again, last.grant)
			}
		}
	})
}

func (w *worker) ask(l *ledger, now int64, limits []Limit, want int) {
	unused := w.grant
	unused.Requests = w.left
	w.grant = l.take(time.UnixMilli(now), Ask{Limits: limits, Owner: w.name, Want: want, Slots: 8, InUse: len(w.running), Unused: unused})
	w.left = w.grant.Requests
}

// stored is the ledger as the database gives it back.
func stored(t *rapid.T, l *ledger) *ledger {
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	again := &ledger{}
	if err := json.Unmarshal(text, again); err != nil {
		t.Fatal(err)
	}
	return again
}

func checkWindow(t *rapid.T, begun []int64, limit Limit) {
	slices.Sort(begun)
	for i := limit.Requests; i < len(begun); i++ {
		if span := begun[i] - begun[i-limit.Requests]; span < limit.Window.Milliseconds() {
			t.Fatalf("%d requests within %d ms; %d are allowed in %s", limit.Requests+1, span, limit.Requests, limit.Window)
		}
	}
}

// A window is used nearly to its end: what the buckets cost is little.
//
// Req: FLD-10
func TestLimitsAreUsed(t *testing.T) {
	t.Parallel()
	for _, limit := range []Limit{{100, time.Second}, {100, time.Minute}, {100, time.Hour}, {1000, 24 * time.Hour}} {
		l, w, made := &ledger{}, &worker{name: "a"}, 0
		start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
		end := start + 20*limit.Window.Milliseconds()
		for now := start; now < end; {
			if w.ask(l, now, []Limit{limit}, 1000); w.left == 0 {
				now = w.grant.Again.UnixMilli()
				continue
			}
			made += w.left
			w.left = 0
		}
		if least := 20 * limit.Requests * 9 / 10; made < least {
			t.Errorf("%d in %s: %d requests in 20 windows, at least %d could be", limit.Requests, limit.Window, made, least)
		}
	}
}

// More runs than slots take turns, and a run that is dead does not keep its slots.
//
// Req: FLD-10
func TestSlotsAreShared(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	ask := func(l *ledger, owner string, limit, inUse int) int {
		return l.take(at, Ask{Limits: []Limit{{Requests: limit}}, Owner: owner, Want: 1, Slots: 100, InUse: inUse}).Slots
	}
	l := &ledger{}
	if n := ask(l, "a", 4, 0); n != 4 {
		t.Fatalf("the only run gets %d of 4", n)
	}
	if n := ask(l, "b", 4, 0); n != 0 {
		t.Fatalf("all slots are taken, and %d are given", n)
	}
	at = at.Add(6 * time.Second)
	if n := ask(l, "a", 4, 4); n != 2 {
		t.Errorf("a keeps %d, half of them is its share", n)
	}
	if n := ask(l, "b", 4, 0); n != 0 {
		t.Errorf("the requests of a are still under way, and b gets %d", n)
	}
	ask(l, "a", 4, 1)
	if n := ask(l, "b", 4, 0); n != 2 {
		t.Errorf("b gets %d", n)
	}

	l = &ledger{}
	served := map[string]int{}
	for range 60 {
		for i := range 3 {
			owner := fmt.Sprint("run ", i)
			served[owner] += ask(l, owner, 1, 0)
		}
		at = at.Add(time.Second)
	}
	for i := range 3 {
		if n := served[fmt.Sprint("run ", i)]; n < 12 {
			t.Errorf("of 60 turns of one slot, runs got %v", served)
		}
	}

	l = &ledger{}
	ask(l, "dead", 2, 2)
	at = at.Add(time.Duration(slotTime) * time.Millisecond)
	if n := ask(l, "b", 2, 0); n != 0 {
		t.Errorf("%d slots of a run whose time is not over", n)
	}
	at = at.Add(time.Millisecond)
	if n := ask(l, "b", 2, 0); n != 2 {
		t.Errorf("b gets %d of the slots of a dead run", n)
	}
}

// Clocks that were set back keep nobody waiting for what lies in the future.
func TestAClockThatWasSetBack(t *testing.T) {
	t.Parallel()
	limits := []Limit{{1, time.Minute}, {Requests: 1}}
	l := &ledger{}
	future := time.Date(2036, 3, 1, 0, 0, 0, 0, time.UTC)
	l.take(future, Ask{Limits: limits, Owner: "a", Want: 1, Slots: 1})
	l.hold(future, future.Add(time.Hour))
	if g := l.take(future, Ask{Limits: limits, Owner: "a", Want: 1, Slots: 1}); g.Requests != 0 || g.Again.Before(future.Add(time.Hour)) {
		t.Fatalf("%+v during a hold", g)
	}
	if g := l.take(future.AddDate(-10, 0, 0), Ask{Limits: limits, Owner: "b", Want: 1, Slots: 1}); g.Requests != 1 {
		t.Errorf("%+v", g)
	}
}
