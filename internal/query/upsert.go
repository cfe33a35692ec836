package query

import "slices"

// Upsert makes a table hold a query's rows: each row of the table that has the key of one is replaced by it, and the
// others are added. The query yields the columns under these names, all that the table has, and no key twice; it does
// not read the table. Keys are not null.
type Upsert struct {
	Table   TableRef
	Query   Query
	Key     []string
	Columns []string // the key's among them
}

// Commands are what carries it out: one statement where the database merges, otherwise two, which belong into one
// transaction where the database has any.
func (u Upsert) Commands(d Dialect) []Command {
	if d.g.merge {
		return []Command{u}
	}
	s, t := Sub(u.Query).As("_new"), Table(u.Table)
	return []Command{
		Delete{Table: u.Table, Where: u.gone(d, s, t)},
		InsertQuery{Table: u.Table, Columns: u.Columns, Query: u.selected()},
	}
}

func (u Upsert) selected() Query {
	s := Sub(u.Query).As("_new")
	return From(s).Select(s.Cols(u.Columns...)...)
}

// gone are the table's rows that are replaced.
func (u Upsert) gone(d Dialect, s, t Relation) Expr {
	if len(u.Key) == 1 {
		return Col(u.Key[0]).InQuery(From(s).Select(s.Col(u.Key[0])))
	}
	if d.g.semi {
		return Expr{n: rowIn{u.Key, From(s).Select(s.Cols(u.Key...)...)}}
	}
	var same []Expr
	for _, k := range u.Key {
		same = append(same, s.Col(k).Eq(Expr{n: column{t.table.Name, k}}))
	}
	return Exists(From(s).Where(same...).Select(Int(1).As("found")))
}

// rowIn holds where several columns are together in a query's row.
type rowIn struct {
	columns []string
	query   Query
}

func (r rowIn) level() int { return levelCompare }

func (r rowIn) condition() bool { return true }

func (r rowIn) print(p *printer) {
	p.text("(")
	for i, c := range r.columns {
		if i > 0 {
			p.text(", ")
		}
		p.ident(c)
	}
	p.text(") IN (")
	p.query(r.query)
	p.text(")")
}

func (u Upsert) printCommand(p *printer) { p.hoisting(u.printMerge) }

func (u Upsert) printMerge(p *printer) {
	t, s := Relation{alias: "_old"}, Sub(u.Query).As("_new")
	p.text("MERGE INTO " + p.d.Table(u.Table) + p.d.g.aliased)
	p.ident(t.alias)
	p.text(" USING ")
	s.print(p)
	var same []Expr
	for _, k := range u.Key {
		same = append(same, t.Col(k).Eq(s.Col(k)))
	}
	p.text(" ON (")
	p.condition(And(same...), levelOr)
	p.text(")")
	u.printUpdate(p, s)
	p.text(" WHEN NOT MATCHED THEN INSERT (")
	for i, c := range u.Columns {
		if i > 0 {
			p.text(", ")
		}
		p.ident(c)
	}
	p.text(") VALUES (")
	p.list(s.Cols(u.Columns...))
	p.text(")" + p.d.g.mergeEnd)
}

// printUpdate changes what is no part of the key.
func (u Upsert) printUpdate(p *printer, s Relation) {
	first := true
	for _, c := range u.Columns {
		if slices.Contains(u.Key, c) {
			continue
		}
		if first {
			p.text(" WHEN MATCHED THEN UPDATE SET ")
		} else {
			p.text(", ")
		}
		first = false
		p.ident(c)
		p.text(" = ")
		p.expr(s.Col(c), levelOr)
	}
}

// CreateTemporary makes a table of a query's rows that only the session sees, and that ends with it.
type CreateTemporary struct {
	Name  string
	Query Query
}

// Temporary is how a temporary table is named in statements.
func (d Dialect) Temporary(name string) TableRef { return TableRef{Name: d.g.temporaryPrefix + name} }

func (c CreateTemporary) printCommand(p *printer) {
	p.mustHave(ConstructCreateTemporary)
	p.d.g.createTemporary(p, p.d.Temporary(c.Name), c.Query)
}

// createTemporary makes temporary tables with words before TABLE, before AS and behind the query.
func createTemporary(words, options, suffix string) func(p *printer, t TableRef, q Query) {
	return func(p *printer, t TableRef, q Query) {
		p.text("CREATE " + words + " TABLE " + p.d.Table(t) + options + " AS ")
		p.whole(q, "")
		p.text(suffix + p.d.g.settings)
	}
}
