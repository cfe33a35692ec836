package api

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/value"
)

// DriftBody is how a model's columns in the source differ from those that the model knows.
type DriftBody struct {
	model.Drift

	SeenAt string `json:"seenAt"`
}

// ColumnUseBody is one place where a document reads a column of a model.
type ColumnUseBody struct {
	Column string `json:"column"`
	Known  bool   `json:"known" doc:"whether the model has the column"`
	Kind   string `json:"kind" enum:"model,sync"`
	Slug   string `json:"slug"`
	Name   string `json:"name"`
	Path   string `json:"path" doc:"where it stands in the document"`
}

// RefreshedModelBody is what became of one model when its source was refreshed.
type RefreshedModelBody struct {
	Slug    string     `json:"slug"`
	Name    string     `json:"name"`
	Drifted bool       `json:"drifted" doc:"its columns are others than the model knows"`
	Error   *ErrorInfo `json:"error,omitempty" doc:"what the source says against its query"`
}

// RefreshedSourceBody is what a refresh of a source found.
type RefreshedSourceBody struct {
	Tables      int                  `json:"tables"`
	RefreshedAt string               `json:"refreshedAt"`
	Models      []RefreshedModelBody `json:"models" nullable:"false"`
}

func (s *Server) columns(api huma.API) {
	register(s, api, descriptions["model"].answers(api, op(http.MethodPost, "/api/models/{slug}/refresh", "refresh-model", "Read a model's columns and their descriptions from its source", nil), false), func(ctx context.Context, in *struct {
		Slug string `path:"slug"`
		Body *struct {
			Adopt bool `json:"adopt,omitempty" doc:"take over columns that are new, gone, renamed or of another type; otherwise only descriptions"`
		}
	}) (*body[DocumentBody], error) {
		d, err := s.refreshModel(ctx, in.Slug, in.Body != nil && in.Body.Adopt)
		return s.document(ctx, d, err)
	})
	register(s, api, op(http.MethodGet, "/api/models/{slug}/uses", "list-model-uses", "List where a model's columns are used, also those that it lacks", nil), func(ctx context.Context, in *slugInput) (*body[page[ColumnUseBody]], error) {
		all, err := s.columnUses(ctx, in.Slug)
		return &body[page[ColumnUseBody]]{page[ColumnUseBody]{Items: all, Total: len(all)}}, err
	})
	register(s, api, op(http.MethodPost, "/api/sources/{slug}/refresh", "refresh-source", "Read a source's tables, and the columns of all its models", nil), func(ctx context.Context, in *slugInput) (*body[RefreshedSourceBody], error) {
		b, err := s.refreshSource(ctx, in.Slug)
		return &body[RefreshedSourceBody]{b}, err
	})
}

// refreshModel reads the columns that a model's query has now (M-15). What the source says of them goes into the
// document; which columns there are only where a person adopts it.
func (s *Server) refreshModel(ctx context.Context, slug string, adopt bool) (resource.Document, error) {
	d, err := s.Resources.Get(ctx, scope(ctx), "model", slug)
	if err != nil {
		return d, err
	}
	spec := *d.Spec.(*model.Spec) //nolint:forcetypeassert // a model's spec
	found, err := s.columnsOf(ctx, &spec)
	if err != nil {
		return d, err
	}
	if err := s.noteColumns(ctx, d.ID, spec, found); err != nil {
		return d, err
	}
	before, summary := spec.Columns, "descriptions from the source"
	spec.Columns = model.Refresh(before, found)
	if adopt {
		spec.Columns, summary = model.Adopt(before, found), "columns from the source"
	}
	if sameColumns(before, spec.Columns) {
		return d, nil
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return d, fmt.Errorf("encoding a model: %w", err)
	}
	return s.Resources.Update(ctx, scope(ctx), "model", slug, resource.Write{
		Name: d.Name, Folder: d.Folder, Labels: d.Labels, Revision: d.Revision, Spec: text, Summary: summary, Action: "refreshed",
	})
}

func sameColumns(a, b []model.Column) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// columnsOf asks the source which columns a model's query has. A column that a query takes from a table as it is has
// the table's comment; where the source cannot tell, a model that is a table takes it from discovery.
func (s *Server) columnsOf(ctx context.Context, m *model.Spec) ([]model.Column, error) {
	src, _, err := s.sourceBySlug(ctx, m.Source)
	if err != nil {
		return nil, err
	}
	defer src.Close() //nolint:errcheck // reading is done
	resolved, err := s.resolved(ctx, *m)
	if err != nil {
		return nil, err
	}
	q, err := resolved.Query(src.Dialect())
	if err != nil && foreign(*m) {
		return nil, err
	}
	if err != nil {
		return nil, nil // the model's own rules refuse it
	}
	b, err := readPreview(ctx, src, q, 0, nil)
	if err != nil {
		return nil, err
	}
	if err := s.describePreview(ctx, resolved, b.Columns); err != nil {
		return nil, err
	}
	columns := make([]model.Column, len(b.Columns))
	for i, c := range b.Columns {
		columns[i] = model.Column{Name: c.Name, Type: c.Type, Native: c.Native, Description: c.Description}
	}
	if m.Method == model.MethodTable && !anyDescribed(columns) {
		err = s.describe(ctx, m, columns)
	}
	return columns, err
}

func anyDescribed(columns []model.Column) bool {
	for _, c := range columns {
		if c.Description != "" {
			return true
		}
	}
	return false
}

// describePreview puts what the dbt project of a model says of its columns in the place of the source's comments.
func (s *Server) describePreview(ctx context.Context, m model.Spec, columns []value.Column) error {
	if m.Method != model.MethodDBT || m.DBT == nil {
		return nil
	}
	n, err := s.resolver().Find(ctx, scope(ctx), *m.DBT)
	if err != nil {
		return err
	}
	for i, c := range columns {
		if d := n.Describe(c.Name); d != "" {
			columns[i].Description = d
		}
	}
	return nil
}

// describe fills in the comments that discovery found on a table's columns.
func (s *Server) describe(ctx context.Context, m *model.Spec, columns []model.Column) error {
	tables, _, err := s.tables(ctx, m.Source, false)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if t.Ref != *m.Table {
			continue
		}
		for i, c := range columns {
			if at := t.Columns.Index(c.Name); at >= 0 {
				columns[i].Description = t.Columns[at].Description
			}
		}
	}
	return nil
}

// discover fills in the columns that a model's query has, keeping what a person set on those that are known.
func (s *Server) discover(ctx context.Context, m *model.Spec) error {
	found, err := s.columnsOf(ctx, m)
	if err == nil && found != nil {
		m.Columns = model.Adopt(m.Columns, found)
	}
	return err
}

// refreshSource reads the tables, and the columns of every model of the source. A model whose query the source
// refuses does not keep the others from it.
func (s *Server) refreshSource(ctx context.Context, slug string) (RefreshedSourceBody, error) {
	b := RefreshedSourceBody{Models: []RefreshedModelBody{}}
	tables, at, err := s.tables(ctx, slug, true)
	if err != nil {
		return b, err
	}
	b.Tables, b.RefreshedAt = len(tables), stamp(at)
	models, _, err := s.Resources.List(ctx, scope(ctx), "model", resource.Filter{Refs: map[string]string{"source": slug}})
	if err != nil {
		return b, err
	}
	for _, d := range models {
		m := RefreshedModelBody{Slug: d.Slug, Name: d.Name}
		next, err := s.refreshModel(ctx, d.Slug, false)
		if ctx.Err() != nil {
			return b, context.Cause(ctx)
		}
		if err != nil {
			info := s.failureOf(ctx, err).Info
			m.Error = &info
		} else {
			drift, err := s.drift(ctx, next)
			if err != nil {
				return b, err
			}
			m.Drifted = drift != nil
		}
		b.Models = append(b.Models, m)
	}
	return b, nil
}

// noteColumns remembers which columns a model's query was seen to have.
func (s *Server) noteColumns(ctx context.Context, modelID int64, m model.Spec, found []model.Column) error {
	text, err := json.Marshal(found)
	if err != nil {
		return fmt.Errorf("encoding columns: %w", err)
	}
	_, err = s.DB.NewRaw(`INSERT INTO model_columns (model_id, workspace_id, query, columns, seen_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (model_id) DO UPDATE SET query = excluded.query, columns = excluded.columns, seen_at = excluded.seen_at`,
		modelID, who(ctx).WorkspaceID, digest(m), string(text), s.Clock.Now().UnixMilli()).Exec(ctx)
	if err != nil {
		return fmt.Errorf("noting the columns of model %d: %w", modelID, err)
	}
	return nil
}

// digest names what decides which columns a model has: those of an earlier query say nothing.
func digest(m model.Spec) string {
	text, _ := json.Marshal([]any{m.Source, m.Method, query.Clean(m.SQL), m.Table, m.DBT, m.BI}) //nolint:errcheck,errchkjson // texts
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// drift says how the columns that were last seen differ from those of the document; nil where they do not, or were
// never read.
func (s *Server) drift(ctx context.Context, d resource.Document) (*DriftBody, error) {
	spec := d.Spec.(*model.Spec) //nolint:forcetypeassert // a model's spec
	var row struct {
		Columns string
		SeenAt  int64
	}
	err := s.DB.NewSelect().Table("model_columns").Column("columns", "seen_at").Where("model_id = ?", d.ID).
		Where("workspace_id = ?", who(ctx).WorkspaceID).Where("query = ?", digest(*spec)).Scan(ctx, &row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // they were not read
	}
	if err != nil {
		return nil, fmt.Errorf("reading the columns of the model %q: %w", d.Slug, err)
	}
	var found []model.Column
	if err := json.Unmarshal([]byte(row.Columns), &found); err != nil {
		return nil, fmt.Errorf("reading the columns of the model %q: %w", d.Slug, err)
	}
	drift := model.Compare(spec.Columns, found)
	if len(spec.Columns) == 0 || !drift.Any() {
		return nil, nil //nolint:nilnil // nothing differs
	}
	return &DriftBody{Drift: drift, SeenAt: stamp(time.UnixMilli(row.SeenAt))}, nil
}

// columnUses lists who reads which column of a model: the model itself by its key, and its syncs (M-31).
func (s *Server) columnUses(ctx context.Context, slug string) ([]ColumnUseBody, error) {
	d, err := s.Resources.Get(ctx, scope(ctx), "model", slug)
	if err != nil {
		return nil, err
	}
	m := d.Spec.(*model.Spec) //nolint:forcetypeassert // a model's spec
	syncs, _, err := s.Resources.List(ctx, scope(ctx), "sync", resource.Filter{Refs: map[string]string{"model": slug}})
	if err != nil {
		return nil, err
	}
	all := []ColumnUseBody{}
	add := func(by resource.Document, column, path string) {
		_, known := m.Column(column)
		all = append(all, ColumnUseBody{Column: column, Known: known || len(m.Columns) == 0, Kind: by.Kind, Slug: by.Slug, Name: by.Name, Path: path})
	}
	add(d, m.PrimaryKey, "spec.primaryKey")
	names := make([]string, len(m.Columns))
	for i, c := range m.Columns {
		names[i] = c.Name
	}
	for _, by := range syncs {
		for _, u := range by.Spec.(*sync.Spec).Uses(names) { //nolint:forcetypeassert // a sync's spec
			add(by, u.Column, u.Path)
		}
	}
	return all, nil
}
