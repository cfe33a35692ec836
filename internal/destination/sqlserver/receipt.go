package sqlserver

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

// receipt identifies a batch at the server. It is the token of Batch.Checkpoint.
type receipt struct {
	Schema  string `json:"schema"`
	Session string `json:"session"` // random: two installations may number their runs alike
	Batch   string `json:"batch"`
}

func (r receipt) table() string {
	return dialect.Table(query.TableRef{Schema: r.Schema, Name: receipts})
}

func (r receipt) token() string {
	text, err := json.Marshal(r)
	if err != nil { // a struct of strings
		return ""
	}
	return string(text)
}

// insert writes the receipt, or waits for the transaction that is writing it already. Nothing is written where it is
// there. The second parameter counts the rows of the batch that were refused.
func (r receipt) insert() string {
	return "INSERT INTO " + r.table() + " (session, batch, refused) SELECT @p1, @p2, @p3 WHERE NOT EXISTS (SELECT 1 FROM " + r.table() +
		" WITH (UPDLOCK, SERIALIZABLE) WHERE session = CONVERT(VARCHAR(64), @p1) AND batch = CONVERT(VARCHAR(255), @p2))"
}

func (r receipt) create() string {
	return "CREATE TABLE " + r.table() + " (session VARCHAR(64) COLLATE Latin1_General_BIN2 NOT NULL, batch VARCHAR(255) COLLATE Latin1_General_BIN2 NOT NULL, " +
		"refused INT NOT NULL, written_at DATETIME2 NOT NULL DEFAULT SYSUTCDATETIME(), PRIMARY KEY (session, batch))"
}

// keepReceipts makes the table where it does not exist, and forgets old receipts. It returns false where this login may
// not keep them.
func (d *destination) keepReceipts(ctx context.Context, c *sql.Conn, schema string) (bool, error) {
	r := receipt{Schema: schema, Session: rand.Text(), Batch: "try"}
	err := r.try(ctx, c)
	if e, answered := answer(err); answered && e.Number == numberNoObject {
		_, err = c.ExecContext(ctx, r.create())
		if e, answered := answer(err); err == nil || answered && e.Number == numberExists { // another run was faster
			err = r.try(ctx, c)
		}
	}
	e, answered := answer(err)
	switch {
	case err == nil:
		return true, nil
	case !answered || e.Number == numberDeadlock || e.Number == numberLockWait:
		return false, d.translate(ctx, err, "trying the table of receipts")
	default: // not permitted, not possible there: the run does without
		return false, nil
	}
}

// try does everything that is done with a receipt, and leaves nothing but what is not old.
func (r receipt) try(ctx context.Context, c *sql.Conn) error {
	if err := r.tried(ctx, c); err != nil {
		return errors.Join(err, rollback(ctx, c))
	}
	_, err := c.ExecContext(ctx, "COMMIT TRANSACTION")
	return err
}

func (r receipt) tried(ctx context.Context, c *sql.Conn) error {
	if _, err := c.ExecContext(ctx, "BEGIN TRANSACTION"); err != nil {
		return err
	}
	if _, err := c.ExecContext(ctx, r.insert(), r.Session, r.Batch, 0); err != nil {
		return err
	}
	_, err := c.ExecContext(ctx, "DELETE FROM "+r.table()+" WHERE session = CONVERT(VARCHAR(64), @p1)", r.Session) //nolint:gosec // the name is quoted
	return err
}

// forget removes old receipts, and passes over those that a transaction is writing.
func (r receipt) forget() string {
	return "DELETE FROM " + r.table() + " WITH (READPAST) WHERE written_at < DATEADD(DAY, -30, SYSUTCDATETIME())"
}

// Resolve looks for the receipt of a batch. It first waits for a transaction that may still be writing it. Where some
// rows of the batch were refused, the receipt does not say enough for this answer.
func (d *destination) Resolve(ctx context.Context, _ connector.SyncJob, token string) (connector.Resolution, error) {
	var r receipt
	if err := json.Unmarshal([]byte(token), &r); err != nil || r.Session == "" {
		return connector.ResolvedUnknown, nil //nolint:nilerr // a token of another destination
	}
	refused, taken, err := d.lookUp(ctx, r)
	switch {
	case err != nil:
		return connector.ResolvedUnknown, err
	case !taken:
		return connector.ResolvedNotTaken, nil
	case refused > 0:
		return connector.ResolvedUnknown, nil
	default:
		return connector.ResolvedTaken, nil
	}
}

// lookUp returns whether a batch was taken, and how many of its rows were refused.
func (d *destination) lookUp(ctx context.Context, r receipt) (refused int, taken bool, err error) {
	c, err := d.acquire(ctx)
	if err != nil {
		return 0, false, err
	}
	defer d.release(c)
	err = c.QueryRowContext(ctx, "SELECT refused FROM "+r.table()+" WITH (UPDLOCK, SERIALIZABLE) WHERE session = CONVERT(VARCHAR(64), @p1) AND batch = CONVERT(VARCHAR(255), @p2)", r.Session, r.Batch).Scan(&refused)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, false, nil
	case err != nil:
		return 0, false, d.translate(ctx, err, "looking for the batch's receipt")
	default:
		return refused, true, nil
	}
}
