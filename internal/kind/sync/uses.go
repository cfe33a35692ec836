package sync

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/template"
)

// Use is one place of a sync that reads a column of its model.
type Use struct {
	Column string
	Path   string // such as spec.mappings[0].from
}

// Uses lists where a sync reads columns of its model: what matches, what is mapped, and what templates name, those of
// the settings too. Where every column is read (all columns, a template that computes names), each of known is listed.
func (s *Spec) Uses(known []string) []Use {
	u := uses{known: known, element: s.Element()}
	u.add(s.Expand, "spec.arrayExpansionSourceColumn")
	for i, p := range s.Match {
		u.add(p.From, fmt.Sprintf("spec.match[%d].from", i))
	}
	if s.AllColumns {
		u.every("spec.allColumns")
	}
	u.mappings("spec.mappings", s.Mappings)
	u.settings("spec.settings", s.Settings)
	return u.found
}

type uses struct {
	known   []string
	element string // the column of an expanded array's elements, which is none of the model's
	found   []Use
}

func (u *uses) add(column, path string) {
	if column != "" && column != u.element {
		u.found = append(u.found, Use{Column: column, Path: path})
	}
}

func (u *uses) every(path string) {
	for _, name := range u.known {
		u.add(name, path)
	}
}

func (u *uses) mappings(path string, mappings []Mapping) {
	for i, m := range mappings {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch m.Kind {
		case "", FromColumn, FromArray: // the members of an array are those of its objects
			u.add(m.From, at+".from")
		case FromTemplate:
			u.template(at+".template", m.Template)
		case FromObject:
			u.mappings(at+".fields", m.Fields)
		}
	}
}

// template lists the columns of a template; one that cannot be read names none.
func (u *uses) template(path, text string) {
	t, err := template.Parse(text)
	if err != nil {
		return
	}
	names, dynamic := t.Columns()
	if dynamic {
		u.every(path)
		return
	}
	for _, name := range names {
		if slices.Contains(u.known, name) || ofRow(text, name) {
			u.add(name, path)
		}
	}
}

// ofRow tells a column, which is a member of row, from what the template itself has named.
func ofRow(text, name string) bool {
	for _, form := range []string{"row." + name, "row['" + name + "']", `row["` + name + `"]`} {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

// settings looks for templates in the settings, whatever they are called: texts that speak of a row.
func (u *uses) settings(path string, node any) {
	switch n := node.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(n)) {
			u.settings(path+"."+name, n[name])
		}
	case []any:
		for i, item := range n {
			u.settings(fmt.Sprintf("%s[%d]", path, i), item)
		}
	case string:
		if strings.Contains(n, "row.") || strings.Contains(n, "row[") {
			u.template(path, n)
		}
	}
}
