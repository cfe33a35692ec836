package lightning

import (
	"encoding/base64"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/millrace/millrace/internal/value"
)

// What was sent in doubt is kept as JSON: a list of objects, the oldest first, with the columns by their names. What
// JSON has no form for is an object of one member.
const (
	tagBytes   = "bytes"  // base64
	tagInstant = "micros" // since 1970
	tagDay     = "days"   // since 1970
)

// appendAttempt adds a row to a list of attempts, which may be empty text.
func appendAttempt(list string, schema value.Schema, row []value.Value) string {
	var fields []value.Field
	for i, c := range schema {
		fields = append(fields, value.Field{Name: c.Name, Value: tagged(row[i])})
	}
	item := string(value.OfMap(fields).AppendJSON(nil))
	if list == "" {
		return "[" + item + "]"
	}
	return list[:len(list)-1] + "," + item + "]"
}

func tagged(v value.Value) value.Value {
	one := func(name string, v value.Value) value.Value {
		return value.OfMap([]value.Field{{Name: name, Value: v}})
	}
	switch v.Kind() {
	case value.Bytes:
		return one(tagBytes, value.OfText(base64.StdEncoding.EncodeToString([]byte(v.Raw()))))
	case value.Time:
		return one(tagInstant, value.OfInt(v.Micros()))
	case value.Day:
		return one(tagDay, value.OfInt(int64(v.Days())))
	case value.JSON, value.List, value.Map:
		return value.OfText(v.String())
	default:
		return v
	}
}

// untagged is the reverse of tagged, except that objects stay text.
func untagged(v value.Value) value.Value {
	fields := v.Fields()
	if len(fields) != 1 {
		return v
	}
	switch in := fields[0].Value; fields[0].Name {
	case tagBytes:
		b, err := base64.StdEncoding.DecodeString(in.String())
		if err != nil {
			return value.Value{}
		}
		return value.OfBytes(b)
	case tagInstant:
		return value.OfMicros(in.Int())
	case tagDay:
		return value.OfDay(int32(in.Int()))
	default:
		return v
	}
}

// attempts reads lists of attempts as Arrow lists of objects with the columns of today's schema.
type attempts struct {
	schema value.Schema  // today's
	known  value.Schema  // of the baseline: what it has forgotten stays forgotten
	fields []arrow.Field // flat types of today's
}

func (a *attempts) list() arrow.DataType {
	fields := make([]arrow.Field, len(a.fields))
	for i, f := range a.fields {
		fields[i] = arrow.Field{Name: column(i), Type: f.Type, Nullable: true}
	}
	return arrow.ListOf(arrow.StructOf(fields...))
}

func (a *attempts) read(in arrow.Array) (arrow.Array, error) {
	text, err := value.NewReader(arrow.Field{Type: in.DataType()}, in)
	if err != nil {
		return nil, err
	}
	b := array.NewBuilder(memory.DefaultAllocator, a.list()).(*array.ListBuilder) //nolint:forcetypeassert // list's type
	defer b.Release()
	for i := range in.Len() {
		v := text(i)
		if v.IsNull() || v.String() == "" {
			b.AppendNull()
			continue
		}
		parsed, err := value.ParseJSON(v.String())
		if err != nil {
			return nil, err
		}
		b.Append(true)
		for _, item := range parsed.List() {
			a.appendItem(b.ValueBuilder().(*array.StructBuilder), item) //nolint:forcetypeassert // list's type
		}
	}
	return b.NewArray(), nil
}

func (a *attempts) appendItem(b *array.StructBuilder, item value.Value) {
	b.Append(true)
	for i, c := range a.schema {
		v, _ := item.Get(c.Name)
		if a.known.Index(c.Name) < 0 {
			v = value.Value{}
		}
		add(b.FieldBuilder(i), untagged(v))
	}
}

// add appends a value to a column of a flat type; what does not convert is null.
func add(b array.Builder, v value.Value) {
	if v.IsNull() || !addTyped(b, v) {
		b.AppendNull()
	}
}

func addTyped(b array.Builder, v value.Value) bool {
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(v.String())
		return true
	case *array.BinaryBuilder:
		if v.Kind() != value.Bytes && v.Kind() != value.Text {
			return false
		}
		b.Append([]byte(v.Raw()))
		return true
	case *array.BooleanBuilder:
		return addBool(b, v)
	case *array.Float64Builder:
		f, err := strconv.ParseFloat(v.String(), 64)
		if err == nil {
			b.Append(f)
		}
		return err == nil
	case *array.Decimal128Builder:
		return addDecimal(b, v)
	case *array.TimestampBuilder:
		return addInstant(b, v)
	case *array.Date32Builder:
		return addDay(b, v)
	default:
		return addInteger(b, v)
	}
}

func addBool(b *array.BooleanBuilder, v value.Value) bool {
	is, err := strconv.ParseBool(v.String())
	if err == nil {
		b.Append(is)
	}
	return err == nil
}

func addDecimal(b *array.Decimal128Builder, v value.Value) bool {
	t := b.Type().(*arrow.Decimal128Type) //nolint:forcetypeassert // the builder's own type
	n, err := decimal128.FromString(v.String(), t.Precision, t.Scale)
	if err == nil {
		b.Append(n)
	}
	return err == nil
}

func addInstant(b *array.TimestampBuilder, v value.Value) bool {
	switch v.Kind() {
	case value.Time:
		b.Append(arrow.Timestamp(v.Micros()))
	case value.Day:
		b.Append(arrow.Timestamp(v.Time().UnixMicro()))
	default:
		t, err := time.Parse(time.RFC3339Nano, v.String())
		if err != nil {
			return false
		}
		b.Append(arrow.Timestamp(t.UnixMicro()))
	}
	return true
}

func addDay(b *array.Date32Builder, v value.Value) bool {
	switch v.Kind() {
	case value.Day:
		b.Append(arrow.Date32(v.Days()))
	case value.Time:
		b.Append(arrow.Date32FromTime(v.Time()))
	default:
		t, err := time.Parse(time.DateOnly, v.String())
		if err != nil {
			return false
		}
		b.Append(arrow.Date32FromTime(t))
	}
	return true
}

// addInteger parses the number by the column's own rules, which know its range.
func addInteger(b array.Builder, v value.Value) bool {
	whole, ok := wholeNumber(v)
	if !ok {
		return false
	}
	switch b := b.(type) {
	case *array.Int64Builder:
		n, err := strconv.ParseInt(whole, 10, 64)
		return appended(err, func() { b.Append(n) })
	case *array.Int32Builder:
		n, err := strconv.ParseInt(whole, 10, 32)
		return appended(err, func() { b.Append(int32(n)) })
	case *array.Int16Builder:
		n, err := strconv.ParseInt(whole, 10, 16)
		return appended(err, func() { b.Append(int16(n)) })
	case *array.Int8Builder:
		n, err := strconv.ParseInt(whole, 10, 8)
		return appended(err, func() { b.Append(int8(n)) })
	case *array.Uint64Builder:
		n, err := strconv.ParseUint(whole, 10, 64)
		return appended(err, func() { b.Append(n) })
	case *array.Uint32Builder:
		n, err := strconv.ParseUint(whole, 10, 32)
		return appended(err, func() { b.Append(uint32(n)) })
	case *array.Uint16Builder:
		n, err := strconv.ParseUint(whole, 10, 16)
		return appended(err, func() { b.Append(uint16(n)) })
	case *array.Uint8Builder:
		n, err := strconv.ParseUint(whole, 10, 8)
		return appended(err, func() { b.Append(uint8(n)) })
	default:
		return false
	}
}

func appended(err error, add func()) bool {
	if err == nil {
		add()
	}
	return err == nil
}

// wholeNumber is a number without digits after the point.
func wholeNumber(v value.Value) (string, bool) {
	if v.Kind() == value.Bool {
		return "", false
	}
	text := v.String()
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		return "", false
	}
	for i := range text {
		if text[i] == '.' {
			return text[:i], true
		}
	}
	return text, true
}

// forgetColumns leaves of a list of attempts the columns that the baseline knows and the model still has.
func forgetColumns(list string, known, now value.Schema) string {
	parsed, err := value.ParseJSON(list)
	if err != nil {
		return ""
	}
	out := ""
	for _, item := range parsed.List() {
		row := make([]value.Value, len(now))
		for i, c := range now {
			if known.Index(c.Name) >= 0 {
				v, _ := item.Get(c.Name)
				row[i] = untagged(v)
			}
		}
		out = appendAttempt(out, now, row)
	}
	return out
}
