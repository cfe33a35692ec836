package query

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

func (c CreateSchema) printCommand(p *printer) { p.d.g.createSchema(p, c.Name) }

func (c CreateTable) printCommand(p *printer) {
	p.text("CREATE TABLE " + p.d.Table(c.Table) + " (")
	for i, column := range c.Columns {
		if i > 0 {
			p.text(", ")
		}
		p.ident(column.Name)
		p.text(" " + p.d.Type(column.Type))
	}
	p.text(")" + p.d.g.tableOptions)
}

func (c CreateTableAs) printCommand(p *printer) { p.d.g.createTableAs(p, c.Table, c.Query) }

func (c AddColumn) printCommand(p *printer) {
	p.text("ALTER TABLE " + p.d.Table(c.Table) + " ADD COLUMN ")
	p.ident(c.Column.Name)
	p.text(" " + p.d.Type(c.Column.Type))
}

func (c DropTable) printCommand(p *printer) { p.text("DROP TABLE IF EXISTS " + p.d.Table(c.Table)) }

func (c Insert) printCommand(p *printer) {
	p.into(c.Table, c.Columns)
	p.text("VALUES ")
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
	p.into(c.Table, c.Columns)
	p.query(c.Query)
}

func (c Update) printCommand(p *printer) {
	p.text("UPDATE " + p.d.Table(c.Table) + " SET ")
	for i, a := range c.Set {
		if i > 0 {
			p.text(", ")
		}
		p.ident(a.Column)
		p.text(" = ")
		p.expr(a.Value, levelOr)
	}
	p.all(c.Where)
}

func (c Delete) printCommand(p *printer) {
	p.text("DELETE FROM " + p.d.Table(c.Table))
	p.all(c.Where)
}

// all writes the condition of a change; some databases refuse one without.
func (p *printer) all(where Expr) {
	if where.IsZero() && p.d.g.needsWhere {
		where = Int(1).Eq(Int(1))
	}
	p.clause("WHERE", where)
}

func (p *printer) into(t TableRef, columns []string) {
	p.text("INSERT INTO " + p.d.Table(t) + " (")
	for i, name := range columns {
		if i > 0 {
			p.text(", ")
		}
		p.ident(name)
	}
	p.text(") ")
}
