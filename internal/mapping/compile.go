package mapping

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/template"
	"github.com/millrace/millrace/internal/value"
)

// maxDepth is how deep inline objects and arrays may nest (SY-35).
const maxDepth = 2

type compiler struct {
	input   Input
	columns map[string]model.Column
	used    map[string]bool
	slots   []string
	every   bool // a template reads columns by computed names
	clears  bool
	issues  fault.Issues
}

// field compiles one mapping; problems go to issues.
func (c *compiler) field(path string, m sync.Mapping, depth int) compiled {
	f := c.filled(path, m, depth)
	if !m.ClearNull {
		return f
	}
	c.clears = true
	return func(b *Binding) (value.Value, error) {
		v, err := f(b)
		if err == nil && v.IsNull() {
			v = b.mapping.input.Clear
		}
		return v, err
	}
}

// filled compiles what fills a field.
func (c *compiler) filled(path string, m sync.Mapping, depth int) compiled {
	switch m.Kind {
	case sync.FromColumn, "":
		return c.column(path+".from", m.From)
	case sync.FromStatic:
		return constant(m.Value)
	case sync.FromVariable:
		return c.variable(path+".variable", m.Variable)
	case sync.FromTemplate:
		return c.template(path+".template", m.Template)
	case sync.FromObject:
		return c.object(path, m, depth)
	case sync.FromArray:
		return c.array(path, m, depth)
	default:
		c.issues.Add(path+".kind", fault.CodeInvalid, "there is no kind of mapping %q", m.Kind)
		return constant(value.Value{})
	}
}

func constant(v value.Value) compiled {
	return func(*Binding) (value.Value, error) { return v, nil }
}

func (c *compiler) column(path, name string) compiled {
	if _, ok := c.columns[name]; !ok {
		c.issues.Add(path, fault.CodeMappingColumn, "Unknown field name: the model has no column %q", name)
		return constant(value.Value{})
	}
	c.used[name] = true
	slot := c.slot(name)
	return func(b *Binding) (value.Value, error) {
		i := b.slots[slot]
		if i < 0 {
			return value.Value{}, nil
		}
		return b.read(i)
	}
}

// slot numbers a column that is read.
func (c *compiler) slot(name string) int {
	if i := slices.Index(c.slots, name); i >= 0 {
		return i
	}
	c.slots = append(c.slots, name)
	return len(c.slots) - 1
}

func (c *compiler) variable(path, name string) compiled {
	if !slices.Contains(sync.Variables, name) {
		c.issues.Add(path, fault.CodeInvalid, "there is no variable %q", name)
		return constant(value.Value{})
	}
	return func(b *Binding) (value.Value, error) { return b.variable(name), nil }
}

// variable returns a run's variable. Ids are text, as the documented product has them (SY-27).
func (b *Binding) variable(name string) value.Value {
	switch name {
	case "model-id":
		return value.OfText(strconv.FormatInt(b.vars.ModelID, 10))
	case "model-name":
		return value.OfText(b.vars.ModelName)
	case "sync-id":
		return value.OfText(strconv.FormatInt(b.vars.SyncID, 10))
	case "sync-run-id":
		return value.OfText(strconv.FormatInt(b.vars.RunID, 10))
	case "current-timestamp":
		return value.OfTime(b.vars.Now)
	case "operation":
		return value.OfText(string(b.op))
	default:
		return value.Value{}
	}
}

func (c *compiler) template(path, text string) compiled {
	t, err := template.Parse(text)
	if err != nil {
		e := fault.As(err)
		c.issues = append(c.issues, e.WithPath(path))
		return constant(value.Value{})
	}
	names, dynamic := t.Columns()
	c.every = c.every || dynamic
	for _, name := range names {
		if _, ok := c.columns[name]; ok {
			c.used[name] = true
		}
	}
	return func(b *Binding) (value.Value, error) {
		scope := b.templateScope()
		v, err := t.Eval(scope.scope)
		if err == nil {
			err = scope.castErr
		}
		return v, err
	}
}

func (c *compiler) object(path string, m sync.Mapping, depth int) compiled {
	if !c.deepEnough(path, depth) {
		return constant(value.Value{})
	}
	members := make([]compiled, len(m.Fields))
	for i, f := range m.Fields {
		members[i] = c.field(fmt.Sprintf("%s.fields[%d]", path, i), f, depth+1)
	}
	return func(b *Binding) (value.Value, error) {
		fields := make([]value.Field, 0, len(members))
		for i, member := range members {
			v, err := member(b)
			if err != nil {
				return value.Value{}, rejectField(m.Fields[i].To, err)
			}
			if !v.IsNull() || !m.Fields[i].OmitNull {
				fields = append(fields, value.Field{Name: m.Fields[i].To, Value: v})
			}
		}
		return value.OfMap(fields), nil
	}
}

func (c *compiler) deepEnough(path string, depth int) bool {
	if depth < maxDepth {
		return true
	}
	c.issues.Add(path, fault.CodeInvalid, "inline objects and arrays nest at most %d deep", maxDepth)
	return false
}

// array maps each object of an array column (SY-34): a member is filled only where the item has the
// property, null stays null unless it is to be left out, and static values join every item. At every depth below
// it, columns and arrays are properties of the item; templates see the row.
func (c *compiler) array(path string, m sync.Mapping, depth int) compiled {
	if !c.deepEnough(path, depth) {
		return constant(value.Value{})
	}
	source := c.column(path+".from", m.From)
	members := c.itemMembers(path, m.Fields, depth+1)
	return func(b *Binding) (value.Value, error) {
		v, err := source(b)
		if err != nil || v.IsNull() {
			return v, err
		}
		items := v.List()
		if items == nil {
			return value.Value{}, fault.New(fault.CodeMappingReject, "the column %q does not hold an array", m.From)
		}
		return mapItems(b, items, members)
	}
}

// itemMember fills one field from an item of an array.
type itemMember struct {
	to       string
	omitNull bool
	clear    bool
	of       func(b *Binding, item value.Value) (v value.Value, present bool, err error)
}

func (c *compiler) itemMembers(path string, fields []sync.Mapping, depth int) []itemMember {
	members := make([]itemMember, len(fields))
	for i, f := range fields {
		members[i] = c.itemMember(fmt.Sprintf("%s.fields[%d]", path, i), f, depth)
	}
	return members
}

func (c *compiler) itemMember(path string, f sync.Mapping, depth int) itemMember {
	m := itemMember{to: f.To, omitNull: f.OmitNull, clear: f.ClearNull}
	c.clears = c.clears || f.ClearNull
	switch f.Kind {
	case sync.FromColumn, "":
		m.of = func(_ *Binding, item value.Value) (value.Value, bool, error) {
			v, present := item.Get(f.From)
			return v, present, nil
		}
	case sync.FromObject:
		m.of = c.itemObject(path, f, depth)
	case sync.FromArray:
		m.of = c.itemArray(path, f, depth)
	default:
		fixed := c.field(path, f, depth)
		m.of = func(b *Binding, _ value.Value) (value.Value, bool, error) {
			v, err := fixed(b)
			return v, true, err
		}
	}
	return m
}

func (c *compiler) itemObject(path string, f sync.Mapping, depth int) func(*Binding, value.Value) (value.Value, bool, error) {
	if !c.deepEnough(path, depth) {
		return nil
	}
	members := c.itemMembers(path, f.Fields, depth+1)
	return func(b *Binding, item value.Value) (value.Value, bool, error) {
		v, err := mapItem(b, item, members)
		return v, true, err
	}
}

func (c *compiler) itemArray(path string, f sync.Mapping, depth int) func(*Binding, value.Value) (value.Value, bool, error) {
	if !c.deepEnough(path, depth) {
		return nil
	}
	members := c.itemMembers(path, f.Fields, depth+1)
	return func(b *Binding, item value.Value) (value.Value, bool, error) {
		v, present := item.Get(f.From)
		if v.IsNull() {
			return v, present, nil
		}
		items := v.List()
		if items == nil {
			return value.Value{}, true, fault.New(fault.CodeMappingReject, "the property %q does not hold an array", f.From)
		}
		v, err := mapItems(b, items, members)
		return v, true, err
	}
}

func mapItems(b *Binding, items []value.Value, members []itemMember) (value.Value, error) {
	out := make([]value.Value, len(items))
	for i, item := range items {
		v, err := mapItem(b, item.Parsed(), members)
		if err != nil {
			return value.Value{}, err
		}
		out[i] = v
	}
	return value.OfList(out), nil
}

func mapItem(b *Binding, item value.Value, members []itemMember) (value.Value, error) {
	fields := make([]value.Field, 0, len(members))
	for _, m := range members {
		v, present, err := m.of(b, item)
		if err != nil {
			return value.Value{}, rejectField(m.to, err)
		}
		if v.IsNull() && m.clear {
			v = b.mapping.input.Clear
		}
		if present && (!v.IsNull() || !m.omitNull) {
			fields = append(fields, value.Field{Name: m.to, Value: v})
		}
	}
	return value.OfMap(fields), nil
}

// target describes the field that a mapping fills.
func (c *compiler) target(m sync.Mapping) connector.TargetColumn {
	t := connector.TargetColumn{Name: m.To, Omit: m.OmitNull}
	switch m.Kind {
	case sync.FromColumn, "":
		t.From, t.Type = m.From, c.effective(c.columns[m.From])
	case sync.FromStatic:
		t.Type = typeOf(m.Value)
	case sync.FromVariable:
		t.Type = value.TypeString
		if m.Variable == "current-timestamp" {
			t.Type = value.TypeTimestamp
		}
	case sync.FromObject, sync.FromArray:
		t.Type = value.TypeObject
	}
	return t
}

func typeOf(v value.Value) value.Type {
	switch v.Kind() {
	case value.Bool:
		return value.TypeBoolean
	case value.Int, value.Float, value.Decimal:
		return value.TypeNumber
	case value.Text:
		return value.TypeString
	default:
		return ""
	}
}

// referenced lists the used columns in the model's order; all of them where the destination sees
// whole rows or a template reads by computed names.
func (c *compiler) referenced() []string {
	var names []string
	for _, col := range c.input.Columns {
		if c.used[col.Name] || c.every || c.input.Everything {
			names = append(names, col.Name)
		}
	}
	return names
}
