// Package notion is what the manifest of Notion cannot say: databases are searched for, their properties are read, and
// values take the shapes of the properties' types.
//
// Notion's pages are named in README.md.
package notion

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Hooks returns the Go code beside the manifest.
func Hooks() manifest.Hooks {
	return manifest.Hooks{
		Begin:    map[string]func(context.Context, *manifest.Run) (connector.Session, error){"rows": begin},
		Lists:    map[string]func(context.Context, *manifest.Run) ([]connector.Option, error){"databases": databases},
		Fields:   map[string]func(context.Context, *manifest.Run) ([]manifest.Discovered, error){"rows": fields},
		Formless: map[string]bool{"rows": true},
	}
}

// databases are the data sources of the databases that were shared with the connection.
func databases(ctx context.Context, r *manifest.Run) ([]connector.Option, error) {
	var all []connector.Option
	ask := map[string]any{"filter": map[string]any{"property": "object", "value": "data_source"}, "page_size": 100}
	for {
		page, _, err := r.Fetch(ctx, "POST", "v1/search", ask)
		if err != nil {
			return nil, err
		}
		for _, d := range manifest.At(page, "results").List() {
			all = append(all, connector.Option{Value: manifest.TextAt(d, "id"), Label: plain(manifest.At(d, "title"))})
		}
		next := manifest.TextAt(page, "next_cursor")
		if next == "" || next == ask["start_cursor"] {
			return all, nil
		}
		ask["start_cursor"] = next
	}
}

// plain is the text of a list of rich texts.
func plain(texts value.Value) string {
	var b strings.Builder
	for _, t := range texts.List() {
		b.WriteString(manifest.TextAt(t, "plain_text"))
	}
	return b.String()
}

// properties are the properties of the sync's database, by their names.
func properties(ctx context.Context, r *manifest.Run) (value.Value, error) {
	source, _, err := r.Fetch(ctx, "GET", path(r), nil)
	return manifest.At(source, "properties"), err
}

func path(r *manifest.Run) string {
	return "v1/data_sources/" + url.PathEscape(r.Job().Settings.Text("database"))
}

// fields offers the properties that can be written.
func fields(ctx context.Context, r *manifest.Run) ([]manifest.Discovered, error) {
	all, err := properties(ctx, r)
	if err != nil {
		return nil, err
	}
	var list []manifest.Discovered
	for _, p := range all.Fields() {
		native := manifest.TextAt(p.Value, "type")
		s, known := shapes[native]
		if !known {
			continue
		}
		f := connector.TargetField{Name: p.Name, Label: p.Name, Type: s.target, Native: native, Match: s.match, Help: manifest.TextAt(p.Value, "description")}
		list = append(list, manifest.Discovered{TargetField: f})
	}
	slices.SortFunc(list, func(a, b manifest.Discovered) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// writer sends rows of one database, batch after batch.
type writer struct {
	connector.Session // the manifest's own

	run   *manifest.Run
	types map[string]string // of the mapped properties and the one that rows are matched by
	match string

	mu   sync.Mutex
	sent map[string]map[int]bool // rows of a batch that were written before an error, by Batch.ID
}

var _ connector.OperationLimiter = (*writer)(nil)

// begin reads the types of the mapped properties.
func begin(ctx context.Context, r *manifest.Run) (connector.Session, error) {
	all, err := properties(ctx, r)
	if err != nil {
		return nil, err
	}
	w := &writer{Session: r.Session(), run: r, types: map[string]string{}, match: r.Job().Match[0].To, sent: map[string]map[int]bool{}}
	names := []string{w.match}
	for _, c := range r.Job().Columns {
		names = append(names, c.Name)
	}
	for _, name := range names {
		p, there := all.Get(name)
		native := manifest.TextAt(p, "type")
		switch s, known := shapes[native]; {
		case !there:
			return nil, fault.New(fault.CodeDestinationRejected, "the database has no property %q", name).
				WithSuggestion("Refresh the fields; properties are mapped by their names.")
		case !known:
			return nil, fault.New(fault.CodeDestinationRejected, "properties of the type %s, such as %q, cannot be written", native, name).
				WithSuggestion("Take it out of the mapping, or change its type in Notion.")
		case name == w.match && !s.match:
			return nil, fault.New(fault.CodeDestinationRejected, "rows are matched by texts, and the property %q is a %s", name, native).
				WithSuggestion("Change its type to text in Notion, or add a text property.")
		}
		w.types[name] = native
	}
	return w, nil
}

// LimitsOf are what the manifest says.
func (w *writer) LimitsOf(op connector.Operation) connector.Limits { return w.run.LimitsOf(op) }

// Write queries the pages of a batch at once, and writes them one by one: Notion has no request for many. Where it has
// enough of requests, the rest of the batch goes on when it comes again.
func (w *writer) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	r, err := w.run.With(ctx, b)
	if err != nil {
		return connector.Result{}, err
	}
	bodies := map[int]map[string]any{}
	for _, row := range r.Rows() {
		body, err := w.body(row, b.Operation)
		if err != nil {
			r.Reject(row, manifest.Reason(err), false)
			continue
		}
		bodies[row.Index()] = body
	}
	if len(r.Rows()) == 0 {
		return r.Result(), nil
	}
	found, err := w.find(ctx, r)
	if err != nil {
		return connector.Result{}, err
	}
	made := map[string]bool{}
	for _, row := range r.Rows() {
		text := row.Match().String()
		again := made[text] && len(found[text]) == 0 && b.Operation != connector.Removed && r.Job().Mode == connector.ModeUpsert
		made[text] = true
		if w.done(b.ID, row.Index(), false) {
			continue
		}
		if again {
			r.Reject(row, "another row has this value of "+w.match, false)
			continue
		}
		if err := w.send(ctx, r, row, found[text], bodies[row.Index()]); err != nil {
			return connector.Result{}, err
		}
		w.done(b.ID, row.Index(), true)
	}
	w.mu.Lock()
	delete(w.sent, b.ID)
	w.mu.Unlock()
	return r.Result(), nil
}

// done reports whether a row was written, and notes that it was.
func (w *writer) done(batch string, row int, now bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := w.sent[batch][row]
	if now {
		if w.sent[batch] == nil {
			w.sent[batch] = map[int]bool{}
		}
		w.sent[batch][row] = true
	}
	return was
}

// send writes one row whose pages are known. One that Notion refuses is refused alone.
func (w *writer) send(ctx context.Context, r *manifest.Run, row manifest.Row, pages []string, body map[string]any) (err error) {
	job, op := r.Job(), r.Batch().Operation
	switch {
	case len(pages) > 1:
		r.Reject(row, "several rows of the database have this value of "+w.match+"; which of them is meant is not known", false)
	case len(pages) == 1 && op == connector.Removed && job.Delete == connector.DeleteRecord:
		_, _, err = r.Fetch(ctx, "PATCH", "v1/pages/"+url.PathEscape(pages[0]), map[string]any{"in_trash": true})
	case len(pages) == 1 && len(body) > 0:
		_, _, err = r.Fetch(ctx, "PATCH", "v1/pages/"+url.PathEscape(pages[0]), map[string]any{"properties": body})
	case len(pages) == 1 || op == connector.Removed: // there is nothing to write, or it is gone already
	case job.Mode == connector.ModeUpdate:
		r.Reject(row, "no row of the database has this value of "+w.match, false)
	default:
		body[w.match] = map[string]any{w.types[w.match]: texts(row.Match().String())}
		parent := map[string]any{"type": "data_source_id", "data_source_id": job.Settings.Text("database")}
		_, _, err = r.Send(ctx, "POST", "v1/pages", map[string]any{"parent": parent, "properties": body})
	}
	if err != nil && fault.ClassOf(err) == fault.Permanent {
		r.Reject(row, manifest.Reason(err), false)
		return nil
	}
	return err
}

// body are the mapped properties in the shapes of their types. The one that rows are matched by is emptied by nothing.
func (w *writer) body(row manifest.Row, op connector.Operation) (map[string]any, error) {
	body := map[string]any{}
	for _, f := range row.Get("fields").Fields() {
		if op == connector.Removed && f.Name == w.match {
			continue
		}
		shaped, err := shapes[w.types[f.Name]].of(f.Value.Parsed())
		if err != nil {
			return nil, fault.Wrap(err, fault.CodeMappingReject, "property %s", f.Name).WithSuggestion("%s", fault.As(err).Suggestion)
		}
		body[f.Name] = map[string]any{w.types[f.Name]: shaped}
	}
	return body, nil
}

// find queries the pages whose property is one of the rows' texts, and returns their ids by the texts. Notion may see more
// as equal than we do.
func (w *writer) find(ctx context.Context, r *manifest.Run) (map[string][]string, error) {
	native := w.types[w.match]
	found := map[string][]string{}
	var tests []any
	for _, row := range r.Rows() {
		text := row.Match().String()
		if _, asked := found[text]; asked {
			continue
		}
		found[text] = nil
		tests = append(tests, map[string]any{"property": w.match, native: map[string]any{"equals": text}})
	}
	ask := map[string]any{"filter": map[string]any{"or": tests}, "page_size": 100}
	if len(tests) == 1 {
		ask["filter"] = tests[0]
	}
	for {
		page, _, err := r.Fetch(ctx, "POST", path(r)+"/query", ask)
		if err != nil {
			return nil, err
		}
		for _, p := range manifest.At(page, "results").List() {
			text := plain(manifest.At(p, "properties", w.match, native))
			if ids, asked := found[text]; asked {
				found[text] = append(ids, manifest.TextAt(p, "id"))
			}
		}
		next := manifest.TextAt(page, "next_cursor")
		if next == "" || next == ask["start_cursor"] {
			return found, nil
		}
		ask["start_cursor"] = next
	}
}
