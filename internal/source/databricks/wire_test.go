package databricks_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/databricks"
	"github.com/millrace/millrace/internal/source/databricks/databrickstest"
)

// other connects in every other way that the settings know: a token, a warehouse for each class, loads by files; lists
// travel as such.
func other(s *databrickstest.Server) connector.Settings {
	settings := connector.Settings(s.Settings())
	delete(settings, "httpPath")
	delete(settings, "clientId")
	delete(settings, "clientSecret")
	delete(settings, "catalog")
	maps.Copy(settings, connector.Settings{
		"authentication": "token", "token": databrickstest.Token, "routing": "split", "volume": databrickstest.Volume,
		"batchHttpPath": "/sql/1.0/warehouses/" + databrickstest.Warehouse, "interactiveHttpPath": "sql/1.0/endpoints/" + databrickstest.Second,
	})
	return settings
}

// The contract of sources holds for every alternative of the settings.
//
// Req: S-14, S-55, S-57, S-58
func TestConformanceOfTheAlternatives(t *testing.T) {
	t.Parallel()
	s := start(t, databrickstest.Options{Native: true, ChunkRows: 3000})
	f := fixture(s, other(s))
	expired := maps.Clone(f.Settings)
	expired["token"] = "dapi-expired-token"
	f.Failing = []sourcetest.Failing{{Name: "expired token", Settings: expired, Code: fault.CodeSourceAuth, Says: "Unauthorized/Forbidden: 403"}}
	sourcetest.Run(t, f)
}

// read runs a query and reads it whole.
func read(t *testing.T, c connector.Source, q connector.Query) sourcetest.Table {
	t.Helper()
	r, err := c.Query(t.Context(), q)
	if err != nil {
		t.Fatalf("%s: %v", q.SQL, err)
	}
	defer r.Release()
	return sourcetest.Read(t, r)
}

// failing runs a query that must fail, and returns its error.
func failing(t *testing.T, c connector.Source, q connector.Query) *fault.Error {
	t.Helper()
	r, err := c.Query(t.Context(), q)
	if err == nil {
		defer r.Release()
		for r.Next() {
			_ = r.RecordBatch() // until it fails
		}
		err = r.Err()
	}
	if err == nil {
		t.Fatalf("%s worked", q.SQL)
	}
	return fault.As(err)
}

// Each class of work goes to its warehouse, in UTC, with its tag in the history of queries and in the statement.
//
// Req: S-07, S-57, S-90
func TestRouting(t *testing.T) {
	t.Parallel()
	s := start(t, databrickstest.Options{})
	c := openAt(t, other(s))
	for class, want := range map[connector.Workload]string{connector.WorkloadBatch: databrickstest.Warehouse, connector.WorkloadInteractive: databrickstest.Second} {
		tag := "sync 1 " + string(class)
		read(t, c, connector.Query{SQL: "SELECT 1 AS id", Class: class, Tag: tag})
		asked := s.Asked()
		last := asked[len(asked)-1]
		if last.Warehouse != want || last.Tag != tag || !strings.HasPrefix(last.SQL, "/* "+tag+" */ ") {
			t.Errorf("%s was asked as %+v", class, last)
		}
		if last.Session.Confs["TIMEZONE"] != "UTC" || last.Session.Schema != "shop" || last.Session.Catalog != "" {
			t.Errorf("the session is %+v", last.Session)
		}
	}
	if err := c.Test(t.Context()); err != nil {
		t.Fatal(err)
	}
	tested := map[string]bool{}
	for _, a := range s.Asked() {
		tested[a.Warehouse] = tested[a.Warehouse] || a.Tag == "test"
	}
	if len(tested) != 2 || !tested[databrickstest.Warehouse] || !tested[databrickstest.Second] {
		t.Errorf("a test reaches the warehouses %v", tested)
	}
	if n := s.Sessions(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

// Discovery lists the schema of the settings and nothing else; queries reach other schemas and catalogs by their names.
//
// Req: S-58
func TestSchema(t *testing.T) {
	t.Parallel()
	s := start(t, databrickstest.Options{})
	c := openAt(t, s.Settings())
	found, err := c.Introspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if f.Ref.Schema != "shop" {
			t.Errorf("%s is listed", f.Ref)
		}
	}
	for _, sql := range []string{"SELECT count(*) AS n FROM other.things", "SELECT id FROM `elsewhere`.sales.orders"} {
		if got := read(t, c, connector.Query{SQL: sql}); len(got.Rows) != 1 {
			t.Errorf("%s yields %v", sql, got.Rows)
		}
	}
	if asked := s.Asked(); asked[0].Session.Catalog != databrickstest.Catalog {
		t.Errorf("the session is %+v", asked[0].Session)
	}
}

// A statement is sent as it was written, whatever the limit: no subquery is put around an order or around WITH.
//
// Req: S-61
func TestStatementStaysAsItIs(t *testing.T) {
	t.Parallel()
	s := start(t, databrickstest.Options{})
	c := openAt(t, s.Settings())
	sql := "WITH r AS (SELECT id FROM range(1, 100)) SELECT id FROM r ORDER BY id DESC -- the last first"
	got := read(t, c, connector.Query{SQL: sql, Limit: 2})
	if len(got.Rows) != 2 || got.Rows[0][0].String() != "99" {
		t.Errorf("it yields %v", got.Rows)
	}
	asked := s.Asked()
	if last := asked[len(asked)-1]; last.SQL != sql || last.RowLimit != 2 {
		t.Errorf("it was asked as %+v", last)
	}
}

// What is no query never runs.
func TestOnlyQueries(t *testing.T) {
	t.Parallel()
	s := start(t, databrickstest.Options{})
	c := openAt(t, s.Settings())
	for _, sql := range []string{"DROP TABLE shop.customers", "INSERT INTO other.things VALUES (1)", "-- SELECT\nDELETE FROM other.things", "SELECT 1 AS a; DROP TABLE shop.customers"} {
		if err := failing(t, c, connector.Query{SQL: sql}); err.Code != fault.CodeSourceQuery {
			t.Errorf("%s: %s %v", sql, err.Code, err)
		}
	}
	for _, a := range s.Asked() {
		if !strings.HasPrefix(a.SQL, "DESCRIBE QUERY ") {
			t.Errorf("%s ran", a.SQL)
		}
	}
}

// Errors of statements say what to do, in the warehouse's own words.
//
// Req: S-56, S-61, M-30
func TestClassesOfErrors(t *testing.T) {
	t.Parallel()
	s := start(t, databrickstest.Options{})
	c := openAt(t, s.Settings())
	for _, e := range []struct {
		sql, hint string
		code      fault.Code
	}{
		{"SELECT raise_error('java.lang.IllegalArgumentException: requirement failed: Subquery subquery#485, [id=#937] has not finished') AS a", "common table expression", fault.CodeSourceQuery},
		{"SELECT raise_error('[INSUFFICIENT_PERMISSIONS] Insufficient privileges: User does not have USE SCHEMA on Schema main.shop. SQLSTATE: 42501') AS a", "USE SCHEMA", fault.CodeSourceDenied},
		{"SELECT raise_error('[SCHEMA_NOT_FOUND] The schema `hive_metastore`.`information_schema` cannot be found.') AS a", "Unity Catalog", fault.CodeSourceQuery},
		{"SELECT raise_error('[QUERY_EXECUTION_TIMEOUT_EXCEEDED] too long') AS a", "STATEMENT_TIMEOUT", fault.CodeSourceTimeout},
		{"SELECT CAST('x' || id AS BIGINT) AS a FROM range(1, 3)", "try_cast", fault.CodeSourceQuery},
		{"SELECT gone FROM shop.customers", "backticks", fault.CodeSourceQuery},
		{"SELECT 1 AS a FROM shop.gone", "catalog.schema.table", fault.CodeSourceQuery},
	} {
		err := failing(t, c, connector.Query{SQL: e.sql})
		words := strings.TrimSuffix(strings.TrimPrefix(e.sql, "SELECT raise_error('"), "') AS a")
		if err.Code != e.code || !strings.Contains(err.Hint(), e.hint) || words != e.sql && err.Error() != words {
			t.Errorf("%s: %s %v; %s", e.sql, err.Code, err, err.Hint())
		}
	}
}

// answering lets the first requests with a mark in their path be answered otherwise.
func answering(s *databrickstest.Server, mark string, times int64, status int, header map[string]string, body string) *atomic.Int64 {
	var n atomic.Int64
	s.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.Method+" "+r.URL.Path, mark) || n.Add(1) > times {
			return false
		}
		for name, v := range header {
			w.Header().Set(name, v)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) //nolint:errcheck // whoever asked has gone
		return true
	})
	return &n
}

// A service principal's token that ends while a run goes on is renewed; a personal one is not, and the error says so.
//
// Req: S-55
func TestExpiredToken(t *testing.T) {
	t.Parallel()
	s := start(t, databrickstest.Options{})
	c := openAt(t, s.Settings())
	for range 2 {
		if got := read(t, c, connector.Query{SQL: "SELECT 1 AS id"}); len(got.Rows) != 1 {
			t.Errorf("it yields %v", got.Rows)
		}
		s.Revoke()
	}
	personal := openAt(t, other(s))
	answering(s, "POST /api/2.0/sql/statements", 9, http.StatusForbidden, nil, `{"error_code":"403","message":"Access token has expired."}`)
	err := failing(t, personal, connector.Query{SQL: "SELECT 1 AS id"})
	if err.Code != fault.CodeSourceAuth || err.Error() != "Unauthorized/Forbidden: 403: Access token has expired." || !strings.Contains(err.Hint(), "new access token") {
		t.Errorf("%s %v; %s", err.Code, err, err.Hint())
	}
	answering(s, "POST /api/2.0/sql/sessions", 9, http.StatusForbidden, nil, `{"error_code":"PERMISSION_DENIED","message":"You are not authorized to access this SQL Endpoint."}`)
	if err = failing(t, personal, connector.Query{SQL: "SELECT 1 AS id"}); err.Code != fault.CodeSourceDenied || !strings.Contains(err.Hint(), "Can use") {
		t.Errorf("%s %v; %s", err.Code, err, err.Hint())
	}
}

// A workspace that has too much to do is asked again when it says, and in the end the run is told to wait; so is one
// whose warehouse starts.
func TestPutOff(t *testing.T) {
	t.Parallel()
	s := start(t, databrickstest.Options{})
	c := openAt(t, s.Settings())
	soon := map[string]string{"Retry-After": "0"}
	for _, mark := range []string{"/oidc/v1/token", "POST /api/2.0/sql/statements", "GET /api/2.0/sql/statements", "POST /api/2.0/sql/sessions"} {
		for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
			n := answering(s, mark, 3, status, soon, `{"error_code":"TEMPORARILY_UNAVAILABLE","message":"The warehouse is starting."}`)
			if mark == "/oidc/v1/token" {
				s.Revoke()
			}
			if got := read(t, c, connector.Query{SQL: "SELECT 1 AS id"}); len(got.Rows) != 1 || n.Load() < 4 {
				t.Errorf("%s after %d: %v, asked %d times", mark, status, got.Rows, n.Load())
			}
		}
	}
	answering(s, "POST /api/2.0/sql/statements", 1<<40, http.StatusTooManyRequests, soon, `{"error_code":"REQUEST_LIMIT_EXCEEDED","message":"Too many requests."}`)
	if err := failing(t, c, connector.Query{SQL: "SELECT 1 AS id"}); err.Class != fault.Throttled || !strings.Contains(err.Error(), "Too many requests.") {
		t.Errorf("%s %v", err.Class, err)
	}
	answering(s, "POST /api/2.0/sql/statements", 1<<40, http.StatusServiceUnavailable, soon, `{"error_code":"TEMPORARILY_UNAVAILABLE","message":"The warehouse is starting."}`)
	if err := failing(t, c, connector.Query{SQL: "SELECT 1 AS id"}); err.Class != fault.Retryable || !strings.Contains(err.Error(), "is starting") {
		t.Errorf("%s %v", err.Class, err)
	}
}

// torn lets a number of downloads break off in the middle.
func torn(s *databrickstest.Server, times int64) *atomic.Int64 {
	var n atomic.Int64
	s.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/storage/") || n.Add(1) > times {
			return false
		}
		s.Tear(w, r, 100_000)
		return true
	})
	return &n
}

// A part of a result that breaks off is read again from where it broke, and no row comes twice or is missing; where it
// does not come at all, the rows end with an error.
func TestTornResult(t *testing.T) {
	t.Parallel()
	s := start(t, databrickstest.Options{ChunkRows: 20_000})
	c := openAt(t, s.Settings())
	q := connector.Query{SQL: "SELECT id, 'row ' || id AS name FROM range(1, 50001)"}
	n := torn(s, 2)
	got := read(t, c, q)
	if len(got.Rows) != 50_000 || n.Load() < 3 {
		t.Fatalf("%d rows after %d downloads", len(got.Rows), n.Load())
	}
	for i, row := range got.Rows {
		if row[0].Int() != int64(i+1) {
			t.Fatalf("row %d has the id %d", i, row[0].Int())
		}
	}
	torn(s, 1<<40)
	if err := failing(t, c, q); err.Code != fault.CodeSourceUnreachable || err.Class != fault.Retryable {
		t.Errorf("%s of the class %s: %v", err.Code, err.Class, err)
	}
}

// The address of a part that has ended is asked for again. An error names the storage's host, and never the address.
func TestStorage(t *testing.T) {
	t.Parallel()
	s := start(t, databrickstest.Options{})
	c := openAt(t, s.Settings())
	q := connector.Query{SQL: "SELECT id FROM range(1, 11)"}
	answering(s, "GET /storage/", 1, http.StatusForbidden, nil, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")
	if got := read(t, c, q); len(got.Rows) != 10 {
		t.Errorf("%d rows", len(got.Rows))
	}
	answering(s, "GET /storage/", 1<<40, http.StatusForbidden, nil, "<Code>AuthorizationFailure</Code> sig=signed-by-the-stand-in")
	err := failing(t, c, q)
	if text := err.Error() + err.Hint(); err.Code != fault.CodeSourceUnreachable || !strings.Contains(text, "127.0.0.1") || !strings.Contains(text, "AuthorizationFailure") || strings.Contains(text, "signed-by") {
		t.Errorf("%s %v; %s", err.Code, err, err.Hint())
	}
	s.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/storage/") {
			panic(http.ErrAbortHandler)
		}
		return false
	})
	if err = failing(t, c, q); strings.Contains(err.Error()+err.Hint(), "sig=") {
		t.Errorf("the address appears in %v", err)
	}
}

// A result with fewer rows than the workspace says, or with more columns than were described, is an error.
func TestShortResult(t *testing.T) {
	t.Parallel()
	s := start(t, databrickstest.Options{})
	c := openAt(t, s.Settings())
	for change, says := range map[string][2]string{
		`"total_row_count":10`: {`"total_row_count":11`, "11 rows, and 10 arrived"},
		`"column_count":1`:     {`"column_count":1`, ""},
		`"truncated":false`:    {`"truncated":true`, "cut off the result"},
		`"columns":[`:          {`"columns":[{"name":"new","type_text":"INT","type_name":"INT"},`, "2 columns, and 1 were described"},
	} {
		s.Alter(change, says[0])
		r, err := c.Query(t.Context(), connector.Query{SQL: "SELECT id FROM range(1, 11)"})
		if err == nil {
			for r.Next() {
				_ = r.RecordBatch() // until it fails
			}
			err = r.Err()
			r.Release()
		}
		if says[1] == "" && err != nil || says[1] != "" && (err == nil || !strings.Contains(err.Error(), says[1])) {
			t.Errorf("%s: %v", change, err)
		}
	}
}

// A statement whose order is on its way when the context ends is stopped as soon as the workspace says its name.
func TestCancelledOnTheWay(t *testing.T) {
	t.Parallel()
	s := start(t, databrickstest.Options{})
	c := openAt(t, s.Settings())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/sql/statements") && len(s.Asked()) == 1 {
			cancel()
		}
		return false
	})
	f := fixture(s, s.Settings())
	_, err := c.Query(ctx, connector.Query{SQL: f.Endless, Tag: "on its way"})
	if !fault.Is(err, fault.CodeSourceTimeout) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if len(s.Asked()) != 2 || s.Sessions() != 0 {
		t.Errorf("%d statements were asked, %d sessions are left", len(s.Asked()), s.Sessions())
	}
	s.Wait()
	if s.Running("on its way") {
		t.Error("the statement runs")
	}
}

// A statement that somebody stops at the warehouse ends with an error that says so.
func TestStoppedAtTheWarehouse(t *testing.T) {
	t.Parallel()
	s := start(t, databrickstest.Options{})
	c := openAt(t, s.Settings())
	s.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && len(s.Asked()) == 2 {
			s.Kill()
		}
		return false
	})
	err := failing(t, c, connector.Query{SQL: fixture(s, s.Settings()).Endless})
	if err.Code != fault.CodeSourceTimeout || !strings.Contains(err.Error(), "CANCELED") {
		t.Errorf("%s %v", err.Code, err)
	}
}

// Everything goes through the network of the options, and errors of reaching name the addresses to admit.
//
// Req: X-19
func TestNetwork(t *testing.T) {
	t.Parallel()
	s := start(t, databrickstest.Options{})
	info := databricks.Info()
	dialled := func(network connector.Network) error {
		c, err := info.Open(connector.SourceOptions{Settings: connector.Settings(s.Settings()).WithDefaults(info.Fields), Dir: t.TempDir(), Network: network})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close() //nolint:errcheck // the test is over
		return c.Test(t.Context())
	}
	var n atomic.Int64
	direct := net.Dialer{}
	if err := dialled(connector.Network{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		n.Add(1)
		return direct.DialContext(ctx, network, address)
	}}); err != nil || n.Load() == 0 {
		t.Errorf("%d connections: %v", n.Load(), err)
	}
	err := dialled(connector.Network{Egress: []string{"192.0.2.7"}, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no route")
	}})
	if !fault.Is(err, fault.CodeSourceUnreachable) || !strings.HasSuffix(fault.As(err).Hint(), "This server connects from 192.0.2.7.") {
		t.Errorf("%v; %s", err, fault.As(err).Hint())
	}
}

// What answers and is no workspace is told from one.
func TestNoWorkspace(t *testing.T) {
	t.Parallel()
	s := start(t, databrickstest.Options{})
	c := openAt(t, s.Settings())
	answering(s, "POST /api/2.0/sql/sessions", 1, http.StatusOK, nil, "<html>Welcome</html>")
	if err := failing(t, c, connector.Query{SQL: "SELECT 1 AS id"}); err.Code != fault.CodeSourceUnreachable || err.Class != fault.Fatal || !strings.Contains(err.Hint(), "hostname") {
		t.Errorf("%s %v; %s", err.Code, err, err.Hint())
	}
	answering(s, "POST /api/2.0/sql/sessions", 1, http.StatusFound, map[string]string{"Location": "https://127.0.0.1:1/login"}, "<html>")
	if err := failing(t, c, connector.Query{SQL: "SELECT 1 AS id"}); err.Code != fault.CodeSourceUnreachable {
		t.Errorf("%s %v; %s", err.Code, err, err.Hint())
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler()}
	go server.Serve(plain)                   //nolint:errcheck // it ends with the test
	t.Cleanup(func() { _ = server.Close() }) //nolint:errcheck // the test is over
	settings := connector.Settings(s.Settings())
	settings["port"] = plain.Addr().(*net.TCPAddr).Port
	if err := failing(t, openAt(t, settings), connector.Query{SQL: "SELECT 1 AS id"}); err.Code != fault.CodeSourceUnreachable || !strings.Contains(err.Hint(), "TLS") {
		t.Errorf("%s %v; %s", err.Code, err, err.Hint())
	}
}

// A loaded table is whole or as it was, and files leave nothing behind.
func TestLoadLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]func(*databrickstest.Server) connector.Settings{
		"statements": func(s *databrickstest.Server) connector.Settings { return s.Settings() }, "files": other,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, databrickstest.Options{Setup: []string{"CREATE TABLE millrace_planner.kept AS SELECT 1::BIGINT AS id, 'old' AS name"}})
			c := openAt(t, settings(s)).(connector.Warehouse)
			table := connector.Table{}.Ref
			table.Schema, table.Name = "millrace_planner", "kept"
			for _, more := range []bool{false, true} {
				s.Refuse("millrace_planner`.`kept")
				r, err := c.Query(t.Context(), connector.Query{SQL: "SELECT id, 'row ' || id AS name FROM range(1, 5001)"})
				if err != nil {
					t.Fatal(err)
				}
				if more {
					err = c.Append(t.Context(), table, r)
				} else {
					err = c.Load(t.Context(), table, r)
				}
				r.Release()
				if err == nil {
					t.Error("a load that is refused worked")
				}
				s.Refuse("")
				if got := read(t, c, connector.Query{SQL: "SELECT * FROM millrace_planner.kept"}); len(got.Rows) != 1 || got.Rows[0][1].String() != "old" {
					t.Errorf("the table has %d rows", len(got.Rows))
				}
			}
			names, err := c.OwnTables(t.Context(), "millrace_planner", "kept")
			if files := s.Files(); err != nil || fmt.Sprint(names) != "[kept]" || len(files) > 0 {
				t.Errorf("left are the tables %v and the files %v, %v", names, files, err)
			}
		})
	}
}

// A test under the Lightning engine that may not write names the schema, and the SQL that grants it.
//
// Req: S-03, S-46, S-56, S-60, SY-47
func TestGrants(t *testing.T) {
	t.Parallel()
	s := start(t, databrickstest.Options{})
	c := openAt(t, s.Settings())
	s.Refuse("millrace_audit")
	err := connector.TestWarehouse(t.Context(), c, databricks.Info(), s.Settings())
	hint := fault.As(err).Hint()
	for _, privilege := range []string{"USE CATALOG", "USE SCHEMA", "EXECUTE", "READ VOLUME", "SELECT", "MODIFY", "CREATE TABLE", "Can use", "`millrace_audit`", "`millrace_planner`",
		"MANAGED LOCATION 's3://", "BROWSE, CREATE EXTERNAL TABLE, READ FILES, WRITE FILES ON EXTERNAL LOCATION", "CREATE EXTERNAL TABLE, READ FILES, WRITE FILES ON STORAGE CREDENTIAL"} {
		if !fault.Is(err, fault.CodeSourceDenied) || !strings.Contains(err.Error(), `"millrace_audit"`) || !strings.Contains(hint, privilege) {
			t.Errorf("%v does not name %s: %s", err, privilege, hint)
		}
	}
}

// The legacy dialect reads names in double quotes, and says where it errs; the dialect of Databricks takes them for texts.
//
// Req: S-59
func TestLegacyDialect(t *testing.T) {
	t.Parallel()
	s := start(t, databrickstest.Options{})
	settings := connector.Settings(s.Settings())
	settings["dialect"] = "ansi"
	sql := `SELECT "id", 'it''s \' AS "a ""text""" FROM "shop"."customers" WHERE "id" = 1`
	got := read(t, openAt(t, settings), connector.Query{SQL: sql, Limit: 5})
	if len(got.Rows) != 1 || got.Rows[0][0].String() != "1" || got.Rows[0][1].String() != `it's \` || got.Schema[1].Name != `a "text"` {
		t.Errorf("it yields %v of %v", got.Rows, got.Schema)
	}
	if err := failing(t, openAt(t, settings), connector.Query{SQL: "SELECT 1 AS \"a\",\n \"gone\" FROM \"shop\".\"customers\""}); err.Place.Line != 2 {
		t.Errorf("%+v: %v", err.Place, err)
	}
	if got := read(t, openAt(t, s.Settings()), connector.Query{SQL: `SELECT "id" AS a FROM shop.customers LIMIT 1`}); got.Rows[0][0].String() != "id" {
		t.Errorf("it yields %v", got.Rows)
	}
}
