package dbtproject

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/resource"
)

// Method is the modeling method that sources have whose models can be nodes of a project.
const Method = "dbt"

// Kind returns the descriptor of dbt projects.
func Kind(registry *connector.Registry) resource.Kind {
	k := resource.Define(KindName, KindName+"s",
		func(s *Spec, _ func(string) bool) fault.Issues { return s.validate() },
		func(s *Spec) []resource.Ref {
			return []resource.Ref{{Kind: "source", Slug: s.Source, Path: "spec.source"}}
		}, nil)
	k.Related = func(spec any, get func(kind, slug string) (any, error)) fault.Issues {
		return spec.(*Spec).validateSource(registry, get) //nolint:forcetypeassert // made by New
	}
	k.Change = func(before, after any) fault.Issues {
		var issues fault.Issues
		if before.(*Spec).Source != after.(*Spec).Source { //nolint:forcetypeassert // this kind's specs
			issues.Add("spec.source", fault.CodeInvalid, "a dbt project keeps its source: its models read from there; make another project")
		}
		return issues
	}
	return k
}

// validateSource: only sources that run SQL have models of dbt.
func (s *Spec) validateSource(registry *connector.Registry, get func(kind, slug string) (any, error)) fault.Issues {
	var issues fault.Issues
	d, err := get("source", s.Source)
	if err != nil {
		return issues // the missing reference is reported already
	}
	info, err := registry.Source(d.(*source.Spec).Type) //nolint:forcetypeassert // the kind's own spec
	if err == nil && !slices.Contains(info.Methods, Method) {
		issues.Add("spec.source", fault.CodeInvalid, "there are no dbt models of %s", info.Name)
	}
	return issues
}

func (s *Spec) validate() fault.Issues {
	var issues fault.Issues
	if s.Source == "" {
		issues.Add("spec.source", fault.CodeRequired, "choose the source that dbt builds its models in")
	}
	if !slices.Contains(Origins, s.Origin) {
		issues.Add("spec.origin", fault.CodeInvalid, "a manifest does not come from %q; there is %s", s.Origin, joined(Origins))
	}
	if s.Files != "" {
		if u, err := url.Parse(s.Files); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			issues.Add("spec.files", fault.CodeInvalid, "the address must be like https://github.com/acme/shop/blob/main")
		}
	}
	return issues
}

func joined[T ~string](all []T) string {
	words := make([]string, len(all))
	for i, w := range all {
		words[i] = string(w)
	}
	return strings.Join(words, ", ")
}

// Link returns the address at which a file of the project can be seen, or nothing.
func (s *Spec) Link(path string) string {
	if s.Files == "" || path == "" {
		return ""
	}
	parts := strings.Split(strings.ReplaceAll(path, `\`, "/"), "/") // dbt on Windows writes backslashes
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return fmt.Sprintf("%s/%s", strings.TrimRight(s.Files, "/"), strings.Join(parts, "/"))
}
