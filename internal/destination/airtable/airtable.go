// Package airtable is what the manifest of Airtable cannot say: the fields of one table of a base, and records that are
// found by a field before they are changed.
//
// Airtable's pages are named in README.md.
package airtable

import (
	"context"
	"net/url"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/value"
)

// Hooks returns the Go code beside the manifest.
func Hooks() manifest.Hooks {
	return manifest.Hooks{
		Write: map[string]func(context.Context, *manifest.Run) (connector.Result, error){"update": update},
		Fields: map[string]func(context.Context, *manifest.Run) ([]manifest.Discovered, error){
			"objects": fields, "object_fields": fields,
		},
	}
}

// cell is what a type of fields takes.
type cell struct {
	target string // of connector.TargetTypes
	form   string // of manifest.Pipeline
	match  bool   // rows can be matched by it
}

// cells are the types that can be written.
// https://airtable.com/developers/web/api/field-model
var cells = map[string]cell{
	"singleLineText":        {"string", "text", true},
	"multilineText":         {"string", "text", true},
	"richText":              {"string", "text", false},
	"email":                 {"string", "text", true},
	"url":                   {"string", "text", true},
	"phoneNumber":           {"string", "text", true},
	"singleSelect":          {"string", "text", true},
	"number":                {"number", "number", true},
	"currency":              {"number", "number", false},
	"percent":               {"number", "number", false},
	"duration":              {"number", "number", false},
	"rating":                {"number", "integer", false},
	"checkbox":              {"boolean", "boolean", false},
	"date":                  {"date", "date", false},
	"dateTime":              {"timestamp", "iso", false},
	"multipleSelects":       {"array", "list", false},
	"multipleRecordLinks":   {"reference", "list", false},
	"multipleAttachments":   {"array", "json", false},
	"singleCollaborator":    {"object", "json", false},
	"multipleCollaborators": {"array", "json", false},
	"barcode":               {"object", "json", false},
}

// computed are types whose values Airtable makes. Records can be found by some of them.
var computed = map[string]cell{
	"formula":    {"unknown", "text", true},
	"autoNumber": {"number", "number", true},
}

// fields lists the fields of the sync's table.
func fields(ctx context.Context, r *manifest.Run) ([]manifest.Discovered, error) {
	job := r.Job()
	base, _, err := r.Fetch(ctx, "GET", "v0/meta/bases/"+url.PathEscape(job.Settings.Text("base"))+"/tables", nil)
	if err != nil {
		return nil, err
	}
	var list []manifest.Discovered
	for _, t := range manifest.At(base, "tables").List() {
		if name := job.Settings.Text("table"); manifest.TextAt(t, "id") != name && manifest.TextAt(t, "name") != name {
			continue
		}
		for _, f := range manifest.At(t, "fields").List() {
			list = append(list, field(f, job.Mode))
		}
	}
	return list, nil
}

func field(f value.Value, mode connector.Mode) manifest.Discovered {
	d := manifest.Discovered{TargetField: connector.TargetField{
		Name: manifest.TextAt(f, "name"), Native: manifest.TextAt(f, "type"), Help: manifest.TextAt(f, "description"),
	}}
	d.Label = d.Name
	c, writable := cells[d.Native]
	if !writable {
		d.ReadOnly = true
		if c = computed[d.Native]; c.target == "" {
			c.target = "unknown"
		}
		c.match = c.match && mode == connector.ModeUpdate
	}
	d.Type, d.Form, d.Match = c.target, c.form, c.match
	return d
}

// update finds the rows' records and changes them with one request, which Airtable takes as a whole or not at all.
func update(ctx context.Context, r *manifest.Run) (connector.Result, error) {
	name := r.Job().Match[0].To
	found, err := find(ctx, r, name)
	if err != nil {
		return connector.Result{}, err
	}
	var records []any
	for _, row := range r.Rows() {
		switch ids := found[row.Match().String()]; len(ids) {
		case 0:
			r.Reject(row, "no record has this value of "+name, false)
		case 1:
			records = append(records, map[string]any{"id": ids[0], "fields": row.Get("fields")})
		default:
			r.Reject(row, "several records have this value of "+name+"; which of them is meant is not known", false)
		}
	}
	if len(records) == 0 {
		return r.Result(), nil
	}
	if _, _, err := r.Send(ctx, "PATCH", table(r), map[string]any{"records": records, "typecast": true}); err != nil {
		return connector.Result{}, err
	}
	return r.Result(), nil
}

func table(r *manifest.Run) string {
	s := r.Job().Settings
	return "v0/" + url.PathEscape(s.Text("base")) + "/" + url.PathEscape(s.Text("table"))
}

// find returns the ids of the records that have the rows' values, by the values.
func find(ctx context.Context, r *manifest.Run, name string) (map[string][]string, error) {
	var tests []string
	for _, row := range r.Rows() {
		tests = append(tests, quoteField(name)+"="+literal(row.Match()))
	}
	found := map[string][]string{}
	if len(tests) == 0 {
		return found, nil
	}
	ask := map[string]any{"filterByFormula": "OR(" + strings.Join(tests, ",") + ")", "fields": []string{name}, "pageSize": 100}
	for {
		page, _, err := r.Fetch(ctx, "POST", table(r)+"/listRecords", ask)
		if err != nil {
			return nil, err
		}
		for _, rec := range manifest.At(page, "records").List() {
			text := manifest.TextAt(rec, "fields", name)
			found[text] = append(found[text], manifest.TextAt(rec, "id"))
		}
		next := manifest.TextAt(page, "offset")
		if next == "" || next == ask["offset"] {
			return found, nil
		}
		ask["offset"] = next
	}
}

var (
	inField = strings.NewReplacer(`\`, `\\`, `}`, `\}`)
	inText  = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`)
)

func quoteField(name string) string { return "{" + inField.Replace(name) + "}" }

// literal is a value in a formula, where a text never equals a number.
func literal(v value.Value) string {
	switch v.Kind() {
	case value.Int, value.Float, value.Decimal:
		return v.String()
	}
	return `"` + inText.Replace(v.String()) + `"`
}
