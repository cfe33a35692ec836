package clickhouse

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/clickhouse/clickhousetest"
	"github.com/millrace/millrace/internal/source/stream"
	"github.com/millrace/millrace/internal/value"
)

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

// Req: S-28, M-30
func TestErrors(t *testing.T) {
	t.Parallel()
	_, settings := stand(t, clickhousetest.Options{Deny: []string{"secret"}})
	s := openAt(t, settings)
	for _, c := range []struct {
		sql, says, hint string
		code            fault.Code
	}{
		{"SELECT * FROM shop.secret", "Not enough privileges", "grant", fault.CodeSourceDenied},
		{"SELECT gone FROM shop.customers", "Unknown expression identifier `gone`", "column's name", fault.CodeSourceQuery},
		{"INSERT INTO shop.customers VALUES (1)", "no query", "SELECT", fault.CodeSourceQuery},
		{"SELECT 1 AS a; DROP TABLE shop.customers", "Multi-statements are not allowed", "", fault.CodeSourceQuery},
		{"SELECT '\xff' AS a", "", "", fault.CodeSourceQuery},
		{"SELECT from_hex('FF') AS raw", `"raw"`, "base64Encode", fault.CodeSourceType},
	} {
		_, err := consume(t, s, connector.Query{SQL: c.sql})
		if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) || !strings.Contains(fault.As(err).Hint(), c.hint) {
			t.Errorf("%q: %v (%s)", c.sql, err, fault.As(err).Hint())
		}
	}
	_, err := consume(t, openAt(t, with(settings, "host", "no-such-host.invalid")), connector.Query{SQL: "SELECT 1 AS a"})
	if err == nil || strings.Contains(err.Error(), "query_id") {
		t.Errorf("the address is shown: %v", err)
	}
}

// Rows that end with an exception, or with the connection, are not the whole result: in none of the ways in which
// servers say so.
//
// Req: S-28
func TestFailsMidway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options clickhousetest.Options
		code    fault.Code
		says    string
	}{
		"text":       {clickhousetest.Options{FailAfter: 12_345}, fault.CodeSourceTimeout, "Timeout exceeded: elapsed 1.0 seconds"},
		"marked":     {clickhousetest.Options{FailAfter: 12_345, Tagged: true}, fault.CodeSourceTimeout, "Timeout exceeded: elapsed 1.0 seconds"},
		"first row":  {clickhousetest.Options{FailAfter: 1}, fault.CodeSourceTimeout, "Timeout exceeded"},
		"connection": {clickhousetest.Options{DieAfter: 12_345}, fault.CodeSourceUnreachable, "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, settings := stand(t, c.options)
			n, err := consume(t, openAt(t, settings), connector.Query{SQL: numbers(20_000)})
			if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) || n >= 20_000 || strings.Contains(err.Error(), "row 1") || strings.Contains(err.Error(), "__exception__") || strings.Contains(err.Error(), "dtgx") {
				t.Errorf("after %d rows: %v", n, err)
			}
		})
	}
}

// A user that the server lets only read may set nothing; instants are then in the zones of their columns.
//
// Req: S-28
func TestReadOnlyUser(t *testing.T) {
	t.Parallel()
	server, settings := stand(t, clickhousetest.Options{ReadOnly: true, Zone: "Europe/Berlin"})
	r, err := openAt(t, settings).Query(t.Context(), connector.Query{SQL: "SELECT toDateTime64('2024-07-01 10:00:00.5', 6, 'UTC') AS at", Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if got := sourcetest.Read(t, r).Rows[0][0].String(); got != "2024-07-01T10:00:00.500Z" {
		t.Errorf("the instant is %s", got)
	}
	all := server.Parameters()
	if first, second := all[0], all[1]; first.Get("readonly") != "2" || second.Get("readonly") != "" || second.Get("default_format") != format {
		t.Errorf("asked with %v, then with %v", first, second)
	}
}

// An empty list says why (S-70), and comments are told.
//
// Req: S-70
func TestDiscovery(t *testing.T) {
	t.Parallel()
	server, settings := stand(t, clickhousetest.Options{})
	s := openAt(t, settings)
	tables, err := s.Introspect(t.Context())
	if err != nil || len(tables) != 3 || tables[1].Columns[1].Description != "where letters go" {
		t.Fatalf("%+v: %v", tables, err)
	}
	if _, err := server.Engine.Execute(t.Context(), "DROP SCHEMA shop CASCADE"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Introspect(t.Context()); !fault.Is(err, fault.CodeSourceDenied) || !strings.Contains(err.Error(), `"ann"`) || !strings.Contains(fault.As(err).Hint(), "GRANT SELECT ON `default`.* TO `ann`") {
		t.Errorf("nothing to list: %v", err)
	}
}

// Req: S-28, S-70
func TestConnectionString(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want place
		set  string
	}{
		{"jdbc:clickhouse://db.example.com", place{host: "db.example.com", port: "8123", database: "default", user: "default"}, ""},
		{"jdbc:ch://u:p%40ss@db:8124/shop", place{host: "db", port: "8124", database: "shop", user: "u", password: "p@ss"}, ""},
		{"jdbc:clickhouse://db/shop?user=u&password=a%26b&ssl=true", place{host: "db", port: "8443", database: "shop", user: "u", password: "a&b", secure: true}, ""},
		{"jdbc:clickhouse:https://db:443?sslmode=NONE", place{host: "db", port: "443", database: "default", user: "default", secure: true, anyone: true}, ""},
		{"JDBC:CLICKHOUSE:http://[::1]:8123/x?max_execution_time=60&socket_timeout=1&clickhouse_setting_max_threads=2&custom_http_params=a=1,b=2&path=/query", place{host: "::1", port: "8123", database: "x", user: "default", path: "/query"}, "a=1&b=2&max_execution_time=60&max_threads=2"},
	} {
		got, err := parseJDBC(c.text)
		set := got.settings.Encode()
		got.settings = nil
		if err != nil || got.host != c.want.host || got.port != c.want.port || got.database != c.want.database || got.user != c.want.user || got.password != c.want.password ||
			got.secure != c.want.secure || got.anyone != c.want.anyone || got.path != c.want.path || set != c.set {
			t.Errorf("%s: %+v with %s, %v", c.text, got, set, err)
		}
	}
	for _, text := range []string{
		"", "postgres://secret@db", "jdbc:clickhouse:secret", "jdbc:clickhouse:grpc://secret@db", "jdbc:clickhouse:///secret", "jdbc:clickhouse://a,b/secret", "jdbc:clickhouse://u:secret@db:port",
		"jdbc:clickhouse://db?ssl=secret", "jdbc:clickhouse://db?password=%secret", "jdbc:clickhouse://db?query=secret",
	} {
		_, err := Info().Open(connector.SourceOptions{Settings: connector.Settings{"method": methodString, "connectionString": text}})
		if !fault.Is(err, fault.CodeInvalid) || fault.As(err).Path != "connectionString" || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A connection string reaches the server, and its settings go with each query.
//
// Req: S-28, S-70
func TestByConnectionString(t *testing.T) {
	t.Parallel()
	server, settings := stand(t, clickhousetest.Options{})
	text := "jdbc:clickhouse://" + settings.Text("host") + ":" + settings.Text("port") + "/default?max_threads=3&user=ann&password=correct%20horse%20'%5C%20battery"
	s := openAt(t, connector.Settings{"method": methodString, "connectionString": text})
	if n, err := consume(t, s, connector.Query{SQL: numbers(10)}); n != 10 || err != nil {
		t.Fatalf("%d rows, %v", n, err)
	}
	if got := server.Parameters()[0].Get("max_threads"); got != "3" {
		t.Errorf("the setting is %q", got)
	}
	err := openAt(t, connector.Settings{"method": methodString, "connectionString": text + "&no_such_setting=1"}).Test(t.Context())
	if !fault.Is(err, fault.CodeSourceQuery) || !strings.Contains(fault.As(err).Hint(), "connection string") {
		t.Errorf("a setting that the server does not have: %v", err)
	}
}

// Every type of the list arrives as one of ours, exactly.
//
// Req: S-28, M-23
func TestTypes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		native, raw string
		kind        value.Type
		want        string
	}{
		{"Bool", "true", value.TypeBoolean, "true"},
		{"Int8", "-128", value.TypeNumber, "-128"},
		{"UInt8", "255", value.TypeNumber, "255"},
		{"UInt16", "65535", value.TypeNumber, "65535"},
		{"UInt32", "4294967295", value.TypeNumber, "4294967295"},
		{"Int64", `"-9223372036854775808"`, value.TypeNumber, "-9223372036854775808"},
		{"UInt64", "18446744073709551615", value.TypeNumber, "18446744073709551615"},
		{"UInt256", `"115792089237316195423570985008687907853269984665640564039457584007913129639935"`, value.TypeNumber, "115792089237316195423570985008687907853269984665640564039457584007913129639935"},
		{"Float32", "0.1", value.TypeNumber, "0.1"},
		{"Float64", "null", value.TypeNumber, ""},
		{"Nullable(Decimal(38, 10))", "-1234567890123456789012345678.0123456789", value.TypeNumber, "-1234567890123456789012345678.0123456789"},
		{"Decimal64(2)", "0.10", value.TypeNumber, "0.10"},
		{"Decimal(76, 2)", `"12345678901234567890123456789012345678901234567890.10"`, value.TypeNumber, "12345678901234567890123456789012345678901234567890.10"},
		{"String", `"a\u0000\"é"`, value.TypeString, "a\x00\"é"},
		{"LowCardinality(Nullable(String))", `"x"`, value.TypeString, "x"},
		{"FixedString(3)", `"ab\u0000"`, value.TypeString, "ab\x00"},
		{"Enum8('a' = 1, 'b,(' = 2)", `"b,("`, value.TypeString, "b,("},
		{"UUID", `"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`, value.TypeString, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
		{"IPv6", `"2001:db8::1"`, value.TypeString, "2001:db8::1"},
		{"Date", `"2024-02-29"`, value.TypeDate, "2024-02-29"},
		{"Nullable(Date32)", `"1900-01-01"`, value.TypeDate, "1900-01-01"},
		{"DateTime", `"2024-02-29 12:34:56"`, value.TypeTimestamp, "2024-02-29T11:34:56.000Z"}, // the server's zone
		{"DateTime('Asia/Kolkata')", `"2024-02-29 12:30:00"`, value.TypeTimestamp, "2024-02-29T07:00:00.000Z"},
		{"DateTime64(9, 'UTC')", `"2024-02-29 12:34:56.789012345"`, value.TypeTimestamp, "2024-02-29T12:34:56.789012Z"},
		{"DateTime64(3)", `"2024-02-29T12:34:56.789Z"`, value.TypeTimestamp, "2024-02-29T12:34:56.789Z"},
		{"IntervalDay", "3", value.TypeString, "3"},
		{"AggregateFunction(sum, UInt64)", `"\u0001"`, value.TypeString, "\x01"},
		{"SimpleAggregateFunction(sum, Float64)", "1.5", value.TypeNumber, "1.5"},
		{"JSON", `{"b":1.10,"a":null}`, value.TypeObject, `{"b":1.10,"a":null}`},
		{"JSON(max_dynamic_paths=8, a.b UInt32)", `{"a":{"b":1}}`, value.TypeObject, `{"a":{"b":1}}`},
		{"Array(Nullable(Int64))", `["1",null,3]`, value.TypeObject, "[1,null,3]"},
		{"Array(Array(String))", `[["a\""],[]]`, value.TypeObject, `[["a\""],[]]`},
		{"Array(Decimal(18, 2))", `[0.10,"1.20"]`, value.TypeObject, "[0.10,1.20]"},
		{"Array(DateTime('UTC'))", `["2024-02-29 12:00:00"]`, value.TypeObject, `["2024-02-29T12:00:00.000Z"]`},
		{"Map(String, Array(UInt8))", `{"b":[1],"a":[]}`, value.TypeObject, `{"b":[1],"a":[]}`},
		{"Map(UInt64, String)", `{"1":"x"}`, value.TypeObject, `{"1":"x"}`},
		{"Tuple(a Int32, `b \\` c` Nullable(String))", `[1,null]`, value.TypeObject, "{\"a\":1,\"b ` c\":null}"},
		{"Tuple(a Int32, b Tuple(x Date, Float64))", `{"a":1,"b":{"x":"2024-02-29","2":0.5}}`, value.TypeObject, `{"a":1,"b":{"x":"2024-02-29","2":0.5}}`},
		{"Tuple(Int32, DateTime('UTC'))", `[1,"2024-02-29 12:00:00"]`, value.TypeObject, `{"1":1,"2":"2024-02-29T12:00:00.000Z"}`},
		{"Nested(a Int32, b String)", `[[1,"x"]]`, value.TypeObject, `[{"a":1,"b":"x"}]`},
		{"Point", "[1.5,-2]", value.TypeString, "[1.5,-2]"},
		{"Variant(Int64, String)", `"x"`, value.TypeString, "x"},
		{"Nothing", "null", value.TypeString, ""},
	} {
		typ := typeOf(c.native, "Europe/Berlin")
		b := array.NewBuilder(memory.DefaultAllocator, typ.Arrow())
		err := typ.AppendJSON(b, json.RawMessage(c.raw))
		if err != nil {
			t.Errorf("%s %s: %v", c.native, c.raw, err)
			b.Release()
			continue
		}
		column := b.NewArray()
		read, err := value.NewReader(typ.Field("c"), column)
		if err != nil {
			t.Fatal(err)
		}
		if got := read(0).Parsed().String(); got != c.want || typ.Value() != c.kind || typ.Text != c.native {
			t.Errorf("%s %s is %s %q, want %s %q", c.native, c.raw, typ.Value(), got, c.kind, c.want)
		}
		column.Release()
		b.Release()
	}
}

// Where the name stands that the server does not know, if it stands there once.
//
// Req: M-30
func TestPlace(t *testing.T) {
	t.Parallel()
	own := "SELECT é,\n  no_such AS x, twice FROM twice"
	text := stream.Text{Sent: query.Comment("tag") + own, Own: own}
	for words, want := range map[string]fault.Place{
		"Code: 47. DB::Exception: Unknown expression identifier `no_such` in scope SELECT no_such":          {Line: 2, Column: 3},
		"Code: 47. DB::Exception: Missing columns: 'no_such' while processing query":                        {Line: 2, Column: 3},
		"Code: 60. DB::Exception: Table default.twice does not exist":                                       {},
		"Code: 60. DB::Exception: Table default.no_such doesn't exist":                                      {Line: 2, Column: 3},
		"Code: 62. DB::Exception: Syntax error: failed at position 24 ('no_such') (line 2, col 3): no_such": {Line: 2, Column: 3},
		"Code: 62. DB::Exception: Syntax error: failed at position 999":                                     {},
	} {
		if got := placeOf(words, text); got != want {
			t.Errorf("%s: %+v, want %+v", words, got, want)
		}
	}
}

func FuzzConnectionString(f *testing.F) {
	f.Add("jdbc:clickhouse://u:p@h:1/d?a=b")
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := parseJDBC(text); err == nil && p.host == "" {
			t.Errorf("%q has no host", text)
		}
	})
}

func FuzzType(f *testing.F) {
	f.Add("Tuple(`a` Array(Nullable(Decimal(1, 2))), Enum8('x' = 1))")
	f.Fuzz(func(t *testing.T, native string) {
		if typ := typeOf(native, ""); typ.Value() == "" {
			t.Errorf("%q has no type", native)
		}
	})
}
