package objects

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"strings"

	"cloud.google.com/go/storage"
	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
)

// GCS describes the source of files in Google Cloud Storage (S-32).
func GCS() connector.SourceInfo {
	info := connector.SourceInfo{
		Slug: "gcs", Name: "Google Cloud Storage", Category: "file", Summary: "CSV, JSON and Parquet files in a bucket",
		Fields: []connector.Field{
			{Name: "credential", Label: "GCP credential", Type: connector.FieldCredential, Providers: []string{cloud.ProviderGCP}, Required: true, Help: "Its service account needs the role Storage Object Viewer on the bucket."},
			{Name: "projectId", Label: "Project ID", Type: connector.FieldString, Required: true, Example: "acme-analytics", Help: "The project that the bucket is in."},
			{Name: "bucket", Label: "Bucket name", Type: connector.FieldString, Required: true, Example: "acme-exports", Help: "Only the name, not a URL."},
			{Name: "endpoint", Label: "Endpoint", Type: connector.FieldString, Advanced: true, Example: "https://storage.example.com", Help: "The address of another store with the same protocol, without a path. Empty means Google's."},
		},
		Methods: []string{"file"}, Engines: []string{connector.EngineBasic},
		Files: &connector.FileRules{Extensions: extensions, Newest: true},
	}
	info.Open = func(o connector.SourceOptions) (connector.Source, error) {
		b := &gcsBucket{network: o.Network}
		if err := o.Settings.Decode(b); err != nil {
			return nil, err
		}
		if err := checkName("bucket", b.Bucket); err != nil {
			return nil, err
		}
		if err := b.connect(); err != nil {
			return nil, err
		}
		return newSource(info, b, o.Dir), nil
	}
	return info
}

// gcsBucket is a bucket of Google Cloud Storage.
type gcsBucket struct {
	Credential cloud.GCP `json:"credential"`
	ProjectID  string    `json:"projectId"`
	Bucket     string    `json:"bucket"`
	Endpoint   string    `json:"endpoint"`

	network   connector.Network
	transport *http.Transport
	client    *storage.Client
}

var _ store = (*gcsBucket)(nil)

// gcsScope is what tokens are for. https://cloud.google.com/storage/docs/oauth-scopes
const gcsScope = "https://www.googleapis.com/auth/devstorage.read_only"

// gcsAttempts is how often a request is made at most: without a limit the library tries until its context ends.
const gcsAttempts = 4

func (b *gcsBucket) connect() error {
	b.transport = b.network.Transport()
	ctx := context.Background()
	tokens, err := b.Credential.TokenSource(ctx, &http.Client{Transport: b.transport}, gcsScope)
	if err != nil {
		return fault.Wrap(err, fault.CodeSourceAuth, "reading the GCP credential")
	}
	options := []option.ClientOption{
		option.WithHTTPClient(&http.Client{Transport: &oauth2.Transport{Base: b.transport, Source: tokens}}), storage.WithJSONReads(),
	}
	if b.Endpoint != "" {
		options = append(options, option.WithEndpoint(strings.TrimRight(b.Endpoint, "/")+"/storage/v1/"))
	}
	if b.client, err = storage.NewClient(ctx, options...); err != nil {
		return fault.Wrap(err, fault.CodeInvalid, "making the client of Google Cloud Storage")
	}
	b.client.SetRetry(storage.WithMaxAttempts(gcsAttempts))
	return nil
}

func (b *gcsBucket) close() error {
	b.transport.CloseIdleConnections()
	return b.client.Close()
}

func (b *gcsBucket) test(ctx context.Context) error {
	objects := b.client.Bucket(b.Bucket).Objects(ctx, &storage.Query{})
	objects.PageInfo().MaxSize = 1
	if _, err := objects.Next(); err != nil && !errors.Is(err, iterator.Done) {
		return b.fault(err, "listing the bucket "+b.Bucket, false)
	}
	return nil
}

func (b *gcsBucket) list(ctx context.Context, prefix string) iter.Seq2[connector.FileEntry, error] {
	return func(yield func(connector.FileEntry, error) bool) {
		for objects := b.client.Bucket(b.Bucket).Objects(ctx, &storage.Query{Prefix: prefix}); ; {
			o, err := objects.Next()
			if errors.Is(err, iterator.Done) {
				return
			}
			if err != nil {
				yield(connector.FileEntry{}, b.fault(err, "listing the bucket "+b.Bucket, false))
				return
			}
			if !yield(connector.FileEntry{Path: o.Name, Size: o.Size, Modified: o.Updated}, nil) {
				return
			}
		}
	}
}

func (b *gcsBucket) open(ctx context.Context, path string) (io.ReadCloser, error) {
	r, err := b.client.Bucket(b.Bucket).Object(path).NewReader(ctx)
	if err != nil {
		return nil, b.fault(err, "reading "+path, true)
	}
	want := r.Attrs.Size
	if r.Attrs.ContentEncoding == "gzip" {
		want = 0 // it arrives unpacked: https://cloud.google.com/storage/docs/transcoding
	}
	return &body{ReadCloser: r, want: want, path: path, network: b.network}, nil
}

// fault gives an error its code, in the store's own words, and says what to do.
func (b *gcsBucket) fault(err error, doing string, object bool) error {
	code, status := fault.CodeSourceUnreachable, 0
	if answer, ok := errors.AsType[*googleapi.Error](err); ok {
		status = answer.Code
		code = codeOfStatus(status)
	}
	switch _, refused := errors.AsType[*oauth2.RetrieveError](err); {
	case refused:
		code = fault.CodeSourceAuth
	case errors.Is(err, storage.ErrBucketNotExist):
		status = http.StatusNotFound
	case object && (errors.Is(err, storage.ErrObjectNotExist) || status == http.StatusNotFound):
		code = fault.CodeSourceFile
	}
	e := fault.Wrap(err, code, "%s", doing)
	switch code { //nolint:exhaustive // the other codes' hints fit
	case fault.CodeSourceDenied:
		return e.WithSuggestion("Grant the service account the role Storage Object Viewer on the bucket %s in the project %s, and admit it to the bucket's service perimeter if there is one.", b.Bucket, b.ProjectID)
	case fault.CodeSourceAuth:
		return e.WithSuggestion("Check that the service account exists and that its key was not deleted, or create another key.")
	case fault.CodeSourceFile:
		return e.WithSuggestion("Check the path; it begins below the bucket.")
	}
	return unreachable(e, status, b.network, "Check the bucket's name and the project "+b.ProjectID+".")
}
