package query

// Materialize is Materialize, which speaks the language of PostgreSQL (https://materialize.com/docs/lts/sql/functions/):
// it has its types, md5, jsonb and patterns. It makes views of queries, not tables (unverified), and is no source that
// the Lightning engine plans in.
var Materialize = Dialect{Name: "materialize", Quote: `"`, g: materializeGrammar()}

func materializeGrammar() *grammar {
	g := postgresGrammar()
	g.elements = nil
	g.lacks = map[string]string{
		ConstructCreateTableAs: "queries become views, not tables", ConstructCreateTemporary: "queries become views, not tables",
		ConstructSample: "it has no random numbers", ConstructElements: "its regular expressions cannot tell what a JSON array is",
	}
	g.merge = false
	g.bits = hexByPlaces("position(%s IN %s)", "md5(%[1]s)")
	g.listLength = "array_length(%s, 1)"
	return g
}
