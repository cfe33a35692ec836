package source

import (
	"slices"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/credential"
	"github.com/millrace/millrace/internal/kind/tunnel"
	"github.com/millrace/millrace/internal/resource"
)

// Kind returns the descriptor of sources.
func Kind(registry *connector.Registry) resource.Kind {
	k := resource.Define("source", "sources",
		func(s *Spec, stored func(string) bool) fault.Issues { return s.validate(registry, stored) },
		func(s *Spec) []resource.Ref { return s.references(registry) },
		func(s *Spec, visit func(resource.Place)) {
			if info, err := registry.Source(s.Type); err == nil {
				resource.VisitSecrets("spec.configuration", s.Configuration, info.Fields, visit)
			}
		})
	k.Related = func(spec any, get func(kind, slug string) (any, error)) fault.Issues {
		s := spec.(*Spec) //nolint:forcetypeassert // this kind's spec
		info, err := registry.Source(s.Type)
		if err != nil {
			return nil //nolint:nilerr // reported already
		}
		return credential.Fits("spec.configuration", s.Configuration, info.Fields, get)
	}
	k.Change = func(before, after any) fault.Issues {
		return after.(*Spec).follows(before.(*Spec)) //nolint:forcetypeassert // this kind's specs
	}
	return k
}

// references are the tunnel and the credentials that the source uses.
func (s *Spec) references(registry *connector.Registry) []resource.Ref {
	refs := tunnel.Ref(s.Tunnel)
	if info, err := registry.Source(s.Type); err == nil {
		refs = append(refs, credential.References("spec.configuration", s.Configuration, info.Fields)...)
	}
	return refs
}

// follows reports what may not become of a source. What the Lightning engine settled is in the warehouse, where the
// Basic engine cannot read it (SY-47).
func (s *Spec) follows(before *Spec) fault.Issues {
	var issues fault.Issues
	if before.Engine == connector.EngineLightning && s.Engine != connector.EngineLightning {
		issues.Add("spec.engine", fault.CodeInvalid,
			"a source that uses the Lightning engine cannot go back to the Basic engine: what was synced is known to the warehouse alone; connect the same place as another source instead")
	}
	return issues
}

func (s *Spec) validate(registry *connector.Registry, stored func(string) bool) fault.Issues {
	var issues fault.Issues
	info, err := registry.Source(s.Type)
	if err != nil {
		issues.Add("spec.type", fault.CodeInvalid, "there is no source type %q", s.Type)
		return issues
	}
	if info.Missing != "" {
		issues.Add("spec.type", fault.CodeInvalid, "%s cannot be read here: %s", info.Name, info.Missing)
		return issues
	}
	issues = connector.Settings(resource.WithoutSecrets(s.Configuration)).Check("spec.configuration", info.Fields, func(name string) bool {
		return stored("spec.configuration." + name)
	})
	if s.Tunnel != "" && !info.Tunnels {
		issues.Add("spec.tunnel", fault.CodeInvalid, "%s is not reached through a tunnel", info.Name)
	}
	if s.Engine != "" && !contains(info.Engines, s.Engine) {
		issues.Add("spec.engine", fault.CodeInvalid, "%s has no engine %q", info.Name, s.Engine) // S-88: samples are Basic only
	}
	s.SyncLogs.Validate("spec.syncLogs", info, s.Engine, &issues)
	return issues
}

func contains(all []string, one string) bool {
	return slices.Contains(all, one)
}
