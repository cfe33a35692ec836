package trinotype

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// Errors of values that cannot be held. They never show the value.
var (
	errUTF8      = errors.New("the text is not valid UTF-8")
	errValue     = errors.New("the server's text is no value of this type")
	errRange     = errors.New("the value is out of the range that can be held")
	errZone      = errors.New("the time zone is not known here: give the instant AT TIME ZONE 'UTC'")
	errAmbiguous = errors.New("the local time occurs twice or never, since clocks are changed: give the instant AT TIME ZONE 'UTC'")
)

// AppendText appends a value from its text, as the server writes it in a column of the type; it must not be null.
// Instants are cut to microseconds, as value.OfTime does.
func (t Type) AppendText(b array.Builder, text string) error {
	switch b := b.(type) {
	case *array.StringBuilder:
		return appendString(b, text)
	case *array.BooleanBuilder:
		v, err := strconv.ParseBool(text)
		b.Append(v)
		return err
	case *array.Int8Builder:
		return appendInt(b.Append, text, 8)
	case *array.Int16Builder:
		return appendInt(b.Append, text, 16)
	case *array.Int32Builder:
		return appendInt(b.Append, text, 32)
	case *array.Int64Builder:
		return appendInt(b.Append, text, 64)
	case *array.Float32Builder:
		v, err := parseFloat(text, 32)
		b.Append(float32(v))
		return err
	case *array.Float64Builder:
		v, err := parseFloat(text, 64)
		b.Append(v)
		return err
	case *array.Decimal128Builder:
		n, err := parseDecimal(text, t.Precision, t.Scale)
		b.Append(n)
		return err
	case *array.Date32Builder:
		v, err := ParseDate(text)
		b.Append(arrow.Date32(v))
		return err
	case *array.TimestampBuilder:
		v, err := ParseInstant(text, t.Zone)
		b.Append(arrow.Timestamp(v))
		return err
	case *array.BinaryBuilder:
		raw, err := base64.StdEncoding.DecodeString(text)
		b.Append(raw)
		return err
	default:
		return fmt.Errorf("no reader for %s", b.Type())
	}
}

func appendString(b *array.StringBuilder, text string) error {
	if !utf8.ValidString(text) {
		return errUTF8
	}
	b.Append(text)
	return nil
}

func appendInt[T int8 | int16 | int32 | int64](add func(T), text string, bits int) error {
	n, err := strconv.ParseInt(text, 10, bits)
	if err != nil {
		return errValue
	}
	add(T(n))
	return nil
}

// parseFloat reads numbers, NaN, Infinity and -Infinity.
func parseFloat(text string, bits int) (float64, error) {
	switch text {
	case "NaN":
		return math.NaN(), nil
	case "Infinity", "+Infinity":
		return math.Inf(1), nil
	case "-Infinity":
		return math.Inf(-1), nil
	}
	f, err := strconv.ParseFloat(text, bits)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return 0, errValue
	}
	return f, nil
}

// parseDecimal reads the digits of a decimal exactly.
func parseDecimal(text string, precision, scale int) (n decimal128.Num, err error) {
	whole, fraction, _ := strings.Cut(text, ".")
	if len(fraction) > scale || strings.Trim(strings.TrimPrefix(whole, "-"), "0123456789") != "" || strings.Trim(fraction, "0123456789") != "" || whole+fraction == "" {
		return n, errValue
	}
	digits := whole + fraction + strings.Repeat("0", scale-len(fraction))
	n, err = decimal128.FromString(digits, maxPrecision, 0)
	if err != nil {
		return n, errRange
	}
	if !n.FitsInPrecision(int32(precision)) {
		return n, errRange
	}
	return n, nil
}

const (
	secondsOfDay = 86_400
	microsOfDay  = secondsOfDay * 1_000_000
)

// ParseDate reads a date, whose year may have a sign and more than four digits, as days since 1970-01-01.
func ParseDate(text string) (int32, error) {
	sign := 1
	if rest, minus := strings.CutPrefix(text, "-"); minus {
		sign, text = -1, rest
	}
	parts := strings.Split(strings.TrimPrefix(text, "+"), "-")
	if len(parts) != 3 {
		return 0, errValue
	}
	var n [3]int
	for i, part := range parts {
		v, err := strconv.ParseUint(part, 10, 31)
		if err != nil {
			return 0, errValue
		}
		n[i] = int(v)
	}
	if n[1] < 1 || n[1] > 12 || n[2] < 1 || n[2] > 31 {
		return 0, errValue
	}
	if n[0] > maxYear {
		return 0, errRange
	}
	t := time.Date(sign*n[0], time.Month(n[1]), n[2], 0, 0, 0, 0, time.UTC)
	if t.Day() != n[2] {
		return 0, errValue
	}
	days := t.Unix() / secondsOfDay
	if days > math.MaxInt32 || days < math.MinInt32 {
		return 0, errRange
	}
	return int32(days), nil
}

// maxYear is the last one whose days have 32 bits.
const maxYear = 5_881_580

// ParseInstant reads "2024-02-29 12:34:56.789 Europe/Berlin" as microseconds since 1970 in UTC; the zone may be a
// name, an offset, Z, or be missing: then it is the given one, where empty means UTC.
func ParseInstant(text, missing string) (int64, error) {
	date, rest, ok := strings.Cut(text, " ")
	if !ok {
		date, rest, ok = strings.Cut(text, "T")
	}
	if !ok {
		return 0, errValue
	}
	days, err := ParseDate(date)
	if err != nil {
		return 0, err
	}
	clock, zone, found := strings.Cut(rest, " ")
	if utc, z := strings.CutSuffix(clock, "Z"); z {
		clock = utc
	} else if !found {
		zone = missing
	}
	micros, err := parseClock(clock)
	if err != nil {
		return 0, err
	}
	if int64(days) > math.MaxInt64/microsOfDay-1 || int64(days) < math.MinInt64/microsOfDay+1 {
		return 0, errRange
	}
	offset, err := offsetOf(zone, int64(days)*secondsOfDay+micros/1_000_000)
	if err != nil {
		return 0, err
	}
	return int64(days)*microsOfDay + micros - offset*1_000_000, nil
}

// parseClock reads 12:34:56.789 as microseconds.
func parseClock(text string) (int64, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	parts := strings.Split(whole, ":")
	if len(parts) != 3 && len(parts) != 2 {
		return 0, errValue
	}
	seconds := int64(0)
	for i, limit := range []uint64{23, 59, 59} {
		n := uint64(0)
		if i < len(parts) {
			var err error
			if n, err = strconv.ParseUint(parts[i], 10, 8); err != nil || n > limit {
				return 0, errValue
			}
		}
		seconds = seconds*60 + int64(n)
	}
	if strings.Trim(fraction, "0123456789") != "" {
		return 0, errValue
	}
	micros, err := strconv.ParseInt((fraction + "000000")[:6], 10, 64)
	if err != nil {
		return 0, errValue
	}
	return seconds*1_000_000 + micros, nil
}

// offsetOf returns how many seconds a zone is before UTC when its clocks show a local time.
func offsetOf(zone string, local int64) (int64, error) {
	switch {
	case zone == "" || zone == "UTC" || zone == "Z":
		return 0, nil
	case zone[0] == '+' || zone[0] == '-':
		h, m, colon := strings.Cut(zone[1:], ":")
		if !colon {
			m = "0"
		}
		hours, err1 := strconv.ParseUint(h, 10, 6)
		minutes, err2 := strconv.ParseUint(m, 10, 6)
		if err1 != nil || err2 != nil {
			return 0, errValue
		}
		seconds := int64(hours)*3600 + int64(minutes)*60
		if zone[0] == '-' {
			seconds = -seconds
		}
		return seconds, nil
	}
	l, err := time.LoadLocation(zone)
	if err != nil {
		return 0, errZone
	}
	var valid []int64
	for _, at := range []int64{local - secondsOfDay, local + secondsOfDay} {
		_, offset := time.Unix(at, 0).In(l).Zone()
		if _, then := time.Unix(local-int64(offset), 0).In(l).Zone(); then == offset && (len(valid) == 0 || valid[0] != int64(offset)) {
			valid = append(valid, int64(offset))
		}
	}
	if len(valid) != 1 {
		return 0, errAmbiguous
	}
	return valid[0], nil
}
