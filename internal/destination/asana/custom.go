package asana

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// field is a custom field of the workspace's library.
type field struct {
	kind    string
	options map[string]string // GIDs of an enumeration's options, by their names
}

var targetTypes = map[string]string{"text": "string", "number": "number", "enum": "string", "multi_enum": "array", "date": "date", "people": "array"}

// library lists the custom fields of the workspace.
func library(ctx context.Context, r *manifest.Run) ([]value.Value, error) {
	var all []value.Value
	query := url.Values{"limit": {"100"}, "opt_fields": {"name,type,resource_subtype,description,enum_options,enum_options.name,is_formula_field"}}
	for {
		page, _, err := r.Fetch(ctx, "GET", at("workspaces", r.Job().Settings.Text("workspace"), "custom_fields")+"?"+query.Encode(), nil)
		if err != nil {
			return nil, err
		}
		all = append(all, manifest.At(page, "data").List()...)
		next := manifest.TextAt(page, "next_page", "offset")
		if next == "" || next == query.Get("offset") {
			return all, nil
		}
		query.Set("offset", next)
	}
}

func kindOf(f value.Value) string {
	if kind := manifest.TextAt(f, "resource_subtype"); targetTypes[kind] != "" {
		return kind
	}
	return manifest.TextAt(f, "type")
}

// custom offers the custom fields.
func custom(ctx context.Context, r *manifest.Run) ([]manifest.Discovered, error) {
	all, err := library(ctx, r)
	if err != nil {
		return nil, err
	}
	var list []manifest.Discovered
	for _, f := range all {
		kind := kindOf(f)
		if targetTypes[kind] == "" {
			continue
		}
		t := connector.TargetField{
			Name: customSection + "." + manifest.TextAt(f, "gid"), Label: manifest.TextAt(f, "name"), Type: targetTypes[kind], Native: kind,
			Section: "Custom fields", Help: manifest.TextAt(f, "description"), ReadOnly: manifest.At(f, "is_formula_field").Bool(),
		}
		if kind == "enum" {
			for _, o := range manifest.At(f, "enum_options").List() {
				t.Options = append(t.Options, connector.Option{Value: manifest.TextAt(o, "gid"), Label: manifest.TextAt(o, "name")})
			}
		}
		list = append(list, manifest.Discovered{TargetField: t})
	}
	return list, nil
}

func customTypes(ctx context.Context, r *manifest.Run) (map[string]field, error) {
	all, err := library(ctx, r)
	types := map[string]field{}
	for _, f := range all {
		t := field{kindOf(f), map[string]string{}}
		for _, o := range manifest.At(f, "enum_options").List() {
			gid := manifest.TextAt(o, "gid")
			t.options[gid], t.options[strings.ToLower(manifest.TextAt(o, "name"))] = gid, gid
		}
		types[manifest.TextAt(f, "gid")] = t
	}
	return types, err
}

// of shapes a value as Asana takes it. Null empties the field.
func (f field) of(v value.Value) (any, error) {
	switch {
	case f.kind == "multi_enum":
		return f.several(texts(v))
	case f.kind == "people":
		return texts(v), nil
	case v.IsNull():
		return value.Value{}, nil
	case f.kind == "enum":
		return f.option(v.String())
	case f.kind == "text":
		return v.String(), nil
	case f.kind == "number":
		return number(v)
	case f.kind == "date":
		return date(v), nil
	}
	return v, nil
}

func (f field) option(text string) (any, error) {
	if text = strings.TrimSpace(text); text == "" {
		return value.Value{}, nil
	}
	gid, known := f.options[text]
	if !known {
		gid, known = f.options[strings.ToLower(text)]
	}
	if !known {
		return nil, fault.New(fault.CodeMappingReject, "the field has no such option").WithSuggestion("Add the option in Asana, or correct the value.")
	}
	return gid, nil
}

func (f field) several(names []string) (any, error) {
	all := []any{}
	for _, name := range names {
		gid, err := f.option(name)
		if err != nil {
			return nil, err
		}
		all = append(all, gid)
	}
	return all, nil
}

func number(v value.Value) (any, error) {
	switch v.Kind() {
	case value.Int, value.Float, value.Decimal:
		return v, nil
	}
	text := strings.TrimSpace(v.String())
	if text == "" {
		return value.Value{}, nil
	}
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		return nil, fault.New(fault.CodeMappingReject, "the value is no number").WithSuggestion("Cast the column to a number in the model.")
	}
	return value.OfNumber(text), nil
}

func date(v value.Value) any {
	switch v.Kind() {
	case value.Day:
		return map[string]any{"date": v.Time().Format(time.DateOnly)}
	case value.Time:
		return map[string]any{"date_time": v.Time().Format(time.RFC3339)}
	}
	text := strings.TrimSpace(v.String())
	switch {
	case text == "":
		return nil
	case strings.ContainsAny(text, "Tt"):
		return map[string]any{"date_time": text}
	}
	return map[string]any{"date": text}
}
