package delivery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// api answers requests without a network, and notes when they came.
type api struct {
	conns chan net.Conn

	mu    sync.Mutex
	calls map[string][]time.Time
	reply func(path string) int
}

func serveAPI(t *testing.T, reply func(path string) int) *api {
	t.Helper()
	a := &api{conns: make(chan net.Conn), calls: map[string][]time.Time{}, reply: reply}
	server := &http.Server{Handler: a}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(a) //nolint:errcheck // it ends when it is closed
	}()
	t.Cleanup(func() {
		server.Close() //nolint:errcheck // a test's own
		<-done
	})
	return a
}

func (a *api) Accept() (net.Conn, error) {
	c, open := <-a.conns
	if !open {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (a *api) Close() error   { close(a.conns); return nil }
func (a *api) Addr() net.Addr { return &net.TCPAddr{} }

func (a *api) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	a.conns <- theirs
	return ours, nil
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body) //nolint:errcheck // the client sees
	a.mu.Lock()
	a.calls[r.URL.Path] = append(a.calls[r.URL.Path], time.Now())
	a.mu.Unlock()
	status := http.StatusOK
	if a.reply != nil {
		status = a.reply(r.URL.Path)
	}
	w.WriteHeader(status)
	w.Write([]byte("{}")) //nolint:errcheck // the client sees
}

func (a *api) all() []time.Time {
	var all []time.Time
	for _, calls := range a.calls {
		all = append(all, calls...)
	}
	return all
}

// pacedManifest looks each row up and then writes it, so that a batch of 10 rows is 20 requests.
const pacedManifest = `version: 1
slug: paced
name: Paced
category: other
summary: Two requests for each row
docs: [https://example.com/api]
connection: {base: http://vendor, test: [{request: GET /me}]}
limits:
  - {requests: 10, per: 1s}
  - {class: search, only: true, requests: 30, per: 1m}
syncTypes:
  - slug: thing
    name: Things
    modes: {upsert: {match: [id]}}
    targets: [{name: id, label: ID, type: string, match: true, as: text}]
    mapping: {optional: true}
    idempotency: idempotent
    batch: {rows: 10, concurrency: 2}
    write:
      - steps:
          - {request: GET /find, per: row, reads: true, class: search}
          - {request: POST /write, per: row, body: {id: "{{ row.match }}"}}
`

// paced begins a run of the manifest.
func paced(t *testing.T, a *api, text string) connector.Session {
	t.Helper()
	s, err := destinationOf(t, a, text).Begin(t.Context(), thing)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func destinationOf(t *testing.T, a *api, text string) connector.Destination {
	t.Helper()
	m, err := manifest.Parse("paced.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	d, err := m.Info(httpx.AnyNetwork, manifest.Hooks{}).Open(connector.DestinationOptions{
		Settings: connector.Settings{}, Network: connector.Network{Dial: a.dial}, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var thing = connector.SyncJob{Type: "thing", Mode: connector.ModeUpsert, Settings: connector.Settings{}, Match: []connector.MatchPair{{From: "id", To: "id"}}}

// matched gives rows what they are matched by.
type matched struct{ rows }

func (m *matched) Next(ctx context.Context, op connector.Operation) (*Chunk, error) {
	c, err := m.rows.Next(ctx, op)
	if c != nil {
		c.Bind = func() RowReader { return matchedReader{reader{first: c.First}} }
	}
	return c, err
}

type matchedReader struct{ reader }

func (r matchedReader) Read(i int, row *connector.Row) error {
	err := r.reader.Read(i, row)
	row.Match = append(row.Match, row.Values...)
	return err
}

// Every request of a manifest is within every limit that counts it, however many of them a batch is, and those of two
// workers are together.
//
// Req: FLD-09, FLD-10
func TestEveryRequestIsWithinTheLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account, a := newAccount(t), serveAPI(t, nil)
		var workers sync.WaitGroup
		for i := range 2 {
			s := paced(t, a, pacedManifest)
			workers.Go(func() {
				defer s.Close() //nolint:errcheck // it closes idle connections only
				l := NewLedger(0, 0, 40)
				j := NewJournal(t.Context(), &tape{}, l)
				defer j.Close()
				d := &Delivery{
					PlanID: strconv.Itoa(i), Session: s, Chunks: &matched{rows{ledger: l, size: 17}}, Journal: j, Ledger: l,
					Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Quotas: account, Owner: fmt.Sprint("worker ", i),
				}
				if err := d.Run(t.Context(), t.Context()); err != nil || l.Total(Accepted) != 40 {
					t.Errorf("%v, %d of 40 rows were taken", err, l.Total(Accepted))
				}
			})
		}
		workers.Wait()
		if len(a.calls["/find"]) != 80 || len(a.calls["/write"]) != 80 {
			t.Errorf("%d and %d requests", len(a.calls["/find"]), len(a.calls["/write"]))
		}
		within(t, a.all(), 10, time.Second)
		within(t, a.calls["/find"], 30, time.Minute)
	})
}

// A limit that is used up for longer than a worker may be held ends the batch in its middle. Rows that were written
// have their answer, and the others are not sent: the run can go on with them later.
//
// Req: FLD-09
func TestALimitPausesABatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := serveAPI(t, nil)
		s := paced(t, a, `version: 1
slug: paced
name: Paced
category: other
summary: A request for each row
docs: [https://example.com/api]
connection: {base: http://vendor, test: [{request: GET /me}]}
limits: [{requests: 6, per: 24h}]
syncTypes:
  - slug: thing
    name: Things
    modes: {upsert: {match: [id]}}
    targets: [{name: id, label: ID, type: string, match: true, as: text}]
    mapping: {optional: true}
    idempotency: none
    batch: {rows: 4, concurrency: 1}
    write: [{steps: [{request: POST /write, per: row, body: {id: "{{ row.match }}"}}]}]
`)
		defer s.Close() //nolint:errcheck // it closes idle connections only
		l := NewLedger(0, 0, 12)
		j := NewJournal(t.Context(), &tape{}, l)
		defer j.Close()
		d := &Delivery{
			PlanID: "1", Session: s, Chunks: &matched{rows{ledger: l, size: 12}}, Journal: j, Ledger: l,
			Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Quotas: newAccount(t), Owner: "worker", Patience: 30 * time.Second,
		}
		err := d.Run(t.Context(), t.Context())
		if _, ok := errors.AsType[*Pause](err); !ok {
			t.Errorf("got %v, want a pause", err)
		}
		if got := len(a.calls["/write"]); l.Total(Accepted) != int64(got) || got == 0 || got > 6 {
			t.Errorf("%d rows count as taken after %d requests, 6 are allowed", l.Total(Accepted), got)
		}
		if l.Total(Accepted)+l.Total(NotSent) != 12 {
			t.Errorf("%d rows were taken, %d not sent, %d refused, %d are in doubt", l.Total(Accepted), l.Total(NotSent), l.Total(Rejected), l.Total(InDoubt))
		}
	})
}

// A vendor that asks to wait in the middle of a batch is not asked again before.
//
// Req: FLD-10
func TestAVendorsWaitHoldsTheRestOfABatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		writes := 0
		var told, next time.Time
		a := serveAPI(t, nil)
		a.reply = func(path string) int {
			a.mu.Lock()
			defer a.mu.Unlock()
			if path != "/write" {
				return http.StatusOK
			}
			if writes++; writes == 4 {
				told = time.Now()
				return http.StatusTooManyRequests
			}
			if next.IsZero() && !told.IsZero() {
				next = time.Now()
			}
			return http.StatusOK
		}
		s := paced(t, a, pacedManifest)
		defer s.Close() //nolint:errcheck // it closes idle connections only
		l := NewLedger(0, 0, 10)
		j := NewJournal(t.Context(), &tape{}, l)
		defer j.Close()
		d := &Delivery{
			PlanID: "1", Session: s, Chunks: &matched{rows{ledger: l, size: 10}}, Journal: j, Ledger: l,
			Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Quotas: newAccount(t), Owner: "worker",
			Jitter: func(most time.Duration) time.Duration { return most },
		}
		if err := d.Run(t.Context(), t.Context()); err != nil || l.Total(Accepted) != 10 {
			t.Errorf("%v, %d of 10 rows were taken", err, l.Total(Accepted))
		}
		if wait := next.Sub(told); wait < defaultBase {
			t.Errorf("the next request came after %s, and the vendor had asked to wait", wait)
		}
		if writes != 11 || len(slices.Compact(a.calls["/write"])) == 0 {
			t.Errorf("%d writes", writes)
		}
	})
}

// What ends a run is its error even where it was found with the last batch, whose rows have their answers.
//
// Req: SY-76
func TestTheLastBatchEndsTheRun(t *testing.T) {
	t.Parallel()
	l := NewLedger(0, 0, 3)
	gone := fault.New(fault.CodeDestinationAuth, "the token was taken back")
	s := &target{limits: connector.Limits{Rows: 3, Concurrency: 1}, write: func(*connector.Batch) (connector.Result, error) {
		return connector.Result{Rejected: []connector.Rejection{{Row: 2, Reason: gone.Error()}}, Stop: gone}, nil
	}}
	if err := run(t, s, &tape{}, l, nil, t.Context()); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
	if l.Total(Accepted) != 2 || l.Total(Rejected) != 1 || s.finished != 0 {
		t.Errorf("%d accepted, %d rejected, finished %d times", l.Total(Accepted), l.Total(Rejected), s.finished)
	}
}

// What the destination finds too large is halved until it fits; a single row that does not is refused.
//
// Req: SY-78
func TestTooLargeBatchesAreHalved(t *testing.T) {
	t.Parallel()
	l := NewLedger(0, 0, 8)
	s := &target{limits: connector.Limits{Rows: 8, Concurrency: 1}, write: func(b *connector.Batch) (connector.Result, error) {
		if len(b.Rows) > 2 || b.Rows[0].Ordinal == 4 {
			return connector.Result{}, fault.New(fault.CodeDestinationTooLarge, "413")
		}
		return connector.Result{}, nil
	}}
	if err := run(t, s, &tape{}, l, nil, t.Context()); err != nil || l.Total(Accepted) != 7 || l.Total(Rejected) != 1 {
		t.Errorf("%v, %d accepted, %d rejected", err, l.Total(Accepted), l.Total(Rejected))
	}
}
