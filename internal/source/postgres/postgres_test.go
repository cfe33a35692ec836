package postgres

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/jackc/pgx/v5"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
	"github.com/millrace/millrace/test/services"
)

const setup = `
CREATE EXTENSION IF NOT EXISTS hstore;
CREATE SCHEMA shop;
CREATE TYPE shop.mood AS ENUM ('so-so', 'happy', 'a "b", c');
CREATE DOMAIN shop.positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN shop.moods AS shop.mood[];
CREATE TYPE shop.address AS (street text, "No." integer, tags text[]);
CREATE TABLE shop.customers (
  id bigint PRIMARY KEY, email varchar(200) NOT NULL, "Ünï ""code""" text, amount numeric(12, 2), free numeric, active boolean,
  born date, seen timestamptz, noted timestamp, attributes jsonb, tags text[], state shop.mood, age shop.positive, home shop.address,
  moods shop.moods, token uuid, raw bytea, gone text);
ALTER TABLE shop.customers DROP COLUMN gone;
COMMENT ON COLUMN shop.customers.email IS 'where letters go';
INSERT INTO shop.customers (id, email, home) SELECT g, g || '@example.com', ROW('Main "St", 1', 4, ARRAY['a', NULL])::shop.address FROM generate_series(1, 250) g;
CREATE TABLE shop.parted (id integer, at date) PARTITION BY RANGE (at);
CREATE TABLE shop.parted_2024 PARTITION OF shop.parted FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE VIEW shop.active AS SELECT id, email FROM shop.customers WHERE active;
CREATE MATERIALIZED VIEW shop.totals AS SELECT count(*) AS n FROM shop.customers;
CREATE TABLE "Upper" ("Id" integer);
CREATE TABLE nothing ();
CREATE SCHEMA millrace_planner; CREATE TABLE millrace_planner.plan (id integer);
CREATE SCHEMA "MILLRACE_AUDIT"; CREATE TABLE "MILLRACE_AUDIT".log (id integer);
ANALYZE shop.customers;`

func found(name string, t value.Type, native string) value.Column {
	return value.Column{Name: name, Type: t, Native: native}
}

var tables = []connector.Table{
	{Ref: query.TableRef{Schema: "public", Name: "Upper"}, Kind: "table", Columns: value.Schema{found("Id", value.TypeNumber, "integer")}},
	{Ref: query.TableRef{Schema: "shop", Name: "active"}, Kind: "view", Columns: value.Schema{
		found("id", value.TypeNumber, "bigint"), found("email", value.TypeString, "character varying(200)"),
	}},
	{Ref: query.TableRef{Schema: "shop", Name: "customers"}, Kind: "table", Rows: new(int64(250)), Columns: value.Schema{
		found("id", value.TypeNumber, "bigint"),
		{Name: "email", Type: value.TypeString, Native: "character varying(200)", Description: "where letters go"},
		found(`Ünï "code"`, value.TypeString, "text"), found("amount", value.TypeNumber, "numeric(12,2)"),
		found("free", value.TypeNumber, "numeric"), found("active", value.TypeBoolean, "boolean"),
		found("born", value.TypeDate, "date"), found("seen", value.TypeTimestamp, "timestamp with time zone"),
		found("noted", value.TypeTimestamp, "timestamp without time zone"), found("attributes", value.TypeObject, "jsonb"),
		found("tags", value.TypeObject, "text[]"), found("state", value.TypeString, "shop.mood"),
		found("age", value.TypeNumber, "shop.positive"), found("home", value.TypeObject, "shop.address"),
		found("moods", value.TypeObject, "shop.moods"), found("token", value.TypeString, "uuid"), found("raw", value.TypeString, "bytea"),
	}},
	{Ref: query.TableRef{Schema: "shop", Name: "parted"}, Kind: "table", Columns: value.Schema{found("id", value.TypeNumber, ""), found("at", value.TypeDate, "")}},
	{Ref: query.TableRef{Schema: "shop", Name: "totals"}, Kind: "view", Columns: value.Schema{found("n", value.TypeNumber, "bigint")}},
}

func object(text string) value.Value { return value.OfJSON(text) }

// values are PostgreSQL's own types.
var values = []sourcetest.Value{
	{Name: "bytes", SQL: `'\x00ff10'::bytea`, Type: value.TypeString, Want: value.OfBytes([]byte{0, 255, 16})},
	{Name: "no bytes", SQL: `''::bytea`, Type: value.TypeString, Want: value.OfBytes([]byte{})},
	{Name: "oid", SQL: "4294967295::oid", Type: value.TypeNumber, Want: value.OfInt(4294967295)},
	{Name: "any numeric", SQL: "'1234567890123456789012345678901234567890.0100'::numeric", Type: value.TypeNumber, Want: value.OfDecimal("1234567890123456789012345678901234567890.0100")},
	{Name: "numeric NaN", SQL: "'NaN'::numeric", Type: value.TypeNumber},
	{Name: "numeric infinity", SQL: "'-Infinity'::numeric", Type: value.TypeNumber},
	{Name: "numeric(5,2) NaN", SQL: "'NaN'::numeric(5, 2)", Type: value.TypeNumber},
	{Name: "numeric(40,2)", SQL: "'12345678901234567890123456789012345678.10'::numeric(40, 2)", Type: value.TypeNumber, Want: value.OfDecimal("12345678901234567890123456789012345678.10")},
	{Name: "numeric of a negative scale", SQL: "'1234567'::numeric(5, -3)", Type: value.TypeNumber, Want: value.OfDecimal("1235000")},
	{Name: "numeric of a large scale", SQL: "'0.00123'::numeric(3, 5)", Type: value.TypeNumber, Want: value.OfDecimal("0.00123")},
	{Name: "numeric of a domain", SQL: "'7'::shop.positive", Type: value.TypeNumber, Want: value.OfInt(7)},
	{Name: "money", SQL: "'-1234.56'::numeric::money", Type: value.TypeNumber, Want: value.OfDecimal("-1234.56")},
	{Name: "real NaN", SQL: "'NaN'::real", Type: value.TypeNumber},

	{Name: "infinite date", SQL: "'infinity'::date", Type: value.TypeDate},
	{Name: "date BC", SQL: "'0044-03-15 BC'::date", Type: value.TypeDate, Want: value.OfDay(-735_160)},
	{Name: "far date", SQL: "'5874897-12-31'::date", Type: value.TypeDate, Want: value.OfDay(2_145_042_905)},
	{Name: "infinite timestamp", SQL: "'-infinity'::timestamp", Type: value.TypeTimestamp},
	{Name: "infinite timestamptz", SQL: "'infinity'::timestamptz", Type: value.TypeTimestamp},
	{Name: "timestamp BC", SQL: "'0044-03-15 12:00:00 BC'::timestamptz", Type: value.TypeTimestamp, Want: value.OfMicros(-735_160*86_400_000_000 + 43_200_000_000)},
	{Name: "timestamp after 294246", SQL: "'294276-12-31 23:59:59.999999'::timestamp", Type: value.TypeTimestamp},
	{Name: "end of day", SQL: "'24:00:00'::time", Type: value.TypeString, Want: value.OfText("24:00:00")},
	{Name: "time with a zone", SQL: "'04:05:06.789+02'::timetz", Type: value.TypeString, Want: value.OfText("04:05:06.789+02")},
	{Name: "interval", SQL: "'1 year 2 months 3 days -04:05:06.7'::interval", Type: value.TypeString, Want: value.OfText("1 year 2 mons 3 days -04:05:06.7")},

	{Name: "char", SQL: "'ab'::char(4)", Type: value.TypeString, Want: value.OfText("ab  ")},
	{Name: `"char"`, SQL: `'x'::"char"`, Type: value.TypeString, Want: value.OfText("x")},
	{Name: "name", SQL: "'pg_class'::name", Type: value.TypeString, Want: value.OfText("pg_class")},
	{Name: "untyped", SQL: "'text'", Type: value.TypeString, Want: value.OfText("text")},
	{Name: "inet", SQL: "'10.1.0.0/16'::inet", Type: value.TypeString, Want: value.OfText("10.1.0.0/16")},
	{Name: "cidr", SQL: "'2001:db8::/32'::cidr", Type: value.TypeString, Want: value.OfText("2001:db8::/32")},
	{Name: "macaddr", SQL: "'08:00:2b:01:02:03'::macaddr", Type: value.TypeString, Want: value.OfText("08:00:2b:01:02:03")},
	{Name: "bit", SQL: "B'10100'::bit(5)", Type: value.TypeString, Want: value.OfText("10100")},
	{Name: "varbit", SQL: "B'101'::varbit", Type: value.TypeString, Want: value.OfText("101")},
	{Name: "enum", SQL: "'happy'::shop.mood", Type: value.TypeString, Want: value.OfText("happy")},
	{Name: "point", SQL: "'(1.5,-2)'::point", Type: value.TypeString, Want: value.OfText("(1.5,-2)")},
	{Name: "range", SQL: "'[1,5)'::int4range", Type: value.TypeString, Want: value.OfText("[1,5)")},
	{Name: "multirange", SQL: "'{[1,3), [5,8)}'::int4multirange", Type: value.TypeString, Want: value.OfText("{[1,3),[5,8)}")},
	{Name: "range of instants", SQL: "'[2024-01-01 00:00:00+02,2024-01-02 00:00:00+02)'::tstzrange", Type: value.TypeString, Want: value.OfText(`["2023-12-31 22:00:00+00","2024-01-01 22:00:00+00")`)},
	{Name: "search vector", SQL: "'a:1 b:2'::tsvector", Type: value.TypeString, Want: value.OfText("'a':1 'b':2")},
	{Name: "xml", SQL: "'<a>&amp;</a>'::xml", Type: value.TypeString, Want: value.OfText("<a>&amp;</a>")},
	{Name: "record", SQL: "ROW(1, 'a')", Type: value.TypeString, Want: value.OfText("(1,a)")},

	{Name: "jsonb", SQL: `'{"b":1.10,"a":[true,null,"\u00fc"]}'::jsonb`, Type: value.TypeObject, Want: object(`{"a":[true,null,"ü"],"b":1.10}`)},
	{Name: "json text", SQL: `'"a"'::json`, Type: value.TypeObject, Want: value.OfText("a")},
	{Name: "empty array", SQL: "'{}'::int[]", Type: value.TypeObject, Want: object("[]")},
	{Name: "array of other bounds", SQL: "'[0:1]={1,2}'::int[]", Type: value.TypeObject, Want: object("[1,2]")},
	{Name: "cube of nulls", SQL: "ARRAY[[[1, NULL]], [[NULL, 4]]]", Type: value.TypeObject, Want: object("[[[1,null]],[[null,4]]]")},
	{Name: "array of numerics", SQL: "ARRAY[0.10, 'NaN', 12345678901234567890.5]::numeric[]", Type: value.TypeObject, Want: object("[0.10,null,12345678901234567890.5]")},
	{Name: "array of floats", SQL: "ARRAY[0.1, 'Infinity', 1e300, '-Infinity']::float8[]", Type: value.TypeObject, Want: object("[0.1,null,1e+300,null]")},
	{Name: "array of dates", SQL: "ARRAY['2024-02-29', 'infinity', '0044-03-15 BC', '20240-01-01']::date[]", Type: value.TypeObject, Want: object(`["2024-02-29",null,"-0043-03-15","20240-01-01"]`)},
	{Name: "array of timestamps", SQL: "ARRAY['2024-02-29 12:34:56.789012', '0001-01-01 00:00:00']::timestamp[]", Type: value.TypeObject, Want: object(`["2024-02-29T12:34:56.789012Z","0001-01-01T00:00:00.000Z"]`)},
	{Name: "array of instants", SQL: "ARRAY['2023-02-28 23:30:00-02', '-infinity']::timestamptz[]", Type: value.TypeObject, Want: object(`["2023-03-01T01:30:00.000Z",null]`)},
	{Name: "array of bytes", SQL: `ARRAY['\x00ff', '']::bytea[]`, Type: value.TypeObject, Want: object(`["AP8=",""]`)},
	{Name: "array of objects", SQL: `ARRAY['{"a":"b,\"c"}', '[1]']::jsonb[]`, Type: value.TypeObject, Want: object(`[{"a":"b,\"c"},[1]]`)},
	{Name: "array of boxes", SQL: "ARRAY['(2,2),(1,1)', '(4,4),(3,3)']::box[]", Type: value.TypeObject, Want: object(`["(2,2),(1,1)","(4,4),(3,3)"]`)},
	{Name: "array of enums", SQL: `ARRAY['a "b", c', 'happy']::shop.mood[]`, Type: value.TypeObject, Want: object(`["a \"b\", c","happy"]`)},
	{Name: "domain of an array", SQL: "ARRAY['happy']::shop.moods", Type: value.TypeObject, Want: object(`["happy"]`)},
	{Name: "array of uuids", SQL: "ARRAY['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11']::uuid[]", Type: value.TypeObject, Want: object(`["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]`)},
	{Name: "composite", SQL: `ROW(E'Main "St", (1)\\\n', 4, ARRAY['a', NULL, '"'])::shop.address`, Type: value.TypeObject, Want: object(`{"street":"Main \"St\", (1)\\\n","No.":4,"tags":["a",null,"\""]}`)},
	{Name: "composite of nulls", SQL: "ROW('', NULL, NULL)::shop.address", Type: value.TypeObject, Want: object(`{"street":"","No.":null,"tags":null}`)},
	{Name: "array of composites", SQL: `ARRAY[ROW('x', 1, '{}'), NULL]::shop.address[]`, Type: value.TypeObject, Want: object(`[{"street":"x","No.":1,"tags":[]},null]`)},
	{Name: "row of a table", SQL: `(SELECT t FROM (SELECT a.* FROM shop.active a) t LIMIT 0)`, Type: value.TypeString},
	{Name: "hstore", SQL: `'"a"=>"1", "b c"=>NULL, "\"q\""=>"x=>y, \\", ""=>""'::hstore`, Type: value.TypeObject, Want: object(`{"a":"1","b c":null,"\"q\"":"x=>y, \\","":""}`)},
}

// place makes a database and returns the settings of a connection to it.
func place(t testing.TB, statements string) (connector.Settings, *pgx.ConnConfig) {
	t.Helper()
	config, err := pgx.ParseConfig(services.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	execute(t, config, statements)
	return settingsOf(config), config
}

func settingsOf(c *pgx.ConnConfig) connector.Settings {
	return connector.Settings{
		"host": c.Host, "port": int(c.Port), "database": c.Database, "user": c.User, "password": "hunter2-secret",
		"sslMode": "prefer",
	}
}

func with(s connector.Settings, name string, v any) connector.Settings {
	s = s.WithDefaults(nil)
	s[name] = v
	return s
}

func execute(t testing.TB, config *pgx.ConnConfig, statements string) {
	t.Helper()
	c, err := pgx.ConnectConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background()) //nolint:errcheck // a test's connection
	if _, err := c.PgConn().Exec(context.Background(), statements).ReadAll(); err != nil {
		t.Fatalf("%.60s: %v", statements, err)
	}
}

// number asks a question with a number as answer.
func number(t testing.TB, config *pgx.ConnConfig, sql string, args ...any) (n int64) {
	t.Helper()
	c, err := pgx.ConnectConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background()) //nolint:errcheck // a test's connection
	if err := c.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// closedPort returns a port that nobody listens on.
func closedPort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // a listener
	return l.Addr().(*net.TCPAddr).Port
}

// Req: S-03, S-04, S-15, S-65, M-23, M-30
func TestConformance(t *testing.T) {
	t.Parallel()
	settings, config := place(t, setup)
	t.Cleanup(func() {
		if n := number(t, config, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'millrace'"); n > 0 {
			t.Errorf("%d connections are left", n)
		}
	})
	sourcetest.Run(t, sourcetest.Fixture{
		Info: Info(), Settings: settings, Tables: tables, Values: values,
		Hidden: []query.TableRef{{Schema: "millrace_planner", Name: "plan"}, {Schema: "MILLRACE_AUDIT", Name: "log"}},
		Failing: []sourcetest.Failing{
			{Name: "port", Settings: with(settings, "port", closedPort(t)), Code: fault.CodeSourceUnreachable, Says: "connection refused"},
			{Name: "user", Settings: with(settings, "user", "nobody_here"), Code: fault.CodeSourceAuth, Says: `role "nobody_here" does not exist`},
			{Name: "database", Settings: with(settings, "database", "nowhere"), Code: fault.CodeSourceUnreachable, Says: `database "nowhere" does not exist`},
			{Name: "encryption", Settings: with(settings, "sslMode", "require"), Code: fault.CodeSourceUnreachable, Says: "server refused TLS connection"},
		},
		Rows: func(n int64) string {
			return fmt.Sprintf("SELECT g AS id, 'row ' || g AS name FROM generate_series(1, %d) g", n)
		},
		Endless: "SELECT count(*) AS n FROM generate_series(1, 1000000000000) a",
		Says: sourcetest.Says{
			Syntax: `ERROR: syntax error at or near "FROM" (SQLSTATE 42601)`,
			Table:  `ERROR: relation "no_such_table" does not exist (SQLSTATE 42P01)`,
			Column: `ERROR: column "no_such_column" does not exist (SQLSTATE 42703)`,
		},
		Running: func(t *testing.T, tag string) bool {
			return number(t, config, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '/* ' || $1 || ' */%'", tag) > 0
		},
	})
}

// openAt opens a source that ends with the test.
func openAt(t testing.TB, s connector.Settings) connector.Source {
	t.Helper()
	source, err := Info().Open(connector.SourceOptions{Settings: s.WithDefaults(Info().Fields)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = source.Close() }) //nolint:errcheck // the test is over
	return source
}

// failure runs a statement that must fail.
func failure(t *testing.T, s connector.Source, sql string) *fault.Error {
	t.Helper()
	r, err := s.Query(t.Context(), connector.Query{SQL: sql})
	if err == nil {
		defer r.Release()
		for r.Next() {
		}
		err = r.Err()
	}
	if err == nil {
		t.Fatalf("%s: it worked", sql)
	}
	return fault.As(err)
}

// Req: S-65, M-30, M-33
func TestErrors(t *testing.T) {
	t.Parallel()
	settings, config := place(t, `
CREATE TABLE secret (id integer); CREATE TABLE numbers AS SELECT 'x1' AS t;
CREATE TABLE partly (id integer, hidden text);`)
	role := "reader_" + config.Database
	execute(t, config, fmt.Sprintf("CREATE ROLE %[1]s LOGIN; GRANT SELECT ON numbers TO %[1]s; GRANT SELECT (id) ON partly TO %[1]s", role))
	execute(t, config, fmt.Sprintf("CREATE ROLE hurried_%[1]s LOGIN; ALTER ROLE hurried_%[1]s SET statement_timeout = '100ms'", role))
	t.Cleanup(func() { execute(t, config, fmt.Sprintf("DROP OWNED BY %[1]s; DROP ROLE %[1]s, hurried_%[1]s", role)) })
	hurried := openAt(t, with(settings, "user", "hurried_"+role))
	s := openAt(t, with(settings, "user", role))
	for _, c := range []struct {
		sql, says, hint string
		code            fault.Code
		class           fault.Class
	}{
		{"SELECT * FROM secret", "permission denied for table secret", "Grant", fault.CodeSourceDenied, fault.Fatal},
		{"SELECT pg_sleep(60)", "canceling statement due to statement timeout", "statement_timeout", fault.CodeSourceTimeout, fault.Retryable},
		{"DELETE FROM numbers RETURNING t", "cannot execute DELETE in a read-only transaction", "SELECT", fault.CodeSourceQuery, fault.Fatal},
		{"DELETE FROM numbers", "no columns", "SELECT", fault.CodeSourceQuery, fault.Fatal},
		{"SELECT nextval('s')", `relation "s" does not exist`, "", fault.CodeSourceQuery, fault.Fatal},
		{"SELECT t::integer AS n FROM numbers", "invalid input syntax for type integer", "", fault.CodeSourceQuery, fault.Fatal},
		{"SELECT $1::text AS a", "requires 1", "", fault.CodeSourceQuery, fault.Fatal},
		{"SELECT n.tt FROM numbers n", "line 1, column 8: ERROR: column n.tt does not exist", `Perhaps you meant to reference the column "n.t".`, fault.CodeSourceQuery, fault.Fatal},
		{"SELECT t FROM numbers a, numbers b", `column reference "t" is ambiguous`, "table.column", fault.CodeSourceQuery, fault.Fatal},
		{"SELECT t > 1 AS more FROM numbers", "operator does not exist: text > integer", "cast", fault.CodeSourceQuery, fault.Fatal},
		{"SELECT CASE WHEN t = '' THEN 1 ELSE now() END AS x FROM numbers", "CASE types", "CAST", fault.CodeSourceQuery, fault.Fatal},
		{"SELECT max(t) AS m, t FROM numbers", "must appear in the GROUP BY clause", "GROUP BY", fault.CodeSourceQuery, fault.Fatal},
		{"SELECT t::integer AS n FROM numbers WHERE t = 'x1'", "invalid input syntax for type integer", "WHERE", fault.CodeSourceQuery, fault.Fatal},
		{"SELECT 'é😀', x\n FROM numbers", "line 1, column 14: ERROR", "", fault.CodeSourceQuery, fault.Fatal},
		{"", "no columns", "SELECT", fault.CodeSourceQuery, fault.Fatal},
	} {
		t.Run(c.sql, func(t *testing.T) {
			t.Parallel()
			from := s
			if c.code == fault.CodeSourceTimeout {
				from = hurried
			}
			err := failure(t, from, c.sql)
			if err.Code != c.code || err.Class != c.class || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Hint(), c.hint) {
				t.Errorf("%s (%s): %v\n%s", err.Code, err.Class, err, err.Hint())
			}
		})
	}
	tables, err := s.Introspect(t.Context())
	if err != nil || len(tables) != 2 || tables[0].Ref.Name != "numbers" || tables[1].Ref.Name != "partly" {
		t.Errorf("found %v: %v", tables, err)
	}
}

// A model cannot change anything, by whatever it says.
//
// Req: S-05
func TestReadOnly(t *testing.T) {
	t.Parallel()
	settings, config := place(t, `
CREATE TABLE kept AS SELECT 1 AS id; CREATE SEQUENCE seq;
CREATE FUNCTION wipe() RETURNS integer LANGUAGE sql AS 'DELETE FROM kept RETURNING id';`)
	s := openAt(t, settings)
	for _, sql := range []string{
		"DROP TABLE kept", "WITH gone AS (DELETE FROM kept RETURNING id) SELECT id FROM gone", "SELECT wipe() AS n", "SELECT nextval('seq') AS n",
		"SET TRANSACTION READ WRITE", "COMMIT", "SELECT set_config('transaction_read_only', 'off', false), wipe()",
		"SELECT 1; COMMIT; DELETE FROM kept", "SELECT 1) AS x; COMMIT; DELETE FROM kept; SELECT * FROM (SELECT 1",
	} {
		for _, limit := range []int64{0, 1} {
			r, err := s.Query(t.Context(), connector.Query{SQL: sql, Limit: limit})
			if err == nil {
				for r.Next() {
				}
				err = r.Err()
				r.Release()
			}
			if err == nil {
				t.Errorf("%s: it worked", sql)
			}
		}
	}
	if n := number(t, config, "SELECT count(*) FROM kept"); n != 1 {
		t.Errorf("%d rows are left", n)
	}
}

// One statement sees one state of the data, in functions that it calls too.
//
// Req: S-15
func TestOneSnapshot(t *testing.T) {
	t.Parallel()
	settings, config := place(t, `
CREATE TABLE rows AS SELECT g AS id FROM generate_series(1, 200000) g;
CREATE FUNCTION total() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT count(*) FROM rows';`)
	r, err := openAt(t, settings).Query(t.Context(), connector.Query{SQL: "SELECT id, CASE WHEN id % 10000 = 0 THEN total() END AS total FROM rows"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if !r.Next() {
		t.Fatal(r.Err())
	}
	execute(t, config, "DELETE FROM rows WHERE id > 10")
	got := sourcetest.Read(t, r)
	for _, row := range got.Rows {
		if total := row[1]; !total.IsNull() && total.Int() != 200_000 {
			t.Fatalf("row %s sees %s rows", row[0], total)
		}
	}
	if n := len(got.Rows); n < 190_000 {
		t.Errorf("%d rows came after the first batch", n)
	}
}

// A database of another encoding reads as UTF-8, and a role's settings do not change how values are written.
//
// Req: M-23
func TestEncodingAndSettings(t *testing.T) {
	t.Parallel()
	settings, config := place(t, "")
	name := config.Database + "_latin"
	execute(t, config, "CREATE DATABASE "+name+" ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
	t.Cleanup(func() { execute(t, config, "DROP DATABASE "+name+" WITH (FORCE)") })
	execute(t, config, fmt.Sprintf(`
ALTER DATABASE %[1]s SET DateStyle = 'SQL, DMY'; ALTER DATABASE %[1]s SET IntervalStyle = 'iso_8601'; ALTER DATABASE %[1]s SET TimeZone = 'Asia/Kolkata';
ALTER DATABASE %[1]s SET bytea_output = 'escape'; ALTER DATABASE %[1]s SET extra_float_digits = -10`, name))
	r, err := openAt(t, with(settings, "database", name)).Query(t.Context(), connector.Query{SQL: `
SELECT chr(233) AS e, '1 day'::interval AS i, ARRAY['2024-02-03 04:05:06+00'::timestamptz] AS at, ARRAY['\x01'::bytea] AS b, ARRAY[0.1::float8 + 0.2] AS f,
       '2024-02-03 04:05:06'::timestamptz AS here`})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	row := sourcetest.Read(t, r).Rows[0]
	for i, want := range []string{"é", "1 day", `["2024-02-03T04:05:06.000Z"]`, `["AQ=="]`, "[0.30000000000000004]", "2024-02-03T04:05:06.000Z"} {
		if row[i].String() != want {
			t.Errorf("column %d is %q, want %q", i, row[i], want)
		}
	}
}

// The server's own environment says nothing about a source.
func TestEnvironment(t *testing.T) {
	for name, v := range map[string]string{
		"PGHOST": "elsewhere", "PGPORT": "1", "PGUSER": "other", "PGPASSWORD": "leaked", "PGDATABASE": "other", "PGSSLMODE": "verify-full",
		"PGAPPNAME": "other", "PGOPTIONS": "-c x=y", "PGTARGETSESSIONATTRS": "read-write", "PGCHANNELBINDING": "require", "PGREQUIREAUTH": "md5",
	} {
		t.Setenv(name, v)
	}
	c, err := settings{Host: "db", Port: 5432, Database: "d", User: "u"}.config(connector.Network{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Host != "db" || c.Password != "" || c.User != "u" || c.Database != "d" || c.ValidateConnect != nil || c.RequireAuth != "" || c.ChannelBinding == "require" {
		t.Errorf("the environment changed the configuration: %+v", c.Config)
	}
	if len(c.RuntimeParams) != 2 || len(c.Fallbacks) != 1 || c.Fallbacks[0].TLSConfig != nil || c.TLSConfig == nil {
		t.Errorf("the environment changed the configuration: %v %v", c.RuntimeParams, c.Fallbacks)
	}
}

// Rows that fail midway end with the server's words, after the rows before them.
func TestFailsMidway(t *testing.T) {
	t.Parallel()
	settings, _ := place(t, "")
	r, err := openAt(t, settings).Query(t.Context(), connector.Query{SQL: "SELECT 1000 / (20000 - g) AS n FROM generate_series(1, 30000) g"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var rows int64
	for r.Next() {
		rows += r.RecordBatch().NumRows()
	}
	if !fault.Is(r.Err(), fault.CodeSourceQuery) || !strings.Contains(r.Err().Error(), "division by zero") || rows == 0 || rows >= 20_000 {
		t.Errorf("after %d rows: %v", rows, r.Err())
	}
}

// The connection may be cut while rows come.
func TestConnectionCut(t *testing.T) {
	t.Parallel()
	settings, config := place(t, "")
	r, err := openAt(t, settings).Query(t.Context(), connector.Query{SQL: "SELECT g AS n, repeat('x', 1000) AS x FROM generate_series(1, 3000000) g", Tag: "cut"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if !r.Next() {
		t.Fatal(r.Err())
	}
	if n := number(t, config, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '/* cut */%'"); n != 1 {
		t.Fatalf("%d connections were cut", n)
	}
	for r.Next() {
	}
	if !fault.Is(r.Err(), fault.CodeSourceUnreachable) || fault.ClassOf(r.Err()) != fault.Retryable {
		t.Errorf("%v (%s)", r.Err(), fault.As(r.Err()).Code)
	}
}

// Sync logs of several syncs meet at the schema that none has made yet.
//
// Req: WH-11
func TestASchemaIsMadeOnce(t *testing.T) {
	t.Parallel()
	settings, config := place(t, "SELECT 1")
	var loads sync.WaitGroup
	for i := range 8 {
		loads.Go(func() {
			b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil))
			defer b.Release()
			r, err := array.NewRecordReader(b.Schema(), []arrow.RecordBatch{b.NewRecordBatch()})
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Release()
			s := openAt(t, settings).(connector.Loader)
			if err := s.Load(t.Context(), query.TableRef{Schema: "fresh", Name: fmt.Sprint("t", i)}, r); err != nil {
				t.Error(err)
			}
		})
	}
	loads.Wait()
	if n := number(t, config, "SELECT count(*) FROM pg_tables WHERE schemaname = 'fresh'"); n != 8 {
		t.Errorf("%d tables", n)
	}
}
