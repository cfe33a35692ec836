package template

import (
	"strings"

	"github.com/millrace/millrace/internal/fault"
)

// piece is a part of a template: text, {{ output }} or {% tag %}.
type piece struct {
	kind pieceKind
	body string
	at   int // where the body begins in the source
}

type pieceKind uint8

const (
	pieceText pieceKind = iota
	pieceOutput
	pieceTag
)

type lexer struct {
	source string
	pos    int
	trim   bool // the next text loses its leading space
	lines  bool // each line up to end is a tag, without delimiters
	end    int
}

func newLexer(source string) *lexer { return &lexer{source: source} }

// errorAt names a place in the source.
func (l *lexer) errorAt(pos int, format string, args ...any) error {
	return at(l.source, pos, fault.New(fault.CodeTemplate, format, args...))
}

// next returns the next piece; ok is false at the end.
func (l *lexer) next() (p piece, ok bool, err error) {
	if l.lines {
		p, ok = l.line()
		return p, ok, nil
	}
	if l.pos >= len(l.source) {
		return p, false, nil
	}
	rest := l.source[l.pos:]
	start := opening(rest)
	if start != 0 {
		if start < 0 {
			start = len(rest)
		}
		p = piece{pieceText, rest[:start], l.pos}
		l.pos += start
		p.body = l.trimText(p.body)
		return p, true, nil
	}
	l.trim = false
	return l.delimited(rest)
}

// line returns the next line of a {% liquid %} that is not blank.
func (l *lexer) line() (piece, bool) {
	for l.pos < l.end {
		line, at := l.source[l.pos:l.end], l.pos
		if i := strings.IndexByte(line, '\n'); i >= 0 {
			line = line[:i]
		}
		l.pos += len(line) + 1
		if strings.TrimSpace(line) != "" {
			return piece{pieceTag, line, at}, true
		}
	}
	return piece{}, false
}

// opening returns where the next {{ or {% is, or -1.
func opening(s string) int {
	for i := 0; ; {
		j := strings.IndexByte(s[i:], '{')
		if j < 0 || i+j+1 >= len(s) {
			return -1
		}
		i += j
		if s[i+1] == '{' || s[i+1] == '%' {
			return i
		}
		i++
	}
}

// trimText applies the whitespace control of both neighbours.
func (l *lexer) trimText(s string) string {
	if l.trim {
		s = strings.TrimLeft(s, " \t\r\n")
		l.trim = false
	}
	if strings.HasPrefix(l.source[l.pos:], "{{-") || strings.HasPrefix(l.source[l.pos:], "{%-") {
		s = strings.TrimRight(s, " \t\r\n")
	}
	return s
}

func (l *lexer) delimited(rest string) (piece, bool, error) {
	kind, closing := pieceOutput, "}}"
	if rest[1] == '%' {
		kind, closing = pieceTag, "%}"
	}
	end := closingAt(rest[2:], closing)
	if end < 0 {
		return piece{}, false, l.errorAt(l.pos, "%s is not closed with %s", rest[:2], closing)
	}
	body, at := rest[2:2+end], l.pos+2
	l.pos += 2 + end + 2
	if strings.HasPrefix(body, "-") {
		body, at = body[1:], at+1
	}
	if strings.HasSuffix(body, "-") {
		body, l.trim = body[:len(body)-1], true
	}
	return piece{kind, body, at}, true, nil
}

// closingAt finds the end of a tag, outside of quotes.
func closingAt(s, closing string) int {
	var quote byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			switch c {
			case '\\':
				i++
			case quote:
				quote = 0
			}
		case strings.HasPrefix(s[i:], closing):
			return i
		case c == '"' || c == '\'':
			quote = c
		}
	}
	return strings.Index(s, closing) // a quote that never ends: an apostrophe in a comment, say
}

// raw returns the text up to {% endNAME %} and skips that tag.
func (l *lexer) raw(name string) (string, error) {
	start := l.pos
	for i := start; ; {
		j := strings.Index(l.source[i:], "{%")
		if j < 0 {
			return "", l.errorAt(start, "{%% %s %%} is not closed", name)
		}
		open := i + j
		end := strings.Index(l.source[open+2:], "%}") // not the % of the opening itself: {%} closes nothing
		if end < 0 {
			return "", l.errorAt(start, "{%% %s %%} is not closed", name)
		}
		body := l.source[open+2 : open+2+end]
		if strings.TrimSpace(strings.Trim(strings.TrimSpace(body), "-")) == "end"+name {
			l.pos = open + 2 + end + 2
			l.trim = strings.HasSuffix(body, "-")
			return l.source[start:open], nil
		}
		i = open + 2
	}
}
