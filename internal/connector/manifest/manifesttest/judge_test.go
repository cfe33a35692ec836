package manifesttest

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const description = `openapi: 3.0.1
info: {title: Example, version: "1"}
servers: [{url: "https://api.example.com/v1"}]
paths:
  /people/{id}:
    put:
      parameters: [{in: path, name: id, required: true, schema: {type: string}}]
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [name]
              properties: {name: {type: string}, age: {type: integer}, tags: {type: object, additionalProperties: {type: object}}}
      responses: {"200": {description: fine}}
    delete:
      parameters:
        - {in: path, name: id, required: true, schema: {type: string}}
        - {in: header, name: Trace, required: true, schema: {type: string}}
        - {in: query, name: why, required: true, schema: {type: string}}
      responses: {"200": {description: fine}}
`

// A request that a description does not allow is told; what the description gets wrong is spared, and nothing else.
func TestJudge(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "example.yaml"), []byte(description), 0o600); err != nil {
		t.Fatal(err)
	}
	noTrace := []Except{{Request: "DELETE /people/*", Parameter: "Trace"}}
	spare := []Except{{Request: "PUT /people/*", At: "/tags"}}
	for _, c := range []struct {
		name, method, path, body string
		except                   []Except
		want                     string
	}{
		{"good", "PUT", "/v1/people/1", `{"name": "Ann"}`, nil, ""},
		{"no such path", "PUT", "/v1/persons/1", `{"name": "Ann"}`, nil, "no matching operation"},
		{"no such method", "POST", "/v1/people/1", `{"name": "Ann"}`, nil, "method not allowed"},
		{"missing", "PUT", "/v1/people/1", `{"age": 3}`, nil, `property "name" is missing`},
		{"type", "PUT", "/v1/people/1", `{"name": "Ann", "age": "3"}`, nil, "/age"},
		{"other prefix", "PUT", "/v2/people/1", `{}`, nil, "no description knows the address"},
		{"spared", "PUT", "/v1/people/1", `{"name": "Ann", "tags": {"a": "b"}}`, spare, ""},
		{"not spared", "PUT", "/v1/people/1", `{"tags": {"a": "b"}}`, spare, `property "name" is missing`},
		{"parameter", "DELETE", "/v1/people/1?why=x", "", nil, `"Trace" in header`},
		{"spared parameter", "DELETE", "/v1/people/1?why=x", "", noTrace, ""},
		{"other parameter", "DELETE", "/v1/people/1", "", noTrace, `"why" in query`},
		{"spared whole", "PUT", "/v1/people/1", `{}`, []Except{{Request: "PUT /people/*"}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			j, err := newJudge(dir, []Spec{{File: "example.yaml", Prefix: "/v1", Except: c.except}})
			if err != nil {
				t.Fatal(err)
			}
			r, err := http.NewRequestWithContext(t.Context(), c.method, "http://vendor"+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			got := j.Problem(r, []byte(c.body))
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

const googles = `{
  "kind": "discovery#restDescription", "discoveryVersion": "v1", "servicePath": "",
  "parameters": {"fields": {"location": "query", "type": "string"}},
  "schemas": {
    "Person": {"id": "Person", "type": "object", "properties": {
      "id": {"type": "string", "readOnly": true}, "name": {"type": "string"}, "kind": {"type": "string", "enum": ["FRIEND", "FOE"]},
      "friends": {"type": "array", "items": {"$ref": "Person"}}, "labels": {"type": "object", "additionalProperties": {"type": "string"}}, "extra": {"type": "any"}}}
  },
  "resources": {"accounts": {"resources": {"people": {"methods": {
    "add": {"httpMethod": "POST", "path": "v1/{+parent}/people:add", "flatPath": "v1/accounts/{accountsId}/people:add",
      "parameters": {"parent": {"location": "path", "required": true, "type": "string"}}, "request": {"$ref": "Person"}},
    "list": {"httpMethod": "GET", "path": "v1/{+parent}/people", "flatPath": "v1/accounts/{accountsId}/people",
      "parameters": {"pageSize": {"location": "query", "type": "integer", "required": true}, "kinds": {"location": "query", "type": "string", "repeated": true}}}
  }}}}}
}`

// Google's own format of descriptions is read as well. What it does not name is not allowed.
func TestJudgeDiscovery(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "google.json"), []byte(googles), 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := newJudge(dir, []Spec{{File: "google.json", Base: "/v1", Except: []Except{{Request: "POST /token"}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, method, path, body, want string }{
		{"good", "POST", "/accounts/7/people:add", `{"name": "Ann", "kind": "FOE", "friends": [{"name": "Bo"}], "labels": {"a": "b"}, "extra": [1]}`, ""},
		{"query", "GET", "/accounts/7/people?pageSize=5&kinds=FOE&kinds=FRIEND&fields=name", "", ""},
		{"no body", "POST", "/accounts/7/people:add", "", "value is required"},
		{"unknown member", "POST", "/accounts/7/people:add", `{"friends": [{"nam": "Bo"}]}`, `"nam" is unsupported`},
		{"unknown value", "POST", "/accounts/7/people:add", `{"kind": "AUNT"}`, "/kind"},
		{"type", "POST", "/accounts/7/people:add", `{"labels": {"a": 1}}`, "/labels/a"},
		{"read only", "POST", "/accounts/7/people:add", `{"id": "1"}`, "readOnly"},
		{"missing parameter", "GET", "/accounts/7/people", "", `"pageSize" in query`},
		{"no such method", "POST", "/accounts/7/people:remove", `{}`, "no matching operation"},
		{"spared", "POST", "/token", "a=b", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, err := http.NewRequestWithContext(t.Context(), c.method, "http://vendor"+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			got := j.Problem(r, []byte(c.body))
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
