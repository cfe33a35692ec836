package query

import (
	"cmp"
	"strings"
)

// Dialect is how one kind of database writes SQL.
type Dialect struct {
	Name  string // such as duckdb, postgres
	Quote string // the character around identifiers

	g *grammar
}

// Dialects lists the dialects; those that need to know a place have an example of one.
var Dialects = []Dialect{
	DuckDB, Postgres, Greenplum, Materialize, Redshift, MySQL, SingleStore, SQLServer, Synapse, Fabric,
	Snowflake, SnowflakeIceberg("volume", "millrace"), BigQuery, Databricks, DatabricksANSI,
	Trino, TrinoHive(Trino), TrinoIceberg(Trino), TrinoPostgres(Trino), Presto, TrinoHive(Presto), TrinoIceberg(Presto), TrinoPostgres(Presto), AthenaAt("s3://bucket/millrace"),
	ClickHouse, Oracle, Teradata,
}

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
	kindLocal
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
	TypeLocal     = Type{kind: kindLocal} // a day and a time of the day, in no time zone
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
	p.whole(q, "")
	p.text(d.g.settings)
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
	p.bound(e, levelOr)
	return p.String()
}

// Ident quotes an identifier.
func (d Dialect) Ident(name string) string { return d.Quote + d.g.name(name) + d.closing() }

// closing is what ends an identifier.
func (d Dialect) closing() string { return cmp.Or(d.g.closing, d.Quote) }

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
	return d.g.text + "'" + d.g.escape(strings.ReplaceAll(s, "\x00", "")) + "'"
}

// Type returns the name of a type.
func (d Dialect) Type(t Type) string {
	switch t.kind {
	case kindNative:
		return t.native
	case kindDecimal:
		return d.g.decimal(t.precision, t.scale)
	default:
		return d.g.types[t.kind]
	}
}

// columnType returns the type of a column of a table that is to be.
func (d Dialect) columnType(t Type) string {
	if d.g.columnType != nil {
		return d.g.columnType(d, t)
	}
	return d.Type(t)
}

// castType returns the name of a type where something is cast to it.
func (d Dialect) castType(t Type) string {
	if d.g.castType != nil {
		return d.g.castType(d, t)
	}
	return d.Type(t)
}

// Stored returns what a table can hold of a query's column, and its type; native is the column's. Most databases
// hold what they compute.
func (d Dialect) Stored(e Expr, native string) (Expr, string) {
	if d.g.stored == nil {
		return e, native
	}
	return d.g.stored(e, native)
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

// Counts reports whether the rows of a person's statement may be counted. Redshift cannot read some nested data of
// external tables inside another query, and people say so with the words ORDER BY, in a comment where they must.
func (d Dialect) Counts(sql string) bool {
	return d.g.uncounted == "" || !strings.Contains(strings.ToUpper(sql), d.g.uncounted)
}

// modelAlias is the name of a person's statement inside one of ours.
const modelAlias = "_millrace_model"
