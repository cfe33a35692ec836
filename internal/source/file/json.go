package file

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"

	"github.com/millrace/millrace/internal/query"
)

// A JSON file says which of its values are texts. DuckDB's own guess turns texts of dates and times into such values,
// and a text that looks like a UUID into one, in small letters: an identifier would reach the destination changed. So
// the columns are read with the types that DuckDB finds, but for UUIDs, which stay text.

// jsonReader returns the SQL that reads a JSON file.
func jsonReader(ctx context.Context, c *sql.Conn, path, format string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	v := version{path, format, info.Size(), info.ModTime()}
	return remember(v, func() (string, error) { return findJSON(ctx, c, path, format) })
}

// findJSON looks at a JSON file and returns the SQL that reads it.
func findJSON(ctx context.Context, c *sql.Conn, path, format string) (string, error) {
	reader := fmt.Sprintf("read_json(%s, format = %s, sample_size = 100000", query.DuckDB.Text(path), query.DuckDB.Text(format))
	columns, changed, err := jsonColumns(ctx, c, reader+")")
	if err != nil {
		return "", err
	}
	if changed {
		reader += ", columns = {" + strings.Join(columns, ", ") + "}"
	}
	return reader + ")", nil
}

// jsonColumns returns the columns that DuckDB finds with their types, and whether one of them was changed to text.
func jsonColumns(ctx context.Context, c *sql.Conn, reader string) (columns []string, changed bool, err error) {
	rows, err := c.QueryContext(ctx, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM "+reader+")") //nolint:gosec // a reader of quoted names
	if err != nil {
		return nil, false, err
	}
	defer rows.Close() //nolint:errcheck // reading is done
	for rows.Next() {
		var name, native string
		if err := rows.Scan(&name, &native); err != nil {
			return nil, false, err
		}
		asText := uuidsAsText(native)
		changed = changed || asText != native
		columns = append(columns, query.DuckDB.Text(name)+": "+query.DuckDB.Text(asText))
	}
	return columns, changed, rows.Err()
}

// uuidsAsText writes a type with text in place of UUID, wherever it stands in it. Names of members stand in quotes, or
// are followed by a type.
func uuidsAsText(native string) string {
	var b strings.Builder
	for i := 0; i < len(native); {
		switch {
		case native[i] == '"':
			end := quotedEnd(native, i)
			b.WriteString(native[i:end])
			i = end
		case isWord(native, i, "UUID") && !isMember(native, i):
			b.WriteString(text)
			i += len("UUID")
		default:
			b.WriteByte(native[i])
			i++
		}
	}
	return b.String()
}

// quotedEnd returns where a quoted name that begins at i ends.
func quotedEnd(s string, i int) int {
	for i++; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		if i+1 == len(s) || s[i+1] != '"' {
			return i + 1
		}
		i++
	}
	return len(s)
}

func isWord(s string, i int, word string) bool {
	end := i + len(word)
	return strings.HasPrefix(s[i:], word) && (i == 0 || !isNameByte(s[i-1])) && (end == len(s) || !isNameByte(s[end]))
}

// isMember tells whether the word at i is the name of a member: a type follows it.
func isMember(s string, i int) bool {
	rest := s[i+len("UUID"):]
	return strings.HasPrefix(rest, " ")
}

func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
