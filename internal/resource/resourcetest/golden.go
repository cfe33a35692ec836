// Package resourcetest is what every kind of document is held to.
package resourcetest

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/resource"
)

// Golden proves that a spec as it was stored by a released version loads and is saved unchanged: the file holds
// one with every field that the kind has. A field that is added goes into the file as well; what is in the
// file already never changes.
func Golden(t *testing.T, k resource.Kind, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := k.Decode(text)
	if err != nil {
		t.Fatalf("%s does not load: %v", path, err)
	}
	saved, err := k.Encode(spec)
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := json.Compact(&want, text); err != nil {
		t.Fatal(err)
	}
	if saved != want.String() {
		t.Errorf("%s is saved as\n%s\nand was\n%s", path, saved, want.String())
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	seen := coverage{}
	seen.visit(tree, reflect.TypeOf(spec))
	for _, field := range seen.missing() {
		t.Errorf("%s has no example of %s", path, field)
	}
}

// coverage tells of every field of every struct that was met whether the file has it.
type coverage map[string]bool

func (c coverage) missing() []string {
	var all []string
	for field, seen := range c {
		if !seen {
			all = append(all, field)
		}
	}
	slices.Sort(all)
	return all
}

func (c coverage) visit(node any, t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch n := node.(type) {
	case []any:
		for _, item := range n {
			if t.Kind() == reflect.Slice {
				c.visit(item, t.Elem())
			}
		}
	case map[string]any:
		if t.Kind() == reflect.Struct && t.NumField() > 0 {
			c.members(n, t)
		}
	}
}

func (c coverage) members(n map[string]any, t reflect.Type) {
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "" || name == "-" {
			continue
		}
		v, present := n[name]
		c[t.String()+"."+name] = c[t.String()+"."+name] || present
		c.visit(v, f.Type)
	}
}
