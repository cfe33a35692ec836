package query

import (
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// SingleStore is SingleStore, which speaks the language of MySQL and differs in this:
//
//   - CAST knows no DOUBLE; the operator :> knows all types, with collations
//     (https://docs.singlestore.com/cloud/reference/sql-reference/conditional-functions/cast-or-convert).
//   - There is a FULL JOIN, and TO_JSON quotes a text (unverified).
//   - JSON_EXTRACT_STRING takes a path in steps, JSON_BUILD_ARRAY and JSON_ARRAY_CONTAINS_JSON are for arrays
//     (https://docs.singlestore.com/cloud/reference/sql-reference/json-functions/, unverified for JSON's null).
var SingleStore = Dialect{Name: "singlestore", Quote: "`", g: singlestoreGrammar()}

func singlestoreGrammar() *grammar {
	g := mysqlGrammar()
	g.noFull = false
	g.lacks = map[string]string{ConstructCreateView: "whether SingleStore replaces views is not verified"}
	g.cast = func(to string) form {
		if to == "DOUBLE" {
			return "(%s :> %s)"
		}
		return "CAST(%s AS %s)"
	}
	g.object = textObject(textMember("(TO_JSON(%s) :> LONGTEXT)", `replace(TO_BASE64(%s), '\n', '')`, mysqlBytes...), "(%s :> JSON)")
	g.float, g.json = "('%s' :> DOUBLE)", "(%s :> JSON)"
	g.exact, g.matches = "(%s :> LONGTEXT COLLATE utf8mb4_bin)", "%s RLIKE %s"
	g.bits = "CAST(CONV(LEFT(MD5(%s), 8), 16, 10) AS SIGNED)"
	g.anyValue, g.approxDistinct = "any_value(%s)", "approx_count_distinct(%s)"
	g.dig = func(d Document, path []Step, _ bool) Expr {
		args := []Expr{d.Value}
		for _, s := range path {
			if s.array {
				args = append(args, Int(int64(s.index)))
			} else {
				args = append(args, Text(s.name))
			}
		}
		return function("JSON_EXTRACT_STRING", args...)
	}
	member := textMember("(TO_JSON(%s) :> LONGTEXT)", `replace(TO_BASE64(%s), '\n', '')`, mysqlBytes...)
	g.list, g.listContains, g.listElement = listAs("JSON_BUILD_ARRAY(", ")"), "JSON_ARRAY_CONTAINS_JSON(%s, %s)", member
	g.listAgg = listAggOfTexts(member, "concat(%s, %s, %s)")
	g.written = func(e Expr, t value.Type, native string, key bool) Expr {
		if t == value.TypeString && mysqlClass(strings.ToLower(native)) != "bytes" {
			return spell("(%s :> LONGTEXT COLLATE utf8mb4_bin)", e)
		}
		return mysqlWritten(e, t, native, key)
	}
	return g
}
