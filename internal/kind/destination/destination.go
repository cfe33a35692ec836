// Package destination is the kind of document that connects a place that rows are sent to.
package destination

import (
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/millrace/millrace/internal/kind/audiencesize"
)

// Spec is what a person configures of a destination.
type Spec struct {
	Type          string         `json:"type"`             // slug of a connector.DestinationInfo
	Configuration map[string]any `json:"configuration"`    // its fields; secrets are references (secret.Ref)
	Tunnel        string         `json:"tunnel,omitempty"` // slug of the tunnel that it is reached through
	Description   string         `json:"description,omitempty"`
	Alerts        *alerting.Spec `json:"alerts,omitempty"` // of all its syncs (SY-62)

	AudienceSizes *audiencesize.Report `json:"audienceSizes,omitempty"` // of its ad accounts (SY-94)
}
