package run

import (
	"context"
	"slices"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/plan/lightning"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/model"
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

// expand changes the query of the bundle's model, and tells the columns that it has then. The occurrence column, which
// is the last one, is not among them; without occurrences there is none.
func (b Bundle) expand(ctx context.Context, w connector.Warehouse, q *connector.Query, columns value.Schema, occurrences bool) (value.Schema, error) {
	if b.SyncSpec.Expand == "" {
		return columns, nil
	}
	x, err := b.expansion(columns)
	if err != nil {
		return nil, err
	}
	sql := q.SQL
	q.SQL = w.Dialect().Expand(sql, columns.Names(), x)
	schema, err := lightning.Describe(ctx, w, *q)
	if occurrences {
		x.Occurrence = occurrenceColumn
		q.SQL = w.Dialect().Expand(sql, columns.Names(), x)
	}
	return schema, err
}

// expansion checks the column against those that the model's query has today.
func (b Bundle) expansion(columns value.Schema) (query.Expansion, error) {
	name := b.SyncSpec.Expand
	at := columns.Index(name)
	if at < 0 {
		return query.Expansion{}, fault.New(fault.CodeMappingColumn, "Unknown field name: the model has no column %q, whose arrays are expanded", name)
	}
	x := query.Expansion{Column: name, Kind: query.ArrayOf(columns[at].Type, columns[at].Native), Key: b.ModelKey, Element: b.SyncSpec.Element()}
	switch {
	case x.Kind == query.NoArray:
		return x, fault.New(fault.CodeMapping, "the column %q, whose arrays are expanded, has the type %s, which holds no array of plain values", name, columns[at].Native)
	case columns.Index(x.Element) >= 0:
		return x, fault.New(fault.CodeMapping, "the model has a column %q, which is the name of the elements of %q", x.Element, name)
	case columns.Index(x.Key) < 0:
		return x, fault.New(fault.CodeModelKey, "the model has no column %q, which is its primary key", x.Key)
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
