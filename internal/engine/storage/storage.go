// Package storage knows where the objects of each workspace lie: in the server's own storage, or in a bucket that
// the workspace describes in a document; and it moves a workspace from one to the other. A switch goes
//
//	checking → waiting → validating → resuming → cleaning → done | failed | cancelled
//
// in steps of one transaction each, so that any process can take it up where another one died:
//
//	S1  no run of the workspace is under way while its place changes: its syncs are paused first, and are not resumed
//	    before the new place was seen to work or the old one is in use again
//	S2  a place has a number of its own. What was kept in one is never looked for in another (run.Place)
//	S3  nothing is removed before the new place works and nobody has to read it any more, and only from the server's own
//	    storage
package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/blob"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/credential"
	"github.com/millrace/millrace/internal/kind/storage"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/secret"
	"github.com/uptrace/bun"
)

// Server is the storage that the server is configured with.
type Server struct {
	Bucket *blob.Bucket
	Label  string
	Expiry time.Duration // what no run has used for longer is removed; 0 means that nothing is
}

// Syncs is what a switch asks of the engine whose objects lie in storage.
type Syncs interface {
	Pause(ctx context.Context, tx bun.Tx, workspaceID int64, reason string) error
	// Drain returns how many runs are under way. With abandon, those that nobody settles are given up.
	Drain(ctx context.Context, workspaceID int64, abandon bool) (int, error)
	Resume(ctx context.Context, tx bun.Tx, workspaceID int64) error
	// Unread reports whether something of runs that were over at a time is still to be read for the workspace.
	Unread(ctx context.Context, workspaceID int64, at time.Time) (bool, error)
}

// Credentials puts credentials where their slugs stand.
type Credentials interface {
	Settings(ctx context.Context, workspaceID int64, configuration map[string]any, fields []connector.Field) (connector.Settings, error)
}

// Options are what an Engine needs.
type Options struct {
	DB        *db.DB
	Documents *resource.Store
	Types     []storage.Type
	Shared    Credentials
	Key       *secret.Key
	Server    Server
	Reach     blob.Options
	Syncs     Syncs
	Lock      Lock
	Clock     clock.Clock
	Log       *slog.Logger
	Owner     string             // names this process in leases
	Failpoint func(point string) // called after each step of a switch; nil outside tests
}

// Lock says who may move a workspace out of a place that syncs have run on.
type Lock struct {
	AfterFirstRun bool     // only those in Except
	Except        []string // slugs of workspaces
}

// Engine keeps the objects of workspaces where these say.
type Engine struct {
	Options

	mu     sync.Mutex
	opened map[version]*blob.Bucket // none is closed before the end: a run may be using it
}

// version is one revision of a document, and of the credentials that it names: the sum of their revisions, which only
// grow.
type version struct{ documentID, revision, credentials int64 }

// New returns an engine.
func New(o Options) *Engine { return &Engine{Options: o, opened: map[version]*blob.Bucket{}} }

// Close ends the connections to the places of workspaces.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for _, b := range e.opened {
		errs = append(errs, b.Close())
	}
	e.opened = map[version]*blob.Bucket{}
	return errors.Join(errs...)
}

// placeRow is a row of storage_places: a place that a workspace's objects lie in, or lay in.
type placeRow struct {
	bun.BaseModel `bun:"table:storage_places,alias:p"`

	ID          int64  `bun:"id,pk"`
	WorkspaceID int64  `bun:"workspace_id"`
	DocumentID  int64  `bun:"document_id"` // 0: the server's own storage
	Slug        string `bun:"slug"`
	Type        string `bun:"type"`
	Label       string `bun:"label"`
	Since       int64  `bun:"since"`
	Until       int64  `bun:"until"`   // 0: it is in use
	UsedAt      int64  `bun:"used_at"` // when a run first used it; 0: none did
}

// current returns the place in use; the zero row stands for the server's own storage, from the beginning.
func (e *Engine) current(ctx context.Context, idb bun.IDB, workspaceID int64) (placeRow, error) {
	row := placeRow{WorkspaceID: workspaceID, Label: e.Server.Label}
	err := idb.NewSelect().Model(&row).Where("workspace_id = ?", workspaceID).Where("until = 0").Scan(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return row, fmt.Errorf("reading where the objects of workspace %d are: %w", workspaceID, err)
	}
	if row.DocumentID == 0 {
		row.Label = e.Server.Label
	}
	return row, nil
}

// Place returns the number of the place in use and how long what lies there unused is kept (0: for ever), and notes
// that a run uses it.
func (e *Engine) Place(ctx context.Context, workspaceID int64) (id int64, expiry time.Duration, err error) {
	row, err := e.current(ctx, e.DB, workspaceID)
	if err != nil {
		return 0, 0, err
	}
	if row.DocumentID == 0 {
		expiry = e.Server.Expiry // nothing expires in a bucket that is not the operator's
	}
	if row.ID == 0 || row.UsedAt != 0 {
		return row.ID, expiry, nil
	}
	_, err = e.DB.NewUpdate().Table("storage_places").Set("used_at = ?", e.Clock.Now().UnixMilli()).Where("id = ?", row.ID).Where("used_at = 0").Exec(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("noting the use of a storage: %w", err)
	}
	return row.ID, expiry, nil
}

// Upload seals a local file and stores it in the workspace's place.
func (e *Engine) Upload(ctx context.Context, workspaceID int64, key, localPath string) error {
	b, err := e.bucket(ctx, workspaceID)
	if err != nil {
		return err
	}
	return b.Upload(ctx, workspaceID, key, localPath)
}

// Download brings an object of the workspace's place to a local file.
func (e *Engine) Download(ctx context.Context, workspaceID int64, key, localPath string) error {
	b, err := e.bucket(ctx, workspaceID)
	if err != nil {
		return err
	}
	return b.Download(ctx, workspaceID, key, localPath)
}

// DeletePrefix removes the objects of a folder from the workspace's place.
func (e *Engine) DeletePrefix(ctx context.Context, workspaceID int64, prefix string) error {
	b, err := e.bucket(ctx, workspaceID)
	if err != nil {
		return err
	}
	return b.DeletePrefix(ctx, workspaceID, prefix)
}

// Earlier opens a place that a workspace used before, by its number; 0 is the server's own, from the beginning. One that
// no document describes any more is fault.CodeNotFound.
func (e *Engine) Earlier(ctx context.Context, workspaceID, placeID int64) (*blob.Bucket, error) {
	if placeID == 0 {
		return e.Server.Bucket, nil
	}
	row := placeRow{}
	err := e.DB.NewSelect().Model(&row).Where("id = ?", placeID).Where("workspace_id = ?", workspaceID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.New(fault.CodeNotFound, "the workspace never used a storage with the number %d", placeID)
	}
	if err != nil {
		return nil, fmt.Errorf("reading an earlier storage of workspace %d: %w", workspaceID, err)
	}
	b, err := e.open(ctx, workspaceID, row.DocumentID, row.Slug)
	if fault.Is(err, fault.CodeStorageMissing) {
		return nil, fault.Wrap(err, fault.CodeNotFound, "the storage %q was used before", row.Slug)
	}
	return b, err
}

// Results returns an empty folder that a warehouse may write into, in the workspace's own place; nil where its owner did
// not open it to warehouses.
func (e *Engine) Results(ctx context.Context, workspaceID int64, key string) (*connector.Results, error) {
	b, err := e.bucket(ctx, workspaceID)
	if err != nil {
		return nil, err
	}
	f, ok := b.Folder(workspaceID, key)
	if !ok {
		return nil, nil //nolint:nilnil // rows are sent
	}
	w := f.Where()
	grant := func(ctx context.Context) (connector.Grant, error) {
		c, err := f.Grant(ctx)
		return connector.Grant{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}, err
	}
	return &connector.Results{
		Provider: w.Provider, Bucket: w.Bucket, Prefix: w.Prefix, Region: w.Region, Endpoint: w.Endpoint, Grant: grant, Files: f,
	}, nil
}

// bucket opens the place in use.
func (e *Engine) bucket(ctx context.Context, workspaceID int64) (*blob.Bucket, error) {
	row, err := e.current(ctx, e.DB, workspaceID)
	if err != nil {
		return nil, err
	}
	return e.open(ctx, workspaceID, row.DocumentID, row.Slug)
}

// open opens the place that a document describes, or the server's own, once for each revision.
func (e *Engine) open(ctx context.Context, workspaceID, documentID int64, slug string) (*blob.Bucket, error) {
	if documentID == 0 {
		return e.Server.Bucket, nil
	}
	var revision int64
	err := e.DB.NewSelect().Table("documents").Column("revision").Where("id = ?", documentID).Where("workspace_id = ?", workspaceID).Scan(ctx, &revision)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.New(fault.CodeStorageMissing, "there is no storage %q any more", slug).
			WithSuggestion("Describe the storage anew and switch to it.")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the storage %q: %w", slug, err)
	}
	credentials, err := e.credentials(ctx, workspaceID, documentID)
	if err != nil {
		return nil, err
	}
	v := version{documentID, revision, credentials}
	e.mu.Lock()
	known := e.opened[v]
	e.mu.Unlock()
	if known != nil {
		return known, nil
	}
	d, err := e.resolve(ctx, workspaceID, slug)
	if err != nil {
		return nil, err
	}
	b, err := blob.OpenPlace(ctx, d.place, e.Reach, e.Key)
	if err != nil {
		return nil, err
	}
	return b, e.remember(version{d.ID, d.Revision, credentials}, &b)
}

// credentials is the sum of the revisions of the credentials that a document names.
func (e *Engine) credentials(ctx context.Context, workspaceID, documentID int64) (sum int64, err error) {
	err = e.DB.NewRaw(`SELECT COALESCE(SUM(c.revision), 0) FROM document_refs AS r
		JOIN documents AS c ON c.workspace_id = r.workspace_id AND c.kind = r.to_kind AND c.slug = r.to_slug
		WHERE r.from_id = ? AND r.workspace_id = ? AND r.to_kind = ?`, documentID, workspaceID, credential.KindName).Scan(ctx, &sum)
	if err != nil {
		return 0, fmt.Errorf("reading which credentials a storage names: %w", err)
	}
	return sum, nil
}

// remember keeps an open bucket; where another goroutine was faster, theirs is used and this one is closed.
func (e *Engine) remember(v version, b **blob.Bucket) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if known := e.opened[v]; known != nil {
		mine := *b
		*b = known
		return mine.Close()
	}
	e.opened[v] = *b
	return nil
}

// described is a document with the place that it describes.
type described struct {
	resource.Document

	kind  string // slug of the type
	place blob.Place
}

// resolve reads a document with its secrets in place.
func (e *Engine) resolve(ctx context.Context, workspaceID int64, slug string) (described, error) {
	d, err := e.Documents.Resolve(ctx, resource.Scope{WorkspaceID: workspaceID, Actor: "millrace"}, storage.KindName, slug)
	if err != nil {
		return described{}, err
	}
	spec := d.Spec.(*storage.Spec) //nolint:forcetypeassert // the kind's own spec
	p, err := e.placeOf(ctx, workspaceID, *spec)
	return described{d, spec.Type, p}, err
}

// placeOf is the place that a spec, whose secrets are in place, describes.
func (e *Engine) placeOf(ctx context.Context, workspaceID int64, s storage.Spec) (blob.Place, error) {
	if e.Shared != nil {
		settings, err := e.Shared.Settings(ctx, workspaceID, s.Configuration, storage.Fields(e.Types, s))
		if err != nil {
			return nil, err
		}
		s.Configuration = settings
	}
	return storage.Place(e.Types, s)
}

// Follow makes the store ask before a document that is in use moves or goes.
func (e *Engine) Follow(documents *resource.Store) {
	documents.OnUpdate(func(ctx context.Context, tx bun.Tx, u resource.Updated) error {
		before, ok := u.Before.Spec.(*storage.Spec)
		if !ok {
			return nil
		}
		return e.mayChange(ctx, tx, u, before)
	})
	documents.OnDelete(func(ctx context.Context, tx bun.Tx, sc resource.Scope, d resource.Document) error {
		if d.Kind != storage.KindName {
			return nil
		}
		use, err := e.useOf(ctx, tx, sc.WorkspaceID, d.ID)
		if err != nil || use == unused {
			return err
		}
		return fault.New(fault.CodeStorageInUse, "the workspace's objects are in the storage %q", d.Slug).
			WithSuggestion("Switch to another storage first.")
	})
}

// mayChange refuses that a document comes to describe another place while objects are there. Other credentials for
// the same place are always welcome.
func (e *Engine) mayChange(ctx context.Context, tx bun.Tx, u resource.Updated, before *storage.Spec) error {
	was, err := storage.Place(e.Types, *before)
	if err != nil {
		return err
	}
	after := u.After.Spec.(*storage.Spec) //nolint:forcetypeassert // the kind's own spec
	is, err := storage.Place(e.Types, *after)
	if err != nil || was.Identity() == is.Identity() {
		return err
	}
	use, err := e.useOf(ctx, tx, u.Scope.WorkspaceID, u.After.ID)
	if err != nil {
		return err
	}
	if use == used {
		return fault.New(fault.CodeStorageInUse, "syncs have run on this storage, so that it cannot become another place: it is %s", was.Label())
	}
	_, err = tx.NewUpdate().Table("storage_places").Set("label = ?", is.Label()).Set("type = ?", after.Type).
		Where("workspace_id = ?", u.Scope.WorkspaceID).Where("document_id = ?", u.After.ID).Where("until = 0").Exec(ctx)
	if err != nil {
		return fmt.Errorf("renaming a storage: %w", err)
	}
	return nil
}

// use is how a document is used.
type use int

const (
	unused use = iota
	chosen     // the workspace uses it, and nothing is there yet
	used       // objects are there, or a switch goes there
)

func (e *Engine) useOf(ctx context.Context, tx bun.Tx, workspaceID, documentID int64) (use, error) {
	target, err := tx.NewSelect().Table("storage_switches").Where("workspace_id = ?", workspaceID).Where("document_id = ?", documentID).Where("finished_at = 0").Exists(ctx)
	if err != nil {
		return unused, fmt.Errorf("looking for a switch: %w", err)
	}
	if target {
		return used, nil
	}
	row, err := e.current(ctx, tx, workspaceID)
	switch {
	case err != nil || row.DocumentID != documentID:
		return unused, err
	case row.UsedAt == 0:
		return chosen, nil
	default:
		return used, nil
	}
}
