package dbt

import (
	"context"

	"github.com/millrace/millrace/internal/dbt/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/dbtproject"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/resource"
)

// Documents finds projects.
type Documents interface {
	Get(ctx context.Context, sc resource.Scope, kind, slug string) (resource.Document, error)
}

var _ Documents = (*resource.Store)(nil)

// Resolver finds for models what their projects' manifests say.
type Resolver struct {
	Store     *Store
	Documents Documents
}

// Find returns the node that a model of the method dbt is about. A project without a manifest, and a node that is gone,
// are errors that say what to do.
func (r Resolver) Find(ctx context.Context, sc resource.Scope, m model.DBT) (manifest.Node, error) {
	d, err := r.Documents.Get(ctx, sc, dbtproject.KindName, m.Project)
	if err != nil {
		return manifest.Node{}, err
	}
	n, found, err := r.Store.Node(ctx, sc.WorkspaceID, d.ID, m.Node)
	if err != nil || found {
		return n, err
	}
	loaded, ok, err := r.Store.Manifest(ctx, sc.WorkspaceID, d.ID)
	switch {
	case err != nil:
		return n, err
	case !ok:
		return n, fault.New(fault.CodeDBTMissing, "no manifest of the dbt project %q was loaded yet", d.Name)
	default:
		return n, fault.New(fault.CodeDBTModel, "the manifest of the dbt project %q that was loaded on %s has no %q", d.Name, loaded.LoadedAt.UTC().Format("2006-01-02 15:04 UTC"), m.Node).
			WithSuggestion("It was removed, renamed or disabled in dbt. Choose another one in the model, or bring it back.")
	}
}

// Resolve returns a model with what its project says of its node. What is wrong with the project or the node is an error
// of the model's query, not of the resolving.
func (r Resolver) Resolve(ctx context.Context, sc resource.Scope, m model.Spec) (model.Spec, error) {
	if m.Method != model.MethodDBT || m.DBT == nil {
		return m, nil
	}
	n, err := r.Find(ctx, sc, *m.DBT)
	if err != nil {
		if known(err) {
			return m.Found("", err), nil
		}
		return m, err
	}
	return m.Found(n.Query(m.DBT.Read)), nil
}

// known reports whether an error is about the project or the node.
func known(err error) bool {
	return fault.Is(err, fault.CodeDBTMissing) || fault.Is(err, fault.CodeDBTModel) || fault.Is(err, fault.CodeNotFound)
}

// Describe fills in the descriptions that a node's columns have in the project, in the place of the warehouse's.
func Describe(n manifest.Node, columns []model.Column) {
	for i, c := range columns {
		if d := n.Describe(c.Name); d != "" {
			columns[i].Description = d
		}
	}
}
