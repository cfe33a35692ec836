package oauth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// userAgent names the sender, unless a header does.
const userAgent = "Millrace"

// The members of token requests that are read again.
const (
	grantType    = "grant_type"
	refreshGrant = "refresh_token" // the grant, and the member with the token
)

// maxLifetime is the longest life of a token that is believed.
const maxLifetime = 365 * 24 * time.Hour

// ask makes a token request and reads its answer.
func (c Config) ask(ctx context.Context, client *httpx.Client, form url.Values, now time.Time) (Answer, error) {
	address, extra := c.TokenURL, c.Token
	if form.Get(grantType) == refreshGrant {
		extra = c.Refresh
		if c.RefreshURL != "" {
			address = c.RefreshURL
		}
	}
	u, err := withParams(address, extra.Query)
	if err != nil {
		return Answer{}, err
	}
	h := http.Header{"Accept": {"application/json"}, "User-Agent": {userAgent}}
	if err := c.identify(h, form, now); err != nil {
		return Answer{}, err
	}
	for _, p := range extra.Body {
		form.Set(p.Name, p.Value)
	}
	body := c.encode(h, c.renamed(form))
	for _, p := range extra.Headers {
		h.Set(p.Name, p.Value)
	}
	secrets := slices.Concat(c.Secrets(), hidden(form, h))
	resp, _, err := client.Do(ctx, &httpx.Request{Method: http.MethodPost, URL: u, Header: h, Body: body, Secrets: secrets})
	if err != nil {
		return Answer{}, fault.Reclass(asking(err), fault.Retryable) // asking twice does no harm
	}
	return c.read(client, resp, form, secrets)
}

// called is what the provider calls a parameter of the standard; empty where it has none.
func (c Config) called(name string) string {
	if own, ok := c.Names[name]; ok {
		return own
	}
	return name
}

// renamed is a form with the provider's names.
func (c Config) renamed(form url.Values) url.Values {
	if len(c.Names) == 0 {
		return form
	}
	own := make(url.Values, len(form))
	for name, values := range form {
		own[c.called(name)] = values
	}
	own.Del("")
	return own
}

func asking(err error) *fault.Error {
	e := *fault.As(err)
	e.Message = "asking for an access token: " + e.Message
	return &e
}

// identify adds the client's credentials.
func (c Config) identify(h http.Header, form url.Values, now time.Time) error {
	if c.ClientID != "" && (c.AuthStyle == AuthBody || c.AuthStyle == AuthAssertion) {
		form.Set("client_id", c.ClientID)
	}
	switch {
	case c.AuthStyle == AuthAssertion:
		assertion, err := c.assertion(now)
		if err != nil {
			return err
		}
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	case c.ClientID == "":
	case c.AuthStyle == AuthBody:
		if c.ClientSecret != "" {
			form.Set("client_secret", c.ClientSecret)
		}
	default: // RFC 6749, 2.3.1: both parts are form-encoded first
		credentials := url.QueryEscape(c.ClientID) + ":" + url.QueryEscape(c.ClientSecret)
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(credentials)))
	}
	return nil
}

// encode writes the body of a token request and says what it is.
func (c Config) encode(h http.Header, form url.Values) []byte {
	if !c.JSON {
		h.Set("Content-Type", "application/x-www-form-urlencoded")
		return []byte(form.Encode())
	}
	h.Set("Content-Type", "application/json")
	members := make(map[string]string, len(form))
	for name := range form {
		members[name] = form.Get(name)
	}
	text, _ := json.Marshal(members) //nolint:errcheck,errchkjson // texts
	return text
}

// hidden are the values of a token request that no error may repeat.
func hidden(form url.Values, h http.Header) []string {
	var list []string
	for _, name := range []string{refreshGrant, "code", "code_verifier", "assertion", "client_assertion", "client_secret", "password"} {
		if v := form.Get(name); v != "" {
			list = append(list, v)
		}
	}
	if _, credentials, ok := strings.Cut(h.Get("Authorization"), " "); ok {
		list = append(list, credentials)
	}
	return encodedToo(list)
}

func withParams(address string, params []Param) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fault.New(fault.CodeInvalid, "the address of the provider is not a URL")
	}
	for _, p := range params {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += url.QueryEscape(p.Name) + "=" + url.QueryEscape(p.Value)
	}
	return u, nil
}

// answer is what a token URL answers (RFC 6749, 5.1 and 5.2).
type answer struct {
	AccessToken  string          `json:"access_token"`
	RefreshToken string          `json:"refresh_token"`
	ExpiresIn    json.RawMessage `json:"expires_in"` // a number; some providers send a text
	Error        string          `json:"error"`
	Description  string          `json:"error_description"`
}

func (a *answer) lifetime() time.Duration {
	seconds, err := strconv.ParseFloat(plain(a.ExpiresIn), 64)
	if err != nil || seconds <= 0 {
		return 0
	}
	return time.Duration(min(seconds, maxLifetime.Seconds()) * float64(time.Second))
}

// plain is the text that a JSON value stands for: a string's own, and of others how they are written.
func plain(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

// code tells a permission that is over from credentials that are wrong (RFC 6749, 5.2).
func (c Config) code(a *answer, form url.Values) fault.Code {
	over := a.Error == "invalid_grant" || a.Error != "" && slices.Contains(c.GrantErrors, a.Error)
	if over && form.Get(grantType) == refreshGrant {
		return fault.CodeDestinationGrant
	}
	return fault.CodeDestinationAuth
}

// read reads the answer to a token request. secrets are what no error may repeat.
func (c Config) read(client *httpx.Client, resp *httpx.Response, form url.Values, secrets []string) (Answer, error) {
	a := &answer{}
	body, words := c.inner(resp.Body)
	unreadable := json.Unmarshal(body, a)
	secrets = append(secrets, a.AccessToken, a.RefreshToken)
	if e := client.StatusFault(resp, secrets...); e != nil {
		return Answer{}, c.refusal(e, a, form)
	}
	if c.Read != nil {
		given, err := c.Read(resp.Body)
		if err == nil && given.Access == "" {
			return Answer{}, noToken()
		}
		return given, explain(err)
	}
	switch {
	case a.Error != "":
		return Answer{}, fault.New(c.code(a, form), "asking for an access token: %s", client.Redact(a.Error+" "+a.Description, secrets...))
	case a.AccessToken == "" && words != "":
		return Answer{}, fault.New(fault.CodeDestinationAuth, "asking for an access token: %s", client.Redact(words, secrets...)).
			WithSuggestion("The words are the provider's. Check the application's credentials, and allow the access again.")
	case unreadable != nil || a.AccessToken == "":
		return Answer{}, noToken()
	}
	return Answer{Access: a.AccessToken, Refresh: a.RefreshToken, Lifetime: a.lifetime(), Extra: c.extra(body)}, nil
}

// inner returns the part of an answer that has the token, and what the provider says beside it.
func (c Config) inner(body []byte) (part []byte, words string) {
	if c.Within == "" {
		return body, ""
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return body, ""
	}
	if text := members["message"]; text != nil {
		words = plain(text)
	}
	return members[c.Within], words
}

func noToken() error {
	return fault.New(fault.CodeDestinationAuth, "the access token URL answers without an access token").
		WithSuggestion("Check the access token URL and the grant.")
}

// refusal says what a status means at a token URL, where asking again does no harm.
func (c Config) refusal(e *fault.Error, a *answer, form url.Values) error {
	e = asking(e)
	if e.Class == fault.Permanent { // 400 invalid_grant, invalid_client …
		e.Code, e.Class = fault.CodeDestinationAuth, fault.Fatal
	}
	if e.Class == fault.Fatal {
		e.Code = c.code(a, form)
	}
	if e.Class == fault.Unknown {
		e.Class = fault.Retryable
	}
	return e
}

// explain gives a code to what Config.Read refuses.
func explain(err error) error {
	if err == nil {
		return nil
	}
	if e := fault.As(err); e.Code != fault.CodeInternal {
		return e
	}
	return fault.Wrap(err, fault.CodeDestinationAuth, "asking for an access token")
}

// extra returns the members of an answer that are kept.
func (c Config) extra(body []byte) map[string]string {
	var members map[string]json.RawMessage
	if len(c.Keep) == 0 || json.Unmarshal(body, &members) != nil {
		return nil
	}
	kept := map[string]string{}
	for _, name := range c.Keep {
		if raw, ok := members[name]; ok && string(raw) != "null" {
			kept[name] = plain(raw)
		}
	}
	return kept
}

// carry adds to newer what only older knows: an answer to a refresh may repeat less than the first one said.
func carry(older, newer map[string]string) map[string]string {
	if len(older) == 0 {
		return newer
	}
	all := maps.Clone(older)
	maps.Copy(all, newer)
	return all
}
