package template

import (
	"bytes"
	"encoding/xml"
	"net/url"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Format is what a template's text is written in. A value that {{ … }} prints is written so that it stays one
// value there and cannot add to the structure that the template's author wrote. The filter raw prints a value as
// it is. So does an output whose own texts hold characters of the structure, such as
// {{ row.tags | replace: ',', '", "' }} in JSON: its author builds the structure.
type Format uint8

// The formats.
const (
	// Plain prints values as Liquid does.
	Plain Format = iota
	// JSON escapes values inside strings. Outside of them null is null, and lists, objects, dates and bytes are
	// JSON; a text is printed as it is, since it may be JSON.
	JSON
	// XML escapes values in text and attributes, and keeps CDATA sections whole.
	XML
	// URL percent-encodes values. In the path, a value that is empty or a dot segment refuses the row: the
	// request would go to another resource.
	URL
)

// ParseAs reads a template that writes the format.
func ParseAs(f Format, source string) (*Template, error) {
	t, err := Parse(source)
	if err != nil {
		return nil, err
	}
	t.format = f
	return t, nil
}

// Text returns the template's text where it has no tags at all.
func (t *Template) Text() (string, bool) {
	var b strings.Builder
	for _, n := range t.nodes {
		s, ok := n.node.(*text)
		if !ok {
			return "", false
		}
		b.WriteString(s.s)
	}
	return b.String(), true
}

// place is where the output stands in what its format describes.
type place struct {
	format   Format
	captured bool // within {% capture %}: what is captured is printed again, in a place of its own
	inside   bool // JSON: in a string; XML: in a CDATA section; URL: in the query
	escaped  bool // JSON: after a backslash in a string
}

// follow moves past text of the template's author.
func (p *place) follow(s string) {
	switch p.format {
	case JSON:
		p.followJSON(s)
	case XML:
		opened, closed := strings.LastIndex(s, "<![CDATA["), strings.LastIndex(s, "]]>")
		if opened >= 0 || closed >= 0 {
			p.inside = opened > closed
		}
	case URL:
		p.inside = p.inside || strings.Contains(s, "?")
	case Plain:
	}
}

func (p *place) followJSON(s string) {
	for i := range len(s) {
		switch {
		case p.escaped:
			p.escaped = false
		case s[i] == '"':
			p.inside = !p.inside
		case s[i] == '\\':
			p.escaped = p.inside
		}
	}
}

// append writes a value at the place.
func (p *place) append(dst []byte, v value.Value, verbatim bool) ([]byte, error) {
	if verbatim {
		start := len(dst)
		dst = appendPrinted(dst, v)
		p.follow(string(dst[start:]))
		return dst, nil
	}
	switch {
	case p.format == JSON && p.inside:
		return appendQuoted(dst, textOf(v)), nil
	case p.captured:
		return appendPrinted(dst, v), nil
	case p.format == JSON:
		return appendJSON(dst, v), nil
	case p.format == XML && p.inside:
		return append(dst, strings.ReplaceAll(textOf(v), "]]>", "]]]]><![CDATA[>")...), nil
	case p.format == XML:
		return appendXML(dst, textOf(v)), nil
	case p.format == URL && p.inside:
		return append(dst, url.QueryEscape(textOf(v))...), nil
	case p.format == URL:
		return appendSegment(dst, textOf(v))
	default:
		return appendPrinted(dst, v), nil
	}
}

// appendQuoted appends s as the inside of a JSON string.
func appendQuoted(dst []byte, s string) []byte {
	start := len(dst)
	dst = value.AppendJSONString(dst, s)
	copy(dst[start:], dst[start+1:])
	return dst[:len(dst)-2]
}

// appendJSON appends a value where JSON expects one. A text may be JSON already: it stays as it is.
func appendJSON(dst []byte, v value.Value) []byte {
	if v.Kind() == value.Text {
		return append(dst, v.Raw()...)
	}
	return v.AppendJSON(dst)
}

func appendXML(dst []byte, s string) []byte {
	b := bytes.NewBuffer(dst)
	if err := xml.EscapeText(b, []byte(s)); err != nil {
		return dst // a buffer takes everything
	}
	return b.Bytes()
}

func appendSegment(dst []byte, s string) ([]byte, error) {
	switch s {
	case "":
		return dst, fault.New(fault.CodeMappingReject, "a value that the address is built from is empty").
			WithSuggestion("Fill the column in, or give the value a default: {{ row.column | default: '…' }}.")
	case ".", "..":
		return dst, fault.New(fault.CodeMappingReject, "a value that the address is built from would lead to another path")
	default:
		return append(dst, url.PathEscape(s)...), nil
	}
}

// structure are the characters that an author writes who builds the format's structure in an output.
var structure = [...]string{Plain: "", JSON: `"\`, XML: "<&", URL: "/?&="}

// encoders are filters whose result needs no further encoding in the format.
var encoders = [...]map[string]bool{
	Plain: nil,
	JSON:  {"raw": true},
	XML:   {"raw": true, "escape": true, "escape_once": true, "xml_escape": true, "newline_to_br": true},
	URL: {
		"raw": true, "url_encode": true, "cgi_escape": true, "url_escape": true, "uri_escape": true, "url_param_escape": true,
	},
}

// verbatim says in which formats an output is printed as it is.
type verbatim [len(structure)]bool

func verbatimOf(e expr) (v verbatim) {
	if c, ok := e.(*call); ok {
		for f := range v {
			v[f] = encoders[f][c.name]
		}
	}
	v.add(e)
	return v
}

// add looks for characters of the structure in the texts of an expression.
func (v *verbatim) add(e expr) {
	switch e := e.(type) {
	case literal:
		for f := range v {
			v[f] = v[f] || e.v.Kind() == value.Text && strings.ContainsAny(e.v.Raw(), structure[f])
		}
	case *call:
		v.add(e.input)
		for _, a := range e.args {
			v.add(a)
		}
	}
}
