// Package jira is what the manifest of Jira cannot say: the fields of an issue type, the shapes that their values take,
// and issues that are searched for by a custom field.
//
// Jira's pages are named in README.md.
package jira

import (
	"context"
	"net/url"
	"strconv"
	"strings"

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

// writer sends issues of one type.
type writer struct {
	shapes map[string]shape // by the fields' ids
	match  string
}

func begin(ctx context.Context, r *manifest.Run) (connector.Session, error) {
	w := &writer{shapes: map[string]shape{}}
	all, err := metadata(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, m := range all {
		w.shapes[manifest.TextAt(m, "fieldId")] = shapeOf(manifest.At(m, "schema"))
	}
	if len(r.Job().Match) == 0 {
		return r.Each(w.send), nil
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
	return r.Each(w.send), err
}

// send writes one issue, after it was searched for.
func (w *writer) send(ctx context.Context, r *manifest.Run, row manifest.Row, _ connector.Operation) error {
	body, err := w.body(row)
	if err != nil {
		r.Reject(row, fault.As(err).Error(), false)
		return nil
	}
	if w.match == "" {
		return w.create(ctx, r, body)
	}
	text := row.Match().String()
	issues, err := w.find(ctx, r, text)
	switch {
	case err != nil:
		return err
	case len(issues) > 1:
		r.Reject(row, "several issues have this value of "+w.match+"; which of them is meant is not known", false)
	case len(issues) == 1:
		delete(body, w.match)
		if len(body) > 0 {
			_, _, err = r.Send(ctx, "PUT", "rest/api/3/issue/"+url.PathEscape(issues[0]), map[string]any{"fields": body})
		}
	case r.Job().Mode == connector.ModeUpdate:
		r.Reject(row, "no issue has this value of "+w.match, false)
	default:
		body[w.match] = text
		err = w.create(ctx, r, body)
	}
	return err
}

func (w *writer) create(ctx context.Context, r *manifest.Run, body map[string]any) error {
	s := r.Job().Settings
	body["project"] = map[string]any{"id": s.Text("project")}
	body["issuetype"] = map[string]any{"id": s.Text("issueType")}
	_, _, err := r.Send(ctx, "POST", "rest/api/3/issue", map[string]any{"fields": body})
	return err
}

func (w *writer) body(row manifest.Row) (map[string]any, error) {
	body := map[string]any{}
	for _, f := range row.Get("fields").Fields() {
		shaped, err := w.shapes[f.Name].of(f.Value.Parsed())
		if err != nil {
			return nil, fault.Wrap(err, fault.CodeMappingReject, "field %s", f.Name)
		}
		body[f.Name] = shaped
	}
	return body, nil
}

// inPhrase takes out what ends a phrase. What is found is compared anyway.
var inPhrase = strings.NewReplacer(`"`, " ", `\`, " ", "\n", " ", "\r", " ")

// find searches the project for issues with the text in the custom field. Jira looks for words, so that the whole text is
// compared here.
func (w *writer) find(ctx context.Context, r *manifest.Run, text string) ([]string, error) {
	jql := "project = " + strconv.Quote(inPhrase.Replace(r.Job().Settings.Text("project"))) +
		" AND cf[" + strings.TrimPrefix(w.match, "customfield_") + `] ~ "\"` + inPhrase.Replace(text) + `\""`
	ask := map[string]any{"jql": jql, "fields": []string{w.match}, "maxResults": perPage}
	var all []string
	for {
		page, _, err := r.Fetch(ctx, "POST", "rest/api/3/search/jql", ask)
		if err != nil {
			return nil, err
		}
		for _, issue := range manifest.At(page, "issues").List() {
			if manifest.TextAt(issue, "fields", w.match) == text {
				all = append(all, manifest.TextAt(issue, "id"))
			}
		}
		next := manifest.TextAt(page, "nextPageToken")
		if next == "" || next == ask["nextPageToken"] || len(all) > 1 {
			return all, nil
		}
		ask["nextPageToken"] = next
	}
}
