package mysql

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"strconv"
	"strings"

	driver "github.com/go-sql-driver/mysql"

	"github.com/millrace/millrace/internal/connector"
)

// load brings rows by LOAD DATA LOCAL INFILE. It reports whether they were stored as they were sent; if they were not,
// nothing was stored.
// https://dev.mysql.com/doc/refman/8.4/en/load-data.html
func (t *transaction) load(ctx context.Context, from, to int) (clean bool, err error) {
	name := "millrace-" + rand.Text()
	file := t.file(from, to)
	driver.RegisterReaderHandler(name, func() io.Reader { return bytes.NewReader(file) })
	defer driver.DeregisterReaderHandler(name)
	if _, err := t.exec(ctx, "SAVEPOINT "+savepoint); err != nil {
		return false, err
	}
	statement := t.program.load("Reader::" + name)
	err = t.record(t.program.load("…")+" -- "+strconv.Itoa(to-from)+" rows", func() (int64, error) { return t.exec(ctx, statement) })
	switch e, answered := server(err); {
	case err == nil:
		clean, err = t.kept(ctx)
	case answered && ofRow(e):
		err = nil
	}
	if err != nil || clean {
		return clean, err
	}
	_, err = t.exec(ctx, "ROLLBACK TO SAVEPOINT "+savepoint)
	return false, err
}

// kept reports whether LOAD DATA stored every value as it was sent, or as the sync allows.
func (t *transaction) kept(ctx context.Context) (bool, error) {
	notes, err := t.notes(ctx)
	for _, n := range notes {
		if t.program.exact || !strings.EqualFold(n.level, "Note") {
			return false, err
		}
	}
	return err == nil, err
}

// load is the statement that the file follows. Bytes travel in hexadecimal, and bits as a number, by way of a variable.
func (p *program) load(file string) string {
	var columns, set []string
	for i, c := range p.cells {
		variable, name := "@millrace_"+strconv.Itoa(i), dialect.Ident(c.column.name)
		switch c.writer.class {
		case classBytes:
			columns, set = append(columns, variable), append(set, name+" = UNHEX("+variable+")")
		case classBit:
			columns, set = append(columns, variable), append(set, name+" = CAST(CONV("+variable+", 16, 10) AS UNSIGNED)")
		default:
			columns = append(columns, name)
		}
	}
	statement := "LOAD DATA LOCAL INFILE '" + file + "' REPLACE INTO TABLE " + dialect.Table(p.table.ref) +
		` CHARACTER SET utf8mb4 FIELDS TERMINATED BY '\t' ENCLOSED BY '' ESCAPED BY '\\' LINES TERMINATED BY '\n' STARTING BY '' (` + strings.Join(columns, ", ") + ")"
	if len(set) > 0 {
		statement += " SET " + strings.Join(set, ", ")
	}
	return statement
}

// file writes rows for LOAD DATA.
func (t *transaction) file(from, to int) []byte {
	var dst, scratch []byte
	for i := from; i < to; i++ {
		r := &t.batch.Rows[t.sheet.rows[i]]
		for j := range t.program.cells {
			if j > 0 {
				dst = append(dst, '\t')
			}
			dst, scratch = t.program.cells[j].field(dst, scratch, r)
		}
		dst = append(dst, '\n')
	}
	return dst
}

// field appends a value as it stands in a file of LOAD DATA.
func (c *cell) field(dst, scratch []byte, r *connector.Row) (file, again []byte) {
	v := c.of(r)
	if v.IsNull() {
		return append(dst, `\N`...), scratch
	}
	text, f, _ := c.writer.write(scratch[:0], v) // what cannot be written was refused before
	switch {
	case f == binary:
		return hex.AppendEncode(dst, text), text
	case c.writer.class == classBit:
		n, err := strconv.ParseUint(string(text), 10, 64)
		if err != nil { // more than 64 bits: the statement is refused, and says why
			return append(dst, "not a number of 64 bits"...), text
		}
		return strconv.AppendUint(dst, n, 16), text
	default:
		return appendEscaped(dst, text), text
	}
}
