package cloud

import (
	"encoding/json"

	"context"
	"net/http"

	"github.com/millrace/millrace/internal/fault"
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

// ServiceAccount is what the key of a service account says about it.
type ServiceAccount struct {
	Type        string `json:"type"`
	ProjectID   string `json:"project_id"`
	ClientID    string `json:"client_id"`
	ClientEmail string `json:"client_email"`
	PrivateKey  string `json:"private_key"`
}

// ParseServiceAccount reads the JSON of a service account's key. Of the kinds of credential files only this one is
// taken: the others tell the server to read files or ask addresses of their author's choice.
func ParseServiceAccount(key string) (ServiceAccount, error) {
	var a ServiceAccount
	if err := json.Unmarshal([]byte(key), &a); err != nil {
		return a, fault.New(fault.CodeInvalid, "the service account's key is not JSON").
			WithSuggestion("Create a key of the type JSON for the service account, and paste the whole file. P12 keys do not work.")
	}
	if a.Type != "service_account" || a.ClientEmail == "" || a.PrivateKey == "" {
		return a, fault.New(fault.CodeInvalid, "this is not the key of a service account").
			WithSuggestion("The file says \"type\": \"service_account\" and has a client_email and a private_key.")
	}
	return a, nil
}
