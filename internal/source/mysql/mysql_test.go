package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	driver "github.com/go-sql-driver/mysql"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
	"github.com/millrace/millrace/test/services"
)

var setup = []string{
	"CREATE TABLE customers (id bigint unsigned PRIMARY KEY, email varchar(200) NOT NULL COMMENT 'where letters go', `Ünï ``code``` text CHARACTER SET latin1, " +
		"amount decimal(12,2), large decimal(65,30), active boolean, flags bit(5), one bit(1), born date, seen timestamp(6) NULL, noted datetime(3), " +
		"state enum('so-so','happy','a \"b\", c'), tags set('x','y'), home point, raw varbinary(16), spent time, since year, hidden int INVISIBLE, score float unsigned) ENGINE=Aria",
	"INSERT INTO customers (id, email, active) SELECT seq, concat(seq, '@example.com'), seq % 2 FROM seq_1_to_250",
	"CREATE VIEW active AS SELECT id, email FROM customers WHERE active",
	"CREATE TABLE `Upper` (`Id` int)",
	"CREATE TABLE gone (id int)", "CREATE VIEW broken AS SELECT id FROM gone", "DROP TABLE gone",
	"CREATE SEQUENCE numbers",
	"CREATE TABLE kinds (bit1 bit(1), bit0 bit(1), at timestamp(6) NULL)",
	"INSERT INTO kinds VALUES (1, 0, '2024-02-29 10:34:56.789012')",
	"CREATE DATABASE IF NOT EXISTS millrace_planner", "CREATE TABLE IF NOT EXISTS millrace_planner.plan (id int)",
}

func tables(database string) []connector.Table {
	found := func(name string, t value.Type, native string) value.Column {
		return value.Column{Name: name, Type: t, Native: native}
	}
	return []connector.Table{
		{Ref: query.TableRef{Schema: database, Name: "Upper"}, Kind: "table", Columns: value.Schema{found("Id", value.TypeNumber, "int(11)")}},
		{Ref: query.TableRef{Schema: database, Name: "active"}, Kind: "view", Columns: value.Schema{
			found("id", value.TypeNumber, "bigint(20) unsigned"), found("email", value.TypeString, "varchar(200)"),
		}},
		{Ref: query.TableRef{Schema: database, Name: "customers"}, Kind: "table", Rows: new(int64(250)), Columns: value.Schema{
			found("id", value.TypeNumber, "bigint(20) unsigned"),
			{Name: "email", Type: value.TypeString, Native: "varchar(200)", Description: "where letters go"},
			found("Ünï `code`", value.TypeString, "text"), found("amount", value.TypeNumber, "decimal(12,2)"), found("large", value.TypeNumber, "decimal(65,30)"),
			found("active", value.TypeBoolean, "tinyint(1)"), found("flags", value.TypeNumber, "bit(5)"), found("one", value.TypeBoolean, "bit(1)"),
			found("born", value.TypeDate, "date"), found("seen", value.TypeTimestamp, "timestamp(6)"), found("noted", value.TypeTimestamp, "datetime(3)"),
			found("state", value.TypeString, `enum('so-so','happy','a "b", c')`), found("tags", value.TypeString, "set('x','y')"),
			found("home", value.TypeString, "point"), found("raw", value.TypeString, "varbinary(16)"), found("spent", value.TypeString, "time"),
			found("since", value.TypeNumber, "year(4)"), found("score", value.TypeNumber, "float unsigned"),
		}},
	}
}

// replaced are the suite's values as MySQL writes them; an empty one is not to be had. JSON is text in MariaDB, so that
// it has no objects: TestJSON has those of MySQL.
var replaced = map[string]string{
	"true": "(SELECT bit1 FROM kinds)", "false": "(SELECT bit0 FROM kinds)",
	"smallest smallint": "CAST('-32768' AS SIGNED)", "largest integer": "CAST('2147483647' AS SIGNED)", "largest bigint": "CAST('9223372036854775807' AS SIGNED)",
	"smallest bigint": "CAST('-9223372036854775808' AS SIGNED)", "zero": "CAST('0' AS SIGNED)",
	"real": "CAST('0.1' AS FLOAT)", "double": "CAST('0.1' AS DOUBLE)", "large double": "CAST('1e300' AS DOUBLE)", "smallest double": "CAST('5e-324' AS DOUBLE)",
	"not a number": "", "infinity": "",
	"decimal": "CAST('123.12345678910' AS DECIMAL(20, 11))", "decimal with zeros": "CAST('0.10' AS DECIMAL(10, 2))", "small decimal": "CAST('-0.001' AS DECIMAL(10, 3))",
	"decimal zero": "CAST('0' AS DECIMAL(10, 2))", "whole decimal": "CAST('1200000' AS DECIMAL(18, 0))",
	"long decimal": "CAST('-1234567890123456789012345678.0123456789' AS DECIMAL(38, 10))", "largest decimal": "CAST('99999999999999999999999999999999999999' AS DECIMAL(38, 0))",
	"smallest decimal": "CAST('0.00000000000000000000000000000000000001' AS DECIMAL(38, 38))",
	"text":             `CAST('O''Brien "x" \\ y' AS CHAR(100))`, "empty text": "CAST('' AS CHAR(100))", "blank text": "CAST('  a  ' AS CHAR(100))",
	"lines": "CAST('a\nb\r\nc\td' AS CHAR(100))", "unicode": "CAST('😀 👩‍👩‍👧 مرحبا e\u0301 é ß 日本語' AS CHAR(100))",
	"text like a null": "CAST('NULL' AS CHAR(100))", "text like a number": "CAST('0012' AS CHAR(100))",
	"time of day": "CAST('23:59:59.123456' AS TIME(6))",
	"timestamp":   "CAST('2024-02-29 12:34:56.789012' AS DATETIME(6))", "timestamp before 1970": "CAST('1969-12-31 23:59:59.999999' AS DATETIME(6))",
	"first timestamp": "CAST('0001-01-01 00:00:00' AS DATETIME)", "timestamp with a zone": "(SELECT at FROM kinds)",
	"object": "", "empty object": "", "list": "", "list of texts": "", "list of lists": "", "list of booleans": "",
}

// values are MySQL's own types.
var values = []sourcetest.Value{
	{Name: "comparison", SQL: "1 = 1", Type: value.TypeNumber, Want: value.OfInt(1)},
	{Name: "largest unsigned bigint", SQL: "CAST('18446744073709551615' AS UNSIGNED)", Type: value.TypeNumber, Want: value.OfDecimal("18446744073709551615")},
	{Name: "small unsigned bigint", SQL: "CAST('7' AS UNSIGNED)", Type: value.TypeNumber, Want: value.OfInt(7)},
	{Name: "decimal(65,30)", SQL: "CAST('-12345678901234567890123456789012345.123456789012345678901234567890' AS DECIMAL(65, 30))", Type: value.TypeNumber, Want: value.OfDecimal("-12345678901234567890123456789012345.123456789012345678901234567890")},
	{Name: "date", SQL: "DATE '9999-12-31'", Type: value.TypeDate, Want: value.OfDay(2_932_896)},
	{Name: "time of many hours", SQL: "CAST('-838:59:59' AS TIME)", Type: value.TypeString, Want: value.OfText("-838:59:59")},
	{Name: "latin1", SQL: "CONVERT('é' USING latin1)", Type: value.TypeString, Want: value.OfText("é")},
	{Name: "binary collation", SQL: "'aé' COLLATE utf8mb4_bin", Type: value.TypeString, Want: value.OfText("aé")},
	{Name: "bytes", SQL: "x'00ff10'", Type: value.TypeString, Want: value.OfBytes([]byte{0, 255, 16})},
	{Name: "no bytes", SQL: "x''", Type: value.TypeString, Want: value.OfBytes([]byte{})},
	{Name: "json", SQL: `JSON_OBJECT('a', 1)`, Type: value.TypeString, Want: value.OfText(`{"a": 1}`)},
	{Name: "inet6", SQL: "CAST('2001:db8::1' AS INET6)", Type: value.TypeString, Want: value.OfText("2001:db8::1")},
}

// lacking: JSON is text in MariaDB.
var lacking = []value.Type{value.TypeObject}

var says = sourcetest.Says{
	Syntax: "You have an error in your SQL syntax", Table: "no_such_table' doesn't exist", Column: "Unknown column 'no_such_column' in",
}

func numbered(n int64) string {
	return fmt.Sprintf("SELECT seq AS id, concat('row ', seq) AS name FROM seq_1_to_%d", n)
}

const endless = "SELECT count(*) AS n FROM seq_1_to_1000000000000 WHERE seq % 7 = 8"

// undescribed leaves the comments out, which queries tell only where the server explains them.
func undescribed(all []connector.Table) []connector.Table {
	for _, t := range all {
		for i := range t.Columns {
			t.Columns[i].Description = ""
		}
	}
	return all
}

const password = "hunter2-secret"

// place makes a database and a user who may read it, and returns the settings of a connection and one to do everything.
func place(t testing.TB, statements ...string) (connector.Settings, *sql.DB) {
	t.Helper()
	c, err := driver.ParseDSN(services.MariaDB(t))
	if err != nil {
		t.Fatal(err)
	}
	c.MultiStatements = true
	db, err := sql.Open("mysql", c.FormatDSN())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) //nolint:errcheck // the test is over
	user := "u" + c.DBName
	execute(t, db, statements...)
	execute(t, db, fmt.Sprintf("CREATE USER `%s`@`%%` IDENTIFIED BY '%s'", user, password), fmt.Sprintf("GRANT ALL ON `%s`.* TO `%s`@`%%`", c.DBName, user))
	t.Cleanup(func() { execute(t, db, fmt.Sprintf("DROP USER `%s`@`%%`", user)) })
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return connector.Settings{"host": host, "port": n, "database": c.DBName, "user": user, "password": password, "sslMode": "disable"}, db
}

func with(s connector.Settings, name string, v any) connector.Settings {
	s = s.WithDefaults(nil)
	s[name] = v
	return s
}

func execute(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(context.Background(), s); err != nil {
			t.Fatalf("%.80s: %v", s, err)
		}
	}
}

// numberOf asks a question with a number as answer.
func numberOf(t testing.TB, db *sql.DB, sql string, args ...any) (n int64) {
	t.Helper()
	if err := db.QueryRowContext(context.Background(), sql, args...).Scan(&n); err != nil {
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

// Req: S-03, S-04, S-20, S-66, M-14, M-23, M-30
func TestConformance(t *testing.T) {
	t.Parallel()
	settings, db := place(t, setup...)
	database, user := settings.Text("database"), settings.Text("user")
	execute(t, db, fmt.Sprintf("GRANT SELECT ON millrace_planner.* TO `%s`@`%%`", user))
	settings["otherDatabases"] = []string{"millrace_planner", "information_schema"}
	t.Cleanup(func() {
		if n := numberOf(t, db, "SELECT count(*) FROM information_schema.PROCESSLIST WHERE USER = ?", user); n > 0 {
			t.Errorf("%d connections are left", n)
		}
	})
	sourcetest.Run(t, sourcetest.Fixture{
		Info: Infos()[0], Settings: settings, Tables: tables(database), Values: values, SQL: replaced, Lacks: lacking, Says: says, Rows: numbered, Endless: endless,
		Hidden: []query.TableRef{{Schema: "millrace_planner", Name: "plan"}},
		Failing: []sourcetest.Failing{
			{Name: "port", Settings: with(settings, "port", closedPort(t)), Code: fault.CodeSourceUnreachable, Says: "connection refused"},
			{Name: "host", Settings: with(settings, "host", "no-such-host.invalid"), Code: fault.CodeSourceUnreachable, Says: "no-such-host.invalid"},
			{Name: "user", Settings: with(settings, "user", "nobody_here"), Code: fault.CodeSourceAuth, Says: `Access denied for user 'nobody_here'@`},
			{Name: "password", Settings: with(settings, "password", "wrong horse"), Code: fault.CodeSourceAuth, Says: "Access denied for user"},
			{Name: "database", Settings: with(settings, "database", "nowhere"), Code: fault.CodeSourceDenied, Says: "to database 'nowhere'"},
			{Name: "encryption", Settings: with(settings, "sslMode", "require"), Code: fault.CodeSourceUnreachable, Says: "Server does not support secure connection"},
		},
		Running: func(t *testing.T, tag string) bool {
			return numberOf(t, db, "SELECT count(*) FROM information_schema.PROCESSLIST WHERE USER = ? AND INFO LIKE ?", user, "%/* "+tag+" */%") > 0
		},
	})
}

// openAt opens a source that ends with the test.
func openAt(t testing.TB, s connector.Settings) connector.Source {
	t.Helper()
	return openAs(t, Infos()[0], s, connector.Network{})
}

func openAs(t testing.TB, info connector.SourceInfo, s connector.Settings, network connector.Network) connector.Source {
	t.Helper()
	source, err := info.Open(connector.SourceOptions{Settings: s.WithDefaults(info.Fields), Network: network})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = source.Close() }) //nolint:errcheck // the test is over
	return source
}

// read runs a statement and reads it whole.
func read(t *testing.T, s connector.Source, sql string) sourcetest.Table {
	t.Helper()
	r, err := s.Query(t.Context(), connector.Query{SQL: sql})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	defer r.Release()
	return sourcetest.Read(t, r)
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
	if strings.Contains(err.Error(), password) {
		t.Errorf("%s: the error shows the password: %v", sql, err)
	}
	return fault.As(err)
}
