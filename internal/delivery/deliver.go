package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// Chunks yields the rows of a plan, in the order of their ordinals.
type Chunks interface {
	// Next returns the next rows of the operation, or nil after the last ones.
	Next(ctx context.Context, op connector.Operation) (*Chunk, error)
}

// Chunk is consecutive rows with one operation. It is released when its last row was answered.
type Chunk struct {
	First   int64            // ordinal of its first row
	Rows    int              // how many
	Bind    func() RowReader // a reader for one goroutine
	Release func()

	// ID is that of the batch as which an earlier run sent the rows. Then Ordinals has the ordinal of each, instead of
	// First.
	ID       string
	Ordinals []int64

	pieces atomic.Int64
}

// ordinal returns that of a row.
func (c *Chunk) ordinal(i int) int64 {
	if c.Ordinals != nil {
		return c.Ordinals[i]
	}
	return c.First + int64(i)
}

// RowReader maps rows of a chunk.
type RowReader interface {
	// Read fills the row: key, values and whatever else the session asked for. The values may
	// share the chunk's memory. An error refuses this row alone.
	Read(i int, row *connector.Row) error
}

// RecordReader is a RowReader whose rows may become several records (identifier fan-out, SY-92).
type RecordReader interface {
	RowReader
	// Records fills a record for each call of next, as Read does; the records of a row differ in Row.Record. A record
	// must not be touched after the next call of next. An error refuses the row with all its records.
	Records(i int, next func() *connector.Row) error
}

// Exchanges is where the requests and answers of batches go. Record must not block on storage.
type Exchanges interface {
	Record(x BatchExchanges)
}

// BatchExchanges is what one batch sent and got.
type BatchExchanges struct {
	Batch     uint32
	Operation connector.Operation
	Rows      []Range
	Exchanges []connector.Exchange
}

// Delivery brings the rows of one plan to one session.
type Delivery struct {
	PlanID    string // makes Batch.ID unique to the plan
	Job       connector.SyncJob
	Session   connector.Session
	Resolver  connector.Resolver // nil where the destination has none
	Resend    bool               // the sync's policy for rows in doubt at a destination that is not idempotent
	Chunks    Chunks
	Journal   *Journal
	Ledger    *Ledger
	Retract   Chunks    // yields changed and added rows to read for the records that they had and lost; nil: rows are one record
	Repeats   Chunks    // yields the rows that are sent again as an earlier run sent them, one chunk for each batch; nil: none
	Exchanges Exchanges // nil keeps none
	Clock     clock.Clock
	Log       *slog.Logger
	Jitter    func(most time.Duration) time.Duration // part of a retry's wait, from 0 to most; nil: by chance

	Quotas   Quotas        // what the destination allows all runs together; nil: each run keeps to the limits by itself
	Owner    string        // names the run and its worker to Quotas
	Patience time.Duration // how long limits may make the run wait before it ends with a Pause; 0: however long

	Outside *Outside // paces what the session asks when it finishes; nil: nobody does

	// Lost says why nothing may be sent any more, although nobody has stopped the run: another worker may have it
	// (D7). nil: nobody else can.
	Lost func() error

	limits  connector.Limits
	retry   connector.RetryPolicy
	pacer   *pacer
	rest    time.Time // when the windows of what was sent have passed (Limits.WaitOut)
	batches atomic.Uint32
	ahead   ahead
	written atomic.Int64 // rows that a deferred session holds
	resumed bool         // rows of the plan had an answer before: they are passed over
	fail    failure
	defers  deferred
}

// failure keeps the first fatal error and stops further batches.
type failure struct {
	mu        sync.Mutex
	err       error
	stop      context.CancelFunc
	exhausted atomic.Int64 // batches in a row that used up their attempts
}

func (f *failure) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil || pausing(f.err) && !pausing(err) { // a pause does not hide what is wrong
		f.err = err
		f.stop()
	}
}

func pausing(err error) bool {
	_, pause := errors.AsType[*Pause](err)
	return pause
}

func (f *failure) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// deferred collects what the batches of a deferred session refused.
type deferred struct {
	mu      sync.Mutex
	refused []Refusal
}

// Run sends every row of the plan that is NotSent and finishes the session. When drain ends, no further batch
// starts and those in flight are answered; when ctx ends, those in flight are left in doubt. It
// returns the first fatal error, a Pause, or drain's cause when rows were left over. What became of each row is
// in the ledger either way.
func (d *Delivery) Run(ctx, drain context.Context) error {
	d.limit(d.Session.Limits(), privateClass(d.Job, ""))
	d.batches.Store(d.Ledger.lastBatch())
	d.resumed = d.Repeats != nil || d.Ledger.Total(NotSent) < d.Ledger.Rows()
	drain, d.fail.stop = context.WithCancel(drain)
	defer d.fail.stop()
	for _, p := range d.passes() {
		if err := d.pass(ctx, drain, p); err != nil {
			return err
		}
	}
	err := d.finish(ctx)
	if err != nil && fault.Is(err, fault.CodeRunCancelled) && drain.Err() != nil {
		return context.Cause(drain)
	}
	if err != nil {
		return err
	}
	sleep(drain, d.rest.Sub(d.Clock.Now())) // a run that is stopped meanwhile has nothing left to do
	return nil
}

// privateClass names the limits of a sync's own, or of one of its operations.
func privateClass(job connector.SyncJob, op connector.Operation) string {
	return strings.TrimSuffix(fmt.Sprintf("sync %d %s", job.SyncID, op), " ")
}

// limit makes batches by the limits from now on.
func (d *Delivery) limit(l connector.Limits, private string) {
	l.Rows = max(l.Rows, 1)
	l.Concurrency = max(l.Concurrency, 1)
	d.limits, d.retry, d.pacer = l, withDefaults(l.Retry), d.newPacer(l, private)
	d.ahead.limit(l)
}

// pass is one way through the rows of an operation.
type pass struct {
	rows    connector.Operation // whose rows are read
	send    connector.Operation // what the destination is told
	feed    Chunks
	retract bool // the records that a row had and lost are removed; the row itself is still to be sent
}

// passes lists them in their order (D6): what rows had and lost is removed before anything is changed or added, since
// another row may have it now.
func (d *Delivery) passes() []pass {
	all := d.both(connector.Removed)
	if d.Retract != nil && !d.limits.Deferred {
		for _, op := range []connector.Operation{connector.Changed, connector.Added} {
			all = append(all, pass{rows: op, send: connector.Removed, feed: d.Retract, retract: true})
		}
	}
	for _, op := range []connector.Operation{connector.Changed, connector.Added} {
		all = append(all, d.both(op)...)
	}
	return all
}

// both goes through what is repeated of an operation, and through its other rows.
func (d *Delivery) both(op connector.Operation) []pass {
	whole := pass{rows: op, send: op, feed: d.Chunks}
	if d.Repeats == nil || d.limits.Deferred {
		return []pass{whole}
	}
	return []pass{{rows: op, send: op, feed: d.Repeats}, whole}
}

// pass sends the rows of one operation and waits for their answers.
func (d *Delivery) pass(ctx, drain context.Context, p pass) error {
	if s, ok := d.Session.(connector.OperationLimiter); ok {
		d.limit(s.LimitsOf(p.send), privateClass(d.Job, p.send))
	}
	d.resumed = d.resumed || d.Retract != nil // a row whose retraction was refused waits for the next run
	before := d.batches.Load()
	defer func() {
		if d.limits.WaitOut && d.batches.Load() > before {
			d.rest = later(d.rest, d.Clock.Now().Add(d.pacer.rest))
		}
	}()
	defer d.pacer.open(ctx)()
	d.Journal.lanes.Store(int64(d.limits.Concurrency))
	tasks := make(chan task, d.limits.Concurrency)
	var lanes sync.WaitGroup
	for range d.limits.Concurrency {
		lanes.Go(func() { (&lane{d: d, ctx: ctx, drain: drain}).work(tasks) })
	}
	err := d.cut(drain, p, tasks)
	close(tasks)
	lanes.Wait()
	if fatal := d.fail.get(); fatal != nil {
		return fatal
	}
	if err != nil {
		return err
	}
	return context.Cause(drain)
}

// task is the rows that a lane announces at once, most often one batch: pieces of one or more chunks.
type task struct {
	pass
	pieces []piece
	rows   int
	size   int    // how many rows it gets, and records at a time
	id     string // of the batch as which an earlier run sent the rows, which are all of it
}

func (d *Delivery) task(p pass) task {
	return task{pass: p, size: d.limits.Rows * int(d.ahead.batches.Load())}
}

type piece struct {
	chunk    *Chunk
	from, to int
}

func (t *task) release() {
	for _, p := range t.pieces {
		p.chunk.done()
	}
}

// hold counts one more user of the chunk's memory; done counts one less.
func (c *Chunk) hold() { c.pieces.Add(1) }

func (c *Chunk) done() {
	if c.pieces.Add(-1) == 0 && c.Release != nil {
		c.Release()
	}
}

// cut makes batches of the plan's chunks and hands them to the lanes.
func (d *Delivery) cut(drain context.Context, p pass, tasks chan<- task) error {
	t := d.task(p)
	for {
		c, err := p.feed.Next(drain, p.rows)
		if err != nil {
			t.release()
			if drain.Err() != nil {
				return nil //nolint:nilerr // run returns the cause of the end
			}
			return fmt.Errorf("reading the plan: %w", err)
		}
		if c == nil {
			return d.hand(drain, tasks, t)
		}
		c.hold()
		if c.ID != "" {
			t.id, t.size = c.ID, math.MaxInt
		}
		for from := 0; from < c.Rows; {
			to := min(c.Rows, from+t.size-t.rows)
			c.hold()
			t.pieces = append(t.pieces, piece{c, from, to})
			t.rows += to - from
			from = to
			if t.rows < t.size && t.id == "" {
				continue
			}
			if err := d.hand(drain, tasks, t); err != nil || drain.Err() != nil {
				c.done()
				return err
			}
			t = d.task(p)
		}
		c.done()
	}
}

// hand gives a batch to a lane, or drops it when the run drains: its rows stay NotSent.
func (d *Delivery) hand(drain context.Context, tasks chan<- task, t task) error {
	if t.rows == 0 {
		return nil
	}
	select {
	case tasks <- t:
	case <-drain.Done():
		t.release()
	}
	return nil
}

// finish completes the session. For a deferred one, this is when its rows count (DESIGN: files count as
// acknowledged at finalisation only).
func (d *Delivery) finish(ctx context.Context) error {
	if d.Outside != nil {
		if d.limits.Deferred {
			d.Outside.Patience = 0 // a file that was begun cannot be put aside
		}
		defer d.Outside.Close()
	}
	if !d.limits.Deferred || d.Ledger.Rows() == 0 {
		if err := d.Session.Finish(ctx); err != nil {
			return fmt.Errorf("finishing the run at the destination: %w", err)
		}
		return nil
	}
	batch := d.batches.Add(1)
	intent := Record{Kind: RecordIntent, Batch: batch, Rows: []Range{{0, d.Ledger.Rows()}}}
	if err := d.Journal.Write(intent); err != nil { // D1
		return err
	}
	err := d.Session.Finish(ctx)
	answer := Record{Kind: RecordAnswer, Batch: batch, State: Accepted, Refused: d.defers.refused}
	if err != nil {
		answer = Record{Kind: RecordAnswer, Batch: batch, State: NotSent, Reason: err.Error()}
		if fault.ClassOf(err) == fault.Unknown {
			answer.State = InDoubt
		}
	}
	if werr := d.Journal.Write(answer); werr != nil { // D2
		return werr
	}
	if err != nil {
		return fmt.Errorf("finishing the run at the destination: %w", err)
	}
	return nil
}

// Written returns how many rows a deferred session holds so far.
func (d *Delivery) Written() int64 { return d.written.Load() }
