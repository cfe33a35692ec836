package postgres_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/destination/postgres"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
	"github.com/millrace/millrace/test/services"
)

// world is a database of the test's own.
type world struct {
	url    string
	pool   *pgxpool.Pool
	tables atomic.Int64
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return worldAt(t, services.Postgres(t))
}

func worldAt(t testing.TB, url string) *world {
	t.Helper()
	w := &world{url: url}
	pool, err := pgxpool.New(t.Context(), w.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	w.pool = pool
	return w
}

// settings are those of the destination, with changes.
func (w *world) settings(t testing.TB, changes ...any) connector.Settings {
	t.Helper()
	u, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseFloat(u.Port(), 64)
	if err != nil {
		t.Fatal(err)
	}
	s := connector.Settings{
		"host": u.Hostname(), "port": port, "database": strings.TrimPrefix(u.Path, "/"), "user": u.User.Username(),
		"password": "a-password-nobody-asks-for", "sslMode": "disable",
	}
	for i := 0; i < len(changes); i += 2 {
		s[changes[i].(string)] = changes[i+1]
	}
	return s
}

func (w *world) exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	if _, err := w.pool.Exec(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// text returns the rows of a query as lines of text.
func (w *world) text(t testing.TB, statement string) string {
	t.Helper()
	rows, err := w.pool.Query(t.Context(), "SELECT r::text FROM ("+statement+") r")
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return strings.Join(lines, "\n")
}

func (w *world) open(t testing.TB, s connector.Settings) connector.Destination {
	t.Helper()
	info := postgres.Info()
	d, err := info.Open(connector.DestinationOptions{Settings: s.WithDefaults(info.Fields), Dir: t.TempDir(), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// job is a job that fills the named columns from columns of the same names.
func job(table string, mode connector.Mode, match string, columns ...string) connector.SyncJob {
	j := connector.SyncJob{
		SyncID: 7, SyncSlug: "customers", RunID: 42, Type: postgres.SyncTypeSlug, Mode: mode, Delete: connector.DeleteNothing,
		Settings: connector.Settings{"schema": "public", "table": table},
		Model:    connector.ModelInfo{ID: 3, Name: "Customers", Slug: "customers", PrimaryKey: "id"},
	}
	for _, name := range columns {
		j.Columns = append(j.Columns, connector.TargetColumn{Name: name, From: name})
	}
	for name := range strings.FieldsSeq(match) {
		j.Match = append(j.Match, connector.MatchPair{From: name, To: name})
	}
	return j
}

// natives are the column types that take the values of each type.
var natives = map[value.Type]string{
	value.TypeBoolean: "boolean", value.TypeNumber: "numeric", value.TypeString: "text", value.TypeTimestamp: "timestamptz", value.TypeDate: "date", value.TypeObject: "jsonb",
}

// TestConformance runs the suite for each way in which rows come into a table.
//
// Req: SY-18, SY-21, SY-74, SY-78, FLD-32
func TestConformance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		mode  connector.Mode
		match string
		key   string
	}{
		"upsert by unique index":    {connector.ModeUpsert, "id", "PRIMARY KEY"},
		"upsert without any index":  {connector.ModeUpsert, "id", ""},
		"insert with a primary key": {connector.ModeInsert, "", "PRIMARY KEY"},
		"insert without any index":  {connector.ModeInsert, "", ""},
		"all":                       {connector.ModeAll, "", "PRIMARY KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			destinationtest.Run(t, w.fixture(t, c.mode, c.match, c.key))
		})
	}
}

func (w *world) fixture(t *testing.T, mode connector.Mode, match, key string) destinationtest.Fixture {
	t.Helper()
	return destinationtest.Fixture{
		Info: postgres.Info(),
		Target: func(t *testing.T, columns []connector.TargetColumn) destinationtest.Target {
			table := fmt.Sprintf("Täble \"%d\"", w.tables.Add(1))
			quoted := query.Postgres.Ident(table)
			w.exec(t, "CREATE TABLE "+quoted+" (id text "+key+", value "+natives[columns[1].Type]+")")
			j := job(table, mode, match)
			j.Columns = columns
			if match != "" {
				j.Delete = connector.DeleteRecord
			}
			return destinationtest.Target{Settings: w.settings(t), Job: j, Read: func(t *testing.T) []destinationtest.Record { return w.read(t, quoted, columns[1].Type) }}
		},
		Failing: w.failing(t),
		Invalid: invalid(mode),
		Arrival: arrival,
		Refused: refused(),
		Removes: match != "",
	}
}

// read returns the rows of a table with the columns id and value.
func (w *world) read(t *testing.T, table string, kind value.Type) []destinationtest.Record {
	t.Helper()
	text, days := "value::text", "0"
	switch kind { //nolint:exhaustive // the others read back as text
	case value.TypeTimestamp:
		text = "(extract(epoch FROM value) * 1000000)::bigint::text"
	case value.TypeDate:
		days = "value - '1970-01-01'"
	}
	rows, err := w.pool.Query(t.Context(), "SELECT id, "+text+", "+days+" FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	records, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (destinationtest.Record, error) {
		var id string
		var text *string
		var days *int32
		err := r.Scan(&id, &text, &days)
		return destinationtest.Record{"id": value.OfText(id), "value": parse(t, text, days, kind)}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func parse(t *testing.T, text *string, days *int32, kind value.Type) value.Value {
	t.Helper()
	if text == nil {
		return value.Value{}
	}
	switch kind {
	case value.TypeBoolean:
		return value.OfBool(*text == "true")
	case value.TypeNumber:
		return value.OfDecimal(*text)
	case value.TypeTimestamp:
		us, err := strconv.ParseInt(*text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return value.OfMicros(us)
	case value.TypeDate:
		return value.OfDay(*days)
	case value.TypeObject:
		return value.OfJSON(*text)
	default:
		return value.OfText(*text)
	}
}

// arrival: nulls that are left out are nulls in a new row, text cannot hold NUL, and bytes become base64 in text.
func arrival(c connector.TargetColumn, v value.Value) destinationtest.Arrival {
	switch {
	case v.Kind() == value.Text && strings.Contains(v.Raw(), "\x00"):
		return destinationtest.Arrival{Refused: true}
	case v.Kind() == value.Float:
		return destinationtest.As(v)
	case c.Type == value.TypeString && !v.IsNull():
		return destinationtest.Text(v)
	default:
		return destinationtest.As(v)
	}
}

func refused() []destinationtest.Refused {
	column := func(t value.Type) connector.TargetColumn {
		return connector.TargetColumn{Name: "value", From: "value", Type: t}
	}
	return []destinationtest.Refused{
		{Name: "text in a number column", Column: column(value.TypeNumber), Value: value.OfText("twelve"), Says: `column "value": invalid input syntax for type numeric`},
		{Name: "text in a boolean column", Column: column(value.TypeBoolean), Value: value.OfText("perhaps"), Says: `invalid input syntax for type boolean`},
		{Name: "text in a timestamp column", Column: column(value.TypeTimestamp), Value: value.OfText("soon"), Says: `invalid input syntax for type timestamp`},
		{Name: "day that does not exist", Column: column(value.TypeDate), Value: value.OfText("2023-02-30"), Says: `date/time field value out of range`},
		{Name: "NUL", Column: column(value.TypeString), Value: value.OfText("a\x00b"), Says: `0x00`},
		{Name: "invalid UTF-8", Column: column(value.TypeString), Value: value.OfText("a\xffb"), Says: `invalid byte sequence`},
	}
}

func (w *world) failing(t *testing.T) []destinationtest.Failing {
	t.Helper()
	role := w.role(t, "no_temporary")
	w.exec(t, "REVOKE TEMPORARY ON DATABASE "+query.Postgres.Ident(w.settings(t).Text("database"))+" FROM PUBLIC")
	reader := w.role(t, "reader")
	w.exec(t, "ALTER ROLE "+reader+" SET default_transaction_read_only = on")
	return []destinationtest.Failing{
		{Name: "unreachable", Settings: w.settings(t, "port", 1.0), Code: fault.CodeDestinationUnreachable, Says: "connection refused"},
		{Name: "unknown host", Settings: w.settings(t, "host", "db.invalid"), Code: fault.CodeDestinationUnreachable, Says: "db.invalid"},
		{Name: "no database", Settings: w.settings(t, "database", "nowhere"), Code: fault.CodeDestinationSchema, Says: `database "nowhere" does not exist`},
		{Name: "no role", Settings: w.settings(t, "user", "nobody-at-all"), Code: fault.CodeDestinationAuth, Says: `role "nobody-at-all" does not exist`},
		{Name: "no encryption", Settings: w.settings(t, "sslMode", "require"), Code: fault.CodeDestinationUnreachable, Says: "TLS"},
		{Name: "no temporary tables", Settings: w.settings(t, "user", role), Code: fault.CodeDestinationDenied, Says: "TEMPORARY"},
		{Name: "read only", Settings: w.settings(t, "user", reader), Code: fault.CodeDestinationDenied, Says: "read-only"},
		{Name: "bad settings", Settings: w.settings(t, "host", "postgres://x"), Code: fault.CodeInvalid, Says: "not a URL"},
	}
}

// role makes a role that goes with the test. Roles belong to the whole server.
func (w *world) role(t *testing.T, name string) string {
	t.Helper()
	role := fmt.Sprintf("%s_%d_%s", w.settings(t).Text("database"), w.tables.Add(1), name)
	w.exec(t, "CREATE ROLE "+role+" LOGIN")
	t.Cleanup(func() {
		if _, err := w.pool.Exec(context.Background(), "DROP OWNED BY "+role+"; DROP ROLE "+role); err != nil {
			t.Errorf("dropping the role: %v", err)
		}
	})
	return role
}

func invalid(mode connector.Mode) []destinationtest.Invalid {
	cases := []destinationtest.Invalid{
		{Name: "unknown mode", Edit: func(j *connector.SyncJob) { j.Mode = connector.ModeArchive }, Paths: []string{"spec.mode"}},
		{Name: "no table", Edit: func(j *connector.SyncJob) { delete(j.Settings, "table") }, Paths: []string{"spec.settings.table"}},
		{Name: "no columns", Edit: func(j *connector.SyncJob) { j.Columns = nil }, Paths: []string{"spec.mappings"}},
		{Name: "a column twice", Edit: func(j *connector.SyncJob) { j.Columns[1].Name = "id" }, Paths: []string{"spec.mappings"}},
		{Name: "half a row", Edit: func(j *connector.SyncJob) { j.Settings["batchSize"] = 1.5 }, Paths: []string{"spec.settings.batchSize"}},
		{Name: "no rows", Edit: func(j *connector.SyncJob) { j.Settings["batchSize"] = 0.0 }, Paths: []string{"spec.settings.batchSize"}},
		{Name: "an update of nothing", Edit: func(j *connector.SyncJob) {
			j.Mode, j.Match, j.Columns = connector.ModeUpdate, []connector.MatchPair{{From: "id", To: "id"}}, j.Columns[:1]
		}, Paths: []string{"spec.mappings"}},
		{Name: "clearing nothing", Edit: func(j *connector.SyncJob) {
			j.Mode, j.Delete, j.Match, j.Columns = connector.ModeUpsert, connector.DeleteClear, []connector.MatchPair{{From: "id", To: "id"}}, j.Columns[:1]
		}, Paths: []string{"spec.delete"}},
		{Name: "removing what is not matched", Edit: func(j *connector.SyncJob) {
			j.Mode, j.Delete, j.Match = connector.ModeInsert, connector.DeleteRecord, nil
		}, Paths: []string{"spec.delete"}},
		{Name: "connection", Settings: connector.Settings{
			"host": "https://db.example.com", "port": 0.5, "database": "", "user": "", "sslMode": "verify-full", "caCertificate": "not a certificate",
		}, Paths: []string{"spec.configuration.host", "spec.configuration.port", "spec.configuration.database", "spec.configuration.user", "spec.configuration.caCertificate"}},
		{Name: "unknown SSL mode", Settings: connector.Settings{"host": "x", "database": "x", "user": "x", "sslMode": "perhaps"}, Paths: []string{"spec.configuration.sslMode"}},
	}
	if mode == connector.ModeUpsert {
		cases = append(cases, destinationtest.Invalid{Name: "no match", Edit: func(j *connector.SyncJob) { j.Match = nil }, Paths: []string{"spec.match"}})
	}
	return cases
}
