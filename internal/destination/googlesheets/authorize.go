package googlesheets

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// authorizer returns what lets requests in.
func (a *api) authorizer() httpx.Authorizer {
	if a.person != nil {
		return a.person.Through(a.client)
	}
	return account{a}
}

// account lets requests of a service account in.
type account struct{ *api }

// Authorize adds the access token, which is renewed before it expires.
func (a account) Authorize(_ context.Context, r *httpx.Request) error {
	token, err := a.tokens.Token()
	if err != nil {
		return a.tokenFault(err)
	}
	r.Header = maps.Clone(r.Header)
	r.Header.Set("Authorization", "Bearer "+token.AccessToken)
	r.Secrets = append(slices.Clip(r.Secrets), token.AccessToken)
	return nil
}

// Refused forgets an access token that Google does not accept.
func (a account) Refused(r *httpx.Request, resp *httpx.Response) bool {
	if resp.Status != http.StatusUnauthorized {
		return false
	}
	a.tokens.Refuse(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	return true
}

// AuthorizeURL returns Google's page where a person allows the access.
func (d *destination) AuthorizeURL(redirect, state string) (string, error) {
	if err := d.authorizable(); err != nil {
		return "", err
	}
	return d.api.person.AuthorizeURL(context.Background(), redirect, state)
}

// Exchange gets the refresh token for the code that came to the callback.
func (d *destination) Exchange(ctx context.Context, redirect, code string) (connector.Settings, error) {
	if err := d.authorizable(); err != nil {
		return nil, err
	}
	a, err := d.api.person.Exchange(ctx, d.api.client, redirect, code)
	if err != nil {
		return nil, err
	}
	return connector.Settings{"refreshToken": a.Refresh}, nil
}

// authorizable reports every setting that keeps a person from allowing the access.
func (d *destination) authorizable() error {
	if d.settings.Access != byPerson {
		return fault.New(fault.CodeInvalid, "the destination uses a service account: nobody has to allow the access").
			WithPath("spec.configuration.access")
	}
	return d.settings.check().Err()
}
