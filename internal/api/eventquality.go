package api

import (
	"cmp"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/resource"
)

// EventQualityBody is what a sync's vendor makes of its events.
type EventQualityBody struct {
	At     string                   `json:"at" doc:"when the vendor was asked"`
	Events []connector.EventQuality `json:"events" nullable:"false" doc:"as the vendor orders them; none: it has nothing to tell yet"`
}

// maxQualities is how many syncs' answers are kept.
const maxQualities = 256

// qualityKey identifies whom a vendor was asked for.
type qualityKey struct {
	workspace, sync, revision, destination, destinationRevision int64
}

func (s *Server) eventQuality(api huma.API) {
	register(s, api, op(http.MethodGet, "/api/syncs/{slug}/quality", "get-event-quality", "What the vendor makes of the events of a sync; it is asked now, unless it was in the last five minutes", nil), func(ctx context.Context, in *struct {
		Slug    string `path:"slug"`
		Refresh bool   `query:"refresh" doc:"ask again"`
	}) (*body[EventQualityBody], error) {
		b, err := s.qualityOf(ctx, in.Slug, in.Refresh)
		return &body[EventQualityBody]{b}, err
	})
}

// qualityOf tells the quality of a sync's events.
func (s *Server) qualityOf(ctx context.Context, slug string, refresh bool) (b EventQualityBody, err error) {
	d, err := s.Resources.Get(ctx, scope(ctx), syncKind, slug)
	if err != nil {
		return b, err
	}
	spec := d.Spec.(*sync.Spec) //nolint:forcetypeassert // a sync's spec
	to, err := s.Resources.Get(ctx, scope(ctx), "destination", spec.Destination)
	if err != nil {
		return b, err
	}
	key := qualityKey{who(ctx).WorkspaceID, d.ID, d.Revision, to.ID, to.Revision}
	if events, at, ok := s.qualities.get(key); ok && !refresh {
		return EventQualityBody{stamp(at), events}, nil
	}
	events, err := s.askQuality(ctx, d, spec, to)
	if err != nil {
		return b, err
	}
	return EventQualityBody{stamp(s.qualities.put(key, events)), events}, nil
}

// askQuality asks the vendor.
func (s *Server) askQuality(ctx context.Context, d resource.Document, spec *sync.Spec, to resource.Document) ([]connector.EventQuality, error) {
	info, err := s.Registry.Destination(to.Spec.(*destination.Spec).Type) //nolint:forcetypeassert // a destination's spec
	if err != nil {
		return nil, err
	}
	if t, err := info.SyncType(spec.Type); err != nil || !t.Quality {
		return nil, notFound("%s tells nothing of the quality of what the sync %q sends", info.Name, d.Name)
	}
	dest, job, err := s.draft(ctx, to.Slug, DraftSpec{Type: spec.Type, Mode: spec.Mode, Delete: spec.Delete, Settings: spec.Settings, Match: spec.Match})
	if err != nil {
		return nil, err
	}
	defer dest.Close() //nolint:errcheck // reading is done
	reporter, ok := dest.(connector.QualityReporter)
	if !ok {
		return nil, fault.New(fault.CodeInternal, "the destination %q does not tell the quality of events", info.Slug)
	}
	job.SyncID, job.SyncSlug = d.ID, d.Slug
	asking, cancel := context.WithTimeoutCause(ctx, cmp.Or(s.Patience, patience), errSilent)
	defer cancel()
	events, err := reporter.Quality(asking, job)
	switch {
	case err != nil && asking.Err() != nil && ctx.Err() == nil:
		return nil, errSilent
	case events == nil:
		events = []connector.EventQuality{}
	}
	return events, err
}
