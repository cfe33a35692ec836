package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connection"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/state"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/quota"
	"go.opentelemetry.io/otel/trace"
)

// EngineOptions are what an Engine needs.
type EngineOptions struct {
	Store       *Store
	Documents   Documents
	Sources     Sources // for what deleted syncs left in warehouses; nil leaves it there
	Registry    *connector.Registry
	Connections Connections // nil means those of the registry, reached directly
	Storage     Storage
	Places      Places       // nil where the storage never changes
	Results     Results      // nil where warehouses have no bucket to write into
	State       *state.Store // what connectors learn; nil forgets it
	Quotas      *quota.Store // what vendors allow all runs together; nil: each run keeps to the limits by itself
	Planner     *plan.Engine
	Enqueuer    Enqueuer
	Clock       clock.Clock
	Log         *slog.Logger
	Dir         string        // for work in progress and connectors' private folders
	Owner       string        // names this process in leases
	Retention   time.Duration // of plans and request logs

	// BaselineExpiry is the shortest Place.Expiry that there is; 0 means that no place removes anything.
	BaselineExpiry time.Duration

	Grace     time.Duration      // how long batches in flight may take when the process stops
	Patience  time.Duration      // how long a destination's limits may keep a worker waiting before the run pauses; 0: however long
	Failpoint func(point string) // called at each edge of the state machine; nil outside tests
	Changed   func(Run)          // called when a run changed; may be nil
	Observe   func(r Run)        // called once when a run is over, for metrics; may be nil
}

// Sources reads a source by its number.
type Sources interface {
	// Source returns the source with its secrets in place, or an error with the code not_found.
	Source(ctx context.Context, workspaceID, sourceID int64) (Meta, source.Spec, error)
}

// Connections opens sources and destinations as documents, whose secrets are in place, describe them.
type Connections interface {
	Source(ctx context.Context, workspaceID int64, s source.Spec, o connector.SourceOptions) (connector.Source, error)
	Destination(ctx context.Context, workspaceID int64, s destination.Spec, o connector.DestinationOptions) (connector.Destination, error)
}

var _ Connections = (*connection.Opener)(nil)

// Engine executes runs.
type Engine struct {
	EngineOptions

	mu     sync.Mutex
	active map[int64]context.CancelCauseFunc // drains of the runs of this process
	stop   bool
}

// New returns an engine. Begin with Reap, which recovers what an earlier process left.
func New(o EngineOptions) *Engine {
	if o.Connections == nil {
		o.Connections = connection.New(connection.Options{Registry: o.Registry})
	}
	return &Engine{EngineOptions: o, active: map[int64]context.CancelCauseFunc{}}
}

var (
	errCancelled = fault.New(fault.CodeRunCancelled, "a person cancelled the run")
	errStopping  = fault.New(fault.CodeRunCancelled, "the server is stopping")
)

// Execute runs a queued run to its end, or takes up one that paused. It returns nil when the run has an end, good or
// bad, or pauses, and when there is nothing to do; the error of a run is in the run.
func (e *Engine) Execute(ctx context.Context, runID int64) error {
	l, ok, err := e.Store.acquire(ctx, runID, e.Owner, func(r Run, st syncState, _ bool) bool {
		return r.State == Queued && st.ActiveRunID == 0 && !st.Paused || r.due(e.Clock.Now()) && st.ActiveRunID == r.ID // R1
	})
	if err != nil || !ok {
		return err
	}
	ctx, span := startSpan(ctx, l.run)
	defer span.End()
	x, err := e.newExecution(ctx, l)
	if err != nil {
		return err
	}
	defer x.close()
	err = x.execute()
	endSpan(span, x.lease.run)
	return err
}

// Stop lets the runs of this process finish their batches in flight, settles them as interrupted, and
// keeps further ones from starting.
func (e *Engine) Stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stop = true
	for _, drain := range e.active {
		drain(errStopping)
	}
}

func (e *Engine) enter(runID int64, drain context.CancelCauseFunc) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stop {
		return false
	}
	e.active[runID] = drain
	return true
}

func (e *Engine) leave(runID int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.active, runID)
}

// reach marks an edge of the state machine for the tests that stop the process there.
func (e *Engine) reach(point string) {
	if e.Failpoint != nil {
		e.Failpoint(point)
	}
}

// execution is one run on its way through the states.
type execution struct {
	*Engine

	lease  *lease
	ctx    context.Context // ends when the lease is lost, or when the grace of a stop is over
	cancel context.CancelCauseFunc
	drain  context.Context // ends when no further batch may start
	stopIt context.CancelCauseFunc
	beats  sync.WaitGroup
	silent context.Context // ends when no further heartbeat may begin
	hush   context.CancelFunc
	dir    string
	log    *slog.Logger

	mu     sync.Mutex // guards lease.run and counts between the run and its heartbeat
	counts func() Counts
}

func (e *Engine) newExecution(ctx context.Context, l *lease) (*execution, error) {
	x := &execution{Engine: e, lease: l, log: e.Log.With("sync", l.run.SyncSlug, "run", l.run.ID)}
	x.ctx, x.cancel = context.WithCancelCause(ctx)
	x.drain, x.stopIt = context.WithCancelCause(x.ctx)
	x.dir = filepath.Join(e.Dir, "runs", fmt.Sprintf("%d-%d", l.run.ID, l.run.Epoch))
	if err := os.MkdirAll(x.dir, 0o700); err != nil {
		return nil, fault.Disk(err, "making the run's folder")
	}
	if !e.enter(l.run.ID, x.stopIt) {
		x.stopIt(errStopping)
	}
	x.silent, x.hush = context.WithCancel(x.ctx)
	x.beats.Add(1)
	go x.heartbeat()
	return x, nil
}

func (x *execution) close() {
	x.cancel(nil)
	x.endBeats()
	x.leave(x.lease.run.ID)
	if err := os.RemoveAll(x.dir); err != nil {
		x.log.Warn("removing the run's folder", "error", err)
	}
}

// endBeats stops the heartbeat. One that is under way would bring back the counts of before.
func (x *execution) endBeats() {
	x.hush()
	x.beats.Wait()
}

// heartbeat extends the lease and saves the counts until the run is over. A lost lease ends the run's
// context at once (R2); so does a stop whose grace is over.
func (x *execution) heartbeat() {
	defer x.beats.Done()
	t := time.NewTicker(x.Store.heartbeatEvery())
	defer t.Stop()
	var stopping time.Time
	for {
		select {
		case <-x.silent.Done():
			return
		case <-t.C:
		}
		if err := x.beat(); err != nil {
			x.cancel(err)
			return
		}
		if !errors.Is(context.Cause(x.drain), errStopping) {
			continue
		}
		if stopping.IsZero() {
			stopping = time.Now()
		}
		if x.Grace > 0 && time.Since(stopping) > x.Grace {
			x.cancel(errStopping)
		}
	}
}

func (x *execution) beat() error {
	b, err := json.Marshal(x.now())
	if err != nil {
		return fmt.Errorf("encoding the run's counts: %w", err)
	}
	cancel, err := x.lease.beat(x.ctx, string(b))
	if err != nil && (fault.Is(err, fault.CodeRunFenced) || x.ctx.Err() != nil) {
		return err
	}
	if err != nil { // the database is away for a moment: the lease outlives some beats
		x.log.Warn("heartbeat", "error", err)
		return x.lease.mayBeLost(x.Store.LeaseTime)
	}
	if cancel {
		x.stopIt(errCancelled)
	}
	x.tell()
	return nil
}

// now returns the counts at this moment.
func (x *execution) now() Counts {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.counts != nil {
		return x.counts()
	}
	return x.lease.run.Counts
}

func (x *execution) count(f func() Counts) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.counts = f
}

// tell informs listeners of the run as it is now.
func (x *execution) tell() {
	if x.Changed == nil {
		return
	}
	counts := x.now()
	x.mu.Lock()
	r := x.lease.run
	x.mu.Unlock()
	r.Counts = counts
	x.Changed(r)
}

// change changes the run as the lease knows it. Only the run's own goroutine calls it, and may read the run
// without further ado.
func (x *execution) change(f func(r *Run)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f(&x.lease.run)
}

// to moves the run to a state, durably.
func (x *execution) to(s State) error {
	if err := x.ctx.Err(); err != nil {
		return context.Cause(x.ctx)
	}
	x.change(func(r *Run) { r.State = s })
	if err := x.lease.save(x.ctx); err != nil {
		return err
	}
	trace.SpanFromContext(x.ctx).AddEvent(string(s))
	x.tell()
	x.reach(string(s))
	return nil
}
