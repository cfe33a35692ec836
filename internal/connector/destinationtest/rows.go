package destinationtest

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// idColumn identifies a row in every target.
var idColumn = connector.TargetColumn{Name: "id", From: "id", Type: value.TypeString}

// columnsWith returns the columns "id" and "value".
func columnsWith(t value.Type, omit bool) []connector.TargetColumn {
	return []connector.TargetColumn{idColumn, {Name: "value", From: "value", Type: t, Omit: omit}}
}

// rowsOf makes one row of each value, with the ids "row-0", "row-1" …
func rowsOf(job connector.SyncJob, values []value.Value) []connector.Row {
	rows := make([]connector.Row, len(values))
	for i, v := range values {
		rows[i] = Row(job, fmt.Sprintf("row-%d", i), v)
	}
	return rows
}

// Row makes one row of a job whose columns are "id" and "value".
func Row(job connector.SyncJob, id string, v value.Value) connector.Row {
	byName := map[string]value.Value{"id": value.OfText(id), "value": v}
	r := connector.Row{Key: id, Values: []value.Value{byName["id"], v}}
	for _, m := range job.Match {
		r.Match = append(r.Match, byName[m.From])
	}
	for _, c := range job.Model.Schema {
		r.Source = append(r.Source, byName[c.Name])
	}
	return r
}

// numbered returns n different texts.
func numbered(prefix string, n int) []value.Value {
	values := make([]value.Value, n)
	for i := range values {
		values[i] = value.OfText(fmt.Sprintf("%s %d", prefix, i))
	}
	return values
}

// batchSize returns how many of the rows the engine would send in one batch.
func batchSize(rows []connector.Row, l connector.Limits) int {
	size := 0
	for i, r := range rows {
		for _, v := range r.Values {
			size += len(v.String())
		}
		if i == l.Rows || i > 0 && l.Bytes > 0 && size > l.Bytes {
			return i
		}
	}
	return len(rows)
}

// Texts are strings that careless writers damage (FLD-32).
var Texts = []string{
	"O'Brien", `say "hi"`, `back\slash \n \x00 \u0041`, "''", `""`, `\`, "", " ", "  padded  ",
	"line\nfeed", "carriage\rreturn", "both\r\nends", "tab\there", "comma,semicolon;pipe|tilde~", "\x00", "nul\x00inside",
	"bell\x07 escape\x1b delete\x7f", "😀 👩‍👩‍👧‍👦 🇩🇪", "مرحبا بالعالم", "שלום עולם", "a\u202eb\u200fc", "e\u0301 é ß İ ı", "日本語", "\ufeffbom",
	"NULL", "null", `\N`, "true", "0012", "1e5", "-0", "=1+1", "@cmd", "<b>&amp;</b>", "]]>", "<!-- x -->", "{{ liquid }}", "${env}", "%s %d", "$1",
	"--; DROP TABLE x", strings.Repeat("x", 1<<20), strings.Repeat("ü'\"\\\n", 1<<17),
}

func textValues() []value.Value {
	values := make([]value.Value, len(Texts))
	for i, s := range Texts {
		values[i] = value.OfText(s)
	}
	return values
}

// kinds are values of each kind, by the type of the column that they are sent to.
var kinds = []struct {
	name   string
	typ    value.Type
	values []value.Value
}{
	{"boolean", value.TypeBoolean, []value.Value{value.OfBool(true), value.OfBool(false)}},
	{"integer", value.TypeNumber, []value.Value{value.OfInt(0), value.OfInt(-7), value.OfInt(9007199254740991)}},
	{"big integer", value.TypeNumber, []value.Value{value.OfInt(9007199254740993), value.OfInt(9223372036854775807), value.OfInt(-9223372036854775808)}},
	{"float", value.TypeNumber, []value.Value{value.OfFloat(0.1), value.OfFloat(-2.5), value.OfFloat(1e300), value.OfFloat(5e-324)}},
	{"decimal", value.TypeNumber, []value.Value{value.OfDecimal("0.10"), value.OfDecimal("123.12345678910"), value.OfDecimal("-0.001")}},
	{"long decimal", value.TypeNumber, []value.Value{value.OfDecimal("12345678901234567890.123456789")}},
	{"bytes", value.TypeString, []value.Value{value.OfBytes([]byte{0, 1, 254, 255}), value.OfBytes([]byte{})}},
	{"timestamp", value.TypeTimestamp, []value.Value{value.OfMicros(1_700_000_000_123_456), value.OfMicros(0), value.OfMicros(-1_000_000), value.OfMicros(1_700_000_000_000_000)}},
	{"date", value.TypeDate, []value.Value{value.OfDay(19_000), value.OfDay(0), value.OfDay(-719_162)}},
	{"json", value.TypeObject, []value.Value{value.OfJSON(`{"a":[1,{"b":"O'Brien \"x\""}],"c":null}`), value.OfJSON(`[]`)}},
	{"array", value.TypeObject, []value.Value{value.OfList([]value.Value{value.OfInt(1), value.OfText("zwei"), {}}), value.OfList(nil)}},
	{"object", value.TypeObject, []value.Value{value.OfMap([]value.Field{{Name: "z", Value: value.OfBool(true)}, {Name: "a", Value: value.OfText("ü")}}), value.OfMap(nil)}},
}
