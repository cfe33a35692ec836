package manifest

import (
	"encoding/json"
	"maps"
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
	reflect.TypeFor[Cond]():     {"type": []string{"string", "boolean", "array"}, "items": map[string]any{"type": []string{"string", "boolean"}}, "description": "A condition, as in {% if %}, or a list of conditions that must all hold."},
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
	maps.Copy(p, s.of(m.typ))
	if m.enum != nil {
		if items, list := p["items"].(map[string]any); list {
			inner := map[string]any{"enum": m.enum}
			maps.Copy(inner, items)
			p["items"] = inner
		} else {
			p["enum"] = m.enum
		}
	}
	p["description"] = strings.TrimSpace(m.doc)
	return p
}

// Part is one object of the language, for the reference.
type Part struct {
	Name  string
	Words []Word
}

// Word is one member of an object.
type Word struct {
	Name, Takes, Doc string
	Required         bool
}

// Words lists the objects of the language, each after the first one that has it.
func Words() []Part {
	var parts []Part
	seen := map[reflect.Type]bool{}
	var visit func(t reflect.Type)
	visit = func(t reflect.Type) {
		if seen[t] {
			return
		}
		seen[t] = true
		part := Part{Name: t.Name()}
		var inner []reflect.Type
		for _, m := range members(t) {
			part.Words = append(part.Words, Word{Name: m.name, Takes: takes(m), Doc: m.doc, Required: m.required})
			if i := elementOf(m.typ); i.Kind() == reflect.Struct && pieces[i] == nil {
				inner = append(inner, i)
			}
		}
		parts = append(parts, part)
		for _, i := range inner {
			visit(i)
		}
	}
	visit(reflect.TypeFor[Manifest]())
	return parts
}

// elementOf is what a list, a table or a pointer is of.
func elementOf(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	return t
}

// pieceWords are what the types that read their own text are called.
var pieceWords = map[reflect.Type]string{
	reflect.TypeFor[Text](): "template", reflect.TypeFor[Cond](): "condition", reflect.TypeFor[Expr](): "expression",
	reflect.TypeFor[Call](): "method and path", reflect.TypeFor[Duration](): "time", reflect.TypeFor[Tree](): "body",
}

// takes says in words what a member holds.
func takes(m member) string {
	e := elementOf(m.typ)
	word := pieceWords[e]
	switch {
	case word != "":
	case m.enum != nil:
		word = strings.Join(m.enum, ", ")
	case e.Kind() == reflect.Struct:
		word = "[" + e.Name() + "](#" + strings.ToLower(e.Name()) + ")"
	case e.Kind() == reflect.Interface:
		word = "any value"
	default:
		word = map[reflect.Kind]string{reflect.String: "text", reflect.Bool: "true or false", reflect.Int: "whole number", reflect.Float64: "number"}[e.Kind()]
	}
	switch m.typ.Kind() {
	case reflect.Slice:
		return "list: " + word
	case reflect.Map:
		return "by name: " + word
	default:
		return word
	}
}
