package snowflake_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/snowflake"
	"github.com/millrace/millrace/internal/source/snowflake/snowflaketest"
	"github.com/millrace/millrace/internal/value"
	"github.com/youmark/pkcs8"
)

const (
	password   = "hunter2-secret"
	passphrase = "correct-horse-secret"
)

// keys are made once: making one takes long.
var keys = sync.OnceValue(func() [2]*rsa.PrivateKey {
	var both [2]*rsa.PrivateKey
	for i := range both {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		both[i] = k
	}
	return both
})

// pemOf writes a key as openssl pkcs8 -topk8 does, encrypted where there is a passphrase.
func pemOf(t testing.TB, k *rsa.PrivateKey, passphrase string) string {
	t.Helper()
	kind, secret := "PRIVATE KEY", []byte(nil)
	if passphrase != "" {
		kind, secret = "ENCRYPTED PRIVATE KEY", []byte(passphrase)
	}
	der, err := pkcs8.MarshalPrivateKey(k, secret, nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// standIn starts a stand-in with two users.
func standIn(t *testing.T, setup ...string) *snowflaketest.Server {
	t.Helper()
	return snowflaketest.New(t, snowflaketest.Options{Setup: setup, Users: map[string]snowflaketest.User{
		"MILLRACE": {Key: &keys()[0].PublicKey},
		"OLD":      {Password: password},
		"AWAY":     {Password: password, Refused: "203.0.113.9"},
	}})
}

// A statement whose answer comes later than the first reply tells the comments of its columns all the same.
//
// Req: M-14
func TestCommentsOfLateAnswers(t *testing.T) {
	t.Parallel()
	server := snowflaketest.New(t, snowflaketest.Options{
		Late: true, Users: map[string]snowflaketest.User{"MILLRACE": {Key: &keys()[0].PublicKey}},
		Setup: []string{`CREATE SCHEMA "SHOP"`, `CREATE TABLE "SHOP"."T" ("EMAIL" VARCHAR)`, `COMMENT ON COLUMN "SHOP"."T"."EMAIL" IS 'where letters go'`},
	})
	s := openAt(t, snowflake.Info(), settingsOf(t, server))
	r, err := s.Query(t.Context(), connector.Query{SQL: `SELECT * FROM "SHOP"."T"`, Class: connector.WorkloadInteractive})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if got := sourcetest.Read(t, r).Schema; len(got) != 1 || got[0].Description != "where letters go" {
		t.Errorf("the columns are %+v", got)
	}
}

// settingsOf connect with a key pair and a warehouse for each class.
func settingsOf(t testing.TB, s *snowflaketest.Server) connector.Settings {
	t.Helper()
	return connector.Settings{
		"account": snowflaketest.Account, "routing": "split", "batchWarehouse": snowflaketest.Batch, "interactiveWarehouse": snowflaketest.People,
		"database": snowflaketest.Database, "user": "millrace", "role": snowflaketest.Role, "authentication": "keyPair",
		"privateKey": pemOf(t, keys()[0], passphrase), "passphrase": passphrase,
		"host": s.Host(), "port": s.Port(), "caCertificate": s.CA(),
	}
}

func with(s connector.Settings, pairs ...any) connector.Settings {
	s = s.WithDefaults(nil)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == nil {
			delete(s, pairs[i].(string))
		} else {
			s[pairs[i].(string)] = pairs[i+1]
		}
	}
	return s
}

// byPassword are the settings with a password.
func byPassword(s connector.Settings, user, password string) connector.Settings {
	return with(s, "authentication", "password", "user", user, "password", password, "privateKey", nil, "passphrase", nil)
}

// openAt opens a source that ends with the test.
func openAt(t *testing.T, info connector.SourceInfo, s connector.Settings) connector.Source {
	t.Helper()
	return openOver(t, info, s, connector.Network{})
}

func openOver(t *testing.T, info connector.SourceInfo, s connector.Settings, n connector.Network) connector.Source {
	t.Helper()
	source, err := info.Open(connector.SourceOptions{Settings: s.WithDefaults(info.Fields), Dir: t.TempDir(), Network: n})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = source.Close() }) //nolint:errcheck // the test is over
	return source
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

var setup = []string{
	`CREATE SCHEMA "SHOP"`,
	`CREATE TABLE "SHOP"."CUSTOMERS" ("ID" BIGINT NOT NULL, "EMAIL" VARCHAR, "Ünï ""code""" VARCHAR, "AMOUNT" DECIMAL(12,2), "SCORE" DOUBLE, "ACTIVE" BOOLEAN,
		"BORN" DATE, "AT" TIME, "SEEN" TIMESTAMPTZ, "NOTED" TIMESTAMP, "ATTRIBUTES" JSON, "RAW" BLOB)`,
	`COMMENT ON COLUMN "SHOP"."CUSTOMERS"."EMAIL" IS 'where letters go'`,
	`INSERT INTO "SHOP"."CUSTOMERS" ("ID", "EMAIL") SELECT g, g || '@example.com' FROM range(1, 251) r(g)`,
	`CREATE VIEW "SHOP"."ACTIVE" AS SELECT "ID", "EMAIL" FROM "SHOP"."CUSTOMERS" WHERE "ACTIVE"`,
	`CREATE TABLE "Lower" ("Id" INTEGER)`,
	`CREATE SCHEMA millrace_planner`, `CREATE TABLE millrace_planner.plan (id INTEGER)`,
	`CREATE SCHEMA "MILLRACE_AUDIT"`, `CREATE TABLE "MILLRACE_AUDIT".log (id INTEGER)`,
}

func found(name string, t value.Type, native string) value.Column {
	return value.Column{Name: name, Type: t, Native: native}
}

var tables = []connector.Table{
	{Ref: query.TableRef{Schema: "SHOP", Name: "ACTIVE"}, Kind: "view", Columns: value.Schema{
		found("ID", value.TypeNumber, "NUMBER(38,0)"), found("EMAIL", value.TypeString, "VARCHAR(16777216)"),
	}},
	{Ref: query.TableRef{Schema: "SHOP", Name: "CUSTOMERS"}, Kind: "table", Rows: new(int64(250)), Columns: value.Schema{
		found("ID", value.TypeNumber, "NUMBER(38,0)"),
		{Name: "EMAIL", Type: value.TypeString, Native: "VARCHAR(16777216)", Description: "where letters go"},
		found(`Ünï "code"`, value.TypeString, ""), found("AMOUNT", value.TypeNumber, "NUMBER(12,2)"), found("SCORE", value.TypeNumber, "FLOAT"),
		found("ACTIVE", value.TypeBoolean, "BOOLEAN"), found("BORN", value.TypeDate, "DATE"), found("AT", value.TypeString, "TIME(9)"),
		found("SEEN", value.TypeTimestamp, "TIMESTAMP_TZ(9)"), found("NOTED", value.TypeTimestamp, "TIMESTAMP_NTZ(9)"),
		found("ATTRIBUTES", value.TypeObject, "VARIANT"), found("RAW", value.TypeString, "BINARY(8388608)"),
	}},
	{Ref: query.TableRef{Schema: "main", Name: "Lower"}, Kind: "table", Columns: value.Schema{found("Id", value.TypeNumber, "")}},
}

// expressions are the suite's, as Snowflake writes them.
var expressions = map[string]string{
	"infinity":      "CAST('inf' AS FLOAT)",
	"text":          `CAST('O''Brien "x" \\ y' AS VARCHAR(100))`,
	"uuid":          "",
	"object":        `PARSE_JSON('{"z":[1,{"b":"O''Brien \\"x\\""}],"a":null,"n":12345678901234567890.10}')`,
	"empty object":  "PARSE_JSON('{}')",
	"list":          "PARSE_JSON('[1, null, 3]')",
	"list of texts": `ARRAY_CONSTRUCT('a', NULL, 'b"c,d\\', '', '{x}', 'NULL')`,
	"list of lists": "ARRAY_CONSTRUCT(ARRAY_CONSTRUCT(1, 2), ARRAY_CONSTRUCT(3, NULL))", "list of booleans": "ARRAY_CONSTRUCT(TRUE, FALSE)",
}

// Req: S-03, S-04, S-10, M-14, M-23, M-30
func TestConformance(t *testing.T) {
	t.Parallel()
	server := standIn(t, setup...)
	settings := settingsOf(t, server)
	t.Cleanup(func() {
		if n := server.Sessions(); n > 0 {
			t.Errorf("%d sessions are left", n)
		}
		if n := server.Staged(); n > 0 {
			t.Errorf("%d folders of the stage are left", n)
		}
	})
	sourcetest.Run(t, sourcetest.Fixture{
		Info: snowflake.Info(), Settings: settings, Tables: tables, SQL: expressions, NoDigits: true,
		Hidden: []query.TableRef{{Schema: "millrace_planner", Name: "plan"}, {Schema: "MILLRACE_AUDIT", Name: "log"}},
		Values: []sourcetest.Value{
			{Name: "bytes", SQL: "TO_BINARY('00FF10', 'HEX')", Type: value.TypeString, Want: value.OfBytes([]byte{0, 255, 16})},
			{Name: "number without digits", SQL: "CAST('7' AS NUMBER)", Type: value.TypeNumber, Want: value.OfInt(7)},
		},
		Failing: []sourcetest.Failing{
			{Name: "port", Settings: with(settings, "port", closedPort(t)), Code: fault.CodeSourceUnreachable, Says: "connection refused"},
			{Name: "certificate", Settings: with(settings, "caCertificate", nil), Code: fault.CodeSourceUnreachable, Says: "certificate"},
			{Name: "key", Settings: with(settings, "privateKey", pemOf(t, keys()[1], ""), "passphrase", nil), Code: fault.CodeSourceAuth, Says: "JWT token is invalid"},
			{Name: "password", Settings: byPassword(settings, "old", "wrong-secret"), Code: fault.CodeSourceAuth, Says: "Incorrect username or password was specified."},
			{Name: "network policy", Settings: byPassword(settings, "away", password), Code: fault.CodeSourceDenied, Says: "IP 203.0.113.9 is not allowed to access Snowflake"},
			{Name: "role", Settings: with(settings, "role", "NOBODY"), Code: fault.CodeSourceAuth, Says: "Role 'NOBODY' specified in the connect string does not exist or not authorized"},
			{Name: "database", Settings: with(settings, "database", "NOWHERE"), Code: fault.CodeSourceDenied, Says: "The requested database does not exist or not authorized."},
			{Name: "account", Settings: with(settings, "account", "nobody-here"), Code: fault.CodeSourceUnreachable, Says: "could not reach Snowflake"},
			{Name: "address", Settings: with(settings, "account", "https://myorg-standin.snowflakecomputing.com"), Code: fault.CodeSourceUnreachable, Says: "could not reach Snowflake"},
		},
		Rows: func(n int64) string {
			return fmt.Sprintf("SELECT SEQ8() + 1 AS id, 'row ' || (SEQ8() + 1) AS name FROM TABLE(GENERATOR(ROWCOUNT => %d))", n)
		},
		Endless: "SELECT COUNT(*) AS n FROM TABLE(GENERATOR(ROWCOUNT => 1000000000000)) WHERE SEQ8() % 7 = 9",
		Says: sourcetest.Says{
			Syntax: "001003 (42000): SQL compilation error:\nsyntax error line 2 at position 7 unexpected 'WHERE'.",
			Table:  "002003 (42S02): SQL compilation error:\nObject 'NO_SUCH_TABLE' does not exist or not authorized.",
			Column: "invalid identifier 'NO_SUCH_COLUMN'",
		},
		Running: func(_ *testing.T, tag string) bool { return server.Running(tag) },
	})
}

// Req: S-10
func TestDialect(t *testing.T) {
	t.Parallel()
	server := standIn(t, `CREATE SCHEMA "suite"`)
	sourcetest.Dialect(t, openAt(t, snowflake.Info(), settingsOf(t, server)).(connector.Warehouse), "suite")
}

func icebergOf(t *testing.T, server *snowflaketest.Server) connector.Settings {
	t.Helper()
	return with(settingsOf(t, server), "externalVolume", snowflaketest.Volume, "baseLocation", "millrace")
}

// Req: S-11, S-45
func TestIcebergDialect(t *testing.T) {
	t.Parallel()
	server := standIn(t, `CREATE SCHEMA "suite"`)
	sourcetest.Dialect(t, openAt(t, snowflake.IcebergInfo(), icebergOf(t, server)).(connector.Warehouse), "suite")
	var made int
	for _, s := range server.Statements() {
		if strings.Contains(s.SQL, "CREATE TABLE") {
			t.Errorf("a table that is none of Iceberg's: %s", s.SQL)
		}
		made += strings.Count(s.SQL, "CREATE ICEBERG TABLE")
	}
	if made == 0 {
		t.Error("no table was made")
	}
}

// A query reaches every database that the role can see; discovery lists the configured one alone.
//
// Req: S-44
func TestReach(t *testing.T) {
	t.Parallel()
	server := standIn(t, `CREATE SCHEMA "SHOP"`, `CREATE TABLE "SHOP"."T" ("A" BIGINT)`, `ATTACH ':memory:' AS "FINANCE"`, `CREATE SCHEMA "FINANCE"."BOOKS"`,
		`CREATE TABLE "FINANCE"."BOOKS"."INVOICES" ("ID" BIGINT)`, `INSERT INTO "FINANCE"."BOOKS"."INVOICES" VALUES (7)`)
	s := openAt(t, snowflake.Info(), settingsOf(t, server))
	r, err := s.Query(t.Context(), connector.Query{SQL: `SELECT "ID" FROM "FINANCE"."BOOKS"."INVOICES"`})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if got := sourcetest.Read(t, r); len(got.Rows) != 1 || got.Rows[0][0].String() != "7" {
		t.Errorf("the other database yields %v", got.Rows)
	}
	tables, err := s.Introspect(t.Context())
	if err != nil || len(tables) != 1 || tables[0].Ref.Name != "T" {
		t.Errorf("discovery lists %+v: %v", tables, err)
	}
}
