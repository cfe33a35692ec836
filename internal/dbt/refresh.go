package dbt

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/dbtproject"
	"github.com/millrace/millrace/internal/resource"
	"github.com/uptrace/bun"
)

// When manifests are looked for.
const (
	leaseTime  = 15 * time.Minute // of one look: more than fetching and compiling may take
	gitEvery   = 10 * time.Minute
	cloudEvery = time.Minute
	firstWait  = time.Minute // after an error; it doubles
	longWait   = time.Hour
)

// actor is who loads manifests that nobody sent.
const actor = "millrace"

// RefreshState is how a project stands towards its origin.
type RefreshState string

// The states.
const (
	RefreshWaiting RefreshState = "waiting" // nothing was fetched yet
	RefreshRunning RefreshState = "running"
	RefreshDone    RefreshState = "done"
	RefreshFailed  RefreshState = "failed" // the last manifest that came stays in use
)

// RefreshStates lists the states.
var RefreshStates = []RefreshState{RefreshWaiting, RefreshRunning, RefreshDone, RefreshFailed}

// Refresh is how the fetching of a project's manifest stands.
type Refresh struct {
	State   RefreshState
	Seen    string    // the commit, or the run of the job, that the manifest is of
	Checked time.Time // zero: never
	Next    time.Time
	Failure *Failure // why the last look failed
}

// Failure is an error as it is kept.
type Failure struct {
	Code       fault.Code `json:"code"`
	Message    string     `json:"message"`
	Suggestion string     `json:"suggestion"`
}

type refreshRow struct {
	bun.BaseModel `bun:"table:dbt_refreshes,alias:r"`

	ProjectID   int64        `bun:"project_id,pk"`
	WorkspaceID int64        `bun:"workspace_id"`
	State       RefreshState `bun:"state"`
	Seen        string       `bun:"seen"`
	Again       int64        `bun:"again"` // 1: what was seen already is loaded once more
	NextAt      int64        `bun:"next_at"`
	Lease       string       `bun:"lease"`
	LeaseUntil  int64        `bun:"lease_until"`
	Failures    int64        `bun:"failures"` // one after another
	CheckedAt   int64        `bun:"checked_at"`
	Failure     string       `bun:"failure"`
}

// Look asks an origin for a manifest.
type Look struct {
	WorkspaceID int64
	ProjectID   int64
	Spec        dbtproject.Spec // with its secrets
	Seen        string          // what was loaded last; an origin that has nothing newer returns nothing
}

// Fetched is a manifest that an origin has.
type Fetched struct {
	Seen string // names it: a commit, or a run
	Body io.ReadCloser
}

// Fetcher brings manifests from origins. It returns nil where there is nothing newer.
type Fetcher interface {
	Fetch(ctx context.Context, l Look) (*Fetched, error)
}

// Refresher fetches the manifests of projects. Any number of processes may have one.
type Refresher struct {
	DB        *db.DB
	Documents *resource.Store
	Loader    Loader
	Fetcher   Fetcher
	Clock     clock.Clock
	Log       *slog.Logger
}

// Follow makes the refresher look at once where a project is made or changed.
func (f *Refresher) Follow() {
	f.Documents.OnCreate(func(ctx context.Context, tx bun.Tx, sc resource.Scope, d resource.Document) error {
		return f.plan(ctx, tx, sc, d)
	})
	f.Documents.OnUpdate(func(ctx context.Context, tx bun.Tx, u resource.Updated) error {
		return f.plan(ctx, tx, u.Scope, u.After)
	})
}

// plan makes a project due. What it has seen counts no more: it may be another repository's.
func (f *Refresher) plan(ctx context.Context, tx bun.Tx, sc resource.Scope, d resource.Document) error {
	spec, ok := d.Spec.(*dbtproject.Spec)
	if !ok {
		return nil
	}
	if spec.Origin == dbtproject.OriginManifest {
		_, err := tx.NewDelete().Model((*refreshRow)(nil)).Where("project_id = ?", d.ID).Exec(ctx)
		return failed(err, "forgetting the origin of a dbt project")
	}
	row := refreshRow{ProjectID: d.ID, WorkspaceID: sc.WorkspaceID, State: RefreshWaiting, NextAt: clock.Millis(f.Clock.Now())}
	_, err := tx.NewInsert().Model(&row).On("CONFLICT (project_id) DO UPDATE").
		Set("state = EXCLUDED.state, seen = '', again = 0, next_at = EXCLUDED.next_at, lease = '', lease_until = 0, failures = 0, failure = ''").Exec(ctx)
	return failed(err, "planning to fetch a manifest")
}

func failed(err error, doing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// Ask makes a project due at once; with again also where nothing is newer (DBT-02). A look that is under way is given
// up for it.
func (f *Refresher) Ask(ctx context.Context, workspaceID, projectID int64, again bool) error {
	flag := 0
	if again {
		flag = 1
	}
	r, err := f.DB.NewUpdate().Model((*refreshRow)(nil)).Set("next_at = ?", clock.Millis(f.Clock.Now())).Set("again = ?", flag).Set("state = ?", RefreshWaiting).
		Set("lease = ''").Set("lease_until = 0").Where("project_id = ?", projectID).Where("workspace_id = ?", workspaceID).Exec(ctx)
	if err != nil {
		return failed(err, "asking for a manifest")
	}
	if n, err := r.RowsAffected(); err != nil || n > 0 {
		return failed(err, "asking for a manifest")
	}
	return fault.New(fault.CodeInvalid, "the manifest of this project is loaded, not fetched").
		WithSuggestion("Load it with `millrace dbt load`, or choose another origin for the project.")
}

// Look returns how the fetching of a project's manifest stands; ok is false where nothing is fetched.
func (f *Refresher) Look(ctx context.Context, workspaceID, projectID int64) (r Refresh, ok bool, err error) {
	var row refreshRow
	err = f.DB.NewSelect().Model(&row).Where("project_id = ?", projectID).Where("workspace_id = ?", workspaceID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	if err != nil {
		return r, false, failed(err, "reading how a manifest is fetched")
	}
	r = Refresh{State: row.State, Seen: row.Seen, Checked: clock.FromMillis(row.CheckedAt), Next: clock.FromMillis(row.NextAt)}
	if row.Failure != "" {
		r.Failure = &Failure{}
		err = json.Unmarshal([]byte(row.Failure), r.Failure)
	}
	return r, err == nil, failed(err, "reading how a manifest is fetched")
}

// Sweep looks at the origins that are due, one after another, and returns when none is.
func (f *Refresher) Sweep(ctx context.Context) {
	for ctx.Err() == nil {
		row, ok, err := f.take(ctx)
		if err != nil && ctx.Err() == nil {
			f.Log.Error("looking for dbt projects", "error", err)
		}
		if !ok {
			return
		}
		seen, err := f.one(ctx, row)
		if err != nil && ctx.Err() != nil {
			return // the process stops; when the lease is over, another one looks
		}
		if err != nil {
			f.Log.Warn("fetching a manifest", "project", row.ProjectID, "code", fault.As(err).Code)
		}
		if err := f.settle(ctx, row, seen, err); err != nil && ctx.Err() == nil {
			f.Log.Error("noting how a manifest was fetched", "project", row.ProjectID, "error", err)
		}
	}
}

// take gives the project that is due for longest to the caller.
func (f *Refresher) take(ctx context.Context) (refreshRow, bool, error) {
	var rows []refreshRow
	now := f.Clock.Now()
	err := f.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		q := tx.NewSelect().Model(&rows).Where("r.next_at <= ?", clock.Millis(now)).Where("r.lease_until <= ?", clock.Millis(now)).Order("r.next_at", "r.project_id").Limit(1)
		if f.DB.IsPostgres() {
			q.For("UPDATE SKIP LOCKED")
		}
		if err := q.Scan(ctx); err != nil || len(rows) == 0 {
			return err
		}
		rows[0].Lease, rows[0].LeaseUntil, rows[0].State = uuid.NewString(), clock.Millis(now.Add(leaseTime)), RefreshRunning
		_, err := tx.NewUpdate().Model(&rows[0]).Column("lease", "lease_until", "state").WherePK().Exec(ctx)
		return err
	})
	if err != nil || len(rows) == 0 {
		return refreshRow{}, false, failed(err, "taking a dbt project")
	}
	return rows[0], true, nil
}

// one looks at an origin, and loads what is new. It returns what is loaded now.
func (f *Refresher) one(ctx context.Context, row refreshRow) (seen string, err error) {
	ctx, cancel := context.WithTimeout(ctx, leaseTime-time.Minute)
	defer cancel()
	sc := resource.Scope{WorkspaceID: row.WorkspaceID, Actor: actor}
	d, err := f.Documents.GetByID(ctx, sc, dbtproject.KindName, row.ProjectID)
	if err != nil {
		return row.Seen, err
	}
	if d, err = f.Documents.Resolve(ctx, sc, dbtproject.KindName, d.Slug); err != nil {
		return row.Seen, err
	}
	l := Look{WorkspaceID: row.WorkspaceID, ProjectID: row.ProjectID, Spec: *d.Spec.(*dbtproject.Spec), Seen: row.Seen} //nolint:forcetypeassert // the kind's own spec
	if row.Again == 1 {
		l.Seen = ""
	}
	found, err := f.Fetcher.Fetch(ctx, l)
	if err != nil || found == nil {
		return row.Seen, err
	}
	_, err = f.Loader.take(ctx, sc, d, found.Body)
	if err = errors.Join(err, found.Body.Close()); err != nil {
		return row.Seen, err
	}
	return found.Seen, nil
}

// settle notes the outcome of a look. Only who holds the lease may: the project may have been changed meanwhile.
func (f *Refresher) settle(ctx context.Context, row refreshRow, seen string, cause error) error {
	now, held := f.Clock.Now(), row.Lease
	row.Seen, row.Lease, row.LeaseUntil, row.CheckedAt, row.Again, row.Failure = seen, "", 0, clock.Millis(now), 0, ""
	if cause != nil {
		e := fault.As(cause)
		text, err := json.Marshal(Failure{Code: e.Code, Message: e.Error(), Suggestion: e.Hint()})
		if err != nil {
			return failed(err, "keeping why a manifest was not fetched")
		}
		row.State, row.Failure, row.NextAt = RefreshFailed, string(text), clock.Millis(now.Add(wait(cause, row.Failures)))
		row.Failures++
	} else {
		row.State, row.Failures = RefreshDone, 0
		row.NextAt = clock.Millis(now.Add(f.every(ctx, row)))
		if seen == "" {
			row.State = RefreshWaiting // the job has not run yet
		}
	}
	_, err := f.DB.NewUpdate().Model(&row).Column("state", "seen", "again", "next_at", "lease", "lease_until", "failures", "checked_at", "failure").
		WherePK().Where("lease = ?", held).Exec(ctx)
	return failed(err, "noting how a manifest was fetched")
}

// every is how often the project's origin is looked at.
func (f *Refresher) every(ctx context.Context, row refreshRow) time.Duration {
	d, err := f.Documents.GetByID(ctx, resource.Scope{WorkspaceID: row.WorkspaceID, Actor: actor}, dbtproject.KindName, row.ProjectID)
	if err == nil && d.Spec.(*dbtproject.Spec).Origin == dbtproject.OriginCloud { //nolint:forcetypeassert // the kind's own spec
		return cloudEvery
	}
	return gitEvery
}

// wait is how long an origin is left alone after an error.
func wait(err error, failures int64) time.Duration {
	if after := fault.As(err).After; after > 0 {
		return after
	}
	next := firstWait
	for range failures {
		if next *= 2; next >= longWait {
			return longWait
		}
	}
	return next
}
