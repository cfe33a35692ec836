// Package trinotest is a stand-in for a Trino or Presto coordinator: its client protocol, on DuckDB.
package trinotest

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/source/trino/trinotype"
	"github.com/millrace/millrace/internal/source/warehousetest"
	"github.com/millrace/millrace/internal/value"
)

// Catalog is the catalogue that the stand-in has.
const Catalog = "lake"

// Options are what a stand-in is like.
type Options struct {
	Presto   bool     // it wants the headers of Presto
	User     string   // who may come in; empty means everybody
	Password string   // empty means that nobody is asked for one
	Plain    bool     // it speaks HTTP instead of HTTPS
	Setup    []string // DuckDB's statements that run first

	// Deny names tables that nobody may read.
	Deny []string
	// Break answers a request itself where it returns true.
	Break func(w http.ResponseWriter, r *http.Request) bool
}

// Server is a coordinator.
type Server struct {
	Engine *warehousetest.Engine

	options Options
	http    *httptest.Server
	prefix  string

	mu      sync.Mutex
	queries map[string]*running
	last    int
	seen    []http.Header // of every statement
}

// New starts a server that ends with the test.
func New(t *testing.T, o Options) *Server {
	t.Helper()
	s := &Server{options: o, queries: map[string]*running{}, prefix: "X-Trino-"}
	if o.Presto {
		s.prefix = "X-Presto-"
	}
	s.Engine = warehousetest.New(t, warehousetest.Options{Setup: append(Setup(Catalog), o.Setup...), Rewrite: s.rewrite})
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/statement", s.post)
	mux.HandleFunc("GET /v1/statement/{id}/{token}", s.get)
	mux.HandleFunc("DELETE /v1/statement/{id}/{token}", s.cancel)
	s.http = httptest.NewUnstartedServer(s.guard(mux))
	s.http.Config.ErrorLog = nil
	if o.Plain {
		s.http.Start()
	} else {
		s.http.StartTLS()
	}
	t.Cleanup(func() {
		s.mu.Lock()
		for _, q := range s.queries {
			q.cancel()
		}
		s.mu.Unlock()
		s.http.CloseClientConnections()
		s.http.Close()
	})
	return s
}

// Address is the server's host and port.
func (s *Server) Address() (host string, port int) {
	a := s.http.Listener.Addr().(*net.TCPAddr)
	return "127.0.0.1", a.Port
}

// CA is the certificate of whoever signed the server's.
func (s *Server) CA() string {
	c := s.http.Certificate()
	if c == nil {
		return ""
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// Running tells whether a statement with the tag runs.
func (s *Server) Running(tag string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.queries {
		if slices.Contains(q.tags, tag) {
			return true
		}
	}
	return false
}

// Statements are the headers of the statements, the oldest first.
func (s *Server) Statements() []http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// Kill ends every statement as an administrator does.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.queries {
		q.kill(&Error{Name: "ADMINISTRATIVELY_KILLED", Message: "Query killed via API"})
	}
}

func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.options.Break != nil && s.options.Break(w, r) {
			return
		}
		user, password, _ := r.BasicAuth()
		if s.options.Password != "" && (user != s.options.User || password != s.options.Password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="Trino"`)
			http.Error(w, "Authentication failed: Access Denied: Invalid credentials", http.StatusUnauthorized)
			return
		}
		if r.Header.Get(s.prefix+"User") == "" {
			http.Error(w, "User must be set", http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) rewrite(sql string) (string, error) {
	for _, table := range s.options.Deny {
		if strings.Contains(sql, table) {
			return "", failure("PERMISSION_DENIED", 0, 0, "Access Denied: Cannot select from table %s.%s", Catalog, table)
		}
	}
	if m := showSchemas.FindStringSubmatch(sql); m != nil {
		if m[1] != Catalog {
			return "", failure("CATALOG_NOT_FOUND", 1, 1, "Catalog '%s' not found", m[1])
		}
		return `SELECT DISTINCT schema_name AS "Schema" FROM duckdb_schemas() WHERE NOT internal`, nil
	}
	return Rewriter{Catalog: Catalog}.Rewrite(sql)
}

var (
	showSchemas    = regexp.MustCompile(`^SHOW SCHEMAS FROM "(.*)"\s*$`)
	prepareWords   = regexp.MustCompile(`(?s)^PREPARE (\w+) FROM (.*)$`)
	describeOutput = regexp.MustCompile(`^DESCRIBE OUTPUT (\w+)$`)
	limited        = regexp.MustCompile(`(?s)^(SELECT \* FROM \()(.*)\n\) AS "_millrace_model" LIMIT (\d+)$`)
	oneTable       = regexp.MustCompile(`FROM "([^"]+)"\."([^"]+)"`)
)

// running is a statement.
type running struct {
	server  *Server
	id      string
	tags    []string
	ctx     context.Context
	cancel  context.CancelFunc
	started chan struct{} // closed when it is known what the statement yields

	mu      sync.Mutex
	err     *Error
	columns []column
	rows    array.RecordReader
	whole   [][]json.RawMessage // instead of rows
	left    int64               // rows that may still come
	updated *int64
}

type column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

func (q *running) kill(err *Error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.err = err
}

func (s *Server) post(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.last++
	s.seen = append(s.seen, r.Header.Clone())
	q := &running{server: s, id: fmt.Sprint("20240229_", s.last), tags: strings.Split(r.Header.Get(s.prefix+"Client-Tags"), ","), started: make(chan struct{}), left: -1}
	q.ctx, q.cancel = context.WithCancel(context.Background())
	s.queries[q.id] = q
	s.mu.Unlock()
	sql := string(body)
	if m := prepareWords.FindStringSubmatch(sql); m != nil {
		if _, _, err := s.describe(q.ctx, m[2]); err != nil {
			q.err = shifted(err, len("PREPARE  FROM ")+len(m[1]))
		}
		w.Header().Set(s.prefix+"Added-Prepare", m[1]+"="+url.QueryEscape(m[2]))
		close(q.started)
	} else if m := describeOutput.FindStringSubmatch(sql); m != nil {
		_, prepared, _ := strings.Cut(r.Header.Get(s.prefix+"Prepared-Statement"), "=")
		if text, err := url.QueryUnescape(prepared); err == nil {
			q.output(text)
		}
		close(q.started)
	} else {
		go q.run(sql)
	}
	q.answer(w, r, 1)
}

// describe returns the columns of a statement.
func (s *Server) describe(ctx context.Context, sql string) (names, types []string, err error) {
	if m := limited.FindStringSubmatch(sql); m != nil {
		sql = strings.Repeat(" ", len(m[1])) + m[2]
	}
	names, types, err = s.Engine.Columns(ctx, sql+"\n")
	for i := range types {
		types[i] = TypeName(types[i])
	}
	return names, types, err
}

// shifted is an error whose place is behind words that stand before the statement on its first line. DuckDB's own words
// before a statement that it describes are longer.
func shifted(err error, by int) *Error {
	e := explained(err)
	const own = len("SELECT column_name, column_type FROM (DESCRIBE (")
	if e.Line == 1 {
		_, words, _ := strings.Cut(e.Message, ": ")
		return failure(e.Name, 1, max(1, e.Column-own)+by, "%s", words)
	}
	return e
}

func explained(err error) *Error {
	if e, ok := err.(*Error); ok { //nolint:errorlint // the rewriter's, as it is
		return e
	}
	return FromDuckDB(err)
}

func (q *running) output(sql string) {
	names, types, err := q.server.describe(q.ctx, sql)
	if err != nil {
		q.err = explained(err)
		return
	}
	for _, name := range []string{"Column Name", "Catalog", "Schema", "Table", "Type"} {
		q.columns = append(q.columns, column{name, "varchar"})
	}
	q.columns = append(q.columns, column{"Type Size", "bigint"}, column{"Aliased", "boolean"})
	var table [3]string
	if all := oneTable.FindAllStringSubmatch(sql, -1); len(all) == 1 {
		table = [3]string{Catalog, all[0][1], all[0][2]}
	}
	text := func(s string) json.RawMessage { return value.AppendJSONString(nil, s) }
	for i := range names {
		q.whole = append(q.whole, []json.RawMessage{text(names[i]), text(table[0]), text(table[1]), text(table[2]), text(types[i]), []byte("0"), []byte("false")})
	}
}

// run executes a statement.
func (q *running) run(sql string) {
	defer close(q.started)
	err := q.execute(sql)
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil && q.err == nil {
		q.err = explained(err)
	}
}

func (q *running) execute(sql string) error {
	first := strings.ToUpper(split(strings.TrimSpace(sql))[0])
	switch first {
	case "CREATE", "DROP", "INSERT", "DELETE", "UPDATE", "ALTER":
		n, err := q.server.Engine.Execute(q.ctx, sql)
		q.columns, q.updated = []column{{"rows", "bigint"}}, &n
		q.whole = [][]json.RawMessage{{[]byte(strconv.FormatInt(n, 10))}}
		return err
	}
	if m := limited.FindStringSubmatch(sql); m != nil {
		q.left = int64(number(m[3]))
		sql = strings.Repeat(" ", len(m[1])) + m[2]
	}
	names, types, err := q.server.describe(q.ctx, sql)
	if err != nil {
		return shifted(err, 0)
	}
	rows, err := q.server.Engine.Query(q.ctx, sql)
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rows = rows
	for i := range names {
		q.columns = append(q.columns, column{names[i], types[i]})
	}
	return nil
}

// patience is how long a request waits for news of a statement.
const patience = 100 * time.Millisecond

func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	q := s.queries[r.PathValue("id")]
	s.mu.Unlock()
	token, err := strconv.Atoi(r.PathValue("token"))
	if q == nil || err != nil {
		http.Error(w, "Query not found", http.StatusNotFound)
		return
	}
	q.answer(w, r, token+1)
}

func (s *Server) cancel(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	q := s.queries[r.PathValue("id")]
	delete(s.queries, r.PathValue("id"))
	s.mu.Unlock()
	if q != nil {
		q.cancel()
	}
	w.WriteHeader(http.StatusNoContent)
}

func (q *running) done() {
	q.server.mu.Lock()
	delete(q.server.queries, q.id)
	q.server.mu.Unlock()
	q.cancel()
}

// answer writes a page.
func (q *running) answer(w http.ResponseWriter, r *http.Request, token int) {
	page := map[string]any{"id": q.id, "stats": map[string]any{"state": "RUNNING"}}
	more := fmt.Sprintf("http://elsewhere.invalid/v1/statement/%s/%d", q.id, token)
	select {
	case <-q.started:
		if token == 1 { // the first answer has no rows yet
			page["nextUri"] = more
			break
		}
		if q.fill(page) {
			page["nextUri"] = more
		} else {
			defer q.done()
		}
	case <-time.After(patience):
		page["nextUri"] = more
	case <-r.Context().Done():
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(page); err != nil {
		return // the client is gone
	}
}

// fill adds what the statement yields, and reports whether there is more.
func (q *running) fill(page map[string]any) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		page["error"] = errorOf(q.err, q.server.options.Presto)
		return false
	}
	page["columns"] = q.columns
	if q.updated != nil {
		page["updateCount"], page["updateType"] = *q.updated, "INSERT"
	}
	if q.rows == nil {
		page["data"] = q.whole
		return false
	}
	if q.left == 0 || !q.rows.Next() {
		defer q.rows.Release()
		if err := q.rows.Err(); err != nil && q.left != 0 {
			page["error"] = errorOf(explained(err), q.server.options.Presto)
		}
		return false
	}
	data, err := q.data(q.rows.RecordBatch())
	if err != nil {
		page["error"] = errorOf(&Error{Name: "GENERIC_INTERNAL_ERROR", Message: err.Error()}, false)
		return false
	}
	page["data"] = data
	return true
}

func (q *running) data(b arrow.RecordBatch) ([][]json.RawMessage, error) {
	n := int(b.NumRows())
	if q.left >= 0 {
		n = min(n, int(q.left))
		q.left -= int64(n)
	}
	data := make([][]json.RawMessage, n)
	for i, f := range b.Schema().Fields() {
		read, err := Cells(f, b.Column(i), trinotype.Parse(q.columns[i].Type))
		if err != nil {
			return nil, err
		}
		if f.Name == "type_name" {
			read = typeNames(read)
		}
		for row := range n {
			data[row] = append(data[row], read(row))
		}
	}
	return data, nil
}

// typeNames turns the names of DuckDB's types into Trino's.
func typeNames(read func(int) json.RawMessage) func(int) json.RawMessage {
	return func(row int) json.RawMessage {
		var duck string
		if err := json.Unmarshal(read(row), &duck); err != nil {
			return read(row)
		}
		return value.AppendJSONString(nil, TypeName(duck))
	}
}

func errorOf(e *Error, presto bool) map[string]any {
	m := map[string]any{"message": e.Message, "errorName": e.Name, "errorType": "USER_ERROR", "errorCode": 1}
	if e.Line > 0 && !presto {
		m["errorLocation"] = map[string]any{"lineNumber": e.Line, "columnNumber": e.Column}
	}
	return m
}
