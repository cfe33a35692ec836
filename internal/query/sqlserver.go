package query

import (
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// SQLServer is Microsoft SQL Server, version 2016 and newer, and Azure SQL Database.
//
//   - Conditions are no values and BIT is no condition: each is turned into the other where it stands for it
//     (https://learn.microsoft.com/en-us/sql/t-sql/language-elements/comparison-operators-transact-sql, unverified).
//   - IS DISTINCT FROM came with version 2022 and is spelled out
//     (https://learn.microsoft.com/en-us/sql/t-sql/queries/is-distinct-from-transact-sql).
//   - MD5 is deprecated in HASHBYTES, whose input has no limit since version 2016
//     (https://learn.microsoft.com/en-us/sql/t-sql/functions/hashbytes-transact-sql): a digest is the first half of a
//     SHA-256 of a text in UTF-16.
//   - WITH is followed by the statement, and no subquery has one
//     (https://learn.microsoft.com/en-us/sql/t-sql/queries/with-common-table-expression-transact-sql), so that a person's
//     common table expressions are taken to the beginning. There is no ORDER BY without TOP or OFFSET in a subquery
//     either: a person's is left out where it means nothing.
//   - DROP TABLE has IF EXISTS since version 2016 (https://learn.microsoft.com/en-us/sql/t-sql/statements/drop-table-transact-sql);
//     it should not be in one batch with the CREATE TABLE of the same table.
//   - Floats as text need style 3 to have all their digits, dates style 23, instants 121, bytes 2
//     (https://learn.microsoft.com/en-us/sql/t-sql/functions/cast-and-convert-transact-sql).
//   - Two columns whose collations differ do not compare: all texts of our tables have one, which compares code points
//     (https://learn.microsoft.com/en-us/sql/t-sql/statements/collation-precedence-transact-sql). An expression has one COLLATE
//     at most.
//   - STRING_ESCAPE quotes a text for JSON (https://learn.microsoft.com/en-us/sql/t-sql/functions/string-escape-transact-sql,
//     unverified); bytes in an object are hexadecimal.
//   - MERGE ends with a semicolon (https://learn.microsoft.com/sql/t-sql/statements/merge-transact-sql). A temporary table's name
//     begins with # (unverified). LIKE has ranges in brackets (unverified). TABLESAMPLE takes pages, of tables only
//     (https://learn.microsoft.com/previous-versions/sql/sql-server-2005/ms189108(v=sql.90)).
//   - STRING_AGG came with version 2017, texts in UTF-8 with version 2019: a bucket needs them (unverified). JSON_VALUE yields
//     4,000 characters at most (unverified). Any value is the smallest, and a BIT has none.
//   - LEN does not count spaces at the end, DATALENGTH does. In comparisons spaces at the end do not count (unverified):
//     two keys that differ in them are one.
var SQLServer = Dialect{Name: "sqlserver", Quote: "[", g: sqlserverGrammar()}

func sqlserverGrammar() *grammar {
	return grammarWith(func(g *grammar) {
		g.closing, g.name, g.text = "]", doubled("]"), "N"
		g.types = map[kind]string{
			kindText: "NVARCHAR(MAX)", kindInteger: "BIGINT", kindFloat: "FLOAT", kindBoolean: "BIT", kindDate: "DATE",
			kindTimestamp: "DATETIMEOFFSET(6)", kindJSON: "NVARCHAR(MAX)", kindBytes: "VARBINARY(MAX)", kindLocal: "DATETIME2(6)",
		}
		g.boolean, g.truth = [2]string{"0", "1"}, "CAST(CASE WHEN %[1]s THEN 1 WHEN NOT %[1]s THEN 0 END AS BIT)"
		g.float, g.instant = "CAST('%s' AS FLOAT)", "CAST(%s AS DATETIMEOFFSET(6))"
		g.bytes, g.json = "0x%s", "%s"
		g.calls = map[string]string{"count": "COUNT_BIG"}
		g.distinct, g.joined = distinctByCase, "CONCAT"
		g.digest = tsqlDigest + " COLLATE " + tsqlCollation
		g.length = "DATALENGTH(%s)"
		g.written = tsqlWritten(" COLLATE "+tsqlCollation, "CAST(SWITCHOFFSET(CAST(%s AS DATETIMEOFFSET(6)), '+00:00') AS DATETIME2(6))")
		g.tryCast = tsqlTry
		g.object = textObject(textMember(`('"' + STRING_ESCAPE(%s, 'json') + '"')`, "%s"), "%s")
		g.addColumn = addColumn("ALTER TABLE %s ADD %s %s")
		g.createView = createView("CREATE OR ALTER VIEW ")
		g.columnType, g.stored = tsqlColumn, tsqlStored
		g.limit, g.hoists, g.withFirst = limitTop, true, true
		g.createSchema = tsqlCreateSchema
		g.createTableAs = func(p *printer, t TableRef, q Query) {
			p.whole(q, "SELECT * INTO "+p.d.Table(t)+" FROM (")
			p.text(") AS " + p.d.Ident("_rows"))
		}
		g.temporaryPrefix, g.createTemporary = "#", g.createTableAs
		g.merge, g.mergeEnd = true, ";"
		g.mod, g.nullsLast = "(%s %% %s)", ""
		g.exact, g.likeSpecial = "%s COLLATE "+tsqlCollation, "%_["
		g.lacks = map[string]string{ConstructMatches: "SQL Server has regular expressions since version 2025"}
		g.bits = "CAST(SUBSTRING(HASHBYTES('MD5', CAST(%s COLLATE Latin1_General_100_BIN2_UTF8 AS VARCHAR(MAX))), 1, 4) AS BIGINT)"
		g.anyValue, g.approxDistinct = "MIN(%s)", "COUNT_BIG(DISTINCT %s)"
		g.stringAgg = stringAggAs("STRING_AGG(CAST(%[1]s AS NVARCHAR(MAX)), %[2]s) WITHIN GROUP (ORDER BY %[3]s)")
		g.sample, g.random = " TABLESAMPLE (%s PERCENT)", "ABS(CAST(CHECKSUM(NEWID()) AS BIGINT)) %% 1000000 < %s"
		g.clock = tsqlClock("CAST(SWITCHOFFSET(%s, '+00:00') AS DATETIME2(6))", "TODATETIMEOFFSET(%s, '+00:00')")
		g.dig = digPath(dollarPath, "JSON_VALUE(%s, %s)", "JSON_QUERY(%s, %s)")
		member := textMember(`('"' + STRING_ESCAPE(%s, 'json') + '"')`, "%s")
		g.list, g.listAgg = textList(member, "%s"), listAggOfTexts(member, "(%s + %s + %s)")
		g.listLength = "CASE WHEN %[1]s IS NOT NULL THEN (SELECT COUNT_BIG(*) FROM OPENJSON(%[1]s)) END"
		g.listContains, g.listElement = "%[2]s IN (SELECT [value] COLLATE "+tsqlCollation+" FROM OPENJSON(%[1]s))", textElement
		g.elements, g.each = tsqlElements, "CROSS APPLY"
	})
}

const (
	tsqlCollation      = "Latin1_General_100_BIN2"
	tsqlDigest    form = "LOWER(CONVERT(VARCHAR(32), SUBSTRING(HASHBYTES('SHA2_256', %s), 1, 16), 2))"
)

// tsqlClock: AT TIME ZONE takes the names of Windows only, so that the changes of a time zone are spelled out
// (https://learn.microsoft.com/en-us/sql/t-sql/queries/at-time-zone-transact-sql). Weeks are counted from a Monday.
func tsqlClock(utc, ununiv form) clock {
	const began = "CAST('19000101' AS DATETIME2(6))"
	c := dateadd(standardClock())
	c.now, c.literal, c.local = "SYSDATETIMEOFFSET()", "CAST(%s AS DATETIME2(6))", "CAST(%s AS DATETIME2(6))"
	c.zone, c.unzone, c.utc, c.ununiv, c.shift = "", "", utc, ununiv, "DATEADD(SECOND, %[2]s, %[1]s)"
	c.micros = "DATEDIFF_BIG(MICROSECOND, %[1]s, %[2]s)"
	c.trunc = "DATEADD(%[2]s, DATEDIFF(%[2]s, " + began + ", %[1]s), " + began + ")"
	c.truncs = map[Unit]form{
		Week:   "DATEADD(DAY, DATEDIFF(DAY, " + began + ", %[1]s) / 7 * 7, " + began + ")",
		Second: "DATEADD(NANOSECOND, -DATEPART(NANOSECOND, %[1]s), %[1]s)",
	}
	c.part = "DATEPART(%[2]s, %[1]s)"
	c.parts = map[Part]form{PartWeekday: "(DATEDIFF(DAY, CAST('19000101' AS DATE), %[1]s) %% 7 + 1)"}
	c.partWords[PartDayOfYear] = "DAYOFYEAR"
	return c
}

// tsqlElements are those of a text: there are no other arrays. OPENJSON says of what type a value is, 4 and 5 being arrays
// and objects, and ends the statement where a text is no JSON
// (https://learn.microsoft.com/en-us/sql/t-sql/functions/openjson-transact-sql, unverified).
func tsqlElements(p *printer, array Expr, _ ArrayKind) {
	const trimmed = "LTRIM(RTRIM(REPLACE(REPLACE(REPLACE(%[1]s, CHAR(9), ' '), CHAR(10), ' '), CHAR(13), ' ')))"
	const plain = "CASE WHEN ISJSON(%[1]s) = 1 AND LEFT(" + trimmed + ", 1) = '[' THEN %[1]s ELSE '[]' END"
	const nested = "EXISTS (SELECT 1 FROM OPENJSON(" + plain + ") WHERE [type] IN (4, 5))"
	p.spell("(SELECT v AS [element], CASE WHEN v IS NULL THEN 1 ELSE ROW_NUMBER() OVER (PARTITION BY v ORDER BY n) END AS [occurrence]"+
		" FROM (SELECT [value] COLLATE "+tsqlCollation+" AS v, CAST([key] AS INT) AS n FROM OPENJSON("+plain+")) AS u WHERE NOT "+nested+
		" UNION ALL SELECT NULL, 0 WHERE "+trimmed+" NOT IN ('', 'null') AND (ISJSON(%[1]s) = 0 OR LEFT("+trimmed+", 1) <> '[' OR "+nested+"))", array)
}

// tsqlColumn gives texts our collation.
func tsqlColumn(d Dialect, t Type) string {
	if name := d.Type(t); tsqlClass(name) != "text" {
		return name
	}
	return d.Type(t) + " COLLATE " + tsqlCollation
}

func tsqlStored(e Expr, native string) (Expr, string) {
	if tsqlClass(native) != "text" {
		return e, native
	}
	return spell("%s COLLATE "+tsqlCollation, e), native
}

func tsqlCreateSchema(p *printer, name string) {
	p.text("IF SCHEMA_ID(" + p.d.Text(name) + ") IS NULL EXEC(" + p.d.Text("CREATE SCHEMA "+p.d.Ident(name)) + ")")
}

// tsqlWritten writes values as text with a collation, and has a form for instants in UTC.
func tsqlWritten(collate string, utc form) func(e Expr, t value.Type, native string, key bool) Expr {
	return func(e Expr, t value.Type, native string, key bool) Expr {
		text := tsqlText(e, t, tsqlClass(native), utc, key)
		if !key || collate == "" {
			return text
		}
		return spell("%s"+form(collate), text)
	}
}

func tsqlText(e Expr, t value.Type, class string, utc form, key bool) Expr {
	switch {
	case t == value.TypeBoolean:
		return Case().When(e.Eq(Int(1)), Text("true")).When(e.Eq(Int(0)), Text("false")).End()
	case t == value.TypeDate:
		return spell("CONVERT(VARCHAR(10), %s, 23)", e)
	case t == value.TypeTimestamp:
		return tsqlInstant(spell("CONVERT(VARCHAR(26), %s, 121)", spell(utc, e)), key)
	case class == "float":
		return spell("CONVERT(VARCHAR(40), %s, 3)", e)
	case class == "money":
		return spell("CONVERT(VARCHAR(40), %s, 2)", e)
	case class == "bytes":
		return spell("CONVERT(VARCHAR(MAX), %s, 2)", e)
	case class == "uniqueidentifier":
		return Lower(Cast(e, TypeText))
	default:
		return Cast(e, TypeText)
	}
}

// tsqlInstant makes ISO 8601 of style 121.
func tsqlInstant(micros Expr, key bool) Expr {
	if !key {
		return micros
	}
	return spell("CONCAT(REPLACE(CASE WHEN RIGHT(%[1]s, 3) = '000' THEN LEFT(%[1]s, 23) ELSE %[1]s END, ' ', 'T'), 'Z')", micros)
}

// tsqlTry goes by text, since TRY_CAST refuses pairs of types that never convert.
func tsqlTry(e Expr, was string, to Type, name string) Expr {
	if was == name || tsqlClass(name) == "text" {
		return Cast(e, to)
	}
	return spell("TRY_CAST(%s AS %s)", Cast(e, TypeText), castTo(to))
}

// tsqlClass groups types that are written in one way.
func tsqlClass(native string) string {
	base := strings.ToLower(strings.TrimSpace(typeModifier.ReplaceAllString(native, "")))
	switch base {
	case "float", "real":
		return "float"
	case "money", "smallmoney":
		return "money"
	case "binary", "varbinary", "image", "timestamp", "rowversion":
		return "bytes"
	case "char", "varchar", "nchar", "nvarchar", "text", "ntext":
		return "text"
	default:
		return base
	}
}
