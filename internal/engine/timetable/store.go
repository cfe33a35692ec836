package timetable

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/resource"
	"github.com/uptrace/bun"
)

// Reason says why a schedule did not start a run (FLD-21). The words are part of the API.
type Reason string

// The reasons.
const (
	ReasonDisabled Reason = "disabled" // the document's schedule is switched off
	ReasonRunning  Reason = "running"  // an interval's time came while a run was under way; it counts from that run's end
	ReasonWaiting  Reason = "waiting"  // a run waits already, and does what the skipped one would have done
	ReasonMissing  Reason = "missing"  // something that the document needs does not exist
	ReasonMissed   Reason = "missed"   // no worker was running; one run makes up for every time that passed
	ReasonEnded    Reason = "ended"    // no time is left before the schedule's end
	ReasonInvalid  Reason = "invalid"  // the next time cannot be computed
)

// Reasons lists the reasons.
var Reasons = []Reason{ReasonDisabled, ReasonRunning, ReasonWaiting, ReasonMissing, ReasonMissed, ReasonEnded, ReasonInvalid}

// Skip is a time at which a schedule did not start a run.
type Skip struct {
	At      time.Time
	Reason  Reason
	Message string // for people
}

// Entry is what the timetable knows of a document.
type Entry struct {
	Next time.Time // zero: no run is planned
	Skip *Skip     // the last time that was skipped; nil when there was none
}

// entryRow is a row of schedules. Times are milliseconds since 1970 UTC; 0 means never.
type entryRow struct {
	bun.BaseModel `bun:"table:schedules,alias:s"`

	DocumentID  int64  `bun:"document_id,pk"`
	WorkspaceID int64  `bun:"workspace_id"`
	Kind        string `bun:"kind"`
	Revision    int64  `bun:"revision"` // of the document that the next run was planned by; 0 means none yet
	Stale       bool   `bun:"stale"`    // a run ended since
	NextRunAt   int64  `bun:"next_run_at"`
	SkippedAt   int64  `bun:"skipped_at"`
	SkipReason  string `bun:"skip_reason"`
	SkipMessage string `bun:"skip_message"`
}

func (r *entryRow) skip(s *Skip) {
	if s != nil {
		r.SkippedAt, r.SkipReason, r.SkipMessage = clock.Millis(s.At), string(s.Reason), s.Message
	}
}

// Look returns what the timetable knows of a document; an empty entry where that is nothing yet.
func (t *Timetable) Look(ctx context.Context, workspaceID, documentID int64) (Entry, error) {
	var row entryRow
	err := t.DB.NewSelect().Model(&row).Where("document_id = ?", documentID).Where("workspace_id = ?", workspaceID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Entry{}, nil
	}
	if err != nil {
		return Entry{}, fmt.Errorf("reading the schedule of document %d: %w", documentID, err)
	}
	return row.entry(), nil
}

// LookAll returns what the timetable knows of documents, by their numbers; those that it does not know are left out.
func (t *Timetable) LookAll(ctx context.Context, workspaceID int64, documentIDs []int64) (map[int64]Entry, error) {
	var rows []entryRow
	err := t.DB.NewSelect().Model(&rows).Where("workspace_id = ?", workspaceID).Where("document_id IN (?)", bun.List(documentIDs)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading schedules: %w", err)
	}
	all := make(map[int64]Entry, len(rows))
	for _, row := range rows {
		all[row.DocumentID] = row.entry()
	}
	return all, nil
}

func (r *entryRow) entry() Entry {
	e := Entry{Next: clock.FromMillis(r.NextRunAt)}
	if r.SkippedAt != 0 {
		e.Skip = &Skip{At: clock.FromMillis(r.SkippedAt), Reason: Reason(r.SkipReason), Message: r.SkipMessage}
	}
	return e
}

// Follow forgets documents that are deleted. Call it once, before the documents' store is used.
func (t *Timetable) Follow(documents *resource.Store) {
	documents.OnDelete(func(ctx context.Context, tx bun.Tx, _ resource.Scope, d resource.Document) error {
		return t.forget(ctx, tx, d.ID)
	})
}

func (t *Timetable) forget(ctx context.Context, idb bun.IDB, documentID int64) error {
	if _, err := idb.NewDelete().Table("schedules").Where("document_id = ?", documentID).Exec(ctx); err != nil {
		return fmt.Errorf("forgetting the schedule of document %d: %w", documentID, err)
	}
	return nil
}

// Touch notes, in the transaction that ends a run of a document, that its next run is to be planned anew: intervals
// count from the last run, whatever started it (SY-81).
func (t *Timetable) Touch(ctx context.Context, tx bun.Tx, documentID int64) error {
	if _, err := tx.NewUpdate().Table("schedules").Set("stale = ?", true).Where("document_id = ?", documentID).Exec(ctx); err != nil {
		return fmt.Errorf("noting the end of a run of document %d: %w", documentID, err)
	}
	return nil
}

// atOnce is how many documents one look takes up.
const atOnce = 1000

// due lists the entries whose time has come.
func (t *Timetable) due(ctx context.Context, now time.Time) ([]entryRow, error) {
	var rows []entryRow
	err := t.DB.NewSelect().Model(&rows).Where("next_run_at > 0").Where("next_run_at <= ?", clock.Millis(now)).
		Order("next_run_at").Limit(atOnce).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("looking for due schedules: %w", err)
	}
	return rows, nil
}

// changed lists the documents whose next run is to be planned: they are new, were edited, or a run of theirs
// ended.
func (t *Timetable) changed(ctx context.Context) ([]entryRow, error) {
	kinds := make([]string, 0, len(t.Runners))
	for kind := range t.Runners {
		kinds = append(kinds, kind)
	}
	var rows []entryRow
	err := t.DB.NewRaw(`SELECT d.id AS document_id, d.workspace_id, d.kind FROM documents AS d LEFT JOIN schedules AS s ON s.document_id = d.id
		WHERE d.kind IN (?) AND (s.document_id IS NULL OR s.stale OR s.revision <> d.revision) LIMIT ?`, bun.List(kinds), atOnce).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("looking for changed schedules: %w", err)
	}
	return rows, nil
}

// read returns an entry as it is in the transaction, for change. A document that has none gets one that says
// nothing yet.
func (t *Timetable) read(ctx context.Context, tx bun.Tx, of entryRow) (entryRow, error) {
	fresh := &entryRow{DocumentID: of.DocumentID, WorkspaceID: of.WorkspaceID, Kind: of.Kind}
	if _, err := tx.NewInsert().Model(fresh).On("CONFLICT (document_id) DO NOTHING").Exec(ctx); err != nil {
		return entryRow{}, fmt.Errorf("making the schedule of document %d: %w", of.DocumentID, err)
	}
	row := entryRow{DocumentID: of.DocumentID}
	q := tx.NewSelect().Model(&row).WherePK()
	if t.DB.IsPostgres() {
		q.For("UPDATE")
	}
	if err := q.Scan(ctx); err != nil {
		return row, fmt.Errorf("reading the schedule of document %d: %w", of.DocumentID, err)
	}
	return row, nil
}

func (t *Timetable) write(ctx context.Context, tx bun.Tx, row entryRow) error {
	if _, err := tx.NewUpdate().Model(&row).WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("changing the schedule of document %d: %w", row.DocumentID, err)
	}
	return nil
}

// Wake makes a document that waits for jobs due now, in the transaction that notes the last of them.
func (t *Timetable) Wake(ctx context.Context, tx bun.Tx, workspaceID int64, kind string, documentID int64) error {
	row, err := t.read(ctx, tx, entryRow{DocumentID: documentID, WorkspaceID: workspaceID, Kind: kind})
	if err != nil {
		return err
	}
	if row.NextRunAt == 0 {
		row.NextRunAt = clock.Millis(t.Clock.Now())
	}
	return t.write(ctx, tx, row)
}
