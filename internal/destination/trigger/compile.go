package trigger

import (
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/template"
)

// Compiler compiles the settings of one operation, and notes what is wrong with them.
type Compiler struct {
	Job    connector.SyncJob
	Path   string // of the settings, such as spec.settings.added
	Issues *fault.Issues
	Source bool // something reads rows by their columns
}

// Parse reads a template; an error is about the setting of that name.
func (c *Compiler) Parse(field string, f template.Format, text string) *template.Template {
	t, err := template.ParseAs(f, text)
	if err != nil {
		*c.Issues = append(*c.Issues, fault.As(err).WithPath(c.Path+"."+field))
		return nil
	}
	return t
}

// Reads is Parse for templates that rows are given to.
func (c *Compiler) Reads(field string, f template.Format, text string) *template.Template {
	t := c.Parse(field, f, text)
	if t != nil {
		if _, static := t.Text(); !static {
			c.Source = true
		}
	}
	return t
}

// Invalid notes that a setting cannot be what it is.
func (c *Compiler) Invalid(field, format string, args ...any) {
	c.Issues.Add(c.Path+"."+field, fault.CodeInvalid, format, args...)
}

// Index returns where a column is in Row.Source, or -1 where the model has none of that name, which is noted. While no
// column is known, as before the model was ever run, nothing is noted.
func (c *Compiler) Index(field, column string) int {
	at := c.Job.Model.Schema.Index(column)
	if at < 0 && len(c.Job.Model.Schema) > 0 {
		c.Issues.Add(c.Path+"."+field, fault.CodeMappingColumn, "Unknown field name: the model has no column %q", column)
	}
	c.Source = true
	return at
}

// NeedsMapping notes that nothing is mapped where the setting says that the body is made of the mapping.
func (c *Compiler) NeedsMapping(field string) {
	if len(c.Job.Columns) == 0 {
		c.Issues.Add("spec.mappings", fault.CodeRequired, "map at least one field: the body (%s.%s) is made of the mapping", c.Path, field)
	}
}

// InField says where a template failed.
func InField(where string, err error) error {
	e := *fault.As(err)
	e.Message = where + ": " + e.Message
	return &e
}
