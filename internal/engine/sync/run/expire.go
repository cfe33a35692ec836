package run

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/internal/clock"
	"github.com/uptrace/bun"
)

// litter notes, before the run's first object, that it has some. What is left of them is removed when the run's log is
// over, also of a run that died before anything pointed to them (R6).
func (x *execution) litter() error {
	return x.lease.guard(x.ctx, func(ctx context.Context, tx bun.Tx, _ syncState) error {
		_, err := tx.NewUpdate().Table("sync_runs").Set("litter = ?", true).Where("id = ?", x.lease.run.ID).Exec(ctx)
		if err != nil {
			return fmt.Errorf("noting that run %d has objects: %w", x.lease.run.ID, err)
		}
		return nil
	})
}

// expirePage is how many runs are looked at at a time.
const expirePage = 100

// Expire removes the objects of runs whose time is over: plans, request logs, and baselines but for the one that the
// sync compares with. It returns how many runs it cleaned.
func (e *Engine) Expire(ctx context.Context) (int, error) {
	if err := e.expireBaselines(ctx); err != nil {
		return 0, err
	}
	cleaned := 0
	for after := int64(0); ; {
		rows, err := e.Store.expired(ctx, clock.Millis(e.Clock.Now().Add(-e.Retention)), after)
		if err != nil {
			return cleaned, err
		}
		for _, row := range rows {
			after = row.ID
			did, err := e.expire(ctx, row)
			if err != nil {
				return cleaned, err
			}
			if did {
				cleaned++
			}
		}
		if len(rows) < expirePage {
			return cleaned, nil
		}
	}
}

// expiredRow is a run whose objects are over.
type expiredRow struct {
	ID          int64  `bun:"id"`
	WorkspaceID int64  `bun:"workspace_id"`
	SyncID      int64  `bun:"sync_id"`
	Logged      bool   `bun:"logged"`   // its log was not removed yet
	Baseline    string `bun:"baseline"` // the sync's own
}

// expired lists runs that have objects and ended before a time. What is still to be settled keeps its plan (R4).
func (s *Store) expired(ctx context.Context, before, after int64) ([]expiredRow, error) {
	var rows []expiredRow
	err := s.db.NewSelect().TableExpr("sync_runs AS r").ColumnExpr("r.id, r.workspace_id, r.sync_id, coalesce(s.baseline, '') AS baseline").
		ColumnExpr("EXISTS (SELECT 1 FROM run_segments AS g WHERE g.run_id = r.id) AS logged").
		Join("LEFT JOIN sync_state AS s ON s.sync_id = r.sync_id").
		Where("r.litter").Where("r.finished_at > 0").Where("r.finished_at < ?", before).Where("r.id > ?", after).
		Order("r.id").Limit(expirePage).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("looking for expired logs: %w", err)
	}
	return rows, nil
}

// expire removes what is over of one run, and reports whether there was anything. The sync's own baseline stays, and
// is looked at again.
func (e *Engine) expire(ctx context.Context, row expiredRow) (bool, error) {
	r := Run{ID: row.ID, SyncID: row.SyncID}
	current, err := readBaseline(row.Baseline)
	if err != nil {
		return false, err
	}
	compared := current != nil && current.Prefix == r.baselinePrefix()
	if compared && !row.Logged {
		return false, nil
	}
	if err := e.Storage.DeletePrefix(ctx, row.WorkspaceID, r.logPrefix()+"/"); err != nil {
		return false, err
	}
	if !compared {
		if err := e.Storage.DeletePrefix(ctx, row.WorkspaceID, r.baselinePrefix()+"/"); err != nil {
			return false, err
		}
	}
	return true, e.Store.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewDelete().Table("run_segments").Where("run_id = ?", r.ID).Exec(ctx); err != nil {
			return fmt.Errorf("removing the log of run %d: %w", r.ID, err)
		}
		if _, err := tx.NewUpdate().Table("sync_runs").Set("litter = ?", compared).Where("id = ?", r.ID).Exec(ctx); err != nil {
			return fmt.Errorf("noting that run %d has no objects: %w", r.ID, err)
		}
		return nil
	})
}
