// Package clickhousetest is a stand-in for a ClickHouse server: its HTTP interface, on DuckDB.
package clickhousetest

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

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/source/warehousetest"
	"github.com/millrace/millrace/internal/value"
)

// Options are what a stand-in is like.
type Options struct {
	User, Password string
	Secure         bool     // it speaks HTTPS
	Setup          []string // DuckDB's statements that run first
	ReadOnly       bool     // the user may set nothing
	Zone           string   // the server's time zone, in which it writes instants unless asked for ISO 8601
	Tagged         bool     // exceptions in the middle of rows are marked, as newer servers do
	Deny           []string // tables that nobody may read
	FailAfter      int      // rows after which a statement fails; 0 means never
	DieAfter       int      // rows after which the connection ends; 0 means never
}

// Server is a server.
type Server struct {
	Engine *warehousetest.Engine

	options Options
	http    *httptest.Server

	mu      sync.Mutex
	running map[string]query
	seen    []url.Values
}

type query struct {
	text   string
	cancel context.CancelFunc
}

// New starts a server that ends with the test.
func New(t *testing.T, o Options) *Server {
	t.Helper()
	s := &Server{options: o, running: map[string]query{}}
	s.Engine = warehousetest.New(t, warehousetest.Options{Setup: append(setup, o.Setup...), Rewrite: s.rewrite})
	s.http = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	if o.Secure {
		s.http.StartTLS()
	} else {
		s.http.Start()
	}
	t.Cleanup(func() {
		s.http.CloseClientConnections()
		s.http.Close()
	})
	return s
}

// Address is the server's host and port.
func (s *Server) Address() (host string, port int) {
	return "127.0.0.1", s.http.Listener.Addr().(*net.TCPAddr).Port
}

// CA is the certificate of whoever signed the server's.
func (s *Server) CA() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.http.Certificate().Raw}))
}

// Running tells whether a statement with the tag runs.
func (s *Server) Running(tag string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.running {
		if strings.Contains(q.text, "/* "+tag+" */") {
			return true
		}
	}
	return false
}

// Parameters are those of the statements, the oldest first.
func (s *Server) Parameters() []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// setup makes what ClickHouse has.
var setup = []string{
	"CREATE MACRO toString(x) AS CAST(x AS VARCHAR)",
	"CREATE MACRO toDateTime64(x, p, z) AS CAST(x AS TIMESTAMPTZ)",
	"CREATE MACRO numbers(first, n) AS TABLE SELECT range AS number FROM range(first, first + n)",
	"CREATE SCHEMA sys",
	`CREATE VIEW sys.tables AS SELECT schema_name AS database, table_name AS name, 'MergeTree' AS engine, estimated_size AS total_rows FROM duckdb_tables() WHERE schema_name <> 'sys'
		UNION ALL SELECT schema_name, view_name, 'View', NULL FROM duckdb_views() WHERE schema_name <> 'sys' AND NOT internal`,
	`CREATE VIEW sys.columns AS SELECT schema_name AS database, table_name AS "table", column_name AS name, data_type AS type, coalesce(comment, '') AS comment, column_index AS position
		FROM duckdb_columns() WHERE schema_name <> 'sys' AND NOT internal`,
}

var (
	tokens  = regexp.MustCompile("(?s)--[^\n]*|/\\*.*?\\*/|'(?:[^'\\\\]|\\\\.|'')*'|`(?:[^`\\\\]|\\\\.)*`|\"[^\"]*\"|[\\pL_][\\pL\\pN_.]*|.")
	limited = regexp.MustCompile("(?s)^((?:/\\*.*?\\*/ )?SELECT \\* FROM \\()(.*)\n\\) AS `_millrace_model` LIMIT (\\d+)$")
	killing = regexp.MustCompile(`^KILL QUERY WHERE query_id = '([^']+)' ASYNC$`)
	place   = regexp.MustCompile(`(?s)\n\nLINE (\d+): ([^\n]*)\n( *)\^.*$`)
)

// rewrite turns ClickHouse's words into DuckDB's.
func (s *Server) rewrite(sql string) (string, error) {
	for _, table := range s.options.Deny {
		if strings.Contains(sql, table) {
			return "", exception(497, "%s: Not enough privileges. To execute this query, it's necessary to have the grant SELECT(id) ON shop.%s. (ACCESS_DENIED)", s.options.User, table)
		}
	}
	var b strings.Builder
	for _, t := range tokens.FindAllString(sql, -1) {
		switch {
		case t == ";":
			return "", exception(62, "Syntax error (Multi-statements are not allowed): failed at position %d (end of query) (line 1, col 1): ;. (SYNTAX_ERROR)", b.Len()+1)
		case t[0] == '`':
			t = `"` + strings.ReplaceAll(strings.NewReplacer("\\`", "`", `\\`, `\`).Replace(t[1:len(t)-1]), `"`, `""`) + `"`
		case strings.HasPrefix(t, "system."):
			t = "sys." + t[len("system."):]
		case t == `c.table`:
			t = `c."table"`
		case t == "String":
			t = "VARCHAR"
		}
		b.WriteString(t)
	}
	return b.String(), nil
}

// number is the value of digits.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		panic(err) // they were matched
	}
	return n
}

type failure struct {
	code int
	text string
}

func (f *failure) Error() string { return f.text }

func exception(code int, words string, args ...any) *failure {
	return &failure{code, fmt.Sprintf("Code: %d. DB::Exception: %s (version 24.8.1.1)", code, fmt.Sprintf(words, args...))}
}

// explained is DuckDB's error in ClickHouse's words.
func explained(err error, sql string) *failure {
	if f, ok := err.(*failure); ok { //nolint:errorlint // as rewrite returns it
		return f
	}
	text, line, column := err.Error(), 1, 1
	if m := place.FindStringSubmatch(text); m != nil {
		line = number(m[1])
		column = len(m[3]) - len("LINE : ") - len(m[1]) + 1
		text, _, _ = strings.Cut(text, "\n\nLINE ")
	}
	one := func(pattern string) string {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(text); m != nil {
			return m[1]
		}
		return ""
	}
	if near := one(`syntax error at or near "(.*?)"`); near != "" {
		position := column
		for range line - 1 {
			n := strings.IndexByte(sql, '\n') + 1
			position, sql = position+n, sql[n:]
		}
		return exception(62, "Syntax error: failed at position %d ('%s') (line %d, col %d): %s. Expected one of: end of query. (SYNTAX_ERROR)", position, near, line, column, near)
	}
	if name := one(`Table with name (\S+) does not exist`); name != "" {
		return exception(60, "Unknown table expression identifier '%s' in scope SELECT *. (UNKNOWN_TABLE)", name)
	}
	if name := one(`Referenced column "(.*?)" not found`); name != "" {
		return exception(47, "Unknown expression identifier `%s` in scope SELECT. (UNKNOWN_IDENTIFIER)", name)
	}
	return exception(6, "%s. (CANNOT_PARSE_TEXT)", text)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	p := r.URL.Query()
	s.mu.Lock()
	s.seen = append(s.seen, p)
	s.mu.Unlock()
	if f := s.refuse(r, p); f != nil {
		w.Header().Set("X-ClickHouse-Exception-Code", strconv.Itoa(f.code))
		http.Error(w, f.text, map[bool]int{true: http.StatusForbidden, false: http.StatusInternalServerError}[f.code == 516])
		return
	}
	sql := string(body)
	if m := killing.FindStringSubmatch(sql); m != nil {
		s.mu.Lock()
		q := s.running[m[1]]
		s.mu.Unlock()
		if q.cancel != nil {
			q.cancel()
		}
		return
	}
	s.run(w, r, p, sql)
}

func (s *Server) refuse(r *http.Request, p url.Values) *failure {
	switch {
	case s.options.Password != "" && (r.Header.Get("X-ClickHouse-User") != s.options.User || r.Header.Get("X-ClickHouse-Key") != s.options.Password):
		return exception(516, "%s: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)", r.Header.Get("X-ClickHouse-User"))
	case p.Get("database") != "" && p.Get("database") != "default":
		return exception(81, "Database %s does not exist. (UNKNOWN_DATABASE)", p.Get("database"))
	case s.options.ReadOnly && p.Get("readonly") != "":
		return exception(164, "Cannot modify 'readonly' setting in readonly mode. (READONLY)")
	case p.Get("no_such_setting") != "":
		return exception(115, "Setting no_such_setting is neither a builtin setting nor started with the prefix 'SQL_' registered for user-defined settings. (UNKNOWN_SETTING)")
	default:
		return nil
	}
}

func (s *Server) run(w http.ResponseWriter, r *http.Request, p url.Values, sql string) {
	ctx, cancel := context.WithCancel(r.Context())
	id := p.Get("query_id")
	s.mu.Lock()
	s.running[id] = query{sql, cancel}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.running, id)
		s.mu.Unlock()
		cancel()
	}()
	left := -1
	inner := sql
	if m := limited.FindStringSubmatch(sql); m != nil {
		left = number(m[3])
		inner = strings.Repeat(" ", len(m[1])) + m[2]
	}
	names, types, err := s.Engine.Columns(ctx, inner+"\n")
	var rows array.RecordReader
	if err == nil {
		rows, err = s.Engine.Query(ctx, inner)
	}
	if err != nil {
		if _, again := s.Engine.Query(ctx, inner); again != nil { // whose places have nothing before them
			err = again
		}
		f := explained(err, inner)
		if ctx.Err() != nil {
			f = exception(394, "Query was cancelled. (QUERY_WAS_CANCELLED)")
		}
		w.Header().Set("X-ClickHouse-Exception-Code", strconv.Itoa(f.code))
		http.Error(w, f.text, http.StatusInternalServerError)
		return
	}
	defer rows.Release()
	s.write(ctx, w, p, rows, names, types, left)
}

func (s *Server) write(ctx context.Context, w http.ResponseWriter, p url.Values, rows array.RecordReader, names, types []string, left int) {
	w.Header().Set("X-ClickHouse-Format", p.Get("default_format"))
	w.Header().Set("X-ClickHouse-Timezone", s.zone())
	natives := make([]string, len(types))
	for i := range types {
		natives[i] = typeName(types[i], true)
	}
	for _, all := range [][]string{names, natives} {
		if err := json.NewEncoder(w).Encode(all); err != nil {
			return // the client is gone
		}
	}
	sent := 0
	for left != 0 && rows.Next() {
		b := rows.RecordBatch()
		readers := make([]value.Reader, b.NumCols())
		for i, f := range b.Schema().Fields() {
			read, err := value.NewReader(f, b.Column(i))
			if err != nil {
				panic(err) // a mistake of the test
			}
			readers[i] = read
		}
		for row := range int(b.NumRows()) {
			if left == 0 {
				break
			}
			left--
			line := []byte("[")
			for i, read := range readers {
				if i > 0 {
					line = append(line, ',')
				}
				v := read(row)
				if names[i] == "type" && len(names) == 7 {
					v = value.OfText(typeName(v.String(), true))
				}
				line = s.cell(line, v, types[i], p.Get("date_time_output_format") == "iso")
			}
			line = append(line, "]\n"...)
			if sent++; sent == s.options.FailAfter || sent == s.options.DieAfter {
				fmt.Fprint(w, string(line[:len(line)/2]))
				s.fail(w, sent == s.options.DieAfter)
				return
			}
			if _, err := w.Write(line); err != nil {
				return // the client is gone
			}
		}
		w.(http.Flusher).Flush()
	}
	if ctx.Err() != nil {
		fmt.Fprint(w, exception(394, "Query was cancelled. (QUERY_WAS_CANCELLED)").text)
	} else if err := rows.Err(); err != nil {
		fmt.Fprint(w, explained(err, "").text)
	}
}

// fail ends rows in the middle of one.
func (s *Server) fail(w http.ResponseWriter, dies bool) {
	if dies {
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	text := exception(159, "Timeout exceeded: elapsed 1.0 seconds, maximum: 1. (TIMEOUT_EXCEEDED)").text
	if !s.options.Tagged {
		fmt.Fprint(w, text+"\n")
		return
	}
	fmt.Fprintf(w, "\r\n__exception__\r\ndtgxqvkkklmtbhpq\r\n%s\r\n%d dtgxqvkkklmtbhpq\r\n__exception__\r\n", text, len(text))
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func (s *Server) zone() string {
	if s.options.Zone == "" {
		return "UTC"
	}
	return s.options.Zone
}
