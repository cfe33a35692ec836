package stream

import (
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/fault"
)

// Text is a statement as it is sent, with the text that a person wrote inside it.
type Text struct {
	Sent string // what the server gets
	Own  string // what a person wrote; a part of Sent
}

// Place returns where in a person's text a position in the sent one is: both count lines and columns from 1. The zero
// place says that it is not in the person's text.
func (t Text) Place(line, column int) (p fault.Place) {
	before, _, found := strings.Cut(t.Sent, t.Own)
	if !found || t.Own == "" || line < 1 || column < 1 {
		return fault.Place{}
	}
	line -= strings.Count(before, "\n")
	if line == 1 {
		column -= utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	}
	if line < 1 || column < 1 || line > strings.Count(t.Own, "\n")+1 {
		return fault.Place{}
	}
	return fault.Place{Line: line, Column: column}
}

// At returns the place of a position that counts characters of the sent text from 1.
func (t Text) At(position int) fault.Place {
	runes := []rune(t.Sent)
	if position < 1 || position > len(runes)+1 {
		return fault.Place{}
	}
	before := string(runes[:position-1])
	return t.Place(strings.Count(before, "\n")+1, utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])+1)
}

// FirstWord returns the first word of a statement in capital letters, behind space and comments: a parenthesis counts
// as a word.
func FirstWord(sql string) string {
	word, _ := cutWord(sql)
	return word
}

// SecondWord returns the word behind the first one, as FirstWord does.
func SecondWord(sql string) string {
	_, rest := cutWord(sql)
	return FirstWord(rest)
}

func cutWord(sql string) (word, rest string) {
	for {
		sql = strings.TrimSpace(sql)
		switch {
		case strings.HasPrefix(sql, "--"):
			_, sql, _ = strings.Cut(sql, "\n")
		case strings.HasPrefix(sql, "/*"):
			_, sql, _ = strings.Cut(sql, "*/")
		case strings.HasPrefix(sql, "("):
			return "(", sql[1:]
		default:
			end := strings.IndexFunc(sql, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' })
			if end < 0 {
				end = len(sql)
			}
			return strings.ToUpper(sql[:end]), sql[end:]
		}
	}
}
