package mapping_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/mapping"
	"github.com/millrace/millrace/internal/value"
)

// sampleOf makes a sample of one column from JSON values.
func sampleOf(c model.Column, values ...value.Value) *mapping.Sample {
	s := &mapping.Sample{Columns: []model.Column{c}, Schema: value.Schema{{Name: c.Name, Type: c.Type}}}
	for _, v := range values {
		s.Rows = append(s.Rows, []value.Value{v})
	}
	return s
}

// outline writes properties as name:shape(type){properties}.
func outline(all []mapping.Property) string {
	texts := make([]string, len(all))
	for i, p := range all {
		texts[i] = p.Name + ":" + string(p.Shape)
		if p.Type != "" {
			texts[i] += "(" + string(p.Type) + ")"
		}
		if len(p.Properties) > 0 {
			texts[i] += "{" + outline(p.Properties) + "}"
		}
	}
	return strings.Join(texts, " ")
}

// Req: SY-34, SY-35
func TestProperties(t *testing.T) {
	t.Parallel()
	object := model.Column{Name: "c", Type: value.TypeObject}
	text := model.Column{Name: "c", Type: value.TypeString}
	json := func(texts ...string) (all []value.Value) {
		for _, s := range texts {
			all = append(all, value.OfJSON(s))
		}
		return all
	}
	for _, tt := range []struct {
		name   string
		column model.Column
		rows   []value.Value
		want   string
	}{
		{"no rows", object, nil, ""},
		{"only nulls", object, []value.Value{{}, {}}, ""},
		{"an object", object, json(`{"a":1,"b":"x"}`, `{"c":true,"a":2}`), "c:object{a:scalar(number) b:scalar(string) c:scalar(boolean)}"},
		{"objects of a list, in the order in which they were seen", object, json(`[]`, `[{"b":null},{"a":1}]`, `[{"b":"x"}]`), "c:objects{b:scalar(string) a:scalar(number)}"},
		{"other types of one property", object, json(`[{"a":1},{"a":"x"}]`), "c:objects{a:scalar}"},
		{"two levels and no more", object, json(`{"a":{"b":{"c":1}},"l":[{"m":[{"n":1}]}]}`), "c:object{a:object{b:object} l:objects{m:objects}}"},
		{"a list of texts", object, json(`["x"]`), "c:array"},
		{"lists of both", object, json(`["x"]`, `[{"a":1}]`), "c:mixed{a:scalar(number)}"},
		{"an object and a list", object, json(`{"a":1}`, `[1]`), "c:mixed{a:scalar(number)}"},
		{"text is no object", text, []value.Value{value.OfText(`{"a":1}`)}, ""},
		{"text that is cast to objects", model.Column{Name: "c", Type: value.TypeString, Cast: value.TypeObject}, []value.Value{value.OfText(`{"a":1}`), value.OfText("x")}, "c:object{a:scalar(number)}"},
	} {
		if got := outline(sampleOf(tt.column, tt.rows...).Properties()); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// A mapping is tried on a row as a run would use it, with the row's casts.
//
// Req: SY-32
func TestTry(t *testing.T) {
	t.Parallel()
	s := sampleOf(model.Column{Name: "c", Type: value.TypeString, Cast: value.TypeNumber}, value.OfText("41"), value.OfText("x"))
	try := func(row int, m sync.Mapping) string {
		v, err := s.Try(m, row, &mapping.Variables{Now: noon})
		if err != nil {
			return string(fault.As(err).Code)
		}
		return fmt.Sprintf("%s %s", v.Kind(), v.AppendJSON(nil))
	}
	template := func(text string) sync.Mapping { return sync.Mapping{To: "x", Kind: sync.FromTemplate, Template: text} }
	for _, tt := range []struct {
		row  int
		m    sync.Mapping
		want string
	}{
		{0, sync.Mapping{To: "x", From: "c"}, "number 41"},
		{0, template("{{ c | plus: 1 }}"), "number 42"},
		{1, template("{{ c }}"), "model.cast_failed"},
		{0, template("{{ c | nope }}"), "template.error"},
		{0, sync.Mapping{To: "x", From: "d"}, "mapping.unknown_field_name"},
		{2, template("{{ c }}"), "input.invalid"},
		{-1, template("{{ c }}"), "input.invalid"},
		{0, sync.Mapping{To: "x", Kind: sync.FromObject, Fields: fields("c>n")}, `object {"n":41}`},
	} {
		if got := try(tt.row, tt.m); got != tt.want {
			t.Errorf("row %d with %+v: %s, want %s", tt.row, tt.m, got, tt.want)
		}
	}
}
