package api

import (
	"context"
	"net/http"

	"github.com/google/uuid"
	"github.com/millrace/millrace/internal/engine/sequence"
	kindsequence "github.com/millrace/millrace/internal/kind/sequence"
	"github.com/millrace/millrace/internal/resource"
)

// compatibleSequences registers the sequences of the compatible API. Its description has the trigger and the status of
// a run; a public client (Paradime's, paradime/core/scripts/hightouch.py) also lists sequences and their runs, and
// knows of the latter only the words that runs of syncs have.
func (s *Server) compatibleSequences(mux *http.ServeMux) {
	s.v1(mux, "GET", "sync-sequences", s.v1Sequences)
	s.v1(mux, "POST", "sync-sequences/{id}/trigger", s.v1TriggerSequence)
	s.v1(mux, "GET", "sync-sequences/{id}/{of}", func(ctx context.Context, r *http.Request) (any, error) {
		switch id, of := r.PathValue("id"), r.PathValue("of"); {
		case id == "runs":
			return s.v1SequenceRun(ctx, of)
		case of == "runs":
			return s.v1SequenceRuns(ctx, r)
		default:
			return nil, notFound("there is no %s", r.URL.Path)
		}
	})
}

// v1Sequence returns the sequence of a path: by its UUID, as the contract has it, or by its number.
func (s *Server) v1Sequence(ctx context.Context, id string) (resource.Document, error) {
	if parsed, err := uuid.Parse(id); err == nil {
		return s.Resources.GetByUUID(ctx, scope(ctx), "sequence", parsed.String())
	}
	n, ok := number(id)
	if !ok {
		return resource.Document{}, notFound("%q is not the id of a sequence", id)
	}
	return s.Resources.GetByID(ctx, scope(ctx), "sequence", n)
}

// v1TriggerSequence answers with the run that was made, or with the one that waits already.
func (s *Server) v1TriggerSequence(ctx context.Context, r *http.Request) (any, error) {
	d, err := s.v1Sequence(ctx, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	run, err := s.triggerSequence(ctx, d, sequence.TriggerAPI)
	return map[string]string{"id": run.UUID}, err
}

// v1FindRun returns a run by its UUID, as the contract has it, or by its number.
func (s *Server) v1FindRun(ctx context.Context, id string) (sequence.Run, error) {
	if parsed, err := uuid.Parse(id); err == nil {
		return s.Sequences.GetByUUID(ctx, who(ctx).WorkspaceID, parsed.String())
	}
	n, ok := number(id)
	if !ok {
		return sequence.Run{}, notFound("%q is not the id of a run", id)
	}
	return s.Sequences.Get(ctx, who(ctx).WorkspaceID, n)
}

// v1SequenceRun is the status of a run with exactly the fields of the contract.
func (s *Server) v1SequenceRun(ctx context.Context, id string) (any, error) {
	r, err := s.v1FindRun(ctx, id)
	if err != nil {
		return nil, err
	}
	runs := []any{}
	for _, step := range r.Steps {
		if step.RunID == 0 {
			continue
		}
		one, err := s.Runs.Get(ctx, who(ctx).WorkspaceID, step.RunID)
		if err != nil {
			return nil, err
		}
		runs = append(runs, map[string]any{
			"syncId": step.SyncID, "syncRunId": step.RunID, "status": one.Words().REST, "finishedAt": optionalStamp(one.FinishedAt),
		})
	}
	return map[string]any{"id": r.UUID, "status": r.State, "syncRuns": runs}, nil
}

// v1SequenceWord is a run's state in the words that runs of syncs have.
func v1SequenceWord(r sequence.Run) string {
	switch {
	case r.State == sequence.Pending:
		return "queued"
	case r.State == sequence.Running:
		return "processing"
	case r.State == sequence.Done && r.Trouble():
		return "warning"
	case r.State == sequence.Done:
		return "success"
	default:
		return string(r.State)
	}
}

func (s *Server) v1SequenceRuns(ctx context.Context, r *http.Request) (any, error) {
	d, err := s.v1Sequence(ctx, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	offset, limit := window(r.URL.Query())
	runs, err := s.Sequences.List(ctx, who(ctx).WorkspaceID, sequence.Filter{SequenceID: d.ID, Offset: offset, Limit: limit + 1})
	if err != nil {
		return nil, err
	}
	p := v1Page{Data: []any{}, HasMore: len(runs) > limit}
	for _, one := range runs[:min(limit, len(runs))] {
		p.Data = append(p.Data, map[string]any{
			"id": one.UUID, "status": v1SequenceWord(one), "createdAt": stamp(one.CreatedAt), "startedAt": optionalStamp(one.StartedAt), "finishedAt": optionalStamp(one.FinishedAt),
		})
	}
	return p, nil
}

func (s *Server) v1Sequences(ctx context.Context, r *http.Request) (any, error) {
	documents, limit, err := s.v1Documents(ctx, r.URL.Query(), "sequence")
	if err != nil {
		return nil, err
	}
	newest, err := s.Sequences.Newest(ctx, who(ctx).WorkspaceID)
	if err != nil {
		return nil, err
	}
	p := v1Page{Data: []any{}, HasMore: len(documents) > limit}
	for _, d := range documents[:min(limit, len(documents))] {
		spec := d.Spec.(*kindsequence.Spec) //nolint:forcetypeassert // a sequence's spec
		b := map[string]any{
			"id": d.UUID, "name": d.Name, "slug": d.Slug, "workspaceId": who(ctx).WorkspaceID, "createdAt": stamp(d.CreatedAt), "updatedAt": stamp(d.UpdatedAt),
			"schedule": v1Schedule(spec.Schedule), "disabled": spec.Disabled, "status": "pending", "lastRunAt": nil,
		}
		if last, ran := newest[d.ID]; ran {
			b["status"], b["lastRunAt"] = v1SequenceWord(last), stamp(last.CreatedAt)
		}
		if b["syncs"], err = s.v1StepIDs(ctx, spec); err != nil {
			return nil, err
		}
		p.Data = append(p.Data, b)
	}
	return p, nil
}

// v1StepIDs lists the numbers of a sequence's syncs in their order.
func (s *Server) v1StepIDs(ctx context.Context, spec *kindsequence.Spec) ([]int64, error) {
	ids := make([]int64, len(spec.Steps))
	for i, step := range spec.Steps {
		d, err := s.Resources.Get(ctx, scope(ctx), "sync", step.Sync)
		if err != nil {
			return nil, err
		}
		ids[i] = d.ID
	}
	return ids, nil
}
