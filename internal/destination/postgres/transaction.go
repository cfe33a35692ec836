package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

const (
	savepoint    = "_millrace_part"
	rollbackTime = 5 * time.Second
	maxExchanges = 40 // of one batch; a batch of many bad rows has thousands
)

// transaction brings one batch.
type transaction struct {
	d       *destination
	table   *table
	program *program
	sheet   *sheet
	batch   *connector.Batch
	receipt *receipt // nil where receipts are not kept
	refused []connector.Rejection

	conn  *pgconn.PgConn
	dirty bool // rows of an earlier part lie in the temporary table
	apart bool // match values were seen to occur twice
}

// errTaken tells that an earlier attempt brought the batch.
var errTaken = errors.New("the batch was taken already")

// run brings the batch and commits. Its error's class says what became of the rows.
func (t *transaction) run(ctx context.Context, c *pgconn.PgConn) error {
	t.conn = c
	err := t.bring(ctx)
	if err == nil {
		return t.commit(ctx)
	}
	t.rollback(ctx)
	if errors.Is(err, errTaken) {
		result, _, err := t.d.lookUp(ctx, *t.receipt)
		t.refused = result.Rejected
		return err
	}
	return t.d.translate(ctx, err, "writing to "+t.table.ref.String())
}

// endIdle ends a transaction that stands still, since its process was stopped, before long: its locks keep others from the
// table.
const endIdle = "SET LOCAL idle_in_transaction_session_timeout = '60s'"

// bring does everything but the commit.
func (t *transaction) bring(ctx context.Context) error {
	begin := []string{"BEGIN", "SET LOCAL TimeZone = 'UTC'", "SET CONSTRAINTS ALL IMMEDIATE", endIdle}
	if s := t.d.settings.StatementTimeout; s > 0 {
		begin = append(begin, timeout(s))
	}
	at := len(begin)
	if t.receipt != nil {
		begin = append(begin, t.receipt.insert())
	}
	if t.program.stage != "" {
		begin = append(begin, t.program.stage)
	}
	results, err := t.exec(ctx, begin...)
	if err != nil {
		return err
	}
	if t.receipt != nil && results[at].RowsAffected() == 0 {
		return errTaken
	}
	if err := t.part(ctx, 0, len(t.sheet.rows)); err != nil {
		return err
	}
	if t.receipt == nil || len(t.refused) == 0 {
		return nil
	}
	note, err := t.receipt.note(t.refused)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, note)
	return err
}

// part brings some lines. Where the server refuses one of them, it is left out and the others are tried again in
// smaller parts, so that a batch full of bad rows costs no more than a few sendings of each row.
func (t *transaction) part(ctx context.Context, from, to int) error {
	if from == to {
		return nil
	}
	err := t.try(ctx, from, to)
	var pg *pgconn.PgError
	if err == nil || !errors.As(err, &pg) || !ofRow(pg) {
		return err
	}
	if pg.Code == stateTwice && t.program.apart != nil && !t.apart {
		t.apart = true
		return t.again(ctx, func() error { return t.part(ctx, from, to) })
	}
	if t.program.exact && (to-from > 1 || len(t.sheet.rows) > 1) {
		// The engine halves the batch. The server's words about one row quote its value and are kept for that row.
		return fault.New(fault.CodeDestinationRejected, "writing to %s: the server refuses a row of the batch (SQLSTATE %s)", t.table.ref, pg.Code)
	}
	bad, column := t.culprit(pg, from, to)
	return t.again(ctx, func() error { return t.around(ctx, from, to, bad, reason(pg, column)) })
}

// around refuses the bad line and brings the others. Where no line is known to be bad (bad < 0), it halves.
func (t *transaction) around(ctx context.Context, from, to, bad int, reason string) error {
	if bad < 0 {
		middle := from + (to-from)/2
		if err := t.part(ctx, from, middle); err != nil {
			return err
		}
		return t.part(ctx, middle, to)
	}
	if err := t.part(ctx, from, bad); err != nil {
		return err
	}
	t.refused = append(t.refused, connector.Rejection{Row: t.sheet.rows[bad], Reason: reason})
	middle := bad + 1 + (to-bad-1)/2
	if err := t.part(ctx, bad+1, middle); err != nil {
		return err
	}
	return t.part(ctx, middle, to)
}

// again undoes the part that failed before it goes on.
func (t *transaction) again(ctx context.Context, next func() error) error {
	if _, err := t.exec(ctx, "ROLLBACK TO SAVEPOINT "+savepoint, "RELEASE SAVEPOINT "+savepoint); err != nil {
		return err
	}
	return next()
}

// try brings some lines in one go.
func (t *transaction) try(ctx context.Context, from, to int) error {
	start := []string{"SAVEPOINT " + savepoint}
	if t.dirty {
		start = append(start, "TRUNCATE "+staging)
	}
	if _, err := t.exec(ctx, start...); err != nil {
		return err
	}
	if err := t.copy(ctx, from, to); err != nil {
		return err
	}
	merge := t.program.merge
	if t.apart {
		merge = t.program.apart
	}
	for _, statement := range merge {
		if err := t.merge(ctx, statement); err != nil {
			return err
		}
	}
	_, err := t.exec(ctx, "RELEASE SAVEPOINT "+savepoint)
	t.dirty = t.program.stage != ""
	return err
}

// copy sends lines by COPY.
func (t *transaction) copy(ctx context.Context, from, to int) error {
	statement := t.program.copyStatement()
	return t.record(statement, func() (pgconn.CommandTag, error) {
		return t.conn.CopyFrom(ctx, bytes.NewReader(t.sheet.lines(from, to)), statement)
	})
}

// merge runs one statement on the rows that were copied.
func (t *transaction) merge(ctx context.Context, statement string) error {
	return t.record(statement, func() (pgconn.CommandTag, error) {
		results, err := t.exec(ctx, statement)
		if err != nil {
			return pgconn.CommandTag{}, err
		}
		return results[0], nil
	})
}

// exec runs statements in one round trip and returns their command tags.
func (t *transaction) exec(ctx context.Context, statements ...string) ([]pgconn.CommandTag, error) {
	results, err := t.conn.Exec(ctx, strings.Join(statements, "; ")).ReadAll()
	if err != nil {
		return nil, err
	}
	tags := make([]pgconn.CommandTag, len(results))
	for i, r := range results {
		if r.Err != nil {
			return nil, r.Err
		}
		tags[i] = r.CommandTag
	}
	if len(tags) != len(statements) {
		return nil, fmt.Errorf("%d answers to %d statements", len(tags), len(statements))
	}
	return tags, nil
}

// record notes a statement and its answer for the request log (SY-74). A statement names columns only: values
// travel beside it.
func (t *transaction) record(statement string, run func() (pgconn.CommandTag, error)) error {
	started := t.d.clock.Now()
	tag, err := run()
	if len(t.batch.Exchanges) >= maxExchanges {
		return err
	}
	x := connector.Exchange{
		Method: "SQL", URL: t.d.settings.address(), RequestBody: statement, ResponseBody: tag.String(),
		StartedAt: started, Duration: t.d.clock.Now().Sub(started),
	}
	if err != nil {
		x.Error = t.d.said(err)
	}
	t.batch.Record(x)
	return err
}

// said is the server's or the driver's words.
func (d *destination) said(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return words(pg)
	}
	return err.Error()
}

// culprit returns the line that COPY names, or -1, and the column.
// The server's words may be in another language; then the rows are halved instead.
func (t *transaction) culprit(pg *pgconn.PgError, from, to int) (line int, column string) {
	if to-from == 1 {
		_, column = t.place(pg)
		return from, column
	}
	if line, column = t.place(pg); line < 1 || from+line > to {
		return -1, ""
	}
	return from + line - 1, column
}

// place reads the line, counted from one, and the column in what the server says about where it was, such as
// "COPY t, line 3, column age: ...".
func (t *transaction) place(pg *pgconn.PgError) (line int, column string) {
	for where := range strings.Lines(pg.Where) {
		rest, found := strings.CutPrefix(where, "COPY "+t.program.name+", line ")
		if !found {
			continue
		}
		end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			end = len(rest)
		}
		line, err := strconv.Atoi(rest[:end])
		if err != nil {
			return 0, ""
		}
		return line, t.column(rest[end:])
	}
	return 0, ""
}

// column returns the table's name of the column in the rest of such a line.
func (t *transaction) column(rest string) string {
	rest, found := strings.CutPrefix(rest, ", column ")
	if !found {
		return ""
	}
	for _, c := range t.program.cells {
		if strings.HasPrefix(rest, c.copied+":") {
			return c.column.name
		}
	}
	return ""
}

// reason is the server's words, with the column where they do not name it.
func reason(pg *pgconn.PgError, column string) string {
	if column == "" {
		return words(pg)
	}
	return "column " + sql.Ident(column) + ": " + words(pg)
}

// commit ends the transaction. An answer of the server that is an error means that nothing was taken; no answer
// means that nobody knows.
func (t *transaction) commit(ctx context.Context) error {
	if ctx.Err() != nil {
		t.rollback(ctx)
		return t.d.translate(ctx, ctx.Err(), "committing to "+t.table.ref.String())
	}
	tags, err := t.exec(ctx, "COMMIT")
	var pg *pgconn.PgError
	switch {
	case err == nil && tags[0].String() == "COMMIT":
		return nil
	case err == nil:
		return fault.New(fault.CodeDestinationRejected, "writing to %s: the server rolled the transaction back", t.table.ref)
	case errors.As(err, &pg):
		return t.d.translate(ctx, err, "committing to "+t.table.ref.String())
	default:
		return fault.Wrap(errors.New(t.d.said(err)), fault.CodeDestinationUnknown, "committing to %s", t.table.ref)
	}
}

// rollback undoes everything. Where it cannot, the connection is closed, which does the same.
func (t *transaction) rollback(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
	defer cancel()
	if t.conn.IsClosed() {
		return
	}
	if _, err := t.exec(ctx, "ROLLBACK"); err != nil {
		t.d.log.Debug("rolling back", "error", t.d.said(err))
	}
}

// timeout is the statement that limits how long each statement of a transaction may take.
func timeout(seconds float64) string {
	return "SET LOCAL statement_timeout = " + strconv.FormatInt(int64(seconds*1000), 10)
}
