package intercom

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/value"
)

const (
	customSection = "custom_attributes"
	tagField      = "tags"

	conflict = http.StatusConflict
	notFound = http.StatusNotFound
)

// kind is a kind of record.
type kind struct {
	path   string // of the requests about it
	model  string // its name among data attributes
	others *other // what it is associated with
}

// other is the other side of an association.
type other struct {
	section string
	kind    *kind
}

var (
	contacts  = &kind{path: "contacts", model: "contact"}
	companies = &kind{path: "companies", model: "company"}
)

func init() { //nolint:gochecknoinits // each names the other
	contacts.others = &other{"companies", companies}
	companies.others = &other{"contacts", contacts}
}

func escape(text string) string { return url.PathEscape(text) }

func cut(name, section string) (string, bool) { return strings.CutPrefix(name, section+".") }

func sorted(m map[string]value.Type) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// dataType is Intercom's type for values of a column.
func dataType(t value.Type) string {
	switch t {
	case value.TypeBoolean:
		return "boolean"
	case value.TypeNumber:
		return "float"
	case value.TypeTimestamp, value.TypeDate:
		return "date"
	default:
		return "string"
	}
}

// attributes are custom attributes as Intercom takes them: times are seconds since 1970.
func attributes(section value.Value) map[string]value.Value {
	all := map[string]value.Value{}
	for _, f := range section.Fields() {
		v := f.Value
		if v.Kind() == value.Time || v.Kind() == value.Day {
			v = value.OfInt(v.Time().Unix())
		}
		all[f.Name] = v
	}
	return all
}

var idOf = regexp.MustCompile(`\bid=([0-9a-zA-Z]+)`)

// known reads the record that Intercom names where another one would be its double. An archived one must be brought back
// by a person first.
func known(answer value.Value) string {
	for _, e := range manifest.At(answer, "errors").List() {
		words := manifest.TextAt(e, "message")
		if m := idOf.FindStringSubmatch(words); m != nil && !strings.Contains(strings.ToLower(words), "archived") {
			return m[1]
		}
	}
	return ""
}

// match is the field that rows are matched by.
func (w *writing) match() string { return w.run.Job().Match[0].To }

// find looks for the row's record. A contact with a role is only one of that role: a lead and a user may share an address.
func (w *writing) find(ctx context.Context) ([]string, error) {
	role := ""
	if w.kind == contacts {
		role = manifest.TextAt(w.row.Get("fields"), "role")
	}
	return w.lookUp(ctx, w.kind, w.match(), w.row.Match().String(), role)
}

// lookUp returns the ids of the records with a value.
func (w *writing) lookUp(ctx context.Context, k *kind, field, text, role string) ([]string, error) {
	switch {
	case field == "id":
		return []string{text}, nil
	case k == companies:
		return w.one(ctx, "companies?"+url.Values{field: {text}}.Encode())
	case field == "external_id":
		return w.one(ctx, "contacts/find_by_external_id/"+escape(text))
	}
	var query any = map[string]any{"field": field, "operator": "=", "value": text}
	if role != "" {
		query = map[string]any{"operator": "AND", "value": []any{query, map[string]any{"field": "role", "operator": "=", "value": role}}}
	}
	answer, _, err := w.run.Fetch(ctx, "POST", "contacts/search", map[string]any{"query": query, "pagination": map[string]any{"per_page": 2}})
	if err != nil {
		return nil, err
	}
	return ids(manifest.At(answer, "data")), nil
}

// one asks for a record that may not be there. By its name, a company comes in a list.
func (w *writing) one(ctx context.Context, path string) ([]string, error) {
	answer, status, err := w.run.Fetch(ctx, "GET", path, nil)
	switch {
	case status == notFound:
		return nil, nil
	case err != nil:
		return nil, err
	case manifest.TextAt(answer, "type") == "list":
		return ids(manifest.At(answer, "data")), nil
	}
	return []string{manifest.TextAt(answer, "id")}, nil
}

func ids(list value.Value) []string {
	var all []string
	for _, item := range list.List() {
		all = append(all, manifest.TextAt(item, "id"))
	}
	return all
}
