package blob_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/fsouza/fake-gcs-server/fakestorage"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/millrace/millrace/internal/blob"
	"github.com/millrace/millrace/internal/blob/blobtest"
	"github.com/millrace/millrace/test/services"
	gocloud "gocloud.dev/blob"
	"gocloud.dev/blob/azureblob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/gcsblob"
	_ "gocloud.dev/blob/s3blob"
)

// newS3 starts a store with the protocol of S3 that has one bucket.
func newS3(t *testing.T) (endpoint string) {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("bucket"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	return server.URL
}

func s3Place(endpoint, bucket, prefix string) blob.S3 {
	return blob.S3{Bucket: bucket, Region: "us-east-1", Prefix: prefix, AccessKeyID: "AKIATEST", SecretAccessKey: "secret", Endpoint: endpoint, PathStyle: true}
}

func closeRaw(t *testing.T, b *gocloud.Bucket, err error) *gocloud.Bucket {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() }) //nolint:errcheck // the test's own view
	return b
}

// What lies in a store is sealed, and a prefix has its objects for itself: environments can share a bucket.
//
// Req, SY-44
func TestS3(t *testing.T) {
	endpoint := newS3(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "x")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "y")
	raw, err := gocloud.OpenBucket(t.Context(), "s3://bucket?region=us-east-1&use_path_style=true&endpoint="+endpoint)
	blobtest.Run(t, blobtest.Store{
		Place:   func(prefix string) blob.Place { return s3Place(endpoint, "bucket", prefix) },
		Missing: s3Place(endpoint, "absent", ""),
		Raw:     closeRaw(t, raw, err),
		Listing: func(r *http.Request) bool { return r.URL.Query().Get("list-type") == "2" },
	})
}

// newGCS starts a store with the protocol of Google Cloud Storage that has one bucket, and a service that gives out
// tokens for a service account's key.
func newGCS(t *testing.T) (endpoint, key string) {
	t.Helper()
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{Scheme: "http", Host: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "bucket"})
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token":"token","token_type":"Bearer","expires_in":3600}`)
	}))
	t.Cleanup(tokens.Close)
	return server.URL(), serviceAccount(t, tokens.URL)
}

// serviceAccount makes the key of a service account that gets its tokens at an address.
func serviceAccount(t *testing.T, tokens string) string {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "acme", "client_email": "millrace@acme.iam.gserviceaccount.com", "private_key_id": "1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": tokens,
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(key)
}

// Req
func TestGCS(t *testing.T) {
	t.Parallel()
	endpoint, key := newGCS(t)
	place := func(bucket, prefix string) blob.Place {
		return blob.GCS{ProjectID: "acme", Bucket: bucket, Prefix: prefix, Key: key, Endpoint: endpoint}
	}
	raw, err := gcsblob.OpenBucket(t.Context(), nil, "bucket", &gcsblob.Options{Client: gcsClient(t, endpoint)})
	blobtest.Run(t, blobtest.Store{
		Place:   func(prefix string) blob.Place { return place("bucket", prefix) },
		Missing: place("absent", ""), Blind: true, // the fake's words differ from Google's: TestGCSMissingBucket
		Raw: closeRaw(t, raw, err), Page: "maxResults",
		Listing: func(r *http.Request) bool { return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/o") },
	})
}

// Req
func TestAzure(t *testing.T) {
	t.Parallel()
	a := services.NewAzurite(t)
	place := func(name, prefix string) blob.Azure {
		return blob.Azure{Account: a.Account, AccountKey: a.Key, Container: name, Prefix: prefix, Endpoint: a.Endpoint}
	}
	client := azureClient(t, a, "container")
	if _, err := client.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	raw, err := azureblob.OpenBucket(t.Context(), client, nil)
	blobtest.Run(t, blobtest.Store{
		Place:   func(prefix string) blob.Place { return place("container", prefix) },
		Missing: place("absent", ""),
		Raw:     closeRaw(t, raw, err),
		Listing: func(r *http.Request) bool { return r.URL.Query().Get("comp") == "list" },
	})
}

func azureClient(t *testing.T, a services.Azurite, name string) *container.Client {
	t.Helper()
	shared, err := container.NewSharedKeyCredential(a.Account, a.Key)
	if err != nil {
		t.Fatal(err)
	}
	client, err := container.NewClientWithSharedKeyCredential(a.Endpoint+"/"+name, shared, nil)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// The server's own storage is a folder where nothing else is configured.
//
// Req: X-07, SY-44
func TestFolder(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	open := func(t *testing.T) *blob.Bucket {
		b, err := blob.Open(context.WithoutCancel(t.Context()), "", home, blobtest.Key(t))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = b.Close() }) //nolint:errcheck // a folder
		return b
	}
	open(t) // makes the folder
	raw, err := fileblob.OpenBucket(filepath.Join(home, "objects"), &fileblob.Options{NoTempDir: true, Metadata: fileblob.MetadataDontWrite})
	blobtest.Run(t, blobtest.Store{Open: open, Raw: closeRaw(t, raw, err), Folders: true})
}
