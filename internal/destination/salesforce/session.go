package salesforce

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// session sends the rows of an object, or of one of two.
type session struct {
	connector.Session // the manifest's own

	run     *manifest.Run
	objects []*object
	match   *field // of the first object; nil where records are only made
	columns []*column
	api     string // what carries the records
	merges  *merger

	mu      sync.Mutex
	regrets error // see Finish
}

var _ connector.OperationLimiter = (*session)(nil)

// What carries records besides requests.
const (
	apiJobs    = "bulk"  // Bulk API 2.0
	apiBatches = "bulk1" // Bulk API
)

// column is a mapped field.
type column struct {
	target string // its name in the mapping
	field  *field
	find   *finder // for a reference: how the other record is found; nil where the row has its id
	omit   bool
}

// begin reads how the organisation describes what is mapped.
func begin(ctx context.Context, r *manifest.Run) (connector.Session, error) {
	s := &session{Session: r.Session(), run: r, api: r.Job().Settings.Text("api")}
	var err error
	if s.objects, err = described(ctx, r); err != nil {
		return nil, err
	}
	if match := r.Job().Match; len(match) > 0 {
		if s.match = s.objects[0].field(match[0].To); s.match == nil {
			return nil, unknownField(s.objects[0], match[0].To)
		}
	}
	for _, c := range r.Job().Columns {
		col, err := s.column(ctx, c)
		if err != nil {
			return nil, err
		}
		s.columns = append(s.columns, col)
	}
	s.merges, err = s.merger()
	return s, err
}

// column reads a mapped field: FIELD, FIELD.other to find the record that is referred to by another field, or
// FIELD.Object.other where it may be of several objects.
func (s *session) column(ctx context.Context, c connector.TargetColumn) (*column, error) {
	name, path, follows := strings.Cut(c.Name, ".")
	f := s.objects[0].field(name)
	if f == nil {
		return nil, unknownField(s.objects[0], name)
	}
	col := &column{target: c.Name, field: f, omit: c.Omit}
	if !follows {
		return col, nil
	}
	to := ""
	if object, other, named := strings.Cut(path, "."); named {
		to, path = object, other
	} else if len(f.References) == 1 {
		to = f.References[0]
	}
	if to == "" {
		return nil, fault.Reclass(fault.New(fault.CodeDestinationSchema, "the field %s does not refer to one object", f.Name).
			WithSuggestion("Name the object too, as in %s.Contact.%s.", f.Name, path), fault.Fatal)
	}
	o, err := describe(ctx, s.run, to)
	if err != nil {
		return nil, err
	}
	by := o.field(path)
	if by == nil {
		return nil, unknownField(o, path)
	}
	if by.Type != "id" {
		col.find = &finder{object: o.Name, field: by}
	}
	return col, nil
}

// Limits are those of the requests or jobs that the sync chose.
func (s *session) Limits() connector.Limits { return s.chosen(s.Session.Limits()) }

// LimitsOf are the limits of one operation.
func (s *session) LimitsOf(op connector.Operation) connector.Limits {
	return s.chosen(s.run.LimitsOf(op))
}

func (s *session) chosen(l connector.Limits) connector.Limits {
	settings := s.run.Job().Settings
	l.Rows = number(settings["batchSize"], collection)
	if s.api == apiJobs || s.api == apiBatches {
		l.Rows = number(settings["jobSize"], l.Rows)
	}
	l.Concurrency = number(settings["parallel"], l.Concurrency)
	return l
}

func number(setting any, otherwise int) int {
	switch n := setting.(type) {
	case float64:
		return int(n)
	case int:
		return n
	default:
		return otherwise
	}
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
	row    manifest.Row
	match  string
	id     string  // of the record, once it is known
	object *object // that the record is of
	fields []cell
}

// cell is a field of a record.
type cell struct {
	field *field
	value value.Value
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
	case job.Mode == connector.ModeArchive, op == connector.Removed && job.Delete == connector.DeleteRecord:
		return w.remove(ctx)
	case op == connector.Removed:
		return w.update(ctx, true)
	case job.Mode == connector.ModeUpdate:
		return w.update(ctx, false)
	}
	write := w.upsert
	if job.Mode == connector.ModeInsert {
		write = func(ctx context.Context) error { return w.create(ctx, w.items) }
	}
	if err := write(ctx); err != nil || w.merges == nil {
		return err
	}
	return w.merge(ctx)
}

// read makes items of the rows. Of several rows about the same record, later ones wait for a request of their own.
func (w *batch) read(ctx context.Context, op connector.Operation) error {
	seen := map[string]bool{}
	for _, row := range w.run.Rows() {
		it := &item{row: row, object: w.objects[0]}
		if w.match != nil {
			it.match = text(row.Match())
			switch key := (&finder{field: w.match}).key(it.match); {
			case key == "":
				w.run.Reject(row, "a row without a value for "+w.match.Name+" cannot be matched to a record", false)
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
	if w.run.Job().Mode == connector.ModeArchive || op == connector.Removed && w.run.Job().Delete == connector.DeleteRecord {
		return nil
	}
	return w.fill(ctx, op == connector.Removed)
}

// fill gives the items their fields; references are looked up. With empty, the fields are emptied.
func (w *batch) fill(ctx context.Context, empty bool) error {
	for _, c := range w.columns {
		var ids map[string]string
		if c.find != nil && !empty {
			var err error
			if ids, err = c.find.find(ctx, w.run, w.values(c)); err != nil {
				return err
			}
		}
		for _, it := range slices.Clone(w.items) {
			if reason := it.fill(c, ids, empty, w.match); reason != "" {
				w.drop(it, reason, false)
			}
		}
	}
	return nil
}

// values are what the rows have for a column.
func (w *batch) values(c *column) []string {
	var all []string
	for _, it := range w.items {
		if v := text(it.row.Value(c.target)); v != "" {
			all = append(all, v)
		}
	}
	return all
}

// fill gives the item one field, or says why it cannot have it.
func (it *item) fill(c *column, ids map[string]string, empty bool, match *field) (problem string) {
	if match != nil && strings.EqualFold(c.field.Name, match.Name) {
		return "" // what the record is found by is written with it, and never emptied
	}
	v := it.row.Value(c.target)
	switch {
	case empty && c.field.Type == "boolean":
		v = value.OfBool(false) // a checkbox has no third state
	case empty && !c.field.Nillable:
		return "" // it cannot be emptied
	case empty:
		v = value.Value{}
	case v.IsNull() && c.omit:
		return ""
	case c.find != nil && !v.IsNull():
		id := ids[c.find.key(text(v))]
		if id == "" {
			return "Reference not found: no " + c.find.object + " has the row's value in its field " + c.find.field.Name
		}
		if id == several {
			return "Reference not found: several records of " + c.find.object + " have the row's value in their field " + c.find.field.Name
		}
		v = value.OfText(id)
	case v.Kind() == value.List:
		v = value.OfText(text(v))
	}
	it.fields = append(it.fields, cell{c.field, v})
	return ""
}

// drop refuses a row, which takes no part in what follows.
func (w *batch) drop(it *item, reason string, retry bool) {
	w.run.Reject(it.row, reason, retry)
	w.items = slices.DeleteFunc(slices.Clone(w.items), func(other *item) bool { return other == it })
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
	retry := class == fault.Retryable || class == fault.Throttled || class == fault.Permanent && len(items) > 1
	for _, it := range items {
		w.drop(it, manifest.Reason(err), retry)
	}
	return nil
}
