// Package asana is what the manifest of Asana cannot say: tasks that are found by external ids, lists that are compared
// with what Asana has, parents, and the shapes of custom fields.
//
// Asana's pages are named in README.md.
package asana

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Hooks returns the Go code beside the manifest.
func Hooks() manifest.Hooks {
	begin := func(k kind) func(context.Context, *manifest.Run) (connector.Session, error) {
		return func(ctx context.Context, r *manifest.Run) (connector.Session, error) { return begin(ctx, r, k) }
	}
	return manifest.Hooks{
		Begin:    map[string]func(context.Context, *manifest.Run) (connector.Session, error){"tasks": begin(tasks), "projects": begin(projects)},
		Fields:   map[string]func(context.Context, *manifest.Run) ([]manifest.Discovered, error){"tasks": custom, "projects": custom},
		Formless: map[string]bool{"tasks": true, "projects": true},
	}
}

// kind is tasks or projects, and their lists.
type kind struct {
	path  string
	lists []list
}

// list is a field with several records, which requests of their own change one by one or together.
type list struct {
	field, add, remove, param string
	form                      form
}

// form is how a request names what it changes.
type form int

const (
	single form = iota // one in a request
	array              // all, in a list
	commas             // all, in a text
)

var (
	tasks = kind{"tasks", []list{
		{"projects", "addProject", "removeProject", "project", single},
		{"followers", "addFollowers", "removeFollowers", "followers", array},
		{"tags", "addTag", "removeTag", "tag", single},
	}}
	projects = kind{"projects", []list{{"followers", "addFollowers", "removeFollowers", "followers", commas}}}
)

const (
	external      = "record.external_id"
	parentField   = "parent"
	customSection = "custom_fields"
)

// writer sends tasks or projects.
type writer struct {
	kind  kind
	types map[string]field // of the mapped custom fields, by their GIDs
	lists []list           // those that are mapped
}

func begin(ctx context.Context, r *manifest.Run, k kind) (connector.Session, error) {
	w := &writer{kind: k, types: map[string]field{}}
	job := r.Job()
	asks := false
	for _, c := range job.Columns {
		asks = asks || strings.HasPrefix(c.Name, customSection+".")
		for _, l := range k.lists {
			if l.field == c.Name {
				w.lists = append(w.lists, l)
			}
		}
	}
	if asks {
		var err error
		if w.types, err = customTypes(ctx, r); err != nil {
			return nil, err
		}
	}
	return r.Each(w.send), nil
}

// record is what Asana has of a task or project.
type record struct {
	gid  string
	data value.Value
}

func at(path string, gid string, rest ...string) string {
	return strings.Join(append([]string{path, url.PathEscape(gid)}, rest...), "/")
}

// find reads the row's record, with the lists that are compared. It returns nil where there is none.
func (w *writer) find(ctx context.Context, r *manifest.Run, row manifest.Row) (*record, error) {
	gid := row.Match().String()
	if r.Job().Match[0].To == external {
		gid = "external:" + gid
	}
	fields := make([]string, len(w.lists))
	for i, l := range w.lists {
		fields[i] = l.field
	}
	query := ""
	if len(fields) > 0 {
		query = "?opt_fields=" + strings.Join(fields, ",")
	}
	answer, status, err := r.Fetch(ctx, "GET", at(w.kind.path, gid)+query, nil)
	if status == http.StatusNotFound {
		return nil, nil //nolint:nilnil // there is none, and that is no mistake
	}
	data := manifest.At(answer, "data")
	return &record{manifest.TextAt(data, "gid"), data}, err
}

// send writes one row.
func (w *writer) send(ctx context.Context, r *manifest.Run, row manifest.Row, op connector.Operation) error {
	job := r.Job()
	rec, err := w.find(ctx, r, row)
	switch {
	case err != nil:
		return err
	case op == connector.Removed:
		return w.leave(ctx, r, rec)
	case rec == nil && job.Mode == connector.ModeUpdate:
		r.Reject(row, "nothing in Asana has this value of "+job.Match[0].To, false)
		return nil
	}
	body, err := w.body(row)
	if err == nil {
		err = w.checkLists(row)
	}
	if err != nil {
		r.Reject(row, manifest.Reason(err), false)
		return nil
	}
	parent, mapped, err := w.parent(ctx, r, row)
	if err != nil {
		return err
	}
	if rec == nil {
		return w.create(ctx, r, row, body, parent)
	}
	return w.change(ctx, r, row, rec, body, parent, mapped)
}

// checkLists refuses what is no GID: it could not be compared with what Asana has.
func (w *writer) checkLists(row manifest.Row) error {
	for _, l := range w.lists {
		for _, text := range texts(row.Value(l.field)) {
			if _, err := strconv.ParseUint(text, 10, 64); err != nil {
				return fault.New(fault.CodeMappingReject, "field %s: a value is no GID of Asana", l.field)
			}
		}
	}
	return nil
}

// leave is about rows that left the model. What is not there any more is done.
func (w *writer) leave(ctx context.Context, r *manifest.Run, rec *record) error {
	if rec == nil {
		return nil
	}
	if r.Job().Delete == connector.DeleteComplete {
		_, _, err := r.Send(ctx, "PUT", at(w.kind.path, rec.gid), data(map[string]any{"completed": true}))
		return err
	}
	_, status, err := r.Send(ctx, "DELETE", at(w.kind.path, rec.gid), nil)
	if status == http.StatusNotFound {
		return nil
	}
	return err
}

func data(body map[string]any) map[string]any { return map[string]any{"data": body} }

// create makes a task with its external id, by which it is found from now on. One with projects gets its parent
// afterwards: Asana is said to leave a new subtask's projects out.
func (w *writer) create(ctx context.Context, r *manifest.Run, row manifest.Row, body map[string]any, parent string) error {
	body["workspace"] = r.Job().Settings.Text("workspace")
	body["external"] = map[string]any{"gid": row.Match().String()}
	for _, l := range w.lists {
		if names := texts(row.Value(l.field)); len(names) > 0 {
			body[l.field] = names
		}
	}
	later := parent != "" && body[projects.path] != nil
	if parent != "" && !later {
		body[parentField] = parent
	}
	answer, _, err := r.Send(ctx, "POST", w.kind.path, data(body))
	if err != nil || !later {
		return err
	}
	return w.adopt(ctx, r, manifest.TextAt(answer, "data", "gid"), parent)
}

// adopt makes a task a subtask of the parent, or a task again where there is none.
func (w *writer) adopt(ctx context.Context, r *manifest.Run, gid, parent string) error {
	var to any
	if parent != "" {
		to = parent
	}
	_, _, err := r.Send(ctx, "POST", at(w.kind.path, gid, "setParent"), data(map[string]any{parentField: to}))
	return err
}

// change writes a task or project that is there. Its lists come first: a custom field must be enabled in one of the
// projects that the task is in.
func (w *writer) change(ctx context.Context, r *manifest.Run, row manifest.Row, rec *record, body map[string]any, parent string, mapped bool) error {
	for _, l := range w.lists {
		if !has(row, l.field) {
			continue
		}
		if err := w.compare(ctx, r, rec, l, texts(row.Value(l.field))); err != nil {
			return err
		}
	}
	if len(body) > 0 {
		if _, _, err := r.Send(ctx, "PUT", at(w.kind.path, rec.gid), data(body)); err != nil {
			return err
		}
	}
	if mapped {
		return w.adopt(ctx, r, rec.gid, parent)
	}
	return nil
}

// compare adds what Asana's list lacks and removes what it has besides.
func (w *writer) compare(ctx context.Context, r *manifest.Run, rec *record, l list, want []string) error {
	var have []string
	for _, item := range manifest.At(rec.data, l.field).List() {
		have = append(have, manifest.TextAt(item, "gid"))
	}
	if err := w.tell(ctx, r, rec, l, l.add, without(want, have)); err != nil {
		return err
	}
	return w.tell(ctx, r, rec, l, l.remove, without(have, want))
}

func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(some, s) })
}

func (w *writer) tell(ctx context.Context, r *manifest.Run, rec *record, l list, verb string, gids []string) error {
	var named []any
	switch {
	case len(gids) == 0:
	case l.form == array:
		named = []any{gids}
	case l.form == commas:
		named = []any{strings.Join(gids, ",")}
	default:
		for _, gid := range gids {
			named = append(named, gid)
		}
	}
	for _, name := range named {
		if _, _, err := r.Send(ctx, "POST", at(w.kind.path, rec.gid, verb), data(map[string]any{l.param: name})); err != nil {
			return err
		}
	}
	return nil
}

// parent finds the GID of the parent task: one with the value as its external id, or the value itself. mapped is false
// where the row leaves the parent alone.
func (w *writer) parent(ctx context.Context, r *manifest.Run, row manifest.Row) (gid string, mapped bool, err error) {
	if w.kind.path != tasks.path || !has(row, parentField) {
		return "", false, nil
	}
	v := row.Value(parentField)
	text := strings.TrimSpace(v.String())
	if v.IsNull() || text == "" {
		return "", true, nil
	}
	answer, status, err := r.Fetch(ctx, "GET", at(tasks.path, "external:"+text), nil)
	if status == http.StatusNotFound {
		return text, true, nil
	}
	return manifest.TextAt(answer, "data", "gid"), true, err
}

// has reports whether the row fills a field: a mapping may leave out nulls.
func has(row manifest.Row, name string) bool {
	_, there := row.Get("fields").Get(name)
	return there
}

// body is what is written of the record itself.
func (w *writer) body(row manifest.Row) (map[string]any, error) {
	body := map[string]any{}
	for _, f := range row.Get("fields").Fields() {
		if f.Name != parentField && !slices.ContainsFunc(w.lists, func(l list) bool { return l.field == f.Name }) {
			body[f.Name] = f.Value
		}
	}
	values := map[string]any{}
	for _, f := range row.Get(customSection).Fields() {
		shaped, err := w.types[f.Name].of(f.Value.Parsed())
		if err != nil {
			return nil, fault.Wrap(err, fault.CodeMappingReject, "custom field %s", f.Name).WithSuggestion("%s", fault.As(err).Suggestion)
		}
		values[f.Name] = shaped
	}
	if len(values) > 0 {
		body[customSection] = values
	}
	return body, nil
}

// texts are the items of a list without blanks and doubles; a text is split at its commas.
func texts(v value.Value) []string {
	v = v.Parsed()
	items := v.List()
	if v.Kind() != value.List && !v.IsNull() {
		for part := range strings.SplitSeq(v.String(), ",") {
			items = append(items, value.OfText(part))
		}
	}
	all := []string{}
	for _, item := range items {
		text := strings.TrimSpace(item.String())
		if !item.IsNull() && text != "" && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}
