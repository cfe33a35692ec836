// Package orchestrator is the kind of document that connects what runs jobs before syncs: dbt Cloud and Fivetran. The
// schedule of a sync or sequence names one and its jobs (DBT-07, ORC-01).
package orchestrator

import (
	"slices"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/resource"
)

// KindName is the kind's name.
const KindName = "orchestrator"

// The types. Schedules have the same words.
const (
	DBTCloud = "dbtCloud"
	Fivetran = "fivetran"
)

// Spec is what a person configures of an orchestrator.
type Spec struct {
	Type          string         `json:"type"`          // slug of an Info
	Configuration map[string]any `json:"configuration"` // its fields; secrets are references
	Description   string         `json:"description,omitempty"`
}

// Info is what a type says about itself.
type Info struct {
	Slug    string            `json:"slug"`
	Name    string            `json:"name"`
	Summary string            `json:"summary"`
	Fields  []connector.Field `json:"fields" nullable:"false"`
}

// FivetranURL is Fivetran's API. https://fivetran.com/docs/rest-api/getting-started
const FivetranURL = "https://api.fivetran.com"

// Types lists the types.
func Types() []Info {
	return []Info{
		{Slug: DBTCloud, Name: "dbt Cloud", Summary: "Syncs run when jobs of dbt Cloud have succeeded", Fields: []connector.Field{
			{Name: "baseUrl", Label: "dbt Cloud address", Type: connector.FieldString, Required: true, Default: "https://cloud.getdbt.com", Help: "The access URL of your region or account, such as https://emea.getdbt.com or https://ab123.us1.dbt.com."},
			{Name: "accountId", Label: "Account ID", Type: connector.FieldString, Required: true, Help: "The number in the addresses of dbt Cloud's pages."},
			{Name: "token", Label: "API token", Type: connector.FieldSecret, Secret: true, Required: true, Help: "A service token or a personal access token that may read jobs."},
		}},
		{Slug: Fivetran, Name: "Fivetran", Summary: "Syncs run when connections and transformations of Fivetran are done", Fields: []connector.Field{
			{Name: "apiKey", Label: "API key", Type: connector.FieldString, Required: true, Help: "Of an Account Administrator: Millrace makes a signed webhook in the account."},
			{Name: "apiSecret", Label: "API secret", Type: connector.FieldSecret, Secret: true, Required: true},
			{Name: "baseUrl", Label: "API address", Type: connector.FieldString, Advanced: true, Default: FivetranURL},
		}},
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

// Kind returns the descriptor of orchestrators.
func Kind() resource.Kind {
	k := resource.Define(KindName, KindName+"s",
		func(s *Spec, stored func(string) bool) fault.Issues { return s.validate(stored) },
		func(*Spec) []resource.Ref { return nil },
		func(s *Spec, visit func(resource.Place)) {
			if info, ok := TypeOf(s.Type); ok {
				resource.VisitSecrets(configuration, s.Configuration, info.Fields, visit)
			}
		})
	k.Change = func(before, after any) fault.Issues {
		var issues fault.Issues
		if before.(*Spec).Type != after.(*Spec).Type { //nolint:forcetypeassert // this kind's specs
			issues.Add("spec.type", fault.CodeInvalid, "an orchestrator keeps its type: schedules name its jobs; make another one")
		}
		return issues
	}
	return k
}

func (s *Spec) validate(stored func(string) bool) fault.Issues {
	var issues fault.Issues
	info, ok := TypeOf(s.Type)
	if !ok {
		issues.Add("spec.type", fault.CodeInvalid, "there is no orchestrator %q; there are %s and %s", s.Type, DBTCloud, Fivetran)
		return issues
	}
	settings := connector.Settings(resource.WithoutSecrets(s.Configuration))
	issues = settings.Check(configuration, info.Fields, func(name string) bool { return stored(configuration + "." + name) })
	if text := settings.WithDefaults(info.Fields).Text("baseUrl"); text != "" {
		if _, err := httpx.ParseBase(text); err != nil {
			issues = append(issues, fault.As(err).WithPath(configuration+".baseUrl"))
		}
	}
	return issues
}

// Settings are the orchestrator's, with defaults.
func (s *Spec) Settings() connector.Settings {
	info, _ := TypeOf(s.Type)
	return connector.Settings(s.Configuration).WithDefaults(info.Fields)
}
