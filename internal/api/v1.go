package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"

	"github.com/millrace/millrace/internal/access"
	"github.com/millrace/millrace/internal/fault"
)

// The compatible REST API: paths, fields, status words and error bodies that public clients of Hightouch's
// API rely on. It reads liberally and answers exactly; it keeps no rules of its own.

// v1Root is where it is.
const v1Root = "/api/v1/"

// v1Handler answers one request of an authenticated person.
type v1Handler func(ctx context.Context, r *http.Request) (any, error)

// compatible registers the API under /api/v1. The singular names are aliases that one client's documentation uses.
func (s *Server) compatible(mux *http.ServeMux) {
	for _, k := range []string{"source", "destination", "model", "sync"} {
		for _, name := range []string{k, k + "s"} {
			s.v1(mux, "GET", name, func(ctx context.Context, r *http.Request) (any, error) { return s.v1List(ctx, r, k) })
			s.v1(mux, "GET", name+"/{id}", func(ctx context.Context, r *http.Request) (any, error) { return s.v1Get(ctx, r, k) })
			s.v1(mux, "POST", name, func(ctx context.Context, r *http.Request) (any, error) { return s.v1Create(ctx, r, k) })
			s.v1(mux, "PATCH", name+"/{id}", func(ctx context.Context, r *http.Request) (any, error) { return s.v1Update(ctx, r, k) })
		}
	}
	for _, name := range []string{"sync", "syncs"} {
		s.v1(mux, "GET", name+"/{id}/runs", s.v1Runs)
		s.v1(mux, "POST", name+"/{id}/trigger", s.v1TriggerByID)
		s.v1(mux, "POST", name+"/trigger", s.v1Trigger)
	}
	s.compatibleSequences(mux)
	mux.HandleFunc(v1Root, func(w http.ResponseWriter, r *http.Request) {
		if _, err := s.bearer(r); err != nil {
			v1Error(w, err)
			return
		}
		v1Error(w, notFound("there is no %s", r.URL.Path))
	})
}

// v1 registers a path with and without a trailing slash.
func (s *Server) v1(mux *http.ServeMux, method, path string, handle v1Handler) {
	h := func(w http.ResponseWriter, r *http.Request) {
		id, err := s.bearer(r)
		if err != nil {
			v1Error(w, err)
			return
		}
		answer, err := handle(context.WithValue(r.Context(), keyIdentity, id), r)
		if err != nil {
			if fault.As(err).Code.Info().Status >= http.StatusInternalServerError {
				s.Log.Error("request failed", "request", requestID(r.Context()), "error", err)
			}
			v1Error(w, err)
			return
		}
		writeJSON(w, http.StatusOK, answer)
	}
	mux.HandleFunc(method+" "+v1Root+path, h)
	mux.HandleFunc(method+" "+v1Root+path+"/{$}", h)
}

// bearer reads the key of a request: this API knows no sessions.
func (s *Server) bearer(r *http.Request) (access.Identity, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return access.Identity{}, errNoHeader
	}
	return s.keyIdentity(r, header)
}

// v1Error answers an error with the bodies that clients read.
func v1Error(w http.ResponseWriter, err error) {
	e := fault.As(err)
	status := e.Code.Info().Status
	switch {
	case status == http.StatusUnauthorized:
		writeJSON(w, status, map[string]string{"message": "Authentication error", "details": e.Message})
	case status == http.StatusForbidden:
		writeJSON(w, status, map[string]string{"message": "Forbidden", "details": e.Error()})
	case status == http.StatusNotFound:
		writeJSON(w, status, map[string]any{"message": "Not found", "details": map[string]any{}})
	case status == http.StatusTooManyRequests:
		w.Header().Set("Retry-After", seconds(e.After))
		writeJSON(w, status, map[string]string{"error": e.Message})
	case status >= http.StatusInternalServerError:
		writeJSON(w, http.StatusInternalServerError, "Internal Server Error")
	default:
		if status != http.StatusConflict {
			status = http.StatusUnprocessableEntity
		}
		writeJSON(w, status, map[string]any{"message": "Validation failed", "details": details(err)})
	}
}

// details keys the errors of an input by field.
func details(err error) map[string]any {
	var issues fault.Issues
	if !errors.As(err, &issues) {
		issues = fault.Issues{fault.As(err)}
	}
	all := map[string]any{}
	for _, e := range issues {
		field := e.Path
		if field == "" {
			field = "body"
		}
		all[strings.TrimPrefix(strings.TrimPrefix(field, "spec."), "metadata.")] = e.Error()
	}
	return all
}

// number reads an integer that may have been sent as a double (1.0) or as text.
func number(v any) (int64, bool) {
	switch n := v.(type) {
	case float64:
		return int64(n), n == math.Trunc(n)
	case json.Number:
		f, err := n.Float64()
		if i, ierr := n.Int64(); ierr == nil {
			return i, true
		}
		return int64(f), err == nil && f == math.Trunc(f)
	case string:
		return number(json.Number(strings.TrimSpace(n)))
	default:
		return 0, false
	}
}

// boolean reads a boolean that may have been sent as text.
func boolean(v any) bool {
	switch b := v.(type) {
	case bool:
		return b
	case string:
		return strings.EqualFold(b, "true") || b == "1"
	default:
		return false
	}
}

// fields are a body of JSON or of a form.
type fields map[string]any

// readBody reads a body as clients send them: JSON, a form, or nothing.
func readBody(r *http.Request) (fields, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeTooLarge, "reading the body")
	}
	f := fields{}
	if len(bytes.TrimSpace(text)) == 0 {
		return f, nil
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		values, err := url.ParseQuery(string(text))
		if err != nil {
			return nil, fault.Wrap(err, fault.CodeMalformed, "the form cannot be read")
		}
		for name := range values {
			f[name] = values.Get(name)
		}
		return f, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&f); err != nil {
		return nil, fault.Wrap(err, fault.CodeMalformed, "the body is not a JSON object")
	}
	if f == nil {
		f = fields{}
	}
	return f, nil
}

func (f fields) text(name string) string {
	if v, ok := f[name].(string); ok {
		return v
	}
	return ""
}

func (f fields) object(name string) fields {
	switch v := f[name].(type) {
	case map[string]any:
		return v
	default:
		return nil
	}
}

func pathID(r *http.Request) (int64, error) {
	id, ok := number(r.PathValue("id"))
	if !ok {
		return 0, notFound("%q is not the number of anything", r.PathValue("id"))
	}
	return id, nil
}

// v1Page is a list as clients read it.
type v1Page struct {
	Data    []any `json:"data"`
	HasMore bool  `json:"hasMore"`
}

// window reads offset and limit.
func window(q url.Values) (offset, limit int) {
	limit = 100
	if n, ok := number(q.Get("limit")); ok && n > 0 {
		limit = int(min(n, 10_000))
	}
	if n, ok := number(q.Get("offset")); ok && n > 0 {
		offset = int(n)
	}
	return offset, limit
}
