package template

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/millrace/millrace/internal/value"
)

// builder reads a tag whose name has been read. args is what follows the name, at where in the source.
type builder func(p *parser, args string, at int) (node, error)

// tags are the tags that begin something; those that end or divide are read by the ones that begin. It is filled at the
// start, because tags contain tags.
var tags = map[string]builder{}

func init() {
	maps.Copy(tags, map[string]builder{
		"#": buildRemark, "assign": buildAssign, "break": flowTag("break", breakLoop), "capture": buildCapture, "case": buildCase,
		"comment": buildComment, "continue": flowTag("continue", continueLoop), "cycle": buildCycle,
		"decrement": counter(-1), "echo": buildEcho, "for": buildFor, "doc": buildDoc, "if": buildIf, "ifchanged": buildIfChanged, "include": noFiles("include"),
		"increment": counter(1), "layout": noFiles("layout"), "liquid": buildLiquid, "raw": buildRaw,
		"render": noFiles("render"), "tablerow": buildTable, "unless": buildUnless,
	})
}

var tagNames = sync.OnceValue(func() []string { return slices.Sorted(maps.Keys(tags)) })

// noFiles explains tags that load another template.
func noFiles(name string) builder {
	return func(p *parser, _ string, at int) (node, error) {
		return nil, p.lexer.errorAt(at, "%s loads another template, and there are no others here: write its text in place", name)
	}
}

func flowTag(name string, f flow) builder {
	return func(p *parser, args string, at int) (node, error) {
		return jump{f}, p.nothing(name, args, at)
	}
}

// jump is {% break %} and {% continue %}.
type jump struct{ to flow }

func (n jump) render(*Scope) (flow, error) { return n.to, nil }

// nothing refuses arguments of a tag that takes none.
func (p *parser) nothing(name, args string, at int) error {
	if strings.TrimSpace(args) == "" {
		return nil
	}
	return p.lexer.errorAt(at, "%q takes no arguments", name)
}

// name reads the name of a variable.
func (w *words) name() (string, error) {
	t := w.take()
	if t.kind != tokName && t.kind != tokText || t.text == "" {
		if t.kind != tokEnd {
			w.pos--
		}
		return "", w.unexpected("the name of a variable is expected")
	}
	return t.text, nil
}

// buildAssign reads {% assign name = expression %}.
func buildAssign(p *parser, args string, at int) (node, error) {
	w, err := p.words(args, at)
	if err != nil {
		return nil, err
	}
	name, err := w.name()
	if err != nil {
		return nil, err
	}
	if err := w.expect("="); err != nil {
		return nil, err
	}
	e, err := w.filtered()
	if err != nil {
		return nil, err
	}
	return &assign{name, e}, w.finish()
}

type assign struct {
	name string
	expr expr
}

func (n *assign) render(s *Scope) (flow, error) {
	v, err := n.expr.eval(s)
	if err == nil {
		s.assign(n.name, v)
	}
	return next, err
}

func buildCapture(p *parser, args string, at int) (node, error) {
	w, err := p.words(args, at)
	if err != nil {
		return nil, err
	}
	name, err := w.name()
	if err != nil {
		return nil, err
	}
	if err := w.finish(); err != nil {
		return nil, err
	}
	body, _, err := p.until(at, "capture", "endcapture")
	return &captureTag{name, body}, err
}

type captureTag struct {
	name string
	body []placed
}

func (n *captureTag) render(s *Scope) (flow, error) {
	text, f, err := s.captured(n.body)
	if err == nil {
		s.assign(n.name, value.OfText(text))
	}
	return f, err
}

func counter(by int64) builder {
	return func(p *parser, args string, at int) (node, error) {
		w, err := p.words(args, at)
		if err != nil {
			return nil, err
		}
		name, err := w.name()
		if err != nil {
			return nil, err
		}
		return &count{name, by}, w.finish()
	}
}

// count is {% increment name %}, which prints and then adds, and {% decrement name %}, which takes and then prints.
type count struct {
	name string
	by   int64
}

func (n *count) render(s *Scope) (flow, error) {
	if s.counters == nil {
		s.counters = map[string]int64{}
	}
	v := s.counters[n.name]
	s.counters[n.name] = v + n.by
	if n.by < 0 {
		v += n.by
	}
	return next, s.print(value.OfInt(v))
}

func buildEcho(p *parser, args string, at int) (node, error) {
	if strings.TrimSpace(args) == "" {
		return nil, nil //nolint:nilnil // it writes nothing
	}
	e, err := p.expression(args, at)
	return newOutput(e), err
}

// buildComment skips a block: nothing in it is read, except comments within.
func buildComment(p *parser, _ string, at int) (node, error) {
	l := p.lexer
	if l.lines {
		return nil, l.skipLines(at)
	}
	for depth := 1; depth > 0; {
		start := strings.Index(l.source[l.pos:], "{%")
		if start < 0 {
			return nil, l.errorAt(at, "{%% comment %%} is not closed with {%% endcomment %%}")
		}
		l.pos += start + 2
		body := strings.TrimLeft(strings.TrimPrefix(l.source[l.pos:], "-"), " \t\r\n")
		end := strings.Index(l.source[l.pos:], "%}")
		if end < 0 {
			return nil, l.errorAt(at, "{%% comment %%} is not closed with {%% endcomment %%}")
		}
		switch body[:tagName(body)] {
		case "comment":
			depth++
		case "endcomment":
			depth--
		case "raw":
			l.pos += end + 2
			if _, err := l.raw("raw"); err != nil {
				return nil, err
			}
			continue
		default:
			continue
		}
		l.trim = strings.HasSuffix(l.source[l.pos:l.pos+end], "-")
		l.pos += end + 2
	}
	return nil, nil //nolint:nilnil // it writes nothing
}

// skipLines skips a comment within {% liquid %}.
func (l *lexer) skipLines(at int) error {
	for depth := 1; depth > 0; {
		p, ok := l.line()
		if !ok {
			return l.errorAt(at, "comment is not closed with endcomment")
		}
		switch strings.Fields(p.body)[0] {
		case "comment":
			depth++
		case "endcomment":
			depth--
		}
	}
	return nil
}

// buildRemark checks {% # remark %}: each of its lines begins with #.
func buildRemark(p *parser, args string, at int) (node, error) {
	for _, line := range strings.Split(args, "\n")[1:] {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return nil, p.lexer.errorAt(at, "each line of a {%% # %%} remark begins with #")
		}
	}
	return nil, nil //nolint:nilnil // it writes nothing
}

func buildRaw(p *parser, args string, at int) (node, error) {
	if err := p.nothing("raw", args, at); err != nil {
		return nil, err
	}
	if p.lexer.lines {
		return nil, p.lexer.errorAt(at, "raw cannot stand within liquid")
	}
	body, err := p.lexer.raw("raw")
	return newText(body), err
}

// buildDoc skips {% doc %}: what it holds is for people.
func buildDoc(p *parser, args string, at int) (node, error) {
	if err := p.nothing("doc", args, at); err != nil {
		return nil, err
	}
	if p.lexer.lines {
		return nil, p.lexer.errorAt(at, "doc cannot stand within liquid")
	}
	_, err := p.lexer.raw("doc")
	return nil, err
}

func buildIfChanged(p *parser, args string, at int) (node, error) {
	if err := p.nothing("ifchanged", args, at); err != nil {
		return nil, err
	}
	body, _, err := p.until(at, "ifchanged", "endifchanged")
	return &ifChanged{body}, err
}

// ifChanged prints its block where it is not what the last one was.
type ifChanged struct{ body []placed }

func (n *ifChanged) render(s *Scope) (flow, error) {
	text, f, err := s.captured(n.body)
	if err != nil || text == s.changed {
		return f, err
	}
	s.changed = text
	return f, s.write(text)
}

// buildLiquid reads {% liquid %}: one tag in each line. Its lines become tags of a template of their own.
func buildLiquid(p *parser, args string, at int) (node, error) {
	inner := &parser{lexer: &lexer{source: p.lexer.source, lines: true, pos: at, end: at + len(args)}, used: p.used, depth: p.depth}
	nodes, err := inner.parse()
	p.used, p.dynamic, p.paths = inner.used, p.dynamic || inner.dynamic, append(p.paths, inner.paths...)
	return &group{nodes}, err
}

// group is nodes in a row.
type group struct{ nodes []placed }

func (n *group) render(s *Scope) (flow, error) { return renderAll(s, n.nodes) }

// buildCycle reads {% cycle a, b %} and {% cycle group: a, b %}.
func buildCycle(p *parser, args string, at int) (node, error) {
	w, err := p.words(args, at)
	if err != nil {
		return nil, err
	}
	n := &cycle{key: strings.TrimSpace(args)}
	first, err := w.operand()
	if err != nil {
		return nil, err
	}
	if w.accept(":") {
		n.group = first
		if first, err = w.filtered(); err != nil {
			return nil, err
		}
	}
	n.items = append(n.items, first)
	for w.accept(",") {
		item, err := w.filtered()
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, item)
	}
	if n.group != nil {
		_, after, _ := strings.Cut(n.key, ":")
		n.key = strings.TrimSpace(after)
	}
	return n, w.finish()
}

// cycle prints its items in turn. Cycles with the same group and the same items share their turn.
type cycle struct {
	key   string
	group expr
	items []expr
}

func (n *cycle) render(s *Scope) (flow, error) {
	key := n.key
	if n.group != nil {
		g, err := n.group.eval(s)
		if err != nil {
			return next, err
		}
		key = textOf(g) + "\x00" + key
	}
	if s.cycles == nil {
		s.cycles = map[string]int{}
	}
	at := s.cycles[key]
	s.cycles[key] = (at + 1) % len(n.items)
	v, err := n.items[at].eval(s)
	if err != nil {
		return next, err
	}
	return next, s.print(v)
}
