package databricks_test

import (
	"fmt"
	"log/slog"
	"maps"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/databricks"
	"github.com/millrace/millrace/internal/source/databricks/databrickstest"
	"github.com/millrace/millrace/internal/value"
)

// setup is in DuckDB's words: it is what the workspace has before anybody connects.
var setup = []string{
	"CREATE SCHEMA shop", "CREATE SCHEMA suite", "CREATE SCHEMA millrace_planner", "CREATE SCHEMA millrace_audit",
	`CREATE TABLE shop.customers (id BIGINT NOT NULL, email VARCHAR, "Ünï code" VARCHAR, amount DECIMAL(12,2), active BOOLEAN, born DATE,
	   seen TIMESTAMP WITH TIME ZONE, noted TIMESTAMP, tags VARCHAR[], raw BLOB, small TINYINT, ratio FLOAT)`,
	"COMMENT ON COLUMN shop.customers.email IS 'where letters go'",
	"INSERT INTO shop.customers (id, email) SELECT range, range || '@example.com' FROM range(1, 251)",
	"CREATE VIEW shop.active AS SELECT id, email FROM shop.customers WHERE active",
	"CREATE SCHEMA other", "CREATE TABLE other.things (id BIGINT)",
	"CREATE TABLE millrace_planner.plan (id INTEGER)", "CREATE TABLE millrace_audit.log (id INTEGER)",
	"ATTACH ':memory:' AS elsewhere", "CREATE SCHEMA elsewhere.sales", "CREATE TABLE elsewhere.sales.orders AS SELECT 7 AS id",
}

func start(t *testing.T, o databrickstest.Options) *databrickstest.Server {
	t.Helper()
	o.Setup = append(append([]string(nil), setup...), o.Setup...)
	return databrickstest.New(t, o)
}

func found(name string, typ value.Type, native string) value.Column {
	return value.Column{Name: name, Type: typ, Native: native}
}

var tables = []connector.Table{
	{Ref: query.TableRef{Schema: "shop", Name: "active"}, Kind: "view", Columns: value.Schema{found("id", value.TypeNumber, "bigint"), found("email", value.TypeString, "string")}},
	{Ref: query.TableRef{Schema: "shop", Name: "customers"}, Kind: "table", Columns: value.Schema{
		found("id", value.TypeNumber, "bigint"), {Name: "email", Type: value.TypeString, Native: "string", Description: "where letters go"},
		found("Ünï code", value.TypeString, "string"), found("amount", value.TypeNumber, "decimal(12,2)"), found("active", value.TypeBoolean, "boolean"),
		found("born", value.TypeDate, "date"), found("seen", value.TypeTimestamp, "timestamp"), found("noted", value.TypeTimestamp, "timestamp_ntz"),
		found("tags", value.TypeObject, ""), found("raw", value.TypeString, "binary"), found("small", value.TypeNumber, "tinyint"), found("ratio", value.TypeNumber, "float"),
	}},
}

// replaced are the suite's expressions in the words of Databricks: https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-datatypes
var replaced = map[string]string{
	"double": "CAST('0.1' AS DOUBLE)", "large double": "CAST('1e300' AS DOUBLE)", "smallest double": "CAST('5e-324' AS DOUBLE)",
	"not a number": "CAST('NaN' AS DOUBLE)", "infinity": "CAST('Infinity' AS DOUBLE)",
	"text": `CAST('O\'Brien "x" \\ y' AS VARCHAR(100))`, "uuid": "", "time of day": "",
	"timestamp with a zone": "CAST('2024-02-29 12:34:56.789012+02:00' AS TIMESTAMP)",
	"object":                `parse_json('{"z":[1,{"b":"O\'Brien \\"x\\""}],"a":null,"n":12345678901234567890.10}')`, "empty object": "parse_json('{}')",
	"list": "array(1, NULL, 3)", "list of texts": `array('a', NULL, 'b"c,d\\', '', '{x}', 'NULL')`,
	"list of lists": "array(array(1, 2), array(3, NULL))", "list of booleans": "array(true, false)",
}

var values = []sourcetest.Value{
	{Name: "tinyint", SQL: "CAST(-128 AS TINYINT)", Type: value.TypeNumber, Want: value.OfInt(-128)},
	{Name: "float NaN", SQL: "CAST('NaN' AS FLOAT)", Type: value.TypeNumber},
	{Name: "minus infinity", SQL: "CAST('-Infinity' AS DOUBLE)", Type: value.TypeNumber},
	{Name: "decimal(38,38)", SQL: "CAST('-0.99999999999999999999999999999999999999' AS DECIMAL(38, 38))", Type: value.TypeNumber, Want: value.OfDecimal("-0.99999999999999999999999999999999999999")},
	{Name: "string", SQL: "CAST('x' AS STRING)", Type: value.TypeString, Want: value.OfText("x")},
	{Name: "binary", SQL: "X'00ff10'", Type: value.TypeString, Want: value.OfBytes([]byte{0, 255, 16})},
	{Name: "no bytes", SQL: "X''", Type: value.TypeString, Want: value.OfBytes([]byte{})},
	{Name: "timestamp without a zone", SQL: "CAST('2024-02-29 12:34:56.789012' AS TIMESTAMP_NTZ)", Type: value.TypeTimestamp, Want: value.OfMicros(1_709_210_096_789_012)},
	{Name: "interval of days", SQL: "INTERVAL '3 days 04:05:06.789'", Type: value.TypeString, Want: value.OfText("3 04:05:06.789000000")},
	{Name: "interval of months", SQL: "INTERVAL '1-2' YEAR TO MONTH", Type: value.TypeString, Want: value.OfText("1-2")},
	{Name: "map", SQL: "map('b', 1, 'a', NULL)", Type: value.TypeObject, Want: value.OfJSON(`{"b":1,"a":null}`)},
	{Name: "structure", SQL: "named_struct('Street', 'Main \"St\"', 'no', 4, 'tags', array('a', NULL))", Type: value.TypeObject, Want: value.OfJSON(`{"Street":"Main \"St\"","no":4,"tags":["a",null]}`)},
	{Name: "list of structures", SQL: "array(named_struct('a', 1), NULL)", Type: value.TypeObject, Want: value.OfJSON(`[{"a":1},null]`)},
	{Name: "text in JSON", SQL: `parse_json('"a"')`, Type: value.TypeObject, Want: value.OfText("a")},
	{Name: "long text", SQL: "repeat('0123456789', 1000000)", Type: value.TypeString, Want: value.OfText(longText())},
}

func longText() string {
	b := make([]byte, 10_000_000)
	for i := range b {
		b[i] = byte('0' + i%10)
	}
	return string(b)
}

func fixture(s *databrickstest.Server, settings connector.Settings) sourcetest.Fixture {
	with := func(key string, v any) connector.Settings {
		c := maps.Clone(settings)
		c[key] = v
		return c
	}
	return sourcetest.Fixture{
		Info: databricks.Info(), Settings: settings, Tables: tables,
		Failing: []sourcetest.Failing{
			{Name: "wrong secret", Settings: with("clientSecret", "dose-nothing"), Code: fault.CodeSourceAuth, Says: "Client authentication failed"},
			{Name: "wrong host", Settings: with("host", "127.0.0.1:1"), Code: fault.CodeSourceUnreachable, Says: ""},
			{Name: "wrong port", Settings: with("port", 1), Code: fault.CodeSourceUnreachable, Says: "connection refused"},
			{Name: "wrong warehouse", Settings: with("httpPath", "/sql/1.0/warehouses/0000"), Code: fault.CodeSourceUnreachable, Says: "SQL warehouse 0000 does not exist"},
			{Name: "wrong catalog", Settings: with("catalog", "nowhere"), Code: fault.CodeSourceQuery, Says: "NO_SUCH_CATALOG"},
			{Name: "unknown signer", Settings: with("caCertificate", ""), Code: fault.CodeSourceUnreachable, Says: "certificate"},
		},
		Hidden: []query.TableRef{{Schema: "millrace_planner", Name: "plan"}, {Schema: "millrace_audit", Name: "log"}},
		SQL:    replaced, Values: values, NoDigits: true, FoldsNames: true,
		Rows:    func(n int64) string { return fmt.Sprintf("SELECT id, 'row ' || id AS name FROM range(1, %d)", n+1) },
		Endless: "SELECT count(*) AS n FROM range(0, 100000000) AS a CROSS JOIN range(0, 100000000) AS b WHERE a.id + b.id < 0",
		Says:    sourcetest.Says{Syntax: "PARSE_SYNTAX_ERROR", Table: "TABLE_OR_VIEW_NOT_FOUND", Column: "UNRESOLVED_COLUMN"},
		Running: func(_ *testing.T, tag string) bool { return s.Running(tag) },
	}
}

// The contract of sources, over the stand-in of a workspace.
//
// Req: S-14
func TestConformance(t *testing.T) {
	t.Parallel()
	s := start(t, databrickstest.Options{})
	sourcetest.Run(t, fixture(s, s.Settings()))
}

// Every construct of the package query means here what it says, in both ways to quote (S-59).
//
// Req: S-59, SY-48
func TestDialect(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{"databricks", "ansi"} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			s := start(t, databrickstest.Options{})
			settings := connector.Settings(s.Settings())
			settings["dialect"] = dialect
			sourcetest.Dialect(t, openAt(t, settings).(connector.Warehouse), "suite")
		})
	}
}

func openAt(t *testing.T, settings connector.Settings) connector.Source {
	t.Helper()
	info := databricks.Info()
	s, err := info.Open(connector.SourceOptions{Settings: settings.WithDefaults(info.Fields), Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return s
}
