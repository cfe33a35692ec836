// Package telemetry is how operators see what the process does: logs, metrics, traces and health.
package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/trace"
)

// Logger returns a logger that writes text or JSON from a level on.
func Logger(w io.Writer, format, level string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: l}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// Metrics are the numbers of the process.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	runs     *prometheus.CounterVec
	rows     *prometheus.CounterVec
	seconds  prometheus.Histogram
	phases   *prometheus.CounterVec
}

// NewMetrics returns metrics of their own registry.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "millrace_http_request_seconds", Help: "HTTP requests by route, method and status.", Buckets: prometheus.DefBuckets}, []string{"route", "method", "status"}),
		runs:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "millrace_sync_runs_total", Help: "Runs that ended, by status."}, []string{"workspace", "sync", "status"}),
		rows:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "millrace_sync_rows_total", Help: "Rows of runs that ended, by operation and outcome."}, []string{"workspace", "sync", "operation", "outcome"}),
		phases:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "millrace_sync_phase_seconds_total", Help: "Time of runs that ended: of the model's query, and of everything after it."}, []string{"workspace", "sync", "phase"}),
		seconds:  prometheus.NewHistogram(prometheus.HistogramOpts{Name: "millrace_sync_run_seconds", Help: "Duration of runs.", Buckets: prometheus.ExponentialBuckets(0.1, 3, 12)}),
	}
	m.registry.MustRegister(m.requests, m.runs, m.rows, m.seconds, m.phases, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the metrics to Prometheus, and in the form of OpenMetrics to whoever asks for it.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// Sync names a sync by its slug and that of its workspace.
type Sync struct{ Workspace, Slug string }

// Run counts a run that ended.
func (m *Metrics) Run(of Sync, status string, query, execution time.Duration) {
	m.runs.WithLabelValues(of.Workspace, of.Slug, status).Inc()
	m.phases.WithLabelValues(of.Workspace, of.Slug, "query").Add(query.Seconds())
	m.phases.WithLabelValues(of.Workspace, of.Slug, "execution").Add(execution.Seconds())
	m.seconds.Observe((query + execution).Seconds())
}

// Rows counts rows of a run that ended.
func (m *Metrics) Rows(of Sync, operation, outcome string, n int64) {
	m.rows.WithLabelValues(of.Workspace, of.Slug, operation, outcome).Add(float64(n))
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter

	status int
}

// WriteHeader notes the status.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap gives http.ResponseController the writer below.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Measure counts the requests of a handler by the route that served them.
func (m *Metrics) Measure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		sw := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(sw, r)
		route := r.Pattern
		if route == "" {
			route = "other"
		}
		m.requests.WithLabelValues(route, r.Method, strconv.Itoa(sw.status)).Observe(time.Since(start).Seconds())
	})
}

// Check is one thing that must work for the process to be ready.
type Check struct {
	Name string
	Run  func(ctx context.Context) error
}

// Ready answers whether every check passes, and which does not.
func Ready(checks []Check) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		answer, status := map[string]string{}, http.StatusOK
		for _, c := range checks {
			answer[c.Name] = "ok"
			if err := c.Run(ctx); err != nil {
				answer[c.Name], status = "failing", http.StatusServiceUnavailable
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			return // the asker is gone
		}
	})
}

// Traces sends traces to a collector, and returns a function that flushes them.
func Traces(ctx context.Context, endpoint string) (func(context.Context) error, error) {
	if endpoint == "" {
		return func(context.Context) error { return nil }, nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint))
	if err != nil {
		return nil, fmt.Errorf("connecting to the trace collector: %w", err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter))
	otel.SetTracerProvider(provider)
	return provider.Shutdown, nil
}
