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
var SingleStore = Dialect{Name: "singlestore", Quote: "`", g: singlestoreGrammar()}

func singlestoreGrammar() *grammar {
	g := mysqlGrammar()
	g.noFull = false
	g.cast = func(to string) form {
		if to == "DOUBLE" {
			return "(%s :> %s)"
		}
		return "CAST(%s AS %s)"
	}
	g.object = textObject(textMember("(TO_JSON(%s) :> LONGTEXT)", `replace(TO_BASE64(%s), '\n', '')`, mysqlBytes...), "(%s :> JSON)")
	g.float, g.json = "('%s' :> DOUBLE)", "(%s :> JSON)"
	g.written = func(e Expr, t value.Type, native string, key bool) Expr {
		if t == value.TypeString && mysqlClass(strings.ToLower(native)) != "bytes" {
			return spell("(%s :> LONGTEXT COLLATE utf8mb4_bin)", e)
		}
		return mysqlWritten(e, t, native, key)
	}
	return g
}
