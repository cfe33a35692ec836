package file

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/duckdb"
)

// View makes a view of one file that was fetched from elsewhere, by the rules of the file sources: a CSV file is
// delimited by commas and its first line names the columns (S-76); a JSON file is a list of objects that have the same
// keys (S-77); the extension of its path tells which it is. Nothing is remembered of the file.
func View(ctx context.Context, c *sql.Conn, view, path string) error {
	reader, err := strictReader(ctx, c, path)
	if err == nil {
		err = createView(ctx, c, view, reader)
	}
	if _, known := errors.AsType[*fault.Error](err); err == nil || known || ctx.Err() != nil {
		return err
	}
	return duckdb.BadFile(err, "")
}

func createView(ctx context.Context, c *sql.Conn, view, reader string) error {
	_, err := c.ExecContext(ctx, "CREATE VIEW "+query.DuckDB.Ident(view)+" AS SELECT * FROM "+reader)
	return err
}

func strictReader(ctx context.Context, c *sql.Conn, path string) (string, error) {
	switch extension(path) {
	case ".csv":
		return version{path: path, delimiter: ","}.find(ctx, c)
	case ".json":
		if err := sameKeys(ctx, c, path); err != nil {
			return "", err
		}
		return findJSON(ctx, c, path, "array")
	case ".parquet":
		return "read_parquet(" + query.DuckDB.Text(path) + ")", nil
	default:
		return "", fault.New(fault.CodeSourceFile, "files with the extension %q are not read", extension(path))
	}
}

// sameKeys says what speaks against a JSON file being a list of objects that have the same keys (S-77).
func sameKeys(ctx context.Context, c *sql.Conn, path string) error {
	const question = `
		SELECT count(*), count(*) FILTER (WHERE kind <> 'OBJECT'), count(*) FILTER (WHERE len(keys) > len(list_distinct(keys))),
		       coalesce(array_to_string(min(keys), ', '), ''), coalesce(array_to_string(max(keys), ', '), '')
		FROM (SELECT json_type(json) AS kind, list_sort(json_keys(json)) AS keys FROM read_json_objects(%s, format = 'array'))`
	var all, others, repeated int64
	var least, most string
	if err := c.QueryRowContext(ctx, fmt.Sprintf(question, query.DuckDB.Text(path))).Scan(&all, &others, &repeated, &least, &most); err != nil {
		return err
	}
	switch {
	case others > 0:
		return badJSON("%d of the %d elements are no objects", others, all)
	case repeated > 0:
		return badJSON("%d objects have a key twice", repeated)
	case least != most:
		return badJSON("not all objects have the same keys: there are objects with %s, and with %s", keys(least), keys(most))
	default:
		return nil
	}
}

func badJSON(format string, args ...any) error {
	return fault.New(fault.CodeSourceFile, format, args...).
		WithSuggestion("A JSON file is one list of objects that all have the same keys: write null where an object has no value.")
}

// maxKeysShown is how much of a list of keys an error shows.
const maxKeysShown = 200

func keys(list string) string {
	switch {
	case list == "":
		return "none"
	case len(list) > maxKeysShown:
		return strings.ToValidUTF8(list[:maxKeysShown], "") + " …"
	default:
		return list
	}
}
