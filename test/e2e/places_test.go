package e2e

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/fsouza/fake-gcs-server/fakestorage"

	"github.com/millrace/millrace/internal/connector/sftpserver/sftptest"
	"github.com/millrace/millrace/internal/source/athena/athenatest"
	"github.com/millrace/millrace/internal/source/bigquery/bigquerytest"
	"github.com/millrace/millrace/test/services"
)

// place is where people are kept, if not in a file of the server or in PostgreSQL.
type place struct {
	documents []any          // what the source needs
	source    map[string]any // its spec
	model     map[string]any // what the model's spec has besides, or instead
	save      func(t testing.TB, rows map[int]int)
	before    func(w *world)       // what has to happen before the first run
	read      func() (files int64) // how many files of results were written; nil where none are
}

func documentOf(kind, slug string, spec map[string]any) map[string]any {
	return map[string]any{"kind": kind, "metadata": map[string]any{"slug": slug, "name": slug}, "spec": spec}
}

// filed is a place with one file of all people.
func filed(source map[string]any, put func(t testing.TB, content []byte), documents ...any) *place {
	return &place{
		documents: documents, source: source, model: map[string]any{"method": "file", "file": map[string]any{"path": "people.json"}, "sql": ""},
		save: func(t testing.TB, rows map[int]int) {
			t.Helper()
			all := []map[string]any{}
			for id, version := range rows {
				all = append(all, map[string]any{"id": strconv.Itoa(id), "name": fmt.Sprintf("person %d", id), "version": version})
			}
			content, err := json.Marshal(all)
			if err != nil {
				t.Fatal(err)
			}
			put(t, content)
		},
	}
}

// asCSV is the same with a file of commas.
func (p *place) asCSV(put func(t testing.TB, content []byte)) *place {
	p.model["file"] = map[string]any{"path": "people.csv"}
	p.save = func(t testing.TB, rows map[int]int) {
		t.Helper()
		var b bytes.Buffer
		b.WriteString("id,name,version\n")
		for id, version := range rows {
			fmt.Fprintf(&b, "%d,person %d,%d\n", id, id, version)
		}
		put(t, b.Bytes())
	}
	return p
}

func (l *lake) put(key string, content []byte) error {
	_, err := l.PutObject("lake", key, map[string]string{}, bytes.NewReader(content), int64(len(content)), nil)
	return err
}

var keysOfLake = documentOf("credential", "aws", map[string]any{"type": "aws", "configuration": map[string]any{"auth": "keys", "accessKeyId": athenatest.AccessKeyID, "secretAccessKey": "a-secret-key"}})

func inS3(t *testing.T) *place {
	t.Helper()
	l := newLake(t)
	return filed(map[string]any{"type": "s3", "configuration": map[string]any{"credential": "aws", "bucket": "lake", "region": "us-east-1", "endpoint": l.url, "pathStyle": true}},
		func(t testing.TB, content []byte) {
			if err := l.put("people.json", content); err != nil {
				t.Fatal(err)
			}
		}, keysOfLake)
}

// gcs is a store with the API of Google Cloud Storage, with one bucket.
func gcs(t *testing.T) *fakestorage.Server {
	t.Helper()
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{Scheme: "http", Host: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "lake"})
	return server
}

func putGCS(s *fakestorage.Server, name string, content []byte) {
	s.CreateObject(fakestorage.Object{ObjectAttrs: fakestorage.ObjectAttrs{BucketName: "lake", Name: name, Updated: time.Now()}, Content: content})
}

// googleKey is the key of a service account that gets its tokens at a server of the test's.
func googleKey(t *testing.T) string {
	t.Helper()
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token":"token","token_type":"Bearer","expires_in":3600}`)
	}))
	t.Cleanup(tokens.Close)
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
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": tokens.URL,
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(key)
}

func gcpCredential(key string) map[string]any {
	return documentOf("credential", "gcp", map[string]any{"type": "gcp", "configuration": map[string]any{"auth": "key", "serviceAccountKey": key}})
}

func inGCS(t *testing.T) *place {
	t.Helper()
	server := gcs(t)
	return filed(map[string]any{"type": "gcs", "configuration": map[string]any{"credential": "gcp", "projectId": "acme", "bucket": "lake", "endpoint": server.URL()}},
		func(_ testing.TB, content []byte) { putGCS(server, "people.json", content) }, gcpCredential(googleKey(t)))
}

func inAzure(t *testing.T) *place {
	t.Helper()
	a := services.NewAzurite(t)
	shared, err := container.NewSharedKeyCredential(a.Account, a.Key)
	if err != nil {
		t.Fatal(err)
	}
	client, err := container.NewClientWithSharedKeyCredential(a.Endpoint+"/lake", shared, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return filed(map[string]any{"type": "azure-blob", "configuration": map[string]any{"authentication": "key", "accountKey": a.Key, "accountName": a.Account, "containerName": "lake", "endpoint": a.Endpoint}},
		func(t testing.TB, content []byte) {
			if _, err := client.NewBlockBlobClient("people.json").UploadStream(t.Context(), bytes.NewReader(content), &blockblob.UploadStreamOptions{}); err != nil {
				t.Fatal(err)
			}
		})
}

func inSFTP(t *testing.T) *place {
	t.Helper()
	s := sftptest.Start(t)
	put := func(t testing.TB, content []byte) {
		path := filepath.Join(s.Root, "people.csv")
		if err := errors.Join(os.WriteFile(path+".part", content, 0o600), os.Rename(path+".part", path)); err != nil {
			t.Fatal(err)
		}
	}
	return filed(map[string]any{"type": "sftp", "configuration": map[string]any{
		"host": "127.0.0.1", "port": s.Port, "username": "millrace", "authentication": "password", "password": sftptest.Password, "hostKey": s.Fingerprint,
	}}, nil).asCSV(put)
}

// rowsOf are people as rows of SQL.
func rowsOf(rows map[int]int) string {
	var all []string
	for id, version := range rows {
		all = append(all, fmt.Sprintf("('%d', 'person %d', %d)", id, id, version))
	}
	return strings.Join(all, ", ")
}

// moved is done by a workspace that has moved to a storage of its own.
func moved(w *world) {
	w.t.Helper()
	run(w.t, w.server, "", "storage", "switch", "lake", "--yes").expect(w.t, 0)
}

// inAthena has the people in a stand-in of Athena, which writes results into the workspace's bucket.
func inAthena(t *testing.T) *place {
	t.Helper()
	l := newLake(t)
	written := &atomic.Int64{}
	server := athenatest.New(t, athenatest.Options{
		Setup: []string{"CREATE SCHEMA shop", "CREATE TABLE shop.people (id VARCHAR, name VARCHAR, version INTEGER)"},
		Put: func(_, name, path string) error {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			written.Add(1)
			return l.put(name, content)
		},
	})
	return &place{
		documents: []any{keysOfLake, documentOf("storage", "lake", map[string]any{"type": "s3", "configuration": map[string]any{
			"bucket": "lake", "accessKeyId": athenatest.AccessKeyID, "secretAccessKey": "a-secret-key", "endpoint": l.url, "pathStyle": true, "warehouseResults": true,
		}})},
		source: map[string]any{"type": "athena", "configuration": map[string]any{
			"credential": "aws", "region": "eu-central-1", "workgroup": "primary", "outputLocation": "s3://results/athena/", "endpoint": server.URL(), "storageEndpoint": server.URL(),
		}},
		model: map[string]any{"sql": "SELECT id, name, version FROM shop.people"}, before: moved, read: written.Load,
		save: func(t testing.TB, rows map[int]int) {
			t.Helper()
			if _, err := server.Engine.Transaction(t.Context(), "DELETE FROM shop.people", "INSERT INTO shop.people VALUES "+rowsOf(rows)); err != nil {
				t.Fatal(err)
			}
		},
	}
}

// inBigQuery is the same with BigQuery, whose results go into a bucket of Google Cloud.
func inBigQuery(t *testing.T) *place {
	t.Helper()
	bucket := gcs(t)
	written := &atomic.Int64{}
	server := bigquerytest.New(t, bigquerytest.Options{
		Setup: []string{"CREATE SCHEMA shop", "CREATE TABLE shop.people (id VARCHAR, name VARCHAR, version BIGINT)"},
		Put: func(_, name, path string) error {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			written.Add(1)
			putGCS(bucket, name, content)
			return nil
		},
		Intercept: func(_ http.ResponseWriter, r *http.Request) bool { // a result of one page is not written into a bucket
			if q := r.URL.Query(); q.Has("maxResults") && strings.Contains(r.URL.Path, "/queries/") {
				q.Set("maxResults", "10")
				r.URL.RawQuery = q.Encode()
			}
			return false
		},
	})
	return &place{
		documents: []any{gcpCredential(server.Key()), documentOf("storage", "lake", map[string]any{"type": "gcs", "configuration": map[string]any{
			"projectId": "acme", "bucket": "lake", "auth": "key", "serviceAccountKey": googleKey(t), "endpoint": bucket.URL(), "warehouseResults": true,
		}})},
		source: map[string]any{"type": "bigquery", "configuration": map[string]any{
			"credential": "gcp", "project": bigquerytest.Project, "location": bigquerytest.Location, "endpoint": server.URL, "storageEndpoint": server.Storage, "storageRead": true,
		}},
		model: map[string]any{"sql": "SELECT id, name, version FROM shop.people"}, before: moved, read: written.Load,
		save: func(t testing.TB, rows map[int]int) {
			t.Helper()
			if err := server.Execute(t.Context(), "DELETE FROM shop.people", "INSERT INTO shop.people VALUES "+rowsOf(rows)); err != nil {
				t.Fatal(err)
			}
		},
	}
}

// Runs that read files of stores, or results that a warehouse writes into the workspace's bucket, are killed at edges of the
// state machine, at requests and at random times. What was acknowledged is not sent again, and nothing is missing.
//
// Req: S-31, S-32, S-33, S-51, S-80, SY-77
func TestKillAtPlaces(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]func(*testing.T) *place{
		"s3": inS3, "gcs": inGCS, "azure": inAzure, "sftp": inSFTP, "athena into s3": inAthena, "bigquery into gcs": inBigQuery,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := at(t)
			w := newWorldAt(t, p, "basic", http.MethodPut)
			if p.before != nil {
				p.before(w)
			}
			w.check()
			for _, point := range []string{"querying", "planning", "delivering"} {
				w.killAtPoint(point)
			}
			for range 2 {
				w.killAtRequest()
				w.killAtSomeTime()
			}
			if p.read != nil && p.read() == 0 {
				t.Error("the warehouse wrote no file: the rows were sent in another way")
			}
		})
	}
}
