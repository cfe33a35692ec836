package postgres

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
)

// receipts is the table, beside the one that rows go to, in which a transaction notes the batch that it brought.
// Receipts go when their run ends well, and after a month otherwise.
const receipts = "millrace_receipts"

// receiptAge is how long a receipt may be asked for after a run that did not end well.
const receiptAge = "interval '30 days'"

// receipt identifies a batch at the server. It is the token of Batch.Checkpoint.
type receipt struct {
	Schema  string `json:"schema"`
	Session string `json:"session"` // random: two installations may number their runs alike
	Batch   string `json:"batch"`
}

func (r receipt) table() string { return sql.Table(query.TableRef{Schema: r.Schema, Name: receipts}) }

func (r receipt) token() string {
	text, err := json.Marshal(r)
	if err != nil { // a struct of strings
		return ""
	}
	return string(text)
}

// insert writes the receipt, or waits for the transaction that is writing it already.
func (r receipt) insert() string {
	return "INSERT INTO " + r.table() + " (session, batch) VALUES (" + sql.Text(r.Session) + ", " + sql.Text(r.Batch) + ") ON CONFLICT DO NOTHING"
}

// where finds the receipt.
func (r receipt) where() string {
	return " WHERE session = " + sql.Text(r.Session) + " AND batch = " + sql.Text(r.Batch)
}

// note adds what the batch had refused, so that the answer can be given again.
func (r receipt) note(refused []connector.Rejection) (string, error) {
	text, err := json.Marshal(refused)
	if err != nil {
		return "", err
	}
	return "UPDATE " + r.table() + " SET refused = " + sql.Text(string(text)) + r.where(), nil
}

// keepReceipts makes the table where it does not exist, and forgets old receipts. It returns false where this
// role may do neither.
func (d *destination) keepReceipts(ctx context.Context, c *pgx.Conn, schema string) (bool, error) {
	name := receipt{Schema: schema}.table()
	var usable bool
	err := c.QueryRow(ctx, `SELECT has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`, schema, receipts).Scan(&usable)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return d.makeReceipts(ctx, c, name)
	case err != nil:
		return false, d.translate(ctx, err, "looking for the table of receipts")
	case !usable:
		return false, nil
	}
	if _, err := c.Exec(ctx, "DELETE FROM "+name+" WHERE written_at < now() - "+receiptAge); err != nil {
		return false, d.translate(ctx, err, "forgetting old receipts")
	}
	return true, nil
}

func (d *destination) makeReceipts(ctx context.Context, c *pgx.Conn, name string) (bool, error) {
	_, err := c.Exec(ctx, "CREATE TABLE "+name+` (
		session text NOT NULL,
		batch text NOT NULL,
		refused text,
		written_at timestamptz NOT NULL DEFAULT now(),
		PRIMARY KEY (session, batch)
	)`)
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return true, nil
	case !errors.As(err, &pg):
		return false, d.translate(ctx, err, "making the table of receipts")
	case pg.Code == stateDuplicateTable, pg.Code == stateDuplicateObject, pg.Code == stateUnique: // another run was faster
		return true, nil
	default: // not permitted, not possible there: the run does without
		return false, nil
	}
}

// Resolve looks for the receipt of a batch. It first waits for a transaction that may still be writing it.
// Where some rows of the batch were refused, the receipt does not say enough for this answer.
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
	defer c.Release()
	result, taken, err := r.find(ctx, c.Conn())
	if err != nil {
		return connector.Result{}, false, d.translate(ctx, err, "looking for the batch's receipt")
	}
	return result, taken, nil
}

// find tries to write the receipt: that waits for whoever is writing it, and fails where it was written.
func (r receipt) find(ctx context.Context, c *pgx.Conn) (result connector.Result, taken bool, err error) {
	tx, err := c.Begin(ctx)
	if err != nil {
		return result, false, err
	}
	defer func() { err = errors.Join(err, tx.Rollback(ctx)) }()
	tag, err := tx.Exec(ctx, r.insert())
	if err != nil || tag.RowsAffected() > 0 {
		return result, false, err
	}
	var refused *string
	if err := tx.QueryRow(ctx, "SELECT refused FROM "+r.table()+r.where()).Scan(&refused); err != nil {
		return result, false, err
	}
	if refused != nil {
		err = json.Unmarshal([]byte(*refused), &result.Rejected)
	}
	return result, true, err
}
