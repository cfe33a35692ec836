package file

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// xmlFormat writes <rows><row><column>value</column>…</row>…</rows>.
//
//   - An element is named for its column. Characters that XML does not allow in a name become "_";
//     the attribute name then has the column's own name.
//   - A null is an empty element with xsi:nil="true"; one that the mapping omits has no element.
//   - An object's members are elements inside, an array's items are elements called item.
//   - XML 1.0 cannot hold most control characters, nor invalid UTF-8. Such a text is written in
//     base64 with the attribute encoding="base64", so that nothing is lost.
//
// https://www.w3.org/TR/xml/#charsets
type xmlFormat struct {
	columns []connector.TargetColumn
	tags    []tag
}

// tag is the element of a column.
type tag struct {
	name  string
	attrs string // with a leading space, or empty
}

func newXML(columns []connector.TargetColumn) *xmlFormat {
	f := &xmlFormat{columns: columns, tags: make([]tag, len(columns))}
	taken := map[string]bool{}
	for _, c := range columns {
		taken[c.Name] = xmlName(c.Name) == c.Name // who has a valid name keeps it
	}
	for i, c := range columns {
		f.tags[i] = uniqueTag(c.Name, taken)
	}
	return f
}

// uniqueTag numbers elements of different columns that would have one name.
func uniqueTag(name string, taken map[string]bool) tag {
	t := newTag(name)
	if t.name == name {
		return t
	}
	base := t.name
	for n := 2; taken[t.name]; n++ {
		t.name = fmt.Sprintf("%s_%d", base, n)
	}
	taken[t.name] = true
	return t
}

func newTag(name string) tag {
	t := tag{name: xmlName(name)}
	if t.name != name {
		t.attrs = nameAttribute(name)
	}
	return t
}

func nameAttribute(name string) string {
	clean := strings.Map(func(r rune) rune {
		if !isXMLChar(r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(name, "\ufffd"))
	return ` name="` + string(appendXMLText(nil, clean)) + `"`
}

// xmlName makes an element name of any text. https://www.w3.org/TR/xml/#NT-Name
func xmlName(s string) string {
	name := strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !isNameRune(r) {
			return '_'
		}
		return r
	}, s)
	first, _ := utf8.DecodeRuneInString(name)
	if name == "" || first != '_' && !unicode.IsLetter(first) || len(name) >= 3 && strings.EqualFold(name[:3], "xml") {
		return "_" + name
	}
	return name
}

func isNameRune(r rune) bool {
	return r == '_' || r == '-' || r == '.' || '0' <= r && r <= '9' || isNameLetter(r)
}

// isNameLetter is narrower than XML's own rule, so that every reader agrees.
func isNameLetter(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r >= 0xC0 && r != 0xD7 && r != 0xF7 && r <= 0x24F
}

func (f *xmlFormat) contentType() string { return "application/xml" }

func (f *xmlFormat) layout(w io.Writer) (layout, error) {
	const start = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<rows xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` + "\n"
	return newTextLayout(w, start, "</rows>\n", 0)
}

func (f *xmlFormat) encode(rows []connector.Row) (chunk, []connector.Rejection) {
	c := newChunk(rows)
	for i := range rows {
		c.text = append(c.text, "<row>"...)
		for j, v := range rows[i].Values {
			if !f.columns[j].Omit || !v.IsNull() {
				c.text = appendElement(c.text, f.tags[j], v)
			}
		}
		c.text = append(c.text, "</row>\n"...)
		c.ends = append(c.ends, len(c.text))
	}
	return c, nil
}

func appendElement(dst []byte, t tag, v value.Value) []byte {
	dst = append(append(append(dst, '<'), t.name...), t.attrs...)
	v = v.Parsed()
	switch v.Kind() {
	case value.Null:
		return append(dst, ` xsi:nil="true"/>`...)
	case value.Bytes:
		dst = v.AppendText(append(dst, ` encoding="base64">`...))
	case value.Text:
		dst = appendContent(dst, v.Raw())
	case value.List:
		dst = append(dst, '>')
		for _, item := range v.List() {
			dst = appendElement(dst, tag{name: "item"}, item)
		}
	case value.Map:
		dst = append(dst, '>')
		for _, member := range v.Fields() {
			dst = appendElement(dst, newTag(member.Name), member.Value)
		}
	default:
		dst = v.AppendText(append(dst, '>'))
	}
	return append(append(append(dst, "</"...), t.name...), '>')
}

// appendContent ends the start tag and writes a text, in base64 if XML cannot hold it.
func appendContent(dst []byte, s string) []byte {
	if isXMLText(s) {
		return appendXMLText(append(dst, '>'), s)
	}
	dst = append(dst, ` encoding="base64">`...)
	return base64.StdEncoding.AppendEncode(dst, []byte(s))
}

func isXMLText(s string) bool {
	for i := 0; i < len(s); {
		if c := s[i]; c >= ' ' && c < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || !isXMLChar(r) {
			return false
		}
		i += size
	}
	return true
}

func isXMLChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000
}

// escapes of characters that markup uses, and of white space that readers change.
var escapes = [256]string{'&': "&amp;", '<': "&lt;", '>': "&gt;", '"': "&quot;", '\r': "&#xD;", '\n': "&#xA;", '\t': "&#x9;"}

func appendXMLText(dst []byte, s string) []byte {
	start := 0
	for i := range len(s) {
		if e := escapes[s[i]]; e != "" {
			dst = append(append(dst, s[start:i]...), e...)
			start = i + 1
		}
	}
	return append(dst, s[start:]...)
}
