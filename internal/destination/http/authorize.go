package httprequest

import (
	"context"
	"net/url"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// AuthorizeURL returns the address at which a person allows the access (RFC 6749, 4.1.1). redirect is the server's
// callback, and state comes back to it.
func (d *destination) AuthorizeURL(redirect, state string) (string, error) {
	if err := d.authorizable(); err != nil {
		return "", err
	}
	s := d.settings
	params := []pair{
		{Name: "response_type", Value: "code"}, {Name: "client_id", Value: s.ClientID},
		{Name: "redirect_uri", Value: redirect}, {Name: "state", Value: state},
	}
	if s.Scopes != "" {
		params = append(params, pair{Name: "scope", Value: s.Scopes})
	}
	u, err := withParams(s.AuthURL, append(params, s.AuthParams...))
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

// Exchange gets the refresh token for the code that came to the callback (RFC 6749, 4.1.3). The access token that
// comes with it is kept for the first run.
func (d *destination) Exchange(ctx context.Context, redirect, code string) (connector.Settings, error) {
	if err := d.authorizable(); err != nil {
		return nil, err
	}
	client, err := d.client(1)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	a, err := d.settings.ask(ctx, client, tokenRequest, url.Values{"grant_type": {grantCode}, "code": {code}, "redirect_uri": {redirect}})
	if err != nil {
		return nil, err
	}
	if a.RefreshToken == "" {
		return nil, fault.New(fault.CodeDestinationAuth, "the provider gives no refresh token").
			WithSuggestion("Ask for one with a scope such as offline_access, or with a parameter of the authorization request.")
	}
	connected := d.settings
	connected.RefreshToken = a.RefreshToken
	next := newTokens(connected, d.tokens.state, d.clock)
	_, err = next.state.Update(ctx, stateKey, func(_ context.Context, old string) (string, error) {
		return next.put(old, next.read(a))
	})
	return connector.Settings{"refreshToken": a.RefreshToken}, err
}

// authorizable reports every setting that keeps a person from allowing the access.
func (d *destination) authorizable() error {
	if d.settings.Auth != authOAuth || d.settings.Grant != grantCode {
		return fault.New(fault.CodeInvalid, "the destination does not use the grant authorization code")
	}
	return d.settings.check().Err()
}
