package run

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/delivery"
	"github.com/uptrace/bun"
)

// appender writes a run's journal frames to the database, under the lease's epoch (R2). One statement
// inserts the frame only where the epoch still holds.
type appender struct {
	lease *lease
	seq   int64
}

var _ delivery.Appender = (*appender)(nil)

// Append returns when the frame is committed.
func (a *appender) Append(ctx context.Context, frame []byte) error {
	r := a.lease.run
	a.seq++
	query := `INSERT INTO run_journal (run_id, seq, epoch, data)
		SELECT ?, ?, ?, ? FROM sync_state WHERE sync_id = ? AND epoch = ?`
	if a.lease.store.db.IsPostgres() {
		query += " FOR SHARE"
	}
	res, err := a.lease.store.db.NewRaw(query, r.ID, a.seq, r.Epoch, frame, r.SyncID, r.Epoch).Exec(ctx)
	if err != nil {
		return fmt.Errorf("appending to the journal of run %d: %w", r.ID, db.Explain(err))
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return fenced(r.ID)
	}
	return nil
}

// journalPage is how many frames are read at a time.
const journalPage = 500

// replay folds a run's journal into a ledger.
func (s *Store) replay(ctx context.Context, runID int64, l *delivery.Ledger) error {
	var last int64
	for {
		var rows []struct {
			Seq  int64  `bun:"seq"`
			Data []byte `bun:"data"`
		}
		err := s.db.NewSelect().Table("run_journal").Column("seq", "data").Where("run_id = ?", runID).
			Where("seq > ?", last).Order("seq").Limit(journalPage).Scan(ctx, &rows)
		if err != nil {
			return fmt.Errorf("reading the journal of run %d: %w", runID, err)
		}
		for _, row := range rows {
			if err := delivery.DecodeFrames(row.Data, l.Apply); err != nil {
				return fmt.Errorf("reading the journal of run %d: %w", runID, err)
			}
			last = row.Seq
		}
		if len(rows) < journalPage {
			return nil
		}
	}
}

func dropJournal(ctx context.Context, tx bun.Tx, runID int64) error {
	if _, err := tx.NewDelete().Table("run_journal").Where("run_id = ?", runID).Exec(ctx); err != nil {
		return fmt.Errorf("dropping the journal of run %d: %w", runID, err)
	}
	return nil
}
