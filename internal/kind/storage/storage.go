// Package storage is the kind of document that describes a bucket which a workspace can keep its objects in: what
// syncs remember between runs, and the log of runs. Which one is in use is no part of it: that is a fact, which
// engine/storage knows and changes.
package storage

// Spec is what a person configures of a storage.
type Spec struct {
	Type          string         `json:"type"`          // slug of a Type
	Configuration map[string]any `json:"configuration"` // its fields; secrets are references (resource.SecretKey)
	Description   string         `json:"description,omitempty"`
}
