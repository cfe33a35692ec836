package mysql

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// program is how the rows of one operation come into the table.
type program struct {
	table *table
	cells []cell // what new rows are made of
	match []cell // what rows are found by; must not be null
	head  string // before the columns
	guard string // true where the row that is in the way is the matched one; empty where it can be no other
	kind  kind
	loads bool // LOAD DATA is tried before statements
	exact bool // values are stored as they were sent, or not at all
	whole bool // sending a row twice would add it twice: a batch is taken whole or not at all
}

// kind is how rows are written.
type kind uint8

const (
	kindInsert  kind = iota // INSERT
	kindUpsert              // INSERT … ON DUPLICATE KEY UPDATE
	kindReplace             // REPLACE
	kindUpdate              // UPDATE, row by row
	kindApart               // UPDATE, and INSERT where there was nothing, row by row
	kindDelete              // DELETE … WHERE … IN
	kindClear               // UPDATE … SET … = NULL WHERE … IN
)

// cell is one column of a row.
type cell struct {
	column  column
	match   bool // filled from Row.Match, else from Row.Values
	index   int  // the position there
	omit    bool // a null is left out
	matched bool // rows are found by it
	writer  writer
}

func (c *cell) of(r *connector.Row) value.Value {
	if c.match {
		return r.Match[c.index]
	}
	return r.Values[c.index]
}

// newProgram works out how the rows of an operation are written.
func newProgram(t *table, job connector.SyncJob, s syncSettings, op connector.Operation) *program {
	p := &program{table: t, exact: s.exact()}
	moved := p.fill(job)
	switch {
	case op == connector.Removed && job.Delete == connector.DeleteClear:
		p.kind = kindClear
		p.cells = slices.DeleteFunc(p.cells, func(c cell) bool { return c.matched })
	case op == connector.Removed:
		p.kind = kindDelete
	case job.Mode == connector.ModeUpdate:
		p.kind = kindUpdate
	case job.Mode == connector.ModeInsert:
		p.kind, p.head, p.whole = kindInsert, "INSERT INTO ", true
	case s.loads():
		p.kind, p.head, p.loads = kindReplace, "REPLACE INTO ", true
	case moved || p.lacks():
		p.kind = kindApart
	default:
		p.kind, p.head = kindUpsert, "INSERT INTO "
		p.guard = p.guarded()
	}
	return p
}

// fill makes the cells. It reports whether a row is found by another value than the column is filled with.
func (p *program) fill(job connector.SyncJob) (moved bool) {
	for i, c := range job.Columns {
		k, _ := p.table.column(c.Name) // table.check has seen that it exists
		p.cells = append(p.cells, cell{column: k, index: i, omit: c.Omit, writer: newWriter(k, p.exact)})
	}
	for i, m := range job.Match {
		k, _ := p.table.column(m.To)
		found := cell{column: k, match: true, index: i, matched: true, writer: newWriter(k, p.exact)}
		p.match = append(p.match, found)
		at := slices.IndexFunc(job.Columns, func(c connector.TargetColumn) bool { return c.Name == m.To })
		switch {
		case at < 0 && job.Mode == connector.ModeUpsert:
			p.cells = append(p.cells, found)
		case at >= 0 && job.Columns[at].From == m.From:
			p.cells[at].matched = true
		case at >= 0:
			moved = true
		}
	}
	return moved
}

// lacks reports whether a column that must be filled is not: the server refuses such a row before it looks whether it is
// there already.
func (p *program) lacks() bool {
	return slices.ContainsFunc(p.table.columns, func(c column) bool {
		return c.notNull && !c.fallback && !c.counts && !c.generated && !slices.ContainsFunc(p.cells, func(k cell) bool { return k.column.name == c.name })
	})
}

// guarded is the condition under which a row that is in the way is the one that is matched. A row may also be in the way
// in another key: ON DUPLICATE KEY UPDATE would change that one instead.
// https://dev.mysql.com/doc/refman/8.4/en/insert-on-duplicate.html
func (p *program) guarded() string {
	var matched, filled []string
	for _, c := range p.match {
		matched = append(matched, c.column.name)
	}
	for _, c := range p.cells {
		filled = append(filled, c.column.name)
	}
	if len(p.table.rivals(matched, filled)) == 0 {
		return ""
	}
	same := make([]string, len(matched))
	for i, name := range matched {
		same[i] = p.own(name) + " <=> VALUES(" + dialect.Ident(name) + ")"
	}
	return "(" + strings.Join(same, " AND ") + ")"
}

// own is a column of the row that is there.
func (p *program) own(name string) string {
	return dialect.Ident(p.table.ref.Name) + "." + dialect.Ident(name)
}

// pattern is which cells of a row are left out: one byte for each. Rows of one pattern share a statement.
func (p *program) pattern(r *connector.Row) string {
	if !slices.ContainsFunc(p.cells, func(c cell) bool { return c.omit }) {
		return ""
	}
	marks := make([]byte, len(p.cells))
	for i := range p.cells {
		marks[i] = '0'
		if p.cells[i].omit && p.cells[i].of(r).IsNull() {
			marks[i] = '1'
		}
	}
	return string(marks)
}

// sent are the cells that a pattern does not leave out.
func (p *program) sent(pattern string) []cell {
	if pattern == "" {
		return p.cells
	}
	var sent []cell
	for i, c := range p.cells {
		if pattern[i] == '0' {
			sent = append(sent, c)
		}
	}
	return sent
}

// open is a statement up to its first row.
func (p *program) open(pattern string) string {
	switch p.kind { //nolint:exhaustive // rows of the others are written one by one
	case kindDelete:
		return "DELETE FROM " + dialect.Table(p.table.ref) + " WHERE " + p.matches() + " IN ("
	case kindClear:
		set := make([]string, len(p.cells))
		for i, c := range p.cells {
			set[i] = dialect.Ident(c.column.name) + " = NULL"
		}
		return "UPDATE " + dialect.Table(p.table.ref) + " SET " + strings.Join(set, ", ") + " WHERE " + p.matches() + " IN ("
	default:
		return p.head + dialect.Table(p.table.ref) + " (" + names(p.sent(pattern)) + ") VALUES "
	}
}

// matches are the columns that rows are found by.
func (p *program) matches() string {
	if len(p.match) == 1 {
		return dialect.Ident(p.match[0].column.name)
	}
	return "(" + names(p.match) + ")"
}

// end is a statement behind its last row.
func (p *program) end(pattern string) string {
	switch p.kind { //nolint:exhaustive // the others need nothing
	case kindDelete, kindClear:
		return ")"
	case kindUpsert:
		return " ON DUPLICATE KEY UPDATE " + p.resolution(pattern)
	default:
		return ""
	}
}

// resolution is what becomes of a row that exists. Where the row in the way is not the matched one, the guard divides by
// zero, which is an error of the strict mode; and it leaves that row as it is.
func (p *program) resolution(pattern string) string {
	var set []string
	for _, c := range p.sent(pattern) {
		if c.matched {
			continue
		}
		name := dialect.Ident(c.column.name)
		set = append(set, name+" = "+p.unless(p.own(c.column.name), "VALUES("+name+")"))
	}
	if len(set) == 0 { // nothing changes
		name := p.match[0].column.name
		return dialect.Ident(name) + " = " + p.unless(p.own(name), p.own(name))
	}
	return strings.Join(set, ", ")
}

func (p *program) unless(kept, taken string) string {
	if p.guard == "" {
		return taken
	}
	return "IF(1 / " + p.guard + " IS NULL, " + kept + ", " + taken + ")"
}

func names(cells []cell) string {
	quoted := make([]string, len(cells))
	for i, c := range cells {
		quoted[i] = dialect.Ident(c.column.name)
	}
	return strings.Join(quoted, ", ")
}

// byRow reports whether rows are written one by one.
func (p *program) byRow() bool { return p.kind == kindUpdate || p.kind == kindApart }

// byKey reports whether a statement names only what rows are found by.
func (p *program) byKey() bool { return p.kind == kindDelete || p.kind == kindClear }

// find is the condition that finds a row.
func (p *program) find(r *connector.Row) ([]byte, string) {
	var dst, scratch []byte
	for i := range p.match {
		c := &p.match[i]
		if i > 0 {
			dst = append(dst, " AND "...)
		}
		dst = append(dst, dialect.Ident(c.column.name)+" = "...)
		text, f, reason := c.writer.key(scratch[:0], c.of(r))
		if reason != "" {
			return nil, reason
		}
		dst, scratch = appendLiteral(dst, text, f), text
	}
	return dst, ""
}

// update is the statement that changes one row, nil where nothing but what it is found by is filled.
func (p *program) update(r *connector.Row) (statement []byte, reason string) {
	dst := []byte("UPDATE " + dialect.Table(p.table.ref) + " SET ")
	empty, scratch := true, []byte(nil)
	for i := range p.cells {
		c := &p.cells[i]
		v := c.of(r)
		if c.matched || c.omit && v.IsNull() {
			continue
		}
		if !empty {
			dst = append(dst, ", "...)
		}
		empty = false
		dst = append(dst, dialect.Ident(c.column.name)+" = "...)
		if dst, scratch, reason = c.literal(dst, scratch, v); reason != "" {
			return nil, reason
		}
	}
	if empty {
		return nil, ""
	}
	where, reason := p.find(r)
	return append(append(dst, " WHERE "...), where...), reason
}

// add is the statement that adds one row and nothing else.
func (p *program) add(r *connector.Row) (statement []byte, reason string) {
	cells := p.sent(p.pattern(r))
	dst := []byte("INSERT INTO " + dialect.Table(p.table.ref) + " (" + names(cells) + ") VALUES (")
	var scratch []byte
	for i := range cells {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		if dst, scratch, reason = cells[i].literal(dst, scratch, cells[i].of(r)); reason != "" {
			return nil, reason
		}
	}
	return append(dst, ')'), ""
}

// literal appends a value as it stands in a statement.
func (c *cell) literal(dst, scratch []byte, v value.Value) (statement, again []byte, reason string) {
	if v.IsNull() {
		return append(dst, "NULL"...), scratch, ""
	}
	text, f, reason := c.writer.write(scratch[:0], v)
	return appendLiteral(dst, text, f), text, reason
}
