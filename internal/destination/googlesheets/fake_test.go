package googlesheets_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/internal/cloud/cloudtest"
	"github.com/millrace/millrace/internal/connector"
)

// google stands in for the Sheets and Drive APIs.
type google struct {
	url        string
	credential map[string]any
	limit      int               // cells of a spreadsheet
	challenge  string            // which code belongs to whom
	over       bool              // people took their permission back
	issuer     *cloudtest.Issuer // of tokens; nil: the one of all others is accepted

	mu      sync.Mutex
	books   []*book
	number  int64 // of sheets
	made    int   // spreadsheets
	seen    []seen
	intrude func(w http.ResponseWriter, s seen) bool // answers instead
	after   func(w http.ResponseWriter, s seen) bool // answers after the work was done
}

// seen is a request that came.
type seen struct {
	method, path, query, body string
}

// is tells what a request is about: "read", "change", "write", "append", "row", "files", "file", "make".
func (s seen) is() string {
	switch {
	case strings.HasSuffix(s.path, ":batchUpdate"):
		return "change"
	case strings.HasSuffix(s.path, ":append"):
		return "append"
	case s.method == http.MethodPut:
		return "write"
	case strings.Contains(s.path, "/values/"):
		return "row"
	case strings.HasPrefix(s.path, "/v4/"):
		return "read"
	case s.method == http.MethodPost:
		return "make"
	case s.path == "/drive/v3/files":
		return "files"
	default:
		return "file"
	}
}

type book struct {
	id, title, folder string
	closed            bool // not shared
	sheets            []*page
}

type page struct {
	id            int64
	title, kind   string
	hidden        bool
	rows, columns int
	cells         map[place]any
	formats       map[place]string
}

type place struct{ row, column int }

// formula and date are what texts became.
type (
	formula string
	date    string
)

func newGoogle(t *testing.T, books ...*book) *google {
	t.Helper()
	g := &google{limit: 10_000_000, credential: cloudtest.GCP(t, http.StatusOK), books: books}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

func (g *google) settings(changes ...any) connector.Settings {
	all := connector.Settings{"credential": g.credential, "endpoint": g.url}
	for i := 0; i < len(changes); i += 2 {
		all[changes[i].(string)] = changes[i+1]
	}
	return all
}

// newBook has one sheet of the usual size.
func newBook(id, title, sheet string) *book {
	return &book{id: id, title: title, folder: "folder", sheets: []*page{newPage(1, sheet)}}
}

func newPage(id int64, title string) *page {
	return &page{id: id, title: title, kind: "GRID", rows: 1000, columns: 26, cells: map[place]any{}, formats: map[place]string{}}
}

func (p *page) fill(rows ...[]any) *page {
	for r, row := range rows {
		for c, v := range row {
			if v != nil {
				p.cells[place{r, c}] = v
			}
		}
	}
	return p
}

// lines are the rows from the first to the last with a value, cells with bars between them.
func (p *page) lines() []string {
	last := -1
	for at := range p.cells {
		last = max(last, at.row)
	}
	lines := make([]string, last+1)
	for r := range lines {
		var parts []string
		for c := range p.columns {
			parts = append(parts, show(p.cells[place{r, c}]))
		}
		lines[r] = strings.TrimRight(strings.Join(parts, "|"), "|")
	}
	return lines
}

func show(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case formula:
		return "formula " + string(v)
	case date:
		return "date " + string(v)
	case json.Number:
		return "#" + v.String()
	default:
		return fmt.Sprint(v)
	}
}

// page returns a sheet, or nil.
func (g *google) page(id, title string) *page {
	g.mu.Lock()
	defer g.mu.Unlock()
	if b := g.book(id); b != nil {
		return b.page(title)
	}
	return nil
}

func (g *google) book(id string) *book {
	for _, b := range g.books {
		if b.id == id {
			return b
		}
	}
	return nil
}

func (b *book) page(title string) *page {
	for _, p := range b.sheets {
		if p.title == title {
			return p
		}
	}
	return nil
}

func (b *book) byID(id int64) *page {
	for _, p := range b.sheets {
		if p.id == id {
			return p
		}
	}
	return nil
}

// titles lists the sheets of a spreadsheet, hidden ones in parentheses.
func (g *google) titles(id string) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var titles []string
	for _, p := range g.book(id).sheets {
		if p.hidden {
			titles = append(titles, "("+p.title+")")
			continue
		}
		titles = append(titles, p.title)
	}
	return titles
}

func (g *google) count(what string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, s := range g.seen {
		if s.is() == what {
			n++
		}
	}
	return n
}

func (g *google) admits(header string) bool {
	if g.issuer != nil {
		return g.issuer.Accepts(header)
	}
	return header == "Bearer "+cloudtest.Token
}

// ServeHTTP answers one request at a time.
func (g *google) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" {
		g.grant(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s := seen{r.Method, r.URL.Path, r.URL.RawQuery, string(body)}
	g.mu.Lock()
	g.seen = append(g.seen, s)
	intrude, after := g.intrude, g.after
	g.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if !g.admits(r.Header.Get("Authorization")) {
		refuse(w, http.StatusUnauthorized, "Request had invalid authentication credentials.")
		return
	}
	if intrude != nil && intrude(w, s) {
		return
	}
	status, answer := g.answer(s, r)
	if after != nil && after(w, s) {
		return
	}
	if words, bad := answer.(string); bad {
		refuse(w, status, words)
		return
	}
	_ = json.NewEncoder(w).Encode(answer) //nolint:errcheck // the client sees
}

// refuse answers as Google does. https://cloud.google.com/apis/design/errors
func refuse(w http.ResponseWriter, status int, words string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": status, "message": words, "status": "X"}}) //nolint:errcheck // the client sees
}

// answer does the work. A text is an error.
func (g *google) answer(s seen, r *http.Request) (int, any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if strings.HasPrefix(s.path, "/drive/v3/files") {
		return g.drive(s, r)
	}
	rest := strings.TrimPrefix(s.path, "/v4/spreadsheets/")
	id, values, isValues := strings.Cut(rest, "/values/")
	id = strings.TrimSuffix(id, ":batchUpdate")
	b := g.book(id)
	switch {
	case b == nil:
		return http.StatusNotFound, "Requested entity was not found."
	case b.closed:
		return http.StatusForbidden, "The caller does not have permission"
	case strings.HasSuffix(rest, ":batchUpdate"):
		return g.change(b, s.body)
	case isValues:
		return g.values(b, values, s, r)
	}
	var sheets []any
	for _, p := range b.sheets {
		properties := map[string]any{"sheetId": p.id, "title": p.title, "sheetType": p.kind, "hidden": p.hidden}
		if p.kind == "GRID" {
			properties["gridProperties"] = map[string]int{"rowCount": p.rows, "columnCount": p.columns}
		}
		sheets = append(sheets, map[string]any{"properties": properties})
	}
	return 200, map[string]any{"spreadsheetId": b.id, "properties": map[string]string{"title": b.title}, "sheets": sheets}
}

var named = regexp.MustCompile(`name = '((?:[^'\\]|\\.)*)' and '([^']*)' in parents`)

// drive lists two files on a page.
func (g *google) drive(s seen, r *http.Request) (int, any) {
	if s.method == http.MethodPost {
		var f struct {
			Name    string   `json:"name"`
			Parents []string `json:"parents"`
		}
		if err := json.Unmarshal([]byte(s.body), &f); err != nil || len(f.Parents) != 1 {
			return 400, "Invalid value"
		}
		g.made++
		b := newBook(fmt.Sprintf("made-%d", g.made), f.Name, "Sheet1")
		b.sheets[0].rows, b.sheets[0].columns = 5, 2
		b.folder = f.Parents[0]
		g.books = append(g.books, b)
		return 200, map[string]string{"id": b.id, "name": b.title}
	}
	if id, one := strings.CutPrefix(s.path, "/drive/v3/files/"); one {
		b := g.book(id)
		if b == nil {
			return 404, "File not found: " + id
		}
		answer := map[string]any{"name": b.title}
		if b.folder != "" {
			answer["parents"] = []string{b.folder}
		}
		return 200, answer
	}
	q := r.URL.Query()
	if !strings.Contains(q.Get("q"), "mimeType = 'application/vnd.google-apps.spreadsheet'") {
		return 400, "other files are asked for"
	}
	found := slices.Clone(g.books)
	if m := named.FindStringSubmatch(q.Get("q")); m != nil {
		name := strings.NewReplacer(`\'`, "'", `\\`, `\`).Replace(m[1])
		found = slices.DeleteFunc(found, func(b *book) bool { return b.title != name || b.folder != m[2] })
	}
	from, _ := strconv.Atoi(cmp.Or(q.Get("pageToken"), "0")) //nolint:errcheck // it is the fake's own
	answer := map[string]any{}
	var files []map[string]string
	for _, b := range found[min(from, len(found)):min(from+2, len(found))] {
		files = append(files, map[string]string{"id": b.id, "name": b.title})
	}
	if from+2 < len(found) {
		answer["nextPageToken"] = strconv.Itoa(from + 2)
	}
	answer["files"] = files
	return 200, answer
}

var cellName = regexp.MustCompile(`^([A-Z]+)(\d+)(?::([A-Z]*)(\d+))?$`)

func columnOf(letters string) int {
	n := 0
	for _, c := range letters {
		n = n*26 + int(c-'A') + 1
	}
	return n - 1
}

// values reads, writes or appends.
func (g *google) values(b *book, at string, s seen, r *http.Request) (int, any) {
	at = strings.TrimSuffix(at, ":append")
	title, cells, _ := strings.Cut(strings.TrimPrefix(at, "'"), "'!")
	p, m := b.page(strings.ReplaceAll(title, "''", "'")), cellName.FindStringSubmatch(cells)
	if p == nil || m == nil {
		return 400, "Unable to parse range: " + at
	}
	row, _ := strconv.Atoi(m[2]) //nolint:errcheck // digits
	from := place{row - 1, columnOf(m[1])}
	if s.method == http.MethodGet {
		var texts []any
		for c := from.column; c < p.columns && (m[3] == "" || c <= columnOf(m[3])); c++ {
			texts = append(texts, show(p.cells[place{from.row, c}]))
		}
		for len(texts) > 0 && texts[len(texts)-1] == "" {
			texts = texts[:len(texts)-1]
		}
		if len(texts) == 0 {
			return 200, map[string]any{"range": at}
		}
		return 200, map[string]any{"range": at, "values": [][]any{texts}}
	}
	var in struct {
		Range  string  `json:"range"`
		Values [][]any `json:"values"`
	}
	d := json.NewDecoder(strings.NewReader(s.body))
	d.UseNumber()
	if err := d.Decode(&in); err != nil || in.Range != at {
		return 400, "the range of the body is another: " + in.Range
	}
	for i, row := range in.Values {
		for j, v := range row {
			switch v.(type) {
			case []any:
				return 400, fmt.Sprintf("Invalid values[%d][%d]: list_value {}", i, j)
			case map[string]any:
				return 400, fmt.Sprintf("Invalid values[%d][%d]: struct_value {}", i, j)
			}
		}
	}
	input := r.URL.Query().Get("valueInputOption")
	if s.method == http.MethodPost {
		return g.add(b, p, from, in.Values, input, r.URL.Query().Get("insertDataOption") == "INSERT_ROWS")
	}
	if last, _ := strconv.Atoi(m[4]); from.row+len(in.Values) != last || from.column+len(in.Values[0])-1 != columnOf(m[3]) { //nolint:errcheck // digits
		return 400, "Requested writing within range [" + at + "], but tried writing to another cell"
	}
	if from.row+len(in.Values) > p.rows || from.column+len(in.Values[0]) > p.columns {
		return 400, fmt.Sprintf("Range (%s) exceeds grid limits. Max rows: %d, max columns: %d", at, p.rows, p.columns)
	}
	p.enter(from, in.Values, input)
	return 200, map[string]any{"updatedRange": at}
}

// add appends after the table that begins at from; rows push down what is below, or take its place.
func (g *google) add(b *book, p *page, from place, rows [][]any, input string, push bool) (int, any) {
	end := from.row
	for ; end < p.rows; end++ {
		used := false
		for at := range p.cells {
			used = used || at.row == end && at.column >= from.column
		}
		if !used {
			break
		}
	}
	added := len(rows)
	if !push {
		added = max(0, end+len(rows)-p.rows)
	}
	if b.size()+added*p.columns > g.limit {
		return 400, tooMany
	}
	p.rows += added
	p.columns = max(p.columns, from.column+len(rows[0]))
	moved := map[place]any{}
	for at, v := range p.cells {
		if at.row >= end && push {
			at.row += len(rows)
		}
		moved[at] = v
	}
	p.cells = moved
	p.enter(place{end, from.column}, rows, input)
	return 200, map[string]any{"updates": map[string]any{"updatedRange": "X"}}
}

const tooMany = "This action would increase the number of cells in the workbook above the limit of 10000000 cells."

func (b *book) size() int {
	n := 0
	for _, p := range b.sheets {
		n += p.rows * p.columns
	}
	return n
}

var isDate = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}( \d{2}:\d{2}:\d{2}(\.\d+)?)?$`)

// enter sets cells; null leaves them, and an empty text empties them.
func (p *page) enter(from place, rows [][]any, input string) {
	for i, row := range rows {
		for j, v := range row {
			at := place{from.row + i, from.column + j}
			text, isText := v.(string)
			switch {
			case v == nil:
			case isText && text == "":
				delete(p.cells, at)
			case isText && input == "USER_ENTERED":
				p.cells[at] = p.typed(at, text)
			default:
				p.cells[at] = v
			}
		}
	}
}

func (p *page) typed(at place, text string) any {
	if rest, quoted := strings.CutPrefix(text, "'"); quoted {
		return rest
	}
	if p.formats[at] == "text" {
		return text
	}
	if strings.HasPrefix(text, "=") {
		return formula(text)
	}
	if isDate.MatchString(text) {
		if p.formats[at] == "" {
			p.formats[at] = "date"
		}
		return date(text)
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return json.Number(text)
	}
	return text
}

type span struct {
	Sheet       int64 `json:"sheetId"`
	StartRow    int   `json:"startRowIndex"`
	EndRow      int   `json:"endRowIndex"`
	StartColumn int   `json:"startColumnIndex"`
	EndColumn   int   `json:"endColumnIndex"`
}

type properties struct {
	Sheet  int64  `json:"sheetId"`
	Title  string `json:"title"`
	Hidden bool   `json:"hidden"`
	Grid   struct {
		Rows    int `json:"rowCount"`
		Columns int `json:"columnCount"`
	} `json:"gridProperties"`
}

type request struct {
	Add *struct {
		Properties properties `json:"properties"`
	} `json:"addSheet"`
	Delete *struct {
		Sheet int64 `json:"sheetId"`
	} `json:"deleteSheet"`
	Longer *struct {
		Sheet  int64 `json:"sheetId"`
		Length int   `json:"length"`
	} `json:"appendDimension"`
	Update *struct {
		Properties properties `json:"properties"`
		Fields     string     `json:"fields"`
	} `json:"updateSheetProperties"`
	Clear *struct {
		Range  span   `json:"range"`
		Fields string `json:"fields"`
	} `json:"updateCells"`
	Paste *struct {
		From span   `json:"source"`
		To   span   `json:"destination"`
		Kind string `json:"pasteType"`
	} `json:"copyPaste"`
}

// change applies all requests to a copy, or none.
func (g *google) change(b *book, body string) (int, any) {
	var in struct {
		Requests []request `json:"requests"`
	}
	if err := json.Unmarshal([]byte(body), &in); err != nil {
		return 400, err.Error()
	}
	work := b.clone()
	var replies []any
	for i, r := range in.Requests {
		reply, bad := g.apply(work, r)
		if bad == "" && work.size() > g.limit {
			bad = tooMany
		}
		if bad != "" {
			return 400, fmt.Sprintf("Invalid requests[%d]: %s", i, bad)
		}
		replies = append(replies, reply)
	}
	b.sheets = work.sheets
	return 200, map[string]any{"spreadsheetId": b.id, "replies": replies}
}

func (b *book) clone() *book {
	c := *b
	c.sheets = nil
	for _, p := range b.sheets {
		q := *p
		q.cells, q.formats = maps.Clone(p.cells), maps.Clone(p.formats)
		c.sheets = append(c.sheets, &q)
	}
	return &c
}

func (g *google) apply(b *book, r request) (reply any, bad string) {
	switch {
	case r.Add != nil:
		return g.addSheet(b, r.Add.Properties)
	case r.Delete != nil:
		if b.byID(r.Delete.Sheet) == nil {
			return nil, fmt.Sprintf("deleteSheet: No sheet with id: %d", r.Delete.Sheet)
		}
		b.sheets = slices.DeleteFunc(b.sheets, func(p *page) bool { return p.id == r.Delete.Sheet })
	case r.Longer != nil:
		p := b.byID(r.Longer.Sheet)
		if p == nil {
			return nil, fmt.Sprintf("appendDimension: No grid with id: %d", r.Longer.Sheet)
		}
		p.rows += r.Longer.Length
	case r.Update != nil:
		return nil, b.update(r.Update.Properties, strings.Split(r.Update.Fields, ","))
	case r.Clear != nil:
		return nil, b.clear(r.Clear.Range, r.Clear.Fields)
	case r.Paste != nil:
		return nil, b.paste(r.Paste.From, r.Paste.To, r.Paste.Kind)
	default:
		return nil, "no request is known"
	}
	return map[string]any{}, ""
}

func (g *google) addSheet(b *book, in properties) (any, string) {
	for _, p := range b.sheets {
		if strings.EqualFold(p.title, in.Title) {
			return nil, fmt.Sprintf("addSheet: A sheet with the name %q already exists. Please enter another name.", in.Title)
		}
	}
	g.number++
	p := newPage(100+g.number, in.Title)
	p.hidden, p.rows, p.columns = in.Hidden, cmp.Or(in.Grid.Rows, 1000), cmp.Or(in.Grid.Columns, 26)
	b.sheets = append(b.sheets, p)
	return map[string]any{"addSheet": map[string]any{"properties": map[string]any{"sheetId": p.id, "title": p.title}}}, ""
}

func (b *book) update(in properties, fields []string) string {
	p := b.byID(in.Sheet)
	if p == nil {
		return fmt.Sprintf("updateSheetProperties: No sheet with id: %d", in.Sheet)
	}
	for _, f := range fields {
		switch f {
		case "title":
			for _, other := range b.sheets {
				if other != p && strings.EqualFold(other.title, in.Title) {
					return fmt.Sprintf("updateSheetProperties: A sheet with the name %q already exists.", in.Title)
				}
			}
			p.title = in.Title
		case "hidden":
			p.hidden = in.Hidden
		case "gridProperties.rowCount":
			p.rows = in.Grid.Rows
		case "gridProperties.columnCount":
			p.columns = in.Grid.Columns
		default:
			return "the field " + f + " is not known"
		}
	}
	return ""
}

// within resolves a range, or says that it is none.
func (b *book) within(s span) (*page, span, string) {
	p := b.byID(s.Sheet)
	if p == nil {
		return nil, s, fmt.Sprintf("No grid with id: %d", s.Sheet)
	}
	s.EndRow, s.EndColumn = cmp.Or(s.EndRow, p.rows), cmp.Or(s.EndColumn, p.columns)
	if s.EndRow > p.rows || s.EndColumn > p.columns || s.StartRow >= s.EndRow || s.StartColumn >= s.EndColumn {
		return nil, s, fmt.Sprintf("range %+v exceeds grid limits %d, %d", s, p.rows, p.columns)
	}
	return p, s, ""
}

func (s span) holds(at place) bool {
	return at.row >= s.StartRow && at.row < s.EndRow && at.column >= s.StartColumn && at.column < s.EndColumn
}

func (b *book) clear(s span, fields string) string {
	p, s, bad := b.within(s)
	if bad != "" || fields != "userEnteredValue" {
		return cmp.Or(bad, "other fields: "+fields)
	}
	maps.DeleteFunc(p.cells, func(at place, _ any) bool { return s.holds(at) })
	return ""
}

func (b *book) paste(from, to span, kind string) string {
	source, from, bad := b.within(from)
	if bad != "" {
		return bad
	}
	target, to, bad := b.within(to)
	if bad != "" {
		return bad
	}
	if from.EndRow-from.StartRow != to.EndRow-to.StartRow || from.EndColumn-from.StartColumn != to.EndColumn-to.StartColumn {
		return "the ranges differ in size"
	}
	for r := range to.EndRow - to.StartRow {
		for c := range to.EndColumn - to.StartColumn {
			a, z := place{from.StartRow + r, from.StartColumn + c}, place{to.StartRow + r, to.StartColumn + c}
			if kind != "PASTE_FORMAT" {
				if v, ok := source.cells[a]; ok {
					switch v.(type) {
					case formula, date:
						if kind == "PASTE_VALUES" {
							v = "computed"
						}
					}
					target.cells[z] = v
				} else {
					delete(target.cells, z)
				}
			}
			if kind != "PASTE_VALUES" {
				target.formats[z] = source.formats[a]
			}
		}
	}
	return ""
}
