package trinotype

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/millrace/millrace/internal/value"
)

// read appends one value to a column of the type and reads it again.
func read(t *testing.T, name, raw string) (value.Value, error) {
	t.Helper()
	typ := Parse(name)
	b := array.NewBuilder(memory.DefaultAllocator, typ.Arrow())
	defer b.Release()
	if err := typ.AppendJSON(b, json.RawMessage(raw)); err != nil {
		return value.Value{}, err
	}
	column := b.NewArray()
	defer column.Release()
	r, err := value.NewReader(typ.Field("c"), column)
	if err != nil {
		t.Fatal(err)
	}
	return r(0).Parsed().Clone(), nil
}

// Every type of the list arrives as one of ours, exactly.
//
// Req: S-27, S-73, M-23
func TestTypes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, raw string
		kind      value.Type
		want      string
	}{
		{"boolean", "true", value.TypeBoolean, "true"},
		{"tinyint", "-128", value.TypeNumber, "-128"},
		{"smallint", "32767", value.TypeNumber, "32767"},
		{"integer", "-2147483648", value.TypeNumber, "-2147483648"},
		{"bigint", "9223372036854775807", value.TypeNumber, "9223372036854775807"},
		{"real", "0.1", value.TypeNumber, "0.1"},
		{"real", `"-Infinity"`, value.TypeNumber, ""},
		{"double", "5.0E-324", value.TypeNumber, "5e-324"},
		{"double", `"NaN"`, value.TypeNumber, ""},
		{"decimal(38,10)", `"-1234567890123456789012345678.0123456789"`, value.TypeNumber, "-1234567890123456789012345678.0123456789"},
		{"decimal(38, 38)", `"0.00000000000000000000000000000000000001"`, value.TypeNumber, "0.00000000000000000000000000000000000001"},
		{"decimal(38,0)", `"99999999999999999999999999999999999999"`, value.TypeNumber, "99999999999999999999999999999999999999"},
		{"decimal(5,2)", `"-0.50"`, value.TypeNumber, "-0.50"},
		{"varchar", `"O'Brien \"x\" \\ \u00e9 é"`, value.TypeString, `O'Brien "x" \ é é`},
		{"varchar(10)", `"a"`, value.TypeString, "a"},
		{"char(4)", `"ab  "`, value.TypeString, "ab  "},
		{"varbinary", `"AP8Q"`, value.TypeString, "AP8Q"},
		{"json", `"{\"b\":1.10,\"a\":null}"`, value.TypeObject, `{"b":1.10,"a":null}`},
		{"date", `"2024-02-29"`, value.TypeDate, "2024-02-29"},
		{"date", `"0001-01-01"`, value.TypeDate, "0001-01-01"},
		{"date", `"-0043-03-15"`, value.TypeDate, "-0043-03-15"},
		{"date", `"+20240-01-01"`, value.TypeDate, "20240-01-01"},
		{"time(6)", `"23:59:59.123456"`, value.TypeString, "23:59:59.123456"},
		{"time(3) with time zone", `"01:02:03.456+02:00"`, value.TypeString, "01:02:03.456+02:00"},
		{"timestamp(0)", `"2024-02-29 12:34:56"`, value.TypeTimestamp, "2024-02-29T12:34:56.000Z"},
		{"timestamp(6)", `"1969-12-31 23:59:59.999999"`, value.TypeTimestamp, "1969-12-31T23:59:59.999999Z"},
		{"timestamp(12)", `"2024-02-29 12:34:56.789012345678"`, value.TypeTimestamp, "2024-02-29T12:34:56.789012Z"},
		{"timestamp", `"2024-02-29 12:34:56.789"`, value.TypeTimestamp, "2024-02-29T12:34:56.789Z"},
		{"timestamp(3) with time zone", `"2024-02-29 12:34:56.789 UTC"`, value.TypeTimestamp, "2024-02-29T12:34:56.789Z"},
		{"timestamp(3) with time zone", `"2024-07-01 12:00:00.000 Europe/Berlin"`, value.TypeTimestamp, "2024-07-01T10:00:00.000Z"},
		{"timestamp(3) with time zone", `"2024-02-29 12:00:00.000 -05:30"`, value.TypeTimestamp, "2024-02-29T17:30:00.000Z"},
		{"interval year to month", `"1-2"`, value.TypeString, "1-2"},
		{"interval day to second", `"3 04:05:06.789"`, value.TypeString, "3 04:05:06.789"},
		{"uuid", `"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`, value.TypeString, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
		{"ipaddress", `"2001:db8::1"`, value.TypeString, "2001:db8::1"},
		{"HyperLogLog", `"AgwB"`, value.TypeString, "AgwB"},
		{"qdigest(bigint)", `"AgwB"`, value.TypeString, "AgwB"},
		{"Geometry", `"POINT (1 2)"`, value.TypeString, "POINT (1 2)"},
		{"some_plugin(3, x)", `{"a":1}`, value.TypeString, `{"a":1}`},
		{"unknown", "null", value.TypeString, ""},
		{"array(bigint)", "[1,null,3]", value.TypeObject, "[1,null,3]"},
		{"array(double)", `[0.1,"NaN",1.0E300,"Infinity"]`, value.TypeObject, "[0.1,null,1.0E300,null]"},
		{"array(array(varchar))", `[["a\"",null],null]`, value.TypeObject, `[["a\"",null],null]`},
		{"array(decimal(38,2))", `["0.10","12345678901234567890.50"]`, value.TypeObject, "[0.10,12345678901234567890.50]"},
		{"array(timestamp(3) with time zone)", `["2024-02-29 12:34:56.789 +02:00",null]`, value.TypeObject, `["2024-02-29T10:34:56.789Z",null]`},
		{"array(date)", `["2024-02-29"]`, value.TypeObject, `["2024-02-29"]`},
		{"array(varbinary)", `["AP8="]`, value.TypeObject, `["AP8="]`},
		{"array(json)", `["{\"a\":[1]}"]`, value.TypeObject, `[{"a":[1]}]`},
		{"map(varchar, integer)", `{"b":1,"a":null}`, value.TypeObject, `{"b":1,"a":null}`},
		{"map(bigint, row(x double))", `{"1":[0.5]}`, value.TypeObject, `{"1":{"x":0.5}}`},
		{`row("a b" varchar, "c""d" array(bigint))`, `["x",[1]]`, value.TypeObject, `{"a b":"x","c\"d":[1]}`},
		{"row(a bigint, t timestamp(3) with time zone)", `[1,"2024-02-29 12:00:00.000 UTC"]`, value.TypeObject, `{"a":1,"t":"2024-02-29T12:00:00.000Z"}`},
		{"row(bigint, varchar(3), timestamp with time zone, interval day to second)", `[1,"x",null,"1 00:00:00.000"]`, value.TypeObject, `{"field0":1,"field1":"x","field2":null,"field3":"1 00:00:00.000"}`},
	} {
		got, err := read(t, c.name, c.raw)
		if err != nil || Parse(c.name).Value() != c.kind || got.String() != c.want {
			t.Errorf("%s %s is %s %q, want %s %q: %v", c.name, c.raw, Parse(c.name).Value(), got.String(), c.kind, c.want, err)
		}
	}
}

// What cannot be held is an error that does not show the value.
//
// Req: S-27, M-23
func TestWhatCannotBeHeld(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, raw string
		want      error
	}{
		{"varchar", "\"secret\xff\"", errUTF8},
		{"array(varchar)", "[\"secret\xff\"]", errUTF8},
		{"timestamp(3) with time zone", `"2024-10-27 02:30:00.000 Europe/Berlin"`, errAmbiguous},
		{"timestamp(3) with time zone", `"2024-10-27 02:30:00.000 Atlantis/Secret"`, errZone},
		{"date", `"+9999999-01-01"`, errRange},
		{"timestamp(3)", `"+300000-01-01 00:00:00.000"`, errRange},
		{"date", `"2024-02-30"`, errValue},
		{"decimal(5,2)", `"123456.00"`, errRange},
		{"decimal(5,2)", `"1.234"`, errValue},
		{"tinyint", "300", errValue},
		{"double", `"secret"`, errValue},
	} {
		_, err := read(t, c.name, c.raw)
		if !errors.Is(err, c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s %s: %v, want %v", c.name, c.raw, err, c.want)
		}
	}
}

// A type's name never panics, and is kept as it is.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"row(a bigint, \"b\" array(map(varchar, decimal(1,2))))", "timestamp(3) with time zone", "row(", "(((", `row("a`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		typ := Parse(s)
		if typ.Base != "" && typ.Value() == "" {
			t.Errorf("%q has no type", s)
		}
		b := array.NewBuilder(memory.DefaultAllocator, typ.Arrow())
		defer b.Release()
		if err := typ.AppendJSON(b, json.RawMessage("null")); err != nil {
			t.Error(err)
		}
	})
}
