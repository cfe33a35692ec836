package alert

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/uptrace/bun"
)

// Standing is where a trigger of a document stands.
type Standing struct {
	Level       alerting.Level
	Since       time.Time // zero where it never changed
	Value       float64
	Threshold   float64
	Words       string
	About       int64
	EvaluatedAt time.Time // zero where it never was
	Muted       bool
	MutedUntil  time.Time // zero where it is muted without an end, or not muted
	MutedBy     string
}

// Standings returns where the triggers of a document stand, by their names. One that was never evaluated is not there.
func (s *Store) Standings(ctx context.Context, workspaceID int64, kind string, id int64) (map[string]Standing, error) {
	rows, err := s.triggers(ctx, s.db, workspaceID, kind, id)
	if err != nil {
		return nil, err
	}
	now := s.clock.Now()
	all := make(map[string]Standing, len(rows))
	for name, r := range rows {
		all[name] = r.standing(now)
	}
	return all, nil
}

func (r triggerRow) standing(now time.Time) Standing {
	st := Standing{
		Level: r.Level, Since: clock.FromMillis(r.Since), Value: r.Value, Threshold: r.Threshold, Words: r.Words, About: r.About,
		EvaluatedAt: clock.FromMillis(r.EvaluatedAt), Muted: r.muted(now),
	}
	if st.Muted {
		st.MutedBy = r.MutedBy
		if r.MutedUntil != forever {
			st.MutedUntil = clock.FromMillis(r.MutedUntil)
		}
	}
	return st
}

// Rollup sums the triggers of a document up (SY-61).
type Rollup struct {
	Level    alerting.Level // the worst
	Warning  int            // triggers at this level
	Critical int
}

// Active is how many triggers alert.
func (r Rollup) Active() int { return r.Warning + r.Critical }

// Rollups sums up the documents of a kind of which a trigger alerts, by their numbers.
func (s *Store) Rollups(ctx context.Context, workspaceID int64, kind string) (map[int64]Rollup, error) {
	return s.rollups(ctx, func(q *bun.SelectQuery) { q.Where("workspace_id = ?", workspaceID).Where("kind = ?", kind) })
}

// Rollup sums up one document.
func (s *Store) Rollup(ctx context.Context, workspaceID int64, kind string, id int64) (Rollup, error) {
	all, err := s.rollups(ctx, func(q *bun.SelectQuery) {
		q.Where("workspace_id = ?", workspaceID).Where("kind = ?", kind).Where("document_id = ?", id)
	})
	if r, alerting := all[id]; alerting {
		return r, nil
	}
	return Rollup{Level: alerting.OK}, err
}

func (s *Store) rollups(ctx context.Context, where func(*bun.SelectQuery)) (map[int64]Rollup, error) {
	var rows []struct {
		DocumentID int64
		Level      alerting.Level
		N          int
	}
	q := s.db.NewSelect().Table("alert_triggers").ColumnExpr("document_id, level, count(*) AS n").Where("level <> ?", alerting.OK).GroupExpr("document_id, level")
	where(q)
	if err := q.Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("summing alerts up: %w", err)
	}
	all := map[int64]Rollup{}
	for _, r := range rows {
		sum := all[r.DocumentID]
		if r.Level == alerting.Critical {
			sum.Critical, sum.Level = r.N, alerting.Critical
		} else {
			sum.Warning = r.N
			if sum.Level == "" {
				sum.Level = alerting.Warning
			}
		}
		all[r.DocumentID] = sum
	}
	return all, nil
}

// Event is a change of a trigger's level.
type Event struct {
	ID        int64
	Trigger   string
	At        time.Time
	From, To  alerting.Level
	Value     float64
	Threshold float64
	Words     string
	About     int64
	Muted     bool // nobody was told, since the trigger was muted
	Notices   []NoticeStatus
}

// NoticeStatus is what became of a notice.
type NoticeStatus struct {
	ID       int64
	Channel  string
	Target   string
	Repeat   bool
	State    string // one of the Notice constants
	At       time.Time
	DoneAt   time.Time // zero while it is pending
	NextAt   time.Time // of the next attempt while it is pending
	Attempts int64
	Error    string // of the last attempt that failed, in the provider's words
}

// History lists the events of a document with numbers below before (0 means from the newest), the newest first.
func (s *Store) History(ctx context.Context, workspaceID int64, kind string, id, before int64, limit int) ([]Event, error) {
	var rows []eventRow
	q := s.db.NewSelect().Model(&rows).Where("workspace_id = ?", workspaceID).Where("kind = ?", kind).Where("document_id = ?", id)
	if before > 0 {
		q.Where("id < ?", before)
	}
	if err := q.Order("id DESC").Limit(int64(limit)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading the alert events of %s %d: %w", kind, id, err)
	}
	notices, err := s.noticesOf(ctx, workspaceID, rows)
	if err != nil {
		return nil, err
	}
	events := make([]Event, len(rows))
	for i, r := range rows {
		events[i] = Event{
			ID: r.ID, Trigger: r.Name, At: clock.FromMillis(r.At), From: r.From, To: r.To, Value: r.Value, Threshold: r.Threshold, Words: r.Words, About: r.About,
			Muted: r.Muted, Notices: notices[r.ID],
		}
	}
	return events, nil
}

func (s *Store) noticesOf(ctx context.Context, workspaceID int64, events []eventRow) (map[int64][]NoticeStatus, error) {
	if len(events) == 0 {
		return map[int64][]NoticeStatus{}, nil
	}
	ids := make([]int64, len(events))
	for i, e := range events {
		ids[i] = e.ID
	}
	var rows []noticeRow
	err := s.db.NewSelect().Model(&rows).Where("workspace_id = ?", workspaceID).Where("event_id IN (?)", bun.List(ids)).Order("id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading notices: %w", err)
	}
	all := map[int64][]NoticeStatus{}
	for _, r := range rows {
		all[r.EventID] = append(all[r.EventID], r.status())
	}
	return all, nil
}

func (r noticeRow) status() NoticeStatus {
	n := NoticeStatus{
		ID: r.ID, Channel: r.Channel, Target: r.Target, Repeat: r.Reason == reasonRepeat, State: r.State, At: clock.FromMillis(r.CreatedAt),
		DoneAt: clock.FromMillis(r.DoneAt), Attempts: r.Attempts, Error: r.Error,
	}
	if r.State == NoticePending {
		n.NextAt = clock.FromMillis(r.NextAt)
	}
	return n
}

// LastNotice returns the newest notice of a channel that an attempt was made to send; nil when there is none.
func (s *Store) LastNotice(ctx context.Context, workspaceID int64, slug string) (*NoticeStatus, error) {
	var row noticeRow
	err := s.db.NewSelect().Model(&row).Where("workspace_id = ?", workspaceID).Where("channel = ?", slug).Where("attempts > 0").Order("id DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // nothing was sent yet
	}
	if err != nil {
		return nil, fmt.Errorf("reading the last notice of %q: %w", slug, err)
	}
	n := row.status()
	return &n, nil
}
