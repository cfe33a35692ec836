package mapping

import (
	"slices"
	"strconv"

	"github.com/millrace/millrace/internal/template"
	"github.com/millrace/millrace/internal/value"
)

// templateScope is what templates of a row see: row['column'], bare column names, and context.
type templateScope struct {
	scope   *template.Scope
	fresh   bool
	castErr error          // of a column that the template read
	columns map[string]int // places in the schema by name
	objects []object       // by place: what was parsed of the row at hand
}

// object is a column's list or object, which templates of one row may read many times.
type object struct {
	value  value.Value
	parsed bool
}

// rowColumns reads the binding's current row by column name.
type rowColumns struct{ binding *Binding }

// Get returns a column's value. A cast that fails is kept for the template's caller, who refuses the row.
func (r rowColumns) Get(name string) (value.Value, bool) {
	s := r.binding.scope
	i, ok := s.columns[name]
	if !ok {
		return value.Value{}, false
	}
	if s.objects[i].parsed {
		return s.objects[i].value, true
	}
	v, err := r.binding.read(i)
	if err != nil {
		s.castErr = err
		return value.Value{}, true
	}
	if k := v.Kind(); k == value.JSON || k == value.List || k == value.Map {
		v = v.Parsed()
		s.objects[i] = object{v, true}
	}
	return v, true
}

var _ template.Row = rowColumns{}

func (b *Binding) templateScope() *templateScope {
	if b.scope == nil {
		b.scope = &templateScope{
			scope: template.NewScope(template.DefaultLimits), columns: make(map[string]int, len(b.schema)), objects: make([]object, len(b.schema)),
		}
		for i, c := range slices.Backward(b.schema) {
			b.scope.columns[c.Name] = i
		}
	}
	if b.scope.fresh {
		return b.scope
	}
	s := b.scope.scope
	s.Reset()
	clear(b.scope.objects)
	s.SetRow("row", rowColumns{b})
	s.SetColumns(rowColumns{b})
	s.Set("context", b.context())
	b.scope.fresh, b.scope.castErr = true, nil
	return b.scope
}

// ContextNames lists the members of context.
var ContextNames = []string{"model_id", "model_name", "sync_id", "sync_run_id", "current_timestamp", "operation"}

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
