package manifest

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// The words of Answer.Then.
const (
	thenAccept   = "accept"
	thenReject   = "reject"
	thenRetry    = "retry"
	thenThrottle = "throttle"
	thenFatal    = "fatal"
	thenDoubt    = "doubt"
)

// verdict says what an answer means as a whole: nil where it is a success. Rules of the manifest come first, the most
// special ones before the others, and then those of HTTP. The scope has seen the answer.
func (c *client) verdict(s *scope, resp *httpx.Response, secrets []string, special ...[]Answer) *fault.Error {
	for _, rules := range append(special, c.d.manifest.Answers) {
		for i := range rules {
			a := &rules[i]
			fits, err := a.fits(s, resp.Status)
			if err != nil {
				return fault.Reclass(fault.Wrap(err, fault.CodeDestinationAnswer, "reading the answer"), fault.Unknown)
			}
			if fits {
				return c.ruled(s, a, resp, secrets)
			}
		}
	}
	if e := c.StatusFault(resp, secrets...); e != nil {
		return e
	}
	return resp.Page()
}

func (a *Answer) fits(s *scope, status int) (bool, error) {
	if len(a.Status) > 0 && !slices.ContainsFunc(a.Status, func(n int) bool { return n == status || n == status/100 }) {
		return false, nil
	}
	return s.holds(&a.When)
}

// ruled is what a rule makes of an answer.
func (c *client) ruled(s *scope, a *Answer, resp *httpx.Response, secrets []string) *fault.Error {
	if a.Then == thenAccept {
		return nil
	}
	e := c.base(resp, secrets)
	switch a.Then {
	case thenReject:
		if e.Class = fault.Permanent; e.Code != fault.CodeDestinationTooLarge { // it is halved
			e.Code = fault.CodeDestinationRejected
		}
	case thenRetry:
		e.Class = fault.Retryable
	case thenThrottle:
		e.Code, e.Class = fault.CodeDestinationThrottled, fault.Throttled
		e.After = c.after(s, a, resp)
	case thenFatal:
		e.Class = fault.Fatal
		if e.Code == fault.CodeDestinationRejected {
			e.Code = fault.CodeDestinationSchema
		}
	case thenDoubt:
		e.Code, e.Class = fault.CodeDestinationUnknown, fault.Unknown
	}
	if words, err := s.text(&a.Message.source); err == nil && strings.ContainsFunc(words, speaks) {
		e.Message = c.Redact(words, secrets...)
	}
	if a.Hint != "" {
		e = e.WithSuggestion("%s", a.Hint)
	}
	return e
}

// speaks reports whether a character is one of a word, and not only what a template has between them.
func speaks(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// base is the error that the general rules make of an answer, or of its words where they take it for a success.
func (c *client) base(resp *httpx.Response, secrets []string) *fault.Error {
	if e := c.StatusFault(resp, secrets...); e != nil {
		return e
	}
	words := strings.TrimSpace(strings.ToValidUTF8(string(resp.Body[:min(len(resp.Body), 2000)]), ""))
	return fault.New(fault.CodeDestinationRejected, "%s", c.Redact(words, secrets...))
}

// after is how long the vendor wants us to wait.
func (c *client) after(s *scope, a *Answer, resp *httpx.Response) time.Duration {
	if after, told := httpx.RetryAfter(resp.Header, c.d.clock.Now()); told {
		return after
	}
	text, err := s.text(&a.After.source)
	if err != nil {
		return 0
	}
	seconds, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds*float64(time.Second)), 24*time.Hour)
}
