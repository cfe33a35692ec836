package postgres

import (
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/sqltable"
	"github.com/millrace/millrace/internal/value"
)

// staging is the temporary table that rows are copied to before they are merged.
const staging = "_millrace_rows"

// program is how the rows of one operation come into the table.
type program struct {
	cells []cell
	match []cell   // must not be null
	stage string   // makes the temporary table; empty where rows are copied into the table itself
	into  string   // what they are copied into, quoted
	name  string   // the same, as the server names it in errors
	merge []string // then moves them on
	apart []string // the same where a match value may occur twice among the rows; nil where merge can do it
	exact bool     // sending a row twice would add it twice: a batch is taken whole or not at all
}

// cell is one copied column.
type cell struct {
	column column
	copied string // its name in what is copied into
	match  bool   // filled from Row.Match, else from Row.Values
	index  int    // the position there
	write  writer
	text   bool // the column takes texts as they are
}

// newCell makes the cell of a column.
func newCell(c column, copied string, match bool, index int) cell {
	return cell{column: c, copied: copied, match: match, index: index, write: writerOf(c), text: verbatim(c)}
}

func (c *cell) of(r *connector.Row) value.Value {
	if c.match {
		return r.Match[c.index]
	}
	return r.Values[c.index]
}

// builder makes the programs of a job.
type builder struct {
	table  *table
	job    connector.SyncJob
	values []cell         // by SyncJob.Columns
	match  []cell         // by SyncJob.Match: a cell of values where it holds the same
	omit   map[int]string // the default of values that are left out when they are null; NULL where there is none
}

func newBuilder(t *table, job connector.SyncJob) *builder {
	b := &builder{table: t, job: job, omit: map[int]string{}}
	for i, c := range job.Columns {
		k, _ := t.column(c.Name) // table.check has seen that it exists
		b.values = append(b.values, newCell(k, "v"+strconv.Itoa(i), false, i))
		if c.Omit {
			b.omit[i] = "NULL"
			if k.fallback != "" {
				b.omit[i] = k.fallback
			}
		}
	}
	for i, m := range job.Match {
		k, _ := t.column(m.To)
		same := slices.IndexFunc(job.Columns, func(c connector.TargetColumn) bool { return c.Name == m.To && c.From == m.From })
		if same >= 0 {
			b.match = append(b.match, b.values[same])
			continue
		}
		b.match = append(b.match, newCell(k, "m"+strconv.Itoa(i), true, i))
	}
	return b
}

// staged returns a program with the columns in a temporary table.
func (b *builder) staged(cells []cell, merge ...string) *program {
	p := &program{cells: distinct(cells), match: b.match, into: staging, name: staging, merge: merge}
	definitions := make([]string, len(p.cells))
	for i, c := range p.cells {
		definitions[i] = c.copied + " " + c.column.native
		if c.column.collate != "" {
			definitions[i] += " COLLATE " + c.column.collate
		}
	}
	p.stage = "CREATE TEMPORARY TABLE " + staging + " (" + strings.Join(definitions, ", ") + ") ON COMMIT DROP"
	return p
}

// distinct drops cells that are listed twice.
func distinct(cells []cell) []cell {
	var once []cell
	for _, c := range cells {
		if !slices.ContainsFunc(once, func(o cell) bool { return o.copied == c.copied }) {
			once = append(once, c)
		}
	}
	return once
}

func (b *builder) matched() []string {
	names := make([]string, len(b.job.Match))
	for i, m := range b.job.Match {
		names[i] = m.To
	}
	return names
}

// write returns the program of rows that were added or changed.
func (b *builder) write() *program {
	switch b.job.Mode { //nolint:exhaustive // Check refuses the others
	case connector.ModeInsert:
		return b.insert()
	case connector.ModeUpdate:
		return b.staged(slices.Concat(b.values, b.match), b.update())
	default:
		return b.upsert()
	}
}

// insert adds rows to the table.
func (b *builder) insert() *program {
	p := b.add(sql.Table(b.table.ref), b.table.ref.Name, b.table.direct())
	p.exact = true
	return p
}

// shadow adds rows to the temporary table that a replacement is gathered in.
func (b *builder) shadow() *program { return b.add(shadow, shadow, true) }

// add copies into a table itself, or by way of a temporary table where COPY cannot, or where values that are left
// out must become defaults.
func (b *builder) add(table, name string, direct bool) *program {
	if direct && !b.defaults() {
		p := &program{into: table, name: name}
		for _, c := range b.values {
			c.copied = c.column.name
			p.cells = append(p.cells, c)
		}
		return p
	}
	names := make([]string, len(b.values))
	from := make([]string, len(b.values))
	for i, c := range b.values {
		names[i], from[i] = c.column.name, b.filled(i)
	}
	p := b.staged(b.values, "INSERT INTO "+table+" ("+idents(names)+") SELECT "+strings.Join(from, ", ")+" FROM "+staging+" r")
	p.match = nil
	return p
}

// filled is what a column of a new row is filled with.
func (b *builder) filled(i int) string {
	copied := "r." + b.values[i].copied
	if fallback := b.omit[i]; fallback != "" && fallback != "NULL" {
		return "coalesce(" + copied + ", " + fallback + ")"
	}
	return copied
}

// defaults reports whether a value that is left out has a default to take its place.
func (b *builder) defaults() bool {
	for _, d := range b.omit {
		if d != "NULL" {
			return true
		}
	}
	return false
}

// upsert uses ON CONFLICT where a unique index has the matched columns and every row could be inserted.
// Otherwise one statement updates the rows that exist and inserts the rest: both parts see the table as it was
// before the statement, so that a row whose match value changes is not taken for one that is missing.
// Source: https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-MODIFYING
func (b *builder) upsert() *program {
	columns, values := b.inserted()
	into := "INSERT INTO " + sql.Table(b.table.ref)
	if b.conflicts() {
		tail := " r ON CONFLICT (" + idents(b.matched()) + ") " + b.resolution()
		p := b.staged(slices.Concat(b.values, b.match), into+" AS t ("+columns+") SELECT "+values+" FROM "+staging+tail)
		p.apart = []string{into + " AS t (" + columns + ") SELECT " + values + " FROM " + b.last() + tail}
		return p
	}
	rest := into + " (" + columns + ") SELECT " + values + " FROM " + b.last() + " r WHERE NOT EXISTS (SELECT FROM " + sql.Table(b.table.ref) + " t WHERE " + b.matches() + ")"
	if update := b.update(); update != "" {
		rest = "WITH known AS (" + update + " RETURNING 1) " + rest
	}
	return b.staged(slices.Concat(b.values, b.match), rest)
}

// conflicts reports whether ON CONFLICT does what an upsert should. It does not where a column that must be
// filled is not mapped (the server refuses the row before it looks for the conflict), where a value that is
// left out has a default (the conflict would set the default), and where rows are matched by another value than
// the column is filled with.
func (b *builder) conflicts() bool {
	if !b.table.unique(b.matched()) || b.table.kind != "r" && b.table.kind != "p" || b.defaults() {
		return false
	}
	for _, c := range b.table.columns {
		filled := slices.ContainsFunc(slices.Concat(b.values, b.match), func(v cell) bool { return v.column.name == c.name })
		if c.notNull && c.fallback == "" && !c.always && !filled {
			return false
		}
	}
	return !slices.ContainsFunc(b.match, func(m cell) bool {
		return m.match && slices.ContainsFunc(b.values, func(v cell) bool { return v.column.name == m.column.name })
	})
}

// inserted returns the columns that a new row is made of, and their values.
func (b *builder) inserted() (columns, values string) {
	var names, from []string
	for i, c := range b.values {
		names, from = append(names, c.column.name), append(from, b.filled(i))
	}
	for _, c := range b.match {
		if !slices.Contains(names, c.column.name) && !c.column.always {
			names, from = append(names, c.column.name), append(from, "r."+c.copied)
		}
	}
	return idents(names), strings.Join(from, ", ")
}

// resolution is what ON CONFLICT does with a row that exists.
func (b *builder) resolution() string {
	var set []string
	for i, c := range b.job.Columns {
		if slices.Contains(b.matched(), c.Name) {
			continue
		}
		name := sql.Ident(c.Name)
		if b.omit[i] != "" {
			set = append(set, name+" = coalesce(excluded."+name+", t."+name+")")
			continue
		}
		set = append(set, name+" = excluded."+name)
	}
	if len(set) == 0 {
		return "DO NOTHING"
	}
	return "DO UPDATE SET " + strings.Join(set, ", ")
}

// update sets the mapped columns of rows that exist. It is empty where only columns are mapped that rows are
// matched by.
func (b *builder) update() string {
	var set []string
	for i, c := range b.values {
		name := sql.Ident(c.column.name)
		switch {
		case slices.ContainsFunc(b.match, func(m cell) bool { return m.copied == c.copied }):
		case b.omit[i] != "":
			set = append(set, name+" = coalesce(r."+c.copied+", t."+name+")")
		default:
			set = append(set, name+" = r."+c.copied)
		}
	}
	if len(set) == 0 {
		return ""
	}
	return "UPDATE " + sql.Table(b.table.ref) + " AS t SET " + strings.Join(set, ", ") + " FROM " + b.last() + " r WHERE " + b.matches()
}

// remove returns the program of rows that left the model.
func (b *builder) remove() *program {
	from := staging + " r WHERE " + b.matches()
	if b.job.Delete == connector.DeleteRecord {
		return b.staged(b.match, "DELETE FROM "+sql.Table(b.table.ref)+" AS t USING "+from)
	}
	var set []string
	for _, c := range sqltable.Unmatched(b.job) {
		set = append(set, sql.Ident(c.Name)+" = NULL")
	}
	return b.staged(b.match, "UPDATE "+sql.Table(b.table.ref)+" AS t SET "+strings.Join(set, ", ")+" FROM "+from)
}

func (b *builder) matches() string {
	equal := make([]string, len(b.match))
	for i, m := range b.match {
		equal[i] = "t." + sql.Ident(m.column.name) + " = r." + m.copied
	}
	return strings.Join(equal, " AND ")
}

// last is the staged rows without those whose match value a later row has too. A row's place in the temporary
// table (ctid) is the order in which rows were copied: nothing is ever deleted from it.
func (b *builder) last() string {
	on := make([]string, len(b.match))
	for i, m := range b.match {
		on[i] = m.copied
	}
	list := strings.Join(on, ", ")
	return "(SELECT DISTINCT ON (" + list + ") * FROM " + staging + " ORDER BY " + list + ", ctid DESC)"
}

func idents(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = sql.Ident(n)
	}
	return strings.Join(quoted, ", ")
}

// copyStatement is the statement that the rows follow.
func (p *program) copyStatement() string {
	names := make([]string, len(p.cells))
	for i, c := range p.cells {
		names[i] = c.copied
	}
	return "COPY " + p.into + " (" + idents(names) + ") FROM STDIN"
}
