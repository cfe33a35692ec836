package snowflaketest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// execution is a statement that runs, and then its answer.
type execution struct {
	id, request, tag string
	session          *session
	cancel           context.CancelFunc
	done             chan struct{}

	data    map[string]any // the answer, once done is closed
	failure *failure
	parts   []*file
}

// patience is how long a request waits for its statement before the client is told to ask again; Snowflake waits longer.
const patience = 50 * time.Millisecond

type queryRequest struct {
	SQL        string         `json:"sqlText"`
	Describe   bool           `json:"describeOnly"`
	Parameters map[string]any `json:"parameters"`
}

func (s *Server) query(w http.ResponseWriter, r *http.Request) {
	x := s.sessionOf(w, r)
	if x == nil {
		return
	}
	var body queryRequest
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	e := s.start(x, body, r.URL.Query().Get("requestId"))
	if e == nil {
		s.sessionOf(w, r) // which is gone by now, and says so
		return
	}
	s.reply(w, r, e)
}

// start runs a statement by itself; a request that is sent again finds the one that runs.
func (s *Server) start(x *session, body queryRequest, request string) *execution {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.running[request]; e != nil {
		return e
	}
	if s.sessions[x.token] != x {
		return nil
	}
	ctx, cancel := newContext()
	e := &execution{id: newToken(), session: x, request: request, tag: x.tag, cancel: cancel, done: make(chan struct{})}
	if tag, ok := body.Parameters["QUERY_TAG"].(string); ok {
		e.tag = tag
	}
	s.running[request] = e
	s.statements = append(s.statements, Statement{body.SQL, e.tag, x.warehouse, x.role, body.Describe})
	go s.run(ctx, x, e, body)
	return e
}

func (s *Server) run(ctx context.Context, x *session, e *execution, body queryRequest) {
	defer close(e.done)
	defer e.cancel()
	x.mu.Lock()
	defer x.mu.Unlock()
	err := s.dispatch(ctx, x, e, body)
	if ctx.Err() != nil {
		err = &failure{"000604", "57014", "SQL execution canceled"}
	}
	if err != nil {
		e.failure = failureOf(err, body.SQL)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, e.request)
	s.finished[e.id] = e
}

// reply answers when the statement is done, or says that it runs.
func (s *Server) reply(w http.ResponseWriter, r *http.Request, e *execution) {
	soon := time.NewTimer(patience)
	defer soon.Stop()
	done := e.done
	if s.late && r.Method == http.MethodPost {
		done = nil
		soon.Reset(0)
	}
	select {
	case <-done:
		if e.failure != nil {
			refuse(w, e.failure)
		} else {
			answer(w, e.data)
		}
	case <-soon.C:
		write(w, map[string]any{
			"success": true, "code": "333333", "message": "Query execution in progress.",
			"data": map[string]any{"getResultUrl": "/queries/" + e.id + "/result", "queryId": e.id},
		})
	case <-r.Context().Done():
	}
}

// result answers who asks again.
func (s *Server) result(w http.ResponseWriter, r *http.Request) {
	if s.sessionOf(w, r) == nil {
		return
	}
	id := r.PathValue("query")
	s.mu.Lock()
	e := s.finished[id]
	for _, x := range s.running {
		if x.id == id {
			e = x
		}
	}
	s.mu.Unlock()
	if e == nil {
		http.NotFound(w, r)
		return
	}
	s.reply(w, r, e)
}

// The kinds of statements, as Snowflake numbers them.
const (
	typeSelect = 0x1000
	typeInsert = 0x3100
	typeUpdate = 0x3200
	typeDelete = 0x3300
	typeMerge  = 0x3400
	typeDDL    = 0x6000
)

func (s *Server) dispatch(ctx context.Context, x *session, e *execution, body queryRequest) error {
	s.mu.Lock()
	fixed, is := s.answers[body.SQL]
	s.mu.Unlock()
	if is {
		return s.fixed(e, fixed, body.Describe)
	}
	if n := countStatements(body.SQL); n != 1 {
		return &failure{"000008", "0A000", "Actual statement count " + strconv.Itoa(n) + " did not match the desired statement count 1."}
	}
	switch first := firstWord(body.SQL); first {
	case "SELECT", "WITH", "(":
		return s.rows(ctx, x, e, body)
	case "INSERT", "UPDATE", "DELETE", "MERGE":
		return s.change(ctx, x, e, body.SQL, first)
	case "BEGIN", "COMMIT", "ROLLBACK":
		return s.transaction(ctx, x, e, first)
	case "PUT":
		return s.put(e, body.SQL)
	case "REMOVE":
		return s.remove(e, body.SQL)
	case "COPY":
		return s.copy(ctx, x, e, body.SQL)
	case "CREATE", "DROP", "ALTER":
		return s.define(ctx, x, e, body.SQL)
	default:
		return &failure{"001003", "42000", "SQL compilation error:\nsyntax error line 1 at position 0 unexpected '" + first + "'."}
	}
}

// status answers a command.
func (e *execution) status(kind int, text string) {
	e.data = map[string]any{
		"queryId": e.id, "statementTypeId": kind, "queryResultFormat": "json",
		"rowtype": []map[string]any{{"name": "status", "type": "text", "length": 16777216}}, "rowset": [][]string{{text}}, "total": 1, "returned": 1,
	}
}

func (s *Server) change(ctx context.Context, x *session, e *execution, sql, first string) error {
	n, err := x.duck.Execute(ctx, sql)
	if err != nil {
		return err
	}
	kind := map[string]int{"INSERT": typeInsert, "UPDATE": typeUpdate, "DELETE": typeDelete, "MERGE": typeMerge}[first]
	columns := []map[string]any{{"name": "number of rows " + strings.ToLower(first) + "d", "type": "fixed", "precision": 19}}
	row := []string{strconv.FormatInt(n, 10)}
	if first == "UPDATE" {
		columns, row = append(columns, map[string]any{"name": "number of multi-joined rows updated", "type": "fixed", "precision": 19}), append(row, "0")
	}
	e.data = map[string]any{
		"queryId": e.id, "statementTypeId": kind, "queryResultFormat": "json", "rowtype": columns, "rowset": [][]string{row}, "total": 1, "returned": 1,
	}
	return nil
}

// transaction: to end one that is not open is no error.
func (s *Server) transaction(ctx context.Context, x *session, e *execution, word string) error {
	if (word == "BEGIN") != x.opened {
		if _, err := x.duck.Execute(ctx, word); err != nil {
			return err
		}
		x.opened = word == "BEGIN"
	}
	e.status(typeDDL, "Statement executed successfully.")
	return nil
}

// define runs DDL, which ends the transaction that it stands in.
func (s *Server) define(ctx context.Context, x *session, e *execution, sql string) error {
	if x.opened {
		x.opened = false
		if _, err := x.duck.Execute(ctx, "COMMIT"); err != nil {
			return err
		}
	}
	if _, err := x.duck.Execute(ctx, sql); err != nil {
		return err
	}
	e.status(typeDDL, "Statement executed successfully.")
	return nil
}

// failureOf tells an error of DuckDB as Snowflake would.
func failureOf(err error, sql string) *failure {
	if f, is := errors.AsType[*failure](err); is {
		return f
	}
	text := err.Error()
	for _, k := range knownErrors {
		if m := k.pattern.FindStringSubmatch(text); m != nil {
			return k.tell(m[1], lineOf(text), sql)
		}
	}
	return &failure{"100038", "22018", text}
}
