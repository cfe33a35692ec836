package elasticsearch_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// specsEnv names the folder with the vendors' descriptions of their APIs, one folder for each.
const specsEnv = "MILLRACE_VENDOR_SPECS"

// description is Elastic's OpenAPI description, where there is one to look at.
type description struct {
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas    map[string]schema    `json:"schemas"`
		Parameters map[string]parameter `json:"parameters"`
	} `json:"components"`
}

type operation struct {
	Parameters []parameter `json:"parameters"`
}

type parameter struct {
	Ref  string `json:"$ref"`
	Name string `json:"name"`
	In   string `json:"in"`
}

type schema struct {
	Ref        string            `json:"$ref"`
	AllOf      []schema          `json:"allOf"`
	Properties map[string]schema `json:"properties"`
}

func describe(t *testing.T) *description {
	t.Helper()
	folder := os.Getenv(specsEnv)
	if folder == "" {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(folder, "elasticsearch", "es-serverless.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d description
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

// unlisted are paths that the description at hand leaves out, and parameters that every path takes.
// https://www.elastic.co/docs/reference/elasticsearch/rest-apis/common-options
var (
	unlistedPaths = []string{"/{index}/_msearch", "/_alias", "/_security/_authenticate"}
	commonQuery   = []string{"filter_path", "format"}
)

// check compares a request with the description.
func (d *description) check(t *testing.T, r *http.Request, body []byte) {
	t.Helper()
	if d == nil {
		return
	}
	path := r.URL.Path
	if parts := strings.Split(strings.Trim(path, "/"), "/"); len(parts) == 2 && !strings.HasPrefix(parts[0], "_") {
		path = "/{index}/" + parts[1]
	}
	if slices.Contains(unlistedPaths, path) {
		return
	}
	op, known := d.Paths[path][strings.ToLower(r.Method)]
	if !known {
		t.Errorf("the description has no %s %s", r.Method, path)
	}
	for name := range r.URL.Query() {
		if !slices.Contains(commonQuery, name) && !slices.ContainsFunc(op.Parameters, func(p parameter) bool { return d.resolve(p).Name == name && d.resolve(p).In == "query" }) {
			t.Errorf("%s %s has no parameter %q", r.Method, path, name)
		}
	}
	if strings.HasSuffix(path, "/_bulk") {
		d.checkBulk(t, string(body))
	}
}

func (d *description) resolve(p parameter) parameter {
	if p.Ref != "" {
		return d.Components.Parameters[strings.TrimPrefix(p.Ref, "#/components/parameters/")]
	}
	return p
}

// members are the properties of a schema and of those that it takes in.
func (d *description) members(s schema) map[string]schema {
	all := map[string]schema{}
	if s.Ref != "" {
		s = d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	for _, part := range s.AllOf {
		maps.Copy(all, d.members(part))
	}
	maps.Copy(all, s.Properties)
	return all
}

// checkBulk looks at the members of the action lines and of what follows them.
func (d *description) checkBulk(t *testing.T, body string) {
	t.Helper()
	container := d.members(schema{Ref: "#/components/schemas/_global.bulk.OperationContainer"})
	update := d.members(schema{Ref: "#/components/schemas/_global.bulk.UpdateAction"})
	source := false
	for line := range strings.Lines(body) {
		var object map[string]json.RawMessage
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Errorf("a line is no JSON object: %v", err)
		}
		for name, member := range object {
			if source {
				if _, known := update[name]; !known {
					t.Errorf("an update has no member %q", name)
				}
				continue
			}
			action, known := container[name]
			if !known {
				t.Errorf("there is no action %q", name)
			}
			var meta map[string]json.RawMessage
			if err := json.Unmarshal(member, &meta); err != nil {
				t.Error(err)
			}
			for member := range meta {
				if _, known := d.members(action)[member]; !known {
					t.Errorf("the action %q has no member %q", name, member)
				}
			}
		}
		_, deletes := object["delete"]
		source = !source && !deletes
	}
}

// TestVendorDescription says whether requests were compared with the vendor's description.
func TestVendorDescription(t *testing.T) {
	t.Parallel()
	if os.Getenv(specsEnv) == "" {
		t.Skip("requests are not compared with Elastic's description: name the folder of descriptions in " + specsEnv)
	}
	d := describe(t)
	if len(d.members(schema{Ref: "#/components/schemas/_global.bulk.UpdateOperation"})) == 0 || len(d.Paths) == 0 {
		t.Error("the description has no bulk API")
	}
}
