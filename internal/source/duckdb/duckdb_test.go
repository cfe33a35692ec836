package duckdb

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

const setup = `
CREATE SCHEMA shop;
CREATE TYPE mood AS ENUM ('so-so', 'happy');
CREATE TABLE shop.customers (
  id BIGINT PRIMARY KEY, email VARCHAR NOT NULL, "Ünï ""code""" VARCHAR, amount DECIMAL(12, 2), active BOOLEAN, born DATE, seen TIMESTAMPTZ,
  attributes JSON, tags VARCHAR[], home STRUCT(street VARCHAR, "No." INTEGER), extra MAP(VARCHAR, INTEGER), state mood, raw BLOB, huge HUGEINT, wait INTERVAL);
COMMENT ON COLUMN shop.customers.email IS 'where letters go';
INSERT INTO shop.customers (id, email) SELECT i, i || '@example.com' FROM range(1, 251) r(i);
CREATE VIEW shop.active AS SELECT id, email FROM shop.customers WHERE active;
CREATE TABLE "Upper" ("Id" INTEGER);
CREATE SCHEMA millrace_planner; CREATE TABLE millrace_planner.plan (id INTEGER);
CREATE SCHEMA "MILLRACE_AUDIT"; CREATE TABLE "MILLRACE_AUDIT".log (id INTEGER);`

// makeFile makes a database file and closes it.
func makeFile(t *testing.T, statements string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "warehouse.duckdb")
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func found(name string, t value.Type, native string) value.Column {
	return value.Column{Name: name, Type: t, Native: native}
}

var tables = []connector.Table{
	{Ref: query.TableRef{Schema: "main", Name: "Upper"}, Kind: "table", Columns: value.Schema{found("Id", value.TypeNumber, "INTEGER")}},
	{Ref: query.TableRef{Schema: "shop", Name: "active"}, Kind: "view", Columns: value.Schema{
		found("id", value.TypeNumber, "BIGINT"), found("email", value.TypeString, "VARCHAR"),
	}},
	{Ref: query.TableRef{Schema: "shop", Name: "customers"}, Kind: "table", Rows: new(int64(250)), Columns: value.Schema{
		found("id", value.TypeNumber, "BIGINT"),
		{Name: "email", Type: value.TypeString, Native: "VARCHAR", Description: "where letters go"},
		found(`Ünï "code"`, value.TypeString, "VARCHAR"), found("amount", value.TypeNumber, "DECIMAL(12,2)"),
		found("active", value.TypeBoolean, "BOOLEAN"), found("born", value.TypeDate, "DATE"),
		found("seen", value.TypeTimestamp, "TIMESTAMP WITH TIME ZONE"), found("attributes", value.TypeObject, "JSON"),
		found("tags", value.TypeObject, "VARCHAR[]"), found("home", value.TypeObject, ""), found("extra", value.TypeObject, "MAP(VARCHAR, INTEGER)"),
		found("state", value.TypeString, ""), found("raw", value.TypeString, "BLOB"), found("huge", value.TypeNumber, "HUGEINT"),
		found("wait", value.TypeString, "INTERVAL"),
	}},
}

func object(text string) value.Value { return value.OfJSON(text) }

// values are DuckDB's own types.
var values = []sourcetest.Value{
	{Name: "bytes", SQL: `'\x00\xFF\x10'::BLOB`, Type: value.TypeString, Want: value.OfBytes([]byte{0, 255, 16})},
	{Name: "nul", SQL: `'a' || chr(0) || 'b'`, Type: value.TypeString, Want: value.OfText("a\x00b")},
	{Name: "tinyint", SQL: "(-128)::TINYINT", Type: value.TypeNumber, Want: value.OfInt(-128)},
	{Name: "utinyint", SQL: "255::UTINYINT", Type: value.TypeNumber, Want: value.OfInt(255)},
	{Name: "uinteger", SQL: "4294967295::UINTEGER", Type: value.TypeNumber, Want: value.OfInt(4294967295)},
	{Name: "ubigint", SQL: "18446744073709551615::UBIGINT", Type: value.TypeNumber, Want: value.OfDecimal("18446744073709551615")},
	{Name: "hugeint", SQL: "'12345678901234567890123456789012345678'::HUGEINT", Type: value.TypeNumber, Want: value.OfDecimal("12345678901234567890123456789012345678")},
	{Name: "sum", SQL: "(SELECT sum(i) FROM range(5) r(i))", Type: value.TypeNumber, Want: value.OfInt(10)},
	{Name: "infinite date", SQL: "'infinity'::DATE", Type: value.TypeDate},
	{Name: "date BC", SQL: "'0044-03-15 (BC)'::DATE", Type: value.TypeDate, Want: value.OfDay(-735_160)},
	{Name: "infinite timestamp", SQL: "'-infinity'::TIMESTAMP", Type: value.TypeTimestamp},
	{Name: "infinite timestamptz", SQL: "'infinity'::TIMESTAMPTZ", Type: value.TypeTimestamp},
	{Name: "seconds", SQL: "'2024-02-29 12:34:56'::TIMESTAMP_S", Type: value.TypeTimestamp, Want: value.OfMicros(1_709_210_096_000_000)},
	{Name: "nanoseconds", SQL: "'2024-02-29 12:34:56.789012345'::TIMESTAMP_NS", Type: value.TypeTimestamp, Want: value.OfMicros(1_709_210_096_789_012)},
	{Name: "interval", SQL: "INTERVAL '1 year 2 months 3 days'", Type: value.TypeString, Want: value.OfText("1 year 2 months 3 days")},
	{Name: "enum", SQL: "'happy'::mood", Type: value.TypeString, Want: value.OfText("happy")},
	{Name: "bit", SQL: "'10100'::BIT", Type: value.TypeString, Want: value.OfText("10100")},
	{Name: "struct", SQL: `{'street': 'Main "St"', 'No.': 4, 'tags': ['a', NULL]}`, Type: value.TypeObject, Want: object(`{"street":"Main \"St\"","No.":4,"tags":["a",null]}`)},
	{Name: "map", SQL: "MAP {'b': 1, 'a': NULL}", Type: value.TypeObject, Want: object(`{"b":1,"a":null}`)},
	{Name: "array", SQL: "[1, 2, 3]::INTEGER[3]", Type: value.TypeObject, Want: object("[1,2,3]")},
	{Name: "empty list", SQL: "[]::INTEGER[]", Type: value.TypeObject, Want: object("[]")},
	{Name: "list of decimals", SQL: "[0.10::DECIMAL(10, 2), 12345678901234567890.5::DECIMAL(38, 2)]", Type: value.TypeObject, Want: object("[0.10,12345678901234567890.50]")},
	{Name: "json text", SQL: `'"a"'::JSON`, Type: value.TypeObject, Want: value.OfText("a")},
}

// Rows is the statement of DuckDB that yields n rows.
func rows(n int64) string {
	return fmt.Sprintf("SELECT i AS id, 'row ' || i AS name FROM range(1, %d) r(i)", n+1)
}

const endless = "SELECT sum(hash(a.range + b.range)) AS n FROM range(10000000) a, range(10000000) b"

var says = sourcetest.Says{
	Syntax: `Parser Error: syntax error at or near "WHERE"`,
	Table:  "Catalog Error: Table with name no_such_table does not exist!",
	Column: `Binder Error: Referenced column "no_such_column" not found in FROM clause!`,
}

// Req: S-03, S-04, M-23, M-30
func TestConformance(t *testing.T) {
	t.Parallel()
	path := makeFile(t, setup)
	dir := t.TempDir()
	notDuckDB := filepath.Join(dir, "text.duckdb")
	if err := os.WriteFile(notDuckDB, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	sourcetest.Run(t, sourcetest.Fixture{
		Info: Info(Reach{}), Settings: connector.Settings{"path": path}, Tables: tables, Values: values,
		Hidden: []query.TableRef{{Schema: "millrace_planner", Name: "plan"}, {Schema: "MILLRACE_AUDIT", Name: "log"}},
		Failing: []sourcetest.Failing{
			{Name: "missing", Settings: connector.Settings{"path": filepath.Join(dir, "missing.duckdb")}, Code: fault.CodeSourceUnreachable, Says: "no such file"},
			{Name: "folder", Settings: connector.Settings{"path": dir}, Code: fault.CodeSourceUnreachable, Says: "folder"},
			{Name: "other file", Settings: connector.Settings{"path": notDuckDB}, Code: fault.CodeSourceFile, Says: "not a valid DuckDB database file"},
		},
		Rows: rows, Endless: endless, Says: says, NoDigits: true,
	})
}

// A model reads the database and nothing else of the server, and writes nowhere.
//
// Req: S-05
func TestAccess(t *testing.T) {
	t.Parallel()
	path := makeFile(t, "CREATE TABLE kept AS SELECT 1 AS id")
	outside := filepath.Join(t.TempDir(), "secret.csv")
	if err := os.WriteFile(outside, []byte("a\nsecret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	beside := filepath.Join(filepath.Dir(path), "written.csv")
	s, err := Info(Reach{}).Open(connector.SourceOptions{Settings: connector.Settings{"path": path}, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"SELECT * FROM read_csv('" + outside + "')", "SELECT * FROM '" + outside + "'", "SELECT * FROM glob('/etc/*')", "SELECT content FROM read_text('/etc/passwd')",
		"COPY (SELECT 1) TO '" + beside + "'", "SELECT 1); COPY (SELECT 1) TO '" + beside + "'; SELECT (1", "SELECT 1; DELETE FROM kept", "DELETE FROM kept RETURNING id",
		"DROP TABLE kept", "ATTACH '" + outside + "' AS o", "SET enable_external_access = true", "INSTALL httpfs", "LOAD httpfs", "SELECT getenv('HOME')",
		"SELECT 1) TO '" + beside + "' (FORMAT csv); COPY (SELECT 2", "", "-- nothing",
	} {
		for _, limit := range []int64{0, 1} {
			r, err := s.Query(t.Context(), connector.Query{SQL: sql, Limit: limit})
			if err == nil {
				r.Release()
				t.Errorf("%s: it worked", sql)
			} else if code := string(fault.As(err).Code); !strings.HasPrefix(code, "source.") {
				t.Errorf("%s: code %s: %v", sql, code, err)
			}
		}
	}
	if _, err := os.Stat(beside); err == nil {
		t.Error("a file was written")
	}
	r, err := s.Query(t.Context(), connector.Query{SQL: "SELECT count(*) AS n FROM kept"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if got := sourcetest.Read(t, r).Rows[0][0]; got.Int() != 1 {
		t.Errorf("%s rows are left", got)
	}
}

// What is no SELECT, or more than one, is told so in words that help.
//
// Req: M-30
func TestOneStatement(t *testing.T) {
	t.Parallel()
	s := New(Options{Dir: t.TempDir()})
	for _, sql := range []string{"SELECT 1 AS a; SELECT 2 AS a", "CREATE TABLE x (a INTEGER)", "SET threads = 1", ""} {
		_, err := s.Query(t.Context(), connector.Query{SQL: sql})
		if !fault.Is(err, fault.CodeSourceQuery) || !strings.Contains(err.Error(), "one SELECT statement") {
			t.Errorf("%q: %v", sql, err)
		}
	}
	for _, sql := range []string{"FROM range(3)", "VALUES (1, 2)", "WITH a AS (SELECT 1 AS b) TABLE a", "(SELECT 1 AS a)", "SELECT 1 AS a UNION ALL BY NAME SELECT 2 AS a", "SELECT ';' AS a -- ;"} {
		r, err := s.Query(t.Context(), connector.Query{SQL: sql, Limit: 2})
		if err != nil {
			t.Errorf("%q: %v", sql, err)
			continue
		}
		r.Release()
	}
}

// Nothing of a query stays in the source's folder.
func TestFolderIsEmptied(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := New(Options{Dir: dir})
	r, err := s.Query(t.Context(), connector.Query{SQL: rows(20_000)})
	if err != nil {
		t.Fatal(err)
	}
	r.Release()
	for _, sql := range []string{"SELECT * FROM missing", "SELECT 1; SELECT 2"} {
		if _, err := s.Query(t.Context(), connector.Query{SQL: sql}); err == nil {
			t.Errorf("%s: it worked", sql)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
