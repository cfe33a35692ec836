package httprequest

import (
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/oauth"
)

// provider returns how the settings say that tokens are got.
func (s oauthSettings) provider() oauth.Config {
	return oauth.Config{
		Grant:        oauth.Grant(s.Grant),
		AuthURL:      s.AuthURL,
		TokenURL:     s.TokenURL,
		RefreshURL:   s.RefreshURL,
		ClientID:     s.ClientID,
		ClientSecret: s.ClientSecret,
		AuthStyle:    oauth.AuthStyle(s.ClientAuth),
		Scopes:       s.Scopes,
		Username:     s.OwnerUsername,
		Password:     s.OwnerPassword,
		RefreshToken: s.RefreshToken,
		AuthParams:   params(s.AuthParams),
		Token:        oauth.Extra{Headers: params(s.TokenHeaders), Query: params(s.TokenParams), Body: params(s.TokenBody)},
		Refresh:      oauth.Extra{Headers: params(s.RefreshHeaders), Query: params(s.RefreshParams), Body: params(s.RefreshBody)},
		HeaderPrefix: s.HeaderPrefix,
	}
}

func params(pairs []pair) []oauth.Param {
	list := make([]oauth.Param, len(pairs))
	for i, p := range pairs {
		list[i] = oauth.Param{Name: p.Name, Value: p.Value}
	}
	return list
}

// authorizer returns what authorizes requests, besides their headers; nil where nothing does.
func (d *destination) authorizer(client *httpx.Client) httpx.Authorizer {
	if d.tokens == nil {
		return nil
	}
	return d.tokens.Through(client)
}
