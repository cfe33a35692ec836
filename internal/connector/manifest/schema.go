package manifest

import (
	"encoding/json"
	"reflect"
	"strings"
)

// Schema returns the JSON Schema (2020-12) of manifests, for editors.
func Schema() []byte {
	s := schemas{defs: map[string]any{}}
	root := s.of(reflect.TypeFor[Manifest]())
	doc := map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A destination of Millrace", "$ref": root["$ref"], "$defs": s.defs,
	}
	text, _ := json.MarshalIndent(doc, "", "  ") //nolint:errcheck,errchkjson // made of texts
	return append(text, '\n')
}

type schemas struct{ defs map[string]any }

// pieces are the types that read their own text.
var pieces = map[reflect.Type]map[string]any{
	reflect.TypeFor[Text]():     {"type": []string{"string", "number", "boolean", "null"}, "description": "A Liquid template."},
	reflect.TypeFor[Cond]():     {"type": []string{"string", "boolean"}, "description": "A condition, as in {% if %}."},
	reflect.TypeFor[Expr]():     {"type": []string{"string", "number"}, "description": "An expression, as in {{ }}."},
	reflect.TypeFor[Call]():     {"type": "string", "pattern": "^(GET|POST|PUT|PATCH|DELETE)\\s+\\S", "description": "A method and a path."},
	reflect.TypeFor[Duration](): {"type": "string", "pattern": "^[0-9]", "description": "A time such as 10s, 5m or 1h."},
	reflect.TypeFor[Tree]():     {"description": "A body: texts in it are templates."},
}

func (s schemas) of(t reflect.Type) map[string]any {
	if p, ok := pieces[t]; ok {
		return p
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Slice:
		return map[string]any{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		return s.structOf(t)
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	default:
		return map[string]any{}
	}
}

func (s schemas) structOf(t reflect.Type) map[string]any {
	ref := map[string]any{"$ref": "#/$defs/" + t.Name()}
	if _, done := s.defs[t.Name()]; done {
		return ref
	}
	s.defs[t.Name()] = nil // a type may contain itself
	properties := map[string]any{}
	var required []string
	for _, m := range members(t) {
		properties[m.name] = s.property(m)
		if m.required {
			required = append(required, m.name)
		}
	}
	def := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if required != nil {
		def["required"] = required
	}
	s.defs[t.Name()] = def
	return ref
}

func (s schemas) property(m member) map[string]any {
	p := map[string]any{}
	for k, v := range s.of(m.typ) {
		p[k] = v
	}
	if m.enum != nil {
		if items, list := p["items"].(map[string]any); list {
			inner := map[string]any{"enum": m.enum}
			for k, v := range items {
				inner[k] = v
			}
			p["items"] = inner
		} else {
			p["enum"] = m.enum
		}
	}
	p["description"] = strings.TrimSpace(m.doc)
	return p
}
