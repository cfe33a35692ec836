package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// FileListBody are files of a source that a model can choose.
type FileListBody struct {
	Items []connector.FileEntry `json:"items" nullable:"false"`
	More  bool                  `json:"more" doc:"there are more files with the prefix"`
}

// SheetListBody are the sheets of a workbook in their order.
type SheetListBody struct {
	Items []string `json:"items" nullable:"false"`
}

// choices registers what the models of sources without tables choose from: files, workbooks and sheets.
func (s *Server) choices(api huma.API) {
	register(s, api, op(http.MethodGet, "/api/sources/{slug}/files", "list-files", "List the files of a source that a model can choose", nil), func(ctx context.Context, in *struct {
		Slug   string `path:"slug"`
		Prefix string `query:"prefix" doc:"what the files' paths begin with"`
		Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"200"`
	}) (*body[FileListBody], error) {
		b := FileListBody{}
		err := choose(ctx, s, in.Slug, func(ctx context.Context, l connector.FileLister) (err error) {
			b.Items, b.More, err = l.ListFiles(ctx, in.Prefix, in.Limit)
			return err
		})
		return &body[FileListBody]{b}, err
	})
	register(s, api, op(http.MethodGet, "/api/sources/{slug}/workbooks", "list-workbooks", "List the workbooks of a source that a model can choose", nil), func(ctx context.Context, in *slugInput) (*body[page[connector.Option]], error) {
		p := page[connector.Option]{Items: []connector.Option{}}
		err := choose(ctx, s, in.Slug, func(ctx context.Context, l connector.WorkbookLister) error {
			found, err := l.Workbooks(ctx)
			p.Items, p.Total = append(p.Items, found...), len(found)
			return err
		})
		return &body[page[connector.Option]]{p}, err
	})
	register(s, api, op(http.MethodGet, "/api/sources/{slug}/sheets", "list-sheets", "List the sheets of a workbook that a model can choose", nil), func(ctx context.Context, in *struct {
		Slug     string `path:"slug"`
		Workbook string `query:"workbook" doc:"as the list of workbooks has it; empty where the source is one workbook"`
	}) (*body[SheetListBody], error) {
		b := SheetListBody{Items: []string{}}
		err := choose(ctx, s, in.Slug, func(ctx context.Context, l connector.WorkbookLister) error {
			found, err := l.Sheets(ctx, in.Workbook)
			b.Items = append(b.Items, found...)
			return err
		})
		return &body[SheetListBody]{b}, err
	})
}

// choose asks a source for a list, within the time that a connection test has. A source without such lists has none.
func choose[L any](ctx context.Context, s *Server, slug string, list func(context.Context, L) error) error {
	src, _, err := s.sourceBySlug(ctx, slug)
	if err != nil {
		return err
	}
	defer src.Close() //nolint:errcheck // reading is done
	lister, ok := src.(L)
	if !ok {
		return fault.New(fault.CodeInvalid, "the models of this source choose nothing from such a list").
			WithSuggestion("Look up the methods of its type in the catalogue of sources.")
	}
	ctx, cancel := context.WithTimeout(ctx, testTime)
	defer cancel()
	return list(ctx, lister)
}
