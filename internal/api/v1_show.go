package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/template"
)

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
		b["name"], b["type"], b["configuration"] = d.Name, spec.Type, resource.WithoutSecrets(spec.Configuration)
		return b, nil
	case *destination.Spec:
		b["name"], b["type"], b["configuration"] = d.Name, spec.Type, resource.WithoutSecrets(spec.Configuration)
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
	case model.MethodDBT:
		if err := s.v1DBT(ctx, spec, b); err != nil {
			return nil, err
		}
	case model.MethodBI:
		b["queryType"], b["custom"] = "custom", map[string]any{"query": spec.BI}
	case model.MethodFile:
		b["queryType"], b["custom"] = "custom", map[string]any{"query": spec.File}
	case model.MethodSheet:
		b["queryType"], b["custom"] = "custom", map[string]any{"query": spec.Sheet}
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

// v1DBT shows a model of dbt as the contract has it.
func (s *Server) v1DBT(ctx context.Context, spec *model.Spec, b map[string]any) error {
	node, err := s.modelDBT(ctx, *spec)
	if err != nil {
		return err
	}
	shown := map[string]any{"dbtUniqueId": spec.DBT.Node, "modelId": spec.DBT.Node, "compiledSql": node.SQL, "rawSql": node.SQL, "name": spec.DBT.Node}
	if node.Node != nil {
		shown["name"] = node.Node.Name
	}
	b["queryType"], b["dbt"] = "dbt", shown
	return nil
}

func (s *Server) v1Sync(ctx context.Context, r *http.Request, d resource.Document, spec *sync.Spec, b map[string]any) (map[string]any, error) {
	last, err := s.Runs.Latest(ctx, who(ctx).WorkspaceID, d.ID)
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
	return outsideConfiguration(c)
}

// outsideConfiguration removes the members of a spec that are not its configuration.
func outsideConfiguration(c map[string]any) map[string]any {
	out := maps.Clone(c)
	for _, name := range []string{"model", "destination", "schedule", "disabled", "description", "alerts", "syncLogs"} {
		delete(out, name)
	}
	return out
}

// referenced lists the model's columns that a sync uses: the key, those that match, those that are mapped.
func referenced(spec sync.Spec, m model.Spec) []string {
	names := []string{}
	add := func(name string) {
		if name != "" && name != spec.Element() && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	all := func() {
		for _, c := range m.Columns {
			add(c.Name)
		}
	}
	add(m.PrimaryKey)
	add(spec.Expand)
	for _, p := range spec.Match {
		add(p.From)
	}
	if spec.AllColumns {
		all()
	}
	var visit func([]sync.Mapping)
	visit = func(mappings []sync.Mapping) {
		for _, p := range mappings {
			add(p.From)
			columns, dynamic := templateColumns(p)
			for _, c := range columns {
				add(c)
			}
			if dynamic {
				all()
			}
			if p.Kind == sync.FromObject {
				visit(p.Fields) // those of an array are members of its objects
			}
		}
	}
	visit(spec.Mappings)
	return names
}

func templateColumns(p sync.Mapping) (names []string, dynamic bool) {
	if p.Kind != sync.FromTemplate {
		return nil, false
	}
	t, err := template.Parse(p.Template)
	if err != nil {
		return nil, false // the run says what is wrong with it
	}
	return t.Columns()
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
