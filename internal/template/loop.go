package template

import (
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// loop is a running {% for %} or {% tablerow %}: what its names mean inside.
type loop struct {
	variable string
	item     value.Value
	object   string // forloop or tablerowloop
	label    string // variable-collection
	index    int
	length   int
	columns  int
	parent   *loop
}

// get returns what a name means in the loop.
func (l *loop) get(name string) (value.Value, bool) {
	switch name {
	case l.variable:
		return l.item, true
	case l.object:
		return l.state(), true
	default:
		return value.Value{}, false
	}
}

// state is the object forloop or tablerowloop.
func (l *loop) state() value.Value {
	i, n := int64(l.index), int64(l.length)
	fields := []value.Field{
		{Name: "index", Value: value.OfInt(i + 1)}, {Name: "index0", Value: value.OfInt(i)},
		{Name: "rindex", Value: value.OfInt(n - i)}, {Name: "rindex0", Value: value.OfInt(n - i - 1)},
		{Name: "first", Value: value.OfBool(i == 0)}, {Name: "last", Value: value.OfBool(i == n-1)},
		{Name: "length", Value: value.OfInt(n)}, {Name: "name", Value: value.OfText(l.label)},
	}
	if l.parent != nil {
		fields = append(fields, value.Field{Name: "parentloop", Value: l.parent.state()})
	}
	if l.object == "tablerowloop" {
		fields = append(fields, l.place()...)
	}
	return value.OfMap(fields)
}

// member is a member of state that needs no more than a number.
func (l *loop) member(name string) (value.Value, bool) {
	i, n := int64(l.index), int64(l.length)
	switch name {
	case "index":
		return value.OfInt(i + 1), true
	case "index0":
		return value.OfInt(i), true
	case "rindex":
		return value.OfInt(n - i), true
	case "rindex0":
		return value.OfInt(n - i - 1), true
	case "first":
		return value.OfBool(i == 0), true
	case "last":
		return value.OfBool(i == n-1), true
	case "length":
		return value.OfInt(n), true
	default:
		return value.Value{}, false
	}
}

// place is where a table's loop is.
func (l *loop) place() []value.Field {
	column := l.index % l.columns
	return []value.Field{
		{Name: "row", Value: value.OfInt(int64(l.index/l.columns) + 1)},
		{Name: "col", Value: value.OfInt(int64(column) + 1)}, {Name: "col0", Value: value.OfInt(int64(column))},
		{Name: "col_first", Value: value.OfBool(column == 0)}, {Name: "col_last", Value: value.OfBool(column == l.columns-1)},
	}
}

// header is what {% for %} and {% tablerow %} begin with.
type header struct {
	variable   string
	collection expr
	label      string
	offset     expr
	goOn       bool // offset: continue
	limit      expr
	columns    expr
	reversed   bool
}

func (p *parser) header(args string, at int) (*header, error) {
	w, err := p.words(args, at)
	if err != nil {
		return nil, err
	}
	h := &header{}
	if h.variable, err = w.name(); err != nil {
		return nil, err
	}
	if err := w.expect("in"); err != nil {
		return nil, err
	}
	from := w.peek().at - at
	if h.collection, err = w.operand(); err != nil {
		return nil, err
	}
	h.label = h.variable + "-" + strings.TrimSpace(args[from:min(w.peek().at-at, len(args))])
	for w.peek().kind != tokEnd {
		if err := w.modifier(h); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// modifier reads one of limit, offset, cols and reversed.
func (w *words) modifier(h *header) error {
	w.accept(",")
	if w.accept("reversed") {
		h.reversed = true
		return nil
	}
	target := map[string]*expr{"limit": &h.limit, "offset": &h.offset, "cols": &h.columns}[w.peek().text]
	if target == nil {
		return w.unexpected("limit, offset, cols or reversed is expected")
	}
	name := w.take().text
	if err := w.expect(":"); err != nil {
		return err
	}
	if name == "offset" && w.accept("continue") {
		h.goOn = true
		return nil
	}
	var err error
	*target, err = w.operand()
	return err
}

// items evaluates the collection with its limits. Order as in liquidjs: offset, limit, then reversed.
func (h *header) items(s *Scope) ([]value.Value, error) {
	v, err := h.collection.eval(s)
	if err != nil {
		return nil, err
	}
	list := enumerate(v)
	if len(list) == 0 {
		return nil, nil
	}
	from, err := h.start(s, len(list))
	if err != nil {
		return nil, err
	}
	list = list[from:]
	if h.limit != nil {
		n, err := h.limit.eval(s)
		if err != nil {
			return nil, err
		}
		if !n.IsNull() {
			list = list[:cut(toInt(n), len(list))]
		}
	}
	if s.offsets == nil {
		s.offsets = map[string]int{}
	}
	s.offsets[h.label] = from + len(list)
	if h.reversed {
		list = reversed(list)
	}
	return list, s.step(len(list))
}

func (h *header) start(s *Scope, n int) (int, error) {
	if h.goOn {
		return min(s.offsets[h.label], n), nil
	}
	if h.offset == nil {
		return 0, nil
	}
	v, err := h.offset.eval(s)
	return cut(toInt(v), n), err
}

// cut bounds an index as JavaScript's slice does: a negative one counts from the end.
func cut(at int64, n int) int {
	if at < 0 {
		at += int64(n)
	}
	return int(min(max(at, 0), int64(n)))
}

// enumerate makes a list of what a loop goes over: a list's items, a text as one item, an object's pairs.
func enumerate(v value.Value) []value.Value {
	switch v = v.Parsed(); v.Kind() {
	case value.List:
		return v.List()
	case value.Text:
		if v.Raw() == "" {
			return nil
		}
		return []value.Value{v}
	case value.Map:
		pairs := make([]value.Value, 0, len(v.Fields()))
		for _, f := range v.Fields() {
			pairs = append(pairs, value.OfList([]value.Value{value.OfText(f.Name), f.Value}))
		}
		return pairs
	default:
		return nil
	}
}

func reversed(list []value.Value) []value.Value {
	all := make([]value.Value, len(list))
	for i, v := range list {
		all[len(list)-1-i] = v
	}
	return all
}

// forTag is {% for %}.
type forTag struct {
	*header
	body      []placed
	otherwise []placed
}

func buildFor(p *parser, args string, at int) (node, error) {
	h, err := p.header(args, at)
	if err != nil {
		return nil, err
	}
	n := &forTag{header: h}
	body, e, err := p.until(at, "for", "else", "endfor")
	n.body = body
	if err == nil && e.name == "else" {
		n.otherwise, _, err = p.until(at, "for", "endfor")
	}
	return n, err
}

func (n *forTag) render(s *Scope) (flow, error) {
	items, err := n.items(s)
	if err != nil {
		return next, err
	}
	if len(items) == 0 {
		return renderAll(s, n.otherwise)
	}
	l := s.enter(n.header, "forloop", len(items))
	defer s.leave()
	for i, item := range items {
		l.index, l.item = i, item
		f, err := renderAll(s, n.body)
		if err != nil {
			return next, err
		}
		if f == breakLoop {
			break
		}
	}
	return next, nil
}

func (s *Scope) enter(h *header, object string, length int) *loop {
	l := &loop{variable: h.variable, object: object, label: h.label, length: length, columns: 1}
	if len(s.loops) > 0 {
		l.parent = s.loops[len(s.loops)-1]
	}
	s.loops = append(s.loops, l)
	return l
}

func (s *Scope) leave() { s.loops = s.loops[:len(s.loops)-1] }

// table is {% tablerow %}: the rows and cells of an HTML table.
type table struct {
	*header
	body []placed
}

func buildTable(p *parser, args string, at int) (node, error) {
	h, err := p.header(args, at)
	if err != nil {
		return nil, err
	}
	body, _, err := p.until(at, "tablerow", "endtablerow")
	return &table{h, body}, err
}

func (n *table) render(s *Scope) (flow, error) {
	items, err := n.items(s)
	if err != nil || len(items) == 0 {
		return next, err
	}
	l := s.enter(n.header, "tablerowloop", len(items))
	defer s.leave()
	if l.columns, err = n.width(s, len(items)); err != nil {
		return next, err
	}
	for i, item := range items {
		l.index, l.item = i, item
		f, err := n.cell(s, l)
		if err != nil {
			return next, err
		}
		if f == breakLoop {
			break
		}
	}
	return next, s.write("</tr>")
}

func (n *table) width(s *Scope, all int) (int, error) {
	if n.columns == nil {
		return all, nil
	}
	v, err := n.columns.eval(s)
	if w := toInt(v); w > 0 && w < int64(all) {
		return int(w), err
	}
	return all, err
}

func (n *table) cell(s *Scope, l *loop) (flow, error) {
	opening := ""
	if l.index%l.columns == 0 {
		if l.index > 0 {
			opening = "</tr>"
		}
		opening += `<tr class="row` + strconv.Itoa(l.index/l.columns+1) + `">`
	}
	if err := s.write(opening + `<td class="col` + strconv.Itoa(l.index%l.columns+1) + `">`); err != nil {
		return next, err
	}
	f, err := renderAll(s, n.body)
	if err != nil {
		return next, err
	}
	return f, s.write("</td>")
}
