// Package source is the kind of document that connects a place where customer data lives.
package source

import "github.com/millrace/millrace/internal/kind/synclog"

// Spec is what a person configures of a source.
type Spec struct {
	Type          string         `json:"type"`             // slug of a connector.SourceInfo
	Configuration map[string]any `json:"configuration"`    // its fields; secrets are references (secret.Ref)
	Engine        string         `json:"engine,omitempty"` // connector.EngineBasic (default) or EngineLightning
	Tunnel        string         `json:"tunnel,omitempty"` // slug of the tunnel that it is reached through
	Description   string         `json:"description,omitempty"`

	SyncLogs *synclog.Tables `json:"syncLogs,omitempty"` // what is written of all syncs of the source (SY-54)
}
