package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/resource"
)

// CloneBody is a model and the syncs that were cloned with it.
type CloneBody struct {
	Model DocumentBody   `json:"model"`
	Syncs []DocumentBody `json:"syncs" nullable:"false"`
}

// ClonedBody is CloneBody as the API's description has it.
type ClonedBody struct {
	Model ModelBody  `json:"model"`
	Syncs []SyncBody `json:"syncs" nullable:"false"`
}

type cloneInput struct {
	Slug string `path:"slug"`
	Body struct {
		Metadata WriteMetadata   `json:"metadata,omitzero" doc:"without a name: Copy of the model's, its folder and labels"`
		Spec     json.RawMessage `json:"spec,omitempty" doc:"of the new model; absent means that of the cloned one"`
		Syncs    []string        `json:"syncs,omitempty" doc:"slugs of the model's syncs to clone as well; their clones begin disabled"`
	}
}

func (s *Server) clones(api huma.API) {
	o := op(http.MethodPost, "/api/models/{slug}/clone", "clone-model", "Clone a model, and those of its syncs that are named", nil)
	o.DefaultStatus = http.StatusCreated
	o.Responses = map[string]*huma.Response{strconv.Itoa(http.StatusCreated): {
		Description: http.StatusText(http.StatusCreated),
		Content:     map[string]*huma.MediaType{"application/json": {Schema: api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[ClonedBody](), true, "")}},
	}}
	register(s, api, o, func(ctx context.Context, in *cloneInput) (*body[CloneBody], error) {
		b, err := s.clone(ctx, *in)
		return &body[CloneBody]{b}, err
	})
}

// clone makes a model after another one, and syncs after its syncs, all or none (M-16).
func (s *Server) clone(ctx context.Context, in cloneInput) (CloneBody, error) {
	b := CloneBody{Syncs: []DocumentBody{}}
	original, err := s.Resources.Get(ctx, scope(ctx), "model", in.Slug)
	if err != nil {
		return b, err
	}
	chosen, err := s.chosenSyncs(ctx, original, in.Body.Syncs)
	if err != nil {
		return b, err
	}
	w, err := s.clonedModel(ctx, original, in)
	if err != nil {
		return b, err
	}
	names, err := s.namesOf(ctx, "sync")
	if err != nil {
		return b, err
	}
	var made []resource.Document
	err = s.Resources.Together(ctx, scope(ctx), func(create resource.Creator) error {
		m, err := create("model", w)
		if err != nil {
			return err
		}
		made = append(made, m)
		for i, d := range chosen {
			c, err := cloneSync(create, d, m.Slug, names)
			if err != nil {
				return underPath(fmt.Sprintf("syncs[%d]", i), err)
			}
			made = append(made, c)
		}
		return nil
	})
	if err != nil {
		return b, err
	}
	bodies, err := s.bodies(ctx, made)
	if err != nil {
		return b, err
	}
	b.Model, b.Syncs = bodies[0], append(b.Syncs, bodies[1:]...)
	return b, nil
}

// chosenSyncs are the syncs that are to be cloned: they must be the model's own.
func (s *Server) chosenSyncs(ctx context.Context, original resource.Document, slugs []string) ([]resource.Document, error) {
	all, _, err := s.Resources.List(ctx, scope(ctx), "sync", resource.Filter{Refs: map[string]string{"model": original.Slug}})
	if err != nil {
		return nil, err
	}
	var issues fault.Issues
	var chosen []resource.Document
	for i, slug := range slugs {
		path := fmt.Sprintf("syncs[%d]", i)
		at := slices.IndexFunc(all, func(d resource.Document) bool { return d.Slug == slug })
		switch {
		case at < 0:
			issues.Add(path, fault.CodeBadReference, "the model %q has no sync %q", original.Slug, slug)
		case slices.Index(slugs, slug) != i:
			issues.Add(path, fault.CodeInvalid, "the sync %q is named twice", slug)
		default:
			chosen = append(chosen, all[at])
		}
	}
	return chosen, issues.Err()
}

// clonedModel is what the new model is made of: the original, unless the request says otherwise.
func (s *Server) clonedModel(ctx context.Context, original resource.Document, in cloneInput) (resource.Write, error) {
	m := in.Body.Metadata
	w := resource.Write{Name: m.Name, Slug: m.Slug, Folder: original.Folder, Labels: original.Labels, Spec: in.Body.Spec, Summary: "cloned from " + original.Slug}
	if m.Folder != nil {
		w.Folder = *m.Folder
	}
	if m.Labels != nil {
		w.Labels = m.Labels
	}
	if w.Spec == nil {
		text, err := json.Marshal(original.Spec)
		if err != nil {
			return w, fmt.Errorf("encoding a model: %w", err)
		}
		w.Spec = text
	}
	names, err := s.namesOf(ctx, "model")
	switch {
	case err != nil:
		return w, err
	case strings.TrimSpace(w.Name) == "":
		w.Name = copyName(original.Name, names)
	case names[strings.ToLower(w.Name)]:
		return w, fault.New(fault.CodeConflict, "there is a model called %q already", w.Name).WithPath("metadata.name").WithSuggestion("Choose another name for the clone.")
	}
	return w, nil
}

// cloneSync makes a sync like another one that reads from the model of a slug. It does not run by itself before a
// person has looked at it.
func cloneSync(create resource.Creator, original resource.Document, model string, names map[string]bool) (resource.Document, error) {
	spec := *original.Spec.(*sync.Spec) //nolint:forcetypeassert // a sync's spec
	spec.Model, spec.Disabled = model, true
	text, err := json.Marshal(spec)
	if err != nil {
		return resource.Document{}, fmt.Errorf("encoding a sync: %w", err)
	}
	return create("sync", resource.Write{
		Name: copyName(original.Name, names), Folder: original.Folder, Labels: original.Labels, Spec: text, Summary: "cloned from " + original.Slug,
	})
}

// namesOf returns the names of a kind's documents in lower case.
func (s *Server) namesOf(ctx context.Context, kind string) (map[string]bool, error) {
	all, _, err := s.Resources.List(ctx, scope(ctx), kind, resource.Filter{})
	names := make(map[string]bool, len(all))
	for _, d := range all {
		names[strings.ToLower(d.Name)] = true
	}
	return names, err
}

// longestName leaves room in a document's name for what a copy adds to it.
const longestName = 180

// copyName returns a name for a copy that nothing has yet, and notes it.
func copyName(name string, taken map[string]bool) string {
	base := "Copy of " + strings.ToValidUTF8(name[:min(len(name), longestName)], "")
	next := base
	for n := 2; taken[strings.ToLower(next)]; n++ {
		next = base + " " + strconv.Itoa(n)
	}
	taken[strings.ToLower(next)] = true
	return next
}

// underPath says in which part of a request an error is.
func underPath(part string, err error) error {
	if issues, ok := errors.AsType[fault.Issues](err); ok {
		under := make(fault.Issues, len(issues))
		for i, e := range issues {
			under[i] = e.WithPath(part + "." + e.Path)
		}
		return under
	}
	e := fault.As(err)
	return e.WithPath(strings.TrimSuffix(part+"."+e.Path, "."))
}
