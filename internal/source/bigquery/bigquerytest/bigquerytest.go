// Package bigquerytest is a stand-in of BigQuery: its token service, its REST interface, the Storage Read API and the
// Iceberg REST catalogue of BigLake, over a DuckDB that executes the statements.
//
// It holds to what Google documents, in the parts that a client sees: jobs, pages, errors and their words, types of
// results, limits of arrays. What it does not know it refuses.
package bigquerytest

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/millrace/millrace/internal/source/warehousetest"
	rest "google.golang.org/api/bigquery/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// Options are what a Server holds and how it behaves.
type Options struct {
	Setup        []string          // DuckDB's statements that make datasets (as schemas) and tables
	Descriptions map[string]string // of columns, by dataset.table.column, and of the fields in them
	Elsewhere    map[string]string // datasets that lie in another location than Location
	Denied       map[string]bool   // permissions that the account lacks
	Results      map[string]Result // of statements that DuckDB cannot answer

	// Intercept answers a request instead of the server; false leaves it to the server.
	Intercept func(w http.ResponseWriter, r *http.Request) bool

	StorageRefuses codes.Code // what the Storage Read API says to everybody; 0 is nothing
	StorageBreaks  int64      // after how many batches each connection of it breaks off; 0 is never

	// Put stores a file in a bucket; nil means that BigQuery may write into none.
	Put func(bucket, name, path string) error

	Tables []IcebergTable // of the Iceberg catalogue
}

// Result is a result of exotic types: as pages of JSON show it, and as the Storage Read API does.
type Result struct {
	Fields []*rest.TableFieldSchema
	Cells  [][]any
	Arrow  arrow.RecordBatch
}

// The names of what the server holds.
const (
	Project  = "acme-shop"
	Location = "EU"
	Account  = "millrace@acme-shop.iam.gserviceaccount.com"
	Bucket   = "acme-lake"
)

// Server is a stand-in.
type Server struct {
	URL     string // of REST and of the Iceberg catalogue
	Storage string // of the Storage Read API

	options Options
	engine  *warehousetest.Engine
	key     *rsa.PrivateKey
	dir     string

	mu       sync.Mutex
	tokens   map[string]bool
	jobs     map[string]*job
	uploads  map[string]*upload
	sessions int
	reads    int
	asked    []string
	done     sync.WaitGroup
}

// New starts a server that ends with the test.
func New(t *testing.T, o Options) *Server {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{options: o, key: key, dir: t.TempDir(), tokens: map[string]bool{}, jobs: map[string]*job{}, uploads: map[string]*upload{}}
	setup := append([]string{fmt.Sprintf("ATTACH '%s' AS results", filepath.Join(s.dir, "results.db"))}, macros...)
	s.engine = warehousetest.New(t, warehousetest.Options{Setup: append(setup, o.Setup...), Rewrite: rewrite})
	web := httptest.NewServer(s.handler())
	s.URL = web.URL
	rpc := grpc.NewServer(grpc.StreamInterceptor(s.checkStream), grpc.UnaryInterceptor(s.checkCall))
	storagepb.RegisterBigQueryReadServer(rpc, &reads{server: s})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = rpc.Serve(l) }() //nolint:errcheck // it ends with the test
	s.Storage = "http://" + l.Addr().String()
	t.Cleanup(func() {
		rpc.Stop()
		web.CloseClientConnections()
		web.Close()
		s.stop()
	})
	return s
}

// stop ends the jobs.
func (s *Server) stop() {
	s.mu.Lock()
	for _, j := range s.jobs {
		j.cancel()
	}
	s.mu.Unlock()
	s.done.Wait()
}

// Key is the key file of an account that the server knows.
func (s *Server) Key() string { return keyFile(s.key, s.URL+"/token") }

// WrongKey is a key file of the account with a key that the server does not know.
func (s *Server) WrongKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return keyFile(key, s.URL+"/token")
}

func keyFile(key *rsa.PrivateKey, tokens string) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err) // a key that was just made
	}
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": Project, "private_key_id": "1", "client_email": Account, "client_id": "1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": tokens,
	})
	if err != nil {
		panic(err) // texts only
	}
	return string(text)
}

// Execute runs statements of DuckDB's, all of them or none, as if somebody had changed the data.
func (s *Server) Execute(ctx context.Context, statements ...string) error {
	_, err := s.engine.Transaction(ctx, statements...)
	return err
}

// Running reports whether a job with the label runs.
func (s *Server) Running(label string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		if j.config.Labels["millrace"] == label && !j.ended() {
			return true
		}
	}
	return false
}

// Asked returns the requests of the REST interface: method and path, the oldest first.
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

// Jobs returns the configurations of the jobs that were started, by their labels.
func (s *Server) Jobs() map[string]*rest.JobConfiguration {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]*rest.JobConfiguration{}
	for _, j := range s.jobs {
		all[j.config.Labels["millrace"]] = j.config
	}
	return all
}

// Reads returns how many streams of the Storage Read API were opened.
func (s *Server) Reads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", s.token)
	for pattern, h := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /bigquery/v2/projects/{project}/datasets":                                                        s.listDatasets,
		"POST /bigquery/v2/projects/{project}/datasets":                                                       s.makeDataset,
		"GET /bigquery/v2/projects/{project}/datasets/{dataset}":                                              s.getDataset,
		"GET /bigquery/v2/projects/{project}/datasets/{dataset}/tables":                                       s.listTables,
		"GET /bigquery/v2/projects/{project}/datasets/{dataset}/tables/{table}":                               s.getTable,
		"POST /bigquery/v2/projects/{project}/jobs":                                                           s.insertJob,
		"GET /bigquery/v2/projects/{project}/jobs/{job}":                                                      s.getJob,
		"POST /bigquery/v2/projects/{project}/jobs/{job}/cancel":                                              s.cancelJob,
		"GET /bigquery/v2/projects/{project}/queries/{job}":                                                   s.getResults,
		"POST /upload/bigquery/v2/projects/{project}/jobs":                                                    s.beginUpload,
		"POST /upload/bigquery/v2/projects/{project}/jobs/{upload}":                                           s.continueUpload,
		"GET /iceberg/v1/restcatalog/v1/config":                                                               s.icebergConfig,
		"GET /iceberg/v1/restcatalog/v1/projects/{number}/catalogs/{c}/namespaces":                            s.icebergNamespaces,
		"GET /iceberg/v1/restcatalog/v1/projects/{number}/catalogs/{c}/namespaces/{namespace}/tables":         s.icebergTables,
		"GET /iceberg/v1/restcatalog/v1/projects/{number}/catalogs/{c}/namespaces/{namespace}/tables/{table}": s.icebergTable,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				asAPIError(err).write(w)
			}
		})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.Method+" "+r.URL.Path)
		known := s.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
		s.mu.Unlock()
		switch {
		case s.options.Intercept != nil && s.options.Intercept(w, r):
		case r.URL.Path != "/token" && !known:
			failure(http.StatusUnauthorized, "authError", "Request had invalid authentication credentials.").write(w)
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

// apiError is an error as Google's interfaces send it.
type apiError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Errors  []struct {
		Message string `json:"message"`
		Domain  string `json:"domain"`
		Reason  string `json:"reason"`
	} `json:"errors"`
}

// Error returns the words.
func (e *apiError) Error() string { return e.Message }

func (e *apiError) reason() string { return e.Errors[0].Reason }

func failure(code int, reason, format string, args ...any) *apiError {
	e := &apiError{Code: code, Message: fmt.Sprintf(format, args...)}
	e.Errors = append(e.Errors, struct {
		Message string `json:"message"`
		Domain  string `json:"domain"`
		Reason  string `json:"reason"`
	}{e.Message, "global", reason})
	return e
}

// Fail answers a request with an error, for Options.Intercept.
func Fail(w http.ResponseWriter, code int, reason, message string) {
	failure(code, reason, "%s", message).write(w)
}

func (e *apiError) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.Code)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": e}) //nolint:errcheck // the client is gone
}

func answer(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(v)
}

// denied returns an error where the account lacks a permission.
func (s *Server) denied(name, kind, object string) error {
	if !s.options.Denied[name] {
		return nil
	}
	return failure(http.StatusForbidden, "accessDenied", "Access Denied: %[1]s %[2]s: Permission %[3]s denied on %[4]s %[2]s (or it may not exist).", kind, object, name, strings.ToLower(kind))
}

// token issues tokens for assertions that the account's key has signed:
// https://developers.google.com/identity/protocols/oauth2/service-account#httprest
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	refuse := func(description string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_grant", "error_description": description}) //nolint:errcheck // the client is gone
	}
	parts := strings.Split(r.FormValue("assertion"), ".")
	if r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || len(parts) != 3 {
		refuse("Bad Request")
		return
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || rsa.VerifyPKCS1v15(&s.key.PublicKey, crypto.SHA256, sum[:], signature) != nil {
		refuse("Invalid JWT Signature.")
		return
	}
	token := rand.Text()
	s.mu.Lock()
	s.tokens[token] = true
	s.mu.Unlock()
	_ = answer(w, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3600}) //nolint:errcheck // the client is gone
}

// raw begins statements of our own, which are DuckDB's already.
const raw = "/*raw*/"

func (s *Server) execute(ctx context.Context, sql string) error {
	_, err := s.engine.Execute(ctx, raw+sql)
	return err
}

// texts reads a result of texts whole.
func (s *Server) texts(ctx context.Context, sql string) ([][]string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := s.engine.Query(ctx, raw+sql)
	if err != nil {
		return nil, err
	}
	defer r.Release()
	var all [][]string
	for r.Next() {
		b := r.RecordBatch()
		for i := range int(b.NumRows()) {
			row := make([]string, b.NumCols())
			for c := range row {
				row[c] = strings.Clone(b.Column(c).ValueStr(i)) // the batch ends before it
			}
			all = append(all, row)
		}
	}
	return all, r.Err()
}
