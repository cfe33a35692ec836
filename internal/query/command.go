package query

import (
	"fmt"
	"strings"
)

// Command is a statement that yields no rows.
type Command interface {
	printCommand(p *printer)
}

// Definition of tables and changes of their rows.
type (
	// CreateSchema makes a schema unless it exists.
	CreateSchema struct{ Name string }

	// CreateTable makes a table.
	CreateTable struct {
		Table   TableRef
		Columns []NewColumn
	}

	// CreateTableAs makes a table of a query's rows.
	CreateTableAs struct {
		Table TableRef
		Query Query
	}

	// AddColumn adds a column to a table; rows that are there have no value in it.
	AddColumn struct {
		Table  TableRef
		Column NewColumn
	}

	// DropTable removes a table if it exists.
	DropTable struct{ Table TableRef }

	// CreateView makes a view of a query's rows, or replaces one whose columns are the same.
	CreateView struct {
		View  TableRef
		Query Query
	}

	// Insert adds rows of constants.
	Insert struct {
		Table   TableRef
		Columns []string
		Rows    [][]Expr
	}

	// InsertQuery adds a query's rows.
	InsertQuery struct {
		Table   TableRef
		Columns []string
		Query   Query
	}

	// Update changes the rows for which the condition holds; without one, all.
	Update struct {
		Table TableRef
		Set   []Assignment
		Where Expr
	}

	// Delete removes the rows for which the condition holds; without one, all.
	Delete struct {
		Table TableRef
		Where Expr
	}
)

// NewColumn is a column of a table that is to be.
type NewColumn struct {
	Name string
	Type Type
}

// Assignment gives a column a value.
type Assignment struct {
	Column string
	Value  Expr
}

func (c CreateSchema) printCommand(p *printer) {
	p.mustHave(ConstructCreateSchema)
	p.d.g.createSchema(p, c.Name)
}

func (c CreateTable) printCommand(p *printer) { p.d.g.createTable(p, c) }

func createTable(p *printer, c CreateTable) {
	p.text("CREATE TABLE " + p.d.Table(c.Table) + " (" + p.columns(c.Columns) + ")" + p.d.g.tableOptions)
}

// columns are the columns of a new table.
func (p *printer) columns(all []NewColumn) string {
	texts := make([]string, len(all))
	for i, c := range all {
		texts[i] = p.d.Ident(c.Name) + " " + p.d.columnType(c.Type)
	}
	return strings.Join(texts, ", ")
}

func (c CreateTableAs) printCommand(p *printer) {
	p.mustHave(ConstructCreateTableAs)
	p.d.g.createTableAs(p, c.Table, c.Query)
}

// createTableAs makes tables with words before AS and behind the query.
func createTableAs(options, suffix string) func(p *printer, t TableRef, q Query) {
	return func(p *printer, t TableRef, q Query) {
		p.text("CREATE TABLE " + p.d.Table(t) + options + " AS ")
		p.whole(q, "")
		p.text(suffix + p.d.g.settings)
	}
}

func (c AddColumn) printCommand(p *printer) { p.d.g.addColumn(p, c) }

// addColumn writes a form of the table, the column's name and its type.
func addColumn(f form) func(p *printer, c AddColumn) {
	return func(p *printer, c AddColumn) {
		p.text(fmt.Sprintf(string(f), p.d.Table(c.Table), p.d.Ident(c.Column.Name), p.d.columnType(c.Column.Type)))
	}
}

func (c DropTable) printCommand(p *printer) { p.d.g.dropTable(p, c.Table) }

func (c CreateView) printCommand(p *printer) {
	p.mustHave(ConstructCreateView)
	p.d.g.createView(p, c)
}

// createView makes views with the words that stand before their names.
func createView(words string) func(p *printer, c CreateView) {
	return func(p *printer, c CreateView) {
		p.text(words + p.d.Table(c.View) + " AS ")
		p.whole(c.Query, "")
	}
}

func (c Insert) printCommand(p *printer) {
	if p.d.g.rowsSelected {
		rows := make([]Query, len(c.Rows))
		for i, row := range c.Rows {
			rows[i] = Values(row...)
		}
		InsertQuery{c.Table, c.Columns, Union(rows...)}.printCommand(p)
		return
	}
	p.text(p.into(c.Table, c.Columns) + "VALUES ")
	for i, row := range c.Rows {
		if i > 0 {
			p.text(", ")
		}
		p.text("(")
		p.list(row)
		p.text(")")
	}
}

func (c InsertQuery) printCommand(p *printer) {
	into := p.into(c.Table, c.Columns)
	if p.d.g.withFirst {
		p.whole(c.Query, into)
	} else {
		p.text(into)
		p.whole(c.Query, "")
	}
	p.text(p.d.g.settings)
}

func (c Update) printCommand(p *printer) {
	set := p.apart(func(q *printer) {
		for i, a := range c.Set {
			if i > 0 {
				q.text(", ")
			}
			q.ident(a.Column)
			q.text(" = ")
			q.expr(a.Value, levelOr)
		}
	})
	p.text(fmt.Sprintf(string(p.d.g.update), p.d.Table(c.Table), set))
	p.all(c.Where)
	p.text(p.d.g.updated)
}

func (c Delete) printCommand(p *printer) {
	p.hoisting(func(q *printer) {
		q.text("DELETE FROM " + q.d.Table(c.Table))
		q.all(c.Where)
	})
}

// all writes the condition of a change; some databases refuse one without.
func (p *printer) all(where Expr) {
	if where.IsZero() && p.d.g.needsWhere {
		where = Int(1).Eq(Int(1))
	}
	p.clause("WHERE", where)
}

// into is what an insertion begins with.
func (p *printer) into(t TableRef, columns []string) string {
	names := make([]string, len(columns))
	for i, name := range columns {
		names[i] = p.d.Ident(name)
	}
	return "INSERT INTO " + p.d.Table(t) + " (" + strings.Join(names, ", ") + ") "
}
