package value

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// MarshalJSON returns the value as JSON.
func (v Value) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

// UnmarshalJSON reads any JSON value.
func (v *Value) UnmarshalJSON(data []byte) error {
	p, err := ParseJSON(string(data))
	if err != nil {
		return err
	}
	*v = p
	return nil
}

// AppendJSON appends the value as JSON: instants and dates as ISO 8601 strings, bytes as base64,
// decimals digit for digit. HTML characters are not escaped; invalid UTF-8 becomes U+FFFD.
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.kind {
	case Null:
		return append(dst, "null"...)
	case Bool:
		return strconv.AppendBool(dst, v.Bool())
	case Int:
		return strconv.AppendInt(dst, v.Int(), 10)
	case Float:
		return appendFloat(dst, v.Float())
	case Decimal, JSON:
		return append(dst, v.s...)
	case Text:
		return AppendJSONString(dst, v.s)
	case Bytes:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, []byte(v.s))
		return append(dst, '"')
	case Time:
		dst = append(dst, '"')
		dst = appendTime(dst, v.Micros())
		return append(dst, '"')
	case Day:
		dst = append(dst, '"')
		dst = v.Time().AppendFormat(dst, time.DateOnly)
		return append(dst, '"')
	case List:
		return appendList(dst, v.c.list)
	default:
		return appendFields(dst, v.c.fields)
	}
}

func appendList(dst []byte, items []Value) []byte {
	dst = append(dst, '[')
	for i, item := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = item.AppendJSON(dst)
	}
	return append(dst, ']')
}

func appendFields(dst []byte, fields []Field) []byte {
	dst = append(dst, '{')
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendJSONString(dst, f.Name)
		dst = append(dst, ':')
		dst = f.Value.AppendJSON(dst)
	}
	return append(dst, '}')
}

const hexDigits = "0123456789abcdef"

// AppendJSONString appends s as a JSON string.
func AppendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		if len(s)-i >= 8 && isPlain(s[i:i+8]) {
			i += 8
			continue
		}
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, s[start:i]...)
				dst = append(dst, `\ufffd`...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		dst = appendEscape(dst, c)
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// isPlain tells whether eight bytes are all ASCII that JSON strings hold as it is. It looks at them at once:
// https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord.
func isPlain(s string) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	_ = s[7]
	w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	quote, backslash := w^ones*'"', w^ones*'\\'
	control := (w - ones*' ') & ^w
	return (w|control|(quote-ones)&^quote|(backslash-ones)&^backslash)&tops == 0
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	default:
		return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
}

// ParseJSON reads one JSON value. Integers that fit in 64 bits become Int, every other number
// Decimal, so that no digit is lost. Objects keep the order of their members.
func ParseJSON(text string) (Value, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, err := decodeValue(d, maxDepth)
	if err != nil {
		return Value{}, fmt.Errorf("parsing JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Value{}, errors.New("parsing JSON: more than one value")
	}
	return v, nil
}

// maxDepth is how deep arrays and objects may nest, so that hostile text cannot exhaust the stack. It is
// encoding/json's own limit.
const maxDepth = 10_000

var errDepth = fmt.Errorf("arrays and objects nest more than %d deep", maxDepth)

// decodeValue reads a value that may nest depth deep.
func decodeValue(d *json.Decoder, depth int) (Value, error) {
	t, err := d.Token()
	if err != nil {
		return Value{}, err
	}
	switch t := t.(type) {
	case json.Delim:
		switch {
		case depth == 0:
			return Value{}, errDepth
		case t == '[':
			return decodeList(d, depth-1)
		default:
			return decodeMap(d, depth-1)
		}
	case bool:
		return OfBool(t), nil
	case json.Number:
		return OfNumber(t.String()), nil
	case string:
		return OfText(t), nil
	default:
		return Value{}, nil
	}
}

// OfNumber returns the number that a JSON number's text says: Int where it is one and fits,
// otherwise Decimal.
func OfNumber(text string) Value {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil && text != "-0" {
		return OfInt(i)
	}
	return OfDecimal(text)
}

func decodeList(d *json.Decoder, depth int) (Value, error) {
	items := []Value{}
	for d.More() {
		v, err := decodeValue(d, depth)
		if err != nil {
			return Value{}, err
		}
		items = append(items, v)
	}
	_, err := d.Token()
	return OfList(items), err
}

func decodeMap(d *json.Decoder, depth int) (Value, error) {
	fields := []Field{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return Value{}, err
		}
		v, err := decodeValue(d, depth)
		if err != nil {
			return Value{}, err
		}
		fields = append(fields, Field{Name: name.(string), Value: v}) //nolint:forcetypeassert // keys are strings
	}
	_, err := d.Token()
	return OfMap(fields), err
}

// CanonicalJSON returns text with its object members sorted and its insignificant space removed, so
// that equal values are equal texts. Numbers keep their digits. Text that is not JSON is an error.
func CanonicalJSON(text string) (string, error) {
	if isCanonicalScalar(text) {
		return text, nil
	}
	v, err := ParseJSON(text)
	if err != nil {
		return "", err
	}
	return string(sorted(v).AppendJSON(nil)), nil
}

// isCanonicalScalar recognises the texts that are canonical as they stand.
func isCanonicalScalar(text string) bool {
	return text == "{}" || text == "[]" || text == "null" || text == "true" || text == "false"
}

// sorted returns v with the members of every object in order of their names.
func sorted(v Value) Value {
	switch v.kind {
	case List:
		items := make([]Value, len(v.c.list))
		for i, item := range v.c.list {
			items[i] = sorted(item)
		}
		return OfList(items)
	case Map:
		fields := make([]Field, len(v.c.fields))
		for i, f := range v.c.fields {
			fields[i] = Field{Name: f.Name, Value: sorted(f.Value)}
		}
		sort.SliceStable(fields, func(i, j int) bool { return fields[i].Name < fields[j].Name })
		return OfMap(fields)
	default:
		return v
	}
}

// Of returns the value of a Go value as encoding/json would decode it, and of the other scalar
// types that drivers return.
func Of(x any) Value {
	switch x := x.(type) {
	case nil:
		return Value{}
	case Value:
		return x
	case bool:
		return OfBool(x)
	case int:
		return OfInt(int64(x))
	case int32:
		return OfInt(int64(x))
	case int64:
		return OfInt(x)
	case float64:
		return OfFloat(x)
	case json.Number:
		return OfNumber(x.String())
	case string:
		return OfText(x)
	case []byte:
		return OfBytes(x)
	case time.Time:
		return OfTime(x)
	default:
		return ofEncodable(x)
	}
}

// ofEncodable goes through JSON, for maps, slices and structs.
func ofEncodable(x any) Value {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(x); err != nil {
		return OfText(fmt.Sprint(x))
	}
	v, err := ParseJSON(b.String())
	if err != nil {
		return OfText(b.String())
	}
	return v
}
