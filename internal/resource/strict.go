package resource

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strings"
)

// unknownFields lists the paths of a JSON text's members that the type does not have, in alphabetical order.
// Types that read themselves, and values of any type, take everything.
func unknownFields(path string, text []byte, t reflect.Type) ([]string, error) {
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	found := findUnknown(path, tree, t)
	sort.Strings(found)
	return found, nil
}

var (
	readsJSON = reflect.TypeFor[json.Unmarshaler]()
	readsText = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func findUnknown(path string, node any, t reflect.Type) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if p := reflect.PointerTo(t); p.Implements(readsJSON) || p.Implements(readsText) {
		return nil
	}
	var found []string
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

func unknownMembers(path string, members map[string]any, t reflect.Type) []string {
	var found []string
	for name, v := range members {
		at := path + "." + name
		switch t.Kind() {
		case reflect.Map:
			found = append(found, findUnknown(at, v, t.Elem())...)
		case reflect.Struct:
			if member, known := memberType(t, name); known {
				found = append(found, findUnknown(at, v, member)...)
			} else {
				found = append(found, at)
			}
		default: // any
		}
	}
	return found
}

// memberType returns the type of the field that JSON calls by the name, as encoding/json finds it.
func memberType(t reflect.Type, name string) (reflect.Type, bool) {
	for _, f := range reflect.VisibleFields(t) {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == "" {
			tag = f.Name
		}
		if f.IsExported() && !f.Anonymous && tag != "-" && strings.EqualFold(tag, name) {
			return f.Type, true
		}
	}
	return nil, false
}
