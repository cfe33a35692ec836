package azureblob_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/appendblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/destination/azureblob"
	"github.com/millrace/millrace/internal/destination/file/filetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/test/services"
)

// store is a container of Azurite with a front that can answer instead.
type store struct {
	azurite   services.Azurite
	container *container.Client
	name      string
	url       string
	front     http.Handler

	mu      sync.Mutex
	calls   []string
	intrude func(http.ResponseWriter, *http.Request) bool
}

// newStore makes a container of its own name.
func newStore(t *testing.T, a services.Azurite, name string) *store {
	t.Helper()
	shared, err := container.NewSharedKeyCredential(a.Account, a.Key)
	if err != nil {
		t.Fatal(err)
	}
	s := &store{azurite: a, name: name}
	if s.container, err = container.NewClientWithSharedKeyCredential(a.Endpoint+"/"+name, shared, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.container.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(a.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	s.front = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host }}
	front := httptest.NewServer(s)
	t.Cleanup(front.Close)
	s.url = front.URL + "/" + a.Account
	return s
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.calls = append(s.calls, call(r))
	intrude := s.intrude
	s.mu.Unlock()
	if intrude == nil || !intrude(w, r) {
		s.front.ServeHTTP(w, r)
	}
}

// call names the operation of a request.
func call(r *http.Request) string {
	return strings.TrimSpace(r.Method + " " + r.URL.Query().Get("comp"))
}

func (s *store) count(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(s.calls), func(c string) bool { return c != name }))
}

func (s *store) settings(changes ...any) connector.Settings {
	all := connector.Settings{
		"authentication": "key", "accountKey": s.azurite.Key, "accountName": s.azurite.Account, "containerName": s.name, "endpoint": s.url,
	}
	for i := 0; i < len(changes); i += 2 {
		all[changes[i].(string)] = changes[i+1]
	}
	return all
}

// object returns a blob's content and type, or false.
func (s *store) object(t *testing.T, name string) (content, contentType string, found bool) {
	t.Helper()
	answer, err := s.container.NewBlobClient(name).DownloadStream(t.Context(), nil)
	if bloberror.HasCode(err, bloberror.BlobNotFound) {
		return "", "", false
	}
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // read only
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data), *answer.ContentType, true
}

// refuse answers as Azure does.
// https://learn.microsoft.com/en-us/rest/api/storageservices/status-and-error-codes2
func refuse(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	io.Copy(io.Discard, r.Body) //nolint:errcheck // an answer before the end of the body resets the connection
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("X-Ms-Error-Code", code)
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="utf-8"?><Error><Code>%s</Code><Message>%s</Message></Error>`, code, message)
}

// TestAzure runs everything against one Azurite.
func TestAzure(t *testing.T) { //nolint:tparallel // the outer subtest waits for its own
	t.Parallel()
	a := services.NewAzurite(t)
	t.Run("all", func(t *testing.T) { // ends when its parallel subtests have
		for _, format := range filetest.Formats {
			t.Run(format, func(t *testing.T) {
				t.Parallel()
				destinationtest.Run(t, fixture(t, a, format))
			})
		}
		t.Run("blocks", func(t *testing.T) { t.Parallel(); blocks(t, newStore(t, a, "blocks")) })
		t.Run("refused", func(t *testing.T) { t.Parallel(); refused(t, newStore(t, a, "refused")) })
		t.Run("other kind", func(t *testing.T) { t.Parallel(); otherKind(t, newStore(t, a, "otherkind")) })
	})
}

// fixture is the suite for a format.
//
// Req: SY-18, FLD-32, M-11
func fixture(t *testing.T, a services.Azurite, format string) destinationtest.Fixture {
	t.Helper()
	s := newStore(t, a, format)
	f := destinationtest.Fixture{
		Info:    azureblob.Info(),
		Arrival: filetest.Arrival(format),
		Invalid: append(filetest.Invalid(), invalid(s)...),
		Failing: failing(t, s, a),
		Target: func(t *testing.T, columns []connector.TargetColumn) destinationtest.Target {
			folder := strings.NewReplacer("/", "-", "#", "-").Replace(t.Name())
			return destinationtest.Target{
				Settings: s.settings("prefix", folder),
				Job:      filetest.Job(format, columns),
				Read: func(t *testing.T) []destinationtest.Record {
					data, _, found := s.object(t, path.Join(folder, "rows.out"))
					if !found {
						return nil
					}
					return filetest.Read(t, format, []byte(data))
				},
			}
		},
	}
	if format == "parquet" {
		f.Refused = filetest.Refused()
	}
	return f
}

func invalid(s *store) []destinationtest.Invalid {
	return []destinationtest.Invalid{{
		Name: "destination",
		Settings: s.settings("accountName", "acme.blob.core.windows.net", "containerName", "https://acme.blob.core.windows.net/exports?sig=very-secret",
			"prefix", "a/../b", "endpoint", "store:10000", "accountKey", "AccountKey=abc;", "pgpPublicKey", "key"),
		Paths: []string{
			"spec.configuration.accountName", "spec.configuration.containerName", "spec.configuration.prefix", "spec.configuration.endpoint",
			"spec.configuration.accountKey", "spec.configuration.pgpPublicKey",
		},
	}, {
		Name: "names and application",
		Settings: connector.Settings{
			"accountName": "Acme-Exports", "containerName": "ex--ports", "authentication": "credential",
			"credential": map[string]any{"auth": "application", "tenantId": "acme"},
		},
		Edit:  func(j *connector.SyncJob) { j.Settings["filename"] = "{nope}" },
		Paths: []string{"spec.configuration.accountName", "spec.configuration.containerName", "spec.configuration.credential", "spec.settings.filename"},
	}}
}

// failing are stores that refuse, each in its own way.
func failing(t *testing.T, good *store, a services.Azurite) []destinationtest.Failing {
	t.Helper()
	refusing := func(status int, code string) connector.Settings {
		front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { refuse(w, r, status, code, "Words of the store") }))
		t.Cleanup(front.Close)
		return good.settings("endpoint", front.URL+"/"+a.Account)
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	return []destinationtest.Failing{
		{Name: "no container", Settings: good.settings("containerName", "absent"), Code: fault.CodeDestinationSchema, Says: "ContainerNotFound"},
		{Name: "unreachable", Settings: good.settings("endpoint", closed.URL), Code: fault.CodeDestinationUnreachable, Says: "connection refused"},
		{Name: "wrong key", Settings: good.settings("accountKey", "d3Jvbmcga2V5IG9mIHRoZSBhY2NvdW50"), Code: fault.CodeDestinationDenied, Says: "AuthorizationFailure"}, // Azure itself says AuthenticationFailed
		{Name: "wrong key at Azure", Settings: refusing(403, "AuthenticationFailed"), Code: fault.CodeDestinationAuth, Says: "AuthenticationFailed"},
		{Name: "keys are off", Settings: refusing(403, "KeyBasedAuthenticationNotPermitted"), Code: fault.CodeDestinationAuth, Says: "KeyBasedAuthenticationNotPermitted"},
		{Name: "no role", Settings: refusing(403, "AuthorizationPermissionMismatch"), Code: fault.CodeDestinationDenied, Says: "AuthorizationPermissionMismatch"},
		{Name: "busy", Settings: refusing(503, "ServerBusy"), Code: fault.CodeDestinationThrottled, Says: "ServerBusy"},
		{Name: "slow", Settings: refusing(500, "OperationTimedOut"), Code: fault.CodeDestinationTimeout, Says: "OperationTimedOut"},
		{Name: "broken", Settings: refusing(500, "InternalError"), Code: fault.CodeDestinationUnreachable, Says: "InternalError"},
		{Name: "address as account", Settings: good.settings("accountName", "https://acme.blob.core.windows.net"), Code: fault.CodeInvalid, Says: "enter only the name of the account"},
	}
}

// blocks proves that a large file goes up in blocks, appears whole with its type and not before Finish; that a store
// that is busy for a moment is waited for; and that Test only reads.
//
// Req: SY-18
func blocks(t *testing.T, s *store) {
	d := filetest.Open(t, azureblob.Info(), s.settings("prefix", "/crm/"))
	if err := d.Test(t.Context()); err != nil || !slices.Equal(s.calls, []string{"GET list"}) {
		t.Fatalf("Test: %v, %v", s.calls, err)
	}
	busy := true
	s.intrude = func(w http.ResponseWriter, r *http.Request) bool {
		s.mu.Lock()
		first := call(r) == "PUT blocklist" && busy
		busy = busy && !first
		s.mu.Unlock()
		if first {
			refuse(w, r, http.StatusServiceUnavailable, "ServerBusy", "The server is busy.")
		}
		return first
	}
	session := filetest.Fill(t, d, filetest.Job("ndjson", filetest.Columns), 20)
	if n := s.count("PUT block") + s.count("PUT"); n != 0 {
		t.Errorf("%d uploads before Finish", n)
	}
	if err := session.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	data, contentType, found := s.object(t, "crm/rows.out")
	if rows := filetest.Read(t, "ndjson", []byte(data)); !found || len(rows) != 20 || contentType != "application/x-ndjson" {
		t.Errorf("%v, %d bytes of %s", found, len(data), contentType)
	}
	if s.count("PUT block") < 3 || s.count("PUT blocklist") != 2 {
		t.Errorf("%d blocks, %d lists", s.count("PUT block"), s.count("PUT blocklist"))
	}
}

// refused proves that the previous blob stays when an upload is refused, that the indicator is not written, and that
// Finish may be repeated.
func refused(t *testing.T, s *store) {
	job := filetest.Job("csv", filetest.Columns)
	d := filetest.Open(t, azureblob.Info(), s.settings())
	if err := filetest.Fill(t, d, job, 2).Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	job.Settings["indicatorFile"] = "done"
	session := filetest.Fill(t, d, job, 1)
	s.intrude = func(w http.ResponseWriter, r *http.Request) bool {
		refuse(w, r, http.StatusConflict, "BlobImmutableDueToPolicy", "This operation is not permitted as the blob is immutable due to a policy.")
		return true
	}
	err := session.Finish(t.Context())
	if !fault.Is(err, fault.CodeDestinationDenied) || !strings.Contains(fault.As(err).Hint(), "immutability policy") || !strings.Contains(fault.As(err).Hint(), "192.0.2.1") {
		t.Errorf("Finish: %v", err)
	}
	s.intrude = nil
	if data, _, _ := s.object(t, "rows.out"); len(filetest.Read(t, "csv", []byte(data))) != 2 {
		t.Errorf("the blob holds %d bytes", len(data))
	}
	if _, _, found := s.object(t, "done"); found {
		t.Error("the indicator was written")
	}
	if err := session.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if data, _, _ := s.object(t, "rows.out"); len(filetest.Read(t, "csv", []byte(data))) != 1 {
		t.Errorf("the blob holds %d bytes", len(data))
	}
	if _, _, found := s.object(t, "done"); !found {
		t.Error("the indicator is missing")
	}
}

// otherKind proves what is said about a name that a blob of another kind has.
func otherKind(t *testing.T, s *store) {
	shared, err := blob.NewSharedKeyCredential(s.azurite.Account, s.azurite.Key)
	if err != nil {
		t.Fatal(err)
	}
	other, err := appendblob.NewClientWithSharedKeyCredential(s.azurite.Endpoint+"/"+s.name+"/rows.out", shared, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	session := filetest.Fill(t, filetest.Open(t, azureblob.Info(), s.settings()), filetest.Job("csv", filetest.Columns), 20)
	if err := session.Finish(t.Context()); !fault.Is(err, fault.CodeDestinationSchema) || !strings.Contains(fault.As(err).Hint(), "append blob") {
		t.Errorf("a blob of another kind: %v", err)
	}
}
