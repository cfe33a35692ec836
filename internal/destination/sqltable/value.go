package sqltable

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/value"
)

// DecodeBase64 reads a text in base64, padded or not.
func DecodeBase64(text string) (string, error) {
	encoding := base64.StdEncoding.Strict()
	if len(text)%4 != 0 {
		encoding = base64.RawStdEncoding.Strict()
	}
	raw, err := encoding.DecodeString(text)
	return string(raw), err
}

// IsDocument reports whether a text is a JSON object or array.
func IsDocument(s string) bool {
	s = strings.TrimLeft(s, " \t\r\n")
	return s != "" && (s[0] == '{' || s[0] == '[') && json.Valid([]byte(s))
}

// maxDigits bounds the digits of a number that is written out.
const maxDigits = 400

// PlainNumber returns a number without an exponent, as a number, or a text that is one, says it.
func PlainNumber(v value.Value) (string, bool) {
	var text string
	switch v.Kind() { //nolint:exhaustive // the others are no numbers
	case value.Bool:
		return strconv.Itoa(boolDigit(v)), true
	case value.Int:
		return v.String(), true
	case value.Float:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64), true
	case value.Decimal:
		text = v.Raw()
	case value.Text:
		text = strings.TrimPrefix(strings.TrimSpace(v.Raw()), "+")
		if !json.Valid([]byte(text)) || strings.Trim(text, "+-.0123456789eE") != "" {
			return "", false
		}
	default:
		return "", false
	}
	if !strings.ContainsAny(text, "eE") {
		return text, true
	}
	return withoutExponent(text)
}

func withoutExponent(text string) (string, bool) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	n, err := strconv.Atoi(exponent)
	if err != nil || n < -maxDigits || n > maxDigits || len(mantissa) > maxDigits {
		return "", false
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return "", false
	}
	digits, _ := r.FloatPrec()
	return r.FloatString(digits), true
}

// layouts are how texts write instants; without a zone they are of UTC.
var layouts = []string{"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", time.DateOnly}

// InstantOf returns an instant, a date, or what a text that is one says.
func InstantOf(v value.Value) (time.Time, bool) {
	switch v.Kind() { //nolint:exhaustive // the others are none
	case value.Time, value.Day:
		return v.Time(), true
	case value.Text:
		for _, layout := range layouts {
			if t, err := time.Parse(layout, v.Raw()); err == nil {
				return t.UTC(), true
			}
		}
	}
	return time.Time{}, false
}

// Midnight reports whether an instant is the beginning of a day in UTC.
func Midnight(t time.Time) bool { return t.Equal(t.Truncate(24 * time.Hour)) }

// Finer reports whether nanoseconds have more digits than a precision.
func Finer(ns, precision int) bool {
	unit := 1
	for range 9 - precision {
		unit *= 10
	}
	return ns%unit != 0
}

func boolDigit(v value.Value) int {
	if v.Bool() {
		return 1
	}
	return 0
}

// Rounded returns the whole number next to one without an exponent, away from zero where there are two.
func Rounded(plain string) string {
	r, ok := new(big.Rat).SetString(plain)
	if !ok {
		return plain
	}
	if whole := r.FloatString(0); whole != "-0" {
		return whole
	}
	return "0"
}
