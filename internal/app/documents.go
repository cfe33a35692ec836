package app

import (
	"context"

	"github.com/millrace/millrace/internal/bi"
	"github.com/millrace/millrace/internal/dbt"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/resource"
)

// engineActor is who reads documents for runs and schedules.
const engineActor = "millrace"

// documents reads what runs execute.
type documents struct {
	store *resource.Store
	dbt   dbt.Resolver
	bi    *bi.Resolver
}

var _ run.Documents = documents{}

// Bundle returns the newest revisions of a sync and of what it refers to, with secrets in place.
func (d documents) Bundle(ctx context.Context, workspaceID, syncID int64) (b run.Bundle, err error) {
	sc := resource.Scope{WorkspaceID: workspaceID, Actor: engineActor}
	doc, err := d.store.GetByID(ctx, sc, "sync", syncID)
	if err != nil {
		return b, err
	}
	b.Sync, b.SyncSpec = meta(doc), *doc.Spec.(*sync.Spec) //nolint:forcetypeassert // the kind's own spec
	if doc, err = d.store.Resolve(ctx, sc, "model", b.SyncSpec.Model); err != nil {
		return b, err
	}
	b.Model, b.ModelSpec = meta(doc), *doc.Spec.(*model.Spec) //nolint:forcetypeassert // the kind's own spec
	if b.ModelSpec, err = d.dbt.Resolve(ctx, sc, b.ModelSpec); err != nil {
		return b, err
	}
	if b.ModelSpec.Method == model.MethodBI {
		if b.ModelSpec, err = d.bi.Resolve(ctx, sc, b.ModelSpec); err != nil {
			return b, err
		}
	}
	if doc, err = d.store.Resolve(ctx, sc, "source", b.ModelSpec.Source); err != nil {
		return b, err
	}
	b.Source, b.SourceSpec = meta(doc), *doc.Spec.(*source.Spec) //nolint:forcetypeassert // the kind's own spec
	if doc, err = d.store.Resolve(ctx, sc, "destination", b.SyncSpec.Destination); err != nil {
		return b, err
	}
	b.Destination, b.DestinationSpec = meta(doc), *doc.Spec.(*destination.Spec) //nolint:forcetypeassert // the kind's own spec
	return b, nil
}

// source returns the newest revision of a source, with its secrets in place.
func (d documents) source(ctx context.Context, workspaceID, id int64) (resource.Document, error) {
	sc := resource.Scope{WorkspaceID: workspaceID, Actor: engineActor}
	doc, err := d.store.GetByID(ctx, sc, "source", id)
	if err != nil {
		return doc, err
	}
	return d.store.Resolve(ctx, sc, "source", doc.Slug)
}

// Source returns a source with its secrets in place.
func (d documents) Source(ctx context.Context, workspaceID, id int64) (run.Meta, source.Spec, error) {
	doc, err := d.source(ctx, workspaceID, id)
	if err != nil {
		return run.Meta{}, source.Spec{}, err
	}
	return meta(doc), *doc.Spec.(*source.Spec), nil //nolint:forcetypeassert // the kind's own spec
}

func meta(d resource.Document) run.Meta {
	return run.Meta{ID: d.ID, Slug: d.Slug, Name: d.Name, Revision: d.Revision}
}
