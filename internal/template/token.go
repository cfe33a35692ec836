package template

import (
	"strings"
	"unicode"
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

var escapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f', 'v': '\v'}

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
			if plain, known := escapes[s[i]]; known {
				b.WriteByte(plain)
			} else {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, false
}
