package sqlserver

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/sqltable"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

const (
	resolveTime  = 15 * time.Second // how long a lost answer is looked for at once
	rollbackTime = 5 * time.Second
)

// session writes the rows of one run, each batch in a transaction.
type session struct {
	d        *destination
	table    *table
	limits   connector.Limits
	programs map[connector.Operation]*program
	receipt  *receipt // without a batch; nil where receipts are not kept
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
	t, err := d.find(ctx, c, settings.ref())
	if err != nil {
		return nil, err
	}
	if err := t.check(job); err != nil {
		return nil, err
	}
	s := &session{d: d, table: t, programs: map[connector.Operation]*program{}, limits: settings.Limits()}
	s.limits.Operations = sqltable.Operations(job)
	b := newBuilder(t, job, settings.exact())
	for _, op := range s.limits.Operations {
		s.programs[op] = b.program(op)
	}
	return s, s.promise(ctx, c, job)
}

// promise says what a second sending of a batch does.
func (s *session) promise(ctx context.Context, c *sql.Conn, job connector.SyncJob) error {
	kept, err := s.d.keepReceipts(ctx, c, s.table.ref.Schema)
	if err != nil {
		return err
	}
	s.limits.Idempotency = sqltable.Promise(job, kept)
	if kept {
		s.receipt = &receipt{Schema: s.table.ref.Schema, Session: rand.Text()}
		if _, err := c.ExecContext(ctx, s.receipt.forget()); err != nil {
			return s.d.translate(ctx, err, "forgetting old receipts")
		}
	}
	return nil
}

// Limits says how batches are made.
func (s *session) Limits() connector.Limits { return s.limits }

// Write brings a batch in one transaction. Rows that cannot be written are left out; a row that the server refuses
// refuses its batch, which the engine halves.
func (s *session) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	p := s.programs[b.Operation]
	if p == nil {
		return connector.Result{}, fault.New(fault.CodeInternal, "rows that were %s are not written by this sync", b.Operation)
	}
	rows, refused := p.sheet(b)
	if len(refused) == len(b.Rows) {
		return connector.Result{Rejected: refused}, nil
	}
	t := &transaction{s: s, program: p, batch: b, rows: rows, refused: refused}
	if s.receipt != nil {
		r := *s.receipt
		r.Batch = b.ID
		t.receipt = &r
		if err := b.Checkpoint(ctx, r.token()); err != nil {
			return connector.Result{}, err
		}
	}
	if err := s.send(ctx, t); err != nil {
		return connector.Result{}, err
	}
	return connector.Result{Rejected: refused}, nil
}

// sheet writes the rows as the batch's parameter, and returns those that cannot be written. A row without a value to
// match by matches nothing, and would be added again and again.
func (p *program) sheet(b *connector.Batch) (string, []connector.Rejection) {
	var refused []connector.Rejection
	text := []byte{'['}
	for i := range b.Rows {
		begins := len(text)
		if begins > 1 {
			text = append(text, ',')
		}
		var reason string
		if text, reason = p.line(text, i, &b.Rows[i]); reason != "" {
			text = text[:begins]
			refused = append(refused, connector.Rejection{Row: i, Reason: reason})
		}
	}
	return string(append(text, ']')), refused
}

func (p *program) line(text []byte, i int, r *connector.Row) ([]byte, string) {
	for _, k := range p.match {
		if p.cells[k].of(r).IsNull() {
			return text, "the row has no value for " + dialect.Ident(p.cells[k].column.name) + ", by which rows are matched"
		}
	}
	text = strconv.AppendInt(append(text, '['), int64(i), 10)
	for k := range p.cells {
		text = append(text, ',')
		v := p.cells[k].of(r)
		if v.IsNull() {
			text = append(text, "null"...)
			continue
		}
		written, reason := p.cells[k].writer.write(v)
		if reason != "" {
			return text, reason
		}
		text = value.OfText(written).AppendJSON(text)
	}
	return append(text, ']'), ""
}

// send runs the transaction, and looks for the receipt where the answer to its end was lost.
func (s *session) send(ctx context.Context, t *transaction) error {
	c, err := s.d.acquire(ctx)
	if err != nil {
		return err
	}
	err = t.run(ctx, c)
	s.d.release(c)
	if err == nil || fault.ClassOf(err) != fault.Unknown || t.receipt == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resolveTime)
	defer cancel()
	switch _, taken, lookUp := s.d.lookUp(ctx, *t.receipt); {
	case lookUp != nil:
		return err
	case taken:
		return nil
	default:
		return fault.Reclass(err, fault.Retryable)
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
	_, err = c.ExecContext(ctx, "DELETE FROM "+s.receipt.table()+" WHERE session = CONVERT(VARCHAR(64), @p1)", s.receipt.Session) //nolint:gosec // the name is quoted
	switch e, answered := answer(err); {
	case err == nil:
		return nil
	case answered && (e.Number == numberDeadlock || e.Number == numberLockWait):
		return nil // another run's receipts were in the way: these go when they are old
	default:
		return s.d.translate(ctx, err, "forgetting the run's receipts")
	}
}

// Close does nothing: connections are the destination's.
func (s *session) Close() error { return nil }

// transaction brings one batch.
type transaction struct {
	s       *session
	program *program
	batch   *connector.Batch
	rows    string
	refused []connector.Rejection
	receipt *receipt // nil where receipts are not kept
}

// errTaken tells that an earlier attempt brought the batch.
var errTaken = errors.New("the batch was taken already")

// run brings the batch and commits. Its error's class says what became of the rows.
func (t *transaction) run(ctx context.Context, c *sql.Conn) error {
	err := t.bring(ctx, c)
	if err == nil {
		return t.commit(ctx, c)
	}
	if err := rollback(ctx, c); err != nil {
		t.s.d.log.Debug("rolling back", "error", said(err))
	}
	if errors.Is(err, errTaken) {
		return nil
	}
	doing := "writing to " + t.s.table.ref.String()
	if e, answered := answer(err); answered && ofRow(e) && len(t.batch.Rows) > 1 {
		// The engine halves the batch. The server's words about one row quote its value and are kept for that row.
		return fault.New(fault.CodeDestinationRejected, "%s: the server refuses a row of the batch (error %d)", doing, e.Number)
	}
	return t.s.d.translate(ctx, err, doing)
}

func (t *transaction) bring(ctx context.Context, c *sql.Conn) error {
	if _, err := c.ExecContext(ctx, "BEGIN TRANSACTION"); err != nil {
		return err
	}
	if t.receipt != nil {
		result, err := c.ExecContext(ctx, t.receipt.insert(), t.receipt.Session, t.receipt.Batch, len(t.refused))
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, errTaken)
		}
	}
	return t.record(func() error {
		_, err := c.ExecContext(ctx, t.program.batch, t.rows)
		return err
	})
}

// record notes the statements for the request log (SY-74). They name columns only: values travel beside them.
func (t *transaction) record(run func() error) error {
	d := t.s.d
	started := d.clock.Now()
	err := run()
	x := connector.Exchange{
		Method: "SQL", URL: d.settings.address(), RequestBody: t.program.batch, StartedAt: started, Duration: d.clock.Now().Sub(started),
		ResponseBody: fmt.Sprintf("%d rows written", len(t.batch.Rows)-len(t.refused)),
	}
	if err != nil {
		x.ResponseBody, x.Error = "", said(err)
	}
	t.batch.Record(x)
	return err
}

// commit ends the transaction. An answer of the server that is an error means that nothing was taken; no answer means
// that nobody knows.
func (t *transaction) commit(ctx context.Context, c *sql.Conn) error {
	doing := "committing to " + t.s.table.ref.String()
	if ctx.Err() != nil {
		if err := rollback(ctx, c); err != nil {
			t.s.d.log.Debug("rolling back", "error", said(err))
		}
		return t.s.d.translate(ctx, ctx.Err(), doing)
	}
	_, err := c.ExecContext(ctx, "COMMIT TRANSACTION")
	if err == nil {
		return nil
	}
	if answered(err) {
		return t.s.d.translate(ctx, err, doing)
	}
	return fault.Wrap(errors.New(said(err)), fault.CodeDestinationUnknown, "%s", doing)
}

// rollback undoes everything that an error has not undone already. Where it cannot, the connection is closed, which does
// the same.
func rollback(ctx context.Context, c *sql.Conn) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
	defer cancel()
	_, err := c.ExecContext(ctx, "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION")
	if err != nil {
		_ = c.Raw(func(any) error { return driver.ErrBadConn }) //nolint:errcheck // it says that the connection is to be closed
	}
	return err
}
