// Package intercom is what the manifest of Intercom cannot say: how contacts and companies are found, custom attributes
// and tags that are made, and how tags and associations follow a row's changes.
//
// Intercom's pages are named in README.md.
package intercom

import (
	"context"
	"sync"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Hooks returns the Go code beside the manifest.
func Hooks() manifest.Hooks {
	return manifest.Hooks{
		Begin: map[string]func(context.Context, *manifest.Run) (connector.Session, error){
			"contacts":  func(_ context.Context, r *manifest.Run) (connector.Session, error) { return begin(r, contacts), nil },
			"companies": func(_ context.Context, r *manifest.Run) (connector.Session, error) { return begin(r, companies), nil },
		},
	}
}

// session sends contacts or companies, one in a batch.
type session struct {
	connector.Session // the manifest's own

	run  *manifest.Run
	kind *kind
	tags tags

	mu         sync.Mutex
	attributes bool // the mapped custom attributes are there
}

func begin(r *manifest.Run, k *kind) *session {
	return &session{Session: r.Session(), run: r, kind: k}
}

var _ connector.OperationLimiter = (*session)(nil)

// Limits say honestly what a second sending does: leads may share an address, and a search does not see at once what was
// made.
func (s *session) Limits() connector.Limits { return s.honest(s.Session.Limits()) }

// LimitsOf are the limits of one operation.
func (s *session) LimitsOf(op connector.Operation) connector.Limits {
	if op == connector.Removed {
		return s.run.LimitsOf(op)
	}
	return s.honest(s.run.LimitsOf(op))
}

func (s *session) honest(l connector.Limits) connector.Limits {
	if job := s.run.Job(); job.Mode == connector.ModeUpsert && job.Match[0].To == "email" {
		l.Idempotency = connector.NotIdempotent
	}
	return l
}

// Write sends the row of a batch.
func (s *session) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	r, err := s.run.With(ctx, b)
	if err != nil {
		return connector.Result{}, err
	}
	for _, row := range r.Rows() {
		w := &writing{session: s, run: r, row: row}
		if err := w.send(ctx, b.Operation); err != nil {
			return connector.Result{}, err
		}
	}
	return r.Result(), nil
}

// writing is one row on its way.
type writing struct {
	*session

	run *manifest.Run
	row manifest.Row
	id  string // Intercom's id of the record, once it is known
}

func (w *writing) reject(format string, args ...any) {
	w.run.Reject(w.row, fault.New(fault.CodeDestinationRejected, format, args...).Error(), false)
}

func (w *writing) send(ctx context.Context, op connector.Operation) error {
	job := w.run.Job()
	if op == connector.Removed || job.Mode == connector.ModeArchive {
		return w.leave(ctx, op)
	}
	if err := w.declare(ctx); err != nil {
		return err
	}
	links, ok, err := w.links(ctx, w.row.Get(w.kind.others.section))
	if err != nil || !ok {
		return err
	}
	if err := w.store(ctx); err != nil || w.id == "" {
		return err
	}
	if err := w.associate(ctx, links); err != nil {
		return err
	}
	return w.tag(ctx)
}

// store makes or changes the record.
func (w *writing) store(ctx context.Context) error {
	upsert := w.run.Job().Mode == connector.ModeUpsert
	if w.kind == companies && upsert {
		return w.create(ctx)
	}
	found, err := w.find(ctx)
	switch {
	case err != nil:
		return err
	case len(found) > 1:
		w.reject("several %s have this value of %s; which of them is meant is not known", w.kind.path, w.match())
		return nil
	case len(found) == 1:
		w.id = found[0]
		return w.change(ctx)
	case !upsert:
		w.reject("there is none of the %s with this value of %s", w.kind.path, w.match())
		return nil
	}
	return w.create(ctx)
}

// change writes the mapped fields; a row may have tags and associations alone.
func (w *writing) change(ctx context.Context) error {
	body := w.body(false)
	if len(body) == 0 {
		return nil
	}
	_, _, err := w.run.Send(ctx, "PUT", w.kind.path+"/"+escape(w.id), body)
	return err
}

// create makes the record. Intercom's search does not see at once what was made: it names the record that is there.
func (w *writing) create(ctx context.Context) error {
	answer, status, err := w.run.Send(ctx, "POST", w.kind.path, w.body(true))
	if status == conflict {
		if w.id = known(answer); w.id != "" {
			return w.change(ctx)
		}
	}
	if err == nil {
		w.id = manifest.TextAt(answer, "id")
	}
	return err
}

// body is what is written of the record. What is made has the value that it is found by from now on.
func (w *writing) body(fresh bool) map[string]any {
	body := map[string]any{}
	for _, f := range w.row.Get("fields").Fields() {
		if f.Name != tagField {
			body[f.Name] = f.Value
		}
	}
	if custom := attributes(w.row.Get(customSection)); len(custom) > 0 {
		body[customSection] = custom
	}
	if fresh {
		body[w.match()] = w.row.Match().String()
	} else if w.kind == companies {
		delete(body, w.match()) // it cannot change
	}
	return body
}

// leave is about rows that left the model, and about those that the mode archives. What is not there is done.
func (w *writing) leave(ctx context.Context, op connector.Operation) error {
	found, err := w.find(ctx)
	switch {
	case err != nil || len(found) == 0:
		return err
	case len(found) > 1:
		w.reject("several %s have this value of %s; which of them is meant is not known", w.kind.path, w.match())
		return nil
	}
	w.id = found[0]
	path := w.kind.path + "/" + escape(w.id)
	switch {
	case op != connector.Removed:
		_, _, err = w.run.Send(ctx, "POST", path+"/archive", nil)
	case w.run.Job().Delete == connector.DeleteClear:
		return w.change(ctx)
	default:
		var status int
		if _, status, err = w.run.Send(ctx, "DELETE", path, nil); status == notFound {
			return nil
		}
	}
	return err
}

// declare makes custom attributes that are mapped and that Intercom does not have, once in a run.
func (w *writing) declare(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	missing := map[string]value.Type{}
	for _, c := range w.run.Job().Columns {
		if name, is := cut(c.Name, customSection); is {
			missing[name] = c.Type
		}
	}
	if w.attributes || len(missing) == 0 {
		return nil
	}
	answer, _, err := w.run.Fetch(ctx, "GET", "data_attributes?model="+w.kind.model+"&include_archived=false", nil)
	if err != nil {
		return err
	}
	for _, a := range manifest.At(answer, "data").List() {
		if manifest.At(a, "custom").Bool() {
			delete(missing, manifest.TextAt(a, "name"))
		}
	}
	for _, name := range sorted(missing) {
		body := map[string]any{"name": name, "model": w.kind.model, "data_type": dataType(missing[name])}
		if _, _, err := w.run.Send(ctx, "POST", "data_attributes", body); err != nil {
			return err
		}
	}
	w.attributes = true
	return nil
}
