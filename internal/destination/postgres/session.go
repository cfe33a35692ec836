package postgres

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/sqltable"
	"github.com/millrace/millrace/internal/fault"
)

// resolveTime is how long a lost answer is looked for at once.
const resolveTime = 15 * time.Second

// session writes the rows of one run, each batch in a transaction.
type session struct {
	d        *destination
	table    *table
	limits   connector.Limits
	programs map[connector.Operation]*program
	receipt  *receipt // without a batch; nil where receipts are not kept
	sheets   sync.Pool
}

var _ connector.Session = (*session)(nil)

// Begin looks at the table and its permissions and works out the statements of the run.
func (d *destination) Begin(ctx context.Context, job connector.SyncJob) (connector.Session, error) {
	settings, err := decode(job)
	if err != nil {
		return nil, err
	}
	c, err := d.acquire(ctx)
	if err != nil {
		return nil, err
	}
	keep := false
	defer func() {
		if !keep {
			c.Release()
		}
	}()
	t, err := d.find(ctx, c.Conn(), settings.ref())
	if err != nil {
		return nil, err
	}
	if err := t.check(job); err != nil {
		return nil, err
	}
	if err := d.permit(ctx, c.Conn(), t, job); err != nil {
		return nil, err
	}
	if job.Mode == connector.ModeAll {
		m, err := d.mirror(ctx, c, t, job, settings)
		keep = err == nil
		return m, err
	}
	return d.session(ctx, c, t, job, settings)
}

func (d *destination) session(ctx context.Context, c *pgxpool.Conn, t *table, job connector.SyncJob, settings syncSettings) (connector.Session, error) {
	b := newBuilder(t, job)
	s := &session{d: d, table: t, programs: map[connector.Operation]*program{}, limits: settings.Limits()}
	s.sheets.New = func() any { return &sheet{} }
	s.limits.Operations = sqltable.Operations(job)
	for _, op := range s.limits.Operations {
		if op == connector.Removed {
			s.programs[op] = b.remove()
			continue
		}
		s.programs[op] = b.write()
	}
	if job.Mode == connector.ModeUpsert && !t.unique(b.matched()) {
		s.limits.Concurrency = 1 // two batches at a time might both add a row
	}
	kept, err := d.keepReceipts(ctx, c.Conn(), t.ref.Schema)
	if err != nil {
		return nil, err
	}
	s.limits.Idempotency = sqltable.Promise(job, kept)
	if kept {
		s.receipt = &receipt{Schema: t.ref.Schema, Session: rand.Text()}
	}
	return s, nil
}

// Limits says how batches are made.
func (s *session) Limits() connector.Limits { return s.limits }

// Write brings a batch in one transaction.
func (s *session) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	p := s.programs[b.Operation]
	if p == nil {
		return connector.Result{}, fault.New(fault.CodeInternal, "rows that were %s are not written by this sync", b.Operation)
	}
	sheet := s.sheets.Get().(*sheet) //nolint:forcetypeassert // the pool holds nothing else
	defer s.sheets.Put(sheet)
	refused := sheet.fill(b, p)
	if len(sheet.rows) == 0 {
		return connector.Result{Rejected: refused}, nil
	}
	t := &transaction{d: s.d, program: p, sheet: sheet, batch: b, refused: refused, table: s.table}
	if s.receipt != nil {
		r := *s.receipt
		r.Batch = b.ID
		t.receipt = &r
		if err := b.Checkpoint(ctx, r.token()); err != nil {
			return connector.Result{}, err
		}
	}
	return s.send(ctx, t)
}

// send runs the transaction, and looks for the receipt where the answer to its end was lost.
func (s *session) send(ctx context.Context, t *transaction) (connector.Result, error) {
	c, err := s.d.acquire(ctx)
	if err != nil {
		return connector.Result{}, err
	}
	err = t.run(ctx, c.Conn().PgConn())
	c.Release() // closes it where the transaction is not over
	if err == nil {
		return connector.Result{Rejected: t.refused}, nil
	}
	if fault.ClassOf(err) != fault.Unknown || t.receipt == nil {
		return connector.Result{}, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resolveTime)
	defer cancel()
	switch result, taken, lookUp := s.d.lookUp(ctx, *t.receipt); {
	case lookUp != nil:
		return connector.Result{}, err
	case taken:
		return result, nil
	default:
		return connector.Result{}, fault.Reclass(err, fault.Retryable)
	}
}

// Finish forgets the run's receipts: every batch has its answer.
func (s *session) Finish(ctx context.Context) error {
	if s.receipt == nil {
		return nil
	}
	c, err := s.d.acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	if _, err := c.Exec(ctx, "DELETE FROM "+s.receipt.table()+" WHERE session = $1", s.receipt.Session); err != nil {
		return s.d.translate(ctx, err, "forgetting the run's receipts")
	}
	return nil
}

// Close does nothing: connections are the destination's.
func (s *session) Close() error { return nil }
