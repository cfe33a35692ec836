package manifesttest

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// discovery is a description in Google's own format.
// https://developers.google.com/discovery/v1/reference/apis
type discovery struct {
	ServicePath string                    `json:"servicePath"`
	Parameters  map[string]map[string]any `json:"parameters"`
	Schemas     map[string]any            `json:"schemas"`
	resource
}

type resource struct {
	Methods   map[string]call     `json:"methods"`
	Resources map[string]resource `json:"resources"`
}

type call struct {
	Path       string                    `json:"path"`
	FlatPath   string                    `json:"flatPath"`
	HTTPMethod string                    `json:"httpMethod"`
	Parameters map[string]map[string]any `json:"parameters"`
	Request    map[string]any            `json:"request"`
}

// inPath is a part of a path that a request fills in.
var inPath = regexp.MustCompile(`\{\+?(\w+)\}`)

// readDiscovery makes an OpenAPI description of one of Google's. Objects have no members that it does not name: Google
// refuses those.
func readDiscovery(text []byte) (*openapi3.T, error) {
	var d discovery
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, err //nolint:wrapcheck // the caller names the file
	}
	paths := map[string]map[string]any{}
	d.each(func(c call) {
		path := c.FlatPath
		if path == "" {
			path = c.Path
		}
		path = "/" + d.ServicePath + inPath.ReplaceAllString(path, "{$1}")
		if paths[path] == nil {
			paths[path] = map[string]any{}
		}
		paths[path][strings.ToLower(c.HTTPMethod)] = c.operation(path, d.Parameters)
	})
	schemas := map[string]any{}
	for name, s := range d.Schemas {
		schemas[name] = schema(s)
	}
	text, err := json.Marshal(map[string]any{
		"openapi": "3.0.3", "info": map[string]any{"title": "Google", "version": "1"},
		"paths": paths, "components": map[string]any{"schemas": schemas},
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller names the file
	}
	return openapi3.NewLoader().LoadFromData(text) //nolint:wrapcheck // the caller names the file
}

// each visits the methods of a resource and of those below it.
func (r resource) each(visit func(call)) {
	for _, c := range r.Methods {
		visit(c)
	}
	for _, below := range r.Resources {
		below.each(visit)
	}
}

// operation is the method as OpenAPI has it.
func (c call) operation(path string, everywhere map[string]map[string]any) map[string]any {
	var parameters []any
	for _, m := range inPath.FindAllStringSubmatch(path, -1) {
		parameters = append(parameters, map[string]any{"name": m[1], "in": "path", "required": true, "schema": map[string]any{"type": "string"}})
	}
	for _, all := range []map[string]map[string]any{everywhere, c.Parameters} {
		for name, p := range all {
			if p["location"] == "query" {
				parameters = append(parameters, map[string]any{"name": name, "in": "query", "required": p["required"] == true, "schema": repeated(p)})
			}
		}
	}
	o := map[string]any{"parameters": parameters, "responses": map[string]any{"200": map[string]any{"description": "good"}}}
	if c.Request != nil {
		o["requestBody"] = map[string]any{"required": true, "content": map[string]any{"application/json": map[string]any{"schema": schema(c.Request)}}}
	}
	return o
}

// repeated is the schema of a parameter, which may be given more than once.
func repeated(p map[string]any) any {
	s := schema(p)
	if p["repeated"] == true {
		return map[string]any{"type": "array", "items": s}
	}
	return s
}

// schema is a schema as OpenAPI has it.
func schema(from any) any {
	s, ok := from.(map[string]any)
	if !ok {
		return from
	}
	if ref, ok := s["$ref"].(string); ok {
		return map[string]any{"$ref": "#/components/schemas/" + ref}
	}
	to := map[string]any{}
	for _, word := range []string{"type", "enum", "readOnly"} {
		if v, given := s[word]; given && v != "any" {
			to[word] = v
		}
	}
	if s["type"] == "array" {
		to["items"] = schema(s["items"])
	}
	if s["type"] != "object" {
		return to
	}
	members := map[string]any{}
	named, _ := s["properties"].(map[string]any)
	for name, m := range named {
		members[name] = schema(m)
	}
	to["properties"], to["additionalProperties"] = members, false
	if others, given := s["additionalProperties"]; given {
		to["additionalProperties"] = schema(others)
	}
	return to
}
