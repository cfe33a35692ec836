package httpx

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/fault"
)

// reasonBytes is how much of an answer's body an error repeats.
const reasonBytes = 2000

// StatusFault says what an answer's status means; it returns nil for 2xx. The sections are of
// RFC 9110:
//   - 429 (RFC 6585) and 503 with Retry-After are Throttled;
//   - 408 (15.5.9), 425 (RFC 8470), 500 and 503 are Retryable: the other side says that it did not do
//     what was asked;
//   - 502 and 504 (15.6.3, 15.6.5) are Unknown: a gateway has lost the answer of the server behind it;
//   - 401 and 407 are Fatal: the credentials are wrong, whatever the row;
//   - every other one, redirects among them, is Permanent.
//
// The error carries the answer's own words.
func (c *Client) StatusFault(r *Response, secrets ...string) *fault.Error {
	if r.Status >= 200 && r.Status < 300 {
		return nil
	}
	e := fault.New(statusCode(r.Status), "%s", c.redactor.text(r.Words(), secrets))
	e.Class = statusClass(r.Status)
	after, told := RetryAfter(r.Header, c.clock.Now())
	if r.Status == http.StatusTooManyRequests || told && r.Status == http.StatusServiceUnavailable {
		e.Code, e.Class, e.After = fault.CodeDestinationThrottled, fault.Throttled, after
	}
	return e
}

func statusCode(status int) fault.Code {
	switch status {
	case http.StatusUnauthorized, http.StatusProxyAuthRequired:
		return fault.CodeDestinationAuth
	case http.StatusForbidden:
		return fault.CodeDestinationDenied
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return fault.CodeDestinationUnknown
	case http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong:
		return fault.CodeDestinationTooLarge
	default:
		return fault.CodeDestinationRejected
	}
}

func statusClass(status int) fault.Class {
	switch status {
	case http.StatusUnauthorized, http.StatusProxyAuthRequired:
		return fault.Fatal
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusInternalServerError, http.StatusServiceUnavailable:
		return fault.Retryable
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return fault.Unknown
	default:
		return fault.Permanent
	}
}

// Page is the error of a success that is a web page, where an API was asked: a login page or a proxy has answered, and
// nobody knows whether the API was reached. It is nil of anything else.
func (r *Response) Page() *fault.Error {
	start := strings.ToLower(strings.TrimSpace(string(r.Body[:min(len(r.Body), 200)])))
	if !strings.HasPrefix(start, "<!doctype html") && !strings.HasPrefix(start, "<html") {
		return nil
	}
	return fault.New(fault.CodeDestinationAnswer, "the answer %d is a web page", r.Status).
		WithSuggestion("A login page, a proxy or a firewall may have answered instead of the API. Check the destination's address and what stands between.")
}

// Words are the status and what the body says.
func (r *Response) Words() string {
	text := strconv.Itoa(r.Status)
	if name := http.StatusText(r.Status); name != "" {
		text += " " + name
	}
	if to := r.Header.Get("Location"); r.Status < 400 && to != "" {
		text += ": the address has moved to " + to
	}
	body := r.Body
	if len(body) > reasonBytes {
		body = body[:reasonBytes]
	}
	if said := strings.TrimSpace(strings.ToValidUTF8(string(body), "")); said != "" {
		text += ": " + said
	}
	return text
}

// RetryAfter reads the header of that name, seconds or a date (RFC 9110, 10.2.3), and whether it was
// there and readable. A date in the past is a wait of zero.
func RetryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0, false
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if !(seconds >= 0) { // NaN too
			return 0, false
		}
		return min(time.Duration(min(seconds, maxWait.Seconds())*float64(time.Second)), maxWait), true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	return min(max(at.Sub(now), 0), maxWait), true
}

// maxWait is the longest wait that is believed.
const maxWait = 24 * time.Hour
