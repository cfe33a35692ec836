package query

import (
	"github.com/millrace/millrace/internal/fault"
)

// The constructs that some databases lack (Dialect.Lacks).
const (
	ConstructCreateSchema    = "create schema"
	ConstructCreateTableAs   = "create table as"
	ConstructCreateTemporary = "create temporary table"
	ConstructCreateView      = "create view"
	ConstructElements        = "elements"
	ConstructLists           = "lists"
	ConstructListAgg         = "list of a group"
	ConstructStringAgg       = "texts of a group"
	ConstructMatches         = "regular expressions"
	ConstructSample          = "sample"
	ConstructJSON            = "paths in JSON"
)

// Constructs lists what a database may lack, in the order of the reference.
var Constructs = []string{
	ConstructCreateSchema, ConstructCreateTableAs, ConstructCreateTemporary, ConstructCreateView, ConstructElements, ConstructLists,
	ConstructListAgg, ConstructStringAgg, ConstructMatches, ConstructSample, ConstructJSON,
}

// Lacks says why the database has no form for a construct; it is empty where it has one. To print such a construct
// is a mistake of the program, which panics; Build tells it as an error.
func (d Dialect) Lacks(construct string) string {
	if reason := d.g.lacks[construct]; reason != "" || construct != ConstructElements || d.g.elements != nil {
		return reason
	}
	return "Millrace does not expand arrays there"
}

// lacking is what is missing where a construct is printed.
type lacking struct{ dialect, construct, reason string }

func (l lacking) String() string {
	return "query: " + l.dialect + " lacks " + l.construct + ": " + l.reason
}

func (p *printer) mustHave(construct string) {
	if reason := p.d.Lacks(construct); reason != "" {
		panic(lacking{p.d.Name, construct, reason})
	}
}

// Build returns the query's text, or what the database lacks that the query needs, for people who chose it.
func (d Dialect) Build(q Query) (sql string, err error) {
	defer func() {
		switch l := recover().(type) {
		case nil:
		default:
			panic(l)
		case lacking:
			err = fault.New(fault.CodeInvalid, "the database has no %s: %s", l.construct, l.reason).
				WithSuggestion("Say it in another way, or compute it in the query of a model.")
		}
	}()
	return d.SQL(q), nil
}
