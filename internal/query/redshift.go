package query

import (
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// Redshift is Amazon Redshift.
//
//   - A text has 65,535 bytes at most, and VARCHAR alone has 256, so that the length is always said; a row's digest is
//     one of digests. Spaces at the end do not count in comparisons, so that two keys that differ in them share a key
//     (https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html).
//   - A boolean has no text but t and f (https://docs.aws.amazon.com/redshift/latest/dg/r_Boolean_type.html).
//   - TRY_CAST refuses pairs of types that are not on its list (https://docs.aws.amazon.com/redshift/latest/dg/r_TRY_CAST.html);
//     those are null.
//   - SUPER is for JSON; it cannot be in a full join (https://docs.aws.amazon.com/redshift/latest/dg/limitations-super.html),
//     which the planner's does not have.
//   - A text as SUPER is JSON's text (unverified); bytes in an object are hexadecimal.
//   - MERGE reads tables only, no queries (https://docs.aws.amazon.com/redshift/latest/dg/r_MERGE.html): rows are removed and
//     inserted. A list is SUPER, which holds no dates and instants (https://docs.aws.amazon.com/redshift/latest/dg/r_array.html,
//     https://docs.aws.amazon.com/redshift/latest/dg/array_contains.html).
//   - STRTOL, APPROXIMATE COUNT and JSON_EXTRACT_PATH_TEXT with its third argument are taken to be there (unverified).
//   - IS DISTINCT FROM is not documented and is spelled out.
//   - A backslash in a text is an escape (unverified).
//   - The source sets the session's time zone to UTC and extra_float_digits to 2, so that instants and floats have all
//     their digits as text (unverified), and folds names to lower case, as Redshift does with quoted ones too unless
//     enable_case_sensitive_identifier is on (unverified).
var Redshift = Dialect{Name: "redshift", Quote: `"`, g: grammarWith(func(g *grammar) {
	g.types = map[kind]string{
		kindText: "VARCHAR(65535)", kindInteger: "BIGINT", kindFloat: "DOUBLE PRECISION", kindBoolean: "BOOLEAN", kindDate: "DATE",
		kindTimestamp: "TIMESTAMPTZ", kindJSON: "SUPER", kindBytes: "VARBYTE(1024000)", kindLocal: "TIMESTAMP",
	}
	g.escape = quotedTwice
	g.instant, g.layout = "CAST(%s AS TIMESTAMPTZ)", "2006-01-02 15:04:05.000000+00"
	g.bytes, g.json = "FROM_HEX('%s')", "JSON_PARSE(%s)"
	g.distinct, g.pack = distinctByCase, packDigests(g.digest)
	g.written = redshiftWritten
	g.tryCast = redshiftTry
	g.object = textObject(textMember("JSON_SERIALIZE(CAST(%s AS SUPER))", "%s"), "JSON_PARSE(%s)")
	g.longest = 65535
	g.matches, g.bits = "%s ~ %s", "STRTOL(LEFT(MD5(%s), 8), 16)"
	g.approxDistinct = "APPROXIMATE COUNT(DISTINCT %s)"
	g.sample, g.random = "", "RANDOM() * 1000000 < %s"
	g.clock = redshiftClock()
	g.dig = digText(func(native string) bool { return redshiftClass(native) == "super" },
		digSteps("JSON_EXTRACT_PATH_TEXT(%s, %s, TRUE)", "JSON_EXTRACT_ARRAY_ELEMENT_TEXT(%s, %s, TRUE)", itself, itself))
	g.listAgg = listAggOfTexts(textMember("JSON_SERIALIZE(CAST(%s AS SUPER))", "%s"), "JSON_PARSE(%s || %s || %s)")
	g.list, g.listLength, g.listContains = listAs("ARRAY(", ")"), "GET_ARRAY_LENGTH(%s)", "ARRAY_CONTAINS(%s, %s)"
	g.uncounted = "ORDER BY"
})}

func redshiftClock() clock {
	c := dateadd(standardClock())
	c.now = "CAST(SYSDATE AS TIMESTAMPTZ)"
	c.parts[PartWeekday] = "(MOD(CAST(EXTRACT(DOW FROM %[1]s) AS INTEGER) + 6, 7) + 1)"
	return c
}

func redshiftWritten(e Expr, t value.Type, native string, key bool) Expr {
	switch class := redshiftClass(native); {
	case t == value.TypeBoolean:
		return trueOrFalse(e)
	case t == value.TypeObject:
		return function("JSON_SERIALIZE", e)
	case t == value.TypeTimestamp:
		micros := function("TO_CHAR", Cast(e, Native("TIMESTAMP")), Text(`YYYY-MM-DD"T"HH24:MI:SS.US"Z"`))
		if key {
			return trimmed("REGEXP_REPLACE", micros)
		}
		return micros
	case class == "bytes":
		return function("TO_HEX", e)
	default:
		return Cast(e, TypeText)
	}
}

// redshiftTry: only numbers, texts and instants become each other; a boolean comes of whole numbers alone.
func redshiftTry(e Expr, was string, to Type, name string) Expr {
	from, into := redshiftClass(was), redshiftClass(name)
	switch {
	case was == name:
		return Cast(e, to)
	case from == "boolean" && into == "text":
		return Cast(trueOrFalse(e), to)
	case (from == "number" || from == "text" || from == "time") && (into == from || into == "text" || from == "text") && into != "boolean" && into != "bytes":
		return spell("TRY_CAST(%s AS %s)", e, castTo(to))
	default:
		return Null(to)
	}
}

// redshiftClass groups types that convert into each other.
func redshiftClass(native string) string {
	base := strings.ToLower(strings.TrimSpace(typeModifier.ReplaceAllString(native, "")))
	switch base {
	case "smallint", "integer", "bigint", "decimal", "numeric", "real", "float", "double precision":
		return "number"
	case "varchar", "character varying", "text", "char", "character", "bpchar", "nvarchar", "nchar":
		return "text"
	case "date", "timestamp", "timestamptz", "timestamp without time zone", "timestamp with time zone":
		return "time"
	case "varbyte", "varbinary", "binary varying":
		return "bytes"
	case "bool":
		return "boolean"
	default:
		return base
	}
}
