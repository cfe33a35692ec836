package signature

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // what the standard is built on; providers that have nothing else ask for it
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// The methods of OAuth 1.0a that sign with secrets. HMAC-SHA256 is no part of RFC 5849; NetSuite asks for it:
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1534941088.html
const (
	MethodHMACSHA1   = "HMAC-SHA1"
	MethodHMACSHA256 = "HMAC-SHA256"
)

var oauth1Hashes = map[string]func() hash.Hash{MethodHMACSHA1: sha1.New, MethodHMACSHA256: sha256.New}

// OAuth1Options are the credentials of a client and of whoever allowed it the access.
type OAuth1Options struct {
	ConsumerKey    string
	ConsumerSecret string
	Token          string
	TokenSecret    string
	Method         string      // default HMAC-SHA256
	Realm          string      // such as NetSuite's account, 123456_SB1; empty where the provider has none
	Clock          clock.Clock // default: the system's
}

// OAuth1 signs requests with OAuth 1.0a (RFC 5849).
type OAuth1 struct {
	o     OAuth1Options
	key   []byte
	hash  func() hash.Hash
	nonce func() string
}

var _ httpx.Authorizer = (*OAuth1)(nil)

// NewOAuth1 returns a signer. Its error names every option that is missing.
func NewOAuth1(o OAuth1Options) (*OAuth1, error) {
	if o.Method == "" {
		o.Method = MethodHMACSHA256
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	var issues fault.Issues
	required("consumerKey", "the consumer key", o.ConsumerKey, &issues)
	required("consumerSecret", "the consumer secret", o.ConsumerSecret, &issues)
	required("token", "the token", o.Token, &issues)
	required("tokenSecret", "the token secret", o.TokenSecret, &issues)
	if oauth1Hashes[o.Method] == nil {
		issues.Add("method", fault.CodeInvalid, "there is no signature method %q; use HMAC-SHA1 or HMAC-SHA256", o.Method)
	}
	if strings.ContainsAny(o.Realm, "\"\\\r\n") {
		issues.Add("realm", fault.CodeInvalid, "the realm has characters that a header cannot have")
	}
	key := percent(o.ConsumerSecret) + "&" + percent(o.TokenSecret) // RFC 5849, 3.4.2
	return &OAuth1{o, []byte(key), oauth1Hashes[o.Method], rand.Text}, issues.Err()
}

// Authorize signs the request in its Authorization header.
func (s *OAuth1) Authorize(_ context.Context, r *httpx.Request) error {
	params := []param{
		{"oauth_consumer_key", s.o.ConsumerKey},
		{"oauth_nonce", s.nonce()},
		{"oauth_signature_method", s.o.Method},
		{"oauth_timestamp", strconv.FormatInt(s.o.Clock.Now().Unix(), 10)},
		{"oauth_token", s.o.Token},
		{"oauth_version", "1.0"},
	}
	signature, err := s.sign(r, params)
	if err != nil {
		return err
	}
	setHeader(r, "Authorization", s.header(append(params, param{"oauth_signature", signature})))
	hide(r, s.o.ConsumerSecret, s.o.TokenSecret, s.o.Token, signature, percent(signature))
	return nil
}

// Refused reports false: another signature would be refused too.
func (s *OAuth1) Refused(*httpx.Request, *httpx.Response) bool { return false }

type param struct{ name, value string }

// header writes the protocol's parameters (RFC 5849, 3.5.1).
func (s *OAuth1) header(params []param) string {
	var list []string
	if s.o.Realm != "" {
		list = append(list, `realm="`+s.o.Realm+`"`)
	}
	for _, p := range params {
		list = append(list, percent(p.name)+`="`+percent(p.value)+`"`)
	}
	return "OAuth " + strings.Join(list, ", ")
}

func (s *OAuth1) sign(r *httpx.Request, params []param) (string, error) {
	base, err := baseString(r, params)
	if err != nil {
		return "", err
	}
	mac := hmac.New(s.hash, s.key)
	mac.Write([]byte(base))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

// baseString is what is signed (RFC 5849, 3.4.1).
func baseString(r *httpx.Request, params []param) (string, error) {
	all := slices.Clone(params)
	texts := []string{r.URL.RawQuery}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind == "application/x-www-form-urlencoded" {
		texts = append(texts, string(r.Body))
	}
	for _, text := range texts {
		values, err := url.ParseQuery(text)
		if err != nil {
			return "", fault.New(fault.CodeMappingReject, "the request cannot be signed: its parameters are not URL-encoded")
		}
		for name, list := range values {
			for _, v := range list {
				all = append(all, param{name, v})
			}
		}
	}
	return strings.ToUpper(r.Method) + "&" + percent(baseURL(r)) + "&" + percent(normalized(all)), nil
}

// baseURL is the address without its query and without the port that its scheme implies (RFC 5849, 3.4.1.2).
func baseURL(r *httpx.Request) string {
	scheme, host := strings.ToLower(r.URL.Scheme), strings.ToLower(hostOf(r))
	switch scheme {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	return scheme + "://" + host + pathOf(r)
}

// normalized encodes, sorts and joins parameters (RFC 5849, 3.4.1.3.2).
func normalized(params []param) string {
	for i, p := range params {
		params[i] = param{percent(p.name), percent(p.value)}
	}
	slices.SortFunc(params, func(a, b param) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	list := make([]string, len(params))
	for i, p := range params {
		list[i] = p.name + "=" + p.value
	}
	return strings.Join(list, "&")
}
