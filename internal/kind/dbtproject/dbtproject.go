// Package dbtproject is the kind of document that makes the models and analyses of a dbt project choosable for models
// (DBT-01): which source they lie in, and where the project's manifest comes from.
package dbtproject

// KindName is the kind's name.
const KindName = "dbt-project"

// Origin is where the project's manifest comes from.
type Origin string

// The origins.
const (
	OriginManifest Origin = "manifest" // somebody loads it, such as a CI job
)

// Origins lists the origins.
var Origins = []Origin{OriginManifest}

// Spec is what a person configures of a project. The manifest is no part of it.
type Spec struct {
	Source      string `json:"source"` // slug
	Origin      Origin `json:"origin"`
	Files       string `json:"files,omitempty"` // address under which the project's files can be seen
	Description string `json:"description,omitempty"`
}
