package resource

import (
	"maps"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// orders are the columns that lists are sorted by. Names sort alike in both databases, whatever their letters' case.
var orders = map[string][]string{
	"name": {"lower(name)", "name"}, "slug": {"slug"}, "id": {}, "createdAt": {"created_at"}, "updatedAt": {"updated_at"},
	"createdBy": {"created_by", "lower(name)"}, "folder": {"lower(folder)", "folder", "lower(name)"},
	"model": {named("model"), "lower(name)"}, "destination": {named("destination"), "lower(name)"}, "source": {named("source"), "lower(name)"},
}

// named is the name of the document of a kind that a document refers to.
func named(kind string) string {
	return `(SELECT min(lower(t.name)) FROM document_refs AS r JOIN documents AS t ON t.workspace_id = r.workspace_id AND t.kind = r.to_kind AND t.slug = r.to_slug
		WHERE r.from_id = d.id AND r.to_kind = '` + kind + `')`
}

func (f Filter) apply(q *bun.SelectQuery, workspaceID int64, postgres bool) error {
	if f.Search != "" {
		like := "%" + escaped(strings.ToLower(f.Search)) + "%"
		q.Where(`(lower(name) LIKE ? ESCAPE '\' OR slug LIKE ? ESCAPE '\')`, like, like)
	}
	for column, v := range map[string]string{"name": f.Name, "slug": f.Slug} {
		if v != "" {
			q.Where("? = ?", bun.Ident(column), v)
		}
	}
	if len(f.CreatedBy) > 0 {
		q.Where("created_by IN (?)", bun.List(f.CreatedBy))
	}
	if f.IDs != nil {
		q.Where("id IN (?)", bun.List(append([]int64{0}, f.IDs...))) // no document is 0; an empty list is no SQL
	}
	if folder := cleanPath(f.Folder); folder != "" {
		where, args := within("folder", folder)
		q.Where(where, args...)
	}
	f.labels(q, postgres)
	f.specs(q, workspaceID, postgres)
	if f.Limit > 0 {
		q.Limit(int64(f.Limit))
	}
	if f.Offset > 0 {
		q.Offset(int64(f.Offset))
	}
	return f.order(q)
}

func (f Filter) labels(q *bun.SelectQuery, postgres bool) {
	has := "EXISTS (SELECT 1 FROM json_each(d.labels) AS l WHERE l.key = ? AND l.value = ?)"
	if postgres {
		has = "coalesce((d.labels::jsonb ->> ?) = ?, FALSE)"
	}
	for _, l := range f.Labels {
		q.Where(has, l.Name, l.Value)
	}
	for _, l := range f.NotLabels {
		q.Where("NOT "+has, l.Name, l.Value)
	}
}

// specs chooses by what a spec says, and by what it refers to.
func (f Filter) specs(q *bun.SelectQuery, workspaceID int64, postgres bool) {
	for name, texts := range f.Fields {
		q.Where("? IN (?)", field("d.spec", name, postgres), bun.List(texts))
	}
	for kind, slug := range f.Refs {
		referring(q, workspaceID, kind, []string{slug})
	}
	for kind, slugs := range f.AnyRef {
		referring(q, workspaceID, kind, slugs)
	}
	for kind, types := range f.RefTypes {
		q.Where(refersType, kind, field("t.spec", "type", postgres), bun.List(types))
	}
}

// field is a text of a JSON document as an expression.
func field(column, name string, postgres bool) schema.QueryWithArgs {
	if postgres {
		return bun.SafeQuery("(?::jsonb ->> ?)", bun.Safe(column), name)
	}
	return bun.SafeQuery("json_extract(?, ?)", bun.Safe(column), "$."+name)
}

// refersType finds the documents that refer to one of a type.
const refersType = `EXISTS (SELECT 1 FROM document_refs AS r JOIN documents AS t ON t.workspace_id = r.workspace_id AND t.kind = r.to_kind AND t.slug = r.to_slug
	WHERE r.from_id = d.id AND r.to_kind = ? AND ? IN (?))`

// refers finds the documents that refer to one, or to one that refers to it: a sync's source is its model's. It depends on
// no row of the list, so that a database answers it once.
const refers = `d.id IN (
	SELECT r.from_id FROM document_refs AS r WHERE r.workspace_id = ? AND r.to_kind = ? AND r.to_slug IN (?)
	UNION
	SELECT r.from_id FROM document_refs AS r2 JOIN documents AS m ON m.id = r2.from_id
	JOIN document_refs AS r ON r.workspace_id = r2.workspace_id AND r.to_kind = m.kind AND r.to_slug = m.slug
	WHERE r2.workspace_id = ? AND r2.to_kind = ? AND r2.to_slug IN (?) AND NOT (m.kind = 'destination' AND r2.to_kind = 'source'))`

func referring(q *bun.SelectQuery, workspaceID int64, kind string, slugs []string) {
	q.Where(refers, workspaceID, kind, bun.List(slugs), workspaceID, kind, bun.List(slugs))
}

func (f Filter) order(q *bun.SelectQuery) error {
	by, direction := strings.TrimPrefix(f.Sort, "-"), "ASC"
	if strings.HasPrefix(f.Sort, "-") {
		direction = "DESC"
	}
	if by == "" {
		by = "name"
	}
	columns, known := orders[by]
	if !known {
		return fault.New(fault.CodeInvalid, "there is no order by %q; there are %s", by, strings.Join(slices.Sorted(maps.Keys(orders)), ", ")).WithPath("sort")
	}
	for _, c := range columns {
		q.OrderExpr("? "+direction, bun.Safe(c))
	}
	q.OrderExpr("id " + direction)
	return nil
}

var escapes = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// escaped is text as a pattern of LIKE takes it literally.
func escaped(text string) string { return escapes.Replace(text) }
