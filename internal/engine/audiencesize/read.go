package audiencesize

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/millrace/millrace/internal/clock"
)

// Report is how the looks at a destination's audiences stand.
type Report struct {
	State   State
	Checked time.Time // zero: never
	Next    time.Time
	Failure *Failure // why the last look failed
	Looks   []Look   // the newest first
}

// Look is one look at the audiences.
type Look struct {
	At        time.Time
	Audiences int64
	WrittenTo string // the table; empty: none
	Failure   *Failure
}

// Size is an audience as the last look that succeeded found it.
type Size struct {
	Account  string
	Audience string
	Name     string
	Size     *int64 // nil: not known
	Status   string
	Link     string
	SyncID   *int64 // who fills it; nil: no sync
}

// Match is how many people a vendor matched of those that a sync sent.
type Match struct {
	At       time.Time
	Account  string
	Audience string
	Name     string // empty: the vendor did not list the audience
	Status   string
	Link     string
	Matched  *int64 // nil: not known
	Members  *int64 // the rows of the model; nil: not known
}

// Percent is the part of the members that was matched; nil where either is not known.
func (m Match) Percent() *float64 {
	if m.Matched == nil || m.Members == nil || *m.Members == 0 {
		return nil
	}
	p := 100 * float64(*m.Matched) / float64(*m.Members)
	return &p
}

// Standing tells how the looks at a destination stand; ok is false where there are none.
func (r *Reporter) Standing(ctx context.Context, workspaceID, destinationID int64) (s Report, ok bool, err error) {
	var row reportRow
	err = r.DB.NewSelect().Model(&row).Where("destination_id = ?", destinationID).Where("workspace_id = ?", workspaceID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return s, false, nil
	}
	if err != nil {
		return s, false, wrong(err, "reading how audience sizes stand")
	}
	s = Report{State: row.State, Checked: moment(row.CheckedAt), Next: moment(row.NextAt)}
	if s.Failure, err = failure(row.Failure); err != nil {
		return s, false, err
	}
	var looks []lookRow
	if err := r.DB.NewSelect().Model(&looks).Where("destination_id = ?", destinationID).Order("at DESC").Scan(ctx); err != nil {
		return s, false, wrong(err, "reading looks at audiences")
	}
	for _, l := range looks {
		look := Look{At: clock.FromMillis(l.At), Audiences: l.Audiences, WrittenTo: l.WrittenTo}
		if look.Failure, err = failure(l.Failure); err != nil {
			return s, false, err
		}
		s.Looks = append(s.Looks, look)
	}
	return s, true, nil
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return clock.FromMillis(ms)
}

func failure(text string) (*Failure, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // nothing failed
	}
	var f Failure
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return nil, wrong(err, "reading why audiences were not read")
	}
	return &f, nil
}

// Sizes lists the audiences of a destination by account and name, and counts all of them.
func (r *Reporter) Sizes(ctx context.Context, workspaceID, destinationID int64, offset, limit int) ([]Size, int, error) {
	var rows []sizeRow
	total, err := r.DB.NewSelect().Model(&rows).Where("s.destination_id = ?", destinationID).Where("s.destination_id IN (?)", r.of(workspaceID)).
		Order("account", "name", "audience").Offset(int64(offset)).Limit(int64(limit)).ScanAndCount(ctx)
	if err != nil {
		return nil, 0, wrong(err, "reading audience sizes")
	}
	all := make([]Size, len(rows))
	for i, s := range rows {
		all[i] = Size{s.Account, s.Audience, s.Name, s.Size, s.Status, s.Link, s.SyncID}
	}
	return all, int(total), nil
}

// of are the destinations of a workspace that are looked at.
func (r *Reporter) of(workspaceID int64) *bun.SelectQuery {
	return r.DB.NewSelect().Model((*reportRow)(nil)).Column("destination_id").Where("workspace_id = ?", workspaceID)
}

// Matches lists the history of a sync's matched users, the newest first.
func (r *Reporter) Matches(ctx context.Context, workspaceID, syncID int64, limit int) ([]Match, error) {
	var rows []matchRow
	err := r.DB.NewSelect().Model(&rows).Where("sync_id = ?", syncID).Where("workspace_id = ?", workspaceID).Order("at DESC").Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, wrong(err, "reading the matched users of a sync")
	}
	all := make([]Match, len(rows))
	for i, m := range rows {
		all[i] = Match{clock.FromMillis(m.At), m.Account, m.Audience, m.Name, m.Status, m.Link, m.Matched, m.Members}
	}
	return all, nil
}
