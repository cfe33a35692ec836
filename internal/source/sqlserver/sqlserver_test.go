package sqlserver

import (
	"fmt"
	"net"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/sqlserver/sqlservertest"
	"github.com/millrace/millrace/internal/value"
)

var setup = []string{
	"CREATE SCHEMA shop",
	`CREATE TABLE shop.customers (id BIGINT NOT NULL, email VARCHAR, "Ünï ""code""" VARCHAR, amount DECIMAL(12, 2), active BOOLEAN, born DATE,
seen TIMESTAMPTZ, noted TIMESTAMP, "at" TIME, token UUID, raw BLOB, f DOUBLE, r FLOAT, n INTEGER)`,
	"COMMENT ON COLUMN shop.customers.email IS 'where letters go'",
	"INSERT INTO shop.customers (id, email) SELECT g, g || '@example.com' FROM range(250) t(g)",
	"CREATE VIEW shop.active AS SELECT id, email FROM shop.customers WHERE active",
	"CREATE SCHEMA millrace_planner", "CREATE TABLE millrace_planner.plan (id INTEGER)",
	`CREATE SCHEMA "MILLRACE_AUDIT"`, `CREATE TABLE "MILLRACE_AUDIT".log (id INTEGER)`,
}

func found(name string, t value.Type, native string) value.Column {
	return value.Column{Name: name, Type: t, Native: native}
}

// tables are what discovery finds; comments and rows where the product has them.
func tables(commented bool) []connector.Table {
	all := []connector.Table{
		{Ref: query.TableRef{Schema: "shop", Name: "active"}, Kind: "view", Columns: value.Schema{
			found("id", value.TypeNumber, "bigint"), found("email", value.TypeString, "nvarchar(max)"),
		}},
		{Ref: query.TableRef{Schema: "shop", Name: "customers"}, Kind: "table", Columns: value.Schema{
			found("id", value.TypeNumber, "bigint"), found("email", value.TypeString, "nvarchar(max)"), found(`Ünï "code"`, value.TypeString, ""),
			found("amount", value.TypeNumber, "decimal(12,2)"), found("active", value.TypeBoolean, "bit"), found("born", value.TypeDate, "date"),
			found("seen", value.TypeTimestamp, "datetimeoffset(7)"), found("noted", value.TypeTimestamp, "datetime2(7)"), found("at", value.TypeString, "time(7)"),
			found("token", value.TypeString, "uniqueidentifier"), found("raw", value.TypeString, "varbinary(max)"), found("f", value.TypeNumber, "float"),
			found("r", value.TypeNumber, "real"), found("n", value.TypeNumber, "int"),
		}},
	}
	if commented {
		all[1].Rows, all[1].Columns[1].Description = new(int64(250)), "where letters go"
	}
	return all
}

// serve starts a server and returns the settings of a connection to it.
func serve(t *testing.T, o sqlservertest.Options) (connector.Settings, *sqlservertest.Server) {
	t.Helper()
	o.User, o.Password, o.Database = "millrace", "hunter2-secret", "analytics"
	s := sqlservertest.Start(t, o)
	return connector.Settings{
		"auth": "password", "host": s.Host, "port": s.Port, "database": o.Database, "user": o.User, "password": o.Password, "encryption": "none",
	}, s
}

func with(s connector.Settings, name string, v any) connector.Settings {
	s = s.WithDefaults(nil)
	s[name] = v
	return s
}

// closedPort returns a port that nobody listens on.
func closedPort(t *testing.T) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // a listener
	return l.Addr().(*net.TCPAddr).Port
}

// fixture is the suite's of a stand-in.
func fixture(t *testing.T, info connector.SourceInfo, settings connector.Settings, s *sqlservertest.Server) sourcetest.Fixture {
	t.Helper()
	return sourcetest.Fixture{
		Info: info, Settings: settings, Tables: tables(info.Slug == "sqlserver"), NoDigits: true, NoObjects: true,
		Hidden: []query.TableRef{{Schema: "millrace_planner", Name: "plan"}, {Schema: "MILLRACE_AUDIT", Name: "log"}},
		Failing: []sourcetest.Failing{
			{Name: "port", Settings: with(settings, "port", closedPort(t)), Code: fault.CodeSourceUnreachable, Says: "connection refused"},
			{Name: "password", Settings: with(settings, "password", "wrong-secret"), Code: fault.CodeSourceAuth, Says: "Login failed for user 'millrace'"},
			{Name: "database", Settings: with(settings, "database", "nowhere"), Code: fault.CodeSourceUnreachable, Says: `Cannot open database "nowhere"`},
			{Name: "encryption", Settings: with(settings, "encryption", "required"), Code: fault.CodeSourceUnreachable, Says: "server does not support encryption"},
		},
		SQL: map[string]string{
			"not a number": "", "infinity": "", "object": "", "empty object": "", "list": "", "list of texts": "", "list of lists": "", "list of booleans": "",
			"timestamp": "CAST('2024-02-29 12:34:56.789012' AS DATETIME2(6))", "timestamp before 1970": "CAST('1969-12-31 23:59:59.999999' AS DATETIME2(6))",
			"first timestamp":       "CAST('0001-01-01 00:00:00' AS DATETIME2(6))",
			"timestamp with a zone": "CAST('2024-02-29 12:34:56.789012+02:00' AS DATETIMEOFFSET(6))",
		},
		Values: []sourcetest.Value{
			{Name: "bytes", SQL: "0x00ff10", Type: value.TypeString, Want: value.OfBytes([]byte{0, 255, 16})},
			{Name: "national text", SQL: "N'ü😀'", Type: value.TypeString, Want: value.OfText("ü😀")},
			{Name: "last instant", SQL: "CAST('9999-12-31 23:59:59.999999' AS DATETIME2(6))", Type: value.TypeTimestamp, Want: value.OfMicros(253_402_300_799_999_999)},
			{Name: "whole second", SQL: "CAST('01:02:03' AS TIME)", Type: value.TypeString, Want: value.OfText("01:02:03")},
		},
		Rows: func(n int64) string {
			return fmt.Sprintf("SELECT g AS id, 'row ' || g AS name FROM range(1, %d) t(g)", n+1)
		},
		Endless: "SELECT count(*) AS n FROM range(1000000000000) a",
		Says: sourcetest.Says{
			Syntax: "mssql: Incorrect syntax near 'WHERE'. (102)", Table: "mssql: Invalid object name 'no_such_table'. (208)",
			Column: "mssql: Invalid column name 'no_such_column'. (207)",
		},
		Running: func(_ *testing.T, tag string) bool { return s.Running("/* " + tag + " */") },
	}
}

// Req: S-03, S-04, S-15, S-23, S-68, M-23, M-30
func TestConformanceServer(t *testing.T) {
	t.Parallel()
	settings, s := serve(t, sqlservertest.Options{Setup: setup, Comments: map[string]string{"email": "where letters go"}})
	sourcetest.Run(t, fixture(t, Server(), settings, s))
}

// Req: S-24
func TestConformanceSynapse(t *testing.T) {
	t.Parallel()
	settings, s := serve(t, sqlservertest.Options{Setup: setup})
	sourcetest.Run(t, fixture(t, Synapse(), settings, s))
}
