package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/resource"
)

// The compatible REST API: paths, fields, status words and error bodies that public clients of Hightouch's
// API rely on. It reads liberally and answers exactly; it keeps no rules of its own.

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
	mux.HandleFunc("/api/v1/", func(w http.ResponseWriter, r *http.Request) {
		if _, err := s.identity(r); err != nil {
			v1Error(w, err)
			return
		}
		v1Error(w, notFound("there is no %s", r.URL.Path))
	})
}

// v1 registers a path with and without a trailing slash.
func (s *Server) v1(mux *http.ServeMux, method, path string, handle v1Handler) {
	h := func(w http.ResponseWriter, r *http.Request) {
		id, err := s.identity(r)
		if err != nil {
			v1Error(w, err)
			return
		}
		answer, err := handle(context.WithValue(r.Context(), keyIdentity, id), r)
		if err != nil {
			if fault.As(err).Code == fault.CodeInternal {
				s.Log.Error("request failed", "request", requestID(r.Context()), "error", err)
			}
			v1Error(w, err)
			return
		}
		writeJSON(w, http.StatusOK, answer)
	}
	mux.HandleFunc(method+" /api/v1/"+path, h)
	mux.HandleFunc(method+" /api/v1/"+path+"/{$}", h)
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
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.After.Seconds()))))
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

func (s *Server) v1List(ctx context.Context, r *http.Request, kind string) (any, error) {
	q := r.URL.Query()
	f := resource.Filter{Name: q.Get("name"), Slug: q.Get("slug"), Sort: "id", Labels: map[string]string{}, Refs: map[string]string{}}
	if by := q.Get("orderBy"); by != "" {
		f.Sort = by
	}
	if kind == "sync" {
		f.Name = ""
		if id, ok := number(q.Get("modelId")); ok {
			m, err := s.Resources.GetByID(ctx, scope(ctx), "model", id)
			if err != nil {
				return v1Page{Data: []any{}}, nil //nolint:nilerr // an unknown model has no syncs
			}
			f.Refs["model"] = m.Slug
		}
	}
	for _, tag := range q["tags"] {
		if name, v, ok := strings.Cut(tag, ":"); ok {
			f.Labels[name] = v
		}
	}
	after, before := q.Get("after"), q.Get("before")
	var limit int
	f.Offset, limit = window(q)
	f.Limit = limit + 1
	documents, _, err := s.Resources.List(ctx, scope(ctx), kind, f)
	if err != nil {
		return nil, err
	}
	p := v1Page{Data: []any{}}
	for i, d := range documents {
		if i == limit {
			p.HasMore = true
			break
		}
		b, err := s.v1Document(ctx, r, d)
		if err != nil {
			return nil, err
		}
		if kind != "sync" || within(b["lastRunAt"], after, before) {
			p.Data = append(p.Data, b)
		}
	}
	return p, nil
}

// within reports whether a last run lies between two times, where they are given.
func within(last any, after, before string) bool {
	text, _ := last.(string)
	if after == "" && before == "" {
		return true
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return false
	}
	if t, err := time.Parse(time.RFC3339, after); err == nil && !at.After(t) {
		return false
	}
	if t, err := time.Parse(time.RFC3339, before); err == nil && !at.Before(t) {
		return false
	}
	return true
}

func (s *Server) v1Get(ctx context.Context, r *http.Request, kind string) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	d, err := s.Resources.GetByID(ctx, scope(ctx), kind, id)
	if err != nil {
		return nil, err
	}
	return s.v1Document(ctx, r, d)
}

// v1Document is a document with exactly the fields of the contract.
func (s *Server) v1Document(ctx context.Context, r *http.Request, d resource.Document) (map[string]any, error) {
	b := map[string]any{
		"id": d.ID, "slug": d.Slug, "workspaceId": who(ctx).WorkspaceID, "createdAt": stamp(d.CreatedAt), "updatedAt": stamp(d.UpdatedAt),
	}
	switch spec := d.Spec.(type) {
	case *source.Spec:
		b["name"], b["type"], b["configuration"] = d.Name, spec.Type, withoutSecrets(spec.Configuration)
		return b, nil
	case *destination.Spec:
		b["name"], b["type"], b["configuration"] = d.Name, spec.Type, withoutSecrets(spec.Configuration)
		var err error
		b["syncs"], err = s.syncIDs(ctx, d)
		return b, err
	case *model.Spec:
		return s.v1Model(ctx, r, d, spec, b)
	case *sync.Spec:
		return s.v1Sync(ctx, r, d, spec, b)
	default:
		return nil, fmt.Errorf("the kind %s has no place in this API", d.Kind)
	}
}

// withoutSecrets leaves out what must not come back.
func withoutSecrets(configuration map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range configuration {
		if m, ok := v.(map[string]any); ok && m[resource.SecretKey] != nil {
			continue
		}
		out[name] = v
	}
	return out
}

func (s *Server) syncIDs(ctx context.Context, d resource.Document) ([]int64, error) {
	ids := []int64{}
	all, _, err := s.Resources.List(ctx, scope(ctx), "sync", resource.Filter{Refs: map[string]string{d.Kind: d.Slug}, Sort: "id"})
	for _, sy := range all {
		ids = append(ids, sy.ID)
	}
	return ids, err
}

// olderSDK reports a client that refuses the fields that the contract gained after it was generated.
func olderSDK(r *http.Request) bool { return strings.HasPrefix(r.UserAgent(), "speakeasy-sdk/go") }

func (s *Server) v1Model(ctx context.Context, r *http.Request, d resource.Document, spec *model.Spec, b map[string]any) (map[string]any, error) {
	b["name"], b["primaryKey"], b["tags"], b["isSchema"] = d.Name, spec.PrimaryKey, d.Labels, false
	b["sourceId"] = nil
	if src, err := s.Resources.Get(ctx, scope(ctx), "source", spec.Source); err == nil {
		b["sourceId"] = src.ID
	}
	switch spec.Method {
	case model.MethodTable:
		b["queryType"], b["table"] = "table", map[string]string{"name": spec.Table.String()}
	default:
		b["queryType"], b["raw"] = "raw_sql", map[string]string{"sql": spec.SQL}
	}
	var err error
	if b["syncs"], err = s.syncIDs(ctx, d); err != nil || olderSDK(r) {
		return b, err
	}
	b["description"] = spec.Description
	b["lastRunSize"], err = s.Runs.LastSize(ctx, who(ctx).WorkspaceID, d.Slug)
	return b, err
}

func (s *Server) v1Sync(ctx context.Context, r *http.Request, d resource.Document, spec *sync.Spec, b map[string]any) (map[string]any, error) {
	last, _, err := s.Runs.Latest(ctx, who(ctx).WorkspaceID, d.ID)
	if err != nil {
		return nil, err
	}
	m, err := s.Resources.Get(ctx, scope(ctx), "model", spec.Model)
	if err != nil {
		return nil, err
	}
	dest, err := s.Resources.Get(ctx, scope(ctx), "destination", spec.Destination)
	if err != nil {
		return nil, err
	}
	ms := m.Spec.(*model.Spec) //nolint:forcetypeassert // a model's spec
	b["modelId"], b["destinationId"], b["disabled"], b["primaryKey"] = m.ID, dest.ID, spec.Disabled, ms.PrimaryKey
	b["schedule"], b["configuration"], b["referencedColumns"] = v1Schedule(spec.Schedule), v1Configuration(*spec), referenced(*spec, *ms)
	b["lastRunAt"], b["status"] = nil, "pending"
	switch {
	case last != nil && (!spec.Disabled || !last.State.Ended()):
		b["lastRunAt"], b["status"] = stamp(last.CreatedAt), last.Words().REST
	case last != nil:
		b["lastRunAt"], b["status"] = stamp(last.CreatedAt), "disabled"
	case spec.Disabled:
		b["status"] = "disabled"
	}
	if !olderSDK(r) {
		b["externalSegment"], b["tags"] = map[string]any{}, d.Labels
	}
	return b, nil
}

// v1Configuration is what of a sync's spec the contract calls its configuration.
func v1Configuration(spec sync.Spec) map[string]any {
	text, err := json.Marshal(spec)
	c := map[string]any{}
	if err != nil || json.Unmarshal(text, &c) != nil {
		return c
	}
	for _, name := range []string{"model", "destination", "schedule", "disabled", "description"} {
		delete(c, name)
	}
	return c
}

func referenced(spec sync.Spec, m model.Spec) []string {
	names := []string{}
	seen := map[string]bool{}
	add := func(name string) {
		if name != "" && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	add(m.PrimaryKey)
	for _, p := range spec.Match {
		add(p.From)
	}
	for _, p := range spec.Mappings {
		add(p.From)
	}
	return names
}

func v1Schedule(s sync.Schedule) any {
	switch {
	case s.Type == sync.ScheduleInterval && s.Interval != nil:
		return map[string]any{"type": "interval", "schedule": map[string]any{"interval": s.Interval}}
	case s.Type == sync.ScheduleCron:
		return map[string]any{"type": "cron", "schedule": map[string]any{"expression": s.Cron}}
	case s.Type == sync.ScheduleCustom:
		expressions := []any{}
		for _, r := range s.Recurrences {
			days := map[string]bool{}
			for _, d := range r.Days {
				days[d] = true
			}
			expressions = append(expressions, map[string]any{"days": days, "time": r.Time})
		}
		return map[string]any{"type": "custom", "schedule": map[string]any{"expressions": expressions}}
	default:
		return nil
	}
}

// readSchedule is a schedule as the contract has it.
func readSchedule(v any) (sync.Schedule, error) {
	outer, ok := v.(map[string]any)
	if !ok {
		return sync.Schedule{Type: sync.ScheduleManual}, nil
	}
	inner, _ := outer["schedule"].(map[string]any)
	if inner == nil {
		inner = outer
	}
	if e, ok := inner["expression"].(string); ok {
		return sync.Schedule{Type: sync.ScheduleCron, Cron: e}, nil
	}
	if i, ok := inner["interval"].(map[string]any); ok {
		n, _ := number(i["quantity"])
		unit, _ := i["unit"].(string)
		return sync.Schedule{Type: sync.ScheduleInterval, Interval: &sync.Interval{Unit: unit, Quantity: int(n)}}, nil
	}
	list, ok := inner["expressions"].([]any)
	if !ok {
		return sync.Schedule{}, fault.New(fault.CodeInvalid, "the schedule has neither an interval nor an expression").WithPath("schedule")
	}
	s := sync.Schedule{Type: sync.ScheduleCustom, Zone: "UTC"}
	for _, item := range list {
		e, _ := item.(map[string]any)
		days, _ := e["days"].(map[string]any)
		r := sync.Recurrence{}
		r.Time, _ = e["time"].(string)
		for _, d := range []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"} {
			if boolean(days[d]) {
				r.Days = append(r.Days, d)
			}
		}
		s.Recurrences = append(s.Recurrences, r)
	}
	return s, nil
}

func (s *Server) v1Create(ctx context.Context, r *http.Request, kind string) (any, error) {
	f, err := readBody(r)
	if err != nil {
		return nil, err
	}
	w := resource.Write{Name: f.text("name"), Slug: f.text("slug")}
	if w.Slug == "" {
		return nil, fault.New(fault.CodeRequired, "a slug is required").WithPath("slug")
	}
	if kind == "sync" && w.Name == "" {
		w.Name = w.Slug
	}
	var spec any
	switch kind {
	case "source":
		spec = &source.Spec{Type: f.text("type"), Configuration: f.object("configuration")}
	case "destination":
		spec = &destination.Spec{Type: f.text("type"), Configuration: f.object("configuration")}
	case "model":
		m := &model.Spec{}
		spec, err = m, s.readModel(ctx, f, m)
	default:
		sy := &sync.Spec{}
		spec, err = sy, s.readSync(ctx, f, sy)
	}
	if err != nil {
		return nil, err
	}
	if w.Spec, err = json.Marshal(spec); err != nil {
		return nil, fmt.Errorf("encoding a spec: %w", err)
	}
	d, err := s.Resources.Create(ctx, scope(ctx), kind, w)
	if err != nil {
		return nil, err
	}
	return s.v1Document(ctx, r, d)
}

// v1Update merges what is sent into what is there; what is not sent stays.
func (s *Server) v1Update(ctx context.Context, r *http.Request, kind string) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	f, err := readBody(r)
	if err != nil {
		return nil, err
	}
	d, err := s.Resources.GetByID(ctx, scope(ctx), kind, id)
	if err != nil {
		return nil, err
	}
	w := resource.Write{Name: d.Name, Folder: d.Folder, Labels: d.Labels, Revision: d.Revision}
	if name := f.text("name"); name != "" {
		w.Name = name
	}
	switch spec := d.Spec.(type) {
	case *source.Spec:
		merge(spec.Configuration, f.object("configuration"))
	case *destination.Spec:
		merge(spec.Configuration, f.object("configuration"))
	case *model.Spec:
		err = s.readModel(ctx, f, spec)
	case *sync.Spec:
		err = s.readSync(ctx, f, spec)
	}
	if err != nil {
		return nil, err
	}
	if w.Spec, err = json.Marshal(d.Spec); err != nil {
		return nil, fmt.Errorf("encoding a spec: %w", err)
	}
	if d, err = s.Resources.Update(ctx, scope(ctx), kind, d.Slug, w); err != nil {
		return nil, err
	}
	return s.v1Document(ctx, r, d)
}

func merge(into, from map[string]any) {
	for name, v := range from {
		into[name] = v
	}
}

func (s *Server) readModel(ctx context.Context, f fields, m *model.Spec) error {
	if id, ok := number(f["sourceId"]); ok {
		src, err := s.Resources.GetByID(ctx, scope(ctx), "source", id)
		if err != nil {
			return fault.New(fault.CodeBadReference, "there is no source %d", id).WithPath("sourceId")
		}
		m.Source = src.Slug
	}
	if key := f.text("primaryKey"); key != "" {
		m.PrimaryKey = key
	}
	if d, ok := f["description"].(string); ok {
		m.Description = d
	}
	sql := f.text("sql")
	if raw := f.object("raw"); raw != nil {
		sql = raw.text("sql")
	}
	if sql != "" {
		m.Method, m.SQL, m.Table = model.MethodSQL, sql, nil
	}
	if t := f.object("table"); t != nil {
		m.Method, m.SQL, m.Table = model.MethodTable, "", tableRef(t.text("name"))
	}
	if m.Method == "" {
		return fault.New(fault.CodeInvalid, "queries of the type %q are not supported here: send raw or table", f.text("queryType")).WithPath("queryType")
	}
	return nil
}

// tableRef reads a dotted name.
func tableRef(name string) *query.TableRef {
	parts := strings.Split(name, ".")
	t := &query.TableRef{Name: parts[len(parts)-1]}
	if len(parts) > 1 {
		t.Schema = parts[len(parts)-2]
	}
	if len(parts) > 2 {
		t.Database = parts[len(parts)-3]
	}
	return t
}

func (s *Server) readSync(ctx context.Context, f fields, sy *sync.Spec) error {
	for _, ref := range []struct {
		field, kind string
		to          *string
	}{{"modelId", "model", &sy.Model}, {"destinationId", "destination", &sy.Destination}} {
		id, ok := number(f[ref.field])
		if !ok {
			continue
		}
		d, err := s.Resources.GetByID(ctx, scope(ctx), ref.kind, id)
		if err != nil {
			return fault.New(fault.CodeBadReference, "there is no %s %d", ref.kind, id).WithPath(ref.field)
		}
		*ref.to = d.Slug
	}
	if v, sent := f["schedule"]; sent {
		var err error
		if sy.Schedule, err = readSchedule(v); err != nil {
			return err
		}
	}
	if v, sent := f["disabled"]; sent {
		sy.Disabled = boolean(v)
	}
	if sy.Schedule.Type == "" {
		sy.Schedule.Type = sync.ScheduleManual
	}
	c := f.object("configuration")
	if c == nil {
		return nil
	}
	current := v1Configuration(*sy)
	merge(current, c)
	text, err := json.Marshal(current)
	if err != nil {
		return fmt.Errorf("encoding a configuration: %w", err)
	}
	next := sync.Spec{Model: sy.Model, Destination: sy.Destination, Schedule: sy.Schedule, Disabled: sy.Disabled, Description: sy.Description}
	if err := json.Unmarshal(text, &next); err != nil {
		return fault.Wrap(err, fault.CodeInvalid, "the configuration cannot be read").WithPath("configuration")
	}
	*sy = next
	return nil
}

// v1Run is a run with exactly the fields of the contract.
func v1Run(r run.Run) map[string]any {
	counts := func(c run.OpCounts) map[string]int64 {
		return map[string]int64{"addedCount": c.Added, "changedCount": c.Changed, "removedCount": c.Removed}
	}
	failed := r.Counts.Failed
	b := map[string]any{
		"id": r.ID, "createdAt": stamp(r.CreatedAt), "startedAt": stamp(r.CreatedAt), "finishedAt": optionalStamp(r.FinishedAt), "querySize": r.Counts.Read,
		"status": r.Words().REST, "completionRatio": r.Progress(), "plannedRows": counts(r.Counts.Planned),
		"successfulRows": counts(r.Counts.Succeeded), "failedRows": counts(failed), "error": nil,
	}
	if !r.StartedAt.IsZero() {
		b["startedAt"] = stamp(r.StartedAt)
	}
	if r.State == run.Failed && r.Failure != nil {
		b["error"] = r.Failure.Message
	}
	return b
}

func (s *Server) v1Runs(ctx context.Context, r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	if _, err := s.Resources.GetByID(ctx, scope(ctx), "sync", id); err != nil {
		return nil, err
	}
	q := r.URL.Query()
	offset, limit := window(q)
	f := run.Filter{SyncID: id, Offset: int64(offset), Limit: int64(limit) + 1, OrderBy: q.Get("orderBy")}
	if n, ok := number(q.Get("runId")); ok {
		f.RunID = n
	}
	if t, err := time.Parse(time.RFC3339, q.Get("after")); err == nil {
		f.Since = t
	}
	if t, err := time.Parse(time.RFC3339, q.Get("before")); err == nil {
		f.Until = t
	}
	if n, ok := number(q.Get("within")); ok {
		f.Since = s.Clock.Now().Add(-time.Duration(n) * time.Minute)
	}
	runs, err := s.Runs.List(ctx, who(ctx).WorkspaceID, f)
	if err != nil {
		return nil, err
	}
	p := v1Page{Data: []any{}}
	for i, one := range runs {
		if i == limit {
			p.HasMore = true
			break
		}
		p.Data = append(p.Data, v1Run(one))
	}
	return p, nil
}

func (s *Server) v1TriggerByID(ctx context.Context, r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	f, err := readBody(r)
	if err != nil {
		return nil, err
	}
	d, err := s.Resources.GetByID(ctx, scope(ctx), "sync", id)
	if err != nil {
		return nil, err
	}
	return s.v1Start(ctx, d, f)
}

func (s *Server) v1Trigger(ctx context.Context, r *http.Request) (any, error) {
	f, err := readBody(r)
	if err != nil {
		return nil, err
	}
	if id, ok := number(f["syncId"]); ok {
		d, err := s.Resources.GetByID(ctx, scope(ctx), "sync", id)
		if err != nil {
			return nil, err
		}
		return s.v1Start(ctx, d, f)
	}
	slug := f.text("syncSlug")
	if slug == "" {
		return nil, fault.New(fault.CodeRequired, "send syncId or syncSlug").WithPath("syncId")
	}
	d, err := s.Resources.Get(ctx, scope(ctx), "sync", slug)
	if fault.Is(err, fault.CodeNotFound) {
		return nil, fault.New(fault.CodeInvalid, "there is no sync %q", slug).WithPath("syncSlug")
	}
	if err != nil {
		return nil, err
	}
	return s.v1Start(ctx, d, f)
}

func (s *Server) v1Start(ctx context.Context, d resource.Document, f fields) (any, error) {
	o := run.Options{FullResync: boolean(f["fullResync"]), ResetCDC: boolean(f["resetCDC"]), ClearAndFill: boolean(f["clearAndFill"])}
	r, err := s.trigger(ctx, d, run.TriggerAPI, o)
	return map[string]string{"id": strconv.FormatInt(r.ID, 10)}, err
}
