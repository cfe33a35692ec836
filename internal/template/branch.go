package template

import "github.com/millrace/millrace/internal/value"

// branch is nodes under a condition.
type branch struct {
	test expr
	want bool
	body []placed
}

// branches is {% if %} and {% unless %}: the first branch whose condition holds, or else.
type branches struct {
	all       []branch
	otherwise []placed
}

func buildIf(p *parser, args string, at int) (node, error) {
	return p.branches("if", true, args, at)
}

func buildUnless(p *parser, args string, at int) (node, error) {
	return p.branches("unless", false, args, at)
}

func (p *parser) branches(name string, want bool, args string, at int) (node, error) {
	n := &branches{}
	test, err := p.expression(args, at)
	for err == nil {
		var e *end
		var body []placed
		if body, e, err = p.until(at, name, "elsif", "else", "end"+name); err != nil {
			break
		}
		n.all = append(n.all, branch{test, want, body})
		switch e.name {
		case "elsif":
			want = true
			test, err = p.expression(e.args, e.at+len("elsif"))
			continue
		case "else":
			if err = p.nothing("else", e.args, e.at); err == nil {
				n.otherwise, _, err = p.until(at, name, "end"+name)
			}
		}
		break
	}
	return n, err
}

func (n *branches) render(s *Scope) (flow, error) {
	for _, b := range n.all {
		v, err := b.test.eval(s)
		if err != nil {
			return next, err
		}
		if truthy(v) == b.want {
			return renderAll(s, b.body)
		}
	}
	return renderAll(s, n.otherwise)
}

// choice is {% case %}.
type choice struct {
	of        expr
	whens     []when
	otherwise []placed
}

type when struct {
	values []expr
	body   []placed
}

func buildCase(p *parser, args string, at int) (node, error) {
	of, err := p.expression(args, at)
	if err != nil {
		return nil, err
	}
	n := &choice{of: of}
	_, e, err := p.until(at, "case", "when", "else", "endcase") // what stands before the first when is dropped
	for err == nil && e.name != "endcase" {
		e, err = p.when(n, e, at)
	}
	return n, err
}

// when reads one branch of a case up to the tag that ends it.
func (p *parser) when(n *choice, e *end, at int) (*end, error) {
	if e.name == "else" {
		body, last, err := p.until(at, "case", "endcase")
		n.otherwise = body
		return last, err
	}
	values, err := p.alternatives(e.args, e.at+len("when"))
	if err != nil {
		return nil, err
	}
	body, last, err := p.until(at, "case", "when", "else", "endcase")
	n.whens = append(n.whens, when{values, body})
	return last, err
}

// alternatives reads values separated by commas or or.
func (p *parser) alternatives(args string, at int) ([]expr, error) {
	w, err := p.words(args, at)
	if err != nil {
		return nil, err
	}
	var all []expr
	for {
		v, err := w.operand()
		if err != nil {
			return nil, err
		}
		all = append(all, v)
		if !w.accept(",") && !w.accept("or") {
			return all, w.finish()
		}
	}
}

func (n *choice) render(s *Scope) (flow, error) {
	v, err := n.of.eval(s)
	if err != nil {
		return next, err
	}
	hit := false
	for _, w := range n.whens {
		is, err := w.matches(s, v)
		if err != nil {
			return next, err
		}
		if !is {
			continue
		}
		hit = true
		if f, err := renderAll(s, w.body); err != nil || f != next {
			return f, err
		}
	}
	if hit {
		return next, nil
	}
	return renderAll(s, n.otherwise)
}

func (w when) matches(s *Scope, v value.Value) (bool, error) {
	for _, e := range w.values {
		other, err := e.eval(s)
		if err != nil {
			return false, err
		}
		if compare("==", literal{v}, e, v, other) {
			return true, nil
		}
	}
	return false, nil
}
