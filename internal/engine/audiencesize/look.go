package audiencesize

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/audiencesize"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/resource"
)

// Sweep looks at the destinations that are due, one after another, and returns when none is.
func (r *Reporter) Sweep(ctx context.Context) {
	for ctx.Err() == nil {
		row, ok, err := r.take(ctx)
		if err != nil && ctx.Err() == nil {
			r.Log.Error("looking for reports of audience sizes", "error", err)
		}
		if !ok {
			return
		}
		r.attempt(ctx, row)
	}
}

// attempt looks at one destination and notes how it went.
func (r *Reporter) attempt(ctx context.Context, row reportRow) {
	log := r.Log.With("destination", row.DestinationID)
	f, err := r.look(ctx, row)
	switch {
	case errors.Is(err, errFenced):
		log.Info("a look at audiences was given up for another one")
		return
	case err != nil && ctx.Err() != nil: // the process stops; another one looks
		err = r.release(context.WithoutCancel(ctx), row)
	case err != nil:
		log.Warn("looking at audiences", "code", fault.As(err).Code)
		err = r.settle(ctx, row, nil, err)
	default:
		err = r.settle(ctx, row, f, nil)
	}
	if err != nil && !errors.Is(err, errFenced) && ctx.Err() == nil {
		log.Error("noting a look at audiences", "error", err)
	}
	r.reach("look-noted")
}

// look reads the audiences of a destination, and writes them where it says so. It returns nil where there is nothing to
// look at: no report, and no sync that fills an audience.
func (r *Reporter) look(ctx context.Context, row reportRow) (*found, error) {
	longest := leaseTime - leaseTime/10
	ctx, cancel := context.WithTimeoutCause(ctx, longest, fault.New(fault.CodeDestinationTimeout, "reading the audiences took longer than %s", longest).
		WithSuggestion("It is tried again by itself. See whether the vendor slows requests down, and whether the warehouse answers."))
	defer cancel()
	f, err := r.find(ctx, row)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = context.Cause(ctx)
	}
	return f, err
}

func (r *Reporter) find(ctx context.Context, row reportRow) (*found, error) {
	d, spec, info, err := r.destination(ctx, row)
	if err != nil {
		return nil, err
	}
	if info.Audiences == nil {
		return nil, r.forget(ctx, row)
	}
	jobs, err := r.jobsOf(ctx, row.WorkspaceID, d, info)
	if err != nil || len(jobs) == 0 && !spec.AudienceSizes.On() {
		return nil, err
	}
	f := &found{at: r.Clock.Now(), owners: map[connector.AudienceRef]int64{}, syncs: map[int64]connector.AudienceRef{}, members: map[int64]*int64{}}
	if err := r.read(ctx, row, spec, jobs, f); err != nil {
		return nil, err
	}
	r.reach("look-read")
	if !spec.AudienceSizes.On() {
		return f, nil
	}
	f.writtenTo, err = r.write(ctx, row, d, spec.AudienceSizes, info, f)
	return f, err
}

// destination returns the destination as its newest revision describes it, with its secrets.
func (r *Reporter) destination(ctx context.Context, row reportRow) (d resource.Document, spec destination.Spec, info connector.DestinationInfo, err error) {
	sc := resource.Scope{WorkspaceID: row.WorkspaceID, Actor: actor}
	if d, err = r.Documents.GetByID(ctx, sc, "destination", row.DestinationID); err != nil {
		return d, spec, info, err
	}
	if d, err = r.Documents.Resolve(ctx, sc, "destination", d.Slug); err != nil {
		return d, spec, info, err
	}
	spec = *d.Spec.(*destination.Spec) //nolint:forcetypeassert // the kind's own spec
	info, err = r.Registry.Destination(spec.Type)
	return d, spec, info, err
}

// Fills reports whether a sync is of a type that fills audiences whose sizes the destination tells.
func Fills(doc resource.Document, info connector.DestinationInfo) bool {
	t, err := info.SyncType(doc.Spec.(*sync.Spec).Type) //nolint:forcetypeassert // the kind's own spec
	return err == nil && info.Audiences != nil && slices.Contains(info.Audiences.SyncTypes, t.Slug)
}

// read asks the vendor for all audiences, and finds those that the syncs fill.
func (r *Reporter) read(ctx context.Context, row reportRow, spec destination.Spec, jobs []connector.SyncJob, f *found) (err error) {
	dest, err := r.Destinations.Destination(ctx, row.WorkspaceID, row.DestinationID, spec)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dest.Close()) }()
	reporter, ok := dest.(connector.AudienceReporter)
	if !ok {
		return fault.New(fault.CodeInternal, "the destination %q lists no audiences", spec.Type)
	}
	seen := map[connector.AudienceRef]bool{}
	err = reporter.Audiences(ctx, jobs, func(a connector.Audience) error {
		if !seen[a.AudienceRef] { // pages move while they are read
			seen[a.AudienceRef] = true
			f.audiences = append(f.audiences, a)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(jobs, func(a, b connector.SyncJob) int { return cmp.Compare(a.SyncID, b.SyncID) })
	for _, job := range jobs {
		if err := r.own(ctx, row, reporter, job, f); err != nil {
			return err
		}
	}
	return nil
}

// own finds the audience that a sync fills.
func (r *Reporter) own(ctx context.Context, row reportRow, reporter connector.AudienceReporter, job connector.SyncJob, f *found) error {
	ref, ok, err := reporter.AudienceOf(ctx, job)
	if err != nil || !ok {
		return err
	}
	f.syncs[job.SyncID] = ref
	if _, taken := f.owners[ref]; !taken {
		f.owners[ref] = job.SyncID
	}
	if job.Mode == connector.ModeRemove {
		return nil // the model's rows are those who left the audience
	}
	n, ok, err := r.Runs.Members(ctx, row.WorkspaceID, job.SyncID)
	if err == nil && ok {
		f.members[job.SyncID] = &n
	}
	return err
}

// write appends a snapshot to the warehouse. It returns the table.
func (r *Reporter) write(ctx context.Context, row reportRow, d resource.Document, report *audiencesize.Report, info connector.DestinationInfo, f *found) (table string, err error) {
	src, err := r.Documents.Get(ctx, resource.Scope{WorkspaceID: row.WorkspaceID, Actor: actor}, "source", report.Source)
	if err != nil {
		return "", err
	}
	instance, err := r.Runs.Instance(ctx)
	if err != nil {
		return "", err
	}
	warehouse, err := r.Warehouses.Warehouse(ctx, row.WorkspaceID, src.ID)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, warehouse.Close()) }()
	w := newWriting(warehouse, row, d, info, instance)
	w.check = func() error { return r.held(ctx, r.DB, row) }
	w.reach, w.views = r.reach, append(slices.Clone(views), r.more...)
	if err := w.write(ctx, f); err != nil {
		return "", err
	}
	return w.table.String(), nil
}
