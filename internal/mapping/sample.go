package mapping

import (
	"slices"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/template"
	"github.com/millrace/millrace/internal/value"
)

// SampleRows is how many rows of a model tell which properties its columns have (SY-34).
const SampleRows = 100

// Sample is the first rows of a model, to try mappings on.
type Sample struct {
	Columns    []model.Column // of the model, with their casts
	PrimaryKey string
	RowKey     string       // see Input.RowKey
	Schema     value.Schema // of the rows
	Rows       [][]value.Value
}

// Try maps one row with one mapping. An error says why the mapping cannot be used, or why it refuses the row; a
// template's names its place (template.At).
func (s *Sample) Try(spec sync.Mapping, row int, vars *Variables) (value.Value, error) {
	if row < 0 || row >= len(s.Rows) {
		return value.Value{}, fault.New(fault.CodeInvalid, "there is no row %d among the first %d", row+1, len(s.Rows)).WithPath("row")
	}
	if spec.Kind == sync.FromTemplate {
		if _, err := template.Parse(spec.Template); err != nil {
			return value.Value{}, err
		}
	}
	m, err := Compile(Input{Columns: s.Columns, PrimaryKey: s.PrimaryKey, RowKey: s.RowKey, Mappings: []sync.Mapping{spec}})
	if err != nil {
		return value.Value{}, err
	}
	b := m.Bind(s.Schema, s.readers(), vars)
	b.Row(row, connector.Added)
	return m.fields[0](b)
}

// readers returns the columns of the rows.
func (s *Sample) readers() []value.Reader {
	readers := make([]value.Reader, len(s.Schema))
	for i := range readers {
		readers[i] = func(row int) value.Value { return s.Rows[row][i] }
	}
	return readers
}

// Shape is what the values of a column or property are.
type Shape string

// The shapes. ShapeArray is a list of anything else than objects.
const (
	ShapeNone    Shape = "" // only nulls were seen
	ShapeScalar  Shape = "scalar"
	ShapeObject  Shape = "object"
	ShapeObjects Shape = "objects" // a list of objects
	ShapeArray   Shape = "array"
	ShapeMixed   Shape = "mixed"
)

// Property is a column, or a member of its objects, as the sample's rows have it.
type Property struct {
	Name       string
	Shape      Shape
	Type       value.Type // of a scalar; empty where it differs
	Properties []Property // of an object, or of the objects of a list, in the order in which they were seen

	filled bool // a list that was not empty was seen
}

// Properties returns the columns that hold objects or lists with the properties that the rows show, two levels deep
// (SY-34, SY-35).
func (s *Sample) Properties() []Property {
	c := &compiler{input: Input{Columns: s.Columns, PrimaryKey: s.PrimaryKey, RowKey: s.RowKey}}
	casts := c.casts()
	var all []Property
	for i, col := range s.Schema {
		p := &Property{Name: col.Name}
		for _, row := range s.Rows {
			v := row[i]
			if cast, ok := casts[col.Name]; ok {
				var err error
				if v, err = Cast(v, cast); err != nil {
					continue // the run refuses that row
				}
			}
			p.see(v, maxDepth)
		}
		if p.Shape == ShapeObject || p.Shape == ShapeObjects || p.Shape == ShapeArray || p.Shape == ShapeMixed {
			all = append(all, *p)
		}
	}
	return all
}

// see adds what a value shows, down to a depth.
func (p *Property) see(v value.Value, depth int) {
	v = v.Parsed()
	if v.IsNull() {
		return
	}
	shape := shapeOf(v)
	filled := len(v.List()) > 0
	defer func() { p.filled = p.filled || filled }()
	switch p.Shape {
	case ShapeNone:
		p.Shape, p.Type = shape, typeOf(v)
	case shape:
		if p.Type != typeOf(v) {
			p.Type = ""
		}
	default:
		p.join(shape, filled)
	}
	if depth == 0 {
		return
	}
	switch {
	case v.Kind() == value.Map:
		p.members(v, depth)
	case shape == ShapeObjects:
		for _, item := range v.List() {
			p.members(item.Parsed(), depth)
		}
	}
}

// join keeps the shape of lists when one of them is empty, and makes it mixed otherwise.
func (p *Property) join(shape Shape, filled bool) {
	switch {
	case p.Shape == ShapeObjects && shape == ShapeArray && !filled:
	case p.Shape == ShapeArray && shape == ShapeObjects && !p.filled:
		p.Shape = ShapeObjects
	default:
		p.Shape, p.Type = ShapeMixed, ""
	}
}

func (p *Property) members(object value.Value, depth int) {
	for _, f := range object.Fields() {
		i := slices.IndexFunc(p.Properties, func(known Property) bool { return known.Name == f.Name })
		if i < 0 {
			p.Properties = append(p.Properties, Property{Name: f.Name})
			i = len(p.Properties) - 1
		}
		p.Properties[i].see(f.Value, depth-1)
	}
}

func shapeOf(v value.Value) Shape {
	switch v.Kind() {
	case value.Map:
		return ShapeObject
	case value.List:
		for _, item := range v.List() {
			if k := item.Parsed().Kind(); k != value.Map && k != value.Null {
				return ShapeArray
			}
		}
		if len(v.List()) == 0 {
			return ShapeArray
		}
		return ShapeObjects
	default:
		return ShapeScalar
	}
}
