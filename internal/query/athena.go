package query

import "strings"

// AthenaAt is Amazon Athena, engine version 3, which speaks the language of Trino, with our tables below a location in
// S3. It differs from Trino in this:
//
//   - Tables that rows can be added to and removed from are Iceberg tables, each with an empty location of its own; they
//     hold no TINYINT, SMALLINT, CHAR, TIME or JSON (https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-supported-data-types.html),
//     and no instants with milliseconds ("Timestamp precision (3) not supported for Iceberg", as Trino says it). What a
//     model has of these becomes what stands for it when it is staged.
//   - DDL has backticks around names (https://docs.aws.amazon.com/athena/latest/ug/reserved-words.html), but CREATE TABLE AS is
//     Trino's, and makes a table without rows where it ends with WITH NO DATA
//     (https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html), so that a new table's types are Trino's too.
func AthenaAt(location string) Dialect {
	d := Dialect{Name: "athena", Quote: `"`}
	g := trinoGrammar("TIMESTAMP(6) WITH TIME ZONE", "2006-01-02 15:04:05.000000 UTC")
	d.g = g
	hive := func(parts ...string) string { return "`" + strings.Join(parts, "`.`") + "`" }
	g.types[kindJSON] = "VARCHAR"
	g.json = "%s"
	g.object = trinoObject("%s")
	g.stored = athenaStored
	g.createSchema = func(p *printer, name string) { p.text("CREATE SCHEMA IF NOT EXISTS " + hive(doubled("`")(name))) }
	g.dropTable = func(p *printer, t TableRef) {
		p.text("DROP TABLE IF EXISTS " + hive(doubled("`")(t.Schema), doubled("`")(t.Name)))
	}
	g.addColumn = func(p *printer, c AddColumn) {
		p.text("ALTER TABLE " + hive(doubled("`")(c.Table.Schema), doubled("`")(c.Table.Name)) +
			" ADD COLUMNS (" + hive(doubled("`")(c.Column.Name)) + " " + athenaHive(p.d.Type(c.Column.Type)) + ")")
	}
	as := func(p *printer, t TableRef, q Query) {
		p.text("CREATE TABLE " + p.d.Table(t) + " WITH (table_type = 'ICEBERG', is_external = false, location = " + p.d.Text(place(location, t)) + ") AS ")
		p.query(q)
	}
	g.createTableAs = as
	g.createTable = func(p *printer, c CreateTable) {
		columns := make([]Expr, len(c.Columns))
		for i, column := range c.Columns {
			columns[i] = Null(column.Type).As(column.Name)
		}
		as(p, c.Table, Values(columns...))
		p.text(" WITH NO DATA")
	}
	return d
}

// athenaHive is a type's name in DDL, which has instants without a time zone only.
func athenaHive(name string) string {
	switch lower := strings.ToLower(name); {
	case strings.HasPrefix(lower, "varchar"):
		return "string"
	case strings.HasPrefix(lower, "varbinary"):
		return "binary"
	case strings.HasPrefix(lower, "timestamp"):
		return "timestamp"
	case lower == "integer":
		return "int"
	default:
		return lower
	}
}

func athenaStored(e Expr, native string) (Expr, string) {
	lower := strings.ToLower(native)
	base, _, _ := strings.Cut(lower, "(")
	switch lower {
	case "array", "map", "row": // Athena's results do not say of what
		return function("json_format", Cast(e, Native("JSON"))), "varchar"
	}
	switch strings.TrimSpace(base) {
	case "tinyint", "smallint":
		return Cast(e, Native("integer")), "integer"
	case "char", "time":
		return Cast(e, TypeText), "varchar"
	case "json":
		return function("json_format", e), "varchar"
	case "timestamp":
		if strings.HasSuffix(lower, "with time zone") {
			return Cast(e, TypeTimestamp), "timestamp(6) with time zone"
		}
		return Cast(e, Native("timestamp(6)")), "timestamp(6)"
	default:
		return e, native
	}
}
