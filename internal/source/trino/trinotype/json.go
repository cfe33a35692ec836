package trinotype

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/value"
)

// AppendJSON appends a value as the client protocol has it in JSON:
// https://trino.io/docs/current/develop/client-protocol.html
func (t Type) AppendJSON(b array.Builder, raw json.RawMessage) error {
	if isNull(raw) {
		b.AppendNull()
		return nil
	}
	switch t.Base {
	case baseArray, baseMap, baseRow:
		text, err := t.nested(nil, raw)
		if err != nil {
			return err
		}
		return appendString(b.(*array.StringBuilder), string(text)) //nolint:forcetypeassert // made from the column's type
	}
	text, err := textOf(raw)
	if err != nil {
		return err
	}
	return t.AppendText(b, text)
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// textOf is the text of a scalar: numbers and booleans as they are written, and what else there is as JSON.
func textOf(raw json.RawMessage) (string, error) {
	if raw[0] != '"' {
		return string(raw), nil
	}
	if !utf8.Valid(raw) {
		return "", errUTF8
	}
	if body := raw[1 : len(raw)-1]; bytes.IndexByte(body, '\\') < 0 {
		return string(body), nil
	}
	var text string
	err := json.Unmarshal(raw, &text)
	return text, err
}

// nested appends a value inside another one as value.Value would write it.
func (t Type) nested(dst []byte, raw json.RawMessage) ([]byte, error) {
	if isNull(raw) {
		return append(dst, "null"...), nil
	}
	switch t.Base {
	case baseArray:
		return t.list(dst, raw)
	case baseMap:
		return t.object(dst, raw)
	case baseRow:
		return t.row(dst, raw)
	}
	text, err := textOf(raw)
	if err != nil {
		return nil, err
	}
	switch t.Base {
	case "boolean", "tinyint", "smallint", "integer", "bigint":
		return append(dst, text...), nil
	case "real", "double", "decimal":
		if strings.ContainsAny(text, "NIi") { // JSON has no form for NaN and the infinities
			return append(dst, "null"...), nil
		}
		return append(dst, text...), nil
	case "json":
		return append(dst, text...), nil
	case "varbinary":
		rawBytes, err := base64.StdEncoding.DecodeString(text)
		return value.OfBytes(rawBytes).AppendJSON(dst), err
	case "date":
		days, err := ParseDate(text)
		return value.OfDay(days).AppendJSON(dst), err
	case "timestamp", "timestamp with time zone":
		micros, err := ParseInstant(text, t.Zone)
		return value.OfMicros(micros).AppendJSON(dst), err
	default:
		return value.AppendJSONString(dst, text), nil
	}
}

func (t Type) list(dst []byte, raw json.RawMessage) ([]byte, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, errValue
	}
	dst = append(dst, '[')
	var err error
	for i, item := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = t.Args[0].nested(dst, item); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

// object reads a map, whose keys are texts in JSON. Their order is kept.
func (t Type) object(dst []byte, raw json.RawMessage) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, errValue
	}
	dst = append(dst, '{')
	for first := true; d.More(); first = false {
		key, err := d.Token()
		if err != nil {
			return nil, errValue
		}
		var item json.RawMessage
		if err := d.Decode(&item); err != nil {
			return nil, errValue
		}
		if !first {
			dst = append(dst, ',')
		}
		name, _ := key.(string)
		dst = append(value.AppendJSONString(dst, name), ':')
		if dst, err = t.Args[1].nested(dst, item); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

// row reads a row, which is a list of its fields in JSON, or an object of them in their order. A field without a name
// has that of its place, as in the server's own field0, field1.
func (t Type) row(dst []byte, raw json.RawMessage) ([]byte, error) {
	items, err := fieldsOf(raw)
	if err != nil || len(items) != len(t.Args) {
		return nil, errValue
	}
	dst = append(dst, '{')
	for i, item := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		name := t.Names[i]
		if name == "" {
			name = "field" + strconv.Itoa(i)
		}
		dst = append(value.AppendJSONString(dst, name), ':')
		if dst, err = t.Args[i].nested(dst, item); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func fieldsOf(raw json.RawMessage) (items []json.RawMessage, err error) {
	if raw[0] != '{' {
		err = json.Unmarshal(raw, &items)
		return items, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		if _, err := d.Token(); err != nil { // the name
			return nil, err
		}
		var item json.RawMessage
		if err := d.Decode(&item); err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}
