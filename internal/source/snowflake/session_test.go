package snowflake_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/snowflake"
	"github.com/millrace/millrace/internal/source/snowflake/quiet"
	"github.com/millrace/millrace/internal/source/snowflake/snowflaketest"
)

func rowsSQL(n int) string {
	return fmt.Sprintf("SELECT SEQ8() + 1 AS id, 'row ' || (SEQ8() + 1) AS name FROM TABLE(GENERATOR(ROWCOUNT => %d))", n)
}

// drain reads a query to its end.
func drain(ctx context.Context, s connector.Source, q connector.Query) (rows int64, err error) {
	r, err := s.Query(ctx, q)
	if err != nil {
		return 0, err
	}
	defer r.Release()
	for r.Next() {
		rows += r.RecordBatch().NumRows()
	}
	return rows, r.Err()
}

// Req: S-43
func TestCredentials(t *testing.T) {
	t.Parallel()
	server := standIn(t)
	settings := settingsOf(t, server)
	plain := with(settings, "privateKey", pemOf(t, keys()[0], ""), "passphrase", nil)
	for name, s := range map[string]connector.Settings{"encrypted key": settings, "plain key": plain, "password": byPassword(settings, "old", password), "default role": with(settings, "role", nil), "locator": with(settings, "account", snowflaketest.Account+".us-east-2.aws")} {
		if err := openAt(t, snowflake.Info(), s).Test(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		settings connector.Settings
		says     string
	}{
		"wrong passphrase": {with(settings, "passphrase", "wrong"), "incorrect password"},
		"no passphrase":    {with(settings, "passphrase", nil), "it is encrypted, and there is no passphrase"},
		"no key":           {with(settings, "privateKey", "MIIBIjANBgkqh"), "it is not in PEM"},
		"cut key":          {with(settings, "privateKey", strings.Replace(pemOf(t, keys()[0], ""), "\nM", "\nN", 1), "passphrase", nil), "asn1"},
	} {
		_, err := snowflake.Info().Open(connector.SourceOptions{Settings: c.settings})
		if err == nil || !strings.Contains(err.Error(), c.says) || fault.As(err).Path != "privateKey" || strings.Contains(err.Error(), passphrase) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Req: S-40
func TestAccountIdentifiers(t *testing.T) {
	t.Parallel()
	server := standIn(t)
	var dialled []string
	network := connector.Network{Egress: []string{"198.51.100.7"}, Dial: func(ctx context.Context, kind, address string) (net.Conn, error) {
		dialled = append(dialled, address)
		return (&net.Dialer{}).DialContext(ctx, kind, net.JoinHostPort(server.Host(), strconv.Itoa(server.Port())))
	}}
	settings := with(settingsOf(t, server), "host", nil, "port", nil)
	for account, suggestion := range map[string]string{
		"https://myorg-standin.snowflakecomputing.com":  "Enter only what stands before .snowflakecomputing.com: myorg-standin",
		"xy12345.us-east-2.aws.snowflakecomputing.com/": "Enter only what stands before .snowflakecomputing.com: xy12345.us-east-2.aws",
		"app.snowflake.com/myorg/standin":               "Enter only what stands before .snowflakecomputing.com in Snowflake's address",
	} {
		err := openOver(t, snowflake.Info(), with(settings, "account", account), network).Test(t.Context())
		if !fault.Is(err, fault.CodeSourceUnreachable) || !strings.Contains(err.Error(), "could not reach Snowflake") || !strings.HasPrefix(fault.As(err).Hint(), suggestion) {
			t.Errorf("%s: %v: %s", account, err, fault.As(err).Hint())
		}
	}
	if len(dialled) > 0 {
		t.Errorf("what is no account was dialled: %v", dialled)
	}
	// The certificate of the stand-in is not for this name: what counts is where the driver goes, and only through Network.
	err := openOver(t, snowflake.Info(), settings, network).Test(t.Context())
	if want := "myorg-standin.snowflakecomputing.com:443"; !slices.Contains(dialled, want) {
		t.Errorf("dialled was %v, want %s", dialled, want)
	}
	if !fault.Is(err, fault.CodeSourceUnreachable) || !strings.HasSuffix(fault.As(err).Hint(), "This server connects from 198.51.100.7.") {
		t.Errorf("%v: %s", err, fault.As(err).Hint())
	}
}

// Req: S-07, S-41, S-90
func TestWarehouses(t *testing.T) {
	t.Parallel()
	server := standIn(t)
	split := openAt(t, snowflake.Info(), settingsOf(t, server))
	single := openAt(t, snowflake.Info(), with(settingsOf(t, server), "routing", "single", "warehouse", snowflaketest.People))
	for _, c := range []struct {
		source connector.Source
		class  connector.Workload
		want   string
	}{
		{split, connector.WorkloadBatch, snowflaketest.Batch}, {split, connector.WorkloadInteractive, snowflaketest.People}, {split, "", snowflaketest.Batch},
		{single, connector.WorkloadBatch, snowflaketest.People}, {single, connector.WorkloadInteractive, snowflaketest.People},
	} {
		if _, err := drain(t.Context(), c.source, connector.Query{SQL: rowsSQL(1), Class: c.class}); err != nil {
			t.Fatal(err)
		}
		all := server.Statements()
		if last := all[len(all)-1]; last.Warehouse != c.want || last.Role != snowflaketest.Role {
			t.Errorf("a query of the class %q ran in %s as %s, want %s", c.class, last.Warehouse, last.Role, c.want)
		}
	}
}

// Req: S-47
func TestTags(t *testing.T) {
	t.Parallel()
	server := standIn(t, `CREATE SCHEMA "S"`)
	w := openAt(t, snowflake.Info(), settingsOf(t, server)).(connector.Warehouse)
	long := strings.Repeat("ä", 3000)
	for _, tag := range []string{"sync 12 run 34", "it's */ -- \n", long} {
		if _, err := drain(t.Context(), w, connector.Query{SQL: rowsSQL(1), Tag: tag}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Execute(t.Context(), connector.Query{SQL: `CREATE TABLE "S"."T" ("A" BIGINT)`, Tag: "planning"}); err != nil {
		t.Fatal(err)
	}
	var tags []string
	for _, s := range server.Statements() {
		tags = append(tags, s.Tag)
	}
	if want := []string{"sync 12 run 34", "it's */ -- \n", long[:2*2000], "planning"}; !slices.Equal(tags, want) {
		t.Errorf("the tags are %.200q", tags)
	}
	if p := server.Logins()[0]; p["QUERY_TAG"] != "millrace" || p["TIMEZONE"] != "UTC" || p["GEOGRAPHY_OUTPUT_FORMAT"] != "GeoJSON" {
		t.Errorf("the session was opened with %v", p)
	}
}

// A session lives on when its token is renewed, and is replaced when Snowflake has forgotten it.
//
// Req: S-10
func TestSessions(t *testing.T) {
	t.Parallel()
	server := standIn(t)
	source := openAt(t, snowflake.Info(), settingsOf(t, server))
	for _, happens := range []func(){func() {}, server.Expire, server.Forget, func() {}} {
		happens()
		if n, err := drain(t.Context(), source, connector.Query{SQL: rowsSQL(3)}); n != 3 || err != nil {
			t.Errorf("%d rows: %v", n, err)
		}
		if _, err := source.Introspect(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if n := len(server.Logins()); n != 4 { // two classes, twice
		t.Errorf("%d logins", n)
	}
	if err := source.Close(); err != nil || server.Sessions() != 0 {
		t.Errorf("%d sessions are left: %v", server.Sessions(), err)
	}
}

// Req: S-10
func TestAbort(t *testing.T) {
	t.Parallel()
	server := standIn(t)
	source := openAt(t, snowflake.Info(), settingsOf(t, server))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := drain(ctx, source, connector.Query{SQL: "SELECT COUNT(*) AS n FROM TABLE(GENERATOR(ROWCOUNT => 1000000000000)) WHERE SEQ8() % 7 = 9", Tag: "long"})
		ended <- err
	}()
	for !server.Running("long") {
		runtime.Gosched()
	}
	cancel()
	if err := <-ended; !fault.Is(err, fault.CodeSourceTimeout) {
		t.Errorf("the query ended with %v", err)
	}
	if server.Aborted() != 1 {
		t.Errorf("%d statements were aborted", server.Aborted())
	}
}

// A result of several parts that is not whole never looks like one, and what signs the parts is kept.
//
// Req: S-10
func TestPartsThatBreak(t *testing.T) {
	t.Parallel()
	server := standIn(t)
	source := openAt(t, snowflake.Info(), settingsOf(t, server))
	q := connector.Query{SQL: "SELECT id, repeat(name, 200) AS name FROM (" + rowsSQL(40_000) + ") AS r"}
	if n, err := drain(t.Context(), source, q); n != 40_000 || err != nil {
		t.Fatalf("%d rows: %v", n, err)
	}
	for name, cut := range map[string]func([]byte) []byte{
		"in a record":     func(b []byte) []byte { return b[:len(b)/2] },
		"between records": func(b []byte) []byte { return b[:afterFirstBatch(b)] },
		"nothing":         func([]byte) []byte { return nil },
		"no Arrow":        func([]byte) []byte { return []byte("<Error>AccessDenied</Error>") },
	} {
		server.Cut(cut)
		n, err := drain(t.Context(), source, q)
		if err == nil || n >= 40_000 {
			t.Errorf("%s: %d rows look like all of them", name, n)
			continue
		}
		if fault.ClassOf(err) != fault.Retryable || strings.Contains(err.Error()+fault.As(err).Hint(), "signed-secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	server.Cut(nil)
	if n, err := drain(t.Context(), source, q); n != 40_000 || err != nil {
		t.Errorf("%d rows: %v", n, err)
	}
}

// afterFirstBatch finds the end of the second message of a stream: a schema and a batch of records. A message is a mark,
// the length of its metadata, the metadata, and a body, whose length the metadata holds; the next mark shows where it ends.
func afterFirstBatch(b []byte) int {
	at := 0
	for range 2 {
		at += 8 + int(binary.LittleEndian.Uint32(b[at+4:]))
		for binary.LittleEndian.Uint32(b[at:]) != 0xFFFFFFFF {
			at += 8
		}
	}
	return at
}

// Req: M-30, M-33
func TestPlaces(t *testing.T) {
	t.Parallel()
	server := standIn(t)
	source := openAt(t, snowflake.Info(), settingsOf(t, server))
	for _, c := range []struct {
		sql          string
		line, column int
		hint         string
	}{
		{"SELECT no_such FROM (SELECT 1 AS id) AS t", 1, 8, "Names that nobody quoted are in capitals"},
		{"SELECT 1 AS ä, no_such\nFROM (SELECT 1 AS id) AS t", 1, 16, "Check the column's name"},
		{"SELECT *\n  FROM nowhere_at_all -- ö", 2, 8, "DATABASE.SCHEMA.OBJECT"},
		{"SELECT 1 AS nowhere_at_all\n  FROM nowhere_at_all", 0, 0, "DATABASE.SCHEMA.OBJECT"},
	} {
		for _, limit := range []int64{0, 9} {
			_, err := drain(t.Context(), source, connector.Query{SQL: c.sql, Limit: limit})
			got := fault.As(err)
			if n := len(server.Logins()); n != 1 {
				t.Errorf("after %d logins: a refused statement ended its session", n)
			}
			if got.Place.Line != c.line || limit == 0 && got.Place.Column != c.column || !strings.Contains(got.Hint(), c.hint) {
				t.Errorf("%q with the limit %d: %+v, %v: %s", c.sql, limit, got.Place, err, got.Hint())
			}
		}
	}
}

// A statement that is no query is refused before it is sent: the table is as it was.
//
// Req: M-18
func TestNoSelect(t *testing.T) {
	t.Parallel()
	server := standIn(t, `CREATE TABLE "T" ("A" BIGINT)`)
	source := openAt(t, snowflake.Info(), settingsOf(t, server))
	for _, sql := range []string{`DELETE FROM "T"`, `DROP TABLE "T"`, "COMMIT", "/* SELECT */ INSERT INTO \"T\" SELECT 1", "CALL p()", `SELECT 1 ->> DELETE FROM "T"`, "EXECUTE IMMEDIATE 'DROP TABLE \"T\"'", "BEGIN DROP TABLE \"T\"; END"} {
		if _, err := drain(t.Context(), source, connector.Query{SQL: sql}); !fault.Is(err, fault.CodeSourceQuery) {
			t.Errorf("%s: %v", sql, err)
		}
	}
	for _, sql := range []string{`-- a comment
		(SELECT "A" FROM "T")`, `WITH t AS (SELECT "A" FROM "T") SELECT * FROM t;`} {
		if n, err := drain(t.Context(), source, connector.Query{SQL: sql}); err != nil || n != 0 {
			t.Errorf("%s: %d rows, %v", sql, n, err)
		}
	}
}

// Req: X-19
func TestTheDriverIsKeptQuiet(t *testing.T) {
	t.Parallel()
	if !quiet.Done() {
		t.Error("the driver's native library and its look at the cloud's metadata are not switched off")
	}
}

// The set-up has the names that the source has, also those with quotes.
//
// Req: S-42, S-45, S-46
func TestGrants(t *testing.T) {
	t.Parallel()
	plain := connector.GrantsFor(snowflake.Info(), connector.Settings{"user": "MILLRACE_USER"})
	iceberg := connector.GrantsFor(snowflake.IcebergInfo(), connector.Settings{"user": "MILLRACE_USER", connector.FieldPlannerSchema: "plans"})
	odd := connector.GrantsFor(snowflake.Info(), connector.Settings{"user": `O'Brien`, connector.FieldAuditSchema: `our "audit"`})
	if !strings.Contains(odd, "SET millrace_user = 'O''Brien';") || !strings.Contains(odd, `SCHEMA "our ""audit"""`) || strings.Contains(odd+plain+iceberg, "{") {
		t.Errorf("the set-up does not fit the names:\n%s", odd)
	}
	for _, want := range []string{"TYPE = SERVICE", "RSA_PUBLIC_KEY", "SET millrace_user = 'MILLRACE_USER'", "FUTURE TABLES", "FUTURE VIEWS", "TO ROLE SYSADMIN", `CREATE SCHEMA IF NOT EXISTS "millrace_planner"`, `GRANT OWNERSHIP ON SCHEMA "millrace_audit"`} {
		if !strings.Contains(plain, want) {
			t.Errorf("the set-up lacks %s", want)
		}
	}
	for _, want := range []string{"DEFAULT_TIMEZONE = 'UTC'", "GRANT USAGE ON EXTERNAL VOLUME", `"plans"`} {
		if !strings.Contains(iceberg, want) || strings.Contains(plain, want) {
			t.Errorf("only the set-up of Iceberg has %s", want)
		}
	}
}

// Commands that change rows are done together; one that makes a table ends what was done before it.
//
// Req: S-10
func TestTransactions(t *testing.T) {
	t.Parallel()
	server := standIn(t, `CREATE SCHEMA "S"`, `CREATE TABLE "S"."T" ("A" BIGINT)`)
	w := openAt(t, snowflake.Info(), settingsOf(t, server)).(connector.Warehouse)
	insert := connector.Query{SQL: `INSERT INTO "S"."T" ("A") SELECT 1`}
	if _, err := w.Execute(t.Context(), insert, insert, connector.Query{SQL: `INSERT INTO "S"."NOWHERE" ("A") SELECT 1`}); err == nil {
		t.Fatal("a table that is not there was written to")
	}
	count := func() int64 {
		n, err := drain(t.Context(), w, connector.Query{SQL: `SELECT * FROM "S"."T"`})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(); n != 0 {
		t.Errorf("%d rows are left of what failed", n)
	}
	if n, err := w.Execute(t.Context(), insert, insert, connector.Query{SQL: `CREATE TABLE "S"."U" ("A" BIGINT)`}, insert, connector.Query{SQL: `UPDATE "S"."T" SET "A" = "A" + 1`}); n != 3 || err != nil {
		t.Errorf("%d rows: %v", n, err)
	}
	if n := count(); n != 3 {
		t.Errorf("%d rows", n)
	}
	if n, err := w.Execute(t.Context()); n != 0 || err != nil {
		t.Errorf("no command: %d, %v", n, err)
	}
}

// Req: S-11, S-45
func TestIcebergTables(t *testing.T) {
	t.Parallel()
	server := standIn(t)
	w := openAt(t, snowflake.IcebergInfo(), icebergOf(t, server)).(connector.Warehouse)
	if err := connector.TestWarehouse(t.Context(), w, snowflake.IcebergInfo(), icebergOf(t, server)); err != nil {
		t.Fatal(err)
	}
	r, err := w.Query(t.Context(), connector.Query{SQL: `SELECT PARSE_JSON('{"a":"it''s"}') AS "j", CAST('2024-02-29 12:34:56.789012+02:00' AS TIMESTAMP WITH TIME ZONE) AS "at", CAST(NULL AS VARCHAR) AS "n"`})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	table := query.TableRef{Schema: "millrace_planner", Name: "mixed"}
	if err := w.Load(t.Context(), table, r); err != nil {
		t.Fatal(err)
	}
	columns, err := w.Columns(t.Context(), table)
	if err != nil || !slices.Equal(columns.Names(), []string{"j", "at", "n"}) || columns[0].Type != "string" {
		t.Errorf("%+v, %v", columns, err)
	}
	back, err := w.Query(t.Context(), connector.Query{SQL: w.Dialect().SelectTable(table)})
	if err != nil {
		t.Fatal(err)
	}
	defer back.Release()
	if !back.Next() || back.RecordBatch().Column(0).(*array.String).Value(0) != `{"a":"it's"}` || back.RecordBatch().Column(1).(*array.Timestamp).Value(0) != 1_709_202_896_789_012 || back.RecordBatch().Column(2).IsValid(0) {
		t.Errorf("%v, %v", back.RecordBatch(), back.Err())
	}
}
