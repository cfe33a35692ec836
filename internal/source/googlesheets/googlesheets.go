// Package googlesheets reads the sheets of Google's spreadsheets (S-35, S-83).
//
// Whoever the credential is sees the spreadsheets that were shared with it, as a person would.
package googlesheets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/oauth"
	"github.com/millrace/millrace/internal/source/sheet"
	"golang.org/x/oauth2"
)

// Info describes the source.
func Info() connector.SourceInfo {
	const name = "Google Sheets"
	return connector.SourceInfo{
		Slug: "google-sheets", Name: name, Category: "file", Summary: "Sheets of spreadsheets at Google",
		Fields: fields(), Authorize: []connector.ShowIf{*byPerson()},
		Methods: []string{"sheet"}, Engines: []string{connector.EngineBasic}, Books: true,
		Open: func(o connector.SourceOptions) (connector.Source, error) {
			g := &google{network: o.Network}
			if err := o.Settings.Decode(g); err != nil {
				return nil, err
			}
			if err := g.connect(o); err != nil {
				return nil, err
			}
			return sheet.NewSource(name, g, o.Dir), nil
		},
	}
}

// Who the spreadsheets are read as.
const (
	accessCredential = "credential"
	accessPerson     = "person"
)

// byPerson holds where a person's account is used.
func byPerson() *connector.ShowIf {
	return &connector.ShowIf{Field: "access", In: []string{accessPerson}}
}

func fields() []connector.Field {
	list := []connector.Field{
		{Name: "access", Label: "Access", Type: connector.FieldSelect, Default: accessCredential, Options: []connector.Option{
			{Value: accessCredential, Label: "Service account", Help: "Spreadsheets are shared with its address"},
			{Value: accessPerson, Label: "A person's Google account", Help: "Whatever the person may see can be read"},
		}},
		{
			Name: "credential", Label: "GCP credential", Type: connector.FieldCredential, Providers: []string{cloud.ProviderGCP}, Required: true,
			ShowIf: &connector.ShowIf{Field: "access", In: []string{accessCredential}},
			Help:   "A service account. Share each spreadsheet with its e-mail address, as with a person: Viewer is enough.",
		},
	}
	list = append(list, connector.AuthorizeFields(byPerson())...)
	return append(list, connector.Field{
		Name: "endpoint", Label: "Endpoint", Type: connector.FieldString, Advanced: true, Example: "https://google.example.com",
		Help: "Where the Sheets and Drive APIs are, and the service of tokens of people's accounts, for a gateway in between. Empty means Google's own addresses.",
	})
}

// google is the two APIs.
type google struct {
	oauth.App

	Access     string    `json:"access"`
	Credential cloud.GCP `json:"credential"`
	Endpoint   string    `json:"endpoint"`

	network   connector.Network
	transport *http.Transport
	client    *http.Client
	person    *sheet.Person // nil where a service account is used
}

var _ sheet.Asking = (*google)(nil)

// What tokens are for: https://developers.google.com/workspace/sheets/api/scopes
var scopes = []string{"https://www.googleapis.com/auth/spreadsheets.readonly", "https://www.googleapis.com/auth/drive.metadata.readonly"}

func (g *google) connect(o connector.SourceOptions) (err error) {
	g.transport = g.network.Transport()
	if g.Access == accessPerson {
		g.client = &http.Client{Transport: g.transport}
		g.person, err = sheet.NewPerson(oauth.GoogleUser(g.App, g.Endpoint, scopes...), o)
		return err
	}
	tokens, err := g.Credential.TokenSource(context.Background(), &http.Client{Transport: g.transport}, scopes...)
	if err != nil {
		return fault.Wrap(err, fault.CodeSourceAuth, "reading the GCP credential")
	}
	g.client = &http.Client{Transport: &oauth2.Transport{Base: g.transport, Source: tokens}}
	return nil
}

// Person is who asks.
func (g *google) Person() *sheet.Person { return g.person }

// Close ends every connection.
func (g *google) Close() error {
	if g.person != nil {
		g.person.Close()
	}
	g.transport.CloseIdleConnections()
	return nil
}

// Test lists one spreadsheet.
func (g *google) Test(ctx context.Context) error {
	if g.person != nil {
		g.person.Insist()
	}
	_, err := g.list(ctx, "", 1)
	return err
}

// listed is a page of spreadsheets.
type listed struct {
	Next  string `json:"nextPageToken"`
	Files []struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"files"`
}

// pageSize is the most that Drive lists at once: https://developers.google.com/workspace/drive/api/reference/rest/v3/files/list
const pageSize = 1000

// list reads a page of the spreadsheets. Files in other formats are none (S-83).
func (g *google) list(ctx context.Context, token string, size int) (listed, error) {
	q := url.Values{
		"q": {"mimeType = 'application/vnd.google-apps.spreadsheet' and trashed = false"}, "fields": {"nextPageToken, files(id, name)"},
		"pageSize": {strconv.Itoa(size)}, "orderBy": {"name_natural"}, "supportsAllDrives": {"true"}, "includeItemsFromAllDrives": {"true"},
	}
	if token != "" {
		q.Set("pageToken", token)
	}
	var page listed
	return page, g.get(ctx, "listing the spreadsheets", g.address("https://www.googleapis.com", "/drive/v3/files", q), &page)
}

// Workbooks lists the spreadsheets that were shared with the credential.
func (g *google) Workbooks(ctx context.Context) ([]connector.Option, error) {
	var all []connector.Option
	for token := ""; ; {
		page, err := g.list(ctx, token, pageSize)
		if err != nil {
			return nil, err
		}
		for _, f := range page.Files {
			all = append(all, connector.Option{Value: f.ID, Label: f.Name})
		}
		if token = page.Next; token == "" {
			break
		}
	}
	slices.SortStableFunc(all, func(a, b connector.Option) int {
		return strings.Compare(strings.ToLower(a.Label), strings.ToLower(b.Label))
	})
	return all, nil
}

// properties are those of a spreadsheet's sheets.
type properties struct {
	Sheets []struct {
		Properties struct {
			Title string `json:"title"`
			Type  string `json:"sheetType"`
			Grid  struct {
				Rows int `json:"rowCount"`
			} `json:"gridProperties"`
		} `json:"properties"`
	} `json:"sheets"`
}

// spreadsheetIn finds the ID in a spreadsheet's address.
var spreadsheetIn = regexp.MustCompile(`/spreadsheets/d/([A-Za-z0-9_-]+)`)

func spreadsheetID(workbook string) string {
	if m := spreadsheetIn.FindStringSubmatch(workbook); m != nil {
		return m[1]
	}
	return strings.TrimSpace(workbook)
}

func (g *google) properties(ctx context.Context, workbook string) (p properties, err error) {
	id := spreadsheetID(workbook)
	if id == "" {
		return p, fault.New(fault.CodeSourceQuery, "the model names no spreadsheet").WithSuggestion("Choose the spreadsheet that the sheet is in.")
	}
	q := url.Values{"fields": {"sheets.properties(title,sheetType,gridProperties.rowCount)"}}
	err = g.get(ctx, "reading the spreadsheet", g.address("https://sheets.googleapis.com", "/v4/spreadsheets/"+url.PathEscape(id), q), &p)
	return p, err
}

// Sheets lists the sheets that have cells.
func (g *google) Sheets(ctx context.Context, workbook string) ([]string, error) {
	p, err := g.properties(ctx, workbook)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range p.Sheets {
		if s.Properties.Type == "" || s.Properties.Type == "GRID" {
			names = append(names, s.Properties.Title)
		}
	}
	return names, nil
}

// Read gives the rows of a sheet.
func (g *google) Read(ctx context.Context, s connector.Sheet, use func(sheet.Rows, sheet.Rule) error) error {
	p, err := g.properties(ctx, s.Workbook)
	if err != nil {
		return err
	}
	for _, found := range p.Sheets {
		if found.Properties.Title == s.Name {
			r := reader{g, spreadsheetID(s.Workbook), s.Name, found.Properties.Grid.Rows}
			return use(r.rows, sheet.Rule{})
		}
	}
	return fault.New(fault.CodeSourceFile, "the spreadsheet has no sheet %q", s.Name).WithSuggestion(gone)
}

const gone = "The spreadsheet or the sheet was renamed or deleted: choose it again in the model."

// reader reads a sheet.
type reader struct {
	google *google
	id     string
	name   string
	count  int // rows that the sheet has, with empty ones
}

// rowsPerPage is how many rows are asked for at once: they are in memory together.
const rowsPerPage = 5000

func (r reader) rows(ctx context.Context, yield func([]sheet.Cell) error) error {
	var cells []sheet.Cell
	for from := 1; from <= r.count; from += rowsPerPage {
		to := min(from+rowsPerPage-1, r.count)
		page, err := r.page(ctx, from, to)
		if err != nil {
			return err
		}
		for _, row := range page {
			cells = cells[:0]
			for _, v := range row {
				cells = append(cells, cellOf(v))
			}
			if err := yield(cells); err != nil {
				return err
			}
		}
	}
	return nil
}

// page reads rows. Numbers are asked for as they are and not as they are shown; dates have no such form, and are asked
// for as they are shown: https://developers.google.com/workspace/sheets/api/reference/rest/v4/DateTimeRenderOption
func (r reader) page(ctx context.Context, from, to int) ([][]any, error) {
	cells := fmt.Sprintf("'%s'!%d:%d", strings.ReplaceAll(r.name, "'", "''"), from, to)
	q := url.Values{"valueRenderOption": {"UNFORMATTED_VALUE"}, "dateTimeRenderOption": {"FORMATTED_STRING"}, "majorDimension": {"ROWS"}}
	var page struct {
		Values [][]any `json:"values"`
	}
	path := "/v4/spreadsheets/" + url.PathEscape(r.id) + "/values/" + url.PathEscape(cells)
	return page.Values, r.google.get(ctx, "reading the sheet "+r.name, r.google.address("https://sheets.googleapis.com", path, q), &page)
}

func cellOf(v any) sheet.Cell {
	switch v := v.(type) {
	case json.Number:
		n, err := v.Float64()
		if err != nil {
			return sheet.OfText(v.String())
		}
		return sheet.OfNumber(n)
	case bool:
		return sheet.OfBoolean(v)
	case string:
		return sheet.OfText(v)
	default:
		return sheet.Cell{}
	}
}

// address is one of an API's.
func (g *google) address(own, path string, q url.Values) string {
	if g.Endpoint != "" {
		own = strings.TrimRight(g.Endpoint, "/")
	}
	return own + path + "?" + q.Encode()
}

// maxAnswer is how many bytes an answer may have: Google keeps a spreadsheet to 10 million cells, a page to far fewer.
const maxAnswer = 256 << 20

func (g *google) get(ctx context.Context, doing, address string, to any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fault.Wrap(err, fault.CodeInvalid, "%s", doing)
	}
	answer, err := g.send(r, doing)
	if err != nil {
		return g.unanswered(err, doing)
	}
	defer answer.Body.Close() //nolint:errcheck // read only
	if answer.StatusCode != http.StatusOK {
		return g.refused(answer, doing)
	}
	d := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer))
	d.UseNumber()
	if err := d.Decode(to); err != nil {
		return fault.Wrap(err, fault.CodeSourceUnreachable, "%s", doing).WithSuggestion("The answer ended early, or is none of Google's.%s", g.network.Firewall())
	}
	return nil
}

func (g *google) send(r *http.Request, doing string) (*http.Response, error) {
	if g.person != nil {
		return g.person.Do(g.client, r, doing)
	}
	return g.client.Do(r)
}

func (g *google) unanswered(err error, doing string) error {
	if _, said := errors.AsType[*fault.Error](err); said {
		return err
	}
	if address, ok := errors.AsType[*url.Error](err); ok { // it holds the address, which says nothing that the words do not
		err = address.Err
	}
	if _, refused := errors.AsType[*oauth2.RetrieveError](err); refused {
		return fault.Wrap(err, fault.CodeSourceAuth, "%s", doing).
			WithSuggestion("Check that the service account exists and that its key was not deleted, or create another key.")
	}
	return fault.Wrap(err, fault.CodeSourceUnreachable, "%s", doing).WithSuggestion("Google could not be reached.%s", g.network.Firewall())
}

// refused reads an error of the APIs: https://cloud.google.com/apis/design/errors
func (g *google) refused(answer *http.Response, doing string) error {
	var said struct {
		Error struct {
			Message string `json:"message"`
			Status  string `json:"status"`
		} `json:"error"`
	}
	_ = json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&said) //nolint:errcheck // without words, the status says it
	words := strings.TrimSpace(said.Error.Message)
	if words == "" {
		words = answer.Status
	}
	e := func(code fault.Code, suggestion string) error {
		return fault.Wrap(errors.New(words), code, "%s", doing).WithSuggestion("%s", suggestion)
	}
	switch {
	case strings.Contains(words, "Unable to parse range"):
		return e(fault.CodeSourceFile, gone)
	case strings.Contains(words, "not supported for this document"):
		return e(fault.CodeSourceFile, "It is a file of another format, such as .xlsx: save it as Google Sheets.")
	case strings.Contains(words, "has not been used in project") || strings.Contains(words, "is disabled"):
		return e(fault.CodeSourceDenied, "Enable the Google Sheets API and the Google Drive API in the project of the service account, or of the OAuth client.")
	case answer.StatusCode == http.StatusUnauthorized:
		return e(fault.CodeSourceAuth, "Check the service account and its key, or allow the access again on the source's Configuration tab.")
	case answer.StatusCode == http.StatusForbidden:
		return e(fault.CodeSourceDenied, "Share the spreadsheet with the e-mail address of the service account, or with the person who allowed the access.")
	case answer.StatusCode == http.StatusNotFound:
		return e(fault.CodeSourceFile, gone+" One that the account may not open is not found either.")
	case answer.StatusCode == http.StatusTooManyRequests:
		return fault.Reclass(e(fault.CodeSourceUnreachable, "Google limits readings per minute: the next run tries again."), fault.Throttled)
	case answer.StatusCode >= http.StatusInternalServerError:
		return e(fault.CodeSourceUnreachable, "Google has an error of its own: the next run tries again. Where it stays, move charts and pivot tables to another spreadsheet.")
	default:
		return e(fault.CodeSourceQuery, "Choose spreadsheet and sheet again in the model.")
	}
}
