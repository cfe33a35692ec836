package api

import (
	"context"
	"time"

	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/engine/timetable"
	"github.com/millrace/millrace/internal/kind/bitool"
	"github.com/millrace/millrace/internal/kind/channel"
	"github.com/millrace/millrace/internal/kind/credential"
	"github.com/millrace/millrace/internal/kind/dbtproject"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/model"
	kindmonitor "github.com/millrace/millrace/internal/kind/monitor"
	"github.com/millrace/millrace/internal/kind/orchestrator"
	kindsequence "github.com/millrace/millrace/internal/kind/sequence"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/kind/storage"
	"github.com/millrace/millrace/internal/kind/sync"
	kindtunnel "github.com/millrace/millrace/internal/kind/tunnel"
	"github.com/millrace/millrace/internal/resource"
)

// Link names a document that another one is about.
type Link struct {
	Slug string `json:"slug"`
	Name string `json:"name"`
	Type string `json:"type,omitempty"`
}

// SourceStatus is what is known of a source beyond its document.
type SourceStatus struct {
	Sample     bool          `json:"sample"`
	ModelCount int           `json:"modelCount"`
	LastTest   *LastTestBody `json:"lastTest"`
}

// DestinationStatus is what is known of a destination beyond its document.
type DestinationStatus struct {
	SyncCount int           `json:"syncCount"`
	LastTest  *LastTestBody `json:"lastTest"`
}

// ModelStatus is what is known of a model beyond its document.
type ModelStatus struct {
	Source      Link       `json:"source"`
	SyncCount   int        `json:"syncCount"`
	LastRunRows *int64     `json:"lastRunRows"`
	Drift       *DriftBody `json:"drift"`

	DBT *DBTOfModelBody `json:"dbt" doc:"null: it is no model of dbt"`
}

// SyncStatus is what is known of a sync beyond its document.
type SyncStatus struct {
	State       string    `json:"state" enum:"pending,queued,querying,preparing,in_progress,healthy,incomplete,failed,disabled"`
	Label       string    `json:"label"`
	Model       Link      `json:"model"`
	Source      Link      `json:"source"`
	Destination Link      `json:"destination"`
	LastRun     *RunBody  `json:"lastRun"`
	NextRunAt   *string   `json:"nextRunAt" doc:"a time that has passed waits for a worker"`
	LastSkip    *SkipBody `json:"lastSkip"`
	Suspended   *string   `json:"suspended" doc:"why its schedule does not start it: the provider does not accept the destination's permission any more"`

	Alerts AlertRollup `json:"alerts"`
}

// SkipBody is a time at which a schedule did not start a run.
type SkipBody struct {
	At      string           `json:"at"`
	Reason  timetable.Reason `json:"reason"`
	Message string           `json:"message"`
}

// scheduled returns when a document runs next by itself, and what it last skipped (FLD-21).
func (s *Server) scheduled(ctx context.Context, d resource.Document, disabled bool) (next *string, skip *SkipBody, err error) {
	e, err := s.timetabled(ctx, d.ID)
	if err != nil {
		return nil, nil, err
	}
	if !e.Next.IsZero() && !disabled {
		next = optionalStamp(e.Next)
	}
	if e.Skip != nil {
		skip = &SkipBody{At: stamp(e.Skip.At), Reason: e.Skip.Reason, Message: e.Skip.Message}
	}
	return next, skip, nil
}

// status returns what is known of a document beyond itself.
func (s *Server) status(ctx context.Context, d resource.Document) (any, error) {
	switch spec := d.Spec.(type) {
	case *source.Spec:
		return s.sourceStatus(ctx, d, spec)
	case *destination.Spec:
		n, err := s.Resources.CountReferrers(ctx, scope(ctx), d.Kind, d.Slug)
		if err != nil {
			return nil, err
		}
		test, err := s.lastTest(ctx, d)
		return &DestinationStatus{SyncCount: n, LastTest: test}, err
	case *model.Spec:
		return s.modelStatus(ctx, d, spec)
	case *channel.Spec:
		return s.channelStatus(ctx, d)
	case *kindmonitor.Spec:
		return s.monitorStatus(ctx, d)
	case *sync.Spec:
		return s.syncStatus(ctx, d, spec)
	case *kindsequence.Spec:
		return s.sequenceStatus(ctx, d, spec)
	case *kindtunnel.Spec:
		return s.tunnelStatus(ctx, d, spec)
	case *credential.Spec:
		return s.credentialStatus(ctx, d, spec)
	case *dbtproject.Spec:
		return s.dbtProjectStatus(ctx, d, spec)
	case *bitool.Spec:
		return s.biStatus(ctx, d)
	case *orchestrator.Spec:
		return s.orchestratorStatus(ctx, d)
	case *storage.Spec:
		return s.storageStatus(ctx, d, spec)
	default:
		return nil, nil //nolint:nilnil // other kinds have no status
	}
}

func (s *Server) sourceStatus(ctx context.Context, d resource.Document, spec *source.Spec) (*SourceStatus, error) {
	all, err := s.Resources.Referrers(ctx, scope(ctx), d.Kind, d.Slug)
	if err != nil {
		return nil, err
	}
	test, err := s.lastTest(ctx, d)
	st := &SourceStatus{LastTest: test}
	for _, r := range all {
		if r.Kind == "model" {
			st.ModelCount++
		}
	}
	if info, ierr := s.Registry.Source(spec.Type); ierr == nil {
		st.Sample = info.Sample
	}
	return st, err
}

func (s *Server) modelStatus(ctx context.Context, d resource.Document, spec *model.Spec) (*ModelStatus, error) {
	n, err := s.Resources.CountReferrers(ctx, scope(ctx), d.Kind, d.Slug)
	if err != nil {
		return nil, err
	}
	rows, err := s.Runs.LastSize(ctx, who(ctx).WorkspaceID, d.Slug)
	if err != nil {
		return nil, err
	}
	drift, err := s.drift(ctx, d)
	if err != nil {
		return nil, err
	}
	node, err := s.modelDBT(ctx, *spec)
	return &ModelStatus{Source: s.link(ctx, "source", spec.Source), SyncCount: n, LastRunRows: rows, Drift: drift, DBT: node}, err
}

func (s *Server) channelStatus(ctx context.Context, d resource.Document) (*AlertChannelStatus, error) {
	n, err := s.Resources.CountReferrers(ctx, scope(ctx), d.Kind, d.Slug)
	if err != nil {
		return nil, err
	}
	st := &AlertChannelStatus{UseCount: n}
	last, err := s.Alerts.LastNotice(ctx, who(ctx).WorkspaceID, d.Slug)
	if last != nil {
		b := noticeBody(*last)
		st.LastNotice = &b
	}
	return st, err
}

// link names a document; one that is gone keeps its slug for a name.
func (s *Server) link(ctx context.Context, kind, slug string) Link {
	l := Link{Slug: slug, Name: slug}
	d, err := s.look(ctx, kind, slug)
	if err != nil {
		return l
	}
	l.Name = d.Name
	switch spec := d.Spec.(type) {
	case *source.Spec:
		l.Type = spec.Type
	case *destination.Spec:
		l.Type = spec.Type
	}
	return l
}

func (s *Server) syncStatus(ctx context.Context, d resource.Document, spec *sync.Spec) (*SyncStatus, error) {
	st := &SyncStatus{Model: s.link(ctx, "model", spec.Model), Destination: s.link(ctx, "destination", spec.Destination)}
	if m, err := s.look(ctx, "model", spec.Model); err == nil {
		st.Source = s.link(ctx, "source", m.Spec.(*model.Spec).Source) //nolint:forcetypeassert // a model's spec
	}
	last, err := s.latest(ctx, d.ID)
	if err != nil {
		return nil, err
	}
	if st.NextRunAt, st.LastSkip, err = s.scheduled(ctx, d, spec.Disabled); err != nil {
		return nil, err
	}
	if st.Suspended, err = s.suspended(ctx, spec.Destination); err != nil {
		return nil, err
	}
	st.State, st.Label = syncState(last, spec.Disabled)
	rollup, err := s.rolledUp(ctx, d)
	if err != nil {
		return nil, err
	}
	st.Alerts = rollupBody(rollup)
	if last != nil {
		b := s.runBody(*last)
		st.LastRun = &b
	}
	return st, nil
}

// suspended returns why schedules do not start the syncs of a destination.
func (s *Server) suspended(ctx context.Context, slug string) (*string, error) {
	m := memoryOf(ctx)
	if m == nil {
		return s.suspension(ctx, slug)
	}
	if why, known := m.suspended[slug]; known {
		return why, nil
	}
	why, err := s.suspension(ctx, slug)
	if err == nil {
		m.suspended[slug] = why
	}
	return why, err
}

func (s *Server) suspension(ctx context.Context, slug string) (*string, error) {
	d, err := s.look(ctx, "destination", slug)
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // a destination that is gone suspends nothing
	}
	suspension, err := run.Suspended(ctx, s.State, who(ctx).WorkspaceID, run.Meta{ID: d.ID, Revision: d.Revision})
	if err != nil || suspension == nil {
		return nil, err
	}
	return &suspension.Reason, nil
}

// syncStates are the states of a sync.
var syncStates = []string{"pending", "queued", "querying", "preparing", "in_progress", "healthy", "incomplete", "failed", "disabled"}

// syncState is the state of a sync in the web app's words (SY-03), derived from its newest run.
func syncState(last *run.Run, disabled bool) (state, label string) {
	switch {
	case last == nil && disabled:
		return "disabled", "Disabled"
	case last == nil:
		return "pending", "Pending"
	case last.State.Ended() && disabled:
		return "disabled", "Disabled"
	}
	label = last.Words().Sync
	states := map[string]string{
		"Queued": "queued", "Querying": "querying", "Preparing": "preparing", "In progress": "in_progress",
		"Healthy": "healthy", "Incomplete": "incomplete", "Failed": "failed",
	}
	return states[label], label
}

// RunBody is one execution of a sync.
type RunBody struct {
	ID            int64        `json:"id"`
	SyncSlug      string       `json:"syncSlug"`
	SyncID        int64        `json:"syncId"`
	Trigger       string       `json:"trigger" enum:"manual,schedule,api,recovery,model,sequence"`
	State         run.State    `json:"state"`
	Status        string       `json:"status" enum:"queued,querying,processing,reporting,success,warning,failed,cancelled,interrupted"`
	Label         string       `json:"label"`
	CreatedAt     string       `json:"createdAt"`
	StartedAt     *string      `json:"startedAt"`
	FinishedAt    *string      `json:"finishedAt"`
	ResumesAt     *string      `json:"resumesAt" doc:"when a run that waits for its destination's limits goes on; no worker is kept waiting"`
	DurationMs    int64        `json:"durationMs" doc:"counts on while the run is under way; 0 before it began"`
	Progress      float64      `json:"progress"`
	RowsRead      int64        `json:"rowsRead"`
	Rows          RowsBody     `json:"rows"`
	Planned       run.OpCounts `json:"planned"`
	Succeeded     run.OpCounts `json:"succeeded"`
	Failed        run.OpCounts `json:"failed"`
	Aborted       run.OpCounts `json:"aborted"`
	InDoubt       int64        `json:"inDoubt"`
	RatePerSecond float64      `json:"ratePerSecond"`
	Options       run.Options  `json:"options"`
	Engine        string       `json:"engine" enum:"basic,lightning," doc:"which engine compared the rows; empty before the run began"`
	Migrated      bool         `json:"migrated" doc:"the run copied what was synced before into the warehouse"`
	Expanded      string       `json:"expanded,omitempty" doc:"the column whose arrays were expanded: the run's rows are its elements"`
	Error         *ErrorInfo   `json:"error"`
}

// RowsBody is what the comparison found.
type RowsBody struct {
	Added     int64 `json:"added"`
	Changed   int64 `json:"changed"`
	Removed   int64 `json:"removed"`
	Unchanged int64 `json:"unchanged"`
	NullKey   int64 `json:"nullKey"`
	Duplicate int64 `json:"duplicate"`
	Ignored   int64 `json:"ignored"`
}

func (s *Server) runBody(r run.Run) RunBody {
	c := r.Counts
	b := RunBody{
		ID: r.ID, SyncSlug: r.SyncSlug, SyncID: r.SyncID, Trigger: r.Trigger, State: r.State, Status: r.Words().REST, Label: r.Words().Run,
		CreatedAt: stamp(r.CreatedAt), StartedAt: optionalStamp(r.StartedAt), FinishedAt: optionalStamp(r.FinishedAt), ResumesAt: optionalStamp(r.ResumeAt), Progress: r.Progress(),
		RowsRead: c.Read, Planned: c.Planned, Succeeded: c.Succeeded, Failed: c.Failed, Aborted: c.Aborted, InDoubt: c.InDoubt, Options: r.Options,
		Engine: r.Pinned.Engine, Migrated: r.Pinned.Migrated, Expanded: r.Pinned.Expanded,
		Rows: RowsBody{
			Added: c.Rows.Added, Changed: c.Rows.Changed, Removed: c.Rows.Removed, Unchanged: c.Unchanged,
			NullKey: c.NullKeys, Duplicate: c.Duplicates, Ignored: c.Ignored.Total(),
		},
	}
	if !r.StartedAt.IsZero() {
		end := r.FinishedAt
		if end.IsZero() {
			end = s.Clock.Now()
		}
		d := end.Sub(r.StartedAt)
		b.DurationMs = d.Milliseconds()
		if d > time.Millisecond {
			b.RatePerSecond = float64(c.Succeeded.Total()+c.Failed.Total()) / d.Seconds()
		}
	}
	if r.Failure != nil {
		b.Error = &ErrorInfo{Code: string(r.Failure.Code), Message: r.Failure.Message, Suggestion: r.Failure.Suggestion}
	}
	return b
}
