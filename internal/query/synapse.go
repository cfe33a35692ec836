package query

import "strings"

// Synapse is a dedicated SQL pool of Azure Synapse Analytics. It differs from SQL Server in this:
//
//   - Tables say how they are distributed
//     (https://learn.microsoft.com/en-us/sql/t-sql/statements/create-table-as-select-azure-sql-data-warehouse). Ours are heaps
//     without a column of distribution: texts without a limit are in no columnstore index (unverified).
//   - VALUES has one row (https://learn.microsoft.com/en-us/sql/t-sql/queries/table-value-constructor-transact-sql), and DROP TABLE
//     no IF EXISTS (https://learn.microsoft.com/en-us/sql/t-sql/statements/drop-table-transact-sql).
//   - MERGE wants tables that are distributed by a column, and there is no TABLESAMPLE (unverified): rows are removed and
//     inserted, and a random number chooses rows.
//   - A view is made, but not replaced (https://learn.microsoft.com/en-us/sql/t-sql/statements/create-view-transact-sql).
//   - WITH is followed by SELECT alone, also in CREATE TABLE AS SELECT, and is never recursive
//     (https://learn.microsoft.com/en-us/sql/t-sql/queries/with-common-table-expression-transact-sql): a model that begins with WITH
//     can be staged, but no row of it is inserted into a table that is there.
var Synapse = Dialect{Name: "synapse", Quote: "[", g: synapseGrammar()}

func synapseGrammar() *grammar {
	g := sqlserverGrammar()
	g.tableOptions = " WITH (DISTRIBUTION = ROUND_ROBIN, HEAP)"
	g.createTableAs = createTableAs(" WITH (DISTRIBUTION = ROUND_ROBIN, HEAP)", "")
	g.rowsSelected = true
	g.merge = false
	g.sample, g.approxDistinct = "", "APPROX_COUNT_DISTINCT(%s)"
	g.createTemporary = g.createTableAs
	g.lacks = map[string]string{ConstructMatches: "Synapse has no regular expressions"}
	g.dropTable = func(p *printer, t TableRef) {
		name := p.d.Table(t)
		if strings.HasPrefix(t.Name, "#") {
			name = "tempdb.." + name
		}
		p.text("IF OBJECT_ID(" + p.d.Text(name) + ", N'U') IS NOT NULL DROP TABLE " + p.d.Table(t))
	}
	g.createView = synapseView
	return g
}

// synapseView removes a view that is there: it cannot be replaced. What makes a view is a batch of its own.
func synapseView(p *printer, c CreateView) {
	name := p.d.Table(c.View)
	made := p.apart(func(q *printer) { createView("CREATE VIEW ")(q, c) })
	p.text("IF OBJECT_ID(" + p.d.Text(name) + ", N'V') IS NOT NULL DROP VIEW " + name + "; EXEC(" + p.d.Text(made) + ")")
}
