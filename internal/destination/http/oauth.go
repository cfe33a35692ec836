package httprequest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

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

// code tells a permission that is over from credentials that are wrong (RFC 6749, 5.2).
func (a *tokenAnswer) code(form url.Values) fault.Code {
	if a.Error == "invalid_grant" && form.Get("grant_type") == "refresh_token" {
		return fault.CodeDestinationGrant
	}
	return fault.CodeDestinationAuth
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
		if e.Class == fault.Fatal {
			e.Code = a.code(form)
		}
		if e.Class == fault.Unknown {
			e.Class = fault.Retryable
		}
		return nil, e
	}
	switch {
	case a.Error != "":
		return nil, fault.New(a.code(form), "asking for an access token: %s", client.Redact(a.Error+" "+a.Description, form.Get("refresh_token"), form.Get("code")))
	case unreadable != nil || a.AccessToken == "":
		return nil, fault.New(fault.CodeDestinationAuth, "the access token URL answers without an access token").
			WithSuggestion("Check the access token URL and the grant.")
	}
	return a, nil
}
