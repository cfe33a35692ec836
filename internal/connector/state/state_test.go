package state

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/secret"
)

func each(t *testing.T, f func(t *testing.T, s *Store, now *clock.Manual)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		key, err := secret.NewKey([]byte(strings.Repeat("k", 32)))
		must(t, err)
		now := clock.NewManual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		f(t, NewStore(d, key, now), now)
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func set(v string) func(context.Context, string) (string, error) {
	return func(context.Context, string) (string, error) { return v, nil }
}

func wants(t *testing.T, s connector.State, key, want string) {
	t.Helper()
	if v, found, err := s.Load(t.Context(), key); err != nil || v != want || found != (want != "") {
		t.Errorf("%s is %q, %v, %v; want %q", key, v, found, err, want)
	}
}

// TestState: what is learned belongs to one document and one key, is encrypted, and goes with the document.
func TestState(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store, _ *clock.Manual) {
		ctx := t.Context()
		a := s.Of(1, "destination", 5)
		others := []connector.State{s.Of(2, "destination", 5), s.Of(1, "source", 5), s.Of(1, "destination", 6)}
		wants(t, a, "token", "")
		_, err := a.Update(ctx, "token", set("first-secret"))
		must(t, err)
		got, err := a.Update(ctx, "token", func(_ context.Context, old string) (string, error) { return old + " and more", nil })
		if err != nil || got != "first-secret and more" {
			t.Errorf("%q, %v", got, err)
		}
		wants(t, a, "token", "first-secret and more")
		wants(t, a, "other", "")
		for _, o := range others {
			wants(t, o, "token", "")
			_, err := o.Update(ctx, "token", set("theirs"))
			must(t, err)
		}
		wants(t, a, "token", "first-secret and more")

		refused := errors.New("the vendor says no")
		if _, err := a.Update(ctx, "token", func(context.Context, string) (string, error) { return "x", refused }); !errors.Is(err, refused) {
			t.Errorf("got %v", err)
		}
		wants(t, a, "token", "first-secret and more")

		var rows []struct{ Key, Value string }
		must(t, s.db.NewSelect().Table("connector_state").Column("key", "value").Scan(ctx, &rows))
		if text := fmt.Sprint(rows); len(rows) != 4 || strings.Contains(text, "first-secret") || strings.Contains(text, leaseRow) {
			t.Errorf("stored are %s", text)
		}
		_, err = s.db.NewRaw("UPDATE connector_state SET value = (SELECT value FROM connector_state WHERE document_id = 6) WHERE document_id = 5 AND workspace_id = 1 AND kind = 'destination'").Exec(ctx)
		must(t, err)
		if _, _, err := a.Load(ctx, "token"); !fault.Is(err, fault.CodeSecret) {
			t.Errorf("another document's value: %v", err)
		}
		must(t, s.Forget(ctx, s.db, 1, "destination", 5))
		wants(t, a, "token", "")
		for _, o := range others {
			wants(t, o, "token", "theirs")
		}
	})
	if (*Store)(nil).Of(1, "destination", 5) != nil {
		t.Error("a store that is not there has a state")
	}
}

// TestOneChangeAtATime: a change waits for another worker's, and is handed what that made.
func TestOneChangeAtATime(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store, _ *clock.Manual) {
		a, b := s.Of(1, "destination", 5), s.Of(1, "destination", 5)
		_, err := a.Update(t.Context(), "token", func(ctx context.Context, _ string) (string, error) {
			impatient, cancel := context.WithTimeout(ctx, 4*firstWait)
			defer cancel()
			_, err := b.Update(impatient, "token", func(context.Context, string) (string, error) {
				t.Error("two changes at a time")
				return "b", nil
			})
			if !errors.Is(err, context.DeadlineExceeded) || fault.ClassOf(err) != fault.Retryable {
				t.Errorf("the one who waits got %v", err)
			}
			_, err = b.Update(ctx, "other", set("free")) // another key is free
			return "a", err
		})
		must(t, err)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, err := a.Update(t.Context(), "token", func(_ context.Context, old string) (string, error) { return old + "+", nil }); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		wants(t, a, "token", "a++++++++")
	})
}

// TestStandingStill: a worker that died is not waited for beyond its lease, and one that stood still for so long
// finds what the other one made instead of undoing it.
func TestStandingStill(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store, now *clock.Manual) {
		a, b := s.Of(1, "destination", 5), s.Of(1, "destination", 5)
		_, err := a.Update(t.Context(), "token", set("old"))
		must(t, err)
		var seen []string
		got, err := a.Update(t.Context(), "token", func(ctx context.Context, old string) (string, error) {
			seen = append(seen, old)
			if len(seen) > 1 {
				return old, nil
			}
			now.Advance(leaseTime)
			_, err := b.Update(ctx, "token", set("b"))
			return "a", err
		})
		if err != nil || got != "b" || fmt.Sprintf("%q", seen) != `["old" "b"]` {
			t.Errorf("%q, %v, was handed %q", got, err, seen)
		}
		wants(t, a, "token", "b")
	})
}

// TestChangeOutlivesItsCaller: what a vendor gave is kept though the run has ended meanwhile.
func TestChangeOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store, _ *clock.Manual) {
		a := s.Of(1, "destination", 5)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := a.Update(ctx, "token", func(ctx context.Context, _ string) (string, error) {
			cancel()
			return "rotated", ctx.Err()
		})
		must(t, err)
		wants(t, a, "token", "rotated")
		if _, err := a.Update(ctx, "token", set("later")); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// TestTickets: a ticket is good once, for a while, for the holder, and cannot be forged.
func TestTickets(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store, now *clock.Manual) {
		ctx := t.Context()
		want := Ticket{WorkspaceID: 1, Kind: "destination", DocumentID: 5, Slug: "crm", Holder: "ada"}
		issue := func() string {
			t.Helper()
			text, err := s.Issue(ctx, want)
			must(t, err)
			return text
		}
		refused := func(text, holder string) {
			t.Helper()
			if got, err := s.Redeem(ctx, text, holder); !fault.Is(err, fault.CodeForbidden) || got != (Ticket{}) {
				t.Errorf("got %v, %v", got, err)
			}
		}
		text := issue()
		refused("", "ada")
		refused(text[:len(text)-2], "ada")
		refused(text, "bob") // and stays good for its holder
		if got, err := s.Redeem(ctx, text, "ada"); err != nil || got != want {
			t.Errorf("got %v, %v", got, err)
		}
		refused(text, "ada")

		text = issue()
		now.Advance(ticketTime - time.Millisecond)
		if _, err := s.Redeem(ctx, text, "ada"); err != nil {
			t.Error(err)
		}
		text = issue()
		now.Advance(ticketTime)
		refused(text, "ada")
		now.Advance(time.Millisecond)
		issue()
		n, err := s.db.NewSelect().Table("connector_state").Count(ctx)
		must(t, err)
		if n != 1 {
			t.Errorf("%d tickets are kept; the old one is to be removed", n)
		}
		text = issue()
		must(t, s.Forget(ctx, s.db, 1, "destination", 5))
		refused(text, "ada") // the document is deleted
	})
}

// TestMemory: the state of a connection that is not saved.
func TestMemory(t *testing.T) {
	t.Parallel()
	m := connector.Memory()
	wants(t, m, "token", "")
	if _, err := m.Update(t.Context(), "token", set("a")); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Update(t.Context(), "token", func(context.Context, string) (string, error) { return "", errors.New("no") }); err == nil {
		t.Error("an error is lost")
	}
	wants(t, m, "token", "a")
}
