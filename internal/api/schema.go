package api

import (
	"path"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/value"
)

// anyValue describes a value of a row: what JSON can hold.
type anyValue struct{}

// Schema returns a schema that takes everything.
func (anyValue) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Description: "null, a boolean, a number, text, an array or an object"}
}

// schemas returns the registry of the API description's types. Types of other packages carry their
// package's name, since several packages have a Column or a Field.
func schemas() huma.Registry {
	own := reflect.TypeFor[Server]().PkgPath()
	r := huma.NewMapRegistry("#/components/schemas/", func(t reflect.Type, hint string) string {
		name := strings.TrimSuffix(huma.DefaultSchemaNamer(t, hint), "Body")
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if pkg := t.PkgPath(); pkg != "" && pkg != own && t.Name() != "" {
			base := path.Base(pkg)
			name = strings.ToUpper(base[:1]) + base[1:] + name
		}
		return name
	})
	r.RegisterTypeAlias(reflect.TypeFor[value.Value](), reflect.TypeFor[anyValue]())
	return r
}
