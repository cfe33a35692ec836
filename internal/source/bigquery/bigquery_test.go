package bigquery

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/bigquery/bigquerytest"
	"github.com/millrace/millrace/internal/value"
)

var setup = []string{
	"CREATE SCHEMA shop", "CREATE SCHEMA crm", "CREATE SCHEMA empty", "CREATE SCHEMA abroad", "CREATE SCHEMA millrace_planner", "CREATE SCHEMA millrace_audit",
	"CREATE SCHEMA suite",
	`CREATE TABLE shop.customers (id BIGINT NOT NULL, email VARCHAR, amount DECIMAL(12, 2), big DECIMAL(38, 20), score DOUBLE, active BOOLEAN, born DATE, opens TIME, seen TIMESTAMPTZ, noted TIMESTAMP,
	   attributes JSON, raw BLOB, tags VARCHAR[], home STRUCT(street VARCHAR, lines STRUCT(sku VARCHAR, qty INTEGER)[]))`,
	"INSERT INTO shop.customers (id, email) SELECT g, g || '@example.com' FROM generate_series(1, 250) s(g)",
	"CREATE VIEW shop.active AS SELECT id, email FROM shop.customers WHERE active",
	"CREATE TABLE crm.a (id BIGINT)", "CREATE TABLE crm.b (id BIGINT)", "CREATE TABLE crm.c (id BIGINT)", "CREATE TABLE crm.d (id BIGINT)",
	"CREATE TABLE abroad.far (id BIGINT)",
	"CREATE TABLE millrace_planner.plan (id BIGINT)", "CREATE TABLE millrace_audit.log (id BIGINT)",
}

var descriptions = map[string]string{
	"shop.customers.email": "where letters go", "shop.customers.home": "where they live", "shop.customers.home.street": "with the number",
	"shop.customers.home.lines.qty": "how many",
}

func options() bigquerytest.Options {
	return bigquerytest.Options{Setup: setup, Descriptions: descriptions, Elsewhere: map[string]string{"abroad": "US"}}
}

func found(name string, t value.Type, native string) value.Column {
	return value.Column{Name: name, Type: t, Native: native}
}

var tables = []connector.Table{
	{Ref: query.TableRef{Schema: "crm", Name: "d"}, Kind: "table", Rows: new(int64(0)), Columns: value.Schema{found("id", value.TypeNumber, "INT64")}},
	{Ref: query.TableRef{Schema: "shop", Name: "active"}, Kind: "view", Columns: value.Schema{found("id", value.TypeNumber, "INT64"), found("email", value.TypeString, "STRING")}},
	{Ref: query.TableRef{Schema: "shop", Name: "customers"}, Kind: "table", Rows: new(int64(250)), Columns: value.Schema{
		found("id", value.TypeNumber, "INT64"), {Name: "email", Type: value.TypeString, Native: "STRING", Description: "where letters go"},
		found("amount", value.TypeNumber, "NUMERIC(12, 2)"), found("big", value.TypeNumber, "BIGNUMERIC(38, 20)"), found("score", value.TypeNumber, "FLOAT64"),
		found("active", value.TypeBoolean, "BOOL"), found("born", value.TypeDate, "DATE"), found("opens", value.TypeString, "TIME"),
		found("seen", value.TypeTimestamp, "TIMESTAMP"), found("noted", value.TypeTimestamp, "DATETIME"), found("attributes", value.TypeObject, "JSON"),
		found("raw", value.TypeString, "BYTES"), found("tags", value.TypeObject, "ARRAY<STRING>"),
		{Name: "home", Type: value.TypeObject, Native: "STRUCT<street STRING, lines ARRAY<STRUCT<sku STRING, qty INT64>>>",
			Description: "where they live\nstreet: with the number\nlines: qty: how many"},
	}},
}

// replaced are the suite's values as GoogleSQL writes them. An array holds no arrays and no nulls, and one that is null
// arrives as an empty one, so that arrays are tested by themselves:
// https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#array_type
var replaced = map[string]string{
	"real": "CAST('0.1' AS FLOAT64)", "double": "CAST('0.1' AS FLOAT64)", "large double": "CAST('1e300' AS FLOAT64)", "smallest double": "CAST('5e-324' AS FLOAT64)",
	"not a number": "CAST('NaN' AS FLOAT64)", "infinity": "CAST('Infinity' AS FLOAT64)",
	"decimal": "", "decimal with zeros": "", "decimal zero": "", "long decimal": "BIGNUMERIC '-1234567890123456789012345678.0123456789'",
	"small decimal": "NUMERIC '-0.001'", "whole decimal": "NUMERIC '1200000'", "largest decimal": "BIGNUMERIC '99999999999999999999999999999999999999'",
	"smallest decimal": "BIGNUMERIC '0.00000000000000000000000000000000000001'",
	"text":             `CAST('O\'Brien "x" \\ y' AS STRING)`, "empty text": "CAST('' AS STRING)", "blank text": "CAST('  a  ' AS STRING)",
	"lines": `CAST('a\nb\r\nc\td' AS STRING)`, "unicode": "CAST('😀 👩‍👩‍👧 مرحبا e\u0301 é ß 日本語' AS STRING)",
	"text like a null": "CAST('NULL' AS STRING)", "text like a number": "CAST('0012' AS STRING)", "uuid": "",
	"timestamp": "CAST('2024-02-29 12:34:56.789012' AS DATETIME)", "timestamp before 1970": "CAST('1969-12-31 23:59:59.999999' AS DATETIME)",
	"first timestamp": "CAST('0001-01-01 00:00:00' AS DATETIME)", "timestamp with a zone": "CAST('2024-02-29 12:34:56.789012+02:00' AS TIMESTAMP)",
	"object": "", "empty object": "JSON '{}'",
	"list": "", "list of texts": "", "list of lists": "", "list of booleans": "",
}

func object(text string) value.Value { return value.OfJSON(text) }

var values = []sourcetest.Value{
	{Name: "numeric", SQL: "CAST('123.12345678910' AS BIGNUMERIC(20, 11))", Type: value.TypeNumber, Want: value.OfDecimal("123.1234567891")},
	{Name: "numeric with zeros", SQL: "CAST('0.10' AS NUMERIC(10, 2))", Type: value.TypeNumber, Want: value.OfDecimal("0.1")},
	{Name: "numeric zero", SQL: "CAST('0' AS NUMERIC(10, 2))", Type: value.TypeNumber, Want: value.OfInt(0)},
	{Name: "json object", SQL: `PARSE_JSON('{"b":[1,null],"a":"ü"}')`, Type: value.TypeObject, Want: object(`{"a":"ü","b":[1,null]}`)},
	{Name: "json literal", SQL: `JSON '{"z":[1,{"b":"O\'Brien \\"x\\""}],"a":null,"n":1234567.5}'`, Type: value.TypeObject, Want: object(`{"z":[1,{"b":"O'Brien \"x\""}],"a":null,"n":1234567.5}`)},
	{Name: "bytes", SQL: "FROM_HEX('00ff10')", Type: value.TypeString, Want: value.OfBytes([]byte{0, 255, 16})},
	{Name: "no bytes", SQL: "CAST('' AS BYTES)", Type: value.TypeString, Want: value.OfBytes([]byte{})},
	{Name: "whole second", SQL: "CAST('04:05:06' AS TIME)", Type: value.TypeString, Want: value.OfText("04:05:06")},
	{Name: "last timestamp", SQL: "CAST('9999-12-31 23:59:59.999999+00:00' AS TIMESTAMP)", Type: value.TypeTimestamp, Want: value.OfMicros(253_402_300_799_999_999)},
	{Name: "untyped", SQL: "'text'", Type: value.TypeString, Want: value.OfText("text")},
}

func settingsOf(s *bigquerytest.Server) connector.Settings {
	return settingsWith(s, s.Key())
}

func settingsWith(s *bigquerytest.Server, key string) connector.Settings {
	return connector.Settings{
		"credential": map[string]any{"auth": "key", "serviceAccountKey": key}, "project": bigquerytest.Project, "location": bigquerytest.Location,
		"endpoint": s.URL, "storageEndpoint": s.Storage, "storageRead": true,
	}
}

func with(s connector.Settings, name string, v any) connector.Settings {
	s = s.WithDefaults(nil)
	s[name] = v
	return s
}

// openAt opens a source that ends with the test; it tries again without waiting.
func openAt(t testing.TB, s connector.Settings) *Source {
	t.Helper()
	opened, err := quick(Info()).Open(connector.SourceOptions{Settings: s.WithDefaults(Info().Fields)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() }) //nolint:errcheck // the test is over
	return opened.(*Source)
}

// quick tries again without waiting.
func quick(i connector.SourceInfo) connector.SourceInfo {
	inner := i.Open
	i.Open = func(o connector.SourceOptions) (connector.Source, error) {
		s, err := inner(o)
		if err == nil {
			s.(*Source).backoff = 1
		}
		return s, err
	}
	return i
}

// streaming reads even the smallest result through the Storage Read API.
func streaming(i connector.SourceInfo) connector.SourceInfo {
	inner := i.Open
	i.Open = func(o connector.SourceOptions) (connector.Source, error) {
		s, err := inner(o)
		if err == nil {
			s.(*Source).always = true
		}
		return s, err
	}
	return i
}

// closedPort is an address that nobody listens at.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // a listener
	return "http://" + l.Addr().String()
}

func conformance(t *testing.T, info connector.SourceInfo, s *bigquerytest.Server, settings connector.Settings) {
	t.Helper()
	sourcetest.Run(t, sourcetest.Fixture{
		Info: info, Settings: settings, Tables: tables, SQL: replaced, Values: values, NoDigits: true, NoZeros: true, PlainNames: true,
		Hidden: []query.TableRef{{Schema: "millrace_planner", Name: "plan"}, {Schema: "millrace_audit", Name: "log"}},
		Failing: []sourcetest.Failing{
			{Name: "address", Settings: with(settings, "endpoint", closedPort(t)), Code: fault.CodeSourceUnreachable, Says: "connection refused"},
			{Name: "encryption", Settings: with(settings, "endpoint", strings.Replace(s.URL, "http:", "https:", 1)), Code: fault.CodeSourceUnreachable, Says: "server gave HTTP response to HTTPS client"},
			{Name: "key", Settings: with(settings, "credential", map[string]any{"auth": "key", "serviceAccountKey": s.WrongKey(t)}), Code: fault.CodeSourceAuth, Says: "Invalid JWT Signature."},
		},
		Rows: func(n int64) string {
			return fmt.Sprintf("SELECT g AS id, CONCAT('row ', CAST(g AS STRING)) AS name FROM UNNEST(GENERATE_ARRAY(1, %d)) AS g", n)
		},
		Endless: "SELECT COUNT(*) AS n FROM UNNEST(GENERATE_ARRAY(1, 10000000000000)) AS a",
		Says: sourcetest.Says{
			Syntax: "googleapi: Error 400: Syntax error: Unexpected keyword WHERE at [2:8], invalidQuery",
			Table:  `googleapi: Error 400: Table "no_such_table" must be qualified with a dataset (e.g. dataset.table)., invalid`,
			Column: "googleapi: Error 400: Unrecognized name: no_such_column at [",
		},
		Running: func(_ *testing.T, tag string) bool { return s.Running(Label(tag)) },
	})
}

// Req: S-03, S-04, S-12, M-23, M-30
func TestConformance(t *testing.T) {
	t.Parallel()
	s := bigquerytest.New(t, options())
	conformance(t, streaming(quick(Info())), s, settingsOf(s))
	if s.Reads() == 0 {
		t.Error("nothing was read through the Storage Read API")
	}
}

// Req: S-12, M-23
func TestConformanceOfPages(t *testing.T) {
	t.Parallel()
	s := bigquerytest.New(t, options())
	conformance(t, quick(Info()), s, with(settingsOf(s), "storageRead", false))
	if s.Reads() != 0 {
		t.Error("the Storage Read API was asked")
	}
}

// Req: S-12
func TestDialect(t *testing.T) {
	t.Parallel()
	s := bigquerytest.New(t, options())
	sourcetest.DialectNoZeros(t, openAt(t, settingsOf(s)), "suite")
}
