package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	engine "github.com/millrace/millrace/internal/engine/orchestrator"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/orchestrator"
	"github.com/millrace/millrace/internal/resource"
)

// OrchestratorStatus is what is known of an orchestrator beyond its document.
type OrchestratorStatus struct {
	UseCount  int     `json:"useCount" doc:"schedules that wait for its jobs"`
	Webhook   string  `json:"webhook,omitempty" doc:"Fivetran: the ID of the webhook; absent: it is not connected yet"`
	CheckedAt *string `json:"checkedAt" doc:"dbt Cloud: when it was last asked"`
	Failure   string  `json:"failure,omitempty" doc:"why that failed"`
}

// OrchestratorJobBody is something that schedules can wait for.
type OrchestratorJobBody struct {
	ID    string `json:"id"`
	Label string `json:"label"`
}

// ConnectedBody is what connecting made.
type ConnectedBody struct {
	Webhook string `json:"webhook,omitempty" doc:"Fivetran: the ID of the webhook"`
}

func (s *Server) orchestrators(api huma.API) {
	register(s, api, op(http.MethodGet, "/api/catalog/orchestrators", "list-orchestrator-types", "What schedules can wait for", nil), func(context.Context, *struct{}) (*body[page[orchestrator.Info]], error) {
		all := orchestrator.Types()
		return &body[page[orchestrator.Info]]{page[orchestrator.Info]{Items: all, Total: len(all)}}, nil
	})
	register(s, api, op(http.MethodPost, "/api/orchestrators/{slug}/connect", "connect-orchestrator", "Prove the key of an orchestrator, and make the signed webhook that Fivetran tells by", nil), func(ctx context.Context, in *slugInput) (*body[ConnectedBody], error) {
		id, err := s.Orchestrators.Connect(ctx, who(ctx).WorkspaceID, in.Slug)
		return &body[ConnectedBody]{ConnectedBody{Webhook: id}}, err
	})
	register(s, api, op(http.MethodGet, "/api/orchestrators/{slug}/jobs", "list-orchestrator-jobs", "List the jobs that schedules can wait for", nil), func(ctx context.Context, in *slugInput) (*body[page[OrchestratorJobBody]], error) {
		all, err := s.Orchestrators.Jobs(ctx, who(ctx).WorkspaceID, in.Slug)
		p := page[OrchestratorJobBody]{Items: []OrchestratorJobBody{}, Total: len(all)}
		for _, j := range all {
			p.Items = append(p.Items, OrchestratorJobBody(j))
		}
		return &body[page[OrchestratorJobBody]]{p}, err
	})
}

func (s *Server) orchestratorStatus(ctx context.Context, d resource.Document) (*OrchestratorStatus, error) {
	n, err := s.Resources.CountReferrers(ctx, scope(ctx), d.Kind, d.Slug)
	if err != nil {
		return nil, err
	}
	st, err := s.Orchestrators.Look(ctx, who(ctx).WorkspaceID, d)
	return &OrchestratorStatus{UseCount: n, Webhook: st.Webhook, CheckedAt: optionalStamp(st.Checked), Failure: st.Failure}, err
}

// hook takes what Fivetran's webhooks send. The signature is the only identity.
func (s *Server) hook(w http.ResponseWriter, r *http.Request) {
	const most = 1 << 20
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		s.failureOf(r.Context(), fault.New(fault.CodeTooLarge, "the body is too large")).write(w)
		return
	}
	workspace, bad := strconv.ParseInt(r.PathValue("workspace"), 10, 64)
	if err != nil || bad != nil {
		s.failureOf(r.Context(), fault.New(fault.CodeMalformed, "the body or the address cannot be read")).write(w)
		return
	}
	if err := s.Orchestrators.Hear(r.Context(), workspace, r.PathValue("uuid"), text, r.Header.Get(engine.SignatureHeader)); err != nil {
		s.failureOf(r.Context(), err).write(w)
		return
	}
	w.WriteHeader(http.StatusOK)
}
