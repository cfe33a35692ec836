package httprequest

import (
	"net/url"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/template"
)

var contentTypes = map[string]string{
	bodyJSON: "application/json", bodyColumn: "application/json", bodyMapped: "application/json", bodyXML: "application/xml",
	bodyForm: "application/x-www-form-urlencoded", bodyFormMapped: "application/x-www-form-urlencoded", bodyText: "text/plain; charset=utf-8",
}

func (c *compiler) body() trigger.Body {
	s := c.settings
	switch s.Body {
	case bodyJSON:
		return c.JSON("json", s.JSON)
	case bodyXML:
		return c.Text("xml", "the XML", template.XML, s.XML)
	case bodyText:
		return c.Text("text", "the text", template.Plain, s.Text)
	case bodyForm:
		return c.form()
	case bodyColumn:
		return c.Column("column", s.Column, trigger.ArrayOf(s.batched(), s.Member))
	case bodyMapped:
		return c.Mapping("body", trigger.ArrayOf(s.batched(), s.Member))
	case bodyFormMapped:
		return c.mappedForm()
	default:
		return trigger.NoBody{}
	}
}

func (c *compiler) form() trigger.Body {
	f := &formBody{}
	for _, p := range c.settings.Form {
		if p.Name == "" {
			c.Invalid("form", "every field needs a name")
		}
		f.fields = append(f.fields, namedTemplate{url.QueryEscape(p.Name), c.Reads("form", template.Plain, p.Value)})
	}
	return f
}

// formBody is a form whose values come from templates.
type formBody struct{ fields []namedTemplate }

func (b *formBody) Write(sc *trigger.Scratch, _ []connector.Row) (err error) {
	for i, f := range b.fields {
		if sc.Text, err = f.value.Render(sc.Scope, sc.Text[:0]); err != nil {
			return inField("the form field "+f.name, err)
		}
		if i > 0 {
			sc.Body = append(sc.Body, '&')
		}
		sc.Body = append(append(sc.Body, f.name...), '=')
		sc.Body = append(sc.Body, url.QueryEscape(string(sc.Text))...)
	}
	return nil
}

func (c *compiler) mappedForm() trigger.Body {
	c.NeedsMapping("body")
	if c.settings.batched() {
		c.Invalid("body", "a form has one row: write its fields with templates, or send one row in a request")
	}
	f := &mappedForm{}
	for _, column := range c.Job.Columns {
		f.fields = append(f.fields, mappedField{url.QueryEscape(column.Name) + "=", column.Omit})
	}
	return f
}

// mappedForm is a form of the mapped fields.
type mappedForm struct{ fields []mappedField }

// mappedField is one field of the mapping.
type mappedField struct {
	start string // its name as the form has it, with what comes before the value
	omit  bool   // null is left out
}

func (b *mappedForm) Write(sc *trigger.Scratch, rows []connector.Row) error {
	for i, v := range rows[0].Values {
		if v.IsNull() && b.fields[i].omit {
			continue
		}
		if len(sc.Body) > 0 {
			sc.Body = append(sc.Body, '&')
		}
		sc.Body = append(sc.Body, b.fields[i].start...)
		sc.Body = append(sc.Body, url.QueryEscape(v.String())...)
	}
	return nil
}
