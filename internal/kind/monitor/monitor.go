// Package monitor is the kind of document that says which monitoring system is told how runs went: the numbers and an
// event of each run that ends (MON-01 to MON-03).
package monitor

import (
	"slices"

	"github.com/millrace/millrace/internal/connector"
)

// KindName is the kind's name.
const KindName = "monitor"

// Spec is what a person configures of a monitor.
type Spec struct {
	Type          string         `json:"type"`          // slug of an Info
	Configuration map[string]any `json:"configuration"` // its fields; secrets are references
	Disabled      bool           `json:"disabled,omitempty"`
	Description   string         `json:"description,omitempty"`
}

// Datadog is the type that tells Datadog.
const Datadog = "datadog"

// Info is what a type of monitor says about itself.
type Info struct {
	Slug    string            `json:"slug"`
	Name    string            `json:"name"`
	Summary string            `json:"summary"`
	Fields  []connector.Field `json:"fields" nullable:"false"`
}

// Types lists the types of monitors.
func Types() []Info {
	return []Info{{
		Slug: Datadog, Name: "Datadog", Summary: "Metrics and an event of every run in Datadog",
		Fields: []connector.Field{
			{Name: "site", Label: "Site", Type: connector.FieldSelect, Default: sites[0], Required: true, Creatable: true, Options: siteOptions(), Help: "The address of your Datadog without app. or https://."},
			{Name: "apiKey", Label: "API key", Type: connector.FieldSecret, Secret: true, Required: true, Help: "An API key of the organization, not an application key."},
			{Name: "prefix", Label: "Metric prefix", Type: connector.FieldString, Default: "millrace", Advanced: true, Help: "What the names of metrics begin with, as in millrace.sync.complete. Dashboards of another tool go on when its prefix is given here."},
			{Name: "tags", Label: "Tags", Type: connector.FieldList, Advanced: true, Example: "env:production", Help: "Added to everything that is sent."},
			{Name: "events", Label: "Events", Type: connector.FieldBoolean, Default: true, Advanced: true, Help: "Post an event for each run besides the metrics."},
			{Name: "baseUrl", Label: "API address", Type: connector.FieldString, Advanced: true, Example: "https://datadog-proxy.example.com", Help: "Of a proxy; empty means the site's own."},
		},
	}}
}

// sites: https://docs.datadoghq.com/getting_started/site/
var sites = []string{"datadoghq.com", "us3.datadoghq.com", "us5.datadoghq.com", "datadoghq.eu", "ap1.datadoghq.com", "ap2.datadoghq.com", "uk1.datadoghq.com", "ddog-gov.com", "us2.ddog-gov.com"}

func siteOptions() []connector.Option {
	options := make([]connector.Option, len(sites))
	for i, s := range sites {
		options[i] = connector.Option{Value: s, Label: s}
	}
	return options
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
