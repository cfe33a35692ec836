package trino

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/trino/trinotest"
	"github.com/millrace/millrace/internal/value"
)

// consume reads a statement to its end.
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

// Req: S-27, M-30
func TestErrors(t *testing.T) {
	t.Parallel()
	_, settings := stand(t, trinotest.Options{Deny: []string{"secret"}})
	s := openAt(t, settings)
	for _, c := range []struct {
		sql, says, hint string
		code            fault.Code
	}{
		{`SELECT * FROM "shop"."secret"`, "Access Denied", "access control", fault.CodeSourceDenied},
		{"SELECT CAST('x' AS INTEGER) AS n", "Could not convert", "TRY_CAST", fault.CodeSourceQuery},
		{"DELETE FROM shop.customers", "no query", "SELECT", fault.CodeSourceQuery},
		{"/* SELECT */ -- SELECT\n DROP TABLE shop.customers", "no query", "SELECT", fault.CodeSourceQuery},
		{"EXPLAIN ANALYZE DELETE FROM shop.customers", "no query", "SELECT", fault.CodeSourceQuery},
		{"", "no query", "SELECT", fault.CodeSourceQuery},
		{"SELECT 1 AS a; DELETE FROM shop.customers", "mismatched input ';'", "", fault.CodeSourceQuery},
	} {
		for _, limit := range []int64{0, 1} {
			_, err := consume(t, s, connector.Query{SQL: c.sql, Limit: limit})
			if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) || !strings.Contains(fault.As(err).Hint(), c.hint) {
				t.Errorf("%q: %v (%s)", c.sql, err, fault.As(err).Hint())
			}
		}
	}
	if n, err := consume(t, s, connector.Query{SQL: "SELECT id FROM shop.customers"}); n != 250 || err != nil {
		t.Errorf("%d rows are left: %v", n, err)
	}
	if err := openAt(t, with(settings, "catalog", "no_such")).Test(t.Context()); !fault.Is(err, fault.CodeSourceQuery) || !strings.Contains(err.Error(), "Catalog 'no_such' not found") || !strings.Contains(fault.As(err).Hint(), "catalogue") {
		t.Errorf("another catalogue: %v", err)
	}
}

// A column that is gone is named by the server.
//
// Req: S-27
func TestDroppedColumn(t *testing.T) {
	t.Parallel()
	server, settings := stand(t, trinotest.Options{})
	s := openAt(t, settings)
	q := connector.Query{SQL: "SELECT id, email FROM shop.customers", Class: connector.WorkloadInteractive}
	if n, err := consume(t, s, q); n != 250 || err != nil {
		t.Fatalf("%d rows: %v", n, err)
	}
	for _, sql := range []string{"DROP VIEW shop.active", "ALTER TABLE shop.customers DROP COLUMN email"} {
		if _, err := server.Engine.Execute(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := consume(t, s, q); !fault.Is(err, fault.CodeSourceQuery) || !strings.Contains(err.Error(), "Column 'email' cannot be resolved") || fault.As(err).Place.Line != 1 {
		t.Errorf("without the column: %v at %+v", err, fault.As(err).Place)
	}
}

// Encryption is refused, or answers for something else.
//
// Req: S-27, S-73
func TestEncryption(t *testing.T) {
	t.Parallel()
	_, plain := stand(t, trinotest.Options{Plain: true})
	if err := openAt(t, plain).Test(t.Context()); err != nil {
		t.Errorf("without encryption: %v", err)
	}
	err := openAt(t, with(plain, "disableEncryption", false)).Test(t.Context())
	if !fault.Is(err, fault.CodeSourceUnreachable) || fault.ClassOf(err) != fault.Fatal || !strings.Contains(fault.As(err).Hint(), "disable encryption") {
		t.Errorf("encryption that the server does not offer: %v (%s)", err, fault.As(err).Hint())
	}
	if _, err := Info().Open(connector.SourceOptions{Settings: connector.Settings{"caCertificate": "no PEM"}}); !fault.Is(err, fault.CodeInvalid) || fault.As(err).Path != "caCertificate" {
		t.Errorf("a bad certificate: %v", err)
	}
}

// A busy gateway is asked again, one that breaks is not taken for the end of the rows.
//
// Req: S-27
func TestGateway(t *testing.T) {
	t.Parallel()
	var busy, cut atomic.Int64
	_, settings := stand(t, trinotest.Options{Break: func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case busy.Add(-1) >= 0:
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		case r.Method == http.MethodGet && cut.Load() > 0 && (cut.CompareAndSwap(1, 1) || cut.Add(-1) == 0):
			panic(http.ErrAbortHandler)
		default:
			return false
		}
	}})
	s := openAt(t, settings)
	busy.Store(2)
	if n, err := consume(t, s, connector.Query{SQL: numbers(5000)}); n != 5000 || err != nil {
		t.Errorf("after two 503: %d rows, %v", n, err)
	}
	busy.Store(0)
	cut.Store(10)
	n, err := consume(t, s, connector.Query{SQL: numbers(1_000_000)})
	if !fault.Is(err, fault.CodeSourceUnreachable) || fault.ClassOf(err) != fault.Retryable || n >= 1_000_000 {
		t.Errorf("a connection that was cut: %d rows, %v", n, err)
	}
}

// Rows that an administrator ends are no result.
//
// Req: S-27
func TestKilledMidway(t *testing.T) {
	t.Parallel()
	server, settings := stand(t, trinotest.Options{})
	r, err := openAt(t, settings).Query(t.Context(), connector.Query{SQL: numbers(1_000_000)})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if !r.Next() {
		t.Fatal(r.Err())
	}
	server.Kill()
	for r.Next() {
	}
	if !fault.Is(r.Err(), fault.CodeSourceTimeout) || !strings.Contains(r.Err().Error(), "Query killed via API") {
		t.Errorf("after the end: %v", r.Err())
	}
}

// Presto has its own headers, and says in its message where an error is.
//
// Req: S-27, S-73
func TestPresto(t *testing.T) {
	t.Parallel()
	server, settings := stand(t, trinotest.Options{Presto: true})
	s := openAt(t, settings)
	if n, err := consume(t, s, connector.Query{SQL: numbers(3000), Limit: 2500}); n != 2500 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
	if _, err := consume(t, s, connector.Query{SQL: "SELECT 1 AS a,\n no_such_column", Limit: 1}); fault.As(err).Place != (fault.Place{Line: 2, Column: 2}) {
		t.Errorf("%v at %+v", err, fault.As(err).Place)
	}
	if _, err := s.Introspect(t.Context()); err != nil {
		t.Error(err)
	}
	for _, h := range server.Statements() {
		for name := range h {
			if strings.HasPrefix(name, "X-Trino-") {
				t.Errorf("Presto was sent %s", name)
			}
		}
	}
	if err := openAt(t, with(settings, "engine", engineTrino)).Test(t.Context()); !fault.Is(err, fault.CodeSourceUnreachable) || !strings.Contains(fault.As(err).Hint(), "Presto") {
		t.Errorf("Trino's headers: %v", err)
	}
}

// What the server's own log shows of a statement.
//
// Req: S-07
func TestTags(t *testing.T) {
	t.Parallel()
	server, settings := stand(t, trinotest.Options{})
	if _, err := consume(t, openAt(t, with(settings, "connector", connectorHive)), connector.Query{SQL: "SELECT 1 AS a", Tag: "sync 1,\nrün 2", Class: connector.WorkloadBatch}); err != nil {
		t.Fatal(err)
	}
	all := server.Statements()
	h := all[len(all)-1]
	for name, want := range map[string]string{
		"Client-Tags": "millrace,millrace-batch,sync 1  r n 2", "Source": "millrace", "Time-Zone": "UTC", "Catalog": trinotest.Catalog,
		"Session": trinotest.Catalog + ".timestamp_precision=MICROSECONDS", "Client-Capabilities": "PARAMETRIC_DATETIME",
	} {
		if got := h.Get("X-Trino-" + name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// Without a default catalogue, tables are named with theirs, and nothing is written.
//
// Req: S-27
func TestNoCatalog(t *testing.T) {
	t.Parallel()
	_, settings := stand(t, trinotest.Options{})
	s := openAt(t, with(settings, "catalog", ""))
	tables, err := s.Introspect(t.Context())
	if err != nil || len(tables) == 0 || tables[0].Ref.Database != trinotest.Catalog {
		t.Fatalf("tables %v: %v", tables, err)
	}
	if n, err := consume(t, s, connector.Query{SQL: s.Dialect().SelectTable(tables[0].Ref)}); err != nil {
		t.Errorf("%d rows: %v", n, err)
	}
	if err := s.Test(t.Context()); err != nil {
		t.Error(err)
	}
	err = connector.TestWarehouse(t.Context(), s, Info(), settings)
	if !fault.Is(err, fault.CodeSourceDenied) || !strings.Contains(err.Error(), "default catalogue") {
		t.Errorf("writing: %v", err)
	}
}

// An append that fails adds nothing, and leaves nothing behind.
//
// Req: S-27
func TestAppendIsWhole(t *testing.T) {
	t.Parallel()
	server, settings := stand(t, trinotest.Options{})
	s := openAt(t, settings).(connector.Warehouse)
	table := query.TableRef{Schema: "millrace_planner", Name: "whole"}
	if _, err := server.Engine.Execute(t.Context(), `CREATE TABLE millrace_planner.whole (k BIGINT CHECK (k < 2500))`); err != nil {
		t.Fatal(err)
	}
	for last, want := range map[int]int64{2499: 2499, 3000: 0} {
		r, err := s.Query(t.Context(), connector.Query{SQL: fmt.Sprintf("SELECT id AS k FROM (%s) AS r", numbers(int64(last)))})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Append(t.Context(), table, r)
		r.Release()
		if (err == nil) != (want > 0) {
			t.Errorf("up to %d: %v", last, err)
		}
	}
	if n, err := consume(t, s, connector.Query{SQL: s.Dialect().SelectTable(table)}); n != 2499 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
	if names, err := s.OwnTables(t.Context(), "millrace_planner", "whole"); len(names) != 1 || err != nil {
		t.Errorf("left are %v, %v", names, err)
	}
}

// How the tables of the Lightning engine are made is up to the connector.
//
// Req: S-73
func TestConnectors(t *testing.T) {
	t.Parallel()
	columns := []query.NewColumn{{Name: "at", Type: query.TypeTimestamp}, {Name: "o", Type: query.TypeJSON}}
	table := query.TableRef{Schema: "p", Name: "t"}
	for _, c := range []struct{ engine, connector, create, instant, json string }{
		{engineTrino, connectorHive, `CREATE TABLE "p"."t" ("at" TIMESTAMP(6), "o" VARCHAR) WITH (format = 'ORC', transactional = true)`, "timestamp(6)", "varchar"},
		{engineTrino, connectorIceberg, `CREATE TABLE "p"."t" ("at" TIMESTAMP(6) WITH TIME ZONE, "o" VARCHAR)`, "timestamp(6) with time zone", "varchar"},
		{engineTrino, connectorPostgres, `CREATE TABLE "p"."t" ("at" TIMESTAMP(6) WITH TIME ZONE, "o" JSON)`, "timestamp(6) with time zone", "json"},
		{enginePresto, connectorHive, `CREATE TABLE "p"."t" ("at" TIMESTAMP, "o" VARCHAR)`, "timestamp", "varchar"},
	} {
		d := settings{Engine: c.engine, Connector: c.connector}.dialect()
		if got := d.Command(query.CreateTable{Table: table, Columns: columns}); got != c.create {
			t.Errorf("%s over %s: %s, want %s", c.engine, c.connector, got, c.create)
		}
		if _, native := d.Stored(query.Col("a"), "timestamp(3) with time zone"); native != c.instant {
			t.Errorf("%s over %s holds an instant as %s, want %s", c.engine, c.connector, native, c.instant)
		}
		if _, native := d.Stored(query.Col("a"), "json"); native != c.json {
			t.Errorf("%s over %s holds JSON as %s, want %s", c.engine, c.connector, native, c.json)
		}
	}
	if got := query.Trino.Command(query.CreateTable{Table: table, Columns: columns}); strings.Contains(got, "ORC") {
		t.Errorf("the dialect itself has changed: %s", got)
	}
}

// A text of 10 MB comes whole.
//
// Req: S-27
func TestLongText(t *testing.T) {
	t.Parallel()
	_, settings := stand(t, trinotest.Options{})
	r, err := openAt(t, settings).Query(t.Context(), connector.Query{SQL: "SELECT repeat('é', 5000000) AS t, 1 AS id UNION ALL SELECT 'x', 2"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	got := sourcetest.Read(t, r)
	if len(got.Rows) != 2 || len(got.Rows[0][0].Raw())+len(got.Rows[1][0].Raw()) != 10_000_001 || got.Schema[0].Type != value.TypeString {
		t.Errorf("%d rows", len(got.Rows))
	}
}
