package mixpanel

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// profileFields lists the properties that the project's Lexicon has of users or groups.
func profileFields(ctx context.Context, r *manifest.Run) ([]manifest.Discovered, error) {
	entity, name := "profile", "$user"
	if r.Job().Settings.Text("object") == "group" {
		entity, name = "group", r.Job().Settings.Text("groupKey")
	}
	return lexicon(ctx, r, entity, func(schema string) bool { return schema == name })
}

// eventFields lists the properties that the project's Lexicon has of events, whichever they are of.
func eventFields(ctx context.Context, r *manifest.Run) ([]manifest.Discovered, error) {
	return lexicon(ctx, r, "event", func(string) bool { return true })
}

// lexicon lists the properties of schemas of one kind of thing. Who may not see them has none.
// https://docs.mixpanel.com/reference/list-all-schemas-for-project
func lexicon(ctx context.Context, r *manifest.Run, entity string, fits func(schema string) bool) ([]manifest.Discovered, error) {
	path := queryHost(r.Settings().Text("region")) + "/api/app/projects/" + url.PathEscape(r.Settings().Text("projectId")) + "/schemas/" + entity
	a, err := r.Ask(ctx, http.MethodGet, path, nil, nil)
	if err != nil && fault.ClassOf(err) == fault.Permanent {
		return nil, nil // the project has no schemas, or the service account may not see them
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what Mixpanel answered
	}
	results, _ := a.Value().Get("results")
	known := map[string]connector.TargetField{}
	for _, schema := range results.List() {
		if name, _ := schema.Get("name"); !fits(name.String()) {
			continue
		}
		text, _ := schema.Get("schemaJson")
		properties, _ := text.Parsed().Get("properties")
		for _, p := range properties.Fields() {
			if !strings.HasPrefix(p.Name, "$") { // Mixpanel's own, which the manifest has
				known[p.Name] = field(p)
			}
		}
	}
	return sorted(known), nil
}

// types are what JSON Schema calls types.
var types = map[string]string{"string": "string", "number": "number", "integer": "number", "boolean": "boolean", "array": "array", "object": "object"}

// field is a property of a schema.
func field(p value.Field) connector.TargetField {
	kind := member(p.Value, "type")
	f := connector.TargetField{Name: p.Name, Label: p.Name, Type: types[kind], Native: kind, Help: member(p.Value, "description")}
	if f.Type == "" {
		f.Type = "unknown"
	}
	if member(p.Value, "format") == "date-time" {
		f.Type = "timestamp"
	}
	return f
}

// member is a text of an object; empty where there is none.
func member(v value.Value, name string) string {
	m, _ := v.Get(name)
	if m.Kind() != value.Text {
		return ""
	}
	return m.Raw()
}

func sorted(known map[string]connector.TargetField) []manifest.Discovered {
	list := make([]manifest.Discovered, 0, len(known))
	for _, f := range known {
		list = append(list, manifest.Discovered{TargetField: f})
	}
	slices.SortFunc(list, func(a, b manifest.Discovered) int { return strings.Compare(a.Name, b.Name) })
	return list
}
