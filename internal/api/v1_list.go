package api

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/resource"
)

// v1Orders are what lists can be sorted by.
var v1Orders = []string{"id", "name", "slug", "createdAt", "updatedAt"}

func (s *Server) v1List(ctx context.Context, r *http.Request, kind string) (any, error) {
	documents, limit, err := s.v1Documents(ctx, r.URL.Query(), kind)
	if err != nil {
		return nil, err
	}
	p := v1Page{Data: []any{}}
	for i, d := range documents {
		if i == limit {
			p.HasMore = true
			break
		}
		b, err := s.v1Document(ctx, r, d)
		if err != nil {
			return nil, err
		}
		p.Data = append(p.Data, b)
	}
	return p, nil
}

// v1Documents returns the documents of a page and, where there are more, one of the next.
func (s *Server) v1Documents(ctx context.Context, q url.Values, kind string) (documents []resource.Document, limit int, err error) {
	f := resource.Filter{Name: q.Get("name"), Slug: q.Get("slug"), Sort: "id", Refs: map[string]string{}}
	if by := q.Get("orderBy"); slices.Contains(v1Orders, by) {
		f.Sort = by
	} else if by != "" && kind != "source" { // the contract has no 422 for lists of sources
		return nil, 0, fault.New(fault.CodeInvalid, "orderBy must be one of %s", strings.Join(v1Orders, ", ")).WithPath("orderBy")
	}
	f.Offset, limit = window(q)
	f.Limit = limit + 1
	switch kind {
	case "sync":
		f.Name = ""
		documents, err = s.v1Syncs(ctx, q, f)
		return documents, limit, err
	case "model":
		for _, tag := range q["tags"] {
			name, v, _ := strings.Cut(tag, ":")
			f.Labels = append(f.Labels, resource.Label{Name: name, Value: v})
		}
	}
	documents, _, err = s.Resources.List(ctx, scope(ctx), kind, f)
	return documents, limit, err
}

// v1Syncs lists syncs, where it is asked for those of a model or with a last run between two times.
func (s *Server) v1Syncs(ctx context.Context, q url.Values, f resource.Filter) ([]resource.Document, error) {
	after, before, err := span(q)
	if err != nil {
		return nil, err
	}
	if text := q.Get("modelId"); text != "" {
		id, _ := number(text)
		m, err := s.Resources.GetByID(ctx, scope(ctx), "model", id)
		if fault.Is(err, fault.CodeNotFound) {
			return nil, nil // an unknown model has no syncs
		}
		if err != nil {
			return nil, err
		}
		f.Refs["model"] = m.Slug
	}
	if after.IsZero() && before.IsZero() {
		documents, _, err := s.Resources.List(ctx, scope(ctx), "sync", f)
		return documents, err
	}
	return s.listSyncs(ctx, f, func(last *run.Run) bool {
		return last != nil && (after.IsZero() || last.CreatedAt.After(after)) && (before.IsZero() || last.CreatedAt.Before(before))
	})
}

// span reads the times that a list is limited to; zero where it is not.
func span(q url.Values) (after, before time.Time, err error) {
	if after, err = moment(q, "after"); err != nil {
		return after, before, err
	}
	before, err = moment(q, "before")
	return after, before, err
}

// moment reads a time; one whose + was not escaped has a space there.
func moment(q url.Values, name string) (time.Time, error) {
	text := strings.ReplaceAll(q.Get(name), " ", "+")
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fault.New(fault.CodeInvalid, "%s must be a time such as 2026-02-16T21:37:58.510Z", name).WithPath(name)
	}
	return t, nil
}
