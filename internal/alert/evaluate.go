package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/uptrace/bun"
)

// Evaluation is one look at a subject.
type Evaluation struct {
	Subject    Subject
	Policy     alerting.Policy
	Recipients []Recipient
	Readings   []Reading
	Version    int64 // of the subject before the readings were taken (A1)
	Seen       int64 // the newest thing that the readings are about (A3); 0 leaves it
}

// triggerRow is a row of alert_triggers: where one trigger of a document stands.
type triggerRow struct {
	bun.BaseModel `bun:"table:alert_triggers,alias:t"`

	WorkspaceID int64          `bun:"workspace_id,pk"`
	Kind        string         `bun:"kind,pk"`
	DocumentID  int64          `bun:"document_id,pk"`
	Name        string         `bun:"name,pk"`
	Level       alerting.Level `bun:"level"`
	Since       int64          `bun:"since"`
	Told        alerting.Level `bun:"told"`     // what people were told last
	Episode     int64          `bun:"episode"`  // the event with which it last left ok
	Event       int64          `bun:"event_id"` // its newest event
	Value       float64        `bun:"value"`
	Threshold   float64        `bun:"threshold"`
	Words       string         `bun:"words"`
	About       int64          `bun:"about"`
	EvaluatedAt int64          `bun:"evaluated_at"`
	MutedUntil  int64          `bun:"muted_until"` // 0 means not; forever means until somebody ends it
	MutedBy     string         `bun:"muted_by"`
}

func (r triggerRow) muted(now time.Time) bool { return r.MutedUntil > clock.Millis(now) }

// eventRow is a row of alert_events: a change of level.
type eventRow struct {
	bun.BaseModel `bun:"table:alert_events,alias:e"`

	ID          int64          `bun:"id,pk"`
	WorkspaceID int64          `bun:"workspace_id"`
	Kind        string         `bun:"kind"`
	DocumentID  int64          `bun:"document_id"`
	Name        string         `bun:"name"`
	At          int64          `bun:"at"`
	From        alerting.Level `bun:"from_level"`
	To          alerting.Level `bun:"to_level"`
	Value       float64        `bun:"value"`
	Threshold   float64        `bun:"threshold"`
	Words       string         `bun:"words"`
	About       int64          `bun:"about"`
	Muted       bool           `bun:"muted"`
}

// Evaluate applies readings to the triggers of a subject: their levels move, changes become events, and recipients
// get notices (A2). Readings that were taken before another evaluation are refused with fault.CodeStale (A1).
func (s *Store) Evaluate(ctx context.Context, e Evaluation) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return s.evaluate(ctx, tx, e) })
}

func (s *Store) evaluate(ctx context.Context, tx bun.Tx, e Evaluation) error {
	subject, err := s.lock(ctx, tx, e.Subject.WorkspaceID, e.Subject.Kind, e.Subject.ID)
	if err != nil {
		return err
	}
	if subject.Version != e.Version {
		return fault.New(fault.CodeStale, "%s %q was evaluated meanwhile", e.Subject.Kind, e.Subject.Slug)
	}
	rows, err := s.triggers(ctx, tx, e.Subject.WorkspaceID, e.Subject.Kind, e.Subject.ID)
	if err != nil {
		return err
	}
	for _, w := range e.Policy.Watches {
		row, known := rows[w.Type.Name]
		if !known {
			row = e.Subject.fresh(w.Type.Name)
		}
		if err := s.look(ctx, tx, e, w, row); err != nil {
			return err
		}
	}
	recipients, err := json.Marshal(e.Recipients)
	if err != nil {
		return fmt.Errorf("encoding recipients: %w", err)
	}
	subject.Version, subject.Seen, subject.Recipients = subject.Version+1, max(subject.Seen, e.Seen), string(recipients)
	if _, err := tx.NewUpdate().Model(&subject).WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("noting the evaluation of %s %d: %w", e.Subject.Kind, e.Subject.ID, err)
	}
	return nil
}

func (u Subject) fresh(name string) triggerRow {
	return triggerRow{WorkspaceID: u.WorkspaceID, Kind: u.Kind, DocumentID: u.ID, Name: name, Level: alerting.OK, Told: alerting.OK}
}

func (s *Store) triggers(ctx context.Context, idb bun.IDB, workspaceID int64, kind string, id int64) (map[string]triggerRow, error) {
	var rows []triggerRow
	err := idb.NewSelect().Model(&rows).Where("workspace_id = ?", workspaceID).Where("kind = ?", kind).Where("document_id = ?", id).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the alerts of %s %d: %w", kind, id, err)
	}
	all := make(map[string]triggerRow, len(rows))
	for _, r := range rows {
		all[r.Name] = r
	}
	return all, nil
}

// look evaluates one trigger and tells what is to be told.
func (s *Store) look(ctx context.Context, tx bun.Tx, e Evaluation, w alerting.Watch, row triggerRow) error {
	was := row
	now := s.clock.Now()
	changed := row.apply(w, e.reading(w.Type.Name), now)
	if changed {
		if err := s.note(ctx, tx, &row, was, now); err != nil {
			return err
		}
	}
	if err := s.tell(ctx, tx, e, w, &row, now); err != nil {
		return err
	}
	if row == was {
		return nil
	}
	return saveTrigger(ctx, tx, row)
}

func saveTrigger(ctx context.Context, tx bun.Tx, row triggerRow) error {
	q := tx.NewInsert().Model(&row).On("CONFLICT (workspace_id, kind, document_id, name) DO UPDATE")
	for _, column := range []string{"level", "since", "told", "episode", "event_id", "value", "threshold", "words", "about", "evaluated_at", "muted_until", "muted_by"} {
		q.Set("? = excluded.?", bun.Ident(column), bun.Ident(column))
	}
	if _, err := q.Exec(ctx); err != nil {
		return fmt.Errorf("saving the alert %s of %s %d: %w", row.Name, row.Kind, row.DocumentID, err)
	}
	return nil
}

func (e Evaluation) reading(trigger string) *Reading {
	for i := range e.Readings {
		if e.Readings[i].Trigger == trigger {
			return &e.Readings[i]
		}
	}
	return nil
}

// turnedOff is what is said of a trigger that was alerting when somebody turned it off.
const turnedOff = "The trigger was turned off."

// apply moves the trigger by a reading, or nil where nothing was measured, and reports whether its level changed.
func (r *triggerRow) apply(w alerting.Watch, m *Reading, now time.Time) bool {
	before := r.Level
	switch {
	case w.Trigger.Off && before == alerting.OK:
		return false
	case w.Trigger.Off:
		r.Level, r.Words, r.About = alerting.OK, turnedOff, 0
	case m == nil:
		return false
	default:
		level, threshold := w.Level(m.Value)
		if m.Raise && !level.Worse(before) {
			return false
		}
		r.Level, r.Threshold, r.Value, r.Words, r.About = level, threshold, m.Value, m.Words, m.About
	}
	r.EvaluatedAt = clock.Millis(now)
	if r.Level == before {
		return false
	}
	r.Since = clock.Millis(now)
	return true
}

// note writes a change of level down.
func (s *Store) note(ctx context.Context, tx bun.Tx, row *triggerRow, was triggerRow, now time.Time) error {
	id, err := s.db.NextID(ctx, tx)
	if err != nil {
		return err
	}
	row.Event = id
	if was.Level == alerting.OK && was.Told == alerting.OK {
		row.Episode = id
	}
	e := &eventRow{
		ID: id, WorkspaceID: row.WorkspaceID, Kind: row.Kind, DocumentID: row.DocumentID, Name: row.Name, At: clock.Millis(now), From: was.Level, To: row.Level,
		Value: row.Value, Threshold: row.Threshold, Words: row.Words, About: row.About, Muted: row.muted(now),
	}
	if _, err := tx.NewInsert().Model(e).Exec(ctx); err != nil {
		return fmt.Errorf("noting the alert %s of %s %d: %w", row.Name, row.Kind, row.DocumentID, err)
	}
	return nil
}
