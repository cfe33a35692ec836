package api

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/resource"
)

// patience is how long one request waits for what destinations say about syncs.
const patience = 10 * time.Second

// errSilent is what is said of a destination that took longer.
var errSilent = fault.New(fault.CodeDestinationUnreachable, "there was no answer in time")

// review asks destinations about syncs that are being saved.
type review struct {
	*Server

	among []resource.Desired // what is saved together: it is looked up here first
	until time.Time
}

func (s *Server) review(among ...resource.Desired) *review {
	return &review{s, among, time.Now().Add(cmp.Or(s.Patience, patience))}
}

const syncKind = "sync"

// create makes a document, once its destination has nothing against it where it is a sync. The warnings are what did not
// keep it from being made.
func (s *Server) create(ctx context.Context, kind string, w resource.Write) (d resource.Document, warnings []ErrorInfo, err error) {
	if kind == syncKind {
		if warnings, err = s.reviewed(ctx, w); err != nil {
			return d, nil, err
		}
	}
	d, err = s.Resources.Create(ctx, scope(ctx), kind, w)
	return d, warnings, err
}

// update is create for a change. Where the sync was changed meanwhile, or is not there, that is what is said.
func (s *Server) update(ctx context.Context, kind, slug string, w resource.Write) (d resource.Document, warnings []ErrorInfo, err error) {
	if kind == syncKind {
		old, err := s.Resources.Get(ctx, scope(ctx), kind, slug)
		if err != nil {
			return d, nil, err
		}
		if w.Slug = slug; w.Revision == 0 || w.Revision == old.Revision {
			if warnings, err = s.reviewed(ctx, w); err != nil {
				return d, nil, err
			}
		}
	}
	d, err = s.Resources.Update(ctx, scope(ctx), kind, slug, w)
	return d, warnings, err
}

// reviewed checks a sync that is about to be saved, and asks its destination about it. The error keeps it from being
// saved; the warnings do not. Nothing is asked while the sync itself is wrong.
func (s *Server) reviewed(ctx context.Context, w resource.Write) ([]ErrorInfo, error) {
	if err := s.Resources.Validate(ctx, scope(ctx), syncKind, w); err != nil {
		return nil, err
	}
	return s.review().sync(ctx, w)
}

// applied makes documents as they are desired. Syncs are reviewed in between a trial, which finds what is wrong without
// asking anybody, and the writing, which holds the database for no longer than it takes.
func (s *Server) applied(ctx context.Context, desired []resource.Desired, dryRun bool) ([]resource.Applied, [][]ErrorInfo, error) {
	warnings := make([][]ErrorInfo, len(desired))
	isSync := func(d resource.Desired) bool { return s.isKind(d, syncKind) }
	if slices.ContainsFunc(desired, isSync) {
		trial, err := s.Resources.Apply(ctx, scope(ctx), desired, true)
		if err != nil {
			return nil, nil, err
		}
		r := s.review(desired...)
		for i, d := range desired {
			if !isSync(d) || trial[i].Action == "unchanged" {
				continue
			}
			if warnings[i], err = r.sync(ctx, d.Write); err != nil {
				return nil, nil, resource.InDocument(d, err)
			}
		}
		if dryRun {
			return trial, warnings, nil
		}
	}
	results, err := s.Resources.Apply(ctx, scope(ctx), desired, dryRun)
	return results, warnings, err
}

func (s *Server) isKind(d resource.Desired, name string) bool {
	k, err := s.Resources.Kinds().Kind(d.Kind)
	return err == nil && k.Name == name
}

// sync asks the destination of a valid sync. A change that the destination never learns of is no reason to ask.
func (r *review) sync(ctx context.Context, w resource.Write) ([]ErrorInfo, error) {
	k, err := r.Resources.Kinds().Kind(syncKind)
	if err != nil {
		return nil, err
	}
	decoded, err := k.Decode(w.Spec)
	if err != nil {
		return nil, err
	}
	spec := decoded.(*sync.Spec) //nolint:forcetypeassert // a sync's spec
	old, err := r.Resources.Get(ctx, scope(ctx), syncKind, w.Slug)
	if err != nil && !fault.Is(err, fault.CodeNotFound) {
		return nil, err
	}
	if was, is := old.Spec.(*sync.Spec); is {
		if same, err := sameSent(k, was, spec); same || err != nil {
			return nil, err
		}
	}
	b := run.Bundle{Sync: run.Meta{ID: old.ID, Slug: w.Slug, Name: w.Name}, SyncSpec: *spec}
	return r.outcome(ctx, r.ask(ctx, b))
}

func sameSent(k resource.Kind, was, spec *sync.Spec) (bool, error) {
	before, err := k.Encode(was.Sent())
	if err != nil {
		return false, err
	}
	after, err := k.Encode(spec.Sent())
	return before == after, err
}

// ask asks first what the settings say by themselves, then the place.
func (r *review) ask(ctx context.Context, b run.Bundle) error {
	m, err := r.find(ctx, "model", b.SyncSpec.Model, false)
	if err != nil {
		return err
	}
	b.Model, b.ModelSpec = run.Meta{ID: m.ID, Slug: m.Slug, Name: m.Name}, *m.Spec.(*model.Spec) //nolint:forcetypeassert // a model's spec
	if b.SyncSpec.AllColumns && len(b.ModelSpec.Columns) == 0 {
		return nil // nobody knows what is sent
	}
	d, err := r.find(ctx, "destination", b.SyncSpec.Destination, true)
	if err != nil {
		return err
	}
	to := *d.Spec.(*destination.Spec) //nolint:forcetypeassert // a destination's spec
	info, err := r.Registry.Destination(to.Type)
	if err != nil {
		return err
	}
	kind, err := info.SyncType(b.SyncSpec.Type)
	if err != nil {
		return err
	}
	job, err := run.DraftJob(b, kind)
	if err != nil {
		return err
	}
	dest, err := r.openDestination(ctx, to, r.State.Of(who(ctx).WorkspaceID, d.Kind, d.ID))
	if err != nil {
		return err
	}
	defer dest.Close() //nolint:errcheck // nothing was written
	if err := dest.Check(job); err != nil {
		return asIssues(err)
	}
	place, ok := dest.(connector.Reviewer)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithDeadlineCause(ctx, r.until, errSilent)
	defer cancel()
	if err := place.Review(ctx, job); ctx.Err() == nil {
		return err
	}
	return context.Cause(ctx)
}

// asIssues are what Check said: all of it is about settings.
func asIssues(err error) error {
	if issues, ok := errors.AsType[fault.Issues](err); ok {
		return issues
	}
	return fault.Issues{fault.As(err)}
}

// find looks a document up, with its secrets where they are asked for.
func (r *review) find(ctx context.Context, kind, slug string, secrets bool) (resource.Document, error) {
	stored, err := r.Resources.Get(ctx, scope(ctx), kind, slug)
	if err != nil && !fault.Is(err, fault.CodeNotFound) {
		return stored, err
	}
	at := slices.IndexFunc(r.among, func(d resource.Desired) bool { return r.isKind(d, kind) && d.Slug == slug })
	switch {
	case at < 0 && secrets && err == nil:
		return r.Resources.Resolve(ctx, scope(ctx), kind, slug)
	case at < 0:
		return stored, err
	}
	k, err := r.Resources.Kinds().Kind(kind)
	if err != nil {
		return stored, err
	}
	w := r.among[at].Write
	spec, err := k.Decode(w.Spec)
	if err == nil && secrets && stored.ID != 0 {
		err = r.Resources.Fill(ctx, scope(ctx), kind, slug, spec)
	}
	stored.Kind, stored.Slug, stored.Name, stored.Spec = kind, slug, w.Name, spec
	return stored, err
}

// outcome divides what was said. What is wrong with the sync keeps it from being saved; what is wrong with the
// destination's own settings, or kept it from answering, is only told.
func (r *review) outcome(ctx context.Context, err error) (warnings []ErrorInfo, refusal error) {
	var issues, others fault.Issues
	if !errors.As(err, &issues) && err != nil {
		others = fault.Issues{fault.As(err)}
	}
	issues = slices.DeleteFunc(slices.Clone(issues), func(e *fault.Error) bool {
		foreign := strings.HasPrefix(e.Path, "spec.configuration")
		if foreign {
			others = append(others, e)
		}
		return foreign
	})
	if len(issues) > 0 {
		return nil, issues
	}
	for _, e := range others {
		warnings = append(warnings, r.warning(ctx, e))
	}
	return warnings, nil
}

func (r *review) warning(ctx context.Context, e *fault.Error) ErrorInfo {
	if e.Code == fault.CodeInternal {
		r.Log.Error("asking a destination about a sync", "request", requestID(ctx), "error", e)
		e = internal()
	}
	info := infoOf(e)
	info.Message, info.Path = "The destination could not be asked about the sync: "+info.Message, ""
	info.Suggestion = strings.TrimSpace("It is asked again when a row is tested and when a run begins. " + info.Suggestion)
	return info
}
