package run

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/internal/kind/model"
	kindsync "github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/resource"
	"github.com/uptrace/bun"
)

// Follow makes the store react to changes of documents: a model with another primary key resets every sync
// that depends on it, in the transaction of the change (M-07), and unless the change says otherwise
// runs it (M-08). A sync that expands another array is reset as well.
func (s *Store) Follow(documents *resource.Store, enqueue Enqueuer) {
	documents.OnDelete(func(ctx context.Context, tx bun.Tx, _ resource.Scope, d resource.Document) error {
		if d.Kind != "sync" {
			return nil
		}
		return s.noteDeleted(ctx, tx, d.ID)
	})
	documents.OnUpdate(s.followExpansion)
	documents.OnUpdate(func(ctx context.Context, tx bun.Tx, u resource.Updated) error {
		before, isModel := u.Before.Spec.(*model.Spec)
		after, stillModel := u.After.Spec.(*model.Spec)
		if !isModel || !stillModel || before.PrimaryKey == after.PrimaryKey {
			return nil
		}
		syncs, err := s.syncsOf(ctx, tx, u.Scope.WorkspaceID, u.After.Slug)
		if err != nil {
			return err
		}
		for _, sync := range syncs {
			if err := s.reset(ctx, tx, u.Scope.WorkspaceID, sync.ID, u.Resync != resource.ResyncSkip); err != nil {
				return err
			}
			if u.Defer {
				continue
			}
			q := Request{WorkspaceID: u.Scope.WorkspaceID, SyncID: sync.ID, SyncSlug: sync.Slug, Trigger: TriggerModel}
			if _, err := s.TriggerIn(ctx, tx, q, enqueue); err != nil {
				return err
			}
		}
		return nil
	})
}

// followExpansion resets a sync whose rows have another key from now on, since it expands another array or none
// (SY-89). The next run sends every row.
func (s *Store) followExpansion(ctx context.Context, tx bun.Tx, u resource.Updated) error {
	before, wasSync := u.Before.Spec.(*kindsync.Spec)
	after, isSync := u.After.Spec.(*kindsync.Spec)
	if !wasSync || !isSync || before.Expand == after.Expand {
		return nil
	}
	st, err := s.state(ctx, tx, u.After.ID)
	if err != nil || st.Baseline == "" && st.ActiveRunID == 0 {
		return err
	}
	return s.reset(ctx, tx, u.Scope.WorkspaceID, u.After.ID, u.Resync != resource.ResyncSkip)
}

// syncRef names a sync.
type syncRef struct {
	ID   int64
	Slug string
}

// syncsOf lists the syncs of a model that ever synced something, or do so now. The others have nothing to
// reset: their first run sends every row.
func (s *Store) syncsOf(ctx context.Context, tx bun.Tx, workspaceID int64, slug string) ([]syncRef, error) {
	var syncs []syncRef
	err := tx.NewSelect().TableExpr("sync_state AS st").ColumnExpr("d.id, d.slug").Join("JOIN documents AS d ON d.id = st.sync_id").
		Where("d.workspace_id = ?", workspaceID).Where("st.baseline <> '' OR st.active_run_id <> 0").
		Where("d.id IN (SELECT from_id FROM document_refs WHERE workspace_id = ? AND to_kind = 'model' AND to_slug = ?)", workspaceID, slug).
		Order("d.id").Scan(ctx, &syncs)
	if err != nil {
		return nil, fmt.Errorf("looking for the syncs of the model %q: %w", slug, err)
	}
	return syncs, nil
}
