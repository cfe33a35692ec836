package sqlserver

import (
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/sqltable"
	"github.com/millrace/millrace/internal/value"
)

// program is how the rows of one operation come into the table: a batch of statements with one parameter, the rows.
type program struct {
	cells []cell
	match []int // the cells that rows are found by; must not be null
	batch string
}

// cell is one column of a row. Its text is called t and its number, its value by the column's type v and its number.
type cell struct {
	column column
	match  bool // filled from Row.Match, else from Row.Values
	index  int  // the position there
	omit   bool // a null is left out
	key    bool // rows are found by it
	writer writer
}

func (c *cell) of(r *connector.Row) value.Value {
	if c.match {
		return r.Match[c.index]
	}
	return r.Values[c.index]
}

// builder writes the statements of a job.
type builder struct {
	table *table
	job   connector.SyncJob
	exact bool
	cells []cell
	match []int // by SyncJob.Match, the positions in cells
}

// newBuilder lists what is sent of each row: its values, and what it is found by where that is no value.
func newBuilder(t *table, job connector.SyncJob, exact bool) *builder {
	b := &builder{table: t, job: job, exact: exact}
	for i, c := range job.Columns {
		k, _ := t.column(c.Name) // table.check has seen that it exists
		b.cells = append(b.cells, cell{column: k, index: i, omit: c.Omit, writer: newWriter(k, exact)})
	}
	for i, m := range job.Match {
		same := slices.IndexFunc(job.Columns, func(c connector.TargetColumn) bool { return c.Name == m.To && c.From == m.From })
		if same < 0 {
			k, _ := t.column(m.To)
			same = len(b.cells)
			b.cells = append(b.cells, cell{column: k, match: true, index: i, writer: newWriter(k, exact)})
		}
		b.cells[same].key = true
		b.match = append(b.match, same)
	}
	return b
}

// program writes the statements of one operation.
func (b *builder) program(op connector.Operation) *program {
	sent := make([]int, len(b.cells))
	for i := range sent {
		sent[i] = i
	}
	var steps []string
	switch {
	case op == connector.Removed:
		sent = slices.Clone(b.match)
		steps = []string{b.remove()}
	case b.job.Mode == connector.ModeInsert:
		sent = slices.DeleteFunc(sent, func(i int) bool { return b.cells[i].match })
		steps = []string{b.insert("")}
	case b.job.Mode == connector.ModeUpdate:
		steps = []string{b.last(), b.update("")}
	default:
		steps = []string{b.last(), b.find(), b.update(" WHERE r.found = 1"), b.insert(" WHERE r.found = 0")}
	}
	p := &program{}
	for _, i := range sent {
		p.cells = append(p.cells, b.cells[i])
		if b.cells[i].key {
			p.match = append(p.match, len(p.cells)-1)
		}
	}
	steps = slices.Concat([]string{b.declare(sent), b.fill(sent)}, b.kept(sent), steps)
	p.batch = strings.Join(slices.DeleteFunc(steps, func(s string) bool { return s == "" }), ";\n") + ";"
	return p
}

// name is a cell's column of the table variable: its value, or its text where the column holds texts, which keeps them
// as long as they were sent, so that the server refuses what is too long.
func (b *builder) name(i int) string { return "c" + strconv.Itoa(i) }

// value is a cell's value of a staged row.
func (b *builder) value(i int) string { return "r." + b.name(i) }

// staged is the type of a cell's value in the table variable.
func (b *builder) staged(i int) string {
	switch c := b.cells[i]; c.writer.class {
	case classText, classJSON:
		return "NVARCHAR(MAX)" + b.collate(i)
	case classBytes:
		return "VARBINARY(MAX)"
	default:
		return c.column.native()
	}
}

func (b *builder) collate(i int) string {
	if collation := b.cells[i].column.collation; collation != "" {
		return " COLLATE " + collation
	}
	return ""
}

// textual reports whether a cell is compared as a text.
func (b *builder) textual(i int) bool { return b.cells[i].writer.class == classText }

// declare makes the table variable. Texts that rows are found by are there by their column's type as well, so that the
// server can use its index.
func (b *builder) declare(sent []int) string {
	columns := []string{"i INT NOT NULL", "found BIT NOT NULL DEFAULT 0"}
	for _, i := range sent {
		columns = append(columns, b.name(i)+" "+b.staged(i)+" NULL")
		if b.cells[i].key && b.textual(i) {
			columns = append(columns, "k"+strconv.Itoa(i)+" "+b.cells[i].column.native()+b.collate(i)+" NULL")
		}
	}
	return "SET NOCOUNT ON;\nDECLARE @rows TABLE (" + strings.Join(columns, ", ") + ")"
}

// fill reads the parameter: an array of rows, each an array of its number and its texts. A text becomes one of a code page
// by its collation, which is the column's.
// https://learn.microsoft.com/en-us/sql/t-sql/functions/openjson-transact-sql
func (b *builder) fill(sent []int) string {
	into, from, with := []string{"i"}, []string{"i"}, []string{"i INT '$[0]'"}
	for place, i := range sent {
		text := "t" + strconv.Itoa(i)
		into, from = append(into, b.name(i)), append(from, b.convert(i, text))
		with = append(with, text+" NVARCHAR(MAX) '$["+strconv.Itoa(place+1)+"]'")
		if b.cells[i].key && b.textual(i) {
			into, from = append(into, "k"+strconv.Itoa(i)), append(from, "CONVERT("+b.cells[i].column.native()+", "+text+b.collate(i)+")")
		}
	}
	return "INSERT INTO @rows (" + strings.Join(into, ", ") + ") SELECT " + strings.Join(from, ", ") + " FROM OPENJSON(@p1) WITH (" + strings.Join(with, ", ") + ")"
}

// convert reads a text by the column's type. Bytes are hexadecimal (style 2).
func (b *builder) convert(i int, text string) string {
	switch b.cells[i].writer.class {
	case classText, classJSON:
		return text
	case classBytes:
		return "CONVERT(VARBINARY(MAX), " + text + ", 2)"
	default:
		return "CONVERT(" + b.cells[i].column.native() + ", " + text + ")"
	}
}

// characters compares texts character by character.
const characters = " COLLATE Latin1_General_100_BIN2"

// kept refuses texts that a column's code page has no characters for, which would become question marks, and texts to
// find rows by that are longer than the column.
// https://learn.microsoft.com/en-us/sql/relational-databases/collations/collation-and-unicode-support
func (b *builder) kept(sent []int) []string {
	var steps []string
	for _, i := range sent {
		c := b.cells[i]
		var stored string
		switch {
		case !b.textual(i):
			continue
		case c.key:
			stored = "k" + strconv.Itoa(i)
		case c.column.base == "varchar", c.column.base == "char", c.column.base == "text":
			stored = "CONVERT(VARCHAR(MAX), " + b.name(i) + ")"
		default:
			continue
		}
		message := "column " + dialect.Ident(c.column.name) + ": " + c.column.native() + " cannot hold every character of the value"
		steps = append(steps, "IF EXISTS (SELECT 1 FROM @rows WHERE CONVERT(NVARCHAR(MAX), "+stored+")"+characters+" <> RTRIM("+b.name(i)+")"+characters+
			")\nBEGIN;\nTHROW 50001, "+dialect.Text(message)+", 1;\nEND")
	}
	return steps
}

// matches is the condition that finds a staged row's row.
func (b *builder) matches() string {
	equal := make([]string, len(b.match))
	for n, i := range b.match {
		equal[n] = "t." + dialect.Ident(b.cells[i].column.name) + " = " + b.found(i)
	}
	return strings.Join(equal, " AND ")
}

func (b *builder) found(i int) string {
	if b.textual(i) {
		return "r.k" + strconv.Itoa(i)
	}
	return b.value(i)
}

// last drops rows whose match value a later row has too.
func (b *builder) last() string {
	by := make([]string, len(b.match))
	for n, i := range b.match {
		by[n] = b.found(i)
	}
	return "WITH ranked AS (SELECT ROW_NUMBER() OVER (PARTITION BY " + strings.Join(by, ", ") + " ORDER BY r.i DESC) AS place FROM @rows AS r)\nDELETE FROM ranked WHERE place > 1"
}

// find notes which rows are there, and keeps others from adding those that are not.
// https://learn.microsoft.com/en-us/sql/t-sql/queries/hints-transact-sql-table
func (b *builder) find() string {
	return "UPDATE r SET found = 1 FROM @rows AS r WHERE EXISTS (SELECT 1 FROM " + dialect.Table(b.table.ref) + " AS t WITH (UPDLOCK, SERIALIZABLE) WHERE " + b.matches() + ")"
}

// update sets the mapped columns of rows that exist. It is empty where only columns are mapped that rows are found by.
func (b *builder) update(where string) string {
	var set []string
	for i, c := range b.cells {
		name := dialect.Ident(c.column.name)
		switch {
		case c.key, c.match:
		case c.omit:
			set = append(set, "t."+name+" = COALESCE("+b.value(i)+", t."+name+")")
		default:
			set = append(set, "t."+name+" = "+b.value(i))
		}
	}
	if len(set) == 0 {
		return ""
	}
	return "UPDATE t SET " + strings.Join(set, ", ") + b.joined() + where
}

func (b *builder) joined() string {
	return " FROM " + dialect.Table(b.table.ref) + " AS t JOIN @rows AS r ON " + b.matches()
}

// insert adds rows.
func (b *builder) insert(where string) string {
	var names, from []string
	for i, c := range b.cells {
		name := dialect.Ident(c.column.name)
		if c.match && (b.job.Mode == connector.ModeInsert || slices.Contains(names, name)) {
			continue
		}
		taken := b.value(i)
		if c.omit && c.column.fallback != "" {
			taken = "COALESCE(" + taken + ", " + c.column.fallback + ")"
		}
		names, from = append(names, name), append(from, taken)
	}
	return "INSERT INTO " + dialect.Table(b.table.ref) + " (" + strings.Join(names, ", ") + ") SELECT " + strings.Join(from, ", ") + " FROM @rows AS r" + where
}

// remove deletes rows that left the model, or clears what the sync had filled.
func (b *builder) remove() string {
	if b.job.Delete == connector.DeleteRecord {
		return "DELETE t" + b.joined()
	}
	var set []string
	for _, c := range sqltable.Unmatched(b.job) {
		set = append(set, "t."+dialect.Ident(c.Name)+" = NULL")
	}
	return "UPDATE t SET " + strings.Join(set, ", ") + b.joined()
}
