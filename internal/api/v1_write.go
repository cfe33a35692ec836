package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/resource"
)

// readSchedule is a schedule as the contract has it. What the contract cannot say (a time zone, a start, an end)
// stays as it was.
func readSchedule(v any, was sync.Schedule) (sync.Schedule, error) {
	outer, ok := v.(map[string]any)
	if !ok {
		return sync.Schedule{Type: sync.ScheduleManual}, nil
	}
	inner, _ := outer["schedule"].(map[string]any)
	if inner == nil {
		inner = outer
	}
	next := sync.Schedule{Start: was.Start, End: was.End}
	if e, ok := inner["expression"].(string); ok {
		next.Type, next.Cron = sync.ScheduleCron, e
		return next, nil
	}
	if i, ok := inner["interval"].(map[string]any); ok {
		n, _ := number(i["quantity"])
		unit, _ := i["unit"].(string)
		next.Type, next.Interval = sync.ScheduleInterval, &sync.Interval{Unit: unit, Quantity: int(n)}
		return next, nil
	}
	if list, ok := inner["expressions"].([]any); ok {
		next.Type, next.Zone, next.Recurrences = sync.ScheduleCustom, was.Zone, recurrences(list)
		if next.Zone == "" {
			next.Zone = "UTC"
		}
		return next, nil
	}
	if outer["type"] == sync.ScheduleManual {
		return sync.Schedule{Type: sync.ScheduleManual}, nil
	}
	return sync.Schedule{}, fault.New(fault.CodeInvalid, "the schedule has neither an interval nor an expression").WithPath("schedule")
}

func recurrences(list []any) []sync.Recurrence {
	all := make([]sync.Recurrence, len(list))
	for i, item := range list {
		e, _ := item.(map[string]any)
		days, _ := e["days"].(map[string]any)
		all[i].Time, _ = e["time"].(string)
		for _, d := range []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"} {
			if boolean(days[d]) {
				all[i].Days = append(all[i].Days, d)
			}
		}
	}
	return all
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
		if err == nil && m.Source != "" && !boolean(r.URL.Query().Get("skipColumnQuery")) {
			err = s.v1Discover(ctx, m)
		}
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
	d, _, err := s.create(ctx, kind, w)
	if err != nil {
		return nil, err
	}
	return s.v1Document(ctx, r, d)
}

// v1Discover fills in a model's columns; what the source says against the query is an error of the query's field.
func (s *Server) v1Discover(ctx context.Context, m *model.Spec) error {
	err := s.discover(ctx, m)
	if err == nil {
		return nil
	}
	field := "raw"
	switch m.Method {
	case model.MethodTable:
		field = "table"
	case model.MethodFile, model.MethodSheet:
		field = "custom"
	}
	return fault.As(err).WithPath(field)
}

// v1Attempts is how often a change is tried while others change the document too.
const v1Attempts = 3

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
	var d resource.Document
	for range v1Attempts {
		if d, err = s.v1Merge(ctx, kind, id, f); !fault.Is(err, fault.CodeStale) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return s.v1Document(ctx, r, d)
}

func (s *Server) v1Merge(ctx context.Context, kind string, id int64, f fields) (resource.Document, error) {
	d, err := s.Resources.GetByID(ctx, scope(ctx), kind, id)
	if err != nil {
		return d, err
	}
	w := resource.Write{Name: d.Name, Folder: d.Folder, Labels: d.Labels, Revision: d.Revision}
	if name := f.text("name"); name != "" {
		w.Name = name
	}
	switch spec := d.Spec.(type) {
	case *source.Spec:
		spec.Configuration = merged(spec.Configuration, f.object("configuration"))
	case *destination.Spec:
		spec.Configuration = merged(spec.Configuration, f.object("configuration"))
	case *model.Spec:
		err = s.mergeModel(ctx, f, spec)
	case *sync.Spec:
		err = s.readSync(ctx, f, spec)
	}
	if err != nil {
		return d, err
	}
	if w.Spec, err = json.Marshal(d.Spec); err != nil {
		return d, fmt.Errorf("encoding a spec: %w", err)
	}
	d, _, err = s.update(ctx, kind, d.Slug, w)
	return d, err
}

func merged(base, with map[string]any) map[string]any {
	out := maps.Clone(base)
	if out == nil {
		out = map[string]any{}
	}
	maps.Copy(out, with)
	return out
}

// mergeModel reads a model's new fields; another query may have other columns.
func (s *Server) mergeModel(ctx context.Context, f fields, m *model.Spec) error {
	was := *m
	if err := s.readModel(ctx, f, m); err != nil {
		return err
	}
	if m.Method == was.Method && m.SQL == was.SQL && reflect.DeepEqual(m.Table, was.Table) && reflect.DeepEqual(m.File, was.File) && reflect.DeepEqual(m.Sheet, was.Sheet) {
		return nil
	}
	return s.v1Discover(ctx, m)
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
		m.Method, m.SQL, m.Table, m.File, m.Sheet = model.MethodSQL, sql, nil, nil, nil
	}
	if t := f.object("table"); t != nil {
		m.Method, m.SQL, m.Table, m.File, m.Sheet = model.MethodTable, "", tableRef(t.text("name")), nil, nil
	}
	if c := f.object("custom"); c != nil {
		chooseCustom(m, c.object("query"))
	}
	if m.Method == "" {
		return fault.New(fault.CodeInvalid, "queries of the type %q are not supported here: send raw, table, or custom with a file or sheet", f.text("queryType")).WithPath("queryType")
	}
	return nil
}

// chooseCustom reads which file or sheet a model's rows are in.
func chooseCustom(m *model.Spec, q fields) {
	if name := q.text("name"); name != "" {
		m.Method, m.SQL, m.Table, m.File = model.MethodSheet, "", nil, nil
		m.Sheet = &connector.Sheet{Workbook: q.text("workbook"), Name: name}
		return
	}
	m.Method, m.SQL, m.Table, m.Sheet = model.MethodFile, "", nil, nil
	m.File = &connector.File{Path: q.text("path"), Newest: boolean(q["newest"])}
}

// tableRef reads a dotted name.
func tableRef(name string) *query.TableRef {
	parts := strings.Split(name, ".")
	t := &query.TableRef{Name: parts[len(parts)-1]}
	if len(parts) > 1 {
		t.Schema = parts[len(parts)-2]
	}
	if len(parts) > 2 {
		t.Database = strings.Join(parts[:len(parts)-2], ".") // of two parts for tables of an Iceberg catalogue
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
		if sy.Schedule, err = readSchedule(v, sy.Schedule); err != nil {
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
	next := sync.Spec{Model: sy.Model, Destination: sy.Destination, Schedule: sy.Schedule, Disabled: sy.Disabled, Description: sy.Description, Alerts: sy.Alerts, SyncLogs: sy.SyncLogs}
	text, err := json.Marshal(merged(v1Configuration(*sy), outsideConfiguration(c)))
	if err != nil {
		return fmt.Errorf("encoding a configuration: %w", err)
	}
	if err := json.Unmarshal(text, &next); err != nil {
		return fault.Wrap(err, fault.CodeInvalid, "the configuration cannot be read").WithPath("configuration")
	}
	*sy = next
	return nil
}
