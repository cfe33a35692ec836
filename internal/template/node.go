package template

import (
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// node is a part of a parsed template.
type node interface {
	render(s *Scope) (flow, error)
}

// flow says how evaluation goes on after a node.
type flow uint8

const (
	next flow = iota
	breakLoop
	continueLoop
)

// printed says what an evaluation has printed so far: it decides whether its value keeps a type.
type printed struct {
	outputs int
	last    value.Value
	text    bool // something that is not blank, or from within a loop
}

// placed is a node and where it begins in the source.
type placed struct {
	node

	at int
}

func renderAll(s *Scope, nodes []placed) (flow, error) {
	for i := range nodes {
		n := &nodes[i]
		err := s.step(1)
		f := next
		if err == nil {
			f, err = n.render(s)
		}
		if err != nil {
			s.failAt(n.at)
			return next, err
		}
		if f != next {
			return f, nil
		}
	}
	return next, nil
}

// text is what stands outside of tags.
type text struct {
	s     string
	blank bool
}

func newText(s string) *text { return &text{s, strings.TrimSpace(s) == ""} }

func (n *text) render(s *Scope) (flow, error) {
	s.out = append(s.out, n.s...)
	s.place.follow(n.s)
	s.printed.text = s.printed.text || !n.blank
	return next, s.grown()
}

// output is {{ expression }}.
type output struct {
	expr     expr
	verbatim verbatim
}

func newOutput(e expr) *output { return &output{e, verbatimOf(e)} }

func (n *output) render(s *Scope) (flow, error) {
	v, err := n.expr.eval(s)
	if err != nil {
		return next, err
	}
	return next, s.printAt(v, n.verbatim[s.place.format])
}

// print writes a value that a tag makes.
func (s *Scope) print(v value.Value) error { return s.printAt(v, false) }

// printAt writes a value as its place asks for it.
func (s *Scope) printAt(v value.Value, verbatim bool) (err error) {
	s.printed.outputs++
	s.printed.last = v
	s.printed.text = s.printed.text || len(s.loops) > 0
	if s.place.format == Plain {
		s.out = appendPrinted(s.out, v)
	} else if s.out, err = s.place.append(s.out, v, verbatim); err != nil {
		return err
	}
	return s.grown()
}

// write writes text that a tag makes.
func (s *Scope) write(text string) error {
	s.printed.text = true
	s.out = append(s.out, text...)
	return s.grown()
}

// appendPrinted appends a value as text: a list as its items in a row, an object as JSON.
func appendPrinted(dst []byte, v value.Value) []byte {
	v = v.Parsed()
	if v.Kind() != value.List {
		return v.AppendText(dst)
	}
	for _, item := range v.List() {
		dst = appendPrinted(dst, item)
	}
	return dst
}

// textOf returns a value as it is printed.
func textOf(v value.Value) string {
	if k := v.Kind(); k != value.List && k != value.JSON {
		return v.String()
	}
	return string(appendPrinted(nil, v))
}

// captured renders nodes into a text of its own.
func (s *Scope) captured(nodes []placed) (string, flow, error) {
	out, start, seen, at := s.out, s.start, s.printed, s.place
	s.out, s.start, s.place = nil, 0, place{format: at.format, captured: true}
	f, err := renderAll(s, nodes)
	result := string(s.out)
	s.out, s.start, s.printed, s.place = out, start, seen, at
	return result, f, err
}

// assign names a value for the rest of the template.
func (s *Scope) assign(name string, v value.Value) {
	if s.locals == nil {
		s.locals = map[string]value.Value{}
	}
	s.locals[name] = v
}
