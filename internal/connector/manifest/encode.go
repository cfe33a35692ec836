package manifest

import (
	"bytes"
	"encoding/xml"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// builder writes a body for some rows.
type builder struct {
	*scope
	rows []*record
	out  []byte
	err  error
	bad  *record // the row that err is about
}

// contentTypes are what the formats of bodies are called.
var contentTypes = map[string]string{
	"": "application/json", "json": "application/json", "ndjson": "application/x-ndjson",
	"form": "application/x-www-form-urlencoded", "xml": "application/xml", "text": "text/plain; charset=utf-8",
}

// write writes a tree in a format, appended to dst.
func (s *scope) write(dst []byte, t *Tree, format string, rows []*record) ([]byte, error) {
	b := &builder{scope: s, rows: rows, out: dst}
	switch format {
	case "", "json":
		b.json(t.root)
	case "ndjson":
		b.lines(t.root)
	default:
		v := b.value(t.root)
		if b.err == nil {
			b.out, b.err = encode(b.out, v, format)
		}
	}
	for _, r := range rows {
		if r.failed != nil {
			return b.out, &rowError{r, r.failed}
		}
	}
	if b.bad != nil {
		return b.out, &rowError{b.bad, b.err}
	}
	return b.out, b.err
}

func encode(dst []byte, v value.Value, format string) ([]byte, error) {
	switch format {
	case "form":
		return appendForm(dst, "", v), nil
	case "xml":
		var b bytes.Buffer
		for _, f := range v.Fields() {
			if err := writeXML(&b, f.Name, f.Value); err != nil {
				return nil, err
			}
		}
		return append(dst, b.Bytes()...), nil
	default:
		return v.AppendText(dst), nil
	}
}

// eval evaluates a piece; the first error stays.
func (b *builder) eval(p *source) value.Value {
	v, err := b.scope.eval(p)
	b.keep(err)
	return v
}

func (b *builder) keep(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *builder) choose(c *choice) node {
	yes, err := b.meets(&c.cond)
	b.keep(err)
	if yes {
		return c.yes
	}
	return c.no
}

// json writes a node as JSON.
func (b *builder) json(n node) {
	if b.err != nil {
		return
	}
	switch n := n.(type) {
	case nil:
		b.out = append(b.out, "null"...)
	case leaf:
		b.out = b.eval(&n.text.source).AppendJSON(b.out)
	case *cell:
		b.out = b.cell(n).AppendJSON(b.out)
	case array:
		b.out = append(b.out, '[')
		for i, item := range n.items {
			b.comma(i)
			b.json(item)
		}
		b.out = append(b.out, ']')
	case *object:
		b.object(n)
	case *eachRow:
		b.out = append(b.out, '[')
		b.eachRow(func(i int) { b.comma(i); b.json(n.do) })
		b.out = append(b.out, ']')
	case *each:
		b.out = append(b.out, '[')
		b.each(n, func(i int) { b.comma(i); b.json(n.do) })
		b.out = append(b.out, ']')
	case *choice:
		b.json(b.choose(n))
	case *jsonText:
		b.out = b.text(n).AppendJSON(b.out)
	case *joined:
		b.out = b.join(n).AppendJSON(b.out)
	}
}

// join writes the values of a list and of the lists in it as one text. Nulls are left out.
func (b *builder) join(n *joined) value.Value {
	var parts []string
	var add func(v value.Value)
	add = func(v value.Value) {
		switch {
		case v.Kind() == value.List:
			for _, item := range v.List() {
				add(item)
			}
		case !v.IsNull():
			parts = append(parts, v.String())
		}
	}
	add(b.value(n.do))
	return value.OfText(strings.Join(parts, n.by))
}

// text writes the JSON of a node as a text.
func (b *builder) text(n *jsonText) value.Value {
	out := b.out
	b.out = nil
	b.json(n.do)
	text := value.OfText(string(b.out))
	b.out = out
	return text
}

func (b *builder) comma(i int) {
	if i > 0 {
		b.out = append(b.out, ',')
	}
}

// eachRow binds one row after another.
func (b *builder) eachRow(do func(i int)) {
	outer := b.row
	for i, r := range b.rows {
		b.bind(r)
		do(i)
		if b.err != nil && b.bad == nil {
			b.bad = r
		}
	}
	if outer != nil {
		b.bind(outer)
	}
}

func (b *builder) each(n *each, do func(i int)) {
	list := b.eval(&n.list.source).Parsed()
	for i, item := range list.List() {
		b.set(n.as, item)
		b.set(n.as+"_index", value.OfInt(int64(i)))
		do(i)
	}
}

// object writes the members whose values are not null, and plain nulls. A name counts once: what is written out wins
// over what is taken from elsewhere, and of that the last one.
func (b *builder) object(o *object) {
	b.out = append(b.out, '{')
	start := len(b.out)
	for i := range o.entries {
		e := &o.entries[i]
		if !e.key.given() {
			b.with(o, i, start)
			continue
		}
		switch n := b.settle(e.value).(type) {
		case nil:
		case leaf:
			b.member(start, e, b.eval(&n.text.source))
		case *cell:
			b.member(start, e, b.cell(n))
		default:
			b.entryKey(start, e)
			b.json(n)
		}
	}
	b.out = append(b.out, '}')
}

// member writes a member that is written out, unless its value is null.
func (b *builder) member(start int, e *entry, v value.Value) {
	if !v.IsNull() || e.null {
		b.entryKey(start, e)
		b.out = v.AppendJSON(b.out)
	}
}

// settle makes the choices that a node begins with.
func (b *builder) settle(n node) node {
	for {
		c, ok := n.(*choice)
		if !ok {
			return n
		}
		n = b.choose(c)
	}
}

// entryKey writes the key of a member that is written out.
func (b *builder) entryKey(start int, e *entry) {
	if e.name == nil {
		b.key(start, b.eval(&e.key.source).String())
		return
	}
	if len(b.out) > start {
		b.out = append(b.out, ',')
	}
	b.out = append(b.out, e.name...)
}

func (b *builder) key(start int, name string) {
	if len(b.out) > start {
		b.out = append(b.out, ',')
	}
	b.out = value.AppendJSONString(b.out, name)
	b.out = append(b.out, ':')
}

// with adds the members of an object that are not written out.
func (b *builder) with(o *object, at, start int) {
	e := &o.entries[at]
	if p, ok := e.value.(*part); ok && b.part(p, start) {
		return
	}
	later := b.later(o, at)
	v := b.value(e.value).Parsed()
	if v.Kind() != value.Map && !v.IsNull() {
		b.keep(fault.New(fault.CodeMappingReject, "an object is expected, and there is a value of type %s", v.Kind()))
		return
	}
	for _, f := range v.Fields() {
		if !b.names(o, f.Name) && !has(later, f.Name) {
			b.key(start, f.Name)
			b.out = f.Value.AppendJSON(b.out)
		}
	}
}

// later are the objects whose members are added after those of an entry, and win.
func (b *builder) later(o *object, at int) []value.Value {
	var all []value.Value
	for _, i := range o.withs {
		if i > at {
			all = append(all, b.value(o.entries[i].value).Parsed())
		}
	}
	return all
}

func has(objects []value.Value, name string) bool {
	return slices.ContainsFunc(objects, func(v value.Value) bool { _, known := v.Get(name); return known })
}

func (b *builder) names(o *object, name string) bool {
	if o.fixed {
		return slices.Contains(o.names, name)
	}
	for i := range o.entries {
		if e := &o.entries[i]; e.key.given() && b.eval(&e.key.source).String() == name {
			return true
		}
	}
	return false
}

// lines writes each item of a list as a line of JSON.
func (b *builder) lines(n node) {
	for _, item := range b.value(n).List() {
		b.out = append(item.AppendJSON(b.out), '\n')
	}
}

// value makes a value of a node, for formats that are not JSON.
func (b *builder) value(n node) value.Value {
	switch n := n.(type) {
	case leaf:
		return b.eval(&n.text.source)
	case *cell:
		return b.cell(n)
	case *part:
		return b.eval(&n.text.source)
	case array:
		items := make([]value.Value, len(n.items))
		for i, item := range n.items {
			items[i] = b.value(item)
		}
		return value.OfList(items)
	case *eachRow:
		var items []value.Value
		b.eachRow(func(int) { items = append(items, b.value(n.do)) })
		return value.OfList(items)
	case *each:
		var items []value.Value
		b.each(n, func(int) { items = append(items, b.value(n.do)) })
		return value.OfList(items)
	case *choice:
		return b.value(b.choose(n))
	case *jsonText:
		return b.text(n)
	case *joined:
		return b.join(n)
	case *object:
		return b.fields(n)
	default:
		return value.Value{}
	}
}

func (b *builder) fields(o *object) value.Value {
	var fields []value.Field
	for i := range o.entries {
		e := &o.entries[i]
		if !e.key.given() {
			later := b.later(o, i)
			for _, f := range b.value(e.value).Parsed().Fields() {
				if !b.names(o, f.Name) && !has(later, f.Name) {
					fields = append(fields, f)
				}
			}
			continue
		}
		if v := b.value(e.value); !v.IsNull() || e.null {
			fields = append(fields, value.Field{Name: b.eval(&e.key.source).String(), Value: v})
		}
	}
	return value.OfMap(fields)
}

// appendForm writes a value as form parameters. Members of objects and lists stand in brackets, as a[b] and a[0]: the
// form that APIs with nested parameters have in common.
func appendForm(dst []byte, name string, v value.Value) []byte {
	switch v = v.Parsed(); v.Kind() {
	case value.Map:
		for _, f := range v.Fields() {
			inner := f.Name
			if name != "" {
				inner = name + "[" + f.Name + "]"
			}
			dst = appendForm(dst, inner, f.Value)
		}
		return dst
	case value.List:
		for i, item := range v.List() {
			dst = appendForm(dst, name+"["+strconv.Itoa(i)+"]", item)
		}
		return dst
	default:
		if len(dst) > 0 {
			dst = append(dst, '&')
		}
		return append(dst, url.QueryEscape(name)+"="+url.QueryEscape(v.String())...)
	}
}

// writeXML writes an element. Members whose names begin with @ are attributes, a member #text is its text, and a list
// is an element for each item.
func writeXML(b *bytes.Buffer, name string, v value.Value) error {
	if v = v.Parsed(); v.Kind() == value.List {
		for _, item := range v.List() {
			if err := writeXML(b, name, item); err != nil {
				return err
			}
		}
		return nil
	}
	b.WriteString("<" + name)
	fields := v.Fields()
	for _, f := range fields {
		if f.Name[:min(1, len(f.Name))] == "@" {
			b.WriteString(" " + f.Name[1:] + `="`)
			xml.EscapeText(b, []byte(f.Value.String())) //nolint:errcheck // a buffer takes everything
			b.WriteString(`"`)
		}
	}
	b.WriteString(">")
	if v.Kind() != value.Map {
		xml.EscapeText(b, []byte(v.String())) //nolint:errcheck // a buffer takes everything
	}
	for _, f := range fields {
		switch {
		case f.Name == "#text":
			xml.EscapeText(b, []byte(f.Value.String())) //nolint:errcheck // a buffer takes everything
		case f.Name[:min(1, len(f.Name))] != "@":
			if err := writeXML(b, f.Name, f.Value); err != nil {
				return err
			}
		}
	}
	b.WriteString("</" + name + ">")
	return nil
}

// sortedNames returns the names of a table of texts in order, so that requests are always the same.
func sortedNames(m map[string]Text) []string {
	list := make([]string, 0, len(m))
	for name := range m {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}
