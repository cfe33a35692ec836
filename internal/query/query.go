// Package query is SQL as values, for the places where customer data lives. A query is built from
// expressions and relations and printed by the Dialect of the database that is to run it:
//
//	p, q := query.Table(people).As("p"), query.Table(orders).As("o")
//	recent := query.From(p).
//		Join(q, q.Col("person").Eq(p.Col("id"))).
//		Where(q.Col("total").Gt(query.Int(100))).
//		GroupBy(p.Col("id")).
//		Select(p.Col("id"), query.Count().As("orders"))
//	text := query.Postgres.SQL(recent)
//
// Values never change: each method returns a copy, so that a part can be shared. Identifiers and
// literals are quoted by the dialect, never joined by hand; a person's own statement enters only as a
// relation of its own (Statement), whose source checks that it is one statement.
//
// What every dialect can say is the same by construction; where a database has no form for something,
// such as a comparison that knows null, the dialect spells it out. What it cannot say at all, Lacks tells with the
// reason, and Build is SQL with an error instead of a panic.
//
// What audiences, traits and metrics are made of is in files of its own: sets, windows, aggregates, moments and time
// zones, periods, paths in JSON, lists, comparisons of texts, buckets and samples, upserts (decision 24).
package query

import (
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

// The schemas that Millrace writes in a warehouse where its source does not name others (SY-49).
const (
	PlannerSchema = "millrace_planner"
	AuditSchema   = "millrace_audit"
)

// OwnSchemas are the schemas that Millrace writes in a warehouse; discovery hides them (S-04).
var OwnSchemas = []string{PlannerSchema, AuditSchema, "hightouch_planner", "hightouch_audit"}

// IsOwnSchema reports whether the schema is one of OwnSchemas, in any case of letters.
func IsOwnSchema(schema string) bool {
	for _, own := range OwnSchemas {
		if strings.EqualFold(schema, own) {
			return true
		}
	}
	return false
}

// Clean removes what may stand behind a statement: space and semicolons. Comments stay, and so does what stands
// before it, so that the places of errors are those in the text that its author sees.
func Clean(sql string) string {
	return strings.TrimRightFunc(sql, func(r rune) bool { return r == ';' || unicode.IsSpace(r) })
}

// Comment returns a tag as a comment, with a space behind it, that the tag cannot end; nothing for no tag.
func Comment(tag string) string {
	if tag == "" {
		return ""
	}
	return "/* " + strings.NewReplacer("*", "", "\x00", "").Replace(tag) + " */ "
}
