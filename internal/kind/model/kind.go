package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/resource"
)

// Kind returns the descriptor of models.
func Kind(registry *connector.Registry) resource.Kind {
	k := resource.Define("model", "models",
		func(s *Spec, _ func(string) bool) fault.Issues { return s.validate() },
		func(s *Spec) []resource.Ref {
			return []resource.Ref{{Kind: "source", Slug: s.Source, Path: "spec.source"}}
		}, nil)
	k.Related = func(spec any, get func(kind, slug string) (any, error)) fault.Issues {
		return spec.(*Spec).validateSource(registry, get) //nolint:forcetypeassert // made by New
	}
	return k
}

// validateSource: the methods that there are depend on the type of the source (M-02).
func (s *Spec) validateSource(registry *connector.Registry, get func(kind, slug string) (any, error)) fault.Issues {
	var issues fault.Issues
	d, err := get("source", s.Source)
	if err != nil {
		return issues // the missing reference is reported already
	}
	info, err := registry.Source(d.(*source.Spec).Type) //nolint:forcetypeassert // the kind's own spec
	if err != nil || slices.Contains(info.Methods, string(s.Method)) || !slices.Contains(Methods, s.Method) {
		return issues
	}
	issues.Add("spec.method", fault.CodeInvalid, "models of %s have no method %q; there is %s", info.Name, s.Method, strings.Join(info.Methods, ", "))
	return issues
}

func (s *Spec) validate() fault.Issues {
	var issues fault.Issues
	switch s.Method {
	case MethodSQL:
		if s.SQL == "" {
			issues.Add("spec.sql", fault.CodeRequired, "a model of the method sql needs a query")
		}
	case MethodTable:
		if s.Table == nil || s.Table.Name == "" {
			issues.Add("spec.table", fault.CodeRequired, "a model of the method table needs a table")
		}
	default:
		issues.Add("spec.method", fault.CodeInvalid, "there is no modeling method %q; there are sql and table", s.Method)
	}
	s.validateKey(&issues)
	seen := map[string]bool{}
	for i, c := range s.Columns {
		path := fmt.Sprintf("spec.columns[%d]", i)
		if seen[c.Name] {
			issues.Add(path+".name", fault.CodeInvalid, "there are two columns %q", c.Name)
		}
		seen[c.Name] = true
		if !c.Type.Valid() {
			issues.Add(path+".type", fault.CodeInvalid, "there is no column type %q", c.Type)
		}
		if c.Cast != "" && !c.Cast.Valid() {
			issues.Add(path+".cast", fault.CodeInvalid, "there is no column type %q", c.Cast)
		}
	}
	return issues
}

// validateKey: exactly one column identifies the rows (M-03).
func (s *Spec) validateKey(issues *fault.Issues) {
	if s.PrimaryKey == "" {
		issues.Add("spec.primaryKey", fault.CodeRequired, "choose the column that identifies the rows")
		return
	}
	if _, known := s.Column(s.PrimaryKey); len(s.Columns) > 0 && !known {
		issues.Add("spec.primaryKey", fault.CodeModelKey, "the model has no column %q", s.PrimaryKey)
	}
}
