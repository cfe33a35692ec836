package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/kind/bitool"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/resource"
)

// BIToolStatus is what is known of a BI tool beyond its document.
type BIToolStatus struct {
	ModelCount int `json:"modelCount" doc:"models that read from it"`
}

// BIItemBody is something in a BI tool.
type BIItemBody struct {
	ID    string `json:"id"`
	Label string `json:"label"`
	Leaf  bool   `json:"leaf" doc:"a model can read it; otherwise it has others in it"`
}

// BISQLBody is the query of something in a BI tool.
type BISQLBody struct {
	SQL string `json:"sql"`
}

func (s *Server) biTools(api huma.API) {
	register(s, api, op(http.MethodGet, "/api/catalog/bi-tools", "list-bi-tool-types", "What can be a BI tool", nil), func(context.Context, *struct{}) (*body[page[bitool.Info]], error) {
		all := bitool.Types()
		return &body[page[bitool.Info]]{page[bitool.Info]{Items: all, Total: len(all)}}, nil
	})
	register(s, api, op(http.MethodGet, "/api/bi-tools/{slug}/items", "list-bi-items", "List what models can read from a BI tool: Looks, or workbooks and their elements", nil), func(ctx context.Context, in *struct {
		Slug   string `path:"slug"`
		Parent string `query:"parent" doc:"the workbook whose elements are listed"`
	}) (*body[page[BIItemBody]], error) {
		all, err := s.BI.Items(ctx, scope(ctx), in.Slug, in.Parent)
		p := page[BIItemBody]{Items: []BIItemBody{}, Total: len(all)}
		for _, i := range all {
			p.Items = append(p.Items, BIItemBody(i))
		}
		return &body[page[BIItemBody]]{p}, err
	})
	register(s, api, op(http.MethodGet, "/api/bi-tools/{slug}/sql", "get-bi-sql", "Read the SQL that a BI tool gives for something in it", nil), func(ctx context.Context, in *struct {
		Slug string `path:"slug"`
		Item string `query:"item" doc:"as the list of items has it"`
	}) (*body[BISQLBody], error) {
		sql, err := s.BI.SQL(ctx, scope(ctx), model.BI{Tool: in.Slug, Item: in.Item})
		return &body[BISQLBody]{BISQLBody{SQL: sql}}, err
	})
}

func (s *Server) biStatus(ctx context.Context, d resource.Document) (*BIToolStatus, error) {
	n, err := s.Resources.CountReferrers(ctx, scope(ctx), d.Kind, d.Slug)
	return &BIToolStatus{ModelCount: n}, err
}

// foreign reports whether a model's SQL is written elsewhere, so that what is wrong with it is not the person's own.
func foreign(m model.Spec) bool { return m.Method == model.MethodDBT || m.Method == model.MethodBI }
