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
//   - A schema is a user: an administrator makes it. DDL ends a transaction (unverified).
var Oracle = Dialect{Name: "oracle", Quote: `"`, g: grammarWith(func(g *grammar) {
	g.aliased, g.dual, g.limit = " ", " FROM DUAL", limitFetch
	g.types = map[kind]string{
		kindText: "VARCHAR2(4000)", kindInteger: "NUMBER(19)", kindFloat: "BINARY_DOUBLE", kindBoolean: "NUMBER(1)", kindDate: "DATE",
		kindTimestamp: "TIMESTAMP(6) WITH TIME ZONE", kindJSON: "CLOB", kindBytes: "BLOB",
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
	g.lacks = map[string]string{ConstructCreateSchema: "a schema is a user, whom an administrator makes"}
	g.dropTable = func(p *printer, t TableRef) {
		p.text("BEGIN EXECUTE IMMEDIATE " + p.d.Text("DROP TABLE "+p.d.Table(t)+" PURGE") + "; EXCEPTION WHEN OTHERS THEN IF SQLCODE != -942 THEN RAISE; END IF; END;")
	}
})}

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
