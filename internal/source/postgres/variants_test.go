package postgres

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/postgres/postgrestest"
	"github.com/millrace/millrace/internal/value"
)

// faced is a database of the test's own that looks like another one.
func faced(t *testing.T, setup string, f postgrestest.Face) (connector.Settings, *pgx.ConnConfig) {
	t.Helper()
	settings, config := place(t, setup)
	host, port := postgrestest.Start(t, net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))), f)
	return with(with(settings, "host", host), "port", port), config
}

func rowsOf(n int64) string {
	return fmt.Sprintf("SELECT g AS id, 'row ' || g AS name FROM generate_series(1, %d) g", n)
}

const endless = "SELECT count(*) AS n FROM generate_series(1, 1000000000000) a"

var says = sourcetest.Says{
	Syntax: `ERROR: syntax error at or near "FROM" (SQLSTATE 42601)`,
	Table:  `ERROR: relation "no_such_table" does not exist (SQLSTATE 42P01)`,
	Column: `ERROR: column "no_such_column" does not exist (SQLSTATE 42703)`,
}

// failing are settings that no variant connects with.
func failing(t *testing.T, s connector.Settings) []sourcetest.Failing {
	return []sourcetest.Failing{
		{Name: "port", Settings: with(s, "port", closedPort(t)), Code: fault.CodeSourceUnreachable, Says: "connection refused"},
		{Name: "user", Settings: with(s, "user", "nobody_here"), Code: fault.CodeSourceAuth, Says: `role "nobody_here" does not exist`},
		{Name: "encryption", Settings: with(s, "sslMode", "require"), Code: fault.CodeSourceUnreachable, Says: "server refused TLS connection"},
	}
}

// Lakebase is PostgreSQL, so that PostgreSQL stands for it; so it does for Greenplum, which distributes its tables.
//
// Req: S-16, S-17
func TestLakebaseAndGreenplum(t *testing.T) {
	t.Parallel()
	distributed := func(sql string) (string, error) { return strings.ReplaceAll(sql, " DISTRIBUTED RANDOMLY", ""), nil }
	for _, v := range []variant{lakebase(), greenplum()} {
		t.Run(v.info.Slug, func(t *testing.T) {
			t.Parallel()
			settings, _ := faced(t, setup, postgrestest.Face{Statement: distributed})
			sourcetest.Run(t, sourcetest.Fixture{
				Info: v.describe(), Settings: settings, Tables: tables, Values: values, Failing: failing(t, settings),
				Hidden: []query.TableRef{{Schema: "millrace_planner", Name: "plan"}}, Rows: rowsOf, Endless: endless, Says: says,
			})
		})
	}
}

// redshiftSetup makes a PostgreSQL server know what Redshift knows.
const redshiftSetup = `
CREATE SCHEMA shop; CREATE SCHEMA millrace_planner; CREATE TABLE millrace_planner.plan (id integer);
CREATE TABLE shop.customers (id bigint NOT NULL, email varchar(200), amount numeric(12, 2), seen timestamptz, attributes jsonb, raw bytea, born date);
COMMENT ON COLUMN shop.customers.email IS 'where letters go';
CREATE VIEW shop.emails AS SELECT id, email FROM shop.customers;
CREATE FUNCTION json_parse(text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS 'SELECT $1::jsonb';
CREATE FUNCTION from_hex(text) RETURNS bytea LANGUAGE sql IMMUTABLE AS 'SELECT decode($1, ''hex'')';
CREATE VIEW svv_all_tables AS SELECT table_catalog AS database_name, table_schema AS schema_name, table_name, CASE table_type WHEN 'VIEW' THEN 'VIEW' ELSE 'TABLE' END AS table_type
  FROM information_schema.tables WHERE table_schema <> 'public';
CREATE VIEW svv_all_columns AS SELECT table_catalog AS database_name, table_schema AS schema_name, table_name, column_name, ordinal_position, is_nullable,
  CASE data_type WHEN 'jsonb' THEN 'super' WHEN 'bytea' THEN 'binary varying' ELSE data_type END AS data_type, numeric_precision, numeric_scale,
  col_description((quote_ident(table_schema) || '.' || quote_ident(table_name))::regclass, ordinal_position) AS remarks
  FROM information_schema.columns WHERE table_schema <> 'public';`

var redshiftWords = strings.NewReplacer("BEGIN READ", "SET standard_conforming_strings = off; SET escape_string_warning = off; BEGIN READ", "SET query_group", "SET millrace.query_group", "SUPER", "jsonb", "VARBYTE(1024000)", "bytea")

// what Redshift has not, of what PostgreSQL variants are asked.
var notInRedshift = regexp.MustCompile(`(?i)FROM STDIN|advisory|\bDO \$\$|SET LOCAL|unnest|starts_with`)

func redshiftFace(log func(string)) postgrestest.Face {
	return postgrestest.Face{
		TextOnly: true, Types: map[uint32]uint32{pgtype.JSONBOID: superOID, pgtype.ByteaOID: varbyteOID},
		Statement: func(sql string) (string, error) {
			if word := notInRedshift.FindString(sql); word != "" {
				return "", fmt.Errorf("Redshift has no %s", word)
			}
			log(sql)
			return redshiftWords.Replace(sql), nil
		},
	}
}

// Redshift takes no binary values, no COPY from a client, and has types and a catalog of its own.
//
// Req: S-19, S-62
func TestRedshift(t *testing.T) {
	t.Parallel()
	settings, _ := faced(t, redshiftSetup, redshiftFace(func(string) {}))
	sourcetest.Run(t, sourcetest.Fixture{
		Info: redshift().describe(), Settings: settings, Failing: failing(t, settings), Rows: rowsOf, Endless: endless, Says: says, NoDigits: true,
		Hidden: []query.TableRef{{Schema: "millrace_planner", Name: "plan"}},
		Tables: []connector.Table{
			{Ref: query.TableRef{Schema: "shop", Name: "customers"}, Kind: "table", Columns: value.Schema{
				found("id", value.TypeNumber, "bigint"), {Name: "email", Type: value.TypeString, Native: "character varying", Description: "where letters go"},
				found("amount", value.TypeNumber, "numeric(12,2)"), found("seen", value.TypeTimestamp, "timestamp with time zone"),
				found("attributes", value.TypeObject, "super"), found("raw", value.TypeString, "binary varying"), found("born", value.TypeDate, "date"),
			}},
			{Ref: query.TableRef{Schema: "shop", Name: "emails"}, Kind: "view", Columns: value.Schema{found("id", value.TypeNumber, ""), found("email", value.TypeString, "")}},
		},
		SQL: map[string]string{
			"object": `CAST('{"z":[1,{"b":"O''Brien \\"x\\""}],"a":null,"n":12345678901234567890.10}' AS jsonb)`,
			"text":   `CAST('O''Brien "x" \\ y' AS VARCHAR(100))`, "empty object": "CAST('{}' AS jsonb)", "list": "", "list of texts": "", "list of lists": "", "list of booleans": "",
		},
		Values: []sourcetest.Value{
			{Name: "varbyte", SQL: "from_hex('00ff10')", Type: value.TypeString, Want: value.OfBytes([]byte{0, 255, 16})},
			{Name: "numeric NaN", SQL: "'NaN'::numeric(5, 2)", Type: value.TypeNumber},
			{Name: "infinite date", SQL: "'infinity'::date", Type: value.TypeDate},
			{Name: "infinite instant", SQL: "'-infinity'::timestamptz", Type: value.TypeTimestamp},
			{Name: "date before Christ", SQL: "'0044-03-15 BC'::date", Type: value.TypeDate, Want: value.OfDay(-735_160)},
			{Name: "distant instant", SQL: "'20000-01-01 00:00:00'::timestamp", Type: value.TypeTimestamp, Want: value.OfMicros(568_971_820_800 * 1_000_000)},
		},
	})
}

// The class of a query chooses its query group; an empty name leaves it to the default queue.
//
// Req: S-07, S-62, S-90
func TestQueryGroups(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []string
	settings, _ := faced(t, redshiftSetup, redshiftFace(func(sql string) {
		mu.Lock()
		defer mu.Unlock()
		for _, group := range regexp.MustCompile(`SET query_group TO '([^']*)'`).FindAllStringSubmatch(sql, -1) {
			seen = append(seen, group[1])
		}
	}))
	info := redshift().describe()
	run := func(s connector.Settings, class connector.Workload) {
		source, err := info.Open(connector.SourceOptions{Settings: s.WithDefaults(info.Fields)})
		if err != nil {
			t.Fatal(err)
		}
		defer source.Close() //nolint:errcheck // read to its end
		r, err := source.Query(t.Context(), connector.Query{SQL: "SELECT 1 AS id", Class: class})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Release()
		if got := sourcetest.Read(t, r); len(got.Rows) != 1 {
			t.Errorf("%d rows", len(got.Rows))
		}
	}
	run(settings, connector.WorkloadBatch)
	run(settings, connector.WorkloadInteractive)
	run(with(settings, fieldBatchGroup, "etl's"), connector.WorkloadBatch)
	run(with(settings, fieldBatchGroup, ""), connector.WorkloadBatch)
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"millrace_batch", "millrace_interactive", "etl"}; !slices.Equal(seen, want) {
		t.Errorf("query groups %q, want %q", seen, want)
	}
}

// materializeSetup makes a PostgreSQL server know Materialize's catalog.
const materializeSetup = `
CREATE SCHEMA shop; CREATE SCHEMA mz_catalog;
CREATE TABLE shop.orders (id bigint NOT NULL, amount numeric(12, 2), tags text[], at timestamptz);
CREATE VIEW shop.large AS SELECT id FROM shop.orders;
CREATE SCHEMA millrace_planner; CREATE TABLE millrace_planner.plan (id integer);
CREATE TYPE uint8 AS ENUM ('18446744073709551615');
CREATE VIEW mz_catalog.mz_databases AS SELECT oid::text AS id, datname::text AS name FROM pg_database;
CREATE VIEW mz_catalog.mz_schemas AS SELECT n.oid::text AS id, n.nspname::text AS name, d.oid::text AS database_id FROM pg_namespace n, pg_database d
  WHERE d.datname = current_database() AND n.nspname NOT IN ('mz_catalog', 'pg_catalog', 'information_schema', 'pg_toast', 'public');
CREATE VIEW mz_catalog.mz_relations AS SELECT oid::text AS id, relname::text AS name, relnamespace::text AS schema_id, CASE relkind WHEN 'v' THEN 'view' ELSE 'table' END AS type
  FROM pg_class WHERE relkind IN ('r', 'v');
CREATE VIEW mz_catalog.mz_columns AS SELECT attrelid::text AS id, attname::text AS name, attnum AS position, NOT attnotnull AS nullable, format_type(atttypid, NULL) AS type, atttypid AS type_oid, atttypmod AS type_mod
  FROM pg_attribute WHERE attnum > 0;
CREATE VIEW mz_catalog.mz_types AS SELECT oid::text AS id, oid, typname::text AS name FROM pg_type;
CREATE VIEW mz_catalog.mz_array_types AS SELECT oid::text AS id, typelem::text AS element_id FROM pg_type WHERE typcategory = 'A';
CREATE VIEW mz_catalog.mz_list_types AS SELECT ''::text AS id, ''::text AS element_id WHERE false;`

// Materialize is asked one statement at a time, on the cluster of the settings, and only reads.
//
// Req: S-18
func TestMaterialize(t *testing.T) {
	t.Parallel()
	refused := regexp.MustCompile(`(?i)\bBEGIN\b|COMMIT|pg_type|pg_class|SET LOCAL`)
	settings, _ := faced(t, materializeSetup, postgrestest.Face{Statement: func(sql string) (string, error) {
		if word := refused.FindString(sql); word != "" {
			return "", errors.New("Materialize is not asked for " + word)
		}
		return strings.ReplaceAll(sql, "SET cluster", "SET millrace.cluster"), nil
	}})
	sourcetest.Run(t, sourcetest.Fixture{
		Info: materialize().describe(), Settings: with(settings, "cluster", "quick'start"), Failing: failing(t, settings), Rows: rowsOf, Endless: endless, Says: says,
		Hidden: []query.TableRef{{Schema: "millrace_planner", Name: "plan"}},
		Tables: []connector.Table{
			{Ref: query.TableRef{Schema: "shop", Name: "large"}, Kind: "view", Columns: value.Schema{found("id", value.TypeNumber, "bigint")}},
			{Ref: query.TableRef{Schema: "shop", Name: "orders"}, Kind: "table", Columns: value.Schema{
				found("id", value.TypeNumber, "bigint"), found("amount", value.TypeNumber, "numeric"), found("tags", value.TypeObject, "text[]"), found("at", value.TypeTimestamp, ""),
			}},
		},
		Values: []sourcetest.Value{{Name: "uint8", SQL: "'18446744073709551615'::uint8", Type: value.TypeNumber, Want: value.OfDecimal("18446744073709551615")}},
	})
}

func TestTextOfDecimals(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{"1.5": "150", "-0.05": "-5", "12": "1200", "-99999999999999999999999999.99": "-9999999999999999999999999999"} {
		n, finite, err := decimalIn([]byte(src), 2)
		if err != nil || !finite || n.BigInt().String() != want {
			t.Errorf("%s: %s, %v, %v", src, n.BigInt(), finite, err)
		}
	}
	for _, src := range []string{"1.555", "1e5", strings.Repeat("9", 40)} {
		if n, finite, err := decimalIn([]byte(src), 2); err == nil {
			t.Errorf("%s: %s, %v", src, n.BigInt(), finite)
		}
	}
}

// What Redshift says of its own queries is explained.
//
// Req: S-64
func TestRedshiftErrors(t *testing.T) {
	t.Parallel()
	for message, c := range map[string]struct {
		state, advice string
		code          fault.Code
	}{
		`could not identify an ordering operator for type "unknown"`: {"42883", "UNION ALL", fault.CodeSourceQuery},
		`permission denied for relation orders`:                      {stateDenied, "DEFAULT PRIVILEGES", fault.CodeSourceDenied},
	} {
		f := fault.As(explain(t.Context(), &pgconn.PgError{Severity: "ERROR", Code: c.state, Message: message}, statement{}))
		if f.Code != c.code || !strings.Contains(f.Hint(), c.advice) || !strings.Contains(f.Error(), message) {
			t.Errorf("%s: %s %v; %s", message, f.Code, f, f.Hint())
		}
	}
}
