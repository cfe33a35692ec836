package salesforce

import (
	"context"
	"slices"

	"github.com/millrace/millrace/internal/value"
)

// The operations that requests and jobs know.
const (
	opInsert = "insert"
	opUpdate = "update"
	opUpsert = "upsert"
	opDelete = "delete"
)

// work is records of one object that one operation is to be done with.
type work struct {
	op       string
	object   *object
	external *field // with upsert: the field that records are known by
	items    []*item
}

// upsert writes records that may exist. Salesforce finds them by an external id itself; otherwise, and where a mapped
// field can only be written when a record is made, they are looked up.
func (w *batch) upsert(ctx context.Context) error {
	native := w.match.ExternalID && len(w.objects) == 1
	if native && !w.onlyOnCreate() {
		return w.do(ctx, work{op: opUpsert, object: w.objects[0], external: w.match, items: w.items})
	}
	if err := w.look(ctx); err != nil {
		return err
	}
	known, fresh := w.known()
	for _, it := range known {
		it.keepUpdateable()
	}
	if native {
		if err := w.do(ctx, work{op: opUpsert, object: w.objects[0], external: w.match, items: known}); err != nil {
			return err
		}
		return w.do(ctx, work{op: opUpsert, object: w.objects[0], external: w.match, items: fresh})
	}
	if err := w.change(ctx, opUpdate, known); err != nil {
		return err
	}
	return w.create(ctx, fresh)
}

// keepUpdateable leaves out what cannot be changed in a record of the item's object.
func (it *item) keepUpdateable() {
	it.fields = slices.DeleteFunc(it.fields, func(c cell) bool {
		f := it.object.field(c.field.Name)
		return f != nil && !f.Updateable
	})
}

// onlyOnCreate reports whether a mapped field cannot be changed.
func (w *batch) onlyOnCreate() bool {
	return slices.ContainsFunc(w.columns, func(c *column) bool { return !c.field.Updateable && c.field.Name != w.match.Name })
}

// known parts the items by whether their records exist.
func (w *batch) known() (known, fresh []*item) {
	for _, it := range w.items {
		if it.id != "" {
			known = append(known, it)
		} else {
			fresh = append(fresh, it)
		}
	}
	return known, fresh
}

// update changes records that exist. With lenient, those that do not are passed over: there is nothing to empty.
func (w *batch) update(ctx context.Context, lenient bool) error {
	if err := w.look(ctx); err != nil {
		return err
	}
	known, missing := w.known()
	for _, it := range missing {
		if !lenient {
			w.drop(it, "there is no record with this value of "+w.match.Name, false)
		}
	}
	for _, it := range known {
		it.keepUpdateable()
	}
	return w.change(ctx, opUpdate, known)
}

// remove deletes the rows' records. One that does not exist is deleted already.
func (w *batch) remove(ctx context.Context) error {
	if err := w.look(ctx); err != nil {
		return err
	}
	known, _ := w.known()
	return w.change(ctx, opDelete, known)
}

// change does something with records that exist, of one object after another.
func (w *batch) change(ctx context.Context, op string, items []*item) error {
	for _, o := range w.objects {
		some := slices.DeleteFunc(slices.Clone(items), func(it *item) bool { return it.object != o })
		if err := w.do(ctx, work{op: op, object: o, items: some}); err != nil {
			return err
		}
	}
	return nil
}

// create makes records: of the object that the sync says, where there are two.
func (w *batch) create(ctx context.Context, items []*item) error {
	o := w.objects[0]
	if chosen := w.run.Job().Settings.Text("newRecords"); len(w.objects) > 1 && chosen != "first" {
		o = w.objects[1]
	}
	for _, it := range items {
		it.object = o
		if w.match != nil && w.match.Createable {
			it.fields = append(it.fields, cell{w.match, value.OfText(it.match)})
		}
	}
	return w.do(ctx, work{op: opInsert, object: o, items: items})
}

// look finds the rows' records, in one object after another.
func (w *batch) look(ctx context.Context) error {
	for _, o := range w.objects {
		f := o.field(w.match.Name)
		if f == nil {
			return unknownField(o, w.match.Name)
		}
		by := &finder{object: o.Name, field: f}
		if f.Type == "id" && len(w.objects) == 1 {
			for _, it := range w.items {
				it.id = it.match
			}
			return nil
		}
		if err := w.lookIn(ctx, o, by); err != nil {
			return err
		}
	}
	return nil
}

func (w *batch) lookIn(ctx context.Context, o *object, by *finder) error {
	var values []string
	for _, it := range w.items {
		if it.id == "" {
			values = append(values, it.match)
		}
	}
	ids, err := by.find(ctx, w.run, values)
	if err != nil {
		return err
	}
	for _, it := range slices.Clone(w.items) {
		id := ids[by.key(it.match)]
		switch {
		case it.id != "" || id == "":
		case id == several:
			w.drop(it, "several records of "+o.Name+" have this value of "+by.field.Name+"; which of them is meant is not known", false)
		default:
			it.id, it.object = id, o
		}
	}
	return nil
}

// do sends some work as requests or as a job.
func (w *batch) do(ctx context.Context, k work) error {
	if len(k.items) == 0 {
		return nil
	}
	switch w.api {
	case apiJobs:
		return w.job(ctx, k)
	case apiBatches:
		return w.batches(ctx, k)
	}
	for chunk := range slices.Chunk(k.items, collection) {
		part := k
		part.items = chunk
		if err := w.collect(ctx, part); err != nil {
			return err
		}
	}
	return nil
}
