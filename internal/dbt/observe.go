package dbt

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/dbt/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/dbtproject"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/resource"
	"gopkg.in/yaml.v3"
)

// use is a sync whose model reads a node.
type use struct {
	sync     resource.Document
	model    resource.Document
	node     model.DBT
	disabled bool
}

// uses lists the syncs of models that read a project, by their slugs.
func (l Loader) uses(ctx context.Context, sc resource.Scope, project string) ([]use, error) {
	models, _, err := l.Documents.List(ctx, sc, "model", resource.Filter{Refs: map[string]string{dbtproject.KindName: project}})
	if err != nil {
		return nil, err
	}
	var all []use
	for _, m := range models {
		spec := m.Spec.(*model.Spec) //nolint:forcetypeassert // a model's spec
		syncs, _, err := l.Documents.List(ctx, sc, "sync", resource.Filter{Refs: map[string]string{"model": m.Slug}})
		if err != nil {
			return nil, err
		}
		for _, s := range syncs {
			all = append(all, use{s, m, *spec.DBT, s.Spec.(*sync.Spec).Disabled}) //nolint:forcetypeassert // a sync's spec
		}
	}
	slices.SortFunc(all, func(a, b use) int { return strings.Compare(a.sync.Slug, b.sync.Slug) })
	return all, nil
}

// Broken is a sync that a manifest would break.
type Broken struct {
	Sync     resource.Document
	Model    resource.Document
	Node     string
	Message  string
	Suggests string
}

// Check says which enabled syncs a manifest would break if it were loaded: their nodes are gone, renamed or moved to
// another package, or cannot be read any more as they are (DBT-09). Nothing is loaded.
func (l Loader) Check(ctx context.Context, sc resource.Scope, project string, r io.Reader) (broken []Broken, checked int, err error) {
	if _, err := l.Documents.Get(ctx, sc, dbtproject.KindName, project); err != nil {
		return nil, 0, err
	}
	all, err := l.uses(ctx, sc, project)
	if err != nil {
		return nil, 0, err
	}
	wanted := map[string]bool{}
	for _, u := range all {
		wanted[u.node.Node] = true
	}
	found := map[string]manifest.Node{}
	_, err = manifest.Read(&counted{from: r, ctx: ctx}, func(n manifest.Node) error {
		if wanted[n.ID] {
			found[n.ID] = n
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	broken = []Broken{}
	for _, u := range all {
		if u.disabled {
			continue
		}
		checked++
		if err := breaks(found, u.node); err != nil {
			e := fault.As(err)
			broken = append(broken, Broken{u.sync, u.model, u.node.Node, e.Error(), e.Hint()})
		}
	}
	return broken, checked, nil
}

func breaks(found map[string]manifest.Node, m model.DBT) error {
	n, there := found[m.Node]
	if !there {
		return fault.New(fault.CodeDBTModel, "the project has no %q any more", m.Node).
			WithSuggestion("Bring it back, or let the model read another one first.")
	}
	_, err := n.Query(m.Read)
	return err
}

// ExposuresFile is what the exposures of a project are best called.
const ExposuresFile = "millrace_sync_exposures.yml"

// exposures is a properties file of dbt. https://docs.getdbt.com/docs/build/exposures
type exposures struct {
	Version   int        `yaml:"version"`
	Exposures []exposure `yaml:"exposures"`
}

type exposure struct {
	Name        string         `yaml:"name"`
	Label       string         `yaml:"label"`
	Type        string         `yaml:"type"`
	URL         string         `yaml:"url,omitempty"`
	Description string         `yaml:"description,omitempty"`
	DependsOn   []string       `yaml:"depends_on"`
	Owner       map[string]any `yaml:"owner"`
}

// notName is what the name of an exposure must not have.
var notName = regexp.MustCompile(`[^a-z0-9_]+`)

// Exposures writes the enabled syncs that read models of a project as exposures, so that dbt's documentation and
// lineage show them (DBT-10). The same syncs make the same file. Analyses are left out: dbt has no reference to them.
func (l Loader) Exposures(ctx context.Context, sc resource.Scope, project, public string) (string, error) {
	d, err := l.Documents.Get(ctx, sc, dbtproject.KindName, project)
	if err != nil {
		return "", err
	}
	all, err := l.uses(ctx, sc, project)
	if err != nil {
		return "", err
	}
	file := exposures{Version: 2, Exposures: []exposure{}}
	for _, u := range all {
		n, found, err := l.Store.Node(ctx, sc.WorkspaceID, d.ID, u.node.Node)
		if err != nil {
			return "", err
		}
		if u.disabled || !found || n.Type != manifest.TypeModel {
			continue
		}
		spec := u.sync.Spec.(*sync.Spec) //nolint:forcetypeassert // a sync's spec
		file.Exposures = append(file.Exposures, exposure{
			Name: "millrace_" + notName.ReplaceAllString(u.sync.Slug, "_"), Label: u.sync.Name, Type: "application", URL: public + "/syncs/" + u.sync.Slug,
			Description: fmt.Sprintf("Millrace sends the rows of the model %s to the destination %s.", u.model.Name, spec.Destination),
			DependsOn:   []string{reference(n)}, Owner: map[string]any{"name": "Millrace", "email": u.sync.CreatedBy},
		})
	}
	var b bytes.Buffer
	b.WriteString("# Written by Millrace from its syncs. Changes are lost when it is written again.\n")
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(file); err != nil {
		return "", fmt.Errorf("writing exposures: %w", err)
	}
	return b.String(), nil
}

// reference is how dbt refers to a model. https://docs.getdbt.com/reference/dbt-jinja-functions/ref
func reference(n manifest.Node) string {
	if n.Version != "" {
		return fmt.Sprintf("ref('%s', '%s', v=%s)", n.Package, n.Name, n.Version)
	}
	return fmt.Sprintf("ref('%s', '%s')", n.Package, n.Name)
}
