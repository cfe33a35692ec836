package httprequest

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"golang.org/x/net/http/httpguts"
)

// pair is a header, a parameter or a form's field.
type pair struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Secret bool   `json:"secret"`
}

// settings are the connection's own.
type settings struct {
	BaseURL     string `json:"baseUrl"`
	Headers     []pair `json:"headers"`
	Query       []pair `json:"query"`
	Auth        string `json:"auth"`
	Username    string `json:"username"`
	Password    string `json:"password"`
	Token       string `json:"token"`
	CA          string `json:"caCertificate"`
	Certificate string `json:"clientCertificate"`
	Key         string `json:"clientKey"`
	TestPath    string `json:"testPath"`

	RateLimits []string `json:"rateLimits"`

	oauthSettings
}

// oauthSettings say how access tokens are got.
type oauthSettings struct {
	Grant          string `json:"grant"`
	TokenURL       string `json:"tokenUrl"`
	RefreshURL     string `json:"refreshUrl"`
	AuthURL        string `json:"authUrl"`
	ClientID       string `json:"clientId"`
	ClientSecret   string `json:"clientSecret"`
	ClientAuth     string `json:"clientAuth"`
	Scopes         string `json:"scopes"`
	OwnerUsername  string `json:"ownerUsername"`
	OwnerPassword  string `json:"ownerPassword"`
	RefreshToken   string `json:"refreshToken"`
	HeaderPrefix   string `json:"headerPrefix"`
	AuthParams     []pair `json:"authParams"`
	TokenHeaders   []pair `json:"tokenHeaders"`
	TokenParams    []pair `json:"tokenParams"`
	TokenBody      []pair `json:"tokenBody"`
	RefreshHeaders []pair `json:"refreshHeaders"`
	RefreshParams  []pair `json:"refreshParams"`
	RefreshBody    []pair `json:"refreshBody"`
}

// maxPEM is how large a certificate or key may be.
const maxPEM = 10 << 20

// userAgent names the sender, unless a header does.
const userAgent = "Millrace"

const configuration = "spec.configuration."

// check reports every setting that cannot work.
func (s settings) check() fault.Issues {
	var issues fault.Issues
	if _, err := httpx.ParseBase(s.BaseURL); err != nil {
		issues = append(issues, fault.As(err).WithPath(configuration+"baseUrl"))
	}
	checkHeaders(configuration+"headers", s.Headers, &issues)
	checkNames(configuration+"query", s.Query, &issues)
	for _, h := range s.Headers {
		if s.Auth != authNone && s.Auth != "" && http.CanonicalHeaderKey(h.Name) == "Authorization" {
			issues.Add(configuration+"headers", fault.CodeInvalid, "the header Authorization is set by the authentication already")
		}
	}
	s.checkCredentials(&issues)
	s.checkCertificates(&issues)
	for _, text := range s.RateLimits {
		if _, err := readLimit(text); err != nil {
			issues = append(issues, err.WithPath(configuration+"rateLimits"))
		}
	}
	return issues
}

func (s settings) checkCredentials(issues *fault.Issues) {
	require := func(field, label, value string) {
		if value == "" {
			issues.Add(configuration+field, fault.CodeRequired, "%s is required", label)
		}
	}
	switch s.Auth {
	case "", authNone:
	case authBasic:
		require("username", "a user", s.Username)
	case authBearer:
		require("token", "a token", s.Token)
	case authOAuth:
		require("clientId", "the client ID", s.ClientID)
		checkAddress(configuration+"tokenUrl", s.TokenURL, true, issues)
		checkAddress(configuration+"refreshUrl", s.RefreshURL, false, issues)
		checkHeaders(configuration+"tokenHeaders", s.TokenHeaders, issues)
		checkHeaders(configuration+"refreshHeaders", s.RefreshHeaders, issues)
		s.checkGrant(require, issues)
	default:
		issues.Add(configuration+"auth", fault.CodeInvalid, "there is no authentication %q", s.Auth)
	}
}

func (s settings) checkGrant(require func(field, label, value string), issues *fault.Issues) {
	switch s.Grant {
	case grantClient:
		require("clientSecret", "the client secret", s.ClientSecret)
	case grantPassword:
		require("ownerUsername", "a user", s.OwnerUsername)
		require("ownerPassword", "a password", s.OwnerPassword)
	case grantCode:
		checkAddress(configuration+"authUrl", s.AuthURL, true, issues)
	default:
		issues.Add(configuration+"grant", fault.CodeInvalid, "there is no grant %q", s.Grant)
	}
}

func checkAddress(path, text string, required bool, issues *fault.Issues) {
	if text == "" && !required {
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		issues.Add(path, fault.CodeInvalid, "an address such as https://auth.example.com/oauth/token is needed")
	}
}

// checkCertificates reads the certificates and keys.
func (s settings) checkCertificates(issues *fault.Issues) {
	tooLarge := false
	for _, f := range []struct{ name, text string }{{"caCertificate", s.CA}, {"clientCertificate", s.Certificate}, {"clientKey", s.Key}} {
		if len(f.text) > maxPEM {
			issues.Add(configuration+f.name, fault.CodeTooLarge, "a certificate has at most %d MB", maxPEM>>20)
			tooLarge = true
		}
	}
	if tooLarge {
		return
	}
	if _, err := httpx.New(httpx.Options{CA: []byte(s.CA)}); err != nil {
		*issues = append(*issues, fault.As(err).WithPath(configuration+"caCertificate"))
	}
	if _, err := httpx.New(httpx.Options{Certificate: []byte(s.Certificate), Key: []byte(s.Key)}); err != nil {
		*issues = append(*issues, fault.As(err).WithPath(configuration+"clientCertificate"))
	}
}

// managed are headers that the connection itself decides about.
var managed = map[string]bool{
	"Content-Length": true, "Transfer-Encoding": true, "Connection": true, "Upgrade": true, "Te": true, "Trailer": true, "Keep-Alive": true,
}

func checkHeaders(path string, headers []pair, issues *fault.Issues) {
	for _, h := range headers {
		switch {
		case !httpguts.ValidHeaderFieldName(h.Name):
			issues.Add(path, fault.CodeInvalid, "%q cannot be the name of a header", h.Name)
		case managed[http.CanonicalHeaderKey(h.Name)]:
			issues.Add(path, fault.CodeInvalid, "the header %s cannot be set: it is about the connection", h.Name)
		case !httpguts.ValidHeaderFieldValue(h.Value):
			issues.Add(path, fault.CodeInvalid, "the value of the header %s has characters that a header cannot have", h.Name)
		}
	}
}

func checkNames(path string, pairs []pair, issues *fault.Issues) {
	for _, p := range pairs {
		if p.Name == "" {
			issues.Add(path, fault.CodeRequired, "every entry needs a name")
		}
	}
}

// header returns what every request has.
func (s settings) header() http.Header {
	h := http.Header{"User-Agent": {userAgent}}
	for _, p := range s.Headers {
		h.Set(p.Name, p.Value)
	}
	switch s.Auth {
	case authBasic:
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(s.Username+":"+s.Password)))
	case authBearer:
		h.Set("Authorization", "Bearer "+s.Token)
	}
	return h
}

// secrets are the texts that no log may show, also as they stand in addresses and forms.
func (s settings) secrets() []string {
	list := []string{s.Password, s.Token, s.ClientSecret, s.OwnerPassword, s.RefreshToken}
	if s.Auth == authBasic {
		list = append(list, base64.StdEncoding.EncodeToString([]byte(s.Username+":"+s.Password)))
	}
	for _, pairs := range [][]pair{
		s.Headers, s.Query, s.AuthParams, s.TokenHeaders, s.TokenParams, s.TokenBody, s.RefreshHeaders, s.RefreshParams, s.RefreshBody,
	} {
		for _, p := range pairs {
			if p.Secret {
				list = append(list, p.Value)
				if _, credentials, scheme := strings.Cut(p.Value, " "); scheme && len(credentials) >= minCredentials {
					list = append(list, credentials) // an API that tells them says them without "Bearer" (RFC 9110, 11.4)
				}
			}
		}
	}
	for _, secret := range list {
		if encoded := url.QueryEscape(secret); encoded != secret {
			list = append(list, encoded)
		}
	}
	return list
}

// minCredentials keeps the second word of a secret that is no credential from being taken out of every text.
const minCredentials = 8

// triggerSettings are those of one operation.
type triggerSettings struct {
	trigger.Pace

	Enabled           bool     `json:"enabled"`
	Rows              string   `json:"rows"`
	BatchSize         int      `json:"batchSize"`
	Method            string   `json:"method"`
	URL               string   `json:"url"`
	Headers           []pair   `json:"headers"`
	Body              string   `json:"body"`
	JSON              string   `json:"json"`
	Column            string   `json:"column"`
	XML               string   `json:"xml"`
	Form              []pair   `json:"form"`
	Text              string   `json:"text"`
	Member            string   `json:"member"`
	Timeout           int      `json:"timeout"`
	RetryStatuses     []string `json:"retryStatuses"`
	Split             bool     `json:"split"`
	Failure           string   `json:"failure"`
	IdempotencyHeader string   `json:"idempotencyHeader"`
}

// readTrigger reads and checks the settings of one operation. It returns nil where there is none.
func readTrigger(job connector.SyncJob, op connector.Operation, fields []connector.Field, issues *fault.Issues) *triggerSettings {
	t := &triggerSettings{}
	if !trigger.Read(job, op, fields, t, issues) || !t.Enabled {
		return nil
	}
	return t
}

// batched tells whether a request has several rows.
func (t *triggerSettings) batched() bool { return t.Rows == rowsBatch }

// absolute tells whether a path is an address of its own.
func absolute(path string) bool {
	return strings.HasPrefix(path, "http://") || strings.HasPrefix(path, "https://") || strings.HasPrefix(path, "//")
}
