package query

import "strings"

// Fabric is a warehouse in Microsoft Fabric. It differs from SQL Server in this
// (https://learn.microsoft.com/en-us/fabric/data-warehouse/data-types):
//
//   - Texts are VARCHAR in UTF-8, instants DATETIME2(6) in UTC; other types of a query cannot be in a table, and become
//     these when a model is staged.
//   - There is CREATE TABLE AS SELECT, without options
//     (https://learn.microsoft.com/en-us/sql/t-sql/statements/create-table-as-select-azure-sql-data-warehouse).
//   - VALUES has one row (https://learn.microsoft.com/en-us/sql/t-sql/queries/table-value-constructor-transact-sql), and WITH does not
//     stand before INSERT (https://learn.microsoft.com/en-us/sql/t-sql/statements/insert-transact-sql).
//   - A warehouse has one collation; it compares code points unless its maker chose another, which takes keys that differ
//     in the case of letters for one (https://learn.microsoft.com/en-us/fabric/data-warehouse/collation, unverified).
//   - HASHBYTES, TRY_CAST and SWITCHOFFSET are taken to be there (unverified).
//   - MERGE is said to be in preview (https://learn.microsoft.com/nl-nl/sql/t-sql/statements/merge-transact-sql): rows are removed
//     and inserted. OPENJSON, STRING_AGG and the collation BIN2_UTF8 are taken to be there (unverified).
//   - VARCHAR(MAX) can be in tables of the warehouse; it is said to be in preview.
var Fabric = Dialect{Name: "fabric", Quote: "[", g: fabricGrammar()}

func fabricGrammar() *grammar {
	g := sqlserverGrammar()
	g.text = ""
	g.types = map[kind]string{
		kindText: "VARCHAR(MAX)", kindInteger: "BIGINT", kindFloat: "FLOAT", kindBoolean: "BIT", kindDate: "DATE",
		kindTimestamp: "DATETIME2(6)", kindJSON: "VARCHAR(MAX)", kindBytes: "VARBINARY(MAX)", kindLocal: "DATETIME2(6)",
	}
	g.instant, g.layout = "CAST(%s AS DATETIME2(6))", "2006-01-02T15:04:05.000000"
	g.written = tsqlWritten("", "CAST(%s AS DATETIME2(6))")
	g.digest = tsqlDigest
	g.createTableAs = createTableAs("", "")
	g.columnType, g.stored = nil, fabricStored
	g.rowsSelected = true
	g.merge = false
	g.exact = "%s COLLATE Latin1_General_100_BIN2_UTF8"
	g.sample, g.approxDistinct = "", "APPROX_COUNT_DISTINCT(%s)"
	g.bits = "CAST(SUBSTRING(HASHBYTES('MD5', %s), 1, 4) AS BIGINT)"
	g.stringAgg = stringAggAs("STRING_AGG(CAST(%[1]s AS VARCHAR(MAX)), %[2]s) WITHIN GROUP (ORDER BY %[3]s)")
	g.clock = tsqlClock("%s", "%s")
	g.clock.now = "CAST(SYSUTCDATETIME() AS DATETIME2(6))"
	g.listContains = "%[2]s IN (SELECT [value] FROM OPENJSON(%[1]s))"
	g.lacks = map[string]string{
		ConstructMatches: "Fabric has no regular expressions", ConstructCreateTemporary: "its documentation was not found to say how a query becomes one",
	}
	return g
}

// fabricStored makes of types that no table has those that stand for them.
func fabricStored(e Expr, native string) (Expr, string) {
	base := strings.ToLower(strings.TrimSpace(typeModifier.ReplaceAllString(native, "")))
	as := func(to Type, name string) (Expr, string) { return Cast(e, to), name }
	switch base {
	case "nvarchar", "nchar", "ntext", "text", "xml":
		return as(TypeText, "varchar(max)")
	case "datetimeoffset":
		return spell("CAST(SWITCHOFFSET(%s, '+00:00') AS DATETIME2(6))", e), "datetime2(6)"
	case "datetime", "smalldatetime", "datetime2":
		return as(TypeTimestamp, "datetime2(6)")
	case "money", "smallmoney":
		return as(TypeDecimal(19, 4), "decimal(19, 4)")
	case "tinyint":
		return as(Native("smallint"), "smallint")
	default:
		return e, native
	}
}
