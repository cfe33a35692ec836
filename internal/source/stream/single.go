package stream

import (
	"strings"

	"github.com/millrace/millrace/internal/fault"
)

// CheckSingle refuses a text that would end the parentheses which it is put into, or that is several statements. What
// remains can be nothing but a query there, or the server refuses it. Where names may stand in brackets, as at SQL Server,
// comments nest; elsewhere a comment inside of a comment is refused, since servers differ about where it ends.
func CheckSingle(sql string, brackets bool) error {
	s := scan{text: sql, brackets: brackets}
	for depth := 0; ; {
		switch c := s.next(); c {
		case 0:
			if depth > 0 {
				return notSingle("a parenthesis is not closed")
			}
			return nil
		case unended:
			return notSingle("a text, a name or a comment does not end")
		case ';':
			return notSingle("there are several statements")
		case '(':
			depth++
		case ')':
			if depth--; depth < 0 {
				return notSingle("a parenthesis is closed that was not opened")
			}
		}
	}
}

func notSingle(what string) error {
	return fault.New(fault.CodeSourceQuery, "the model is no single query: %s", what).WithSuggestion("Write the model as one SELECT.")
}

// unended is what scan yields where something has no end.
const unended = 0xff

// scan walks over a statement and yields the bytes that stand outside of texts, quoted names and comments.
type scan struct {
	text     string
	at       int
	brackets bool
}

// next yields a byte, 0 at the end.
func (s *scan) next() byte {
	for s.at < len(s.text) {
		rest := s.text[s.at:]
		switch c := rest[0]; {
		case c == '\'' || c == '"':
			if !s.quoted(c) {
				return unended
			}
		case c == '[' && s.brackets:
			if !s.quoted(']') {
				return unended
			}
		case strings.HasPrefix(rest, "--"):
			if !s.line() {
				return unended
			}
		case strings.HasPrefix(rest, "/*"):
			if !s.block() {
				return unended
			}
		case c == 0 || c == unended:
			return unended
		default:
			s.at++
			return c
		}
	}
	return 0
}

// quoted passes over what ends with a byte that is doubled inside.
func (s *scan) quoted(end byte) bool {
	for s.at++; s.at < len(s.text); s.at++ {
		if s.text[s.at] != end {
			continue
		}
		if s.at++; s.at == len(s.text) || s.text[s.at] != end {
			return true
		}
	}
	return false
}

// lineEnds are characters of which it is not known whether the server ends a comment at them.
const lineEnds = "\v\f\u0085\u2028\u2029"

func (s *scan) line() bool {
	line, _, _ := strings.Cut(s.text[s.at:], "\n")
	s.at = min(s.at+len(line)+1, len(s.text))
	return !strings.ContainsAny(line, lineEnds) && !strings.Contains(strings.TrimSuffix(line, "\r"), "\r")
}

// block passes over a comment; they nest at SQL Server:
// https://learn.microsoft.com/en-us/sql/t-sql/language-elements/slash-star-comment-transact-sql
func (s *scan) block() bool {
	depth := 0
	for s.at < len(s.text) {
		switch rest := s.text[s.at:]; {
		case strings.HasPrefix(rest, "/*"):
			if depth++; depth > 1 && !s.brackets {
				return false
			}
			s.at += 2
		case strings.HasPrefix(rest, "*/"):
			if depth, s.at = depth-1, s.at+2; depth == 0 {
				return true
			}
		default:
			s.at++
		}
	}
	return false
}
