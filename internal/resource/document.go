package resource

import (
	"encoding/json"
	"time"

	"github.com/uptrace/bun"
)

// Scope says whose documents a call is about and who makes it. Every method takes one.
type Scope struct {
	WorkspaceID int64
	Actor       string // an email address, or "system"

	FixedFolders bool // no folder may come into being with a document (FOL-01)
}

// Document is a configured thing.
type Document struct {
	Kind      string
	ID        int64
	UUID      string
	Slug      string // immutable, unique in the kind's space and workspace
	Name      string
	Folder    string // a path such as "Marketing/EU"; empty means none
	Labels    map[string]string
	Revision  int64 // counts the versions from 1
	CreatedAt time.Time
	UpdatedAt time.Time
	CreatedBy string
	UpdatedBy string
	Spec      any // a pointer as Kind.New returns it; secrets are {"$secret": "set"} unless resolved
}

// Version is one revision of a document.
type Version struct {
	Revision int64
	At       time.Time
	By       string
	Summary  string
	Spec     json.RawMessage
}

// Event is one entry of a document's activity.
type Event struct {
	At       time.Time
	By       string
	Action   string // created, updated, deleted, triggered …
	Summary  string
	Revision int64
}

// Referrer is a document that refers to another.
type Referrer struct {
	Kind string
	Slug string
	Name string
}

// documentRow is a row of documents. Times are milliseconds since 1970 UTC.
type documentRow struct {
	bun.BaseModel `bun:"table:documents,alias:d"`

	ID          int64  `bun:"id,pk"`
	UUID        string `bun:"uuid"`
	WorkspaceID int64  `bun:"workspace_id"`
	Kind        string `bun:"kind"`
	Space       string `bun:"space"`
	Slug        string `bun:"slug"`
	Name        string `bun:"name"`
	Folder      string `bun:"folder"`
	Labels      string `bun:"labels"`
	Spec        string `bun:"spec"`
	Revision    int64  `bun:"revision"`
	CreatedAt   int64  `bun:"created_at"`
	UpdatedAt   int64  `bun:"updated_at"`
	CreatedBy   string `bun:"created_by"`
	UpdatedBy   string `bun:"updated_by"`
}

// document decodes a row; secrets stay references.
func (r documentRow) document(k Kind) (Document, error) {
	d := Document{
		Kind: r.Kind, ID: r.ID, UUID: r.UUID, Slug: r.Slug, Name: r.Name, Folder: r.Folder, Revision: r.Revision,
		CreatedAt: time.UnixMilli(r.CreatedAt).UTC(), UpdatedAt: time.UnixMilli(r.UpdatedAt).UTC(),
		CreatedBy: r.CreatedBy, UpdatedBy: r.UpdatedBy, Labels: map[string]string{},
	}
	if err := json.Unmarshal([]byte(r.Labels), &d.Labels); err != nil {
		return d, err
	}
	spec := k.New()
	if err := json.Unmarshal([]byte(r.Spec), spec); err != nil {
		return d, err
	}
	d.Spec = spec
	return d, nil
}

// mask hides the references of secrets from readers.
func (k Kind) mask(spec any) {
	if k.Secrets == nil {
		return
	}
	k.Secrets(spec, func(p Place) {
		if _, stored := reference(p.Value); stored {
			p.Set(map[string]any{SecretKey: secretSet})
		}
	})
}

// reference returns the id of a stored secret.
func reference(v any) (string, bool) {
	m, ok := v.(map[string]any)
	if !ok {
		return "", false
	}
	id, ok := m[SecretKey].(string)
	return id, ok
}
