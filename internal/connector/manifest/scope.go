package manifest

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/template"
	"github.com/millrace/millrace/internal/value"
)

// limits are made for a batch and the answer to it.
var limits = template.Limits{Steps: 20_000_000, Output: 32 << 20, Time: 10 * template.DefaultLimits.Time}

// scope is what templates see. It is not safe for concurrent use.
type scope struct {
	t    *template.Scope
	row  *record // what the name row means; nil for none
	vars []value.Field
	buf  []byte
	body []byte // of the last request

	settled map[*source]bool // conditions on what a scope has from its beginning
	records []record         // room for the rows of a batch
	rows    []*record
	values  []value.Value
}

func newScope() *scope { return &scope{t: template.NewScope(limits)} }

// scopeOf is a scope with variables.
func scopeOf(given []value.Field) *scope {
	s := newScope()
	for _, v := range given {
		s.set(v.Name, v.Value)
	}
	return s
}

func (s *scope) set(name string, v value.Value) { s.t.Set(name, v) }

// keepVar saves what later steps know as vars.NAME.
func (s *scope) keepVar(name string, v value.Value) {
	vars := slices.DeleteFunc(slices.Clone(s.vars), func(f value.Field) bool { return f.Name == name })
	s.setVars(append(vars, value.Field{Name: name, Value: v}))
}

func (s *scope) setVars(vars []value.Field) {
	s.vars = vars
	s.set("vars", value.OfMap(vars))
}

// forget takes the last answer from the templates.
func (s *scope) forget() {
	for _, name := range []string{"status", "headers", "body", "item"} {
		s.set(name, value.Value{})
	}
}

// bind gives a row to the templates.
func (s *scope) bind(r *record) {
	if s.row != r || r == nil {
		s.row = r
		s.t.SetRow("row", r)
	}
}

// room is that of a batch: records and so many values for each.
func (s *scope) room(rows, each int) ([]record, []value.Value) {
	if cap(s.records) < rows || cap(s.values) < rows*each {
		s.records, s.rows, s.values = make([]record, rows), make([]*record, 0, rows), make([]value.Value, rows*each)
	}
	s.row = nil
	return s.records[:rows], s.values[:rows*each]
}

// eval returns the value of a piece; one that the manifest does not have is null.
func (s *scope) eval(p *source) (value.Value, error) {
	switch {
	case p.tmpl == nil:
		return p.fix, nil
	case p.fast != nil:
		if v, known := s.member(p.fast); known {
			return v, nil
		}
	}
	v, err := p.tmpl.Eval(s.t)
	return v, p.wrong(err)
}

// member returns a member of the row, without a template; known is false for everything else.
func (s *scope) member(path []string) (v value.Value, known bool) {
	if path[0] != "row" || s.row == nil || len(path) < 2 {
		return v, false
	}
	if len(path) > 2 {
		if v, known = s.row.GetIn(path[1], path[2]); known {
			path = path[1:]
		}
	}
	if !known {
		v, _ = s.row.Get(path[1])
	}
	for _, name := range path[2:] {
		v, known = v.Parsed().Get(name)
		if !known && name == "size" {
			return v, false // the size of a list, a text or an object
		}
	}
	return v, true
}

// text returns a piece as text. It is empty for null.
func (s *scope) text(p *source) (string, error) {
	v, err := s.eval(p)
	if err != nil || v.IsNull() {
		return "", err
	}
	return v.String(), nil
}

// holds reports whether a condition is met; one that the manifest does not have always is.
func (s *scope) holds(c *Cond) (bool, error) {
	if !c.given() {
		return true, nil
	}
	return s.meets(c)
}

// meets reports whether a condition is met; one that the manifest does not have never is.
func (s *scope) meets(c *Cond) (bool, error) {
	if !c.given() {
		return false, nil
	}
	if c.fast != nil {
		if v, known := s.member(c.fast); known {
			return !v.IsNull() && (v.Kind() != value.Bool || v.Bool()), nil
		}
	}
	if holds, known := s.settled[&c.source]; known {
		return holds, nil
	}
	holds, err := c.tmpl.Holds(s.t)
	if err == nil && !c.inner && (c.lasts || s.row != nil && s.row.layout.fixes(c.tmpl.Paths())) {
		if s.settled == nil {
			s.settled = map[*source]bool{}
		}
		s.settled[&c.source] = holds
	}
	return holds, c.wrong(err)
}

// wrong says which piece of the manifest could not be evaluated.
func (s *source) wrong(err error) error {
	if err == nil {
		return nil
	}
	return fault.Reclass(fault.Wrap(err, fault.CodeTemplate, "%s", strings.TrimPrefix(s.path, ".")), fault.Permanent)
}

// mapOf makes a value of settings.
func mapOf(m map[string]any) value.Value {
	if m == nil {
		return value.OfMap(nil)
	}
	return value.Of(m)
}
