package dbt_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/dbt"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/dbtproject"
	"github.com/millrace/millrace/internal/resource"
)

// origin is a place that has a manifest, or says why not.
type origin struct {
	mu    sync.Mutex
	has   string // its newest version; empty: none
	text  string
	fail  error
	looks []string // what was seen before each look
	token string   // that it was looked at with
	hold  func(context.Context)
}

func (o *origin) Fetch(ctx context.Context, l dbt.Look) (*dbt.Fetched, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.looks = append(o.looks, l.Seen)
	o.token, _ = l.Spec.Configuration["token"].(string)
	if o.hold != nil {
		o.hold(ctx)
	}
	if o.fail != nil {
		return nil, o.fail
	}
	if o.has == l.Seen {
		return nil, nil
	}
	return &dbt.Fetched{Seen: o.has, Body: io.NopCloser(strings.NewReader(o.text))}, nil
}

func (w *world) refresher(o *origin) *dbt.Refresher {
	f := &dbt.Refresher{DB: w.db, Documents: w.docs, Loader: dbt.Loader{Store: w.store, Documents: w.docs}, Fetcher: o, Clock: w.now, Log: slog.New(slog.DiscardHandler)}
	f.Follow()
	return f
}

func gitSpec(branch string) dbtproject.Spec {
	return dbtproject.Spec{Source: "db", Origin: dbtproject.OriginGit, Configuration: map[string]any{"url": "https://example.com/shop.git", "token": "hunter2", "branch": branch}}
}

func (w *world) update(slug string, spec any) {
	w.t.Helper()
	text, err := json.Marshal(spec)
	w.must(err)
	_, err = w.docs.Update(w.t.Context(), scope, dbtproject.KindName, slug, resource.Write{Name: slug, Spec: text})
	w.must(err)
}

// look returns how the fetching stands.
func (w *world) look(f *dbt.Refresher) dbt.Refresh {
	w.t.Helper()
	r, ok, err := f.Look(w.t.Context(), 1, w.id)
	w.must(err)
	if !ok {
		w.t.Fatal("nothing is fetched")
	}
	return r
}

// A project is looked at when it is made, then at its times, whenever somebody asks, and anew after a change. Only what
// is new is loaded, except by a full resync.
//
// Req: DBT-01, DBT-02, DBT-08
func TestRefresh(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		o := &origin{}
		f := w.refresher(o)
		f.Sweep(t.Context())
		if len(o.looks) != 0 {
			t.Fatalf("a project whose manifest is loaded was looked at: %v", o.looks)
		}
		if _, ok, err := f.Look(t.Context(), 1, w.id); ok || err != nil {
			t.Fatalf("%v, %v", ok, err)
		}
		if err := f.Ask(t.Context(), 1, w.id, false); !fault.Is(err, fault.CodeInvalid) {
			t.Errorf("asking for what is loaded: %v", err)
		}
		w.id = w.create(dbtproject.KindName, "git", gitSpec("main")).ID
		if r := w.look(f); r.State != dbt.RefreshWaiting || !r.Checked.IsZero() {
			t.Errorf("new: %+v", r)
		}
		f.Sweep(t.Context())
		if r := w.look(f); r.State != dbt.RefreshWaiting || r.Checked.IsZero() || o.token != "hunter2" {
			t.Errorf("nothing there: %+v, with the token %q", r, o.token)
		}
		o.has, o.text = "c1", text(table("people"))
		f.Sweep(t.Context())
		if len(o.looks) != 1 {
			t.Errorf("it was looked at before its time: %q", o.looks)
		}
		w.now.Advance(11 * time.Minute)
		f.Sweep(t.Context())
		if r := w.look(f); r.State != dbt.RefreshDone || r.Seen != "c1" || !r.Checked.Equal(w.now.Now()) || r.Failure != nil {
			t.Errorf("loaded: %+v", r)
		}
		w.lists(dbt.Filter{}, 1, "people")
		o.text = text(table("others"))
		w.must(f.Ask(t.Context(), 1, w.id, false))
		f.Sweep(t.Context())
		w.lists(dbt.Filter{}, 1, "people")
		w.must(f.Ask(t.Context(), 1, w.id, true))
		f.Sweep(t.Context())
		w.lists(dbt.Filter{}, 1, "others")
		if strings.Join(o.looks, "|") != "||c1|" {
			t.Errorf("it was looked at with %q", o.looks)
		}
		w.update("git", gitSpec("next"))
		f.Sweep(t.Context())
		if last := o.looks[len(o.looks)-1]; last != "" || len(o.looks) != 5 {
			t.Errorf("after a change: %q", o.looks)
		}
		if err := f.Ask(t.Context(), 2, w.id, false); !fault.Is(err, fault.CodeInvalid) {
			t.Errorf("another workspace asks: %v", err)
		}
		if _, err := (dbt.Loader{Store: w.store, Documents: w.docs}).Load(t.Context(), scope, "git", strings.NewReader(text())); !fault.Is(err, fault.CodeInvalid) {
			t.Errorf("a manifest is loaded over one that is fetched: %v", err)
		}
		w.update("git", dbtproject.Spec{Source: "db", Origin: dbtproject.OriginManifest})
		if _, ok, err := f.Look(t.Context(), 1, w.id); ok || err != nil {
			t.Errorf("after the origin was given up: %v, %v", ok, err)
		}
	})
}

// An origin that fails is asked again after a growing while; what was loaded stays in use.
//
// Req: DBT-02
func TestRefreshFails(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		o := &origin{has: "c1", text: text(table("people"))}
		f := w.refresher(o)
		w.id = w.create(dbtproject.KindName, "git", gitSpec("")).ID
		f.Sweep(t.Context())
		o.fail = fault.New(fault.CodeGitAuth, "example.com does not accept the credentials")
		for i, after := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute} {
			w.now.Advance(time.Hour)
			f.Sweep(t.Context())
			r := w.look(f)
			if r.State != dbt.RefreshFailed || r.Failure == nil || r.Failure.Code != fault.CodeGitAuth || r.Failure.Suggestion == "" || r.Next.Sub(w.now.Now()) != after || r.Seen != "c1" {
				t.Errorf("attempt %d: %+v, %+v", i, r, r.Failure)
			}
		}
		w.lists(dbt.Filter{}, 1, "people")
		o.fail = fault.RetryAfter(fault.New(fault.CodeDBTCloud, "wait"), 7*time.Minute)
		w.now.Advance(time.Hour)
		f.Sweep(t.Context())
		if r := w.look(f); r.Next.Sub(w.now.Now()) != 7*time.Minute {
			t.Errorf("asked to wait: %+v", r)
		}
		o.fail, o.has, o.text = nil, "c2", "no manifest"
		w.now.Advance(time.Hour)
		f.Sweep(t.Context())
		if r := w.look(f); r.Failure == nil || r.Failure.Code != fault.CodeDBTManifest || r.Seen != "c1" {
			t.Errorf("no manifest: %+v", r)
		}
		o.text = text(table("orders"))
		w.now.Advance(2 * time.Hour)
		f.Sweep(t.Context())
		if r := w.look(f); r.State != dbt.RefreshDone || r.Failure != nil || r.Seen != "c2" {
			t.Errorf("afterwards: %+v", r)
		}
		w.lists(dbt.Filter{}, 1, "orders")
	})
}

// Two workers do not look at one project at once; what a worker left is taken up after its lease; and who was overtaken
// by a change notes nothing.
//
// Req: DBT-02
func TestRefreshLease(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		o := &origin{has: "c1", text: text(table("people"))}
		f := w.refresher(o)
		other := &origin{has: "c1", text: text(table("people"))}
		second := *f
		second.Fetcher = other
		w.id = w.create(dbtproject.KindName, "git", gitSpec("")).ID
		ctx, cancel := context.WithCancelCause(t.Context())
		o.hold = func(context.Context) {
			second.Sweep(t.Context())
			cancel(errors.New("the process stops"))
		}
		o.fail = context.Canceled
		f.Sweep(ctx)
		if r := w.look(f); r.State != dbt.RefreshRunning || len(other.looks) != 0 {
			t.Errorf("while it runs: %+v, the other looked %d times", r, len(other.looks))
		}
		w.now.Advance(16 * time.Minute)
		second.Sweep(t.Context())
		if r := w.look(f); r.State != dbt.RefreshDone || len(other.looks) != 1 {
			t.Errorf("after the lease: %+v", r)
		}
		o.fail = nil
		o.hold = func(context.Context) {
			o.hold = nil
			w.update("git", gitSpec("next"))
		}
		w.must(f.Ask(t.Context(), 1, w.id, true))
		o.mu.Lock()
		o.looks = nil
		o.mu.Unlock()
		f.Sweep(t.Context())
		if len(o.looks) != 2 {
			t.Errorf("the change was not looked at: %q", o.looks)
		}
	})
}
