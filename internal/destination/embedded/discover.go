package embedded

import (
	"context"
	"slices"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// place is which object and mode a question is about. Empty ones are left out.
type place struct {
	Object string `json:"object,omitempty"`
	Mode   string `json:"mode,omitempty"`
}

// item is an object or a mode.
type item struct {
	ID          string `json:"id"`
	Label       string `json:"label"`
	Description string `json:"description"`
}

// field is a field of the connector.
type field struct {
	item

	Required   bool   `json:"required"`
	Type       string `json:"type"`
	Identifier bool   `json:"identifier"`
}

// ask calls a method that the connector need not have, and reports whether it has it. Nothing is changed by asking, so no
// answer leaves anything in doubt.
func (r *rpc) ask(ctx context.Context, method string, params, result any) (bool, error) {
	_, missing, err := r.call(ctx, method, "", params, result)
	switch {
	case missing:
		return false, nil
	case fault.ClassOf(err) == fault.Unknown:
		return false, fault.Reclass(err, fault.Retryable)
	default:
		return err == nil, err
	}
}

func (r *rpc) objects(ctx context.Context) ([]item, error) {
	var result struct {
		Objects []item `json:"objects"`
	}
	_, err := r.ask(ctx, "list_objects", place{}, &result)
	return result.Objects, err
}

func (r *rpc) modes(ctx context.Context, object string) ([]item, error) {
	var result struct {
		Modes []item `json:"modes"`
	}
	_, err := r.ask(ctx, "list_modes", place{Object: object}, &result)
	return result.Modes, err
}

func (r *rpc) fields(ctx context.Context, p place) ([]field, error) {
	var result struct {
		Fields []field `json:"fields"`
	}
	_, err := r.ask(ctx, "list_fields", p, &result)
	return result.Fields, err
}

func (r *rpc) options(ctx context.Context, p place) (described, error) {
	var result struct {
		Options described `json:"options"`
	}
	_, err := r.ask(ctx, "list_options", p, &result)
	return result.Options, err
}

// fill adds the defaults of options and reports those that are needed and missing.
func (d described) fill(options members) fault.Issues {
	properties, _ := d.Schema.Get("properties")
	needed, _ := d.Schema.Get("required")
	for _, p := range properties.Fields() {
		given, is := options[p.Name]
		if is {
			options[p.Name] = chosen(p.Value, given)
			continue
		}
		if otherwise, has := p.Value.Get("default"); has {
			options[p.Name] = otherwise.AppendJSON(nil)
		}
	}
	var issues fault.Issues
	for _, name := range needed.List() {
		if _, given := options[name.String()]; !given {
			issues.Add(pathOptions+"."+name.String(), fault.CodeRequired, "the connector needs the option %q", name.String())
		}
	}
	return issues
}

// has reports whether the connector described an option.
func (d described) has(option string) bool {
	properties, _ := d.Schema.Get("properties")
	_, is := properties.Get(option)
	return is
}

// pair says which column a field is found in.
type pair struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// mapping divides the mapped fields into identifiers, fields of the connector and others.
type mapping struct {
	Identifiers []pair `json:"identifierMapping"`
	Mappings    []pair `json:"mappings"`
	Custom      []pair `json:"customMappings"`
}

func newMapping(columns []connector.TargetColumn, fields []field) (mapping, fault.Issues) {
	m := mapping{[]pair{}, []pair{}, []pair{}}
	mapped := map[string]bool{}
	for _, c := range columns {
		mapped[c.Name] = true
		p := pair{c.From, c.Name}
		switch at := slices.IndexFunc(fields, func(f field) bool { return f.ID == c.Name }); {
		case at < 0:
			m.Custom = append(m.Custom, p)
		case fields[at].Identifier:
			m.Identifiers = append(m.Identifiers, p)
		default:
			m.Mappings = append(m.Mappings, p)
		}
	}
	var issues fault.Issues
	for _, f := range fields {
		if f.Required && !mapped[f.ID] {
			issues.Add(pathMappings, fault.CodeRequired, "the connector needs the field %q", f.ID).Suggestion = "Map a column to it."
		}
	}
	return m, issues
}

// types are the connector's words for types.
var types = map[string]string{
	"STRING": "string", "ENUM": "string", "NUMBER": "number", "BOOLEAN": "boolean", "DATE": "date", "DATETIME": "timestamp", "EMAIL": "string",
	"OBJECT": "object", "ARRAY": "array", "REFERENCE": "reference",
}

func (f field) target() connector.TargetField {
	t := types[f.Type]
	if t == "" {
		t = "unknown"
	}
	label := f.Label
	if label == "" {
		label = f.ID
	}
	return connector.TargetField{Name: f.ID, Label: label, Type: t, Native: f.Type, Required: f.Required, Match: f.Identifier, Help: f.Description}
}

// behavior is how the connector wants to be called.
type behavior struct {
	BatchSize  int `json:"batchSize"`
	Operations struct {
		Add    bool `json:"add"`
		Change bool `json:"change"`
		Remove bool `json:"remove"`
	} `json:"operations"`
	SkipInitialRun bool `json:"skipInitialRun"`
}

// defaultBatch is for a connector that names no size.
const (
	defaultBatch = 100
	maxBatch     = 10_000
)

func (r *rpc) behavior(ctx context.Context) (behavior, error) {
	var b behavior
	known, err := r.ask(ctx, "behavior", place{}, &b)
	if err != nil {
		return b, err
	}
	if !known {
		b.Operations.Add, b.Operations.Change, b.Operations.Remove = true, true, true
	}
	if b.BatchSize <= 0 {
		b.BatchSize = defaultBatch
	}
	b.BatchSize = min(b.BatchSize, maxBatch)
	return b, nil
}
