package postgres

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/millrace/millrace/internal/value"
)

// The formats of the wire.
const (
	formatText   int16 = pgtype.TextFormatCode
	formatBinary int16 = pgtype.BinaryFormatCode
)

// column says how a result's column is read.
type column struct {
	field  arrow.Field
	format int16
	into   func(array.Builder) put
}

// put appends one value, as it came from the wire, to a builder; nil is null.
type put func(src []byte) error

// The types that the driver has no name for.
const moneyOID = 790

// The epochs: PostgreSQL counts from 2000-01-01, Arrow from 1970-01-01.
const (
	epochDays   = 10_957
	epochMicros = epochDays * 86_400_000_000
)

var errMalformed = errors.New("the server's value has another length than its type")

// scalars are the types that have a form of their own in Arrow; every other one travels as text.
var scalars = map[uint32]column{
	pgtype.BoolOID: scalar("boolean", arrow.FixedWidthTypes.Boolean, 1, func(b *array.BooleanBuilder, src []byte) { b.Append(src[0] != 0) }),
	pgtype.Int2OID: scalar("smallint", arrow.PrimitiveTypes.Int16, 2, func(b *array.Int16Builder, src []byte) { b.Append(int16(binary.BigEndian.Uint16(src))) }),
	pgtype.Int4OID: scalar("integer", arrow.PrimitiveTypes.Int32, 4, func(b *array.Int32Builder, src []byte) { b.Append(int32(binary.BigEndian.Uint32(src))) }),
	pgtype.Int8OID: scalar("bigint", arrow.PrimitiveTypes.Int64, 8, func(b *array.Int64Builder, src []byte) { b.Append(int64(binary.BigEndian.Uint64(src))) }),
	pgtype.OIDOID:  scalar("oid", arrow.PrimitiveTypes.Uint32, 4, func(b *array.Uint32Builder, src []byte) { b.Append(binary.BigEndian.Uint32(src)) }),
	pgtype.Float4OID: scalar("real", arrow.PrimitiveTypes.Float32, 4, func(b *array.Float32Builder, src []byte) {
		b.Append(math.Float32frombits(binary.BigEndian.Uint32(src)))
	}),
	pgtype.Float8OID: scalar("double precision", arrow.PrimitiveTypes.Float64, 8, func(b *array.Float64Builder, src []byte) {
		b.Append(math.Float64frombits(binary.BigEndian.Uint64(src)))
	}),
	pgtype.DateOID:        scalar("date", arrow.FixedWidthTypes.Date32, 4, putDate),
	pgtype.TimestampOID:   scalar("timestamp without time zone", &arrow.TimestampType{Unit: arrow.Microsecond}, 8, putTimestamp),
	pgtype.TimestamptzOID: scalar("timestamp with time zone", &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, 8, putTimestamp),
	pgtype.UUIDOID:        scalar("uuid", arrow.BinaryTypes.String, 16, putUUID),
	pgtype.ByteaOID:       {arrow.Field{Type: arrow.BinaryTypes.Binary, Nullable: true, Metadata: metadata("", "bytea")}, formatBinary, intoBytes},
	pgtype.JSONOID:        text("json", value.TypeObject, intoText),
	pgtype.JSONBOID:       text("jsonb", value.TypeObject, intoText),
	pgtype.TextOID:        text("text", "", intoText),
	pgtype.VarcharOID:     text("character varying", "", intoText),
	pgtype.BPCharOID:      text("character", "", intoText),
	pgtype.NameOID:        text("name", "", intoText),
	pgtype.NumericOID:     text("numeric", value.TypeNumber, intoNumber),
}

// metadata carries what the Arrow type does not say.
func metadata(t value.Type, native string) arrow.Metadata {
	keys, values := []string{value.MetaNative}, []string{native}
	if t != "" {
		keys, values = append(keys, value.MetaType), append(values, string(t))
	}
	return arrow.NewMetadata(keys, values)
}

// scalar is a column of values of one length.
func scalar[B array.Builder](native string, t arrow.DataType, length int, add func(B, []byte)) column {
	into := func(b array.Builder) put {
		typed := b.(B) //nolint:forcetypeassert // made from the type beside it
		return func(src []byte) error {
			switch {
			case src == nil:
				typed.AppendNull()
			case len(src) != length:
				return errMalformed
			default:
				add(typed, src)
			}
			return nil
		}
	}
	return column{arrow.Field{Type: t, Nullable: true, Metadata: metadata("", native)}, formatBinary, into}
}

// text is a column of what the server writes; t is its type, if not a string.
func text(native string, t value.Type, into func(array.Builder) put) column {
	return column{arrow.Field{Type: arrow.BinaryTypes.String, Nullable: true, Metadata: metadata(t, native)}, formatText, into}
}

// putDate appends a date; the infinite ones, which no other system knows, become null.
func putDate(b *array.Date32Builder, src []byte) {
	switch days := int32(binary.BigEndian.Uint32(src)); days {
	case math.MaxInt32, math.MinInt32:
		b.AppendNull()
	default:
		b.Append(arrow.Date32(days + epochDays))
	}
}

// putTimestamp appends an instant; the infinite ones, and those of the last years of PostgreSQL's calendar (after
// 294246), which 64 bits cannot hold, become null.
func putTimestamp(b *array.TimestampBuilder, src []byte) {
	switch us := int64(binary.BigEndian.Uint64(src)); {
	case us == math.MinInt64 || us > math.MaxInt64-epochMicros:
		b.AppendNull()
	default:
		b.Append(arrow.Timestamp(us + epochMicros))
	}
}

// putUUID appends a UUID as it is usually written.
func putUUID(b *array.StringBuilder, src []byte) {
	var s [36]byte
	hex.Encode(s[0:8], src[0:4])
	hex.Encode(s[9:13], src[4:6])
	hex.Encode(s[14:18], src[6:8])
	hex.Encode(s[19:23], src[8:10])
	hex.Encode(s[24:36], src[10:16])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	b.BinaryBuilder.Append(s[:])
}

func intoBytes(b array.Builder) put {
	typed := b.(*array.BinaryBuilder) //nolint:forcetypeassert // made from the column's type
	return func(src []byte) error {
		if src == nil {
			typed.AppendNull()
		} else {
			typed.Append(src)
		}
		return nil
	}
}

func intoText(b array.Builder) put {
	return intoBytes(b.(*array.StringBuilder).BinaryBuilder) //nolint:forcetypeassert // made from the column's type
}

// intoNumber is for numbers of any precision; NaN and the infinities, which JSON has no form for, become null.
func intoNumber(b array.Builder) put {
	write := intoText(b)
	return func(src []byte) error {
		if !isNumber(src) {
			src = nil
		}
		return write(src)
	}
}

// isNumber tells a finite number from NaN, Infinity and -Infinity.
func isNumber(text []byte) bool {
	if len(text) > 0 && text[0] == '-' {
		text = text[1:]
	}
	return len(text) > 0 && text[0] >= '0' && text[0] <= '9'
}

// maxPrecision is how many digits Arrow's 128-bit decimals have.
const maxPrecision = 38

// numericColumn reads numeric(p, s) as a decimal where one can hold it, and otherwise as text that loses nothing.
func numericColumn(typmod int32) column {
	c := scalars[pgtype.NumericOID]
	if typmod < 0 {
		return c
	}
	precision, scale := typmodOf(typmod)
	native := fmt.Sprintf("numeric(%d,%d)", precision, scale)
	if precision > maxPrecision || scale < 0 || scale > precision {
		return text(native, value.TypeNumber, intoNumber)
	}
	return decimalColumn(native, precision, scale, func(src []byte) (decimal128.Num, bool, error) { return decimal(src, int(scale)) })
}

// typmodOf unpacks the precision and the scale, which has a sign since version 15.
func typmodOf(typmod int32) (precision, scale int32) {
	packed := typmod - 4
	return packed >> 16 & 0xffff, (packed&0x7ff ^ 1024) - 1024
}

// moneyColumn reads money, whose digits after the point depend on the server's locale.
func moneyColumn(scale int32) column {
	return decimalColumn("money", 19, scale, func(src []byte) (decimal128.Num, bool, error) {
		if len(src) != 8 {
			return decimal128.Num{}, false, errMalformed
		}
		return decimal128.FromI64(int64(binary.BigEndian.Uint64(src))), true, nil
	})
}

// decimalColumn reads decimals; read tells whether the value is a number.
func decimalColumn(native string, precision, scale int32, read func([]byte) (decimal128.Num, bool, error)) column {
	into := func(b array.Builder) put {
		typed := b.(*array.Decimal128Builder) //nolint:forcetypeassert // made from the type below
		return func(src []byte) error {
			if src == nil {
				typed.AppendNull()
				return nil
			}
			n, finite, err := read(src)
			switch {
			case err != nil:
				return err
			case finite:
				typed.Append(n)
			default:
				typed.AppendNull()
			}
			return nil
		}
	}
	t := &arrow.Decimal128Type{Precision: precision, Scale: scale}
	return column{arrow.Field{Type: t, Nullable: true, Metadata: metadata("", native)}, formatBinary, into}
}
