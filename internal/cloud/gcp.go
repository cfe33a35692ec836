package cloud

import (
	"context"
	"net/http"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
)

// GCP is an identity at Google Cloud: the key of a service account, or the server's own identity.
type GCP struct {
	Auth              string `json:"auth"`              // "key" or AuthServer
	ServiceAccountKey string `json:"serviceAccountKey"` // the JSON file
}

// TokenSource returns access tokens for the scopes, which client fetches from the address that the key names
// (token_uri). It connects to nothing by itself.
func (g GCP) TokenSource(ctx context.Context, client *http.Client, scopes ...string) (oauth2.TokenSource, error) {
	ctx = context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, client)
	if g.Auth == AuthServer {
		return google.DefaultTokenSource(ctx, scopes...)
	}
	c, err := google.JWTConfigFromJSON([]byte(g.ServiceAccountKey), scopes...)
	if err != nil {
		return nil, err
	}
	return c.TokenSource(ctx), nil
}
