package postgres

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/millrace/millrace/internal/value"
)

// parsed is a column of values that travel as text and have a form of their own in Arrow.
func parsed[B array.Builder](native string, t arrow.DataType, add func(B, string) error) column {
	into := func(b array.Builder) put {
		typed := b.(B) //nolint:forcetypeassert // made from the type beside it
		return func(src []byte) error {
			if src == nil {
				typed.AppendNull()
				return nil
			}
			return add(typed, string(src))
		}
	}
	return column{arrow.Field{Type: t, Nullable: true, Metadata: metadata("", native)}, formatText, into}
}

func parseBoolean(b *array.BooleanBuilder, src string) error {
	if src != "t" && src != "f" {
		return errMalformed
	}
	b.Append(src == "t")
	return nil
}

func parseInteger[T int16 | int32 | int64, B array.Builder](add func(B, T), bits int) func(B, string) error {
	return func(b B, src string) error {
		n, err := strconv.ParseInt(src, 10, bits)
		if err != nil {
			return err
		}
		add(b, T(n))
		return nil
	}
}

func parseReal(b *array.Float32Builder, src string) error {
	f, err := strconv.ParseFloat(src, 32)
	if err == nil {
		b.Append(float32(f))
	}
	return err
}

func parseDouble(b *array.Float64Builder, src string) error {
	f, err := strconv.ParseFloat(src, 64)
	if err == nil {
		b.Append(f)
	}
	return err
}

// parseDate reads a date; an infinite one, which no other system knows, becomes null.
func parseDate(b *array.Date32Builder, src string) error {
	t, finite, err := instantIn(src)
	switch {
	case err != nil:
		return err
	case finite:
		b.Append(arrow.Date32(floorDiv(t.Unix(), 86_400)))
	default:
		b.AppendNull()
	}
	return nil
}

// parseTimestamp reads an instant; an infinite one becomes null.
func parseTimestamp(b *array.TimestampBuilder, src string) error {
	t, finite, err := instantIn(src)
	switch {
	case err != nil:
		return err
	case finite:
		b.Append(arrow.Timestamp(t.UnixMicro()))
	default:
		b.AppendNull()
	}
	return nil
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// instantIn reads 2024-02-29, 2024-02-29 12:34:56.789 and 2024-02-29 12:34:56.789+00, of any year, where "BC" may
// follow; it tells finite instants from the infinite ones.
func instantIn(src string) (_ time.Time, finite bool, _ error) {
	if strings.HasSuffix(src, "infinity") {
		return time.Time{}, false, nil
	}
	text, beforeChrist := strings.CutSuffix(src, " BC")
	year, rest, ok := strings.Cut(text, "-")
	n, err := strconv.Atoi(year)
	if !ok || err != nil {
		return time.Time{}, false, fmt.Errorf("%q is no date", src)
	}
	if beforeChrist {
		n = 1 - n
	}
	layout := "2006-01-02"
	if _, clock, ok := strings.Cut(rest, " "); ok {
		layout += " 15:04:05.999999"
		if strings.ContainsAny(clock, "+-") {
			layout += "-07"
		}
	}
	// A leap year stands for the year, which may have more than four digits or be negative.
	t, err := time.Parse(layout, "2000-"+rest)
	if err != nil {
		return time.Time{}, false, err
	}
	return t.UTC().AddDate(n-2000, 0, 0), true, nil
}

// intoHex reads bytes that travel as hexadecimal digits.
func intoHex(b array.Builder) put {
	typed := b.(*array.BinaryBuilder) //nolint:forcetypeassert // made from the column's type
	return func(src []byte) error {
		if src == nil {
			typed.AppendNull()
			return nil
		}
		raw, err := hex.DecodeString(strings.TrimPrefix(string(src), `\x`))
		if err == nil {
			typed.Append(raw)
		}
		return err
	}
}

// textNumeric reads numeric(p, s) that travels as text.
func textNumeric(typmod int32) column {
	if typmod < 0 {
		return text("numeric", value.TypeNumber, intoNumber)
	}
	precision, scale := typmodOf(typmod)
	native := fmt.Sprintf("numeric(%d,%d)", precision, scale)
	if precision > maxPrecision || scale < 0 || scale > precision {
		return text(native, value.TypeNumber, intoNumber)
	}
	c := decimalColumn(native, precision, scale, func(src []byte) (decimal128.Num, bool, error) { return decimalIn(src, int(scale)) })
	c.format = formatText
	return c
}

// packTypmod is the reverse of typmodOf.
func packTypmod(precision, scale string) int32 {
	p, err := strconv.ParseUint(precision, 10, 16)
	s, err2 := strconv.ParseUint("0"+scale, 10, 10)
	if err != nil || err2 != nil {
		return -1
	}
	return int32(p)<<16 + int32(s) + 4
}

// decimalIn reads digits: the number × 10^scale, and false for NaN.
func decimalIn(src []byte, scale int) (decimal128.Num, bool, error) {
	if !isNumber(src) {
		return decimal128.Num{}, false, nil
	}
	whole, part, _ := strings.Cut(string(src), ".")
	if len(part) > scale {
		return decimal128.Num{}, false, errNumeric
	}
	digits := whole + part + strings.Repeat("0", scale-len(part))
	if len(digits) <= 18 {
		n, err := strconv.ParseInt(digits, 10, 64)
		return decimal128.FromI64(n), true, err
	}
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok || n.BitLen() > 127 {
		return decimal128.Num{}, false, errNumeric
	}
	return decimal128.FromBigInt(n), true, nil
}
