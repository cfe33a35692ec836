package run

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// tracer names this package in traces. A run is one span, with an event for each state that it enters; ids and
// counts are its attributes, never values.
var tracer = otel.Tracer("github.com/millrace/millrace/internal/engine/sync/run")

func startSpan(ctx context.Context, r Run) (context.Context, trace.Span) {
	return tracer.Start(ctx, "sync run", trace.WithAttributes( //nolint:spancheck // Execute ends it
		attribute.Int64("millrace.run.id", r.ID), attribute.Int64("millrace.sync.id", r.SyncID),
		attribute.Int64("millrace.workspace.id", r.WorkspaceID), attribute.String("millrace.run.trigger", r.Trigger)))
}

func endSpan(span trace.Span, r Run) {
	span.SetAttributes(
		attribute.String("millrace.run.state", string(r.State)), attribute.Int64("millrace.rows.read", r.Counts.Read),
		attribute.Int64("millrace.rows.succeeded", r.Counts.Succeeded.Total()), attribute.Int64("millrace.rows.failed", r.Counts.Failed.Total()))
	if r.Failure != nil {
		span.SetStatus(codes.Error, string(r.Failure.Code))
	}
}
