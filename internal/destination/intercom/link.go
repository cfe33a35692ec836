package intercom

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/value"
)

// How tags and associations follow a row.
const (
	modeOverwrite = "overwrite"
	modeDiff      = "diff"
)

// names are the texts of a list without blanks and doubles.
func names(v value.Value) []string {
	var all []string
	for _, item := range v.Parsed().List() {
		if text := strings.TrimSpace(item.String()); text != "" && !item.IsNull() && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}

// links finds the records that the row is associated with. ok is false where the row was refused.
func (w *writing) links(ctx context.Context, section value.Value) (all []string, ok bool, err error) {
	for _, f := range section.Fields() {
		for _, text := range names(f.Value) {
			found, err := w.lookUp(ctx, w.kind.others.kind, f.Name, text, "")
			switch {
			case err != nil:
				return nil, false, err
			case len(found) == 0:
				w.reject("none of the %s that the row is to be associated with has the %s %q", w.kind.others.kind.path, f.Name, text)
				return nil, false, nil
			case len(found) > 1:
				w.reject("several %s have the %s %q; which of them is meant is not known", w.kind.others.kind.path, f.Name, text)
				return nil, false, nil
			}
			if !slices.Contains(all, found[0]) {
				all = append(all, found[0])
			}
		}
	}
	return all, true, nil
}

// associate brings contacts and companies together, and parts those that the row named before.
func (w *writing) associate(ctx context.Context, links []string) error {
	if w.run.Job().Settings.Text("associationMode") == modeDiff {
		if err := w.part(ctx, links); err != nil {
			return err
		}
	}
	for _, link := range links {
		contact, company := w.pair(link)
		if _, _, err := w.run.Send(ctx, "POST", "contacts/"+escape(contact)+"/companies", map[string]any{"id": company}); err != nil {
			return err
		}
	}
	return nil
}

// part ends the associations that the row had before. A record that is gone has none.
func (w *writing) part(ctx context.Context, links []string) error {
	for _, f := range manifest.At(w.row.Get("before"), w.kind.others.section).Fields() {
		now := names(manifest.At(w.row.Get(w.kind.others.section), f.Name))
		for _, text := range names(f.Value) {
			if slices.Contains(now, text) {
				continue
			}
			found, err := w.lookUp(ctx, w.kind.others.kind, f.Name, text, "")
			if err != nil {
				return err
			}
			if len(found) != 1 || slices.Contains(links, found[0]) {
				continue
			}
			contact, company := w.pair(found[0])
			_, status, err := w.run.Send(ctx, "DELETE", "contacts/"+escape(contact)+"/companies/"+escape(company), nil)
			if err != nil && status != notFound {
				return err
			}
		}
	}
	return nil
}

func (w *writing) pair(link string) (contact, company string) {
	if w.kind == contacts {
		return w.id, link
	}
	return link, w.id
}

// tags are the ids of tags by their names.
type tags struct {
	mu  sync.Mutex
	ids map[string]string
}

// id returns a tag's id. A tag that is not there is made; one that is stays as it is.
func (t *tags) id(ctx context.Context, r *manifest.Run, name string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if id := t.ids[name]; id != "" {
		return id, nil
	}
	answer, _, err := r.Send(ctx, "POST", "tags", map[string]any{"name": name})
	if err != nil {
		return "", err
	}
	if t.ids == nil {
		t.ids = map[string]string{}
	}
	t.ids[name] = manifest.TextAt(answer, "id")
	return t.ids[name], nil
}

// tag brings the record's tags into the state that the sync asks for.
func (w *writing) tag(ctx context.Context) error {
	job := w.run.Job()
	if !slices.ContainsFunc(job.Columns, isTags) {
		return nil
	}
	now := names(manifest.At(w.row.Get("fields"), tagField))
	before := w.row.Get("before")
	was := names(manifest.At(before, "fields", tagField))
	switch job.Settings.Text("tagMode") {
	case modeOverwrite:
		if sameNames(now, was) {
			return nil
		}
		all, err := w.tagged(ctx)
		if err != nil {
			return err
		}
		was = all
		fallthrough
	case modeDiff:
		for _, name := range was {
			if slices.Contains(now, name) {
				continue
			}
			if err := w.untag(ctx, name); err != nil {
				return err
			}
		}
	}
	for _, name := range now {
		if err := w.give(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func isTags(c connector.TargetColumn) bool { return c.Name == tagField }

func sameNames(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// tagged reads the names of the tags that the record has, whoever gave them.
func (w *writing) tagged(ctx context.Context) ([]string, error) {
	path, at := "contacts/"+escape(w.id)+"/tags", []string{"data"}
	if w.kind == companies {
		path, at = "companies/"+escape(w.id), []string{"tags", "tags"}
	}
	answer, _, err := w.run.Fetch(ctx, "GET", path, nil)
	var all []string
	for _, t := range manifest.At(answer, at...).List() {
		name, id := manifest.TextAt(t, "name"), manifest.TextAt(t, "id")
		all = append(all, name)
		w.tags.keep(name, id)
	}
	return all, err
}

func (t *tags) keep(name, id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ids == nil {
		t.ids = map[string]string{}
	}
	t.ids[name] = id
}

func (w *writing) give(ctx context.Context, name string) error {
	if w.kind == companies {
		_, _, err := w.run.Send(ctx, "POST", "tags", map[string]any{"name": name, "companies": []any{map[string]any{"id": w.id}}})
		return err
	}
	id, err := w.tags.id(ctx, w.run, name)
	if err != nil {
		return err
	}
	_, _, err = w.run.Send(ctx, "POST", "contacts/"+escape(w.id)+"/tags", map[string]any{"id": id})
	return err
}

// untag takes a tag away. One that the record does not have is gone already.
func (w *writing) untag(ctx context.Context, name string) error {
	if w.kind == companies {
		_, _, err := w.run.Send(ctx, "POST", "tags", map[string]any{"name": name, "companies": []any{map[string]any{"id": w.id, "untag": true}}})
		return err
	}
	id, err := w.tags.id(ctx, w.run, name)
	if err != nil {
		return err
	}
	_, status, err := w.run.Send(ctx, "DELETE", "contacts/"+escape(w.id)+"/tags/"+escape(id), nil)
	if status == notFound {
		return nil
	}
	return err
}
