// Package azureblob is the destination "Azure Blob Storage": files as block blobs of a container.
package azureblob

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"gocloud.dev/blob/azureblob"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/file"
	"github.com/millrace/millrace/internal/fault"
)

// Slug is the destination's slug.
const Slug = "azure-blob"

// Info describes the destination.
func Info() connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug:      Slug,
		Name:      "Azure Blob Storage",
		Category:  "file_storage",
		Summary:   "Writes files to a container of Azure Blob Storage",
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

// destination is a container.
type destination struct {
	dir      string
	clock    clock.Clock
	network  connector.Network
	settings settings
}

var _ connector.Destination = (*destination)(nil)

const (
	// retries is how often a request is made again. The library waits 0.8 seconds, then twice as long each time.
	retries = 3
	// noRetry makes each request once.
	noRetry = -1
	// headerTimeout is how long the store may take to start answering a request that it has received.
	headerTimeout = 60 * time.Second
)

func (d *destination) client(retries int32) (*container.Client, error) {
	transport := d.network.Transport()
	transport.ResponseHeaderTimeout = headerTimeout
	client := &http.Client{Transport: transport}
	options := &container.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: client, Retry: policy.RetryOptions{MaxRetries: retries}}}
	if d.settings.Authentication == byKey {
		shared, err := container.NewSharedKeyCredential(d.settings.Account, d.settings.AccountKey)
		if err != nil {
			return nil, fault.Wrap(err, fault.CodeInvalid, "reading the account key").WithPath("spec.configuration.accountKey")
		}
		return container.NewClientWithSharedKeyCredential(d.containerURL(), shared, options)
	}
	tokens, err := d.settings.Credential.Token(client)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeDestinationAuth, "reading the Azure credential")
	}
	return container.NewClient(d.containerURL(), tokens, options)
}

func (d *destination) containerURL() string {
	service := "https://" + d.settings.Account + ".blob.core.windows.net"
	if d.settings.Endpoint != "" {
		service = strings.TrimRight(d.settings.Endpoint, "/")
	}
	return service + "/" + d.settings.Container
}

func (d *destination) address() string {
	return d.containerURL() + "/" + file.Prefix(d.settings.Prefix)
}

// Test lists one blob under the prefix. Whether blobs may be written cannot be known without writing
// one, so the first run tells.
func (d *destination) Test(ctx context.Context) error {
	if err := file.OneError(d.settings.check()); err != nil {
		return err
	}
	c, err := d.client(noRetry)
	if err != nil {
		return err
	}
	one, prefix := int32(1), file.Prefix(d.settings.Prefix)
	_, err = c.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{MaxResults: &one, Prefix: &prefix}).NextPage(ctx)
	if err != nil {
		return d.fault(err, "listing blobs under "+d.address())
	}
	return nil
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

// Begin starts a run. Nothing is sent to the container before the run is finished.
func (d *destination) Begin(ctx context.Context, job connector.SyncJob) (connector.Session, error) {
	if err := file.OneError(d.settings.check()); err != nil {
		return nil, fault.Reclass(err, fault.Fatal)
	}
	c, err := d.client(retries)
	if err != nil {
		return nil, err
	}
	bucket, err := azureblob.OpenBucket(ctx, c, nil)
	if err != nil {
		return nil, d.fault(err, "opening "+d.address())
	}
	place := &file.Bucket{
		Blobs:  bucket,
		Prefix: file.Prefix(d.settings.Prefix),
		Base:   d.containerURL() + "/",
		Fault:  func(err error, name string) error { return d.fault(err, "uploading "+name) },
	}
	return place.Begin(file.Options{PublicKey: d.settings.PublicKey, Dir: d.dir, Clock: d.clock}, job)
}

// Close does nothing: idle connections end by themselves.
func (d *destination) Close() error { return nil }
