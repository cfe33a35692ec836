package query

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// ClickHouse is ClickHouse, version 23 and newer.
//
//   - Columns are Nullable; a join gives null for what has no partner only where join_use_nulls is on
//     (https://clickhouse.com/docs/concepts/features/operations/select/join-settings), and a name means the column, not another
//     expression's alias, only where prefer_column_name_to_alias is on (unverified). Both stand behind each statement.
//   - A subquery does not see the query around it (unverified): semi and anti joins are joins
//     (https://clickhouse.com/docs/en/sql-reference/statements/select/join).
//   - Constants with a point are floats, so that decimals are made of texts (unverified).
//   - Tables are MergeTree tables without an order; UPDATE is a mutation that the statement waits for (unverified).
//     There are no transactions.
//   - Names and texts have backslashes as escapes (https://clickhouse.com/docs/reference/syntax).
var ClickHouse = Dialect{Name: "clickhouse", Quote: "`", g: grammarWith(func(g *grammar) {
	g.name = escaped("`")
	g.types = map[kind]string{
		kindText: "Nullable(String)", kindInteger: "Nullable(Int64)", kindFloat: "Nullable(Float64)", kindBoolean: "Nullable(Bool)", kindDate: "Nullable(Date32)",
		kindTimestamp: "Nullable(DateTime64(6, 'UTC'))", kindJSON: "Nullable(String)", kindBytes: "Nullable(String)",
	}
	g.decimal = decimalAs("Nullable(Decimal(%d, %d))")
	g.tableOptions = " ENGINE = MergeTree ORDER BY tuple()"
	g.escape = escaped("'")
	g.number = clickhouseNumber
	g.float, g.day = "CAST('%s' AS Float64)", "toDate32(%s)"
	g.instant, g.layout = "toDateTime64(%s, 6, 'UTC')", "2006-01-02 15:04:05.000000"
	g.bytes, g.json = "unhex('%s')", "%s"
	g.distinct, g.joined = distinctByCase, "concat"
	g.digest, g.length = "lower(hex(MD5(%s)))", "length(%s)"
	g.written = clickhouseWritten
	g.tryCast = clickhouseTry
	g.object = textObject(textMember("toJSONString(%s)", "%s"), "%s")
	g.semi = true
	g.settings = " SETTINGS join_use_nulls = 1, prefer_column_name_to_alias = 1"
	g.needsWhere = true
	g.update, g.updated = "ALTER TABLE %s UPDATE %s", " SETTINGS mutations_sync = 1"
	g.createTableAs = createTableAs(" ENGINE = MergeTree ORDER BY tuple()", "")
})}

func clickhouseNumber(text string) string {
	_, behind, _ := strings.Cut(text, ".")
	if len(text) > 38 || strings.ContainsAny(text, "eE") {
		return fmt.Sprintf("toDecimal256('%s', %d)", text, min(len(behind), 38))
	}
	return fmt.Sprintf("toDecimal128('%s', %d)", text, len(behind))
}

func clickhouseWritten(e Expr, t value.Type, native string, key bool) Expr {
	switch {
	case t == value.TypeObject && clickhouseBase(native) != "String":
		return function("toJSONString", e)
	case t == value.TypeTimestamp && key:
		return trimmed("replaceRegexpOne", spell("concat(replaceOne(toString(toDateTime64(%s, 6, 'UTC')), ' ', 'T'), 'Z')", e))
	case t == value.TypeTimestamp:
		return spell("toString(toDateTime64(%s, 9, 'UTC'))", e)
	default:
		return Cast(e, TypeText)
	}
}

func clickhouseTry(e Expr, was string, to Type, name string) Expr {
	switch {
	case was == name || clickhouseBase(name) == "String":
		return Cast(e, to)
	case clickhouseBase(name) == "Array", clickhouseBase(name) == "Map", clickhouseBase(name) == "Tuple", clickhouseBase(name) == "JSON":
		return Null(to)
	default:
		return function("accurateCastOrNull", Cast(e, TypeText), Text(clickhouseInner(name)))
	}
}

// clickhouseInner is a type without what says that it may be null or is in a dictionary.
func clickhouseInner(native string) string {
	for _, around := range []string{"LowCardinality(", "Nullable("} {
		if inner, found := strings.CutPrefix(native, around); found {
			native = strings.TrimSuffix(inner, ")")
		}
	}
	return native
}

func clickhouseBase(native string) string {
	base, _, _ := strings.Cut(clickhouseInner(native), "(")
	return base
}
