package oracle

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
	ora "github.com/sijms/go-ora/v2"
	"github.com/sijms/go-ora/v2/network"
)

func sized(p, s int64) fakeColumn { return fakeColumn{"V", "NUMBER", p, s} }

func plain(typ string) fakeColumn { return fakeColumn{"V", typ, 0, 0} }

// Every built-in type has one of ours, and its edge values arrive as they are.
//
// Req: M-23, S-29, S-71
func TestTypes(t *testing.T) {
	t.Parallel()
	nines := strings.Repeat("9", 38)
	long := strings.Repeat("é😀", 2<<20)
	local := time.FixedZone("", -5*3600)
	for _, c := range []struct {
		column fakeColumn
		native string
		typ    value.Type
		in     driver.Value
		want   value.Value
	}{
		{sized(38, 0), "NUMBER(38,0)", value.TypeNumber, "-" + nines, value.OfDecimal("-" + nines)},
		{sized(10, 2), "NUMBER(10,2)", value.TypeNumber, "1.5", value.OfDecimal("1.50")},
		{sized(10, 2), "NUMBER(10,2)", value.TypeNumber, "7", value.OfDecimal("7.00")},
		{sized(38, 38), "NUMBER(38,38)", value.TypeNumber, "0." + nines, value.OfDecimal("0." + nines)},
		{sized(0, 255), "NUMBER", value.TypeNumber, "0.1", value.OfDecimal("0.1")},
		{sized(0, 255), "NUMBER", value.TypeNumber, "1" + strings.Repeat("0", 125), value.OfDecimal("1" + strings.Repeat("0", 125))},
		{sized(5, 254), "NUMBER(5,-2)", value.TypeNumber, "1234500", value.OfDecimal("1234500")},
		{sized(3, 5), "NUMBER(3,5)", value.TypeNumber, "0.00123", value.OfDecimal("0.00123")},
		{sized(0, 255), "NUMBER", value.TypeNumber, "-0050.", value.OfDecimal("-50")},
		{plain("IBFloat"), "BINARY_FLOAT", value.TypeNumber, float32(0.1), value.OfFloat(0.1)},
		{plain("IBDouble"), "BINARY_DOUBLE", value.TypeNumber, 1e300, value.OfFloat(1e300)},
		{plain("IBDouble"), "BINARY_DOUBLE", value.TypeNumber, math.NaN(), value.Value{}},
		{plain("IBDouble"), "BINARY_DOUBLE", value.TypeNumber, math.Inf(-1), value.Value{}},
		{plain("NCHAR"), "VARCHAR2", value.TypeString, "  a  ", value.OfText("  a  ")},
		{plain("CHAR"), "CHAR", value.TypeString, "ab  ", value.OfText("ab  ")},
		{plain("LONG"), "LONG", value.TypeString, "a", value.OfText("a")},
		{plain("OCIClobLocator"), "CLOB", value.TypeString, long, value.OfText(long)},
		{plain("ROWID"), "ROWID", value.TypeString, "AAAACPAABAAAAShAAA", value.OfText("AAAACPAABAAAAShAAA")},
		{plain("UROWID"), "UROWID", value.TypeString, "*BAMAAAo", value.OfText("*BAMAAAo")},
		{plain("RAW"), "RAW", value.TypeString, []byte{0, 255}, value.OfBytes([]byte{0, 255})},
		{plain("LongRaw"), "LONG RAW", value.TypeString, []byte{1}, value.OfBytes([]byte{1})},
		{plain("OCIBlobLocator"), "BLOB", value.TypeString, []byte{}, value.OfBytes([]byte{})},
		{plain("DATE"), "DATE", value.TypeTimestamp, time.Date(1, 1, 1, 12, 0, 0, 0, local), value.OfTime(time.Date(1, 1, 1, 12, 0, 0, 0, time.UTC))},
		{plain("DATE"), "DATE", value.TypeTimestamp, time.Date(-4712, 1, 1, 0, 0, 0, 0, time.UTC), value.OfTime(time.Date(-4712, 1, 1, 0, 0, 0, 0, time.UTC))},
		{plain("TimeStampDTY"), "TIMESTAMP", value.TypeTimestamp, time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, local), value.OfTime(time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC))},
		{plain("TimeStampTZ_DTY"), "TIMESTAMP WITH TIME ZONE", value.TypeTimestamp, time.Date(2024, 2, 29, 12, 34, 56, 789_012_000, local), value.OfTime(time.Date(2024, 2, 29, 17, 34, 56, 789_012_000, time.UTC))},
		{plain("TimeStampLTZ_DTY"), "TIMESTAMP WITH LOCAL TIME ZONE", value.TypeTimestamp, time.Date(2024, 2, 29, 12, 0, 0, 0, local), value.OfTime(time.Date(2024, 2, 29, 17, 0, 0, 0, time.UTC))},
		{plain("TNSType(252)"), "BOOLEAN", value.TypeBoolean, true, value.OfBool(true)},
	} {
		f := &fake{answers: []answer{{has: "FROM t", columns: []fakeColumn{c.column}, rows: [][]driver.Value{{c.in}, {nil}}}}}
		r, err := openFake(t, f, nil, connector.Network{}).Query(t.Context(), connector.Query{SQL: "SELECT v FROM t"})
		if err != nil {
			t.Errorf("%s: %v", c.native, err)
			continue
		}
		got := sourcetest.Read(t, r)
		r.Release()
		if s := got.Schema[0]; s.Type != c.typ || s.Native != c.native || s.Name != "V" {
			t.Errorf("%s is %+v", c.native, s)
		}
		if v := got.Rows[0][0]; v.Kind().String() != c.want.Kind().String() || v.String() != c.want.String() {
			t.Errorf("%s: %s %.80q, want %s %.80q", c.native, v.Kind(), v.String(), c.want.Kind(), c.want.String())
		}
		if !got.Rows[1][0].IsNull() {
			t.Errorf("%s: null is %q", c.native, got.Rows[1][0])
		}
	}
}

// What cannot be read stops the query before a row, and names the column.
//
// Req: S-71
func TestUnreadable(t *testing.T) {
	t.Parallel()
	for typ, says := range map[string]string{
		"IntervalDS_DTY": "INTERVAL DAY TO SECOND", "IntervalYM_DTY": "INTERVAL YEAR TO MONTH", "XMLType": "XMLTYPE", "OCIFileLocator": "BFILE", "OCIRef": "OCIRef", "TNSType(119)": "TNSType(119)",
	} {
		f := &fake{answers: []answer{{has: "FROM t", columns: []fakeColumn{sized(1, 0), {"LASTS", typ, 0, 0}}}}}
		_, err := openFake(t, f, nil, connector.Network{}).Query(t.Context(), connector.Query{SQL: "SELECT id, lasts FROM t"})
		if !fault.Is(err, fault.CodeSourceType) || !strings.Contains(err.Error(), `"LASTS"`) || !strings.Contains(err.Error(), says) || fault.As(err).Suggestion == "" {
			t.Errorf("%s: %v", typ, err)
		}
	}
	for _, v := range []driver.Value{"~", "1e5", "1.2.3", "1.", 7} {
		f := &fake{answers: []answer{{has: "FROM t", columns: []fakeColumn{{"N", "NUMBER", 9, 0}}, rows: [][]driver.Value{{v}}}}}
		r, err := openFake(t, f, nil, connector.Network{}).Query(t.Context(), connector.Query{SQL: "SELECT n FROM t"})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Next(); v != "1." && (got || !fault.Is(r.Err(), fault.CodeSourceType) || !strings.Contains(r.Err().Error(), `"N"`)) {
			t.Errorf("%v was read: %v", v, r.Err())
		}
		r.Release()
	}
}

// What a person writes stands in parentheses, in a transaction that only reads.
//
// Req: S-05, S-15, S-29
func TestStatements(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		q    connector.Query
		want string
	}{
		{connector.Query{SQL: "SELECT 1 AS a FROM dual -- one ;"}, "SELECT * FROM (\nSELECT 1 AS a FROM dual -- one\n) \"_millrace_model\""},
		{connector.Query{SQL: "WITH t AS (SELECT 1 AS a FROM dual) SELECT a FROM t ORDER BY a;\n", Limit: 5}, "SELECT * FROM (\nWITH t AS (SELECT 1 AS a FROM dual) SELECT a FROM t ORDER BY a\n) \"_millrace_model\" FETCH FIRST 5 ROWS ONLY"},
		{connector.Query{SQL: "SELECT 1 AS a FROM dual", Tag: "sync 1 */ run 2"}, "/* sync 1 / run 2 */ SELECT * FROM (\nSELECT 1 AS a FROM dual\n) \"_millrace_model\""},
	} {
		f := &fake{answers: []answer{{has: "dual", columns: []fakeColumn{{"A", "NUMBER", 1, 0}}}}}
		r, err := openFake(t, f, nil, connector.Network{}).Query(t.Context(), c.q)
		if err != nil {
			t.Fatal(err)
		}
		r.Release()
		if got := f.statements(); !slices.Equal(got, []string{"SET TRANSACTION READ ONLY", c.want}) {
			t.Errorf("%q became %q", c.q.SQL, got)
		}
	}
}

// Rows come in batches of a bounded size.
//
// Req: S-29
func TestBatches(t *testing.T) {
	t.Parallel()
	const rows = 20_000
	var all [][]driver.Value
	for i := range rows {
		all = append(all, []driver.Value{strconv.Itoa(i), strings.Repeat("x", 1000)})
	}
	f := &fake{answers: []answer{{has: "FROM t", columns: []fakeColumn{{"ID", "NUMBER", 10, 0}, {"X", "NCHAR", 0, 0}}, rows: all}}}
	r, err := openFake(t, f, nil, connector.Network{}).Query(t.Context(), connector.Query{SQL: "SELECT * FROM t"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var n, batches int64
	for r.Next() {
		if b := r.RecordBatch(); b.NumRows() > 5000 {
			t.Errorf("a batch has %d rows of 1 kB", b.NumRows())
		}
		n += r.RecordBatch().NumRows()
		batches++
	}
	if r.Err() != nil || n != rows || batches < 4 {
		t.Errorf("%d rows in %d batches: %v", n, batches, r.Err())
	}
}

// A connection lives as long as the rows that are read over it.
//
// Req: S-29
func TestRowsEndTheirConnection(t *testing.T) {
	t.Parallel()
	f := &fake{answers: []answer{{has: "FROM t", columns: []fakeColumn{sized(10, 0)}, rows: [][]driver.Value{{"1"}}}}}
	for name, end := range map[string]func(array.RecordReader){
		"read to their end": func(r array.RecordReader) {
			for r.Next() {
			}
		},
		"released before": array.RecordReader.Release,
	} {
		s := openFake(t, f, nil, connector.Network{})
		r, err := s.Query(t.Context(), connector.Query{SQL: "SELECT v FROM t"})
		if err != nil {
			t.Fatal(err)
		}
		if len(s.sessions) != 1 {
			t.Errorf("%s: %d connections while rows come", name, len(s.sessions))
		}
		if end(r); len(s.sessions) != 0 {
			t.Errorf("%s: the connection is still there", name)
		}
	}
}

// The driver says that rows have ended when it was their connection: a part of the rows is not taken for all of them.
func TestCutIsNotTheEnd(t *testing.T) {
	t.Parallel()
	f := &fake{answers: []answer{{has: "FROM t", columns: []fakeColumn{sized(10, 0)}, rows: [][]driver.Value{{"1"}}}}}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := openFake(t, f, nil, connector.Network{}).Query(ctx, connector.Query{SQL: "SELECT v FROM t"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	cancel()
	if r.Next() || !fault.Is(r.Err(), fault.CodeSourceTimeout) {
		t.Errorf("the rows ended with %v", r.Err())
	}
}

// Req: S-03, S-04, S-29
func TestIntrospect(t *testing.T) {
	t.Parallel()
	column := func(owner, table, kind, name, typ string, precision, scale driver.Value, comment driver.Value) []driver.Value {
		return []driver.Value{owner, table, kind, name, typ, precision, scale, "Y", comment, "250"}
	}
	names := []string{"OWNER", "TABLE_NAME", "KIND", "COLUMN_NAME", "DATA_TYPE", "P", "S", "N", "C", "R"}
	columns := make([]fakeColumn, len(names))
	for i, name := range names {
		columns[i] = fakeColumn{name, "NCHAR", 0, 0}
	}
	f := &fake{answers: []answer{{has: "all_tab_columns", columns: columns, rows: [][]driver.Value{
		column("SHOP", "ORDERS", "table", "ID", "NUMBER", "10", "0", nil),
		column("SHOP", "ORDERS", "table", "LASTS", "INTERVAL DAY(2) TO SECOND(6)", "2", "6", nil),
		column("SHOP", "CUSTOMERS", "table", "ID", "NUMBER", nil, "0", "whom we know"),
		column("SHOP", "CUSTOMERS", "table", "SEEN", "TIMESTAMP(6) WITH TIME ZONE", nil, "6", nil),
		column("SHOP", "CUSTOMERS", "table", "FREE", "NUMBER", nil, nil, nil),
		column("MILLRACE_PLANNER", "PLAN", "table", "ID", "NUMBER", nil, nil, nil),
	}}}}
	s := openFake(t, f, nil, connector.Network{})
	if err := s.Test(t.Context()); err != nil {
		t.Fatal(err)
	}
	found, err := s.Introspect(t.Context())
	if err != nil || len(found) != 2 || found[0].Ref != (query.TableRef{Schema: "SHOP", Name: "CUSTOMERS"}) || found[1].Ref.Name != "ORDERS" || *found[0].Rows != 250 {
		t.Fatalf("found %+v: %v", found, err)
	}
	want := value.Schema{
		{Name: "ID", Type: value.TypeNumber, Native: "NUMBER(38,0)", Nullable: true, Description: "whom we know"},
		{Name: "SEEN", Type: value.TypeTimestamp, Native: "TIMESTAMP WITH TIME ZONE", Nullable: true},
		{Name: "FREE", Type: value.TypeNumber, Native: "NUMBER", Nullable: true},
	}
	if !slices.Equal(found[0].Columns, want) {
		t.Errorf("the columns are %+v", found[0].Columns)
	}
	if c := found[1].Columns[1]; c.Native != "INTERVAL DAY TO SECOND" {
		t.Errorf("an interval is %+v", c)
	}
}

// Req: M-30, M-33, S-29
func TestErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		number int
		code   fault.Code
		class  fault.Class
		hint   string
	}{
		{1017, fault.CodeSourceAuth, fault.Fatal, "password"}, {28000, fault.CodeSourceAuth, fault.Fatal, "UNLOCK"}, {1045, fault.CodeSourceDenied, fault.Fatal, "CREATE SESSION"},
		{12514, fault.CodeSourceUnreachable, fault.Fatal, "service"}, {12528, fault.CodeSourceUnreachable, fault.Retryable, "again"}, {3113, fault.CodeSourceUnreachable, fault.Retryable, "again"},
		{942, fault.CodeSourceQuery, fault.Fatal, "schema"}, {904, fault.CodeSourceQuery, fault.Fatal, "column"}, {1555, fault.CodeSourceQuery, fault.Retryable, "UNDO_RETENTION"},
		{1013, fault.CodeSourceTimeout, fault.Retryable, ""}, {1456, fault.CodeSourceQuery, fault.Fatal, "change data"}, {29999, fault.CodeSourceQuery, fault.Fatal, ""}, {1012, fault.CodeSourceUnreachable, fault.Retryable, ""},
	} {
		e := &network.OracleError{ErrCode: c.number, ErrMsg: fmt.Sprintf("ORA-%05d: the server's own words", c.number)}
		f := &fake{answers: []answer{{has: "FROM t", err: e}}}
		_, err := openFake(t, f, nil, connector.Network{}).Query(t.Context(), connector.Query{SQL: "SELECT a FROM t"})
		got := fault.As(err)
		if got == nil || got.Code != c.code || got.Class != c.class || !strings.Contains(err.Error(), e.ErrMsg) || !strings.Contains(got.Hint(), c.hint) || got.Hint() == "" {
			t.Errorf("%d: %v", c.number, err)
		}
	}
}

// A position of the server's is one in the user's text.
//
// Req: M-30
func TestPlace(t *testing.T) {
	t.Parallel()
	st := statementOf(connector.Query{SQL: "SELECT 'é',\n  nope FROM dual", Tag: "preview\n1"})
	if got := st.place(strings.Index(st.text, "nope")); got != (fault.Place{Line: 2, Column: 3}) {
		t.Errorf("%+v", got)
	}
	for _, at := range []int{-1, 0, len(st.text)} {
		if got := st.place(at); got.Line != 0 {
			t.Errorf("%d is at %+v", at, got)
		}
	}
}

// A statement ends with its context, its timeout and its source.
//
// Req: S-29
func TestStops(t *testing.T) {
	t.Parallel()
	f := &fake{answers: []answer{{has: "forever", endless: true}}}
	s := openFake(t, f, connector.Settings{"requestTimeout": 0.01}, connector.Network{})
	_, err := s.Query(t.Context(), connector.Query{SQL: "SELECT forever FROM dual"})
	if !fault.Is(err, fault.CodeSourceTimeout) || !strings.Contains(fault.As(err).Hint(), "request timeout") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := openFake(t, f, nil, connector.Network{}).Query(ctx, connector.Query{SQL: "SELECT forever FROM dual"}); !fault.Is(err, fault.CodeSourceTimeout) {
		t.Errorf("%v", err)
	}
	closed := openFake(t, f, nil, connector.Network{})
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := closed.Query(t.Context(), connector.Query{SQL: "SELECT forever FROM dual"}); !fault.Is(err, fault.CodeSourceUnreachable) {
		t.Errorf("%v", err)
	}
}

// A server may die while rows come.
func TestServerDies(t *testing.T) {
	t.Parallel()
	broken := &net.OpError{Op: "read", Net: "tcp", Err: net.ErrClosed}
	f := &fake{answers: []answer{{has: "FROM t", columns: []fakeColumn{{"A", "NUMBER", 1, 0}}, rows: [][]driver.Value{{"1"}}, breaks: broken}}}
	r, err := openFake(t, f, nil, connector.Network{Egress: []string{"192.0.2.7"}}).Query(t.Context(), connector.Query{SQL: "SELECT a FROM t"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	for r.Next() {
	}
	if !fault.Is(r.Err(), fault.CodeSourceUnreachable) || fault.ClassOf(r.Err()) != fault.Retryable || !strings.Contains(fault.As(r.Err()).Hint(), "192.0.2.7") {
		t.Errorf("%v", r.Err())
	}
}

// The driver itself reaches the server over the source's network, by its name, and with nothing of this machine.
//
// Req: S-29
func TestNetwork(t *testing.T) {
	t.Parallel()
	var asked string
	n := connector.Network{Egress: []string{"192.0.2.7"}, Dial: func(_ context.Context, _, address string) (net.Conn, error) {
		asked = address
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: net.UnknownNetworkError("nothing there")}
	}}
	source, err := Info().Open(connector.SourceOptions{Settings: usual.WithDefaults(Info().Fields), Network: n})
	if err != nil {
		t.Fatal(err)
	}
	err = source.Test(t.Context())
	if !fault.Is(err, fault.CodeSourceUnreachable) || !strings.Contains(err.Error(), "nothing there") || !strings.Contains(fault.As(err).Hint(), "192.0.2.7") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
	if asked != "db.example.com:1521" {
		t.Errorf("it dialed %q", asked)
	}
}

// Req: S-29
func TestSettings(t *testing.T) {
	t.Parallel()
	if issues := usual.Check("spec", Info().Fields, nil); len(issues) > 0 {
		t.Error(issues)
	}
	for name, v := range map[string]string{
		"host": "http://db", "user": "sys", "database": "(DESCRIPTION=(ADDRESS=x))", "caCertificate": "nothing",
	} {
		settings := usual.WithDefaults(Info().Fields)
		settings[name], settings["encryption"] = v, "tls"
		_, err := Info().Open(connector.SourceOptions{Settings: settings})
		if !fault.Is(err, fault.CodeInvalid) || fault.As(err).Path != name {
			t.Errorf("%s %q: %v", name, v, err)
		}
	}
	special := settings{Host: "::1", Port: 1521, Database: "a b", User: "u:v", Password: "p@/?#:% "}
	parsed, err := ora.ParseConfig(special.url())
	if err != nil || parsed.UserID != special.User || parsed.Password != special.Password || parsed.ServiceName != "a b" || parsed.Servers[0].Addr != "::1" {
		t.Errorf("the driver reads %+v: %v", parsed, err)
	}
	for _, c := range []struct {
		encryption, databaseIs, key, want string
	}{
		{"native", "service", "ENCRYPTION", "REQUESTED"}, {"required", "service", "DATA INTEGRITY", "REQUIRED"}, {"none", "service", "ENCRYPTION", "REJECTED"},
		{"tls", "service", "SSL", "true"}, {"tls", "service", "SSL VERIFY", "true"}, {"native", "sid", "SID", "ORCL"}, {"native", "service", "SID", ""},
	} {
		got := settings{Database: "ORCL", Encryption: c.encryption, DatabaseIs: c.databaseIs}.options()
		if got.Get(c.key) != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
