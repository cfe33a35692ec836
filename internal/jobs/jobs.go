// Package jobs is the queue: work that is inserted in the transaction that makes it necessary, and done by any
// worker. It wakes and repeats; it owns no run (docs/decisions).
package jobs

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/db"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"
	"github.com/uptrace/bun"
)

// Args identify a job; they are stored as JSON.
type Args = river.JobArgs

// Handler does one kind of job. An error means that it is to be done again later.
type Handler[T Args] func(ctx context.Context, args T) error

// Config says how jobs are worked on.
type Config struct {
	Workers int           // jobs at a time; 0 means that this process works on none
	Timeout time.Duration // of one job; 0 means none
	Dead    time.Duration // after which a job that is under way and asked for again counts as lost with its process; 0 means 30 s
	Log     *slog.Logger
}

// deadAfter is what Config.Dead is by default.
const deadAfter = 30 * time.Second

// Client inserts jobs and works on them.
type Client struct {
	db      *db.DB
	config  Config
	workers *river.Workers
	river   *river.Client[*sql.Tx]
}

// New returns a client. Register handlers before Start.
func New(d *db.DB, c Config) *Client {
	return &Client{db: d, config: c, workers: river.NewWorkers()}
}

type worker[T Args] struct {
	river.WorkerDefaults[T]

	handle Handler[T]
}

// Work does one job.
func (w *worker[T]) Work(ctx context.Context, job *river.Job[T]) error {
	return w.handle(ctx, job.Args)
}

// Timeout lets jobs run as long as they need: runs have leases of their own.
func (w *worker[T]) Timeout(*river.Job[T]) time.Duration { return -1 }

// Register says who does a kind of job.
func Register[T Args](c *Client, h Handler[T]) { river.AddWorker(c.workers, &worker[T]{handle: h}) }

// fetchEvery is how long a job waits at most before an idle worker takes it.
const fetchEvery = 50 * time.Millisecond

// Open connects the client to the queue without working on anything.
func (c *Client) Open() error {
	config := &river.Config{
		Logger: slog.New(quiet{c.config.Log.Handler()}), Workers: c.workers,
		FetchCooldown: fetchEvery, FetchPollInterval: 4 * fetchEvery,
	}
	if c.config.Workers > 0 {
		config.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: c.config.Workers}}
	}
	var err error
	if c.db.IsPostgres() {
		c.river, err = river.NewClient(riverdatabasesql.New(c.db.DB.DB), config)
	} else {
		c.river, err = river.NewClient(riversqlite.New(c.db.DB.DB), config)
	}
	if err != nil {
		return fmt.Errorf("opening the job queue: %w", err)
	}
	return nil
}

// quiet is a handler for what deserves attention: the queue tells about its normal operation at the level
// info.
type quiet struct{ slog.Handler }

// Enabled refuses what is below a warning.
func (q quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && q.Handler.Enabled(ctx, l)
}

// WithAttrs keeps the handler quiet.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

// WithGroup keeps the handler quiet.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }

// Start begins to work. On a database with a single process, jobs that an earlier one had under way are
// done again at once.
func (c *Client) Start(ctx context.Context) error {
	if c.config.Workers == 0 {
		return nil
	}
	if !c.db.IsPostgres() {
		for _, s := range []string{"UPDATE river_job SET state = 'available' WHERE state = 'running'", "DELETE FROM river_leader"} {
			if _, err := c.db.ExecContext(ctx, s); err != nil {
				return fmt.Errorf("taking over jobs: %w", err)
			}
		}
	}
	if err := c.river.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("starting the job queue: %w", err)
	}
	return nil
}

// Stop takes no further jobs and waits for those under way; when ctx ends, it stops them.
func (c *Client) Stop(ctx context.Context) error {
	if c.config.Workers == 0 {
		return nil
	}
	if err := c.river.Stop(ctx); err == nil {
		return nil
	}
	hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := c.river.StopAndCancel(hard); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stopping the job queue: %w", err)
	}
	return nil
}

// Insert adds a job within a transaction. A job that waits already with the same args is not added again. One that is
// under way for long is done again: whoever asks for it knows that nobody does it, so that its process is gone.
func (c *Client) Insert(ctx context.Context, tx bun.Tx, args Args) error {
	res, err := c.river.InsertTx(ctx, tx.Tx, args, &river.InsertOpts{
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateScheduled,
		}},
	})
	if err != nil {
		return fmt.Errorf("adding a job: %w", err)
	}
	if !res.UniqueSkippedAsDuplicate || res.Job.State != rivertype.JobStateRunning || res.Job.AttemptedAt == nil {
		return nil
	}
	if time.Since(*res.Job.AttemptedAt) < cmp.Or(c.config.Dead, deadAfter) {
		return nil
	}
	_, err = tx.NewRaw("UPDATE river_job SET state = 'available' WHERE id = ? AND state = 'running' AND attempt = ?", res.Job.ID, res.Job.Attempt).Exec(ctx)
	if err != nil {
		return fmt.Errorf("taking over a job: %w", err)
	}
	return nil
}

// Loop calls f now and then again every so often until it is stopped, one call after another.
type Loop struct {
	stop context.CancelFunc
	done sync.WaitGroup
}

// StartLoop starts a loop.
func StartLoop(ctx context.Context, every time.Duration, f func(context.Context)) *Loop {
	ctx, stop := context.WithCancel(ctx)
	l := &Loop{stop: stop}
	l.done.Go(func() {
		t := time.NewTicker(every)
		defer t.Stop()
		for {
			f(ctx)
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
		}
	})
	return l
}

// Stop ends the loop and waits for a call under way.
func (l *Loop) Stop() {
	l.stop()
	l.done.Wait()
}
