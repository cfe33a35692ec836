package oauth

import (
	"net/url"
	"strings"
)

// App is an application that somebody registered at a provider, and what a person allowed it: the settings of
// connector.AuthorizeFields.
type App struct {
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
	RefreshToken string `json:"refreshToken"`
}

// GoogleUser returns the Config for the access of a person's Google account. base takes the place of Google's service of
// tokens where it is not empty. Consent is asked for each time: otherwise Google gives a refresh token once only.
// https://developers.google.com/identity/protocols/oauth2/web-server
func GoogleUser(app App, base string, scopes ...string) Config {
	c := app.config(scopes)
	c.AuthURL, c.TokenURL = "https://accounts.google.com/o/oauth2/v2/auth", "https://oauth2.googleapis.com/token"
	if base != "" {
		c.TokenURL = strings.TrimRight(base, "/") + "/token"
	}
	c.AuthParams = []Param{{"access_type", "offline"}, {"prompt", "consent"}}
	return c
}

// MicrosoftUser returns the Config for the access of a person's Microsoft account. tenant is the directory's ID or
// domain, or "organizations" for all; authority takes the place of Microsoft's public cloud where it is not empty.
// https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow
func MicrosoftUser(app App, authority, tenant string, scopes ...string) Config {
	if authority == "" {
		authority = "https://login.microsoftonline.com"
	}
	base := strings.TrimRight(authority, "/") + "/" + url.PathEscape(tenant) + "/oauth2/v2.0/"
	c := app.config(append([]string{"offline_access"}, scopes...))
	c.AuthURL, c.TokenURL = base+"authorize", base+"token"
	return c
}

func (a App) config(scopes []string) Config {
	return Config{
		Grant: GrantCode, AuthStyle: AuthBody, PKCE: true, Scopes: strings.Join(scopes, " "), HeaderPrefix: "Bearer",
		ClientID: a.ClientID, ClientSecret: a.ClientSecret, RefreshToken: a.RefreshToken,
	}
}
