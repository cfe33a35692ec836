package sync

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// The name of a column of elements has the array's column between these.
const (
	elementPrefix = "_ht_"
	elementSuffix = "_element"
)

// ElementColumn names the column that has the elements of an expanded array. It is a contract: mappings, matching and
// payloads use the name (SY-89).
func ElementColumn(array string) string { return elementPrefix + array + elementSuffix }

// Element names the column that identifies the sync's rows where they are the elements of an array; empty where they
// are the model's rows.
func (s *Spec) Element() string {
	if s.Expand == "" {
		return ""
	}
	return ElementColumn(s.Expand)
}

// isElement reports whether a name is that of a column of elements.
func isElement(column string) bool {
	return strings.HasPrefix(column, elementPrefix) && strings.HasSuffix(column, elementSuffix)
}

// validateExpansion: rows that are elements are matched by them.
func (s *Spec) validateExpansion(issues *fault.Issues) {
	if s.Expand == "" {
		return
	}
	for i, p := range s.Match {
		if p.From != s.Element() {
			issues.Add(fmt.Sprintf("spec.match[%d].from", i), fault.CodeInvalid,
				"the elements of %q are the rows of this sync, so that they are matched by %q; only one array column can be expanded", s.Expand, s.Element())
		}
	}
}

// validateEngine: only the warehouse expands arrays (SY-90).
func (s *Spec) validateEngine(sourceSlug string, get func(kind, slug string) (any, error), issues *fault.Issues) {
	found, err := get("source", sourceSlug)
	if err != nil || found.(*source.Spec).Engine == connector.EngineLightning { //nolint:forcetypeassert // the kind's own spec
		return // a missing reference is the model's
	}
	issues.Add("spec.arrayExpansionSourceColumn", fault.CodeInvalid,
		"arrays are expanded by the Lightning engine, which the source %q does not use", sourceSlug)
}

// expanded is the model as the sync sees it, with the column of the elements. It reports a column that cannot be
// expanded.
func (s *Spec) expanded(m model.Spec, issues *fault.Issues) model.Spec {
	if s.Expand == "" {
		return m
	}
	const path = "spec.arrayExpansionSourceColumn"
	c, known := m.Column(s.Expand)
	switch {
	case !known:
		issues.Add(path, fault.CodeMappingColumn, "Unknown field name: the model has no column %q", s.Expand)
	case query.ArrayOf(c.Type, c.Native) == query.NoArray:
		issues.Add(path, fault.CodeInvalid, "the column %q has the type %s, which holds no array of plain values", s.Expand, typeName(c))
	}
	if _, taken := m.Column(s.Element()); taken {
		issues.Add(path, fault.CodeInvalid, "the model has a column %q, which is the name of the elements of %q", s.Element(), s.Expand)
	}
	m.Columns = append(slices.Clip(m.Columns), model.Column{Name: s.Element(), Type: value.TypeString})
	return m
}

func typeName(c model.Column) string {
	if c.Native != "" {
		return c.Native
	}
	return string(c.Type)
}

// missing says that the model lacks a column.
func (s *Spec) missing(column string) string {
	if s.Expand != "" && isElement(column) {
		return fmt.Sprintf("Unknown field name: %q would be the elements of another array than %q; only one array column can be expanded", column, s.Expand)
	}
	return fmt.Sprintf("Unknown field name: the model has no column %q", column)
}
