package sfmc_test

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// specsVariable names the folder with vendors' descriptions.
const specsVariable = "MILLRACE_VENDOR_SPECS"

// tree is any XML.
type tree struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Nodes   []*tree    `xml:",any"`
}

func (n *tree) attr(name string) string {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (n *tree) at(path ...string) *tree {
	for _, name := range path {
		i := slices.IndexFunc(n.Nodes, func(c *tree) bool { return c.XMLName.Local == name })
		if i < 0 {
			return &tree{}
		}
		n = n.Nodes[i]
	}
	return n
}

func (n *tree) text(path ...string) string { return strings.TrimSpace(n.at(path...).Text) }

// member is an element that a type has, in its place.
type member struct {
	name, kind string
	inner      *tree // the type that has no name of its own
}

// wsdl judges requests by the description of the SOAP API.
type wsdl struct {
	types    map[string]*tree
	elements map[string]*tree
}

// readWSDL returns nil where the description is not at hand.
func readWSDL(t *testing.T) *wsdl {
	t.Helper()
	folder := os.Getenv(specsVariable)
	if folder == "" {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(folder, "sfmc", "etframework.wsdl"))
	if err != nil {
		t.Fatal(err)
	}
	var doc tree
	if err := xml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	w := &wsdl{types: map[string]*tree{}, elements: map[string]*tree{}}
	for _, n := range doc.at("types", "schema").Nodes {
		switch n.XMLName.Local {
		case "complexType", "simpleType":
			w.types[n.attr("name")] = n
		case "element":
			w.elements[n.attr("name")] = n
		}
	}
	return w
}

func local(name string) string { return name[strings.LastIndexByte(name, ':')+1:] }

// members are the elements of a type, those of its base first.
func (w *wsdl) members(n *tree) (all []member) {
	for _, c := range n.Nodes {
		switch c.XMLName.Local {
		case "extension":
			if base := w.types[local(c.attr("base"))]; base != nil {
				all = append(all, w.members(base)...)
			}
			all = append(all, w.members(c)...)
		case "element":
			m := member{name: c.attr("name"), kind: local(c.attr("type"))}
			if m.name == "" {
				m.name = local(c.attr("ref"))
			}
			if inner := c.at("complexType"); inner.XMLName.Local != "" {
				m.inner = inner
			}
			all = append(all, m)
		case "complexContent", "sequence", "complexType", "choice":
			all = append(all, w.members(c)...)
		}
	}
	return all
}

// judge says what is wrong with a request: elements that there are not, in another order, or values that are none.
func (w *wsdl) judge(request *tree) error {
	e := w.elements[request.XMLName.Local]
	if e == nil {
		return fmt.Errorf("there is no request %s", request.XMLName.Local)
	}
	return w.fits(request, e)
}

func (w *wsdl) fits(n, kind *tree) error {
	members, last := w.members(kind), 0
	for _, c := range n.Nodes {
		at := slices.IndexFunc(members, func(m member) bool { return m.name == c.XMLName.Local })
		if at < 0 {
			return fmt.Errorf("%s has no %s", n.XMLName.Local, c.XMLName.Local)
		}
		if at < last {
			return fmt.Errorf("in %s, %s comes too late", n.XMLName.Local, c.XMLName.Local)
		}
		last = at
		if err := w.value(c, members[at]); err != nil {
			return err
		}
	}
	return nil
}

func (w *wsdl) value(n *tree, m member) error {
	kind := w.types[m.kind]
	if chosen := n.attr("type"); chosen != "" {
		if kind = w.types[chosen]; kind == nil {
			return fmt.Errorf("there is no type %s", chosen)
		}
	}
	switch {
	case m.inner != nil:
		return w.fits(n, m.inner)
	case kind == nil:
		return nil // a text or a number
	case kind.XMLName.Local == "complexType":
		return w.fits(n, kind)
	}
	var values []string
	for _, e := range kind.at("restriction").Nodes {
		values = append(values, e.attr("value"))
	}
	if text := strings.TrimSpace(n.Text); !slices.Contains(values, text) {
		return fmt.Errorf("%s cannot be %q", n.XMLName.Local, text)
	}
	return nil
}
