package dbt

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/millrace/millrace/internal/dbt/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/dbtproject"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/resource"
)

// Loader takes manifests in: into the store, and what they say of columns into the models that read them.
type Loader struct {
	Store     *Store
	Documents *resource.Store
}

// Load reads the manifest of a project that somebody sends. One that is fetched would be replaced again.
func (l Loader) Load(ctx context.Context, sc resource.Scope, project string, r io.Reader) (Manifest, error) {
	d, err := l.Documents.Get(ctx, sc, dbtproject.KindName, project)
	if err != nil {
		return Manifest{}, err
	}
	if origin := d.Spec.(*dbtproject.Spec).Origin; origin != dbtproject.OriginManifest { //nolint:forcetypeassert // the kind's own spec
		return Manifest{}, fault.New(fault.CodeInvalid, "the manifest of this project is fetched, not loaded: its origin is %s", origin).
			WithSuggestion("Refresh the project with `millrace dbt refresh`, or choose the origin manifest.")
	}
	return l.take(ctx, sc, d, r)
}

// take reads a manifest, and tells who reads the project.
func (l Loader) take(ctx context.Context, sc resource.Scope, d resource.Document, r io.Reader) (Manifest, error) {
	m, err := l.Store.Load(ctx, Project{WorkspaceID: sc.WorkspaceID, ID: d.ID, Actor: sc.Actor}, r)
	if err != nil {
		return m, err
	}
	if err := l.Documents.Record(ctx, sc, d, "loaded", fmt.Sprintf("%d models and %d analyses of dbt %s", m.Models, m.Analyses, m.DBT)); err != nil {
		return m, err
	}
	return m, l.describe(ctx, sc, d.Slug)
}

// describe takes the columns' descriptions over into the models that read the project (M-14). Which columns they have,
// a refresh of the model tells.
func (l Loader) describe(ctx context.Context, sc resource.Scope, project string) error {
	models, _, err := l.Documents.List(ctx, sc, "model", resource.Filter{Refs: map[string]string{dbtproject.KindName: project}})
	if err != nil {
		return err
	}
	for _, d := range models {
		err := l.describeOne(ctx, sc, d)
		if fault.Is(err, fault.CodeStale) || known(err) {
			continue // somebody is changing it, or it has lost its node, which its status says
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l Loader) describeOne(ctx context.Context, sc resource.Scope, d resource.Document) error {
	spec := *d.Spec.(*model.Spec) //nolint:forcetypeassert // a model's spec
	n, err := Resolver{l.Store, l.Documents}.Find(ctx, sc, *spec.DBT)
	if err != nil {
		return err
	}
	before := spec.Columns
	spec.Columns = slices.Clone(before)
	Describe(n, spec.Columns)
	if slices.Equal(before, spec.Columns) {
		return nil
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return fmt.Errorf("encoding a model: %w", err)
	}
	_, err = l.Documents.Update(ctx, sc, "model", d.Slug, resource.Write{
		Name: d.Name, Folder: d.Folder, Labels: d.Labels, Revision: d.Revision, Spec: text, Summary: "descriptions from dbt", Action: "refreshed",
	})
	return err
}

// Way is one way to read a node.
type Way struct {
	Read  manifest.Access
	Error *fault.Error // why it is none
	Notes []string     // what to know before
}

// Ways lists the ways to read a node, whose code is in place.
func Ways(n manifest.Node) []Way {
	ways := make([]Way, len(manifest.Accesses))
	for i, a := range manifest.Accesses {
		ways[i] = Way{Read: a, Notes: []string{}}
		if _, err := n.Query(a); err != nil {
			ways[i].Error = fault.As(err)
			continue
		}
		ways[i].Notes = n.Notes(a)
	}
	return ways
}
