package quota

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/secret"
)

func each(t *testing.T, f func(t *testing.T, s *Store, now *clock.Manual)) {
	t.Helper()
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		key, err := secret.NewKey([]byte(strings.Repeat("k", 32)))
		if err != nil {
			t.Fatal(err)
		}
		now := clock.NewManual(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
		f(t, NewStore(d, key, now), now)
	})
}

func account(t *testing.T, s *Store, workspaceID int64, credential string) *Account {
	t.Helper()
	a, err := s.Of(workspaceID, credential)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func take(t *testing.T, a *Account, q Ask) Grant {
	t.Helper()
	g, err := a.Take(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Workers that ask at the same moment get no more together than one of them would get alone, and each class and each
// credential has its own count.
//
// Req: FLD-10
func TestWorkersShareOneCount(t *testing.T) {
	each(t, func(t *testing.T, s *Store, now *clock.Manual) {
		limits := []Limit{{100, time.Minute}, {500, 24 * time.Hour}}
		var granted atomic.Int64
		ask := func() {
			var all sync.WaitGroup
			for range 8 {
				a := account(t, s, 1, "token") // each worker opens its own
				all.Go(func() {
					for range 20 {
						g, err := a.Take(t.Context(), Ask{Class: "contacts", Limits: limits, Owner: "w", Want: 3, Slots: 8})
						if err != nil {
							t.Error(err)
						}
						granted.Add(int64(g.Requests))
					}
				})
			}
			all.Wait()
		}
		for minute, want := range []int64{100, 200, 300, 400, 500, 500, 500} {
			if ask(); granted.Load() != want {
				t.Fatalf("%d requests were granted after %d minutes, want %d", granted.Load(), minute, want)
			}
			now.Advance(62 * time.Second)
		}
		for name, other := range map[string]Grant{
			"another class":      take(t, account(t, s, 1, "token"), Ask{Class: "companies", Limits: limits, Owner: "w", Want: 3, Slots: 1}),
			"another credential": take(t, account(t, s, 1, "another"), Ask{Class: "contacts", Limits: limits, Owner: "w", Want: 3, Slots: 1}),
			"another workspace":  take(t, account(t, s, 2, "token"), Ask{Class: "contacts", Limits: limits, Owner: "w", Want: 3, Slots: 1}),
		} {
			if other.Requests != 3 {
				t.Errorf("%s: %+v", name, other)
			}
		}
	})
}

// What one worker is asked to wait, the others wait too: also those that have no limit to count.
//
// Req: FLD-09, FLD-10
func TestAHoldIsSeenByAll(t *testing.T) {
	each(t, func(t *testing.T, s *Store, now *clock.Manual) {
		a, b := account(t, s, 1, "token"), account(t, s, 1, "token")
		ask := Ask{Owner: "w", Want: 5, Slots: 5}
		if g := take(t, b, ask); g.Requests != 5 || !g.Until.Equal(now.Now().Add(time.Second)) {
			t.Fatalf("%+v; a grant must end soon, so that a hold is noticed", g)
		}
		until := now.Now().Add(time.Minute)
		if err := a.Hold(t.Context(), "", until); err != nil {
			t.Fatal(err)
		}
		if err := b.Hold(t.Context(), "", until.Add(-time.Second)); err != nil { // a shorter one changes nothing
			t.Fatal(err)
		}
		if g := take(t, b, ask); g.Requests != 0 || !g.Again.Equal(until) {
			t.Errorf("%+v", g)
		}
		now.Advance(time.Minute)
		if g := take(t, b, ask); g.Requests != 5 {
			t.Errorf("%+v after the hold", g)
		}
	})
}

// What was not used is given back; credentials are not readable in the database; and what is over is forgotten.
//
// Req: FLD-10
func TestGivingBackAndForgetting(t *testing.T) {
	each(t, func(t *testing.T, s *Store, now *clock.Manual) {
		a := account(t, s, 1, "the secret token")
		ask := Ask{Class: "c", Limits: []Limit{{10, time.Minute}, {Requests: 2}}, Owner: "w", Want: 1, Slots: 2}
		unused := take(t, a, ask)
		for range 9 {
			ask.Unused = Grant{}
			take(t, a, ask)
		}
		if g := take(t, a, ask); g.Requests != 0 {
			t.Fatalf("%+v", g)
		}
		if err := a.Leave(t.Context(), "c", "w", unused); err != nil {
			t.Fatal(err)
		}
		ask.Owner = "another"
		if g := take(t, a, ask); g.Requests != 1 || g.Slots != 2 {
			t.Errorf("%+v after one was given back", g)
		}
		count := func() (n int64) {
			t.Helper()
			if err := s.Expire(t.Context()); err != nil {
				t.Fatal(err)
			}
			n, err := s.db.NewSelect().Table("quotas").Where("credential NOT LIKE ?", "%secret%").Count(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		now.Advance(59 * time.Second)
		if n := count(); n != 1 {
			t.Errorf("%d rows while they count", n)
		}
		now.Advance(3 * time.Minute)
		if n := count(); n != 0 {
			t.Errorf("%d rows of what is over", n)
		}
	})
}
