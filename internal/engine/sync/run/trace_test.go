package run_test

import (
	"strconv"
	"testing"

	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// A run is one span that says which states it went through and how it ended.
func TestTrace(t *testing.T) { //nolint:paralleltest // the tracer provider is the process's
	spans := tracetest.NewInMemoryExporter()
	otel.SetTracerProvider(trace.NewTracerProvider(trace.WithSyncer(spans)))
	w := newWorld(t, dbtest.SQLite(t))
	w.rows = []row{r("1", "Ada", 1)}
	good := w.run(run.Options{})
	w.rows = append(w.rows, r("2", "Bob", 1))
	w.fail = errCrash
	bad := w.run(run.Options{})
	seen := map[int64]bool{}
	for _, s := range spans.GetSpans() {
		attributes := map[string]string{}
		for _, a := range s.Attributes {
			attributes[string(a.Key)] = a.Value.String()
		}
		switch attributes["millrace.run.id"] {
		case strconv.FormatInt(good.ID, 10):
			seen[good.ID] = attributes["millrace.run.state"] == "committed" && attributes["millrace.rows.succeeded"] == "1" &&
				len(s.Events) == 4 && s.Status.Code == codes.Unset
		case strconv.FormatInt(bad.ID, 10):
			seen[bad.ID] = attributes["millrace.run.state"] == "failed" && s.Status.Code == codes.Error
		}
	}
	if !seen[good.ID] || !seen[bad.ID] {
		t.Errorf("the spans are %+v", spans.GetSpans())
	}
}
