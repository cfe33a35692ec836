package httprequest

import (
	"context"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// AuthorizeURL returns the address at which a person allows the access. redirect is the server's callback, and state
// comes back to it.
func (d *destination) AuthorizeURL(redirect, state string) (string, error) {
	if err := d.authorizable(); err != nil {
		return "", err
	}
	return d.tokens.AuthorizeURL(context.Background(), redirect, state)
}

// Exchange gets the refresh token for the code that came to the callback.
func (d *destination) Exchange(ctx context.Context, redirect, code string) (connector.Settings, error) {
	if err := d.authorizable(); err != nil {
		return nil, err
	}
	client, err := d.client(1)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	a, err := d.tokens.Exchange(ctx, client, redirect, code)
	if err != nil {
		return nil, err
	}
	return connector.Settings{"refreshToken": a.Refresh}, nil
}

// authorizable reports every setting that keeps a person from allowing the access.
func (d *destination) authorizable() error {
	if d.settings.Auth != authOAuth || d.settings.Grant != grantCode {
		return fault.New(fault.CodeInvalid, "the destination does not use the grant authorization code")
	}
	return d.settings.check().Err()
}
