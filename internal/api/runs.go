package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/engine/sequence"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/model"
	kindsequence "github.com/millrace/millrace/internal/kind/sequence"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/mapping"
	"github.com/millrace/millrace/internal/resource"
)

func (s *Server) syncs(api huma.API) {
	type triggeredRun struct {
		Run RunBody `json:"run"`
	}
	register(s, api, op(http.MethodPost, "/api/syncs/{slug}/trigger", "trigger-sync", "Run a sync", nil), func(ctx context.Context, in *struct {
		Slug string `path:"slug"`
		Body *struct {
			FullResync   bool `json:"fullResync,omitempty"`
			ResetCDC     bool `json:"resetCDC,omitempty"`
			ClearAndFill bool `json:"clearAndFill,omitempty"`
		}
	}) (*body[triggeredRun], error) {
		var o run.Options
		if in.Body != nil {
			o = run.Options(*in.Body)
		}
		d, err := s.Resources.Get(ctx, scope(ctx), "sync", in.Slug)
		if err != nil {
			return nil, err
		}
		r, err := s.trigger(ctx, d, run.TriggerManual, o)
		return &body[triggeredRun]{triggeredRun{s.runBody(r)}}, err
	})
	for path, disabled := range map[string]bool{"enable": false, "disable": true} {
		register(s, api, descriptions["sync"].answers(api, op(http.MethodPost, "/api/syncs/{slug}/"+path, path+"-sync", "Turn a sync's schedule on or off", nil), false), func(ctx context.Context, in *slugInput) (*body[DocumentBody], error) {
			d, err := s.setDisabled(ctx, "sync", in.Slug, disabled)
			return s.document(ctx, d, err)
		})
	}
	register(s, api, op(http.MethodGet, "/api/syncs/{slug}/runs", "list-runs", "List the runs of a sync, the newest first", nil), func(ctx context.Context, in *struct {
		Slug     string `path:"slug"`
		Limit    int    `query:"limit" default:"50" minimum:"1" maximum:"500"`
		Cursor   string `query:"cursor"`
		NonEmpty string `query:"nonEmpty" enum:"true,succeeded,false," doc:"true: only runs that planned something; succeeded: only runs with rows that arrived"`
	}) (*body[page[RunBody]], error) {
		return s.listRuns(ctx, in.Slug, in.Cursor, run.Filter{NonEmpty: in.NonEmpty == "true", Arrived: in.NonEmpty == "succeeded", Limit: int64(in.Limit)})
	})
	s.suggestions(api)
	s.testRow(api)
}

// trigger starts a run of a sync and notes who did.
func (s *Server) trigger(ctx context.Context, d resource.Document, by string, o run.Options) (run.Run, error) {
	if o.ClearAndFill {
		if err := s.clears(ctx, d); err != nil {
			return run.Run{}, err
		}
	}
	r, err := s.Runs.Trigger(ctx, run.Request{WorkspaceID: who(ctx).WorkspaceID, SyncID: d.ID, SyncSlug: d.Slug, Trigger: by, Options: o}, s.Enqueuer)
	if err != nil {
		return r, err
	}
	if err := s.Resources.Record(ctx, scope(ctx), d, "triggered", fmt.Sprintf("run %d", r.ID)); err != nil {
		s.Log.Error("noting a triggered run", "request", requestID(ctx), "run", r.ID, "error", err) // the run exists: an error would make clients start another
	}
	return r, nil
}

// clears refuses to empty what cannot be emptied (SY-13).
func (s *Server) clears(ctx context.Context, d resource.Document) error {
	spec := d.Spec.(*sync.Spec) //nolint:forcetypeassert // a sync's spec
	to, err := s.Resources.Get(ctx, scope(ctx), "destination", spec.Destination)
	if err != nil {
		return err
	}
	info, err := s.Registry.Destination(to.Spec.(*destination.Spec).Type) //nolint:forcetypeassert // a destination's spec
	if err != nil {
		return err
	}
	if kind, err := info.SyncType(spec.Type); err != nil || !kind.Clears {
		return fault.New(fault.CodeInvalid, "the destination of %q cannot be emptied", d.Slug).WithPath("clearAndFill").WithSuggestion("Run a full resync instead.")
	}
	return nil
}

// setDisabled turns the schedule of a document off or on.
func (s *Server) setDisabled(ctx context.Context, kind, slug string, disabled bool) (resource.Document, error) {
	d, err := s.Resources.Get(ctx, scope(ctx), kind, slug)
	if err != nil {
		return d, err
	}
	switch spec := d.Spec.(type) {
	case *sync.Spec:
		spec.Disabled = disabled
	case *kindsequence.Spec:
		spec.Disabled = disabled
	}
	text, err := json.Marshal(d.Spec)
	if err != nil {
		return d, fmt.Errorf("encoding a %s: %w", kind, err)
	}
	summary := map[bool]string{true: "disabled", false: "enabled"}[disabled]
	return s.Resources.Update(ctx, scope(ctx), kind, slug, resource.Write{
		Name: d.Name, Folder: d.Folder, Labels: d.Labels, Revision: d.Revision, Spec: text, Summary: summary,
	})
}

func (s *Server) listRuns(ctx context.Context, slug, cursor string, f run.Filter) (*body[page[RunBody]], error) {
	d, err := s.Resources.Get(ctx, scope(ctx), "sync", slug)
	if err != nil {
		return nil, err
	}
	before, err := offsetOf(cursor)
	if err != nil {
		return nil, err
	}
	limit := f.Limit
	f.SyncID, f.Before, f.Limit = d.ID, int64(before), limit+1
	runs, err := s.Runs.List(ctx, who(ctx).WorkspaceID, f)
	if err != nil {
		return nil, err
	}
	runs, next := newest(runs, limit, func(r run.Run) int64 { return r.ID })
	p := page[RunBody]{Items: make([]RunBody, len(runs)), Total: len(runs), NextCursor: next}
	for i, r := range runs {
		p.Items[i] = s.runBody(r)
	}
	return &body[page[RunBody]]{p}, nil
}

func (s *Server) suggestions(api huma.API) {
	type suggestion struct {
		To    string  `json:"to"`
		From  string  `json:"from"`
		Score float64 `json:"score"`
	}
	type suggestionList struct {
		Mappings []suggestion `json:"mappings" nullable:"false"`
	}
	register(s, api, op(http.MethodPost, "/api/syncs/suggest", "suggest-mappings", "Propose which column fills which field", nil), func(ctx context.Context, in *struct {
		Body struct {
			Model  string   `json:"model"`
			Fields []string `json:"fields"`
		}
	}) (*body[suggestionList], error) {
		d, err := s.Resources.Get(ctx, scope(ctx), "model", in.Body.Model)
		if err != nil {
			return nil, err
		}
		var columns []string
		for _, c := range d.Spec.(*model.Spec).Columns { //nolint:forcetypeassert // a model's spec
			columns = append(columns, c.Name)
		}
		a := suggestionList{Mappings: []suggestion{}}
		for _, m := range mapping.Suggest(columns, in.Body.Fields) {
			a.Mappings = append(a.Mappings, suggestion(m))
		}
		return &body[suggestionList]{a}, nil
	})
}

type runInput struct {
	ID int64 `path:"id"`
}

func (s *Server) runs(api huma.API) {
	register(s, api, op(http.MethodGet, "/api/runs/{id}", "get-run", "Read a run", nil), func(ctx context.Context, in *runInput) (*body[RunBody], error) {
		r, err := s.Runs.Get(ctx, who(ctx).WorkspaceID, in.ID)
		return &body[RunBody]{s.runBody(r)}, err
	})
	register(s, api, op(http.MethodPost, "/api/runs/{id}/cancel", "cancel-run", "Stop a run", nil), func(ctx context.Context, in *runInput) (*body[RunBody], error) {
		r, err := s.Runs.Cancel(ctx, who(ctx).WorkspaceID, in.ID)
		return &body[RunBody]{s.runBody(r)}, err
	})
	s.rows(api)
	s.days(api)
	s.usage(api)
}

func (s *Server) usage(api huma.API) {
	type month struct {
		Month       string `json:"month"`
		ActiveSyncs int64  `json:"activeSyncs"`
		Operations  int64  `json:"operations"`
	}
	type usageByMonth struct {
		Months []month `json:"months" nullable:"false"`
	}
	register(s, api, op(http.MethodGet, "/api/usage", "get-usage", "Active syncs and operations by month, sample sources left out", nil), func(ctx context.Context, _ *struct{}) (*body[usageByMonth], error) {
		months, err := s.Runs.Usage(ctx, who(ctx).WorkspaceID)
		a := usageByMonth{Months: []month{}}
		for _, m := range months {
			a.Months = append(a.Months, month(m))
		}
		return &body[usageByMonth]{a}, err
	})
}

// eventEvery is how often the stream of events looks for changes. It reads the database, so that it sees the
// runs of every worker.
const eventEvery = 500 * time.Millisecond

// eventCheck is how often a stream asks whether its reader is still signed in.
const eventCheck = 15 * time.Second

// events streams the runs of the workspace as they change (server-sent events).
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	id, err := s.identity(r)
	if err != nil {
		s.failureOf(r.Context(), err).write(w)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	stream := &stream{out: w, control: http.NewResponseController(w)}
	stream.comment("connected")
	look, check := time.NewTicker(eventEvery), time.NewTicker(eventCheck)
	defer look.Stop()
	defer check.Stop()
	for stream.err == nil {
		s.sendChanges(context.WithValue(r.Context(), keyIdentity, id), stream)
		select {
		case <-r.Context().Done():
			return
		case <-look.C:
		case <-check.C:
			if _, err := s.identity(r); err != nil {
				return // signed out, or the key is revoked
			}
			stream.comment("still here")
		}
	}
}

// stream writes server-sent events and remembers what the reader knows.
type stream struct {
	out       io.Writer
	control   *http.ResponseController
	runs      map[int64]string // as they were at the last look; nil before the first
	sequences map[int64]string // the same of runs of sequences
	err       error
}

// comment writes a line that readers ignore and that keeps connections open.
func (w *stream) comment(text string) { w.write(fmt.Sprintf(": %s\n\n", text)) }

func (w *stream) write(text string) {
	if w.err == nil {
		_, err := io.WriteString(w.out, text)
		w.err = errors.Join(err, w.control.Flush())
	}
}

// eventRuns is how many of the newest runs a look compares.
const eventRuns = 50

// sendChanges writes the runs that changed since the last look; at the first, those under way.
func (s *Server) sendChanges(ctx context.Context, w *stream) {
	runs, err := s.Runs.List(ctx, who(ctx).WorkspaceID, run.Filter{Limit: eventRuns})
	if err != nil {
		w.err = err
		return
	}
	now := map[int64]string{}
	for _, r := range slices.Backward(runs) {
		b := s.runBody(r)
		still := b
		still.DurationMs, still.RatePerSecond = 0, 0 // they change by themselves
		now[b.ID] = w.send("run", w.runs, b.ID, r.State.Ended(), still, func() (any, error) { return b, nil })
	}
	w.runs = now
	s.sendSequences(ctx, w)
}

// sendSequences writes the runs of sequences that changed. How far the run of a step is, that run tells.
func (s *Server) sendSequences(ctx context.Context, w *stream) {
	runs, err := s.Sequences.List(ctx, who(ctx).WorkspaceID, sequence.Filter{Limit: eventRuns})
	if err != nil {
		w.err = errors.Join(w.err, err)
		return
	}
	now := map[int64]string{}
	for _, r := range slices.Backward(runs) {
		now[r.ID] = w.send("sequence-run", w.sequences, r.ID, r.State.Ended(), r, func() (any, error) { return s.sequenceRun(ctx, r) })
	}
	w.sequences = now
}

// send writes a run where its state is not as it was known, and returns what is known of it now. A reader who just
// came is told of runs under way only.
func (w *stream) send(event string, known map[int64]string, id int64, ended bool, state any, body func() (any, error)) string {
	now, err := json.Marshal(state)
	if err != nil {
		w.err = errors.Join(w.err, err)
		return ""
	}
	if known[id] == string(now) || known == nil && ended {
		return string(now)
	}
	b, err := body()
	if err != nil {
		w.err = errors.Join(w.err, err)
		return ""
	}
	text, err := json.Marshal(b)
	if err != nil {
		w.err = errors.Join(w.err, err)
		return ""
	}
	w.write(fmt.Sprintf("event: %s\ndata: %s\n\n", event, text))
	return string(now)
}
