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
}

func newScope() *scope { return &scope{t: template.NewScope(limits)} }

func (s *scope) set(name string, v value.Value) { s.t.Set(name, v) }

// keepVar saves what later steps know as vars.NAME.
func (s *scope) keepVar(name string, v value.Value) {
	fields := slices.DeleteFunc(slices.Clone(s.vars), func(f value.Field) bool { return f.Name == name })
	s.vars = append(fields, value.Field{Name: name, Value: v})
	s.set("vars", value.OfMap(s.vars))
}

// bind gives a row to the templates.
func (s *scope) bind(r *record) {
	s.row = r
	s.t.SetRow("row", r)
}

// eval returns the value of a piece; one that the manifest does not have is null.
func (s *scope) eval(p *source) (value.Value, error) {
	switch {
	case p.tmpl == nil:
		return p.fix, nil
	case p.fast != nil && p.fast[0] == "row" && s.row != nil && len(p.fast) > 1:
		v, _ := s.row.Get(p.fast[1])
		for _, name := range p.fast[2:] {
			v, _ = v.Parsed().Get(name)
		}
		return v, nil
	default:
		v, err := p.tmpl.Eval(s.t)
		return v, p.wrong(err)
	}
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
	out, err := c.tmpl.Render(s.t, s.buf[:0])
	s.buf = out
	return len(out) > 0, c.wrong(err)
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
	return value.Of(map[string]any(m))
}
