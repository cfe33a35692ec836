package alert

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/internal/alert/notify"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/uptrace/bun"
)

// Why a notice is sent.
const (
	reasonChange = "change"
	reasonRepeat = "repeat"
)

// States of a notice.
const (
	NoticePending = "pending"
	NoticeSent    = "sent"
	NoticeFailed  = "failed"
)

// noticeRow is a row of alert_notices: what one target of a channel is to be told.
type noticeRow struct {
	bun.BaseModel `bun:"table:alert_notices,alias:n"`

	ID          int64  `bun:"id,pk"`
	WorkspaceID int64  `bun:"workspace_id"`
	Kind        string `bun:"kind"`
	DocumentID  int64  `bun:"document_id"`
	Name        string `bun:"name"` // of the trigger
	EventID     int64  `bun:"event_id"`
	Reason      string `bun:"reason"`
	Channel     string `bun:"channel"`
	Target      string `bun:"target"`
	Content     string `bun:"content"` // notify.Notice as JSON, so that it can be sent whatever becomes of the document
	State       string `bun:"state"`
	CreatedAt   int64  `bun:"created_at"`
	NextAt      int64  `bun:"next_at"`
	LeaseUntil  int64  `bun:"lease_until"`
	Attempts    int64  `bun:"attempts"`
	DoneAt      int64  `bun:"done_at"`
	Error       string `bun:"error"`
}

// tell makes the notices that are due for a trigger: one for each recipient to whom the level is another one than
// people were told last (SY-64), or a repetition where the channel wants it.
func (s *Store) tell(ctx context.Context, tx bun.Tx, e Evaluation, w alerting.Watch, row *triggerRow, now time.Time) error {
	if row.muted(now) { // SY-67
		return nil
	}
	changed := row.Level != row.Told
	for _, r := range e.Recipients {
		before, level := alerting.Seen(row.Told, r.Levels), alerting.Seen(row.Level, r.Levels)
		if changed && before != level {
			if err := s.enqueue(ctx, tx, e.notice(w, *row, level, before, now), r, reasonChange); err != nil {
				return err
			}
			continue
		}
		if level == alerting.OK || r.Repeat == 0 {
			continue
		}
		due, err := s.repeatDue(ctx, tx, *row, r, now)
		if err != nil {
			return err
		}
		if !due {
			continue
		}
		n := e.notice(w, *row, level, level, now)
		n.Repeat = true
		if err := s.enqueue(ctx, tx, n, r, reasonRepeat); err != nil {
			return err
		}
	}
	row.Told = row.Level
	return nil
}

// pendingNotice is a notice that has no number yet.
type pendingNotice struct {
	notify.Notice

	subject Subject
	row     triggerRow
}

func (e Evaluation) notice(w alerting.Watch, row triggerRow, level, before alerting.Level, now time.Time) pendingNotice {
	return pendingNotice{subject: e.Subject, row: row, Notice: notify.Notice{
		Key: fmt.Sprintf("millrace-%s-%s-%d", e.Subject.UUID, row.Name, row.Episode), Level: level, Before: before,
		Kind: e.Subject.Kind, Slug: e.Subject.Slug, Name: e.Subject.Name, Path: e.Subject.Path,
		Trigger: w.Type.Name, Label: w.Type.Label, Unit: w.Unit(), Words: row.Words, Value: row.Value, Threshold: row.Threshold, About: row.About,
		At: now, Since: clock.FromMillis(row.Since),
	}}
}

// repeatDue reports whether a recipient was told long enough ago, in this alert, to be told again.
func (s *Store) repeatDue(ctx context.Context, tx bun.Tx, row triggerRow, r Recipient, now time.Time) (bool, error) {
	var last int64
	err := tx.NewSelect().Table("alert_notices").Column("created_at").Where("workspace_id = ?", row.WorkspaceID).Where("kind = ?", row.Kind).
		Where("document_id = ?", row.DocumentID).Where("name = ?", row.Name).Where("channel = ?", r.Channel).Where("event_id >= ?", row.Episode).
		Order("id DESC").Limit(1).Scan(ctx, &last)
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil // it became a recipient while the alert lasts
	}
	if err != nil {
		return false, fmt.Errorf("looking for the last notice to %q: %w", r.Channel, err)
	}
	return !now.Before(clock.FromMillis(last).Add(r.Repeat)), nil
}

// enqueue writes a notice down for each target of a recipient.
func (s *Store) enqueue(ctx context.Context, tx bun.Tx, n pendingNotice, r Recipient, reason string) error {
	for _, target := range r.Targets {
		id, err := s.db.NextID(ctx, tx)
		if err != nil {
			return err
		}
		n.ID = id
		content, err := json.Marshal(n.Notice)
		if err != nil {
			return fmt.Errorf("encoding a notice: %w", err)
		}
		row := &noticeRow{
			ID: id, WorkspaceID: n.row.WorkspaceID, Kind: n.row.Kind, DocumentID: n.row.DocumentID, Name: n.row.Name, EventID: n.row.Event,
			Reason: reason, Channel: r.Channel, Target: target, Content: string(content), State: NoticePending, CreatedAt: clock.Millis(n.At), NextAt: clock.Millis(n.At),
		}
		if _, err := tx.NewInsert().Model(row).Exec(ctx); err != nil {
			return fmt.Errorf("making a notice to %q: %w", r.Channel, err)
		}
	}
	return nil
}
