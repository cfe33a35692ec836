// Package api is the HTTP surface: Millrace's own API for the web app and the command line, the compatible
// REST API under /api/v1, and the web app itself. Handlers are thin: rules live below.
package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io/fs"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/millrace/millrace/internal/access"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/telemetry"
)

// Options are what the API serves.
type Options struct {
	DB        *db.DB
	Access    *access.Store
	Resources *resource.Store
	Registry  *connector.Registry
	Runs      *run.Store
	Engine    *run.Engine
	Enqueuer  run.Enqueuer
	Clock     clock.Clock
	Log       *slog.Logger
	Metrics   *telemetry.Metrics
	Checks    []telemetry.Check
	Assets    fs.FS  // the web app; nil serves none
	Dir       string // private folders of connectors that are tried out
	Version   string
	Secure    bool // cookies for https only
}

// Server is the API.
type Server struct {
	Options

	limiter *access.Limiter
}

// requests that an API key may make: 200 in 10 seconds for each workspace (API-03).
const (
	rateLimit  = 200
	rateWindow = 10 * time.Second
)

// New returns the handler of everything.
func New(o Options) http.Handler {
	s := &Server{Options: o, limiter: access.NewLimiter(o.Clock, rateLimit, rateWindow)}
	mux := http.NewServeMux()
	s.own(mux)
	s.compatible(mux)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }) //nolint:errcheck // the asker is gone
	mux.Handle("GET /readyz", telemetry.Ready(o.Checks))
	mux.Handle("GET /metrics", o.Metrics.Handler())
	if o.Assets != nil {
		mux.Handle("/", s.web())
	}
	return s.identify(s.recover(s.harden(o.Metrics.Measure(mux))))
}

// own registers Millrace's own API.
func (s *Server) own(mux *http.ServeMux) {
	huma.NewError = newError
	config := huma.DefaultConfig("Millrace", s.Version)
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "/api/openapi", "", ""
	config.CreateHooks = nil
	config.Components.Schemas = schemas()
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"key": {Type: "http", Scheme: "bearer", Description: "An API key."}}
	config.Info.Description = "The API that the web app and the command line use."
	api := humago.New(mux, config)
	api.UseMiddleware(s.authenticate(api))
	s.sessions(api)
	s.keys(api)
	s.catalog(api)
	for _, k := range s.Resources.Kinds().Kinds() {
		s.documents(api, k)
	}
	s.apply(api)
	s.sources(api)
	s.destinations(api)
	s.syncs(api)
	s.runs(api)
	mux.HandleFunc("GET /api/events", s.events)
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, r, notFound("there is no %s %s", r.Method, r.URL.Path))
	})
}

type contextKey int

const (
	keyRequestID contextKey = iota
	keyIdentity
)

// identify gives each request an id, which answers and logs carry.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 8)
		_, _ = rand.Read(b) //nolint:errcheck // crypto/rand does not fail
		id := hex.EncodeToString(b)
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), keyRequestID, id)))
	})
}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(keyRequestID).(string)
	return id
}

// recover turns a panic into an answer without a stack trace, which goes to the log.
func (s *Server) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				s.Log.Error("panic", "request", requestID(r.Context()), "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				writeError(w, r, internal())
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// maxBody is how much a request may send.
const maxBody = 10 << 20

// policy is what the web app's pages may load: nothing but what this server sends. Mantine sets styles of
// elements at run time, which needs inline styles; scripts are never inline.
const policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"

func (s *Server) harden(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Frame-Options", "DENY")
		if strings.HasPrefix(r.URL.Path, "/api/") {
			h.Set("Cache-Control", "no-store")
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}
