// Package quota counts what vendors allow with one credential, so that all runs that use it keep within the limits
// together, whichever worker they run in. What is counted lies in the database; a run asks for requests in blocks,
// not one by one.
package quota

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/secret"
	"github.com/uptrace/bun"
)

// Store counts in the table quotas.
type Store struct {
	db    *db.DB
	key   *secret.Key
	clock clock.Clock
}

// NewStore returns a store in the database. Every worker needs the same key, and clocks that agree.
func NewStore(d *db.DB, key *secret.Key, c clock.Clock) *Store {
	return &Store{db: d, key: key, clock: c}
}

// Of returns the account of a credential: whatever tells it from others, secrets included. The database has a
// keyed digest of it.
func (s *Store) Of(workspaceID int64, credential string) (*Account, error) {
	key, err := s.key.Derive(fmt.Sprintf("credentials of workspace %d", workspaceID))
	if err != nil {
		return nil, err
	}
	digest := hmac.New(sha256.New, key)
	digest.Write([]byte(credential))
	return &Account{s, workspaceID, hex.EncodeToString(digest.Sum(nil))}, nil
}

// Account is what is counted for one credential. Its methods must not be called within a transaction.
type Account struct {
	store       *Store
	workspaceID int64
	credential  string
}

// Take grants requests. What is not limited is granted without a write to the database.
func (a *Account) Take(ctx context.Context, q Ask) (g Grant, err error) {
	now := a.store.clock.Now()
	if len(q.Limits) == 0 {
		l, _, err := a.read(ctx, a.store.db, q.Class, false)
		return l.take(now, q), err
	}
	err = a.change(ctx, q.Class, func(l *ledger) { g = l.take(now, q) })
	return g, err
}

// Hold keeps all runs from beginning a request of the class before a time: the vendor asked one of them to wait.
func (a *Account) Hold(ctx context.Context, class string, until time.Time) error {
	return a.change(ctx, class, func(l *ledger) { l.hold(a.store.clock.Now(), until) })
}

// Leave gives back what a run has of a class.
func (a *Account) Leave(ctx context.Context, class, owner string, unused Grant) error {
	return a.change(ctx, class, func(l *ledger) { l.leave(owner, unused) })
}

// row is a row of quotas.
type row struct {
	bun.BaseModel `bun:"table:quotas,alias:q"`

	WorkspaceID int64  `bun:"workspace_id,pk"`
	Credential  string `bun:"credential,pk"`
	Class       string `bun:"class,pk"`
	Ledger      string `bun:"ledger"`
	ExpiresAt   int64  `bun:"expires_at"` // milliseconds since 1970
}

// read returns the ledger of a class; there is an empty one where nothing was counted.
func (a *Account) read(ctx context.Context, tx bun.IDB, class string, lock bool) (*ledger, bool, error) {
	r := row{WorkspaceID: a.workspaceID, Credential: a.credential, Class: class}
	q := tx.NewSelect().Model(&r).WherePK()
	if lock && a.store.db.IsPostgres() {
		q.For("UPDATE")
	}
	l := &ledger{}
	err := q.Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return l, false, nil
	}
	if err != nil {
		return l, false, fmt.Errorf("reading what the limits of a destination allow: %w", err)
	}
	if err := json.Unmarshal([]byte(r.Ledger), l); err != nil {
		return l, true, fmt.Errorf("reading what the limits of a destination allow: %w", err)
	}
	return l, true, nil
}

// change changes a ledger; one worker at a time does.
func (a *Account) change(ctx context.Context, class string, f func(l *ledger)) error {
	return a.store.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		l, found, err := a.read(ctx, tx, class, true)
		if err == nil && !found {
			fresh := &row{WorkspaceID: a.workspaceID, Credential: a.credential, Class: class, Ledger: "{}"}
			if _, err = tx.NewInsert().Model(fresh).On("CONFLICT DO NOTHING").Exec(ctx); err == nil {
				l, _, err = a.read(ctx, tx, class, true)
			}
		}
		if err != nil {
			return err
		}
		f(l)
		text, err := json.Marshal(l)
		if err != nil {
			return fmt.Errorf("encoding what the limits of a destination allow: %w", err)
		}
		_, err = tx.NewUpdate().Model(&row{
			WorkspaceID: a.workspaceID, Credential: a.credential, Class: class, Ledger: string(text), ExpiresAt: l.over(),
		}).WherePK().Exec(ctx)
		if err != nil {
			return fmt.Errorf("noting what the limits of a destination allow: %w", err)
		}
		return nil
	})
}

// Expire forgets what does not matter any more.
func (s *Store) Expire(ctx context.Context) error {
	_, err := s.db.NewDelete().Table("quotas").Where("expires_at < ?", s.clock.Now().UnixMilli()).Exec(ctx)
	if err != nil {
		return fmt.Errorf("forgetting old limits: %w", err)
	}
	return nil
}
