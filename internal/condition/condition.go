// Package condition is the tree of conditions that people write, in audiences and wherever else rows are chosen: what
// it may say, and whether it says it well. What it means in a database is the package segment's.
package condition

import (
	"slices"

	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// Condition is a group of conditions, or one of them. Exactly one of its members is given; a group without conditions
// holds for every row.
type Condition struct {
	All      []Condition `json:"all,omitempty" doc:"a group of which all hold"`
	Any      []Condition `json:"any,omitempty" doc:"a group of which one holds"`
	Property *Property   `json:"property,omitempty" doc:"what the value of a column must be"`
}

// Property is a condition on the value of a column. Its operator says which of Values, Percentile, From, To and Period
// it takes.
type Property struct {
	Column     string        `json:"column"`
	Path       string        `json:"path,omitempty" doc:"within JSON: names with dots between them, and numbers for the places in arrays"`
	Type       value.Type    `json:"type,omitempty" enum:"string,number,boolean" doc:"of what stands at the path"`
	Operator   Operator      `json:"operator" enum:"equals,notEquals,contains,notContains,startsWith,endsWith,greater,less,greaterOrEqual,lessOrEqual,before,after,within,notWithin,between,anniversary,exists,notExists"`
	Values     []value.Value `json:"values,omitempty" doc:"texts, numbers or booleans; where there are several, one of them is meant, and by an operator that denies none"`
	Percentile *float64      `json:"percentile,omitempty" doc:"instead of a number: the value below which so many of a hundred rows lie"`
	From       *Moment       `json:"from,omitempty" doc:"the time that the operators before, after and equals take, and the first of between"`
	To         *Moment       `json:"to,omitempty" doc:"the last time of between"`
	Period     *Period       `json:"period,omitempty" doc:"of within and notWithin"`
}

// Moment is a time: one that is written down, or one so long ago.
type Moment struct {
	At  string `json:"at,omitempty" doc:"a day, such as 2026-03-01, which is meant as a whole, or an instant with its time zone, such as 2026-03-01T09:30:00Z"`
	Ago *Span  `json:"ago,omitempty"`
}

// Span is a number of units of time.
type Span struct {
	N    int        `json:"n"`
	Unit query.Unit `json:"unit" enum:"minute,hour,day,week,month,quarter,year"`
}

// Period is a time that ends now, or, by the calendar, with the last unit that is over.
type Period struct {
	Span

	Calendar bool `json:"calendar,omitempty" doc:"whole units of the calendar, without the one that is under way; otherwise the time up to now"`
}

// Units lists the units of spans, the shortest first.
var Units = []query.Unit{query.Minute, query.Hour, query.Day, query.Week, query.Month, query.Quarter, query.Year}

// Operator says how a value is compared.
type Operator string

// The operators.
const (
	Equals         Operator = "equals"
	NotEquals      Operator = "notEquals"
	Contains       Operator = "contains"
	NotContains    Operator = "notContains"
	StartsWith     Operator = "startsWith"
	EndsWith       Operator = "endsWith"
	Greater        Operator = "greater"
	Less           Operator = "less"
	GreaterOrEqual Operator = "greaterOrEqual"
	LessOrEqual    Operator = "lessOrEqual"
	Before         Operator = "before"
	After          Operator = "after"
	Within         Operator = "within"
	NotWithin      Operator = "notWithin"
	Between        Operator = "between"
	Anniversary    Operator = "anniversary"
	Exists         Operator = "exists"
	NotExists      Operator = "notExists"
)

// Operators are those of each type of column, in the order in which they are offered.
var Operators = map[value.Type][]Operator{
	value.TypeString:    {Equals, NotEquals, Contains, NotContains, StartsWith, EndsWith, Exists, NotExists},
	value.TypeNumber:    {Equals, NotEquals, Greater, Less, GreaterOrEqual, LessOrEqual, Exists, NotExists},
	value.TypeBoolean:   {Equals, NotEquals, Exists, NotExists},
	value.TypeTimestamp: {Equals, Before, After, Within, NotWithin, Between, Anniversary, Exists, NotExists},
	value.TypeDate:      {Equals, Before, After, Within, NotWithin, Between, Anniversary, Exists, NotExists},
	value.TypeObject:    {Exists, NotExists},
}

// Denies reports whether an operator holds where another does not: what it says of rows without a value is a
// setting of the workspace.
func (o Operator) Denies() bool {
	return slices.Contains([]Operator{NotEquals, NotContains, NotWithin}, o)
}

// compares reports whether an operator compares numbers by size: only those take a percentile.
func (o Operator) compares() bool {
	return slices.Contains([]Operator{Greater, Less, GreaterOrEqual, LessOrEqual}, o)
}

// many reports whether an operator takes several values.
func (o Operator) many() bool {
	return slices.Contains([]Operator{Equals, NotEquals, Contains, NotContains}, o)
}

// TypeOf is the type that a property's operators are of: that of its column, or of what stands at its place in JSON.
func (p Property) TypeOf(column value.Type) value.Type {
	if column == value.TypeObject && p.Type != "" {
		return p.Type
	}
	return column
}

// Columns names the columns that a condition asks about, each once, in their order.
func (c Condition) Columns() []string {
	var names []string
	c.each(func(p *Property) {
		if !slices.Contains(names, p.Column) {
			names = append(names, p.Column)
		}
	})
	return names
}

func (c Condition) each(visit func(p *Property)) {
	for _, one := range slices.Concat(c.All, c.Any) {
		one.each(visit)
	}
	if c.Property != nil {
		visit(c.Property)
	}
}
