package template

import (
	"maps"
	"slices"
	"testing"
)

// Every filter and tag is described once, in a known group, with an example that works.
//
// Req: SY-32
func TestFunctionsAreDescribed(t *testing.T) {
	t.Parallel()
	described := map[string]map[string]bool{KindFilter: {}, KindTag: {}}
	for _, f := range Functions() {
		if described[f.Kind][f.Name] || f.Summary == "" || !slices.Contains(Groups, f.Group) {
			t.Errorf("%s %s is described twice or without summary and group", f.Kind, f.Name)
		}
		described[f.Kind][f.Name] = true
		tpl, err := Parse(f.Example)
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		if _, err := tpl.Eval(NewScope(DefaultLimits)); err != nil {
			t.Errorf("%s: %s: %v", f.Name, f.Example, err)
		}
	}
	noFile := []string{"include", "layout", "render"} // they explain that there are no other templates
	if got, want := slices.Sorted(maps.Keys(described[KindTag])), without(Tags(), noFile); !slices.Equal(got, want) {
		t.Errorf("described tags %v, tags %v", got, want)
	}
	if got := slices.Sorted(maps.Keys(described[KindFilter])); !slices.Equal(got, Filters()) {
		t.Errorf("described filters %v, filters %v", got, Filters())
	}
}

func without(all, some []string) []string {
	return slices.DeleteFunc(all, func(name string) bool { return slices.Contains(some, name) })
}
