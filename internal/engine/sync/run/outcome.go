package run

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/delivery"
	"github.com/millrace/millrace/internal/engine/sync/log"
	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
)

// Kinds of segments in run_segments.
const (
	segmentRequests = "requests"
	segmentOutcomes = "outcomes"
)

// segmentRow is a row of run_segments: one object of a run's log.
type segmentRow struct {
	bun.BaseModel `bun:"table:run_segments,alias:g"`

	RunID        int64  `bun:"run_id,pk"`
	Kind         string `bun:"kind,pk"`
	Seq          int64  `bun:"seq,pk"`
	Path         string `bun:"path"`
	FirstOrdinal int64  `bun:"first_ordinal"`
	LastOrdinal  int64  `bun:"last_ordinal"`
	Rows         int64  `bun:"rows"`
	Bytes        int64  `bun:"bytes"`
	ExpiresAt    int64  `bun:"expires_at"`
}

// requestSink brings the segments of the request log to storage.
type requestSink struct{ *execution }

var _ log.Sink = requestSink{}

// Seal uploads a segment and indexes it.
func (s requestSink) Seal(ctx context.Context, seg log.Segment, path string) error {
	r := s.lease.run
	if err := s.Storage.Upload(ctx, r.WorkspaceID, seg.Path, path); err != nil {
		return err
	}
	return s.index(ctx, segmentRow{
		RunID: r.ID, Kind: segmentRequests, Seq: int64(seg.Seq), Path: seg.Path,
		FirstOrdinal: seg.First, LastOrdinal: seg.Last, Rows: seg.Rows, Bytes: seg.Bytes,
	})
}

func (x *execution) index(ctx context.Context, row segmentRow) error {
	row.ExpiresAt = clock.Millis(x.Clock.Now().Add(x.Retention))
	return x.lease.guard(ctx, func(ctx context.Context, tx bun.Tx, _ syncState) error { // R2
		_, err := tx.NewInsert().Model(&row).
			On("CONFLICT (run_id, kind, seq) DO UPDATE").Set("path = excluded.path").Set("expires_at = excluded.expires_at").
			Set("first_ordinal = excluded.first_ordinal").Set("last_ordinal = excluded.last_ordinal").
			Set("rows = excluded.rows").Set("bytes = excluded.bytes").Exec(ctx)
		if err != nil {
			return fmt.Errorf("indexing the log of run %d: %w", row.RunID, err)
		}
		return nil
	})
}

// keepOutcomes stores what became of each row, for the run's page (SY-71) and for settling twice.
func (x *execution) keepOutcomes(w *work) error {
	if w.ledger.Rows() == 0 {
		return nil
	}
	path := filepath.Join(x.dir, "outcomes")
	if err := writeOutcomes(path, w.ledger); err != nil {
		return fault.Disk(err, "writing the run's outcomes")
	}
	r := x.lease.run
	key := fmt.Sprintf("%s/outcomes-%d", r.logPrefix(), r.Epoch)
	if err := x.Storage.Upload(x.ctx, r.WorkspaceID, key, path); err != nil {
		return err
	}
	return x.index(x.ctx, segmentRow{RunID: r.ID, Kind: segmentOutcomes, Seq: 1, Path: key, LastOrdinal: w.ledger.Rows() - 1, Rows: w.ledger.Rows()})
}

func writeOutcomes(path string, l *delivery.Ledger) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) //nolint:gosec // a path of our own
	if err != nil {
		return err
	}
	b := bufio.NewWriter(f)
	return errors.Join(l.WriteSnapshot(b), b.Flush(), f.Close())
}
