package objects_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/objects"
)

// s3Store is a store with the protocol of S3 that has one bucket.
type s3Store struct {
	backend gofakes3.Backend
	url     string
	lists   chan string // prefixes of listings
}

func newS3(t testing.TB) *s3Store {
	t.Helper()
	s := &s3Store{backend: s3mem.New(), lists: make(chan string, 10_000)}
	if err := s.backend.CreateBucket("exports"); err != nil {
		t.Fatal(err)
	}
	handler := gofakes3.New(s.backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); q.Get("list-type") == "2" {
			if !q.Has("prefix") {
				w.WriteHeader(http.StatusForbidden) // a policy may allow listings of prefixes alone
				return
			}
			s.lists <- q.Get("prefix")
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *s3Store) putTB(t testing.TB, path string, content []byte) {
	t.Helper()
	if _, err := s.backend.PutObject("exports", path, map[string]string{}, strings.NewReader(string(content)), int64(len(content)), nil); err != nil {
		t.Fatal(err)
	}
}

func (s *s3Store) put(t *testing.T, path string, content []byte) { s.putTB(t, path, content) }

func s3Settings(endpoint string) connector.Settings {
	return connector.Settings{
		"credential": map[string]any{"auth": "keys", "accessKeyId": "AKIAEXAMPLE", "secretAccessKey": "very-secret-access-key"},
		"bucket":     "exports", "region": "us-east-1", "endpoint": endpoint, "pathStyle": true,
	}
}

func with(s connector.Settings, changes ...any) connector.Settings {
	out := s.WithDefaults(nil)
	for i := 0; i < len(changes); i += 2 {
		out[changes[i].(string)] = changes[i+1]
	}
	return out
}

// answering is a server that answers every request alike.
func answering(t *testing.T, status int, body string, headers ...string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func s3Error(code string) string {
	return `<?xml version="1.0"?><Error><Code>` + code + `</Code><Message>Words of the store</Message></Error>`
}

// Req: S-31, S-75, S-76, S-77, S-78, S-79, S-80
func TestS3(t *testing.T) {
	s := newS3(t)
	settings := s3Settings(s.url)
	sourcetest.RunFiles(t, sourcetest.Files{
		Info: objects.S3(), Settings: settings, Put: s.put, Odd: []string{"odd//twice.csv"},
		Failing: []sourcetest.Failing{
			{Name: "no server", Settings: with(settings, "endpoint", "http://127.0.0.1:1"), Code: fault.CodeSourceUnreachable, Says: "connection refused"},
			{Name: "no such name", Settings: with(settings, "endpoint", "http://s3.invalid"), Code: fault.CodeSourceUnreachable, Says: "no such host"},
			{Name: "no bucket", Settings: with(settings, "bucket", "absent"), Code: fault.CodeSourceUnreachable, Says: "NoSuchBucket"},
			{Name: "no permission", Settings: with(settings, "endpoint", answering(t, 403, s3Error("AccessDenied"))), Code: fault.CodeSourceDenied, Says: "Words of the store"},
			{Name: "wrong key", Settings: with(settings, "endpoint", answering(t, 403, s3Error("SignatureDoesNotMatch"))), Code: fault.CodeSourceAuth, Says: "Words of the store"},
			{Name: "another region", Settings: with(settings, "endpoint", answering(t, 400, s3Error("AuthorizationHeaderMalformed"), "X-Amz-Bucket-Region", "eu-west-3")), Code: fault.CodeSourceUnreachable, Says: "Words of the store"},
			{Name: "no TLS", Settings: with(settings, "endpoint", strings.Replace(s.url, "http://", "https://", 1)), Code: fault.CodeSourceUnreachable, Says: "server gave HTTP response to HTTPS client"},
			{Name: "no keys", Settings: with(settings, "credential", map[string]any{"auth": "keys"}), Code: fault.CodeSourceAuth, Says: "static credentials are empty"},
		},
	})
}

// A listing goes through all pages, and always names the prefix, which may be all that a policy allows.
//
// Req: S-78, S-80
func TestS3Pages(t *testing.T) {
	t.Parallel()
	s := newS3(t)
	for i := range 2500 {
		s.put(t, fmt.Sprintf("many/%04d.csv", i), []byte("a\n1\n"))
	}
	source := open(t, objects.S3(), s3Settings(s.url))
	files, more, err := source.(connector.FileLister).ListFiles(t.Context(), "many/", 10_000)
	if err != nil || more || len(files) != 2500 || files[2499].Path != "many/2499.csv" {
		t.Errorf("%d files, more is %v: %v", len(files), more, err)
	}
	if n := len(s.lists); n < 3 {
		t.Errorf("%d listings", n)
	}
	for range len(s.lists) {
		if prefix := <-s.lists; prefix != "many/" {
			t.Errorf("a listing of %q", prefix)
		}
	}
}

func open(t *testing.T, info connector.SourceInfo, s connector.Settings) connector.Source {
	t.Helper()
	source, err := info.Open(connector.SourceOptions{Settings: s.WithDefaults(info.Fields), Dir: t.TempDir(), Network: connector.Network{Egress: []string{"192.0.2.1"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	})
	return source
}

func read(ctx context.Context, s connector.Source, f connector.File) (n int64, err error) {
	r, err := s.Query(ctx, connector.Query{SQL: s.Dialect().SelectTable(connector.RowsTable), File: &f})
	if err != nil {
		return 0, err
	}
	defer r.Release()
	for r.Next() {
		n += r.RecordBatch().NumRows()
	}
	return n, r.Err()
}

// What went wrong says what to do: which region, which permission, which addresses a firewall must admit.
//
// Req: S-80, X-19
func TestAdvice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		settings connector.Settings
		says     string
	}{
		{"region", s3Settings(answering(t, 301, s3Error("PermanentRedirect"), "X-Amz-Bucket-Region", "eu-west-3")), "eu-west-3"},
		{"permission", s3Settings(answering(t, 403, s3Error("AccessDenied"))), "s3:ListBucket on arn:aws:s3:::exports"},
		{"firewall", s3Settings("http://127.0.0.1:1"), "192.0.2.1"},
		{"busy", with(s3Settings(answering(t, 404, s3Error("NoSuchBucket")))), "bucket's name"},
	} {
		err := open(t, objects.S3(), c.settings).Test(t.Context())
		if err == nil || !strings.Contains(fault.As(err).Hint(), c.says) {
			t.Errorf("%s: %v\n%s", c.name, err, fault.As(err).Hint())
		}
	}
	_, err := objects.S3().Open(connector.SourceOptions{Settings: with(s3Settings(""), "bucket", "https://exports.s3.amazonaws.com")})
	if !fault.Is(err, fault.CodeInvalid) {
		t.Errorf("an address as bucket: %v", err)
	}
}

// A server that dies within a file does not make a shorter file of it.
func TestDiesWithin(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, "a\n1\n")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(server.Close)
	n, err := read(t.Context(), open(t, objects.S3(), s3Settings(server.URL)), connector.File{Path: "a.csv"})
	if !fault.Is(err, fault.CodeSourceUnreachable) || fault.ClassOf(err) != fault.Retryable || !strings.Contains(err.Error(), "a.csv") {
		t.Errorf("%d rows: %v", n, err)
	}
}
