package api_test

import (
	"context"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/api"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// conversions is the world's target as a vendor that rates events.
type conversions struct {
	*memoryTarget

	rate func(ctx context.Context, job connector.SyncJob) ([]connector.EventQuality, error)
}

var _ connector.QualityReporter = conversions{}

func (c conversions) Quality(ctx context.Context, job connector.SyncJob) ([]connector.EventQuality, error) {
	return c.rate(ctx, job)
}

// conversionsInfo is a type of destination that tells the quality of events, but not of everything that it takes.
func conversionsInfo(w *world) connector.DestinationInfo {
	kind := func(slug string, quality bool) connector.SyncType {
		return connector.SyncType{
			Slug: slug, Name: slug, Modes: []connector.Mode{connector.ModeInsert}, Quality: quality,
			Fields:  []connector.Field{{Name: "source", Label: "Source", Type: connector.FieldString, Default: "website"}},
			Mapping: connector.MappingRule{Enabled: true, Required: true},
		}
	}
	return connector.DestinationInfo{
		Slug: "conversions", Name: "Conversions", SyncTypes: []connector.SyncType{kind("event", true), kind("call", false)},
		Open: func(connector.DestinationOptions) (connector.Destination, error) {
			return conversions{w.target, w.rate}, nil
		},
	}
}

// furnishConversions makes syncs to the vendor that rates events.
func (w *world) furnishConversions() {
	w.t.Helper()
	w.furnish()
	w.ok("POST", "/api/destinations", document("pixel", "Pixel", object{"type": "conversions", "configuration": object{}}))
	for _, kind := range []string{"event", "call"} {
		w.ok("POST", "/api/syncs", document(kind+"s", kind+"s", object{
			"model": "people", "destination": "pixel", "type": kind, "mode": "insert", "disabled": false,
			"schedule": object{"type": "manual"}, "mappings": []object{{"to": "id", "from": "id"}},
		}))
	}
}

// The vendor is asked what it makes of a sync's events, and not again for a while unless somebody wants it.
func TestEventQuality(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnishConversions()
		const path = "/api/syncs/events/quality"
		asked, score := 0, 6.2
		w.rate = func(_ context.Context, job connector.SyncJob) ([]connector.EventQuality, error) {
			asked++
			if job.SyncSlug != "events" || job.Type != "event" || job.Settings.Text("source") != "website" {
				t.Errorf("the vendor was asked about %+v", job)
			}
			return []connector.EventQuality{{Event: "Purchase", Score: &score, Keys: []connector.KeyCoverage{{Key: "email"}}, Diagnostics: []connector.QualityDiagnostic{}}}, nil
		}
		first := w.ok("GET", path, nil).lists("events", "event", "Purchase").has("events.0.score", 6.2).has("events.0.additional", nil).has("events.0.keys.0.percent", nil).text("at")
		w.ok("GET", path, nil).has("at", first)
		if asked != 1 {
			t.Errorf("the vendor was asked %d times", asked)
		}
		if again := w.ok("GET", path+"?refresh=true", nil).text("at"); again <= first || asked != 2 {
			t.Errorf("asked again at %s after %s, %d times", again, first, asked)
		}
		w.clock.Advance(5 * time.Minute)
		w.ok("GET", path, nil)
		w.ok("PUT", "/api/destinations/pixel", document("pixel", "Other pixel", object{"type": "conversions", "configuration": object{}}))
		w.ok("GET", path, nil)
		if asked != 4 {
			t.Errorf("the vendor was asked %d times, want another one after five minutes and one for the changed destination", asked)
		}

		w.rate = func(context.Context, connector.SyncJob) ([]connector.EventQuality, error) { return nil, nil }
		w.ok("GET", path+"?refresh=true", nil).has("events", "[]")
		w.rate = func(context.Context, connector.SyncJob) ([]connector.EventQuality, error) {
			return nil, fault.New(fault.CodeDestinationDenied, "no permission").WithSuggestion("Ask for it.")
		}
		w.send("GET", path+"?refresh=true", nil).want(fault.CodeDestinationDenied.Info().Status).has("error.code", fault.CodeDestinationDenied).has("error.suggestion", "Ask for it.")
		w.ok("GET", path, nil).has("events", "[]") // what was told before is still good

		w.send("GET", "/api/syncs/calls/quality", nil).want(404)
		w.send("GET", "/api/syncs/people-to-crm/quality", nil).want(404)
		w.send("GET", "/api/syncs/nothing/quality", nil).want(404)
		w.key = w.second()
		w.send("GET", path, nil).want(404)
	})
}

// A vendor that does not answer holds nobody up.
func TestEventQualityIsNotWaitedForLong(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnishConversions()
		w.rate = func(ctx context.Context, _ connector.SyncJob) ([]connector.EventQuality, error) {
			<-ctx.Done()
			return nil, fault.Wrap(ctx.Err(), fault.CodeDestinationTimeout, "asking")
		}
		w.options.Patience = time.Millisecond
		w.handler = api.New(w.options)
		w.send("GET", "/api/syncs/events/quality", nil).want(fault.CodeDestinationUnreachable.Info().Status).
			has("error.code", fault.CodeDestinationUnreachable).has("error.message", "there was no answer in time")
	})
}
