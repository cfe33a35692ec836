package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/resource"
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
		Tunnel        string         `json:"tunnel,omitempty" doc:"of a source or destination: slug of the tunnel that it is reached through"`
		Slug          string         `json:"slug,omitempty" doc:"a saved document whose secrets fill in"`
		Engine        string         `json:"engine,omitempty" enum:"basic,lightning" doc:"of a source: what the engine needs is tested as well"`
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
		spec := &source.Spec{Type: in.Body.Type, Configuration: in.Body.Configuration, Tunnel: in.Body.Tunnel, Engine: in.Body.Engine}
		b := s.try(ctx, func(ctx context.Context) error {
			if err := s.Resources.Fill(ctx, scope(ctx), "source", in.Body.Slug, spec); err != nil {
				return err
			}
			learned, err := s.learned(ctx, "source", in.Body.Slug)
			if err != nil {
				return err
			}
			src, err := s.openSource(ctx, *spec, learned)
			if err != nil {
				return err
			}
			defer src.Close() //nolint:errcheck // the test's result matters
			if err := src.Test(ctx); err != nil || spec.Engine != connector.EngineLightning {
				return err
			}
			info, err := s.Registry.Source(spec.Type)
			if err != nil {
				return err
			}
			return connector.TestWarehouse(ctx, src, info, spec.Configuration)
		})
		s.noteTest(ctx, "source", in.Body.Slug, spec, b.Body)
		return b, nil
	})
	type listInput struct {
		testInput

		List string `path:"list"`
	}
	register(s, api, op(http.MethodPost, "/api/catalog/sources/options/{list}", "list-source-options", "Load a pick-list of a source's form, before it is saved", nil), func(ctx context.Context, in *listInput) (*body[page[connector.Option]], error) {
		options, err := s.sourceOptions(ctx, &in.testInput, in.List)
		return &body[page[connector.Option]]{page[connector.Option]{Items: options, Total: len(options)}}, err
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

// sourceOptions loads a pick-list by the settings that a person is writing; they need not be complete.
func (s *Server) sourceOptions(ctx context.Context, in *testInput, list string) ([]connector.Option, error) {
	spec := &source.Spec{Type: in.Body.Type, Configuration: in.Body.Configuration, Tunnel: in.Body.Tunnel}
	if err := s.Resources.Fill(ctx, scope(ctx), "source", in.Body.Slug, spec); err != nil {
		return nil, err
	}
	src, err := s.openDraft(ctx, *spec, nil)
	if err != nil {
		return nil, err
	}
	defer src.Close() //nolint:errcheck // reading is done
	lister, ok := src.(connector.SourceOptionLister)
	if !ok {
		return nil, notFound("the source has no pick-list %q", list)
	}
	options, err := lister.ListOptions(ctx, list)
	if options == nil {
		options = []connector.Option{}
	}
	return options, err
}

// openSource opens a source with its secrets in place.
func (s *Server) openSource(ctx context.Context, spec source.Spec, learned connector.State) (connector.Source, error) {
	info, err := s.Registry.Source(spec.Type)
	if err != nil {
		return nil, err
	}
	if err := connector.Settings(spec.Configuration).Check("spec.configuration", info.Fields, nil).Err(); err != nil {
		return nil, err
	}
	return s.openDraft(ctx, spec, learned)
}

// openDraft opens a source whose settings may lack something.
func (s *Server) openDraft(ctx context.Context, spec source.Spec, learned connector.State) (connector.Source, error) {
	dir := filepath.Join(s.Dir, "source", "preview")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(err, fault.CodeStorage, "making a folder")
	}
	return s.Connections.Source(ctx, who(ctx).WorkspaceID, spec, connector.SourceOptions{Dir: dir, State: learned, Log: s.Log})
}

func (s *Server) sourceBySlug(ctx context.Context, slug string) (connector.Source, resource.Document, error) {
	d, err := s.Resources.Resolve(ctx, scope(ctx), "source", slug)
	if err != nil {
		return nil, d, err
	}
	src, err := s.openSource(ctx, *d.Spec.(*source.Spec), s.State.Of(who(ctx).WorkspaceID, d.Kind, d.ID)) //nolint:forcetypeassert // a source's spec
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
		spec := &destination.Spec{Type: in.Body.Type, Configuration: in.Body.Configuration, Tunnel: in.Body.Tunnel}
		b := s.try(ctx, func(ctx context.Context) error {
			if err := s.Resources.Fill(ctx, scope(ctx), "destination", in.Body.Slug, spec); err != nil {
				return err
			}
			learned, err := s.learned(ctx, "destination", in.Body.Slug)
			if err != nil {
				return err
			}
			d, err := s.openDestination(ctx, *spec, learned)
			if err != nil {
				return err
			}
			defer d.Close() //nolint:errcheck // the test's result matters
			return d.Test(ctx)
		})
		s.noteTest(ctx, "destination", in.Body.Slug, spec, b.Body)
		return b, nil
	})
	type listInput struct {
		testInput

		List string `path:"list"`
	}
	register(s, api, op(http.MethodPost, "/api/catalog/destinations/options/{list}", "list-destination-options", "Load a pick-list of a destination's form, before it is saved", nil), func(ctx context.Context, in *listInput) (*body[page[connector.Option]], error) {
		options, err := s.destinationOptions(ctx, &in.testInput, in.List)
		return &body[page[connector.Option]]{page[connector.Option]{Items: options, Total: len(options)}}, err
	})
	register(s, api, op(http.MethodPost, "/api/destinations/{slug}/options/{list}", "list-options", "Load a pick-list of a sync's form", nil), func(ctx context.Context, in *draftInput) (*body[page[connector.Option]], error) {
		d, job, err := s.draft(ctx, in.Slug, in.Body.Spec)
		if err != nil {
			return nil, err
		}
		defer d.Close() //nolint:errcheck // reading is done
		options, err := listOptions(ctx, d, in.List, job)
		return &body[page[connector.Option]]{page[connector.Option]{Items: options, Total: len(options)}}, err
	})
	register(s, api, op(http.MethodPost, "/api/destinations/{slug}/forms/{list}", "list-form", "Load the form of a sync's setting that only the destination knows", nil), func(ctx context.Context, in *draftInput) (*body[page[connector.Field]], error) {
		d, job, err := s.draft(ctx, in.Slug, in.Body.Spec)
		if err != nil {
			return nil, err
		}
		defer d.Close() //nolint:errcheck // reading is done
		lister, ok := d.(connector.FormLister)
		if !ok {
			return nil, notFound("the destination has no form %q", in.List)
		}
		fields, err := lister.ListForm(ctx, in.List, job)
		return &body[page[connector.Field]]{page[connector.Field]{Items: append([]connector.Field{}, fields...), Total: len(fields)}}, err
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

// destinationOptions loads a pick-list by the settings that a person is writing. Nobody is asked before they are enough
// for it: then the list is empty.
func (s *Server) destinationOptions(ctx context.Context, in *testInput, list string) ([]connector.Option, error) {
	spec := &destination.Spec{Type: in.Body.Type, Configuration: in.Body.Configuration, Tunnel: in.Body.Tunnel}
	if err := s.Resources.Fill(ctx, scope(ctx), "destination", in.Body.Slug, spec); err != nil {
		return nil, err
	}
	info, err := s.Registry.Destination(spec.Type)
	if err != nil {
		return nil, err
	}
	if !info.Lists(list) {
		return nil, notFound("the form of %s has no pick-list %q", info.Name, list)
	}
	if !info.Listable(spec.Configuration) {
		return []connector.Option{}, nil
	}
	learned, err := s.learned(ctx, "destination", in.Body.Slug)
	if err != nil {
		return nil, err
	}
	d, err := s.openDestinationDraft(ctx, *spec, learned)
	if err != nil {
		return nil, err
	}
	defer d.Close() //nolint:errcheck // reading is done
	return listOptions(ctx, d, list, connector.SyncJob{})
}

// listOptions loads a pick-list of a destination.
func listOptions(ctx context.Context, d connector.Destination, list string, job connector.SyncJob) ([]connector.Option, error) {
	lister, ok := d.(connector.OptionLister)
	if !ok {
		return nil, notFound("the destination has no pick-list %q", list)
	}
	options, err := lister.ListOptions(ctx, list, job)
	if options == nil {
		options = []connector.Option{}
	}
	return options, err
}

// learned is what runs have learned of a saved connection; nil for one that is not saved.
func (s *Server) learned(ctx context.Context, kind, slug string) (connector.State, error) {
	if slug == "" {
		return nil, nil //nolint:nilnil // a connector copes without
	}
	doc, err := s.Resources.Get(ctx, scope(ctx), kind, slug)
	return s.State.Of(who(ctx).WorkspaceID, kind, doc.ID), err
}

func (s *Server) openDestination(ctx context.Context, spec destination.Spec, learned connector.State) (connector.Destination, error) {
	info, err := s.Registry.Destination(spec.Type)
	if err != nil {
		return nil, err
	}
	if err := connector.Settings(spec.Configuration).Check("spec.configuration", info.Fields, nil).Err(); err != nil {
		return nil, err
	}
	return s.openDestinationDraft(ctx, spec, learned)
}

// openDestinationDraft opens a destination whose settings may lack something.
func (s *Server) openDestinationDraft(ctx context.Context, spec destination.Spec, learned connector.State) (connector.Destination, error) {
	dir := filepath.Join(s.Dir, "destination", "preview")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(err, fault.CodeStorage, "making a folder")
	}
	return s.Connections.Destination(ctx, who(ctx).WorkspaceID, spec, connector.DestinationOptions{Dir: dir, State: learned, Clock: s.Clock, Log: s.Log})
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
	d, err := s.openDestination(ctx, spec, s.State.Of(who(ctx).WorkspaceID, doc.Kind, doc.ID))
	if err != nil {
		return nil, connector.SyncJob{}, err
	}
	job := connector.SyncJob{Type: draft.Type, Mode: draft.Mode, Delete: draft.Delete, Settings: draft.Settings, Match: draft.Match}
	if t, err := info.SyncType(draft.Type); err == nil {
		job.Type, job.Settings = t.Slug, connector.Settings(draft.Settings).WithDefaults(t.Fields)
	}
	return d, job, nil
}
