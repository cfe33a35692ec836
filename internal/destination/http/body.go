package httprequest

import (
	"bytes"
	"encoding/json"
	"net/url"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/template"
	"github.com/millrace/millrace/internal/value"
)

var contentTypes = map[string]string{
	bodyJSON: "application/json", bodyColumn: "application/json", bodyMapped: "application/json", bodyXML: "application/xml",
	bodyForm: "application/x-www-form-urlencoded", bodyFormMapped: "application/x-www-form-urlencoded", bodyText: "text/plain; charset=utf-8",
}

// body writes the rows of a request into sc.body. Rows that cannot be written are refused through
// sc.refuse; an error refuses all of them.
type body interface {
	write(sc *scratch, rows []connector.Row) error
}

func (c *compiler) body() body {
	s := c.settings
	switch s.Body {
	case bodyJSON:
		return &jsonBody{c.reads("json", template.JSON, s.JSON)}
	case bodyXML:
		return &textBody{"the XML", c.reads("xml", template.XML, s.XML)}
	case bodyText:
		return &textBody{"the text", c.reads("text", template.Plain, s.Text)}
	case bodyForm:
		return c.form()
	case bodyColumn:
		return c.column()
	case bodyMapped:
		c.mapped("body")
		return &mappedBody{c.array(), jsonFields(c.job.Columns)}
	case bodyFormMapped:
		c.mapped("body")
		if s.batched() {
			c.invalid("body", "a form has one row: write its fields with templates, or send one row in a request")
		}
		return &mappedForm{mappedFields(c.job.Columns, func(name string) []byte { return []byte(url.QueryEscape(name) + "=") })}
	default:
		return noBody{}
	}
}

func (c *compiler) mapped(field string) {
	if len(c.job.Columns) == 0 {
		c.issues.Add("spec.mappings", fault.CodeRequired, "map at least one field: the body (%s.%s) is made of the mapping", c.path, field)
	}
}

// noBody sends nothing but the address and the headers.
type noBody struct{}

func (noBody) write(*scratch, []connector.Row) error { return nil }

// jsonBody is JSON from a template.
type jsonBody struct{ template *template.Template }

func (b *jsonBody) write(sc *scratch, _ []connector.Row) (err error) {
	if sc.text, err = b.template.Render(sc.scope, sc.text[:0]); err != nil {
		return inField("the JSON", err)
	}
	sc.text = trimCommas(sc.text)
	buffer := bytes.NewBuffer(sc.body)
	if err := json.Compact(buffer, sc.text); err != nil {
		return fault.New(fault.CodeMappingReject, "the template makes no JSON of the row").
			WithSuggestion("Put double quotes around texts, as in \"{{ row.name }}\", and check commas and brackets.")
	}
	sc.body = buffer.Bytes()
	return nil
}

// trimCommas removes, in place, the commas that loops leave before a closing bracket.
func trimCommas(text []byte) []byte {
	out := text[:0]
	comma := -1 // where out has a comma that only space follows
	quoted, escaped := false, false
	for _, c := range text {
		switch {
		case quoted:
			quoted = escaped || c != '"'
			escaped = !escaped && c == '\\'
		case c == ',':
			comma = len(out)
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		default:
			if comma >= 0 && (c == ']' || c == '}') {
				out = append(out[:comma], out[comma+1:]...)
			}
			comma, quoted = -1, c == '"'
		}
		out = append(out, c)
	}
	if comma >= 0 {
		out = append(out[:comma], out[comma+1:]...)
	}
	return out
}

// textBody is whatever a template makes.
type textBody struct {
	what     string
	template *template.Template
}

func (b *textBody) write(sc *scratch, _ []connector.Row) (err error) {
	if sc.body, err = b.template.Render(sc.scope, sc.body); err != nil {
		return inField(b.what, err)
	}
	return nil
}

func (c *compiler) form() body {
	f := &formBody{}
	for _, p := range c.settings.Form {
		if p.Name == "" {
			c.invalid("form", "every field needs a name")
		}
		f.fields = append(f.fields, namedTemplate{url.QueryEscape(p.Name), c.reads("form", template.Plain, p.Value)})
	}
	return f
}

// formBody is a form whose values come from templates.
type formBody struct{ fields []namedTemplate }

func (b *formBody) write(sc *scratch, _ []connector.Row) (err error) {
	for i, f := range b.fields {
		if sc.text, err = f.value.Render(sc.scope, sc.text[:0]); err != nil {
			return inField("the form field "+f.name, err)
		}
		if i > 0 {
			sc.body = append(sc.body, '&')
		}
		sc.body = append(append(sc.body, f.name...), '=')
		sc.body = append(sc.body, url.QueryEscape(string(sc.text))...)
	}
	return nil
}

// mappedField is one field of the mapping.
type mappedField struct {
	start []byte // its name as the body has it, with what comes before the value
	omit  bool   // null is left out
}

func mappedFields(columns []connector.TargetColumn, start func(name string) []byte) []mappedField {
	fields := make([]mappedField, len(columns))
	for i, c := range columns {
		fields[i] = mappedField{start(c.Name), c.Omit}
	}
	return fields
}

// mappedForm is a form of the mapped fields.
type mappedForm struct{ fields []mappedField }

func (b *mappedForm) write(sc *scratch, rows []connector.Row) error {
	for i, v := range rows[0].Values {
		if v.IsNull() && b.fields[i].omit {
			continue
		}
		if len(sc.body) > 0 {
			sc.body = append(sc.body, '&')
		}
		sc.body = append(sc.body, b.fields[i].start...)
		sc.body = append(sc.body, url.QueryEscape(v.String())...)
	}
	return nil
}

// array is how a body of JSON values begins and ends.
type array struct {
	batched    bool
	start, end string
}

func (c *compiler) array() array {
	switch s := c.settings; {
	case !s.batched():
		return array{}
	case s.Member == "":
		return array{true, "[", "]"}
	default:
		return array{true, "{" + string(value.AppendJSONString(nil, s.Member)) + ":[", "]}"}
	}
}

// mappedBody is an object of the mapped fields, or an array of them.
type mappedBody struct {
	array

	fields []mappedField
}

func (b *mappedBody) write(sc *scratch, rows []connector.Row) error {
	dst := sc.body
	dst = append(dst, b.start...)
	for i := range rows {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = b.object(dst, rows[i].Values)
	}
	dst = append(dst, b.end...)
	sc.body = dst
	return nil
}

// jsonFields are fields that begin with the comma that comes before them.
func jsonFields(columns []connector.TargetColumn) []mappedField {
	return mappedFields(columns, func(name string) []byte {
		return append(value.AppendJSONString([]byte{','}, name), ':')
	})
}

func (b *mappedBody) object(dst []byte, values []value.Value) []byte {
	start := len(dst)
	for i := range b.fields {
		f := &b.fields[i]
		if f.omit && values[i].IsNull() {
			continue
		}
		dst = append(dst, f.start...)
		dst = values[i].AppendJSON(dst)
	}
	if len(dst) == start {
		return append(dst, '{', '}')
	}
	dst[start] = '{' // instead of the first comma
	return append(dst, '}')
}

func (c *compiler) column() body {
	at := c.job.Model.Schema.Index(c.settings.Column)
	if at < 0 && len(c.job.Model.Schema) > 0 {
		c.issues.Add(c.path+".column", fault.CodeMappingColumn, "Unknown field name: the model has no column %q", c.settings.Column)
	}
	c.source = true
	return &columnBody{c.array(), c.settings.Column, at}
}

// columnBody is the JSON that one column holds, or an array of it.
type columnBody struct {
	array

	name string
	at   int
}

func (b *columnBody) write(sc *scratch, rows []connector.Row) error {
	dst := sc.body
	dst = append(dst, b.start...)
	empty := len(dst)
	for i := range rows {
		v := value.Value{}
		if b.at >= 0 && b.at < len(rows[i].Source) {
			v = rows[i].Source[b.at]
		}
		if reason := jsonProblem(v); reason != "" {
			sc.refuse(i, "the column "+b.name+" "+reason)
			continue
		}
		if len(dst) > empty {
			dst = append(dst, ',')
		}
		if v.Kind() == value.Text {
			dst = append(dst, v.Raw()...)
		} else {
			dst = v.AppendJSON(dst)
		}
	}
	dst = append(dst, b.end...)
	sc.body = dst
	return nil
}

// jsonProblem says why a value is no JSON document. A text must hold one.
func jsonProblem(v value.Value) string {
	switch {
	case v.IsNull():
		return "is null"
	case v.Kind() == value.Text && !json.Valid([]byte(v.Raw())):
		return "does not hold JSON"
	default:
		return ""
	}
}
