package query

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// BigQuery is Google BigQuery (GoogleSQL).
//
//   - Names stand between backticks, with the escapes of texts; a text has no line end but as an escape
//     (https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical).
//   - A number with a point is a FLOAT64, so that decimals are NUMERIC, with 29 digits before the point and 9 behind it,
//     or BIGNUMERIC (https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types, unverified). As text a decimal
//     has no zeros at the end (unverified).
//   - SAFE_CAST refuses pairs of types that never convert, and goes by text
//     (https://cloud.google.com/bigquery/docs/reference/standard-sql/conversion_functions).
//   - UPDATE and DELETE must have a condition (https://cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax, unverified).
//   - A statement that changes rows is a transaction of its own (https://cloud.google.com/bigquery/docs/data-manipulation-language).
var BigQuery = Dialect{Name: "bigquery", Quote: "`", g: grammarWith(func(g *grammar) {
	g.name = escaped("`")
	g.types = map[kind]string{
		kindText: "STRING", kindInteger: "INT64", kindFloat: "FLOAT64", kindBoolean: "BOOL", kindDate: "DATE",
		kindTimestamp: "TIMESTAMP", kindJSON: "JSON", kindBytes: "BYTES",
	}
	g.decimal = func(precision, scale int) string {
		if precision-scale > 29 || scale > 9 {
			return fmt.Sprintf("BIGNUMERIC(%d, %d)", precision, scale)
		}
		return fmt.Sprintf("NUMERIC(%d, %d)", precision, scale)
	}
	g.escape = escaped("'")
	g.number = bigqueryNumber
	g.float = "CAST('%s' AS FLOAT64)"
	g.instant, g.layout = "CAST(%s AS TIMESTAMP)", "2006-01-02 15:04:05.000000+00:00"
	g.bytes, g.json = "FROM_HEX('%s')", "PARSE_JSON(%s, wide_number_mode => 'round')"
	g.digest, g.length = "TO_HEX(MD5(%s))", "BYTE_LENGTH(%s)"
	g.written = bigqueryWritten
	g.tryCast = bigqueryTry
	g.object = textObject(textMember("TO_JSON_STRING(%s)", "TO_BASE64(%s)", "bytes"), "PARSE_JSON(%s, wide_number_mode => 'round')")
	g.needsWhere = true
})}

func bigqueryNumber(text string) string {
	whole, behind, _ := strings.Cut(strings.TrimLeft(text, "+-"), ".")
	if len(whole) > 29 || len(behind) > 9 || strings.ContainsAny(text, "eE") {
		return "BIGNUMERIC '" + text + "'"
	}
	return "NUMERIC '" + text + "'"
}

func bigqueryWritten(e Expr, t value.Type, native string, key bool) Expr {
	switch {
	case t == value.TypeObject:
		return function("TO_JSON_STRING", e)
	case t == value.TypeTimestamp:
		micros := spell("FORMAT_TIMESTAMP('%%Y-%%m-%%dT%%H:%%M:%%E6SZ', %s, 'UTC')", Cast(e, TypeTimestamp))
		if key {
			return trimmed("REGEXP_REPLACE", micros)
		}
		return micros
	case strings.EqualFold(bigqueryBase(native), "BYTES"):
		return function("TO_HEX", e)
	case strings.EqualFold(bigqueryBase(native), "GEOGRAPHY"):
		return function("ST_ASTEXT", e)
	default:
		return Cast(e, TypeText)
	}
}

func bigqueryTry(e Expr, was string, to Type, name string) Expr {
	text := Cast(e, TypeText)
	if bigqueryNested(was) {
		text = function("TO_JSON_STRING", e)
	}
	switch {
	case was == name:
		return Cast(e, to)
	case strings.EqualFold(bigqueryBase(name), "JSON"):
		return function("TO_JSON", e)
	case bigqueryNested(name) || strings.EqualFold(bigqueryBase(name), "BYTES"):
		return Null(to)
	default:
		return spell("SAFE_CAST(%s AS %s)", text, castTo(to))
	}
}

func bigqueryBase(native string) string {
	base, _, _ := strings.Cut(native, "(")
	base, _, _ = strings.Cut(base, "<")
	return strings.TrimSpace(base)
}

func bigqueryNested(native string) bool {
	switch strings.ToUpper(bigqueryBase(native)) {
	case "JSON", "ARRAY", "STRUCT", "RECORD":
		return true
	default:
		return false
	}
}
