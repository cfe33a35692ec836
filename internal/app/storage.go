package app

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/millrace/millrace/internal/blob"
	"github.com/millrace/millrace/internal/config"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/storage"
	"github.com/millrace/millrace/internal/engine/sync/audit"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/uptrace/bun"
)

// storeAnswer is how long a store of a workspace may take to start answering.
const storeAnswer = 60 * time.Second

// openStorage makes what knows where the objects of each workspace lie.
func (p *process) openStorage(wake run.Enqueuer, owner string) {
	c := p.Config
	transport := networkOf(c).Transport()
	transport.ResponseHeaderTimeout = storeAnswer
	p.storage = storage.New(storage.Options{
		DB: p.db, Documents: p.documents, Types: Storages(c), Shared: shared{p}, Key: p.key,
		Server: storage.Server{Bucket: p.bucket, Label: serverStorage(c), Expiry: c.StorageExpiry},
		Reach:  blob.Options{Transport: transport, Egress: c.EgressAddresses},
		Syncs:  pausable{p.runs, p.logs, wake}, Clock: p.clock, Log: p.log, Owner: owner, Failpoint: p.Failpoint,
		Lock: storage.Lock{AfterFirstRun: c.StorageLock == config.StorageLockAfterFirstRun, Except: c.StorageLockExcept},
	})
	p.storage.Follow(p.documents)
	p.closers = append(p.closers, p.storage.Close)
}

// shared are the credentials of workspaces, which connections know.
type shared struct{ process *process }

var _ storage.Credentials = shared{}

// Settings puts credentials where their slugs stand.
func (s shared) Settings(ctx context.Context, workspaceID int64, configuration map[string]any, fields []connector.Field) (connector.Settings, error) {
	return s.process.connections.Settings(ctx, workspaceID, configuration, fields)
}

// owner names this process in leases.
func owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d/%d", host, os.Getpid(), time.Now().UnixNano())
}

// serverStorage names the server's own storage for people of workspaces. Where exactly it is, is the operator's.
func serverStorage(c *config.Config) string {
	u, err := url.Parse(c.StorageURL)
	if c.StorageURL == "" || err != nil {
		return "This server's own storage (folder)"
	}
	kinds := map[string]string{"s3": "Amazon S3 or compatible", "gs": "Google Cloud Storage", "azblob": "Azure Blob Storage", "file": "folder"}
	return "This server's own storage (" + kinds[u.Scheme] + ")"
}

// places tells runs where objects lie.
type places struct{ storage *storage.Engine }

var _ run.Places = places{}

// Place returns where a workspace's objects lie.
func (p places) Place(ctx context.Context, workspaceID int64) (run.Place, error) {
	id, expiry, err := p.storage.Place(ctx, workspaceID)
	return run.Place{ID: id, Expiry: expiry}, err
}

// Earlier returns what a workspace kept in a place that it used before.
func (p places) Earlier(ctx context.Context, workspaceID, placeID int64) (run.Stored, error) {
	return p.storage.Earlier(ctx, workspaceID, placeID)
}

// pausable are the syncs that stand still while storage is switched.
type pausable struct {
	*run.Store

	logs *audit.Store
	wake run.Enqueuer
}

var _ storage.Syncs = pausable{}

// Resume lets the syncs of a workspace go on.
func (s pausable) Resume(ctx context.Context, tx bun.Tx, workspaceID int64) error {
	return s.Store.Resume(ctx, tx, workspaceID, s.wake)
}

// Unread reports whether sync logs of runs that were over at a time are still to be written.
func (s pausable) Unread(ctx context.Context, workspaceID int64, at time.Time) (bool, error) {
	return s.logs.Unread(ctx, workspaceID, at)
}

// advance carries out switches of storage.
func (p *process) advance(ctx context.Context) {
	if err := p.storage.Advance(ctx); err != nil && ctx.Err() == nil {
		p.log.Error("switching storage", "error", err)
	}
}
