package mysql_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/destination/mysql"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
	"github.com/millrace/millrace/test/services"
)

// world is a database of the test's own.
type world struct {
	config *driver.Config
	db     *sql.DB
	tables atomic.Int64
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return worldAt(t, services.MariaDB(t))
}

func worldAt(t testing.TB, dsn string) *world {
	t.Helper()
	c, err := driver.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	c.MultiStatements = true
	c.Params = map[string]string{"time_zone": "'+00:00'"}
	to, err := driver.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{config: c, db: sql.OpenDB(to)}
	t.Cleanup(func() {
		if err := w.db.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// settings are those of the destination, with changes.
func (w *world) settings(t testing.TB, changes ...any) connector.Settings {
	t.Helper()
	host, text, err := net.SplitHostPort(w.config.Addr)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	s := connector.Settings{"host": host, "port": port, "database": w.config.DBName, "user": w.config.User, "password": w.config.Passwd, "sslMode": "disable"}
	for i := 0; i < len(changes); i += 2 {
		s[changes[i].(string)] = changes[i+1]
	}
	return s
}

func (w *world) exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	if _, err := w.db.ExecContext(context.WithoutCancel(t.Context()), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// text returns the rows of a query as lines of text.
func (w *world) text(t testing.TB, statement string) string {
	t.Helper()
	rows, err := w.db.QueryContext(t.Context(), statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for rows.Next() {
		cells := make([]sql.NullString, len(names))
		into := make([]any, len(names))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		line := make([]string, len(cells))
		for i, c := range cells {
			line[i] = c.String
			if !c.Valid {
				line[i] = "NULL"
			}
		}
		lines = append(lines, strings.Join(line, ","))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// mariadb is the description of the destination.
func mariadb() connector.DestinationInfo { return mysql.Infos()[1] }

func (w *world) open(t testing.TB, s connector.Settings) connector.Destination {
	t.Helper()
	return openIn(t, s, connector.Network{})
}

func openIn(t testing.TB, s connector.Settings, n connector.Network) connector.Destination {
	t.Helper()
	info := mariadb()
	d, err := info.Open(connector.DestinationOptions{Settings: s.WithDefaults(info.Fields), Dir: t.TempDir(), Network: n, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
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
		SyncID: 7, SyncSlug: "customers", RunID: 42, Type: mysql.SyncTypeSlug, Mode: mode, Delete: connector.DeleteNothing,
		Settings: connector.Settings{"table": table},
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
	value.TypeBoolean: "boolean", value.TypeNumber: "decimal(65,30)", value.TypeString: "longtext", value.TypeTimestamp: "datetime(6)", value.TypeDate: "date", value.TypeObject: "json",
}

// TestConformance runs the suite for each way in which rows come into a table, on a real MariaDB.
//
// Req: SY-18, SY-21, SY-74, SY-78, FLD-32
func TestConformance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		mode   connector.Mode
		match  string
		more   string // columns and keys of the table besides
		change connector.Settings
	}{
		"upsert":                      {connector.ModeUpsert, "id", "PRIMARY KEY (id)", nil},
		"upsert beside another key":   {connector.ModeUpsert, "id", "UNIQUE (id), UNIQUE (other, id), other int NOT NULL DEFAULT 3", nil},
		"upsert by LOAD DATA":         {connector.ModeUpsert, "id", "PRIMARY KEY (id)", connector.Settings{"statement": "load"}},
		"upsert without transactions": {connector.ModeUpsert, "id", "PRIMARY KEY (id)) ENGINE = MyISAM", nil},
		"insert":                      {connector.ModeInsert, "", "PRIMARY KEY (id)", nil},
		"several at a time":           {connector.ModeUpsert, "id", "PRIMARY KEY (id)", connector.Settings{"parallel": 4.0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			destinationtest.Run(t, w.fixture(t, c.mode, c.match, c.more, c.change))
		})
	}
}

func (w *world) fixture(t *testing.T, mode connector.Mode, match, more string, change connector.Settings) destinationtest.Fixture {
	t.Helper()
	return destinationtest.Fixture{
		Info: mariadb(),
		Target: func(t *testing.T, columns []connector.TargetColumn) destinationtest.Target {
			table := fmt.Sprintf("Täble `%d\"", w.tables.Add(1))
			quoted := query.MySQL.Ident(table)
			w.exec(t, "CREATE TABLE "+quoted+" (id varchar(100) COLLATE utf8mb4_bin, value "+natives[columns[1].Type]+", "+more+closing(more))
			j := job(table, mode, match)
			j.Columns = columns
			maps.Copy(j.Settings, change)
			if change["statement"] == "load" { // it replaces rows: nothing can be left out
				j.Columns = append([]connector.TargetColumn(nil), columns...)
				j.Columns[1].Omit = false
			}
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

func closing(more string) string {
	if strings.Contains(more, "ENGINE") {
		return ""
	}
	return ")"
}

// read returns the rows of a table with the columns id and value.
func (w *world) read(t *testing.T, table string, kind value.Type) []destinationtest.Record {
	t.Helper()
	rows, err := w.db.QueryContext(context.WithoutCancel(t.Context()), "SELECT id, value FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	var records []destinationtest.Record
	for rows.Next() {
		var id string
		var text sql.NullString
		if err := rows.Scan(&id, &text); err != nil {
			t.Fatal(err)
		}
		records = append(records, destinationtest.Record{"id": value.OfText(id), "value": parse(t, text, kind)})
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return records
}

func parse(t *testing.T, text sql.NullString, kind value.Type) value.Value {
	t.Helper()
	if !text.Valid {
		return value.Value{}
	}
	at := func(layout string) time.Time {
		instant, err := time.Parse(layout, text.String)
		if err != nil {
			t.Fatal(err)
		}
		return instant
	}
	switch kind {
	case value.TypeBoolean:
		return value.OfBool(text.String == "1")
	case value.TypeNumber:
		whole, fraction, _ := strings.Cut(text.String, ".")
		if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
			whole += "." + fraction
		}
		return value.OfDecimal(whole)
	case value.TypeTimestamp:
		return value.OfTime(at("2006-01-02 15:04:05.999999"))
	case value.TypeDate:
		return value.OfDay(int32(at(time.DateOnly).Unix() / 86400))
	case value.TypeObject:
		return value.OfJSON(text.String)
	default:
		return value.OfText(text.String)
	}
}

// arrival: nulls that are left out are nulls in a new row, a decimal has 30 digits behind the point, and bytes become
// base64 in text.
func arrival(c connector.TargetColumn, v value.Value) destinationtest.Arrival {
	switch {
	case v.Kind() == value.Float && (v.Float() > 1e60 || v.Float() < 1e-60 && v.Float() > 0):
		return destinationtest.Arrival{Refused: true}
	case v.Kind() == value.Decimal && v.String() == "0.10":
		return destinationtest.As(value.OfDecimal("0.1"))
	case v.Kind() == value.Decimal && v.String() == "123.12345678910":
		return destinationtest.As(value.OfDecimal("123.1234567891"))
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
		{Name: "text in a number column", Column: column(value.TypeNumber), Value: value.OfText("twelve"), Says: `Incorrect decimal value: 'twelve' for column`},
		{Name: "not a number", Column: column(value.TypeNumber), Value: value.OfText("NaN"), Says: `Incorrect decimal value: 'NaN' for column`},
		{Name: "a number that is too large", Column: column(value.TypeNumber), Value: value.OfDecimal("123456789012345678901234567890123456"), Says: `Out of range value for column 'value'`},
		{Name: "a number with more digits", Column: column(value.TypeNumber), Value: value.OfDecimal("0.1234567890123456789012345678901"), Says: `would round the digits after the point`},
		{Name: "text in a boolean column", Column: column(value.TypeBoolean), Value: value.OfText("perhaps"), Says: `Incorrect integer value: 'perhaps' for column`},
		{Name: "text in a timestamp column", Column: column(value.TypeTimestamp), Value: value.OfText("soon"), Says: `Incorrect datetime value: 'soon' for column`},
		{Name: "a year that is too large", Column: column(value.TypeTimestamp), Value: value.OfMicros(300_000_000_000_000_000), Says: `the year 11476 is none`},
		{Name: "day that does not exist", Column: column(value.TypeDate), Value: value.OfText("2023-02-30"), Says: `Incorrect date value: '2023-02-30' for column`},
		{Name: "invalid UTF-8", Column: column(value.TypeString), Value: value.OfText("a\xffb"), Says: `not valid UTF-8`},
	}
}

func (w *world) failing(t *testing.T) []destinationtest.Failing {
	t.Helper()
	return []destinationtest.Failing{
		{Name: "unreachable", Settings: w.settings(t, "port", 1.0), Code: fault.CodeDestinationUnreachable, Says: "connection refused"},
		{Name: "unknown host", Settings: w.settings(t, "host", "db.invalid"), Code: fault.CodeDestinationUnreachable, Says: "db.invalid"},
		{Name: "no database", Settings: w.settings(t, "database", "nowhere"), Code: fault.CodeDestinationSchema, Says: `Unknown database 'nowhere'`},
		{Name: "wrong password", Settings: w.settings(t, "user", "nobody-at-all", "password", "a-password-nobody-has"), Code: fault.CodeDestinationAuth, Says: `Access denied for user 'nobody-at-all'`},
		{Name: "no encryption", Settings: w.settings(t, "sslMode", "require"), Code: fault.CodeDestinationUnreachable, Says: "TLS"},
		{Name: "bad settings", Settings: w.settings(t, "host", "mysql://x"), Code: fault.CodeInvalid, Says: "not a URL"},
	}
}

func invalid(mode connector.Mode) []destinationtest.Invalid {
	keyed := func(j *connector.SyncJob) { j.Match = []connector.MatchPair{{From: "id", To: "id"}} }
	cases := []destinationtest.Invalid{
		{Name: "unknown mode", Edit: func(j *connector.SyncJob) { j.Mode = connector.ModeArchive }, Paths: []string{"spec.mode"}},
		{Name: "no table", Edit: func(j *connector.SyncJob) { delete(j.Settings, "table") }, Paths: []string{"spec.settings.table"}},
		{Name: "no columns", Edit: func(j *connector.SyncJob) { j.Columns = nil }, Paths: []string{"spec.mappings"}},
		{Name: "a column twice", Edit: func(j *connector.SyncJob) { j.Columns[1].Name = "id" }, Paths: []string{"spec.mappings"}},
		{Name: "half a row", Edit: func(j *connector.SyncJob) { j.Settings["batchSize"] = 1.5 }, Paths: []string{"spec.settings.batchSize"}},
		{Name: "no rows", Edit: func(j *connector.SyncJob) { j.Settings["batchSize"] = 0.0 }, Paths: []string{"spec.settings.batchSize"}},
		{Name: "an update of nothing", Edit: func(j *connector.SyncJob) {
			keyed(j)
			j.Mode, j.Columns = connector.ModeUpdate, j.Columns[:1]
		}, Paths: []string{"spec.mappings"}},
		{Name: "clearing nothing", Edit: func(j *connector.SyncJob) {
			keyed(j)
			j.Mode, j.Delete, j.Columns = connector.ModeUpsert, connector.DeleteClear, j.Columns[:1]
		}, Paths: []string{"spec.delete"}},
		{Name: "removing what is not matched", Edit: func(j *connector.SyncJob) {
			j.Mode, j.Delete, j.Match = connector.ModeInsert, connector.DeleteRecord, nil
		}, Paths: []string{"spec.delete"}},
		{Name: "LOAD DATA that only adds", Edit: func(j *connector.SyncJob) {
			j.Mode, j.Settings["statement"] = connector.ModeInsert, "load"
		}, Paths: []string{"spec.settings.statement"}},
		{Name: "LOAD DATA that leaves nulls out", Edit: func(j *connector.SyncJob) {
			keyed(j)
			j.Mode, j.Settings["statement"], j.Columns[1].Omit = connector.ModeUpsert, "load", true
		}, Paths: []string{"spec.mappings"}},
		{Name: "LOAD DATA by another value", Edit: func(j *connector.SyncJob) {
			j.Match = []connector.MatchPair{{From: "old", To: "id"}}
			j.Mode, j.Settings["statement"] = connector.ModeUpsert, "load"
		}, Paths: []string{"spec.match"}},
		{Name: "connection", Settings: connector.Settings{
			"host": "https://db.example.com", "port": 0.5, "database": "", "user": "", "sslMode": "verify-full", "caCertificate": "not a certificate", "clientKey": "not a key",
		}, Paths: []string{"spec.configuration.host", "spec.configuration.port", "spec.configuration.database", "spec.configuration.user", "spec.configuration.caCertificate", "spec.configuration.clientCertificate"}},
		{Name: "unknown SSL mode", Settings: connector.Settings{"host": "x", "database": "x", "user": "x", "sslMode": "perhaps"}, Paths: []string{"spec.configuration.sslMode"}},
	}
	if mode == connector.ModeUpsert {
		cases = append(cases, destinationtest.Invalid{Name: "no match", Edit: func(j *connector.SyncJob) { j.Match = nil }, Paths: []string{"spec.match"}})
	}
	return cases
}
