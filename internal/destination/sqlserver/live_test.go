package sqlserver

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/value"
)

// live names a server to run the suite on: sqlserver://user:password@host:port/database. The login may make schemas.
const live = "MILLRACE_TEST_SQLSERVER"

// liveWorld is a schema of the test's own on a real server.
type liveWorld struct {
	settings connector.Settings
	db       *sql.DB
	schema   string
	tables   atomic.Int64
}

func newLiveWorld(t *testing.T) *liveWorld {
	t.Helper()
	u, err := url.Parse(os.Getenv(live))
	if err != nil || u.Host == "" {
		t.Skipf("%s names no server: sqlserver://user:password@host:1433/database", live)
	}
	port, err := strconv.ParseFloat(u.Port(), 64)
	if err != nil {
		t.Fatal(err)
	}
	secret, _ := u.User.Password()
	w := &liveWorld{settings: connector.Settings{
		"host": u.Hostname(), "port": port, "database": strings.Trim(u.Path, "/"), "user": u.User.Username(), "password": secret, "trustServerCertificate": true,
	}}
	d := &destination{clock: clock.System{}, log: slog.New(slog.DiscardHandler)}
	if err := w.settings.WithDefaults(Info().Fields).Decode(&d.settings); err != nil {
		t.Fatal(err)
	}
	if w.db, err = d.pool(); err != nil {
		t.Fatal(err)
	}
	w.schema = fmt.Sprintf("millrace_test_%d", clock.System{}.Now().UnixNano())
	w.exec(t, "CREATE SCHEMA "+dialect.Ident(w.schema))
	t.Cleanup(func() {
		rows, err := w.db.QueryContext(context.Background(), "SELECT name FROM sys.tables WHERE schema_id = SCHEMA_ID(@p1)", w.schema)
		names, err := collect(rows, err, func(r *sql.Rows) (s string, err error) {
			err = r.Scan(&s)
			return s, err
		})
		if err != nil {
			t.Error(err)
		}
		for _, name := range names {
			w.exec(t, "DROP TABLE "+w.table(name))
		}
		w.exec(t, "DROP SCHEMA "+dialect.Ident(w.schema))
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *liveWorld) table(name string) string {
	return dialect.Ident(w.schema) + "." + dialect.Ident(name)
}

func (w *liveWorld) exec(t *testing.T, statement string) {
	t.Helper()
	if _, err := w.db.ExecContext(context.WithoutCancel(t.Context()), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// TestLive runs the suite on a real server, and sends values to columns of every type.
//
// Req: SY-18, SY-21, FLD-32
func TestLive(t *testing.T) {
	t.Parallel()
	w := newLiveWorld(t)
	for name, c := range map[string]struct {
		mode  connector.Mode
		match string
	}{"upsert": {connector.ModeUpsert, "id"}, "insert": {connector.ModeInsert, ""}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			destinationtest.Run(t, w.fixture(c.mode, c.match))
		})
	}
	t.Run("types", w.testTypes)
}

func (w *liveWorld) fixture(mode connector.Mode, match string) destinationtest.Fixture {
	f := newFixture(mode)
	f.Info, f.Failing, f.Removes = Info(), nil, match != ""
	f.Refused = nil // the fake has the words of one version in one language
	f.Target = func(t *testing.T, columns []connector.TargetColumn) destinationtest.Target {
		name := fmt.Sprintf("Täble ]\"%d", w.tables.Add(1))
		w.exec(t, "CREATE TABLE "+w.table(name)+" (id NVARCHAR(100) COLLATE Latin1_General_100_BIN2 NOT NULL PRIMARY KEY, value "+natives[columns[1].Type].native()+" NULL)")
		j := job(name, mode, match)
		j.Settings["schema"], j.Columns = w.schema, columns
		if match != "" {
			j.Delete = connector.DeleteRecord
		}
		return destinationtest.Target{Settings: w.settings, Job: j, Read: func(t *testing.T) []destinationtest.Record { return w.read(t, name, columns[1].Type) }}
	}
	return f
}

func (w *liveWorld) read(t *testing.T, name string, kind value.Type) []destinationtest.Record {
	t.Helper()
	text := "CONVERT(NVARCHAR(MAX), value)"
	switch kind { //nolint:exhaustive // the others read back as text
	case value.TypeTimestamp:
		text = "CONVERT(NVARCHAR(40), value, 126)"
	case value.TypeDate:
		text = "CONVERT(NVARCHAR(40), value, 23)"
	}
	rows, err := w.db.QueryContext(context.WithoutCancel(t.Context()), "SELECT id, "+text+" FROM "+w.table(name))
	records, err := collect(rows, err, func(r *sql.Rows) (destinationtest.Record, error) {
		var id string
		var found sql.NullString
		err := r.Scan(&id, &found)
		var v any
		if found.Valid {
			v = found.String
		}
		return destinationtest.Record{"id": value.OfText(id), "value": parse(t, v, kind)}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func (w *liveWorld) testTypes(t *testing.T) {
	t.Parallel()
	info := Info()
	d, err := info.Open(connector.DestinationOptions{Settings: w.settings.WithDefaults(info.Fields), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() //nolint:errcheck // the test is over
	instant := value.OfMicros(1_700_000_000_123_000)
	for i, c := range []struct {
		native string
		value  value.Value
		want   string // empty: the row is refused
	}{
		{"bit", value.OfBool(true), "1"}, {"int", num(-7), "-7"}, {"int", num(1 << 40), ""}, {"int", text("twelve"), ""},
		{"decimal(38,10)", value.OfDecimal("1234567890123456789012345678.0123456789"), "1234567890123456789012345678.0123456789"},
		{"money", value.OfDecimal("-1.2345"), "-1.23"}, {"float", value.OfFloat(0.5), "0.5"}, {"date", value.OfDay(19_000), "2022-01-08"},
		{"datetime", instant, "Nov 14 2023 10:13PM"}, {"datetime2(3)", instant, "2023-11-14 22:13:20.123"}, {"datetimeoffset(3)", instant, "2023-11-14 22:13:20.123 +00:00"},
		{"time(3)", text("1970-01-01T10:11:12.5Z"), "10:11:12.500"}, {"nvarchar(3)", text("日本語"), "日本語"}, {"nvarchar(3)", text("much too long"), ""},
		{"varchar(9)", text("日"), ""}, {"varchar(9)", text("plain"), "plain"}, {"uniqueidentifier", text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"},
		{"xml", text("<a>1</a>"), "<a>1</a>"}, {"xml", text("<a>"), ""},
	} {
		name := fmt.Sprintf("typed%d", i)
		w.exec(t, "CREATE TABLE "+w.table(name)+" (id int PRIMARY KEY, value "+c.native+" NULL)")
		j := job(name, connector.ModeUpsert, "id", "id", "value")
		j.Settings["schema"] = w.schema
		s, err := d.Begin(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		refused := map[int]string{}
		halve(t, s, connector.Added, []connector.Row{rowOf(j, num(1), c.value)}, 0, refused)
		if c.want == "" {
			if len(refused) != 1 {
				t.Errorf("%s takes %q", c.native, c.value)
			}
			continue
		}
		var got string
		if err := w.db.QueryRowContext(t.Context(), "SELECT CONVERT(NVARCHAR(MAX), value) FROM "+w.table(name)).Scan(&got); err != nil || got != c.want {
			t.Errorf("%s of %q: %q, %v; want %q (%v)", c.native, c.value, got, err, c.want, refused)
		}
	}
}
