package file

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

// A CSV file says nothing about types. A column is a number, a date and so on only where every value of the file
// is written as such a value is, so that nothing is lost: 0012, +49 and numbers of more digits than a number holds
// stay text. DuckDB's own guess, from a sample, would make 12 of 0012, and fail at a later value.

// guess is a type that a column may have.
type guess struct {
	native string
	family string // of types that a larger part of the file may still turn into
	test   string // an expression about the column %[1]s
}

// guesses are tried in order.
var guesses = []guess{
	{"BOOLEAN", "boolean", `regexp_full_match(%[1]s, '(?i)true|false')`},
	{"BIGINT", "number", `regexp_full_match(%[1]s, '0|-?[1-9][0-9]{0,17}')`},
	{"DOUBLE", "number", `regexp_full_match(%[1]s, '-?(0|[1-9][0-9]*)(\.[0-9]+)?') AND length(%[1]s) <= 15`},
	{"DATE", "date", `regexp_full_match(%[1]s, '[0-9]{4}-[0-9]{2}-[0-9]{2}') AND TRY_CAST(%[1]s AS DATE) IS NOT NULL`},
	{"TIMESTAMP", "timestamp", `regexp_full_match(%[1]s, '[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?') AND TRY_CAST(%[1]s AS TIMESTAMP) IS NOT NULL`},
	{"TIMESTAMPTZ", "instant", `regexp_full_match(%[1]s, '[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}(:[0-9]{2})?)') AND TRY_CAST(%[1]s AS TIMESTAMPTZ) IS NOT NULL`},
}

// firstRows is how many rows rule most guesses out, so that the whole file is asked few questions.
const firstRows = 10_000

const text = "VARCHAR"

// version identifies the content of a file.
type version struct {
	path, delimiter string
	size            int64
	modified        time.Time
}

// known are the readers of files that were looked through: sync.Map of version to string.
var known sync.Map

// csvReader returns the SQL that reads a CSV file.
func csvReader(ctx context.Context, c *sql.Conn, path, delimiter string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	v := version{path, delimiter, info.Size(), info.ModTime()}
	return remember(v, func() (string, error) { return v.find(ctx, c) })
}

// remember returns what was found about a file, or finds it.
func remember(v version, find func() (string, error)) (string, error) {
	if reader, ok := known.Load(v); ok {
		return reader.(string), nil //nolint:forcetypeassert // stored below
	}
	reader, err := find()
	if err == nil {
		known.Store(v, reader)
	}
	return reader, err
}

// find looks through a CSV file and returns the SQL that reads it.
func (v version) find(ctx context.Context, c *sql.Conn) (string, error) {
	names, err := header(v.path, v.delimiter)
	if err != nil {
		return "", err
	}
	types, err := typesOf(ctx, c, v, names)
	if err != nil {
		return "", err
	}
	return v.reader(names, types), nil
}

// reader returns the SQL that reads the file with the types.
func (v version) reader(names, types []string) string {
	columns := make([]string, len(names))
	for i, name := range names {
		columns[i] = query.DuckDB.Text(name) + ": " + query.DuckDB.Text(types[i])
	}
	return fmt.Sprintf(`read_csv(%s, header = true, delim = %s, quote = '"', escape = '"', auto_detect = false, max_line_size = %d, columns = {%s})`,
		query.DuckDB.Text(v.path), query.DuckDB.Text(v.delimiter), maxLine, strings.Join(columns, ", "))
}

// maxLine is how many bytes a line of a CSV file may have. DuckDB keeps a few buffers of that size.
const maxLine = 32 << 20

// header reads the names of the columns: the first line (S-76).
func header(path, delimiter string) ([]string, error) {
	f, err := os.Open(path) //nolint:gosec // the source's own file
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	in := bufio.NewReader(f)
	if mark, err := in.Peek(3); err == nil && bytes.Equal(mark, []byte("\ufeff")) {
		_, _ = in.Discard(len(mark)) //nolint:errcheck // it was peeked at
	}
	r := csv.NewReader(in)
	r.Comma, _ = utf8.DecodeRuneInString(delimiter)
	names, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("reading the first line: %w", err)
	}
	for i, name := range names {
		if !utf8.ValidString(name) {
			return nil, errors.New("the first line is not utf-8")
		}
		if name == "" {
			names[i] = fmt.Sprintf("column%d", i+1)
		}
	}
	if err := connector.DistinctColumns(names); err != nil {
		return nil, fault.New(fault.CodeSourceFile, "the first line names two columns alike: %s", err).
			WithSuggestion("Give each column a name of its own in the file.")
	}
	return names, nil
}

// typesOf looks through the file: at its beginning for what each column may be, at all of it for whether it is.
func typesOf(ctx context.Context, c *sql.Conn, v version, names []string) ([]string, error) {
	types, open := make([]string, len(names)), make([][]guess, len(names))
	for i := range names {
		types[i], open[i] = text, guesses
	}
	from := v.reader(names, types)
	first, err := choose(ctx, c, "(SELECT * FROM "+from+fmt.Sprintf(" LIMIT %d)", firstRows), names, open)
	if err != nil {
		return nil, err
	}
	for i, chosen := range first {
		open[i] = nil
		for _, g := range guesses {
			if chosen != nil && g.family == chosen.family {
				open[i] = append(open[i], g)
			}
		}
	}
	whole, err := choose(ctx, c, from, names, open)
	if err != nil {
		return nil, err
	}
	for i, chosen := range whole {
		if chosen != nil {
			types[i] = chosen.native
		}
	}
	return types, nil
}

// choose returns the first guess about each column that holds for all its values, nil for none.
func choose(ctx context.Context, c *sql.Conn, from string, names []string, open [][]guess) ([]*guess, error) {
	tests := []string{"count(*)"}
	for i, name := range names {
		for _, g := range open[i] {
			tests = append(tests, fmt.Sprintf("coalesce(bool_and("+g.test+") FILTER (WHERE %[1]s IS NOT NULL), false)", query.DuckDB.Ident(name)))
		}
	}
	var rows int64
	holds := make([]bool, len(tests)-1)
	targets := []any{&rows}
	for i := range holds {
		targets = append(targets, &holds[i])
	}
	if err := c.QueryRowContext(ctx, "SELECT "+strings.Join(tests, ", ")+" FROM "+from).Scan(targets...); err != nil {
		return nil, err
	}
	chosen := make([]*guess, len(names))
	for i := range names {
		for _, g := range open[i] {
			if holds[0] && chosen[i] == nil {
				chosen[i] = &g
			}
			holds = holds[1:]
		}
	}
	return chosen, nil
}
