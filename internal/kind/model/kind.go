package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/bitool"
	"github.com/millrace/millrace/internal/kind/dbtproject"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/resource"
)

// Kind returns the descriptor of models.
func Kind(registry *connector.Registry) resource.Kind {
	k := resource.Define("model", "models",
		func(s *Spec, _ func(string) bool) fault.Issues { return s.validate() },
		func(s *Spec) []resource.Ref {
			refs := []resource.Ref{{Kind: "source", Slug: s.Source, Path: "spec.source"}}
			if s.Method == MethodDBT && s.DBT != nil && s.DBT.Project != "" {
				refs = append(refs, resource.Ref{Kind: dbtproject.KindName, Slug: s.DBT.Project, Path: "spec.dbt.project"})
			}
			if s.Method == MethodBI && s.BI != nil && s.BI.Tool != "" {
				refs = append(refs, resource.Ref{Kind: bitool.KindName, Slug: s.BI.Tool, Path: "spec.bi.tool"})
			}
			return refs
		}, nil)
	k.Related = func(spec any, get func(kind, slug string) (any, error)) fault.Issues {
		s := spec.(*Spec) //nolint:forcetypeassert // made by New
		return append(s.validateSource(registry, get), s.validateProject(get)...)
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
	if err != nil || !slices.Contains(Methods, s.Method) {
		return issues
	}
	if slices.Contains(info.Methods, string(s.Method)) {
		s.validateChoice(info, &issues)
		return issues
	}
	issues.Add("spec.method", fault.CodeInvalid, "models of %s have no method %q; there is %s", info.Name, s.Method, strings.Join(info.Methods, ", "))
	return issues
}

// validateProject: a node of dbt is read where its project builds it.
func (s *Spec) validateProject(get func(kind, slug string) (any, error)) fault.Issues {
	var issues fault.Issues
	if s.Method != MethodDBT || s.DBT == nil {
		return issues
	}
	d, err := get(dbtproject.KindName, s.DBT.Project)
	if err != nil {
		return issues // the missing reference is reported already
	}
	if p, ok := d.(*dbtproject.Spec); ok && p.Source != s.Source {
		issues.Add("spec.dbt.project", fault.CodeInvalid, "the dbt project %q belongs to the source %q, and the model to %q", s.DBT.Project, p.Source, s.Source)
	}
	return issues
}

// validateChoice: which files and sheets there can be depends on the type of the source (S-75, S-78).
func (s *Spec) validateChoice(info connector.SourceInfo, issues *fault.Issues) {
	switch {
	case s.Method == MethodFile && s.File != nil && info.Files != nil:
		if s.File.Newest {
			if !info.Files.Newest {
				issues.Add("spec.file.newest", fault.CodeInvalid, "a model of %s names one file: it cannot take the newest", info.Name)
			}
			return
		}
		if s.File.Path != "" && !info.Files.Readable(s.File.Path) {
			issues.Add("spec.file.path", fault.CodeInvalid, "a file of %s has the extension %s", info.Name, strings.Join(info.Files.Extensions, " or "))
		}
	case s.Method == MethodSheet && s.Sheet != nil && info.Books && s.Sheet.Workbook == "":
		issues.Add("spec.sheet.workbook", fault.CodeRequired, "choose the workbook that the sheet is in")
	}
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
	case MethodFile:
		if s.File == nil || s.File.Path == "" && !s.File.Newest {
			issues.Add("spec.file", fault.CodeRequired, "a model of the method file needs the path of a file, or the newest one")
		}
	case MethodSheet:
		if s.Sheet == nil || s.Sheet.Name == "" {
			issues.Add("spec.sheet", fault.CodeRequired, "a model of the method sheet needs the name of a sheet")
		}
	case MethodDBT:
		s.validateDBT(&issues)
	case MethodBI:
		if s.BI == nil || s.BI.Tool == "" || s.BI.Item == "" {
			issues.Add("spec.bi", fault.CodeRequired, "a model of the method bi needs a BI tool and something in it")
		}
	default:
		issues.Add("spec.method", fault.CodeInvalid, "there is no modeling method %q; there are sql, table, file, sheet, dbt and bi", s.Method)
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

func (s *Spec) validateDBT(issues *fault.Issues) {
	if s.DBT == nil || s.DBT.Project == "" || s.DBT.Node == "" {
		issues.Add("spec.dbt", fault.CodeRequired, "a model of the method dbt needs a dbt project and the unique ID of a model or analysis in it")
		return
	}
	if s.DBT.Read != "" && !s.DBT.Read.Valid() {
		issues.Add("spec.dbt.read", fault.CodeInvalid, "a dbt model is not read as %q; there are table and sql", s.DBT.Read)
	}
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
