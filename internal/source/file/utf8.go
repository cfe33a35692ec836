package file

import (
	"bytes"
	"io"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/fault"
)

// Text returns a reader of r that fails where its text is not in UTF-8, and says in which line that is (S-79).
func Text(r io.Reader) io.Reader { return &textReader{from: r, line: 1} }

type textReader struct {
	from io.Reader
	line int    // that the next byte is in
	at   int    // bytes of that line that were read
	cut  []byte // the beginning of a character whose rest is still to come
	seen bool   // the beginning of the text
}

// Read implements io.Reader.
func (t *textReader) Read(p []byte) (int, error) {
	n, err := t.from.Read(p)
	if bad := t.check(p[:n], err != nil); bad != nil {
		return 0, bad
	}
	return n, err
}

// check looks at the next bytes. last tells that none follow.
func (t *textReader) check(b []byte, last bool) error {
	if len(t.cut) > 0 {
		b = append(t.cut, b...)
		t.cut = nil
	}
	if !t.seen && len(b) >= 2 {
		t.seen = true
		if b[0] == 0xFF && b[1] == 0xFE || b[0] == 0xFE && b[1] == 0xFF {
			return notUTF8("the file begins as one in UTF-16 does")
		}
	}
	whole := b
	if !last {
		whole = b[:len(b)-unfinished(b)]
	}
	if !utf8.Valid(whole) {
		at := firstInvalid(whole)
		t.pass(whole[:at])
		return notUTF8("line %d, byte %d (0x%02X)", t.line, t.at+1, whole[at])
	}
	t.pass(whole)
	t.cut = append(t.cut, b[len(whole):]...)
	return nil
}

func notUTF8(where string, args ...any) error {
	return fault.New(fault.CodeSourceFile, "the file is not in UTF-8: "+where, args...).
		WithSuggestion("Export the file in UTF-8, or convert it, and try again.")
}

// pass counts lines.
func (t *textReader) pass(b []byte) {
	if n := bytes.Count(b, []byte{'\n'}); n > 0 {
		t.line += n
		t.at = 0
		b = b[bytes.LastIndexByte(b, '\n')+1:]
	}
	t.at += len(b)
}

// unfinished returns how many bytes at the end are the beginning of a character.
func unfinished(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if c := b[len(b)-n]; utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

func firstInvalid(b []byte) int {
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size <= 1 {
			return i
		}
		i += size
	}
	return len(b)
}
