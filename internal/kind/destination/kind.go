package destination

import (
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/millrace/millrace/internal/kind/credential"
	"github.com/millrace/millrace/internal/kind/tunnel"
	"github.com/millrace/millrace/internal/resource"
)

// Kind returns the descriptor of destinations.
func Kind(registry *connector.Registry) resource.Kind {
	k := resource.Define("destination", "destinations",
		func(s *Spec, stored func(string) bool) fault.Issues { return s.validate(registry, stored) },
		func(s *Spec) []resource.Ref { return s.references(registry) },
		func(s *Spec, visit func(resource.Place)) {
			if info, err := registry.Destination(s.Type); err == nil {
				resource.VisitSecrets("spec.configuration", s.Configuration, info.Fields, visit)
			}
		})
	k.Related = func(spec any, get func(kind, slug string) (any, error)) fault.Issues {
		s := spec.(*Spec) //nolint:forcetypeassert // this kind's spec
		info, err := registry.Destination(s.Type)
		if err != nil {
			return nil //nolint:nilerr // reported already
		}
		return append(credential.Fits("spec.configuration", s.Configuration, info.Fields, get), s.AudienceSizes.Related("spec.audienceSizes", registry, get)...)
	}
	return k
}

// references are the tunnel, the credentials, the alert channels and the source of audience sizes that the destination uses.
func (s *Spec) references(registry *connector.Registry) []resource.Ref {
	refs := append(tunnel.Ref(s.Tunnel), s.Alerts.References("spec.alerts")...)
	refs = append(refs, s.AudienceSizes.References("spec.audienceSizes")...)
	if info, err := registry.Destination(s.Type); err == nil {
		refs = append(refs, credential.References("spec.configuration", s.Configuration, info.Fields)...)
	}
	return refs
}

func (s *Spec) validate(registry *connector.Registry, stored func(string) bool) fault.Issues {
	info, err := registry.Destination(s.Type)
	if err != nil {
		var issues fault.Issues
		issues.Add("spec.type", fault.CodeInvalid, "there is no destination type %q", s.Type)
		return issues
	}
	issues := connector.Settings(resource.WithoutSecrets(s.Configuration)).Check("spec.configuration", info.Fields, func(name string) bool {
		return stored("spec.configuration." + name)
	})
	if s.Tunnel != "" && !info.Tunnels {
		issues.Add("spec.tunnel", fault.CodeInvalid, "%s is not reached through a tunnel", info.Name)
	}
	s.Alerts.Validate("spec.alerts", alerting.SyncTypes, &issues)
	s.AudienceSizes.Validate("spec.audienceSizes", info, &issues)
	return issues
}
