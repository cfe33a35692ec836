// Package snowflaketest is a stand-in of Snowflake: its wire protocol, as the driver speaks it, with statements
// executed by DuckDB.
//
// It knows logins by key pair and password, sessions that expire and are forgotten, statements that take longer than a
// request (answers are then asked for again), aborting, results in Arrow with a first part in the answer and further
// ones in files, the user's stage with PUT and COPY, transactions that DDL ends, and INFORMATION_SCHEMA. It differs from
// Snowflake in one thing that tests depend on: a name that nobody quoted keeps its small letters.
package snowflaketest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/internal/source/warehousetest"
)

// The names that the stand-in has.
const (
	Account   = "myorg-standin"
	Database  = "ANALYTICS"
	Batch     = "BATCH_WH"
	People    = "PEOPLE_WH"
	Role      = "MILLRACE_ROLE"
	Volume    = "MILLRACE_VOLUME"
	chunkHint = 8 << 20 // bytes of a file of a result
)

// User may log in.
type User struct {
	Password string
	Key      *rsa.PublicKey
	Refused  string // an address that a network policy refuses
}

// Options say what the stand-in has.
type Options struct {
	Users map[string]User // by login name, in capitals
	Setup []string        // DuckDB's statements that run first
	Late  bool            // says of every statement first that it runs, as Snowflake does of those that take long
}

// Statement is what the stand-in was asked to do.
type Statement struct {
	SQL, Tag, Warehouse, Role string
	Describe                  bool
}

// Server is a running stand-in.
type Server struct {
	Engine *warehousetest.Engine

	http    *httptest.Server
	users   map[string]User
	late    bool
	dir     string
	answers map[string]Answer

	mu         sync.Mutex
	sessions   map[string]*session // by token
	renewable  map[string]*session // by master token
	statements []Statement
	running    map[string]*execution // by request
	finished   map[string]*execution // by query
	aborted    int
	logins     []map[string]any
	cut        func([]byte) []byte
}

// New starts a stand-in that ends with the test.
func New(t *testing.T, o Options) *Server {
	t.Helper()
	s := &Server{
		Engine: warehousetest.New(t, warehousetest.Options{Setup: append(setup(), o.Setup...), Rewrite: rewrite}),
		users:  o.Users, late: o.Late, dir: t.TempDir(), answers: map[string]Answer{}, sessions: map[string]*session{}, renewable: map[string]*session{},
		running: map[string]*execution{}, finished: map[string]*execution{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /session/v1/login-request", s.login)
	mux.HandleFunc("POST /session/token-request", s.renew)
	mux.HandleFunc("POST /session", s.logout)
	mux.HandleFunc("POST /queries/v1/query-request", s.query)
	mux.HandleFunc("POST /queries/v1/abort-request", s.abort)
	mux.HandleFunc("GET /queries/{query}/result", s.result)
	mux.HandleFunc("GET /results/{query}/{part}", s.part)
	s.http = httptest.NewUnstartedServer(mux)
	s.http.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.http.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	s.http.StartTLS()
	t.Cleanup(func() {
		s.http.CloseClientConnections()
		s.stop()
		s.http.Close()
	})
	return s
}

// stop ends everything that runs.
func (s *Server) stop() {
	s.mu.Lock()
	running := make([]*execution, 0, len(s.running))
	for _, x := range s.running {
		running = append(running, x)
	}
	sessions := s.sessions
	s.sessions = map[string]*session{}
	s.mu.Unlock()
	for _, x := range running {
		x.cancel()
		<-x.done
	}
	for _, x := range sessions {
		x.close()
	}
}

// Host and Port are where the stand-in listens.
func (s *Server) Host() string {
	host, _, _ := net.SplitHostPort(s.http.Listener.Addr().String()) //nolint:errcheck // it listens there
	return host
}

// Port is the stand-in's port.
func (s *Server) Port() int { return s.http.Listener.Addr().(*net.TCPAddr).Port }

// CA is the certificate that the stand-in's is signed with, in PEM.
func (s *Server) CA() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.http.Certificate().Raw}))
}

// Statements returns what was asked of the stand-in, the oldest first.
func (s *Server) Statements() []Statement {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Statement(nil), s.statements...)
}

// Running tells whether a statement with the tag runs.
func (s *Server) Running(tag string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.running {
		if x.tag == tag {
			return true
		}
	}
	return false
}

// Aborted is how many statements were aborted.
func (s *Server) Aborted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.aborted
}

// Logins are the session parameters that sessions were opened with.
func (s *Server) Logins() []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]map[string]any(nil), s.logins...)
}

// Sessions is how many sessions are open.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// Expire lets the tokens of all sessions expire; they can be renewed.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.sessions {
		x.expired = true
	}
}

// Forget ends all sessions: their clients must log in again.
func (s *Server) Forget() {
	s.mu.Lock()
	all := s.sessions
	s.sessions, s.renewable = map[string]*session{}, map[string]*session{}
	for _, x := range all {
		s.abandon(x)
	}
	s.mu.Unlock()
	for _, x := range all {
		x.close()
	}
}

// Cut changes every further file of results on its way.
func (s *Server) Cut(f func([]byte) []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = f
}

// Answer gives a statement a fixed answer, for what DuckDB has no types for.
func (s *Server) Answer(sql string, a Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[sql] = a
}

func newToken() string { return strings.ToLower(rand.Text()) }

// session is one login.
type session struct {
	token, master   string
	warehouse, role string
	tag             string
	expired         bool

	mu     sync.Mutex // one statement at a time
	duck   *warehousetest.Session
	opened bool // a transaction
}

func (x *session) close() {
	x.mu.Lock()
	defer x.mu.Unlock()
	_ = x.duck.Close() //nolint:errcheck // in memory
}

// failure is an error as Snowflake tells it.
type failure struct {
	code, state, message string
}

func (f *failure) Error() string { return f.message }

func answer(w http.ResponseWriter, data any) {
	write(w, map[string]any{"success": true, "code": nil, "message": nil, "data": data})
}

func refuse(w http.ResponseWriter, f *failure) {
	write(w, map[string]any{"success": false, "code": f.code, "message": f.message, "data": map[string]any{"sqlState": f.state}})
}

func write(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) //nolint:errcheck // the client may be gone
}

// sessionOf finds the session of a request; it answers where there is none.
func (s *Server) sessionOf(w http.ResponseWriter, r *http.Request) *session {
	token := strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Authorization"), `Snowflake Token="`), `"`)
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.sessions[token]
	switch {
	case x == nil:
		refuse(w, &failure{"390111", "08001", "Session no longer exists.  New login required to access the service."})
		return nil
	case x.expired:
		refuse(w, &failure{"390112", "08001", "Your session has expired. Please login again."})
		return nil
	default:
		return x
	}
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("delete") != "true" {
		http.NotFound(w, r)
		return
	}
	x := s.sessionOf(w, r)
	if x == nil {
		return
	}
	s.mu.Lock()
	delete(s.sessions, x.token)
	delete(s.renewable, x.master)
	s.abandon(x)
	s.mu.Unlock()
	x.close()
	answer(w, nil)
}

// abandon ends what runs in a session that ends; the lock is held.
func (s *Server) abandon(x *session) {
	for _, e := range s.running {
		if e.session == x {
			e.cancel()
		}
	}
}

func (s *Server) renew(w http.ResponseWriter, r *http.Request) {
	master := strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Authorization"), `Snowflake Token="`), `"`)
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.renewable[master]
	if x == nil {
		refuse(w, &failure{"390114", "08001", "Authentication token has expired.  The user must authenticate again."})
		return
	}
	delete(s.sessions, x.token)
	x.token, x.expired = newToken(), false
	s.sessions[x.token] = x
	answer(w, map[string]any{"sessionToken": x.token, "masterToken": x.master, "validityInSecondsST": 3600, "validityInSecondsMT": 14400, "sessionId": 1})
}

func (s *Server) abort(w http.ResponseWriter, r *http.Request) {
	if s.sessionOf(w, r) == nil {
		return
	}
	var body struct {
		RequestID string `json:"requestId"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	x := s.running[body.RequestID]
	if x != nil {
		s.aborted++
	}
	s.mu.Unlock()
	if x == nil {
		refuse(w, &failure{"000605", "57014", "Identified SQL statement is not currently executing."})
		return
	}
	x.cancel()
	answer(w, nil)
}

// part serves a file of a result.
func (s *Server) part(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.PathValue("part"))
	s.mu.Lock()
	x, cut := s.finished[r.PathValue("query")], s.cut
	s.mu.Unlock()
	if err != nil || x == nil || n >= len(x.parts) {
		http.NotFound(w, r)
		return
	}
	if cut == nil {
		http.ServeFile(w, r, x.parts[n].path)
		return
	}
	x.parts[n].serveCut(w, cut)
}

func newContext() (context.Context, context.CancelFunc) {
	return context.WithCancel(context.Background())
}
