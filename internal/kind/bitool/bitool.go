// Package bitool is the kind of document that connects a tool of business intelligence, whose saved questions become
// models: the tool gives the SQL, and the model's source runs it (BI-01, BI-02).
package bitool

import (
	"slices"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/kind/tunnel"
	"github.com/millrace/millrace/internal/resource"
)

// KindName is the kind's name.
const KindName = "bi-tool"

// The types.
const (
	Looker = "looker"
	Sigma  = "sigma"
)

// Spec is what a person configures of a tool.
type Spec struct {
	Type          string         `json:"type"`             // slug of an Info
	Configuration map[string]any `json:"configuration"`    // its fields; secrets are references
	Tunnel        string         `json:"tunnel,omitempty"` // slug of the tunnel that it is reached through
	Description   string         `json:"description,omitempty"`
}

// Info is what a type says about itself.
type Info struct {
	Slug    string            `json:"slug"`
	Name    string            `json:"name"`
	Summary string            `json:"summary"`
	Fields  []connector.Field `json:"fields" nullable:"false"`
	Tunnels bool              `json:"tunnels"` // it can lie in a private network, and be reached through a tunnel
}

// Types lists the types.
func Types() []Info {
	fields := func(base connector.Field, help string) []connector.Field {
		return []connector.Field{
			base,
			{Name: "clientId", Label: "Client ID", Type: connector.FieldString, Required: true, Help: help},
			{Name: "clientSecret", Label: "Client secret", Type: connector.FieldSecret, Secret: true, Required: true},
		}
	}
	return []Info{
		{
			Slug: Looker, Name: "Looker", Summary: "Looks become models", Tunnels: true,
			Fields: fields(connector.Field{Name: "baseUrl", Label: "Looker address", Type: connector.FieldString, Required: true, Example: "https://acme.cloud.looker.com", Help: "The address of the API, with its port where it has one of its own (19999)."},
				"An API key of a user who sees the Looks, from Admin, Users."),
		},
		{
			Slug: Sigma, Name: "Sigma", Summary: "Elements of published workbooks become models",
			Fields: fields(connector.Field{Name: "baseUrl", Label: "API address", Type: connector.FieldString, Required: true, Default: "https://aws-api.sigmacomputing.com", Help: "That of the cloud which your Sigma organization is in."},
				"An API client credential whose owner sees the workbooks."),
		},
	}
}

// TypeOf returns the type with the slug.
func TypeOf(slug string) (Info, bool) {
	all := Types()
	i := slices.IndexFunc(all, func(t Info) bool { return t.Slug == slug })
	if i < 0 {
		return Info{}, false
	}
	return all[i], true
}

const configuration = "spec.configuration"

// Kind returns the descriptor of tools.
func Kind() resource.Kind {
	k := resource.Define(KindName, KindName+"s",
		func(s *Spec, stored func(string) bool) fault.Issues { return s.validate(stored) },
		func(s *Spec) []resource.Ref { return tunnel.Ref(s.Tunnel) },
		func(s *Spec, visit func(resource.Place)) {
			if info, ok := TypeOf(s.Type); ok {
				resource.VisitSecrets(configuration, s.Configuration, info.Fields, visit)
			}
		})
	k.Change = func(before, after any) fault.Issues {
		var issues fault.Issues
		if before.(*Spec).Type != after.(*Spec).Type { //nolint:forcetypeassert // this kind's specs
			issues.Add("spec.type", fault.CodeInvalid, "a tool keeps its type: models name what is in it; make another one")
		}
		return issues
	}
	return k
}

func (s *Spec) validate(stored func(string) bool) fault.Issues {
	var issues fault.Issues
	info, ok := TypeOf(s.Type)
	if !ok {
		issues.Add("spec.type", fault.CodeInvalid, "there is no tool %q; there are %s and %s", s.Type, Looker, Sigma)
		return issues
	}
	if s.Tunnel != "" && !info.Tunnels {
		issues.Add("spec.tunnel", fault.CodeInvalid, "%s is not reached through a tunnel", info.Name)
	}
	settings := connector.Settings(resource.WithoutSecrets(s.Configuration))
	issues = append(issues, settings.Check(configuration, info.Fields, func(name string) bool { return stored(configuration + "." + name) })...)
	if text := settings.WithDefaults(info.Fields).Text("baseUrl"); text != "" {
		if _, err := httpx.ParseBase(text); err != nil {
			issues = append(issues, fault.As(err).WithPath(configuration+".baseUrl"))
		}
	}
	return issues
}

// Settings are the tool's, with defaults.
func (s *Spec) Settings() connector.Settings {
	info, _ := TypeOf(s.Type)
	return connector.Settings(s.Configuration).WithDefaults(info.Fields)
}
