package manifest

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/millrace/millrace/internal/template"
	"github.com/millrace/millrace/internal/value"
)

// source is a piece of a manifest that is evaluated, and where it stands.
type source struct {
	text string
	path string
	line int
	tmpl *template.Template // nil where the text is what it is
	fix  value.Value        // that text, with its type
	fast []string           // a variable with members, and nothing else

	lasts bool // it is about the connection, the settings and the run alone
	inner bool // an expression in a text of it may name anything (where_exp and its relatives)
}

// given reports whether the manifest has the piece.
func (s *source) given() bool { return s.path != "" }

// Text is a template.
type Text struct{ source }

// Cond is a condition: what stands in {% if %}.
type Cond struct{ source }

// Expr is an expression: what stands in {{ }}.
type Expr struct{ source }

// Call is a method and a path.
type Call struct {
	Method string
	Path   path
}

// path is a template whose outputs are escaped as parts of a path.
type path struct {
	Text
	escaped *template.Template
}

var variable = regexp.MustCompile(`^\{\{-?\s*([a-zA-Z_]\w*(?:\.[a-zA-Z_]\w*)*)\s*-?\}\}$`)

// compile parses what will be evaluated.
func (s *source) compile(d *decoder, n *yaml.Node, path, text string) {
	s.text, s.path, s.line = n.Value, path, n.Line
	if m := variable.FindStringSubmatch(text); m != nil {
		s.fast = strings.Split(m[1], ".")
	}
	t, err := template.Parse(text)
	if err != nil {
		if at, ok := errors.AsType[*template.At](err); ok {
			err = at.Err
		}
		d.fail(n, path, "%v", err)
		return
	}
	s.tmpl = t
	for _, reading := range t.Mixed() {
		d.warn(n, path, "conditions are read from the right: %s; write a list of conditions that must all hold, or what follows the or first", reading)
	}
	s.inner = strings.Contains(text, "_exp")
	s.lasts = !slices.ContainsFunc(t.Paths(), func(p []string) bool { return !slices.Contains(lasting, p[0]) })
}

// lasting are variables that stay what they are as long as a scope.
var lasting = []string{"connection", "settings", "run", "model"}

func (t *Text) parse(d *decoder, n *yaml.Node, path string) {
	if n.Kind != yaml.ScalarNode {
		d.fail(n, path, "a text is expected")
		return
	}
	if !strings.Contains(n.Value, "{{") && !strings.Contains(n.Value, "{%") {
		t.text, t.path, t.line, t.fix = n.Value, path, n.Line, scalar(n)
		return
	}
	t.compile(d, n, path, n.Value)
}

// scalar is a value that is written in YAML, with its type.
func scalar(n *yaml.Node) value.Value {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return value.OfText(n.Value)
	}
	var x any
	if err := n.Decode(&x); err != nil {
		return value.OfText(n.Value)
	}
	switch x.(type) {
	case nil, bool, int, int64, uint64, float64:
		return value.Of(x)
	default:
		return value.OfText(n.Value)
	}
}

// parse reads a condition, or a list of conditions that must all hold.
func (c *Cond) parse(d *decoder, n *yaml.Node, path string) {
	all := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		all = n.Content
	}
	before, after := "", ""
	for _, one := range all {
		if one.Kind != yaml.ScalarNode || strings.Contains(one.Value, "{{") {
			d.fail(one, path, "a condition is expected, without {{ }}")
			return
		}
		before, after = before+"{% if "+one.Value+" %}", "{% endif %}"+after
	}
	if len(all) == 0 {
		d.fail(n, path, "a condition is expected")
		return
	}
	c.compile(d, n, path, before+"1"+after)
	if m := variable.FindStringSubmatch("{{ " + n.Value + " }}"); m != nil {
		c.fast = strings.Split(m[1], ".")
	}
}

func (e *Expr) parse(d *decoder, n *yaml.Node, path string) {
	if n.Kind != yaml.ScalarNode || strings.Contains(n.Value, "{{") {
		d.fail(n, path, "an expression is expected, without {{ }}")
		return
	}
	e.compile(d, n, path, "{{ "+n.Value+" }}")
}

var callForm = regexp.MustCompile(`^(GET|POST|PUT|PATCH|DELETE)\s+(\S.*)$`)

func (c *Call) parse(d *decoder, n *yaml.Node, at string) {
	m := callForm.FindStringSubmatch(strings.TrimSpace(n.Value))
	if n.Kind != yaml.ScalarNode || m == nil {
		d.fail(n, at, "a method and a path are expected, such as GET /lists")
		return
	}
	c.Method = m[1]
	rest := *n
	rest.Value = m[2]
	c.Path.parse(d, &rest, at)
	if c.Path.tmpl != nil {
		escaped, err := template.Parse(outputs.ReplaceAllString(m[2], "$1 | url_encode | replace: '+', '%20' }}"))
		if err != nil {
			d.fail(n, at, "%v", err)
		}
		c.Path.escaped = escaped
	}
}

// outputs finds what a template prints.
var outputs = regexp.MustCompile(`(\{\{.*?)-?\}\}`)

// given reports whether there is a request.
func (c *Call) given() bool { return c.Method != "" }
