package blob_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/blob"
	"github.com/millrace/millrace/internal/blob/blobtest"
	gocloud "gocloud.dev/blob"
	"gocloud.dev/blob/gcsblob"
)

const resultsKey = "syncs/7/runs/9/results"

// What a warehouse writes into a folder is read as it lies there, and goes with the folder. Only a place that its owner opened
// has such folders.
//
// Req: S-51, S-80
func TestResultsFolder(t *testing.T) {
	s3 := newS3(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "x")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "y")
	s3Raw, err := gocloud.OpenBucket(t.Context(), "s3://bucket?region=us-east-1&use_path_style=true&endpoint="+s3)
	s3Raw = closeRaw(t, s3Raw, err)
	gcs, key := newGCS(t)
	gcsRaw, err := gcsblob.OpenBucket(t.Context(), nil, "bucket", &gcsblob.Options{Client: gcsClient(t, gcs)})
	gcsRaw = closeRaw(t, gcsRaw, err)
	amazon := s3Place(s3, "bucket", "prod")
	amazon.Results = true
	google := blob.GCS{ProjectID: "p", Bucket: "bucket", Prefix: "prod", Key: key, Endpoint: gcs, Results: true}
	for name, c := range map[string]struct {
		place blob.Place
		raw   *gocloud.Bucket
		where blob.Where
	}{
		"s3":  {amazon, s3Raw, blob.Where{Provider: blob.ProviderS3, Bucket: "bucket", Region: "us-east-1", Endpoint: s3}},
		"gcs": {google, gcsRaw, blob.Where{Provider: blob.ProviderGCS, Bucket: "bucket", Endpoint: gcs}},
	} {
		t.Run(name, func(t *testing.T) {
			b := blobtest.Open(t, c.place, nil)
			f, ok := b.Folder(3, resultsKey)
			c.where.Prefix = "prod/w/3/" + resultsKey + "/"
			if !ok || f.Where() != c.where {
				t.Fatalf("the folder is %+v, want %+v", f.Where(), c.where)
			}
			for object, content := range map[string]string{"b.parquet": "second", "a.parquet": "first", "empty": ""} {
				if err := c.raw.WriteAll(t.Context(), c.where.Prefix+object, []byte(content), nil); err != nil {
					t.Fatal(err)
				}
			}
			names, err := f.List(t.Context())
			if err != nil || !slices.Equal(names, []string{"a.parquet", "b.parquet"}) {
				t.Errorf("the folder has %v: %v", names, err)
			}
			to := filepath.Join(t.TempDir(), "to")
			if err := f.Fetch(t.Context(), "b.parquet", to); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(to); err != nil || string(got) != "second" {
				t.Errorf("the file is %q: %v", got, err)
			}
			if err := f.Fetch(t.Context(), "c.parquet", to); err == nil {
				t.Error("a file that is not there was fetched")
			}
			if err := b.DeletePrefix(t.Context(), 3, resultsKey); err != nil {
				t.Fatal(err)
			}
			if names, err := f.List(t.Context()); err != nil || len(names) != 0 {
				t.Errorf("the folder still has %v: %v", names, err)
			}
		})
	}
	amazon.Results, google.Results = false, false
	for _, closed := range []blob.Place{amazon, google, blob.Azure{Account: "acme", Container: "c", AccountKey: "a2V5"}} {
		if _, ok := blobtest.Open(t, closed, nil).Folder(3, resultsKey); ok {
			t.Errorf("warehouses may write into %s", closed.Label())
		}
	}
}

// Credentials for a folder are temporary, and of that folder alone. Access keys are exchanged for them; a role is assumed with
// the same policy.
//
// Req: S-80
func TestResultsGrant(t *testing.T) {
	t.Parallel()
	var asked url.Values
	recorder := &blobtest.Recorder{Answer: func(r *http.Request) (*http.Response, error) {
		if r.URL.Host != "sts.test" {
			return nil, fmt.Errorf("%s was asked", r.URL.Host)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if asked, err = url.ParseQuery(string(body)); err != nil {
			return nil, err
		}
		action := asked.Get("Action")
		return blobtest.Respond(r, http.StatusOK, fmt.Sprintf(`<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><Credentials>
			<AccessKeyId>ASIATEMP</AccessKeyId><SecretAccessKey>temporary</SecretAccessKey><SessionToken>token</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration>
			</Credentials></%[1]sResult></%[1]sResponse>`, action)), nil
	}}
	p := blob.S3{Bucket: "lake", Region: "eu-central-1", Prefix: "prod", AccessKeyID: "AKIATEST", SecretAccessKey: "secret", STSEndpoint: "http://sts.test", Results: true}
	role := p
	role.RoleARN, role.ExternalID = "arn:aws:iam::123456789012:role/millrace", "acme"
	for action, place := range map[string]blob.S3{"GetFederationToken": p, "AssumeRole": role} {
		f, _ := blobtest.Open(t, place, recorder).Folder(3, resultsKey)
		got, err := f.Grant(t.Context())
		if err != nil || got.AccessKeyID != "ASIATEMP" || got.SecretAccessKey != "temporary" || got.SessionToken != "token" {
			t.Fatalf("%s: %v, %v", action, got, err)
		}
		policy := asked.Get("Policy")
		if asked.Get("Action") != action || asked.Get("DurationSeconds") != "3600" || asked.Get("ExternalId") != place.ExternalID {
			t.Errorf("asked was %v", asked)
		}
		for _, part := range []string{`"Resource":"arn:aws:s3:::lake/prod/w/3/syncs/7/runs/9/results/*"`, `"s3:prefix":["prod/w/3/syncs/7/runs/9/results/*"]`, `"s3:PutObject"`} {
			if !strings.Contains(policy, part) {
				t.Errorf("the policy %s has no %s", policy, part)
			}
		}
		if strings.Contains(policy, "lake/*") || strings.Contains(policy, "Delete") {
			t.Errorf("the policy allows too much: %s", policy)
		}
	}
	server := blob.S3{Bucket: "lake", Region: "eu-central-1", ServerIdentity: true, Results: true}
	f, _ := blobtest.Open(t, server, recorder).Folder(3, resultsKey)
	if _, err := f.Grant(t.Context()); err == nil {
		t.Error("the server's own identity was handed on")
	}
}
