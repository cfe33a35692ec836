package identifier

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// invisible are white space and characters of Unicode that format text without being seen, such as the zero-width
// space, which come along when people copy from web pages.
func invisible(r rune) bool {
	return unicode.IsSpace(r) || r >= utf8.RuneSelf && unicode.Is(unicode.Cf, r)
}

func trimmed(text []byte) []byte { return bytes.TrimFunc(text, invisible) }

func trim(text []byte, _ options) ([]byte, *problem) { return trimmed(text), nil }

func lower(text []byte, _ options) ([]byte, *problem) {
	for i, c := range text {
		if c >= utf8.RuneSelf {
			return bytes.ToLower(text), nil
		}
		if 'A' <= c && c <= 'Z' {
			text[i] = c + 'a' - 'A'
		}
	}
	return text, nil
}

func upper(text []byte, _ options) ([]byte, *problem) {
	for i, c := range text {
		if c >= utf8.RuneSelf {
			return bytes.ToUpper(text), nil
		}
		if 'a' <= c && c <= 'z' {
			text[i] = c - ('a' - 'A')
		}
	}
	return text, nil
}

func collapseSpaces(text []byte, _ options) ([]byte, *problem) {
	return bytes.Join(bytes.Fields(trimmed(text)), []byte{' '}), nil
}

// keep removes the characters of which wanted is false, in place.
func keep(text []byte, wanted func(rune) bool) []byte {
	out := text[:0]
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if wanted(r) {
			out = append(out, text[i:i+n]...) // never longer than what was read
		}
		i += n
	}
	return out
}

func removeSpaces(text []byte, _ options) ([]byte, *problem) {
	return keep(text, func(r rune) bool { return !invisible(r) }), nil
}

func removePunctuation(text []byte, _ options) ([]byte, *problem) {
	return keep(text, func(r rune) bool {
		return !unicode.IsPunct(r) && (r >= utf8.RuneSelf || !unicode.IsSymbol(r))
	}), nil
}

// isWord reports whether r belongs to a word. Marks do: they are parts of letters in many scripts.
func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }

func alphanumeric(text []byte, _ options) ([]byte, *problem) { return keep(text, isWord), nil }

func words(text []byte, _ options) ([]byte, *problem) {
	return keep(text, func(r rune) bool { return isWord(r) || unicode.IsSpace(r) }), nil
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

func digits(text []byte, _ options) ([]byte, *problem) { return keep(text, isDigit), nil }

func compose(text []byte, _ options) ([]byte, *problem) {
	if norm.NFC.IsNormal(text) {
		return text, nil
	}
	return norm.NFC.Bytes(text), nil
}

// plainLetters are letters whose mark is no character of its own in Unicode.
var plainLetters = map[rune]string{
	'ß': "ss", 'ẞ': "SS", 'æ': "ae", 'Æ': "AE", 'œ': "oe", 'Œ': "OE", 'ø': "o", 'Ø': "O", 'ł': "l", 'Ł': "L",
	'đ': "d", 'Đ': "D", 'ð': "d", 'Ð': "D", 'þ': "th", 'Þ': "Th", 'ħ': "h", 'Ħ': "H", 'ı': "i", 'ŧ': "t", 'Ŧ': "T",
}

func stripAccents(text []byte, _ options) ([]byte, *problem) {
	if isASCII(text) {
		return text, nil
	}
	var out []byte
	for _, r := range string(norm.NFD.Bytes(text)) {
		if plain, ok := plainLetters[r]; ok {
			out = append(out, plain...)
		} else if !unicode.Is(unicode.Mn, r) {
			out = utf8.AppendRune(out, r)
		}
	}
	return norm.NFC.Bytes(out), nil
}

func isASCII(text []byte) bool {
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func ascii(text []byte, o options) ([]byte, *problem) {
	text, _ = stripAccents(text, o)
	return keep(text, func(r rune) bool { return r < utf8.RuneSelf }), nil
}

func trimZeros(text []byte, _ options) ([]byte, *problem) { return bytes.TrimLeft(text, "0"), nil }

func initial(text []byte, _ options) ([]byte, *problem) {
	text = trimmed(text)
	_, n := utf8.DecodeRune(text)
	return text[:n], nil
}
