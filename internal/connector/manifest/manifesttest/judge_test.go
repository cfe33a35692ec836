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
