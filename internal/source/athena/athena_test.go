package athena

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/athena/athenatest"
	"github.com/millrace/millrace/internal/value"
)

var setup = []string{`
CREATE SCHEMA shop;
CREATE TABLE shop.customers (
  id INTEGER, big BIGINT, email VARCHAR NOT NULL, "Ünï ""code""" VARCHAR, amount DECIMAL(12, 2), active BOOLEAN, born DATE, seen TIMESTAMPTZ, noted TIMESTAMP,
  tags VARCHAR[], home STRUCT(street VARCHAR, "No." INTEGER), extra MAP(VARCHAR, INTEGER), raw BLOB);
COMMENT ON COLUMN shop.customers.email IS 'where letters go';
INSERT INTO shop.customers (id, email) SELECT i, i || '@example.com' FROM range(1, 251) r(i);
CREATE VIEW shop.active AS SELECT id, email FROM shop.customers WHERE active;
CREATE TABLE shop.secret (id INTEGER);
CREATE SCHEMA millrace_planner; CREATE TABLE millrace_planner.plan (id INTEGER);
CREATE SCHEMA "MILLRACE_AUDIT"; CREATE TABLE "MILLRACE_AUDIT".log (id INTEGER);`}

const secret = "correct horse battery"

// stand starts a server and returns settings that reach it.
func stand(t *testing.T, o athenatest.Options) (*athenatest.Server, connector.Settings) {
	t.Helper()
	o.Setup = append(o.Setup, setup...)
	s := athenatest.New(t, o)
	return s, connector.Settings{
		"credential": map[string]any{"auth": "keys", "accessKeyId": athenatest.AccessKeyID, "secretAccessKey": secret},
		"region":     "eu-central-1", "workgroup": "primary", "outputLocation": "s3://results/athena/", "endpoint": s.URL(), "storageEndpoint": s.URL(),
	}
}

func openAt(t *testing.T, s connector.Settings) connector.Source {
	t.Helper()
	source, err := Info().Open(connector.SourceOptions{Settings: s.WithDefaults(Info().Fields), Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	})
	return source
}

func with(s connector.Settings, name string, v any) connector.Settings {
	s = maps.Clone(s)
	s[name] = v
	return s
}

func found(name string, t value.Type, native string) value.Column {
	return value.Column{Name: name, Type: t, Native: native}
}

var tables = []connector.Table{
	{Ref: query.TableRef{Schema: "shop", Name: "active"}, Kind: "view", Columns: value.Schema{
		found("id", value.TypeNumber, "integer"), found("email", value.TypeString, "varchar"),
	}},
	{Ref: query.TableRef{Schema: "shop", Name: "customers"}, Kind: "table", Columns: value.Schema{
		found("id", value.TypeNumber, "integer"), found("big", value.TypeString, "bigint"), found("email", value.TypeString, "varchar"),
		found(`Ünï "code"`, value.TypeString, "varchar"), found("amount", value.TypeNumber, "decimal(12,2)"),
		found("active", value.TypeBoolean, "boolean"), found("born", value.TypeDate, "date"),
		found("seen", value.TypeTimestamp, ""), found("noted", value.TypeTimestamp, "timestamp"),
		found("tags", value.TypeString, "array<string>"), found("home", value.TypeString, ""), found("extra", value.TypeString, "map<string,int>"),
		found("raw", value.TypeString, "varbinary"),
	}},
}

// numbers is a statement that Athena understands as well.
func numbers(n int64) string {
	return fmt.Sprintf("SELECT CAST(k AS INTEGER) AS id, 'row ' || CAST(k AS VARCHAR) AS name FROM (SELECT a.i * 2000 + b.i AS k FROM UNNEST(sequence(0, %d)) AS a(i) CROSS JOIN UNNEST(sequence(1, 2000)) AS b(i)) AS s WHERE k <= %d", (n-1)/2000, n)
}

const endless = `SELECT count(*) AS n FROM UNNEST(sequence(1, 10000)) AS a(i) CROSS JOIN UNNEST(sequence(1, 10000)) AS b(i)
CROSS JOIN UNNEST(sequence(1, 10000)) AS c(i) CROSS JOIN UNNEST(sequence(1, 10000)) AS d(i) WHERE a.i * b.i + c.i * d.i < 0`

// replaced are the suite's values in Athena's words; BIGINT and lists are texts (own).
var replaced = map[string]string{
	"object": `JSON '{"z":[1,{"b":"O''Brien \"x\""}],"a":null,"n":12345678901234567890.10}'`, "empty object": "JSON '{}'",
	"largest bigint": "", "smallest bigint": "", "zero": "", "list": "", "list of texts": "", "list of lists": "", "list of booleans": "",
}

// own are Athena's own types.
var own = []sourcetest.Value{
	{Name: "bigint", SQL: "CAST('9223372036854775807' AS BIGINT)", Type: value.TypeString, Want: value.OfText("9223372036854775807")},
	{Name: "array", SQL: "ARRAY['a', NULL, 'b']", Type: value.TypeString, Want: value.OfText("[a, null, b]")},
	{Name: "map", SQL: "MAP(ARRAY['b', 'a'], ARRAY[1, NULL])", Type: value.TypeString, Want: value.OfText("{b=1, a=null}")},
	{Name: "row", SQL: "CAST(ROW('x', 4) AS ROW(street VARCHAR, no INTEGER))", Type: value.TypeString, Want: value.OfText("{street=x, no=4}")},
	{Name: "tinyint", SQL: "CAST(-128 AS TINYINT)", Type: value.TypeNumber, Want: value.OfInt(-128)},
	{Name: "bytes", SQL: "X'00FF10'", Type: value.TypeString, Want: value.OfBytes([]byte{0, 255, 16})},
	{Name: "instant", SQL: "TIMESTAMP '2024-02-29 12:34:56.789012 UTC'", Type: value.TypeTimestamp, Want: value.OfMicros(1_709_210_096_789_012)},
}

var says = sourcetest.Says{Syntax: "SYNTAX_ERROR", Table: "Table 'no_such_table' does not exist", Column: "Column 'no_such_column' cannot be resolved"}

// Req: S-03, S-04, S-26, S-74, M-23, M-30
func TestConformance(t *testing.T) {
	t.Parallel()
	server, settings := stand(t, athenatest.Options{})
	other := map[string]any{"auth": "keys", "accessKeyId": "AKIAOTHER", "secretAccessKey": secret}
	sourcetest.Run(t, sourcetest.Fixture{
		Info: Info(), Settings: settings, Tables: tables, SQL: replaced, Values: own, NoDigits: true, NoObjects: true,
		Hidden: []query.TableRef{{Schema: "millrace_planner", Name: "plan"}, {Schema: "MILLRACE_AUDIT", Name: "log"}},
		Failing: []sourcetest.Failing{
			{Name: "wrong key", Settings: with(settings, "credential", other), Code: fault.CodeSourceAuth, Says: "security token included in the request is invalid"},
			{Name: "wrong endpoint", Settings: with(settings, "endpoint", "http://no-such-host.invalid"), Code: fault.CodeSourceUnreachable, Says: "no-such-host.invalid"},
		},
		Rows: numbers, Endless: endless, Says: says,
		Running: func(_ *testing.T, tag string) bool { return server.Running(tag) },
	})
	if left := server.Files(); len(left) > 0 {
		t.Logf("%d results are left by tests that still ran", len(left))
	}
}

// Every construct of the package query means what it says, as far as the stand-in is Athena.
//
// Req: S-74
func TestDialect(t *testing.T) {
	t.Parallel()
	_, settings := stand(t, athenatest.Options{Setup: []string{"CREATE SCHEMA suite"}})
	sourcetest.Dialect(t, openAt(t, settings).(connector.Warehouse), "suite")
}

func consume(t *testing.T, s connector.Source, q connector.Query) (rows int64, err error) {
	t.Helper()
	r, err := s.Query(t.Context(), q)
	if err != nil {
		return 0, err
	}
	defer r.Release()
	for r.Next() {
		rows += r.RecordBatch().NumRows()
	}
	return rows, r.Err()
}

// Req: S-26, S-74, M-30
func TestErrors(t *testing.T) {
	t.Parallel()
	_, settings := stand(t, athenatest.Options{Deny: []string{"secret"}})
	s := openAt(t, settings)
	for _, c := range []struct {
		sql, says, hint string
		code            fault.Code
	}{
		{`SELECT * FROM "shop"."secret"`, "Insufficient permissions", "AWS Glue", fault.CodeSourceDenied},
		{"SELECT CAST('x' AS INTEGER) AS n", "INVALID_CAST_ARGUMENT", "TRY_CAST", fault.CodeSourceQuery},
		{"SELECT gone FROM shop.customers", "Column 'gone' cannot be resolved", "column's name", fault.CodeSourceQuery},
		{"DELETE FROM shop.customers", "no query", "SELECT", fault.CodeSourceQuery},
		{"SELECT 1 AS a; DELETE FROM shop.customers", "mismatched input ';'", "", fault.CodeSourceQuery},
	} {
		_, err := consume(t, s, connector.Query{SQL: c.sql})
		if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) || !strings.Contains(fault.As(err).Hint(), c.hint) || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v (%s)", c.sql, err, fault.As(err).Hint())
		}
	}
	for name, c := range map[string]struct{ value, says, hint string }{
		"workgroup":      {"no_such", "WorkGroup no_such is not found", "workgroup's name"},
		"outputLocation": {"", "No output location provided", "query output location"},
	} {
		err := openAt(t, with(settings, name, c.value)).Test(t.Context())
		if !fault.Is(err, fault.CodeSourceQuery) || !strings.Contains(err.Error(), c.says) || !strings.Contains(fault.As(err).Hint(), c.hint) {
			t.Errorf("%s: %v (%s)", name, err, fault.As(err).Hint())
		}
	}
	if _, err := Info().Open(connector.SourceOptions{Settings: with(settings, "outputLocation", "https://bucket")}); !fault.Is(err, fault.CodeInvalid) || fault.As(err).Path != "outputLocation" {
		t.Errorf("a location outside S3: %v", err)
	}
}

// A result that ends in the middle is an error, and no result stays in S3.
//
// Req: S-26, S-74
func TestResults(t *testing.T) {
	t.Parallel()
	cut := false
	server, settings := stand(t, athenatest.Options{Break: func(w http.ResponseWriter, r *http.Request) bool {
		if !cut || r.Method != http.MethodGet {
			return false
		}
		w.Header().Set("Content-Length", "100000")
		fmt.Fprint(w, "\"id\",\"name\"\n\"1\",\"row 1\"\n\"2\",\"ro")
		panic(http.ErrAbortHandler)
	}})
	s := openAt(t, settings)
	if n, err := consume(t, s, connector.Query{SQL: numbers(5000)}); n != 5000 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
	cut = true
	if n, err := consume(t, s, connector.Query{SQL: numbers(5000)}); !fault.Is(err, fault.CodeSourceUnreachable) || fault.ClassOf(err) != fault.Retryable {
		t.Errorf("a result that was cut: %d rows, %v", n, err)
	}
	if left := server.Files(); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
}

// Req: S-26, S-74
func TestPickLists(t *testing.T) {
	t.Parallel()
	_, settings := stand(t, athenatest.Options{})
	s := openAt(t, settings).(connector.SourceOptionLister)
	for list, want := range map[string]string{"workgroups": "analysts,primary", "catalogs": "AwsDataCatalog", "databases": "MILLRACE_AUDIT,millrace_planner,shop"} {
		options, err := s.ListOptions(t.Context(), list)
		var names []string
		for _, o := range options {
			names = append(names, o.Value)
		}
		if err != nil || strings.Join(names, ",") != want {
			t.Errorf("%s: %v, %v", list, names, err)
		}
	}
	if _, err := s.ListOptions(t.Context(), "other"); !fault.Is(err, fault.CodeNotFound) {
		t.Errorf("another list: %v", err)
	}
	listed := map[string]bool{}
	for _, f := range Info().Fields {
		if f.OptionsFrom != "" {
			listed[f.OptionsFrom] = true
		}
	}
	if len(listed) != 3 {
		t.Errorf("the form has the lists %v", listed)
	}
}

// Null is nothing, an empty text is two quotes.
//
// Req: S-26
func TestCSV(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é\"\n,", 100_000)
	in := "\"a\",,\"\"\n" + "\"x \"\"q\"\",\r\n\",\"" + strings.ReplaceAll(long, `"`, `""`) + "\",\"\"\"\"\n"
	r := newCSV(bytes.NewReader([]byte(in)))
	want := [][]cell{{{text: "a"}, {null: true}, {}}, {{text: "x \"q\",\r\n"}, {text: long}, {text: `"`}}}
	for _, row := range want {
		got, _, err := r.row(3)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(row) {
			t.Errorf("%v, want %v: %v", got, row, err)
		}
	}
	if _, _, err := r.row(3); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	for in, want := range map[string]error{"\"a\",\"b": io.ErrUnexpectedEOF, "\"a\"": io.ErrUnexpectedEOF, "a,b\n": errCSV, "\"a\"x,\n": errCSV, "\"a\"\n": errCSV} {
		if _, _, err := newCSV(strings.NewReader(in)).row(2); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", in, err, want)
		}
	}
}

// The suite against Athena itself, with the settings in MILLRACE_TEST_ATHENA as JSON.
//
// Req: S-26
func TestLive(t *testing.T) {
	t.Parallel()
	text := os.Getenv("MILLRACE_TEST_ATHENA")
	if text == "" {
		t.Skip("MILLRACE_TEST_ATHENA is not set: no account to test with")
	}
	var settings connector.Settings
	if err := json.Unmarshal([]byte(text), &settings); err != nil {
		t.Fatal(err)
	}
	sourcetest.Run(t, sourcetest.Fixture{Info: Info(), Settings: settings, SQL: replaced, Values: own, NoDigits: true, NoObjects: true, Rows: numbers, Endless: endless, Says: says})
}
