//go:build teradata

package teradata

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/postgres/postgrestest"
	"github.com/millrace/millrace/internal/source/teradata/odbc"
	"github.com/millrace/millrace/internal/value"
	"github.com/millrace/millrace/test/services"
)

// The vendor's driver and database cannot be had, so that another driver of ODBC and its database stand in: everything
// between this package and the driver manager is the same.
const standInDriver = "PostgreSQL Unicode"

// catalogue is the part of Teradata's dictionary that discovery reads.
const catalogue = `
CREATE SCHEMA dbc;
CREATE TABLE dbc.tablesvx (databasename text, tablename text, tablekind char(1));
CREATE TABLE dbc.columnsvx (databasename text, tablename text, columnname text, columntype char(2), decimaltotaldigits smallint, decimalfractionaldigits smallint,
  nullable char(1), commentstring varchar(255), columnid smallint);
INSERT INTO dbc.tablesvx VALUES ('Sales', 'customers', 'T'), ('Sales', 'emails', 'V'), ('Sales', 'macro', 'M'), ('DBC', 'own', 'T'), ('millrace_planner', 'plan', 'T');
INSERT INTO dbc.columnsvx VALUES
  ('Sales', 'emails', 'email', NULL, NULL, NULL, 'Y', NULL, 1),
  ('Sales', 'customers', 'amount', 'D ', 12, 2, 'Y', NULL, 2), ('Sales', 'customers', 'id', 'I8', NULL, NULL, 'N', 'whom we know', 1), ('Sales', 'customers', 'seen', 'SZ', NULL, 6, 'Y', NULL, 3),
  ('Sales', 'macro', 'a', 'I ', NULL, NULL, 'Y', NULL, 1), ('DBC', 'own', 'a', 'I ', NULL, NULL, 'Y', NULL, 1), ('millrace_planner', 'plan', 'a', 'I ', NULL, NULL, 'Y', NULL, 1);`

// viewTypes turns on where the types of views' columns are listed.
const viewTypes = `CREATE VIEW dbc.columnsjqvx AS SELECT databasename, tablename, columnname, coalesce(columntype, 'CV')::char(2) AS columntype, decimaltotaldigits, decimalfractionaldigits,
  nullable, commentstring, columnid FROM dbc.columnsvx;`

var (
	top       = regexp.MustCompile(`(?s)SELECT TOP (\d+) \* FROM \((.*)\) AS "_millrace_model"`)
	queryBand = regexp.MustCompile(`SET QUERY_BAND = ('.*') FOR SESSION`)
)

// asPostgres is a statement of Teradata's in the stand-in's words. The query band becomes the name of the application.
func asPostgres(sql string) (string, error) {
	sql = queryBand.ReplaceAllString(sql, "SET application_name = $1")
	return top.ReplaceAllString(sql, `SELECT * FROM ($2) AS "_millrace_model" LIMIT $1`), nil
}

// standIn is a source whose database is a PostgreSQL server, and the server.
func standIn(t *testing.T, setup string, n connector.Network) (*Source, *pgx.Conn) {
	t.Helper()
	config, err := pgx.ParseConfig(services.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	db, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close(context.Background()) }) //nolint:errcheck // the test is over
	if _, err := db.Exec(t.Context(), setup); err != nil {
		t.Fatal(err)
	}
	host, port := postgrestest.Start(t, net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))), postgrestest.Face{Statement: asPostgres})
	s := openStandIn(t, connector.Settings{"host": host, "port": port, "user": config.User, "database": config.Database}, n)
	if _, err := odbc.Open(t.Context(), "DRIVER={"+standInDriver+"};Servername=127.0.0.1;Port=1;UID=u;Database=d"); isMissing(err) {
		t.Skipf("the ODBC driver %s is needed: apt-get install odbc-postgresql: %v", standInDriver, err)
	}
	return s, db
}

func isMissing(err error) bool {
	said, ok := errors.AsType[*odbc.Error](err)
	return ok && said.State == "01000" || ok && strings.HasPrefix(said.State, "IM")
}

func openStandIn(t *testing.T, set connector.Settings, n connector.Network) *Source {
	t.Helper()
	s, err := open(connector.SourceOptions{Settings: with(set), Network: n}, standInDriver)
	if err != nil {
		t.Fatal(err)
	}
	s.connection = func(p ports) string {
		return connectionOf([]option{
			{"DRIVER", standInDriver}, {"Servername", loopback}, {"Port", strconv.Itoa(p.plain)}, {"UID", s.settings.User}, {"PWD", s.settings.Password},
			{"Database", s.settings.Database}, {"UseDeclareFetch", "1"}, {"Fetch", "1000"}, {"MaxVarcharSize", "4000"}, {"ByteaAsLongVarBinary", "1"},
		})
	}
	t.Cleanup(func() { _ = s.Close() }) //nolint:errcheck // the test is over
	return s
}

func read(t *testing.T, s *Source, q connector.Query) (sourcetest.Table, error) {
	t.Helper()
	r, err := s.Query(t.Context(), q)
	if err != nil {
		return sourcetest.Table{}, err
	}
	defer r.Release()
	return sourcetest.Read(t, r), nil
}

// fails is the error of a query, from whichever of its rows.
func fails(t *testing.T, s *Source, sql string) error {
	t.Helper()
	r, err := s.Query(t.Context(), connector.Query{SQL: sql})
	if err != nil {
		return err
	}
	defer r.Release()
	for r.Next() {
	}
	return r.Err()
}

// Req: S-30, S-72
func TestODBCDiscovery(t *testing.T) {
	t.Parallel()
	s, db := standIn(t, catalogue, connector.Network{})
	if err := s.Test(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []connector.Table{
		{Ref: query.TableRef{Schema: "Sales", Name: "customers"}, Kind: "table", Columns: value.Schema{
			{Name: "id", Type: value.TypeNumber, Native: "BIGINT", Description: "whom we know"},
			{Name: "amount", Type: value.TypeNumber, Native: "DECIMAL(12,2)", Nullable: true},
			{Name: "seen", Type: value.TypeTimestamp, Native: "TIMESTAMP WITH TIME ZONE", Nullable: true},
		}},
		{Ref: query.TableRef{Schema: "Sales", Name: "emails"}, Kind: "view", Columns: value.Schema{{Name: "email", Type: value.TypeString, Nullable: true}}},
	}
	check := func() {
		t.Helper()
		got, err := s.Introspect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(got, want, func(a, b connector.Table) bool {
			return a.Ref == b.Ref && a.Kind == b.Kind && slices.Equal(a.Columns, b.Columns)
		}) {
			t.Errorf("found %+v", got)
		}
	}
	check()
	if _, err := db.Exec(t.Context(), viewTypes); err != nil {
		t.Fatal(err)
	}
	want[1].Columns[0].Native = "VARCHAR"
	check()
}

// Values keep what they are: all digits of decimals, instants, characters of two units, bytes, and long texts.
//
// Req: S-30
func TestODBCValues(t *testing.T) {
	t.Parallel()
	s, _ := standIn(t, "", connector.Network{})
	long := strings.Repeat("ü😀x", 60_000)
	for _, c := range []struct {
		sql  string
		typ  value.Type
		want string
	}{
		{"(-32768)::smallint", value.TypeNumber, "-32768"},
		{"9223372036854775807::bigint", value.TypeNumber, "9223372036854775807"},
		{"'-12345678901234567890123456789012345.678'::numeric(38, 3)", value.TypeNumber, "-12345678901234567890123456789012345.678"},
		{"0.5::numeric(3, 2)", value.TypeNumber, "0.50"},
		{"0.1::double precision", value.TypeNumber, "0.1"},
		{"'ü😀'::varchar(2)", value.TypeString, "ü😀"},
		{"''::varchar(5)", value.TypeString, ""},
		{"repeat('ü😀x', 60000)", value.TypeString, long},
		{`'\x00ff10'::bytea`, value.TypeString, "AP8Q"},
		{"DATE '0001-01-01'", value.TypeDate, "0001-01-01"},
		{"DATE '9999-12-31'", value.TypeDate, "9999-12-31"},
		{"TIMESTAMP '2024-02-29 12:34:56.789012'", value.TypeTimestamp, "2024-02-29T12:34:56.789012Z"},
		{"TIME '23:59:59'", value.TypeString, "23:59:59"},
	} {
		got, err := read(t, s, connector.Query{SQL: "SELECT " + c.sql + " AS v UNION ALL SELECT NULL"})
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		if len(got.Rows) != 2 || got.Schema[0].Type != c.typ || got.Rows[0][0].String() != c.want || !got.Rows[1][0].IsNull() {
			t.Errorf("%s is %s %.80q", c.sql, got.Schema[0].Type, got.Rows)
		}
	}
}

// A driver that leaves the zone out, as the one that stands in, yields no other instant instead.
//
// Req: S-30
func TestODBCZones(t *testing.T) {
	t.Parallel()
	s, _ := standIn(t, "", connector.Network{})
	err := fails(t, s, "SELECT TIMESTAMPTZ '2024-02-29 12:34:56.789012+02:30' AS v")
	if !fault.Is(err, fault.CodeSourceType) || !strings.Contains(err.Error(), `"v"`) || !strings.Contains(fault.As(err).Hint(), "AT TIME ZONE") {
		t.Errorf("%v", err)
	}
}

// A column behind a long one is read too, and rows come through the cursor in portions.
//
// Req: S-30
func TestODBCPages(t *testing.T) {
	t.Parallel()
	s, _ := standIn(t, "", connector.Network{})
	sql := "SELECT g AS id, repeat('x', g % 10000) AS wide, 'row ' || g::varchar(20) AS name, CASE WHEN g % 2 = 0 THEN g END AS even FROM generate_series(1, 25000) g ORDER BY g DESC"
	got, err := read(t, s, connector.Query{SQL: sql})
	if err != nil || len(got.Rows) != 25_000 {
		t.Fatalf("%d rows: %v", len(got.Rows), err)
	}
	for i, row := range got.Rows {
		n := 25_000 - i
		if row[0].String() != strconv.Itoa(n) || len(row[1].String()) != n%10_000 || row[2].String() != "row "+strconv.Itoa(n) || row[3].IsNull() != (n%2 == 1) {
			t.Fatalf("row %d is %.60q", i, row)
		}
	}
	got, err = read(t, s, connector.Query{SQL: "SELECT g AS id FROM generate_series(1, 25000) g", Limit: 3})
	if err != nil || len(got.Rows) != 3 {
		t.Errorf("%d rows: %v", len(got.Rows), err)
	}
}

// Req: S-30, M-30
func TestODBCErrors(t *testing.T) {
	t.Parallel()
	s, _ := standIn(t, "", connector.Network{})
	for sql, words := range map[string]string{
		"SELECT a FROM no_such_table":                            `"no_such_table" does not exist`,
		"SELECT FROM FROM t":                                     "syntax error",
		"SELECT 1 AS a, 2 AS A":                                  `two columns "a"`,
		"SELECT 1 AS a; DELETE FROM t":                           "several statements",
		"DELETE FROM t":                                          "no query",
		"SELECT 1/(g-5000) AS a FROM generate_series(1, 6000) g": "division by zero",
	} {
		if err := fails(t, s, sql); !fault.Is(err, fault.CodeSourceQuery) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", sql, err)
		}
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().(*net.TCPAddr).Port
	_ = l.Close() //nolint:errcheck // nobody listens there now
	away := openStandIn(t, connector.Settings{"port": closed}, connector.Network{Egress: []string{"192.0.2.7"}})
	if err := away.Test(t.Context()); !fault.Is(err, fault.CodeSourceUnreachable) || !strings.Contains(err.Error(), "refused") || !strings.Contains(fault.As(err).Hint(), "192.0.2.7") {
		t.Errorf("nobody listens: %v", err)
	}
	absent := openStandIn(t, nil, connector.Network{})
	absent.connection = func(ports) string { return "DRIVER={No Such Driver}" }
	if err := absent.Test(t.Context()); !fault.Is(err, fault.CodeSourceUnreachable) || fault.ClassOf(err) != fault.Fatal || !strings.Contains(fault.As(err).Hint(), "teradata-driver") {
		t.Errorf("no driver: %v", err)
	}
}

// The driver reaches the database as the source's network says, and the query band names the run.
//
// Req: S-30, S-07, X-22
func TestODBCNetworkAndBand(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked []string
	s, db := standIn(t, "", connector.Network{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		mu.Lock()
		asked = append(asked, address)
		mu.Unlock()
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}})
	r, err := s.Query(t.Context(), connector.Query{SQL: "SELECT g AS id FROM generate_series(1, 100000) g", Tag: "sync 12; run 34", Class: connector.WorkloadBatch})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var band string
	if err := db.QueryRow(t.Context(), "SELECT application_name FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").Scan(&band); err != nil || band != "ApplicationName=Millrace;Workload=batch;Tag=sync 12  run 34;" {
		t.Errorf("the band is %q: %v", band, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := net.JoinHostPort(s.settings.Host, strconv.Itoa(s.settings.Port)); len(asked) != 1 || asked[0] != want {
		t.Errorf("it dialed %q, not %s", asked, want)
	}
}

const endless = "SELECT count(*) AS n FROM generate_series(1, 1000000000000) a"

// A statement ends at the database with its context, with its source, and with the timeout.
//
// Req: S-30
func TestODBCStops(t *testing.T) {
	t.Parallel()
	s, db := standIn(t, "", connector.Network{})
	running := func() (n int) {
		if err := db.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	until := func(n int) {
		for running() != n && t.Context().Err() == nil { //nolint:revive // the database is asked each time
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	for _, c := range []struct {
		name string
		stop func()
		code fault.Code
	}{{"context", cancel, fault.CodeSourceTimeout}, {"source", func() { _ = s.Close() }, fault.CodeSourceUnreachable}} { //nolint:errcheck // it always succeeds
		ended := make(chan error, 1)
		go func() {
			_, err := s.Query(ctx, connector.Query{SQL: endless})
			ended <- err
		}()
		until(1)
		c.stop()
		if err := <-ended; !fault.Is(err, c.code) {
			t.Errorf("%s: %v", c.name, err)
		}
		until(0)
		ctx = t.Context()
	}
	timed := openStandIn(t, connector.Settings{"host": s.settings.Host, "port": s.settings.Port, "user": s.settings.User, "database": s.settings.Database, "requestTimeout": 0.2}, connector.Network{})
	if _, err := timed.Query(t.Context(), connector.Query{SQL: endless}); !fault.Is(err, fault.CodeSourceTimeout) || !strings.Contains(fault.As(err).Hint(), "request timeout") {
		t.Errorf("timeout: %v", err)
	}
	until(0)
	r, err := openStandIn(t, connector.Settings{"host": s.settings.Host, "port": s.settings.Port, "user": s.settings.User, "database": s.settings.Database}, connector.Network{}).
		Query(t.Context(), connector.Query{SQL: "SELECT g AS id FROM generate_series(1, 10000000) g"})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Next() {
		t.Fatal(r.Err())
	}
	r.Release() // with most rows unread
	var left int
	for left = 1; left > 0 && t.Context().Err() == nil; {
		if err := db.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").Scan(&left); err != nil {
			t.Fatal(err)
		}
	}
}

// Req: S-30
func TestODBCConcurrent(t *testing.T) {
	t.Parallel()
	s, _ := standIn(t, "", connector.Network{})
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			r, err := s.Query(t.Context(), connector.Query{SQL: fmt.Sprintf("SELECT g * %d AS n FROM generate_series(1, 5000) g", i)})
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Release()
			rows := int64(0)
			for r.Next() {
				rows += r.RecordBatch().NumRows()
			}
			if rows != 5000 || r.Err() != nil {
				t.Errorf("%d rows: %v", rows, r.Err())
			}
		})
	}
	all.Wait()
}
