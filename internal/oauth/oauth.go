// Package oauth gets, keeps and shares access tokens of OAuth 2.0 (RFC 6749), and authorizes requests with them.
//
// A Config says how one provider wants to be asked; a vendor's connector needs no other code. Tokens is what one
// connection has: all runs and workers share what its State holds, and one of them at a time asks the provider. What a
// provider refuses is kept too, so that nobody asks for it again and again. A refresh token that takes the place of
// another one is stored before the access token that came with it is used, so that the death of a worker loses nothing.
//
// Errors are *fault.Error. A permission that is over is fault.CodeDestinationGrant, which a person mends by allowing
// the access again; credentials that a provider refuses are fault.CodeDestinationAuth. Both are Fatal. Whatever else goes
// wrong while asking is Retryable or Throttled, for nothing was sent to the API yet. No error and no log has a token.
package oauth

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"time"

	"github.com/millrace/millrace/internal/httpx"
)

// Grant is the kind of permission that a token stands for.
type Grant string

// The grants.
const (
	GrantCode     Grant = "authorization_code"                          // a person allows the access (RFC 6749, 4.1)
	GrantClient   Grant = "client_credentials"                          // the client acts for itself (RFC 6749, 4.4)
	GrantPassword Grant = "password"                                    // a person's own password (RFC 6749, 4.3)
	GrantJWT      Grant = "urn:ietf:params:oauth:grant-type:jwt-bearer" // a signed assertion (RFC 7523, 2.1)
)

// AuthStyle is how a client shows its credentials to the token URL. Without a client ID it shows none, except for an
// assertion, whose issuer may be named instead.
type AuthStyle string

// The styles.
const (
	AuthHeader    AuthStyle = "header"    // HTTP Basic (RFC 6749, 2.3.1); the default
	AuthBody      AuthStyle = "body"      // among the values of the body; a public client's secret is empty
	AuthAssertion AuthStyle = "assertion" // a signed assertion instead of a secret (RFC 7523, 2.2)
)

// Param is a header, a parameter of an address or a value of a body.
type Param struct{ Name, Value string }

// Extra is what a provider wants in its token requests besides the standard's own. It goes before the latter.
type Extra struct {
	Headers []Param `json:"headers,omitempty"`
	Query   []Param `json:"query,omitempty"`
	Body    []Param `json:"body,omitempty"`
}

// Config says how a provider is asked for tokens and how they are shown to its API. It holds secrets. Tokens that are
// kept belong to a Config: others are asked for where one of its values changes, except that a person's permission
// outlives all changes but those of ClientID and RefreshToken.
type Config struct {
	Grant      Grant
	AuthURL    string // where a person allows the access; only for GrantCode
	TokenURL   string
	RefreshURL string // empty means TokenURL

	ClientID     string
	ClientSecret string
	AuthStyle    AuthStyle
	Scopes       string // as the provider separates them: by spaces in the standard, by commas elsewhere
	Audience     string // the API that the token is for, where the provider asks for that ("audience")
	PKCE         bool   // the code is bound to who asked for it (RFC 7636, S256)

	Username     string // of GrantPassword
	Password     string
	RefreshToken string     // what GrantCode works with: what Exchange returned
	Assertion    *Assertion `json:",omitempty"` // of GrantJWT and AuthAssertion

	AuthParams []Param // further parameters of the address at which a person allows the access
	Token      Extra   // of requests for a first token
	Refresh    Extra   // of requests with a refresh token
	JSON       bool    // token requests are JSON objects instead of forms

	// Names are what the provider calls parameters of the standard, such as app_id for client_id. What has an empty
	// name there is not sent.
	Names map[string]string `json:",omitempty"`
	// Within is the member of the token answer that has the token, where that is not the answer itself.
	Within string `json:",omitempty"`

	// DefaultLifetime is how long an access token is good where the answer does not say. Zero means until it is refused.
	DefaultLifetime time.Duration

	// Lasting says that the provider gives no refresh token for a person's permission: the access token is good until the
	// permission is over, and takes the refresh token's place in the document.
	Lasting bool

	// OrLasting says that the provider gives some clients no refresh token: the access token then takes its place, and the
	// permission is over when it ends.
	OrLasting bool `json:",omitempty"`

	// GrantErrors are values of "error" that say that a person's permission is over, besides invalid_grant.
	GrantErrors []string

	// Keep names members of the token answer that are needed later, such as the address of the customer's own server.
	Keep []string

	// Read reads the token answer of a provider that departs from the standard. An error that is no *fault.Error counts as
	// refused credentials; what it says must not hold secrets.
	Read func(body []byte) (Answer, error) `json:"-"`

	// HeaderName and HeaderPrefix say how the access token is shown to the API: the default of the name is Authorization;
	// the prefix, such as Bearer, is followed by a space unless it is empty.
	HeaderName   string
	HeaderPrefix string

	// Refused reports whether an answer says that the access token is not accepted and that nothing was done. The default
	// is the status 401.
	Refused func(*httpx.Response) bool `json:"-"`
}

// Answer is what a provider gives.
type Answer struct {
	Access   string
	Refresh  string            // empty where the one that was used stays good
	Lifetime time.Duration     // of the access token; 0 where the answer does not say
	Extra    map[string]string // see Config.Keep
}

// Secrets are the texts that no log may show, also as they stand in addresses and forms. They are for
// httpx.Options.Secrets.
func (c Config) Secrets() []string {
	return encodedToo([]string{c.ClientSecret, c.Password, c.RefreshToken})
}

// encodedToo adds texts as they stand in addresses and forms.
func encodedToo(list []string) []string {
	for _, secret := range list {
		if encoded := url.QueryEscape(secret); encoded != secret {
			list = append(list, encoded)
		}
	}
	return list
}

// request identifies the values of a Config that decide which token is got.
func (c Config) request() string { return digest(c) }

// connection identifies whose tokens are kept. A person's permission outlives changes of other values.
func (c Config) connection() string {
	if c.Grant == GrantCode {
		return digest([]string{string(c.Grant), c.ClientID, c.RefreshToken})
	}
	return c.request()
}

// digest identifies a value that can always be encoded.
func digest(v any) string {
	text, _ := json.Marshal(v) //nolint:errcheck,errchkjson // texts, numbers and what came from JSON
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
