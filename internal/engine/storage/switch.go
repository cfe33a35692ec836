package storage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
)

// State is where a switch stands.
type State string

// The states, in the order in which a switch goes through them.
const (
	Checking   State = "checking"   // the new place is tried; nothing has changed
	Waiting    State = "waiting"    // the workspace's syncs are paused; runs under way end
	Validating State = "validating" // the new place is in use, and tried once more
	Resuming   State = "resuming"   // the syncs are about to go on
	Cleaning   State = "cleaning"   // the syncs go on; what is of no use any more is removed from the server's storage
	Done       State = "done"
	Failed     State = "failed"    // the old place is in use
	Cancelled  State = "cancelled" // a person stopped it; the old place is in use
)

// Ended reports whether a switch in this state is over.
func (s State) Ended() bool { return s == Done || s == Failed || s == Cancelled }

// Failure is a switch's error as it is stored.
type Failure struct {
	Code       fault.Code `json:"code"`
	Message    string     `json:"message"`
	Suggestion string     `json:"suggestion,omitempty"`
}

func failureOf(err error) string {
	e := fault.As(err)
	text, _ := json.Marshal(Failure{e.Code, err.Error(), e.Hint()}) //nolint:errcheck,errchkjson // texts always encode
	return string(text)
}

// switchRow is a row of storage_switches.
type switchRow struct {
	bun.BaseModel `bun:"table:storage_switches,alias:w"`

	ID          int64  `bun:"id,pk"`
	WorkspaceID int64  `bun:"workspace_id"`
	DocumentID  int64  `bun:"document_id"` // 0: the server's own storage
	Slug        string `bun:"slug"`
	Type        string `bun:"type"`
	Label       string `bun:"label"`
	FromLabel   string `bun:"from_label"`
	State       State  `bun:"state"`
	Actor       string `bun:"actor"`
	Abandon     bool   `bun:"abandon"`
	Cancelled   bool   `bun:"cancelled"` // a person wants it to stop
	FromPlace   int64  `bun:"from_place"`
	ToPlace     int64  `bun:"to_place"` // 0 before the place is in use, and after it is no longer
	Running     int64  `bun:"running"`
	Error       string `bun:"error"` // Failure as JSON
	LeaseOwner  string `bun:"lease_owner"`
	LeaseUntil  int64  `bun:"lease_until"`
	CreatedAt   int64  `bun:"created_at"`
	UpdatedAt   int64  `bun:"updated_at"`
	FinishedAt  int64  `bun:"finished_at"`
}

// Request asks for a switch.
type Request struct {
	WorkspaceID   int64
	WorkspaceSlug string
	Slug          string // of a storage; empty means the server's own
	Actor         string
	Abandon       bool // the old storage is lost: runs that cannot be settled without it are given up
}

// Begin asks for a switch, which workers carry out.
func (e *Engine) Begin(ctx context.Context, q Request) (Switch, error) {
	now := e.Clock.Now().UnixMilli()
	row := &switchRow{WorkspaceID: q.WorkspaceID, Slug: q.Slug, Label: e.Server.Label, State: Checking, Actor: q.Actor, Abandon: q.Abandon, CreatedAt: now, UpdatedAt: now}
	if err := e.target(ctx, q, row); err != nil {
		return Switch{}, err
	}
	err := e.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		from, err := e.current(ctx, tx, q.WorkspaceID)
		if err != nil {
			return err
		}
		if err := e.mayLeave(from, row, q); err != nil {
			return err
		}
		row.FromLabel, row.FromPlace = from.Label, from.ID
		open, err := tx.NewSelect().Table("storage_switches").Where("workspace_id = ?", q.WorkspaceID).Where("finished_at = 0").Exists(ctx)
		if err != nil {
			return fmt.Errorf("looking for a switch: %w", err)
		}
		if open {
			return fault.New(fault.CodeConflict, "the workspace's storage is being switched already").WithSuggestion("Wait for its end, or cancel it.")
		}
		if row.ID, err = e.DB.NextID(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.NewInsert().Model(row).Exec(ctx); err != nil {
			return fmt.Errorf("asking for a switch: %w", err)
		}
		return nil
	})
	if err != nil {
		return Switch{}, err
	}
	return row.view()
}

// target fills in where a switch goes.
func (e *Engine) target(ctx context.Context, q Request, row *switchRow) error {
	if q.Slug == "" {
		return nil
	}
	d, err := e.resolve(ctx, q.WorkspaceID, q.Slug)
	if err != nil {
		return err
	}
	row.DocumentID, row.Type, row.Label = d.ID, d.kind, d.place.Label()
	return nil
}

// mayLeave decides whether a person may move the workspace.
func (e *Engine) mayLeave(from placeRow, to *switchRow, q Request) error {
	if from.DocumentID == to.DocumentID {
		return fault.New(fault.CodeConflict, "the workspace's objects are there already: %s", from.Label).WithSuggestion("Choose another storage.")
	}
	if from.Label == to.Label {
		return fault.New(fault.CodeConflict, "both describe the same place, %s: a switch would make every sync begin anew for nothing", from.Label).
			WithSuggestion("Change the credentials of the storage that is in use instead.")
	}
	if e.Locked(from.DocumentID, from.UsedAt != 0, q.WorkspaceSlug) {
		return fault.New(fault.CodeStorageLocked, "syncs have run on %s, and the operator of this server has locked such storage", from.Label)
	}
	return nil
}

// Locked reports whether a workspace may not leave a place.
func (e *Engine) Locked(documentID int64, hasRun bool, workspaceSlug string) bool {
	return e.Lock.AfterFirstRun && documentID != 0 && hasRun && !slices.Contains(e.Lock.Except, workspaceSlug)
}

// Cancel stops a switch whose place is not in use yet.
func (e *Engine) Cancel(ctx context.Context, workspaceID, id int64) (Switch, error) {
	res, err := e.DB.NewUpdate().Table("storage_switches").Set("cancelled = ?", true).Where("id = ?", id).Where("workspace_id = ?", workspaceID).
		Where("state IN (?)", bun.List([]State{Checking, Waiting})).Exec(ctx)
	if err != nil {
		return Switch{}, fmt.Errorf("cancelling a switch: %w", err)
	}
	sw, err := e.Get(ctx, workspaceID, id)
	if err != nil {
		return sw, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return sw, errors.Join(err, fault.New(fault.CodeConflict, "the switch cannot be cancelled any more: it is %s", sw.State))
	}
	return sw, nil
}

// A step must end within stepTime, so that a lease that is not extended in between outlasts it.
const (
	stepTime  = 40 * time.Second
	leaseTime = 50 * time.Second
	pauseTime = 30 * time.Second // before a cleaning that failed, or could not begin, is tried again
)

// Recover lets this process go on at once with what an earlier one had under way, where there is only one process.
func (e *Engine) Recover(ctx context.Context) error {
	_, err := e.DB.NewUpdate().Table("storage_switches").Set("lease_until = 0").Where("finished_at = 0").Exec(ctx)
	if err != nil {
		return fmt.Errorf("recovering switches: %w", err)
	}
	return nil
}

// Advance takes every switch that no other process works on as far as it goes.
func (e *Engine) Advance(ctx context.Context) error {
	var ids []int64
	if err := e.DB.NewSelect().Table("storage_switches").Column("id").Where("finished_at = 0").Order("id").Scan(ctx, &ids); err != nil {
		return fmt.Errorf("looking for switches: %w", err)
	}
	var errs []error
	for _, id := range ids {
		errs = append(errs, e.advance(ctx, id))
	}
	return errors.Join(errs...)
}

func (e *Engine) advance(ctx context.Context, id int64) error {
	for {
		row, ok, err := e.claim(ctx, id)
		if err != nil || !ok {
			return err
		}
		before := row.State
		if err := e.step(ctx, row); err != nil {
			return err
		}
		if row.State.Ended() || row.State == before {
			return nil
		}
	}
}

// claim takes the lease of a switch, or extends it.
func (e *Engine) claim(ctx context.Context, id int64) (*switchRow, bool, error) {
	now := e.Clock.Now()
	res, err := e.DB.NewUpdate().Table("storage_switches").Set("lease_owner = ?", e.Owner).Set("lease_until = ?", now.Add(leaseTime).UnixMilli()).
		Where("id = ?", id).Where("finished_at = 0").Where("(lease_owner = ? OR lease_until < ?)", e.Owner, now.UnixMilli()).Exec(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("taking a switch: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return nil, false, err
	}
	row := &switchRow{ID: id}
	if err := e.DB.NewSelect().Model(row).WherePK().Scan(ctx); err != nil {
		return nil, false, fmt.Errorf("reading a switch: %w", err)
	}
	return row, true, nil
}

func (e *Engine) step(ctx context.Context, row *switchRow) error {
	limited, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	var err error
	switch row.State { //nolint:exhaustive // the other states are over
	case Checking:
		err = e.check(limited, row)
	case Waiting:
		err = e.wait(limited, row)
	case Validating:
		err = e.validate(limited, row)
	case Resuming:
		err = e.resume(limited, row)
	case Cleaning:
		err = e.clean(limited, row)
	}
	if ctx.Err() != nil {
		return nil // the process stops: the next one goes on
	}
	return err
}

// to moves a switch on in a transaction that does what belongs to the new state. It does nothing where another
// process has taken the switch or a person has cancelled it meanwhile.
func (e *Engine) to(ctx context.Context, row *switchRow, next State, do func(ctx context.Context, tx bun.Tx) error) error {
	was := *row
	err := e.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		*row = was
		if err := do(ctx, tx); err != nil {
			return err
		}
		now := e.Clock.Now().UnixMilli()
		row.State, row.UpdatedAt = next, now
		if next.Ended() {
			row.FinishedAt = now
		}
		q := tx.NewUpdate().Model(row).Column("state", "to_place", "running", "error", "updated_at", "finished_at").
			Where("id = ?", row.ID).Where("state = ?", was.State).Where("lease_owner = ?", e.Owner)
		if !was.Cancelled {
			q.Where("cancelled = ?", false)
		}
		res, err := q.Exec(ctx)
		if err != nil {
			return fmt.Errorf("moving a switch on: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, errFenced)
		}
		return nil
	})
	if err != nil {
		*row = was
	}
	if errors.Is(err, errFenced) {
		return nil
	}
	if err == nil && e.Failpoint != nil {
		e.Failpoint("storage-" + string(next))
	}
	return err
}

// errFenced says that somebody else has changed the switch.
var errFenced = errors.New("the switch was changed by somebody else")

// notOfPlace reports whether an error says nothing about the place: our own database is away, or the process stops.
func notOfPlace(ctx context.Context, err error) bool {
	return errors.Is(ctx.Err(), context.Canceled) || fault.As(err).Code == fault.CodeInternal
}

func nothing(context.Context, bun.Tx) error { return nil }

// check tries the new place before anything changes, and then pauses the syncs (S1).
func (e *Engine) check(ctx context.Context, row *switchRow) error {
	if row.Cancelled {
		return e.to(ctx, row, Cancelled, nothing)
	}
	b, err := e.open(ctx, row.WorkspaceID, row.DocumentID, row.Slug)
	if err == nil {
		err = b.Probe(ctx, row.WorkspaceID)
	}
	if err != nil {
		if notOfPlace(ctx, err) {
			return err
		}
		row.Error = failureOf(err)
		return e.to(context.WithoutCancel(ctx), row, Failed, nothing)
	}
	return e.to(ctx, row, Waiting, func(ctx context.Context, tx bun.Tx) error {
		return e.Syncs.Pause(ctx, tx, row.WorkspaceID, "the storage is being switched")
	})
}

// wait puts the new place into use as soon as no run is under way (S1, S2).
func (e *Engine) wait(ctx context.Context, row *switchRow) error {
	if row.Cancelled {
		return e.to(ctx, row, Resuming, nothing)
	}
	running, err := e.Syncs.Drain(ctx, row.WorkspaceID, row.Abandon)
	if err != nil {
		return err
	}
	if running > 0 {
		return e.note(ctx, row, running)
	}
	row.Running = 0
	return e.to(ctx, row, Validating, func(ctx context.Context, tx bun.Tx) error { return e.use(ctx, tx, row) })
}

// note remembers how many runs are waited for.
func (e *Engine) note(ctx context.Context, row *switchRow, running int) error {
	if row.Running == int64(running) {
		return nil
	}
	_, err := e.DB.NewUpdate().Table("storage_switches").Set("running = ?", running).Set("updated_at = ?", e.Clock.Now().UnixMilli()).
		Where("id = ?", row.ID).Where("lease_owner = ?", e.Owner).Exec(ctx)
	if err != nil {
		return fmt.Errorf("noting the progress of a switch: %w", err)
	}
	return nil
}

// use makes the new place the one in use.
func (e *Engine) use(ctx context.Context, tx bun.Tx, row *switchRow) error {
	now := e.Clock.Now().UnixMilli()
	_, err := tx.NewUpdate().Table("storage_places").Set("until = ?", now).Where("workspace_id = ?", row.WorkspaceID).Where("until = 0").Exec(ctx)
	if err != nil {
		return fmt.Errorf("leaving a storage: %w", err)
	}
	if row.ToPlace, err = e.DB.NextID(ctx, tx); err != nil {
		return err
	}
	_, err = tx.NewInsert().Model(&placeRow{
		ID: row.ToPlace, WorkspaceID: row.WorkspaceID, DocumentID: row.DocumentID, Slug: row.Slug, Type: row.Type, Label: row.Label, Since: now,
	}).Exec(ctx)
	if err != nil {
		return fmt.Errorf("using a storage: %w", err)
	}
	return nil
}

// validate tries the place that is in use now. Where it does not work, the old one is put back into use (S3).
func (e *Engine) validate(ctx context.Context, row *switchRow) error {
	b, err := e.bucket(ctx, row.WorkspaceID)
	if err == nil {
		err = b.Probe(ctx, row.WorkspaceID)
	}
	if err == nil {
		return e.to(ctx, row, Resuming, nothing)
	}
	if notOfPlace(ctx, err) {
		return err
	}
	row.Error = failureOf(err)
	return e.to(context.WithoutCancel(ctx), row, Resuming, func(ctx context.Context, tx bun.Tx) error { return e.goBack(ctx, tx, row) })
}

func (e *Engine) goBack(ctx context.Context, tx bun.Tx, row *switchRow) error {
	if _, err := tx.NewDelete().Table("storage_places").Where("id = ?", row.ToPlace).Exec(ctx); err != nil {
		return fmt.Errorf("leaving a storage: %w", err)
	}
	if _, err := tx.NewUpdate().Table("storage_places").Set("until = 0").Where("id = ?", row.FromPlace).Exec(ctx); err != nil {
		return fmt.Errorf("using a storage: %w", err)
	}
	row.ToPlace = 0
	return nil
}

// resume lets the syncs go on.
func (e *Engine) resume(ctx context.Context, row *switchRow) error {
	next := Done
	switch {
	case row.ToPlace == 0 && row.Error == "":
		next = Cancelled
	case row.ToPlace == 0:
		next = Failed
	default:
		fromServer, err := e.fromServer(ctx, row)
		if err != nil {
			return err
		}
		if fromServer {
			next = Cleaning
		}
	}
	return e.to(ctx, row, next, func(ctx context.Context, tx bun.Tx) error { return e.Syncs.Resume(ctx, tx, row.WorkspaceID) })
}

func (e *Engine) fromServer(ctx context.Context, row *switchRow) (bool, error) {
	if row.FromPlace == 0 {
		return true, nil
	}
	from := placeRow{ID: row.FromPlace}
	err := e.DB.NewSelect().Model(&from).WherePK().Scan(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, fmt.Errorf("reading a storage: %w", err)
	}
	return err == nil && from.DocumentID == 0, nil
}

// syncPrefix is where the objects of syncs are.
const syncPrefix = "syncs/"

// clean removes from the server's storage what no sync can use any more, and nobody has to read (S3, X-04).
func (e *Engine) clean(ctx context.Context, row *switchRow) error {
	unread, err := e.Syncs.Unread(ctx, row.WorkspaceID, time.UnixMilli(row.UpdatedAt))
	if err != nil {
		return err
	}
	if unread {
		return e.later(ctx, row, row.Error)
	}
	err = e.Server.Bucket.DeletePrefix(ctx, row.WorkspaceID, syncPrefix)
	if err == nil {
		row.Error = ""
		return e.to(ctx, row, Done, nothing)
	}
	return errors.Join(err, e.later(ctx, row, failureOf(err)))
}

// later gives a cleaning back for a while.
func (e *Engine) later(ctx context.Context, row *switchRow, failure string) error {
	_, err := e.DB.NewUpdate().Table("storage_switches").Set("error = ?", failure).Set("lease_owner = ''").
		Set("lease_until = ?", e.Clock.Now().Add(pauseTime).UnixMilli()).Where("id = ?", row.ID).Where("lease_owner = ?", e.Owner).Exec(context.WithoutCancel(ctx))
	if err != nil {
		return fmt.Errorf("putting off a cleaning: %w", err)
	}
	return nil
}
