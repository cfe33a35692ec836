package destination

import (
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/millrace/millrace/internal/resource"
)

// Kind returns the descriptor of destinations.
func Kind(registry *connector.Registry) resource.Kind {
	return resource.Define("destination", "destinations",
		func(s *Spec, stored func(string) bool) fault.Issues { return s.validate(registry, stored) },
		func(s *Spec) []resource.Ref { return s.Alerts.References("spec.alerts") },
		func(s *Spec, visit func(resource.Place)) {
			if info, err := registry.Destination(s.Type); err == nil {
				resource.VisitSecrets("spec.configuration", s.Configuration, info.Fields, visit)
			}
		})
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
	s.Alerts.Validate("spec.alerts", alerting.SyncTypes, &issues)
	return issues
}
