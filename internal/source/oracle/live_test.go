package oracle

import (
	"context"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// live names a server: oracle://user:password@host:port/service.
const live = "MILLRACE_TEST_ORACLE"

func liveSettings(t *testing.T) connector.Settings {
	t.Helper()
	u, err := url.Parse(os.Getenv(live))
	if err != nil || u.Host == "" {
		t.Skipf("%s names no server: oracle://user:password@host:1521/service", live)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	return connector.Settings{"host": u.Hostname(), "port": port, "database": strings.Trim(u.Path, "/"), "user": u.User.Username(), "password": password}
}

func liveSource(t *testing.T, s connector.Settings) connector.Source {
	t.Helper()
	source, err := Info().Open(connector.SourceOptions{Settings: s.WithDefaults(Info().Fields)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = source.Close() }) //nolint:errcheck // the test is over
	return source
}

// What only a real server can tell. The suite of sources writes SQL that Oracle does not take (AS before the name of a
// relation, queries without FROM).
//
// Req: S-29, S-71
func TestLive(t *testing.T) {
	t.Parallel()
	settings := liveSettings(t)
	s := liveSource(t, settings)
	if err := s.Test(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sql  string
		typ  value.Type
		want string
	}{
		{"CAST(-99999999999999999999999999999999999999 AS NUMBER(38))", value.TypeNumber, "-99999999999999999999999999999999999999"},
		{"CAST(1.5 AS NUMBER(10, 2))", value.TypeNumber, "1.50"},
		{"1/8", value.TypeNumber, "0.125"},
		{"CAST(0.1 AS BINARY_DOUBLE)", value.TypeNumber, "0.1"},
		{"BINARY_DOUBLE_NAN", value.TypeNumber, ""},
		{"N'ü😀'", value.TypeString, "ü😀"},
		{"HEXTORAW('00ff')", value.TypeString, "AP8="},
		{"DATE '0001-01-01'", value.TypeTimestamp, "0001-01-01T00:00:00.000Z"},
		{"TIMESTAMP '2024-02-29 12:34:56.789012'", value.TypeTimestamp, "2024-02-29T12:34:56.789012Z"},
		{"TIMESTAMP '2024-02-29 12:34:56.789012 +02:00'", value.TypeTimestamp, "2024-02-29T10:34:56.789012Z"},
		{"TIMESTAMP '2024-07-01 12:00:00 Europe/Berlin'", value.TypeTimestamp, "2024-07-01T10:00:00.000Z"},
		{"TO_CLOB('a')", value.TypeString, "a"},
	} {
		r, err := s.Query(t.Context(), connector.Query{SQL: "SELECT " + c.sql + " AS v FROM dual -- one", Tag: "live"})
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		got := sourcetest.Read(t, r)
		r.Release()
		if got.Schema[0].Type != c.typ || got.Rows[0][0].String() != c.want {
			t.Errorf("%s is %s %q", c.sql, got.Schema[0].Type, got.Rows[0][0])
		}
	}
	for sql, code := range map[string]fault.Code{
		"SELECT nope FROM dual": fault.CodeSourceQuery, "SELECT * FROM no_such_table": fault.CodeSourceQuery, "DROP TABLE no_such_table": fault.CodeSourceQuery,
		"SELECT INTERVAL '1' DAY AS v FROM dual": fault.CodeSourceType, "SELECT 1 AS a FROM dual; SELECT 2 AS a FROM dual": fault.CodeSourceQuery,
	} {
		if _, err := s.Query(t.Context(), connector.Query{SQL: sql}); !fault.Is(err, code) {
			t.Errorf("%s: %v", sql, err)
		}
	}
	settings["password"] = "not-the-password"
	if err := liveSource(t, settings).Test(t.Context()); !fault.Is(err, fault.CodeSourceAuth) {
		t.Errorf("a wrong password: %v", err)
	}
}

// Req: S-29
func TestLiveCancel(t *testing.T) {
	t.Parallel()
	s := liveSource(t, liveSettings(t))
	r, err := s.Query(t.Context(), connector.Query{SQL: "SELECT LEVEL AS n FROM dual CONNECT BY LEVEL <= 200000", Limit: 150_000})
	if err != nil {
		t.Fatal(err)
	}
	if got := sourcetest.Read(t, r); len(got.Rows) != 150_000 {
		t.Errorf("%d rows", len(got.Rows))
	}
	r.Release()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := s.Query(ctx, connector.Query{SQL: "SELECT COUNT(*) AS n FROM all_objects a, all_objects b, all_objects c"})
		ended <- err
	}()
	cancel()
	if err := <-ended; !fault.Is(err, fault.CodeSourceTimeout) {
		t.Errorf("%v", err)
	}
}
