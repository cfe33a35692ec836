package run

import (
	"context"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/plan/lightning"
	"github.com/millrace/millrace/internal/fault"
)

// orphanTime is how long the tables of a deleted sync are tried to be dropped: its warehouse may be away, or its
// source be deleted as well.
const orphanTime = 7 * 24 * time.Hour

// dropTables drops what a deleted sync left in its warehouse (SY-49), and reports whether no more needs to be done.
func (e *Engine) dropTables(ctx context.Context, st syncState) bool {
	if e.Sources == nil || st.LastRunID == 0 {
		return true
	}
	r, err := e.Store.Get(ctx, st.WorkspaceID, st.LastRunID)
	if err == nil && r.Pinned.Engine == connector.EngineLightning {
		err = e.dropTablesOf(ctx, st, r)
	}
	if err == nil || fault.Is(err, fault.CodeNotFound) { // nobody knows the warehouse any more
		return true
	}
	old := e.Clock.Now().Sub(clock.FromMillis(st.DeletedAt)) > orphanTime
	if old {
		e.Log.Warn("giving up the tables of a deleted sync", "sync", st.SyncID, "code", fault.As(err).Code)
	}
	return old
}

func (e *Engine) dropTablesOf(ctx context.Context, st syncState, r Run) error {
	m, spec, err := e.Sources.Source(ctx, st.WorkspaceID, r.Pinned.Source.ID)
	if err != nil {
		return err
	}
	src, err := e.OpenSource(ctx, st.WorkspaceID, m, spec)
	if err != nil {
		return err
	}
	defer src.Close() //nolint:errcheck // nothing is read any more
	w, ok := src.(connector.Warehouse)
	if !ok {
		return nil
	}
	instance, err := e.Store.Instance(ctx)
	if err != nil {
		return err
	}
	of := lightning.Run{Instance: instance, Workspace: st.WorkspaceID, Sync: st.SyncID, ID: st.LastRunID, Epoch: st.Epoch}
	return lightning.New(w, of, "deleted sync").Forget(ctx)
}
