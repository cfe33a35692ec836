package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/kind/sync/schedule"
	"github.com/millrace/millrace/internal/resource"
)

// scheduler starts syncs when their time comes. What it knows is in the database, so any number of
// processes may schedule: a sync that two of them start gets one run, since a waiting run takes up the
// second request.
type scheduler struct {
	documents *resource.Store
	runs      *run.Store
	queue     run.Enqueuer
	clock     clock.Clock
	log       *slog.Logger
	suspended func(ctx context.Context, workspaceID int64, destination run.Meta) (*run.Suspension, error) // run.Engine.Suspended
}

// tick starts what is due and plans what changed.
func (s *scheduler) tick(ctx context.Context) {
	due, err := s.runs.Due(ctx, s.clock.Now())
	if err != nil {
		s.complain(ctx, "looking for due syncs", err)
		return
	}
	for _, d := range due {
		if err := s.start(ctx, d); err != nil {
			s.complain(ctx, "starting a due sync", err, "sync", d.SyncID)
		}
	}
	changed, err := s.runs.Unscheduled(ctx)
	if err != nil {
		s.complain(ctx, "looking for changed schedules", err)
		return
	}
	for _, d := range changed {
		if err := s.plan(ctx, d); err != nil {
			s.complain(ctx, "scheduling a sync", err, "sync", d.SyncID)
		}
	}
}

func (s *scheduler) complain(ctx context.Context, doing string, err error, attrs ...any) {
	if ctx.Err() == nil {
		s.log.Error(doing, append(attrs, "error", err)...)
	}
}

// start runs a sync whose time has come, then notes its next time. A process that dies in between starts
// it again: a run that finds nothing new is cheaper than one that never came.
func (s *scheduler) start(ctx context.Context, d run.Scheduled) error {
	doc, spec, err := s.sync(ctx, d)
	if fault.Is(err, fault.CodeNotFound) {
		return s.runs.SetNext(ctx, d.WorkspaceID, d.SyncID, 0, time.Time{})
	}
	if err != nil {
		return err
	}
	var next time.Time
	if !spec.Disabled {
		if err := s.trigger(ctx, d, doc, spec); err != nil {
			return err
		}
		now := s.clock.Now()
		if next, _, err = schedule.Next(spec.Schedule, now, now); err != nil {
			return err
		}
	}
	return s.runs.SetNext(ctx, d.WorkspaceID, d.SyncID, doc.Revision, next)
}

// trigger makes a run, unless the destination's permission is over: one run found that out, and further ones would
// only fail too.
func (s *scheduler) trigger(ctx context.Context, d run.Scheduled, doc resource.Document, spec *sync.Spec) error {
	to, err := s.documents.Get(ctx, resource.Scope{WorkspaceID: d.WorkspaceID, Actor: engineActor}, "destination", spec.Destination)
	if err != nil && !fault.Is(err, fault.CodeNotFound) {
		return err
	}
	if err == nil {
		suspension, err := s.suspended(ctx, d.WorkspaceID, run.Meta{ID: to.ID, Revision: to.Revision})
		if err != nil || suspension != nil {
			return err
		}
	}
	q := run.Request{WorkspaceID: d.WorkspaceID, SyncID: d.SyncID, SyncSlug: doc.Slug, Trigger: run.TriggerSchedule}
	_, err = s.runs.Trigger(ctx, q, s.queue)
	return err
}

// plan notes when a sync runs next after its document changed.
func (s *scheduler) plan(ctx context.Context, d run.Scheduled) error {
	doc, spec, err := s.sync(ctx, d)
	if fault.Is(err, fault.CodeNotFound) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	var next time.Time
	if !spec.Disabled {
		last, err := s.runs.LastStart(ctx, d.WorkspaceID, d.SyncID)
		if err != nil {
			return err
		}
		if next, _, err = schedule.Next(spec.Schedule, s.clock.Now(), last); err != nil {
			return err
		}
	}
	return s.runs.SetNext(ctx, d.WorkspaceID, d.SyncID, doc.Revision, next)
}

// replan notes the next time of a sync whose run is over: intervals count from the last run, whatever
// started it (SY-81).
func (s *scheduler) replan(ctx context.Context, r run.Run) {
	if err := s.plan(ctx, run.Scheduled{SyncID: r.SyncID, WorkspaceID: r.WorkspaceID}); err != nil {
		s.complain(ctx, "scheduling a sync", err, "sync", r.SyncID)
	}
}

func (s *scheduler) sync(ctx context.Context, d run.Scheduled) (resource.Document, *sync.Spec, error) {
	doc, err := s.documents.GetByID(ctx, resource.Scope{WorkspaceID: d.WorkspaceID, Actor: engineActor}, "sync", d.SyncID)
	if err != nil {
		return doc, nil, err
	}
	return doc, doc.Spec.(*sync.Spec), nil //nolint:forcetypeassert // the kind's own spec
}
