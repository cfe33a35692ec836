// Package gcs is the destination "Google Cloud Storage": files as objects of a bucket.
package gcs

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob/gcsblob"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/file"
	"github.com/millrace/millrace/internal/fault"
)

// Slug is the destination's slug.
const Slug = "gcs"

// Info describes the destination.
func Info() connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug:      Slug,
		Name:      "Google Cloud Storage",
		Category:  "file_storage",
		Summary:   "Writes files to a bucket of Google Cloud Storage",
		Verified:  false,
		Fields:    fields(),
		SyncTypes: []connector.SyncType{file.SyncType()},
		Open:      open,
	}
}

func open(o connector.DestinationOptions) (connector.Destination, error) {
	d := &destination{dir: o.Dir, clock: o.Clock, network: o.Network}
	if err := o.Settings.WithDefaults(fields()).Decode(&d.settings); err != nil {
		return nil, err
	}
	return d, nil
}

// destination is a bucket.
type destination struct {
	dir      string
	clock    clock.Clock
	network  connector.Network
	settings settings
}

var _ connector.Destination = (*destination)(nil)

const (
	// scope is what tokens are for. https://cloud.google.com/storage/docs/oauth-scopes
	scope = "https://www.googleapis.com/auth/devstorage.read_write"
	// attempts is how often a request is made at most: without a limit the library tries until its context ends.
	attempts = 4
	// headerTimeout is how long the store may take to start answering a request that it has received.
	headerTimeout = 60 * time.Second
)

// client makes a client that makes each request so often. Every request may be made again: a file
// that goes up twice is the same file.
func (d *destination) client(ctx context.Context, attempts int) (*storage.Client, error) {
	transport := d.network.Transport()
	transport.ResponseHeaderTimeout = headerTimeout
	tokens, err := d.settings.Credential.Tokens(&http.Client{Transport: transport}, scope)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeDestinationAuth, "reading the GCP credential")
	}
	options := []option.ClientOption{
		option.WithHTTPClient(&http.Client{Transport: tokens.Transport(transport)}), storage.WithJSONReads(),
	}
	if d.settings.Endpoint != "" {
		options = append(options, option.WithEndpoint(strings.TrimRight(d.settings.Endpoint, "/")+"/storage/v1/"))
	}
	c, err := storage.NewClient(ctx, options...)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeInvalid, "making the client of Google Cloud Storage")
	}
	c.SetRetry(storage.WithMaxAttempts(attempts), storage.WithPolicy(storage.RetryAlways))
	return c, nil
}

// Test asks which permissions the service account has on the bucket, which needs none itself.
// Permissions can be limited to a folder: where there is a prefix, or the store does not answer the
// question, it is enough to be able to list under the prefix.
// https://cloud.google.com/storage/docs/access-control/iam-json
func (d *destination) Test(ctx context.Context) error {
	if err := file.OneError(d.settings.check()); err != nil {
		return err
	}
	c, err := d.client(ctx, 1)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // nothing was written
	bucket := c.Bucket(d.settings.Bucket)
	held, err := bucket.IAM().TestPermissions(ctx, []string{permissionCreate})
	switch answer, answered := errors.AsType[*googleapi.Error](err); {
	case err == nil && slices.Contains(held, permissionCreate):
		return nil
	case err == nil && file.Prefix(d.settings.Prefix) == "":
		return d.fault(errNotHeld, "looking at "+d.address())
	case err != nil && (!answered || answer.Code == http.StatusUnauthorized):
		return d.fault(err, "looking at "+d.address())
	}
	return d.list(ctx, bucket)
}

// permissionCreate is the one that writing needs.
const permissionCreate = "storage.objects.create"

var errNotHeld = errors.New("the service account does not have the permission " + permissionCreate)

func (d *destination) list(ctx context.Context, bucket *storage.BucketHandle) error {
	objects := bucket.Objects(ctx, &storage.Query{Prefix: file.Prefix(d.settings.Prefix)})
	objects.PageInfo().MaxSize = 1
	if _, err := objects.Next(); err != nil && !errors.Is(err, iterator.Done) {
		return d.fault(err, "listing objects under "+d.address())
	}
	return nil
}

func (d *destination) address() string {
	return "gs://" + d.settings.Bucket + "/" + file.Prefix(d.settings.Prefix)
}

// Check reports every error of the settings.
func (d *destination) Check(job connector.SyncJob) error {
	issues := d.settings.check()
	var more fault.Issues
	if err := file.Check(job, d.settings.PublicKey); errors.As(err, &more) {
		issues = append(issues, more...)
	}
	return issues.Err()
}

// Begin starts a run. Nothing is sent to the bucket before the run is finished.
func (d *destination) Begin(ctx context.Context, job connector.SyncJob) (connector.Session, error) {
	if err := file.OneError(d.settings.check()); err != nil {
		return nil, fault.Reclass(err, fault.Fatal)
	}
	c, err := d.client(context.WithoutCancel(ctx), attempts)
	if err != nil {
		return nil, err
	}
	bucket, err := gcsblob.OpenBucket(ctx, nil, d.settings.Bucket, &gcsblob.Options{Client: c})
	if err != nil {
		return nil, d.fault(err, "opening "+d.address())
	}
	place := &file.Bucket{
		Blobs:  bucket,
		Prefix: file.Prefix(d.settings.Prefix),
		Base:   "gs://" + d.settings.Bucket + "/",
		Fault:  func(err error, name string) error { return d.fault(err, "uploading "+name) },
	}
	return place.Begin(file.Options{PublicKey: d.settings.PublicKey, Dir: d.dir, Clock: d.clock}, job)
}

// Close does nothing: idle connections end by themselves.
func (d *destination) Close() error { return nil }
