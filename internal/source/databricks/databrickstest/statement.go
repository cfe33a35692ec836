package databrickstest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// statement is one that was submitted.
type statement struct {
	id, session, tag string
	sql              string
	inline           bool
	limit            int64
	stop             context.CancelFunc

	// What it has become; the server's lock is held.
	finished bool
	canceled bool
	state    string
	failure  *failure
	columns  []column
	chunks   []int64 // rows of each
	data     [][]*string
	rows     int64
}

// failure is an error of a statement.
type failure struct{ message, sqlState string }

// column is a column of a result.
type column struct {
	name, native, comment string
}

func (s *Server) submit(w http.ResponseWriter, r *http.Request) {
	var b struct {
		Warehouse   string `json:"warehouse_id"`
		Session     string `json:"session_id"`
		Statement   string `json:"statement"`
		Disposition string `json:"disposition"`
		Format      string `json:"format"`
		Wait        string `json:"wait_timeout"`
		RowLimit    int64  `json:"row_limit"`
		Tags        []struct{ Key, Value string }
		QueryTags   []struct{ Key, Value string } `json:"query_tags"`
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		refuse(w, http.StatusBadRequest, "MALFORMED_REQUEST", err.Error())
		return
	}
	s.mu.Lock()
	session, open := s.sessions[b.Session]
	s.mu.Unlock()
	links := b.Disposition == "EXTERNAL_LINKS" && b.Format == "ARROW_STREAM"
	if !open || session.Warehouse != b.Warehouse || b.Wait != "0s" || !links && (b.Disposition != "INLINE" || b.Format != "JSON_ARRAY") {
		refuse(w, http.StatusBadRequest, "INVALID_PARAMETER_VALUE", "the session, its warehouse, or the form of the result")
		return
	}
	st := &statement{id: s.number(), session: b.Session, sql: b.Statement, inline: !links, limit: b.RowLimit, state: "PENDING"}
	if len(b.QueryTags) == 1 && b.QueryTags[0].Key == "millrace" {
		st.tag = b.QueryTags[0].Value
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(s.ctx))
	st.stop = stop
	s.mu.Lock()
	s.statements[st.id] = st
	s.asked = append(s.asked, Asked{Warehouse: b.Warehouse, SQL: b.Statement, Tag: st.tag, RowLimit: b.RowLimit, Session: session})
	s.mu.Unlock()
	s.running.Go(func() { s.run(ctx, st) })
	s.state(w, st.id)
}

// run executes a statement and says what became of it.
func (s *Server) run(ctx context.Context, st *statement) {
	s.mu.Lock()
	st.state = "RUNNING"
	s.mu.Unlock()
	err := s.execute(ctx, st)
	s.mu.Lock()
	defer s.mu.Unlock()
	st.finished = true
	switch {
	case st.canceled:
		st.state = "CANCELED"
	case err != nil:
		st.state, st.failure = "FAILED", failed(st.sql, err)
	default:
		st.state = "SUCCEEDED"
	}
	if _, open := s.sessions[st.session]; !open {
		s.removeFiles(st)
	}
}

func (s *Server) find(id string) *statement {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.statements[id]
}

// state answers what a statement has become.
func (s *Server) state(w http.ResponseWriter, id string) {
	st := s.find(id)
	if st == nil {
		refuse(w, http.StatusNotFound, "NOT_FOUND", "The statement "+id+" was not found.")
		return
	}
	s.mu.Lock()
	answer := map[string]any{"statement_id": id, "status": st.status()}
	if st.state == "SUCCEEDED" {
		answer["manifest"], answer["result"] = st.manifest(), s.part(st, 0)
	}
	s.mu.Unlock()
	write(w, http.StatusOK, answer)
}

func (st *statement) status() map[string]any {
	status := map[string]any{"state": st.state}
	if st.failure != nil {
		status["error"] = map[string]any{"error_code": "BAD_REQUEST", "message": st.failure.message}
		status["sql_state"] = st.failure.sqlState
	}
	return status
}

func (st *statement) manifest() map[string]any {
	columns := make([]map[string]any, len(st.columns))
	for i, c := range st.columns {
		base, _, _ := strings.Cut(strings.ToUpper(c.native), "(")
		columns[i] = map[string]any{"name": c.name, "position": i, "type_text": strings.ToUpper(c.native), "type_name": base}
	}
	format := "ARROW_STREAM"
	if st.inline {
		format = "JSON_ARRAY"
	}
	return map[string]any{
		"format": format, "schema": map[string]any{"column_count": len(columns), "columns": columns},
		"total_chunk_count": len(st.chunks), "total_row_count": st.rows, "truncated": st.limit > 0 && st.rows == st.limit,
	}
}

// part is a part of a result as the API answers it; the lock is held.
func (s *Server) part(st *statement, index int) map[string]any {
	part := map[string]any{}
	if index+1 < len(st.chunks) {
		part["next_chunk_index"] = index + 1
	}
	if st.inline {
		var before int64
		for _, n := range st.chunks[:min(index, len(st.chunks))] {
			before += n
		}
		if index < len(st.chunks) {
			part["chunk_index"], part["row_count"] = index, st.chunks[index]
			part["data_array"] = st.data[before : before+st.chunks[index]]
		}
		return part
	}
	if index < len(st.chunks) {
		part["external_links"] = []map[string]any{{
			"chunk_index": index, "row_count": st.chunks[index], "expiration": "2099-01-01T00:00:00Z",
			"external_link": fmt.Sprintf("%s/storage/%s/%d?sig=%s", s.http.URL, st.id, index, signature),
			"http_headers":  map[string]string{"x-stand-in-key": signature},
		}}
	}
	return part
}

// signature is what opens a file in the storage.
const signature = "signed-by-the-stand-in"

func (s *Server) chunk(w http.ResponseWriter, id, text string) {
	st := s.find(id)
	index, err := strconv.Atoi(text)
	if st == nil || err != nil {
		refuse(w, http.StatusNotFound, "NOT_FOUND", "The statement "+id+" was not found.")
		return
	}
	s.mu.Lock()
	ok, part := st.state == "SUCCEEDED" && index >= 0 && index < len(st.chunks), s.part(st, index)
	s.mu.Unlock()
	if !ok {
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", "The statement has no such chunk.")
		return
	}
	write(w, http.StatusOK, part)
}

// storage answers with a file of the storage, which knows signatures and no tokens.
func (s *Server) storage(w http.ResponseWriter, r *http.Request, id, index string) {
	if r.URL.Query().Get("sig") != signature || r.Header.Get("X-Stand-In-Key") != signature || r.Header.Get("Authorization") != "" {
		http.Error(w, "Server failed to authenticate the request.", http.StatusForbidden)
		return
	}
	f, err := os.Open(s.chunkFile(id, index))
	if err != nil {
		http.Error(w, "The specified key does not exist.", http.StatusNotFound)
		return
	}
	defer f.Close()      //nolint:errcheck // read only
	_, _ = io.Copy(w, f) //nolint:errcheck // whoever asked has gone
}

func (s *Server) chunkFile(id, index string) string {
	return filepath.Join(s.dir, filepath.Base(id)+"-"+filepath.Base(index)+".arrow")
}

func (s *Server) cancel(w http.ResponseWriter, id string) {
	st := s.find(id)
	if st == nil {
		refuse(w, http.StatusNotFound, "NOT_FOUND", "The statement "+id+" was not found.")
		return
	}
	s.mu.Lock()
	st.canceled = st.canceled || !st.finished
	s.mu.Unlock()
	st.stop()
	write(w, http.StatusOK, map[string]any{})
}

// Kill cancels every running statement, as somebody else would.
func (s *Server) Kill() { s.stopAll() }

func (s *Server) stopAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.statements {
		st.canceled = st.canceled || !st.finished
		st.stop()
	}
}

// forget removes the results of a session.
func (s *Server) forget(session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.statements {
		if st.session == session {
			s.removeFiles(st)
		}
	}
}

// removeFiles removes the result of a statement; the lock is held.
func (s *Server) removeFiles(st *statement) {
	for i := range st.chunks {
		_ = os.Remove(s.chunkFile(st.id, strconv.Itoa(i))) //nolint:errcheck // it may be gone
	}
}

// file is the Files API.
func (s *Server) file(w http.ResponseWriter, r *http.Request, at string) {
	kind, path, _ := strings.Cut(at, "/")
	local := filepath.Join(s.dir, filepath.FromSlash(filepath.Clean("/"+path)))
	if !strings.HasPrefix(path, "Volumes/main/millrace_planner/loads/") {
		refuse(w, http.StatusNotFound, "NOT_FOUND", "The volume of "+path+" does not exist.")
		return
	}
	var err error
	switch r.Method + " " + kind {
	case "PUT files":
		if err = os.MkdirAll(filepath.Dir(local), 0o700); err == nil {
			err = save(local, r.Body)
		}
	case "DELETE files", "DELETE directories":
		err = os.Remove(local)
	default:
		err = fmt.Errorf("%s %s is not known", r.Method, kind)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", err.Error())
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func save(name string, from io.Reader) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
