// Package destination is the kind of document that connects a place that rows are sent to.
package destination

// Spec is what a person configures of a destination.
type Spec struct {
	Type          string         `json:"type"`          // slug of a connector.DestinationInfo
	Configuration map[string]any `json:"configuration"` // its fields; secrets are references (secret.Ref)
	Description   string         `json:"description,omitempty"`
}
