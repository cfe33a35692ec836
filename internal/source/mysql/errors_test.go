package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	driver "github.com/go-sql-driver/mysql"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/test/services"
)

// Req: S-20, M-30, M-33
func TestErrors(t *testing.T) {
	t.Parallel()
	settings, db := place(t, "CREATE TABLE secret (id int)", "CREATE TABLE numbers AS SELECT 'x1' AS t", "CREATE TABLE partly (id int, hidden text)",
		"CREATE VIEW wider AS SELECT id FROM partly", "ALTER TABLE partly CHANGE id other int")
	database, user := settings.Text("database"), settings.Text("user")
	reader, hurried := "r_"+user, "h_"+user
	execute(t, db, fmt.Sprintf("CREATE USER `%s`@`%%`", reader), fmt.Sprintf("CREATE USER `%s`@`%%` WITH MAX_STATEMENT_TIME 0.1", hurried))
	t.Cleanup(func() { execute(t, db, fmt.Sprintf("DROP USER `%s`@`%%`, `%s`@`%%`", reader, hurried)) })
	for _, g := range []string{"SELECT ON `%s`.numbers", "SELECT ON `%s`.wider", "SELECT (other) ON `%s`.partly"} {
		execute(t, db, fmt.Sprintf("GRANT "+g+" TO `%s`@`%%`", database, reader))
	}
	execute(t, db, fmt.Sprintf("GRANT SELECT ON `%s`.* TO `%s`@`%%`", database, hurried))
	settings["password"] = ""
	s, h := openAt(t, with(settings, "user", reader)), openAt(t, with(settings, "user", hurried))
	for _, c := range []struct {
		sql, says, hint string
		code            fault.Code
		class           fault.Class
	}{
		{"SELECT * FROM secret", "SELECT command denied to user", "Grant SELECT", fault.CodeSourceDenied, fault.Fatal},
		{"SELECT hidden FROM partly", "SELECT command denied to user", "leave it out", fault.CodeSourceDenied, fault.Fatal},
		{"SELECT * FROM mysql.user", "command denied", "Grant", fault.CodeSourceDenied, fault.Fatal},
		{"SELECT id FROM wider", "references invalid", "view", fault.CodeSourceQuery, fault.Fatal},
		{"SELECT count(*) AS n FROM seq_1_to_1000000000000 WHERE seq % 7 = 8", "max_statement_time exceeded", "max_statement_time", fault.CodeSourceTimeout, fault.Retryable},
		{"DELETE FROM numbers", "no columns", "SELECT", fault.CodeSourceQuery, fault.Fatal},
		{"WITH n AS (SELECT 1) DELETE FROM numbers", "no columns", "SELECT", fault.CodeSourceQuery, fault.Fatal},
		{"CALL something()", "no columns", "SELECT", fault.CodeSourceQuery, fault.Fatal},
		{"SELECT t INTO OUTFILE '/tmp/x' FROM numbers", "writes a file", "OUTFILE", fault.CodeSourceQuery, fault.Fatal},
		{"SELECT t /*!50000 INTO */ DUMPFILE '/tmp/x' FROM numbers", "writes a file", "DUMPFILE", fault.CodeSourceQuery, fault.Fatal},
		{"SELECT t INTO @x FROM numbers", "no columns", "SELECT", fault.CodeSourceQuery, fault.Fatal},
		{"SELECT t FROM numbers WHERE t = ?", "parameter", "values", fault.CodeSourceQuery, fault.Fatal},
		{"SELECT n.tt FROM numbers n", "line 1, column 10: Error 1054 (42S22): Unknown column 'n.tt' in", "column's name", fault.CodeSourceQuery, fault.Fatal},
		{"SELECT t FROM numbers a, numbers b", "line 1, column 8: Error 1052 (23000): Column 't' in", "table.column", fault.CodeSourceQuery, fault.Fatal},
		{"SELECT 'é😀', x\n FROM numbers", "line 1, column 14: Error 1054", "", fault.CodeSourceQuery, fault.Fatal},
		{"SELECT 1 AS x,\n (SELECT 1", "line 2, column", "", fault.CodeSourceQuery, fault.Fatal},
		{"SELECT no_such_function(1) AS x", "execute command denied", "name", fault.CodeSourceDenied, fault.Fatal},
		{"SELECT \"it's\" AS a, 'missing' AS missing, `missing` FROM numbers", "line 1, column 43: ", "backticks", fault.CodeSourceQuery, fault.Fatal},
		{"", "no columns", "SELECT", fault.CodeSourceQuery, fault.Fatal},
		{"-- nothing", "no columns", "SELECT", fault.CodeSourceQuery, fault.Fatal},
	} {
		t.Run(c.sql, func(t *testing.T) {
			t.Parallel()
			from := s
			if c.code == fault.CodeSourceTimeout {
				from = h
			}
			err := failure(t, from, c.sql)
			if err.Code != c.code || err.Class != c.class || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Hint(), c.hint) {
				t.Errorf("%s (%s): %v\n%s", err.Code, err.Class, err, err.Hint())
			}
		})
	}
	found, err := s.Introspect(t.Context())
	if err != nil || len(found) != 2 || found[0].Ref.Name != "numbers" || found[1].Ref.Name != "partly" || len(found[1].Columns) != 1 {
		t.Errorf("found %v: %v", found, err)
	}
}

// A column that is dropped between two reads is named, and where the query mentions it.
//
// Req: M-30
func TestDroppedColumn(t *testing.T) {
	t.Parallel()
	settings, db := place(t, "CREATE TABLE t (id int, gone int)", "INSERT INTO t VALUES (1, 2)")
	s := openAt(t, settings)
	const sql = "SELECT id,\n  gone\nFROM t"
	read(t, s, sql)
	execute(t, db, "ALTER TABLE t DROP COLUMN gone")
	err := failure(t, s, sql)
	if !strings.Contains(err.Error(), "Unknown column 'gone'") || err.Place != (fault.Place{Line: 2, Column: 3}) {
		t.Errorf("%v at %+v", err, err.Place)
	}
}

// A model cannot change anything, by whatever it says.
//
// Req: S-05
func TestReadOnly(t *testing.T) {
	t.Parallel()
	settings, db := place(t, "CREATE TABLE kept AS SELECT 1 AS id", "CREATE SEQUENCE seq",
		"CREATE FUNCTION wipe() RETURNS int DETERMINISTIC MODIFIES SQL DATA BEGIN DELETE FROM kept; RETURN 1; END",
		"CREATE PROCEDURE empty_it() BEGIN DELETE FROM kept; END")
	s := openAt(t, settings)
	for _, sql := range []string{
		"DROP TABLE kept", "DELETE FROM kept RETURNING id", "SELECT wipe() AS n", "SELECT NEXT VALUE FOR seq AS n", "SET TRANSACTION READ WRITE", "COMMIT", "CALL empty_it()",
		"/*! DROP TABLE kept */", "/*!50000 DELETE */ FROM kept", "TRUNCATE kept", "SELECT 1; COMMIT; DELETE FROM kept", "SELECT 1) AS x; DELETE FROM kept; SELECT * FROM (SELECT 1",
		"ANALYZE DELETE FROM kept", "BEGIN NOT ATOMIC DELETE FROM kept; SELECT 1; END", "SELECT id FROM kept INTO @x",
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
	if n := numberOf(t, db, "SELECT count(*) FROM kept"); n != 1 {
		t.Errorf("%d rows are left", n)
	}
}

// One statement sees one state of the data, in functions that it calls too, whatever the server's isolation is.
//
// Req: S-20
func TestOneSnapshot(t *testing.T) {
	t.Parallel()
	server := services.MariaDBOfItsOwn(t, nil, "--transaction-isolation=READ-COMMITTED")
	settings, db := onServer(t, server, "CREATE TABLE r AS SELECT seq AS id FROM seq_1_to_200000",
		"CREATE FUNCTION total() RETURNS bigint READS SQL DATA BEGIN DECLARE n bigint; SELECT count(*) INTO n FROM r; RETURN n; END")
	r, err := openAt(t, settings).Query(t.Context(), connector.Query{SQL: "SELECT id, CASE WHEN id % 10000 = 0 THEN total() END AS total FROM r"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if !r.Next() {
		t.Fatal(r.Err())
	}
	execute(t, db, "DELETE FROM r WHERE id > 10")
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

// adminOf connects to a server, in one session that keeps its database, to do everything.
func adminOf(t testing.TB, server *services.OwnMariaDB) *sql.DB {
	t.Helper()
	c, err := driver.ParseDSN(server.DSN())
	if err != nil {
		t.Fatal(err)
	}
	c.Logger = &driver.NopLogger{}
	to, err := driver.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(to)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() }) //nolint:errcheck // the test is over
	return db
}

// onServer makes a database on a server of the test's own.
func onServer(t testing.TB, server *services.OwnMariaDB, statements ...string) (connector.Settings, *sql.DB) {
	t.Helper()
	db := adminOf(t, server)
	execute(t, db, "CREATE DATABASE shop", "USE shop", "CREATE USER reader@'%' IDENTIFIED BY '"+password+"'", "GRANT ALL ON shop.* TO reader@'%'")
	execute(t, db, statements...)
	return connector.Settings{"host": "127.0.0.1", "port": server.Port, "database": "shop", "user": "reader", "password": password, "sslMode": "disable"}, db
}

// The server's own settings change neither how values are written nor what our texts mean; what models are written for
// stays.
//
// Req: S-20, M-23
func TestServerSettings(t *testing.T) {
	t.Parallel()
	server := services.MariaDBOfItsOwn(t, nil, "--default-time-zone=+05:30", "--sql-mode=NO_BACKSLASH_ESCAPES,ANSI_QUOTES,PIPES_AS_CONCAT", "--character-set-server=latin1",
		"--skip-character-set-client-handshake", "--net-write-timeout=1", "--lower-case-table-names=1")
	settings, _ := onServer(t, server, "CREATE TABLE t (at timestamp, noted datetime, word varchar(20))", "SET time_zone = '+00:00'",
		"SET NAMES utf8mb4", "INSERT INTO t VALUES ('2024-02-03 04:05:06', '2024-02-03 04:05:06', 'é€')")
	s := openAt(t, settings)
	got := read(t, s, `SELECT at, noted, word, 'a' || "word" AS joined, '\\' AS slash, @@net_write_timeout AS patience, @@time_zone AS zone FROM t`).Rows[0]
	for i, want := range []string{"2024-02-03T04:05:06.000Z", "2024-02-03T04:05:06.000Z", "é€", "aé€", `\`, "3600", "+00:00"} {
		if got[i].String() != want {
			t.Errorf("column %d is %q, want %q", i, got[i], want)
		}
	}
	found := s.Dialect().SQL(query.From(query.Table(query.TableRef{Schema: "shop", Name: "t"})).Select(query.Text(`it's "a\b"`).As("x")))
	if got := read(t, s, found).Rows[0][0].String(); got != `it's "a\b"` {
		t.Errorf("%s yields %s", found, got)
	}
}

// A server without read-only transactions is read all the same, by statements that only read.
//
// Req: S-20
func TestNoReadOnlyTransactions(t *testing.T) {
	t.Parallel()
	settings, db := place(t, "CREATE TABLE kept AS SELECT 1 AS id")
	p := mysqlProduct
	p.begin = []string{mysqlProduct.begin[0], "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ NOTHING"}
	s := openAs(t, p.info("other", "Other", "Other", ""), settings, connector.Network{})
	if got := read(t, s, "SELECT id FROM kept"); len(got.Rows) != 1 {
		t.Errorf("%d rows", len(got.Rows))
	}
	if err := failure(t, s, "WITH x AS (SELECT 1) DELETE FROM kept"); err.Code != fault.CodeSourceQuery {
		t.Errorf("%s: %v", err.Code, err)
	}
	if n := numberOf(t, db, "SELECT count(*) FROM kept"); n != 1 {
		t.Errorf("%d rows are left", n)
	}
}

// Rows that fail midway end with the server's words, after the rows before them.
//
// Req: M-30
func TestFailsMidway(t *testing.T) {
	t.Parallel()
	settings, _ := place(t)
	for _, info := range []connector.SourceInfo{Infos()[0], textual(t)} {
		s := openAs(t, info, settings, connector.Network{})
		r, err := s.Query(t.Context(), connector.Query{SQL: "SELECT ST_AsText(ST_GeomFromText(IF(seq < 20000, 'POINT(1 1)', NULL))) AS p, IF(seq < 20000, 1, (SELECT 1 UNION SELECT seq)) AS n FROM seq_1_to_30000"})
		if err != nil {
			t.Fatal(err)
		}
		var rows int64
		for r.Next() {
			rows += r.RecordBatch().NumRows()
		}
		if !fault.Is(r.Err(), fault.CodeSourceQuery) || !strings.Contains(r.Err().Error(), "more than 1 row") || rows == 0 || rows >= 20_000 {
			t.Errorf("after %d rows: %v", rows, r.Err())
		}
		r.Release()
	}
}

const many = "SELECT seq AS n, repeat('x', 1000) AS x FROM seq_1_to_3000000"

// The connection may be ended while rows come, and the server may die.
//
// Req: S-20, M-30
func TestServerDies(t *testing.T) {
	t.Parallel()
	server := services.MariaDBOfItsOwn(t, nil)
	settings, db := onServer(t, server)
	s := openAt(t, settings)
	for _, end := range []func(){
		func() {
			id := numberOf(t, db, "SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE '%/* cut */ SELECT seq%' AND ID <> CONNECTION_ID()")
			execute(t, db, fmt.Sprintf("KILL CONNECTION %d", id))
		},
		func() {
			if err := server.Kill(); err != nil {
				t.Error(err)
			}
		},
	} {
		r, err := s.Query(t.Context(), connector.Query{SQL: many, Tag: "cut"})
		if err != nil {
			t.Fatal(err)
		}
		if !r.Next() {
			t.Fatal(r.Err())
		}
		end()
		for r.Next() {
		}
		if !fault.Is(r.Err(), fault.CodeSourceUnreachable) || fault.ClassOf(r.Err()) != fault.Retryable {
			t.Errorf("%v (%s)", r.Err(), fault.As(r.Err()).Code)
		}
		r.Release()
	}
}

// Whoever tunnels or confines connections sees all of them, and is named where a firewall may be the cause.
//
// Req: X-19
func TestNetwork(t *testing.T) {
	t.Parallel()
	settings, _ := place(t)
	var dials atomic.Int64
	network := connector.Network{Egress: []string{"192.0.2.7"}, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		dials.Add(1)
		if address != net.JoinHostPort("behind.invalid", settings.Text("port")) {
			return nil, fmt.Errorf("%s is out of reach", address)
		}
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(settings.Text("host"), settings.Text("port")))
	}}
	s := openAs(t, Infos()[0], with(settings, "host", "behind.invalid"), network)
	read(t, s, "SELECT 1 AS id")
	r, err := s.Query(t.Context(), connector.Query{SQL: many})
	if err != nil {
		t.Fatal(err)
	}
	r.Release()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if n := dials.Load(); n != 3 { // two statements, and one to end the second
		t.Errorf("%d connections were made", n)
	}
	err = openAs(t, Infos()[0], with(settings, "host", "elsewhere.invalid"), network).Test(t.Context())
	if !strings.Contains(err.Error(), "out of reach") || !strings.HasSuffix(fault.As(err).Hint(), "192.0.2.7.") {
		t.Errorf("%v\n%s", err, fault.As(err).Hint())
	}
}

// Behind one name there may be several servers: what runs at one is never ended at another.
//
// Req: S-20
func TestAnotherServer(t *testing.T) {
	t.Parallel()
	first, second := services.MariaDBOfItsOwn(t, nil), services.MariaDBOfItsOwn(t, nil)
	settings, _ := onServer(t, first)
	_, db := onServer(t, second)
	var dials atomic.Int64
	network := connector.Network{Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		port := first.Port
		if dials.Add(1) > 1 {
			port = second.Port
		}
		return (&net.Dialer{}).DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", port))
	}}
	s := openAs(t, Infos()[0], settings, network)
	r, err := s.Query(t.Context(), connector.Query{SQL: many})
	if err != nil {
		t.Fatal(err)
	}
	r.Release()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	var name string
	var kills int64
	if err := db.QueryRowContext(t.Context(), "SHOW GLOBAL STATUS LIKE 'Com_kill'").Scan(&name, &kills); err != nil || kills != 0 || dials.Load() != 2 {
		t.Errorf("%d connections of another server were ended after %d dials: %v", kills, dials.Load(), err)
	}
}

// A source that is closed while it is used, from all sides, ends everything once.
func TestClosedWhileUsed(t *testing.T) {
	t.Parallel()
	settings, db := place(t)
	s := openAt(t, settings)
	var users sync.WaitGroup
	for i := range 6 {
		users.Go(func() {
			r, err := s.Query(t.Context(), connector.Query{SQL: many})
			if err != nil {
				return // it was closed before
			}
			defer r.Release()
			for range 10 * i {
				if !r.Next() {
					return
				}
			}
		})
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	users.Wait()
	if _, err := s.Query(t.Context(), connector.Query{SQL: "SELECT 1 AS id"}); !fault.Is(err, fault.CodeSourceUnreachable) {
		t.Errorf("a closed source answers: %v", err)
	}
	for range 1000 {
		if numberOf(t, db, "SELECT count(*) FROM information_schema.PROCESSLIST WHERE USER = ?", settings.Text("user")) == 0 {
			return
		}
	}
	t.Error("connections are left")
}
