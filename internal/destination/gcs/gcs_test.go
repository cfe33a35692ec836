package gcs_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"github.com/millrace/millrace/internal/cloud/cloudtest"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/destination/file/filetest"
	"github.com/millrace/millrace/internal/destination/gcs"
	"github.com/millrace/millrace/internal/fault"
)

// store is a server of Cloud Storage with a bucket called "exports".
type store struct {
	server     *fakestorage.Server
	url        string
	credential map[string]any
	issuer     *cloudtest.Issuer // of tokens; nil: the one of all others is accepted

	mu      sync.Mutex
	calls   []string
	intrude func(http.ResponseWriter, *http.Request) bool // answers instead of the store
	held    []string                                      // permissions; nil means that the question is not answered
}

func newStore(t *testing.T) *store {
	t.Helper()
	s := &store{credential: cloudtest.GCP(t, http.StatusOK)}
	front := httptest.NewServer(s)
	t.Cleanup(front.Close)
	s.url = front.URL
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true, ExternalURL: front.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "exports"})
	s.server = server
	return s
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.calls = append(s.calls, call(r))
	intrude, held := s.intrude, s.held
	s.mu.Unlock()
	switch {
	case !s.admits(r.Header.Get("Authorization")):
		io.Copy(io.Discard, r.Body) //nolint:errcheck // an answer before the end of the body resets the connection
		refuse(w, http.StatusUnauthorized, "Invalid Credentials")
	case intrude != nil && intrude(w, r):
	case strings.HasSuffix(r.URL.Path, "/iam/testPermissions") && held != nil:
		answer(w, map[string]any{"kind": "storage#testIamPermissionsResponse", "permissions": held})
	default:
		s.server.HTTPHandler().ServeHTTP(w, r)
	}
}

func (s *store) admits(header string) bool {
	if s.issuer != nil {
		return s.issuer.Accepts(header)
	}
	return header == "Bearer "+cloudtest.Token
}

// call names the operation of a request.
func call(r *http.Request) string {
	switch q := r.URL.Query(); {
	case q.Has("upload_id"):
		return "chunk"
	case q.Get("uploadType") != "":
		return "upload " + q.Get("uploadType")
	case strings.HasSuffix(r.URL.Path, "/iam/testPermissions"):
		return "permissions"
	default:
		return r.Method
	}
}

func (s *store) count(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.calls {
		if c == name {
			n++
		}
	}
	return n
}

func (s *store) settings(changes ...any) connector.Settings {
	all := connector.Settings{"credential": s.credential, "projectId": "acme", "bucket": "exports", "endpoint": s.url}
	for i := 0; i < len(changes); i += 2 {
		all[changes[i].(string)] = changes[i+1]
	}
	return all
}

// object returns an object, or false.
func (s *store) object(t *testing.T, name string) (fakestorage.Object, bool) {
	t.Helper()
	o, err := s.server.GetObject("exports", name)
	return o, err == nil
}

// refuse answers as Google does. https://cloud.google.com/storage/docs/json_api/v1/status-codes
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	answer(w, map[string]any{"error": map[string]any{"code": status, "message": message}})
}

func answer(w http.ResponseWriter, v any) {
	_ = json.NewEncoder(w).Encode(v) //nolint:errcheck // the client sees
}

// TestConformance runs the suite once for each format.
//
// Req: SY-18, FLD-32, M-11
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, format := range filetest.Formats {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			destinationtest.Run(t, fixture(t, format))
		})
	}
}

func fixture(t *testing.T, format string) destinationtest.Fixture {
	t.Helper()
	s := newStore(t)
	f := destinationtest.Fixture{
		Info:    gcs.Info(),
		Arrival: filetest.Arrival(format),
		Invalid: append(filetest.Invalid(), invalid(s)...),
		Failing: failing(t, s),
		Target: func(t *testing.T, columns []connector.TargetColumn) destinationtest.Target {
			folder := strings.NewReplacer("/", "-", "#", "-").Replace(t.Name())
			return destinationtest.Target{
				Settings: s.settings("prefix", folder),
				Job:      filetest.Job(format, columns),
				Read: func(t *testing.T) []destinationtest.Record {
					o, found := s.object(t, path.Join(folder, "rows.out"))
					if !found {
						return nil
					}
					return filetest.Read(t, format, o.Content)
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
		Settings: s.settings("bucket", "gs://exports/crm", "prefix", "a/../b", "endpoint", "store:4443", "projectId", "Acme Analytics",
			"credential", map[string]any{"auth": "key", "serviceAccountKey": `{"type":"authorized_user"}`}, "pgpPublicKey", "key"),
		Paths: []string{
			"spec.configuration.bucket", "spec.configuration.prefix", "spec.configuration.endpoint",
			"spec.configuration.projectId", "spec.configuration.credential", "spec.configuration.pgpPublicKey",
		},
	}, {
		Name:     "destination and sync",
		Settings: s.settings("bucket", "Exports"),
		Edit:     func(j *connector.SyncJob) { j.Settings["filename"] = "{nope}" },
		Paths:    []string{"spec.configuration.bucket", "spec.settings.filename"},
	}}
}

// failing are stores that refuse, each in its own way.
func failing(t *testing.T, good *store) []destinationtest.Failing {
	t.Helper()
	refusing := func(status int, message string) connector.Settings {
		s := newStore(t)
		s.intrude = func(w http.ResponseWriter, _ *http.Request) bool {
			refuse(w, status, message)
			return true
		}
		return s.settings()
	}
	reading := newStore(t)
	reading.held = []string{"storage.objects.list"}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	return []destinationtest.Failing{
		{Name: "no bucket", Settings: good.settings("bucket", "missing"), Code: fault.CodeDestinationSchema, Says: "bucket doesn't exist"},
		{Name: "unreachable", Settings: good.settings("endpoint", closed.URL), Code: fault.CodeDestinationUnreachable, Says: "connection refused"},
		{Name: "deleted key", Settings: good.settings("credential", cloudtest.GCP(t, http.StatusBadRequest)), Code: fault.CodeDestinationAuth, Says: "Invalid JWT Signature"},
		{Name: "tokens out of order", Settings: good.settings("credential", cloudtest.GCP(t, http.StatusServiceUnavailable)), Code: fault.CodeDestinationUnreachable, Says: "503"},
		{Name: "token refused", Settings: refusing(401, "Invalid Credentials"), Code: fault.CodeDestinationAuth, Says: "Invalid Credentials"},
		{Name: "denied", Settings: refusing(403, "millrace@acme does not have storage.objects.list access"), Code: fault.CodeDestinationDenied, Says: "does not have"},
		{Name: "reader", Settings: reading.settings(), Code: fault.CodeDestinationDenied, Says: "storage.objects.create"},
		{Name: "too fast", Settings: refusing(429, "The rate of requests exceeds the limit"), Code: fault.CodeDestinationThrottled, Says: "exceeds"},
		{Name: "broken", Settings: refusing(500, "We encountered an internal error."), Code: fault.CodeDestinationUnreachable, Says: "internal error"},
		{Name: "address as bucket", Settings: good.settings("bucket", "https://storage.googleapis.com/acme-files/crm"), Code: fault.CodeInvalid, Says: `enter only the bucket's name, such as "acme-files"`},
		{Name: "no key", Settings: good.settings("credential", map[string]any{"auth": "key"}), Code: fault.CodeInvalid, Says: "not JSON"},
	}
}

// TestProbe proves that Test reads nothing but what the account may do, and that an account whose
// permissions are limited to a folder is accepted.
func TestProbe(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.held = []string{"storage.objects.create"}
	if err := filetest.Open(t, gcs.Info(), s.settings()).Test(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.calls, []string{"permissions"}) {
		t.Errorf("Test asked for %v", s.calls)
	}
	s.held = []string{}
	if err := filetest.Open(t, gcs.Info(), s.settings("prefix", "crm")).Test(t.Context()); err != nil {
		t.Errorf("permissions of a folder: %v", err)
	}
}

// TestChunks proves that a large file goes up in chunks, appears whole with its type, and not before Finish; and that
// a store that is busy for a moment is waited for.
//
// Req: SY-18
func TestChunks(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	refused := false
	s.intrude = func(w http.ResponseWriter, r *http.Request) bool {
		if call(r) != "chunk" || refused {
			return false
		}
		refused = true
		io.Copy(io.Discard, r.Body) //nolint:errcheck // an answer before the end of the body resets the connection
		refuse(w, http.StatusServiceUnavailable, "Backend Error")
		return true
	}
	session := filetest.Fill(t, filetest.Open(t, gcs.Info(), s.settings("prefix", "/crm/")), filetest.Job("ndjson", filetest.Columns), 20)
	if n := s.count("upload resumable") + s.count("upload multipart"); n != 0 {
		t.Errorf("%d uploads before Finish", n)
	}
	if err := session.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	o, found := s.object(t, "crm/rows.out")
	if rows := filetest.Read(t, "ndjson", o.Content); !found || len(rows) != 20 || o.ContentType != "application/x-ndjson" || !refused || s.count("chunk") < 4 {
		t.Errorf("%v, %d bytes of %s, %d chunks", found, len(o.Content), o.ContentType, s.count("chunk"))
	}
}

// TestTransient proves that a short failure of the store is waited out for small files too.
func TestTransient(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	session := filetest.Fill(t, filetest.Open(t, gcs.Info(), s.settings()), filetest.Job("csv", filetest.Columns), 1)
	refused := false
	s.intrude = func(w http.ResponseWriter, r *http.Request) bool {
		if refused {
			return false
		}
		refused = true
		io.Copy(io.Discard, r.Body) //nolint:errcheck // an answer before the end of the body resets the connection
		refuse(w, http.StatusServiceUnavailable, "Backend Error")
		return true
	}
	if err := session.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, found := s.object(t, "rows.out"); !found || !refused {
		t.Errorf("found %v, refused %v", found, refused)
	}
}

// TestRefusedUpload proves that the previous object stays when an upload is refused, that the indicator is not
// written, and that Finish may be repeated.
func TestRefusedUpload(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.server.CreateObject(fakestorage.Object{ObjectAttrs: fakestorage.ObjectAttrs{BucketName: "exports", Name: "rows.out"}, Content: []byte("previous")})
	job := filetest.Job("csv", filetest.Columns)
	job.Settings["indicatorFile"] = "done"
	session := filetest.Fill(t, filetest.Open(t, gcs.Info(), s.settings()), job, 1)
	s.intrude = func(w http.ResponseWriter, r *http.Request) bool {
		io.Copy(io.Discard, r.Body) //nolint:errcheck // an answer before the end of the body resets the connection
		refuse(w, http.StatusForbidden, "millrace@acme does not have storage.objects.delete access")
		return true
	}
	err := session.Finish(t.Context())
	if !fault.Is(err, fault.CodeDestinationDenied) || !strings.Contains(fault.As(err).Hint(), "overwritten") {
		t.Errorf("Finish: %v", err)
	}
	if o, _ := s.object(t, "rows.out"); string(o.Content) != "previous" {
		t.Errorf("the object holds %d bytes", len(o.Content))
	}
	s.intrude = nil
	if _, found := s.object(t, "done"); found {
		t.Error("the indicator was written")
	}
	if err := session.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if o, _ := s.object(t, "rows.out"); len(filetest.Read(t, "csv", o.Content)) != 1 {
		t.Errorf("the object holds %d bytes", len(o.Content))
	}
	if _, found := s.object(t, "done"); !found {
		t.Error("the indicator is missing")
	}
}

// TestModes proves that a run that writes differences makes a file of each operation, and that files are encrypted
// where there is a key.
//
// Req: SY-18
func TestModes(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	job := filetest.Job("csv", filetest.Columns)
	job.Mode = connector.ModeDiff
	job.Settings["filename"] = "{YYYY}/{model.name}-{sync.run.id}.csv"
	job.Settings["filenameOffset"] = -86400.0 * 100
	if err := filetest.Fill(t, filetest.Open(t, gcs.Info(), s.settings()), job, 1).Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, operation := range []string{"added", "changed", "removed"} {
		if _, found := s.object(t, "2025/Customers-42_"+operation+".csv"); !found {
			t.Errorf("there is no file of %s rows", operation)
		}
	}
}

// TestServerIdentity proves that the identity of the server needs no key.
func TestServerIdentity(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	d := filetest.Open(t, gcs.Info(), s.settings("credential", map[string]any{"auth": "server"}))
	if err := d.Check(filetest.Job("csv", filetest.Columns)); err != nil {
		t.Error(err)
	}
}
