package trigger

import (
	"math"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/template"
	"github.com/millrace/millrace/internal/value"
)

// Pair is one entry of a FieldHeaders.
type Pair struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Secret bool   `json:"secret"`
}

// Property is a value that a template makes of each row, with its type where the template is one output.
type Property struct {
	field    string
	template *template.Template
}

// Property compiles a template; it returns nil where the setting is empty.
func (c *Compiler) Property(field, text string) *Property {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	t := c.Reads(field, template.Plain, text)
	if t == nil {
		return nil
	}
	return &Property{field, t}
}

// Fixed returns the text of a property that is the same for all rows.
func (p *Property) Fixed() (string, bool) {
	if p == nil {
		return "", true
	}
	return p.template.Text()
}

// Value returns the value for the row that the scratch is bound to. A property that was not set, and an empty text, are
// null.
func (p *Property) Value(sc *Scratch) (value.Value, error) {
	if p == nil {
		return value.Value{}, nil
	}
	v, err := p.template.Eval(sc.Scope)
	if err != nil {
		return value.Value{}, InField(p.field, err)
	}
	if v.Kind() == value.Text && v.Raw() == "" {
		return value.Value{}, nil
	}
	return v, nil
}

// Text returns the value as text, and whether there is one.
func (p *Property) Text(sc *Scratch) (string, bool, error) {
	v, err := p.Value(sc)
	if err != nil || v.IsNull() {
		return "", false, err
	}
	return v.String(), true, nil
}

// Whole returns the value as a whole number, and whether it is one: what cannot be read as such counts as none.
func (p *Property) Whole(sc *Scratch) (int64, bool, error) {
	v, err := p.Value(sc)
	if err != nil {
		return 0, false, err
	}
	n, ok := Whole(v)
	return n, ok, nil
}

// Whole reads a value as a whole number, and whether it is one.
func Whole(v value.Value) (int64, bool) {
	switch v.Kind() { //nolint:exhaustive // the others are no numbers
	case value.Int:
		return v.Int(), true
	case value.Float, value.Decimal:
		f := v.Float()
		return int64(f), f == math.Trunc(f) && math.Abs(f) < 1<<53
	case value.Text:
		text := strings.TrimSpace(v.Raw())
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, true
		}
		f, err := strconv.ParseFloat(text, 64)
		return int64(f), err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53
	default:
		return 0, false
	}
}

// NamedProperty is an entry of a list of names and templates.
type NamedProperty struct {
	Name string

	value *Property
}

// Properties compiles the entries of a FieldHeaders. check says why a name cannot be, or nothing.
func (c *Compiler) Properties(field string, pairs []Pair, check func(name string) string) []NamedProperty {
	seen := map[string]bool{}
	var all []NamedProperty
	for _, p := range pairs {
		switch problem := check(p.Name); {
		case p.Name == "":
			c.Invalid(field, "every entry needs a name")
		case p.Secret:
			c.Invalid(field, "%q is secret: values that are sent with messages are stored with the sync, unencrypted", p.Name)
		case seen[p.Name]:
			c.Invalid(field, "there are two entries %q", p.Name)
		case problem != "":
			c.Invalid(field, "%q %s", p.Name, problem)
		}
		seen[p.Name] = true
		if v := c.Property(field, p.Value); v != nil {
			all = append(all, NamedProperty{p.Name, v})
		}
	}
	return all
}

// Value returns the entry's value for the row that the scratch is bound to.
func (p NamedProperty) Value(sc *Scratch) (value.Value, error) {
	v, err := p.value.Value(sc)
	if err != nil {
		return v, InField(p.Name, err)
	}
	return v, nil
}

// Bytes returns a value as the bytes of a message's property: binary data as it is, everything else as text.
func Bytes(v value.Value) []byte {
	if v.Kind() == value.Bytes {
		return []byte(v.Raw())
	}
	return v.AppendText(nil)
}

// Place is where messages go: the same for all rows, or named by a column of each.
type Place struct {
	Fixed string // empty where a column names it

	column string
	at     int
}

// Place compiles the settings of PlaceFields.
func (c *Compiler) Place(name, from, fixed, column string) Place {
	if from == FromColumn {
		return Place{column: column, at: c.Index(name+"Column", column)}
	}
	return Place{Fixed: strings.TrimSpace(fixed)}
}

// Of returns the place of a row.
func (p Place) Of(row *connector.Row) (string, error) {
	if p.Fixed != "" {
		return p.Fixed, nil
	}
	if p.at >= 0 && p.at < len(row.Source) {
		if text := strings.TrimSpace(row.Source[p.at].String()); text != "" {
			return text, nil
		}
	}
	return "", fault.New(fault.CodeMappingReject, "the column %s, which says where the row goes, is empty", p.column)
}
