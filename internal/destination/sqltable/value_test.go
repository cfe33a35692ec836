package sqltable

import (
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/value"
)

func TestPlainNumber(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value value.Value
		want  string // empty: it is none
	}{
		{value.OfBool(true), "1"},
		{value.OfInt(-9223372036854775808), "-9223372036854775808"},
		{value.OfFloat(1e21), "1000000000000000000000"},
		{value.OfFloat(0.1), "0.1"},
		{value.OfDecimal("1.50e2"), "150"},
		{value.OfDecimal("-15E-3"), "-0.015"},
		{value.OfDecimal("12345678901234567890.123456789"), "12345678901234567890.123456789"},
		{value.OfDecimal("1e999999999"), ""},
		{value.OfText(" +12.50 "), "12.50"},
		{value.OfText("-0.5"), "-0.5"},
		{value.OfText("1e3"), "1000"},
		{value.OfText(""), ""},
		{value.OfText("NaN"), ""},
		{value.OfText("12x"), ""},
		{value.OfText("true"), ""},
		{value.OfText("--1"), ""},
		{value.OfBytes([]byte("1")), ""},
		{value.Value{}, ""},
	} {
		got, ok := PlainNumber(c.value)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%s %q: %q, %t", c.value.Kind(), c.value, got, ok)
		}
	}
}

func TestInstantOf(t *testing.T) {
	t.Parallel()
	at := time.Date(2023, 11, 14, 22, 13, 20, 123_456_000, time.UTC)
	for _, v := range []value.Value{
		value.OfTime(at), value.OfText("2023-11-14T22:13:20.123456Z"), value.OfText("2023-11-14 22:13:20.123456"), value.OfText("2023-11-15T00:13:20.123456+02:00"),
	} {
		if got, ok := InstantOf(v); !ok || !got.Equal(at) {
			t.Errorf("%q: %s, %t", v, got, ok)
		}
	}
	for _, v := range []value.Value{value.OfText("soon"), value.OfText("2023-02-30"), value.OfText("14.11.2023"), value.OfInt(1), {}} {
		if got, ok := InstantOf(v); ok {
			t.Errorf("%q is %s", v, got)
		}
	}
	if day, ok := InstantOf(value.OfDay(19_000)); !ok || !Midnight(day) || Midnight(at) {
		t.Errorf("%s, %t", day, ok)
	}
	if Finer(123_000_000, 3) || !Finer(123_000_000, 2) || Finer(0, 0) || !Finer(1, 8) {
		t.Error("digits of a fraction are counted wrongly")
	}
}

func TestDocumentsAndBytes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"a":1}`, " \n[1]"} {
		if !IsDocument(text) {
			t.Errorf("%q is none", text)
		}
	}
	for _, text := range []string{"1", `"a"`, "{", ""} {
		if IsDocument(text) {
			t.Errorf("%q is one", text)
		}
	}
	for text, want := range map[string]string{"": "", "YQ==": "a", "YQ": "a", "AP9c": "\x00\xff\\"} {
		if got, err := DecodeBase64(text); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"a", "YQ=", "not base64", "YR=="} {
		if got, err := DecodeBase64(text); err == nil {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func FuzzPlainNumber(f *testing.F) {
	for _, seed := range []string{"1", "-1.5e3", "+0", "1e400", "0x1", " 7 "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if plain, ok := PlainNumber(value.OfText(text)); ok && strings.Trim(plain, "-.0123456789") != "" {
			t.Errorf("%q is %q", text, plain)
		}
	})
}
