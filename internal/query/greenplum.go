package query

// Greenplum is Greenplum Database, version 7 and newer, which is PostgreSQL with tables that are distributed: by no
// column, since a column of a model may have a type that cannot be hashed
// (https://techdocs.broadcom.com/us/en/vmware-tanzu/data-solutions/tanzu-greenplum/7/greenplum-database/ref_guide-sql_commands-CREATE_TABLE.html).
// That to_jsonb is there is a matter of the PostgreSQL beneath, 12 (unverified).
var Greenplum = Dialect{Name: "greenplum", Quote: `"`, g: greenplumGrammar()}

func greenplumGrammar() *grammar {
	g := postgresGrammar()
	g.tableOptions = " DISTRIBUTED RANDOMLY"
	g.createTableAs = createTableAs("", " DISTRIBUTED RANDOMLY")
	g.merge = false // PostgreSQL has it since version 15
	g.createTemporary = createTemporary("TEMPORARY", "", " DISTRIBUTED RANDOMLY")
	return g
}
