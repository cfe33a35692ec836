package elasticsearch

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// property is one field of a mapping.
// https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/field-data-types
type property struct {
	Type       string              `json:"type"`
	Properties map[string]property `json:"properties"`
	Fields     map[string]property `json:"fields"` // the same value, indexed in other ways
}

// mapping is the fields of an index by their full names.
type mapping map[string]property

// mapping asks for the fields of an index, or of all indices of an alias.
func (d *destination) mapping(ctx context.Context, index string) (mapping, error) {
	var byIndex map[string]struct {
		Mappings property `json:"mappings"`
	}
	if err := d.do(ctx, request{method: http.MethodGet, path: []string{index, "_mapping"}}, &byIndex); err != nil {
		return nil, err
	}
	if len(byIndex) == 0 {
		return nil, noIndex(index)
	}
	m := mapping{}
	for _, name := range slices.Sorted(maps.Keys(byIndex)) {
		m.add("", byIndex[name].Mappings.Properties)
	}
	return m, nil
}

func noIndex(index string) *fault.Error {
	return fault.New(fault.CodeDestinationSchema, "there is no index or alias %q", index).WithPath("spec.settings.index").
		WithSuggestion("Create the index at the server, or choose another one.")
}

// add collects properties under their full names.
func (m mapping) add(prefix string, properties map[string]property) {
	for name, p := range properties {
		m[prefix+name] = p
		m.add(prefix+name+".", p.Properties)
	}
}

// searched returns the name by which documents are searched for a field's whole value.
func (m mapping) searched(field string) (string, error) {
	p, known := m[field]
	switch {
	case !known:
		return field, nil // nothing has it yet
	case p.exact():
		return field, nil
	}
	for _, name := range slices.Sorted(maps.Keys(p.Fields)) {
		if p.Fields[name].Type == "keyword" {
			return field + "." + name, nil
		}
	}
	return "", fault.New(fault.CodeDestinationSchema, "documents cannot be found by the field %q of the type %s, whose values are not indexed as a whole", field, p.Type).
		WithPath("spec.match").WithSuggestion("Match by _id, or by a field of the type keyword, or add a keyword to the field's mapping (fields).")
}

// exactTypes are those whose values a term query compares as a whole.
// https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-term-query
var exactTypes = []string{
	"keyword", "constant_keyword", "wildcard", "boolean", "long", "integer", "short", "byte", "unsigned_long", "double", "float", "half_float", "scaled_float",
	"date", "date_nanos", "ip", "version",
}

func (p property) exact() bool { return slices.Contains(exactTypes, p.Type) }

func (m mapping) targetFields() []connector.TargetField {
	fields := []connector.TargetField{{Name: idField, Label: "Document ID", Type: "string", Native: idField, Match: true, ReadOnly: true}}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		p := m[name]
		_, err := m.searched(name)
		f := connector.TargetField{Name: name, Type: p.typeName(), Native: p.Type, Match: err == nil, ReadOnly: p.Type == "alias"}
		if f.Native == "" {
			f.Native = "object" // the type is left out of a mapping where there are properties
		}
		fields = append(fields, f)
	}
	return fields
}

func (p property) typeName() string {
	switch p.Type {
	case "boolean":
		return "boolean"
	case "long", "integer", "short", "byte", "unsigned_long", "double", "float", "half_float", "scaled_float":
		return "number"
	case "date", "date_nanos":
		return "timestamp"
	case "", "object", "nested", "flattened":
		return "object"
	case "text", "keyword", "constant_keyword", "wildcard", "match_only_text", "ip", "version", "binary":
		return "string"
	default:
		return "unknown"
	}
}
