package template

import (
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

type parser struct {
	lexer   *lexer
	used    map[string]bool
	dynamic bool
	paths   [][]string
	mixed   []string
	depth   int
}

// maxDepth is how deep tags may nest.
const maxDepth = 100

// end is a tag that closes or divides a block.
type end struct {
	name string
	args string
	at   int
}

func (p *parser) parse() ([]placed, error) {
	nodes, e, err := p.block(nil)
	if err == nil && e != nil {
		err = p.lexer.errorAt(e.at, "there is nothing to close or divide with %q", e.name)
	}
	return nodes, err
}

// block reads nodes up to one of the tags in stop, or the end of the source.
func (p *parser) block(stop []string) ([]placed, *end, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, nil, p.lexer.errorAt(p.lexer.pos, "tags nest more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	var nodes []placed
	for {
		piece, ok, err := p.lexer.next()
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			return nodes, nil, nil
		}
		switch piece.kind {
		case pieceText:
			if piece.body != "" {
				nodes = append(nodes, placed{newText(piece.body), piece.at})
			}
		case pieceOutput:
			e, err := p.expression(piece.body, piece.at)
			if err != nil {
				return nil, nil, err
			}
			nodes = append(nodes, placed{newOutput(e), piece.at})
		case pieceTag:
			n, e, err := p.tag(piece, stop)
			if err != nil || e != nil {
				return nodes, e, err
			}
			if n != nil {
				nodes = append(nodes, placed{n, piece.at})
			}
		}
	}
}

// tag reads a tag: a node, or the end of the block that is being read.
func (p *parser) tag(piece piece, stop []string) (node, *end, error) {
	body := strings.TrimLeft(piece.body, " \t\r\n")
	at := piece.at + len(piece.body) - len(body)
	name := body[:tagName(body)]
	args := body[len(name):]
	if slices.Contains(stop, name) {
		return nil, &end{name, args, at}, nil
	}
	build, known := tags[name]
	if !known {
		return nil, nil, p.lexer.errorAt(at, "there is no tag %q%s", name, fault.DidYouMean(name, tagNames()))
	}
	n, err := build(p, args, at+len(name))
	return n, nil, err
}

func tagName(s string) int {
	if strings.HasPrefix(s, "#") {
		return 1
	}
	n := 0
	for n < len(s) && (s[n] == '_' || s[n] >= 'a' && s[n] <= 'z' || s[n] >= 'A' && s[n] <= 'Z' || s[n] >= '0' && s[n] <= '9') {
		n++
	}
	return n
}

// until reads a block that ends with a tag.
func (p *parser) until(at int, opening string, stop ...string) ([]placed, *end, error) {
	nodes, e, err := p.block(stop)
	if err == nil && e == nil {
		err = p.lexer.errorAt(at, "{%% %s %%} is not closed with {%% %s %%}", opening, stop[len(stop)-1])
	}
	return nodes, e, err
}

// words reads an expression word by word.
type words struct {
	p     *parser
	all   []token
	pos   int
	chain []string // what the condition being read joins, and the words that join it
}

func (p *parser) words(s string, at int) (*words, error) {
	all, err := tokens(s, at, p.lexer)
	return &words{p: p, all: all}, err
}

func (w *words) peek() token { return w.all[w.pos] }

func (w *words) take() token {
	t := w.all[w.pos]
	if t.kind != tokEnd {
		w.pos++
	}
	return t
}

func (w *words) accept(sign string) bool {
	if t := w.peek(); t.kind != tokText && t.text == sign && t.kind != tokEnd {
		w.pos++
		return true
	}
	return false
}

func (w *words) expect(sign string) error {
	if w.accept(sign) {
		return nil
	}
	return w.unexpected("%q is expected", sign)
}

func (w *words) unexpected(format string, args ...any) error {
	t := w.peek()
	found := "the end"
	if t.kind != tokEnd {
		found = strconv.Quote(t.text)
	}
	return w.p.lexer.errorAt(t.at, format+", not "+found, args...)
}

// finish refuses words that are left over. Two names in a row are most often one of a column.
func (w *words) finish() error {
	t := w.peek()
	if t.kind == tokEnd {
		return nil
	}
	if last := w.all[max(0, w.pos-1)]; w.pos > 0 && last.kind == tokName && t.kind == tokName {
		return w.p.lexer.errorAt(t.at, "nothing more is expected, not %q; a column whose name has a space is written row['%s %s']", t.text, last.text, t.text)
	}
	return w.unexpected("nothing more is expected")
}

// expression reads a whole output: a condition with filters.
func (p *parser) expression(s string, at int) (expr, error) {
	w, err := p.words(s, at)
	if err != nil {
		return nil, err
	}
	e, err := w.filtered()
	if err != nil {
		return nil, err
	}
	return e, w.finish()
}

// filtered reads an expression followed by filters.
func (w *words) filtered() (expr, error) {
	e, err := w.condition()
	for err == nil && w.accept("|") {
		e, err = w.filter(e)
	}
	return e, err
}

func (w *words) filter(input expr) (expr, error) {
	t := w.take()
	if t.kind != tokName {
		w.pos--
		return nil, w.unexpected("the name of a filter is expected")
	}
	do, known := filters[t.text]
	if !known {
		return nil, w.p.lexer.errorAt(t.at, "there is no filter %q%s", t.text, fault.DidYouMean(t.text, filterNames()))
	}
	c := &call{input: input, name: t.text, do: do, at: t.at}
	if !w.accept(":") {
		return c, nil
	}
	for {
		if err := w.argument(c); err != nil {
			return nil, err
		}
		if !w.accept(",") {
			return c, nil
		}
	}
}

func (w *words) argument(c *call) error {
	if t := w.peek(); t.kind == tokName && w.pos+1 < len(w.all) && w.all[w.pos+1].text == ":" && w.all[w.pos+1].kind == tokSign {
		w.pos += 2
		v, err := w.operand()
		c.named = append(c.named, namedArg{t.text, v})
		return err
	}
	v, err := w.operand()
	c.args = append(c.args, v)
	return err
}

// condition reads comparisons joined by and and or, which bind from the right.
func (w *words) condition() (expr, error) {
	from := w.pos
	left, err := w.comparison()
	if err != nil {
		return nil, err
	}
	w.chain = append(w.chain, w.written(from))
	for _, op := range []string{"and", "or"} {
		if t := w.peek(); t.kind == tokName && t.text == op {
			w.pos++
			if w.pos > 500 {
				return nil, w.unexpected("a shorter condition is expected")
			}
			w.chain = append(w.chain, op)
			right, err := w.condition()
			return &binary{op, left, right}, err
		}
	}
	if r := reading(w.chain); r != "" {
		w.p.mixed = append(w.p.mixed, r)
	}
	w.chain = w.chain[:0]
	return left, nil
}

// written is the source of the words from a position to where the reader is.
func (w *words) written(from int) string {
	return strings.TrimSpace(w.p.lexer.source[w.all[from].at:w.peek().at])
}

// reading writes comparisons joined by and and or with the parentheses that show how they bind; empty where they bind
// alike in every language, as they do unless an or comes after an and.
func reading(chain []string) string {
	and := slices.Index(chain, "and")
	if and < 0 || !slices.Contains(chain[and:], "or") {
		return ""
	}
	var b strings.Builder
	open := 0
	for i, word := range chain {
		if i > 0 {
			b.WriteByte(' ')
		}
		if i > 0 && i%2 == 0 && i+1 < len(chain) && chain[i+1] != chain[i-1] {
			b.WriteByte('(')
			open++
		}
		b.WriteString(word)
	}
	return b.String() + strings.Repeat(")", open)
}

var comparisons = map[string]bool{"==": true, "!=": true, "<>": true, ">": true, "<": true, ">=": true, "<=": true, "contains": true}

func (w *words) comparison() (expr, error) {
	if t := w.peek(); t.kind == tokName && t.text == "not" && w.pos+1 < len(w.all) && !endsOperand(w.all[w.pos+1]) {
		w.pos++
		e, err := w.comparison()
		return &not{e}, err
	}
	left, err := w.operand()
	if err != nil {
		return nil, err
	}
	t := w.peek()
	if t.kind == tokText || !comparisons[t.text] {
		return left, nil
	}
	w.pos++
	right, err := w.operand()
	return &binary{t.text, left, right}, err
}

// endsOperand reports whether a word cannot begin an operand: then the word before it is a variable.
func endsOperand(t token) bool {
	switch t.kind {
	case tokEnd:
		return true
	case tokSign:
		return t.text != "(" && t.text != "["
	case tokName:
		return t.text == "and" || t.text == "or" || t.text == "contains"
	default:
		return false
	}
}

var constants = map[string]expr{
	"nil": literal{}, "null": literal{}, "true": literal{value.OfBool(true)}, "false": literal{value.OfBool(false)},
	"empty": special{"empty"}, "blank": special{"blank"},
}

// operand reads a constant, a variable or a range.
func (w *words) operand() (expr, error) {
	t := w.take()
	switch {
	case t.kind == tokText:
		return literal{value.OfText(t.text)}, nil
	case t.kind == tokNumber:
		return literal{numberOf(t.text)}, nil
	case t.kind == tokSign && t.text == "(":
		return w.span()
	case t.kind == tokSign && t.text == "[":
		w.pos--
		return w.variable("")
	case t.kind == tokName:
		if c, ok := constants[t.text]; ok && w.peek().text != "." && w.peek().text != "[" {
			return c, nil
		}
		return w.variable(t.text)
	default:
		if t.kind != tokEnd {
			w.pos--
		}
		return nil, w.unexpected("a value is expected")
	}
}

func numberOf(text string) value.Value {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return value.OfInt(i)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return value.Value{}
	}
	return value.OfFloat(f)
}

func (w *words) span() (expr, error) {
	from, err := w.operand()
	if err != nil {
		return nil, err
	}
	if err := w.expect(".."); err != nil {
		return nil, err
	}
	to, err := w.operand()
	if err != nil {
		return nil, err
	}
	return &span{from, to}, w.expect(")")
}

// variable reads a name and its members, and notes the columns that it names.
func (w *words) variable(name string) (expr, error) {
	v := &path{root: name}
	for {
		switch {
		case w.accept("."):
			t := w.take()
			if t.kind != tokName && t.kind != tokNumber {
				w.pos--
				return nil, w.unexpected("the name of a member is expected")
			}
			v.steps = append(v.steps, literal{value.OfText(t.text)})
		case w.accept("["):
			key, err := w.operand()
			if err != nil {
				return nil, err
			}
			if err := w.expect("]"); err != nil {
				return nil, err
			}
			v.steps = append(v.steps, key)
		default:
			w.p.note(v)
			return v, nil
		}
	}
}

// note remembers which columns a variable may name, and its path as far as it is written out.
func (p *parser) note(v *path) {
	p.paths = append(p.paths, v.written())
	if p.used == nil {
		p.used = map[string]bool{}
	}
	if v.root == "" {
		p.dynamic = true
	}
	if v.root != "row" {
		p.used[v.root] = true
		if v.root == "rows" {
			p.dynamic = true
		}
		return
	}
	if len(v.steps) == 0 {
		p.dynamic = true
		return
	}
	if l, ok := v.steps[0].(literal); ok {
		p.used[l.v.String()] = true
	} else {
		p.dynamic = true
	}
}

// written returns the names of a path up to the first one that is computed.
func (e *path) written() []string {
	names := []string{e.root}
	for _, step := range e.steps {
		l, ok := step.(literal)
		if !ok {
			break
		}
		names = append(names, l.v.String())
	}
	return names
}

func (p *parser) columns() []string {
	names := make([]string, 0, len(p.used))
	for name := range p.used {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
