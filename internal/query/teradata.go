package query

import (
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// Teradata is Teradata Vantage.
//
//   - TOP stands neither with DISTINCT nor in a set operation
//     (https://docs.teradata.com/r/Enterprise_IntelliFlex_VMware/SQL-Data-Manipulation-Language/SELECT-Statements/Select-List-Syntax/TOP-Clause/Usage-Notes/Rules-and-Restrictions-for-the-TOP-n-Operator).
//   - Texts have 32,000 characters of Unicode at most, so that a row's digest is one of digests; they compare without
//     regard to the case of letters unless they are CASESPECIFIC (unverified).
//   - hash_md5 is a function that an administrator may have to install (unverified).
//   - There is no boolean, no IS DISTINCT FROM, no query in a set operation without FROM, no VALUES with several rows,
//     and no DROP TABLE IF EXISTS: the source takes error 3807 for success (all unverified).
//   - A text in an object is quoted by OREPLACE, which leaves control characters as they are (unverified).
//   - TRYCAST takes texts only (unverified). Floats as text have 15 digits (unverified).
//   - MERGE goes by a primary index, which our tables do not have (unverified): rows are removed and inserted. MD5 is of the
//     text as the server keeps it: a bucket need not be the same as elsewhere (unverified).
//   - A schema is a database, to which an administrator gives space. DDL ends a transaction (unverified).
var Teradata = Dialect{Name: "teradata", Quote: `"`, g: grammarWith(func(g *grammar) {
	g.limit, g.hoists = limitAlone, true
	g.dual = ` FROM (SELECT 1 AS "one") AS "dual"`
	g.types = map[kind]string{
		kindText: "VARCHAR(32000) CHARACTER SET UNICODE", kindInteger: "BIGINT", kindFloat: "FLOAT", kindBoolean: "BYTEINT", kindDate: "DATE",
		kindTimestamp: "TIMESTAMP(6) WITH TIME ZONE", kindJSON: "JSON", kindBytes: "VARBYTE(64000)", kindLocal: "TIMESTAMP(6)",
	}
	g.boolean, g.truth = [2]string{"0", "1"}, truthByCase
	g.float, g.day = "CAST('%s' AS FLOAT)", "DATE %s"
	g.instant, g.layout = "TIMESTAMP %s", "2006-01-02 15:04:05.000000+00:00"
	g.bytes, g.json = "'%s'XB", "NEW JSON(%s)"
	g.distinct = distinctByCase
	g.digest = "LOWER(hash_md5(%s))"
	g.pack = packDigests(g.digest)
	g.written = teradataWritten
	g.tryCast = func(e Expr, was string, to Type, name string) Expr {
		if was == name {
			return Cast(e, to)
		}
		return spell("TRYCAST(%s AS %s)", Cast(e, TypeText), castTo(to))
	}
	g.object = textObject(textMember(`('"' || OREPLACE(OREPLACE(%s, '\', '\\'), '"', '\"') || '"')`, "FROM_BYTES(%s, 'base64m')", "byte", "varbyte"), "NEW JSON(%s)")
	g.addColumn = addColumn("ALTER TABLE %s ADD %s %s")
	g.rowsSelected = true
	g.lacks = map[string]string{
		ConstructCreateSchema: "a schema is a database, to which an administrator gives space", ConstructLists: "functions for JSON arrays were not found in its documentation",
		ConstructStringAgg: "it aggregates texts as XML only, which changes characters in them", ConstructListAgg: "it aggregates JSON as objects only",
	}
	g.mod, g.matches = "(%s MOD %s)", "REGEXP_INSTR(%s, %s) > 0"
	g.exact = "CAST(%s AS VARCHAR(32000) CHARACTER SET UNICODE) (CASESPECIFIC)"
	g.bits = "CAST(TO_NUMBER(SUBSTR(hash_md5(%s), 1, 8), 'XXXXXXXX') AS BIGINT)"
	g.anyValue, g.approxDistinct = "MIN(%s)", "count(DISTINCT %s)"
	g.sample, g.random = "", "RANDOM(1, 1000000) <= %s"
	g.clock = teradataClock()
	g.dig = digPath(dollarPath, "CAST(%s AS JSON).JSONExtractValue(%s)", "")
	g.createTemporary = func(p *printer, t TableRef, q Query) {
		p.text("CREATE MULTISET VOLATILE TABLE " + p.d.Table(t) + " AS (")
		p.whole(q, "")
		p.text(") WITH DATA NO PRIMARY INDEX ON COMMIT PRESERVE ROWS")
	}
	g.createView = createView("REPLACE VIEW ")
	g.dropTable = func(p *printer, t TableRef) { p.text("DROP TABLE " + p.d.Table(t)) }
	g.createTable = func(p *printer, c CreateTable) {
		p.text("CREATE MULTISET TABLE " + p.d.Table(c.Table) + " (" + p.columns(c.Columns) + ") NO PRIMARY INDEX")
	}
	g.createTableAs = func(p *printer, t TableRef, q Query) {
		p.text("CREATE MULTISET TABLE " + p.d.Table(t) + " AS (")
		p.whole(q, "")
		p.text(") WITH DATA NO PRIMARY INDEX")
	}
})}

// teradataClock: time zones have other names than IANA's, so that their changes are spelled out. Intervals have four
// digits of days at most, and no more digits of seconds than a span of days has (unverified).
func teradataClock() clock {
	c := standardClock()
	c.literal, c.local, c.now = "CAST(%s AS TIMESTAMP(6))", "CAST(%s AS TIMESTAMP(6))", "CURRENT_TIMESTAMP(6)"
	c.zone, c.unzone, c.utc, c.ununiv = "", "", "CAST(%s AT TIME ZONE 'GMT' AS TIMESTAMP(6))", "CAST(%s AS TIMESTAMP(6) WITH TIME ZONE)"
	c.shift = "(%s + (%s) / 60 * INTERVAL '1' MINUTE(4))"
	c.seconds, c.days, c.months = "(%[1]s + INTERVAL %[4]s'%[3]s' DAY(4) TO SECOND)", "(%[1]s + %[2]d * INTERVAL '1' DAY(4))", "ADD_MONTHS(%[1]s, %[2]d)"
	c.micros = "(CAST(CAST(%[2]s AS DATE) - CAST(%[1]s AS DATE) AS BIGINT) * 86400000000 + (EXTRACT(HOUR FROM %[2]s) - EXTRACT(HOUR FROM %[1]s)) * CAST(3600000000 AS BIGINT)" +
		" + (EXTRACT(MINUTE FROM %[2]s) - EXTRACT(MINUTE FROM %[1]s)) * 60000000 + CAST((EXTRACT(SECOND FROM %[2]s) - EXTRACT(SECOND FROM %[1]s)) * 1000000 AS BIGINT))"
	c.trunc = "CAST(TRUNC(CAST(%[1]s AS DATE), '%[2]s') AS TIMESTAMP(6))"
	c.units = map[Unit]string{Day: "DD", Week: "IW", Month: "MM", Quarter: "Q", Year: "YYYY"}
	const day, hour, minute = "CAST(CAST(%[1]s AS DATE) AS TIMESTAMP(6))", " + EXTRACT(HOUR FROM %[1]s) * INTERVAL '1' HOUR", " + EXTRACT(MINUTE FROM %[1]s) * INTERVAL '1' MINUTE"
	c.truncs = map[Unit]form{
		Hour: "(" + day + hour + ")", Minute: "(" + day + hour + minute + ")",
		Second: "(" + day + hour + minute + " + CAST(FLOOR(EXTRACT(SECOND FROM %[1]s)) AS INTEGER) * INTERVAL '1' SECOND)",
	}
	c.part = "EXTRACT(%[2]s FROM %[1]s)"
	c.parts = map[Part]form{
		PartSecond: "CAST(FLOOR(EXTRACT(SECOND FROM %[1]s)) AS INTEGER)", PartQuarter: "((EXTRACT(MONTH FROM %[1]s) + 2) / 3)",
		PartWeekday:   "(CAST(%[1]s AS DATE) - TRUNC(CAST(%[1]s AS DATE), 'IW') + 1)",
		PartDayOfYear: "(CAST(%[1]s AS DATE) - TRUNC(CAST(%[1]s AS DATE), 'YYYY') + 1)",
	}
	return c
}

func teradataWritten(e Expr, t value.Type, native string, key bool) Expr {
	base := strings.ToUpper(strings.TrimSpace(typeModifier.ReplaceAllString(native, "")))
	switch {
	case t == value.TypeBoolean:
		return Case().When(e.Eq(Int(1)), Text("true")).When(e.Eq(Int(0)), Text("false")).End()
	case t == value.TypeDate:
		return spell("TO_CHAR(%s, 'YYYY-MM-DD')", e)
	case t == value.TypeTimestamp:
		micros := spell(`TO_CHAR(%s AT TIME ZONE 'GMT', 'YYYY-MM-DD"T"HH24:MI:SS.FF6"Z"')`, Cast(e, TypeTimestamp))
		if key {
			return trimmed("REGEXP_REPLACE", micros)
		}
		return micros
	case base == "BYTE" || base == "VARBYTE":
		return spell("FROM_BYTES(%s, 'base16')", e)
	case t == value.TypeString:
		return spell("CAST(%s AS VARCHAR(32000) CHARACTER SET UNICODE) (CASESPECIFIC)", e)
	default:
		return Cast(e, TypeText)
	}
}
