package query

import (
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// Oracle is Oracle Database, version 12.2 and newer.
//
//   - STANDARD_HASH takes no LOB (https://docs.oracle.com/en/database/oracle/oracle-database/19/sqlrf/STANDARD_HASH.html), and a text
//     has 4,000 bytes at most, so that a row's digest is one of digests. An empty text is null, everywhere (unverified).
//   - Conditions are no values, and there is no boolean before version 23 (unverified): it is NUMBER(1).
//   - There is no AS before a relation's name, no query without FROM, no VALUES with several rows, and no
//     DROP TABLE IF EXISTS before version 23 (unverified).
//   - A DATE has a time of the day; the source says whether a column is a date or an instant.
//   - CAST has a DEFAULT for what does not convert (https://docs.oracle.com/cd/E82638_01/sqlrf/img_text/cast.html).
//   - Names that nobody quoted are in capitals: the source gives a schema's name as the database has it (unverified).
//   - MD5 is of the database's encoding, which is UTF-8 in most: then a bucket is the same as elsewhere (unverified). Texts of a
//     group are 4,000 bytes at most. JSON_ARRAYAGG came with version 12.2
//     (https://docs.oracle.com/en/database/oracle/oracle-database/19/sqlrf/JSON_ARRAYAGG.html, unverified).
//   - A schema is a user: an administrator makes it. DDL ends a transaction (unverified).
var Oracle = Dialect{Name: "oracle", Quote: `"`, g: grammarWith(func(g *grammar) {
	g.aliased, g.dual, g.limit = " ", " FROM DUAL", limitFetch
	g.types = map[kind]string{
		kindText: "VARCHAR2(4000)", kindInteger: "NUMBER(19)", kindFloat: "BINARY_DOUBLE", kindBoolean: "NUMBER(1)", kindDate: "DATE",
		kindTimestamp: "TIMESTAMP(6) WITH TIME ZONE", kindJSON: "CLOB", kindBytes: "BLOB", kindLocal: "TIMESTAMP(6)",
	}
	g.decimal = decimalAs("NUMBER(%d, %d)")
	g.boolean, g.truth = [2]string{"0", "1"}, truthByCase
	g.float, g.day = "%sD", "DATE %s"
	g.instant, g.layout = "TIMESTAMP %s", "2006-01-02 15:04:05.000000 +00:00"
	g.bytes, g.json = "HEXTORAW('%s')", "TO_CLOB(%s)"
	g.distinct = "DECODE(%s, %s, 0, 1) = 1"
	g.digest, g.length = "LOWER(RAWTOHEX(STANDARD_HASH(%s, 'MD5')))", "LENGTHB(%s)"
	g.pack = packDigests(g.digest)
	g.written = oracleWritten
	g.tryCast = func(e Expr, was string, to Type, name string) Expr {
		if was == name {
			return Cast(e, to)
		}
		return spell("CAST(%s AS %s DEFAULT NULL ON CONVERSION ERROR)", Cast(e, TypeText), castTo(to))
	}
	g.object = oracleObject
	g.addColumn = addColumn("ALTER TABLE %s ADD %s %s")
	g.rowsSelected = true
	g.lacks = map[string]string{
		ConstructCreateSchema: "a schema is a user, whom an administrator makes", ConstructCreateTemporary: "private temporary tables came with version 18",
	}
	g.merge = true
	g.sets = map[string]string{except: "MINUS"}
	g.matches, g.bits = "REGEXP_LIKE(%s, %s)", "TO_NUMBER(SUBSTR(RAWTOHEX(STANDARD_HASH(%s, 'MD5')), 1, 8), 'XXXXXXXX')"
	g.anyValue, g.approxDistinct = "MIN(%s)", "APPROX_COUNT_DISTINCT(%s)"
	g.listAgg = listAggAs("JSON_ARRAYAGG(%[1]s ORDER BY %[2]s ABSENT ON NULL RETURNING CLOB)")
	g.sample, g.sampleFirst, g.random = " SAMPLE (%s)", true, "DBMS_RANDOM.VALUE * 1000000 < %s"
	g.clock = oracleClock()
	g.dig = digPath(dollarPath, "JSON_VALUE(%s, %s)", "JSON_QUERY(%s, %s)")
	g.list = listAs("JSON_ARRAY(", " NULL ON NULL RETURNING CLOB)")
	g.listLength = "CASE WHEN %[1]s IS NOT NULL THEN (SELECT COUNT(*) FROM JSON_TABLE(%[1]s, '$[*]' COLUMNS (v VARCHAR2(4000) PATH '$'))) END"
	g.listContains, g.listElement = "%[2]s IN (SELECT v FROM JSON_TABLE(%[1]s, '$[*]' COLUMNS (v VARCHAR2(4000) PATH '$')))", textElement
	g.dropTable = func(p *printer, t TableRef) {
		p.text("BEGIN EXECUTE IMMEDIATE " + p.d.Text("DROP TABLE "+p.d.Table(t)+" PURGE") + "; EXCEPTION WHEN OTHERS THEN IF SQLCODE != -942 THEN RAISE; END IF; END;")
	}
})}

// oracleClock: ADD_MONTHS takes a month's last day for the last day of the other, too, so that days are added to the
// month's first (https://docs.oracle.com/en/database/oracle/oracle-database/19/sqlrf/ADD_MONTHS.html).
func oracleClock() clock {
	c := standardClock()
	c.now, c.literal, c.local, c.date = "SYSTIMESTAMP", "TIMESTAMP %s", "CAST(%s AS TIMESTAMP(6))", "TRUNC(%s)"
	c.zone, c.unzone = "CAST(%s AT TIME ZONE %s AS TIMESTAMP(6))", "FROM_TZ(%s, %s)"
	c.seconds, c.days = "(%[1]s + NUMTODSINTERVAL(%[2]d, 'SECOND'))", "(%[1]s + NUMTODSINTERVAL(%[2]d, 'DAY'))"
	const first = "ADD_MONTHS(TRUNC(%[1]s, 'MM'), %[2]d)"
	c.months = "(CAST(" + first + " + LEAST(EXTRACT(DAY FROM %[1]s), EXTRACT(DAY FROM LAST_DAY(" + first + "))) - 1 AS TIMESTAMP(6)) + (%[1]s - CAST(TRUNC(%[1]s) AS TIMESTAMP(6))))"
	c.micros = "((TRUNC(%[2]s) - TRUNC(%[1]s)) * 86400000000 + (EXTRACT(HOUR FROM %[2]s) - EXTRACT(HOUR FROM %[1]s)) * 3600000000" +
		" + (EXTRACT(MINUTE FROM %[2]s) - EXTRACT(MINUTE FROM %[1]s)) * 60000000 + (EXTRACT(SECOND FROM %[2]s) - EXTRACT(SECOND FROM %[1]s)) * 1000000)"
	c.trunc = "CAST(TRUNC(%[1]s, '%[2]s') AS TIMESTAMP(6))"
	c.truncs = map[Unit]form{Second: "CAST(CAST(%[1]s AS TIMESTAMP(0)) - CASE WHEN CAST(%[1]s AS TIMESTAMP(0)) > %[1]s THEN INTERVAL '1' SECOND ELSE INTERVAL '0' SECOND END AS TIMESTAMP(6))"}
	c.units = map[Unit]string{Minute: "MI", Hour: "HH24", Day: "DD", Week: "IW", Month: "MM", Quarter: "Q", Year: "YYYY"}
	c.part = "EXTRACT(%[2]s FROM %[1]s)"
	c.parts = map[Part]form{
		PartSecond: "FLOOR(EXTRACT(SECOND FROM %[1]s))", PartQuarter: "TO_NUMBER(TO_CHAR(%[1]s, 'Q'))", PartWeekday: "(TRUNC(%[1]s) - TRUNC(%[1]s, 'IW') + 1)",
		PartDayOfYear: "TO_NUMBER(TO_CHAR(%[1]s, 'DDD'))",
	}
	return c
}

// oracleObject: https://docs.oracle.com/en/database/oracle/oracle-database/19/sqlrf/JSON_OBJECT.html (unverified).
func oracleObject(members []Member) Expr {
	if len(members) == 0 {
		return spell("TO_CLOB('{}')")
	}
	texts := make([]string, len(members))
	var parts []Expr
	for i, m := range members {
		format := ""
		v := m.Value
		switch m.Type {
		case value.TypeBoolean, value.TypeObject:
			v, format = Canonical(v, m.Type, m.Native), " FORMAT JSON"
		case value.TypeNumber:
		default:
			v = Key(v, m.Type, m.Native)
		}
		texts[i] = "%s VALUE %s" + format
		parts = append(parts, Text(m.Name), v)
	}
	return spell(form("JSON_OBJECT("+strings.Join(texts, ", ")+" NULL ON NULL RETURNING CLOB)"), parts...)
}

func oracleWritten(e Expr, t value.Type, native string, key bool) Expr {
	base := strings.ToUpper(strings.TrimSpace(typeModifier.ReplaceAllString(native, "")))
	switch {
	case t == value.TypeBoolean:
		return Case().When(e.Eq(Int(1)), Text("true")).When(e.Eq(Int(0)), Text("false")).End()
	case t == value.TypeNumber:
		return spell("TO_CHAR(%s, 'TM9', 'NLS_NUMERIC_CHARACTERS=''.,''')", e)
	case t == value.TypeDate:
		return spell("TO_CHAR(%s, 'YYYY-MM-DD')", e)
	case t == value.TypeTimestamp && key:
		return trimmed("REGEXP_REPLACE", spell(`TO_CHAR(SYS_EXTRACT_UTC(%s), 'YYYY-MM-DD"T"HH24:MI:SS.FF6"Z"')`, Cast(e, TypeTimestamp)))
	case t == value.TypeTimestamp:
		return spell(`TO_CHAR(SYS_EXTRACT_UTC(CAST(%s AS TIMESTAMP(9) WITH TIME ZONE)), 'YYYY-MM-DD"T"HH24:MI:SS.FF9"Z"')`, e)
	case base == "RAW":
		return function("RAWTOHEX", e)
	default:
		return Cast(e, TypeText)
	}
}
