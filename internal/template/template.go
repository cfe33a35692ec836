// Package template is Liquid with types: a template that is one expression gives a number, a boolean, a list or an
// object, not only text. Evaluation is bounded in steps, output and time, and never panics.
//
// Where the dialects of Liquid differ, this one follows liquidjs: docs/reference/liquid.md and testdata/differences.jsonl
// list the choices.
package template

import (
	"regexp"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Template is parsed. It is safe for concurrent use.
type Template struct {
	source  string
	nodes   []placed
	columns []string
	dynamic bool
	paths   [][]string
	mixed   []string
	format  Format
}

// Limits bound one evaluation.
type Limits struct {
	Steps  int           // nodes and items evaluated
	Output int           // bytes
	Time   time.Duration // wall clock
}

// DefaultLimits are generous for a row and small for a server.
var DefaultLimits = Limits{Steps: 200_000, Output: 4 << 20, Time: time.Second}

// Row gives columns by name.
type Row interface {
	Get(name string) (value.Value, bool)
}

// DeepRow is a Row that can read a member of one of its members without making an object of that. ok is false where it
// cannot: then Get is asked.
type DeepRow interface {
	Row
	GetIn(member, name string) (v value.Value, ok bool)
}

// Scope is what a template sees. It is reused from row to row and is not safe for concurrent use.
type Scope struct {
	limits   Limits
	vars     map[string]value.Value
	unmade   map[string]func() value.Value // of vars, those that nothing has asked for
	rows     map[string]Row
	bare     Row
	lookups  map[string]Lookup
	locals   map[string]value.Value
	counters map[string]int64
	cycles   map[string]int
	offsets  map[string]int
	loops    []*loop

	exprs    map[string]expr
	patterns map[string]*regexp.Regexp

	steps    int
	failed   int // where in the source the evaluation failed; -1 while it has not
	args     []value.Value
	changed  string // what the last {% ifchanged %} printed
	printed  printed
	place    place
	deadline time.Time
	out      []byte
	start    int
}

// Lookup finds what a place outside calls something. An error refuses the row, or says when to try again.
type Lookup func(text string) (string, error)

// NewScope returns an empty scope with limits.
func NewScope(l Limits) *Scope {
	return &Scope{limits: l, vars: map[string]value.Value{}, rows: map[string]Row{}}
}

// Reset forgets everything but the limits.
func (s *Scope) Reset() {
	clear(s.vars)
	clear(s.unmade)
	clear(s.rows)
	s.bare, s.lookups = nil, nil
}

// SetLookup lets a filter that asks another place work, such as slack_user_lookup.
func (s *Scope) SetLookup(filter string, find Lookup) {
	if s.lookups == nil {
		s.lookups = map[string]Lookup{}
	}
	s.lookups[filter] = find
}

// Set names a value.
func (s *Scope) Set(name string, v value.Value) {
	s.vars[name] = v
	if len(s.unmade) > 0 {
		delete(s.unmade, name)
	}
}

// SetLazily names a value that is made when a template first asks for it.
func (s *Scope) SetLazily(name string, build func() value.Value) {
	if s.unmade == nil {
		s.unmade = map[string]func() value.Value{}
	}
	delete(s.vars, name)
	s.unmade[name] = build
}

// given finds a name among what Set and SetLazily named.
func (s *Scope) given(name string) (value.Value, bool) {
	v, ok := s.vars[name]
	if ok || len(s.unmade) == 0 {
		return v, ok
	}
	build, ok := s.unmade[name]
	if ok {
		v = build()
		s.Set(name, v)
	}
	return v, ok
}

// SetRow names a row.
func (s *Scope) SetRow(name string, r Row) { s.rows[name] = r }

// SetColumns lets bare names that nothing else has be columns of a row.
func (s *Scope) SetColumns(r Row) { s.bare = r }

// begin starts an evaluation: what an earlier one assigned is gone.
func (s *Scope) begin(dst []byte, f Format) {
	if len(s.locals)+len(s.counters)+len(s.cycles)+len(s.offsets) > 0 {
		clear(s.locals)
		clear(s.counters)
		clear(s.cycles)
		clear(s.offsets)
	}
	s.loops, s.args, s.changed = s.loops[:0], s.args[:0], ""
	s.steps, s.failed, s.out, s.start, s.printed, s.place = 0, -1, dst, len(dst), printed{}, place{format: f}
	s.deadline = time.Time{}
}

// step counts work, and ends what takes too much of it.
func (s *Scope) step(n int) error {
	before := s.steps
	s.steps += n
	if s.limits.Steps > 0 && s.steps > s.limits.Steps {
		return fault.New(fault.CodeTemplateLimit, "the template takes more than %d steps", s.limits.Steps)
	}
	if before>>clockSteps != s.steps>>clockSteps && s.limits.Time > 0 {
		return s.late()
	}
	return nil
}

// clockSteps is how often the time is looked at: every 256 steps, as a power of two. Most templates take fewer, and
// need no clock.
const clockSteps = 8

func (s *Scope) late() error {
	now := time.Now()
	switch {
	case s.deadline.IsZero():
		s.deadline = now.Add(s.limits.Time)
	case now.After(s.deadline):
		return fault.New(fault.CodeTemplateLimit, "the template takes longer than %s", s.limits.Time)
	}
	return nil
}

// grown checks the output's size.
func (s *Scope) grown() error { return s.fits(len(s.out) - s.start) }

func (s *Scope) fits(size int) error {
	if s.limits.Output > 0 && size > s.limits.Output {
		return fault.New(fault.CodeTemplateLimit, "the template makes more than %d bytes", s.limits.Output)
	}
	return nil
}

// Parse reads a template that writes plain text. An error names line and column.
func Parse(source string) (*Template, error) {
	p := &parser{lexer: newLexer(source)}
	nodes, err := p.parse()
	if err != nil {
		return nil, err
	}
	return &Template{source: source, nodes: nodes, columns: p.columns(), dynamic: p.dynamic, paths: p.paths, mixed: p.mixed}, nil
}

// Columns returns the columns that the template names, and whether it also computes names.
func (t *Template) Columns() (names []string, dynamic bool) { return t.columns, t.dynamic }

// Paths returns every variable that the template reads, as its name and those of the members that are written out.
// Variables of loops and assignments are among them.
func (t *Template) Paths() [][]string { return t.paths }

// Mixed returns the conditions in which an or comes after an and, with parentheses that show how they are read: from the
// right, and not with the closer and first, as other languages do.
func (t *Template) Mixed() []string { return t.mixed }

// Render appends the template's text to dst.
func (t *Template) Render(s *Scope, dst []byte) ([]byte, error) {
	s.begin(dst, t.format)
	if _, err := renderAll(s, t.nodes); err != nil {
		return dst, at(t.source, s.failed, err)
	}
	return s.out, nil
}

// Holds reports whether a template prints anything. Where it is one {% if %} that prints a text, its condition alone is
// evaluated.
func (t *Template) Holds(s *Scope) (bool, error) {
	test := t.condition()
	if test == nil {
		out, err := t.Render(s, nil)
		return len(out) > 0, err
	}
	s.begin(nil, t.format)
	v, err := test.eval(s)
	if err != nil {
		s.failAt(t.nodes[0].at)
		return false, at(t.source, s.failed, err)
	}
	return truthy(v), nil
}

// condition is that of a template that is one {% if %} without other branches, and with text.
func (t *Template) condition() expr {
	if len(t.nodes) != 1 {
		return nil
	}
	n, ok := t.nodes[0].node.(*branches)
	if !ok || len(n.all) != 1 || !n.all[0].want || n.otherwise != nil || len(n.all[0].body) != 1 {
		return nil
	}
	if _, ok := n.all[0].body[0].node.(*text); !ok {
		return nil
	}
	return n.all[0].test
}

// Eval returns the template's value. Where one output was printed, outside of loops, and nothing else but blank
// text, it is the value of that output, with its type; otherwise it is the text.
func (t *Template) Eval(s *Scope) (value.Value, error) {
	s.begin(nil, t.format)
	if len(t.nodes) == 1 {
		if o, ok := t.nodes[0].node.(*output); ok {
			return t.evalOne(s, o)
		}
	}
	if _, err := renderAll(s, t.nodes); err != nil {
		return value.Value{}, at(t.source, s.failed, err)
	}
	if s.printed.outputs == 1 && !s.printed.text {
		return s.printed.last, nil
	}
	return value.OfText(string(s.out)), nil
}

// evalOne returns the value of a template that is one output. Its size is bounded as that of a text is.
func (t *Template) evalOne(s *Scope, o *output) (value.Value, error) {
	v, err := o.expr.eval(s)
	if err == nil && v.Kind() == value.Text {
		err = s.fits(len(v.Raw()))
	}
	if err != nil {
		s.failAt(t.nodes[0].at)
		return value.Value{}, at(t.source, s.failed, err)
	}
	return v, nil
}
