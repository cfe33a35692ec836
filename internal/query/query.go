// Package query writes SQL for the places where customer data lives. Identifiers and values are
// always quoted by the dialect, never joined by hand.
package query

import (
	"strconv"
	"strings"
	"unicode"
)

// TableRef names a table or view.
type TableRef struct {
	Database string `json:"database,omitempty"`
	Schema   string `json:"schema,omitempty"`
	Name     string `json:"name"`
}

// String returns the dotted name, unquoted, for people.
func (t TableRef) String() string {
	parts := make([]string, 0, 3)
	for _, p := range []string{t.Database, t.Schema, t.Name} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ".")
}

// OwnSchemas are the schemas that Millrace writes in a warehouse; discovery hides them (S-04).
var OwnSchemas = []string{"millrace_planner", "millrace_audit", "hightouch_planner", "hightouch_audit"}

// IsOwnSchema reports whether the schema is one of OwnSchemas, in any case of letters.
func IsOwnSchema(schema string) bool {
	for _, own := range OwnSchemas {
		if strings.EqualFold(schema, own) {
			return true
		}
	}
	return false
}

// Dialect is how one kind of database writes SQL.
type Dialect struct {
	Name  string // duckdb, postgres
	Quote string // the character around identifiers
}

// The dialects.
var (
	DuckDB   = Dialect{Name: "duckdb", Quote: `"`}
	Postgres = Dialect{Name: "postgres", Quote: `"`}
)

// Ident quotes an identifier.
func (d Dialect) Ident(name string) string {
	return d.Quote + strings.ReplaceAll(name, d.Quote, d.Quote+d.Quote) + d.Quote
}

// Table quotes a table's name with its schema and database.
func (d Dialect) Table(t TableRef) string {
	parts := make([]string, 0, 3)
	for _, p := range []string{t.Database, t.Schema, t.Name} {
		if p != "" {
			parts = append(parts, d.Ident(p))
		}
	}
	return strings.Join(parts, ".")
}

// Text quotes a string literal. A NUL byte, which no SQL text can hold, is left out.
func (d Dialect) Text(s string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, "\x00", ""), "'", "''") + "'"
}

// SelectTable returns the statement that reads a whole table.
func (d Dialect) SelectTable(t TableRef) string { return "SELECT * FROM " + d.Table(t) }

// Clean removes what may stand behind a statement: space and semicolons. Comments stay, and so does what stands
// before it, so that the places of errors are those in the text that its author sees.
func Clean(sql string) string {
	return strings.TrimRightFunc(sql, func(r rune) bool { return r == ';' || unicode.IsSpace(r) })
}

// modelAlias is what a model's query is called in the statements around it. Error messages may show it.
const modelAlias = "_millrace_model"

// Limit returns the statement wrapped so that it yields at most n rows. The alias is one that error
// messages may show; a trailing line comment in sql does not swallow the rest.
func (d Dialect) Limit(sql string, n int64) string {
	return "SELECT * FROM (\n" + Clean(sql) + "\n) AS " + modelAlias + " LIMIT " + strconv.FormatInt(n, 10)
}

// Find returns the statement that yields the rows of sql whose column prints as text, at most n of them. It says
// nothing of columns whose text the database writes otherwise than value.Value does: floats, instants, JSON.
func (d Dialect) Find(sql, column, text string, n int64) string {
	return "SELECT * FROM (\n" + Clean(sql) + "\n) AS _millrace_model WHERE CAST(" + d.Ident(column) + " AS VARCHAR) = " +
		d.Text(text) + " LIMIT " + strconv.FormatInt(n, 10)
}

// Count returns the statement that counts the rows of sql.
func (d Dialect) Count(sql string) string {
	return "SELECT count(*) FROM (\n" + Clean(sql) + "\n) AS " + modelAlias
}
