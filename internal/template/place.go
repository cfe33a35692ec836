package template

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/fault"
)

// At is an error at a place of a template.
type At struct {
	Line   int // from 1
	Column int // from 1, in characters
	Err    error
}

// Error names the place before the words.
func (a *At) Error() string { return fmt.Sprintf("line %d, column %d: %s", a.Line, a.Column, a.Err) }

// Unwrap returns the error without its place.
func (a *At) Unwrap() error { return a.Err }

// at adds the place of a byte of the source to an error. One that refuses a row is about the row's value and stays as
// it is.
func at(source string, pos int, err error) error {
	if fault.Is(err, fault.CodeMappingReject) {
		return err
	}
	before := source[:min(max(pos, 0), len(source))]
	line := before[strings.LastIndexByte(before, '\n')+1:]
	return &At{Line: strings.Count(before, "\n") + 1, Column: utf8.RuneCountInString(line) + 1, Err: err}
}

// failAt notes where an evaluation failed; the innermost place counts.
func (s *Scope) failAt(pos int) {
	if s.failed < 0 {
		s.failed = pos
	}
}
