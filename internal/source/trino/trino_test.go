package trino

import (
	"fmt"
	"log/slog"
	"maps"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/trino/trinotest"
	"github.com/millrace/millrace/internal/value"
)

var setup = []string{`
CREATE SCHEMA shop;
CREATE TABLE shop.customers (
  id BIGINT, email VARCHAR NOT NULL, "Ünï ""code""" VARCHAR, amount DECIMAL(12, 2), active BOOLEAN, born DATE, seen TIMESTAMPTZ, noted TIMESTAMP,
  attributes JSON, tags VARCHAR[], home STRUCT(street VARCHAR, "No." INTEGER), extra MAP(VARCHAR, INTEGER), raw BLOB, token UUID);
COMMENT ON COLUMN shop.customers.email IS 'where letters go';
INSERT INTO shop.customers (id, email) SELECT i, i || '@example.com' FROM range(1, 251) r(i);
CREATE VIEW shop.active AS SELECT id, email FROM shop.customers WHERE active;
CREATE TABLE shop.secret (id INTEGER);
CREATE SCHEMA millrace_planner; CREATE TABLE millrace_planner.plan (id INTEGER);
CREATE SCHEMA "MILLRACE_AUDIT"; CREATE TABLE "MILLRACE_AUDIT".log (id INTEGER);`}

const (
	user     = "ann"
	password = "correct horse '\\ battery"
)

// stand starts a server and returns settings that reach it.
func stand(t *testing.T, o trinotest.Options) (*trinotest.Server, connector.Settings) {
	t.Helper()
	if o.User == "" {
		o.User, o.Password = user, password
	}
	o.Setup = append(o.Setup, setup...)
	s := trinotest.New(t, o)
	host, port := s.Address()
	settings := connector.Settings{"host": host, "port": port, "catalog": trinotest.Catalog, "engine": engineTrino, "connector": connectorPostgres, "user": user, "password": password}
	if o.Plain {
		settings["disableEncryption"] = true
	} else {
		settings["caCertificate"] = s.CA()
	}
	if o.Presto {
		settings["engine"] = enginePresto
	}
	return s, settings
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
		found("id", value.TypeNumber, "bigint"), found("email", value.TypeString, "varchar"),
	}},
	{Ref: query.TableRef{Schema: "shop", Name: "customers"}, Kind: "table", Columns: value.Schema{
		found("id", value.TypeNumber, "bigint"),
		{Name: "email", Type: value.TypeString, Native: "varchar", Description: "where letters go"},
		found(`Ünï "code"`, value.TypeString, "varchar"), found("amount", value.TypeNumber, "decimal(12,2)"),
		found("active", value.TypeBoolean, "boolean"), found("born", value.TypeDate, "date"),
		found("seen", value.TypeTimestamp, "timestamp(6) with time zone"), found("noted", value.TypeTimestamp, "timestamp(6)"),
		found("attributes", value.TypeObject, "json"), found("tags", value.TypeObject, "array(varchar)"),
		found("home", value.TypeObject, `row("street" varchar, "No." integer)`), found("extra", value.TypeObject, "map(varchar, integer)"),
		found("raw", value.TypeString, "varbinary"), found("token", value.TypeString, "uuid"),
	}},
}

// numbers is a statement that a Trino server understands as well.
func numbers(n int64) string {
	return fmt.Sprintf("SELECT k AS id, 'row ' || CAST(k AS VARCHAR) AS name FROM (SELECT a.i * 2000 + b.i AS k FROM UNNEST(sequence(0, %d)) AS a(i) CROSS JOIN UNNEST(sequence(1, 2000)) AS b(i)) AS s WHERE k <= %d", (n-1)/2000, n)
}

const endless = `SELECT count(*) AS n FROM UNNEST(sequence(1, 10000)) AS a(i) CROSS JOIN UNNEST(sequence(1, 10000)) AS b(i)
CROSS JOIN UNNEST(sequence(1, 10000)) AS c(i) CROSS JOIN UNNEST(sequence(1, 10000)) AS d(i) WHERE a.i * b.i + c.i * d.i < 0`

func object(text string) value.Value { return value.OfJSON(text) }

// replaced are the suite's values in Trino's words.
var replaced = map[string]string{
	"object":       `JSON '{"z":[1,{"b":"O''Brien \"x\""}],"a":null,"n":12345678901234567890.10}'`,
	"empty object": "JSON '{}'",
}

// own are Trino's own types.
var own = []sourcetest.Value{
	{Name: "tinyint", SQL: "CAST(-128 AS TINYINT)", Type: value.TypeNumber, Want: value.OfInt(-128)},
	{Name: "bytes", SQL: "X'00FF10'", Type: value.TypeString, Want: value.OfBytes([]byte{0, 255, 16})},
	{Name: "real NaN", SQL: "CAST('NaN' AS REAL)", Type: value.TypeNumber},
	{Name: "map", SQL: "MAP(ARRAY['b', 'a'], ARRAY[1, NULL])", Type: value.TypeObject, Want: object(`{"b":1,"a":null}`)},
	{Name: "row", SQL: `CAST(ROW('Main "St"', 4) AS ROW(street VARCHAR, no INTEGER))`, Type: value.TypeObject, Want: object(`{"street":"Main \"St\"","no":4}`)},
	{Name: "array of decimals", SQL: "ARRAY[CAST('0.10' AS DECIMAL(38, 2)), CAST('12345678901234567890.5' AS DECIMAL(38, 2))]", Type: value.TypeObject, Want: object("[0.10,12345678901234567890.50]")},
	{Name: "array of instants", SQL: "ARRAY[TIMESTAMP '2024-02-29 12:34:56.789012 UTC', NULL]", Type: value.TypeObject, Want: object(`["2024-02-29T12:34:56.789012Z",null]`)},
	{Name: "instant", SQL: "TIMESTAMP '2024-02-29 12:34:56.789012 UTC'", Type: value.TypeTimestamp, Want: value.OfMicros(1_709_210_096_789_012)},
	{Name: "json text", SQL: `JSON '"a"'`, Type: value.TypeObject, Want: value.OfText("a")},
}

var says = sourcetest.Says{Syntax: "mismatched input 'WHERE'", Table: "Table 'no_such_table' does not exist", Column: "Column 'no_such_column' cannot be resolved"}

// Req: S-03, S-04, S-27, S-73, M-23, M-30
func TestConformance(t *testing.T) {
	t.Parallel()
	server, settings := stand(t, trinotest.Options{})
	sourcetest.Run(t, sourcetest.Fixture{
		Info: Info(), Settings: settings, Tables: tables, SQL: replaced, Values: own, NoDigits: true,
		Hidden: []query.TableRef{{Schema: "millrace_planner", Name: "plan"}, {Schema: "MILLRACE_AUDIT", Name: "log"}},
		Failing: []sourcetest.Failing{
			{Name: "wrong password", Settings: with(settings, "password", "wrong horse"), Code: fault.CodeSourceAuth, Says: "Invalid credentials"},
			{Name: "wrong host", Settings: with(settings, "host", "no-such-host.invalid"), Code: fault.CodeSourceUnreachable, Says: "no-such-host.invalid"},
			{Name: "unknown signer", Settings: with(settings, "caCertificate", ""), Code: fault.CodeSourceUnreachable, Says: "unknown authority"},
			{Name: "no encryption", Settings: with(settings, "disableEncryption", true), Code: fault.CodeSourceUnreachable},
		},
		Rows: numbers, Endless: endless, Says: says,
		Running: func(_ *testing.T, tag string) bool { return server.Running(tag) },
	})
}
