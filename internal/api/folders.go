package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/access"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/resource"
)

// FolderBody is a folder of the tree that all kinds share.
type FolderBody struct {
	Path  string         `json:"path"`
	Count int            `json:"count" doc:"documents in it, without those of the folders in it"`
	Kinds map[string]int `json:"kinds" doc:"the same by kind"`
}

// mayShape lets nobody but admins change the tree of folders; others file documents in what is there (FOL-01).
func mayShape(ctx context.Context) error {
	if who(ctx).Role == access.RoleAdmin {
		return nil
	}
	return fault.New(fault.CodeForbidden, "only an admin of the workspace changes its folders").WithSuggestion("Ask an admin; you can move documents between the folders that are there.")
}

func (s *Server) folders(api huma.API) {
	register(s, api, op(http.MethodGet, "/api/folders", "list-folders", "List folders", nil), func(ctx context.Context, _ *struct{}) (*body[page[FolderBody]], error) {
		all, err := s.Resources.Folders(ctx, scope(ctx))
		p := page[FolderBody]{Items: make([]FolderBody, len(all)), Total: len(all)}
		for i, f := range all {
			p.Items[i] = FolderBody(f)
		}
		return &body[page[FolderBody]]{p}, err
	})
	create := op(http.MethodPost, "/api/folders", "create-folder", "Make a folder, and those that it lies in; for admins of the workspace", nil)
	create.DefaultStatus = http.StatusCreated
	register(s, api, create, func(ctx context.Context, in *struct {
		Body struct {
			Path string `json:"path" doc:"such as Marketing/EU"`
		}
	}) (*body[FolderBody], error) {
		if err := mayShape(ctx); err != nil {
			return nil, err
		}
		f, err := s.Resources.CreateFolder(ctx, scope(ctx), in.Body.Path)
		return &body[FolderBody]{FolderBody(f)}, err
	})
	register(s, api, op(http.MethodPost, "/api/folders/move", "move-folder", "Give a folder another path, with all that is in it; for admins of the workspace", nil), func(ctx context.Context, in *struct {
		Body struct {
			Path string `json:"path"`
			To   string `json:"to" doc:"its path from then on"`
		}
	}) (*struct{}, error) {
		if err := mayShape(ctx); err != nil {
			return nil, err
		}
		return nil, s.Resources.MoveFolder(ctx, scope(ctx), in.Body.Path, in.Body.To)
	})
	register(s, api, op(http.MethodDelete, "/api/folders", "delete-folder", "Delete a folder with those in it; for admins of the workspace", nil), func(ctx context.Context, in *struct {
		Path      string `query:"path" required:"true"`
		Documents bool   `query:"documents" doc:"its documents as well, which otherwise stay, in no folder"`
	}) (*struct{}, error) {
		if err := mayShape(ctx); err != nil {
			return nil, err
		}
		return nil, s.Resources.DeleteFolder(ctx, scope(ctx), in.Path, in.Documents)
	})
}

// SavedFilterBody is a set of filters that a person kept.
type SavedFilterBody struct {
	ID        int64  `json:"id"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Query     string `json:"query" doc:"as in the address of the list"`
	Shared    bool   `json:"shared" doc:"everyone in the workspace sees it"`
	Own       bool   `json:"own" doc:"who asks made it"`
	CreatedAt string `json:"createdAt"`
	CreatedBy string `json:"createdBy"`
}

func savedFilterBody(ctx context.Context, f resource.SavedFilter) SavedFilterBody {
	return SavedFilterBody{
		ID: f.ID, Kind: f.Kind, Name: f.Name, Query: f.Query, Shared: f.Shared, Own: f.CreatedBy == who(ctx).Email,
		CreatedAt: stamp(f.CreatedAt), CreatedBy: f.CreatedBy,
	}
}

// SavedFilterInput is a filter as a person keeps it.
type SavedFilterInput struct {
	Name   string `json:"name"`
	Query  string `json:"query"`
	Shared bool   `json:"shared,omitempty"`
}

// savedFilters registers what is done with saved filters (FOL-05). Admins change those that others share.
func (s *Server) savedFilters(api huma.API) {
	const root = "/api/saved-filters"
	register(s, api, op(http.MethodGet, root, "list-saved-filters", "List your saved filters of a kind, and those that are shared", nil), func(ctx context.Context, in *struct {
		Kind string `query:"kind" required:"true" doc:"such as syncs"`
	}) (*body[page[SavedFilterBody]], error) {
		all, err := s.Resources.SavedFilters(ctx, scope(ctx), in.Kind)
		p := page[SavedFilterBody]{Items: make([]SavedFilterBody, len(all)), Total: len(all)}
		for i, f := range all {
			p.Items[i] = savedFilterBody(ctx, f)
		}
		return &body[page[SavedFilterBody]]{p}, err
	})
	create := op(http.MethodPost, root, "create-saved-filter", "Save filters", nil)
	create.DefaultStatus = http.StatusCreated
	register(s, api, create, func(ctx context.Context, in *struct {
		Body struct {
			SavedFilterInput

			Kind string `json:"kind"`
		}
	}) (*body[SavedFilterBody], error) {
		b := in.Body
		f, err := s.Resources.SaveFilter(ctx, scope(ctx), resource.SavedFilter{Kind: b.Kind, Name: b.Name, Query: b.Query, Shared: b.Shared})
		return &body[SavedFilterBody]{savedFilterBody(ctx, f)}, err
	})
	register(s, api, op(http.MethodPut, root+"/{id}", "update-saved-filter", "Change saved filters", nil), func(ctx context.Context, in *struct {
		ID   int64 `path:"id"`
		Body SavedFilterInput
	}) (*body[SavedFilterBody], error) {
		b := in.Body
		f, err := s.Resources.ChangeFilter(ctx, scope(ctx), resource.SavedFilter{ID: in.ID, Name: b.Name, Query: b.Query, Shared: b.Shared}, who(ctx).Role == access.RoleAdmin)
		return &body[SavedFilterBody]{savedFilterBody(ctx, f)}, err
	})
	register(s, api, op(http.MethodDelete, root+"/{id}", "delete-saved-filter", "Remove saved filters", nil), func(ctx context.Context, in *struct {
		ID int64 `path:"id"`
	}) (*struct{}, error) {
		return nil, s.Resources.DropFilter(ctx, scope(ctx), in.ID, who(ctx).Role == access.RoleAdmin)
	})
}
