package objects_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/objects"
)

// gcpCredential is the key of a service account that gets its tokens at a server, which answers with the status.
func gcpCredential(t *testing.T, status int) map[string]any {
	t.Helper()
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if status == http.StatusOK {
			fmt.Fprint(w, `{"access_token":"token","token_type":"Bearer","expires_in":3600}`)
			return
		}
		fmt.Fprint(w, `{"error":"invalid_grant","error_description":"Invalid JWT Signature."}`)
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
	return map[string]any{"auth": "key", "serviceAccountKey": string(key)}
}

// Req: S-32, S-75, S-76, S-77, S-78, S-79
func TestGCS(t *testing.T) {
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{Scheme: "http", Host: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "exports"})
	put := func(t *testing.T, path string, content []byte) {
		t.Helper()
		server.CreateObject(fakestorage.Object{ObjectAttrs: fakestorage.ObjectAttrs{BucketName: "exports", Name: path, Updated: time.Now()}, Content: content})
	}
	settings := connector.Settings{"credential": gcpCredential(t, http.StatusOK), "projectId": "acme", "bucket": "exports", "endpoint": server.URL()}
	refusing := func(status int, reason string) string {
		return answering(t, status, fmt.Sprintf(`{"error":{"code":%d,"message":"Words of the store","errors":[{"reason":%q}]}}`, status, reason), "Content-Type", "application/json")
	}
	sourcetest.RunFiles(t, sourcetest.Files{
		Info: objects.GCS(), Settings: settings, Put: put,
		Failing: []sourcetest.Failing{
			{Name: "no server", Settings: with(settings, "endpoint", "http://127.0.0.1:1"), Code: fault.CodeSourceUnreachable, Says: "connection refused"},
			{Name: "no permission", Settings: with(settings, "endpoint", refusing(403, "forbidden")), Code: fault.CodeSourceDenied, Says: "Words of the store"},
			{Name: "wrong key", Settings: with(settings, "credential", gcpCredential(t, http.StatusBadRequest)), Code: fault.CodeSourceAuth, Says: "Invalid JWT Signature"},
		},
	})
	missing := open(t, objects.GCS(), with(settings, "bucket", "absent")).Test(t.Context())
	if !fault.Is(missing, fault.CodeSourceUnreachable) || fault.ClassOf(missing) != fault.Fatal {
		t.Errorf("a missing bucket: %v", missing)
	}
}
