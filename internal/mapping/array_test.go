package mapping_test

import (
	"slices"
	"testing"

	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/value"
)

// Req: SY-91
func TestArrays(t *testing.T) {
	t.Parallel()
	texts := func(all ...string) (rows []value.Value) {
		for _, s := range all {
			rows = append(rows, value.OfText(s))
		}
		return rows
	}
	for _, tt := range []struct {
		name, native string
		t            value.Type
		rows         []value.Value
		want         bool
	}{
		{"a list of the database, even without rows", "text[]", value.TypeObject, nil, true},
		{"JSON without rows", "jsonb", value.TypeObject, nil, false},
		{"JSON arrays", "jsonb", value.TypeObject, []value.Value{value.OfJSON(`["a",1]`), value.OfJSON("[]"), {}}, true},
		{"JSON objects", "jsonb", value.TypeObject, []value.Value{value.OfJSON(`["a"]`), value.OfJSON(`{"a":1}`)}, false},
		{"arrays of objects", "jsonb", value.TypeObject, []value.Value{value.OfJSON(`[{"a":1}]`)}, false},
		{"texts with arrays", "text", value.TypeString, texts(`["a"]`, " ", "null", `[]`), true},
		{"other texts", "text", value.TypeString, texts(`["a"]`, "a"), false},
		{"texts that look like numbers", "text", value.TypeString, texts("1"), false},
		{"numbers", "integer", value.TypeNumber, []value.Value{value.OfInt(1)}, false},
	} {
		s := sampleOf(model.Column{Name: "c", Type: tt.t}, tt.rows...)
		s.Schema[0].Native = tt.native
		if got := slices.Equal(s.Arrays(), []string{"c"}); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
