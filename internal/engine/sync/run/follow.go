package run

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/resource"
	"github.com/uptrace/bun"
)

// Follow makes the store react to changes of documents: a model with another primary key resets every sync
// that depends on it, in the transaction of the change (M-07).
func (s *Store) Follow(documents *resource.Store) {
	documents.OnUpdate(func(ctx context.Context, tx bun.Tx, u resource.Updated) error {
		before, isModel := u.Before.Spec.(*model.Spec)
		after, stillModel := u.After.Spec.(*model.Spec)
		if !isModel || !stillModel || before.PrimaryKey == after.PrimaryKey {
			return nil
		}
		return s.resetModel(ctx, tx, u.Scope.WorkspaceID, u.After.Slug, u.Resync != resource.ResyncSkip)
	})
}

// resetModel resets the syncs of a model that ever synced something. The others have nothing to reset: their
// first run sends every row.
func (s *Store) resetModel(ctx context.Context, tx bun.Tx, workspaceID int64, slug string, backfill bool) error {
	var syncs []int64
	err := tx.NewSelect().Table("sync_state").Column("sync_id").Where("workspace_id = ?", workspaceID).Where("baseline <> '' OR active_run_id <> 0").
		Where("sync_id IN (SELECT from_id FROM document_refs WHERE workspace_id = ? AND to_kind = 'model' AND to_slug = ?)", workspaceID, slug).
		Order("sync_id").Scan(ctx, &syncs)
	if err != nil {
		return fmt.Errorf("looking for the syncs of the model %q: %w", slug, err)
	}
	for _, id := range syncs {
		if err := s.reset(ctx, tx, workspaceID, id, backfill); err != nil {
			return err
		}
	}
	return nil
}
