package audiencesize

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/resource"
)

type reportRow struct {
	bun.BaseModel `bun:"table:audience_reports,alias:r"`

	DestinationID int64  `bun:"destination_id,pk"`
	WorkspaceID   int64  `bun:"workspace_id"`
	State         State  `bun:"state"`
	NextAt        int64  `bun:"next_at"`
	Lease         string `bun:"lease"`
	LeaseUntil    int64  `bun:"lease_until"`
	Failures      int64  `bun:"failures"` // one after another
	Snapshot      string `bun:"snapshot"`
	CheckedAt     int64  `bun:"checked_at"`
	Failure       string `bun:"failure"`
}

type lookRow struct {
	bun.BaseModel `bun:"table:audience_looks,alias:l"`

	DestinationID int64  `bun:"destination_id,pk"`
	At            int64  `bun:"at,pk"`
	Audiences     int64  `bun:"audiences"`
	WrittenTo     string `bun:"written_to"`
	Failure       string `bun:"failure"`
}

type sizeRow struct {
	bun.BaseModel `bun:"table:audience_sizes,alias:s"`

	DestinationID int64  `bun:"destination_id,pk"`
	Account       string `bun:"account,pk"`
	Audience      string `bun:"audience,pk"`
	Name          string `bun:"name"`
	Size          *int64 `bun:"size"`
	Status        string `bun:"status"`
	Link          string `bun:"link"`
	SyncID        *int64 `bun:"sync_id"`
}

type matchRow struct {
	bun.BaseModel `bun:"table:audience_matches,alias:m"`

	SyncID      int64  `bun:"sync_id,pk"`
	At          int64  `bun:"at,pk"`
	WorkspaceID int64  `bun:"workspace_id"`
	Account     string `bun:"account"`
	Audience    string `bun:"audience"`
	Name        string `bun:"name"`
	Status      string `bun:"status"`
	Link        string `bun:"link"`
	Matched     *int64 `bun:"matched"`
	Members     *int64 `bun:"members"`
}

// Follow makes the reporter look at once where a destination is made or changed, and where a source that is written to
// was changed: somebody may have removed what was in the way.
func (r *Reporter) Follow() {
	r.Documents.OnCreate(func(ctx context.Context, tx bun.Tx, sc resource.Scope, d resource.Document) error {
		return r.plan(ctx, tx, sc, d)
	})
	r.Documents.OnUpdate(func(ctx context.Context, tx bun.Tx, u resource.Updated) error {
		if _, ok := u.After.Spec.(*source.Spec); ok {
			return r.hasten(ctx, tx, u.Scope.WorkspaceID, u.After.Slug)
		}
		return r.plan(ctx, tx, u.Scope, u.After)
	})
}

// plan makes a destination due, with a snapshot of its own: what is under way may be another account's.
func (r *Reporter) plan(ctx context.Context, tx bun.Tx, sc resource.Scope, d resource.Document) error {
	spec, ok := d.Spec.(*destination.Spec)
	if !ok {
		return nil
	}
	if info, err := r.Registry.Destination(spec.Type); err != nil || info.Audiences == nil {
		_, err := tx.NewDelete().Model((*reportRow)(nil)).Where("destination_id = ?", d.ID).Exec(ctx)
		return wrong(err, "forgetting the audiences of a destination")
	}
	row := reportRow{DestinationID: d.ID, WorkspaceID: sc.WorkspaceID, State: Waiting, NextAt: clock.Millis(r.Clock.Now())}
	_, err := tx.NewInsert().Model(&row).On("CONFLICT (destination_id) DO UPDATE").
		Set("state = EXCLUDED.state, next_at = EXCLUDED.next_at, lease = '', lease_until = 0, failures = 0, snapshot = '', failure = ''").Exec(ctx)
	return wrong(err, "planning to look at audiences")
}

// hasten tries the failed reports at once that a source's change may help.
func (r *Reporter) hasten(ctx context.Context, tx bun.Tx, workspaceID int64, slug string) error {
	_, err := tx.NewUpdate().Model((*reportRow)(nil)).Set("next_at = ?", clock.Millis(r.Clock.Now())).
		Where("workspace_id = ?", workspaceID).Where("state = ?", Failed).
		Where("destination_id IN (SELECT from_id FROM document_refs WHERE workspace_id = ? AND to_kind = 'source' AND to_slug = ?)", workspaceID, slug).Exec(ctx)
	return wrong(err, "hastening reports of audience sizes")
}

func wrong(err error, doing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// Ask makes a destination due at once. A look that is under way goes on.
func (r *Reporter) Ask(ctx context.Context, workspaceID, destinationID int64) error {
	res, err := r.DB.NewUpdate().Model((*reportRow)(nil)).Set("next_at = ?", clock.Millis(r.Clock.Now())).
		Where("destination_id = ?", destinationID).Where("workspace_id = ?", workspaceID).Exec(ctx)
	if err != nil {
		return wrong(err, "asking for audience sizes")
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return wrong(err, "asking for audience sizes")
	}
	return fault.New(fault.CodeInvalid, "this destination does not tell the sizes of audiences").
		WithSuggestion("The guide on audience sizes lists the destinations that do.")
}

// Recover takes back what an earlier process had under way, on a database with a single process.
func (r *Reporter) Recover(ctx context.Context) error {
	_, err := r.DB.NewUpdate().Model((*reportRow)(nil)).Set("lease_until = 0").Where("lease_until > 0").Exec(ctx)
	return wrong(err, "taking over reports of audience sizes")
}

// take gives the destination that is due for longest to the caller (A1), and its look a name (A2).
func (r *Reporter) take(ctx context.Context) (row reportRow, ok bool, err error) {
	now := r.Clock.Now()
	due := func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("r.next_at <= ?", clock.Millis(now)).Where("r.lease_until <= ?", clock.Millis(now))
	}
	if ok, err = due(r.DB.NewSelect().Model((*reportRow)(nil))).Exists(ctx); err != nil || !ok {
		return row, false, wrong(err, "looking for reports of audience sizes")
	}
	var rows []reportRow
	err = r.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		q := due(tx.NewSelect().Model(&rows)).Order("r.next_at", "r.destination_id").Limit(1)
		if r.DB.IsPostgres() {
			q.For("UPDATE SKIP LOCKED")
		}
		if err := q.Scan(ctx); err != nil || len(rows) == 0 {
			return err
		}
		rows[0].Lease, rows[0].LeaseUntil, rows[0].State = uuid.NewString(), clock.Millis(now.Add(leaseTime)), Running
		if rows[0].Snapshot == "" {
			rows[0].Snapshot = uuid.NewString()
		}
		_, err := tx.NewUpdate().Model(&rows[0]).Column("lease", "lease_until", "state", "snapshot").WherePK().Exec(ctx)
		return err
	})
	if err != nil || len(rows) == 0 {
		return row, false, wrong(err, "taking a report of audience sizes")
	}
	return rows[0], true, nil
}

// forget ends the looks at a destination that tells nothing of audiences: a new version of the program begins with all.
func (r *Reporter) forget(ctx context.Context, row reportRow) error {
	_, err := r.DB.NewDelete().Model((*reportRow)(nil)).Where("destination_id = ?", row.DestinationID).Where("lease = ?", row.Lease).Exec(ctx)
	if err != nil {
		return wrong(err, "forgetting the audiences of a destination")
	}
	return errFenced
}

// errFenced ends a look that another process has taken over, or that a change of the destination has made void.
var errFenced = errors.New("the look at the audiences was given up for another one")

// held reports whether the lease still is the row's.
func (r *Reporter) held(ctx context.Context, idb bun.IDB, row reportRow) error {
	q := idb.NewSelect().Model((*reportRow)(nil)).Where("destination_id = ?", row.DestinationID).Where("lease = ?", row.Lease).
		Where("lease_until > ?", clock.Millis(r.Clock.Now()))
	ok, err := q.Exists(ctx)
	if err == nil && !ok {
		return errFenced
	}
	return wrong(err, "checking a lease")
}

// release gives a look back that the process has no time for.
func (r *Reporter) release(ctx context.Context, row reportRow) error {
	_, err := r.DB.NewUpdate().Model((*reportRow)(nil)).Set("lease_until = 0").
		Where("destination_id = ?", row.DestinationID).Where("lease = ?", row.Lease).Exec(ctx)
	return wrong(err, "giving a report of audience sizes back")
}

// settle notes the outcome of a look, in one transaction that the lease guards (A1). f is nil for a look that failed, or
// that had nothing to look at.
func (r *Reporter) settle(ctx context.Context, row reportRow, f *found, cause error) error {
	now, next := r.Clock.Now(), row
	next.Lease, next.LeaseUntil, next.CheckedAt, next.Failure = "", 0, clock.Millis(now), ""
	if cause != nil {
		text, err := json.Marshal(failureOf(cause))
		if err != nil {
			return wrong(err, "keeping why audiences were not read")
		}
		next.State, next.Failure, next.Failures = Failed, string(text), row.Failures+1
		next.NextAt = clock.Millis(now.Add(wait(cause, row.Failures)))
	} else {
		next.State, next.Failures, next.Snapshot, next.NextAt = Done, 0, "", clock.Millis(now.Add(Every))
	}
	return r.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		// A look that was asked for meanwhile comes at once: next_at has moved.
		res, err := tx.NewUpdate().Model(&next).Column("state", "lease", "lease_until", "failures", "snapshot", "checked_at", "failure").
			Set("next_at = CASE WHEN next_at = ? THEN ? ELSE next_at END", row.NextAt, next.NextAt).
			WherePK().Where("lease = ?", row.Lease).Exec(ctx)
		if err != nil {
			return wrong(err, "noting a look at audiences")
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(errFenced, err)
		}
		return r.note(ctx, tx, next, f)
	})
}

// note keeps what a look found.
func (r *Reporter) note(ctx context.Context, tx bun.Tx, row reportRow, f *found) error {
	look := lookRow{DestinationID: row.DestinationID, At: row.CheckedAt, Failure: row.Failure}
	if f != nil {
		look.Audiences, look.WrittenTo = int64(len(f.audiences)), f.writtenTo
		if err := r.keep(ctx, tx, row, f); err != nil {
			return err
		}
	}
	if f == nil && row.Failure == "" {
		return nil // there was nothing to look at
	}
	if _, err := tx.NewInsert().Model(&look).On("CONFLICT (destination_id, at) DO UPDATE").
		Set("audiences = EXCLUDED.audiences, written_to = EXCLUDED.written_to, failure = EXCLUDED.failure").Exec(ctx); err != nil {
		return wrong(err, "noting a look at audiences")
	}
	_, err := tx.NewRaw(`DELETE FROM audience_looks WHERE destination_id = ? AND at NOT IN (
		SELECT at FROM audience_looks WHERE destination_id = ? ORDER BY at DESC LIMIT ?)`, row.DestinationID, row.DestinationID, keepLooks).Exec(ctx)
	return wrong(err, "forgetting old looks at audiences")
}

// chunk is how many rows one statement adds.
const chunk = 50

// keep replaces the audiences that are known, and adds to the history of each sync.
func (r *Reporter) keep(ctx context.Context, tx bun.Tx, row reportRow, f *found) error {
	if _, err := tx.NewDelete().Model((*sizeRow)(nil)).Where("destination_id = ?", row.DestinationID).Exec(ctx); err != nil {
		return wrong(err, "forgetting audiences")
	}
	rows := make([]sizeRow, 0, len(f.audiences))
	for _, a := range f.audiences {
		s := sizeRow{DestinationID: row.DestinationID, Account: a.Account, Audience: a.ID, Name: a.Name, Size: a.Size, Status: a.Status, Link: a.Link}
		if id, owned := f.owners[a.AudienceRef]; owned {
			s.SyncID = &id
		}
		rows = append(rows, s)
	}
	for len(rows) > 0 {
		some := rows[:min(chunk, len(rows))]
		if _, err := tx.NewInsert().Model(&some).Exec(ctx); err != nil {
			return wrong(err, "keeping audiences")
		}
		rows = rows[len(some):]
	}
	for syncID, ref := range f.syncs {
		m := matchRow{SyncID: syncID, At: row.CheckedAt, WorkspaceID: row.WorkspaceID, Account: ref.Account, Audience: ref.ID, Members: f.members[syncID]}
		for _, a := range f.audiences {
			if a.AudienceRef == ref {
				m.Name, m.Status, m.Link, m.Matched = a.Name, a.Status, a.Link, a.Size
			}
		}
		if _, err := tx.NewInsert().Model(&m).On("CONFLICT (sync_id, at) DO NOTHING").Exec(ctx); err != nil {
			return wrong(err, "keeping the matched users of a sync")
		}
		_, err := tx.NewDelete().Model((*matchRow)(nil)).Where("sync_id = ?", syncID).Where("at < ?", row.CheckedAt-keepMatch.Milliseconds()).Exec(ctx)
		if err != nil {
			return wrong(err, "forgetting old matched users of a sync")
		}
	}
	return nil
}

// wait is how long a destination is left alone after an error.
func wait(err error, failures int64) time.Duration {
	if after := fault.As(err).After; after > 0 {
		return after
	}
	return min(firstWait<<min(failures, 16), longWait)
}

// jobsOf lists what the syncs of a destination ask of it that fill audiences.
func (r *Reporter) jobsOf(ctx context.Context, workspaceID int64, d resource.Document, info connector.DestinationInfo) ([]connector.SyncJob, error) {
	sc := resource.Scope{WorkspaceID: workspaceID, Actor: actor}
	syncs, _, err := r.Documents.List(ctx, sc, "sync", resource.Filter{Refs: map[string]string{"destination": d.Slug}})
	if err != nil {
		return nil, err
	}
	var jobs []connector.SyncJob
	for _, doc := range syncs {
		if !Fills(doc, info) {
			continue
		}
		job, err := r.Destinations.Job(ctx, workspaceID, doc, info)
		if fault.Is(err, fault.CodeNotFound) {
			continue // it, or its model, was deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job)
	}
	return jobs, nil
}
