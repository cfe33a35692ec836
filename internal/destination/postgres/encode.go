package postgres

import (
	"encoding/hex"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/destination/sqltable"
	"github.com/millrace/millrace/internal/value"
)

// writer appends a value that is not null to dst as the text from which the server reads a type, not yet
// escaped for COPY. It never refuses: what does not fit, the server refuses in its own words.
type writer func(dst []byte, v value.Value) []byte

// writerOf returns how values of a column are written.
func writerOf(c column) writer {
	if c.array {
		element := scalarOf(c.element)
		nested := c.element == "json" || c.element == "jsonb"
		return func(dst []byte, v value.Value) []byte { return appendArrayOf(dst, v, element, nested) }
	}
	return scalarOf(c.base)
}

// writers are how types are written whose text is not simply the value's.
var writers = map[string]writer{
	"int2": appendInteger, "int4": appendInteger, "int8": appendInteger,
	"timestamp": appendInstant, "timestamptz": appendInstant, "date": appendInstant, "time": appendInstant, "timetz": appendInstant,
	"bytea": appendBytea,
	"json":  appendDocument, "jsonb": appendDocument,
}

func scalarOf(base string) writer {
	if w := writers[base]; w != nil {
		return w
	}
	return func(dst []byte, v value.Value) []byte { return v.AppendText(dst) }
}

// verbatim reports whether a column takes the text of a value as it is.
func verbatim(c column) bool { return !c.array && writers[c.base] == nil }

// appendInteger writes "12.00" as "12": a decimal without a fraction is an integer.
func appendInteger(dst []byte, v value.Value) []byte {
	if v.Kind() == value.Decimal {
		whole, fraction, _ := strings.Cut(v.Raw(), ".")
		if strings.Trim(fraction, "0") == "" {
			return append(dst, whole...)
		}
	}
	return v.AppendText(dst)
}

// appendInstant writes instants and dates as PostgreSQL reads them in any DateStyle, years before the first
// one with BC.
// Source: https://www.postgresql.org/docs/current/datatype-datetime.html
func appendInstant(dst []byte, v value.Value) []byte {
	switch v.Kind() { //nolint:exhaustive // others are the server's to read
	case value.Day:
		dst, before := appendDate(dst, v.Time())
		return appendEra(dst, before)
	case value.Time:
		t := v.Time()
		dst, before := appendDate(dst, t)
		dst = appendClock(append(dst, ' '), t)
		return appendEra(append(dst, "+00"...), before)
	default:
		return v.AppendText(dst)
	}
}

func appendDate(dst []byte, t time.Time) (text []byte, beforeChrist bool) {
	year, month, day := t.Date()
	if year <= 0 {
		year, beforeChrist = 1-year, true
	}
	dst = appendPadded(dst, year, 4)
	dst = appendPadded(append(dst, '-'), int(month), 2)
	return appendPadded(append(dst, '-'), day, 2), beforeChrist
}

func appendClock(dst []byte, t time.Time) []byte {
	hour, minute, second := t.Clock()
	dst = appendPadded(dst, hour, 2)
	dst = appendPadded(append(dst, ':'), minute, 2)
	dst = appendPadded(append(dst, ':'), second, 2)
	if us := t.Nanosecond() / 1000; us != 0 {
		dst = appendPadded(append(dst, '.'), us, 6)
	}
	return dst
}

func appendEra(dst []byte, beforeChrist bool) []byte {
	if beforeChrist {
		return append(dst, " BC"...)
	}
	return dst
}

func appendPadded(dst []byte, n, width int) []byte {
	var digits [20]byte
	i := len(digits)
	for n > 0 || width > 0 {
		i--
		digits[i] = byte('0' + n%10)
		n /= 10
		width--
	}
	return append(dst, digits[i:]...)
}

// appendBytea writes the bytes of a value, or of its text, in hexadecimal.
func appendBytea(dst []byte, v value.Value) []byte {
	raw := []byte(v.Raw())
	if v.Kind() != value.Bytes && v.Kind() != value.Text {
		raw = v.AppendText(nil)
	}
	return hex.AppendEncode(append(dst, `\x`...), raw)
}

// appendDocument writes JSON. A text that is an object or an array already is taken as it is: sources that
// have no type for JSON deliver it so. Any other text becomes a JSON string.
func appendDocument(dst []byte, v value.Value) []byte {
	if v.Kind() == value.Text && sqltable.IsDocument(v.Raw()) {
		return append(dst, v.Raw()...)
	}
	return v.AppendJSON(dst)
}

// appendArrayOf writes an array. A text is the server's to read, unless it is a JSON array.
// Source: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
func appendArrayOf(dst []byte, v value.Value, element writer, documents bool) []byte {
	if v.Kind() == value.Text && strings.HasPrefix(strings.TrimSpace(v.Raw()), "[") && sqltable.IsDocument(v.Raw()) {
		v = value.OfJSON(v.Raw())
	}
	if v = v.Parsed(); v.Kind() != value.List {
		return v.AppendText(dst)
	}
	dst = append(dst, '{')
	for i, item := range v.List() {
		if i > 0 {
			dst = append(dst, ',')
		}
		item = item.Parsed()
		switch {
		case item.IsNull():
			dst = append(dst, "NULL"...)
		case item.Kind() == value.List && !documents:
			dst = appendArrayOf(dst, item, element, false)
		default:
			dst = appendQuoted(dst, element(nil, item))
		}
	}
	return append(dst, '}')
}

func appendQuoted(dst, text []byte) []byte {
	dst = append(dst, '"')
	for _, c := range text {
		if c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

// escapes are the bytes that COPY's text form does not take as they are. A NUL byte has no form at all: the
// server refuses it.
// Source: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
var escapes = [256]byte{'\\': '\\', '\n': 'n', '\r': 'r', '\t': 't', '\b': 'b', '\f': 'f', '\v': 'v'}

// appendEscaped escapes a text for COPY.
func appendEscaped[T string | []byte](dst []byte, text T) []byte {
	start := 0
	for i := range len(text) {
		if e := escapes[text[i]]; e != 0 {
			dst = append(append(dst, text[start:i]...), '\\', e)
			start = i + 1
		}
	}
	return append(dst, text[start:]...)
}
