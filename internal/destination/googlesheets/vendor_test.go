package googlesheets_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// discovery is Google's description of an API.
// https://developers.google.com/discovery/v1/reference/apis
type discovery struct {
	Parameters map[string]any      `json:"parameters"`
	Schemas    map[string]*schema  `json:"schemas"`
	Resources  map[string]resource `json:"resources"`
}

type resource struct {
	Methods   map[string]method   `json:"methods"`
	Resources map[string]resource `json:"resources"`
}

type method struct {
	HTTP       string             `json:"httpMethod"`
	Path       string             `json:"path"`
	Parameters map[string]*schema `json:"parameters"`
	Request    *schema            `json:"request"`
}

type schema struct {
	Ref        string             `json:"$ref"`
	Type       string             `json:"type"`
	Enum       []string           `json:"enum"`
	Properties map[string]*schema `json:"properties"`
	Items      *schema            `json:"items"`
}

func (d *discovery) methods() []method {
	var all []method
	var walk func(map[string]resource)
	walk = func(resources map[string]resource) {
		for _, r := range resources {
			for _, m := range r.Methods {
				all = append(all, m)
			}
			walk(r.Resources)
		}
	}
	walk(d.Resources)
	return all
}

// verb is what follows the last colon of a path, where it is no part of a range.
func verb(path string) string {
	last := path[strings.LastIndexByte(path, ':')+1:]
	if last == path || last == "" || last[0] < 'a' || last[0] > 'z' {
		return ""
	}
	return last
}

// fits reports whether a path is one of a template's, such as v4/spreadsheets/{id}/values/{range}:append.
func fits(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(strings.TrimPrefix(path, "/"), "/")
	if len(want) != len(got) || verb(template) != verb(path) {
		return false
	}
	for i := range want {
		if !strings.Contains(want[i], "{") && want[i] != got[i] {
			return false
		}
	}
	return true
}

// check reports what is wrong with a request.
func (d *discovery) check(s seen) error {
	for _, m := range d.methods() {
		if m.HTTP != s.method || !fits(m.Path, s.path) {
			continue
		}
		return d.checkMethod(m, s)
	}
	return errors.New("no method has the path")
}

func (d *discovery) checkMethod(m method, s seen) error {
	query, err := url.ParseQuery(s.query)
	if err != nil {
		return err
	}
	for name, values := range query {
		p := m.Parameters[name]
		if p == nil && d.Parameters[name] == nil {
			return fmt.Errorf("the parameter %s is not known", name)
		}
		if p != nil && len(p.Enum) > 0 && !slices.Contains(p.Enum, values[0]) {
			return fmt.Errorf("the parameter %s cannot be %s", name, values[0])
		}
	}
	if (m.Request == nil) != (s.body == "") {
		return fmt.Errorf("a body is %v", m.Request != nil)
	}
	if m.Request == nil {
		return nil
	}
	var body any
	if err := json.Unmarshal([]byte(s.body), &body); err != nil {
		return err
	}
	return d.value(m.Request, body, "body")
}

func (d *discovery) value(s *schema, v any, at string) error {
	if s.Ref != "" {
		s = d.Schemas[s.Ref]
	}
	switch v := v.(type) {
	case map[string]any:
		if s.Type == "any" {
			return nil
		}
		for name, member := range v {
			p := s.Properties[name]
			if p == nil {
				return fmt.Errorf("%s has no member %s", at, name)
			}
			if err := d.value(p, member, at+"."+name); err != nil {
				return err
			}
		}
	case []any:
		if s.Type != "array" {
			return fmt.Errorf("%s is a %s", at, s.Type)
		}
		for _, item := range v {
			if err := d.value(s.Items, item, at+"[]"); err != nil {
				return err
			}
		}
	case string:
		if s.Type != "string" && s.Type != "any" || len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
			return fmt.Errorf("%s, a %s, cannot be %q", at, s.Type, v)
		}
	case float64:
		if s.Type != "integer" && s.Type != "number" && s.Type != "any" {
			return fmt.Errorf("%s is a %s", at, s.Type)
		}
	case bool:
		if s.Type != "boolean" && s.Type != "any" {
			return fmt.Errorf("%s is a %s", at, s.Type)
		}
	}
	return nil
}

// TestVendor proves that every request is one that Google describes.
func TestVendor(t *testing.T) {
	t.Parallel()
	specs := os.Getenv("MILLRACE_VENDOR_SPECS")
	if specs == "" {
		t.Skip("MILLRACE_VENDOR_SPECS does not name the folder of vendors' API descriptions: requests are not compared with Google's")
	}
	text, err := os.ReadFile(filepath.Join(specs, "google-sheets", "sheets-v4.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d discovery
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	g := newGoogle(t, newBook("b", "Book", "Data"))
	g.page("b", "Data").rows, g.page("b", "Data").columns = 3, 4
	client := small(t, g, 60)
	var rows [][]value.Value
	for i := range 12 {
		rows = append(rows, texts(i, "=1", nil))
	}
	for _, settings := range [][]any{{"overflow", true}, {"valueInput", "USER_ENTERED"}, {"range", "A1:C9", "header", false}} {
		job := jobOf("b", connector.ModeAll, columnsOf("id", "name", "note"), settings...)
		n := len(rows)
		if settings[0] != "overflow" {
			n = 5
		}
		s := begin(t, client, job)
		for i, row := range rows[:n] {
			if _, err := write(t, s, strconv.Itoa(i), row); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Finish(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	run(t, client, jobOf("b", connector.ModeInsert, columnsOf("x", "y", "z"), "header", false), rows[0])
	run(t, client, jobOf("b", connector.ModeSnapshot, columnsOf("id", "name", "note")), rows[0])
	kinds := map[string]bool{}
	for _, s := range g.seen {
		if !strings.HasPrefix(s.path, "/v4/") {
			continue
		}
		kinds[s.is()] = true
		if err := d.check(s); err != nil {
			t.Errorf("%s %s?%s: %v\n%s", s.method, s.path, s.query, err, s.body)
		}
	}
	for _, kind := range []string{"read", "write", "change", "append"} {
		if !kinds[kind] {
			t.Errorf("there was no %s", kind)
		}
	}
	if d.check(seen{"POST", "/v4/spreadsheets/b:batchUpdate", "", `{"requests":[{"addSheet":{"properties":{"name":"x"}}}]}`}) == nil || d.check(seen{"PUT", "/v4/spreadsheets/b/values/A1", "valueInputOption=raw", `{"values":[]}`}) == nil {
		t.Error("the comparison finds nothing")
	}
}
