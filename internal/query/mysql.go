package query

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// MySQL is MySQL, version 8.0.17 and newer, and MariaDB, version 10.5 and newer; PlanetScale speaks it too. It prints
// what both take. They differ in JSON: MariaDB's JSON is text, and it has no cast to it.
//
//   - Instants are DATETIME(6) in UTC: the source sets the session's time zone to +00:00.
//   - Texts are written with the backslash as an escape: the source's sql_mode must not have NO_BACKSLASH_ESCAPES
//     (https://dev.mysql.com/doc/refman/8.0/en/string-literals.html).
//   - CAST has its own list of types (https://dev.mysql.com/doc/refman/8.0/en/cast-functions.html).
//   - <=> compares with null (https://dev.mysql.com/doc/refman/8.0/en/comparison-operators.html), there is no
//     FULL JOIN (https://dev.mysql.com/doc/refman/8.0/en/join.html), and DDL ends a transaction
//     (https://dev.mysql.com/doc/refman/8.0/en/implicit-commit.html).
//   - Keys compare by their bytes (utf8mb4_bin), except that spaces at the end do not count.
var MySQL = Dialect{Name: "mysql", Quote: "`", g: mysqlGrammar()}

func mysqlGrammar() *grammar {
	return grammarWith(func(g *grammar) {
		g.name = doubled("`")
		g.types = map[kind]string{
			kindText: "LONGTEXT", kindInteger: "BIGINT", kindFloat: "DOUBLE", kindBoolean: "BOOLEAN", kindDate: "DATE",
			kindTimestamp: "DATETIME(6)", kindJSON: "JSON", kindBytes: "LONGBLOB", kindLocal: "DATETIME(6)",
		}
		g.castType = mysqlCastType
		g.escape = quotedTwice
		g.float = "CAST('%s' AS DOUBLE)"
		g.instant, g.layout = "CAST(%s AS DATETIME(6))", "2006-01-02 15:04:05.000000"
		g.json = "JSON_EXTRACT(%s, '$')"
		g.distinct, g.joined, g.noFull = "NOT (%s <=> %s)", "concat", true
		g.written = mysqlWritten
		g.tryCast = mysqlTry
		g.object = textObject(textMember("JSON_QUOTE(%s)", `replace(TO_BASE64(%s), '\n', '')`, mysqlBytes...), "JSON_EXTRACT(%s, '$')")
		g.mod, g.nullsLast = "(%s %% %s)", ""
		g.exact, g.matches = "CONVERT(%s USING utf8mb4) COLLATE utf8mb4_bin", "%s REGEXP %s"
		g.bits = "CAST(CONV(LEFT(MD5(CONVERT(%s USING utf8mb4)), 8), 16, 10) AS SIGNED)"
		g.anyValue, g.approxDistinct = "min(%s)", "count(DISTINCT %s)"
		g.sample, g.random = "", "RAND() * 1000000 < %s"
		g.stringAgg = stringAggAs("GROUP_CONCAT(%[1]s ORDER BY %[3]s SEPARATOR %[2]s)")
		g.clock = mysqlClock()
		const there = "CASE WHEN JSON_TYPE(JSON_EXTRACT(%[1]s, %[2]s)) <> 'NULL' THEN JSON_UNQUOTE(JSON_EXTRACT(%[1]s, %[2]s)) END"
		g.dig = digPath(dollarPath, there, "")
		member := textMember("JSON_QUOTE(%s)", `replace(TO_BASE64(%s), '\n', '')`, mysqlBytes...)
		g.listAgg = listAggOfTexts(member, "concat(%s, %s, %s)")
		g.list, g.listLength, g.listContains, g.listElement = listAs("JSON_ARRAY(", ")"), "JSON_LENGTH(%s)", "JSON_CONTAINS(%s, %s)", member
	})
}

// mysqlClock: time zones have names only where an administrator has loaded their tables
// (https://dev.mysql.com/doc/refman/8.0/en/time-zone-support.html); without them CONVERT_TZ is null, which no one would see.
func mysqlClock() clock {
	c := standardClock()
	c.now, c.literal, c.local = "UTC_TIMESTAMP(6)", "CAST(%s AS DATETIME(6))", "CAST(%s AS DATETIME(6))"
	c.zone, c.unzone, c.utc, c.ununiv, c.shift = "", "", "%s", "%s", "TIMESTAMPADD(SECOND, %[2]s, %[1]s)"
	c.seconds, c.days, c.months = "TIMESTAMPADD(SECOND, %[2]d, %[1]s)", "TIMESTAMPADD(DAY, %[2]d, %[1]s)", "TIMESTAMPADD(MONTH, %[2]d, %[1]s)"
	c.micros = "TIMESTAMPDIFF(MICROSECOND, %[1]s, %[2]s)"
	c.truncs = map[Unit]form{
		Second: "CAST(TIMESTAMPADD(SECOND, HOUR(%[1]s) * 3600 + MINUTE(%[1]s) * 60 + SECOND(%[1]s), DATE(%[1]s)) AS DATETIME(6))",
		Minute: "CAST(TIMESTAMPADD(MINUTE, HOUR(%[1]s) * 60 + MINUTE(%[1]s), DATE(%[1]s)) AS DATETIME(6))",
		Hour:   "CAST(TIMESTAMPADD(HOUR, HOUR(%[1]s), DATE(%[1]s)) AS DATETIME(6))", Day: "CAST(DATE(%[1]s) AS DATETIME(6))",
		Week: "CAST(TIMESTAMPADD(DAY, -WEEKDAY(%[1]s), DATE(%[1]s)) AS DATETIME(6))", Month: "CAST(TIMESTAMPADD(DAY, 1 - DAYOFMONTH(%[1]s), DATE(%[1]s)) AS DATETIME(6))",
		Quarter: "CAST(TIMESTAMPADD(MONTH, QUARTER(%[1]s) * 3 - 3, MAKEDATE(YEAR(%[1]s), 1)) AS DATETIME(6))", Year: "CAST(MAKEDATE(YEAR(%[1]s), 1) AS DATETIME(6))",
	}
	c.part = "EXTRACT(%[2]s FROM %[1]s)"
	c.parts = map[Part]form{PartWeekday: "(WEEKDAY(%[1]s) + 1)", PartDayOfYear: "DAYOFYEAR(%[1]s)"}
	return c
}

var mysqlBytes = []string{"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"}

// mysqlCastType: CAST knows fewer types than columns have.
func mysqlCastType(_ Dialect, t Type) string {
	switch t.kind {
	case kindText, kindJSON:
		return "CHAR"
	case kindInteger, kindBoolean:
		return "SIGNED"
	case kindFloat:
		return "DOUBLE"
	case kindDate:
		return "DATE"
	case kindTimestamp, kindLocal:
		return "DATETIME(6)"
	case kindBytes:
		return "BINARY"
	case kindDecimal:
		return fmt.Sprintf("DECIMAL(%d, %d)", t.precision, t.scale)
	default:
		return mysqlNativeCast(strings.ToLower(t.native))
	}
}

func mysqlNativeCast(native string) string {
	class := mysqlClass(native)
	switch {
	case class == "integer" && strings.Contains(native, "unsigned"):
		return "UNSIGNED"
	case class == "integer":
		return "SIGNED"
	case class == "decimal":
		return "DECIMAL" + modifier(native)
	case class == "float":
		return "DOUBLE"
	case class == "date":
		return "DATE"
	case class == "time":
		return "DATETIME" + modifier(native)
	case class == "clock":
		return "TIME" + modifier(native)
	case class == "bytes":
		return "BINARY"
	default:
		return "CHAR"
	}
}

// modifier is what stands behind a type in parentheses.
func modifier(native string) string { return typeModifier.FindString(native) }

// mysqlClass groups types that CAST makes in one way.
func mysqlClass(native string) string {
	base, _, _ := strings.Cut(native, "(")
	base, _, _ = strings.Cut(base, " ")
	switch base {
	case "tinyint", "smallint", "mediumint", "int", "integer", "bigint", "year", "bool", "boolean":
		return "integer"
	case "decimal", "numeric":
		return "decimal"
	case "float", "double", "real":
		return "float"
	case "date":
		return "date"
	case "datetime", "timestamp":
		return "time"
	case "time":
		return "clock"
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "bit":
		return "bytes"
	default:
		return "text"
	}
}

// mysqlWritten: a FLOAT as text has six digits, as a DOUBLE it has all of them.
func mysqlWritten(e Expr, t value.Type, native string, key bool) Expr {
	class := mysqlClass(strings.ToLower(native))
	switch {
	case t == value.TypeBoolean:
		return trueOrFalse(e)
	case t == value.TypeTimestamp && key:
		return spell(`regexp_replace(date_format(%s, '%%Y-%%m-%%dT%%H:%%i:%%s.%%fZ'), '000Z$', 'Z')`, e)
	case class == "bytes":
		return function("hex", e)
	case t == value.TypeNumber && class == "float":
		return Cast(Cast(e, TypeFloat), TypeText)
	case t == value.TypeString:
		return spell("CONVERT(%s USING utf8mb4) COLLATE utf8mb4_bin", e)
	default:
		return Cast(e, TypeText)
	}
}

// mysqlTry: neither server has a cast that tries, so that only what surely converts is cast.
func mysqlTry(e Expr, was string, to Type, name string) Expr {
	from, into := mysqlClass(strings.ToLower(was)), mysqlClass(strings.ToLower(name))
	text := Cast(e, TypeText)
	looks := func(pattern string) Expr { return compare("REGEXP", text, Text(pattern)) }
	switch {
	case into == "text", from == into && into != "decimal" && into != "integer":
		return Cast(e, to)
	case into == "integer":
		return Case().When(looks(`^-?[0-9]{1,18}([.][0-9]+)?$`), Cast(Cast(text, TypeDecimal(65, 30)), to)).End()
	case into == "decimal":
		return Case().When(looks(fmt.Sprintf(`^-?[0-9]{1,%d}([.][0-9]+)?$`, wholeDigits(name))), Cast(text, to)).End()
	case into == "float":
		return Case().When(looks(`^-?[0-9]{1,300}([.][0-9]+)?$`), Cast(text, to)).End()
	default:
		return Null(to)
	}
}

var precisionAndScale = regexp.MustCompile(`\((\d+)(?:\s*,\s*(\d+))?\)`)

// wholeDigits is how many digits a decimal type has before the point.
func wholeDigits(native string) int {
	m := precisionAndScale.FindStringSubmatch(native)
	if m == nil {
		return 10 // DECIMAL is DECIMAL(10, 0)
	}
	precision, perr := strconv.Atoi(m[1])
	scale, serr := strconv.Atoi("0" + m[2])
	if perr != nil || serr != nil {
		return 1
	}
	return max(precision-scale, 1)
}
