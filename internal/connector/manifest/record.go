package manifest

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/template"
	"github.com/millrace/millrace/internal/value"
)

// column is one mapped field of a run.
type column struct {
	name    string // in mappings
	section string
	path    []string // in the section
	key     []byte   // the last name as JSON with its colon
	omit    bool
	pipe    *pipe
}

// layout is how the rows of a run become records. It is safe for concurrent use.
type layout struct {
	columns  []column
	worked   []int // columns whose values are not sent as they are
	match    []column
	sections []string
	nested   map[string]bool               // sections with objects in objects
	saves    bool                          // answers may give rows further members
	schema   []string                      // names of the model's columns, where templates see them
	rendered map[string]*template.Template // templates that the sync's settings hold
	clear    bool                          // removed rows empty their fields
}

// record is what templates see of a row.
type record struct {
	layout   *layout
	row      *connector.Row
	index    int // in the batch
	op       connector.Operation
	values   []value.Value // by layout.columns, as they are sent
	match    []value.Value
	saved    []value.Field
	sections []value.Value // by layout.sections; null until it is asked for
	texts    []value.Field // what the settings' templates make of the row
	failed   error         // that one of them cannot be evaluated
	sent     bool          // a request that changes something was carried out for it
}

var _ template.DeepRow = (*record)(nil)

// room is how many values a record has.
func (l *layout) room() int { return len(l.columns) + len(l.match) + len(l.sections) }

// fill reads a row into a record whose values are kept in room; an error refuses it.
func (l *layout) fill(r *record, op connector.Operation, index int, row *connector.Row, room []value.Value) error {
	n, m := len(l.columns), len(l.columns)+len(l.match)
	*r = record{layout: l, row: row, index: index, op: op, values: room[:n:n], match: room[n:m:m], sections: room[m:]}
	clear(r.sections)
	if err := l.apply(r.values, row.Values, r.clears()); err != nil {
		return err
	}
	for i := range l.match {
		var err error
		if r.match[i], err = l.match[i].pipe.apply(row.Match[i]); err != nil {
			return about(l.match[i].name, err)
		}
	}
	return nil
}

// clears reports whether the row's fields are emptied.
func (r *record) clears() bool { return r.layout.clear && r.op == connector.Removed }

// apply makes of a row's values what is sent.
func (l *layout) apply(values, from []value.Value, empty bool) error {
	copy(values, from)
	for _, i := range l.worked {
		if empty && l.empties(&l.columns[i]) {
			continue
		}
		var err error
		if values[i], err = l.columns[i].pipe.apply(from[i]); err != nil {
			return about(l.columns[i].name, err)
		}
	}
	if !empty {
		return nil
	}
	for i := range l.columns {
		if c := &l.columns[i]; l.empties(c) {
			values[i] = c.pipe.emptied
		}
	}
	return nil
}

// empties reports whether a field of removed rows is emptied: what finds them is not.
func (l *layout) empties(c *column) bool {
	return c.section != "" && !slices.ContainsFunc(l.match, func(m column) bool { return m.name == c.name })
}

// fixes reports whether variables have the same values in every row of the run: those of the run itself, and fields
// that are not mapped, which are null.
func (l *layout) fixes(paths [][]string) bool {
	if l.saves {
		return false
	}
	for _, p := range paths {
		if !slices.Contains(lasting, p[0]) && (p[0] != "row" || len(p) < 3 || !l.lacks(p[1], p[2])) {
			return false
		}
	}
	return true
}

// lacks reports whether no row has a member of a section, or of matched.
func (l *layout) lacks(section, name string) bool {
	switch {
	case name == "" || name == "size":
		return false
	case slices.Contains(l.sections, section):
		return !slices.ContainsFunc(l.columns, func(c column) bool { return c.section == section && c.path[0] == name })
	default:
		return section == "matched" && !slices.ContainsFunc(l.match, func(c column) bool { return c.last() == name })
	}
}

// plain reports whether a name means a section that has no objects in objects.
func (r *record) plain(name string) bool {
	return len(r.saved) == 0 && !r.layout.nested[name] && slices.Contains(r.layout.sections, name)
}

// GetIn returns a member of a section or of matched, without making an object of it.
func (r *record) GetIn(section, name string) (v value.Value, known bool) {
	if section == "matched" && len(r.saved) == 0 && !slices.Contains(r.layout.sections, section) {
		for i := range r.layout.match {
			if r.layout.match[i].last() == name {
				return r.match[i], true
			}
		}
		return v, name != "size"
	}
	if name == "size" || !r.plain(section) {
		return v, false
	}
	for i := range r.layout.columns {
		if c := &r.layout.columns[i]; c.section == section && c.path[0] == name {
			return r.values[i], true
		}
	}
	return v, true
}

// about says which field an error is about.
func about(field string, err error) error {
	return fault.Wrap(err, fault.CodeMappingReject, "field %s", field)
}

// Get returns a member of the row.
func (r *record) Get(name string) (value.Value, bool) {
	for _, f := range slices.Backward(r.saved) {
		if f.Name == name {
			return f.Value, true
		}
	}
	if i := slices.Index(r.layout.sections, name); i >= 0 {
		if r.sections[i].IsNull() {
			r.sections[i] = r.layout.section(name, r.values, r.clears())
		}
		return r.sections[i], true
	}
	switch name {
	case "key":
		return value.OfText(r.row.Key), true
	case "index":
		return value.OfInt(int64(r.index)), true
	case "operation":
		return value.OfText(string(r.op)), true
	case "match":
		if len(r.match) == 0 {
			return value.Value{}, true
		}
		return r.match[0], true
	case "matched":
		return r.matched(), true
	case "before":
		return r.previous(), true
	case "columns":
		return r.columns(), true
	case "rendered":
		return r.rendered(), true
	default:
		return value.Value{}, false
	}
}

// value returns the value of a field as it is sent; null where it is not mapped.
func (r *record) value(field string) value.Value {
	for i := range r.layout.columns {
		if r.layout.columns[i].name == field {
			return r.values[i]
		}
	}
	for i := range r.layout.match {
		if r.layout.match[i].name == field {
			return r.match[i]
		}
	}
	return value.Value{}
}

func (r *record) save(name string, v value.Value) {
	r.saved = append(r.saved, value.Field{Name: name, Value: v})
}

func (r *record) matched() value.Value {
	fields := make([]value.Field, len(r.match))
	for i, v := range r.match {
		fields[i] = value.Field{Name: r.layout.match[i].last(), Value: v}
	}
	return value.OfMap(fields)
}

func (c *column) last() string { return c.path[len(c.path)-1] }

// previous is what was sent before, as an object of sections.
func (r *record) previous() value.Value {
	if len(r.row.Before) == 0 {
		return value.Value{} // only changed rows have them; the slice may be an empty one that is used again
	}
	values := make([]value.Value, len(r.layout.columns))
	if err := r.layout.apply(values, r.row.Before, false); err != nil {
		return value.Value{} // what cannot be sent was not
	}
	fields := make([]value.Field, len(r.layout.sections))
	for i, name := range r.layout.sections {
		fields[i] = value.Field{Name: name, Value: r.layout.section(name, values, false)}
	}
	return value.OfMap(fields)
}

func (r *record) columns() value.Value {
	fields := make([]value.Field, 0, len(r.layout.schema))
	for i, name := range r.layout.schema {
		if i < len(r.row.Source) {
			fields = append(fields, value.Field{Name: name, Value: r.row.Source[i]})
		}
	}
	return value.OfMap(fields)
}

// rendered evaluates the templates of the sync's settings over the row's columns. Where one fails, the row is refused
// (failed).
func (r *record) rendered() value.Value {
	if r.texts == nil {
		s := template.NewScope(template.DefaultLimits)
		columns := sourceRow{r}
		s.SetRow("row", columns)
		s.SetColumns(columns)
		for name, t := range r.layout.rendered {
			v, err := t.Eval(s)
			if err != nil {
				r.failed = about(name, err)
			}
			r.texts = append(r.texts, value.Field{Name: name, Value: v})
		}
	}
	return value.OfMap(r.texts)
}

// sourceRow is the model's row.
type sourceRow struct{ r *record }

// Get returns a column.
func (s sourceRow) Get(name string) (value.Value, bool) {
	i := slices.Index(s.r.layout.schema, name)
	if i < 0 || i >= len(s.r.row.Source) {
		return value.Value{}, false
	}
	return s.r.row.Source[i], true
}

// section makes the object of one section.
func (l *layout) section(name string, values []value.Value, empty bool) value.Value {
	fields := make([]value.Field, 0, len(values))
	for i := range l.columns {
		c := &l.columns[i]
		switch {
		case c.section != name:
		case values[i].IsNull() && c.omit && !empty:
		case len(c.path) == 1:
			fields = append(fields, value.Field{Name: c.path[0], Value: values[i]})
		default:
			fields = nest(fields, c.path, values[i])
		}
	}
	return value.OfMap(fields)
}

// nest puts a value at a path.
func nest(fields []value.Field, path []string, v value.Value) []value.Field {
	if len(path) == 1 {
		return append(fields, value.Field{Name: path[0], Value: v})
	}
	for i := range fields {
		if fields[i].Name == path[0] && fields[i].Value.Kind() == value.Map {
			fields[i].Value = value.OfMap(nest(slices.Clone(fields[i].Value.Fields()), path[1:], v))
			return fields
		}
	}
	return append(fields, value.Field{Name: path[0], Value: value.OfMap(nest(nil, path[1:], v))})
}

// place says which section a field is in and where there.
func place(field, section string, nested bool, sections []Section) (string, []string) {
	if section == "" {
		section = defaultSection
		for _, s := range sections {
			if rest, in := strings.CutPrefix(field, s.Name+"."); in {
				section, field, nested = s.Name, rest, s.Nested
				break
			}
		}
	} else {
		field = strings.TrimPrefix(field, section+".")
	}
	if nested {
		return section, strings.Split(field, ".")
	}
	return section, []string{field}
}

// defaultSection has the fields that are in no other.
const defaultSection = "fields"
