package duckdb

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/fault"
)

// pointer is how DuckDB shows a place: a line of the statement, or a part of a long one between dots, and below it a
// caret.
var pointer = regexp.MustCompile(`(?m)^(LINE (\d+): )(.*)\n( *)\^`)

// placeIn reads where in a statement a message of DuckDB says that the error is.
func placeIn(statement, message string) fault.Place {
	m := pointer.FindStringSubmatch(message)
	if m == nil {
		return fault.Place{}
	}
	line, err := strconv.Atoi(m[2])
	lines := strings.Split(statement, "\n")
	if err != nil || line < 1 || line > len(lines) {
		return fault.Place{}
	}
	column := len(m[4]) - len(m[1]) + 1
	if part, cut := strings.CutPrefix(m[3], "..."); cut {
		before, _, found := strings.Cut(lines[line-1], strings.TrimSuffix(part, "..."))
		if !found {
			return fault.Place{Line: line}
		}
		column += utf8.RuneCountInString(before) - len("...")
	}
	if column < 1 || column > utf8.RuneCountInString(lines[line-1])+1 {
		return fault.Place{Line: line}
	}
	return fault.Place{Line: line, Column: column}
}
