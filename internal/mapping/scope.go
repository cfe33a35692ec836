package mapping

import (
	"strconv"

	"github.com/millrace/millrace/internal/template"
	"github.com/millrace/millrace/internal/value"
)

// templateScope is what templates of a row see: row['column'], bare column names, and context.
type templateScope struct {
	scope   *template.Scope
	fresh   bool
	castErr error // of a column that the template read
}

// rowColumns reads the binding's current row by column name.
type rowColumns struct{ binding *Binding }

// Get returns a column's value. A cast that fails is kept for the template's caller, who refuses the row.
func (r rowColumns) Get(name string) (value.Value, bool) {
	i := r.binding.schema.Index(name)
	if i < 0 {
		return value.Value{}, false
	}
	v, err := r.binding.read(i)
	if err != nil {
		r.binding.scope.castErr = err
		return value.Value{}, true
	}
	return v, true
}

var _ template.Row = rowColumns{}

func (b *Binding) templateScope() *templateScope {
	if b.scope == nil {
		b.scope = &templateScope{scope: template.NewScope(template.DefaultLimits)}
	}
	if b.scope.fresh {
		return b.scope
	}
	s := b.scope.scope
	s.Reset()
	s.SetRow("row", rowColumns{b})
	s.SetColumns(rowColumns{b})
	s.Set("context", b.context())
	b.scope.fresh, b.scope.castErr = true, nil
	return b.scope
}

// context holds the run's variables under the names that templates use (SY-28).
func (b *Binding) context() value.Value {
	return value.OfMap([]value.Field{
		{Name: "model_id", Value: value.OfText(strconv.FormatInt(b.vars.ModelID, 10))},
		{Name: "model_name", Value: value.OfText(b.vars.ModelName)},
		{Name: "sync_id", Value: value.OfText(strconv.FormatInt(b.vars.SyncID, 10))},
		{Name: "sync_run_id", Value: value.OfText(strconv.FormatInt(b.vars.RunID, 10))},
		{Name: "current_timestamp", Value: value.OfTime(b.vars.Now)},
		{Name: "operation", Value: value.OfText(string(b.op))},
	})
}
