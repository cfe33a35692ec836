// Package signature proves a shared secret where there is no token: OAuth 1.0a (RFC 5849), Amazon's Signature Version 4,
// and the keyed digests of webhooks.
//
// A signer signs a request whose address, headers and body are final, adds headers, and notes in httpx.Request.Secrets
// what no log may show. It is made once for a connection and is safe for concurrent use.
package signature

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// setHeader sets a header of a request whose headers may be shared.
func setHeader(r *httpx.Request, name, value string) {
	h := maps.Clone(r.Header)
	if h == nil {
		h = http.Header{}
	}
	h.Set(name, value)
	r.Header = h
}

// hide adds texts that no log may show.
func hide(r *httpx.Request, secrets ...string) {
	r.Secrets = append(slices.Clip(r.Secrets), secrets...)
}

// hostOf is the host that a request names.
func hostOf(r *httpx.Request) string {
	if host := r.Header.Get("Host"); host != "" {
		return host
	}
	return r.URL.Host
}

// pathOf is the path as it is sent.
func pathOf(r *httpx.Request) string {
	if path := r.URL.EscapedPath(); path != "" {
		return path
	}
	return "/"
}

// percent encodes everything but the unreserved characters (RFC 3986, 2.3).
func percent(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

func required(field, label, value string, issues *fault.Issues) {
	if value == "" {
		issues.Add(field, fault.CodeRequired, "%s is required", label)
	}
}
