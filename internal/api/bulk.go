package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/engine/sequence"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/resource"
)

// bulkInput is something to do with many documents of a kind.
type bulkInput struct {
	Body struct {
		Kind   string            `json:"kind" doc:"such as syncs"`
		Slugs  []string          `json:"slugs" minItems:"1" maxItems:"500" nullable:"false"`
		Action string            `json:"action" enum:"file,label,enable,disable,run,delete"`
		Folder string            `json:"folder,omitempty" doc:"of file: where to; empty takes documents out of their folders"`
		Labels map[string]string `json:"labels,omitempty" doc:"of label: what documents are given"`
		Drop   []string          `json:"drop,omitempty" doc:"of label: key:value that is taken away"`
		DryRun bool              `json:"dryRun,omitempty" doc:"of delete: only say of which documents something would become"`
	}
}

// OutcomeBody is what became of one document.
type OutcomeBody struct {
	Slug  string     `json:"slug"`
	Error *ErrorInfo `json:"error" doc:"why nothing became of it"`
}

// BulkBody is what became of many documents.
type BulkBody struct {
	Done    int           `json:"done" doc:"without an error"`
	Results []OutcomeBody `json:"results" nullable:"false"`
}

func (s *Server) bulk(api huma.API) {
	register(s, api, op(http.MethodPost, "/api/bulk", "bulk", "Do something with many documents of a kind; one that refuses keeps no other back", nil), func(ctx context.Context, in *bulkInput) (*body[BulkBody], error) {
		outcomes, err := s.bulkDo(ctx, *in)
		b := BulkBody{Results: make([]OutcomeBody, len(outcomes))}
		for i, o := range outcomes {
			b.Results[i].Slug = o.Slug
			if o.Err == nil {
				b.Done++
				continue
			}
			info := s.failureOf(ctx, o.Err).Info
			b.Results[i].Error = &info
		}
		return &body[BulkBody]{b}, err
	})
}

func (s *Server) bulkDo(ctx context.Context, in bulkInput) ([]resource.Outcome, error) {
	b, sc := in.Body, scope(ctx)
	k, err := s.Resources.Kinds().Kind(b.Kind)
	if err != nil {
		return nil, err
	}
	if b.DryRun && b.Action != "delete" {
		return nil, fault.New(fault.CodeInvalid, "only delete can be tried without doing it").WithPath("dryRun")
	}
	switch b.Action {
	case "file":
		return s.Resources.File(ctx, sc, k.Name, b.Slugs, b.Folder)
	case "label":
		drop, err := labels("drop", b.Drop)
		if err != nil {
			return nil, err
		}
		return s.Resources.Label(ctx, sc, k.Name, b.Slugs, b.Labels, drop)
	case "delete":
		return s.Resources.DeleteMany(ctx, sc, k.Name, b.Slugs, b.DryRun)
	default:
		return s.bulkRunnable(ctx, k, b.Slugs, b.Action)
	}
}

// bulkRunnable does what only syncs and sequences can, one by one: each starts or plans runs in a transaction of its own.
func (s *Server) bulkRunnable(ctx context.Context, k resource.Kind, slugs []string, action string) ([]resource.Outcome, error) {
	if k.Name != "sync" && k.Name != "sequence" {
		return nil, fault.New(fault.CodeInvalid, "%s do not run, so that there is no %s", k.Plural, action).WithPath("action")
	}
	outcomes := make([]resource.Outcome, len(slugs))
	for i, slug := range slugs {
		var err error
		if action == "run" {
			err = s.start(ctx, k.Name, slug)
		} else {
			_, err = s.setDisabled(ctx, k.Name, slug, action == "disable")
		}
		outcomes[i] = resource.Outcome{Slug: slug, Err: err}
	}
	return outcomes, nil
}

// start runs a sync or a sequence.
func (s *Server) start(ctx context.Context, kind, slug string) error {
	d, err := s.Resources.Get(ctx, scope(ctx), kind, slug)
	if err != nil {
		return err
	}
	if kind == "sequence" {
		_, err = s.triggerSequence(ctx, d, sequence.TriggerManual)
		return err
	}
	_, err = s.trigger(ctx, d, run.TriggerManual, run.Options{})
	return err
}
