package mysql

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/destination/sqltable"
	"github.com/millrace/millrace/internal/value"
)

// class groups the types whose values are written alike.
type class uint8

const (
	classText class = iota
	classInteger
	classDecimal
	classFloat
	classBit
	classYear
	classDate
	classInstant
	classClock
	classMember
	classBytes
	classJSON
)

// classes are the types that are not written as plain text.
// https://dev.mysql.com/doc/refman/8.4/en/data-types.html
var classes = map[string]class{
	"tinyint": classInteger, "smallint": classInteger, "mediumint": classInteger, "int": classInteger, "bigint": classInteger,
	"decimal": classDecimal, "float": classFloat, "double": classFloat, "bit": classBit, "year": classYear,
	"date": classDate, "datetime": classInstant, "timestamp": classInstant, "time": classClock,
	"enum": classMember, "set": classMember, "json": classJSON,
	"binary": classBytes, "varbinary": classBytes, "tinyblob": classBytes, "blob": classBytes, "mediumblob": classBytes, "longblob": classBytes,
	"geometry": classBytes, "point": classBytes, "linestring": classBytes, "polygon": classBytes, "multipoint": classBytes,
	"multilinestring": classBytes, "multipolygon": classBytes, "geometrycollection": classBytes, "geomcollection": classBytes, "vector": classBytes,
}

func classOf(base string) class { return classes[base] }

// form is how a value that is not null stands in a statement.
type form uint8

const (
	quoted form = iota // 'text'
	bare               // a number
	binary             // _binary'bytes'
)

// writer writes values of one column.
type writer struct {
	column column
	class  class
	exact  bool // what the column would change is refused
}

func newWriter(c column, exact bool) writer {
	w := writer{column: c, class: classOf(c.base), exact: exact}
	if c.document {
		w.class = classJSON
	}
	return w
}

// write appends a value that is not null to dst, not yet escaped. A reason means that the column cannot take it; what
// the server refuses by itself is left to the server's words.
func (w *writer) write(dst []byte, v value.Value) (text []byte, f form, reason string) {
	switch w.class {
	case classInteger:
		return w.integer(dst, v)
	case classDecimal:
		return w.decimal(dst, v)
	case classFloat:
		return w.float(dst, v)
	case classBit:
		return w.bit(dst, v)
	case classYear:
		return w.year(dst, v)
	case classDate, classInstant:
		return w.instant(dst, v)
	case classClock:
		return w.clock(dst, v)
	case classMember:
		return w.member(dst, v)
	case classBytes:
		return w.bytes(dst, v)
	case classJSON:
		return w.json(dst, v)
	default:
		return w.text(dst, v)
	}
}

// key appends a value that is compared with the column. A text that is no number would be compared as a zero, and a date
// that is none as nothing.
func (w *writer) key(dst []byte, v value.Value) (text []byte, f form, reason string) {
	switch w.class {
	case classInteger, classDecimal, classFloat, classYear:
		plain, ok := sqltable.PlainNumber(v)
		if !ok {
			return dst, bare, "the value is no number, and " + w.name() + " is compared with numbers"
		}
		if w.class == classFloat {
			plain += "e0" // a number with an exponent is a DOUBLE
		}
		return append(dst, plain...), bare, ""
	case classDate, classInstant:
		t, ok := sqltable.InstantOf(v)
		if !ok || t.Year() < 0 || t.Year() > 9999 {
			return dst, quoted, "the value is no date, and " + w.name() + " is compared with dates"
		}
		return appendMoment(dst, t, w.class == classDate && sqltable.Midnight(t)), quoted, ""
	default:
		return w.write(dst, v)
	}
}

func (w *writer) name() string { return "column " + dialect.Ident(w.column.name) }

// would says what the column does to a value that it cannot hold as it is.
func (w *writer) would(what string) string {
	return w.name() + ": " + w.column.native + " would " + what + ". Change the value in the model or the mapping, or let the database adapt values in the sync's settings"
}

// integer writes "12.00" as 12: a decimal without a fraction is an integer.
func (w *writer) integer(dst []byte, v value.Value) ([]byte, form, string) {
	switch v.Kind() { //nolint:exhaustive // others are the server's to read
	case value.Bool:
		plain, _ := sqltable.PlainNumber(v)
		return append(dst, plain...), bare, ""
	case value.Int:
		return v.AppendText(dst), bare, ""
	case value.Bytes:
		return dst, bare, w.name() + ": bytes are no number"
	}
	plain, ok := sqltable.PlainNumber(v)
	if !ok {
		return w.text(dst, v)
	}
	whole, fraction, _ := strings.Cut(plain, ".")
	switch {
	case strings.Trim(fraction, "0") == "":
		return append(dst, whole...), bare, ""
	case w.exact:
		return dst, bare, w.would("round the digits after the point")
	default:
		return append(dst, plain...), bare, ""
	}
}

// decimal writes a text, which the server reads digit by digit; a number with an exponent in a statement is a DOUBLE.
func (w *writer) decimal(dst []byte, v value.Value) ([]byte, form, string) {
	switch v.Kind() { //nolint:exhaustive // others are the server's to read
	case value.Bool, value.Bytes:
		return w.integer(dst, v)
	}
	plain, ok := sqltable.PlainNumber(v)
	if !ok {
		return w.text(dst, v)
	}
	if _, fraction, _ := strings.Cut(plain, "."); w.exact && len(strings.TrimRight(fraction, "0")) > w.column.scale {
		return dst, quoted, w.would("round the digits after the point")
	}
	return append(dst, plain...), quoted, ""
}

// float writes the shortest text that reads back as the same number.
func (w *writer) float(dst []byte, v value.Value) ([]byte, form, string) {
	switch v.Kind() { //nolint:exhaustive // others are the server's to read
	case value.Bool, value.Bytes:
		return w.integer(dst, v)
	}
	return w.text(dst, v)
}

// bit: digits in quotes would be taken for the bits of their characters.
func (w *writer) bit(dst []byte, v value.Value) ([]byte, form, string) {
	if v.Kind() == value.Bytes {
		return append(dst, v.Raw()...), binary, ""
	}
	if v.Kind() == value.Bool {
		return w.integer(dst, v)
	}
	plain, ok := sqltable.PlainNumber(v)
	if !ok || strings.ContainsAny(plain, "-.") {
		return dst, bare, w.name() + ": " + w.column.native + " takes a boolean, bytes or a whole number that is not negative"
	}
	return append(dst, plain...), bare, ""
}

// year: numbers of two digits are taken for years of this or the last century.
// https://dev.mysql.com/doc/refman/8.4/en/two-digit-years.html
func (w *writer) year(dst []byte, v value.Value) ([]byte, form, string) {
	if plain, ok := sqltable.PlainNumber(v); ok && len(strings.TrimLeft(plain, "-")) <= 2 && plain != "0" {
		return dst, bare, w.name() + ": a year has four digits; of two, the database would guess the century"
	}
	return w.integer(dst, v)
}

// instant writes the clock in UTC, where the session is.
func (w *writer) instant(dst []byte, v value.Value) ([]byte, form, string) {
	t, ok := sqltable.InstantOf(v)
	if !ok {
		return w.text(dst, v)
	}
	if year := t.Year(); year < 0 || year > 9999 {
		return dst, quoted, w.name() + ": the year " + strconv.Itoa(year) + " is none that " + w.column.native + " can hold"
	}
	date := w.class == classDate
	switch {
	case w.exact && date && !sqltable.Midnight(t):
		return dst, quoted, w.would("leave the time of day out")
	case w.exact && !date && sqltable.Finer(t.Nanosecond(), w.column.precision):
		return dst, quoted, w.would("round or cut the fraction of the second")
	}
	return appendMoment(dst, t, date), quoted, ""
}

// clock writes a time of day or a span of time.
func (w *writer) clock(dst []byte, v value.Value) ([]byte, form, string) {
	t, ok := sqltable.InstantOf(v)
	switch {
	case ok && v.Kind() != value.Day:
		if w.exact && (t.Unix() < 0 || t.Unix() >= 86400) {
			return dst, quoted, w.would("leave the date out")
		}
		if w.exact && sqltable.Finer(t.Nanosecond(), w.column.precision) {
			return dst, quoted, w.would("round or cut the fraction of the second")
		}
		return t.AppendFormat(dst, "15:04:05.999999999"), quoted, ""
	case v.Kind() != value.Text:
		return dst, quoted, w.name() + ": time takes a text such as 10:11:12"
	}
	_, fraction, _ := strings.Cut(v.Raw(), ".")
	if w.exact && len(strings.TrimRight(fraction, "0")) > w.column.precision {
		return dst, quoted, w.would("round or cut the fraction of the second")
	}
	return w.text(dst, v)
}

// member: a text of digits that is no member would be taken for a member's number.
// https://dev.mysql.com/doc/refman/8.4/en/enum.html
func (w *writer) member(dst []byte, v value.Value) ([]byte, form, string) {
	from := len(dst)
	dst, f, reason := w.text(dst, v)
	text := strings.ToLower(string(dst[from:]))
	if _, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64); err == nil && !slices.Contains(w.column.members, text) {
		return dst[:from], f, w.name() + ": the value is none of " + w.column.native
	}
	return dst, f, reason
}

// bytes takes bytes, or a text that is base64.
func (w *writer) bytes(dst []byte, v value.Value) ([]byte, form, string) {
	raw := v.Raw()
	if v.Kind() == value.Text {
		decoded, err := sqltable.DecodeBase64(raw)
		if err != nil {
			return dst, binary, w.name() + ": " + w.column.native + " takes bytes or a text in base64, and this text is not: encode it in the mapping with a template"
		}
		raw = decoded
	} else if v.Kind() != value.Bytes {
		return dst, binary, w.name() + ": " + w.column.native + " takes bytes or a text in base64"
	}
	if w.exact && w.column.base == "binary" && len(raw) < w.column.length {
		return dst, binary, w.would("fill the value up with zero bytes")
	}
	return append(dst, raw...), binary, ""
}

// json writes a document. A text that is an object or an array already is taken as it is: sources that have no type for
// JSON deliver it so. Any other text becomes a JSON string.
func (w *writer) json(dst []byte, v value.Value) ([]byte, form, string) {
	if v.Kind() == value.Text && !utf8.ValidString(v.Raw()) {
		return w.text(dst, v)
	}
	if v.Kind() == value.Text && sqltable.IsDocument(v.Raw()) {
		return append(dst, v.Raw()...), quoted, ""
	}
	return v.AppendJSON(dst), quoted, ""
}

// text writes a text as it is, and any other value as it prints.
func (w *writer) text(dst []byte, v value.Value) ([]byte, form, string) {
	if v.Kind() != value.Text {
		return v.AppendText(dst), quoted, ""
	}
	switch text := v.Raw(); {
	case !utf8.ValidString(text):
		return dst, quoted, w.name() + ": the text is not valid UTF-8"
	case w.exact && w.drops(text):
		return dst, quoted, w.would("lose spaces at the end")
	default:
		return append(dst, text...), quoted, ""
	}
}

// drops reports whether spaces at the end of a text would get lost: all in a CHAR, those that are too many in a VARCHAR.
// https://dev.mysql.com/doc/refman/8.4/en/char.html
func (w *writer) drops(text string) bool {
	if !strings.HasSuffix(text, " ") {
		return false
	}
	return w.column.base == "char" || w.column.base == "varchar" && utf8.RuneCountInString(text) > w.column.length
}

func appendMoment(dst []byte, t time.Time, date bool) []byte {
	if date {
		return t.AppendFormat(dst, time.DateOnly)
	}
	return t.AppendFormat(dst, "2006-01-02 15:04:05.999999999")
}

// escapes are the bytes that do not stand for themselves between quotes, nor between tabs in a file of LOAD DATA.
// https://dev.mysql.com/doc/refman/8.4/en/string-literals.html
// https://dev.mysql.com/doc/refman/8.4/en/load-data.html#load-data-field-line-handling
var escapes = [256]byte{0: '0', '\n': 'n', '\r': 'r', '\t': 't', '\\': '\\', '\'': '\'', 26: 'Z'}

func appendEscaped(dst, text []byte) []byte {
	start := 0
	for i, c := range text {
		if e := escapes[c]; e != 0 {
			dst = append(append(dst, text[start:i]...), '\\', e)
			start = i + 1
		}
	}
	return append(dst, text[start:]...)
}

// appendLiteral appends a value as it stands in a statement.
func appendLiteral(dst, text []byte, f form) []byte {
	switch f {
	case bare:
		return append(dst, text...)
	case binary:
		dst = append(dst, "_binary"...)
	case quoted:
	}
	dst = appendEscaped(append(dst, '\''), text)
	return append(dst, '\'')
}
