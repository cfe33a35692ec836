package googlesheets

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// spreadsheet is what a spreadsheet says about itself.
type spreadsheet struct {
	ID         string `json:"spreadsheetId"`
	Properties struct {
		Title string `json:"title"`
	} `json:"properties"`
	Sheets []struct {
		Properties sheet `json:"properties"`
	} `json:"sheets"`
}

// sheet is one of its sheets.
type sheet struct {
	ID     int64  `json:"sheetId"`
	Title  string `json:"title"`
	Type   string `json:"sheetType,omitempty"`
	Hidden bool   `json:"hidden,omitempty"`
	Grid   grid   `json:"gridProperties"`
}

type grid struct {
	Rows    int `json:"rowCount,omitempty"`
	Columns int `json:"columnCount,omitempty"`
}

func (s sheet) isGrid() bool { return s.Type == "" || s.Type == "GRID" }

func (s sheet) cells() int { return s.Grid.Rows * s.Grid.Columns }

func (b *spreadsheet) find(title string) (sheet, bool) {
	for _, s := range b.Sheets {
		if s.Properties.Title == title {
			return s.Properties, true
		}
	}
	return sheet{}, false
}

func (b *spreadsheet) byID(id int64) (sheet, bool) {
	for _, one := range b.Sheets {
		if one.Properties.ID == id {
			return one.Properties, true
		}
	}
	return sheet{}, false
}

func (b *spreadsheet) cells() int {
	n := 0
	for _, one := range b.Sheets {
		if one.Properties.isGrid() {
			n += one.Properties.cells()
		}
	}
	return n
}

// hasTitle compares as Google does, without regard to case.
func (b *spreadsheet) hasTitle(title string) bool {
	for _, s := range b.Sheets {
		if strings.EqualFold(s.Properties.Title, title) {
			return true
		}
	}
	return false
}

// read asks for a spreadsheet. https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/get
func (a *api) read(ctx context.Context, id string) (*spreadsheet, error) {
	if id == "" {
		return nil, fault.New(fault.CodeInvalid, "the sync names no spreadsheet").WithPath("spec.settings.spreadsheet").
			WithSuggestion("Choose the spreadsheet to write to.")
	}
	var b spreadsheet
	err := a.patiently(ctx, func() error {
		return a.do(ctx, call{
			doing: "reading the spreadsheet", method: http.MethodGet, api: sheetsAPI, path: "/v4/spreadsheets/" + url.PathEscape(id),
			query: url.Values{"fields": {"spreadsheetId,properties.title,sheets.properties(sheetId,title,sheetType,hidden,gridProperties(rowCount,columnCount))"}},
		}, &b)
	})
	b.ID = id
	return &b, err
}

// target finds the sheet that a sync names.
func (b *spreadsheet) target(title string) (sheet, error) {
	s, found := b.find(title)
	switch {
	case !found:
		return s, fault.New(fault.CodeDestinationSchema, "the spreadsheet %s has no sheet %q", b.Properties.Title, title).WithPath("spec.settings.sheet").WithSuggestion(gone)
	case !s.isGrid():
		return s, fault.New(fault.CodeDestinationSchema, "the sheet %q has no cells: it is a chart or is connected to data", title).WithPath("spec.settings.sheet").
			WithSuggestion("Choose another sheet.")
	}
	return s, nil
}

// Requests of a batchUpdate. All of them are applied together, or none.
// https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/batchUpdate
type (
	edit map[string]any

	gridRange struct {
		Sheet       int64 `json:"sheetId"`
		StartRow    int   `json:"startRowIndex"`
		EndRow      int   `json:"endRowIndex,omitempty"`
		StartColumn int   `json:"startColumnIndex"`
		EndColumn   int   `json:"endColumnIndex,omitempty"`
	}
)

func addSheet(title string, g grid) edit {
	return edit{"addSheet": map[string]any{"properties": map[string]any{"title": title, "hidden": true, "gridProperties": g}}}
}

func deleteSheet(id int64) edit { return edit{"deleteSheet": map[string]any{"sheetId": id}} }

// appendRows makes a sheet longer.
func appendRows(id int64, n int) edit {
	return edit{"appendDimension": map[string]any{"sheetId": id, "dimension": "ROWS", "length": n}}
}

func setProperties(properties map[string]any, names ...string) edit {
	return edit{"updateSheetProperties": map[string]any{"properties": properties, "fields": strings.Join(names, ",")}}
}

func resize(id int64, g grid) edit {
	return setProperties(map[string]any{"sheetId": id, "gridProperties": g}, "gridProperties.rowCount", "gridProperties.columnCount")
}

// clearValues empties cells and leaves their formats: what rows do not cover is cleared.
func clearValues(r gridRange) edit {
	return edit{"updateCells": map[string]any{"range": r, "fields": "userEnteredValue"}}
}

// Kinds of pasting: values alone; values, formulas, formats and merges; formats alone.
const (
	pasteValues = "PASTE_VALUES"
	pasteAll    = "PASTE_NORMAL"
	pasteFormat = "PASTE_FORMAT"
)

func paste(from, to gridRange, kind string) edit {
	return edit{"copyPaste": map[string]any{"source": from, "destination": to, "pasteType": kind, "pasteOrientation": "NORMAL"}}
}

// reply is the answer to one edit.
type reply struct {
	AddSheet *struct {
		Properties sheet `json:"properties"`
	} `json:"addSheet"`
}

// change applies edits together. It is sent once.
func (a *api) change(ctx context.Context, id, doing string, record func(connector.Exchange), edits ...edit) ([]reply, error) {
	var out struct {
		Replies []reply `json:"replies"`
	}
	err := a.do(ctx, call{
		doing: doing, method: http.MethodPost, api: sheetsAPI, path: "/v4/spreadsheets/" + url.PathEscape(id) + ":batchUpdate",
		body: map[string]any{"requests": edits}, record: record,
	}, &out)
	return out.Replies, err
}

// valueRange is rows of cells.
type valueRange struct {
	Range     string  `json:"range,omitempty"`
	Dimension string  `json:"majorDimension"`
	Values    [][]any `json:"values"`
}

// write sets the cells of a range. Cells that are sent as null stay as they are.
// https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values/update
func (a *api) write(ctx context.Context, id, at, input string, rows [][]any, record func(connector.Exchange)) error {
	return a.do(ctx, call{
		doing: "writing rows", method: http.MethodPut, api: sheetsAPI,
		path:  "/v4/spreadsheets/" + url.PathEscape(id) + "/values/" + url.PathEscape(at),
		query: url.Values{"valueInputOption": {input}, "fields": {"updatedRange"}},
		body:  valueRange{Range: at, Dimension: "ROWS", Values: rows}, record: record,
	}, nil)
}

// How rows are added: they push down what is below, or take its place.
const (
	pushing   = "INSERT_ROWS"
	replacing = "OVERWRITE"
)

// add appends rows after the table that begins at a cell. The sheet grows where it must.
// https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values/append
func (a *api) add(ctx context.Context, id, table, input, how string, rows [][]any, record func(connector.Exchange)) error {
	return a.do(ctx, call{
		doing: "adding rows", method: http.MethodPost, api: sheetsAPI,
		path:  "/v4/spreadsheets/" + url.PathEscape(id) + "/values/" + url.PathEscape(table) + ":append",
		query: url.Values{"valueInputOption": {input}, "insertDataOption": {how}, "fields": {"updates.updatedRange"}},
		body:  valueRange{Range: table, Dimension: "ROWS", Values: rows}, record: record,
	}, nil)
}

// row reads the texts of one row, from a column on.
// https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values/get
func (a *api) row(ctx context.Context, id, title string, at area) ([]string, error) {
	last := ""
	if at.width > 0 {
		last = columnLetters(at.column + at.width - 1)
	}
	header := cell(title, at.row, at.column) + ":" + last + strconv.Itoa(at.row+1)
	var out struct {
		Values [][]any `json:"values"`
	}
	err := a.patiently(ctx, func() error {
		return a.do(ctx, call{
			doing: "reading the header row", method: http.MethodGet, api: sheetsAPI,
			path:  "/v4/spreadsheets/" + url.PathEscape(id) + "/values/" + url.PathEscape(header),
			query: url.Values{"majorDimension": {"ROWS"}, "valueRenderOption": {"FORMATTED_VALUE"}},
		}, &out)
	})
	if err != nil || len(out.Values) == 0 {
		return nil, err
	}
	texts := make([]string, len(out.Values[0]))
	for i, v := range out.Values[0] {
		texts[i], _ = v.(string)
	}
	return texts, nil
}

// titles lists the sheets that have cells, without those of unfinished runs.
func (b *spreadsheet) titles() []string {
	var titles []string
	for _, s := range b.Sheets {
		if s.Properties.isGrid() && !strings.HasPrefix(s.Properties.Title, unfinishedTitle) {
			titles = append(titles, s.Properties.Title)
		}
	}
	return slices.Clip(titles)
}
