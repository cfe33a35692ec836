package query

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// Dialect is how one kind of database writes SQL.
type Dialect struct {
	Name  string // such as duckdb, postgres
	Quote string // the character around identifiers

	g *grammar
}

// grammar is what dialects say differently. A dialect begins with the standard's and replaces parts of it.
type grammar struct {
	closing      string // of an identifier, where it is not the opening quote
	types        map[kind]string
	decimal      string // with places for precision and scale
	length       string // the function that measures a text
	tableOptions string // behind the columns of a new table
	top          bool   // SELECT TOP n instead of LIMIT n
	needsWhere   bool   // UPDATE and DELETE must have a condition
	longest      int    // bytes of a text in a column; 0 is any number

	escape        func(text string) string // what stands between the quotes of a text
	boolean       func(b bool) string
	distinct      func(p *printer, a, b Expr)
	concat        func(p *printer, all []Expr)
	pack          func(texts []Expr) Expr // several texts or nulls as one text that nothing else gives
	digest        func(p *printer, text Expr)
	instant       func(p *printer, v value.Value)
	bytes         func(p *printer, raw string)
	json          func(p *printer, text string)
	canonical     func(p *printer, e Expr, t value.Type, native string)
	key           func(p *printer, e Expr, t value.Type, native string)
	tryCast       func(p *printer, e Expr, was string, to Type)
	object        func(p *printer, members []Member)
	createSchema  func(p *printer, name string)
	createTableAs func(p *printer, t TableRef, q Query)
}

// Dialects lists the dialects.
var Dialects = []Dialect{DuckDB, Postgres}

// kind is a type of ours.
type kind uint8

const (
	kindNative kind = iota
	kindText
	kindInteger
	kindDecimal
	kindFloat
	kindBoolean
	kindDate
	kindTimestamp
	kindJSON
	kindBytes
)

// Type is the type of a column or of a cast's result.
type Type struct {
	kind             kind
	precision, scale int
	native           string
}

// The types that every dialect has a name for.
var (
	TypeText      = Type{kind: kindText}
	TypeInteger   = Type{kind: kindInteger} // 64 bits
	TypeFloat     = Type{kind: kindFloat}   // 64 bits
	TypeBoolean   = Type{kind: kindBoolean}
	TypeDate      = Type{kind: kindDate}
	TypeTimestamp = Type{kind: kindTimestamp} // an instant, at least to the microsecond
	TypeJSON      = Type{kind: kindJSON}
	TypeBytes     = Type{kind: kindBytes}
)

// TypeDecimal is a number with digits of its own.
func TypeDecimal(precision, scale int) Type {
	return Type{kind: kindDecimal, precision: precision, scale: scale}
}

// Native is a type in the database's own words, which must come from the database itself.
func Native(name string) Type { return Type{native: name} }

// SQL returns the query's text.
func (d Dialect) SQL(q Query) string {
	p := &printer{d: d}
	p.query(q)
	return p.String()
}

// Command returns the command's text.
func (d Dialect) Command(c Command) string {
	p := &printer{d: d}
	c.printCommand(p)
	return p.String()
}

// Expr returns the expression's text.
func (d Dialect) Expr(e Expr) string {
	p := &printer{d: d}
	p.expr(e, levelOr)
	return p.String()
}

// Ident quotes an identifier.
func (d Dialect) Ident(name string) string {
	closing := d.Quote
	if d.g != nil && d.g.closing != "" {
		closing = d.g.closing
	}
	return d.Quote + strings.ReplaceAll(name, closing, closing+closing) + closing
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
	return "'" + d.g.escape(strings.ReplaceAll(s, "\x00", "")) + "'"
}

// Type returns the name of a type.
func (d Dialect) Type(t Type) string {
	switch t.kind {
	case kindNative:
		return t.native
	case kindDecimal:
		return fmt.Sprintf(d.g.decimal, t.precision, t.scale)
	default:
		return d.g.types[t.kind]
	}
}

// SelectTable returns the statement that reads a whole table.
func (d Dialect) SelectTable(t TableRef) string { return "SELECT * FROM " + d.Table(t) }

// Limit returns the statement wrapped so that it yields at most n rows. The alias is one that error
// messages may show; a trailing line comment in sql does not swallow the rest.
func (d Dialect) Limit(sql string, n int64) string {
	return d.SQL(From(Statement(sql).As(modelAlias)).Limit(n))
}

// Find returns the statement that yields the rows of sql whose column prints as text, at most n of them. It says
// nothing of columns whose text the database writes otherwise than value.Value does: floats, instants, JSON.
func (d Dialect) Find(sql, column, text string, n int64) string {
	m := Statement(sql).As(modelAlias)
	return d.SQL(From(m).Where(Cast(m.Col(column), TypeText).Eq(Text(text))).Limit(n))
}

// Count returns the statement that counts the rows of sql.
func (d Dialect) Count(sql string) string {
	return d.SQL(From(Statement(sql).As(modelAlias)).Select(Count().As("rows")))
}

// modelAlias is the name of a person's statement inside one of ours.
const modelAlias = "_millrace_model"

// standard is the grammar that most databases share.
func standard() *grammar {
	return &grammar{
		types: map[kind]string{
			kindText: "VARCHAR", kindInteger: "BIGINT", kindFloat: "DOUBLE PRECISION", kindBoolean: "BOOLEAN", kindDate: "DATE",
			kindTimestamp: "TIMESTAMP WITH TIME ZONE", kindJSON: "JSON", kindBytes: "BLOB",
		},
		decimal: "DECIMAL(%d, %d)", length: "octet_length",
		escape:        func(s string) string { return strings.ReplaceAll(s, "'", "''") },
		boolean:       func(b bool) string { return strings.ToUpper(strconv.FormatBool(b)) },
		distinct:      isDistinct,
		concat:        concatBars,
		pack:          packLengths,
		digest:        func(p *printer, text Expr) { p.call("md5", text) },
		instant:       func(p *printer, v value.Value) { p.cast("CAST", Text(v.String()), TypeTimestamp) },
		bytes:         func(p *printer, raw string) { p.text(fmt.Sprintf("X'%x'", raw)) },
		json:          func(p *printer, text string) { p.cast("CAST", Text(text), TypeJSON) },
		canonical:     func(p *printer, e Expr, _ value.Type, _ string) { p.cast("CAST", e, TypeText) },
		key:           func(p *printer, e Expr, _ value.Type, _ string) { p.cast("CAST", e, TypeText) },
		tryCast:       func(p *printer, e Expr, _ string, to Type) { p.cast("TRY_CAST", e, to) },
		createSchema:  func(p *printer, name string) { p.text("CREATE SCHEMA IF NOT EXISTS " + p.d.Ident(name)) },
		createTableAs: func(p *printer, t TableRef, q Query) { p.text("CREATE TABLE " + p.d.Table(t) + " AS "); p.query(q) },
	}
}

// with returns the standard's grammar with some parts replaced.
func grammarWith(change func(g *grammar)) *grammar {
	g := standard()
	change(g)
	return g
}

func isDistinct(p *printer, a, b Expr) {
	p.expr(a, levelCompare+1)
	p.text(" IS DISTINCT FROM ")
	p.expr(b, levelCompare+1)
}

func concatBars(p *printer, all []Expr) {
	for i, e := range all {
		if i > 0 {
			p.text(" || ")
		}
		p.expr(e, levelConcat)
	}
}
