package sync

import (
	"fmt"
	"slices"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/value"
)

// What cannot be expanded is refused when the sync is saved.
//
// Req: SY-89, SY-90, SY-91, SY-37
func TestExpansion(t *testing.T) {
	t.Parallel()
	match := func(from string) []connector.MatchPair { return []connector.MatchPair{{From: from, To: "id"}} }
	const path = "spec.arrayExpansionSourceColumn"
	for name, c := range map[string]struct {
		spec   Spec
		engine string
		want   []string
	}{
		"native":            {Spec{Expand: "list", Match: match("_ht_list_element")}, connector.EngineLightning, nil},
		"JSON":              {Spec{Expand: "json", Match: match("_ht_json_element")}, connector.EngineLightning, nil},
		"text":              {Spec{Expand: "text", Match: match("_ht_text_element"), Mappings: []Mapping{{To: "a", From: "_ht_text_element"}}}, connector.EngineLightning, nil},
		"basic engine":      {Spec{Expand: "list"}, "", []string{path}},
		"no column":         {Spec{Expand: "gone"}, connector.EngineLightning, []string{path}},
		"no array":          {Spec{Expand: "number"}, connector.EngineLightning, []string{path}},
		"taken name":        {Spec{Expand: "taken"}, connector.EngineLightning, []string{path}},
		"matched otherwise": {Spec{Expand: "list", Match: match("id")}, connector.EngineLightning, []string{"spec.match[0].from"}},
		"two arrays":        {Spec{Expand: "list", Match: match("_ht_list_element"), Mappings: []Mapping{{To: "a", From: "_ht_json_element"}}}, connector.EngineLightning, []string{"spec.mappings[0].from"}},
		"not expanded":      {Spec{Match: match("_ht_list_element")}, connector.EngineLightning, []string{"spec.match[0].from"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := c.spec
			s.Mode, s.Model, s.Destination = connector.ModeUpsert, "people", "gone"
			issues := append(s.validate(), s.validateRelated(connector.New(nil, nil), documents(c.engine))...)
			var paths []string
			for _, issue := range issues {
				paths = append(paths, issue.Path)
			}
			if !slices.Equal(paths, c.want) {
				t.Errorf("%v, want %v: %v", paths, c.want, issues)
			}
		})
	}
}

func documents(engine string) func(kind, slug string) (any, error) {
	return func(kind, slug string) (any, error) {
		switch kind {
		case "model":
			return &model.Spec{Source: "s", PrimaryKey: "id", Columns: []model.Column{
				{Name: "id", Type: value.TypeNumber}, {Name: "list", Type: value.TypeObject, Native: "text[]"},
				{Name: "json", Type: value.TypeObject, Native: "jsonb"}, {Name: "text", Type: value.TypeString, Native: "text"},
				{Name: "number", Type: value.TypeNumber, Native: "integer"}, {Name: "taken", Type: value.TypeObject, Native: "text[]"},
				{Name: "_ht_taken_element", Type: value.TypeString},
			}}, nil
		case "source":
			return &source.Spec{Engine: engine}, nil
		default:
			return nil, fmt.Errorf("there is no %s %s", kind, slug)
		}
	}
}
