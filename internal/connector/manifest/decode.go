package manifest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/millrace/millrace/internal/fault"
)

// decoder reads YAML into the language's structs and notes every mistake with its line.
type decoder struct {
	file   string
	issues fault.Issues
	doubts fault.Issues // what works, and may be meant otherwise
	nodes  int          // read so far, those behind aliases each time
	full   bool
}

// maxNodes is how large a manifest may be, with its aliases written out: the largest of the build has a tenth of it.
const maxNodes = 200_000

// maxPath bounds how deep a manifest goes, by the length of the path.
const maxPath = 2000

// enters reports whether another node may be read. A manifest that contains itself has no end.
func (d *decoder) enters(n *yaml.Node, path string) bool {
	d.nodes++
	if (d.nodes > maxNodes || len(path) > maxPath) && !d.full {
		d.full = true
		d.fail(n, path, "the manifest is too large, or contains itself")
	}
	return !d.full
}

// parsed is a value that reads its own node.
type parsed interface {
	parse(d *decoder, n *yaml.Node, path string)
}

func (d *decoder) fail(n *yaml.Node, path string, format string, args ...any) {
	e := fault.New(fault.CodeInvalid, "%s:%d: %s", d.file, n.Line, fmt.Sprintf(format, args...)).
		WithPath(path).At(fault.Place{Line: n.Line, Column: n.Column})
	d.issues = append(d.issues, e)
}

// warn notes what works and may be meant otherwise, once for each place: an alias is read each time.
func (d *decoder) warn(n *yaml.Node, path string, format string, args ...any) {
	e := fault.New(fault.CodeInvalid, "%s:%d: %s", d.file, n.Line, fmt.Sprintf(format, args...)).WithPath(strings.TrimPrefix(path, "."))
	if !slices.ContainsFunc(d.doubts, func(known *fault.Error) bool { return known.Message == e.Message }) {
		d.doubts = append(d.doubts, e)
	}
}

// decode reads a node into v, which can be set.
func (d *decoder) decode(n *yaml.Node, v reflect.Value, path string) {
	if !d.enters(n, path) {
		return
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if p, ok := reflect.TypeAssert[parsed](v.Addr()); ok {
		p.parse(d, n, path)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(n, v.Elem(), path)
	case reflect.Struct:
		d.object(n, v, path)
	case reflect.Slice:
		d.list(n, v, path)
	case reflect.Map:
		d.table(n, v, path)
	default:
		if err := n.Decode(v.Addr().Interface()); err != nil || n.Kind != yaml.ScalarNode && v.Kind() != reflect.Interface {
			d.fail(n, path, "%s is expected", kindWords[v.Kind()])
		}
	}
}

var kindWords = map[reflect.Kind]string{
	reflect.String: "a text", reflect.Int: "a whole number", reflect.Bool: "true or false", reflect.Float64: "a number",
}

// member is one field of a struct of the language.
type member struct {
	name     string
	index    []int
	required bool
	enum     []string
	doc      string
	typ      reflect.Type
}

// members lists the fields of a struct of the language, those of inlined structs among them.
func members(t reflect.Type) []member {
	var all []member
	for i := range t.NumField() {
		f := t.Field(i)
		name, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case option == "inline":
			for _, m := range members(f.Type) {
				m.index = append([]int{i}, m.index...)
				all = append(all, m)
			}
		case name != "":
			m := member{name: name, index: []int{i}, required: f.Tag.Get("required") == "true", doc: f.Tag.Get("doc"), typ: f.Type}
			if e := f.Tag.Get("enum"); e != "" {
				m.enum = strings.Split(e, ",")
			}
			all = append(all, m)
		}
	}
	return all
}

func (d *decoder) object(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "an object is expected")
		return
	}
	known := members(v.Type())
	given := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := slices.IndexFunc(known, func(m member) bool { return m.name == key.Value })
		if at < 0 {
			d.fail(key, path+"."+key.Value, "there is no such word here%s", fault.DidYouMean(key.Value, names(known)))
			continue
		}
		if given[key.Value] {
			d.fail(key, path+"."+key.Value, "it is said twice")
		}
		given[key.Value] = true
		m := known[at]
		d.decode(value, v.FieldByIndex(m.index), path+"."+m.name)
		d.enum(value, m, path+"."+m.name)
	}
	for _, m := range known {
		if m.required && !given[m.name] {
			d.fail(n, path+"."+m.name, "it is missing: %s", lowerFirst(m.doc))
		}
	}
}

// enum checks a value, or each of a list, against the words that a member takes.
func (d *decoder) enum(n *yaml.Node, m member, path string) {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	for _, v := range nodes {
		if len(m.enum) > 0 && !slices.Contains(m.enum, v.Value) {
			d.fail(v, path, "%q is not one of %s%s", v.Value, strings.Join(m.enum, ", "), fault.DidYouMean(v.Value, m.enum))
		}
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, path, "a list is expected")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.decode(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

func (d *decoder) table(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "an object is expected")
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := reflect.New(v.Type().Key()).Elem()
		key.SetString(n.Content[i].Value)
		item := reflect.New(v.Type().Elem()).Elem()
		d.decode(n.Content[i+1], item, path+"."+n.Content[i].Value)
		v.SetMapIndex(key, item)
	}
}

func (t *Duration) parse(d *decoder, n *yaml.Node, path string) {
	got, err := time.ParseDuration(n.Value)
	if err != nil || got <= 0 {
		d.fail(n, path, "%q is not a time such as 10s, 5m or 1h", n.Value)
		return
	}
	*t = Duration(got)
}

func names(all []member) []string {
	list := make([]string, len(all))
	for i, m := range all {
		list[i] = m.name
	}
	return list
}

func lowerFirst(s string) string {
	if s == "" {
		return "it is needed"
	}
	return strings.ToLower(s[:1]) + s[1:]
}
