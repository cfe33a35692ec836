package run

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/delivery"
	"github.com/uptrace/bun"
)

// appender writes a run's journal frames to the database, under the lease's epoch (R2). One statement
// inserts the frame only where the epoch still holds.
type appender struct {
	lease  *lease
	seq    int64
	insert *sql.Stmt // of SQLite, whose parser would take a part of each commit; made by the first frame
}

var _ delivery.Appender = (*appender)(nil)

// Append returns when the frame is committed.
func (a *appender) Append(ctx context.Context, frame []byte) error {
	r := a.lease.run
	a.seq++
	res, err := a.exec(ctx, r.ID, a.seq, r.Epoch, frame, r.SyncID, r.Epoch)
	if err != nil {
		return fmt.Errorf("appending to the journal of run %d: %w", r.ID, db.Explain(err))
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return fenced(r.ID)
	}
	return nil
}

// insertFrame inserts a frame where the epoch still holds.
const insertFrame = "INSERT INTO run_journal (run_id, seq, epoch, data) SELECT ?, ?, ?, ? FROM sync_state WHERE sync_id = ? AND epoch = ?"

func (a *appender) exec(ctx context.Context, args ...any) (_ sql.Result, err error) {
	d := a.lease.store.db
	if d.IsPostgres() {
		return d.NewRaw(insertFrame+" FOR SHARE", args...).Exec(ctx)
	}
	if a.insert == nil {
		if a.insert, err = d.DB.DB.PrepareContext(ctx, insertFrame); err != nil {
			return nil, err
		}
	}
	return a.insert.ExecContext(ctx, args...)
}

// close releases the statement.
func (a *appender) close() error {
	if a.insert == nil {
		return nil
	}
	return a.insert.Close()
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
