package httprequest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// tokens gets and keeps the access token of a connection (RFC 6749). It is safe for concurrent use.
type tokens struct {
	settings settings
	clock    clock.Clock
	vault    vault

	mu      sync.Mutex
	access  string
	expires time.Time // zero where the provider did not say
	refresh string    // the newest refresh token; empty until one is known
}

// early is how long before its end a token is renewed.
const early = 30 * time.Second

// get returns an access token that has not expired.
func (t *tokens) get(ctx context.Context, client *httpx.Client) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.access != "" && (t.expires.IsZero() || t.clock.Now().Before(t.expires.Add(-early))) {
		return t.access, nil
	}
	a, err := t.renew(ctx, client)
	if err != nil {
		return "", err
	}
	t.access, t.expires = a.AccessToken, time.Time{}
	if seconds := a.lifetime(); seconds > 0 {
		t.expires = t.clock.Now().Add(seconds)
	}
	return t.access, t.remember(a.RefreshToken)
}

// remember keeps a refresh token that replaces the one before (RFC 6749, 6).
func (t *tokens) remember(refresh string) error {
	if refresh == "" || refresh == t.refresh {
		return nil
	}
	t.refresh = refresh
	if t.settings.Grant != grantCode {
		return nil
	}
	return t.vault.save(refresh)
}

// drop forgets an access token that was refused.
func (t *tokens) drop(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.access == token {
		t.access = ""
	}
}

// sign adds the token to a request.
func (t *tokens) sign(r *httpx.Request, token string) {
	text := token
	if p := t.settings.HeaderPrefix; p != "" {
		text = p + " " + token
	}
	r.Header = maps.Clone(r.Header)
	r.Header["Authorization"] = []string{text}
	r.Secrets = []string{token}
}

// renew asks for an access token, with a refresh token where there is one.
func (t *tokens) renew(ctx context.Context, client *httpx.Client) (*tokenAnswer, error) {
	s := t.settings
	if t.refresh == "" && s.Grant == grantCode {
		t.refresh = t.vault.load(s.RefreshToken)
	}
	switch {
	case s.Grant == grantCode && t.refresh == "":
		return nil, fault.New(fault.CodeDestinationAuth, "nobody has allowed the access yet").
			WithSuggestion("Connect the destination to the provider again.")
	case t.refresh != "" && s.Grant != grantClient:
		a, err := s.ask(ctx, client, refreshRequest, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {t.refresh}})
		if err == nil || s.Grant == grantCode || fault.ClassOf(err) != fault.Fatal {
			return a, err
		}
		t.refresh = "" // the password still works
	}
	form := url.Values{"grant_type": {s.Grant}}
	if s.Grant == grantPassword {
		form.Set("username", s.OwnerUsername)
		form.Set("password", s.OwnerPassword)
	}
	if s.Scopes != "" {
		form.Set("scope", s.Scopes)
	}
	return s.ask(ctx, client, tokenRequest, form)
}

// tokenKind tells the two kinds of token request apart.
type tokenKind uint8

const (
	tokenRequest tokenKind = iota
	refreshRequest
)

// parts returns the address of a token request and what the settings add to it.
func (s settings) parts(kind tokenKind) (address string, headers, params, body []pair) {
	if kind == tokenRequest {
		return s.TokenURL, s.TokenHeaders, s.TokenParams, s.TokenBody
	}
	address = s.RefreshURL
	if address == "" {
		address = s.TokenURL
	}
	return address, s.RefreshHeaders, s.RefreshParams, s.RefreshBody
}

// ask makes a token request.
func (s settings) ask(ctx context.Context, client *httpx.Client, kind tokenKind, form url.Values) (*tokenAnswer, error) {
	address, headers, params, body := s.parts(kind)
	u, err := withParams(address, params)
	if err != nil {
		return nil, err
	}
	h := http.Header{"Accept": {"application/json"}, "Content-Type": {"application/x-www-form-urlencoded"}, "User-Agent": {userAgent}}
	if s.ClientAuth == clientBody {
		form.Set("client_id", s.ClientID)
		if s.ClientSecret != "" {
			form.Set("client_secret", s.ClientSecret)
		}
	} else { // RFC 6749, 2.3.1: both parts are form-encoded first
		credentials := url.QueryEscape(s.ClientID) + ":" + url.QueryEscape(s.ClientSecret)
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(credentials)))
	}
	for _, p := range headers {
		h.Set(p.Name, p.Value)
	}
	for _, p := range body {
		form.Set(p.Name, p.Value)
	}
	resp, _, err := client.Do(ctx, &httpx.Request{Method: http.MethodPost, URL: u, Header: h, Body: []byte(form.Encode())})
	if err != nil {
		return nil, fault.Reclass(inField("asking for an access token", err), fault.Retryable) // asking twice does no harm
	}
	return readToken(client, resp, form)
}

func withParams(address string, params []pair) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fault.New(fault.CodeInvalid, "the address of the provider is not a URL")
	}
	for _, p := range params {
		u.RawQuery = appendQuery(u.RawQuery, p.Name, p.Value)
	}
	return u, nil
}

// tokenAnswer is what a token URL answers (RFC 6749, 5.1 and 5.2).
type tokenAnswer struct {
	AccessToken  string          `json:"access_token"`
	RefreshToken string          `json:"refresh_token"`
	ExpiresIn    json.RawMessage `json:"expires_in"` // a number; some providers send a text
	Error        string          `json:"error"`
	Description  string          `json:"error_description"`
}

func (a *tokenAnswer) lifetime() time.Duration {
	text := string(a.ExpiresIn)
	if unquoted, err := strconv.Unquote(text); err == nil {
		text = unquoted
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || seconds <= 0 {
		return 0
	}
	return time.Duration(min(seconds, maxLifetime.Seconds()) * float64(time.Second))
}

const maxLifetime = 365 * 24 * time.Hour

// readToken reads the answer to a token request. form holds what no error may repeat.
func readToken(client *httpx.Client, resp *httpx.Response, form url.Values) (*tokenAnswer, error) {
	a := &tokenAnswer{}
	unreadable := json.Unmarshal(resp.Body, a)
	if e := client.StatusFault(resp, form.Get("refresh_token"), form.Get("code")); e != nil {
		e.Message = "asking for an access token: " + e.Message
		if e.Class == fault.Permanent { // 400 invalid_grant, invalid_client …
			e.Code, e.Class = fault.CodeDestinationAuth, fault.Fatal
		}
		if e.Class == fault.Unknown {
			e.Class = fault.Retryable
		}
		return nil, e
	}
	switch {
	case a.Error != "":
		return nil, fault.New(fault.CodeDestinationAuth, "asking for an access token: %s", client.Redact(a.Error+" "+a.Description))
	case unreadable != nil || a.AccessToken == "":
		return nil, fault.New(fault.CodeDestinationAuth, "the access token URL answers without an access token").
			WithSuggestion("Check the access token URL and the grant.")
	}
	return a, nil
}

// AuthorizeURL returns the address at which a person allows the access to a connection with the grant
// "authorization code" (RFC 6749, 4.1.1). redirect is the server's callback, and state comes back to it.
func AuthorizeURL(configuration connector.Settings, redirect, state string) (string, error) {
	s, err := oauthOf(configuration)
	if err != nil {
		return "", err
	}
	params := []pair{{Name: "response_type", Value: "code"}, {Name: "client_id", Value: s.ClientID}, {Name: "redirect_uri", Value: redirect}, {Name: "state", Value: state}}
	if s.Scopes != "" {
		params = append(params, pair{Name: "scope", Value: s.Scopes})
	}
	u, err := withParams(s.AuthURL, append(params, s.AuthParams...))
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

// ExchangeCode returns the refresh token that the provider gives for the code that came to the callback
// (RFC 6749, 4.1.3). It belongs into the setting refreshToken.
func ExchangeCode(ctx context.Context, network httpx.Network, configuration connector.Settings, redirect, code string) (string, error) {
	s, err := oauthOf(configuration)
	if err != nil {
		return "", err
	}
	d := &destination{network: network, settings: s, clock: clock.System{}}
	client, err := d.client(1)
	if err != nil {
		return "", err
	}
	defer client.Close()
	a, err := s.ask(ctx, client, tokenRequest, url.Values{"grant_type": {grantCode}, "code": {code}, "redirect_uri": {redirect}})
	if err != nil {
		return "", err
	}
	if a.RefreshToken == "" {
		return "", fault.New(fault.CodeDestinationAuth, "the provider gives no refresh token").
			WithSuggestion("Ask for one with a scope such as offline_access, or with a parameter of the authorization request.")
	}
	return a.RefreshToken, nil
}

func oauthOf(configuration connector.Settings) (settings, error) {
	var s settings
	if err := configuration.WithDefaults(fields()).Decode(&s); err != nil {
		return s, err
	}
	if s.Auth != authOAuth || s.Grant != grantCode {
		return s, fault.New(fault.CodeInvalid, "the destination does not use the grant authorization code")
	}
	return s, nil
}
