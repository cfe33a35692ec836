// Package databrickstest is a stand-in of a Databricks workspace: its sign-in, its Statement Execution API and its
// Files API, over TLS. DuckDB executes the statements. It refuses what it does not know.
package databrickstest

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/internal/source/warehousetest"
)

// What the stand-in accepts.
const (
	Token     = "dapi-stand-in-token"
	ClientID  = "63fc7e90-a8a2-4639-afd8-36ef6bb67cfa"
	Secret    = "dose-stand-in-secret"
	Warehouse = "abcdef0123456789"
	Second    = "9876543210fedcba"
	Catalog   = "main"
	Volume    = "main.millrace_planner.loads"
)

// Options adapt a stand-in.
type Options struct {
	Setup     []string // DuckDB's statements that run first
	Native    bool     // lists, maps and structures travel as such, not as JSON
	ChunkRows int64    // rows of a part of a result; 0 means 50,000
}

// Server is a workspace.
type Server struct {
	*warehousetest.Engine

	http    *httptest.Server
	options Options
	dir     string
	ctx     context.Context // the server's own life

	mu         sync.Mutex
	numbers    int
	tokens     map[string]bool // that OAuth gave out, until they are revoked
	sessions   map[string]Session
	statements map[string]*statement
	asked      []Asked
	intercept  func(http.ResponseWriter, *http.Request) bool
	refused    string
	running    sync.WaitGroup
}

// Session is what a session was opened with.
type Session struct {
	Warehouse string            `json:"warehouse_id"`
	Catalog   string            `json:"catalog"`
	Schema    string            `json:"schema"`
	Confs     map[string]string `json:"session_confs"`
}

// Asked is a statement that was submitted.
type Asked struct {
	Warehouse string
	SQL       string
	Tag       string
	RowLimit  int64
	Session   Session
}

// New returns a workspace that ends with the test.
func New(t *testing.T, o Options) *Server {
	t.Helper()
	s := &Server{
		options: o, dir: t.TempDir(), ctx: t.Context(),
		tokens: map[string]bool{}, sessions: map[string]Session{}, statements: map[string]*statement{},
	}
	s.Engine = warehousetest.New(t, warehousetest.Options{
		Setup:   append(append([]string(nil), setup...), o.Setup...),
		Rewrite: func(sql string) (string, error) { return rewrite(sql, s.dir) },
	})
	s.http = httptest.NewTLSServer(http.HandlerFunc(s.serve))
	t.Cleanup(func() {
		s.http.CloseClientConnections()
		s.http.Close()
		s.stopAll()
		s.running.Wait()
	})
	return s
}

// Settings connect to the workspace with OAuth.
func (s *Server) Settings() map[string]any {
	host, port, _ := net.SplitHostPort(s.http.Listener.Addr().String()) //nolint:errcheck // a listener's own address
	n, _ := strconv.Atoi(port)                                          //nolint:errcheck // digits
	return map[string]any{
		"host": host, "port": n, "httpPath": "/sql/1.0/warehouses/" + Warehouse, "catalog": Catalog, "schema": "shop",
		"authentication": "oauth", "clientId": ClientID, "clientSecret": Secret,
		"caCertificate": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.http.Certificate().Raw})),
	}
}

// Intercept lets f answer requests first; it reports whether it has.
func (s *Server) Intercept(f func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.intercept = f
}

// Revoke ends every token that OAuth gave out.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// Asked returns the statements that were submitted.
func (s *Server) Asked() []Asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Asked(nil), s.asked...)
}

// Sessions returns how many sessions are open.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// Running reports whether a statement with the tag runs.
func (s *Server) Running(tag string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.statements {
		if st.tag == tag && !st.finished {
			return true
		}
	}
	return false
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	intercept := s.intercept
	s.mu.Unlock()
	if intercept != nil && intercept(w, r) {
		return
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case r.URL.Path == "/oidc/v1/token" && r.Method == http.MethodPost:
		s.signIn(w, r)
	case parts[0] == "storage" && len(parts) == 3 && r.Method == http.MethodGet:
		s.storage(w, r, parts[1], parts[2])
	case !s.known(r):
		refuse(w, http.StatusForbidden, "403", "Invalid access token.")
	case strings.HasPrefix(r.URL.Path, "/api/2.0/fs/"):
		s.file(w, r, strings.TrimPrefix(r.URL.Path, "/api/2.0/fs/"))
	case strings.HasPrefix(r.URL.Path, "/api/2.0/sql/"):
		s.sql(w, r, parts[3:])
	default:
		refuse(w, http.StatusNotFound, "ENDPOINT_NOT_FOUND", "No API found for '"+r.Method+" "+r.URL.Path+"'")
	}
}

func (s *Server) sql(w http.ResponseWriter, r *http.Request, parts []string) {
	switch at := r.Method + " " + parts[0]; {
	case at == "POST sessions" && len(parts) == 1:
		s.openSession(w, r)
	case at == "DELETE sessions" && len(parts) == 2:
		s.closeSession(w, r, parts[1])
	case at == "POST statements" && len(parts) == 1:
		s.submit(w, r)
	case at == "GET statements" && len(parts) == 2:
		s.state(w, parts[1])
	case at == "POST statements" && len(parts) == 3 && parts[2] == "cancel":
		s.cancel(w, parts[1])
	case at == "GET statements" && len(parts) == 5 && parts[2] == "result" && parts[3] == "chunks":
		s.chunk(w, parts[1], parts[4])
	default:
		refuse(w, http.StatusNotFound, "ENDPOINT_NOT_FOUND", "No API found for '"+r.Method+" "+r.URL.Path+"'")
	}
}

// known reports whether the request shows a token that holds.
func (s *Server) known(r *http.Request) bool {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	defer s.mu.Unlock()
	return token == Token || s.tokens[token]
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	if !ok || id != ClientID || secret != Secret {
		write(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client", "error_description": "Client authentication failed"})
		return
	}
	if r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "all-apis" {
		write(w, http.StatusBadRequest, map[string]any{"error": "invalid_request", "error_description": "grant_type or scope"})
		return
	}
	token := "oauth-" + s.number()
	s.mu.Lock()
	s.tokens[token] = true
	s.mu.Unlock()
	write(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3600})
}

// number returns a name that nothing else has.
func (s *Server) number() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.numbers++
	return fmt.Sprintf("01ef-%06d", s.numbers)
}

func (s *Server) openSession(w http.ResponseWriter, r *http.Request) {
	var x Session
	if err := json.NewDecoder(r.Body).Decode(&x); err != nil {
		refuse(w, http.StatusBadRequest, "MALFORMED_REQUEST", err.Error())
		return
	}
	switch {
	case x.Warehouse != Warehouse && x.Warehouse != Second:
		refuse(w, http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST", "SQL warehouse "+x.Warehouse+" does not exist.")
		return
	case x.Catalog != "" && x.Catalog != Catalog:
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", "[NO_SUCH_CATALOG_EXCEPTION] Catalog '"+x.Catalog+"' was not found. SQLSTATE: 42704")
		return
	}
	id := s.number()
	s.mu.Lock()
	s.sessions[id] = x
	s.mu.Unlock()
	write(w, http.StatusOK, map[string]any{"session_id": id})
}

func (s *Server) closeSession(w http.ResponseWriter, r *http.Request, id string) {
	s.mu.Lock()
	x, open := s.sessions[id]
	delete(s.sessions, id)
	s.mu.Unlock()
	if !open || r.URL.Query().Get("warehouse_id") != x.Warehouse {
		refuse(w, http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST", "Session "+id+" does not exist.")
		return
	}
	s.forget(id)
	write(w, http.StatusOK, map[string]any{})
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	write(w, status, map[string]any{"error_code": code, "message": message})
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) //nolint:errcheck // whoever asked has gone
}

// Tear answers with the first bytes of what would be the answer, and ends the connection.
func (s *Server) Tear(w http.ResponseWriter, r *http.Request, bytes int) {
	whole := httptest.NewRecorder()
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	s.storage(whole, r, parts[1], parts[2])
	body := whole.Body.Bytes()
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body[:min(bytes, len(body)-1)]) //nolint:errcheck // it ends anyway
	panic(http.ErrAbortHandler)
}

// Alter changes the answers about results, once: what a workspace would say that errs.
func (s *Server) Alter(from, to string) {
	s.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		id := strings.TrimPrefix(r.URL.Path, "/api/2.0/sql/statements/")
		if st := s.find(id); r.Method != http.MethodGet || st == nil || st.inline {
			return false
		}
		whole := httptest.NewRecorder()
		s.state(whole, id)
		_, _ = w.Write([]byte(strings.Replace(whole.Body.String(), from, to, 1))) //nolint:errcheck // whoever asked has gone
		return true
	})
}

// Refuse lets every change fail whose statement contains the text; empty is none.
func (s *Server) Refuse(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = text
}

// Wait waits until no statement runs.
func (s *Server) Wait() { s.running.Wait() }

// Files lists the files of volumes.
func (s *Server) Files() []string {
	var all []string
	_ = filepath.WalkDir(filepath.Join(s.dir, "Volumes"), func(path string, _ fs.DirEntry, err error) error { //nolint:errcheck // there may be none
		if err == nil && strings.Contains(path, "/loads/") {
			all = append(all, path)
		}
		return nil
	})
	return all
}
