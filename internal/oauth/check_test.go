package oauth

import (
	"errors"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/fault"
)

// TestCheck: what cannot work is known before a provider is asked.
func TestCheck(t *testing.T) {
	t.Parallel()
	const token = "https://auth.example.com/token"
	key := pkcs8(t, rsaKey(t))
	for name, c := range map[string]struct {
		config Config
		want   string
	}{
		"client":              {Config{Grant: GrantClient, TokenURL: token, ClientID: "c", ClientSecret: "s"}, ""},
		"client with a key":   {Config{Grant: GrantClient, TokenURL: token, ClientID: "c", AuthStyle: AuthAssertion, Assertion: &Assertion{Key: key}}, ""},
		"client of a key":     {Config{Grant: GrantClient, TokenURL: token, AuthStyle: AuthAssertion, Assertion: &Assertion{Key: key, Issuer: "c"}}, ""},
		"client in a header":  {Config{Grant: GrantClient, TokenURL: token}, ""},
		"code":                {Config{Grant: GrantCode, TokenURL: token, AuthURL: token, ClientID: "c", AuthStyle: AuthBody}, ""},
		"password":            {Config{Grant: GrantPassword, TokenURL: token, Username: "u", Password: "p"}, ""},
		"assertion":           {Config{Grant: GrantJWT, TokenURL: token, Assertion: &Assertion{Key: key}}, ""},
		"nothing":             {Config{}, "tokenURL grant"},
		"no secret":           {Config{Grant: GrantClient, TokenURL: token, ClientID: "c"}, "clientSecret"},
		"no key":              {Config{Grant: GrantClient, TokenURL: token, AuthStyle: AuthAssertion}, "clientID assertion"},
		"code without a page": {Config{Grant: GrantCode, TokenURL: "ftp://auth.example.com", RefreshURL: "x"}, "tokenURL refreshURL authURL clientID"},
		"no password":         {Config{Grant: GrantPassword, TokenURL: token}, "username password"},
		"a bad key":           {Config{Grant: GrantJWT, TokenURL: token, Assertion: &Assertion{Key: "x"}}, "assertion"},
		"unknown":             {Config{Grant: "implicit", TokenURL: token, AuthStyle: "tls"}, "grant authStyle"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var paths []string
			if issues, ok := errors.AsType[fault.Issues](c.config.Check()); ok {
				for _, i := range issues {
					paths = append(paths, i.Path)
				}
			}
			if got := strings.Join(paths, " "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
