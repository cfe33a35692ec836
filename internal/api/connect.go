package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/mapping"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/value"
)

func (s *Server) catalog(api huma.API) {
	register(s, api, op(http.MethodGet, "/api/catalog/sources", "list-source-types", "What can be a source", nil), func(context.Context, *struct{}) (*body[page[connector.SourceInfo]], error) {
		all := s.Registry.Sources()
		return &body[page[connector.SourceInfo]]{page[connector.SourceInfo]{Items: all, Total: len(all)}}, nil
	})
	register(s, api, op(http.MethodGet, "/api/catalog/destinations", "list-destination-types", "What can be a destination", nil), func(context.Context, *struct{}) (*body[page[connector.DestinationInfo]], error) {
		all := s.Registry.Destinations()
		return &body[page[connector.DestinationInfo]]{page[connector.DestinationInfo]{Items: all, Total: len(all)}}, nil
	})
	type serverVersion struct {
		Version string `json:"version"`
	}
	register(s, api, op(http.MethodGet, "/api/version", "get-version", "The server's version", nil), func(context.Context, *struct{}) (*body[serverVersion], error) {
		return &body[serverVersion]{serverVersion{s.Version}}, nil
	})
}

type testInput struct {
	Body struct {
		Type          string         `json:"type"`
		Configuration map[string]any `json:"configuration,omitempty"`
		Slug          string         `json:"slug,omitempty" doc:"a saved document whose secrets fill in"`
	}
}

// TestBody is the result of a connection test.
type TestBody struct {
	OK         bool       `json:"ok"`
	Error      *ErrorInfo `json:"error,omitempty"`
	DurationMs int64      `json:"durationMs"`
}

// testTime is how long a connection test may take.
const testTime = 45 * time.Second

// try runs a connection test and says how it went (S-03).
func (s *Server) try(ctx context.Context, test func(context.Context) error) *body[TestBody] {
	ctx, cancel := context.WithTimeout(ctx, testTime)
	defer cancel()
	start := time.Now()
	err := test(ctx)
	b := TestBody{OK: err == nil, DurationMs: time.Since(start).Milliseconds()}
	if err != nil {
		info := s.failureOf(ctx, err).Info
		b.Error = &info
	}
	return &body[TestBody]{b}
}

func (s *Server) sources(api huma.API) {
	register(s, api, op(http.MethodPost, "/api/sources/test", "test-source", "Test a connection before it is saved", nil), func(ctx context.Context, in *testInput) (*body[TestBody], error) {
		spec := &source.Spec{Type: in.Body.Type, Configuration: in.Body.Configuration}
		b := s.try(ctx, func(ctx context.Context) error {
			if err := s.Resources.Fill(ctx, scope(ctx), "source", in.Body.Slug, spec); err != nil {
				return err
			}
			src, err := s.openSource(ctx, *spec)
			if err != nil {
				return err
			}
			defer src.Close() //nolint:errcheck // the test's result matters
			return src.Test(ctx)
		})
		s.noteTest(ctx, "source", in.Body.Slug, spec, b.Body)
		return b, nil
	})
	type tableList struct {
		Items       []connector.Table `json:"items" nullable:"false"`
		RefreshedAt string            `json:"refreshedAt"`
	}
	register(s, api, op(http.MethodGet, "/api/sources/{slug}/tables", "list-tables", "List the tables of a source", nil), func(ctx context.Context, in *struct {
		Slug    string `path:"slug"`
		Refresh bool   `query:"refresh"`
	}) (*body[tableList], error) {
		found, at, err := s.tables(ctx, in.Slug, in.Refresh)
		return &body[tableList]{tableList{found, stamp(at)}}, err
	})
	register(s, api, op(http.MethodPost, "/api/models/preview", "preview-model", "Run a model's query and show its rows", nil), func(ctx context.Context, in *previewInput) (*body[PreviewBody], error) {
		b, err := s.preview(ctx, in)
		return &body[PreviewBody]{b}, err
	})
}

// openSource opens a source with its secrets in place.
func (s *Server) openSource(_ context.Context, spec source.Spec) (connector.Source, error) {
	info, err := s.Registry.Source(spec.Type)
	if err != nil {
		return nil, err
	}
	if err := connector.Settings(spec.Configuration).Check("spec.configuration", info.Fields, nil).Err(); err != nil {
		return nil, err
	}
	dir := filepath.Join(s.Dir, "source", "preview")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(err, fault.CodeStorage, "making a folder")
	}
	return info.Open(connector.SourceOptions{Settings: connector.Settings(spec.Configuration).WithDefaults(info.Fields), Dir: dir, Log: s.Log})
}

func (s *Server) sourceBySlug(ctx context.Context, slug string) (connector.Source, resource.Document, error) {
	d, err := s.Resources.Resolve(ctx, scope(ctx), "source", slug)
	if err != nil {
		return nil, d, err
	}
	src, err := s.openSource(ctx, *d.Spec.(*source.Spec)) //nolint:forcetypeassert // a source's spec
	return src, d, err
}

// tables reads the source's tables from the cache, or from the source when asked to or when there are none (S-04).
func (s *Server) tables(ctx context.Context, slug string, refresh bool) ([]connector.Table, time.Time, error) {
	src, d, err := s.sourceBySlug(ctx, slug)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer src.Close() //nolint:errcheck // reading is done
	if !refresh {
		var row struct {
			Tables      string
			RefreshedAt int64
		}
		err := s.DB.NewSelect().Table("source_schema_cache").Column("tables", "refreshed_at").Where("source_id = ?", d.ID).Where("workspace_id = ?", who(ctx).WorkspaceID).
			Where("refreshed_at >= ?", d.UpdatedAt.UnixMilli()).Scan(ctx, &row) // what an earlier configuration found says nothing
		var cached []connector.Table
		if err == nil && json.Unmarshal([]byte(row.Tables), &cached) == nil {
			return cached, time.UnixMilli(row.RefreshedAt), nil
		}
	}
	found, err := src.Introspect(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	if found == nil {
		found = []connector.Table{}
	}
	text, err := json.Marshal(found)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("encoding tables: %w", err)
	}
	now := s.Clock.Now()
	_, err = s.DB.NewRaw(`INSERT INTO source_schema_cache (source_id, workspace_id, tables, refreshed_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (source_id) DO UPDATE SET tables = excluded.tables, refreshed_at = excluded.refreshed_at`,
		d.ID, who(ctx).WorkspaceID, string(text), now.UnixMilli()).Exec(ctx)
	return found, now, err
}

type previewInput struct {
	Body struct {
		Source  string          `json:"source"`
		Method  model.Method    `json:"method"`
		SQL     string          `json:"sql,omitempty"`
		Table   *query.TableRef `json:"table,omitempty"`
		Limit   *int64          `json:"limit,omitempty" doc:"rows; 0 means all; 100 when absent"`
		Count   bool            `json:"count,omitempty" doc:"also count the rows"`
		Columns []model.Column  `json:"columns,omitempty" doc:"casts to apply"`
	}
}

// PreviewBody is the result of a model's query (M-13).
type PreviewBody struct {
	Columns    []value.Column  `json:"columns" nullable:"false"`
	Rows       [][]value.Value `json:"rows" nullable:"false"`
	RowCount   *int64          `json:"rowCount"`
	Truncated  bool            `json:"truncated"`
	DurationMs int64           `json:"durationMs"`
}

// previewLimit is how many rows a preview shows, and maxPreview how many it shows when it is asked for all.
const (
	previewLimit = 100
	maxPreview   = 100_000
)

func (s *Server) preview(ctx context.Context, in *previewInput) (PreviewBody, error) {
	start := time.Now()
	src, _, err := s.sourceBySlug(ctx, in.Body.Source)
	if err != nil {
		return PreviewBody{}, err
	}
	defer src.Close() //nolint:errcheck // reading is done
	sql := queryOf(src, in.Body.Method, in.Body.SQL, in.Body.Table)
	if sql == "" {
		return PreviewBody{}, fault.New(fault.CodeRequired, "write a query or choose a table").WithPath("sql")
	}
	limit := int64(previewLimit)
	if in.Body.Limit != nil {
		limit = *in.Body.Limit
	}
	if limit <= 0 || limit > maxPreview {
		limit = maxPreview
	}
	b, err := readPreview(ctx, src, sql, limit, in.Body.Columns)
	if err != nil {
		return b, err
	}
	if in.Body.Count {
		if b.RowCount, err = countRows(ctx, src, sql); err != nil {
			return b, err
		}
	}
	b.DurationMs = time.Since(start).Milliseconds()
	return b, nil
}

// queryOf is a model's query in its source's SQL; empty where there is none.
func queryOf(src connector.Source, method model.Method, sql string, table *query.TableRef) string {
	if method == model.MethodTable && table != nil {
		return src.Dialect().SelectTable(*table)
	}
	return strings.TrimSpace(query.Clean(sql))
}

// discover fills in the columns that a model's query has, keeping what a person set on those of the same name.
func (s *Server) discover(ctx context.Context, m *model.Spec) error {
	src, _, err := s.sourceBySlug(ctx, m.Source)
	if err != nil {
		return err
	}
	defer src.Close() //nolint:errcheck // reading is done
	sql := queryOf(src, m.Method, m.SQL, m.Table)
	if sql == "" {
		return nil // the model's own rules refuse it
	}
	b, err := readPreview(ctx, src, sql, 0, nil)
	if err != nil {
		return err
	}
	columns := make([]model.Column, len(b.Columns))
	for i, c := range b.Columns {
		columns[i] = model.Column{Name: c.Name, Type: c.Type, Native: c.Native, Description: c.Description}
		if was, known := m.Column(c.Name); known {
			columns[i].Cast, columns[i].Override = was.Cast, was.Override
		}
	}
	m.Columns = columns
	return nil
}

func readPreview(ctx context.Context, src connector.Source, sql string, limit int64, casts []model.Column) (PreviewBody, error) {
	b := PreviewBody{Columns: []value.Column{}, Rows: [][]value.Value{}}
	r, err := src.Query(ctx, connector.Query{SQL: sql, Limit: limit + 1, Class: connector.WorkloadInteractive, Tag: "millrace preview"})
	if err != nil {
		return b, err
	}
	defer r.Release()
	if b.Columns, err = value.SchemaOf(r.Schema()); err != nil {
		return b, fault.Wrap(err, fault.CodeSourceType, "reading the columns")
	}
	for r.Next() {
		if err := appendRows(&b, r, limit, casts); err != nil {
			return b, err
		}
	}
	return b, r.Err()
}

func appendRows(b *PreviewBody, r array.RecordReader, limit int64, casts []model.Column) error {
	batch := r.RecordBatch()
	readers := make([]value.Reader, batch.NumCols())
	for i, f := range batch.Schema().Fields() {
		read, err := value.NewReader(f, batch.Column(i))
		if err != nil {
			return fault.Wrap(err, fault.CodeSourceType, "reading the columns")
		}
		readers[i] = read
	}
	for n := range int(batch.NumRows()) {
		if int64(len(b.Rows)) >= limit {
			b.Truncated = true
			return nil
		}
		row := make([]value.Value, len(readers))
		for i, read := range readers {
			row[i] = castPreview(read(n), b.Columns[i].Name, casts)
		}
		b.Rows = append(b.Rows, row)
	}
	return nil
}

// castPreview shows a cast's result, and the value as it is where the cast fails: the run reports that row.
func castPreview(v value.Value, column string, casts []model.Column) value.Value {
	for _, c := range casts {
		if c.Name != column || c.Cast == "" {
			continue
		}
		if cast, err := mapping.Cast(v, c.Cast); err == nil {
			v = cast
		}
	}
	return copied(v)
}

// copied keeps a text value beyond the life of its batch.
func copied(v value.Value) value.Value {
	if v.Kind() == value.Text {
		return value.OfText(strings.Clone(v.Raw()))
	}
	return v
}

func countRows(ctx context.Context, src connector.Source, sql string) (*int64, error) {
	r, err := src.Query(ctx, connector.Query{SQL: src.Dialect().Count(sql), Class: connector.WorkloadInteractive, Tag: "millrace count"})
	if err != nil {
		return nil, err
	}
	defer r.Release()
	if !r.Next() {
		return nil, r.Err()
	}
	read, err := value.NewReader(r.Schema().Field(0), r.RecordBatch().Column(0))
	if err != nil {
		return nil, err
	}
	n := read(0).Int()
	return &n, nil
}

type draftInput struct {
	Slug string `path:"slug"`
	List string `path:"list"`
	Body draftBody
}

// fieldsInput is a draftInput of a path without a list.
type fieldsInput struct {
	Slug string `path:"slug"`
	Body draftBody
}

type draftBody struct {
	Spec DraftSpec `json:"spec"`
}

// DraftSpec is what of a sync that is being written decides what its form offers.
type DraftSpec struct {
	_        struct{}                 `additionalProperties:"true"` // read by huma
	Type     string                   `json:"type,omitempty"`
	Mode     connector.Mode           `json:"mode,omitempty"`
	Delete   connector.DeleteBehavior `json:"delete,omitempty"`
	Settings map[string]any           `json:"settings,omitempty"`
	Match    []connector.MatchPair    `json:"match,omitempty"`
}

func (s *Server) destinations(api huma.API) {
	register(s, api, op(http.MethodPost, "/api/destinations/test", "test-destination", "Test a connection before it is saved", nil), func(ctx context.Context, in *testInput) (*body[TestBody], error) {
		spec := &destination.Spec{Type: in.Body.Type, Configuration: in.Body.Configuration}
		b := s.try(ctx, func(ctx context.Context) error {
			if err := s.Resources.Fill(ctx, scope(ctx), "destination", in.Body.Slug, spec); err != nil {
				return err
			}
			learned, err := s.learned(ctx, in.Body.Slug)
			if err != nil {
				return err
			}
			d, err := s.openDestination(*spec, learned)
			if err != nil {
				return err
			}
			defer d.Close() //nolint:errcheck // the test's result matters
			return d.Test(ctx)
		})
		s.noteTest(ctx, "destination", in.Body.Slug, spec, b.Body)
		return b, nil
	})
	register(s, api, op(http.MethodPost, "/api/destinations/{slug}/options/{list}", "list-options", "Load a pick-list of a sync's form", nil), func(ctx context.Context, in *draftInput) (*body[page[connector.Option]], error) {
		d, job, err := s.draft(ctx, in.Slug, in.Body.Spec)
		if err != nil {
			return nil, err
		}
		defer d.Close() //nolint:errcheck // reading is done
		lister, ok := d.(connector.OptionLister)
		if !ok {
			return nil, notFound("the destination has no pick-list %q", in.List)
		}
		options, err := lister.ListOptions(ctx, in.List, job)
		if options == nil {
			options = []connector.Option{}
		}
		return &body[page[connector.Option]]{page[connector.Option]{Items: options, Total: len(options)}}, err
	})
	register(s, api, op(http.MethodPost, "/api/destinations/{slug}/fields", "list-fields", "List the fields that a mapping can fill", nil), func(ctx context.Context, in *fieldsInput) (*body[page[connector.TargetField]], error) {
		d, job, err := s.draft(ctx, in.Slug, in.Body.Spec)
		if err != nil {
			return nil, err
		}
		defer d.Close() //nolint:errcheck // reading is done
		p := page[connector.TargetField]{Items: []connector.TargetField{}}
		if lister, ok := d.(connector.FieldLister); ok {
			found, err := lister.TargetFields(ctx, job)
			if err != nil {
				return nil, err
			}
			p.Items = append(p.Items, found...)
			p.Total = len(found)
		}
		return &body[page[connector.TargetField]]{p}, nil
	})
}

// learned is what runs have learned of a saved destination; nil for one that is not saved.
func (s *Server) learned(ctx context.Context, slug string) (connector.State, error) {
	if slug == "" {
		return nil, nil //nolint:nilnil // a connector copes without
	}
	doc, err := s.Resources.Get(ctx, scope(ctx), "destination", slug)
	return s.State.Of(who(ctx).WorkspaceID, "destination", doc.ID), err
}

func (s *Server) openDestination(spec destination.Spec, learned connector.State) (connector.Destination, error) {
	info, err := s.Registry.Destination(spec.Type)
	if err != nil {
		return nil, err
	}
	if err := connector.Settings(spec.Configuration).Check("spec.configuration", info.Fields, nil).Err(); err != nil {
		return nil, err
	}
	dir := filepath.Join(s.Dir, "destination", "preview")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(err, fault.CodeStorage, "making a folder")
	}
	return info.Open(connector.DestinationOptions{
		Settings: connector.Settings(spec.Configuration).WithDefaults(info.Fields), Dir: dir, State: learned, Clock: s.Clock, Log: s.Log,
	})
}

// draft opens a destination for the form of a sync that is being written.
func (s *Server) draft(ctx context.Context, slug string, draft DraftSpec) (connector.Destination, connector.SyncJob, error) {
	doc, err := s.Resources.Resolve(ctx, scope(ctx), "destination", slug)
	if err != nil {
		return nil, connector.SyncJob{}, err
	}
	spec := *doc.Spec.(*destination.Spec) //nolint:forcetypeassert // a destination's spec
	info, err := s.Registry.Destination(spec.Type)
	if err != nil {
		return nil, connector.SyncJob{}, err
	}
	d, err := s.openDestination(spec, s.State.Of(who(ctx).WorkspaceID, doc.Kind, doc.ID))
	if err != nil {
		return nil, connector.SyncJob{}, err
	}
	job := connector.SyncJob{Type: draft.Type, Mode: draft.Mode, Delete: draft.Delete, Settings: draft.Settings, Match: draft.Match}
	if t, err := info.SyncType(draft.Type); err == nil {
		job.Type, job.Settings = t.Slug, connector.Settings(draft.Settings).WithDefaults(t.Fields)
	}
	return d, job, nil
}
