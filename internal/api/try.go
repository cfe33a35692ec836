package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/mapping"
	"github.com/millrace/millrace/internal/template"
	"github.com/millrace/millrace/internal/value"
)

// FunctionList is what a template may use.
type FunctionList struct {
	Items     []template.Function `json:"items" nullable:"false"`
	Groups    []string            `json:"groups" nullable:"false" doc:"of the functions, in their order"`
	Variables []string            `json:"variables" nullable:"false" doc:"of context, as context.name"`
}

// TriedBody is what a mapping makes of one row.
type TriedBody struct {
	Row   int           `json:"row" doc:"from 0"`
	Rows  int           `json:"rows" doc:"how many can be tried"`
	Value value.Value   `json:"value"`
	Type  string        `json:"type" enum:"null,boolean,number,string,bytes,timestamp,date,object,array" doc:"of the value"`
	Error *TriedProblem `json:"error,omitempty" doc:"why there is no value"`
}

// TriedProblem is why a mapping makes no value of a row.
type TriedProblem struct {
	ErrorInfo

	Line   int `json:"line,omitempty" doc:"of the template, from 1"`
	Column int `json:"column,omitempty" doc:"of the template, from 1, in characters"`
}

// ArraysBody is what a sync may expand.
type ArraysBody struct {
	Items     []ArrayBody `json:"items" nullable:"false"`
	Available bool        `json:"available" doc:"the source uses the Lightning engine, which alone expands arrays"`
}

// ArrayBody is a column that holds arrays of plain values.
type ArrayBody struct {
	Column  string `json:"column"`
	Element string `json:"element" doc:"the column of the elements, where a sync expands this one"`
}

type tryInput struct {
	Slug string `path:"slug"`
	Body struct {
		Mapping sync.Mapping `json:"mapping"`
		Row     int          `json:"row,omitempty" minimum:"0" doc:"which of the model's first rows, from 0"`
		Sync    string       `json:"sync,omitempty" doc:"the sync whose variables are used"`
		Refresh bool         `json:"refresh,omitempty" doc:"read the rows anew"`
		Expand  string       `json:"arrayExpansionSourceColumn,omitempty" doc:"the rows are the elements of this column's arrays"`
	}
}

func (s *Server) tries(api huma.API) {
	register(s, api, op(http.MethodGet, "/api/templates/functions", "list-template-functions", "List what a template may use", nil), func(context.Context, *struct{}) (*body[FunctionList], error) {
		return &body[FunctionList]{FunctionList{template.Functions(), template.Groups, mapping.ContextNames}}, nil
	})
	register(s, api, op(http.MethodGet, "/api/models/{slug}/properties", "list-properties", "List the properties that a model's first rows have in columns of objects and lists", nil), func(ctx context.Context, in *struct {
		Slug    string `path:"slug"`
		Refresh bool   `query:"refresh"`
	}) (*body[page[PropertyBody]], error) {
		sample, _, err := s.sample(ctx, in.Slug, "", in.Refresh)
		if err != nil {
			return nil, err
		}
		all := propertyBodies(sample.Properties())
		return &body[page[PropertyBody]]{page[PropertyBody]{Items: all, Total: len(all)}}, nil
	})
	register(s, api, op(http.MethodGet, "/api/models/{slug}/arrays", "list-arrays", "List the columns whose arrays a sync can expand, as the model's first rows show", nil), func(ctx context.Context, in *slugInput) (*body[ArraysBody], error) {
		b, err := s.arrays(ctx, in.Slug)
		return &body[ArraysBody]{b}, err
	})
	register(s, api, op(http.MethodPost, "/api/models/{slug}/try", "try-mapping", "Map one of a model's first rows with one mapping", nil), func(ctx context.Context, in *tryInput) (*body[TriedBody], error) {
		b, err := s.tryMapping(ctx, in)
		return &body[TriedBody]{b}, err
	})
}

// arrays lists the columns of a model that hold arrays.
func (s *Server) arrays(ctx context.Context, slug string) (ArraysBody, error) {
	sample, d, err := s.sample(ctx, slug, "", false)
	if err != nil {
		return ArraysBody{}, err
	}
	from, err := s.Resources.Get(ctx, scope(ctx), "source", d.Spec.(*model.Spec).Source) //nolint:forcetypeassert // a model's spec
	if err != nil {
		return ArraysBody{}, err
	}
	b := ArraysBody{Items: []ArrayBody{}, Available: from.Spec.(*source.Spec).Engine == connector.EngineLightning} //nolint:forcetypeassert // a source's spec
	for _, name := range sample.Arrays() {
		b.Items = append(b.Items, ArrayBody{name, sync.ElementColumn(name)})
	}
	return b, nil
}

// tryMapping maps a row. What is wrong with the mapping or the row is a part of the answer.
func (s *Server) tryMapping(ctx context.Context, in *tryInput) (TriedBody, error) {
	sample, d, err := s.sample(ctx, in.Slug, in.Body.Expand, in.Body.Refresh)
	if err != nil {
		return TriedBody{}, err
	}
	vars := &mapping.Variables{ModelID: d.ID, ModelName: d.Name, Now: s.Clock.Now()}
	if in.Body.Sync != "" {
		doc, err := s.Resources.Get(ctx, scope(ctx), "sync", in.Body.Sync)
		if err != nil {
			return TriedBody{}, err
		}
		vars.SyncID = doc.ID
	}
	b := TriedBody{Row: in.Body.Row, Rows: len(sample.Rows)}
	v, err := sample.Try(in.Body.Mapping, in.Body.Row, vars)
	if err != nil {
		b.Error = &TriedProblem{ErrorInfo: s.failureOf(ctx, err).Info}
		if at, ok := errors.AsType[*template.At](err); ok {
			b.Error.Line, b.Error.Column = at.Line, at.Column
		}
	}
	b.Value, b.Type = v, v.Parsed().Kind().String()
	return b, nil
}
