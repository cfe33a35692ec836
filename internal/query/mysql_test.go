package query_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/query/dialecttest"
	"github.com/millrace/millrace/internal/value"
	"github.com/millrace/millrace/test/services"
)

// Every construct of the dialect of MySQL yields what it should on a real MariaDB.
//
// Req: SY-48
func TestMariaDB(t *testing.T) {
	t.Parallel()
	dialecttest.Run(t, openMariaDB(t))
}

func openMariaDB(t *testing.T) dialecttest.Database {
	t.Helper()
	c, err := mysql.ParseDSN(services.MariaDB(t))
	if err != nil {
		t.Fatal(err)
	}
	c.Params = map[string]string{"time_zone": "'+00:00'"}
	db, err := sql.Open("mysql", c.FormatDSN())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) //nolint:errcheck // the test is over
	return dialecttest.Database{
		Dialect: query.MySQL, Schema: c.DBName,
		Execute: func(ctx context.Context, sql string) error {
			_, err := db.ExecContext(ctx, sql)
			return err
		},
		Query: func(ctx context.Context, sql string) ([][]string, error) { return cells(ctx, db, sql) },
	}
}

// cells reads a result as the suite wants it.
func cells(ctx context.Context, db *sql.DB, statement string) ([][]string, error) {
	r, err := db.QueryContext(ctx, statement)
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // Err tells
	types, err := r.ColumnTypes()
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for r.Next() {
		values, into := make([]sql.NullString, len(types)), make([]any, len(types))
		for i := range values {
			into[i] = &values[i]
		}
		if err := r.Scan(into...); err != nil {
			return nil, err
		}
		row := make([]string, len(types))
		for i, v := range values {
			if row[i], err = cell(v, types[i].DatabaseTypeName()); err != nil {
				return nil, err
			}
		}
		rows = append(rows, row)
	}
	return rows, r.Err()
}

func cell(v sql.NullString, native string) (string, error) {
	switch {
	case !v.Valid:
		return dialecttest.Null, nil
	case native == "DATETIME":
		at, err := time.Parse("2006-01-02 15:04:05.999999", v.String)
		return value.OfTime(at).String(), err
	case strings.HasPrefix(v.String, "{") || strings.HasPrefix(v.String, "["): // MariaDB's JSON is text, with spaces as it likes
		return value.CanonicalJSON(v.String)
	default:
		return v.String, nil
	}
}
