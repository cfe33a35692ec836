package databrickstest

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is what a token is.
type kind int

const (
	space kind = iota // and comments
	text              // a constant, without its quotes and escapes
	ident             // a quoted name, without its quotes
	word              // a name or keyword, or a number
	mark              // anything else, one character
)

type token struct {
	kind kind
	text string
}

func (t token) is(words ...string) bool {
	for _, w := range words {
		if (t.kind == word || t.kind == mark) && strings.EqualFold(t.text, w) {
			return true
		}
	}
	return false
}

// tokens reads SQL of Databricks: names in backticks, constants in either quote with escapes by backslash, of which two
// that touch are one.
// https://docs.databricks.com/aws/en/sql/language-manual/data-types/string-type
func tokens(sql string) ([]token, error) {
	var all []token
	for i := 0; i < len(sql); {
		t, n, err := next(sql[i:])
		if err != nil {
			return nil, err
		}
		i += n
		if last := len(all) - 1; t.kind == text && last >= 0 && all[last].kind == text {
			all[last].text += t.text
			continue
		}
		all = append(all, t)
	}
	return all, nil
}

func next(sql string) (token, int, error) {
	r, size := utf8.DecodeRuneInString(sql)
	switch {
	case strings.HasPrefix(sql, "--"):
		return until(sql, "\n", false)
	case strings.HasPrefix(sql, "/*"):
		return until(sql, "*/", true)
	case unicode.IsSpace(r):
		return token{space, sql[:size]}, size, nil
	case r == '\'' || r == '"':
		return constant(sql)
	case r == '`':
		return name(sql)
	case inWord(r):
		n := strings.IndexFunc(sql, func(r rune) bool { return !inWord(r) })
		if n < 0 {
			n = len(sql)
		}
		return token{word, sql[:n]}, n, nil
	default:
		return token{mark, sql[:size]}, size, nil
	}
}

func inWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

func until(sql, end string, needed bool) (token, int, error) {
	at := strings.Index(sql, end)
	switch {
	case at >= 0:
		at += len(end)
		return token{space, sql[:at]}, at, nil
	case needed:
		return token{}, 0, errors.New("[UNCLOSED_BRACKETED_COMMENT] Found an unclosed bracketed comment. SQLSTATE: 42601")
	default:
		return token{space, sql}, len(sql), nil
	}
}

func constant(sql string) (token, int, error) {
	var b strings.Builder
	for i := 1; i < len(sql); i++ {
		switch {
		case sql[i] == sql[0]:
			return token{text, b.String()}, i + 1, nil
		case sql[i] == '\\' && i+1 < len(sql):
			i++
			if at := strings.IndexByte("nrt0", sql[i]); at >= 0 {
				b.WriteByte("\n\r\t\x00"[at])
			} else {
				b.WriteByte(sql[i])
			}
		default:
			b.WriteByte(sql[i])
		}
	}
	return token{}, 0, errors.New("[PARSE_SYNTAX_ERROR] Syntax error at or near " + sql[:1] + ". SQLSTATE: 42601")
}

func name(sql string) (token, int, error) {
	var b strings.Builder
	for i := 1; i < len(sql); i++ {
		switch {
		case sql[i] != '`':
			b.WriteByte(sql[i])
		case i+1 < len(sql) && sql[i+1] == '`':
			b.WriteByte('`')
			i++
		default:
			return token{ident, b.String()}, i + 1, nil
		}
	}
	return token{}, 0, errors.New("[PARSE_SYNTAX_ERROR] Syntax error at or near '`'. SQLSTATE: 42601")
}

// words are the first words of a statement, in capitals.
func words(all []token, n int) []string {
	var found []string
	for _, t := range all {
		if t.kind == space {
			continue
		}
		found = append(found, strings.ToUpper(t.text))
		if len(found) == n {
			break
		}
	}
	for len(found) < n {
		found = append(found, "")
	}
	return found
}
