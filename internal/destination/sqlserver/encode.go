package sqlserver

import (
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf16"
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
	classDate
	classInstant
	classClock
	classUUID
	classBytes
	classJSON
)

// classes are the types that are not written as plain text.
// https://learn.microsoft.com/en-us/sql/t-sql/data-types/data-types-transact-sql
var classes = map[string]class{
	"tinyint": classInteger, "smallint": classInteger, "int": classInteger, "bigint": classInteger,
	"decimal": classDecimal, "numeric": classDecimal, "money": classDecimal, "smallmoney": classDecimal,
	"float": classFloat, "real": classFloat, "bit": classBit,
	"date": classDate, "datetime": classInstant, "datetime2": classInstant, "smalldatetime": classInstant, "datetimeoffset": classInstant, "time": classClock,
	"uniqueidentifier": classUUID, "binary": classBytes, "varbinary": classBytes, "image": classBytes, "json": classJSON,
}

func classOf(base string) class { return classes[base] }

// writer writes values of one column as the texts from which the server reads the column's type.
type writer struct {
	column column
	class  class
	exact  bool // what the column would change is refused
}

func newWriter(c column, exact bool) writer { return writer{c, classOf(c.base), exact} }

// write returns a value that is not null as text. A reason means that the column cannot take it; what the server refuses
// by itself is left to the server's words. An empty text would become a zero in every type that is no text:
// https://learn.microsoft.com/en-us/sql/t-sql/functions/cast-and-convert-transact-sql
func (w *writer) write(v value.Value) (text, reason string) {
	switch w.class {
	case classInteger, classDecimal, classFloat, classBit:
		return w.number(v)
	case classDate, classInstant:
		return w.instant(v)
	case classClock:
		return w.clock(v)
	case classUUID:
		return w.uuid(v)
	case classBytes:
		return w.bytes(v)
	case classJSON:
		return w.json(v)
	default:
		return w.text(v)
	}
}

func (w *writer) name() string { return "column " + dialect.Ident(w.column.name) }

// would says what the column does to a value that it cannot hold as it is.
func (w *writer) would(what string) string {
	return w.name() + ": " + w.column.native() + " would " + what + ". Change the value in the model or the mapping, or let the database adapt values in the sync's settings"
}

func (w *writer) blank(v value.Value) bool {
	return v.Kind() == value.Text && strings.TrimSpace(v.Raw()) == ""
}

func (w *writer) number(v value.Value) (text, reason string) {
	plain, ok := sqltable.PlainNumber(v)
	switch {
	case v.Kind() == value.Bytes || w.blank(v):
		return "", w.name() + ": the value is no number"
	case !ok:
		return w.text(v)
	case w.class == classFloat:
		return w.float(v)
	}
	whole, fraction, _ := strings.Cut(plain, ".")
	fraction = strings.TrimRight(fraction, "0")
	if w.class == classBit && (whole != "0" && whole != "1" || fraction != "") {
		return "", w.name() + ": a bit is 0 or 1; the database would make every other number a 1"
	}
	if len(fraction) > w.digits() {
		if w.exact {
			return "", w.would("round the digits after the point")
		}
		return w.rounded(plain), ""
	}
	if fraction == "" {
		return whole, ""
	}
	return whole + "." + fraction, ""
}

// digits are those that the column has behind the point.
func (w *writer) digits() int {
	switch w.column.base {
	case "decimal", "numeric":
		return w.column.scale
	case "money", "smallmoney":
		return 4
	default:
		return 0
	}
}

// rounded leaves rounding to the server where the type can: a text with a point is no integer.
func (w *writer) rounded(plain string) string {
	if w.class != classInteger {
		return plain
	}
	return sqltable.Rounded(plain)
}

// float writes the shortest text that reads back as the same number.
func (w *writer) float(v value.Value) (text, reason string) {
	if v.Kind() == value.Bool {
		plain, _ := sqltable.PlainNumber(v)
		return plain, ""
	}
	return v.String(), ""
}

// instant writes the clock in UTC. DATETIME reads no more than three digits of a fraction.
// https://learn.microsoft.com/en-us/sql/t-sql/data-types/datetime-transact-sql
func (w *writer) instant(v value.Value) (text, reason string) {
	t, ok := sqltable.InstantOf(v)
	switch {
	case !ok && (w.blank(v) || v.Kind() != value.Text):
		return "", w.name() + ": the value is no date"
	case !ok && w.exact && w.class == classDate && strings.Contains(v.Raw(), ":"):
		return "", w.would("leave the time of day out")
	case !ok:
		return w.text(v)
	case t.Year() < 1 || t.Year() > 9999:
		return "", w.name() + ": " + w.column.native() + " holds the years 1 to 9999"
	case w.exact && w.class == classDate && !sqltable.Midnight(t):
		return "", w.would("leave the time of day out")
	case w.exact && w.class == classInstant && !w.holds(t):
		return "", w.would("round the time")
	}
	switch w.column.base {
	case "date":
		return t.Format(time.DateOnly), ""
	case "datetime", "smalldatetime":
		return t.Round(time.Millisecond).Format("2006-01-02T15:04:05.000"), ""
	case "datetimeoffset":
		return t.Format("2006-01-02T15:04:05.9999999") + "+00:00", ""
	default:
		return t.Format("2006-01-02T15:04:05.9999999"), ""
	}
}

// holds reports whether the column keeps an instant as it is. A DATETIME has ticks of a three-hundredth of a second, which
// are written as thousandths that end in 0, 3 or 7; a SMALLDATETIME has minutes.
func (w *writer) holds(t time.Time) bool {
	switch w.column.base {
	case "datetime":
		last := t.Nanosecond() / int(time.Millisecond) % 10
		return !sqltable.Finer(t.Nanosecond(), 3) && (last == 0 || last == 3 || last == 7)
	case "smalldatetime":
		return t.Second() == 0 && t.Nanosecond() == 0
	default:
		return !sqltable.Finer(t.Nanosecond(), w.column.scale)
	}
}

// clock writes a time of day.
func (w *writer) clock(v value.Value) (text, reason string) {
	t, ok := sqltable.InstantOf(v)
	switch {
	case ok && v.Kind() != value.Day:
		if w.exact && (t.Unix() < 0 || t.Unix() >= 86400) {
			return "", w.would("leave the date out")
		}
		if w.exact && sqltable.Finer(t.Nanosecond(), w.column.scale) {
			return "", w.would("round the fraction of the second")
		}
		return t.Format("15:04:05.9999999"), ""
	case v.Kind() != value.Text || w.blank(v):
		return "", w.name() + ": time takes a text such as 10:11:12"
	}
	_, fraction, _ := strings.Cut(v.Raw(), ".")
	if w.exact && len(strings.TrimRight(fraction, "0")) > w.column.scale {
		return "", w.would("round the fraction of the second")
	}
	return w.text(v)
}

// uuidLength is how long a UUID is, in braces or not. What stands behind it the server would pass over.
const uuidLength = 36

func (w *writer) uuid(v value.Value) (text, reason string) {
	text, reason = w.text(v)
	if bare := strings.TrimSuffix(strings.TrimPrefix(text, "{"), "}"); reason == "" && len(bare) > uuidLength {
		return "", w.name() + ": the value is longer than a UUID"
	}
	return text, reason
}

// bytes writes hexadecimal digits of bytes, or of a text that is base64.
func (w *writer) bytes(v value.Value) (text, reason string) {
	raw := v.Raw()
	if v.Kind() == value.Text {
		decoded, err := sqltable.DecodeBase64(raw)
		if err != nil {
			return "", w.name() + ": " + w.column.native() + " takes bytes or a text in base64, and this text is not: encode it in the mapping with a template"
		}
		raw = decoded
	} else if v.Kind() != value.Bytes {
		return "", w.name() + ": " + w.column.native() + " takes bytes or a text in base64"
	}
	if w.exact && w.column.base == "binary" && len(raw) < w.column.length {
		return "", w.would("fill the value up with zero bytes")
	}
	return hex.EncodeToString([]byte(raw)), ""
}

// json writes a document. A text that is an object or an array already is taken as it is; any other text becomes a JSON
// string.
func (w *writer) json(v value.Value) (text, reason string) {
	if v.Kind() == value.Text && (sqltable.IsDocument(v.Raw()) || !utf8.ValidString(v.Raw())) {
		return w.text(v)
	}
	return string(v.AppendJSON(nil)), ""
}

// text writes a text as it is, and any other value as it prints.
func (w *writer) text(v value.Value) (text, reason string) {
	if v.Kind() != value.Text {
		return v.String(), ""
	}
	switch text := v.Raw(); {
	case !utf8.ValidString(text):
		return "", w.name() + ": the text is not valid UTF-8"
	case w.exact && w.class == classText && w.column.length > 0 && strings.HasSuffix(text, " ") && w.units(text) > w.column.length:
		return "", w.would("leave spaces at the end out")
	default:
		return text, ""
	}
}

// units is how many bytes a text needs at least.
func (w *writer) units(text string) int {
	if strings.HasPrefix(w.column.base, "n") {
		return 2 * len(utf16.Encode([]rune(text)))
	}
	return utf8.RuneCountInString(text)
}
