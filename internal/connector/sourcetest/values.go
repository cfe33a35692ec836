package sourcetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// values are expressions that most databases understand; a Fixture replaces those that its own does not.
var values = []Value{
	{"true", "CAST('true' AS BOOLEAN)", value.TypeBoolean, value.OfBool(true)},
	{"false", "CAST('false' AS BOOLEAN)", value.TypeBoolean, value.OfBool(false)},

	{"smallest smallint", "CAST('-32768' AS SMALLINT)", value.TypeNumber, value.OfInt(-32768)},
	{"largest integer", "CAST('2147483647' AS INTEGER)", value.TypeNumber, value.OfInt(2147483647)},
	{"largest bigint", "CAST('9223372036854775807' AS BIGINT)", value.TypeNumber, value.OfInt(9223372036854775807)},
	{"smallest bigint", "CAST('-9223372036854775808' AS BIGINT)", value.TypeNumber, value.OfInt(-9223372036854775808)},
	{"zero", "CAST('0' AS BIGINT)", value.TypeNumber, value.OfInt(0)},

	{"real", "CAST('0.1' AS REAL)", value.TypeNumber, value.OfFloat(0.1)},
	{"double", "CAST('0.1' AS DOUBLE PRECISION)", value.TypeNumber, value.OfFloat(0.1)},
	{"large double", "CAST('1e300' AS DOUBLE PRECISION)", value.TypeNumber, value.OfFloat(1e300)},
	{"smallest double", "CAST('5e-324' AS DOUBLE PRECISION)", value.TypeNumber, value.OfFloat(5e-324)},
	{"not a number", "CAST('NaN' AS DOUBLE PRECISION)", value.TypeNumber, value.Value{}},
	{"infinity", "CAST('Infinity' AS DOUBLE PRECISION)", value.TypeNumber, value.Value{}},

	{"decimal", "CAST('123.12345678910' AS NUMERIC(20, 11))", value.TypeNumber, value.OfDecimal("123.12345678910")},
	{"decimal with zeros", "CAST('0.10' AS NUMERIC(10, 2))", value.TypeNumber, value.OfDecimal("0.10")},
	{"small decimal", "CAST('-0.001' AS NUMERIC(10, 3))", value.TypeNumber, value.OfDecimal("-0.001")},
	{"decimal zero", "CAST('0' AS NUMERIC(10, 2))", value.TypeNumber, value.OfDecimal("0.00")},
	{"whole decimal", "CAST('1200000' AS NUMERIC(18, 0))", value.TypeNumber, value.OfDecimal("1200000")},
	{"long decimal", "CAST('-1234567890123456789012345678.0123456789' AS NUMERIC(38, 10))", value.TypeNumber, value.OfDecimal("-1234567890123456789012345678.0123456789")},
	{"largest decimal", "CAST('99999999999999999999999999999999999999' AS NUMERIC(38, 0))", value.TypeNumber, value.OfDecimal("99999999999999999999999999999999999999")},
	{"smallest decimal", "CAST('0.00000000000000000000000000000000000001' AS NUMERIC(38, 38))", value.TypeNumber, value.OfDecimal("0." + strings.Repeat("0", 37) + "1")},

	{"text", "CAST('O''Brien \"x\" \\ y' AS VARCHAR(100))", value.TypeString, value.OfText(`O'Brien "x" \ y`)},
	{"empty text", "CAST('' AS VARCHAR(100))", value.TypeString, value.OfText("")},
	{"blank text", "CAST('  a  ' AS VARCHAR(100))", value.TypeString, value.OfText("  a  ")},
	{"lines", "CAST('a\nb\r\nc\td' AS VARCHAR(100))", value.TypeString, value.OfText("a\nb\r\nc\td")},
	{"unicode", "CAST('😀 👩‍👩‍👧 مرحبا e\u0301 é ß 日本語' AS VARCHAR(100))", value.TypeString, value.OfText("😀 👩‍👩‍👧 مرحبا e\u0301 é ß 日本語")},
	{"text like a null", "CAST('NULL' AS VARCHAR(100))", value.TypeString, value.OfText("NULL")},
	{"text like a number", "CAST('0012' AS VARCHAR(100))", value.TypeString, value.OfText("0012")},
	{"uuid", "CAST('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11' AS UUID)", value.TypeString, value.OfText("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")},
	{"time of day", "CAST('23:59:59.123456' AS TIME)", value.TypeString, value.OfText("23:59:59.123456")},

	{"date", "CAST('2024-02-29' AS DATE)", value.TypeDate, value.OfDay(19_782)},
	{"first date", "CAST('0001-01-01' AS DATE)", value.TypeDate, value.OfDay(-719_162)},
	{"last date", "CAST('9999-12-31' AS DATE)", value.TypeDate, value.OfDay(2_932_896)},
	{"timestamp", "CAST('2024-02-29 12:34:56.789012' AS TIMESTAMP)", value.TypeTimestamp, value.OfMicros(1_709_210_096_789_012)},
	{"timestamp before 1970", "CAST('1969-12-31 23:59:59.999999' AS TIMESTAMP)", value.TypeTimestamp, value.OfMicros(-1)},
	{"first timestamp", "CAST('0001-01-01 00:00:00' AS TIMESTAMP)", value.TypeTimestamp, value.OfMicros(-719_162 * 86_400_000_000)},
	{"timestamp with a zone", "CAST('2024-02-29 12:34:56.789012+02:00' AS TIMESTAMP WITH TIME ZONE)", value.TypeTimestamp, value.OfMicros(1_709_210_096_789_012 - 7_200_000_000)},

	{"object", `CAST('{"z":[1,{"b":"O''Brien \"x\""}],"a":null,"n":12345678901234567890.10}' AS JSON)`, value.TypeObject, parse(`{"z":[1,{"b":"O'Brien \"x\""}],"a":null,"n":12345678901234567890.10}`)},
	{"empty object", "CAST('{}' AS JSON)", value.TypeObject, parse("{}")},
	{"list", "ARRAY[1, NULL, 3]", value.TypeObject, parse("[1,null,3]")},
	{"list of texts", `ARRAY['a', NULL, 'b"c,d\', '', '{x}', 'NULL']`, value.TypeObject, parse(`["a",null,"b\"c,d\\","","{x}","NULL"]`)},
	{"list of lists", "ARRAY[ARRAY[1, 2], ARRAY[3, NULL]]", value.TypeObject, parse("[[1,2],[3,null]]")},
	{"list of booleans", "ARRAY[CAST('true' AS BOOLEAN), CAST('false' AS BOOLEAN)]", value.TypeObject, parse("[true,false]")},
}

func parse(text string) value.Value {
	v, err := value.ParseJSON(text)
	if err != nil {
		panic(err) // a mistake in the table above
	}
	return v
}

// cases are the suite's values as the source writes them, and its own.
func (w world) cases() []Value {
	var all []Value
	for _, v := range values {
		if sql, replaced := w.SQL[v.Name]; replaced {
			v.SQL = sql
		}
		if v.SQL != "" {
			all = append(all, v)
		}
	}
	return append(all, w.Values...)
}

// testValues is M-23: each value arrives as its type, and null arrives as null.
func testValues(t *testing.T, w world) {
	s := w.open(t, w.Settings)
	met := map[value.Type]bool{}
	for _, c := range w.cases() {
		met[c.Type] = true
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			w.testValue(t, s, c)
		})
	}
	for _, typ := range value.Types {
		if !met[typ] && !slices.Contains(w.Lacks, typ) && (typ != value.TypeObject || !w.NoObjects) {
			t.Errorf("no value of the type %s was read", typ)
		}
	}
}

// testValue reads a value and a null, as they come and flattened.
func (w world) testValue(t *testing.T, s connector.Source, c Value) {
	t.Helper()
	q := connector.Query{SQL: "SELECT 1 AS id, " + c.SQL + " AS v UNION ALL SELECT 2 AS id, NULL AS v ORDER BY id"}
	checkValue(t, c, Read(t, w.query(t, s, q)))
	flat, err := value.Flatten(w.query(t, s, q), nil)
	if err != nil {
		t.Fatalf("flattening: %v", err)
	}
	defer flat.Release()
	checkValue(t, c, Read(t, flat))
	checkColumn(t, flat)
}

func checkValue(t *testing.T, c Value, got Table) {
	t.Helper()
	if len(got.Rows) != 2 || len(got.Schema) != 2 {
		t.Fatalf("%d rows of %v, want two of two columns", len(got.Rows), got.Schema)
	}
	column := got.Schema[1]
	if column.Name != "v" || column.Type != c.Type || column.Native == "" {
		t.Errorf("the column is %+v, want the type %s", column, c.Type)
	}
	want, null := got.Rows[0][1], got.Rows[1][1]
	if !same(want, c.Want) {
		t.Errorf("%s arrived as %s %q, want %s %q", c.SQL, want.Kind(), want.String(), c.Want.Kind(), c.Want.String())
	}
	if !null.IsNull() {
		t.Errorf("null arrived as %s %q", null.Kind(), null.String())
	}
}

// checkColumn proves that the reader's column can be asked for its name after the rows have ended.
func checkColumn(t *testing.T, r array.RecordReader) {
	t.Helper()
	if r.Next() {
		t.Error("there are rows after the end")
	}
	if r.Schema().NumFields() != 2 {
		t.Error("the columns are gone with the rows")
	}
}
