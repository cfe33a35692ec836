package app

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/query"
)

// dialectsPage shows how each construct is written in each dialect. Dialects that write it alike share a row.
func dialectsPage() []byte {
	p := &page{}
	p.line("# Dialects of SQL\n\nMillrace builds SQL from values and prints it in the dialect of the database that runs it. Names and constants are always quoted by the dialect. A person's own statement stands in it as it is, as a relation.\n")
	p.line("Tests execute every construct on DuckDB, PostgreSQL and MariaDB. The SQL for other databases is compared with golden files (`internal/query/testdata`, and `internal/engine/sync/plan/lightning/testdata` for what the Lightning engine runs), and read by parsers that know the dialect (`test/dialects`). What the vendors' documentation says, and what could not be found there, stands with each dialect in `internal/query`.\n")
	p.line("PlanetScale is written as MySQL, Lakebase as PostgreSQL, MariaDB as MySQL.")
	lacksTable(p)
	p.line("\nBuckets are the same in every database whose MD5 is of texts in UTF-8. Tests compare DuckDB, PostgreSQL and MariaDB with Go; that Teradata, Oracle with another encoding, and SQL Server before version 2019 agree is not known.")
	for _, e := range query.Examples() {
		p.line("\n## %s\n\n| Dialects | SQL |\n| --- | --- |", e.Name)
		for _, row := range alike(e) {
			p.line("| %s | %s |", strings.Join(row.dialects, ", "), row.sql)
		}
	}
	return p.Bytes()
}

// lacksTable says what a database has no form for, and why. Dialects that lack it for one reason share a row.
func lacksTable(p *page) {
	p.line("\n## What a database lacks\n\nEverything else on this page can be said in every dialect. What needs one of these is refused there, with the reason.\n\n| Construct | Dialects | Reason |\n| --- | --- | --- |")
	for _, construct := range query.Constructs {
		var reasons []string
		dialects := map[string][]string{}
		for _, d := range query.Dialects {
			reason := d.Lacks(construct)
			if reason == "" {
				continue
			}
			if len(dialects[reason]) == 0 {
				reasons = append(reasons, reason)
			}
			dialects[reason] = append(dialects[reason], d.Name)
		}
		for _, reason := range reasons {
			p.line("| %s | %s | %s |", construct, strings.Join(dialects[reason], ", "), reason)
		}
	}
}

type sameSQL struct {
	sql      string
	dialects []string
}

func alike(e query.Example) []sameSQL {
	var rows []sameSQL
	for _, d := range query.Dialects {
		sql := sqlCell(e.SQL(d))
		at := slices.IndexFunc(rows, func(r sameSQL) bool { return r.sql == sql })
		if at < 0 {
			rows, at = append(rows, sameSQL{sql: sql}), len(rows)
		}
		rows[at].dialects = append(rows[at].dialects, d.Name)
	}
	return rows
}

// sqlCell is SQL in a table's cell; there may be none.
func sqlCell(sql string) string {
	if sql == "" {
		return "none"
	}
	return "`` " + cell(sql) + " ``"
}
