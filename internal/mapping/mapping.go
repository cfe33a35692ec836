// Package mapping turns a model's rows into a destination's values. A mapping compiles once for a run
// into closures over columns; a row that cannot be mapped is data with a reason, never an error of
// the run.
package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/value"
)

// Input is what a mapping is compiled from.
type Input struct {
	Columns    []model.Column // of the model, with their casts
	PrimaryKey string
	RowKey     string // the model's own key where PrimaryKey is the element of an expanded array; compared as well
	Mappings   []sync.Mapping
	AllColumns bool // every column under its own name, instead of Mappings
	Match      []connector.MatchPair
	Everything bool // the destination sees whole rows (SyncType.Compare all)

	// Clear is sent instead of null by mappings that clear (connector.MappingRule.Clear).
	Clear value.Value
}

// Mapping is compiled. It is safe for concurrent use; a Binding is not.
type Mapping struct {
	input      Input
	columns    []connector.TargetColumn
	fields     []compiled
	match      []compiled
	referenced []string
	slots      []string // the columns that fields read, by the numbers that compiled fields know
	casts      map[string]value.Type
	clears     bool // a mapping sends Input.Clear
}

// compiled evaluates one field for a row.
type compiled func(r *Binding) (value.Value, error)

// Variables are the values that a run gives to mappings (SY-27).
type Variables struct {
	ModelID   int64
	ModelName string
	SyncID    int64
	RunID     int64
	Now       time.Time
}

// Compile checks a mapping against the model's columns. It reports every problem at once; a mapping of
// a column that the model does not have is fault.CodeMappingColumn with the words "Unknown field
// name" (SY-37).
func Compile(in Input) (*Mapping, error) {
	c := &compiler{input: in, columns: map[string]model.Column{}, used: map[string]bool{in.PrimaryKey: true, in.RowKey: true}}
	for _, col := range in.Columns {
		c.columns[col.Name] = col
	}
	m := &Mapping{input: in}
	mappings := in.Mappings
	if in.AllColumns {
		mappings = everyColumn(in.Columns)
	}
	for i, spec := range mappings {
		path := fmt.Sprintf("spec.mappings[%d]", i)
		m.fields = append(m.fields, c.field(path, spec, 0))
		m.columns = append(m.columns, c.target(spec))
	}
	for i, pair := range in.Match {
		m.match = append(m.match, c.column(fmt.Sprintf("spec.match[%d].from", i), pair.From))
	}
	if err := c.issues.Err(); err != nil {
		return nil, err
	}
	m.referenced, m.slots = c.referenced(), c.slots
	m.casts, m.clears = c.casts(), c.clears
	return m, nil
}

func everyColumn(columns []model.Column) []sync.Mapping {
	all := make([]sync.Mapping, len(columns))
	for i, c := range columns {
		all[i] = sync.Mapping{To: c.Name, Kind: sync.FromColumn, From: c.Name}
	}
	return all
}

// Columns returns the fields that rows are mapped to, in the order of Binding.Values.
func (m *Mapping) Columns() []connector.TargetColumn { return m.columns }

// Referenced returns the model's columns that must be read, the primary key among them, sorted by
// their place in the model.
func (m *Mapping) Referenced() []string { return m.referenced }

// Compared returns the columns whose change makes a row changed (SY-40): those that mappings and matching
// use, or all of them where the destination sees whole rows.
func (m *Mapping) Compared() []string { return m.referenced }

// Hash identifies what the mapping does: two mappings with one hash send the same values for the same
// rows. Column types take part, since a type change is a mapping change (SY-36).
func (m *Mapping) Hash() string {
	type column struct {
		Name string
		Type value.Type
		Cast value.Type
	}
	var columns []column
	for _, name := range m.referenced {
		for _, c := range m.input.Columns {
			if c.Name == name {
				columns = append(columns, column{c.Name, c.Type, c.Cast})
			}
		}
	}
	sort.Slice(columns, func(i, j int) bool { return columns[i].Name < columns[j].Name })
	parts := []any{columns, m.input.Mappings, m.input.AllColumns, m.input.Match, m.input.Everything}
	if m.clears {
		parts = append(parts, m.input.Clear)
	}
	b, err := json.Marshal(parts)
	if err != nil {
		panic(fmt.Sprintf("mapping: encoding a mapping: %v", err)) // all of it came from JSON
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Binding maps the rows of one batch of columns. It is reused from row to row.
type Binding struct {
	mapping *Mapping
	schema  value.Schema
	readers []value.Reader
	slots   []int        // place of each of mapping.slots in readers, or -1
	casts   []value.Type // by reader; empty means none
	row     int
	op      connector.Operation
	vars    *Variables
	scope   *templateScope
}

// Bind connects the mapping to columns. schema names the readers; a referenced column that it does not
// have reads as null (the row comes from a time before the column existed). A cast applies where a
// value is read.
func (m *Mapping) Bind(schema value.Schema, readers []value.Reader, vars *Variables) *Binding {
	b := &Binding{mapping: m, schema: schema, vars: vars, readers: readers}
	b.casts = make([]value.Type, len(schema))
	for i, c := range schema {
		b.casts[i] = m.casts[c.Name]
	}
	b.slots = make([]int, len(m.slots))
	for i, name := range m.slots {
		b.slots[i] = schema.Index(name)
	}
	return b
}

// Row points the binding at a row.
func (b *Binding) Row(row int, op connector.Operation) {
	b.row, b.op = row, op
	if b.scope != nil {
		b.scope.fresh = false
	}
}

// Values appends the row's mapped values to dst. An error refuses this row alone.
func (b *Binding) Values(dst []value.Value) ([]value.Value, error) {
	dst = slices.Grow(dst, len(b.mapping.fields))
	for i, f := range b.mapping.fields {
		v, err := f(b)
		if err != nil {
			return dst, rejectField(b.mapping.columns[i].Name, err)
		}
		dst = append(dst, v)
	}
	return dst, nil
}

// Match appends the row's match values to dst. A null match value refuses the row.
func (b *Binding) Match(dst []value.Value) ([]value.Value, error) {
	for i, f := range b.mapping.match {
		v, err := f(b)
		if err != nil {
			return dst, rejectField(b.mapping.input.Match[i].To, err)
		}
		if v.IsNull() {
			return dst, fault.New(fault.CodeMappingReject, "the column %q, which rows are matched by, is null", b.mapping.input.Match[i].From)
		}
		dst = append(dst, v)
	}
	return dst, nil
}

// Source appends the whole row, with casts, to dst.
func (b *Binding) Source(dst []value.Value) ([]value.Value, error) {
	dst = slices.Grow(dst, len(b.schema))
	for i, c := range b.schema {
		v, err := b.read(i)
		if err != nil {
			return dst, rejectField(c.Name, err)
		}
		dst = append(dst, v)
	}
	return dst, nil
}

// SourceSchema returns the columns of Source, with the types that casts give them.
func (m *Mapping) SourceSchema(schema value.Schema) value.Schema {
	out := make(value.Schema, len(schema))
	copy(out, schema)
	for i := range out {
		if cast, ok := m.casts[out[i].Name]; ok {
			out[i].Type = cast
		}
	}
	return out
}

// casts returns the type that each column is read as, where that is not its own: the Columns tab's
// casts (M-25), and text for the primary key, which is a string wherever it appears (M-06).
func (c *compiler) casts() map[string]value.Type {
	casts := map[string]value.Type{}
	for _, col := range c.input.Columns {
		if t := c.effective(col); t != col.Type || c.isKey(col.Name) {
			casts[col.Name] = t
		}
	}
	return casts
}

// isKey reports whether a column identifies rows.
func (c *compiler) isKey(column string) bool {
	return column == c.input.PrimaryKey || column == c.input.RowKey
}

// effective returns the type that mappings see of a column.
func (c *compiler) effective(col model.Column) value.Type {
	if c.isKey(col.Name) && col.Cast == "" {
		return value.TypeString
	}
	return col.Effective()
}

// read returns a column's value with its cast.
func (b *Binding) read(i int) (value.Value, error) {
	v := b.readers[i](b.row)
	if b.casts[i] == "" {
		return v, nil
	}
	return Cast(v, b.casts[i])
}

func rejectField(field string, err error) error {
	return fmt.Errorf("field %q: %w", field, err)
}
