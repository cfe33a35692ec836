package run

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
)

// Place is where the objects of a workspace lie now.
type Place struct {
	ID     int64         // another one after each switch of the storage; 0 is the server's own, from the beginning
	Expiry time.Duration // what no run has used for longer is removed there; 0 means that nothing is
}

// Places knows where the objects of each workspace lie. A place does not change while a run of the workspace is
// under way.
type Places interface {
	// Place returns where a workspace's objects lie, and notes that a run uses it.
	Place(ctx context.Context, workspaceID int64) (Place, error)
	// Earlier returns what a workspace keeps in one of its places, also in one that it used before. A place that nobody can find any more is
	// fault.CodeNotFound.
	Earlier(ctx context.Context, workspaceID, placeID int64) (Stored, error)
}

// Stored is what was stored. A missing object is fault.CodeNotFound.
type Stored interface {
	Download(ctx context.Context, workspaceID int64, key, localPath string) error
}

// place returns where the objects of a workspace lie; the zero place where there is but one.
func (e *Engine) place(ctx context.Context, workspaceID int64) (Place, error) {
	if e.Places == nil {
		return Place{}, nil
	}
	return e.Places.Place(ctx, workspaceID)
}

// stored returns where the objects of a run lie, by the number of its place: the workspace may have left that place, or
// leave it while they are read.
func (e *Engine) stored(ctx context.Context, r Run) (Stored, error) {
	if e.Places == nil {
		return e.Storage, nil
	}
	at, err := e.Places.Earlier(ctx, r.WorkspaceID, r.Pinned.Place)
	if err != nil {
		return nil, gone(r.ID, err)
	}
	return kept{at, r.ID}, nil
}

// kept is what a run kept in its place.
type kept struct {
	Stored

	runID int64
}

// Download brings an object to a local file.
func (s kept) Download(ctx context.Context, workspaceID int64, key, localPath string) error {
	return gone(s.runID, s.Stored.Download(ctx, workspaceID, key, localPath))
}

// gone says why something is not found.
func gone(runID int64, err error) error {
	if !fault.Is(err, fault.CodeNotFound) {
		return err
	}
	return fault.New(fault.CodeNotFound, "the rows and requests of run %d are no longer in the storage that it used", runID).
		WithSuggestion("What earlier runs did does not move with the storage; only their numbers stay.")
}

var errLost = fault.New(fault.CodeRunMoved, "the storage was given up before the run was settled")

// markLost returns the baseline of a sync of which it is not known any more what it has sent.
func markLost(text string) (string, error) {
	b, err := readBaseline(text)
	if err != nil {
		return "", err
	}
	if b == nil {
		b = &baseline{}
	}
	b.Lost = true
	lost, err := json.Marshal(b)
	if err != nil {
		return "", fmt.Errorf("encoding the baseline: %w", err)
	}
	return string(lost), nil
}

// BaselineState is what has become of what a sync remembers.
type BaselineState string

// The states. Syncs that stand as moved, expired or lost stop and ask: nothing is sent again by itself.
const (
	BaselineNone    BaselineState = "none"    // nothing is remembered: the sync never ran, or its mode keeps nothing
	BaselineReady   BaselineState = "ready"   // the next run compares with it
	BaselineMoved   BaselineState = "moved"   // it lies in storage that was used before
	BaselineExpired BaselineState = "expired" // no run used it for too long
	BaselineLost    BaselineState = "lost"    // a run was given up before it was settled
)

// state says what has become of a baseline, seen from a place. One that lies in the warehouse does not depend
// on the place.
func (b *baseline) state(placeID int64) BaselineState {
	switch {
	case b == nil:
		return BaselineNone
	case b.Lost:
		return BaselineLost
	case !b.Expired.IsZero():
		return BaselineExpired
	case !b.inWarehouse() && b.Place != placeID:
		return BaselineMoved
	default:
		return BaselineReady
	}
}

// checkState refuses to compare with what is not there any more.
func (b *baseline) checkState(placeID int64) error {
	switch b.state(placeID) {
	case BaselineMoved:
		return fault.New(fault.CodeRunMoved, "what this sync has sent so far is noted in the storage that the workspace used before")
	case BaselineLost:
		return fault.New(fault.CodeRunMoved, "what this sync has sent so far is not known: its last run was given up with the storage")
	case BaselineExpired:
		return fault.New(fault.CodeRunExpired, "no run used what was noted of this sync for too long, and it was removed on %s", b.Expired.Format(time.DateOnly))
	case BaselineNone, BaselineReady:
	}
	return nil
}

// SyncBaseline is what has become of what one sync remembers.
type SyncBaseline struct {
	SyncID  int64
	State   BaselineState
	Settled time.Time // when the baseline was settled; zero where there is none
	Running bool
	Moves   bool // after a switch of the storage the sync would have to ask
}

// Baselines returns how each sync of a workspace that ever ran stands, seen from a place.
func (s *Store) Baselines(ctx context.Context, workspaceID, placeID int64) (map[int64]SyncBaseline, error) {
	var rows []syncState
	err := s.db.NewSelect().Model(&rows).Where("workspace_id = ?", workspaceID).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the state of syncs: %w", err)
	}
	all := make(map[int64]SyncBaseline, len(rows))
	for _, st := range rows {
		b, err := readBaseline(st.Baseline)
		if err != nil {
			return nil, err
		}
		one := SyncBaseline{SyncID: st.SyncID, State: b.state(placeID), Running: st.ActiveRunID != 0}
		if b != nil {
			one.Settled, one.Moves = b.Settled, one.State == BaselineReady && !b.inWarehouse()
		}
		all[st.SyncID] = one
	}
	return all, nil
}

// baselinePage is how many baselines are looked at at a time.
const baselinePage = 100

// expireBaselines removes baselines that no run used for longer than their place keeps them, and those of syncs
// that were deleted. What it removes is marked first, so that a death in between leaves objects that the next call
// removes, and never a baseline that is thought to be there.
func (e *Engine) expireBaselines(ctx context.Context) error {
	if err := e.forgetDeleted(ctx); err != nil {
		return err
	}
	if e.BaselineExpiry <= 0 {
		return nil
	}
	for last := int64(0); ; {
		var rows []syncState
		err := e.Store.db.NewSelect().Model(&rows).Where("sync_id > ?", last).Where("baseline <> ''").Where("active_run_id = 0").
			Where("updated_at < ?", clock.Millis(e.Clock.Now().Add(-e.BaselineExpiry))).Order("sync_id").Limit(baselinePage).Scan(ctx)
		if err != nil {
			return fmt.Errorf("looking for expired baselines: %w", err)
		}
		for _, st := range rows {
			if err := e.expireBaseline(ctx, st); err != nil {
				return err
			}
			last = st.SyncID
		}
		if len(rows) < baselinePage {
			return nil
		}
	}
}

func (e *Engine) expireBaseline(ctx context.Context, st syncState) error {
	b, err := readBaseline(st.Baseline)
	if err != nil || b == nil || b.Prefix == "" || b.inWarehouse() {
		return err
	}
	place, err := e.place(ctx, st.WorkspaceID)
	if err != nil || place.Expiry == 0 || place.ID != b.Place {
		return err
	}
	prefix := b.Prefix
	if b.Expired.IsZero() {
		b.Expired = e.Clock.Now()
		if st.Baseline, err = e.Store.replaceBaseline(ctx, st, b); err != nil || st.Baseline == "" {
			return err
		}
	}
	if err := e.Storage.DeletePrefix(ctx, st.WorkspaceID, prefix+"/"); err != nil {
		return err
	}
	b.Prefix = ""
	_, err = e.Store.replaceBaseline(ctx, st, b)
	return err
}

// replaceBaseline writes a baseline where it is still the one that was read and no run is under way. It returns
// the text that is stored now, empty where somebody else was faster.
func (s *Store) replaceBaseline(ctx context.Context, st syncState, b *baseline) (string, error) {
	text, err := json.Marshal(b)
	if err != nil {
		return "", fmt.Errorf("encoding the baseline: %w", err)
	}
	res, err := s.db.NewUpdate().Table("sync_state").Set("baseline = ?", string(text)).Where("sync_id = ?", st.SyncID).
		Where("baseline = ?", st.Baseline).Where("active_run_id = 0").Exec(ctx)
	if err != nil {
		return "", fmt.Errorf("changing the baseline of sync %d: %w", st.SyncID, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return "", err
	}
	return string(text), nil
}

// noteDeleted marks a sync that was deleted, so that what is remembered of it is removed.
func (s *Store) noteDeleted(ctx context.Context, tx bun.Tx, syncID int64) error {
	_, err := tx.NewUpdate().Table("sync_state").Set("deleted_at = ?", clock.Millis(s.clock.Now())).Where("sync_id = ?", syncID).Exec(ctx)
	if err != nil {
		return fmt.Errorf("noting the deletion of sync %d: %w", syncID, err)
	}
	return nil
}

// forgetDeleted removes what is remembered of syncs that were deleted. Their logs expire by themselves.
func (e *Engine) forgetDeleted(ctx context.Context) error {
	var rows []syncState
	err := e.Store.db.NewSelect().Model(&rows).Where("deleted_at > 0").Where("active_run_id = 0").Limit(baselinePage).Scan(ctx)
	if err != nil {
		return fmt.Errorf("looking for deleted syncs: %w", err)
	}
	for _, st := range rows {
		prefix := fmt.Sprintf("syncs/%d/baseline/", st.SyncID)
		if err := e.Storage.DeletePrefix(ctx, st.WorkspaceID, prefix); err != nil {
			return err
		}
		if !e.dropTables(ctx, st) {
			continue
		}
		_, err := e.Store.db.NewDelete().Table("sync_state").Where("sync_id = ?", st.SyncID).Where("active_run_id = 0").Exec(ctx)
		if err != nil {
			return fmt.Errorf("forgetting sync %d: %w", st.SyncID, err)
		}
	}
	return nil
}
