// Package zendesk is what the manifest of Zendesk cannot say: the objects of an account, records that are searched for
// many at a time, and jobs that write them.
//
// Zendesk's pages are named in README.md.
package zendesk

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Hooks returns the Go code beside the manifest.
func Hooks() manifest.Hooks {
	return manifest.Hooks{
		Write:  map[string]func(context.Context, *manifest.Run) (connector.Result, error){"objects": write},
		Lists:  map[string]func(context.Context, *manifest.Run) ([]connector.Option, error){"objects": objects},
		Fields: map[string]func(context.Context, *manifest.Run) ([]manifest.Discovered, error){"objects": legacyFields},
	}
}

// What custom objects begin with in a sync's settings.
const (
	customPrefix = "custom:"
	legacyPrefix = "legacy:"
)

// customField begins the names of custom fields in mappings.
const customField = "custom."

// objects are the standard objects, the custom ones and, where the account still has them, the legacy ones.
func objects(ctx context.Context, r *manifest.Run) ([]connector.Option, error) {
	all := []connector.Option{{Value: "users", Label: "Users"}, {Value: "organizations", Label: "Organizations"}, {Value: "tickets", Label: "Tickets"}}
	custom, _, err := r.Fetch(ctx, "GET", "api/v2/custom_objects", nil)
	if err != nil && !absent(err) {
		return nil, err
	}
	for _, o := range manifest.At(custom, "custom_objects").List() {
		all = append(all, connector.Option{Value: customPrefix + manifest.TextAt(o, "key"), Label: "(Custom) " + manifest.TextAt(o, "title")})
	}
	legacy, _, err := r.Fetch(ctx, "GET", "api/sunshine/objects/types", nil)
	if err != nil && !absent(err) {
		return nil, err
	}
	for _, o := range manifest.At(legacy, "data").List() {
		key := manifest.TextAt(o, "key")
		all = append(all, connector.Option{Value: legacyPrefix + key, Label: "(Legacy custom) " + key})
	}
	return all, nil
}

// absent reports whether an account lacks something: it is not part of its plan.
func absent(err error) bool {
	class := fault.ClassOf(err)
	return class == fault.Permanent || class == fault.Fatal && !fault.Is(err, fault.CodeDestinationAuth)
}

// legacyTypes are what properties of a legacy object's schema hold.
var legacyTypes = map[string]string{"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "array": "array", "object": "object"}

var legacyForms = map[string]string{"string": "text", "integer": "integer", "number": "number", "boolean": "boolean", "array": "list", "object": "json"}

// legacyFields are the properties of a legacy object's schema.
func legacyFields(ctx context.Context, r *manifest.Run) ([]manifest.Discovered, error) {
	key, is := strings.CutPrefix(r.Job().Settings.Text("object"), legacyPrefix)
	if !is {
		return nil, nil
	}
	answer, _, err := r.Fetch(ctx, "GET", "api/sunshine/objects/types/"+url.PathEscape(key), nil)
	if err != nil {
		return nil, err
	}
	var list []manifest.Discovered
	for _, p := range manifest.At(answer, "data", "schema", "properties").Fields() {
		native := manifest.TextAt(p.Value, "type")
		f := connector.TargetField{Name: customField + p.Name, Label: p.Name, Native: native, Type: legacyTypes[native], Match: native == "string" || native == "integer", Section: "Custom fields", Help: manifest.TextAt(p.Value, "description")}
		if f.Type == "" {
			f.Type = "unknown"
		}
		list = append(list, manifest.Discovered{TargetField: f, Form: legacyForms[native]})
	}
	links, err := relationships(ctx, r, key)
	if err != nil {
		return nil, err
	}
	list = append(list, links...)
	slices.SortFunc(list, func(a, b manifest.Discovered) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// batch is one batch on its way.
type batch struct {
	run    *manifest.Run
	object string
	match  string
	wrote  bool // a request that changes something was answered
}

// item is a row and what is written of its record.
type item struct {
	row  manifest.Row
	id   string
	body map[string]any
}

// write sends the rows of a batch.
func write(ctx context.Context, r *manifest.Run) (connector.Result, error) {
	b := &batch{run: r, object: r.Job().Settings.Text("object"), match: r.Job().Match[0].To}
	var err error
	switch {
	case strings.HasPrefix(b.object, customPrefix), strings.HasPrefix(b.object, legacyPrefix):
		err = b.records(ctx)
	default:
		err = b.standard(ctx)
	}
	if err != nil {
		return connector.Result{}, err
	}
	return r.Result(), nil
}

// standard writes users, organizations or tickets with jobs.
func (b *batch) standard(ctx context.Context) error {
	items := b.items()
	if b.object == "users" && b.run.Job().Mode == connector.ModeUpsert && (b.match == "email" || b.match == "external_id") {
		return b.jobs(ctx, "POST", "create_or_update_many", items)
	}
	if err := b.find(ctx, items); err != nil {
		return err
	}
	var known, fresh []*item
	for _, it := range items {
		switch {
		case b.match == "external_id" && b.object != "tickets" && strings.Contains(it.row.Match().String(), ","):
			b.run.Reject(it.row, "records cannot be asked for by an external ID with a comma", false)
		case it.id == several:
			b.doubled(it)
		case it.id != "":
			it.body["id"] = number(it.id)
			known = append(known, it)
		case b.run.Job().Mode == connector.ModeUpdate:
			b.missing(it)
		default:
			fresh = append(fresh, it)
		}
	}
	if err := b.jobs(ctx, "PUT", "update_many", known); err != nil {
		return err
	}
	return b.jobs(ctx, "POST", "create_many", fresh)
}

// items are the rows with what is written of them.
func (b *batch) items() []*item {
	rows := b.run.Rows()
	items := make([]*item, len(rows))
	for i, row := range rows {
		items[i] = &item{row: row, body: b.body(row)}
	}
	return items
}

// body is what is written of a record, with the value that it is matched by unless that is its id.
func (b *batch) body(row manifest.Row) map[string]any {
	body := map[string]any{}
	for _, f := range row.Get("fields").Fields() {
		body[f.Name] = f.Value
	}
	custom := map[string]any{}
	for _, f := range row.Get("custom").Fields() {
		custom[f.Name] = f.Value
	}
	if name, is := strings.CutPrefix(b.match, customField); is {
		custom[name] = row.Match()
	} else if b.match != "record.id" {
		body[b.match] = row.Match()
	}
	if len(custom) > 0 {
		body[sections[b.object]] = custom
	}
	if b.object == "tickets" {
		ticket(body, custom)
	}
	return body
}

// sections are what the objects call their custom fields.
var sections = map[string]string{"users": "user_fields", "organizations": "organization_fields", "tickets": "custom_fields"}

// numbers are ids as Zendesk writes them.
func numbers(ids value.Value) []any {
	all := []any{}
	for _, id := range ids.List() {
		all = append(all, number(id.String()))
	}
	return all
}

// ticket gives the parts of a ticket their shapes.
func ticket(body, custom map[string]any) {
	if text, there := body["comment"]; there {
		body["comment"] = map[string]any{"body": text}
	}
	for _, name := range []string{"email_cc_ids", "follower_ids"} {
		if ids, there := body[name].(value.Value); there && !ids.IsNull() {
			body[name] = numbers(ids)
		}
	}
	if len(custom) == 0 {
		return
	}
	list := []any{}
	for _, id := range sorted(custom) {
		list = append(list, map[string]any{"id": number(id), "value": custom[id]})
	}
	body["custom_fields"] = list
}
