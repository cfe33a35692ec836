package mysql

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
)

// receipts is the table, beside the one that rows go to, in which a transaction notes the batch that it brought.
// Receipts go when their run ends well, and after a month otherwise.
const receipts = "millrace_receipts"

// receiptAge is how long a receipt may be asked for after a run that did not end well.
const receiptAge = "INTERVAL 30 DAY"

// receipt identifies a batch at the server. It is the token of Batch.Checkpoint.
type receipt struct {
	Database string `json:"database"`
	Session  string `json:"session"` // random: two installations may number their runs alike
	Batch    string `json:"batch"`
}

func (r receipt) table() string {
	return dialect.Table(query.TableRef{Schema: r.Database, Name: receipts})
}

func (r receipt) token() string {
	text, err := json.Marshal(r)
	if err != nil { // a struct of strings
		return ""
	}
	return string(text)
}

func literal(text string) string { return string(appendLiteral(nil, []byte(text), quoted)) }

// insert writes the receipt, or waits for the transaction that is writing it already. Nothing is written where it is
// there.
func (r receipt) insert() string {
	return "INSERT IGNORE INTO " + r.table() + " (session, batch) VALUES (" + literal(r.Session) + ", " + literal(r.Batch) + ")"
}

// where finds the receipt.
func (r receipt) where() string {
	return " WHERE session = " + literal(r.Session) + " AND batch = " + literal(r.Batch)
}

// note adds what the batch had refused, so that the answer can be given again.
func (r receipt) note(refused []connector.Rejection) (string, error) {
	text, err := json.Marshal(refused)
	if err != nil {
		return "", err
	}
	return "UPDATE " + r.table() + " SET refused = " + literal(string(text)) + r.where(), nil
}

// keepReceipts makes the table where it does not exist, and forgets old receipts. It returns false where this user may
// not keep them. The table is made only when it is missed: making it waits for whoever writes a receipt.
func (d *destination) keepReceipts(ctx context.Context, c *sql.Conn) (bool, error) {
	r := receipt{Database: d.settings.Database, Session: rand.Text(), Batch: "try"}
	err := r.try(ctx, c)
	if e, answered := server(err); answered && e.Number == numberNoTable {
		if _, err = c.ExecContext(ctx, r.create()); err == nil {
			err = r.try(ctx, c)
		}
	}
	e, answered := server(err)
	switch {
	case err == nil:
		return true, d.forget(ctx, c, r)
	case !answered || e.Number == numberDeadlock || e.Number == numberLockTimeout:
		return false, d.translate(ctx, err, "trying the table of receipts")
	default: // not permitted, not possible there: the run does without
		return false, nil
	}
}

func (r receipt) create() string {
	return "CREATE TABLE IF NOT EXISTS " + r.table() + ` (
		session varbinary(255) NOT NULL,
		batch varbinary(255) NOT NULL,
		refused longtext CHARACTER SET utf8mb4,
		written_at datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
		PRIMARY KEY (session, batch)
	) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`
}

// try does everything that is done with a receipt, and leaves nothing.
func (r receipt) try(ctx context.Context, c *sql.Conn) (err error) {
	tx, err := c.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	for _, statement := range []string{r.insert(), "UPDATE " + r.table() + " SET refused = NULL" + r.where(), "DELETE FROM " + r.table() + r.where()} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// forget removes old receipts. They are read first, which waits for nobody.
func (d *destination) forget(ctx context.Context, c *sql.Conn, r receipt) error {
	rows, err := c.QueryContext(ctx, "SELECT DISTINCT session FROM "+r.table()+" WHERE written_at < NOW() - "+receiptAge) //nolint:gosec // the name is quoted
	old, err := collect(rows, err, func(r *sql.Rows) (s string, err error) {
		err = r.Scan(&s)
		return s, err
	})
	for _, session := range old {
		if err == nil {
			_, err = c.ExecContext(ctx, "DELETE FROM "+r.table()+" WHERE session = ?", session) //nolint:gosec // the name is quoted
		}
	}
	if err != nil {
		return d.translate(ctx, err, "forgetting old receipts")
	}
	return nil
}

// Resolve looks for the receipt of a batch. It first waits for a transaction that may still be writing it. Where some
// rows of the batch were refused, the receipt does not say enough for this answer.
func (d *destination) Resolve(ctx context.Context, _ connector.SyncJob, token string) (connector.Resolution, error) {
	var r receipt
	if err := json.Unmarshal([]byte(token), &r); err != nil || r.Session == "" {
		return connector.ResolvedUnknown, nil //nolint:nilerr // a token of another destination
	}
	result, taken, err := d.lookUp(ctx, r)
	switch {
	case err != nil:
		return connector.ResolvedUnknown, err
	case !taken:
		return connector.ResolvedNotTaken, nil
	case len(result.Rejected) > 0:
		return connector.ResolvedUnknown, nil
	default:
		return connector.ResolvedTaken, nil
	}
}

// lookUp returns the answer that a batch got, and whether it was taken at all.
func (d *destination) lookUp(ctx context.Context, r receipt) (connector.Result, bool, error) {
	c, err := d.acquire(ctx)
	if err != nil {
		return connector.Result{}, false, err
	}
	defer d.release(c)
	result, taken, err := r.find(ctx, c)
	if err != nil {
		return connector.Result{}, false, d.translate(ctx, err, "looking for the batch's receipt")
	}
	return result, taken, nil
}

// find tries to write the receipt: that waits for whoever is writing it, and fails where it was written.
func (r receipt) find(ctx context.Context, c *sql.Conn) (result connector.Result, taken bool, err error) {
	tx, err := c.BeginTx(ctx, nil)
	if err != nil {
		return result, false, err
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	written, err := tx.ExecContext(ctx, r.insert())
	if err != nil {
		return result, false, err
	}
	if n, err := written.RowsAffected(); err != nil || n > 0 {
		return result, false, err
	}
	var refused *string
	if err := tx.QueryRowContext(ctx, "SELECT refused FROM "+r.table()+r.where()).Scan(&refused); err != nil {
		return result, false, err
	}
	if refused != nil {
		err = json.Unmarshal([]byte(*refused), &result.Rejected)
	}
	return result, true, err
}
