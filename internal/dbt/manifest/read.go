package manifest

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/fault"
)

// The languages of nodes.
const (
	LanguageSQL    = "sql"
	LanguagePython = "python"
)

// Access is how a node's rows are read (DBT-04).
type Access string

// The ways to read.
const (
	AccessTable Access = "table" // the table or view that dbt made
	AccessSQL   Access = "sql"   // the compiled query itself
)

// Accesses lists the ways to read.
var Accesses = []Access{AccessTable, AccessSQL}

// Valid reports whether there is such a way.
func (a Access) Valid() bool { return slices.Contains(Accesses, a) }

// Access returns how the node is read where nobody chose: its table where dbt makes one, which is what the project's
// tests are about and what others see; otherwise its query.
func (n Node) Access() Access {
	if n.Relation != "" {
		return AccessTable
	}
	return AccessSQL
}

// Query returns the SQL that yields the node's rows, or why there is none and what to do.
func (n Node) Query(a Access) (string, error) {
	if a == "" {
		a = n.Access()
	}
	if a == AccessTable {
		return n.table()
	}
	return n.compiled()
}

// table names the relation as dbt does: it knows which names the project quotes.
func (n Node) table() (string, error) {
	switch {
	case n.Relation != "":
		return "SELECT * FROM " + n.Relation, nil
	case n.Type == TypeAnalysis:
		return "", n.cannot("dbt makes no table of the analysis %q").WithSuggestion("Read its compiled SQL instead.")
	case n.Materialized == "ephemeral":
		return "", n.cannot("the model %q is ephemeral: dbt makes no table of it").
			WithSuggestion("Read its compiled SQL instead, or materialize it as a view or table in dbt.")
	default:
		return "", n.cannot("the manifest names no table of the model %q").
			WithSuggestion("Read its compiled SQL instead, or compile the project anew and load its manifest.")
	}
}

func (n Node) compiled() (string, error) {
	switch {
	case n.Language != LanguageSQL:
		e := n.cannot("the model %q is written in Python, so that there is no SQL to run")
		if n.Relation != "" {
			return "", e.WithSuggestion("Read the table that dbt makes of it instead.")
		}
		return "", e.WithSuggestion("Materialize it as a table in dbt, and read that.")
	case strings.TrimSpace(n.Code) == "":
		return "", n.cannot("the manifest has no compiled SQL of %q").
			WithSuggestion("The manifest was made by a command that only parses, or left this one out. Run dbt compile, and load the manifest that it writes.")
	default:
		return n.Code, nil
	}
}

func (n Node) cannot(format string) *fault.Error {
	return fault.New(fault.CodeDBTModel, format, n.Name)
}

// Notes are what a person should know before reading the node in one way.
func (n Node) Notes(a Access) []string {
	if a == "" {
		a = n.Access()
	}
	notes := []string{}
	if a == AccessSQL && n.Materialized == "incremental" {
		notes = append(notes, "The model is incremental. Its compiled SQL may hold only the rows that dbt would add next; the others would be removed from the destination. Read its table instead.")
	}
	if a == AccessSQL && n.Hooks {
		notes = append(notes, "Hooks of the model do not run before or after its compiled SQL.")
	}
	return notes
}
