package storage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/millrace/millrace/internal/blob"
	"github.com/millrace/millrace/internal/blob/blobtest"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connection"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/engine/storage"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/credential"
	kind "github.com/millrace/millrace/internal/kind/storage"
	"github.com/millrace/millrace/internal/resource"
	"github.com/uptrace/bun"
)

const workspace = 1

// world is an engine over a folder and a store with the protocol of S3.
type world struct {
	t        *testing.T
	db       *db.DB
	clock    *clock.Manual
	docs     *resource.Store
	server   *blob.Bucket
	syncs    *syncs
	engine   *storage.Engine
	lock     storage.Lock
	expiry   time.Duration
	backend  *s3mem.Backend
	store    string       // its address
	refuse   atomic.Bool  // the store refuses everything
	requests atomic.Int64 // to the store
	signed   atomic.Value // the Authorization header of the last one
	reached  []string     // failpoints
	die      string       // the failpoint at which the process dies
}

// syncs stand in for the engine whose runs a switch waits for.
type syncs struct {
	paused    map[int64]bool
	running   int
	abandoned bool
	resumed   int
	unread    bool
}

func (s *syncs) Pause(_ context.Context, _ bun.Tx, ws int64, _ string) error {
	s.paused[ws] = true
	return nil
}

func (s *syncs) Drain(_ context.Context, _ int64, abandon bool) (int, error) {
	s.abandoned = s.abandoned || abandon
	if abandon {
		return 0, nil
	}
	return s.running, nil
}

func (s *syncs) Unread(context.Context, int64, time.Time) (bool, error) { return s.unread, nil }

func (s *syncs) Resume(_ context.Context, _ bun.Tx, ws int64) error {
	delete(s.paused, ws)
	s.resumed++
	return nil
}

func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(t, newWorld(t, d)) })
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, db: d, clock: clock.NewManual(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)), syncs: &syncs{paused: map[int64]bool{}}, backend: s3mem.New()}
	for _, bucket := range []string{"lake", "other"} {
		w.must(w.backend.CreateBucket(bucket))
	}
	fake := gofakes3.New(w.backend).Server()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.requests.Add(1)
		w.signed.Store(r.Header.Get("Authorization"))
		if w.refuse.Load() {
			rw.WriteHeader(http.StatusForbidden)
			fmt.Fprint(rw, `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`)
			return
		}
		fake.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	w.store = server.URL
	var err error
	w.server, err = blob.Open(context.WithoutCancel(t.Context()), "", t.TempDir(), blobtest.Key(t))
	w.must(err)
	t.Cleanup(func() { w.must(w.server.Close()) })
	types := kind.Types(false)
	w.docs = resource.NewStore(d, resource.NewRegistry(kind.Kind(types), credential.Kind(credential.Types(credential.Policy{}))), blobtest.Key(t), w.clock)
	w.restart()
	w.engine.Follow(w.docs)
	for _, bucket := range []string{"lake", "other"} {
		w.create(bucket, bucket, "prod")
	}
	return w
}

// restart is a new process over the same database.
func (w *world) restart() {
	w.engine = storage.New(storage.Options{
		DB: w.db, Documents: w.docs, Types: kind.Types(false), Key: blobtest.Key(w.t), Shared: w.connections(), Syncs: w.syncs, Lock: w.lock, Clock: w.clock,
		Server: storage.Server{Bucket: w.server, Label: "The server's", Expiry: w.expiry},
		Log:    slog.New(slog.DiscardHandler), Owner: strconv.FormatInt(time.Now().UnixNano(), 10), Failpoint: w.reach,
	})
	w.t.Cleanup(func() { w.must(w.engine.Close()) })
}

// connections knows the credentials.
func (w *world) connections() *connection.Opener {
	return connection.New(connection.Options{Documents: w.docs, Credentials: connection.Credentials{Types: credential.Types(credential.Policy{}), Key: blobtest.Key(w.t)}})
}

var errDeath = errors.New("the process dies")

func (w *world) reach(point string) {
	w.reached = append(w.reached, strings.TrimPrefix(point, "storage-"))
	if w.die == point {
		w.die = ""
		panic(errDeath)
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

var scope = resource.Scope{WorkspaceID: workspace, Actor: "ada@example.com"}

func (w *world) spec(bucket, prefix, secret string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"type":"s3","configuration":{"bucket":%q,"prefix":%q,"region":"us-east-1","accessKeyId":"AKIATEST","secretAccessKey":%q,"endpoint":%q,"pathStyle":true}}`,
		bucket, prefix, secret, w.store))
}

func (w *world) create(slug, bucket, prefix string) {
	w.t.Helper()
	_, err := w.docs.Create(w.t.Context(), scope, kind.KindName, resource.Write{Name: slug, Slug: slug, Spec: w.spec(bucket, prefix, "secret")})
	w.must(err)
}

func (w *world) update(slug string, spec json.RawMessage) error {
	_, err := w.docs.Update(w.t.Context(), scope, kind.KindName, slug, resource.Write{Name: slug, Spec: spec})
	return err
}

func (w *world) begin(slug string) storage.Switch {
	w.t.Helper()
	s, err := w.engine.Begin(w.t.Context(), storage.Request{WorkspaceID: workspace, WorkspaceSlug: "main", Slug: slug, Actor: "ada@example.com"})
	w.must(err)
	return s
}

// advance lets the workers do what they can, and returns the switch. It reports whether the process died.
func (w *world) advance() (died bool) {
	w.t.Helper()
	defer func() {
		if p := recover(); p != nil {
			if p != errDeath { //nolint:errorlint,err113 // it is this value
				panic(p)
			}
			died = true
		}
	}()
	w.must(w.engine.Advance(w.t.Context()))
	return false
}

func (w *world) get(id int64) storage.Switch {
	w.t.Helper()
	s, err := w.engine.Get(w.t.Context(), workspace, id)
	w.must(err)
	return s
}

func (w *world) overview() storage.Overview {
	w.t.Helper()
	o, err := w.engine.Overview(w.t.Context(), workspace, "main")
	w.must(err)
	return o
}

// switchTo moves the workspace and expects that it works.
func (w *world) switchTo(slug string) storage.Switch {
	w.t.Helper()
	s := w.begin(slug)
	w.advance()
	if s = w.get(s.ID); s.State != storage.Done || s.Failure != nil {
		w.t.Fatalf("the switch to %q is %s: %+v", slug, s.State, s.Failure)
	}
	return s
}

func (w *world) upload(key string) {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "file")
	w.must(os.WriteFile(path, []byte("rows"), 0o600))
	w.must(w.engine.Upload(w.t.Context(), workspace, key, path))
}

func (w *world) has(key string) bool {
	w.t.Helper()
	err := w.engine.Download(w.t.Context(), workspace, key, filepath.Join(w.t.TempDir(), "file"))
	if err != nil && !fault.Is(err, fault.CodeNotFound) {
		w.t.Fatal(err)
	}
	return err == nil
}

func (w *world) place() (int64, time.Duration) {
	w.t.Helper()
	id, expiry, err := w.engine.Place(w.t.Context(), workspace)
	w.must(err)
	return id, expiry
}

// A switch pauses the syncs, waits for those that run, changes the place, tries it, and lets them go on. What lies
// in the server's storage is removed then, and new objects are in the bucket, under its prefix.
//
// Req
func TestSwitch(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		first, _ := w.place()
		w.upload("syncs/1/baseline/1/rows")
		w.syncs.running = 2
		s := w.begin("lake")
		if len(w.syncs.paused) != 0 {
			t.Error("the syncs are paused before the new place was tried")
		}
		w.advance()
		if s = w.get(s.ID); s.State != storage.Waiting || s.Running != 2 || !w.syncs.paused[workspace] {
			t.Fatalf("%+v", s)
		}
		if now, _ := w.place(); now != first || !w.has("syncs/1/baseline/1/rows") {
			t.Error("the place changed while runs were under way")
		}
		w.syncs.running = 0
		w.advance()
		if s = w.get(s.ID); s.State != storage.Done || len(w.syncs.paused) != 0 || s.FinishedAt.IsZero() {
			t.Fatalf("%+v", s)
		}
		if want := []string{"waiting", "validating", "resuming", "cleaning", "done"}; !slices.Equal(w.reached, want) {
			t.Errorf("it went through %v", w.reached)
		}
		now, _ := w.place()
		if now == first || w.has("syncs/1/baseline/1/rows") {
			t.Error("the new place is the old one")
		}
		if keys, err := w.server.List(t.Context(), workspace, ""); err != nil || len(keys) != 0 {
			t.Errorf("the server still has %v: %v", keys, err)
		}
		w.upload("syncs/1/baseline/2/rows")
		if _, err := w.backend.HeadObject("lake", "prod/w/1/syncs/1/baseline/2/rows"); err != nil {
			t.Errorf("the bucket does not have it: %v", err)
		}
		if id, _, err := w.engine.Place(t.Context(), 2); err != nil || id != 0 {
			t.Errorf("another workspace moved to %d: %v", id, err)
		}
		if o := w.overview(); o.Current.Slug != "lake" || !o.Current.HasRun || o.Last.ID != s.ID {
			t.Errorf("%+v", o)
		}
	})
}

// What is still to be read of runs that are over stays where it was until it was read, while the syncs go on.
//
// Req: X-11, SY-53
func TestWhatIsStillToBeRead(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		first, _ := w.place()
		w.upload("syncs/1/log/1/rows")
		w.syncs.unread = true
		s := w.begin("lake")
		w.advance()
		if s = w.get(s.ID); s.State != storage.Cleaning || s.Failure != nil || len(w.syncs.paused) != 0 {
			t.Fatalf("%+v", s)
		}
		before, err := w.engine.Earlier(t.Context(), workspace, first)
		w.must(err)
		w.must(before.Download(t.Context(), workspace, "syncs/1/log/1/rows", filepath.Join(t.TempDir(), "file")))
		w.syncs.unread = false
		w.clock.Advance(time.Minute)
		w.advance()
		if s = w.get(s.ID); s.State != storage.Done {
			t.Fatalf("%+v", s)
		}
		if err := before.Download(t.Context(), workspace, "syncs/1/log/1/rows", filepath.Join(t.TempDir(), "file")); !fault.Is(err, fault.CodeNotFound) {
			t.Errorf("it stayed: %v", err)
		}
	})
}

// A place that was used before is found by its number, by its own workspace, while a document describes it.
//
// Req: X-11
func TestEarlier(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.switchTo("lake")
		lake, _ := w.place()
		w.upload("syncs/1/log/1/rows")
		w.switchTo("other")
		before, err := w.engine.Earlier(t.Context(), workspace, lake)
		w.must(err)
		w.must(before.Download(t.Context(), workspace, "syncs/1/log/1/rows", filepath.Join(t.TempDir(), "file")))
		if _, err := w.engine.Earlier(t.Context(), 2, lake); !fault.Is(err, fault.CodeNotFound) {
			t.Errorf("another workspace finds it: %v", err)
		}
		d, err := w.docs.Get(t.Context(), scope, kind.KindName, "lake")
		w.must(err)
		w.must(w.docs.Delete(t.Context(), scope, kind.KindName, "lake", d.Revision))
		if _, err := w.engine.Earlier(t.Context(), workspace, lake); !fault.Is(err, fault.CodeNotFound) {
			t.Errorf("a storage that nobody describes: %v", err)
		}
	})
}

// A place that does not work is not switched to, and nothing pauses for it.
//
// Req
func TestAPlaceThatDoesNotWork(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.refuse.Store(true)
		s := w.begin("lake")
		w.advance()
		if s = w.get(s.ID); s.State != storage.Failed || s.Failure == nil || s.Failure.Code != fault.CodeStorageDenied || !strings.Contains(s.Failure.Suggestion, "s3:PutObject") {
			t.Fatalf("%+v %+v", s, s.Failure)
		}
		if o := w.overview(); o.Current.Slug != "" || w.syncs.resumed != 0 || len(w.syncs.paused) != 0 {
			t.Errorf("%+v %+v", o, w.syncs)
		}
		w.refuse.Store(false)
		w.switchTo("lake")
	})
}

// A place that stops working between the two trials is left again: the old one is in use, with all that it held.
//
// Req
func TestGoingBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.switchTo("other")
		w.upload("syncs/1/baseline/1/rows")
		before, _ := w.place()
		s := w.begin("lake")
		w.syncs.running = 1
		w.advance()
		w.syncs.running = 0
		if err := w.backend.ForceDeleteBucket("lake"); err != nil {
			t.Fatal(err)
		}
		w.advance()
		if s = w.get(s.ID); s.State != storage.Failed || s.Failure.Code != fault.CodeStorageMissing || len(w.syncs.paused) != 0 {
			t.Fatalf("%+v %+v", s, s.Failure)
		}
		if now, _ := w.place(); now != before || !w.has("syncs/1/baseline/1/rows") {
			t.Error("what was there is lost")
		}
		if o := w.overview(); o.Current.Slug != "other" || len(o.History) != 0 {
			t.Errorf("%+v", o)
		}
	})
}

// A process that dies at any step is continued by another one, and the end is the same. Invariants S1, S2.
//
// Req
func TestDeathAtEachStep(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"waiting", "validating", "resuming", "cleaning", "done"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				w.upload("syncs/1/baseline/1/rows")
				s := w.begin("lake")
				w.die = "storage-" + point
				if !w.advance() {
					t.Fatal("it did not die")
				}
				w.restart()
				w.advance()
				if got := w.get(s.ID); point != "done" && got.State.Ended() {
					t.Errorf("another process took it up while the first one's lease holds: %s", got.State)
				}
				w.clock.Advance(time.Minute)
				w.advance()
				if s = w.get(s.ID); s.State != storage.Done || len(w.syncs.paused) != 0 {
					t.Fatalf("%+v", s)
				}
				if keys, err := w.server.List(t.Context(), workspace, ""); err != nil || len(keys) != 0 {
					t.Errorf("the server still has %v: %v", keys, err)
				}
				if o := w.overview(); o.Current.Slug != "lake" {
					t.Errorf("%+v", o)
				}
			})
		})
	}
}

// Where there is one process only, it goes on at once with what an earlier one left.
func TestRecover(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		s := w.begin("lake")
		w.die = "storage-validating"
		w.advance()
		w.restart()
		w.must(w.engine.Recover(t.Context()))
		w.advance()
		if s = w.get(s.ID); s.State != storage.Done {
			t.Errorf("%+v", s)
		}
	})
}

// A switch that waits can be cancelled; one whose place is in use cannot.
//
// Req: X-12
func TestCancel(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.syncs.running = 1
		s := w.begin("lake")
		w.advance()
		if _, err := w.engine.Begin(t.Context(), storage.Request{WorkspaceID: workspace, Slug: "other"}); !fault.Is(err, fault.CodeConflict) {
			t.Errorf("a second switch: %v", err)
		}
		if _, err := w.engine.Cancel(t.Context(), 2, s.ID); !fault.Is(err, fault.CodeNotFound) {
			t.Errorf("another workspace cancels it: %v", err)
		}
		_, err := w.engine.Cancel(t.Context(), workspace, s.ID)
		w.must(err)
		w.advance()
		if s = w.get(s.ID); s.State != storage.Cancelled || s.Failure != nil || len(w.syncs.paused) != 0 {
			t.Fatalf("%+v", s)
		}
		if o := w.overview(); o.Current.Slug != "" {
			t.Errorf("%+v", o)
		}
		w.syncs.running = 0
		s = w.switchTo("lake")
		if _, err := w.engine.Cancel(t.Context(), workspace, s.ID); !fault.Is(err, fault.CodeConflict) {
			t.Errorf("a switch that is over is cancelled: %v", err)
		}
	})
}

// Runs that cannot be settled are waited for, unless the old storage is given up.
//
// Req: X-12
func TestAbandon(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.syncs.running = 1
		s, err := w.engine.Begin(t.Context(), storage.Request{WorkspaceID: workspace, Slug: "lake", Abandon: true})
		w.must(err)
		w.advance()
		if s = w.get(s.ID); s.State != storage.Done || !w.syncs.abandoned {
			t.Errorf("%+v", s)
		}
	})
}

// The storage that a workspace uses, and that a switch goes to, does not go away under it; it becomes no other place
// once syncs have run on it. Other credentials are always possible.
//
// Req: X-12
func TestAStorageInUseStays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.syncs.running = 1
		s := w.begin("lake")
		w.advance()
		if err := w.docs.Delete(t.Context(), scope, kind.KindName, "lake", 0); !fault.Is(err, fault.CodeStorageInUse) {
			t.Errorf("the goal of a switch is deleted: %v", err)
		}
		if err := w.update("lake", w.spec("lake", "elsewhere", "secret")); !fault.Is(err, fault.CodeStorageInUse) {
			t.Errorf("the goal of a switch moves: %v", err)
		}
		w.syncs.running = 0
		w.advance()
		if s = w.get(s.ID); s.State != storage.Done {
			t.Fatal(s.State)
		}
		w.must(w.update("lake", w.spec("lake", "before", "secret"))) // no sync has run on it
		if o := w.overview(); !strings.Contains(o.Current.Label, "before/") {
			t.Errorf("%+v", o.Current)
		}
		w.place()
		w.upload("syncs/1/baseline/1/rows")
		if err := w.update("lake", w.spec("lake", "after", "secret")); !fault.Is(err, fault.CodeStorageInUse) {
			t.Errorf("it moves: %v", err)
		}
		if err := w.docs.Delete(t.Context(), scope, kind.KindName, "lake", 0); !fault.Is(err, fault.CodeStorageInUse) {
			t.Errorf("it is deleted: %v", err)
		}
		w.must(w.update("lake", w.spec("lake", "/before/", "another secret")))
		if !w.has("syncs/1/baseline/1/rows") {
			t.Error("other credentials lose what is there")
		}
		w.switchTo("other")
		w.must(w.docs.Delete(t.Context(), scope, kind.KindName, "lake", 0))
	})
}

// Where the operator locks storage, only the workspaces that the operator names leave a bucket that syncs have run
// on. The way from the server's storage to the first bucket stays open, as long as nothing ran there.
//
// Req: X-12
func TestLock(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.lock = storage.Lock{AfterFirstRun: true}
		w.restart()
		w.place()
		w.switchTo("lake")
		w.switchTo("other")
		w.place()
		_, err := w.engine.Begin(t.Context(), storage.Request{WorkspaceID: workspace, WorkspaceSlug: "main", Slug: "lake"})
		if !fault.Is(err, fault.CodeStorageLocked) || !w.overview().Current.Locked {
			t.Errorf("a locked storage is left: %v", err)
		}
		w.lock.Except = []string{"main"}
		w.restart()
		w.switchTo("")
	})
}

// A switch to where the objects are already would make every sync begin anew for nothing.
//
// Req: X-11
func TestNoSwitchForNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.create("twin", "lake", "/prod")
		w.switchTo("lake")
		for _, slug := range []string{"lake", "twin"} {
			if _, err := w.engine.Begin(t.Context(), storage.Request{WorkspaceID: workspace, Slug: slug}); !fault.Is(err, fault.CodeConflict) {
				t.Errorf("a switch to %s: %v", slug, err)
			}
		}
		if _, err := w.engine.Begin(t.Context(), storage.Request{WorkspaceID: 2, Slug: "lake"}); !fault.Is(err, fault.CodeNotFound) {
			t.Errorf("another workspace uses it: %v", err)
		}
	})
}

// Back in the server's storage, nothing of before counts; and what lies in a bucket is its owner's: it stays.
//
// Req
func TestBackToTheServer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.expiry = 30 * 24 * time.Hour
		w.restart()
		first, expiry := w.place()
		if expiry != w.expiry {
			t.Errorf("the server keeps things for %s", expiry)
		}
		w.switchTo("lake")
		if _, expiry := w.place(); expiry != 0 {
			t.Errorf("things expire in a bucket of the workspace's own after %s", expiry)
		}
		w.upload("syncs/1/baseline/1/rows")
		w.switchTo("")
		if again, expiry := w.place(); again == first || expiry != w.expiry {
			t.Errorf("the place is %d, as before, and keeps for %s", again, expiry)
		}
		if _, err := w.backend.HeadObject("lake", "prod/w/1/syncs/1/baseline/1/rows"); err != nil {
			t.Errorf("the bucket was cleaned: %v", err)
		}
		if o := w.overview(); len(o.History) != 1 || o.History[0].Slug != "lake" || o.History[0].Until.IsZero() {
			t.Errorf("%+v", o.History)
		}
	})
}

// A connection test writes, lists, reads and deletes with what is being written, secrets and all.
//
// Req
func TestTest(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		spec := kind.Spec{Type: "s3", Configuration: map[string]any{
			"bucket": "lake", "accessKeyId": "AKIATEST", "secretAccessKey": "secret", "endpoint": w.store, "pathStyle": true,
		}}
		w.must(w.engine.Test(t.Context(), workspace, spec))
		spec.Configuration["bucket"] = "absent"
		if err := w.engine.Test(t.Context(), workspace, spec); !fault.Is(err, fault.CodeStorageMissing) {
			t.Errorf("an absent bucket: %v", err)
		}
		spec.Configuration["bucket"] = "s3://lake"
		before := w.requests.Load()
		if err := w.engine.Test(t.Context(), workspace, spec); fault.As(err).Code != fault.CodeInvalid || w.requests.Load() != before {
			t.Errorf("a name that cannot be: %v", err)
		}
	})
}

// A warehouse may write into the workspace's own bucket once its owner says so, and never into the server's.
//
// Req: S-51, S-80
func TestResults(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		const key = "syncs/7/runs/9/results"
		for _, slug := range []string{"", "lake"} {
			if slug != "" {
				w.switchTo(slug)
			}
			if r, err := w.engine.Results(t.Context(), workspace, key); err != nil || r != nil {
				t.Fatalf("the storage %q is open to warehouses: %+v, %v", slug, r, err)
			}
		}
		w.must(w.update("lake", json.RawMessage(strings.Replace(string(w.spec("lake", "prod", "secret")), `"pathStyle"`, `"warehouseResults":true,"pathStyle"`, 1))))
		r, err := w.engine.Results(t.Context(), workspace, key)
		w.must(err)
		if r == nil || r.URL("s3") != "s3://lake/prod/w/1/syncs/7/runs/9/results/" || r.Region != "us-east-1" {
			t.Fatalf("a warehouse writes to %+v", r)
		}
		_, err = w.backend.PutObject("lake", r.Prefix+"0.parquet", nil, strings.NewReader("rows"), 4, nil)
		w.must(err)
		names, err := r.Files.List(t.Context())
		w.must(err)
		to := filepath.Join(t.TempDir(), "file")
		w.must(r.Files.Fetch(t.Context(), "0.parquet", to))
		if got, err := os.ReadFile(to); err != nil || string(got) != "rows" || !slices.Equal(names, []string{"0.parquet"}) {
			t.Errorf("%v has %q: %v", names, got, err)
		}
		w.must(w.engine.DeletePrefix(t.Context(), workspace, key+"/"))
		if names, err := r.Files.List(t.Context()); err != nil || len(names) != 0 {
			t.Errorf("%v are left: %v", names, err)
		}
	})
}
