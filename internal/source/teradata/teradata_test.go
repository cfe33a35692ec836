package teradata

import (
	"context"
	"errors"
	"io"
	"maps"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/teradata/odbc"
	"github.com/millrace/millrace/internal/value"
)

// with are settings that can be opened, and others instead.
func with(set connector.Settings) connector.Settings {
	s := connector.Settings{"host": "127.0.0.1", "user": "millrace", "password": "hunter2-secret"}.WithDefaults(fields())
	maps.Copy(s, set)
	return s
}

// fakeConn answers every query with the same.
type fakeConn struct {
	err  error
	said []string
}

func (c *fakeConn) Exec(_ context.Context, sql string) error {
	c.said = append(c.said, sql)
	return nil
}

func (c *fakeConn) Query(_ context.Context, sql string) (odbc.Rows, error) {
	c.said = append(c.said, sql)
	return &fakeRows{}, c.err
}

func (c *fakeConn) Close() error { return nil }

// fakeRows is a row of one text, and then the end.
type fakeRows struct {
	text string
	at   int
}

func (r *fakeRows) Columns() []odbc.Column { return []odbc.Column{{Name: "a", Type: odbc.TypeInteger}} }
func (r *fakeRows) Next() error {
	if r.at++; r.at > 1 {
		return io.EOF
	}
	return nil
}
func (r *fakeRows) Integer(int) (v int64, null bool, err error) { return 7, false, nil }
func (r *fakeRows) Float(int) (v float64, null bool, err error) { return 0.5, false, nil }
func (r *fakeRows) Bytes(int) (v []byte, null bool, err error)  { return []byte{0, 255}, false, nil }
func (r *fakeRows) Text(int) (v []byte, null bool, err error)   { return []byte(r.text), false, nil }
func (r *fakeRows) Close() error                                { return nil }

func faked(t *testing.T, c *fakeConn) *Source {
	t.Helper()
	s, err := open(connector.SourceOptions{Settings: with(nil)}, Driver)
	if err != nil {
		t.Fatal(err)
	}
	s.connect = func(context.Context, string) (odbc.Conn, error) { return c, nil }
	t.Cleanup(func() { _ = s.Close() }) //nolint:errcheck // the test is over
	return s
}

// Every type of the vendor's list has one of ours, and so has a type that this code does not know.
//
// Req: S-30
func TestTypes(t *testing.T) {
	t.Parallel()
	of := map[value.Type]string{
		value.TypeNumber: "I1 I2 I I8 D N F", value.TypeDate: "DA", value.TypeTimestamp: "TS SZ", value.TypeObject: "JN",
		value.TypeString: "CF CV CO UF UV LF LV GF GV GL BF BV BO AT TZ YR YM MO DY DH DM DS HR HM HS MI MS SC PD PT PZ PS PM XM DT UT A1 AN ++",
	}
	seen := 0
	for typ, list := range of {
		for code := range strings.FieldsSeq(list) {
			c, err := columnFound([]string{"d", "t", "T", "c", code, "10", "2", "Y", ""})
			if err != nil || c.Type != typ || c.Native == "" {
				t.Errorf("%s is %+v: %v", code, c, err)
			}
			seen++
		}
	}
	if seen != len(codes)+1 {
		t.Errorf("%d types of %d are tested", seen-1, len(codes))
	}
}

// What a driver describes is read as what it is.
//
// Req: S-30
func TestResults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		column odbc.Column
		text   string
		typ    arrow.Type
		want   string // empty for an error
	}{
		{odbc.Column{Type: odbc.TypeTinyInt, Native: "BYTEINT"}, "", arrow.INT64, "7"},
		{odbc.Column{Type: odbc.TypeFloat, Native: "FLOAT"}, "", arrow.FLOAT64, "0.5"},
		{odbc.Column{Type: odbc.TypeVarbinary, Native: "VARBYTE"}, "", arrow.BINARY, "AP8="},
		{odbc.Column{Type: odbc.TypeDecimal, Size: 38, Digits: 2, Native: "DECIMAL"}, "-.5", arrow.DECIMAL128, "-0.5"},
		{odbc.Column{Type: odbc.TypeDecimal, Size: 38, Digits: 2, Native: "DECIMAL"}, "999999999999999999999999999999999999.99", arrow.DECIMAL128, "999999999999999999999999999999999999.99"},
		{odbc.Column{Type: odbc.TypeDecimal, Size: 5, Digits: 2, Native: "DECIMAL"}, "1.234", arrow.DECIMAL128, ""},
		{odbc.Column{Type: odbc.TypeDecimal, Size: 5, Digits: 2, Native: "DECIMAL"}, "NaN", arrow.DECIMAL128, ""},
		{odbc.Column{Type: odbc.TypeDecimal, Size: 40, Digits: 2, Native: "DECIMAL"}, "1.25", arrow.STRING, "1.25"},
		{odbc.Column{Type: odbc.TypeDate, Native: "DATE"}, "2024-02-29", arrow.DATE32, "2024-02-29"},
		{odbc.Column{Type: odbc.TypeDate, Native: "DATE"}, "24/02/29", arrow.DATE32, ""},
		{odbc.Column{Type: odbc.TypeTimestamp, Native: "TIMESTAMP"}, "2024-02-29 12:00:00", arrow.TIMESTAMP, "2024-02-29T12:00:00"},
		{odbc.Column{Type: odbc.TypeTimestamp, Native: "TIMESTAMP(6) WITH TIME ZONE"}, "2024-02-29 12:00:00.25+02:00", arrow.TIMESTAMP, "2024-02-29T10:00:00.25Z"},
		{odbc.Column{Type: odbc.TypeTimestamp, Native: "TIMESTAMP(6) WITH TIME ZONE"}, "2024-02-29 12:00:00.25", arrow.TIMESTAMP, ""},
		{odbc.Column{Type: odbc.TypeTime, Native: "TIME"}, "12:00:00", arrow.STRING, "12:00:00"},
		{odbc.Column{Type: 110, Native: "INTERVAL DAY TO SECOND"}, " 1 02:03:04.5", arrow.STRING, " 1 02:03:04.5"},
		{odbc.Column{Type: -1049, Native: "JSON"}, `{"a": 1}`, arrow.STRING, `{"a": 1}`},
	} {
		got := columnOf(kindOf(c.column))
		b := array.NewBuilder(memory.DefaultAllocator, got.field.Type)
		_, err := got.into(b)(&fakeRows{text: c.text}, 0)
		switch {
		case got.field.Type.ID() != c.typ:
			t.Errorf("%+v is %s", c.column, got.field.Type)
		case (err == nil) != (c.want != ""):
			t.Errorf("%+v %q: %v", c.column, c.text, err)
		case err == nil:
			if v := b.NewArray().ValueStr(0); v != c.want {
				t.Errorf("%+v %q is %q", c.column, c.text, v)
			}
		}
	}
}

// A request of several statements, or one that takes rows away, is none.
//
// Req: S-30, M-30
func TestReads(t *testing.T) {
	t.Parallel()
	for sql, fits := range map[string]bool{
		"SELECT a FROM t ORDER BY a": true, "sel a from t": true, "WITH c AS (SELECT 1 AS a) SELECT * FROM c": true, "(SELECT 1 AS a)": true, "-- one\n/* two */ SELECT 1 AS a": true,
		"SELECT AND CONSUME TOP 1 * FROM q": false, "select /* */ and consume top 1 * from q": false, "DELETE FROM t": false, "LOCKING ROW FOR ACCESS SELECT 1 AS a": false,
		"SELECT 1 AS a; DELETE FROM t": false, "BT; SELECT 1": false, "": false, "CALL p()": false,
	} {
		if err := reads(sql); (err == nil) != fits || err != nil && fault.As(err).Hint() == "" {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// What is sent, in its order: the query band, and the query as its author wrote it or inside of one that limits it.
//
// Req: S-30, S-07
func TestStatements(t *testing.T) {
	t.Parallel()
	c := &fakeConn{}
	s := faked(t, c)
	for _, q := range []connector.Query{
		{SQL: "SELECT a FROM t ORDER BY a;", Tag: "sync 'x'\n; a=b", Class: connector.WorkloadBatch}, {SQL: "SELECT a FROM t ORDER BY a", Limit: 5},
	} {
		r, err := s.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		r.Release()
	}
	want := []string{
		"SET QUERY_BAND = 'ApplicationName=Millrace;Workload=batch;Tag=sync ''x''   a b;' FOR SESSION", "SELECT a FROM t ORDER BY a",
		"SET QUERY_BAND = 'ApplicationName=Millrace;Workload=interactive;' FOR SESSION", "SELECT TOP 5 * FROM (\nSELECT a FROM t\n) AS \"_millrace_model\"",
	}
	if got := strings.Join(c.said, "\x00"); got != strings.Join(want, "\x00") {
		t.Errorf("it said %q", c.said)
	}
}

// Req: S-30, M-30, M-33
func TestExplain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err   error
		code  fault.Code
		class fault.Class
		hint  string
	}{
		{&odbc.Error{State: "28000", Native: 8017}, fault.CodeSourceAuth, fault.Fatal, "password"},
		{&odbc.Error{State: "42000", Native: 3523}, fault.CodeSourceDenied, fault.Fatal, "SELECT"},
		{&odbc.Error{State: "42S02", Native: 3807}, fault.CodeSourceQuery, fault.Fatal, "database"},
		{&odbc.Error{State: "HY000", Native: 2646}, fault.CodeSourceQuery, fault.Retryable, "spool"},
		{&odbc.Error{State: "HY000", Native: 3149}, fault.CodeSourceDenied, fault.Fatal, "ApplicationName=Millrace"},
		{&odbc.Error{State: "HY008", Native: 3110}, fault.CodeSourceTimeout, fault.Retryable, "stopped"},
		{&odbc.Error{State: "08S01"}, fault.CodeSourceUnreachable, fault.Retryable, ""},
		{&odbc.Error{State: "IM002"}, fault.CodeSourceUnreachable, fault.Fatal, "teradata-driver"},
		{&odbc.Error{State: "HY000", Native: 9999}, fault.CodeSourceQuery, fault.Fatal, ""},
		{odbc.ErrAbsent, fault.CodeSourceUnreachable, fault.Fatal, "TAGS=teradata"},
		{errors.New("anything else"), fault.CodeSourceUnreachable, fault.Retryable, ""},
	} {
		if said, ok := errors.AsType[*odbc.Error](c.err); ok {
			said.Message = "[Teradata] the database's own words"
		}
		_, err := faked(t, &fakeConn{err: c.err}).Query(t.Context(), connector.Query{SQL: "SELECT a FROM t"})
		got := fault.As(err)
		if got == nil || got.Code != c.code || got.Class != c.class || !strings.Contains(err.Error(), c.err.Error()) || !strings.Contains(got.Hint(), c.hint) || got.Hint() == "" {
			t.Errorf("%+v: %v (%v)", c.err, err, got)
		}
	}
}

// Nothing that a person writes becomes another keyword of the connection string, or names a driver or a file.
//
// Req: S-30, S-72
func TestConnection(t *testing.T) {
	t.Parallel()
	s := with(connector.Settings{"host": "db.example.com", "password": "a;DBCNAME=evil", "database": "sales", "mechanism": "LDAP", "options": " SessionMode=ANSI ; Account={$M$ETL};"})
	source, err := open(connector.SourceOptions{Settings: s}, Driver)
	if err != nil {
		t.Fatal(err)
	}
	const want = "DRIVER={Teradata Database ODBC Driver 20.00};DBCNAME=127.0.0.1;UID=millrace;PWD={a;DBCNAME=evil};DATABASE=sales;AUTHENTICATION=LDAP;" +
		"SSLMODE=Prefer;TDMSTPORTNUMBER=1;HTTPS_PORT=2;CHARACTERSET=UTF16;DATETIMEFORMAT=AAA;SessionMode=ANSI;Account={$M$ETL};"
	if got := source.connection(ports{1, 2}); got != want {
		t.Errorf("it connects with %s", got)
	}
	for name, values := range map[string][]string{
		"host": {"http://db", "db;DRIVER=x", ""}, "user": {"a}b"}, "password": {"a};DRIVER=/tmp/x"},
		"options": {"Driver=/tmp/x.so", "dsn=x", "LogPath=/tmp", "TraceFile=/x", "pwd=x", "a b=c", "novalue", "X={a}{b}", "DefaultDatabase=x"},
	} {
		for _, v := range values {
			_, err := open(connector.SourceOptions{Settings: with(connector.Settings{name: v})}, Driver)
			if !fault.Is(err, fault.CodeInvalid) || fault.As(err).Path != name {
				t.Errorf("%s %q: %v", name, v, err)
			}
		}
	}
	if issues := with(nil).Check("spec", fields(), nil); len(issues) > 0 {
		t.Error(issues)
	}
}

// A build without ODBC says so in the catalogue, and what to do.
//
// Req: S-72
func TestMissing(t *testing.T) {
	t.Parallel()
	if got := Info(Driver).Missing; (got == "") != odbc.Available || got != "" && !strings.Contains(got, "TAGS=teradata") {
		t.Errorf("with ODBC %t, missing is %q", odbc.Available, got)
	}
}
