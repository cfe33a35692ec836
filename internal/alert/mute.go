package alert

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/millrace/millrace/internal/alert/notify"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/uptrace/bun"
)

// forever is alert_triggers.muted_until of a mute without an end.
const forever = math.MaxInt64

// Mute holds back the notices of a trigger until a time; a zero time means until Unmute (SY-67). Its level goes on to
// move.
func (s *Store) Mute(ctx context.Context, u Subject, trigger string, until time.Time, by string) error {
	end := clock.Millis(until)
	if until.IsZero() {
		end = forever
	}
	return s.setMute(ctx, u, trigger, end, by)
}

// Unmute ends a mute. Where people were told last of another level than the present one, the next evaluation tells
// them.
func (s *Store) Unmute(ctx context.Context, u Subject, trigger string) error {
	return s.setMute(ctx, u, trigger, 0, "")
}

func (s *Store) setMute(ctx context.Context, u Subject, trigger string, until int64, by string) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := s.lock(ctx, tx, u.WorkspaceID, u.Kind, u.ID); err != nil {
			return err
		}
		rows, err := s.triggers(ctx, tx, u.WorkspaceID, u.Kind, u.ID)
		if err != nil {
			return err
		}
		row, known := rows[trigger]
		if !known {
			row = u.fresh(trigger)
		}
		row.MutedUntil, row.MutedBy = until, by
		return saveTrigger(ctx, tx, row)
	})
}

// Forget removes what is kept of a document that is deleted. Who was told of an alert is told that it is over.
func (s *Store) Forget(ctx context.Context, tx bun.Tx, u Subject, types []alerting.TriggerType) error {
	subject, err := s.lock(ctx, tx, u.WorkspaceID, u.Kind, u.ID)
	if err != nil {
		return err
	}
	recipients, err := subject.recipients()
	if err != nil {
		return err
	}
	rows, err := s.triggers(ctx, tx, u.WorkspaceID, u.Kind, u.ID)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	for _, t := range types {
		row, known := rows[t.Name]
		if !known || row.Told == alerting.OK || row.muted(now) {
			continue
		}
		row.Level, row.Since, row.Words, row.About = alerting.OK, clock.Millis(now), fmt.Sprintf("The %s was deleted.", u.Kind), 0
		e := Evaluation{Subject: u, Recipients: recipients}
		if err := s.tell(ctx, tx, e, alerting.Watch{Type: t}, &row, now); err != nil {
			return err
		}
	}
	for _, table := range []string{"alert_triggers", "alert_events", "alert_subjects"} {
		_, err := tx.NewDelete().Table(table).Where("workspace_id = ?", u.WorkspaceID).Where("kind = ?", u.Kind).Where("document_id = ?", u.ID).Exec(ctx)
		if err != nil {
			return fmt.Errorf("forgetting the alerts of %s %q: %w", u.Kind, u.Slug, err)
		}
	}
	return nil
}

// Keep is how long events and notices are kept.
const Keep = 90 * 24 * time.Hour

// Expire removes events and settled notices whose time is over.
func (s *Store) Expire(ctx context.Context) error {
	limit := clock.Millis(s.clock.Now().Add(-Keep))
	if _, err := s.db.NewDelete().Table("alert_events").Where("at < ?", limit).Exec(ctx); err != nil {
		return fmt.Errorf("removing old alert events: %w", err)
	}
	if _, err := s.db.NewDelete().Table("alert_notices").Where("state <> ?", NoticePending).Where("created_at < ?", limit).Exec(ctx); err != nil {
		return fmt.Errorf("removing old notices: %w", err)
	}
	return nil
}

var _ Sender = (*notify.Sender)(nil)
