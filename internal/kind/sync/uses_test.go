package sync

import (
	"slices"
	"testing"

	"github.com/millrace/millrace/internal/connector"
)

// Req: M-31
func TestUses(t *testing.T) {
	t.Parallel()
	known := []string{"id", "email", "tags"}
	for _, tt := range []struct {
		name string
		spec Spec
		want []Use
	}{
		{"what matches and what is mapped", Spec{
			Match:    []connector.MatchPair{{From: "id", To: "key"}},
			Mappings: []Mapping{{To: "mail", From: "email"}, {To: "gone", Kind: FromColumn, From: "phone"}, {To: "x", Kind: FromStatic}},
		}, []Use{{"id", "spec.match[0].from"}, {"email", "spec.mappings[0].from"}, {"phone", "spec.mappings[1].from"}}},
		{"members of objects are columns, those of an array's objects are not", Spec{Mappings: []Mapping{
			{To: "o", Kind: FromObject, Fields: []Mapping{{To: "a", From: "email"}, {To: "b", Kind: FromTemplate, Template: "{{ row.city }}"}}},
			{To: "l", Kind: FromArray, From: "tags", Fields: []Mapping{{To: "a", From: "inner"}}},
		}}, []Use{{"email", "spec.mappings[0].fields[0].from"}, {"city", "spec.mappings[0].fields[1].template"}, {"tags", "spec.mappings[1].from"}}},
		{
			"a template's own names are no columns",
			Spec{Mappings: []Mapping{{To: "a", Kind: FromTemplate, Template: "{% assign n = row['first name'] | upcase %}{{ n }} {{ email }}"}}},
			[]Use{{"email", "spec.mappings[0].template"}, {"first name", "spec.mappings[0].template"}},
		},
		{"a template that computes a name reads any", Spec{Mappings: []Mapping{{To: "a", Kind: FromTemplate, Template: "{{ row[x] }}"}}}, []Use{
			{"id", "spec.mappings[0].template"}, {"email", "spec.mappings[0].template"}, {"tags", "spec.mappings[0].template"},
		}},
		{"a template that cannot be read names none", Spec{Mappings: []Mapping{{To: "a", Kind: FromTemplate, Template: "{{ row."}}}, nil},
		{"an expanded array is read, its elements are no column of the model", Spec{
			Expand: "tags", Match: []connector.MatchPair{{From: "_ht_tags_element", To: "key"}}, Mappings: []Mapping{{To: "a", From: "_ht_tags_element"}},
		}, []Use{{"tags", "spec.arrayExpansionSourceColumn"}}},
		{"all columns", Spec{AllColumns: true}, []Use{{"id", "spec.allColumns"}, {"email", "spec.allColumns"}, {"tags", "spec.allColumns"}}},
		{"templates of the settings", Spec{Settings: map[string]any{
			"added": map[string]any{"url": "/people/{{ row.id }}", "headers": []any{map[string]any{"name": "X", "value": "{{ row['email'] }}"}}}, "note": "the row. is fine", "n": 5.0,
		}}, []Use{{"email", "spec.settings.added.headers[0].value"}, {"id", "spec.settings.added.url"}}},
	} {
		if got := tt.spec.Uses(known); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
