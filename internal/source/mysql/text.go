package mysql

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is what a token is.
type kind uint8

// The kinds of tokens.
const (
	kindWord   kind = iota // a keyword, a name without quotes, a number
	kindName               // a name in backticks
	kindString             // in quotes of either sort
	kindSign               // any other character
)

// token is a part of a statement.
type token struct {
	kind kind
	text string // without its quotes
	at   int    // where it begins, in bytes
}

// is reports whether the token is one of the keywords, given in capitals, or signs.
func (t token) is(words ...string) bool {
	return (t.kind == kindWord || t.kind == kindSign) && slices.Contains(words, strings.ToUpper(t.text))
}

// names reports whether the token is the name.
func (t token) names(name string) bool {
	return (t.kind == kindWord || t.kind == kindName) && strings.EqualFold(t.text, name)
}

// tokens splits a statement as the server does: without comments, but with the content of those that it executes
// (/*! … */). What is not closed ends with the text.
// https://dev.mysql.com/doc/refman/8.4/en/comments.html
func tokens(sql string) []token {
	var all []token
	for at := 0; at < len(sql); {
		rest := sql[at:]
		if n := blank(rest); n > 0 {
			at += n
			continue
		}
		t, n := next(rest)
		t.at = at
		all = append(all, t)
		at += n
	}
	return all
}

// blank returns the length of space or of a comment that the text begins with.
func blank(text string) int {
	switch {
	case strings.HasPrefix(text, "/*!"), strings.HasPrefix(text, "/*M!"):
		n := strings.IndexByte(text, '!') + 1
		return n + len(text[n:]) - len(strings.TrimLeft(text[n:], "0123456789"))
	case strings.HasPrefix(text, "*/"):
		return len("*/")
	case strings.HasPrefix(text, "/*"):
		return end(text, "*/", len("/*"))
	case strings.HasPrefix(text, "#"), text == "--", strings.HasPrefix(text, "--") && text[2] <= ' ':
		return end(text, "\n", 0)
	}
	return len(text) - len(strings.TrimLeftFunc(text, unicode.IsSpace))
}

// end returns where the mark ends in the text behind from, or the text does.
func end(text, mark string, from int) int {
	if i := strings.Index(text[from:], mark); i >= 0 {
		return from + i + len(mark)
	}
	return len(text)
}

// next reads the token that a text begins with.
func next(text string) (t token, length int) {
	switch quote := text[0]; quote {
	case '`', '\'', '"':
		return quoted(text, quote)
	}
	if n := strings.IndexFunc(text, func(r rune) bool { return !inWord(r) }); n != 0 {
		if n < 0 {
			n = len(text)
		}
		return token{kind: kindWord, text: text[:n]}, n
	}
	_, n := utf8.DecodeRuneInString(text)
	return token{kind: kindSign, text: text[:n]}, n
}

func inWord(r rune) bool {
	return r == '_' || r == '$' || r == '@' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// quoted reads a name or a string; a quote inside is written twice, or in strings behind a backslash.
func quoted(text string, quote byte) (t token, length int) {
	t.kind = kindString
	if quote == '`' {
		t.kind = kindName
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && quote != '`' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case c == quote && i+1 < len(text) && text[i+1] == quote:
			i++
			b.WriteByte(quote)
		case c == quote:
			t.text = b.String()
			return t, i + 1
		default:
			b.WriteByte(c)
		}
	}
	t.text = b.String()
	return t, len(text)
}
