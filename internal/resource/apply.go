package resource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sort"

	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
)

// Desired is a document as a file says it should be.
type Desired struct {
	Kind string
	Write
}

// Applied is what became of one desired document.
type Applied struct {
	Kind    string
	Slug    string
	Action  string // created, updated, unchanged
	Changes []Change
}

// Change is one field that differs. Secrets show only that they change.
type Change struct {
	Path string
	From any
	To   any
}

// errDryRun rolls a trial back.
var errDryRun = errors.New("this was a trial")

// Apply makes documents as they are desired, all of them or none, in the order of their kinds. With dryRun it
// does the same and takes it back, so that the answer tells every error and every change.
func (s *Store) Apply(ctx context.Context, sc Scope, desired []Desired, dryRun bool) ([]Applied, error) {
	order := make([]int, len(desired))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool {
		return s.kinds.order(desired[order[a]].Kind) < s.kinds.order(desired[order[b]].Kind)
	})
	results := make([]Applied, len(desired))
	err := s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		for _, i := range order {
			a, err := s.applyOne(ctx, tx, sc, desired[i])
			if err != nil {
				return InDocument(desired[i], err)
			}
			results[i] = a
		}
		if dryRun {
			return errDryRun
		}
		return nil
	})
	if err != nil && !errors.Is(err, errDryRun) {
		return nil, err
	}
	return results, nil
}

// InDocument says in which document an error is.
func InDocument(d Desired, err error) error {
	name := d.Kind + " " + d.Slug
	if issues, ok := errors.AsType[fault.Issues](err); ok {
		named := make(fault.Issues, len(issues))
		for i, e := range issues {
			named[i] = e.WithPath(name + ": " + e.Path)
		}
		return named
	}
	e := fault.As(err)
	return e.WithPath(name + ": " + e.Path)
}

func (s *Store) applyOne(ctx context.Context, tx bun.Tx, sc Scope, d Desired) (Applied, error) {
	k, err := s.kinds.Kind(d.Kind)
	if err != nil {
		return Applied{}, err
	}
	if d.Slug == "" {
		return Applied{}, fault.New(fault.CodeRequired, "a document that is applied needs a slug").WithPath("metadata.slug")
	}
	row, _, err := s.locked(ctx, tx, sc, k.Name, d.Slug)
	if fault.Is(err, fault.CodeNotFound) {
		made, err := s.create(ctx, tx, sc, k, d.Write)
		if err != nil {
			return Applied{}, err
		}
		changes, err := compare(k, nil, made)
		return Applied{Kind: k.Name, Slug: made.Slug, Action: "created", Changes: changes}, err
	}
	if err != nil {
		return Applied{}, err
	}
	return s.applyChange(ctx, tx, sc, k, row, d)
}

func (s *Store) applyChange(ctx context.Context, tx bun.Tx, sc Scope, k Kind, row documentRow, d Desired) (Applied, error) {
	old, err := row.document(k)
	if err != nil {
		return Applied{}, err
	}
	spec, err := k.Decode(d.Spec)
	if err != nil {
		return Applied{}, err
	}
	carry(k, spec, storedAt(k, old.Spec))
	next := old
	next.Name, next.Folder, next.Labels, next.Spec = d.Name, cleanPath(d.Folder), d.Labels, spec
	same, err := s.sameSecrets(ctx, tx, sc, k, spec, old.Spec)
	if err != nil {
		return Applied{}, err
	}
	changes, err := compare(k, &old, next)
	if err != nil {
		return Applied{}, err
	}
	if !same {
		changes = append(changes, Change{Path: "spec (secrets)", From: "stored", To: "changed"})
	}
	if len(changes) == 0 {
		return Applied{Kind: k.Name, Slug: row.Slug, Action: "unchanged"}, nil
	}
	if _, err := s.update(ctx, tx, sc, k, row, d.Write); err != nil {
		return Applied{}, err
	}
	return Applied{Kind: k.Name, Slug: row.Slug, Action: "updated", Changes: changes}, nil
}

// sameSecrets reports whether the secrets of a desired spec are the stored ones.
func (s *Store) sameSecrets(ctx context.Context, tx bun.Tx, sc Scope, k Kind, spec, old any) (bool, error) {
	if k.Secrets == nil {
		return true, nil
	}
	stored := storedAt(k, old)
	desired := map[string]string{}
	k.Secrets(spec, func(p Place) {
		if text, ok := p.Value.(string); ok && text != "" {
			desired[p.Path] = text
		}
	})
	for path, text := range desired {
		var sealed string
		if stored[path] == "" {
			return false, nil
		}
		if err := tx.NewSelect().Table("secrets").Column("sealed").Where("id = ?", stored[path]).Where("workspace_id = ?", sc.WorkspaceID).Scan(ctx, &sealed); err != nil {
			return false, fmt.Errorf("reading a secret: %w", err)
		}
		if now, err := s.key.Open(purpose(sc), sealed); err != nil || now != text {
			return false, err
		}
	}
	return true, nil
}

// compare lists the fields in which two documents differ.
func compare(k Kind, old *Document, next Document) ([]Change, error) {
	was := map[string]any{}
	if old != nil {
		var err error
		if was, err = flatten(k, *old); err != nil {
			return nil, err
		}
	}
	is, err := flatten(k, next)
	if err != nil {
		return nil, err
	}
	paths := map[string]bool{}
	for p := range was {
		paths[p] = true
	}
	for p := range is {
		paths[p] = true
	}
	var changes []Change
	for p := range paths {
		if !reflect.DeepEqual(was[p], is[p]) {
			changes = append(changes, Change{Path: p, From: was[p], To: is[p]})
		}
	}
	sort.Slice(changes, func(i, j int) bool { return changes[i].Path < changes[j].Path })
	return changes, nil
}

// flatten returns a document's leaves by path, every secret as set.
func flatten(k Kind, d Document) (map[string]any, error) {
	text, err := encode(d.Spec)
	if err != nil {
		return nil, err
	}
	spec := k.New()
	if err := json.Unmarshal([]byte(text), spec); err != nil {
		return nil, fmt.Errorf("reading a spec: %w", err)
	}
	if k.Secrets != nil {
		k.Secrets(spec, func(p Place) {
			if p.Value != nil && p.Value != "" {
				p.Set(secretSet)
			}
		})
	}
	if text, err = encode(spec); err != nil {
		return nil, err
	}
	var tree any
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		return nil, fmt.Errorf("reading a spec: %w", err)
	}
	leaves := map[string]any{"metadata.name": d.Name}
	if d.Folder != "" {
		leaves["metadata.folder"] = d.Folder
	}
	for name, v := range d.Labels {
		leaves["metadata.labels."+name] = v
	}
	walk("spec", tree, leaves)
	return leaves, nil
}

func walk(path string, node any, leaves map[string]any) {
	switch n := node.(type) {
	case map[string]any:
		for name, v := range n {
			walk(path+"."+name, v, leaves)
		}
	case []any:
		for i, v := range n {
			walk(fmt.Sprintf("%s[%d]", path, i), v, leaves)
		}
	default:
		if node != nil {
			leaves[path] = node
		}
	}
}
