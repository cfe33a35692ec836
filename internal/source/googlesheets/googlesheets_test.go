package googlesheets_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/googlesheets"
	"github.com/millrace/millrace/internal/value"
)

// google stands in for the Sheets and Drive APIs and the service of tokens.
type google struct {
	url   string
	books []book

	mu      sync.Mutex
	asked   []string
	granted int // tokens
	stale   int // answers that say that the token is not accepted
	status  int // refuses everything with it
	words   string
}

type book struct {
	id, name string
	sheets   map[string][][]any
	order    []string
	size     int // rows that each sheet says it has
}

func newGoogle(t *testing.T, books ...book) *google {
	t.Helper()
	g := &google{books: books}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if err := r.ParseForm(); err != nil || r.PostForm.Get("assertion") == "" && r.PostForm.Get("refresh_token") != "refresh-1" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_grant","error_description":"Token has been expired or revoked."}`)
			return
		}
		g.mu.Lock()
		g.granted++
		granted := g.granted
		g.mu.Unlock()
		fmt.Fprintf(w, `{"access_token":"the-token-%d","token_type":"Bearer","expires_in":3600}`, granted)
	})
	mux.HandleFunc("GET /drive/v3/files", g.authorized(g.list))
	mux.HandleFunc("GET /v4/spreadsheets/{id}", g.authorized(g.properties))
	mux.HandleFunc("GET /v4/spreadsheets/{id}/values/{range}", g.authorized(g.values))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

func (g *google) authorized(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		g.asked = append(g.asked, r.URL.Path)
		status, words := g.status, g.words
		if g.stale > 0 {
			g.stale--
			status, words = http.StatusUnauthorized, "the token was taken back"
		}
		g.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		switch {
		case !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer the-token-"):
			refuse(w, http.StatusUnauthorized, "no token")
		case status != 0:
			refuse(w, status, words)
		default:
			serve(w, r)
		}
	}
}

func refuse(w http.ResponseWriter, status int, words string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": status, "message": words}}) //nolint:errcheck // the client sees
}

func answer(w http.ResponseWriter, v any) {
	_ = json.NewEncoder(w).Encode(v) //nolint:errcheck // the client sees
}

// list has two spreadsheets on a page.
func (g *google) list(w http.ResponseWriter, r *http.Request) {
	if q := r.URL.Query().Get("q"); !strings.Contains(q, "mimeType = 'application/vnd.google-apps.spreadsheet'") {
		refuse(w, http.StatusBadRequest, "other files are asked for: "+q)
		return
	}
	from, err := strconv.Atoi(cmp.Or(r.URL.Query().Get("pageToken"), "0"))
	if err != nil {
		refuse(w, http.StatusBadRequest, "Invalid Value")
		return
	}
	page := map[string]any{}
	var files []map[string]string
	for i := from; i < len(g.books) && i < from+2; i++ {
		files = append(files, map[string]string{"id": g.books[i].id, "name": g.books[i].name})
	}
	if from+2 < len(g.books) {
		page["nextPageToken"] = strconv.Itoa(from + 2)
	}
	page["files"] = files
	answer(w, page)
}

func (g *google) find(id string) (book, bool) {
	for _, b := range g.books {
		if b.id == id {
			return b, true
		}
	}
	return book{}, false
}

func (g *google) properties(w http.ResponseWriter, r *http.Request) {
	b, ok := g.find(r.PathValue("id"))
	if !ok {
		refuse(w, http.StatusNotFound, "Requested entity was not found.")
		return
	}
	var sheets []map[string]any
	for _, name := range b.order {
		sheets = append(sheets, map[string]any{"properties": map[string]any{"title": name, "sheetType": "GRID", "gridProperties": map[string]int{"rowCount": max(b.size, len(b.sheets[name]))}}})
	}
	answer(w, map[string]any{"sheets": append(sheets, map[string]any{"properties": map[string]any{"title": "Chart", "sheetType": "OBJECT"}})})
}

// values answers as Google does: a range beyond the sheet is refused, and empty cells at the end are left out.
func (g *google) values(w http.ResponseWriter, r *http.Request) {
	b, _ := g.find(r.PathValue("id"))
	name, cells, _ := strings.Cut(strings.TrimPrefix(r.PathValue("range"), "'"), "'!")
	rows, ok := b.sheets[strings.ReplaceAll(name, "''", "'")]
	var from, to int
	if _, err := fmt.Sscanf(cells, "%d:%d", &from, &to); err != nil || !ok {
		refuse(w, http.StatusBadRequest, "Unable to parse range: "+r.PathValue("range"))
		return
	}
	if r.URL.Query().Get("valueRenderOption") != "UNFORMATTED_VALUE" {
		refuse(w, http.StatusBadRequest, "numbers are asked for as they are shown")
		return
	}
	if to > max(b.size, len(rows)) {
		refuse(w, http.StatusBadRequest, "exceeds grid limits")
		return
	}
	answer(w, map[string]any{"values": rows[min(from-1, len(rows)):min(to, len(rows))]})
}

func (g *google) settings(t *testing.T) connector.Settings {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "millrace@acme.iam.gserviceaccount.com", "private_key_id": "1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": g.url + "/token",
	})
	if err != nil {
		t.Fatal(err)
	}
	return connector.Settings{"credential": map[string]any{"auth": "key", "serviceAccountKey": string(key)}, "endpoint": g.url}
}

func open(t *testing.T, s connector.Settings, dir string) connector.Source {
	t.Helper()
	source, err := googlesheets.Info().Open(connector.SourceOptions{Settings: s, Dir: dir, Network: connector.Network{Egress: []string{"192.0.2.1"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = source.Close() }) //nolint:errcheck // it may be closed already
	return source
}

func read(t *testing.T, s connector.Source, sheet connector.Sheet) (value.Schema, []string, error) {
	t.Helper()
	r, err := s.Query(t.Context(), connector.Query{SQL: s.Dialect().SelectTable(connector.RowsTable) + " ORDER BY 1", Sheet: &sheet})
	if err != nil {
		return nil, nil, err
	}
	defer r.Release()
	table := sourcetest.Read(t, r)
	var rows []string
	for _, row := range table.Rows {
		parts := make([]string, len(row))
		for i, v := range row {
			if parts[i] = v.String(); v.IsNull() {
				parts[i] = "∅"
			}
		}
		rows = append(rows, strings.Join(parts, "|"))
	}
	return table.Schema, rows, nil
}

// Req: S-35, S-83
func TestRead(t *testing.T) {
	t.Parallel()
	long := [][]any{{"id", "name"}}
	for i := range 12_000 {
		long = append(long, []any{i, "row"})
	}
	g := newGoogle(t, book{id: "b1", name: "People", order: []string{"It's", "Long", "Empty"}, size: 1000, sheets: map[string][][]any{
		"It's":  {{"id", "code", "", "paid", "amount", "day"}, {1, "0012", "beside", true, 1.5, "2024-02-29"}, {}, {2, "x", nil, "", 0.1, "1/2/24", "beside"}},
		"Long":  long,
		"Empty": {},
	}})
	dir := t.TempDir()
	s := open(t, g.settings(t), dir)
	for _, workbook := range []string{"b1", "https://docs.google.com/spreadsheets/d/b1/edit#gid=0"} {
		schema, rows, err := read(t, s, connector.Sheet{Workbook: workbook, Name: "It's"})
		if err != nil || strings.Join(rows, "\n") != "1|0012|true|1.5|2024-02-29\n2|x|∅|0.1|1/2/24" {
			t.Errorf("%q: %v", rows, err)
		}
		types := []value.Type{value.TypeNumber, value.TypeString, value.TypeBoolean, value.TypeNumber, value.TypeString}
		for i, c := range schema {
			if c.Type != types[i] {
				t.Errorf("%s is a %s", c.Name, c.Type)
			}
		}
	}
	if _, rows, err := read(t, s, connector.Sheet{Workbook: "b1", Name: "Long"}); err != nil || len(rows) != 12_000 || rows[11_999] != "11999|row" {
		t.Errorf("%d rows: %v", len(rows), err)
	}
	asked := len(g.asked)
	if _, _, err := read(t, s, connector.Sheet{Workbook: "b1", Name: "Long"}); err != nil || len(g.asked) != asked {
		t.Errorf("a sheet was fetched twice: %v", err)
	}
	if _, _, err := read(t, s, connector.Sheet{Workbook: "b1", Name: "Empty"}); !fault.Is(err, fault.CodeSourceFile) {
		t.Errorf("an empty sheet: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left on this machine: %v, %v", left, err)
	}
}

// Req: S-83
func TestLists(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, book{id: "3", name: "c"}, book{id: "1", name: "A"}, book{id: "2", name: "b", order: []string{"One", "Two"}})
	s := open(t, g.settings(t), t.TempDir())
	lister := s.(connector.WorkbookLister)
	books, err := lister.Workbooks(t.Context())
	if err != nil || fmt.Sprint(books) != "[{1 A } {2 b } {3 c }]" {
		t.Errorf("%v, %v", books, err)
	}
	sheets, err := lister.Sheets(t.Context(), "2")
	if err != nil || strings.Join(sheets, ",") != "One,Two" {
		t.Errorf("%v, %v", sheets, err)
	}
	if err := s.Test(t.Context()); err != nil {
		t.Error(err)
	}
	if issues := (connector.Settings{"credential": "slug"}).Check("x", googlesheets.Info().Fields, nil); len(issues) > 0 {
		t.Error(issues)
	}
}

// Req: S-83
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		words  string
		code   fault.Code
		hint   string
	}{
		{400, "Unable to parse range: 'Gone'!1:5", fault.CodeSourceFile, "renamed or deleted"},
		{400, "This operation is not supported for this document", fault.CodeSourceFile, "save it as Google Sheets"},
		{403, "Google Sheets API has not been used in project 1 before or it is disabled.", fault.CodeSourceDenied, "Enable"},
		{403, "The caller does not have permission", fault.CodeSourceDenied, "Share the spreadsheet"},
		{404, "Requested entity was not found.", fault.CodeSourceFile, "may not open"},
		{401, "Request had invalid authentication credentials.", fault.CodeSourceAuth, "key"},
		{429, "Quota exceeded for quota metric 'Read requests'", fault.CodeSourceUnreachable, "per minute"},
		{500, "Internal error encountered.", fault.CodeSourceUnreachable, "charts"},
	} {
		g := newGoogle(t, book{id: "b"})
		g.status, g.words = c.status, c.words
		s := open(t, g.settings(t), t.TempDir())
		_, _, err := read(t, s, connector.Sheet{Workbook: "b", Name: "Gone"})
		if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.words) || !strings.Contains(fault.As(err).Hint(), c.hint) {
			t.Errorf("%d %s: %s %v\n%s", c.status, c.words, fault.As(err).Code, err, fault.As(err).Hint())
		}
		if err := s.Test(t.Context()); err == nil {
			t.Errorf("%d: Test works", c.status)
		}
	}
	g := newGoogle(t, book{id: "b", order: []string{"One"}})
	s := open(t, g.settings(t), t.TempDir())
	if _, _, err := read(t, s, connector.Sheet{Workbook: "b", Name: "Gone"}); !fault.Is(err, fault.CodeSourceFile) || !strings.Contains(err.Error(), "Gone") {
		t.Errorf("a sheet that is gone: %v", err)
	}
	if _, _, err := read(t, s, connector.Sheet{Name: "One"}); !fault.Is(err, fault.CodeSourceQuery) {
		t.Errorf("no spreadsheet: %v", err)
	}
	away := g.settings(t)
	away["endpoint"] = "http://127.0.0.1:1"
	if err := open(t, away, t.TempDir()).Test(t.Context()); !fault.Is(err, fault.CodeSourceUnreachable) || !strings.Contains(fault.As(err).Hint(), "192.0.2.1") {
		t.Errorf("nobody there: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Test(ctx); !fault.Is(err, fault.CodeSourceTimeout) {
		t.Errorf("cancelled: %v", err)
	}
}

// A person's spreadsheets are read with what the person allowed. A token that is not accepted is replaced once.
//
// Req: S-83
func TestPerson(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, book{id: "b", name: "Book", sheets: map[string][][]any{"Sheet": {{"id"}, {1}}}, order: []string{"Sheet"}, size: 2})
	opened := func(refresh string) connector.Source {
		s, err := googlesheets.Info().Open(connector.SourceOptions{Dir: t.TempDir(), Settings: connector.Settings{
			"access": "person", "clientId": "client", "clientSecret": "secret", "refreshToken": refresh, "endpoint": g.url,
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() }) //nolint:errcheck // it holds nothing
		return s
	}
	s := opened("refresh-1")
	books, err := s.(connector.WorkbookLister).Workbooks(t.Context())
	if err != nil || len(books) != 1 {
		t.Errorf("%v: %v", books, err)
	}
	g.mu.Lock()
	g.stale = 1
	g.mu.Unlock()
	if sheets, err := s.(connector.WorkbookLister).Sheets(t.Context(), "b"); err != nil || len(sheets) != 1 || g.granted != 2 {
		t.Errorf("%v after %d tokens: %v", sheets, g.granted, err)
	}
	g.mu.Lock()
	g.stale = 2
	g.mu.Unlock()
	if err := s.Test(t.Context()); !fault.Is(err, fault.CodeSourceAuth) || g.granted != 3 {
		t.Errorf("%d tokens: %v", g.granted, err)
	}
	if err := opened("old").Test(t.Context()); !fault.Is(err, fault.CodeSourceAuth) || !strings.Contains(err.Error(), "expired or revoked") {
		t.Errorf("a permission that is over: %v", err)
	}
	if err := opened("").Test(t.Context()); !fault.Is(err, fault.CodeSourceAuth) || !strings.Contains(fault.As(err).Hint(), "Allow access") {
		t.Errorf("before anybody allowed it: %v", err)
	}
}
