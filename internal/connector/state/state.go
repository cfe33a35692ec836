// Package state keeps in the database what connectors learn while they run, so that every worker knows it:
// values by document and key, changed by one worker at a time, and the tickets of people who are away at a vendor
// to allow an access. All of it is encrypted, and removed with its document.
package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/secret"
	"github.com/uptrace/bun"
)

// Store keeps the state of all documents in the table connector_state. A row's key begins with what it is.
type Store struct {
	db    *db.DB
	key   *secret.Key
	clock clock.Clock
}

// NewStore returns a store in the database. Every worker needs the same key.
func NewStore(d *db.DB, key *secret.Key, c clock.Clock) *Store {
	return &Store{db: d, key: key, clock: c}
}

// The rows of the table.
const (
	valueRow  = "value:"
	leaseRow  = "lease:"
	ticketRow = "ticket:"
)

// Times of changes. A worker that died keeps the others waiting until its lease is over; changeTime leaves a
// living one a margin to store what it got.
const (
	leaseTime  = 60 * time.Second
	changeTime = 45 * time.Second
	firstWait  = 20 * time.Millisecond
	longWait   = 500 * time.Millisecond
)

// Of returns the state of one document. A nil store has none.
func (s *Store) Of(workspaceID int64, kind string, documentID int64) connector.State {
	if s == nil || documentID == 0 {
		return nil
	}
	return of{s, workspaceID, kind, documentID}
}

// Forget removes the state of a document that is deleted.
func (s *Store) Forget(ctx context.Context, tx bun.IDB, workspaceID int64, kind string, documentID int64) error {
	_, err := tx.NewDelete().Table("connector_state").Where("workspace_id = ?", workspaceID).
		Where("kind = ?", kind).Where("document_id = ?", documentID).Exec(ctx)
	return failed(err, "removing what was learned of the connection")
}

// of is one document's state.
type of struct {
	*Store

	workspaceID int64
	kind        string
	documentID  int64
}

var _ connector.State = of{}

// Load returns what is known under the key, and whether anything is.
func (o of) Load(ctx context.Context, key string) (value string, found bool, err error) {
	sealed, found, err := o.read(ctx, valueRow+key)
	if err != nil || !found {
		return "", false, err
	}
	value, err = o.key.Open(o.purpose(key), sealed)
	return value, err == nil, err
}

// Update changes what is known under the key. A lease keeps other workers from changing it at the same time, and
// what was read must still be there when the change is stored: a worker that stood still beyond its lease then
// finds the other one's value and changes that.
func (o of) Update(ctx context.Context, key string, change func(context.Context, string) (string, error)) (string, error) {
	for {
		next, stored, err := o.tryUpdate(ctx, key, change)
		if err != nil || stored {
			return next, err
		}
	}
}

func (o of) tryUpdate(ctx context.Context, key string, change func(context.Context, string) (string, error)) (next string, stored bool, err error) {
	owner := uuid.NewString()
	defer func() { // also where the answer to the taking was lost
		if _, left := o.remove(context.WithoutCancel(ctx), leaseRow+key, owner); err == nil {
			err = left
		}
	}()
	if err := o.lease(ctx, leaseRow+key, owner); err != nil {
		return "", false, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), changeTime)
	defer cancel()
	before, found, err := o.read(ctx, valueRow+key)
	if err != nil {
		return "", false, err
	}
	old := ""
	if found {
		if old, err = o.key.Open(o.purpose(key), before); err != nil {
			return "", false, err
		}
	}
	if next, err = change(ctx, old); err != nil || next == old {
		return next, err == nil, err
	}
	sealed, err := o.key.Seal(o.purpose(key), next)
	if err != nil {
		return "", false, err
	}
	stored, err = o.swap(context.WithoutCancel(ctx), valueRow+key, before, sealed)
	return next, stored, err
}

// purpose ties what is encrypted to its place.
func (o of) purpose(key string) string {
	return fmt.Sprintf("state %q of the %s %d of workspace %d", key, o.kind, o.documentID, o.workspaceID)
}

func (o of) read(ctx context.Context, row string) (text string, found bool, err error) {
	err = o.db.NewSelect().Table("connector_state").Column("value").Where("workspace_id = ?", o.workspaceID).
		Where("kind = ?", o.kind).Where("document_id = ?", o.documentID).Where("key = ?", row).Scan(ctx, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return text, err == nil, failed(err, "reading what is known of the connection")
}

// swap puts a value where before was read, or where nothing was.
func (o of) swap(ctx context.Context, row, before, next string) (bool, error) {
	now := o.clock.Now().UnixMilli()
	if before == "" {
		return changed(o.db.NewRaw(`INSERT INTO connector_state (workspace_id, kind, document_id, key, value, updated_at)
			VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`, o.workspaceID, o.kind, o.documentID, row, next, now).Exec(ctx))
	}
	return changed(o.db.NewRaw(`UPDATE connector_state SET value = ?, updated_at = ?
		WHERE workspace_id = ? AND kind = ? AND document_id = ? AND key = ? AND value = ?`,
		next, now, o.workspaceID, o.kind, o.documentID, row, before).Exec(ctx))
}

// lease waits until no other worker holds the row's lease, and takes it.
func (o of) lease(ctx context.Context, row, owner string) error {
	for wait := firstWait; ; wait = min(2*wait, longWait) {
		taken, err := o.take(ctx, row, owner)
		switch {
		case taken:
			return nil
		case ctx.Err() != nil: // databases have other words for it
		case err != nil:
			return err
		}
		select {
		case <-ctx.Done():
			return failed(ctx.Err(), "waiting for another worker that is using the connection")
		case <-time.After(wait):
		}
	}
}

// take takes a lease that is free or over. The row's time is that of the taking.
func (o of) take(ctx context.Context, row, owner string) (bool, error) {
	now := o.clock.Now()
	return changed(o.db.NewRaw(`INSERT INTO connector_state (workspace_id, kind, document_id, key, value, updated_at)
		VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (workspace_id, kind, document_id, key)
		DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at WHERE connector_state.updated_at <= ?`,
		o.workspaceID, o.kind, o.documentID, row, owner, now.UnixMilli(), now.Add(-leaseTime).UnixMilli()).Exec(ctx))
}

// remove deletes a row that holds the text, and reports whether there was one.
func (o of) remove(ctx context.Context, row, text string) (bool, error) {
	return changed(o.db.NewDelete().Table("connector_state").Where("workspace_id = ?", o.workspaceID).Where("kind = ?", o.kind).
		Where("document_id = ?", o.documentID).Where("key = ?", row).Where("value = ?", text).Exec(ctx))
}

func changed(r sql.Result, err error) (bool, error) {
	if err != nil {
		return false, failed(err, "keeping what was learned of the connection")
	}
	n, err := r.RowsAffected()
	return n > 0, failed(err, "keeping what was learned of the connection")
}

// failed gives trouble of the database a code: nothing was done, and trying again may help.
func failed(err error, doing string) error {
	if err == nil {
		return nil
	}
	var known *fault.Error
	if err = db.Explain(err); errors.As(err, &known) {
		return err
	}
	return fault.Wrap(err, fault.CodeStorage, "%s", doing)
}
