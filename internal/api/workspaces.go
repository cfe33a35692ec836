package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/access"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/resource"
)

// WorkspaceBody is a workspace of the person who asks.
type WorkspaceBody struct {
	ID      int64  `json:"id"`
	Slug    string `json:"slug"`
	Name    string `json:"name"`
	Region  string `json:"region,omitempty"`
	Role    string `json:"role" doc:"of the person who asks"`
	Current bool   `json:"current" doc:"the one that the request is about"`
}

func workspaceBody(w access.Workspace, id access.Identity) WorkspaceBody {
	return WorkspaceBody{ID: w.ID, Slug: w.Slug, Name: w.Name, Region: w.Region, Role: w.Role, Current: w.ID == id.WorkspaceID}
}

type newWorkspace struct {
	Body struct {
		Name string `json:"name"`
		Slug string `json:"slug,omitempty" doc:"made of the name unless filled in"`
	}
}

type enterInput struct {
	Session http.Cookie `cookie:"millrace_session"`
	Body    struct {
		Workspace string `json:"workspace" doc:"the slug of one of the person's workspaces"`
	}
}

// workspaces are made, listed and entered (ORG-02, ORG-07).
func (s *Server) workspaces(api huma.API) {
	register(s, api, op(http.MethodGet, "/api/workspaces", "list-workspaces", "List your workspaces", nil), func(ctx context.Context, _ *struct{}) (*body[page[WorkspaceBody]], error) {
		id := who(ctx)
		all, err := s.Access.Workspaces(ctx, id.UserID)
		p := page[WorkspaceBody]{Items: make([]WorkspaceBody, len(all)), Total: len(all)}
		for i, w := range all {
			p.Items[i] = workspaceBody(w, id)
		}
		return &body[page[WorkspaceBody]]{p}, err
	})
	create := op(http.MethodPost, "/api/workspaces", "make-workspace", "Make a workspace", nil)
	create.DefaultStatus = http.StatusCreated
	register(s, api, create, func(ctx context.Context, in *newWorkspace) (*body[WorkspaceBody], error) {
		w, err := s.makeWorkspace(ctx, in.Body.Name, in.Body.Slug)
		return &body[WorkspaceBody]{workspaceBody(w, who(ctx))}, err
	})
	register(s, api, op(http.MethodPut, "/api/session", "enter-workspace", "Go to another of your workspaces", nil), func(ctx context.Context, in *enterInput) (*body[SessionBody], error) {
		if who(ctx).CSRF == "" {
			return nil, fault.New(fault.CodeForbidden, "an API key is of one workspace").WithSuggestion("Make a key in the other workspace.")
		}
		id, err := s.Access.Enter(ctx, in.Session.Value, in.Body.Workspace)
		return &body[SessionBody]{sessionBody(id)}, err
	})
}

func (s *Server) makeWorkspace(ctx context.Context, name, slug string) (access.Workspace, error) {
	w := access.Workspace{Name: name, Slug: slug, Region: s.Region}
	if slug == "" {
		w.Slug = resource.Slugify(name)
	} else if err := resource.CheckSlug(slug); err != nil {
		return w, fault.As(err).WithPath("slug")
	}
	return s.Access.MakeWorkspace(ctx, who(ctx), w, slug != "")
}
