// Package fault is the one vocabulary of errors: a stable code, words for people, and whether
// trying again can help. Nothing outside this package decides by reading an error's text.
package fault

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// Class says what the engine may do about an error.
type Class uint8

// The classes. The zero value is Permanent: trying again without a change does not help.
const (
	Permanent Class = iota // the request was refused; the same request will be refused again
	Retryable              // nothing was done and the same request may succeed later
	Throttled              // nothing was done; the other side asked us to wait
	Unknown                // the request may or may not have been carried out
	Fatal                  // nothing else in this run can succeed (credentials, missing table, full disk)
)

var classNames = [...]string{"permanent", "retryable", "throttled", "unknown", "fatal"}

// String returns the class's name.
func (c Class) String() string { return classNames[c] }

// Error is an error that a person can act on.
type Error struct {
	Code       Code          // registered in codes.go; what programs decide by
	Message    string        // what happened, to what; never a secret, never a row's value
	Path       string        // the field of the input that is wrong, such as "spec.primaryKey"
	Suggestion string        // what to do next; empty means the code's own hint
	Place      Place         // where in a text that a person wrote
	Class      Class         // what the engine may do
	After      time.Duration // for Throttled: how long the other side asked us to wait; 0 means it did not say
	Err        error         // the cause, in the driver's or vendor's own words
}

// Place is a position in a text, such as a query: line and column count from 1, in characters. The zero value is no
// place.
type Place struct {
	Line   int
	Column int
}

// Error returns the message followed by the cause.
func (e *Error) Error() string {
	switch {
	case e.Err == nil:
		return e.Message
	case e.Message == "":
		return e.Err.Error()
	default:
		return e.Message + ": " + e.Err.Error()
	}
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint returns what to do next: the error's own suggestion, else its code's.
func (e *Error) Hint() string {
	if e.Suggestion != "" {
		return e.Suggestion
	}
	return e.Code.Info().Hint
}

// WithSuggestion returns a copy that tells the reader what to do next.
func (e *Error) WithSuggestion(format string, args ...any) *Error {
	c := *e
	c.Suggestion = fmt.Sprintf(format, args...)
	return &c
}

// WithPath returns a copy that names the field of the input that is wrong.
func (e *Error) WithPath(path string) *Error {
	c := *e
	c.Path = path
	return &c
}

// At returns a copy that says where in a text the error is.
func (e *Error) At(p Place) *Error {
	c := *e
	c.Place = p
	return &c
}

// New returns an error with a code and a message. Its class is the code's.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Class: code.Info().Class}
}

// Wrap returns an error with a code, a message and a cause. Its class is the code's.
func Wrap(err error, code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Class: code.Info().Class, Err: err}
}

// Disk returns an error of the local disk: CodeDiskFull where there is no room, CodeStorage otherwise.
func Disk(err error, format string, args ...any) *Error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return Wrap(err, CodeDiskFull, format, args...)
	}
	return Wrap(err, CodeStorage, format, args...)
}

// Reclass returns err with another class. An error without a code gets CodeInternal.
func Reclass(err error, class Class) *Error {
	e := *As(err)
	e.Class = class
	return &e
}

// RetryAfter returns err as Throttled with the wait that the other side asked for.
func RetryAfter(err error, after time.Duration) *Error {
	e := Reclass(err, Throttled)
	e.After = after
	return e
}

// As returns the Error inside err (for Issues, a summary of them), or one with CodeInternal that wraps
// it. It returns nil for nil.
func As(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		if e == err { //nolint:errorlint // identity, not kind: is the outermost error ours already?
			return e
		}
		c := *e
		c.Message, c.Err = strings.TrimSuffix(strings.TrimSuffix(err.Error(), causeText(e)), ": "), e.Err
		return &c
	}
	var issues Issues
	if errors.As(err, &issues) && len(issues) > 0 {
		return issues.summary()
	}
	return &Error{Code: CodeInternal, Err: err, Class: CodeInternal.Info().Class}
}

// summary is the issues as one error: the first one's code and path, everybody's words.
func (s Issues) summary() *Error {
	e := *s[0]
	if len(s) > 1 {
		e.Message, e.Err = s.Error(), nil
	}
	return &e
}

// causeText returns the tail that e's cause adds to its text.
func causeText(e *Error) string {
	if e.Err == nil {
		return ""
	}
	if e.Message == "" {
		return e.Err.Error()
	}
	return ": " + e.Err.Error()
}

// ClassOf returns the class of err; an error without one is Permanent.
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	var issues Issues
	if errors.As(err, &issues) && len(issues) > 0 {
		return issues[0].Class
	}
	return Permanent
}

// Is reports whether err carries the code.
func Is(err error, code Code) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}

// Issues collects every error of one input, so that a person can mend them all at once.
type Issues []*Error

// Add appends an error about the field at path.
func (s *Issues) Add(path string, code Code, format string, args ...any) *Error {
	e := New(code, format, args...).WithPath(path)
	*s = append(*s, e)
	return e
}

// Error returns all messages, one a line.
func (s Issues) Error() string {
	lines := make([]string, len(s))
	for i, e := range s {
		lines[i] = e.Path + ": " + e.Error()
	}
	return strings.Join(lines, "\n")
}

// Err returns the issues as an error, or nil when there are none.
func (s Issues) Err() error {
	if len(s) == 0 {
		return nil
	}
	return s
}
