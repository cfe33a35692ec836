package storage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/internal/blob"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/storage"
)

// Switch is one move of a workspace's objects.
type Switch struct {
	ID         int64
	Slug       string // of the storage; empty: the server's own
	From, To   string // labels
	State      State
	Actor      string
	Abandon    bool
	Cancelled  bool // a person wants it to stop
	Reverting  bool // the new place did not work, or a person stopped it: the old one is in use
	Running    int64
	Failure    *Failure
	CreatedAt  time.Time
	UpdatedAt  time.Time
	FinishedAt time.Time // zero while it is under way
}

func (row *switchRow) view() (Switch, error) {
	s := Switch{
		ID: row.ID, Slug: row.Slug, From: row.FromLabel, To: row.Label, State: row.State, Actor: row.Actor, Abandon: row.Abandon, Cancelled: row.Cancelled,
		Reverting: row.ToPlace == 0 && row.State == Resuming, Running: row.Running, CreatedAt: clock.FromMillis(row.CreatedAt), UpdatedAt: clock.FromMillis(row.UpdatedAt), FinishedAt: clock.FromMillis(row.FinishedAt),
	}
	if row.Error == "" {
		return s, nil
	}
	s.Failure = &Failure{}
	if err := json.Unmarshal([]byte(row.Error), s.Failure); err != nil {
		return s, fmt.Errorf("reading switch %d: %w", row.ID, err)
	}
	return s, nil
}

// Get returns a switch of a workspace.
func (e *Engine) Get(ctx context.Context, workspaceID, id int64) (Switch, error) {
	var row switchRow
	err := e.DB.NewSelect().Model(&row).Where("id = ?", id).Where("workspace_id = ?", workspaceID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Switch{}, fault.New(fault.CodeNotFound, "there is no switch %d", id)
	}
	if err != nil {
		return Switch{}, fmt.Errorf("reading switch %d: %w", id, err)
	}
	return row.view()
}

// Used is a place that a workspace's objects lie in, or lay in.
type Used struct {
	ID     int64
	Slug   string // of the storage; empty: the server's own
	Type   string // empty: the server's own
	Label  string
	Since  time.Time // zero: from the beginning
	Until  time.Time // zero: it is in use
	HasRun bool      // a run used it
	Expiry time.Duration
	Locked bool
}

// Overview is what is known of a workspace's storage.
type Overview struct {
	Current Used
	Server  string // label of the server's own storage
	Expiry  time.Duration
	History []Used  // former places, the newest first
	Last    *Switch // the newest switch; nil: there was none
}

// Overview returns what is known of a workspace's storage.
func (e *Engine) Overview(ctx context.Context, workspaceID int64, workspaceSlug string) (Overview, error) {
	o := Overview{Server: e.Server.Label, Expiry: e.Server.Expiry}
	row, err := e.current(ctx, e.DB, workspaceID)
	if err != nil {
		return o, err
	}
	o.Current = e.usedOf(row, workspaceSlug)
	var rows []placeRow
	err = e.DB.NewSelect().Model(&rows).Where("workspace_id = ?", workspaceID).Where("until > 0").OrderExpr("until DESC").Limit(50).Scan(ctx)
	if err != nil {
		return o, fmt.Errorf("reading where the objects of workspace %d were: %w", workspaceID, err)
	}
	for _, r := range rows {
		o.History = append(o.History, e.usedOf(r, workspaceSlug))
	}
	var last switchRow
	err = e.DB.NewSelect().Model(&last).Where("workspace_id = ?", workspaceID).OrderExpr("id DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return o, nil
	}
	if err != nil {
		return o, fmt.Errorf("reading the last switch: %w", err)
	}
	s, err := last.view()
	o.Last = &s
	return o, err
}

func (e *Engine) usedOf(row placeRow, workspaceSlug string) Used {
	u := Used{
		ID: row.ID, Slug: row.Slug, Type: row.Type, Label: row.Label, Since: clock.FromMillis(row.Since), Until: clock.FromMillis(row.Until),
		HasRun: row.UsedAt != 0, Locked: row.Until == 0 && e.Locked(row.DocumentID, row.UsedAt != 0, workspaceSlug),
	}
	if row.DocumentID == 0 {
		u.Expiry = e.Server.Expiry
	}
	return u
}

// Test tries a place that is being described, with its secrets in place.
func (e *Engine) Test(ctx context.Context, workspaceID int64, spec storage.Spec) (err error) {
	if err := storage.Check(e.Types, spec); err != nil {
		return err
	}
	p, err := e.placeOf(ctx, workspaceID, spec)
	if err != nil {
		return err
	}
	b, err := blob.OpenPlace(ctx, p, e.Reach, e.Key)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	return b.Probe(ctx, workspaceID)
}
