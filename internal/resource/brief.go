package resource

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// Brief is what tells a document from others, for choosing among many.
type Brief struct {
	ID       int64
	Slug     string
	Name     string
	Revision int64
	Disabled bool // its spec says so, where the kind has that
}

// Briefs lists every document that a filter chooses, in its order.
func (s *Store) Briefs(ctx context.Context, sc Scope, kind string, f Filter) ([]Brief, error) {
	k, err := s.kinds.Kind(kind)
	if err != nil {
		return nil, err
	}
	var briefs []Brief
	disabled := "coalesce(json_extract(d.spec, '$.disabled'), FALSE)"
	if s.db.IsPostgres() {
		disabled = "coalesce((d.spec::jsonb ->> 'disabled')::boolean, FALSE)"
	}
	q := s.db.NewSelect().TableExpr("documents AS d").ColumnExpr("id, slug, name, revision, ? AS disabled", bun.Safe(disabled)).
		Where("workspace_id = ?", sc.WorkspaceID).Where("kind = ?", k.Name)
	if err := f.apply(q, sc.WorkspaceID, s.db.IsPostgres()); err != nil {
		return nil, err
	}
	if err := q.Scan(ctx, &briefs); err != nil {
		return nil, fmt.Errorf("listing %s: %w", k.Plural, err)
	}
	return briefs, nil
}

// LabelCount is a label with the number of documents that have it.
type LabelCount struct {
	Name  string
	Value string
	N     int
}

// ActorCount is a person with the number of documents that the person made.
type ActorCount struct {
	Actor string
	N     int
}

// Facets are what documents of a kind can be chosen by.
type Facets struct {
	Labels   []LabelCount
	Creators []ActorCount
}

// Facets returns what documents of a kind can be chosen by.
func (s *Store) Facets(ctx context.Context, sc Scope, kind string) (Facets, error) {
	k, err := s.kinds.Kind(kind)
	if err != nil {
		return Facets{}, err
	}
	var f Facets
	each := "json_each(d.labels)"
	if s.db.IsPostgres() {
		each = "jsonb_each_text(d.labels::jsonb)"
	}
	err = s.db.NewRaw(`SELECT l.key AS name, l.value AS value, count(*) AS n FROM documents AS d, ? AS l
		WHERE d.workspace_id = ? AND d.kind = ? GROUP BY l.key, l.value ORDER BY l.key, l.value`, bun.Safe(each), sc.WorkspaceID, k.Name).Scan(ctx, &f.Labels)
	if err != nil {
		return f, fmt.Errorf("counting the labels of %s: %w", k.Plural, err)
	}
	err = s.db.NewRaw(`SELECT created_by AS actor, count(*) AS n FROM documents WHERE workspace_id = ? AND kind = ? GROUP BY created_by ORDER BY created_by`,
		sc.WorkspaceID, k.Name).Scan(ctx, &f.Creators)
	if err != nil {
		return f, fmt.Errorf("counting who made %s: %w", k.Plural, err)
	}
	return f, nil
}
