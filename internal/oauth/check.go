package oauth

import (
	"net/url"

	"github.com/millrace/millrace/internal/fault"
)

// Check reports everything about a Config that cannot work, except that nobody has allowed the access yet. The paths of
// the issues are the names of the Config's fields, beginning in lower case.
func (c Config) Check() error {
	var issues fault.Issues
	checkAddress("tokenURL", c.TokenURL, true, &issues)
	checkAddress("refreshURL", c.RefreshURL, false, &issues)
	require := func(field, value string) {
		if value == "" {
			issues.Add(field, fault.CodeRequired, "%s is required", field)
		}
	}
	switch c.Grant {
	case GrantCode:
		checkAddress("authURL", c.AuthURL, true, &issues)
		require("clientID", c.ClientID)
	case GrantClient:
		if c.ClientID != "" && c.AuthStyle != AuthAssertion {
			require("clientSecret", c.ClientSecret)
		}
	case GrantPassword:
		require("username", c.Username)
		require("password", c.Password)
	case GrantJWT:
	default:
		issues.Add("grant", fault.CodeInvalid, "there is no grant %q", c.Grant)
	}
	switch c.AuthStyle {
	case "", AuthHeader, AuthBody:
	case AuthAssertion:
		if c.Assertion == nil || c.Assertion.Issuer == "" {
			require("clientID", c.ClientID)
		}
	default:
		issues.Add("authStyle", fault.CodeInvalid, "there is no client authentication %q", c.AuthStyle)
	}
	if c.Grant == GrantJWT || c.AuthStyle == AuthAssertion {
		c.checkAssertion(&issues)
	}
	return issues.Err()
}

func (c Config) checkAssertion(issues *fault.Issues) {
	if c.Assertion == nil {
		issues.Add("assertion", fault.CodeRequired, "a private key is required")
		return
	}
	if _, _, err := c.Assertion.key(); err != nil {
		e := *fault.As(err)
		e.Code, e.Class = fault.CodeInvalid, fault.CodeInvalid.Info().Class
		*issues = append(*issues, e.WithPath("assertion"))
	}
}

func checkAddress(path, text string, required bool, issues *fault.Issues) {
	if text == "" && !required {
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		issues.Add(path, fault.CodeInvalid, "an address such as https://auth.example.com/oauth/token is needed")
	}
}
