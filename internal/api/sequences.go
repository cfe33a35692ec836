package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/engine/sequence"
	kindsequence "github.com/millrace/millrace/internal/kind/sequence"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/kind/sync/schedule"
	"github.com/millrace/millrace/internal/resource"
)

// SequenceStatus is what is known of a sequence beyond its document.
type SequenceStatus struct {
	State     string           `json:"state" enum:"pending,queued,running,completed,warning,failed,cancelled,disabled"`
	Label     string           `json:"label"`
	LastRun   *SequenceRunBody `json:"lastRun"`
	NextRunAt *string          `json:"nextRunAt" doc:"a time that has passed waits for a worker"`
	LastSkip  *SkipBody        `json:"lastSkip"`
}

// SequenceRunBody is one execution of a sequence.
type SequenceRunBody struct {
	ID              int64                 `json:"id"`
	UUID            string                `json:"uuid"`
	SequenceSlug    string                `json:"sequenceSlug"`
	SequenceID      int64                 `json:"sequenceId"`
	Trigger         string                `json:"trigger" enum:"manual,schedule,api"`
	State           sequence.State        `json:"state"`
	Label           string                `json:"label"`
	CancelRequested bool                  `json:"cancelRequested"`
	CreatedAt       string                `json:"createdAt"`
	StartedAt       *string               `json:"startedAt"`
	FinishedAt      *string               `json:"finishedAt"`
	DurationMs      int64                 `json:"durationMs" doc:"counts on while the run is under way; 0 before it began"`
	Steps           []SequenceRunStepBody `json:"steps" nullable:"false" doc:"none before the run began"`
	Error           *ErrorInfo            `json:"error"`
}

// SequenceRunStepBody is one step of a run.
type SequenceRunStepBody struct {
	Sync       Link                   `json:"sync"`
	Terminate  kindsequence.Terminate `json:"terminate"`
	Limit      kindsequence.Limit     `json:"limit" doc:"what too many rejected rows are; empty means one"`
	State      sequence.StepState     `json:"state"`
	Label      string                 `json:"label"`
	RunID      *int64                 `json:"runId" doc:"of the sync's run; null before the step's turn"`
	Rejected   int64                  `json:"rejected" doc:"rows"`
	StartedAt  *string                `json:"startedAt"`
	FinishedAt *string                `json:"finishedAt"`
	DurationMs int64                  `json:"durationMs"`
	Error      string                 `json:"error"`
	Run        *RunBody               `json:"run" doc:"while the step is under way"`
}

// sequenceStates are the states of a sequence.
var sequenceStates = []string{"pending", "queued", "running", "completed", "warning", "failed", "cancelled", "disabled"}

// sequenceState is the state of a sequence, derived from its newest run.
func sequenceState(last *sequence.Run, disabled bool) (state, label string) {
	switch {
	case last != nil && !last.State.Ended():
		label = sequenceLabel(*last)
		return strings.ToLower(label), label
	case disabled:
		return "disabled", "Disabled"
	case last == nil:
		return "pending", "Never ran"
	case last.State == sequence.Done && last.Trouble():
		return "warning", sequenceLabel(*last)
	case last.State == sequence.Done:
		return "completed", sequenceLabel(*last)
	default:
		return string(last.State), sequenceLabel(*last)
	}
}

// sequenceLabel is the state of a run in the web app's words.
func sequenceLabel(r sequence.Run) string {
	switch r.State {
	case sequence.Pending:
		return "Queued"
	case sequence.Running:
		return "Running"
	case sequence.Done:
		if r.Trouble() {
			return "Completed with errors"
		}
		return "Completed"
	case sequence.Cancelled:
		return "Cancelled by user"
	default:
		return "Failed"
	}
}

var stepLabels = map[sequence.StepState]string{
	sequence.StepWaiting: "Waiting", sequence.StepRunning: "Running", sequence.StepSuccess: "Completed", sequence.StepWarning: "Completed with errors",
	sequence.StepFailed: "Failed", sequence.StepCancelled: "Cancelled", sequence.StepSkipped: "Not reached",
}

func (s *Server) sequenceStatus(ctx context.Context, d resource.Document, spec *kindsequence.Spec) (*SequenceStatus, error) {
	last, err := s.Sequences.Latest(ctx, who(ctx).WorkspaceID, d.ID)
	if err != nil {
		return nil, err
	}
	st := &SequenceStatus{}
	if st.NextRunAt, st.LastSkip, err = s.scheduled(ctx, d, spec.Disabled); err != nil {
		return nil, err
	}
	st.State, st.Label = sequenceState(last, spec.Disabled)
	if last != nil {
		b, err := s.sequenceRuns(ctx, []sequence.Run{*last})
		if err != nil {
			return nil, err
		}
		st.LastRun = &b[0]
	}
	return st, nil
}

func (s *Server) sequences(api huma.API) {
	type triggeredSequence struct {
		Run SequenceRunBody `json:"run"`
	}
	register(s, api, op(http.MethodPost, "/api/sequences/{slug}/trigger", "trigger-sequence", "Run a sequence; while one run is under way, one more waits for it", nil), func(ctx context.Context, in *slugInput) (*body[triggeredSequence], error) {
		d, err := s.Resources.Get(ctx, scope(ctx), "sequence", in.Slug)
		if err != nil {
			return nil, err
		}
		r, err := s.triggerSequence(ctx, d, sequence.TriggerManual)
		if err != nil {
			return nil, err
		}
		b, err := s.sequenceRun(ctx, r)
		return &body[triggeredSequence]{triggeredSequence{b}}, err
	})
	for path, disabled := range map[string]bool{"enable": false, "disable": true} {
		register(s, api, descriptions["sequence"].answers(api, op(http.MethodPost, "/api/sequences/{slug}/"+path, path+"-sequence", "Turn a sequence's schedule on or off", nil), false), func(ctx context.Context, in *slugInput) (*body[DocumentBody], error) {
			d, err := s.setDisabled(ctx, "sequence", in.Slug, disabled)
			return s.document(ctx, d, err)
		})
	}
	register(s, api, op(http.MethodGet, "/api/sequences/{slug}/runs", "list-sequence-runs", "List the runs of a sequence, the newest first", nil), func(ctx context.Context, in *struct {
		Slug   string `path:"slug"`
		Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"500"`
		Cursor string `query:"cursor"`
	}) (*body[page[SequenceRunBody]], error) {
		return s.listSequenceRuns(ctx, in.Slug, in.Cursor, in.Limit)
	})
	register(s, api, op(http.MethodGet, "/api/sequence-runs/{id}", "get-sequence-run", "Read a run of a sequence", nil), func(ctx context.Context, in *runInput) (*body[SequenceRunBody], error) {
		r, err := s.Sequences.Get(ctx, who(ctx).WorkspaceID, in.ID)
		if err != nil {
			return nil, err
		}
		b, err := s.sequenceRun(ctx, r)
		return &body[SequenceRunBody]{b}, err
	})
	register(s, api, op(http.MethodPost, "/api/sequence-runs/{id}/cancel", "cancel-sequence-run", "Stop a run of a sequence, and the run of a sync that it started", nil), func(ctx context.Context, in *runInput) (*body[SequenceRunBody], error) {
		r, err := s.Sequences.Cancel(ctx, who(ctx).WorkspaceID, in.ID)
		if err != nil {
			return nil, err
		}
		b, err := s.sequenceRun(ctx, r)
		return &body[SequenceRunBody]{b}, err
	})
	s.schedules(api)
}

// triggerSequence starts a run of a sequence and notes who did.
func (s *Server) triggerSequence(ctx context.Context, d resource.Document, by string) (sequence.Run, error) {
	r, err := s.Sequences.Trigger(ctx, sequence.Request{WorkspaceID: who(ctx).WorkspaceID, SequenceID: d.ID, SequenceSlug: d.Slug, Trigger: by})
	if err != nil {
		return r, err
	}
	if err := s.Resources.Record(ctx, scope(ctx), d, "triggered", fmt.Sprintf("run %d", r.ID)); err != nil {
		s.Log.Error("noting a triggered run", "request", requestID(ctx), "run", r.ID, "error", err) // the run exists: an error would make clients start another
	}
	return r, nil
}

func (s *Server) listSequenceRuns(ctx context.Context, slug, cursor string, limit int) (*body[page[SequenceRunBody]], error) {
	d, err := s.Resources.Get(ctx, scope(ctx), "sequence", slug)
	if err != nil {
		return nil, err
	}
	before, err := offsetOf(cursor)
	if err != nil {
		return nil, err
	}
	runs, err := s.Sequences.List(ctx, who(ctx).WorkspaceID, sequence.Filter{SequenceID: d.ID, Before: int64(before), Limit: limit + 1})
	if err != nil {
		return nil, err
	}
	runs, next := newest(runs, limit, func(r sequence.Run) int64 { return r.ID })
	items, err := s.sequenceRuns(ctx, runs)
	return &body[page[SequenceRunBody]]{page[SequenceRunBody]{Items: items, Total: len(items), NextCursor: next}}, err
}

func (s *Server) sequenceRun(ctx context.Context, r sequence.Run) (SequenceRunBody, error) {
	all, err := s.sequenceRuns(ctx, []sequence.Run{r})
	if err != nil {
		return SequenceRunBody{}, err
	}
	return all[0], nil
}

// sequenceRuns returns runs as they are answered. Syncs are named as they are called now.
func (s *Server) sequenceRuns(ctx context.Context, runs []sequence.Run) ([]SequenceRunBody, error) {
	names := map[string]Link{}
	all := make([]SequenceRunBody, len(runs))
	for i, r := range runs {
		b := SequenceRunBody{
			ID: r.ID, UUID: r.UUID, SequenceSlug: r.SequenceSlug, SequenceID: r.SequenceID, Trigger: r.Trigger, State: r.State, Label: sequenceLabel(r),
			CancelRequested: r.CancelRequested, CreatedAt: stamp(r.CreatedAt), StartedAt: optionalStamp(r.StartedAt), FinishedAt: optionalStamp(r.FinishedAt),
			DurationMs: s.duration(r.StartedAt, r.FinishedAt), Steps: []SequenceRunStepBody{},
		}
		if e := r.Failure(); e != nil {
			info := infoOf(e)
			b.Error = &info
		}
		for _, step := range r.Steps {
			if _, known := names[step.Sync]; !known {
				names[step.Sync] = s.link(ctx, "sync", step.Sync)
			}
			one, err := s.sequenceStep(ctx, step, names[step.Sync])
			if err != nil {
				return nil, err
			}
			b.Steps = append(b.Steps, one)
		}
		all[i] = b
	}
	return all, nil
}

func (s *Server) sequenceStep(ctx context.Context, step sequence.Step, named Link) (SequenceRunStepBody, error) {
	b := SequenceRunStepBody{
		Sync: named, Terminate: step.Terminate, Limit: step.Limit, State: step.State, Label: stepLabels[step.State], Rejected: step.Rejected,
		StartedAt: optionalStamp(step.StartedAt), FinishedAt: optionalStamp(step.FinishedAt), DurationMs: s.duration(step.StartedAt, step.FinishedAt), Error: step.Error,
	}
	if step.RunID == 0 {
		return b, nil
	}
	b.RunID = &step.RunID
	if step.State != sequence.StepRunning {
		return b, nil
	}
	r, err := s.Runs.Get(ctx, who(ctx).WorkspaceID, step.RunID)
	if err != nil {
		return b, err
	}
	one := s.runBody(r)
	b.Run = &one
	return b, nil
}

// duration is the time between two moments in milliseconds, up to now where there is no second one.
func (s *Server) duration(from, to time.Time) int64 {
	if from.IsZero() {
		return 0
	}
	if to.IsZero() {
		to = s.Clock.Now()
	}
	return to.Sub(from).Milliseconds()
}

// maxTimes is how many times of a schedule one request gives at most.
const maxTimes = 50

func (s *Server) schedules(api huma.API) {
	type times struct {
		Runs []string `json:"runs" nullable:"false" doc:"fewer than were asked for where the schedule ends before"`
	}
	register(s, api, op(http.MethodPost, "/api/schedules/preview", "preview-schedule", "Say when a schedule would start runs", nil), func(_ context.Context, in *struct {
		Body struct {
			Schedule  sync.Schedule `json:"schedule"`
			Count     int           `json:"count,omitempty" default:"5" minimum:"1" maximum:"50"`
			LastRunAt *time.Time    `json:"lastRunAt,omitempty" doc:"from which intervals count"`
		}
	}) (*body[times], error) {
		if err := in.Body.Schedule.Validate("schedule").Err(); err != nil {
			return nil, err
		}
		var last time.Time
		if in.Body.LastRunAt != nil {
			last = *in.Body.LastRunAt
		}
		next, err := schedule.Preview(in.Body.Schedule, s.Clock.Now(), last, min(in.Body.Count, maxTimes))
		a := times{Runs: make([]string, len(next))}
		for i, at := range next {
			a.Runs[i] = stamp(at)
		}
		return &body[times]{a}, err
	})
}
