package query

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// grammar is what dialects say differently: a table with one entry for each construct. A dialect begins with the
// standard's (standard) and replaces parts of it; nothing else in this package asks which dialect it prints.
type grammar struct {
	// Names.
	closing string              // of an identifier, where it is not the opening quote
	name    func(string) string // what stands between an identifier's quotes
	aliased string              // between a relation and its alias

	// Types.
	types        map[kind]string
	decimal      func(precision, scale int) string
	columnType   func(d Dialect, t Type) string             // where a column says more than its type; nil where not
	castType     func(d Dialect, t Type) string             // where a cast has other words than a column; nil where not
	stored       func(e Expr, native string) (Expr, string) // what a table can hold of a query's column; nil where all
	tableOptions string                                     // behind the columns of a new table
	longest      int                                        // bytes of a text in a column; 0 is any number

	// Constants.
	text    string                   // before the quote of a text
	escape  func(text string) string // what stands between the quotes of a text
	boolean [2]string                // false, true
	number  func(text string) string // a number with digits behind the point
	float   form                     // of its digits
	day     form                     // of its quoted text
	instant form                     // of its quoted text, in the layout
	layout  string                   // of an instant; value.Value's own where empty
	bytes   form                     // of its hexadecimal digits
	json    form                     // of its quoted text
	null    form                     // of its type

	// Expressions.
	cast     func(to string) form    // of an expression and a type
	calls    map[string]string       // functions with another name
	truth    form                    // of a condition as a value; empty where conditions are values
	distinct form                    // of both sides
	joined   string                  // the function that puts texts one behind the other; || where empty
	pack     func(texts []Expr) Expr // several texts or nulls as one text that nothing else gives
	digest   form                    // of a text
	length   form                    // of a text: a number that tells texts apart where one is the other's beginning
	written  func(e Expr, t value.Type, native string, key bool) Expr
	object   func(members []Member) Expr
	mod      form // of two whole numbers

	// Texts.
	exact       form   // of a text, so that it compares by code points
	like        form   // of a text and a pattern
	likeSpecial string // the characters that mean something in a pattern
	likeEscape  string // the character that takes their meaning from them
	matches     form   // of a text and a regular expression
	bits        form   // of a text: the first 32 bits of its MD5 digest, as a number

	// Groups and windows.
	nullsLast      string // behind an order, so that nulls are last; where empty, they are sorted by a number before it
	shiftInFrame   bool   // LAG and LEAD see a frame
	nullable       form   // of a value whose type might have no null, where such types are; empty where not
	anyValue       form   // of the values
	approxDistinct form   // of the values
	stringAgg      func(p *printer, e, separator Expr, orders []Order)
	listAgg        func(p *printer, m Member, orders []Order)

	// Time.
	clock clock

	// JSON and lists.
	dig            func(d Document, path []Step, all bool) Expr // what stands at a path, as a text; of objects and arrays too
	list           func(members []Member) Expr
	listLength     form                                         // of a list
	listContains   form                                         // of a list and a value
	listElement    func(m Member) Expr                          // the value as the form wants it, where it is no plain one
	elements       func(p *printer, array Expr, kind ArrayKind) // a relation of an array's elements; nil where arrays are not expanded
	each           string                                       // joins it
	elementColumns string                                       // behind its alias
	elementColumn  map[string]form                              // of its alias, where a column is no plain one
	tryCast        func(e Expr, was string, to Type, name string) Expr

	// Queries.
	limit       limit
	dual        string            // behind the columns of a query that reads nothing
	noFull      bool              // there is no FULL JOIN
	sets        map[string]string // set operations with other words
	sample      form              // of a percentage, beside a table; where empty, a condition chooses rows
	sampleFirst bool              // before the table's alias
	random      form              // of millionths: a condition that holds for that share of the rows
	hoists      bool              // WITH may stand only at the beginning of a statement
	semi        bool              // there are SEMI and ANTI joins, which it wants instead of EXISTS
	settings    string            // behind a statement that has a query

	uncounted string // words in capitals; a person's statement that has them is not counted

	// Commands.
	lacks         map[string]string // what the database has no form for, with the reason
	needsWhere    bool              // UPDATE and DELETE must have a condition
	rowsSelected  bool              // several rows of constants cannot be inserted with VALUES
	withFirst     bool              // WITH stands before INSERT, not before SELECT
	update        form              // of the table and the assignments
	updated       string            // behind an update
	dropTable     func(p *printer, t TableRef)
	createView    func(p *printer, c CreateView)
	addColumn     func(p *printer, c AddColumn)
	createSchema  func(p *printer, name string)
	createTable   func(p *printer, c CreateTable)
	createTableAs func(p *printer, t TableRef, q Query)

	temporaryPrefix string // of the names of temporary tables
	createTemporary func(p *printer, t TableRef, q Query)
	merge           bool   // there is MERGE
	mergeEnd        string // behind it
}

// form is SQL with places (%s, %[1]s) for its parts.
type form string

// limit is where a query says how many rows it yields at most.
type limit int

const (
	limitLast  limit = iota // LIMIT n
	limitFetch              // FETCH FIRST n ROWS ONLY
	limitTop                // SELECT TOP (n)
	limitAlone              // SELECT TOP n, which cannot stand with DISTINCT
)

// standard is the grammar that most databases share.
func standard() *grammar {
	return &grammar{
		types: map[kind]string{
			kindText: "VARCHAR", kindInteger: "BIGINT", kindFloat: "DOUBLE PRECISION", kindBoolean: "BOOLEAN", kindDate: "DATE",
			kindTimestamp: "TIMESTAMP WITH TIME ZONE", kindJSON: "JSON", kindBytes: "BLOB", kindLocal: "TIMESTAMP",
		},
		name: doubled(`"`), aliased: " AS ", decimal: decimalAs("DECIMAL(%d, %d)"),

		escape: doubled("'"), boolean: [2]string{"FALSE", "TRUE"}, number: func(text string) string { return text },
		float: "CAST('%s' AS DOUBLE PRECISION)", day: "CAST(%s AS DATE)", instant: "CAST(%s AS TIMESTAMP WITH TIME ZONE)",
		bytes: "X'%s'", json: "CAST(%s AS JSON)", null: "CAST(NULL AS %s)",

		cast: func(string) form { return "CAST(%s AS %s)" }, distinct: "%s IS DISTINCT FROM %s", pack: packLengths, digest: "md5(%s)", length: "octet_length(%s)",
		written: func(e Expr, _ value.Type, _ string, _ bool) Expr { return Cast(e, TypeText) },
		tryCast: func(e Expr, _ string, to Type, _ string) Expr { return spell("TRY_CAST(%s AS %s)", e, castTo(to)) },

		update:       "UPDATE %s SET %s",
		dropTable:    func(p *printer, t TableRef) { p.text("DROP TABLE IF EXISTS " + p.d.Table(t)) },
		createSchema: func(p *printer, name string) { p.text("CREATE SCHEMA IF NOT EXISTS " + p.d.Ident(name)) },
		addColumn:    addColumn("ALTER TABLE %s ADD COLUMN %s %s"),
		createView:   createView("CREATE OR REPLACE VIEW "),
		createTable:  createTable, createTableAs: createTableAs("", ""),

		mod: "mod(%s, %s)", exact: "%s", like: "%s LIKE %s ESCAPE '!'", likeSpecial: "%_", likeEscape: "!",
		nullsLast: " NULLS LAST", anyValue: "any_value(%s)", approxDistinct: "approx_count_distinct(%s)",
		stringAgg: stringAggAs(stringAggWithin), listAgg: listAggAs(listAggFiltered),
		each: "CROSS JOIN LATERAL", sample: " TABLESAMPLE BERNOULLI (%s)", random: "random() * 1000000 < %s", createTemporary: createTemporary("TEMPORARY", "", ""),
		clock: standardClock(),
	}
}

// standardClock is what most databases share of time.
func standardClock() clock {
	return clock{
		now: "CURRENT_TIMESTAMP", literal: "CAST(%s AS TIMESTAMP)", local: "CAST(%s AS TIMESTAMP)", date: "CAST(%s AS DATE)",
		zone: "(%s AT TIME ZONE %s)", unzone: "(%s AT TIME ZONE %s)",
		trunc: "date_trunc('%[2]s', %[1]s)",
		part:  "CAST(EXTRACT(%[2]s FROM %[1]s) AS BIGINT)",
		parts: map[Part]form{PartSecond: "CAST(FLOOR(EXTRACT(SECOND FROM %[1]s)) AS BIGINT)"},
		partWords: map[Part]string{
			PartYear: "YEAR", PartQuarter: "QUARTER", PartMonth: "MONTH", PartDay: "DAY", PartHour: "HOUR", PartMinute: "MINUTE", PartSecond: "SECOND",
			PartWeekday: "ISODOW", PartDayOfYear: "DOY",
		},
	}
}

// dateadd is the clock of databases with DATEADD and DATEDIFF.
func dateadd(c clock) clock {
	c.seconds, c.days, c.months = "DATEADD(SECOND, %[2]d, %[1]s)", "DATEADD(DAY, %[2]d, %[1]s)", "DATEADD(MONTH, %[2]d, %[1]s)"
	c.micros = "DATEDIFF(MICROSECOND, %[1]s, %[2]s)"
	return c
}

// sampleOf is the words of a sample of so many percent.
func (g *grammar) sampleOf(percent string) string { return fmt.Sprintf(string(g.sample), percent) }

// grammarWith returns the standard's grammar with some parts replaced.
func grammarWith(change func(g *grammar)) *grammar {
	g := standard()
	change(g)
	return g
}

// changed returns a copy of a relative's grammar with some parts replaced.
func changed(relative *grammar, change func(g *grammar)) *grammar {
	g := *relative
	change(&g)
	return &g
}

// decimalAs is a type with places for precision and scale.
func decimalAs(f form) func(precision, scale int) string {
	return func(precision, scale int) string { return fmt.Sprintf(string(f), precision, scale) }
}

// Forms that several dialects share.
const (
	distinctByCase form = "CASE WHEN %[1]s = %[2]s OR (%[1]s IS NULL AND %[2]s IS NULL) THEN 0 ELSE 1 END = 1"
	truthByCase    form = "CASE WHEN %[1]s THEN 1 WHEN NOT %[1]s THEN 0 END"
)

// trueOrFalse is a boolean as text, for databases that write it otherwise.
func trueOrFalse(e Expr) Expr {
	return Case().When(e, Text("true")).When(Not(e), Text("false")).End()
}

// trimmed takes from an instant with microseconds those that are zero, as value.Value.String does; replace is the
// function that replaces what a pattern finds.
func trimmed(replace string, micros Expr) Expr {
	return function(replace, micros, Text("000Z$"), Text("Z"))
}

// doubled writes a quote within its own as two.
func doubled(quote string) func(string) string {
	return func(s string) string { return strings.ReplaceAll(s, quote, quote+quote) }
}

// escaped puts a backslash before the quote and before backslashes, and writes line ends as escapes.
func escaped(quote string) func(string) string {
	return strings.NewReplacer(`\`, `\\`, quote, `\`+quote, "\n", `\n`, "\r", `\r`).Replace
}

// quotedTwice is a literal whose quote is doubled and whose backslash is escaped.
var quotedTwice = strings.NewReplacer(`\`, `\\`, "'", "''").Replace

// spelled is an expression in the words of one dialect, such as the call of a function.
type spelled struct {
	form  form
	parts []Expr
}

func spell(f form, parts ...Expr) Expr { return Expr{n: spelled{f, parts}} }

// conditionOf is spell of a condition.
func conditionOf(f form, parts ...Expr) Expr {
	return Expr{n: test{tabled{func(*grammar) form { return f }, parts}}}
}

func (s spelled) level() int { return levelAtom }

func (s spelled) print(p *printer) { p.spell(s.form, s.parts...) }

// spell writes a form. Its parts may stand beside an operator.
func (p *printer) spell(f form, parts ...Expr) {
	if f == "" {
		panic("query: " + p.d.Name + " has neither a form nor a reason for having none")
	}
	words := make([]any, len(parts))
	for i, part := range parts {
		words[i] = p.apart(func(q *printer) { q.expr(part, levelConcat) })
	}
	p.text(fmt.Sprintf(string(f), words...))
}

// castTo is a type's name in a form.
func castTo(t Type) Expr { return Expr{n: typeName{t}} }

type typeName struct{ t Type }

func (n typeName) level() int { return levelAtom }

func (n typeName) print(p *printer) { p.text(p.d.castType(n.t)) }

// function is the call of a function that the dialect has.
func function(name string, args ...Expr) Expr { return Expr{n: call{name: name, args: args}} }

// print writes a constant as the dialect does.
func (l literal) print(p *printer) {
	g := p.d.g
	fill := func(f form, text string) { p.text(fmt.Sprintf(string(f), text)) }
	switch l.v.Kind() {
	case value.Null:
		fill(g.null, p.d.castType(l.t))
	case value.Bool:
		p.text(g.boolean[map[bool]int{true: 1}[l.v.Bool()]])
	case value.Int:
		p.text(strconv.FormatInt(l.v.Int(), 10))
	case value.Decimal:
		p.text(g.number(l.v.Raw()))
	case value.Float:
		fill(g.float, l.v.String())
	case value.Time:
		fill(g.instant, p.d.Text(g.instantText(l.v)))
	case value.Day:
		fill(g.day, p.d.Text(l.v.String()))
	case value.Bytes:
		fill(g.bytes, fmt.Sprintf("%x", l.v.Raw()))
	case value.Text:
		p.text(p.d.Text(l.v.Raw()))
	default:
		fill(g.json, p.d.Text(l.v.String()))
	}
}

func (g *grammar) instantText(v value.Value) string {
	if g.layout == "" {
		return v.String()
	}
	return v.Time().UTC().Format(g.layout)
}
