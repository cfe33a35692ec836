// Package jira is what the manifest of Jira cannot say: the fields of an issue type, the shapes that their values take,
// and issues that are searched for by a custom field.
//
// Jira's pages are named in README.md.
package jira

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
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
		Begin:    map[string]func(context.Context, *manifest.Run) (connector.Session, error){"issues": begin},
		Fields:   map[string]func(context.Context, *manifest.Run) ([]manifest.Discovered, error){"issues": fields},
		Formless: map[string]bool{"issues": true},
	}
}

const (
	readOnlyText = "com.atlassian.jira.plugin.system.customfieldtypes:readonlyfield"
	perPage      = 50
)

// unwritable are fields that the sync's settings say, and those that take no values.
var unwritable = map[string]bool{"project": true, "issuetype": true, "attachment": true, "issuelinks": true, "status": true}

// metadata are the fields that an issue of the type can have when it is made, in Jira's order.
func metadata(ctx context.Context, r *manifest.Run) ([]value.Value, error) {
	s := r.Job().Settings
	path := "rest/api/3/issue/createmeta/" + url.PathEscape(s.Text("project")) + "/issuetypes/" + url.PathEscape(s.Text("issueType"))
	var all []value.Value
	for {
		page, _, err := r.Fetch(ctx, "GET", path+"?"+url.Values{"startAt": {strconv.Itoa(len(all))}, "maxResults": {strconv.Itoa(perPage)}}.Encode(), nil)
		if err != nil {
			return nil, err
		}
		some := manifest.At(page, "fields").List()
		all = append(all, some...)
		if len(some) == 0 || int64(len(all)) >= manifest.At(page, "total").Int() {
			return all, nil
		}
	}
}

// fields offers the fields that can be written.
func fields(ctx context.Context, r *manifest.Run) ([]manifest.Discovered, error) {
	all, err := metadata(ctx, r)
	if err != nil {
		return nil, err
	}
	var list []manifest.Discovered
	for _, m := range all {
		f := connector.TargetField{
			Name: manifest.TextAt(m, "fieldId"), Label: manifest.TextAt(m, "name"), Native: manifest.TextAt(m, "schema", "type"),
			Match: manifest.TextAt(m, "schema", "custom") == readOnlyText,
		}
		if unwritable[f.Name] {
			continue
		}
		f.Required = manifest.At(m, "required").Bool() && !manifest.At(m, "hasDefaultValue").Bool() && r.Job().Mode != connector.ModeUpdate
		f.Type = targetType(f.Native)
		f.Options = options(m, f.Native)
		list = append(list, manifest.Discovered{TargetField: f})
	}
	return list, nil
}

// options are the only values of selects and priorities.
func options(m value.Value, native string) []connector.Option {
	if native != "option" && native != "priority" {
		return nil
	}
	var all []connector.Option
	for _, o := range manifest.At(m, "allowedValues").List() {
		text := manifest.TextAt(o, "value")
		if text == "" {
			text = manifest.TextAt(o, "name")
		}
		all = append(all, connector.Option{Value: text, Label: text})
	}
	return all
}

// writer sends issues of one type, batch after batch.
type writer struct {
	connector.Session // the manifest's own

	run    *manifest.Run
	shapes map[string]shape // by the fields' ids
	match  string           // empty where issues are made only

	mu      sync.Mutex
	changed map[string]map[int]bool // rows of a batch whose issues were changed before an error, by Batch.ID
}

var _ connector.OperationLimiter = (*writer)(nil)

func begin(ctx context.Context, r *manifest.Run) (connector.Session, error) {
	w := &writer{Session: r.Session(), run: r, shapes: map[string]shape{}, changed: map[string]map[int]bool{}}
	all, err := metadata(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, m := range all {
		w.shapes[manifest.TextAt(m, "fieldId")] = shapeOf(manifest.At(m, "schema"))
	}
	if len(r.Job().Match) == 0 {
		return w, nil
	}
	w.match = r.Job().Match[0].To
	if !strings.HasPrefix(w.match, "customfield_") {
		return nil, fault.New(fault.CodeDestinationRejected, "issues are matched by a custom field, and %q is none", w.match).
			WithSuggestion("Make a custom field of the type Text Field (read only) in Jira and put it on the project's screens.")
	}
	project, _, err := r.Fetch(ctx, "GET", "rest/api/3/project/"+url.PathEscape(r.Job().Settings.Text("project")), nil)
	if err == nil && manifest.TextAt(project, "projectTypeKey") == "product_discovery" {
		err = fault.New(fault.CodeDestinationRejected, "ideas of a Product Discovery project can only be inserted").WithSuggestion("Choose the mode insert.")
	}
	return w, err
}

// LimitsOf are what the manifest says.
func (w *writer) LimitsOf(op connector.Operation) connector.Limits { return w.run.LimitsOf(op) }

// Write looks for the issues of a batch at once, changes those that there are, and then makes the others with one request,
// so that an error before it leaves nothing that is made twice.
func (w *writer) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	r, err := w.run.With(ctx, b)
	if err != nil {
		return connector.Result{}, err
	}
	bodies := w.bodies(r)
	found := map[string][]string{}
	if w.match != "" && len(r.Rows()) > 0 {
		if found, err = w.find(ctx, r); err != nil {
			return connector.Result{}, err
		}
	}
	var fresh []manifest.Row
	made := map[string]bool{}
	for _, row := range r.Rows() {
		text := w.text(row)
		switch issues := found[text]; {
		case len(issues) > 1:
			r.Reject(row, "several issues have this value of "+w.match+"; which of them is meant is not known", false)
		case len(issues) == 1:
			err = w.change(ctx, r, row, issues[0], bodies[row.Index()])
		case r.Job().Mode == connector.ModeUpdate:
			r.Reject(row, "no issue has this value of "+w.match, false)
		case w.match != "" && made[text]:
			r.Reject(row, "another row has this value of "+w.match, false)
		default:
			made[text] = true
			fresh = append(fresh, row)
		}
		if err != nil {
			return connector.Result{}, err
		}
	}
	if err := w.create(ctx, r, fresh, bodies); err != nil {
		return connector.Result{}, err
	}
	w.mu.Lock()
	delete(w.changed, b.ID)
	w.mu.Unlock()
	return r.Result(), nil
}

// text is what an issue is found by; empty where issues are made only.
func (w *writer) text(row manifest.Row) string {
	if w.match == "" {
		return ""
	}
	return row.Match().String()
}

// bodies shapes the rows' fields, by the rows' places, and refuses rows whose values have no shape.
func (w *writer) bodies(r *manifest.Run) map[int]map[string]any {
	all := map[int]map[string]any{}
	for _, row := range r.Rows() {
		body, err := w.body(row)
		if err != nil {
			r.Reject(row, manifest.Reason(err), false)
			continue
		}
		all[row.Index()] = body
	}
	return all
}

// change changes an issue. Jira has no request for many issues with values of their own. A row that it refuses is refused
// alone; one that was changed already, before the batch came again, is passed over.
func (w *writer) change(ctx context.Context, r *manifest.Run, row manifest.Row, issue string, body map[string]any) error {
	delete(body, w.match)
	if len(body) == 0 || w.done(r.Batch().ID, row.Index(), false) {
		return nil
	}
	_, _, err := r.Send(ctx, "PUT", "rest/api/3/issue/"+url.PathEscape(issue), map[string]any{"fields": body})
	if err == nil {
		w.done(r.Batch().ID, row.Index(), true)
		return nil
	}
	switch fault.ClassOf(err) { //nolint:exhaustive // the others are the batch's
	case fault.Permanent:
		r.Reject(row, manifest.Reason(err), false)
		return nil
	case fault.Unknown:
		return fault.Reclass(err, fault.Retryable) // to change it once more does no harm
	}
	return err
}

// done reports whether a row's issue was changed, and notes that it was.
func (w *writer) done(batch string, row int, now bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := w.changed[batch][row]
	if now {
		if w.changed[batch] == nil {
			w.changed[batch] = map[int]bool{}
		}
		w.changed[batch][row] = true
	}
	return was
}

// create makes issues with one request, which takes some of them and refuses others.
func (w *writer) create(ctx context.Context, r *manifest.Run, rows []manifest.Row, bodies map[int]map[string]any) error {
	if len(rows) == 0 {
		return nil
	}
	s := r.Job().Settings
	issues := make([]any, len(rows))
	for i, row := range rows {
		body := bodies[row.Index()]
		body["project"] = map[string]any{"id": s.Text("project")}
		body["issuetype"] = map[string]any{"id": s.Text("issueType")}
		if w.match != "" {
			body[w.match] = w.text(row)
		}
		issues[i] = map[string]any{"fields": body}
	}
	answer, status, err := r.Send(ctx, "POST", "rest/api/3/issue/bulk", map[string]any{"issueUpdates": issues})
	refused := manifest.At(answer, "errors").List()
	if err != nil && (status != http.StatusBadRequest || len(refused) == 0) {
		return err
	}
	for _, e := range refused {
		at := manifest.At(e, "failedElementNumber")
		if at.Kind() != value.Int || at.Int() < 0 || at.Int() >= int64(len(rows)) {
			return fault.Reclass(fault.New(fault.CodeDestinationAnswer, "Jira refuses an issue and does not say which of them"), fault.Unknown)
		}
		r.Reject(rows[at.Int()], refusal(manifest.At(e, "elementErrors")), false)
	}
	return nil
}

// refusal is why an issue was not made, in Jira's words.
func refusal(e value.Value) string {
	var said []string
	for _, m := range manifest.At(e, "errorMessages").List() {
		said = append(said, m.String())
	}
	for _, f := range manifest.At(e, "errors").Fields() {
		said = append(said, f.Name+": "+f.Value.String())
	}
	if len(said) == 0 {
		return "Jira does not make the issue, and does not say why."
	}
	return strings.Join(said, " ") + " Fields must be on the project's screen for the issue type. They are put there under Associate to Screens."
}

func (w *writer) body(row manifest.Row) (map[string]any, error) {
	body := map[string]any{}
	for _, f := range row.Get("fields").Fields() {
		shaped, err := w.shapes[f.Name].of(f.Value.Parsed())
		if err != nil {
			return nil, fault.Wrap(err, fault.CodeMappingReject, "field %s", f.Name).WithSuggestion("%s", fault.As(err).Suggestion)
		}
		body[f.Name] = shaped
	}
	return body, nil
}

// inPhrase takes out what ends a phrase. What is found is compared anyway.
var inPhrase = strings.NewReplacer(`"`, " ", `\`, " ", "\n", " ", "\r", " ")

// find searches the project for issues with the rows' texts in the custom field, and returns their ids by the texts. Jira
// looks for words, so that the whole text is compared here.
func (w *writer) find(ctx context.Context, r *manifest.Run) (map[string][]string, error) {
	var tests []string
	found := map[string][]string{}
	for _, row := range r.Rows() {
		text := w.text(row)
		if _, asked := found[text]; asked {
			continue
		}
		found[text] = nil
		tests = append(tests, "cf["+strings.TrimPrefix(w.match, "customfield_")+`] ~ "\"`+inPhrase.Replace(text)+`\""`)
	}
	jql := "project = " + strconv.Quote(inPhrase.Replace(r.Job().Settings.Text("project"))) + " AND (" + strings.Join(tests, " OR ") + ")"
	ask := map[string]any{"jql": jql, "fields": []string{w.match}, "maxResults": perPage}
	for {
		page, _, err := r.Fetch(ctx, "POST", "rest/api/3/search/jql", ask)
		if err != nil {
			return nil, err
		}
		for _, issue := range manifest.At(page, "issues").List() {
			text := manifest.TextAt(issue, "fields", w.match)
			if ids, asked := found[text]; asked {
				found[text] = append(ids, manifest.TextAt(issue, "id"))
			}
		}
		next := manifest.TextAt(page, "nextPageToken")
		if next == "" || next == ask["nextPageToken"] {
			return found, nil
		}
		ask["nextPageToken"] = next
	}
}
