package clickhouse

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/clickhouse/clickhousetest"
	"github.com/millrace/millrace/internal/value"
)

var setup = []string{`
CREATE SCHEMA shop;
CREATE TABLE shop.customers (id BIGINT, email VARCHAR, "Ünï ""code""" VARCHAR, amount DECIMAL(12, 2), active BOOLEAN, born DATE, seen TIMESTAMPTZ, attributes JSON, tags VARCHAR[], extra MAP(VARCHAR, INTEGER), token UUID);
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
func stand(t *testing.T, o clickhousetest.Options) (*clickhousetest.Server, connector.Settings) {
	t.Helper()
	o.User, o.Password, o.Setup = user, password, append(o.Setup, setup...)
	s := clickhousetest.New(t, o)
	host, port := s.Address()
	settings := connector.Settings{"host": host, "port": port, "user": user, "password": password, "secure": o.Secure}
	if o.Secure {
		settings["caCertificate"] = s.CA()
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
		found("id", value.TypeNumber, "Nullable(Int64)"), found("email", value.TypeString, "Nullable(String)"),
	}},
	{Ref: query.TableRef{Schema: "shop", Name: "customers"}, Kind: "table", Rows: new(int64(250)), Columns: value.Schema{
		found("id", value.TypeNumber, "Nullable(Int64)"), found("email", value.TypeString, "Nullable(String)"), found(`Ünï "code"`, value.TypeString, ""),
		found("amount", value.TypeNumber, "Nullable(Decimal(12,2))"), found("active", value.TypeBoolean, "Nullable(Bool)"), found("born", value.TypeDate, "Nullable(Date32)"),
		found("seen", value.TypeTimestamp, "Nullable(DateTime64(6))"), found("attributes", value.TypeObject, "JSON"), found("tags", value.TypeObject, "Array(Nullable(String))"),
		found("extra", value.TypeObject, "Map(String, Nullable(Int32))"), found("token", value.TypeString, "Nullable(UUID)"),
	}},
}

// numbers is a statement of ClickHouse that yields n rows.
func numbers(n int64) string {
	return fmt.Sprintf("SELECT number AS id, concat('row ', toString(number)) AS name FROM numbers(1, %d)", n)
}

const endless = "SELECT sum(a.number + b.number) AS n FROM numbers(0, 10000000) AS a CROSS JOIN numbers(0, 10000000) AS b WHERE a.number * b.number < 0"

// replaced are the suite's values in ClickHouse's words; it has no years before 1900 and after 2299, and no time of day.
var replaced = map[string]string{
	"first date": "", "last date": "", "first timestamp": "", "time of day": "",
	"timestamp":             "toDateTime64('2024-02-29 12:34:56.789012', 6, 'UTC')",
	"timestamp before 1970": "toDateTime64('1969-12-31 23:59:59.999999', 6, 'UTC')",
	"timestamp with a zone": "toDateTime64('2024-02-29 10:34:56.789012', 6, 'UTC')",
	"list":                  "[1, NULL, 3]", "list of texts": `['a', NULL, 'b"c,d\\', '', '{x}', 'NULL']`,
	"list of lists": "[[1, 2], [3, NULL]]", "list of booleans": "[CAST('true' AS BOOLEAN), CAST('false' AS BOOLEAN)]",
}

var says = sourcetest.Says{Syntax: "Syntax error: failed at position", Table: "Unknown table expression identifier 'no_such_table'", Column: "Unknown expression identifier `no_such_column`"}

// Req: S-03, S-04, S-28, S-70, M-23, M-30
func TestConformance(t *testing.T) {
	t.Parallel()
	server, settings := stand(t, clickhousetest.Options{Secure: true})
	replaced := maps.Clone(replaced)
	replaced["list of texts"] = `['a', NULL, 'b"c,d\', '', '{x}', 'NULL']` // DuckDB's texts have no escapes
	sourcetest.Run(t, sourcetest.Fixture{
		Info: Info(), Settings: settings, Tables: tables, SQL: replaced, Rows: numbers, Endless: endless, Says: says,
		Hidden: []query.TableRef{{Schema: "millrace_planner", Name: "plan"}, {Schema: "MILLRACE_AUDIT", Name: "log"}},
		Failing: []sourcetest.Failing{
			{Name: "wrong password", Settings: with(settings, "password", "wrong horse"), Code: fault.CodeSourceAuth, Says: "Authentication failed"},
			{Name: "wrong host", Settings: with(settings, "host", "no-such-host.invalid"), Code: fault.CodeSourceUnreachable, Says: "no-such-host.invalid"},
			{Name: "wrong database", Settings: with(settings, "database", "other"), Code: fault.CodeSourceQuery, Says: "Database other does not exist"},
			{Name: "no encryption", Settings: with(settings, "secure", false), Code: fault.CodeSourceUnreachable},
			{Name: "unknown signer", Settings: with(settings, "caCertificate", ""), Code: fault.CodeSourceUnreachable, Says: "unknown authority"},
		},
		Running: func(_ *testing.T, tag string) bool { return server.Running(tag) },
	})
}

// A server without encryption says so.
//
// Req: S-28
func TestEncryptionIsNotOffered(t *testing.T) {
	t.Parallel()
	_, settings := stand(t, clickhousetest.Options{})
	err := openAt(t, with(settings, "secure", true)).Test(t.Context())
	if !fault.Is(err, fault.CodeSourceUnreachable) || fault.ClassOf(err) != fault.Fatal || !strings.Contains(fault.As(err).Hint(), "turn encryption off") {
		t.Errorf("%v (%s)", err, fault.As(err).Hint())
	}
}

// The suite against a real server, whose settings are in MILLRACE_TEST_CLICKHOUSE as JSON.
//
// Req: S-28
func TestLive(t *testing.T) {
	t.Parallel()
	text := os.Getenv("MILLRACE_TEST_CLICKHOUSE")
	if text == "" {
		t.Skip("MILLRACE_TEST_CLICKHOUSE is not set: no server to test against")
	}
	var settings connector.Settings
	if err := json.Unmarshal([]byte(text), &settings); err != nil {
		t.Fatal(err)
	}
	sourcetest.Run(t, sourcetest.Fixture{Info: Info(), Settings: settings, SQL: replaced, Rows: numbers, Endless: endless, Says: says})
}
