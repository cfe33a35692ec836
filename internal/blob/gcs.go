package blob

import (
	"context"
	"fmt"
	"net/http"

	"cloud.google.com/go/storage"
	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/fault"
	"gocloud.dev/blob"
	"gocloud.dev/blob/gcsblob"
	"golang.org/x/oauth2"
	"google.golang.org/api/option"
)

// GCS is a bucket of Google Cloud Storage.
type GCS struct {
	ProjectID      string
	Bucket         string
	Prefix         string
	ServerIdentity bool   // the server's own credentials are used instead of the key
	Key            string // JSON of a service account
	Endpoint       string // of another store with this protocol, without a path; empty means Google's
	Results        bool   // warehouses may write results into it, which nobody seals
}

var _ Place = GCS{}

// Label names the bucket.
func (p GCS) Label() string { return label("Google Cloud Storage, bucket "+p.Bucket, p.prefix()) }

// Identity is the endpoint, the bucket and the prefix: a bucket's name is unique at its store.
func (p GCS) Identity() string { return "gcs " + p.Endpoint + " " + p.Bucket + "/" + p.prefix() }

func (p GCS) prefix() string { return folderOf(p.Prefix) }

func (p GCS) opened() (Where, bool) {
	return Where{Provider: ProviderGCS, Bucket: p.Bucket, Endpoint: p.Endpoint}, p.Results
}

// gcsScope is what tokens are for. https://cloud.google.com/storage/docs/oauth-scopes
const gcsScope = "https://www.googleapis.com/auth/devstorage.read_write"

// gcsAttempts is how often a request is made at most: without a limit the library tries until its context ends.
const gcsAttempts = 4

func (p GCS) open(ctx context.Context, o Options) (*blob.Bucket, func() error, error) {
	tokens, err := p.tokens(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	options := []option.ClientOption{
		option.WithHTTPClient(&http.Client{Transport: &oauth2.Transport{Base: o.transport(), Source: tokens}}), storage.WithJSONReads(),
	}
	if p.Endpoint != "" {
		options = append(options, option.WithEndpoint(p.Endpoint+"/storage/v1/"))
	}
	client, err := storage.NewClient(ctx, options...)
	if err != nil {
		return nil, nil, err
	}
	client.SetRetry(storage.WithMaxAttempts(gcsAttempts))
	b, err := gcsblob.OpenBucket(ctx, nil, p.Bucket, &gcsblob.Options{Client: client})
	return b, client.Close, err
}

// tokens authenticates.
func (p GCS) tokens(ctx context.Context, o Options) (oauth2.TokenSource, error) {
	if p.ServerIdentity {
		return cloud.GCP{Auth: cloud.AuthServer}.TokenSource(ctx, o.client(), gcsScope)
	}
	if _, err := cloud.ParseServiceAccount(p.Key); err != nil {
		return nil, err
	}
	tokens, err := cloud.GCP{ServiceAccountKey: p.Key}.TokenSource(ctx, o.client(), gcsScope)
	if err != nil {
		return nil, fault.New(fault.CodeInvalid, "the service account's key cannot be read: %s", err)
	}
	return tokens, nil
}

// gcsPermissions are the permissions of each operation.
// https://cloud.google.com/storage/docs/access-control/iam-permissions
var gcsPermissions = map[operation]string{
	writing: "storage.objects.create", reading: "storage.objects.get", deleting: "storage.objects.delete", listing: "storage.objects.list",
}

func (p GCS) advice(x problem) string {
	switch x.code { //nolint:exhaustive // the other codes' hints fit
	case fault.CodeStorageDenied:
		return fmt.Sprintf("Grant the service account %s on the bucket %s in the project %s (the role Storage Object Admin has it), and admit it to the bucket's service perimeter if there is one.", gcsPermissions[x.operation], p.Bucket, p.ProjectID)
	case fault.CodeStorageAuth:
		if p.ServerIdentity {
			return "The server has no Google credentials of its own: give its machine or pod a service account, or paste a key."
		}
		return "Check that the service account exists and that the key was not deleted, or create another key."
	case fault.CodeStorageMissing:
		return fmt.Sprintf("Check the bucket's name, or create the bucket in the project %s.", p.ProjectID)
	}
	return ""
}
