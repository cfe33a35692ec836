package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

const (
	savepoint    = "millrace_part"
	rollbackTime = 5 * time.Second
	maxExchanges = 40 // of one batch; a batch of many bad rows has thousands
)

// transaction brings one batch.
type transaction struct {
	d       *destination
	program *program
	sheet   *sheet
	batch   *connector.Batch
	limit   int      // bytes of a statement's rows
	receipt *receipt // nil where receipts are not kept
	refused []connector.Rejection

	conn *sql.Conn
}

// errTaken tells that an earlier attempt brought the batch.
var errTaken = errors.New("the batch was taken already")

// run brings the batch and commits. Its error's class says what became of the rows.
func (t *transaction) run(ctx context.Context, c *sql.Conn) error {
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
	return t.d.translate(ctx, err, "writing to "+t.program.table.ref.String())
}

// bring does everything but the commit.
func (t *transaction) bring(ctx context.Context) error {
	if _, err := t.exec(ctx, "START TRANSACTION"); err != nil {
		return err
	}
	if t.receipt != nil {
		written, err := t.exec(ctx, t.receipt.insert())
		if err != nil {
			return err
		}
		if written == 0 {
			return errTaken
		}
	}
	for from := 0; from < len(t.sheet.rows); {
		to := t.sheet.run(from, t.limit, t.program.byKey())
		if err := t.bulk(ctx, from, to); err != nil {
			return err
		}
		from = to
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

// bulk brings rows in the fastest way that there is. LOAD DATA LOCAL passes over what it does not understand and only
// warns: where it has something to say, the rows are brought by statements, which say what is wrong.
func (t *transaction) bulk(ctx context.Context, from, to int) error {
	switch {
	case t.program.byRow():
		for i := from; i < to; i++ {
			if err := t.alone(ctx, i); err != nil {
				return err
			}
		}
		return nil
	case t.program.loads:
		clean, err := t.load(ctx, from, to)
		if clean || err != nil {
			return err
		}
	}
	return t.part(ctx, from, to)
}

// part brings some rows. Where the server refuses one of them, it is left out and the others are tried again in smaller
// parts, so that a batch full of bad rows costs no more than a few sendings of each row.
func (t *transaction) part(ctx context.Context, from, to int) error {
	if from == to {
		return nil
	}
	err := t.try(ctx, from, to)
	e, answered := server(err)
	switch {
	case err == nil:
		return nil
	case !answered || !ofRow(e):
		return err
	case t.program.whole && len(t.batch.Rows) > 1:
		// The engine halves the batch. The server's words about one row quote its value and are kept for that row.
		return fault.New(fault.CodeDestinationRejected, "writing to %s: the server refuses a row of the batch (error %d)", t.program.table.ref, e.Number)
	case to-from > 1:
		return t.around(ctx, from, to, culprit(e, from, to))
	case t.program.kind == kindUpsert:
		return t.alone(ctx, from)
	default:
		t.refuse(from, e)
		return nil
	}
}

func (t *transaction) refuse(line int, e *driver.MySQLError) {
	t.refused = append(t.refused, connector.Rejection{Row: t.sheet.rows[line], Reason: reason(e)})
}

// reason is the server's words, with the remedy for a value that fits only when it is changed.
func reason(e *driver.MySQLError) string {
	if e.SQLState == noted {
		return e.Message + ". The database would store it in another form: change the value in the model or the mapping, or let the database adapt values in the sync's settings"
	}
	return e.Message
}

// around brings the row that the server named by itself, and the others in halves. Where none is named (bad < 0), it
// halves.
func (t *transaction) around(ctx context.Context, from, to, bad int) error {
	steps := []int{from, from + (to-from)/2, to}
	if bad >= 0 {
		steps = []int{from, bad, bad + 1, bad + 1 + (to-bad-1)/2, to}
	}
	for i := 1; i < len(steps); i++ {
		if err := t.part(ctx, steps[i-1], steps[i]); err != nil {
			return err
		}
	}
	return nil
}

// rowNumber is how the server ends what it says about one row of several.
var rowNumber = regexp.MustCompile(` at row (\d+)$`)

// culprit returns the row that the server names, or -1. Whether it is right is seen when that row is tried by itself.
func culprit(e *driver.MySQLError, from, to int) int {
	m := rowNumber.FindStringSubmatch(e.Message)
	if m == nil {
		return -1
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n < 1 || from+n > to {
		return -1
	}
	return from + n - 1
}

// try brings some rows by one statement.
func (t *transaction) try(ctx context.Context, from, to int) error {
	pattern := t.sheet.patterns[from]
	open, end := t.program.open(pattern), t.program.end(pattern)
	statement := append(t.sheet.lines([]byte(open), from, to), end...)
	return t.careful(ctx, func() error {
		return t.write(ctx, string(statement), open+"… "+strconv.Itoa(to-from)+" rows …"+end)
	})
}

// alone brings one row by statements of its own: it is looked for first, so that what the server says is about this row.
func (t *transaction) alone(ctx context.Context, line int) error {
	err := t.careful(ctx, func() error { return t.changeOrAdd(ctx, &t.batch.Rows[t.sheet.rows[line]]) })
	if e, answered := server(err); answered && ofRow(e) {
		t.refuse(line, e)
		return nil
	}
	return err
}

func (t *transaction) changeOrAdd(ctx context.Context, r *connector.Row) error {
	found, err := t.change(ctx, r)
	if err != nil || found || t.program.kind == kindUpdate {
		return err
	}
	statement, _ := t.program.add(r) // what cannot be written was refused before
	return t.write(ctx, string(statement), "INSERT INTO "+dialect.Table(t.program.table.ref)+" (…) VALUES (…)")
}

// change updates the row where it is there, and reports whether it is.
func (t *transaction) change(ctx context.Context, r *connector.Row) (found bool, err error) {
	where, _ := t.program.find(r)
	statement, _ := t.program.update(r)
	if statement == nil {
		err := t.conn.QueryRowContext(ctx, "SELECT 1 FROM "+dialect.Table(t.program.table.ref)+" WHERE "+string(where)+" FOR UPDATE").Scan(new(int))
		if errors.Is(err, sql.ErrNoRows) {
			return false, nil
		}
		return err == nil, err
	}
	var matched int64
	err = t.record("UPDATE "+dialect.Table(t.program.table.ref)+" SET … WHERE …", func() (int64, error) {
		matched, err = t.exec(ctx, string(statement))
		return matched, err
	})
	if err == nil && matched > 0 {
		err = t.unchanged(ctx)
	}
	return matched > 0, err
}

// careful undoes what a failing step did.
func (t *transaction) careful(ctx context.Context, step func() error) error {
	if _, err := t.exec(ctx, "SAVEPOINT "+savepoint); err != nil {
		return err
	}
	err := step()
	if e, answered := server(err); answered && ofRow(e) {
		if _, undo := t.exec(ctx, "ROLLBACK TO SAVEPOINT "+savepoint); undo != nil {
			return undo
		}
	}
	return err
}

// write runs a statement and sees to it that it stored what it was given.
func (t *transaction) write(ctx context.Context, statement, shown string) error {
	if err := t.record(shown, func() (int64, error) { return t.exec(ctx, statement) }); err != nil {
		return err
	}
	return t.unchanged(ctx)
}

// altering are the notes about a value that was stored in another form than it was sent. A division by zero is that of
// the program's guard.
var altering = []uint16{numberOutOfRange, numberTruncated, numberWrongValue, numberDivision, numberIncorrect, numberTooLong}

// noted marks a note of the server that is treated as an error.
var noted = [5]byte{'0', '1', '0', '0', '0'}

// unchanged returns what the last statement noted as an error, where it stored something in another form.
func (t *transaction) unchanged(ctx context.Context) error {
	if !t.program.exact && t.program.guard == "" {
		return nil
	}
	notes, err := t.notes(ctx)
	if err != nil {
		return err
	}
	for _, n := range notes {
		if slices.Contains(altering, n.number) && (t.program.exact || n.number == numberDivision) {
			return &driver.MySQLError{Number: n.number, SQLState: noted, Message: n.message}
		}
	}
	return nil
}

// note is a line of SHOW WARNINGS.
type note struct {
	level   string
	number  uint16
	message string
}

func (t *transaction) notes(ctx context.Context) ([]note, error) {
	rows, err := t.conn.QueryContext(ctx, "SHOW WARNINGS")
	return collect(rows, err, func(r *sql.Rows) (n note, err error) {
		err = r.Scan(&n.level, &n.number, &n.message)
		return n, err
	})
}

// exec runs a statement and returns how many rows it found.
func (t *transaction) exec(ctx context.Context, statement string) (int64, error) {
	result, err := t.conn.ExecContext(ctx, statement)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// record notes a statement and its answer for the request log (SY-74): without the rows' values.
func (t *transaction) record(shown string, run func() (int64, error)) error {
	started := t.d.clock.Now()
	n, err := run()
	if len(t.batch.Exchanges) >= maxExchanges {
		return err
	}
	x := connector.Exchange{Method: "SQL", URL: t.d.settings.address(), RequestBody: shown, StartedAt: started, Duration: t.d.clock.Now().Sub(started)}
	if err != nil {
		x.Error = said(err)
	} else {
		x.ResponseBody = fmt.Sprintf("%d rows affected", n)
	}
	t.batch.Record(x)
	return err
}

// commit ends the transaction. An answer of the server that is an error means that nothing was taken; no answer means
// that nobody knows.
func (t *transaction) commit(ctx context.Context) error {
	doing := "committing to " + t.program.table.ref.String()
	if ctx.Err() != nil {
		t.rollback(ctx)
		return t.d.translate(ctx, ctx.Err(), doing)
	}
	_, err := t.exec(ctx, "COMMIT")
	if err == nil {
		return nil
	}
	if answered(err) {
		return t.d.translate(ctx, err, doing)
	}
	return fault.Wrap(err, fault.CodeDestinationUnknown, "%s", doing)
}

// rollback undoes everything. Where it cannot, the connection is closed, which does the same.
func (t *transaction) rollback(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
	defer cancel()
	if _, err := t.exec(ctx, "ROLLBACK"); err != nil {
		t.d.log.Debug("rolling back", "error", said(err))
		_ = t.conn.Raw(func(any) error { return sqlBad }) //nolint:errcheck // it says that the connection is to be closed
	}
}
