package run

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// Newest returns the newest run of every sync of a workspace that ever ran, by the sync's number.
func (s *Store) Newest(ctx context.Context, workspaceID int64) (map[int64]Run, error) {
	return s.newest(ctx, workspaceID, bun.SafeQuery("d.kind = 'sync'"))
}

// NewestOf is Newest for some syncs.
func (s *Store) NewestOf(ctx context.Context, workspaceID int64, syncIDs []int64) (map[int64]Run, error) {
	return s.newest(ctx, workspaceID, bun.SafeQuery("d.id IN (?)", bun.List(syncIDs)))
}

func (s *Store) newest(ctx context.Context, workspaceID int64, which schema.QueryWithArgs) (map[int64]Run, error) {
	var rows []runRow
	err := s.db.NewSelect().Model(&rows).Where("r.workspace_id = ?", workspaceID).
		Where(`r.id IN (SELECT (SELECT max(n.id) FROM sync_runs AS n WHERE n.workspace_id = d.workspace_id AND n.sync_id = d.id)
			FROM documents AS d WHERE d.workspace_id = ? AND ?)`, workspaceID, which).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the newest runs: %w", err)
	}
	runs := make(map[int64]Run, len(rows))
	for _, row := range rows {
		if runs[row.SyncID], err = row.run(); err != nil {
			return nil, err
		}
	}
	return runs, nil
}
