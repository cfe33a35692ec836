package query

import "strings"

// SnowflakeIceberg is Snowflake where our tables are Iceberg tables, in an external volume below a base location
// (https://docs.snowflake.com/sql-reference/sql/create-iceberg-table-snowflake.html). They hold instants with microseconds and
// in no time zone but the session's (https://docs.snowflake.com/user-guide/tables-iceberg-create), and no VARIANT
// (unverified): what a model has of these becomes an instant in UTC, and JSON, when it is staged.
func SnowflakeIceberg(volume, base string) Dialect {
	d := Dialect{Name: "snowflake_iceberg", Quote: `"`}
	g := snowflakeGrammar()
	d.g = g
	g.types[kindText], g.types[kindTimestamp], g.types[kindJSON] = "STRING", "TIMESTAMP_LTZ(6)", "STRING"
	g.json = "%s"
	g.object = snowflakeObject("%s")
	options := func(t TableRef) string {
		return " CATALOG = 'SNOWFLAKE' EXTERNAL_VOLUME = " + d.Text(volume) + " BASE_LOCATION = " + d.Text(place(base, t))
	}
	g.createTable = func(p *printer, c CreateTable) {
		p.text("CREATE ICEBERG TABLE " + p.d.Table(c.Table) + " (" + p.columns(c.Columns) + ")" + options(c.Table))
	}
	g.createTableAs = func(p *printer, t TableRef, q Query) {
		p.text("CREATE ICEBERG TABLE " + p.d.Table(t) + options(t) + " AS ")
		p.query(q)
	}
	g.stored = snowflakeIcebergStored
	g.clock.unzone = "CAST(CONVERT_TIMEZONE(%[2]s, 'UTC', %[1]s) AS TIMESTAMP_LTZ(6))"
	return d
}

// place is where a table's files are: each has a folder of its own.
func place(base string, t TableRef) string {
	return strings.TrimSuffix(base, "/") + "/" + strings.ReplaceAll(t.Schema, "/", "_") + "/" + strings.ReplaceAll(t.Name, "/", "_") + "/"
}

func snowflakeIcebergStored(e Expr, native string) (Expr, string) {
	switch snowflakeClass(native) {
	case "timestamp_tz":
		return Cast(e, TypeTimestamp), "TIMESTAMP_LTZ(6)"
	case "timestamp_ltz":
		return Cast(e, TypeTimestamp), "TIMESTAMP_LTZ(6)"
	case "timestamp_ntz", "timestamp", "datetime":
		return Cast(e, Native("TIMESTAMP_NTZ(6)")), "TIMESTAMP_NTZ(6)"
	case "variant", "object", "array":
		return function("TO_JSON", function("TO_VARIANT", e)), "STRING"
	default:
		return e, native
	}
}
