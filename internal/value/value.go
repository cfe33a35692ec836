// Package value holds the values that travel from a source to a destination: typed scalars,
// lists, ordered objects, and the columns of Arrow batches read as such values.
package value

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"time"
)

// Kind is what a Value holds.
type Kind uint8

// The kinds. Decimal and JSON hold text: a number too precise for a float, and a canonical
// JSON object or array that nobody has needed to parse.
const (
	Null Kind = iota
	Bool
	Int
	Float
	Decimal
	Text
	Bytes
	Time // an instant, microseconds since 1970 UTC
	Day  // a calendar date, days since 1970-01-01
	JSON
	List
	Map
)

var kindNames = [...]string{"null", "boolean", "number", "number", "number", "string", "bytes", "timestamp", "date", "object", "array", "object"}

// String returns the kind's name as users see it.
func (k Kind) String() string { return kindNames[k] }

// Value is one typed value. The zero Value is null. Values are immutable: do not change the
// slices that List and Map return.
type Value struct {
	kind Kind
	n    uint64
	s    string
	c    *composite
}

type composite struct {
	list   []Value
	fields []Field
}

// Field is one member of an object. Objects keep the order in which they were built.
type Field struct {
	Name  string
	Value Value
}

// OfBool returns a boolean.
func OfBool(b bool) Value {
	if b {
		return Value{kind: Bool, n: 1}
	}
	return Value{kind: Bool}
}

// OfInt returns an integer.
func OfInt(i int64) Value { return Value{kind: Int, n: uint64(i)} }

// OfFloat returns a float. NaN and infinities have no JSON form and become null.
func OfFloat(f float64) Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Value{}
	}
	return Value{kind: Float, n: math.Float64bits(f)}
}

// OfDecimal returns a number from its decimal text, such as "123.12345678910". The text must be a
// valid JSON number; it reaches the destination digit for digit.
func OfDecimal(text string) Value { return Value{kind: Decimal, s: text} }

// OfText returns a string.
func OfText(s string) Value { return Value{kind: Text, s: s} }

// OfBytes returns binary data.
func OfBytes(b []byte) Value { return Value{kind: Bytes, s: string(b)} }

// OfTime returns an instant, truncated to microseconds.
func OfTime(t time.Time) Value { return OfMicros(t.UnixMicro()) }

// OfMicros returns an instant from microseconds since 1970 UTC.
func OfMicros(us int64) Value { return Value{kind: Time, n: uint64(us)} }

// OfDay returns a calendar date from days since 1970-01-01.
func OfDay(days int32) Value { return Value{kind: Day, n: uint64(int64(days))} }

// OfJSON returns an object or array from its JSON text, which must be valid.
func OfJSON(text string) Value { return Value{kind: JSON, s: text} }

// OfList returns an array.
func OfList(items []Value) Value { return Value{kind: List, c: &composite{list: items}} }

// OfMap returns an object.
func OfMap(fields []Field) Value { return Value{kind: Map, c: &composite{fields: fields}} }

// Clone returns the value with memory of its own, for a value that outlives the column that it was read from. Lists
// and objects, which never share a column's memory by themselves, are returned as they are.
func (v Value) Clone() Value {
	v.s = strings.Clone(v.s)
	return v
}

// Kind returns what the value holds.
func (v Value) Kind() Kind { return v.kind }

// IsNull reports whether the value is null.
func (v Value) IsNull() bool { return v.kind == Null }

// Bool returns a boolean's value.
func (v Value) Bool() bool { return v.n != 0 }

// Int returns an integer's value.
func (v Value) Int() int64 { return int64(v.n) }

// Float returns the value of a number of any kind, rounded to a float.
func (v Value) Float() float64 {
	switch v.kind {
	case Int:
		return float64(v.Int())
	case Float:
		return math.Float64frombits(v.n)
	case Decimal:
		f, _ := strconv.ParseFloat(v.s, 64) //nolint:errcheck // a valid JSON number; out of range reads as infinity
		return f
	default:
		return 0
	}
}

// Raw returns the text of a Text, Decimal or JSON value and the bytes of a Bytes value.
func (v Value) Raw() string { return v.s }

// Micros returns an instant as microseconds since 1970 UTC.
func (v Value) Micros() int64 { return int64(v.n) }

// Days returns a date as days since 1970-01-01.
func (v Value) Days() int32 { return int32(int64(v.n)) }

// Time returns an instant or a date (at midnight) in UTC.
func (v Value) Time() time.Time {
	if v.kind == Day {
		return time.Unix(int64(v.Days())*86400, 0).UTC()
	}
	return time.UnixMicro(v.Micros()).UTC()
}

// List returns the items of an array; a JSON array is parsed. It returns nil for anything else.
func (v Value) List() []Value {
	v = v.Parsed()
	if v.kind != List {
		return nil
	}
	return v.c.list
}

// Fields returns the members of an object in order; a JSON object is parsed. It returns nil for
// anything else.
func (v Value) Fields() []Field {
	v = v.Parsed()
	if v.kind != Map {
		return nil
	}
	return v.c.fields
}

// Get returns the named member of an object, and whether it exists.
func (v Value) Get(name string) (Value, bool) {
	for _, f := range v.Fields() {
		if f.Name == name {
			return f.Value, true
		}
	}
	return Value{}, false
}

// Parsed returns a JSON value as a List or Map, and any other value as it is.
func (v Value) Parsed() Value {
	if v.kind != JSON {
		return v
	}
	p, err := ParseJSON(v.s)
	if err != nil {
		return OfText(v.s)
	}
	return p
}

// TimeLayout is how instants are written: ISO 8601, UTC, as many digits after the second as needed,
// at least three.
const TimeLayout = "2006-01-02T15:04:05.000Z"

// microLayout is TimeLayout for instants that are finer than a millisecond.
const microLayout = "2006-01-02T15:04:05.000000Z"

// String returns the value as text: what a CSV file or a Liquid template prints. Null is the empty
// string, an object or array its JSON, bytes their base64.
func (v Value) String() string {
	switch v.kind {
	case Null:
		return ""
	case Text, Decimal, JSON:
		return v.s
	default:
		var room [40]byte // of numbers and times
		return string(v.AppendText(room[:0]))
	}
}

// AppendText appends the value's text to dst.
func (v Value) AppendText(dst []byte) []byte {
	switch v.kind {
	case Null:
		return dst
	case Bool:
		return strconv.AppendBool(dst, v.Bool())
	case Int:
		return strconv.AppendInt(dst, v.Int(), 10)
	case Float:
		return appendFloat(dst, v.Float())
	case Text, Decimal, JSON:
		return append(dst, v.s...)
	case Bytes:
		return base64.StdEncoding.AppendEncode(dst, []byte(v.s))
	case Time:
		return appendTime(dst, v.Micros())
	case Day:
		return v.Time().AppendFormat(dst, time.DateOnly)
	default:
		return v.AppendJSON(dst)
	}
}

// appendTime writes an instant, with microseconds only where it has them.
func appendTime(dst []byte, us int64) []byte {
	layout := TimeLayout
	if us%1000 != 0 {
		layout = microLayout
	}
	t := time.UnixMicro(us).UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 || layout != TimeLayout {
		return t.AppendFormat(dst, layout)
	}
	hour, minute, second := t.Clock()
	dst = append(appendTwo(appendTwo(dst, year/100), year%100), '-')
	dst = append(appendTwo(dst, int(month)), '-')
	dst = append(appendTwo(dst, day), 'T')
	dst = append(appendTwo(dst, hour), ':')
	dst = append(appendTwo(dst, minute), ':')
	dst = append(appendTwo(dst, second), '.')
	ms := t.Nanosecond() / int(time.Millisecond)
	return append(appendTwo(append(dst, byte('0'+ms/100)), ms%100), 'Z')
}

// appendTwo writes a number below 100 with two digits.
func appendTwo(dst []byte, n int) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

// appendFloat writes the shortest text that reads back as the same float, without an exponent
// for magnitudes that people write out.
func appendFloat(dst []byte, f float64) []byte {
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	dst = strconv.AppendFloat(dst, f, format, -1, 64)
	if n := len(dst); format == 'e' && dst[n-4] == 'e' && dst[n-2] == '0' { // e-07, as no JavaScript writes it
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// Equal reports whether two values are the same: numbers by value, objects regardless of the
// order of their members.
func (v Value) Equal(w Value) bool {
	if isNumber(v.kind) && isNumber(w.kind) {
		return equalNumbers(v, w)
	}
	v, w = v.Parsed(), w.Parsed()
	if v.kind != w.kind {
		return false
	}
	switch v.kind {
	case List:
		return equalLists(v.c.list, w.c.list)
	case Map:
		return equalFields(v.c.fields, w)
	case Text, Bytes:
		return v.s == w.s
	default:
		return v.n == w.n
	}
}

func isNumber(k Kind) bool { return k == Int || k == Float || k == Decimal }

func equalNumbers(v, w Value) bool {
	if v.kind == Int && w.kind == Int {
		return v.n == w.n
	}
	if v.kind == Decimal && w.kind == Decimal {
		return v.s == w.s
	}
	return v.Float() == w.Float()
}

func equalLists(a, b []Value) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].Equal(b[i]) {
			return false
		}
	}
	return true
}

func equalFields(a []Field, w Value) bool {
	if len(a) != len(w.c.fields) {
		return false
	}
	for _, f := range a {
		other, ok := w.Get(f.Name)
		if !ok || !f.Value.Equal(other) {
			return false
		}
	}
	return true
}
