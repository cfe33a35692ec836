package sqlserver

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/big"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// info is the destination with the fake in place of a server, where the settings name the fake's host.
func (f *fake) info() connector.DestinationInfo {
	info := Info()
	info.Open = func(o connector.DestinationOptions) (connector.Destination, error) {
		d := &destination{clock: o.Clock, log: o.Log, network: o.Network}
		if err := o.Settings.Decode(&d.settings); err != nil {
			return nil, err
		}
		if d.settings.Host == "fake" {
			d.driver = f
		}
		return d, nil
	}
	return info
}

func settingsOf(changes ...any) connector.Settings {
	s := connector.Settings{"host": "fake", "port": 1433.0, "database": "app", "user": "millrace", "password": "a-secret-password", "encryption": "none"}
	for i := 0; i < len(changes); i += 2 {
		s[changes[i].(string)] = changes[i+1]
	}
	return s
}

func (f *fake) open(t testing.TB) connector.Destination {
	t.Helper()
	info := f.info()
	d, err := info.Open(connector.DestinationOptions{Settings: settingsOf().WithDefaults(info.Fields), Dir: t.TempDir(), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
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
		SyncID: 7, SyncSlug: "customers", RunID: 42, Type: SyncTypeSlug, Mode: mode, Delete: connector.DeleteNothing,
		Settings: connector.Settings{"schema": "dbo", "table": table},
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

const collation = "SQL_Latin1_General_CP1_CI_AS"

// natives are the column types that take the values of each type.
var natives = map[value.Type]column{
	value.TypeBoolean: {base: "bit", length: 1}, value.TypeNumber: {base: "decimal", precision: 38, scale: 10}, value.TypeString: {base: "nvarchar", length: -1, collation: collation},
	value.TypeTimestamp: {base: "datetime2", scale: 6}, value.TypeDate: {base: "date"}, value.TypeObject: {base: "nvarchar", length: -1, collation: collation},
}

// TestConformance runs the suite over the fake. It proves what the statements come to as the fake reads them; a real
// server is TestLive's.
//
// Req: SY-18, SY-21, SY-74, SY-78, FLD-32
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mode   connector.Mode
		match  string
		change connector.Settings
	}{
		"upsert":            {connector.ModeUpsert, "id", nil},
		"insert":            {connector.ModeInsert, "", nil},
		"several at a time": {connector.ModeUpsert, "id", connector.Settings{"parallel": 4.0, "batchSize": 10.0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			destinationtest.Run(t, newFake(t).fixture(c.mode, c.match, c.change))
		})
	}
}

func (f *fake) fixture(mode connector.Mode, match string, change connector.Settings) destinationtest.Fixture {
	var tables atomic.Int64
	fixture := newFixture(mode)
	fixture.Info, fixture.Failing, fixture.Removes = f.info(), failing(), match != ""
	fixture.Target = func(t *testing.T, columns []connector.TargetColumn) destinationtest.Target {
		table := fmt.Sprintf("Täble \"%d\"", tables.Add(1))
		stored := natives[columns[1].Type]
		stored.name = "value"
		f.create(t, table, []column{{name: "id", base: "nvarchar", length: 200, collation: collation, notNull: true}, stored}, []key{{columns: []string{"id"}, primary: true}})
		j := job(table, mode, match)
		j.Columns = columns
		maps.Copy(j.Settings, change)
		if match != "" {
			j.Delete = connector.DeleteRecord
		}
		return destinationtest.Target{Settings: settingsOf(), Job: j, Read: func(t *testing.T) []destinationtest.Record { return f.read(t, table, columns[1].Type) }}
	}
	return fixture
}

// newFixture is what the suite needs to know besides the place.
func newFixture(mode connector.Mode) destinationtest.Fixture {
	return destinationtest.Fixture{Invalid: invalid(mode), Arrival: arrival, Refused: refused()}
}

func (f *fake) read(t *testing.T, table string, kind value.Type) []destinationtest.Record {
	t.Helper()
	rows, err := f.db.QueryContext(context.WithoutCancel(t.Context()), "SELECT id, value FROM ["+table+"]")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	var records []destinationtest.Record
	for rows.Next() {
		var id string
		var found any
		if err := rows.Scan(&id, &found); err != nil {
			t.Fatal(err)
		}
		records = append(records, destinationtest.Record{"id": value.OfText(id), "value": parse(t, found, kind)})
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return records
}

func parse(t *testing.T, found any, kind value.Type) value.Value {
	t.Helper()
	if found == nil {
		return value.Value{}
	}
	text := fmt.Sprint(found)
	at := func(layout string) time.Time {
		instant, err := time.Parse(layout, text)
		if err != nil {
			t.Fatal(err)
		}
		return instant
	}
	switch kind {
	case value.TypeBoolean:
		return value.OfBool(text == "1")
	case value.TypeNumber:
		r, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatal(text)
		}
		digits, _ := r.FloatPrec()
		return value.OfDecimal(r.FloatString(digits))
	case value.TypeTimestamp:
		return value.OfTime(at("2006-01-02T15:04:05.999999"))
	case value.TypeDate:
		return value.OfDay(int32(at(time.DateOnly).Unix() / 86400))
	case value.TypeObject:
		return value.OfJSON(text)
	default:
		return value.OfText(text)
	}
}

// arrival: a decimal has ten digits behind the point, and bytes become base64 in text.
func arrival(c connector.TargetColumn, v value.Value) destinationtest.Arrival {
	text := v.String()
	switch {
	case v.Kind() == value.Float && (v.Float() > 1e60 || v.Float() < 1e-60 && v.Float() > 0):
		return destinationtest.Arrival{Refused: true}
	case v.Kind() == value.Decimal && text == "0.10":
		return destinationtest.As(value.OfDecimal("0.1"))
	case v.Kind() == value.Decimal && text == "123.12345678910":
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
		{Name: "text in a number column", Column: column(value.TypeNumber), Value: value.OfText("twelve"), Says: `Error converting data type nvarchar to numeric`},
		{Name: "empty text in a number column", Column: column(value.TypeNumber), Value: value.OfText(" "), Says: `the value is no number`},
		{Name: "a number that is too large", Column: column(value.TypeNumber), Value: value.OfDecimal("1e30"), Says: `Arithmetic overflow`},
		{Name: "a number with more digits", Column: column(value.TypeNumber), Value: value.OfDecimal("0.12345678901"), Says: `would round the digits after the point`},
		{Name: "text in a boolean column", Column: column(value.TypeBoolean), Value: value.OfText("perhaps"), Says: `Conversion failed when converting the nvarchar value 'perhaps' to data type bit`},
		{Name: "two in a boolean column", Column: column(value.TypeBoolean), Value: value.OfInt(2), Says: `every other number a 1`},
		{Name: "text in a timestamp column", Column: column(value.TypeTimestamp), Value: value.OfText("soon"), Says: `Conversion failed when converting date and/or time`},
		{Name: "a year that is too large", Column: column(value.TypeTimestamp), Value: value.OfMicros(300_000_000_000_000_000), Says: `holds the years 1 to 9999`},
		{Name: "day that does not exist", Column: column(value.TypeDate), Value: value.OfText("2023-02-30"), Says: `Conversion failed when converting date and/or time`},
		{Name: "invalid UTF-8", Column: column(value.TypeString), Value: value.OfText("a\xffb"), Says: `not valid UTF-8`},
	}
}

func failing() []destinationtest.Failing {
	return []destinationtest.Failing{
		{Name: "unreachable", Settings: settingsOf("host", "127.0.0.1", "port", 1.0), Code: fault.CodeDestinationUnreachable, Says: "connection refused"},
		{Name: "unknown host", Settings: settingsOf("host", "db.invalid"), Code: fault.CodeDestinationUnreachable, Says: "db.invalid"},
		{Name: "bad settings", Settings: settingsOf("host", "tcp://x"), Code: fault.CodeInvalid, Says: `without "tcp://"`},
	}
}

func invalid(mode connector.Mode) []destinationtest.Invalid {
	cases := []destinationtest.Invalid{
		{Name: "unknown mode", Edit: func(j *connector.SyncJob) { j.Mode = connector.ModeAll }, Paths: []string{"spec.mode"}},
		{Name: "no table", Edit: func(j *connector.SyncJob) { delete(j.Settings, "table") }, Paths: []string{"spec.settings.table"}},
		{Name: "no columns", Edit: func(j *connector.SyncJob) { j.Columns = nil }, Paths: []string{"spec.mappings"}},
		{Name: "half a row", Edit: func(j *connector.SyncJob) { j.Settings["batchSize"] = 1.5 }, Paths: []string{"spec.settings.batchSize"}},
		{Name: "too many rows", Edit: func(j *connector.SyncJob) { j.Settings["batchSize"] = 1e6 }, Paths: []string{"spec.settings.batchSize"}},
		{Name: "removing what is not matched", Edit: func(j *connector.SyncJob) {
			j.Mode, j.Delete, j.Match = connector.ModeInsert, connector.DeleteRecord, nil
		}, Paths: []string{"spec.delete"}},
		{Name: "connection", Settings: settingsOf("host", "https://db", "port", 0.5, "database", "", "user", ""), Paths: []string{"spec.configuration.host", "spec.configuration.port", "spec.configuration.database", "spec.configuration.user"}},
		{Name: "certificate", Settings: settingsOf("caCertificate", "not PEM"), Paths: []string{"spec.configuration.caCertificate"}},
		{Name: "connection string", Settings: connector.Settings{"auth": "connectionString", "connectionString": "Server=a;Certificate=/etc/passwd"}, Paths: []string{"spec.configuration.connectionString"}},
	}
	if mode == connector.ModeUpsert {
		cases = append(cases, destinationtest.Invalid{Name: "no match", Edit: func(j *connector.SyncJob) { j.Match = nil }, Paths: []string{"spec.match"}})
	}
	return cases
}
