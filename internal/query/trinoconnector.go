package query

import (
	"maps"
	"strings"
)

// TrinoHive is Trino or Presto where our tables are in a catalogue of the Hive connector, which has these limits:
//
//   - Rows are changed and removed in transactional tables only, which are ORC files
//     (https://trino.io/docs/current/connector/hive.html#acid-transactions). Presto has none.
//   - An instant has no time zone there: our columns hold it in UTC, with microseconds, which the session asks for.
//   - There is no JSON, TIME or UUID (https://trino.io/docs/current/connector/hive.html, "unverified" for the last two).
func TrinoHive(d Dialect) Dialect {
	return withGrammar(d, "_hive", func(g *grammar) {
		textForJSON(g)
		if d.Name == Trino.Name {
			const options = " WITH (format = 'ORC', transactional = true)"
			g.tableOptions = options
			g.createTableAs = createTableAs(options, "")
		}
		instant, zoned := "TIMESTAMP(6)", "TIMESTAMP(6) WITH TIME ZONE"
		if d.Name == Presto.Name {
			instant, zoned = "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"
		}
		g.types[kindTimestamp] = instant
		g.layout = strings.TrimSuffix(g.layout, " UTC")
		g.cast = func(to string) form {
			if to == instant {
				return form("CAST(CAST(%s AS " + zoned + ") AT TIME ZONE 'UTC' AS %s)")
			}
			return "CAST(%s AS %s)"
		}
		g.stored = func(e Expr, native string) (Expr, string) {
			lower := strings.ToLower(native)
			switch trinoBase(native) {
			case "json":
				return function("json_format", e), "varchar"
			case "uuid", "time", "ipaddress", "interval":
				return Cast(e, TypeText), "varchar"
			case "timestamp":
				return Cast(e, TypeTimestamp), strings.ToLower(instant)
			default:
				return e, lower
			}
		}
	})
}

// TrinoIceberg is Trino or Presto where our tables are in a catalogue of the Iceberg connector. They hold what those of
// Athena hold, and instants in UTC (https://trino.io/docs/current/connector/iceberg.html#type-mapping).
func TrinoIceberg(d Dialect) Dialect {
	return withGrammar(d, "_iceberg", func(g *grammar) {
		textForJSON(g)
		g.stored = athenaStored
	})
}

// TrinoPostgres is Trino or Presto where our tables are in a catalogue of the PostgreSQL connector, which holds no maps
// and rows, and lists only where it is told how (https://trino.io/docs/current/connector/postgresql.html#type-mapping):
// JSON stands for them.
func TrinoPostgres(d Dialect) Dialect {
	return withGrammar(d, "_postgres", func(g *grammar) {
		g.stored = func(e Expr, native string) (Expr, string) {
			switch base := trinoBase(native); {
			case trinoClass(native) == "nested":
				return Cast(e, Native("JSON")), "json"
			case base == "tinyint":
				return Cast(e, Native("smallint")), "smallint"
			case base == "ipaddress", base == "interval":
				return Cast(e, TypeText), "varchar"
			case base == "timestamp":
				return Cast(e, TypeTimestamp), strings.ToLower(g.types[kindTimestamp])
			default:
				return e, native
			}
		}
	})
}

// textForJSON is for connectors whose tables hold no JSON.
func textForJSON(g *grammar) {
	g.types[kindJSON] = "VARCHAR"
	g.json = "%s"
	g.object = trinoObject("%s")
}

// trinoBase is the first word of a type's name.
func trinoBase(native string) string {
	lower := strings.ToLower(native)
	if end := strings.IndexAny(lower, "( "); end >= 0 {
		return lower[:end]
	}
	return lower
}

// withGrammar is the dialect with parts of its grammar replaced.
func withGrammar(d Dialect, suffix string, change func(g *grammar)) Dialect {
	g := *d.g
	g.types = maps.Clone(d.g.types)
	change(&g)
	d.g = &g
	d.Name += suffix
	return d
}
