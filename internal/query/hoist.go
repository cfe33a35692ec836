package query

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// splitWith takes the common table expressions off the beginning of a statement, for databases that know them only
// at the beginning of the whole one. What does not begin with any, or cannot be read, stays as it is: the database
// then says what it does not like.
func splitWith(sql string) (definitions, rest string) {
	s := &scanner{sql: sql}
	s.space()
	if !s.word("WITH") {
		return "", sql
	}
	begin := s.at
	for {
		if s.space(); !s.identifier() {
			return "", sql
		}
		s.space()
		if s.peek() == '(' { // the columns' names
			s.parentheses()
			s.space()
		}
		if !s.word("AS") {
			return "", sql
		}
		if s.space(); s.peek() != '(' || !s.parentheses() {
			return "", sql
		}
		end := s.at
		if s.space(); s.peek() != ',' {
			return strings.TrimSpace(sql[begin:end]), sql[s.at:]
		}
		s.at++
	}
}

// unordered takes the order off the end of a statement, for databases that know none in a subquery, where it means
// nothing. An order that decides which rows there are, and one that cannot be told, stays.
func unordered(sql string) string {
	s, order := &scanner{sql: sql}, -1
	for s.at < len(s.sql) {
		begin := s.at
		switch c := s.peek(); {
		case c == '\'' || c == '"' || c == '[':
			if !s.quoted() {
				return sql
			}
		case c == '(':
			if !s.parentheses() {
				return sql
			}
		case s.comment():
		case !s.identifier():
			s.at++
		default:
			switch strings.ToUpper(s.sql[begin:s.at]) {
			case "TOP", "OFFSET", "FETCH", "FOR", "OPTION":
				return sql
			case "ORDER":
				order = begin
			}
		}
	}
	if order < 0 {
		return sql
	}
	return strings.TrimRightFunc(sql[:order], unicode.IsSpace)
}

// scanner walks over a statement, whose constants, quoted names and comments hide what they hold.
type scanner struct {
	sql string
	at  int
}

func (s *scanner) peek() byte {
	if s.at < len(s.sql) {
		return s.sql[s.at]
	}
	return 0
}

func (s *scanner) rest() string { return s.sql[s.at:] }

// space passes over space and comments.
func (s *scanner) space() {
	for s.at < len(s.sql) {
		r, n := utf8.DecodeRuneInString(s.rest())
		switch {
		case unicode.IsSpace(r):
			s.at += n
		case !s.comment():
			return
		}
	}
}

// comment passes over a comment. Those between /* and */ nest.
func (s *scanner) comment() bool {
	switch {
	case strings.HasPrefix(s.rest(), "--"):
		if n := strings.IndexByte(s.rest(), '\n'); n >= 0 {
			s.at += n + 1
		} else {
			s.at = len(s.sql)
		}
		return true
	case strings.HasPrefix(s.rest(), "/*"):
		s.at += 2
		for s.at < len(s.sql) && !strings.HasPrefix(s.rest(), "*/") {
			if !strings.HasPrefix(s.rest(), "/*") || !s.comment() {
				s.at++
			}
		}
		s.at = min(s.at+2, len(s.sql))
		return true
	default:
		return false
	}
}

// word passes over a keyword.
func (s *scanner) word(keyword string) bool {
	n := len(keyword)
	if len(s.rest()) < n || !strings.EqualFold(s.rest()[:n], keyword) {
		return false
	}
	if r, _ := utf8.DecodeRuneInString(s.rest()[n:]); isNamePart(r) {
		return false
	}
	s.at += n
	return true
}

func isNamePart(r rune) bool {
	return r == '_' || r == '@' || r == '#' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// identifier passes over a name.
func (s *scanner) identifier() bool {
	if s.peek() == '[' || s.peek() == '"' {
		return s.quoted()
	}
	begin := s.at
	for s.at < len(s.sql) {
		r, n := utf8.DecodeRuneInString(s.rest())
		if !isNamePart(r) {
			break
		}
		s.at += n
	}
	return s.at > begin
}

// quoted passes over a constant or a quoted name, in which its end is doubled.
func (s *scanner) quoted() bool {
	end := s.peek()
	if end == '[' {
		end = ']'
	}
	for s.at++; s.at < len(s.sql); s.at++ {
		if s.peek() != end {
			continue
		}
		if s.at++; s.peek() != end {
			return true
		}
	}
	return false
}

// parentheses passes over what stands between a parenthesis and its partner.
func (s *scanner) parentheses() bool {
	depth := 0
	for s.at < len(s.sql) {
		switch c := s.peek(); {
		case c == '\'' || c == '"' || c == '[':
			if !s.quoted() {
				return false
			}
			continue
		case s.comment():
			continue
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				s.at++
				return true
			}
		}
		s.at++
	}
	return false
}
