package databricks

import (
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Every type of the vendor's list has one of ours, in the words of a description and of a result.
//
// Req: S-14, M-23
func TestTypes(t *testing.T) {
	t.Parallel()
	for native, want := range map[string]value.Type{
		"tinyint": value.TypeNumber, "BYTE": value.TypeNumber, "smallint": value.TypeNumber, "SHORT": value.TypeNumber, "int": value.TypeNumber,
		"bigint": value.TypeNumber, "LONG": value.TypeNumber, "decimal(38,10)": value.TypeNumber, "DECIMAL(38, 38)": value.TypeNumber, "decimal": value.TypeNumber,
		"float": value.TypeNumber, "double": value.TypeNumber, "boolean": value.TypeBoolean, "string": value.TypeString, "STRING COLLATE UTF8_LCASE": value.TypeString,
		"varchar(20)": value.TypeString, "char(3)": value.TypeString, "binary": value.TypeString, "date": value.TypeDate, "timestamp": value.TypeTimestamp,
		"timestamp_ntz": value.TypeTimestamp, "interval year to month": value.TypeString, "INTERVAL DAY TO SECOND": value.TypeString, "void": value.TypeString,
		"array<int>": value.TypeObject, "map<string,array<int>>": value.TypeObject, "STRUCT<a: INT NOT NULL, b: STRING>": value.TypeObject, "variant": value.TypeObject,
	} {
		f, err := fieldOf("c", native, "said")
		if err != nil {
			t.Errorf("%s: %v", native, err)
			continue
		}
		schema, err := value.SchemaOf(arrow.NewSchema([]arrow.Field{f}, nil))
		if err != nil || schema[0].Type != want || schema[0].Native != native || schema[0].Description != "said" {
			t.Errorf("%s is %+v, %v", native, schema, err)
		}
	}
	for _, native := range []string{"geography(4326)", "decimal(39,0)", "decimal(5,7)", "new_type"} {
		_, err := fieldOf("c", native, "")
		if !fault.Is(err, fault.CodeSourceType) || !strings.Contains(err.Error(), `"c"`) || !strings.Contains(err.Error(), native) {
			t.Errorf("%s: %v", native, err)
		}
		if c := columnOf("c", native, "", true); c.Type != value.TypeString || c.Native != native {
			t.Errorf("discovery shows %+v", c)
		}
	}
}

// arrays are columns as they may come.
func arrays(t *testing.T, typ arrow.DataType, texts ...string) arrow.Array {
	t.Helper()
	b := array.NewBuilder(memory.DefaultAllocator, typ)
	defer b.Release()
	for _, text := range texts {
		if err := b.AppendValueFromString(text); err != nil {
			t.Fatal(err)
		}
	}
	b.AppendNull()
	return b.NewArray()
}

// A column that comes in another form than the description promised becomes what was promised, exactly, or is an error
// that names it.
func TestConvert(t *testing.T) {
	t.Parallel()
	months := array.NewMonthIntervalBuilder(memory.DefaultAllocator)
	months.AppendValues([]arrow.MonthInterval{14, -1}, nil)
	months.AppendNull()
	inZone := &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "Europe/Berlin"}
	span := &arrow.DurationType{Unit: arrow.Microsecond}
	for _, c := range []struct {
		native string
		col    arrow.Array
		want   []string // nil for an error
	}{
		{"decimal(38,2)", arrays(t, arrow.BinaryTypes.String, "123456789012345678901234567890123456.78", "-0.10"), []string{"123456789012345678901234567890123456.78", "-0.10"}},
		{"decimal(3,2)", arrays(t, arrow.BinaryTypes.String, "0.123"), nil},
		{"decimal(3,2)", arrays(t, arrow.BinaryTypes.String, "1e3"), nil},
		{"decimal(3,2)", arrays(t, &arrow.Decimal128Type{Precision: 5, Scale: 3}, "0.123"), nil},
		{"timestamp", arrays(t, inZone, "2024-02-29T12:34:56.789012Z"), []string{"2024-02-29T12:34:56.789012Z"}},
		{"timestamp", arrays(t, &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"}, "2024-02-29T12:34:56.789012345Z"), nil},
		{"string", arrays(t, arrow.BinaryTypes.LargeString, "a"), []string{"a"}},
		{"string", arrays(t, arrow.PrimitiveTypes.Int32, "1"), nil},
		{"string", arrays(t, arrow.BinaryTypes.String, "a\xffb"), nil},
		{"string", arrays(t, arrow.BinaryTypes.LargeString, "a\xffb"), nil},
		{"string", arrays(t, arrow.BinaryTypes.String, "", "é 😀"), []string{"", "é 😀"}},
		{"interval year to month", months.NewArray(), []string{"1-2", "-0-1"}},
		{"interval day to second", arrays(t, span, "273906789ms", "-1s"), []string{"3 04:05:06.789000000", "-0 00:00:01.000000000"}},
		{"array<int>", arrays(t, arrow.ListOf(arrow.PrimitiveTypes.Int32), "[1,null]"), []string{"[1,null]"}},
		{"array<int>", arrays(t, arrow.BinaryTypes.String, "[1,null]"), []string{"[1,null]"}},
		{"void", array.NewNull(1), []string{}},
		{"int", arrays(t, arrow.PrimitiveTypes.Int64, "1"), nil},
		{"binary", arrays(t, arrow.BinaryTypes.LargeBinary, "YQ=="), []string{"YQ=="}},
	} {
		f, err := fieldOf("c", c.native, "")
		if err != nil {
			t.Fatal(err)
		}
		got, err := convert(f, arrow.Field{Name: "c", Type: c.col.DataType(), Nullable: true}, c.col)
		if c.want == nil {
			if !fault.Is(err, fault.CodeSourceType) || !strings.Contains(err.Error(), `"c"`) {
				t.Errorf("%s from %s: %v, %v", c.native, c.col.DataType(), got, err)
			}
			continue
		}
		if err != nil || !arrow.TypeEqual(got.DataType(), f.Type) || got.Len() != len(c.want)+1 || !got.IsNull(len(c.want)) {
			t.Errorf("%s from %s: %v, %v", c.native, c.col.DataType(), got, err)
			continue
		}
		read, err := value.NewReader(f, got)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range c.want {
			if text := read(i).String(); text != want {
				t.Errorf("%s from %s arrived as %q, want %q", c.native, c.col.DataType(), text, want)
			}
		}
	}
	if got := dayTime(-(25*time.Hour + time.Nanosecond)); got != "-1 01:00:00.000000001" {
		t.Errorf("an interval is written %s", got)
	}
}

// Quotes of SQL-92 become those of Databricks, and nothing else changes.
//
// Req: S-59
func TestFromANSI(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		`SELECT "a" FROM "s"."t"`:                                      "SELECT `a` FROM `s`.`t`",
		`SELECT 'it''s' AS "say ""hi"""`:                               "SELECT 'it\\'s' AS `say \"hi\"`",
		`SELECT 'C:\new' AS "tick` + "`" + `"`:                         "SELECT 'C:\\\\new' AS `tick```",
		`SELECT '' AS a`:                                               `SELECT '' AS a`,
		"SELECT `it's \"b\"` -- don't \"\n, \"b\" /* isn't \" */, 'x'": "SELECT `it's \"b\"` -- don't \"\n, `b` /* isn't \" */, 'x'",
		`SELECT 'open`:                                                 `SELECT 'open`,
		`SELECT "open`:                                                 `SELECT "open`,
		`SELECT '`:                                                     `SELECT '`,
		`SELECT 1 -- "a`:                                               `SELECT 1 -- "a`,
		`SELECT 1 /* "a`:                                               `SELECT 1 /* "a`,
	} {
		if got := fromANSI(sql); got != want {
			t.Errorf("%s became %s, want %s", sql, got, want)
		}
	}
}

// Whatever is written, no line moves, and nothing in double quotes is left where all quotes end.
func FuzzFromANSI(f *testing.F) {
	f.Add(`SELECT "a", 'b''c\' -- "x`)
	f.Add("/* ' */ `\"`")
	f.Fuzz(func(t *testing.T, sql string) {
		if got := fromANSI(sql); strings.Count(got, "\n") != strings.Count(sql, "\n") {
			t.Errorf("%q became %q", sql, got)
		}
	})
}

// Settings that cannot work are refused before anything is reached.
//
// Req: S-57
func TestSettings(t *testing.T) {
	t.Parallel()
	good := settings{Host: "https://dbc-a1.cloud.databricks.com/", Port: 443, HTTPPath: "sql/1.0/endpoints/abc-1"}
	if err := good.check(); err != nil || good.Host != "dbc-a1.cloud.databricks.com" || good.warehouse("") != "abc-1" {
		t.Errorf("%v, %+v", err, good)
	}
	for path, bad := range map[string]settings{
		"host":                {Host: "a/b", HTTPPath: "/sql/1.0/warehouses/abc"},
		"httpPath":            {Host: "a", HTTPPath: "sql/protocolv1/o/0/1234-567890-abcdefgh"},
		"batchHttpPath":       {Host: "a", Routing: routeSplit, InteractivePath: "/sql/1.0/warehouses/abc"},
		"interactiveHttpPath": {Host: "a", Routing: routeSplit, BatchPath: "/sql/1.0/warehouses/abc", InteractivePath: "/sql/1.0/warehouses/../x"},
		"volume":              {Host: "a", HTTPPath: "/sql/1.0/warehouses/abc", Volume: "main.loads"},
	} {
		err := fault.As(bad.check())
		if err == nil || err.Code != fault.CodeInvalid || err.Path != path || err.Hint() == "" {
			t.Errorf("%s: %+v", path, err)
		}
	}
	if err := badPath("sql/protocolv1/o/0/1234"); !strings.Contains(err.Hint(), "cluster") {
		t.Errorf("%v", err.Hint())
	}
}
