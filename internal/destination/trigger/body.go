package trigger

import (
	"bytes"
	"encoding/json"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/template"
	"github.com/millrace/millrace/internal/value"
)

// Body appends what is made of rows to Scratch.Body. Rows that cannot be written are refused through Scratch.Refuse; an
// error refuses all of them.
type Body interface {
	Write(sc *Scratch, rows []connector.Row) error
}

// Message are the settings of MessageFields.
type Message struct {
	Body   string `json:"body"`
	JSON   string `json:"json"`
	Column string `json:"column"`
}

// Message compiles how the message of one row is made.
func (c *Compiler) Message(s Message) Body {
	switch s.Body {
	case BodyJSON:
		return c.JSON("json", s.JSON)
	case BodyColumn:
		return c.Column("column", s.Column, Array{})
	default:
		return c.Mapping("body", Array{})
	}
}

// NoBody is the body of what has none.
type NoBody struct{}

// Write writes nothing.
func (NoBody) Write(*Scratch, []connector.Row) error { return nil }

// JSON compiles a template that makes JSON.
func (c *Compiler) JSON(field, text string) Body {
	return &jsonBody{c.Reads(field, template.JSON, text)}
}

type jsonBody struct{ template *template.Template }

func (b *jsonBody) Write(sc *Scratch, _ []connector.Row) (err error) {
	if sc.Text, err = b.template.Render(sc.Scope, sc.Text[:0]); err != nil {
		return InField("the JSON", err)
	}
	sc.Text = trimCommas(sc.Text)
	buffer := bytes.NewBuffer(sc.Body)
	if err := json.Compact(buffer, sc.Text); err != nil {
		return fault.New(fault.CodeMappingReject, "the template makes no JSON of the row").
			WithSuggestion("Put double quotes around texts, as in \"{{ row.name }}\", and check commas and brackets.")
	}
	sc.Body = buffer.Bytes()
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

// Text compiles a template whose text is the body. what names it in errors.
func (c *Compiler) Text(field, what string, f template.Format, text string) Body {
	return &textBody{what, c.Reads(field, f, text)}
}

type textBody struct {
	what     string
	template *template.Template
}

func (b *textBody) Write(sc *Scratch, _ []connector.Row) (err error) {
	if sc.Body, err = b.template.Render(sc.Scope, sc.Body); err != nil {
		return InField(b.what, err)
	}
	return nil
}

// Array is how a body of JSON values begins and ends. The zero value is for a single one.
type Array struct{ start, end string }

// ArrayOf returns the array of a batch, or the member of an object that holds it.
func ArrayOf(batched bool, member string) Array {
	switch {
	case !batched:
		return Array{}
	case member == "":
		return Array{"[", "]"}
	default:
		return Array{"{" + string(value.AppendJSONString(nil, member)) + ":[", "]}"}
	}
}

// Mapping compiles a body that is an object of the mapped fields, or an array of such objects. field is the setting that
// says so.
func (c *Compiler) Mapping(field string, a Array) Body {
	c.NeedsMapping(field)
	return Mapped(c.Job.Columns, a)
}

// Mapped returns a body of the columns.
func Mapped(columns []connector.TargetColumn, a Array) Body {
	b := &mappedBody{Array: a, fields: make([]mappedField, len(columns))}
	for i, column := range columns {
		b.fields[i] = mappedField{append(value.AppendJSONString([]byte{','}, column.Name), ':'), column.Omit}
	}
	return b
}

type mappedBody struct {
	Array

	fields []mappedField
}

// mappedField is one field of the mapping.
type mappedField struct {
	start []byte // its name, with the comma that comes before it
	omit  bool   // null is left out
}

func (b *mappedBody) Write(sc *Scratch, rows []connector.Row) error {
	dst := sc.Body
	dst = append(dst, b.start...)
	for i := range rows {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = b.object(dst, rows[i].Values)
	}
	dst = append(dst, b.end...)
	sc.Body = dst
	return nil
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

// Column compiles a body that is the JSON which one column holds, or an array of it.
func (c *Compiler) Column(field, name string, a Array) Body {
	return &columnBody{a, name, c.Index(field, name)}
}

type columnBody struct {
	Array

	name string
	at   int
}

func (b *columnBody) Write(sc *Scratch, rows []connector.Row) error {
	dst := sc.Body
	dst = append(dst, b.start...)
	empty := len(dst)
	for i := range rows {
		v := value.Value{}
		if b.at >= 0 && b.at < len(rows[i].Source) {
			v = rows[i].Source[b.at]
		}
		if reason := jsonProblem(v); reason != "" {
			sc.Refuse(i, "the column "+b.name+" "+reason)
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
	sc.Body = dst
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
