package httpx

import (
	"net/http"
	"net/textproto"
	"slices"
	"sort"
	"strings"
	"time"
)

// Exchange is one request and its answer as people may see them.
type Exchange struct {
	Method          string
	URL             string
	RequestHeaders  []Header
	RequestBody     string
	Status          int
	ResponseHeaders []Header
	ResponseBody    string
	Error           string
	StartedAt       time.Time
	Duration        time.Duration
}

// Header is one header.
type Header struct{ Name, Value string }

// Hidden stands in logs where a secret was.
const Hidden = "[secret]"

// shortest is the length from which a text is looked for as a secret: shorter ones would be found in
// every second word. Headers are hidden by their names, however short.
const shortest = 4

// secretHeaders always carry secrets.
var secretHeaders = []string{
	"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "Api-Key",
	"X-Auth-Token", "X-Access-Token", "X-Amz-Security-Token",
}

// redactor takes secrets out of texts.
type redactor struct {
	secrets []string
	headers map[string]bool
}

func newRedactor(secrets, headers []string) redactor {
	r := redactor{headers: map[string]bool{}}
	for _, h := range slices.Concat(secretHeaders, headers) {
		r.headers[textproto.CanonicalMIMEHeaderKey(h)] = true
	}
	r.secrets = longEnough(secrets)
	return r
}

// longEnough returns the secrets worth looking for, longest first, so that one that contains another is
// hidden as a whole.
func longEnough(secrets []string) []string {
	kept := make([]string, 0, len(secrets))
	for _, s := range secrets {
		if len(s) >= shortest {
			kept = append(kept, s)
		}
	}
	sort.Slice(kept, func(i, j int) bool { return len(kept[i]) > len(kept[j]) })
	return kept
}

// text hides the secrets in s.
func (r redactor) text(s string, more []string) string {
	for _, secret := range r.secrets {
		s = strings.ReplaceAll(s, secret, Hidden)
	}
	for _, secret := range more {
		if len(secret) >= shortest {
			s = strings.ReplaceAll(s, secret, Hidden)
		}
	}
	return s
}

// list returns the headers in order of their names.
func (r redactor) list(h http.Header, more []string) []Header {
	list := make([]Header, 0, len(h))
	for name, values := range h {
		for _, v := range values {
			if r.headers[name] {
				v = Hidden
			}
			list = append(list, Header{name, r.text(v, more)})
		}
	}
	slices.SortStableFunc(list, func(a, b Header) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// request begins the record of an exchange.
func (c *Client) request(r *Request, body string) Exchange {
	return Exchange{
		Method:         r.Method,
		URL:            c.redactor.text(r.URL.String(), r.Secrets),
		RequestHeaders: c.redactor.list(r.Header, r.Secrets),
		RequestBody:    c.redactor.text(cut(body), r.Secrets),
		StartedAt:      c.clock.Now(),
	}
}

// record completes it.
func (c *Client) record(x *Exchange, r *Request, resp *Response, err error) {
	if err != nil {
		x.Error = c.redactor.text(err.Error(), r.Secrets)
	}
	if resp == nil {
		return
	}
	x.Status = resp.Status
	x.ResponseHeaders = c.redactor.list(resp.Header, r.Secrets)
	x.ResponseBody = c.redactor.text(string(resp.Body), r.Secrets)
	if resp.Truncated {
		x.Error = "the answer was longer than what is shown, or its connection ended"
	}
}

// Redact hides the client's secrets, and the given ones, in a text that people will see.
func (c *Client) Redact(s string, more ...string) string { return c.redactor.text(s, more) }

func cut(s string) string {
	if len(s) <= KeepBody {
		return s
	}
	return strings.ToValidUTF8(s[:KeepBody], "")
}
