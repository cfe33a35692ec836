// Package credential is the kind of document that holds what an application shows to a provider of clouds to be let
// in, to be shared by sources, destinations and storages.
package credential

// KindName is the kind's name.
const KindName = "credential"

// Spec is what a person configures of a credential.
type Spec struct {
	Type          string         `json:"type"`          // slug of a Type: cloud.ProviderAWS …
	Configuration map[string]any `json:"configuration"` // its fields; secrets are references (resource.SecretKey)
	Description   string         `json:"description,omitempty"`
}
