package s3_test

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/destination/file/filetest"
	"github.com/millrace/millrace/internal/destination/s3"
	"github.com/millrace/millrace/internal/fault"
)

// store is an S3 server with a bucket called "exports".
type store struct {
	backend gofakes3.Backend
	handler http.Handler
	url     string
	intrude func(http.ResponseWriter, *http.Request) bool // answers instead of the store
	calls   sync.Map                                      // method and query kind → *atomic.Int64
}

func newStore(t *testing.T) *store {
	t.Helper()
	s := &store{backend: s3mem.New()}
	if err := s.backend.CreateBucket("exports"); err != nil {
		t.Fatal(err)
	}
	s.handler = gofakes3.New(s.backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, _ := s.calls.LoadOrStore(call(r), new(atomic.Int64))
	n.(*atomic.Int64).Add(1)
	if s.intrude == nil || !s.intrude(w, r) {
		s.handler.ServeHTTP(w, r)
	}
}

// call names the operation of a request.
func call(r *http.Request) string {
	q := r.URL.Query()
	switch {
	case q.Has("uploads"):
		return r.Method + " uploads"
	case q.Has("uploadId") && q.Has("partNumber"):
		return r.Method + " part"
	case q.Has("uploadId"):
		return r.Method + " upload"
	default:
		return r.Method
	}
}

func (s *store) count(name string) int64 {
	n, ok := s.calls.Load(name)
	if !ok {
		return 0
	}
	return n.(*atomic.Int64).Load()
}

func (s *store) settings(changes ...string) connector.Settings {
	all := connector.Settings{
		"bucket": "exports", "endpoint": s.url, "pathStyle": true,
		"accessKeyId": "AKIAEXAMPLE", "secretAccessKey": "very-secret-access-key", "sessionToken": "very-secret-token",
	}
	for i := 0; i < len(changes); i += 2 {
		all[changes[i]] = changes[i+1]
	}
	return all
}

// object returns an object's content, or false.
func (s *store) object(t *testing.T, key string) (string, bool) {
	t.Helper()
	o, err := s.backend.GetObject("exports", key, nil)
	if gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchKey) {
		return "", false
	}
	if err != nil {
		t.Fatal(err)
	}
	defer o.Contents.Close() //nolint:errcheck // in memory
	data, err := io.ReadAll(o.Contents)
	if err != nil {
		t.Fatal(err)
	}
	return string(data), true
}

// refuse answers as Amazon does.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(struct { //nolint:errcheck // the client sees
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: code, Message: message})
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
	prefix := func(t *testing.T) string { return strings.NewReplacer("/", "-", "#", "-").Replace(t.Name()) }
	f := destinationtest.Fixture{
		Info:    s3.Info(),
		Arrival: filetest.Arrival(format),
		Invalid: append(filetest.Invalid(), invalid(s)...),
		Failing: failing(t, s),
		Target: func(t *testing.T, columns []connector.TargetColumn) destinationtest.Target {
			folder := prefix(t)
			return destinationtest.Target{
				Settings: s.settings("prefix", folder),
				Job:      filetest.Job(format, columns),
				Read: func(t *testing.T) []destinationtest.Record {
					data, found := s.object(t, path.Join(folder, "rows.out"))
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
		Settings: s.settings("bucket", "https://exports.s3.eu-central-1.amazonaws.com/", "prefix", "a/../b", "endpoint", "minio:9000",
			"roleArn", "admin", "accessKeyId", "", "pgpPublicKey", "key"),
		Paths: []string{
			"spec.configuration.bucket", "spec.configuration.prefix", "spec.configuration.endpoint",
			"spec.configuration.roleArn", "spec.configuration.accessKeyId", "spec.configuration.pgpPublicKey",
		},
	}, {
		Name:     "destination and sync",
		Settings: s.settings("bucket", "a"),
		Edit:     func(j *connector.SyncJob) { j.Settings["filename"] = "{nope}" },
		Paths:    []string{"spec.configuration.bucket", "spec.settings.filename"},
	}}
}

// failing are stores that refuse, each in its own way.
func failing(t *testing.T, good *store) []destinationtest.Failing {
	t.Helper()
	refusing := func(status int, code, message string) connector.Settings {
		s := newStore(t)
		s.intrude = func(w http.ResponseWriter, _ *http.Request) bool {
			refuse(w, status, code, message)
			return true
		}
		return s.settings()
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	return []destinationtest.Failing{
		{Name: "no bucket", Settings: good.settings("bucket", "missing"), Code: fault.CodeDestinationSchema, Says: "NoSuchBucket"},
		{Name: "unreachable", Settings: good.settings("endpoint", closed.URL), Code: fault.CodeDestinationUnreachable, Says: "connection refused"},
		{Name: "wrong secret", Settings: refusing(403, "SignatureDoesNotMatch", "The request signature we calculated does not match"), Code: fault.CodeDestinationAuth, Says: "does not match"},
		{Name: "unknown key", Settings: refusing(403, "InvalidAccessKeyId", "The access key does not exist"), Code: fault.CodeDestinationAuth, Says: "does not exist"},
		{Name: "expired", Settings: refusing(400, "ExpiredToken", "The provided token has expired."), Code: fault.CodeDestinationAuth, Says: "has expired"},
		{Name: "denied", Settings: refusing(403, "AccessDenied", "Access Denied"), Code: fault.CodeDestinationDenied, Says: "Access Denied"},
		{Name: "slow down", Settings: refusing(503, "SlowDown", "Please reduce your request rate."), Code: fault.CodeDestinationThrottled, Says: "reduce"},
		{Name: "broken", Settings: refusing(500, "InternalError", "We encountered an internal error."), Code: fault.CodeDestinationUnreachable, Says: "internal error"},
		{Name: "address as bucket", Settings: good.settings("bucket", "s3://acme-exports/crm"), Code: fault.CodeInvalid, Says: `enter only the bucket's name, such as "acme-exports"`},
	}
}
