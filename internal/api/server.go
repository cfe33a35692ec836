// Package api is the HTTP surface: Millrace's own API for the web app and the command line, the compatible
// REST API under /api/v1, and the web app itself. Handlers are thin: rules live below.
package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/millrace/millrace/internal/access"
	"github.com/millrace/millrace/internal/alert"
	"github.com/millrace/millrace/internal/bi"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connection"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/state"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/dbt"
	"github.com/millrace/millrace/internal/engine/audiencesize"
	"github.com/millrace/millrace/internal/engine/monitor"
	"github.com/millrace/millrace/internal/engine/orchestrator"
	"github.com/millrace/millrace/internal/engine/sequence"
	"github.com/millrace/millrace/internal/engine/storage"
	"github.com/millrace/millrace/internal/engine/sync/audit"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/engine/timetable"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/mapping"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/telemetry"
)

// Options are what the API serves.
type Options struct {
	DB          *db.DB
	Access      *access.Store
	Resources   *resource.Store
	Registry    *connector.Registry
	Connections run.Connections
	Tunnels     *connection.Set
	Credentials connection.Credentials
	Egress      []string // the addresses that this server connects from
	SSH         string   // host:port of the SSH server that clients of reverse tunnels connect to; empty: there is none
	Runs        *run.Store
	Engine      *run.Engine
	Sequences   *sequence.Engine
	Timetable   *timetable.Timetable
	Enqueuer    run.Enqueuer
	Alerts      *alert.Store
	Notify      Notifier
	Monitors    *monitor.Store
	Datadog     MonitorTester
	DBT         dbt.Loader // manifests of dbt projects

	DBTRefresher *dbt.Refresher // what fetches them

	Orchestrators *orchestrator.Engine
	BI            *bi.Resolver // asks BI tools for SQL

	State   *state.Store // what connectors learn
	Storage *storage.Engine
	Logs    *audit.Store // what is written into warehouses

	Audiences *audiencesize.Reporter // what looks at the audiences of ad accounts
	Clock     clock.Clock
	Log       *slog.Logger
	Metrics   *telemetry.Metrics
	Checks    []telemetry.Check
	Assets    fs.FS         // the web app; nil serves none
	Dir       string        // private folders of connectors that are tried out
	Patience  time.Duration // how long a request waits for what destinations say about syncs; 0: 10 seconds
	Public    string        // the address by which people reach the server, without a slash at its end
	Region    string        // of the workspaces that are made; empty where the operator named none
	Version   string
	Secure    bool // cookies for https only
}

// Server is the API.
type Server struct {
	Options

	limiter   *access.Limiter
	samples   *recent[sampleKey, *mapping.Sample]
	qualities *recent[qualityKey, []connector.EventQuality]
}

// requests that an API key may make: 200 in 10 seconds for each workspace (API-03).
const (
	rateLimit  = 200
	rateWindow = 10 * time.Second
)

// New returns the handler of everything.
func New(o Options) http.Handler {
	s := &Server{
		Options: o, limiter: access.NewLimiter(o.Clock, rateLimit, rateWindow),
		samples: recently[sampleKey, *mapping.Sample](o.Clock, maxSamples), qualities: recently[qualityKey, []connector.EventQuality](o.Clock, maxQualities),
	}
	s.Resources.OnUpdate(forgetTest)
	mux := http.NewServeMux()
	s.own(mux)
	s.compatible(mux)
	s.operations(mux)
	if o.Assets != nil {
		mux.Handle("/", s.web())
	}
	return s.identify(s.recover(s.harden(o.Metrics.Measure(mux))))
}

// Operations returns the handler of a process that does not serve the API: health, readiness and metrics.
func Operations(o Options) http.Handler {
	s := &Server{Options: o}
	mux := http.NewServeMux()
	s.operations(mux)
	return s.identify(s.recover(s.harden(o.Metrics.Measure(mux))))
}

// operations registers what operators and their tools ask.
func (s *Server) operations(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }) //nolint:errcheck // the asker is gone
	mux.Handle("GET /readyz", telemetry.Ready(s.Checks))
	mux.Handle("GET /metrics", s.Metrics.Handler())
}

// own registers Millrace's own API.
func (s *Server) own(mux *http.ServeMux) huma.API {
	ourErrors()
	config := huma.DefaultConfig("Millrace", s.Version)
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "/api/openapi", "", ""
	config.CreateHooks = nil
	config.Components.Schemas = schemas()
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"key": {Type: "http", Scheme: "bearer", Description: "An API key."}}
	config.Info.Description = "The API that the web app and the command line use."
	api := humago.New(mux, config)
	api.UseMiddleware(s.authenticate(api))
	s.sessions(api)
	s.workspaces(api)
	s.keys(api)
	s.catalog(api)
	for _, k := range s.Resources.Kinds().Kinds() {
		s.documents(api, k)
	}
	s.apply(api)
	s.choosing(api)
	s.folders(api)
	s.savedFilters(api)
	s.bulk(api)
	s.sources(api)
	s.columns(api)
	s.choices(api)
	s.clones(api)
	s.tries(api)
	s.destinations(api)
	s.authorizations(api)
	s.syncs(api)
	s.syncLogs(api)
	s.audienceSizes(api)
	s.eventQuality(api)
	s.alerts(api)
	s.monitors(api)
	s.runs(api)
	s.sequences(api)
	s.storage(api)
	s.tunnels(api)
	s.credentials(api)
	s.dbt(api)
	s.orchestrators(api)
	s.biTools(api)
	s.lineages(api)
	refine(config.Components.Schemas)
	mux.HandleFunc("GET /api/events", s.events)
	mux.HandleFunc("POST /api/hooks/fivetran/{workspace}/{uuid}", s.hook)
	mux.HandleFunc("GET "+callbackPath, s.finishAuthorization)
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) { writeError(w, r, unknown(mux, w, r)) })
	return api
}

// unknown says why nothing serves a request: its address, or only its method, is not known.
func unknown(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) *fault.Error {
	var possible []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); strings.HasPrefix(pattern, method+" ") {
			possible = append(possible, method)
		}
	}
	if len(possible) == 0 {
		return notFound("there is nothing at %s", r.URL.Path).WithSuggestion("/api/openapi.json describes every address.")
	}
	w.Header().Set("Allow", strings.Join(possible, ", "))
	return fault.New(fault.CodeMethod, "%s is not possible at %s; possible are %s", r.Method, r.URL.Path, strings.Join(possible, ", "))
}

type contextKey int

const (
	keyRequestID contextKey = iota
	keyIdentity
	keyRemote
	keyMemory
)

// identify gives each request an id, which answers and logs carry.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 8)
		_, _ = rand.Read(b) // never fails
		id := hex.EncodeToString(b)
		w.Header().Set("X-Request-Id", id)
		ctx := context.WithValue(r.Context(), keyRequestID, id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, keyRemote, r.RemoteAddr)))
	})
}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(keyRequestID).(string)
	return id
}

// remote is the network address that a request comes from, without its port.
func remote(ctx context.Context) string {
	address, _ := ctx.Value(keyRemote).(string)
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

// recover turns a panic into an answer without a stack trace, which goes to the log.
func (s *Server) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler { //nolint:errorlint,err113 // it is this value: the answer was begun and must look broken
					panic(p)
				}
				s.Log.Error("panic", "request", requestID(r.Context()), "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				if strings.HasPrefix(r.URL.Path, v1Root) {
					v1Error(w, internal())
					return
				}
				writeError(w, r, internal())
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// maxBody is how much a request may send.
const maxBody = 10 << 20

// policy is what the web app's pages may load: nothing but what this server sends, and nothing inline.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

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
		r.Body = http.MaxBytesReader(w, r.Body, bodyLimit(r))
		next.ServeHTTP(w, r)
	})
}
