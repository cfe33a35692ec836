package databricks

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// The paths of the API.
// https://docs.databricks.com/api/workspace/statementexecution, and for sessions the vendor's own drivers:
// https://github.com/databricks/databricks-sql-python/blob/main/src/databricks/sql/backend/sea/backend.py
const (
	sessionsPath   = "/api/2.0/sql/sessions"
	statementsPath = "/api/2.0/sql/statements"
)

// farewell is how long the end of a statement and of a session may take.
const farewell = 10 * time.Second

var errReleased = errors.New("the rows were released")

// session is one conversation with a warehouse. Its statements follow each other.
type session struct {
	owner     *Source
	client    *client
	warehouse string
	id        string
	ctx       context.Context // ends the running statement; a session lives within one call or one reader
	cancel    context.CancelCauseFunc

	mu      sync.Mutex
	running string // the statement that has not ended
	ended   bool
}

// connect opens a session on the warehouse of a class, in UTC: what is written of an instant would else depend on the
// workspace's settings.
func (s *Source) connect(ctx context.Context, class connector.Workload) (*session, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	x := &session{owner: s, client: s.client, warehouse: s.settings.warehouse(class), ctx: ctx, cancel: cancel}
	if !s.register(x) {
		cancel(nil)
		return nil, errSourceClosed()
	}
	body := map[string]any{
		"warehouse_id":  x.warehouse,
		"session_confs": map[string]string{"TIMEZONE": "UTC"}, // https://docs.databricks.com/aws/en/sql/language-manual/parameters/timezone
		"schema":        s.settings.Schema,
	}
	if s.settings.Catalog != "" {
		body["catalog"] = s.settings.Catalog
	}
	var answer struct {
		ID string `json:"session_id"`
	}
	err := s.client.do(ctx, call{method: http.MethodPost, path: sessionsPath, body: body}, &answer)
	if err == nil && answer.ID == "" {
		err = notDatabricks(http.StatusOK, errors.New("there is no session_id in the answer"))
	}
	if err != nil {
		err = s.client.explain(ctx, err)
		x.end(errReleased)
		return nil, err
	}
	if !x.opened(answer.ID) {
		return nil, errSourceClosed()
	}
	return x, nil
}

// opened says what the session is called. A session that ended while it was being opened is given back at once.
func (x *session) opened(id string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.id = id
	if x.ended {
		x.leave()
	}
	return !x.ended
}

// end stops a statement that still runs, and gives the session back, once.
func (x *session) end(cause error) {
	x.cancel(cause)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended {
		return
	}
	x.ended = true
	defer x.owner.forget(x)
	if x.id != "" {
		x.leave()
	}
}

// leave stops the running statement and gives the session back; the caller holds the lock.
func (x *session) leave() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), farewell)
	defer cancel()
	x.stop(ctx)
	path := sessionsPath + "/" + url.PathEscape(x.id) + "?" + url.Values{"warehouse_id": {x.warehouse}}.Encode()
	_ = x.client.do(ctx, call{method: http.MethodDelete, path: path}, nil) //nolint:errcheck // it ends by itself as well
}

// stop asks the warehouse to stop the running statement; the caller holds the lock.
func (x *session) stop(ctx context.Context) {
	if x.running == "" {
		return
	}
	_ = x.client.do(ctx, call{method: http.MethodPost, path: statementPath(x.running) + "/cancel"}, nil) //nolint:errcheck // asked, and not answered
	x.running = ""
}

func statementPath(id string) string { return statementsPath + "/" + url.PathEscape(id) }

// setRunning says which statement runs. It reports whether the session still lives: a statement that began while the
// session ended is stopped here.
func (x *session) setRunning(id string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.running = id
	if !x.ended || id == "" {
		return !x.ended
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), farewell)
	defer cancel()
	x.stop(ctx)
	return false
}

// explain gives an error of the session its code.
func (x *session) explain(err error) error { return x.client.explain(x.ctx, err) }

// errStopped is a statement that somebody else has stopped.
func errStopped(state string) error {
	return fault.Wrap(errors.New("the statement's state is "+state), fault.CodeSourceTimeout, "the warehouse stopped the query").
		WithSuggestion("Somebody cancelled it, or the warehouse was stopped while it ran: run it again.")
}

// statement is the one that has run.
func (x *session) statement() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.running
}
