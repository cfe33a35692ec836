// Package sheet reads sheets of workbooks as tables: its first row names the columns, and a column has the type that all
// its cells have (S-83, S-84).
package sheet

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

// Kind is what a cell holds.
type Kind uint8

// The kinds. The zero value is an empty cell.
const (
	Empty Kind = iota
	Text
	Number
	Boolean
	Date // without a time of day
	Timestamp
)

// Cell is one cell. Its text is what it is where its column has cells of several kinds.
type Cell struct {
	Kind Kind
	Text string
}

// OfText returns a cell of text; one without text is empty.
func OfText(s string) Cell {
	if s == "" {
		return Cell{}
	}
	return Cell{Text, s}
}

// OfNumber returns a cell of a number.
func OfNumber(f float64) Cell { return Cell{Number, strconv.FormatFloat(f, 'f', -1, 64)} }

// OfBoolean returns a cell of a truth value.
func OfBoolean(b bool) Cell { return Cell{Boolean, strconv.FormatBool(b)} }

// OfTime returns a cell of a moment; one at midnight is a date.
func OfTime(t time.Time) Cell {
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return Cell{Date, t.Format(time.DateOnly)}
	}
	return Cell{Timestamp, t.Format("2006-01-02 15:04:05.999")}
}

// Rows gives the rows of a sheet in their order, with rows that are empty, until yield returns an error. A row ends
// with any of its cells; those that are missing are empty.
type Rows func(ctx context.Context, yield func([]Cell) error) error

// Rule says where a table ends.
type Rule struct {
	// Corner: the first column without a name and the first row without a value end the table, as in Excel's workbooks
	// (S-84). Otherwise they are left out.
	Corner bool
}

// errEnd ends the reading of rows.
var errEnd = errors.New("the table ends")

// Spooled is a table of a sheet in a file of this machine, so that memory does not grow with it.
type Spooled struct {
	Path string // of the file
	SQL  string // what reads it in DuckDB: it stands behind FROM
	dir  string
}

// Spool writes rows to a file in a folder of its own in dir.
func Spool(ctx context.Context, dir string, rows Rows, rule Rule) (*Spooled, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Disk(err, "making the source's folder")
	}
	own, err := os.MkdirTemp(dir, "sheet-*")
	if err != nil {
		return nil, fault.Disk(err, "making the source's folder")
	}
	w := &writer{path: filepath.Join(own, "rows.csv"), rule: rule}
	if err := w.write(ctx, rows); err != nil {
		return nil, errors.Join(err, os.RemoveAll(own))
	}
	return &Spooled{w.path, w.reader(), own}, nil
}

// Remove removes the file.
func (s *Spooled) Remove() error { return os.RemoveAll(s.dir) }

// writer writes the rows of a table as CSV, and finds the types of its columns.
type writer struct {
	path string
	rule Rule

	out     *csv.Writer
	columns []column
	record  []string
}

// column is a column of the table.
type column struct {
	name string
	at   int // its place in the sheet
	seen [Timestamp + 1]bool
	part bool // a number with digits after the point, or more digits than an integer of DuckDB or of the sheet holds
}

func (w *writer) write(ctx context.Context, rows Rows) (err error) {
	f, err := os.OpenFile(w.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fault.Disk(err, "writing the rows of a sheet")
	}
	defer func() {
		if closed := f.Close(); err == nil && closed != nil {
			err = fault.Disk(closed, "writing the rows of a sheet")
		}
	}()
	w.out = csv.NewWriter(f)
	if err := rows(ctx, w.add); err != nil && !errors.Is(err, errEnd) {
		return err
	}
	if w.columns == nil {
		return fault.New(fault.CodeSourceFile, "the sheet is empty").WithSuggestion("Write the names of the columns into its first row.")
	}
	w.out.Flush()
	if err := w.out.Error(); err != nil {
		return fault.Disk(err, "writing the rows of a sheet")
	}
	return nil
}

// add takes the next row.
func (w *writer) add(row []Cell) error {
	if w.columns == nil {
		return w.head(row)
	}
	filled := false
	for i := range w.columns {
		c := &w.columns[i]
		w.record[i] = ""
		if c.at < len(row) {
			w.record[i] = c.take(row[c.at])
		}
		filled = filled || w.record[i] != ""
	}
	switch {
	case filled:
		if err := w.out.Write(w.record); err != nil {
			return fault.Disk(err, "writing the rows of a sheet")
		}
		return nil
	case w.rule.Corner:
		return errEnd
	default:
		return nil
	}
}

// head takes the first row.
func (w *writer) head(row []Cell) error {
	var names []string
	for i, c := range row {
		name := strings.TrimSpace(c.Text)
		if name == "" {
			if w.rule.Corner {
				break
			}
			continue
		}
		w.columns = append(w.columns, column{name: name, at: i})
		names = append(names, name)
	}
	if w.columns == nil {
		return fault.New(fault.CodeSourceFile, "the first row of the sheet names no column").
			WithSuggestion("Write the names of the columns into the first row, beginning in its first cell.")
	}
	w.record = make([]string, len(w.columns))
	if err := connector.DistinctColumns(names); err != nil {
		return fault.New(fault.CodeSourceFile, "the first row of the sheet names two columns alike: %s", err).
			WithSuggestion("Give each column a name of its own in the sheet.")
	}
	return nil
}

// maxInteger is up to where floating-point numbers, which sheets have, hold every integer.
const maxInteger = 1 << 53

func (c *column) take(cell Cell) string {
	c.seen[cell.Kind] = true
	if cell.Kind == Number && !c.part {
		n, err := strconv.ParseFloat(cell.Text, 64)
		c.part = err != nil || n != math.Trunc(n) || math.Abs(n) > maxInteger
	}
	return cell.Text
}

// native is the type of the column: that of all its cells, else text.
func (c *column) native() string {
	only := func(kinds ...Kind) bool {
		for k := Text; k <= Timestamp; k++ {
			among := false
			for _, one := range kinds {
				among = among || one == k
			}
			if c.seen[k] && !among {
				return false
			}
		}
		return true
	}
	switch {
	case only():
		return "VARCHAR"
	case only(Number) && c.part:
		return "DOUBLE"
	case only(Number):
		return "BIGINT"
	case only(Boolean):
		return "BOOLEAN"
	case only(Date):
		return "DATE"
	case only(Date, Timestamp):
		return "TIMESTAMP"
	default:
		return "VARCHAR"
	}
}

// maxLine is how many bytes a row may have.
const maxLine = 32 << 20

// reader returns the SQL that reads what was written.
func (w *writer) reader() string {
	columns := make([]string, len(w.columns))
	for i, c := range w.columns {
		columns[i] = query.DuckDB.Text(c.name) + ": " + query.DuckDB.Text(c.native())
	}
	return fmt.Sprintf(`read_csv(%s, header = false, delim = ',', quote = '"', escape = '"', new_line = '\n', auto_detect = false, max_line_size = %d, columns = {%s})`,
		query.DuckDB.Text(w.path), maxLine, strings.Join(columns, ", "))
}
