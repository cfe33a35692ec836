package resource

import (
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
)

// orders are the columns that lists are sorted by. Names sort alike in both databases, whatever their letters' case.
var orders = map[string][]string{
	"name": {"lower(name)", "name"}, "slug": {"slug"}, "id": {}, "createdAt": {"created_at"}, "updatedAt": {"updated_at"},
}

func (f Filter) apply(q *bun.SelectQuery, postgres bool) error {
	if f.Search != "" {
		like := "%" + escaped(strings.ToLower(f.Search)) + "%"
		q.Where(`(lower(name) LIKE ? ESCAPE '\' OR slug LIKE ? ESCAPE '\')`, like, like)
	}
	for column, v := range map[string]string{"name": f.Name, "slug": f.Slug, "created_by": f.CreatedBy} {
		if v != "" {
			q.Where("? = ?", bun.Ident(column), v)
		}
	}
	if folder := strings.Trim(f.Folder, "/"); folder != "" {
		q.Where(`(folder = ? OR folder LIKE ? ESCAPE '\')`, folder, escaped(folder)+"/%")
	}
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
	if f.Type != "" {
		typed := "json_extract(d.spec, '$.type') = ?"
		if postgres {
			typed = "(d.spec::jsonb ->> 'type') = ?"
		}
		q.Where(typed, f.Type)
	}
	for kind, slug := range f.Refs {
		q.Where(refers, kind, slug, kind, slug)
	}
	if f.Limit > 0 {
		q.Limit(int64(f.Limit))
	}
	if f.Offset > 0 {
		q.Offset(int64(f.Offset))
	}
	return f.order(q)
}

// refers finds the documents that refer to one, or to one that refers to it: a sync's source is its model's.
const refers = `d.id IN (SELECT r.from_id FROM document_refs AS r WHERE r.workspace_id = d.workspace_id AND (
	r.to_kind = ? AND r.to_slug = ? OR EXISTS (
		SELECT 1 FROM document_refs AS r2 JOIN documents AS m ON m.id = r2.from_id
		WHERE r2.workspace_id = d.workspace_id AND r2.to_kind = ? AND r2.to_slug = ? AND m.kind = r.to_kind AND m.slug = r.to_slug
		AND NOT (m.kind = 'destination' AND r2.to_kind = 'source'))))`

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
		return fault.New(fault.CodeInvalid, "there is no order by %q; there are name, slug, id, createdAt and updatedAt", by).WithPath("sort")
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
