package mysql

import (
	"database/sql/driver"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Every type that a table can have is one of ours, and a query says the same of it as discovery.
//
// Req: S-20, M-23
func TestTypesOfTables(t *testing.T) {
	t.Parallel()
	cases := []struct {
		declared, literal string
		want              value.Type
		text              string // of the value
	}{
		{"tinyint", "-128", value.TypeNumber, "-128"},
		{"tinyint unsigned", "255", value.TypeNumber, "255"},
		{"tinyint(1)", "1", value.TypeBoolean, "true"},
		{"bool", "0", value.TypeBoolean, "false"},
		{"tinyint(1) unsigned", "2", value.TypeNumber, "2"},
		{"smallint", "-32768", value.TypeNumber, "-32768"},
		{"smallint unsigned zerofill", "65535", value.TypeNumber, "65535"},
		{"mediumint", "-8388608", value.TypeNumber, "-8388608"},
		{"mediumint unsigned", "16777215", value.TypeNumber, "16777215"},
		{"int", "-2147483648", value.TypeNumber, "-2147483648"},
		{"int unsigned", "4294967295", value.TypeNumber, "4294967295"},
		{"bigint", "-9223372036854775808", value.TypeNumber, "-9223372036854775808"},
		{"bigint unsigned", "18446744073709551615", value.TypeNumber, "18446744073709551615"},
		{"float", "16777215", value.TypeNumber, "16777215"}, // more than the six digits that its text has
		{"float", "0.1", value.TypeNumber, "0.1"},
		{"double", "0.1234567890123456", value.TypeNumber, "0.1234567890123456"},
		{"double", "-1.7976931348623157e308", value.TypeNumber, "-1.7976931348623157e+308"},
		{"decimal(38,0)", "-99999999999999999999999999999999999999", value.TypeNumber, "-99999999999999999999999999999999999999"},
		{"decimal(38,10) unsigned", "9999999999999999999999999999.9999999999", value.TypeNumber, "9999999999999999999999999999.9999999999"},
		{"decimal(5,5)", "-0.00001", value.TypeNumber, "-0.00001"},
		{"decimal(10,2) unsigned", "12345678.90", value.TypeNumber, "12345678.90"},
		{"decimal(39,0)", "999999999999999999999999999999999999999", value.TypeNumber, "999999999999999999999999999999999999999"},
		{"decimal(65,30)", "-1.5", value.TypeNumber, "-1.500000000000000000000000000000"},
		{"bit(1)", "b'0'", value.TypeBoolean, "false"},
		{"bit(5)", "b'10101'", value.TypeNumber, "21"},
		{"bit(64)", "~0", value.TypeNumber, "18446744073709551615"},
		{"date", "'1000-01-01'", value.TypeDate, "1000-01-01"},
		{"date", "'0000-00-00'", value.TypeDate, ""},
		{"datetime", "'9999-12-31 23:59:59'", value.TypeTimestamp, "9999-12-31T23:59:59.000Z"},
		{"datetime(6)", "'0001-01-01 00:00:00.000001'", value.TypeTimestamp, "0001-01-01T00:00:00.000001Z"},
		{"datetime(1)", "'2024-02-29 23:59:59.9'", value.TypeTimestamp, "2024-02-29T23:59:59.900Z"},
		{"datetime", "'0000-00-00 00:00:00'", value.TypeTimestamp, ""},
		{"timestamp(3) null", "'2024-07-01 00:00:00.123'", value.TypeTimestamp, "2024-07-01T00:00:00.123Z"},
		{"timestamp null", "'0000-00-00 00:00:00'", value.TypeTimestamp, ""},
		{"time", "'838:59:59'", value.TypeString, "838:59:59"},
		{"time(6)", "'-00:00:00.000001'", value.TypeString, "-00:00:00.000001"},
		{"year", "2155", value.TypeNumber, "2155"},
		{"year", "0", value.TypeNumber, "0"},
		{"char(4)", "'ab'", value.TypeString, "ab"},
		{"varchar(10) character set latin1", "'é€'", value.TypeString, "é€"},
		{"varchar(10) collate utf8mb4_bin", "'😀'", value.TypeString, "😀"},
		{"varchar(10) character set utf16", "'😀'", value.TypeString, "😀"},
		{"tinytext", "'a'", value.TypeString, "a"},
		{"text character set cp1251", "'Привет'", value.TypeString, "Привет"},
		{"mediumtext", "'a'", value.TypeString, "a"},
		{"longtext", "'a'", value.TypeString, "a"},
		{"enum('a','b \"c\", d')", "2", value.TypeString, `b "c", d`},
		{"set('x','y','z')", "5", value.TypeString, "x,z"},
		{"binary(4)", "x'00ff'", value.TypeString, "AP8AAA=="},
		{"varbinary(4)", "x'00ff'", value.TypeString, "AP8="},
		{"tinyblob", "x'ff'", value.TypeString, "/w=="},
		{"blob", "x'ff'", value.TypeString, "/w=="},
		{"mediumblob", "x'ff'", value.TypeString, "/w=="},
		{"longblob", "x'ff'", value.TypeString, "/w=="},
		{"json", `'{"a": [1, null]}'`, value.TypeString, `{"a": [1, null]}`}, // MariaDB's is text
		{"geometry", "ST_GeomFromText('POINT(1 2)', 4326)", value.TypeString, "5hAAAAEBAAAAAAAAAAAA8D8AAAAAAAAAQA=="},
		{"polygon", "NULL", value.TypeString, ""},
		{"uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", value.TypeString, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
		{"inet4", "'10.0.0.1'", value.TypeString, "10.0.0.1"},
	}
	var columns, literals []string
	for i, c := range cases {
		columns, literals = append(columns, fmt.Sprintf("c%d %s", i, c.declared)), append(literals, c.literal)
	}
	settings, db := place(t, "CREATE TABLE t ("+strings.Join(columns, ", ")+")")
	execute(t, db, "SET STATEMENT sql_mode='ALLOW_INVALID_DATES', time_zone='+00:00' FOR INSERT INTO t VALUES ("+strings.Join(literals, ", ")+")")
	for _, info := range []connector.SourceInfo{Infos()[0], textual(t)} {
		s := openAs(t, info, settings, connector.Network{})
		tables, err := s.Introspect(t.Context())
		if err != nil || len(tables) != 1 || len(tables[0].Columns) != len(cases) {
			t.Fatalf("%v: %v", tables, err)
		}
		got := read(t, s, "SELECT * FROM t")
		for i, c := range cases {
			v, column := got.Rows[0][i], got.Schema[i]
			text := c.text
			if info.Slug == "textual" && c.declared == "float" && c.text == "16777215" {
				text = "16777200" // the server's own six digits
			}
			if column.Type != c.want || tables[0].Columns[i].Type != c.want || v.String() != text {
				t.Errorf("%s: %s %q of the type %s, discovery says %s, want %q of %s", c.declared, v.Kind(), v, column.Type, tables[0].Columns[i].Type, text, c.want)
			}
			if v.IsNull() != (c.text == "") {
				t.Errorf("%s: null is %v", c.declared, v.IsNull())
			}
		}
	}
}

// textual is a source of MariaDB that speaks the text protocol.
func textual(t *testing.T) connector.SourceInfo {
	t.Helper()
	p := mysqlProduct
	p.prepares = false
	return p.info("textual", "Text", "Text", "")
}

// What cannot be held is an error that names the column, and never another value.
//
// Req: S-20, M-23
func TestWhatCannotBeHeld(t *testing.T) {
	t.Parallel()
	settings, db := place(t, "CREATE TABLE t (tiny tinyint(1), partial date, february datetime, no_month timestamp NULL, raw varbinary(4), ok int)")
	execute(t, db, "SET STATEMENT sql_mode='ALLOW_INVALID_DATES' FOR INSERT INTO t VALUES (2, '2024-00-15', '2023-02-31 01:02:03', NULL, x'ff', 1)")
	s := openAt(t, settings)
	for column, says := range map[string]string{
		"tiny": "neither true nor false", "partial": "no date", "february": "no date",
	} {
		err := failure(t, s, "SELECT ok, "+column+" FROM t")
		if err.Code != fault.CodeSourceType || !strings.Contains(err.Error(), `"`+column+`"`) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %s: %v", column, err.Code, err)
		}
	}
	if got := read(t, openAt(t, with(settings, "tinyInt", "number")), "SELECT tiny, ok FROM t").Rows[0]; got[0].String() != "2" {
		t.Errorf("as a number it is %v", got)
	}
	if got := read(t, s, "SELECT CAST(partial AS CHAR) AS p FROM t").Rows[0]; got[0].String() != "2024-00-15" {
		t.Errorf("as text it is %v", got)
	}
}

// The values that the driver may hand over, and those that no server should.
func TestReadingValues(t *testing.T) {
	t.Parallel()
	s := &Source{}
	for _, c := range []struct {
		native string
		v      driver.Value
		want   string // empty: an error
	}{
		{"json", []byte(`{"a":[1,2]}`), `{"a":[1,2]}`},
		{"json", []byte(`"text"`), `"text"`},
		{"text", []byte("a\xffb"), ""},
		{"json", []byte("\"\xff\""), ""},
		{"enum('a')", []byte{0xc3}, ""},
		{"bigint unsigned", uint64(1<<63 + 1), "9223372036854775809"},
		{"bigint unsigned", []byte("-1"), ""},
		{"int", []byte("12"), "12"},
		{"int", []byte("1x"), ""},
		{"int", "text", ""},
		{"bit(3)", []byte{5}, "5"},
		{"bit(3)", make([]byte, 9), ""},
		{"float", int64(1), ""},
		{"double", []byte("1"), ""},
		{"decimal(10,2)", []byte("1.5"), "1.50"},
		{"decimal(10,2)", []byte("-1"), "-1.00"},
		{"decimal(10,2)", []byte("1.505"), ""},
		{"decimal(10,2)", []byte("1e5"), ""},
		{"decimal(10,2)", []byte(""), ""},
		{"decimal(10,2)", int64(1), ""},
		{"decimal(38,0)", []byte(strings.Repeat("9", 39)), ""},
		{"date", []byte("2024-02-30"), ""},
		{"date", []byte("2024-02-29 00:00:00"), ""},
		{"date", []byte("24-02-2999"), ""},
		{"date", []byte("-"), ""},
		{"datetime", []byte("2024-02-29"), ""},
		{"datetime", []byte("2024-02-29 1x:00:00"), ""},
		{"datetime", []byte("2024-02-29 10:00:00.5"), "2024-02-29T10:00:00.500Z"},
		{"timestamp", int64(1), ""},
		{"vector(3)", []byte{1}, "AQ=="},
		{"blob", int64(1), ""},
		{"something new", []byte("as text"), "as text"},
		{"something new", int64(7), "7"},
	} {
		column := s.column("c", parseNative(c.native))
		b := array.NewBuilder(memory.DefaultAllocator, column.field.Type)
		err := column.into(b)(c.v)
		if err != nil {
			if c.want != "" {
				t.Errorf("%s %v: %v", c.native, c.v, err)
			}
			continue
		}
		read, rerr := value.NewReader(column.field, b.NewArray())
		if rerr != nil {
			t.Fatal(rerr)
		}
		if got := read(0).String(); c.want == "" || got != c.want {
			t.Errorf("%s %v: %q, want %q", c.native, c.v, got, c.want)
		}
	}
	if c := s.column("c", parseNative("json")); c.as != value.TypeObject {
		t.Errorf("MySQL's JSON is %q", c.as)
	}
}

// The names of types, as models store them and dialects read them.
func TestNames(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"bigint(20) unsigned": "bigint unsigned", "decimal(12,2) unsigned zerofill": "decimal(12,2) unsigned", "tinyint(1)": "tinyint(1)", "tinyint(4)": "tinyint",
		"datetime(6)": "datetime(6)", "timestamp": "timestamp", "enum('a(1)','b')": "enum", "double precision": "double", "bit(8)": "bit(8)", "VARCHAR(20)": "varchar",
		"int(10) unsigned zerofill": "int unsigned", "set('x unsigned')": "set",
	} {
		if got := parseNative(text).String(); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// A driver that keeps what it knows of columns elsewhere yields nothing.
func TestWireOfAnotherDriver(t *testing.T) {
	t.Parallel()
	type rows struct {
		driver.Rows

		rs struct{ columns []struct{ length string } }
	}
	r := &rows{}
	r.rs.columns = make([]struct{ length string }, 1)
	for _, other := range []driver.Rows{nil, r, &struct{ driver.Rows }{}} {
		if _, _, known := wire(other, 0); known {
			t.Errorf("%T is known", other)
		}
	}
}

// A text of ten megabytes arrives whole.
func TestLongText(t *testing.T) {
	t.Parallel()
	settings, _ := place(t)
	const long = 10 << 20
	got := read(t, openAt(t, settings), fmt.Sprintf("SELECT 1 AS id, repeat('é', %d) AS long_text", long/2)).Rows[0][1].Raw()
	if len(got) != long || strings.Trim(got, "é") != "" {
		t.Errorf("%d bytes arrived", len(got))
	}
}
