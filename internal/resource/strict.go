package resource

import (
	"cmp"
	"encoding"
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
)

// unknownField is a member of a JSON text that a type does not have.
type unknownField struct {
	path  string
	name  string
	known []string // what there is in its place
}

// unknownFields lists the members of a JSON text that the type does not have, in alphabetical order of their paths.
// Types that read themselves, and values of any type, take everything.
func unknownFields(path string, text []byte, t reflect.Type) ([]unknownField, error) {
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	found := findUnknown(path, tree, t)
	slices.SortFunc(found, func(a, b unknownField) int { return strings.Compare(a.path, b.path) })
	return found, nil
}

var (
	readsJSON = reflect.TypeFor[json.Unmarshaler]()
	readsText = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func findUnknown(path string, node any, t reflect.Type) []unknownField {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if p := reflect.PointerTo(t); p.Implements(readsJSON) || p.Implements(readsText) {
		return nil
	}
	var found []unknownField
	switch n := node.(type) {
	case map[string]any:
		return unknownMembers(path, n, t)
	case []any:
		if t.Kind() != reflect.Slice {
			return nil
		}
		for i, item := range n {
			found = append(found, findUnknown(fmt.Sprintf("%s[%d]", path, i), item, t.Elem())...)
		}
	}
	return found
}

func unknownMembers(path string, given map[string]any, t reflect.Type) []unknownField {
	var found []unknownField
	for name, v := range given {
		at := path + "." + name
		switch t.Kind() {
		case reflect.Map:
			found = append(found, findUnknown(at, v, t.Elem())...)
		case reflect.Struct:
			if member, known := memberType(t, name); known {
				found = append(found, findUnknown(at, v, member)...)
			} else {
				found = append(found, unknownField{at, name, memberNames(t)})
			}
		default: // any
		}
	}
	return found
}

// memberType returns the type of the field that JSON calls by the name, as encoding/json finds it.
func memberType(t reflect.Type, name string) (reflect.Type, bool) {
	for member, f := range members(t) {
		if strings.EqualFold(member, name) {
			return f.Type, true
		}
	}
	return nil, false
}

// members yields what JSON calls the fields of a type.
func members(t reflect.Type) iter.Seq2[string, reflect.StructField] {
	return func(yield func(string, reflect.StructField) bool) {
		for _, f := range reflect.VisibleFields(t) {
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if f.IsExported() && !f.Anonymous && tag != "-" && !yield(cmp.Or(tag, f.Name), f) {
				return
			}
		}
	}
}

func memberNames(t reflect.Type) []string {
	var names []string
	for name := range members(t) {
		names = append(names, name)
	}
	return names
}
