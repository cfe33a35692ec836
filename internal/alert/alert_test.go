package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/alert/notify"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/millrace/millrace/internal/kind/channel"
	"github.com/uptrace/bun"
)

// world is a sync whose triggers the test measures, with channels that remember what they are told.
type world struct {
	t          *testing.T
	clock      *clock.Manual
	store      *Store
	dispatcher *Dispatcher
	subject    Subject
	spec       alerting.Spec
	channels   map[string]channel.Spec

	mu   sync.Mutex
	sent []string
	fail func(n notify.Notice) error // of the provider
	keys []string
	ids  []int64
}

func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(t, newWorld(t, d)) })
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	c := clock.NewManual(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC))
	w := &world{
		t: t, clock: c, store: NewStore(d, c), channels: map[string]channel.Spec{"team": {Type: channel.Webhook}, "on-call": {Type: channel.PagerDuty, Levels: alerting.LevelsCritical}},
		subject: Subject{WorkspaceID: 1, Kind: "sync", ID: 77, UUID: "u-77", Slug: "people", Name: "People to CRM", Path: "/syncs/people"},
		spec:    alerting.Spec{Recipients: []alerting.Recipient{{Channel: "team"}}},
	}
	w.dispatcher = &Dispatcher{Store: w.store, Channels: w, Sender: w, Log: slog.New(slog.DiscardHandler)}
	return w
}

func (w *world) Channel(_ context.Context, _ int64, slug string) (channel.Spec, error) {
	c, ok := w.channels[slug]
	if !ok {
		return c, fault.New(fault.CodeNotFound, "there is no alert channel %q", slug)
	}
	c.Description = slug
	return c, nil
}

func (w *world) Send(_ context.Context, c channel.Spec, target string, n notify.Notice) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		if err := w.fail(n); err != nil {
			return err
		}
	}
	what := fmt.Sprintf("%s: %s %s>%s", c.Description+target, n.Trigger, n.Before, n.Level)
	if n.Repeat {
		what += " again"
	}
	w.sent, w.keys, w.ids = append(w.sent, what), append(w.keys, n.Key), append(w.ids, n.ID)
	return nil
}

// evaluation is what a watcher would hand in.
func (w *world) evaluation(readings ...Reading) Evaluation {
	w.t.Helper()
	at, err := w.store.Position(w.t.Context(), w.subject.WorkspaceID, w.subject.Kind, w.subject.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	p := alerting.Effective(alerting.SyncTypes, &w.spec)
	return Evaluation{Subject: w.subject, Policy: p, Recipients: Recipients(p, w.channels), Readings: readings, Version: at.Version}
}

func (w *world) evaluate(readings ...Reading) {
	w.t.Helper()
	if err := w.store.Evaluate(w.t.Context(), w.evaluation(readings...)); err != nil {
		w.t.Fatal(err)
	}
}

func failures(n int) Reading {
	return Reading{Trigger: alerting.Fatal, Value: float64(n), Words: fmt.Sprintf("%d failures", n), About: 5}
}

func rejections(n int) Reading { return Reading{Trigger: alerting.Rejected, Value: float64(n)} }

// told sends what is due and checks what arrived since the last look.
func (w *world) told(want ...string) {
	w.t.Helper()
	w.dispatcher.Sweep(w.t.Context())
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.Sort(w.sent)
	slices.Sort(want)
	if !slices.Equal(w.sent, want) {
		w.t.Errorf("sent %q, want %q", w.sent, want)
	}
	w.sent = nil
}

func (w *world) level(trigger string, want alerting.Level) {
	w.t.Helper()
	all, err := w.store.Standings(w.t.Context(), w.subject.WorkspaceID, w.subject.Kind, w.subject.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	if got := all[trigger].Level; got != want {
		w.t.Errorf("%s is %q, want %q", trigger, got, want)
	}
}

func (w *world) trigger(name, text string) {
	w.t.Helper()
	t := alerting.Trigger{}
	for part := range strings.FieldsSeq(text) {
		var n float64
		if _, err := fmt.Sscanf(part, "warning=%g", &n); err == nil {
			t.Warning = &n
		} else if _, err := fmt.Sscanf(part, "critical=%g", &n); err == nil {
			t.Critical = &n
		}
	}
	t.Off = text == "off"
	if w.spec.Triggers == nil {
		w.spec.Triggers = map[string]alerting.Trigger{}
	}
	w.spec.Triggers[name] = t
}

// There is one notice for each change of a trigger's level, and none while it stays.
//
// Req: SY-61, SY-64
func TestOneNoticeForEachChange(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.trigger(alerting.Rejected, "warning=1 critical=100")
		w.evaluate(failures(0), rejections(0))
		w.told()
		w.evaluate(rejections(3))
		w.level(alerting.Rejected, alerting.Warning)
		w.told("team: rejected ok>warning")
		w.evaluate(rejections(5))
		w.evaluate(rejections(50))
		w.told()
		w.evaluate(rejections(500))
		w.level(alerting.Rejected, alerting.Critical)
		w.told("team: rejected warning>critical")
		w.evaluate(rejections(2))
		w.told("team: rejected critical>warning")
		w.evaluate(rejections(0))
		w.level(alerting.Rejected, alerting.OK)
		w.told("team: rejected warning>ok")
		w.evaluate(failures(1))
		w.told("team: fatal ok>critical")
	})
}

// A recipient that takes critical alerts only sees a warning as no alert. A recipient's own levels count before its
// channel's.
//
// Req: SY-63, SY-64
func TestLevelsOfRecipients(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.channels["both"] = channel.Spec{Type: channel.PagerDuty, Levels: alerting.LevelsCritical}
		w.spec.Recipients = []alerting.Recipient{{Channel: "team"}, {Channel: "on-call"}, {Channel: "both", Levels: alerting.LevelsAll}}
		w.trigger(alerting.Rejected, "warning=1 critical=100")
		w.evaluate(rejections(3))
		w.told("team: rejected ok>warning", "both: rejected ok>warning")
		w.evaluate(rejections(300))
		w.told("team: rejected warning>critical", "both: rejected warning>critical", "on-call: rejected ok>critical")
		w.evaluate(rejections(3))
		w.told("team: rejected critical>warning", "both: rejected critical>warning", "on-call: rejected critical>ok")
		w.evaluate(rejections(0))
		w.told("team: rejected warning>ok", "both: rejected warning>ok")
	})
}

// Nobody is told where nobody is a recipient; the level moves all the same.
//
// Req: SY-61
func TestNoRecipients(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.spec.Recipients = nil
		w.evaluate(failures(1))
		w.told()
		w.level(alerting.Fatal, alerting.Critical)
		w.spec.Recipients = []alerting.Recipient{{Channel: "team"}}
		w.evaluate(failures(2))
		w.told() // it is no change
	})
}

// A mute holds notices back and nothing else; when it ends, people are told where things stand if they do not know.
//
// Req: SY-67
func TestMute(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		mute := func(d time.Duration) {
			t.Helper()
			until := time.Time{}
			if d > 0 {
				until = w.clock.Now().Add(d)
			}
			if err := w.store.Mute(t.Context(), w.subject, alerting.Fatal, until, "ada@example.com"); err != nil {
				t.Fatal(err)
			}
		}
		mute(time.Hour)
		w.evaluate(failures(1), rejections(1))
		w.level(alerting.Fatal, alerting.Critical)
		w.told("team: rejected ok>warning")
		if r, err := w.store.Rollup(t.Context(), 1, "sync", 77); err != nil || r.Critical != 1 || r.Warning != 1 || r.Level != alerting.Critical {
			t.Errorf("the rollup is %+v: %v", r, err)
		}
		w.evaluate(failures(0))
		w.clock.Advance(2 * time.Hour)
		w.evaluate()
		w.told() // it began and ended while it was muted

		mute(time.Hour)
		w.evaluate(failures(1))
		w.clock.Advance(59 * time.Minute)
		w.evaluate()
		w.told()
		w.clock.Advance(time.Minute)
		w.evaluate()
		w.told("team: fatal ok>critical")
		w.evaluate()
		w.told()

		mute(0)
		w.evaluate(failures(0))
		w.level(alerting.Fatal, alerting.OK)
		w.clock.Advance(1000 * time.Hour)
		w.evaluate()
		w.told()
		st, err := w.store.Standings(t.Context(), 1, "sync", 77)
		if got := st[alerting.Fatal]; err != nil || !got.Muted || !got.MutedUntil.IsZero() || got.MutedBy != "ada@example.com" {
			t.Errorf("the mute is %+v: %v", got, err)
		}
		if err := w.store.Unmute(t.Context(), w.subject, alerting.Fatal); err != nil {
			t.Fatal(err)
		}
		w.evaluate()
		w.told("team: fatal critical>ok")
	})
}

// A channel may repeat its notices while the alert lasts.
//
// Req: MON-04, SY-64
func TestRepeat(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.channels["loud"] = channel.Spec{Type: channel.Webhook, RepeatMinutes: 30}
		w.spec.Recipients = append(w.spec.Recipients, alerting.Recipient{Channel: "loud"})
		w.evaluate(failures(1))
		w.told("team: fatal ok>critical", "loud: fatal ok>critical")
		for range 5 {
			w.clock.Advance(5 * time.Minute)
			w.evaluate()
		}
		w.told()
		w.clock.Advance(5 * time.Minute)
		w.evaluate()
		w.told("loud: fatal critical>critical again")
		w.clock.Advance(10 * time.Minute)
		w.evaluate()
		w.told()
		if err := w.store.Mute(t.Context(), w.subject, alerting.Fatal, w.clock.Now().Add(time.Hour), "ada"); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(30 * time.Minute)
		w.evaluate()
		w.told()
		w.clock.Advance(time.Hour)
		w.evaluate(failures(0))
		w.told("team: fatal critical>ok", "loud: fatal critical>ok")
		w.clock.Advance(time.Hour)
		w.evaluate()
		w.told()
	})
}

// Another threshold counts from the next evaluation on, and what is turned off is no alert any more.
//
// Req: SY-65
func TestChangesCountFromTheNextEvaluation(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		size := func(n float64) Reading { return Reading{Trigger: alerting.ModelSize, Value: n} }
		w.evaluate(failures(1), size(0))
		w.level(alerting.ModelSize, "") // it is not watched
		w.told("team: fatal ok>critical")
		w.trigger(alerting.Fatal, "critical=3")
		w.trigger(alerting.ModelSize, "warning=10")
		w.evaluate(failures(2), size(9))
		w.told("team: fatal critical>ok", "team: modelSize ok>warning")
		w.trigger(alerting.ModelSize, "off")
		w.evaluate(failures(2))
		w.told("team: modelSize warning>ok")
		w.evaluate(failures(2), size(1))
		w.told()
	})
}

// A run that is not over can raise an alarm, and cannot call it off.
func TestRaiseOnly(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.evaluate(Reading{Trigger: alerting.Rejected, Value: 2, Raise: true})
		w.told("team: rejected ok>warning")
		w.evaluate(Reading{Trigger: alerting.Rejected, Value: 0, Raise: true})
		w.level(alerting.Rejected, alerting.Warning)
		w.told()
	})
}

// Two workers that measured at the same time count once; the slower one must measure again.
//
// Req: SY-64
func TestStaleReadings(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		one, other := w.evaluation(failures(1)), w.evaluation(failures(0))
		if err := w.store.Evaluate(t.Context(), one); err != nil {
			t.Fatal(err)
		}
		if err := w.store.Evaluate(t.Context(), other); !fault.Is(err, fault.CodeStale) {
			t.Errorf("the stale readings got %v", err)
		}
		w.level(alerting.Fatal, alerting.Critical)
		w.told("team: fatal ok>critical")
	})
}

// Many workers that see the same change make one notice of it.
//
// Req: SY-64
func TestManyWorkers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		e := w.evaluation(failures(1))
		var workers sync.WaitGroup
		for range 8 {
			workers.Go(func() {
				if err := w.store.Evaluate(t.Context(), e); err != nil && !fault.Is(err, fault.CodeStale) {
					t.Error(err)
				}
			})
		}
		workers.Wait()
		var sweeps sync.WaitGroup
		for range 4 {
			sweeps.Go(func() { w.dispatcher.Sweep(t.Context()) })
		}
		sweeps.Wait()
		w.told("team: fatal ok>critical")
	})
}

// An evaluation that is undone leaves no notice, and one that stands leaves it to whoever sends next.
//
// Req: SY-64
func TestLevelAndNoticeAreOneTransaction(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		crash := errors.New("the process died")
		err := w.store.db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			if err := w.store.evaluate(ctx, tx, w.evaluationIn(tx, failures(1))); err != nil {
				return err
			}
			return crash
		})
		if !errors.Is(err, crash) {
			t.Fatal(err)
		}
		w.told()
		w.level(alerting.Fatal, "")
		w.evaluate(failures(1))
		w.told("team: fatal ok>critical")
	})
}

// evaluationIn is for a first evaluation inside a transaction, where the store's other connection must not be used.
func (w *world) evaluationIn(_ bun.Tx, readings ...Reading) Evaluation {
	p := alerting.Effective(alerting.SyncTypes, &w.spec)
	return Evaluation{Subject: w.subject, Policy: p, Recipients: Recipients(p, w.channels), Readings: readings}
}

// A notice that was not delivered is sent again, later and later, under the same id; what the provider refuses for good
// is given up at once, and so is what is a day old.
//
// Req: SY-63
func TestRetry(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		attempts := 0
		down := fault.New(fault.CodeNoticeUnreachable, "503 Service Unavailable")
		w.fail = func(n notify.Notice) error {
			attempts++
			w.ids = append(w.ids, n.ID)
			return down
		}
		w.evaluate(failures(1))
		for _, wait := range []time.Duration{0, 30 * time.Second, time.Minute, 2 * time.Minute} {
			w.clock.Advance(wait - time.Millisecond)
			before := attempts
			w.told()
			if wait > 0 && attempts != before {
				t.Errorf("it was sent again before %s were over", wait)
			}
			w.clock.Advance(time.Millisecond)
			w.told()
			if attempts != before+1 {
				t.Errorf("after %s there were %d attempts, want %d", wait, attempts, before+1)
			}
		}
		down = fault.RetryAfter(fault.New(fault.CodeNoticeThrottled, "429"), 2*time.Hour)
		w.clock.Advance(5 * time.Minute)
		w.told()
		w.clock.Advance(119 * time.Minute)
		before := attempts
		w.told()
		if attempts != before {
			t.Error("it was sent again before the provider wants it")
		}
		w.fail = nil
		w.clock.Advance(2 * time.Minute)
		w.told("team: fatal ok>critical")
		if slices.ContainsFunc(w.ids, func(id int64) bool { return id != w.ids[0] }) {
			t.Errorf("the attempts have the ids %v", w.ids)
		}
		events, err := w.store.History(t.Context(), 1, "sync", 77, 0, 10)
		if err != nil || len(events) != 1 || len(events[0].Notices) != 1 || events[0].Notices[0].State != NoticeSent || events[0].Notices[0].Error != "" {
			t.Errorf("the history is %+v: %v", events, err)
		}

		attempts = 0
		w.fail = func(notify.Notice) error { attempts++; return fault.New(fault.CodeNoticeRefused, "no such key") }
		w.evaluate(failures(0))
		w.told()
		w.clock.Advance(25 * time.Hour)
		w.told()
		if attempts != 1 {
			t.Errorf("what was refused for good was sent %d times", attempts)
		}
		last, err := w.store.LastNotice(t.Context(), 1, "team")
		if err != nil || last == nil || last.State != NoticeFailed || last.Error != "no such key" {
			t.Errorf("the channel's last notice is %+v: %v", last, err)
		}
	})
}

// A notice that nobody could deliver for a day is given up.
func TestGiveUp(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.fail = func(notify.Notice) error { return fault.New(fault.CodeNoticeUnreachable, "down") }
		w.evaluate(failures(1))
		for range 30 {
			w.told()
			w.clock.Advance(time.Hour)
		}
		last, err := w.store.LastNotice(t.Context(), 1, "team")
		if err != nil || last == nil || last.State != NoticeFailed || last.Error != "down" {
			t.Errorf("the notice is %+v: %v", last, err)
		}
	})
}

// Notices about one trigger arrive in their order, also when the first one has to wait; others do not wait for it.
//
// Req: SY-64
func TestOrder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.fail = func(n notify.Notice) error {
			if n.Trigger == alerting.Fatal {
				return fault.New(fault.CodeNoticeUnreachable, "down")
			}
			return nil
		}
		w.evaluate(failures(1), rejections(1))
		w.told("team: rejected ok>warning")
		w.evaluate(failures(0))
		w.told()
		w.fail = nil
		w.clock.Advance(time.Minute)
		w.dispatcher.Sweep(t.Context())
		if want := []string{"team: fatal ok>critical", "team: fatal critical>ok"}; !slices.Equal(w.sent, want) {
			t.Errorf("sent %q, want %q", w.sent, want)
		}
	})
}

// An attempt whose process died is made again when its lease is over, not before.
func TestLease(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.evaluate(failures(1))
		if _, ok, err := w.store.take(t.Context()); err != nil || !ok {
			t.Fatalf("%v %v", ok, err)
		}
		w.told()
		w.clock.Advance(leaseTime)
		w.told("team: fatal ok>critical")
	})
}

// All notices about one alert have one key, and the next alert has another.
func TestKey(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.trigger(alerting.Rejected, "warning=1 critical=100")
		for _, n := range []int{1, 100, 0, 1} {
			w.evaluate(rejections(n))
			w.dispatcher.Sweep(t.Context())
		}
		if k := w.keys; len(k) != 4 || k[0] != k[1] || k[1] != k[2] || k[3] == k[0] || !strings.HasPrefix(k[0], "millrace-u-77-rejected-") {
			t.Errorf("the keys are %v", k)
		}
	})
}

// Each telephone of a channel is told by a message of its own, so that one that fails does not make the others ring
// again.
func TestTargets(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.channels["team"] = channel.Spec{Type: channel.SMS, Configuration: map[string]any{"to": []any{"+491", "+492"}}}
		w.evaluate(failures(1))
		w.told("team+491: fatal ok>critical", "team+492: fatal ok>critical")
	})
}

// A document that is deleted while it alerts tells those who were told, and leaves nothing but that notice.
func TestForget(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.evaluate(failures(1), rejections(0))
		w.told("team: fatal ok>critical")
		err := w.store.db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			return w.store.Forget(ctx, tx, w.subject, alerting.SyncTypes)
		})
		if err != nil {
			t.Fatal(err)
		}
		w.told("team: fatal critical>ok")
		for _, table := range []string{"alert_triggers", "alert_events", "alert_subjects"} {
			if n, err := w.store.db.NewSelect().Table(table).Count(t.Context()); err != nil || n != 0 {
				t.Errorf("%d rows are left in %s: %v", n, table, err)
			}
		}
	})
}

// What is old goes; what is still to be sent stays.
func TestExpire(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.evaluate(failures(1))
		w.told("team: fatal ok>critical")
		w.clock.Advance(Keep + time.Minute)
		w.evaluate(failures(0))
		if err := w.store.Expire(t.Context()); err != nil {
			t.Fatal(err)
		}
		events, err := w.store.History(t.Context(), 1, "sync", 77, 0, 10)
		if err != nil || len(events) != 1 || events[0].To != alerting.OK {
			t.Errorf("the history is %+v: %v", events, err)
		}
		w.told("team: fatal critical>ok")
	})
}

// One of many processes does what the clock asks for, and does it again when the time has come.
func TestClaim(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		claims := func() int {
			n := 0
			for range 3 {
				mine, err := w.store.Claim(t.Context(), "round", 5*time.Minute)
				if err != nil {
					t.Fatal(err)
				}
				if mine {
					n++
				}
			}
			return n
		}
		if n := claims(); n != 1 {
			t.Errorf("%d claims were granted, want 1", n)
		}
		w.clock.Advance(4 * time.Minute)
		if n := claims(); n != 0 {
			t.Errorf("%d claims were granted before the time, want 0", n)
		}
		w.clock.Advance(2 * time.Minute)
		if n := claims(); n != 1 {
			t.Errorf("%d claims were granted, want 1", n)
		}
		w.clock.Advance(4 * time.Minute)
		if n := claims(); n != 1 {
			t.Errorf("%d claims were granted ten minutes after the first, since the second came a minute late", n)
		}
	})
}

// Alerts of one workspace are no other's business.
func TestWorkspaces(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.evaluate(failures(1))
		if all, err := w.store.Rollups(t.Context(), 2, "sync"); err != nil || len(all) != 0 {
			t.Errorf("another workspace sees %v: %v", all, err)
		}
		if events, err := w.store.History(t.Context(), 2, "sync", 77, 0, 10); err != nil || len(events) != 0 {
			t.Errorf("another workspace sees %v: %v", events, err)
		}
		if n, err := w.store.LastNotice(t.Context(), 2, "team"); err != nil || n != nil {
			t.Errorf("another workspace sees %v: %v", n, err)
		}
	})
}
