package postgres

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/millrace/millrace/internal/value"
)

var errNested = errors.New("the server's text of a nested value cannot be read")

// intoJSON reads arrays, composites and hstores.
func (c *catalog) intoJSON(oid uint32) func(array.Builder) put {
	return func(b array.Builder) put {
		write := intoText(b)
		var scratch []byte
		return func(src []byte) error {
			if src == nil {
				return write(nil)
			}
			var err error
			if scratch, err = c.appendJSON(scratch[:0], oid, src); err != nil {
				return err
			}
			return write(scratch)
		}
	}
}

// appendJSON appends the JSON of a value of the type from the text that the server writes.
func (c *catalog) appendJSON(dst []byte, oid uint32, src []byte) ([]byte, error) {
	if src == nil {
		return append(dst, "null"...), nil
	}
	switch t := c.types[oid]; t.shape {
	case shapeArray:
		return c.appendArray(dst, t, src)
	case shapeComposite:
		return c.appendComposite(dst, t, src)
	case shapeHstore:
		return appendHstore(dst, src)
	case shapeDomain:
		return c.appendJSON(dst, t.of, src)
	default:
		return appendScalar(dst, oid, src), nil
	}
}

// appendScalar writes what value.Value would write of the same scalar in a column of its own.
func appendScalar(dst []byte, oid uint32, src []byte) []byte {
	switch oid {
	case pgtype.JSONOID, pgtype.JSONBOID:
		return append(dst, src...)
	case pgtype.BoolOID:
		return strconv.AppendBool(dst, len(src) > 0 && src[0] == 't')
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.OIDOID, pgtype.Float4OID, pgtype.Float8OID, pgtype.NumericOID:
		if !isNumber(src) {
			return append(dst, "null"...)
		}
		return append(dst, src...)
	case pgtype.DateOID, pgtype.TimestampOID, pgtype.TimestamptzOID:
		return appendInstant(dst, oid, string(src))
	case pgtype.ByteaOID:
		raw := make([]byte, hex.DecodedLen(max(len(src)-2, 0)))
		if _, err := hex.Decode(raw, bytes.TrimPrefix(src, []byte(`\x`))); err == nil {
			return value.OfBytes(raw).AppendJSON(dst)
		}
	}
	return value.AppendJSONString(dst, string(src))
}

// appendInstant writes a date or an instant; the infinite ones become null as they do in a column.
func appendInstant(dst []byte, oid uint32, src string) []byte {
	t, finite, err := instantIn(src)
	switch {
	case err != nil:
		return value.AppendJSONString(dst, src)
	case !finite:
		return append(dst, "null"...)
	}
	if oid == pgtype.DateOID {
		return value.OfDay(int32(floorDiv(t.Unix(), 86_400))).AppendJSON(dst)
	}
	return value.OfTime(t).AppendJSON(dst)
}

// appendArray reads {a,b,"c d",NULL,{…}}, which bounds such as [0:1]= may precede.
func (c *catalog) appendArray(dst []byte, t typeInfo, src []byte) ([]byte, error) {
	if i := bytes.IndexByte(src, '{'); i > 0 && src[0] == '[' {
		src = src[i:]
	}
	dst, rest, err := c.appendItems(dst, t, src)
	if err != nil || len(rest) > 0 {
		return nil, errNested
	}
	return dst, nil
}

// appendItems reads one level of an array and returns what follows it.
func (c *catalog) appendItems(dst []byte, t typeInfo, src []byte) (_, rest []byte, err error) {
	if len(src) < 2 || src[0] != '{' {
		return nil, nil, errNested
	}
	src, dst = src[1:], append(dst, '[')
	if src[0] == '}' {
		return append(dst, ']'), src[1:], nil
	}
	for {
		if dst, src, err = c.appendItem(dst, t, src); err != nil {
			return nil, nil, err
		}
		if len(src) == 0 {
			return nil, nil, errNested
		}
		end := src[0]
		src = src[1:]
		switch end {
		case '}':
			return append(dst, ']'), src, nil
		case t.delim:
			dst = append(dst, ',')
		default:
			return nil, nil, errNested
		}
	}
}

func (c *catalog) appendItem(dst []byte, t typeInfo, src []byte) (_, rest []byte, err error) {
	if len(src) > 0 && src[0] == '{' {
		return c.appendItems(dst, t, src)
	}
	item, quoted, rest, err := token(src, func(b byte) bool { return b == '}' || b == t.delim })
	if err != nil {
		return nil, nil, err
	}
	if !quoted && string(item) == "NULL" {
		item = nil
	}
	dst, err = c.appendJSON(dst, t.of, item)
	return dst, rest, err
}

// appendComposite reads (a,"b c",,d): an empty field is null.
func (c *catalog) appendComposite(dst []byte, t typeInfo, src []byte) ([]byte, error) {
	if len(src) < 2 || src[0] != '(' {
		return nil, errNested
	}
	src, dst = src[1:], append(dst, '{')
	for i, name := range t.names {
		field, quoted, rest, err := token(src, func(b byte) bool { return b == ')' || b == ',' })
		if err != nil || len(rest) == 0 || (rest[0] == ')') != (i == len(t.names)-1) {
			return nil, errNested
		}
		if !quoted && len(field) == 0 {
			field = nil
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(value.AppendJSONString(dst, name), ':')
		if dst, err = c.appendJSON(dst, t.fields[i], field); err != nil {
			return nil, err
		}
		src = rest[1:]
	}
	return append(dst, '}'), nil
}

// appendHstore reads "a"=>"b", "c"=>NULL.
func appendHstore(dst, src []byte) ([]byte, error) {
	dst = append(dst, '{')
	for first := true; len(src) > 0; first = false {
		name, _, rest, err := token(src, func(b byte) bool { return b == '=' })
		if err != nil || !bytes.HasPrefix(rest, []byte("=>")) {
			return nil, errNested
		}
		item, quoted, rest, err := token(rest[2:], func(b byte) bool { return b == ',' })
		if err != nil {
			return nil, err
		}
		if !first {
			dst = append(dst, ',')
		}
		dst = append(value.AppendJSONString(dst, string(name)), ':')
		if !quoted && string(item) == "NULL" {
			dst = append(dst, "null"...)
		} else {
			dst = value.AppendJSONString(dst, string(item))
		}
		src = bytes.TrimPrefix(rest, []byte(", "))
	}
	return append(dst, '}'), nil
}

// token reads one item up to, and without, a byte that ends it. Within quotes nothing ends it; a backslash
// escapes the next byte, and two quotes are one.
func token(src []byte, ends func(byte) bool) (item []byte, quoted bool, rest []byte, err error) {
	if plain := bytes.IndexFunc(src, func(r rune) bool { return r == '"' || r == '\\' || r < 0x80 && ends(byte(r)) }); plain >= 0 && src[plain] != '"' && src[plain] != '\\' {
		return src[:plain:plain], false, src[plain:], nil
	}
	item = make([]byte, 0, len(src))
	inside := false
	for i := 0; i < len(src); i++ {
		switch b := src[i]; {
		case b == '\\' && i+1 < len(src):
			i++
			item = append(item, src[i])
		case b == '"' && inside && i+1 < len(src) && src[i+1] == '"':
			i++
			item = append(item, b)
		case b == '"':
			inside, quoted = !inside, true
		case !inside && ends(b):
			return item, quoted, src[i:], nil
		default:
			item = append(item, b)
		}
	}
	if inside {
		return nil, false, nil, errNested
	}
	return item, quoted, nil, nil
}
