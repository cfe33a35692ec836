package monitor

import (
	"regexp"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/resource"
)

// Kind returns the descriptor of monitors.
func Kind() resource.Kind {
	return resource.Define(KindName, KindName+"s",
		func(s *Spec, stored func(string) bool) fault.Issues { return s.validate(stored) },
		func(*Spec) []resource.Ref { return nil },
		func(s *Spec, visit func(resource.Place)) {
			if info, ok := TypeOf(s.Type); ok {
				resource.VisitSecrets(configuration, s.Configuration, info.Fields, visit)
			}
		})
}

const configuration = "spec.configuration"

var (
	// site is a host name.
	site = regexp.MustCompile(`^([a-z0-9-]+\.)+[a-z]{2,}$`)
	// prefix: https://docs.datadoghq.com/metrics/custom_metrics/#naming-custom-metrics
	prefix = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.]{0,99}$`)
)

func (s *Spec) validate(stored func(string) bool) fault.Issues {
	var issues fault.Issues
	info, ok := TypeOf(s.Type)
	if !ok {
		issues.Add("spec.type", fault.CodeInvalid, "there is no type of monitor %q; there is datadog", s.Type)
		return issues
	}
	settings := connector.Settings(resource.WithoutSecrets(s.Configuration))
	issues = settings.Check(configuration, info.Fields, func(name string) bool { return stored(configuration + "." + name) })
	full := settings.WithDefaults(info.Fields)
	if text := full.Text("site"); text != "" && !site.MatchString(text) {
		issues.Add(configuration+".site", fault.CodeInvalid, "%q is not a site of Datadog such as datadoghq.eu: leave out https:// and app.", text)
	}
	if text := full.Text("prefix"); text != "" && !prefix.MatchString(text) {
		issues.Add(configuration+".prefix", fault.CodeInvalid, "%q cannot begin the name of a metric: it has letters, digits, underscores and dots, a letter first", text)
	}
	if text := full.Text("baseUrl"); text != "" {
		if _, err := httpx.ParseBase(text); err != nil {
			issues = append(issues, fault.As(err).WithPath(configuration+".baseUrl"))
		}
	}
	return issues
}
