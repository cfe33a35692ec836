package hubspot

import (
	"context"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
)

const recordID = "hs_object_id"

// session sends the rows of an object.
type session struct {
	connector.Session // the manifest's own

	run        *manifest.Run
	object     string
	by         *finder // how the rows' records are found; nil where new ones are made
	properties []property
	empty      []string      // properties that are only filled while they are empty
	links      []association // mapped associations
	mode       string        // what happens to associations
}

var _ connector.OperationLimiter = (*session)(nil)

// begin reads what the account says of the object.
func begin(ctx context.Context, r *manifest.Run) (connector.Session, error) {
	job := r.Job()
	s := &session{
		Session: r.Session(), run: r, object: job.Settings.Text("object"), properties: propertiesOf(r),
		empty: job.Settings.List("onlyEmpty"), mode: job.Settings.Text("associationMode"),
	}
	if len(job.Match) > 0 {
		by, err := newFinder(ctx, r, s.object, job.Match[0].To)
		if err != nil {
			return nil, err
		}
		s.by = by
	}
	var err error
	s.links, err = associations(ctx, r, s.object)
	return s, err
}

// Limits say honestly what a second sending does.
func (s *session) Limits() connector.Limits { return s.honest(s.Session.Limits()) }

// LimitsOf are the limits of one operation.
func (s *session) LimitsOf(op connector.Operation) connector.Limits {
	l := s.run.LimitsOf(op)
	if op == connector.Removed {
		return l
	}
	return s.honest(l)
}

// searches is the class of the limit on searches.
const searches = "search"

// honest: HubSpot's search does not see at once what was made, so that a record that is searched for may be made twice.
func (s *session) honest(l connector.Limits) connector.Limits {
	if s.by != nil && s.by.how == bySearch && s.run.Job().Mode == connector.ModeUpsert {
		l.Idempotency = connector.NotIdempotent
	}
	return l
}

// batch is one batch on its way.
type batch struct {
	*session

	run   *manifest.Run
	items []*item
	wrote bool // a request that changes something was answered
}

// item is a row and what is known of its record.
type item struct {
	row       manifest.Row
	match     string
	id        string   // of the record, once it is known
	by        string   // the property that match is written into: of a new record
	keeps     []string // properties that its record has already, and are not written
	now, then []link   // associations that the row asks for, and asked for before
	changed   bool     // they are others than before
}

// Write sends one batch.
func (s *session) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	if !slices.Contains(s.run.Limits().Operations, b.Operation) {
		return connector.Result{}, fault.New(fault.CodeInvalid, "the sync sends nothing for rows that were %s", b.Operation)
	}
	r, err := s.run.With(ctx, b)
	if err != nil {
		return connector.Result{}, err
	}
	defer r.Done()
	w := &batch{session: s, run: r}
	if err := w.read(ctx, b.Operation); err != nil {
		return connector.Result{}, err
	}
	if len(w.items) > 0 {
		if err := w.send(ctx, b.Operation); err != nil {
			return connector.Result{}, err
		}
	}
	return r.Result(), nil
}

func (w *batch) send(ctx context.Context, op connector.Operation) error {
	job := w.run.Job()
	switch {
	case op == connector.Removed && job.Delete == connector.DeleteArchive:
		return w.archive(ctx)
	case op == connector.Removed && job.Delete == connector.DeleteRecord:
		return w.forget(ctx)
	case job.Mode == connector.ModeInsert:
		return w.create(ctx, w.items)
	case op == connector.Removed:
		return w.update(ctx, true)
	case job.Mode == connector.ModeUpdate:
		if err := w.update(ctx, false); err != nil {
			return err
		}
	default:
		if err := w.upsert(ctx); err != nil {
			return err
		}
	}
	return w.associate(ctx)
}

// read makes items of the rows. Of several rows about the same record, later ones wait for a request of their own.
func (w *batch) read(ctx context.Context, op connector.Operation) error {
	rows := w.run.Rows()
	items := make([]item, len(rows))
	w.items = make([]*item, 0, len(rows))
	seen := make(map[string]bool, len(rows))
	for i, row := range rows {
		it := &items[i]
		it.row = row
		if w.by != nil {
			it.match = text(row.Match())
			switch key := strings.ToLower(it.match); {
			case key == "":
				w.run.Reject(row, "a row without a value for "+w.by.property+" cannot be matched to a record", false)
				continue
			case seen[key]:
				w.run.Reject(row, "another row of the request is about the same record", true)
				continue
			default:
				seen[key] = true
			}
		}
		w.items = append(w.items, it)
	}
	if op == connector.Removed || len(w.links) == 0 || len(w.items) == 0 {
		return nil
	}
	return w.resolve(ctx)
}

// drop refuses a row, which takes no part in what follows.
func (w *batch) drop(it *item, reason string, retry bool) {
	w.run.Reject(it.row, reason, retry)
	w.items = slices.DeleteFunc(w.items, func(other *item) bool { return other == it })
}

// lost decides what an error means for the rows of a request. Nothing was done before it, or they are refused; where
// nobody knows what became of them, nobody knows of the batch.
func (w *batch) lost(err error, items []*item) error {
	class := fault.ClassOf(err)
	if class == fault.Unknown || !w.wrote && len(items) == len(w.items) {
		return err
	}
	if class == fault.Fatal {
		w.run.Stop(err)
	}
	retry := class == fault.Retryable || class == fault.Throttled
	for _, it := range slices.Clone(items) {
		w.drop(it, manifest.Reason(err), retry)
	}
	return nil
}

// part makes a request for some items, and halves it where one of them makes HubSpot refuse them all, unless the engine
// can do that because nothing was done yet.
func (w *batch) part(items []*item, do func([]*item) error) error {
	if len(items) == 0 {
		return nil
	}
	items = slices.Clone(items) // rows that are refused leave the batch's own list
	err := do(items)
	switch {
	case err == nil:
		w.wrote = true
		return nil
	case fault.ClassOf(err) != fault.Permanent || len(items) == 1 || !w.wrote && len(items) == len(w.items):
		return w.lost(err, items)
	}
	half := len(items) / 2
	w.wrote = true
	if err := w.part(items[:half], do); err != nil {
		return err
	}
	return w.part(items[half:], do)
}
