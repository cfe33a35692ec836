package manifest

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Tree is what a body is built from: YAML whose texts are templates, with a few directives.
type Tree struct{ root node }

// node is a part of a tree.
type node interface{ isNode() }

type (
	leaf   struct{ text *Text }   // a text or another scalar
	array  struct{ items []node } // a list that is written out
	object struct {               // an object
		entries []entry
		names   []string // of the members that are written out, where all are known beforehand
		fixed   bool     // they are
		withs   []int    // entries without a key
	}
	jsonText struct{ do node } // $json: the JSON of something, as a text
	joined   struct {          // $join: the values of a list, as one text
		do node
		by string
	}
	eachRow struct{ do node } // $rows: an item for each row
	each    struct {          // $each: an item for each item of a list
		list Text
		as   string
		do   node
	}
	choice struct { // $if
		cond    Cond
		yes, no node
	}
)

// entry is a member of an object; one without a key adds the members of an object ($with).
type entry struct {
	key   Text
	name  []byte // the key as JSON with its colon, where it is known beforehand
	value node
	null  bool // a plain null is sent
}

func (leaf) isNode()      {}
func (array) isNode()     {}
func (*object) isNode()   {}
func (*jsonText) isNode() {}
func (*joined) isNode()   {}
func (*eachRow) isNode()  {}
func (*each) isNode()     {}
func (*choice) isNode()   {}

func (t *Tree) parse(d *decoder, n *yaml.Node, path string) { t.root = d.tree(n, path) }

func (d *decoder) tree(n *yaml.Node, path string) node {
	if !d.enters(n, path) {
		return leaf{}
	}
	switch n.Kind {
	case yaml.AliasNode:
		return d.tree(n.Alias, path)
	case yaml.SequenceNode:
		a := array{}
		for i, item := range n.Content {
			a.items = append(a.items, d.tree(item, fmt.Sprintf("%s[%d]", path, i)))
		}
		return a
	case yaml.MappingNode:
		return d.branch(n, path)
	default:
		l := leaf{&Text{}}
		l.text.parse(d, n, path)
		return l
	}
}

// directives are the objects that stand for something else, with the words that each takes.
var directives = []struct {
	word  string
	takes []string
}{
	{"$rows", nil}, {"$json", nil}, {"$join", []string{"$by"}}, {"$each", []string{"$as", "$do"}}, {"$if", []string{"$then", "$else"}},
}

func (d *decoder) branch(n *yaml.Node, path string) node {
	words := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		words[n.Content[i].Value] = n.Content[i+1]
	}
	for _, dir := range directives {
		if words[dir.word] == nil {
			continue
		}
		for i := 0; i < len(n.Content); i += 2 {
			if k := n.Content[i]; k.Value != dir.word && !slices.Contains(dir.takes, k.Value) {
				d.fail(k, path+"."+k.Value, "it cannot stand beside %s", dir.word)
			}
		}
		return d.directive(n, dir.word, words, path)
	}
	return d.plain(n, path)
}

func (d *decoder) directive(n *yaml.Node, word string, words map[string]*yaml.Node, path string) node {
	switch word {
	case "$rows":
		return &eachRow{d.tree(words[word], path+".$rows")}
	case "$json":
		return &jsonText{d.tree(words[word], path+".$json")}
	case "$join":
		j := &joined{do: d.tree(words[word], path+".$join"), by: ","}
		if by := words["$by"]; by != nil {
			j.by = by.Value
		}
		return j
	case "$each":
		e := &each{as: "item"}
		e.list.parse(d, words[word], path+".$each")
		if as := words["$as"]; as != nil {
			e.as = as.Value
		}
		if words["$do"] == nil {
			d.fail(n, path, "$each needs $do")
			return e
		}
		e.do = d.tree(words["$do"], path+".$do")
		return e
	default:
		c := &choice{}
		c.cond.parse(d, words[word], path+".$if")
		for key, to := range map[string]*node{"$then": &c.yes, "$else": &c.no} {
			if words[key] != nil {
				*to = d.tree(words[key], path+"."+key)
			}
		}
		return c
	}
}

func (d *decoder) plain(n *yaml.Node, path string) node {
	o := &object{fixed: true}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		e := entry{value: d.tree(v, path+"."+key.Value), null: v.Tag == "!!null"}
		switch {
		case key.Value == "$with":
			o.withs = append(o.withs, len(o.entries))
		case strings.HasPrefix(key.Value, "$") && !strings.HasPrefix(key.Value, "$$"):
			d.fail(key, path+"."+key.Value, "there is no such directive%s", fault.DidYouMean(key.Value, []string{"$rows", "$with", "$json", "$join", "$by", "$if", "$then", "$else", "$each", "$as", "$do"}))
		default:
			text := *key
			if strings.HasPrefix(key.Value, "$$") { // the vendor's own $
				text.Value = key.Value[1:]
			}
			text.Style |= yaml.DoubleQuotedStyle // a key is a text
			e.key.parse(d, &text, path+"."+key.Value)
			e.settle(o)
		}
		o.entries = append(o.entries, e)
	}
	return o
}

// settle notes the key of a member that is always the same.
func (e *entry) settle(o *object) {
	if e.key.tmpl != nil {
		o.fixed = false
		return
	}
	name := e.key.fix.String()
	e.name = append(value.AppendJSONString(nil, name), ':')
	o.names = append(o.names, name)
}

// walk visits every piece of a tree that is evaluated, and its loops.
func walk(n node, piece func(*source), loop func(*each)) {
	switch n := n.(type) {
	case leaf:
		piece(&n.text.source)
	case array:
		for _, item := range n.items {
			walk(item, piece, loop)
		}
	case *object:
		for i := range n.entries {
			piece(&n.entries[i].key.source)
			walk(n.entries[i].value, piece, loop)
		}
	case *eachRow:
		walk(n.do, piece, loop)
	case *jsonText:
		walk(n.do, piece, loop)
	case *joined:
		walk(n.do, piece, loop)
	case *each:
		loop(n)
		piece(&n.list.source)
		walk(n.do, piece, loop)
	case *choice:
		piece(&n.cond.source)
		walk(n.yes, piece, loop)
		walk(n.no, piece, loop)
	}
}
