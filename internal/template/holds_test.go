package template_test

import (
	"testing"

	"github.com/millrace/millrace/internal/template"
	"github.com/millrace/millrace/internal/value"
)

// deepRow reads members of its members by itself; its Get of them is never needed.
type deepRow struct{ t *testing.T }

func (r deepRow) Get(name string) (value.Value, bool) {
	if name == "fields" {
		r.t.Error("an object was made of fields")
	}
	return value.OfMap([]value.Field{{Name: "b", Value: value.OfInt(2)}}), name == "other"
}

func (r deepRow) GetIn(member, name string) (value.Value, bool) {
	if member != "fields" {
		return value.Value{}, false
	}
	if name == "a" {
		return value.OfInt(1), true
	}
	return value.Value{}, true
}

// A condition holds as its {% if %} would print, and members of a row's members are read without their objects.
func TestHolds(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"{% if row.fields.a == 1 %}1{% endif %}":                             true,
		"{% if row.fields.a == 2 %}1{% endif %}":                             false,
		"{% if row.fields.none %}1{% endif %}":                               false,
		"{% if row.fields.none == null and row.other.b == 2 %}1{% endif %}":  true,
		"{% if row['fields']['a'] %}1{% endif %}":                            true,
		"{% unless row.fields.a == 1 %}1{% endunless %}":                     false,
		"{% if row.fields.a == 2 %}1{% else %}{{ row.fields.a }}{% endif %}": true,
		"{% if row.fields.a %}{{ row.fields.none }}{% endif %}":              false,
		"": false,
	} {
		tmpl, err := template.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		s := template.NewScope(template.DefaultLimits)
		s.SetRow("row", deepRow{t})
		if got, err := tmpl.Holds(s); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	failing, err := template.Parse("{% if x < 'a' %}1{% endif %}{{ 'x' | parse }}")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := failing.Holds(template.NewScope(template.DefaultLimits)); err == nil {
		t.Error("an error is lost")
	}
}
