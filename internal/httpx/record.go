package httpx

import (
	"cmp"
	"net/http"
	"net/textproto"
	"slices"
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
	"X-Auth-Token", "X-Access-Token", "X-Amz-Security-Token", "X-Sfdc-Session",
}

// redactor takes secrets out of texts.
type redactor struct {
	secrets []secret
	headers map[string]bool
}

// secret is a text to hide. Whole bodies are searched for it, so it is looked for by its rarest byte.
type secret struct {
	text string
	rare byte
	at   int // where rare is in text
}

// common are the bytes of JSON and prose, from the most frequent one on.
const common = `"e,ta: oinsrhldcumfpgwybv0.1kx-2jqz/345_9678{}@`

func newSecret(text string) secret {
	s := secret{text: text}
	best := -1
	for i := range len(text) {
		rank := strings.IndexByte(common, text[i])
		if rank < 0 {
			rank = len(common)
		}
		if rank > best {
			best, s.rare, s.at = rank, text[i], i
		}
	}
	return s
}

// in tells whether a text holds the secret.
func (s secret) in(text string) bool {
	for from := s.at; from < len(text); {
		i := strings.IndexByte(text[from:], s.rare)
		if i < 0 {
			return false
		}
		if strings.HasPrefix(text[from+i-s.at:], s.text) {
			return true
		}
		from += i + 1
	}
	return false
}

func newRedactor(secrets, headers []string) redactor {
	r := redactor{headers: map[string]bool{}}
	for _, h := range slices.Concat(secretHeaders, headers) {
		r.headers[textproto.CanonicalMIMEHeaderKey(h)] = true
	}
	for _, s := range longEnough(secrets) {
		r.secrets = append(r.secrets, newSecret(s))
	}
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
	slices.SortFunc(kept, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	return slices.Compact(kept) // several ways to write one are often the same
}

// text hides the secrets in s.
func (r redactor) text(s string, more []string) string {
	for _, secret := range r.secrets {
		if secret.in(s) {
			s = strings.ReplaceAll(s, secret.text, Hidden)
		}
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
	if resp.Truncated && err == nil {
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
