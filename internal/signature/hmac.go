package signature

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // providers that have nothing else ask for it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"golang.org/x/net/http/httpguts"
)

// The names that templates of HMACOptions may have in braces, as in "{timestamp}.{body}".
const (
	fieldTimestamp = "timestamp" // when the request is signed
	fieldNonce     = "nonce"     // a text that no other request has
	fieldMethod    = "method"    // POST
	fieldURL       = "url"       // https://api.example.com/rows?a=1
	fieldHost      = "host"      // api.example.com
	fieldPath      = "path"      // /rows, as it is sent
	fieldQuery     = "query"     // a=1, as it is sent
	fieldBody      = "body"
	fieldDigest    = "digest"    // the body's own digest, by the same hash, in hexadecimal
	fieldSignature = "signature" // only in headers
)

var messageFields = []string{fieldTimestamp, fieldNonce, fieldMethod, fieldURL, fieldHost, fieldPath, fieldQuery, fieldBody, fieldDigest}

var headerFields = []string{fieldTimestamp, fieldNonce, fieldDigest, fieldSignature}

var hashes = map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}

var encodings = map[string]func([]byte) string{
	"hex": hex.EncodeToString, "base64": base64.StdEncoding.EncodeToString, "base64url": base64.RawURLEncoding.EncodeToString,
}

var timestamps = map[string]func(time.Time) string{
	"seconds":      func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) },
	"milliseconds": func(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) },
	"rfc3339":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
}

// HMACHeader is a header that carries a part of a signature.
type HMACHeader struct {
	Name  string
	Value string // a template, such as "t={timestamp},v1={signature}"
}

// HMACOptions describe a keyed digest (RFC 2104) over parts of a request. Templates have names in braces: timestamp,
// nonce, method, url, host, path, query, body and digest, which is the body's own, in hexadecimal; headers have
// timestamp, nonce, digest and signature.
type HMACOptions struct {
	Secret    []byte
	Message   string       // the template of what is signed, such as "{timestamp}.{body}"
	Headers   []HMACHeader // at least one of them shows the signature
	Hash      string       // sha256 (the default), sha1 or sha512
	Encoding  string       // of the signature: hex (the default), base64 or base64url
	Timestamp string       // seconds since 1970 (the default), milliseconds or rfc3339
	Clock     clock.Clock  // default: the system's
}

// HMAC signs requests with a keyed digest in headers.
type HMAC struct {
	secret  []byte
	message pattern
	headers []hmacHeader
	hash    func() hash.Hash
	encode  func([]byte) string
	stamp   func(time.Time) string
	clock   clock.Clock
}

type hmacHeader struct {
	name  string
	value pattern
}

var _ httpx.Authorizer = (*HMAC)(nil)

// NewHMAC returns a signer. Its error names everything that is wrong with the options.
func NewHMAC(o HMACOptions) (*HMAC, error) {
	var issues fault.Issues
	s := &HMAC{
		secret:  o.Secret,
		message: parsePattern("message", o.Message, messageFields, &issues),
		hash:    choose("hash", o.Hash, "sha256", hashes, &issues),
		encode:  choose("encoding", o.Encoding, "hex", encodings, &issues),
		stamp:   choose("timestamp", o.Timestamp, "seconds", timestamps, &issues),
		clock:   o.Clock,
	}
	if s.clock == nil {
		s.clock = clock.System{}
	}
	required("secret", "the secret", string(o.Secret), &issues)
	required("message", "what is signed", o.Message, &issues)
	shown := false
	for _, h := range o.Headers {
		if !httpguts.ValidHeaderFieldName(h.Name) {
			issues.Add("headers", fault.CodeInvalid, "%q cannot be the name of a header", h.Name)
		}
		p := parsePattern("headers", h.Value, headerFields, &issues)
		shown = shown || p.has(fieldSignature)
		s.headers = append(s.headers, hmacHeader{h.Name, p})
	}
	if !shown {
		issues.Add("headers", fault.CodeRequired, "no header shows the {signature}")
	}
	return s, issues.Err()
}

// choose returns what a name stands for.
func choose[T any](field, name, standard string, all map[string]T, issues *fault.Issues) T {
	if name == "" {
		name = standard
	}
	v, ok := all[name]
	if !ok {
		issues.Add(field, fault.CodeInvalid, "there is no %s %q", field, name)
	}
	return v
}

// Authorize signs the request in the headers that the options name.
func (s *HMAC) Authorize(_ context.Context, r *httpx.Request) error {
	stamp, nonce := s.stamp(s.clock.Now()), rand.Text()
	field := func(name string) string {
		switch name {
		case fieldTimestamp:
			return stamp
		case fieldNonce:
			return nonce
		case fieldDigest:
			h := s.hash()
			h.Write(r.Body)
			return hex.EncodeToString(h.Sum(nil))
		default:
			return partOf(r, name)
		}
	}
	mac := hmac.New(s.hash, s.secret)
	mac.Write([]byte(s.message.fill(field)))
	signature := s.encode(mac.Sum(nil))
	for _, h := range s.headers {
		setHeader(r, h.name, h.value.fill(func(name string) string {
			if name == fieldSignature {
				return signature
			}
			return field(name)
		}))
	}
	hide(r, string(s.secret), signature)
	return nil
}

// Refused reports false: another signature would be refused too.
func (s *HMAC) Refused(*httpx.Request, *httpx.Response) bool { return false }

func partOf(r *httpx.Request, name string) string {
	switch name {
	case fieldMethod:
		return r.Method
	case fieldURL:
		return r.URL.String()
	case fieldHost:
		return hostOf(r)
	case fieldPath:
		return pathOf(r)
	case fieldQuery:
		return r.URL.RawQuery
	default:
		return string(r.Body)
	}
}

// pattern is a template: texts, and names between them. Its odd elements are names.
type pattern []string

// parsePattern reads a template whose names are of those that are known.
func parsePattern(path, text string, known []string, issues *fault.Issues) pattern {
	var p pattern
	for {
		before, rest, found := strings.Cut(text, "{")
		p = append(p, before)
		if !found {
			return p
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed || !slices.Contains(known, name) {
			issues.Add(path, fault.CodeInvalid, "the template has {%s; known are {%s}", name, strings.Join(known, "}, {"))
			return p
		}
		p, text = append(p, name), after
	}
}

func (p pattern) has(name string) bool {
	for i := 1; i < len(p); i += 2 {
		if p[i] == name {
			return true
		}
	}
	return false
}

// fill puts values in the place of names. What is in a value is not read again.
func (p pattern) fill(value func(name string) string) string {
	var b strings.Builder
	for i, part := range p {
		if i%2 == 1 {
			part = value(part)
		}
		b.WriteString(part)
	}
	return b.String()
}
