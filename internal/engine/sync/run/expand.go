package run

import (
	"context"
	"slices"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/plan/lightning"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/model"
	kindsync "github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// occurrenceColumn numbers the elements that an array has more than once. The planner alone sees it.
const occurrenceColumn = "_millrace_occurrence"

// expanded is the bundle as its sync sees it: where it expands an array, the element is the key (SY-89).
func (b Bundle) expanded() Bundle {
	if element := b.SyncSpec.Element(); element != "" {
		b.ModelKey, b.ModelSpec.PrimaryKey = b.ModelSpec.PrimaryKey, element
	}
	return b
}

// checkEngine refuses to expand an array anywhere else than in the warehouse (SY-90).
func (b Bundle) checkEngine() error {
	if b.SyncSpec.Expand == "" || b.SourceSpec.Engine == connector.EngineLightning {
		return nil
	}
	return fault.New(fault.CodeInvalid, "the sync expands the arrays in %q, which only the Lightning engine does", b.SyncSpec.Expand).
		WithPath("spec.arrayExpansionSourceColumn").
		WithSuggestion("Choose the Lightning engine in the source %q, or match rows by a column that is no array.", b.Source.Slug)
}

// Elements returns the query whose rows are those of a model's query once for each element of an array column, and
// the columns that they have; key is the model's primary key. What an array has twice is one row.
func Elements(ctx context.Context, src connector.Source, q connector.Query, array, key string) (connector.Query, value.Schema, error) {
	return elements(ctx, src, q, array, key, "")
}

// elements is Elements; with a name for it, every element is a row, and its occurrence in its array a further column,
// which is not among those that are returned.
func elements(ctx context.Context, src connector.Source, q connector.Query, array, key, occurrence string) (connector.Query, value.Schema, error) {
	w, ok := src.(connector.Warehouse)
	if !ok {
		return q, nil, fault.New(fault.CodeInvalid, "the source has no engine %q, which expands the arrays in %q", connector.EngineLightning, array)
	}
	if why := w.Dialect().Lacks(query.ConstructElements); why != "" {
		return q, nil, fault.New(fault.CodeInvalid, "the arrays in %q cannot be expanded: %s", array, why)
	}
	columns, err := lightning.Describe(ctx, w, q)
	if err != nil {
		return q, nil, err
	}
	x, err := expansion(columns, array, key)
	if err != nil {
		return q, nil, err
	}
	out := q
	out.SQL = w.Dialect().Expand(q.SQL, columns.Names(), x)
	described, err := lightning.Describe(ctx, w, out)
	x.Occurrence = occurrence
	out.SQL = w.Dialect().Expand(q.SQL, columns.Names(), x)
	return out, described, err
}

// expansion checks the array's column against those that the model's query has today.
func expansion(columns value.Schema, array, key string) (query.Expansion, error) {
	at := columns.Index(array)
	if at < 0 {
		return query.Expansion{}, fault.New(fault.CodeMappingColumn, "Unknown field name: the model has no column %q, whose arrays are expanded", array)
	}
	x := query.Expansion{Column: array, Kind: query.ArrayOf(columns[at].Type, columns[at].Native), Key: key, Element: kindsync.ElementColumn(array)}
	switch {
	case x.Kind == query.NoArray:
		return x, fault.New(fault.CodeMapping, "the column %q, whose arrays are expanded, has the type %s, which holds no array of plain values", array, columns[at].Native)
	case columns.Index(x.Element) >= 0:
		return x, fault.New(fault.CodeMapping, "the model has a column %q, which is the name of the elements of %q", x.Element, array)
	case columns.Index(key) < 0:
		return x, fault.New(fault.CodeModelKey, "the model has no column %q, which is its primary key", key)
	}
	return x, nil
}

// withColumn is the bundle whose model knows the column of the elements.
func (b Bundle) withColumn(schema value.Schema) Bundle {
	if at := schema.Index(b.SyncSpec.Element()); at >= 0 {
		c := schema[at]
		b.ModelSpec.Columns = append(slices.Clip(b.ModelSpec.Columns), model.Column{Name: c.Name, Type: c.Type, Native: c.Native})
	}
	return b
}
