package embedded

import (
	"encoding/json"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// described are the options as the connector describes them: a JSON schema, and how it is drawn by
// react-jsonschema-form (https://rjsf-team.github.io/react-jsonschema-form/docs/api-reference/uiSchema).
type described struct {
	Schema value.Value `json:"schema"`
	UI     value.Value `json:"uiSchema"`
}

// mostDepth is how deep objects are drawn.
const mostDepth = 4

// form draws the members of a schema of an object, in the order in which they are described. It reports whether all of
// them can be drawn: numbers in arrays, for example, cannot.
func form(schema, ui value.Value, depth int) ([]connector.Field, bool) {
	properties, _ := schema.Get("properties")
	needed := map[string]bool{}
	if list, ok := schema.Get("required"); ok {
		for _, name := range list.List() {
			needed[name.String()] = true
		}
	}
	fields := make([]connector.Field, 0, len(properties.Fields()))
	for _, p := range properties.Fields() {
		look, _ := ui.Get(p.Name)
		f, can := formField(p.Name, p.Value, look, depth)
		if !can {
			return nil, false
		}
		f.Required = needed[p.Name]
		fields = append(fields, f)
	}
	return fields, true
}

// formField draws one member.
func formField(name string, schema, ui value.Value, depth int) (f connector.Field, can bool) {
	f = connector.Field{
		Name: name, Label: text(schema, "title", text(schema, "label", name)), Help: text(schema, "description", ""), Type: connector.FieldString,
		Min: number(schema, "minimum"), Max: number(schema, "maximum"),
	}
	otherwise, has := schema.Get("default")
	if has {
		f.Default = plain(otherwise)
	}
	if choices, ok := schema.Get("enum"); ok {
		f.Type, f.Options = connector.FieldSelect, optionsOf(choices, schema)
		if has {
			f.Default = otherwise.String()
		}
		return f, true
	}
	can = true
	switch kind := text(schema, "type", "string"); {
	case kind == "number" || kind == "integer":
		f.Type = connector.FieldNumber
	case kind == "boolean":
		f.Type = connector.FieldBoolean
	case kind == "object" && depth < mostDepth:
		f.Type = connector.FieldObject
		f.Fields, can = form(schema, ui, depth+1)
	case kind == "array":
		items, _ := schema.Get("items")
		f.Type, can = connector.FieldList, text(items, "type", "") == "string"
	case text(ui, "ui:widget", "") == "textarea":
		f.Type = connector.FieldText
	default:
		can = kind == "string"
	}
	return f, can
}

func optionsOf(choices, schema value.Value) []connector.Option {
	names, _ := schema.Get("enumNames")
	options := make([]connector.Option, len(choices.List()))
	for i, c := range choices.List() {
		options[i] = connector.Option{Value: c.String(), Label: c.String()}
		if i < len(names.List()) {
			options[i].Label = names.List()[i].String()
		}
	}
	return options
}

func text(v value.Value, name, otherwise string) string {
	if member, ok := v.Get(name); ok && !member.IsNull() {
		return member.String()
	}
	return otherwise
}

func number(v value.Value, name string) *float64 {
	member, ok := v.Get(name)
	if !ok || member.IsNull() {
		return nil
	}
	return new(member.Float())
}

// plain is a value as the JSON of settings has it.
func plain(v value.Value) (out any) {
	if json.Unmarshal(v.AppendJSON(nil), &out) != nil {
		return nil
	}
	return out
}

// chosen gives an option that was chosen in the form the type that the connector's list has it in.
func chosen(schema value.Value, given json.RawMessage) json.RawMessage {
	choices, _ := schema.Get("enum")
	said, err := value.ParseJSON(string(given))
	if err != nil {
		return given
	}
	for _, c := range choices.List() {
		if c.String() == said.String() {
			return c.AppendJSON(nil)
		}
	}
	return given
}
