package mysql

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"strings"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/sqltable"
	"github.com/millrace/millrace/internal/fault"
)

// resolveTime is how long a lost answer is looked for at once.
const resolveTime = 15 * time.Second

// sqlBad tells database/sql not to use a connection again.
var sqlBad = driver.ErrBadConn

// session writes the rows of one run, each batch in a transaction.
type session struct {
	d        *destination
	table    *table
	limits   connector.Limits
	programs map[connector.Operation]*program
	receipt  *receipt // without a batch; nil where receipts are not kept
	limit    int      // bytes of a statement
	sheets   sync.Pool
}

var _ connector.Session = (*session)(nil)

// Begin looks at the table and works out the statements of the run.
func (d *destination) Begin(ctx context.Context, job connector.SyncJob) (connector.Session, error) {
	settings, err := decode(job)
	if err != nil {
		return nil, err
	}
	c, err := d.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer d.release(c)
	t, err := d.find(ctx, c, settings.Table)
	if err != nil {
		return nil, err
	}
	if err := t.check(job, settings); err != nil {
		return nil, err
	}
	s := &session{d: d, table: t, programs: map[connector.Operation]*program{}, limits: settings.Limits()}
	s.sheets.New = func() any { return &sheet{} }
	s.limits.Operations = sqltable.Operations(job)
	for _, op := range s.limits.Operations {
		s.programs[op] = newProgram(t, job, settings, op)
	}
	if err := s.ask(ctx, c, settings); err != nil {
		return nil, err
	}
	return s, s.promise(ctx, c, job)
}

// overhead is what a statement is larger than its text and the server's limit for it.
const overhead = 1 << 10

// ask reads what the server allows.
func (s *session) ask(ctx context.Context, c *sql.Conn, settings syncSettings) error {
	var packet int
	var local string
	if err := c.QueryRowContext(ctx, "SELECT @@max_allowed_packet, @@local_infile").Scan(&packet, &local); err != nil {
		return s.d.translate(ctx, err, "asking the server for its limits")
	}
	s.limit = packet - overhead
	s.limits.Bytes = min(s.limits.Bytes, s.limit)
	if settings.loads() && local != "1" && !strings.EqualFold(local, "ON") {
		return fault.New(noLocalInfile.code, "the server does not take LOAD DATA LOCAL INFILE: local_infile is off").
			WithPath("spec.settings.statement").WithSuggestion("%s", noLocalInfile.hint)
	}
	return nil
}

// promise says what a second sending of a batch does.
func (s *session) promise(ctx context.Context, c *sql.Conn, job connector.SyncJob) error {
	kept := false
	if s.table.transactional {
		var err error
		if kept, err = s.d.keepReceipts(ctx, c); err != nil {
			return err
		}
	}
	s.limits.Idempotency = sqltable.Promise(job, kept)
	if kept {
		s.receipt = &receipt{Database: s.d.settings.Database, Session: rand.Text()}
	}
	return nil
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
	limit := s.limit - len(p.open("")) - len(p.end(""))
	refused := sheet.fill(b, p, limit)
	if p.whole && len(refused) > 0 && len(b.Rows) > 1 {
		return connector.Result{}, fault.New(fault.CodeDestinationRejected, "writing to %s: a row of the batch cannot be stored", s.table.ref)
	}
	if len(sheet.rows) == 0 {
		return connector.Result{Rejected: refused}, nil
	}
	t := &transaction{d: s.d, program: p, sheet: sheet, batch: b, refused: refused, limit: limit}
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
	err = t.run(ctx, c)
	s.d.release(c)
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
	defer s.d.release(c)
	_, err = c.ExecContext(ctx, "DELETE FROM "+s.receipt.table()+" WHERE session = ?", s.receipt.Session) //nolint:gosec // the name is quoted
	switch e, answered := server(err); {
	case err == nil:
		return nil
	case answered && (e.Number == numberDeadlock || e.Number == numberLockTimeout):
		return nil // another run's receipts were in the way: these go when they are old
	default:
		return s.d.translate(ctx, err, "forgetting the run's receipts")
	}
}

// Close does nothing: connections are the destination's.
func (s *session) Close() error { return nil }
