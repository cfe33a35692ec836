package condition

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Bounds of a tree: far beyond what a person writes, and within what databases read.
const (
	maxDepth  = 20
	maxSize   = 500
	maxValues = 5000
	maxSpan   = 100_000
)

// Check returns every mistake of a condition on rows with these columns, or nil. Paths lead from the condition itself,
// such as all.0.property.values.
func (c Condition) Check(columns []value.Column) error {
	k := checker{columns: columns}
	k.condition(c, "", 1)
	if k.size > maxSize {
		k.issues.Add("", fault.CodeInvalid, "there are %d conditions, and %d at most may be", k.size, maxSize)
	}
	return k.issues.Err()
}

type checker struct {
	columns value.Schema
	issues  fault.Issues
	size    int
}

func (k *checker) condition(c Condition, path string, depth int) {
	at := func(name string) string { return strings.TrimPrefix(path+"."+name, ".") }
	if given := count(c.All != nil, c.Any != nil, c.Property != nil); given > 1 {
		k.issues.Add(path, fault.CodeInvalid, "a condition is one of all, any and property, and %d are given", given)
		return
	}
	if depth > maxDepth {
		k.issues.Add(path, fault.CodeInvalid, "groups stand within each other more than %d deep", maxDepth)
		return
	}
	for i, one := range c.All {
		k.condition(one, at(fmt.Sprintf("all.%d", i)), depth+1)
	}
	for i, one := range c.Any {
		k.condition(one, at(fmt.Sprintf("any.%d", i)), depth+1)
	}
	if c.Property != nil {
		k.size++
		k.property(*c.Property, at("property"))
	}
}

// add notes a mistake with its remedy.
func (k *checker) add(path, remedy, format string, args ...any) {
	e := k.issues.Add(path, fault.CodeInvalid, format, args...)
	*e = *e.WithSuggestion("%s", remedy)
}

func count(all ...bool) int {
	n := 0
	for _, one := range all {
		if one {
			n++
		}
	}
	return n
}

func (k *checker) property(p Property, path string) {
	at := k.columns.Index(p.Column)
	if at < 0 {
		remedy := "There are " + strings.Join(k.columns.Names(), ", ") + ". Choose one of them, or take the condition out."
		k.add(path+".column", remedy, "there is no column %q", p.Column)
		return
	}
	column := k.columns[at]
	if !k.place(p, column, path) {
		return
	}
	t := p.TypeOf(column.Type)
	if !slices.Contains(Operators[t], p.Operator) {
		k.add(path+".operator", "It has "+listed(Operators[t])+".", "the column %q, a %s, has no operator %q", p.Column, t, p.Operator)
		return
	}
	k.operand(p, t, path)
}

func listed(all []Operator) string {
	words := make([]string, len(all))
	for i, o := range all {
		words[i] = string(o)
	}
	return strings.Join(words, ", ")
}

// place checks where in JSON a property looks.
func (k *checker) place(p Property, column value.Column, path string) bool {
	object := column.Type == value.TypeObject
	switch {
	case !object && (p.Path != "" || p.Type != ""):
		k.issues.Add(path+".path", fault.CodeInvalid, "the column %q is a %s, and only JSON has a path and a type of its own", p.Column, column.Type)
	case p.Type != "" && !slices.Contains([]value.Type{value.TypeString, value.TypeNumber, value.TypeBoolean}, p.Type):
		k.issues.Add(path+".type", fault.CodeInvalid, "what stands in JSON is a string, a number or a boolean, not %q", p.Type)
	case slices.Contains(strings.Split(p.Path, "."), "") && p.Path != "":
		k.add(path+".path", "Write it as in order.items.0.sku.", "the path %q has an empty part", p.Path)
	case p.Type != "" && p.Path == "":
		k.issues.Add(path+".path", fault.CodeRequired, "a type is of what stands at a path in the column %q, and there is no path", p.Column)
	default:
		return true
	}
	return false
}

// operand checks what a property's operator takes.
func (k *checker) operand(p Property, t value.Type, path string) {
	given := map[string]bool{
		"values": len(p.Values) > 0, "percentile": p.Percentile != nil, "from": p.From != nil, "to": p.To != nil, "period": p.Period != nil,
	}
	wanted := takes(p, t)
	for _, name := range []string{"values", "percentile", "from", "to", "period"} {
		switch {
		case given[name] && !slices.Contains(wanted, name):
			k.issues.Add(path+"."+name, fault.CodeInvalid, "the operator %s does not take %s", p.Operator, name)
			return
		case !given[name] && slices.Contains(wanted, name):
			k.issues.Add(path+"."+name, fault.CodeRequired, "the condition on %q has nothing to compare with", p.Column)
			return
		}
	}
	k.values(p, t, path)
	k.moment(p.From, path+".from")
	k.moment(p.To, path+".to")
	if p.Period != nil {
		k.span(p.Period.Span, path+".period")
	}
	switch {
	case p.Percentile == nil:
	case p.Path != "":
		k.add(path+".percentile", "Compare with a number, or make the value a column of the model.", "a percentile is of a column, and %q looks within JSON", p.Column)
	case *p.Percentile < 0 || *p.Percentile > 100:
		k.issues.Add(path+".percentile", fault.CodeInvalid, "a percentile lies between 0 and 100, and %v does not", *p.Percentile)
	}
}

// takes names what an operator takes.
func takes(p Property, t value.Type) []string {
	switch o := p.Operator; {
	case o == Exists || o == NotExists || o == Anniversary:
		return nil
	case o == Within || o == NotWithin:
		return []string{"period"}
	case o == Between:
		return []string{"from", "to"}
	case t == value.TypeTimestamp || t == value.TypeDate:
		return []string{"from"}
	case o.compares() && p.Percentile != nil:
		return []string{"percentile"}
	default:
		return []string{"values"}
	}
}

func (k *checker) values(p Property, t value.Type, path string) {
	path += ".values"
	if len(p.Values) > 1 && (!p.Operator.many() || t == value.TypeBoolean) {
		k.issues.Add(path, fault.CodeInvalid, "the operator %s of a %s takes one value, and %d are given", p.Operator, t, len(p.Values))
	}
	if len(p.Values) > maxValues {
		k.add(path, "Put the values into a table of the source, and join it in the model.", "%d values are given, and %d at most may be", len(p.Values), maxValues)
	}
	kinds := map[value.Type][]value.Kind{
		value.TypeString: {value.Text}, value.TypeNumber: {value.Int, value.Float, value.Decimal}, value.TypeBoolean: {value.Bool},
	}[t]
	for i, v := range p.Values {
		if !slices.Contains(kinds, v.Kind()) {
			k.issues.Add(fmt.Sprintf("%s.%d", path, i), fault.CodeInvalid, "the column %q is compared with a %s, and this is none", p.Column, t)
			return
		}
	}
}

func (k *checker) moment(m *Moment, path string) {
	switch {
	case m == nil:
	case (m.At == "") == (m.Ago == nil):
		k.issues.Add(path, fault.CodeInvalid, "a time is either at or ago")
	case m.Ago != nil:
		k.span(*m.Ago, path+".ago")
	default:
		if _, _, err := m.parsed(time.UTC); err != nil {
			k.add(path+".at", "Write a day as 2026-03-01, or an instant as 2026-03-01T09:30:00Z.", "%q is no time", m.At)
		}
	}
}

func (k *checker) span(s Span, path string) {
	if !slices.Contains(Units, s.Unit) {
		k.issues.Add(path+".unit", fault.CodeInvalid, "there is no unit %q", s.Unit)
	}
	if s.N < 1 || s.N > maxSpan {
		k.issues.Add(path+".n", fault.CodeInvalid, "the number of units lies between 1 and %d, and %d does not", maxSpan, s.N)
	}
}
