package template

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// token is a word of an expression.
type token struct {
	kind tokenKind
	text string
	at   int
}

type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokName
	tokText
	tokNumber
	tokSign // punctuation and operators
)

// tokens splits an expression into words.
func tokens(s string, base int, l *lexer) ([]token, error) {
	var all []token
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case unicode.IsSpace(r):
			i += size
		case r == '"' || r == '\'':
			text, n, ok := quoted(s[i:])
			if !ok {
				return nil, l.errorAt(base+i, "a text is not closed with %c", r)
			}
			all = append(all, token{tokText, text, base + i})
			i += n
		case isDigit(s, i) || r == '-' && isDigit(s, i+1):
			n := numberLength(s[i:])
			all = append(all, token{tokNumber, s[i : i+n], base + i})
			i += n
		case isNameStart(r):
			n := nameLength(s[i:])
			all = append(all, token{tokName, s[i : i+n], base + i})
			i += n
		default:
			sign := signAt(s[i:])
			if sign == "" {
				return nil, l.errorAt(base+i, "%q is not understood here", r)
			}
			all = append(all, token{tokSign, sign, base + i})
			i += len(sign)
		}
	}
	return append(all, token{tokEnd, "", base + len(s)}), nil
}

func isDigit(s string, i int) bool { return i < len(s) && s[i] >= '0' && s[i] <= '9' }

func isNameStart(r rune) bool { return r == '_' || unicode.IsLetter(r) }

func nameLength(s string) int {
	n := 0
	for n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		if r != '_' && r != '-' && r != '?' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			break
		}
		n += size
	}
	return n
}

func numberLength(s string) int {
	n := 1
	for n < len(s) && (isDigit(s, n) || s[n] == '.' && isDigit(s, n+1) && !strings.Contains(s[:n], ".")) {
		n++
	}
	return n
}

var signs = []string{"==", "!=", "<>", ">=", "<=", "..", "|", ":", ",", ".", "[", "]", "(", ")", ">", "<", "="}

func signAt(s string) string {
	for _, sign := range signs {
		if strings.HasPrefix(s, sign) {
			return sign
		}
	}
	return ""
}

// escapes are what a backslash in a text makes of a letter. Before any other letter or sign it stays, so that regular
// expressions stand as they are known: '\d+'.
var escapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', '\\': '\\', '"': '"', '\'': '\''}

// unicodeEscape reads what follows a backslash as u and four hexadecimal digits, and a pair of them where one is no
// character by itself. A size of 0 means that it is nothing of the kind.
func unicodeEscape(s string) (r rune, size int) {
	const length = 5
	if len(s) < length || s[0] != 'u' {
		return 0, 0
	}
	n, err := strconv.ParseUint(s[1:length], 16, 16)
	if err != nil {
		return 0, 0
	}
	if utf16.IsSurrogate(rune(n)) && strings.HasPrefix(s[length:], `\u`) && len(s) >= 2*length+1 {
		if low, err := strconv.ParseUint(s[length+2:2*length+1], 16, 16); err == nil {
			if both := utf16.DecodeRune(rune(n), rune(low)); both != utf8.RuneError {
				return both, 2*length + 1
			}
		}
	}
	return rune(n), length
}

// quoted reads a text in quotes with its escapes.
func quoted(s string) (text string, n int, ok bool) {
	quote := s[0]
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == quote:
			return b.String(), i + 1, true
		case c == '\\' && i+1 < len(s):
			i++
			r, size := unicodeEscape(s[i:])
			plain, known := escapes[s[i]]
			switch {
			case size > 0:
				b.WriteRune(r)
				i += size - 1
			case known:
				b.WriteByte(plain)
			default:
				b.WriteByte('\\')
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, false
}
