package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// talkative asks for fields when it begins, empties in two requests and finishes with two.
const talkative = `version: 1
slug: talkative
name: Talkative
category: other
summary: Requests outside batches
docs: [https://example.com/api]
connection: {base: http://vendor, test: [{request: GET /me}]}
limits:
  - {requests: 2, per: 10s}
  - {class: search, only: true, requests: 1, per: 1m}
fieldSets:
  all:
    discover:
      - {request: GET /fields, items: body.fields, name: item.id, label: item.id, type: item.type, types: {D: date}, forms: {D: date}}
syncTypes:
  - slug: thing
    name: Things
    modes: {upsert: {match: [id]}}
    targets: [{name: id, label: ID, type: string, match: true, as: text}]
    fieldSets: [all]
    mapping: {optional: true, custom: true}
    idempotency: idempotent
    batch: {rows: 10, concurrency: 1}
    write: [{steps: [{request: POST /write, body: {rows: {$rows: "{{ row.match }}"}}}]}]
    clear: [{request: POST /empty}, {request: GET /emptied, reads: true}]
    finish: [{request: GET /find, reads: true, class: search}, {request: POST /done}]
`

func beginTalkative(t *testing.T, a *api, o *Outside) (connector.Session, error) {
	t.Helper()
	job := thing
	job.Pace, job.Columns = o, []connector.TargetColumn{{Name: "other", From: "other"}}
	return destinationOf(t, a, talkative).Begin(t.Context(), job)
}

func outsideOf(account Quotas, owner string, patience time.Duration) *Outside {
	return &Outside{
		Quotas: account, Owner: owner, SyncID: 1, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Patience: patience, Drain: context.Background(),
	}
}

// What sessions ask when they begin, are emptied and finish counts in the limits of the credential, like the requests of
// batches: of several workers together, and of each class.
//
// Req: FLD-09, FLD-10
func TestRequestsOutsideBatchesAreWithinTheLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account, a := newAccount(t), serveAPI(t, nil)
		var workers sync.WaitGroup
		for i := range 3 {
			workers.Go(func() {
				o := outsideOf(account, fmt.Sprint("worker ", i), 0)
				s, err := beginTalkative(t, a, o)
				o.Close()
				if err != nil {
					t.Error(err)
					return
				}
				defer s.Close() //nolint:errcheck // it closes idle connections only
				err = s.(connector.Clearer).Clear(t.Context())
				o.Close()
				if err := errors.Join(err, s.Finish(t.Context())); err != nil {
					t.Error(err)
				}
				o.Close()
			})
		}
		workers.Wait()
		if len(a.all()) != 15 {
			t.Errorf("%d requests, want 5 of each worker", len(a.all()))
		}
		within(t, a.all(), 2, 10*time.Second)
		within(t, a.calls["/find"], 1, time.Minute)
	})
}

// A vendor that asks to wait outside a batch is asked again after that, and by nobody with the credential before. The
// steps before are not repeated.
//
// Req: FLD-10
func TestAVendorsWaitOutsideABatch(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/fields", "/emptied", "/done"} {
		t.Run(strings.Trim(path, "/"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := serveAPI(t, nil)
				a.reply = func(asked string) int {
					if asked == path && len(a.calls[path]) < 3 {
						return http.StatusTooManyRequests
					}
					return http.StatusOK
				}
				account := newAccount(t)
				o := outsideOf(account, "worker", 0)
				s, err := beginTalkative(t, a, o)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close() //nolint:errcheck // it closes idle connections only
				if err := errors.Join(s.(connector.Clearer).Clear(t.Context()), s.Finish(t.Context())); err != nil {
					t.Error(err)
				}
				o.Close()
				for asked, times := range a.calls {
					if want := map[bool]int{true: 3, false: 1}[asked == path]; len(times) != want {
						t.Errorf("%s was asked %d times, want %d", asked, len(times), want)
					}
				}
				if times := a.calls[path]; times[1].Sub(times[0]) < defaultBase/2 {
					t.Errorf("it was asked again after %s", times[1].Sub(times[0]))
				}
			})
		})
	}
}

// A limit that is used up for longer than a worker may be held is a pause, unless something was begun; a run that is
// stopped does not wait for it.
//
// Req: FLD-09
func TestALimitOutsideABatchPauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account, a := newAccount(t), serveAPI(t, nil)
		rates := []connector.Rate{{Requests: 20, Window: time.Hour, Class: "all"}}
		o := outsideOf(account, "worker", 30*time.Second)
		var err error
		for range 30 {
			if err = o.Next(t.Context(), rates, connector.Turn{}); err != nil {
				break
			}
			o.Close() // each is the first
		}
		pause, is := errors.AsType[*Pause](err)
		if !is || fault.ClassOf(err) != fault.Throttled || time.Until(pause.Until) < 30*time.Second {
			t.Fatalf("got %v, want a pause", err)
		}
		drain, stop := context.WithCancel(t.Context())
		patient := outsideOf(account, "another", 0)
		patient.Drain = drain
		time.AfterFunc(time.Second, stop)
		began := time.Now()
		if err := patient.Next(t.Context(), rates, connector.Turn{}); !fault.Is(err, fault.CodeRunCancelled) || time.Since(began) > 2*time.Second {
			t.Errorf("%v after %s, want the end of the wait", err, time.Since(began))
		}
		patient.Close()
		if len(a.all()) != 0 {
			t.Error("nothing was to be asked")
		}
	})
}
