package googlesheets

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

const spreadsheetType = "application/vnd.google-apps.spreadsheet"

// driveFile is a file of Google Drive.
type driveFile struct {
	ID      string   `json:"id,omitempty"`
	Name    string   `json:"name"`
	Type    string   `json:"mimeType,omitempty"`
	Parents []string `json:"parents,omitempty"`
}

// pageSize is the most that Drive lists at once: https://developers.google.com/workspace/drive/api/reference/rest/v3/files/list
const pageSize = 1000

// query finds spreadsheets: those that fit a further condition, or all that are shared with the service account.
func query(condition string, size int) url.Values {
	return url.Values{
		"q": {"mimeType = '" + spreadsheetType + "' and trashed = false" + condition}, "fields": {"nextPageToken, files(id, name)"}, "pageSize": {strconv.Itoa(size)},
		"orderBy": {"name_natural"}, "supportsAllDrives": {"true"}, "includeItemsFromAllDrives": {"true"},
	}
}

// listed is a page of files.
type listed struct {
	Next  string      `json:"nextPageToken"`
	Files []driveFile `json:"files"`
}

// list asks once for a page.
func (a *api) list(ctx context.Context, q url.Values) (page listed, err error) {
	err = a.do(ctx, call{doing: "listing the spreadsheets", method: http.MethodGet, api: driveAPI, path: "/drive/v3/files", query: q}, &page)
	return page, err
}

// spreadsheets are the entries of the picker.
func (a *api) spreadsheets(ctx context.Context) ([]connector.Option, error) {
	var options []connector.Option
	for q, more := query("", pageSize), true; more; {
		page, err := a.list(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, f := range page.Files {
			options = append(options, connector.Option{Value: f.ID, Label: f.Name})
		}
		q.Set("pageToken", page.Next)
		more = page.Next != ""
	}
	slices.SortStableFunc(options, func(a, b connector.Option) int {
		return strings.Compare(strings.ToLower(a.Label), strings.ToLower(b.Label))
	})
	return options, nil
}

// folder is where the further spreadsheets of a spreadsheet are.
func (a *api) folder(ctx context.Context, b *spreadsheet) (string, error) {
	var f driveFile
	err := a.patiently(ctx, func() error {
		return a.do(ctx, call{
			doing: "looking for the folder of the spreadsheet", method: http.MethodGet, api: driveAPI, path: "/drive/v3/files/" + url.PathEscape(b.ID),
			query: url.Values{"fields": {"name,parents"}, "supportsAllDrives": {"true"}},
		}, &f)
	})
	if err == nil && len(f.Parents) == 0 {
		err = fault.Reclass(fault.New(fault.CodeDestinationDenied, "the folder of the spreadsheet %s is not open to whoever writes", b.Properties.Title).
			WithSuggestion("Share the folder with %s as Editor: the further spreadsheets are made there.", a.who()), fault.Fatal)
	}
	if err != nil {
		return "", err
	}
	return f.Parents[0], nil
}

// further finds the n-th further spreadsheet of b, from 1; the ID is empty where there is none.
func (a *api) further(ctx context.Context, b *spreadsheet, folder string, n int) (string, error) {
	condition := fmt.Sprintf(" and name = '%s' and '%s' in parents", escaped(furtherName(b, n)), escaped(folder))
	var page listed
	err := a.patiently(ctx, func() (err error) {
		page, err = a.list(ctx, query(condition, 1))
		return err
	})
	if err != nil || len(page.Files) == 0 {
		return "", err
	}
	return page.Files[0].ID, nil
}

// makeFurther makes the n-th further spreadsheet of b.
// https://developers.google.com/workspace/drive/api/reference/rest/v3/files/create
func (a *api) makeFurther(ctx context.Context, b *spreadsheet, folder string, n int, record func(connector.Exchange)) (string, error) {
	var f driveFile
	err := a.do(ctx, call{
		doing: "making the spreadsheet " + furtherName(b, n), method: http.MethodPost, api: driveAPI, path: "/drive/v3/files",
		query: url.Values{"supportsAllDrives": {"true"}, "fields": {"id,name"}}, record: record,
		body: driveFile{Name: furtherName(b, n), Type: spreadsheetType, Parents: []string{folder}},
	}, &f)
	return f.ID, err
}

func furtherName(b *spreadsheet, n int) string { return b.Properties.Title + "_" + strconv.Itoa(n) }

// escaped writes a text within quotes. https://developers.google.com/workspace/drive/api/guides/search-files
func escaped(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\\`), "'", `\'`)
}
