package sqlserver

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azurecloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/golang-jwt/jwt/v5"
	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/fault"
)

const (
	// publicScope is what a token for SQL is asked for in Microsoft's public cloud:
	// https://learn.microsoft.com/en-us/sql/connect/ado-net/sql/azure-active-directory-authentication
	publicScope     = "https://database.windows.net/.default"
	publicAuthority = "https://login.microsoftonline.com"
)

// tokens returns how a service principal gets its tokens, or nil where somebody else signs in. It connects to nothing.
func (s settings) tokens(transport http.RoundTripper) (func(ctx context.Context) (string, error), error) {
	if s.Auth != authSecret && s.Auth != authCertificate {
		return nil, nil //nolint:nilnil // no token is needed
	}
	credential, err := s.credential(&http.Client{Transport: transport})
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeInvalid, "the service principal cannot sign in like this")
	}
	scope := s.TokenScope
	if scope == "" {
		scope = publicScope
	}
	return func(ctx context.Context) (string, error) {
		t, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
		if err != nil {
			return "", explainToken(err)
		}
		return t.Token, nil
	}, nil
}

func (s settings) credential(client *http.Client) (azcore.TokenCredential, error) {
	if s.Auth == authSecret {
		return cloud.Azure{TenantID: s.TenantID, ClientID: s.ClientID, ClientSecret: s.ClientSecret, Authority: s.Authority}.Token(client)
	}
	key, err := parseKey(s.PrivateKey)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeInvalid, "reading the private key").WithPath("privateKey")
	}
	thumbprint, err := parseThumbprint(s.Thumbprint)
	if err != nil {
		return nil, err
	}
	o := azidentity.ClientAssertionCredentialOptions{ClientOptions: azcore.ClientOptions{Transport: client}, DisableInstanceDiscovery: s.Authority != ""}
	authority := publicAuthority
	if s.Authority != "" {
		authority = strings.TrimSuffix(s.Authority, "/")
		o.Cloud = azurecloud.Configuration{ActiveDirectoryAuthorityHost: s.Authority}
	}
	audience := authority + "/" + s.TenantID + "/oauth2/v2.0/token"
	assertion := func(context.Context) (string, error) { return assert(s.ClientID, audience, thumbprint, key) }
	return azidentity.NewClientAssertionCredential(s.TenantID, s.ClientID, assertion, &o)
}

// assertionLife is how long an assertion is good for; a new one is made for each token.
const assertionLife = 10 * time.Minute

// assert signs what proves that the application holds the certificate's key:
// https://learn.microsoft.com/en-us/entra/identity-platform/certificate-credentials
func assert(clientID, audience string, thumbprint []byte, key *rsa.PrivateKey) (string, error) {
	now := time.Now()
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.RegisteredClaims{
		Issuer: clientID, Subject: clientID, Audience: jwt.ClaimStrings{audience}, ID: rand.Text(),
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now.Add(-time.Minute)), ExpiresAt: jwt.NewNumericDate(now.Add(assertionLife)),
	})
	t.Header["x5t"] = base64.RawURLEncoding.EncodeToString(thumbprint)
	return t.SignedString(key)
}

// parseKey reads an RSA key in PEM, of either form.
func parseKey(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(strings.TrimSpace(text)))
	for rest := []byte(text); block != nil && !strings.HasSuffix(block.Type, "PRIVATE KEY"); {
		block, rest = pem.Decode(rest)
	}
	if block == nil {
		return nil, errors.New("it holds no private key in PEM: the lines BEGIN PRIVATE KEY and END PRIVATE KEY belong to it")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	var key crypto.PrivateKey
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("it cannot be read; a key with a password is not understood")
	}
	if rsaKey, ok := key.(*rsa.PrivateKey); ok {
		return rsaKey, nil
	}
	return nil, errors.New("it is no RSA key")
}

// parseThumbprint reads the SHA-1 of a certificate in hexadecimal digits, as people copy it.
func parseThumbprint(text string) ([]byte, error) {
	clean := strings.NewReplacer(":", "", " ", "", "\u200e", "").Replace(text)
	b, err := hex.DecodeString(clean)
	if err != nil || len(b) != 20 {
		return nil, fault.New(fault.CodeInvalid, "a thumbprint has 40 hexadecimal digits").WithPath("thumbprint")
	}
	return b, nil
}

// entraHints say what to do about an error of the token service:
// https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes
var entraHints = map[string]string{
	"AADSTS7000215": "The client secret is wrong: enter the secret's value, not its ID.",
	"AADSTS7000222": "The client secret has expired: make a new one for the application in Microsoft Entra and enter it here.",
	"AADSTS700016":  "The client ID is wrong, or the application belongs to another tenant.",
	"AADSTS700027":  "The certificate is not that of the application, or has expired: upload it in Microsoft Entra, and enter its thumbprint and key here.",
	"AADSTS90002":   "The tenant ID is wrong.",
	"AADSTS900023":  "The tenant ID is wrong.",
	"AADSTS500011":  "The token scope is wrong for this cloud.",
	"AADSTS7000112": "The application is disabled in Microsoft Entra.",
}

var (
	entraCode = regexp.MustCompile(`AADSTS\d+`)
	// entraWords are the service's own, which the library puts among the lines of an HTTP answer.
	entraWords = regexp.MustCompile(`"error_description": ?"((?:[^"\\]|\\.)*)"`)
)

// explainToken gives an error of the token service its code, in the service's own words.
func explainToken(err error) error {
	failed, ok := errors.AsType[*azidentity.AuthenticationFailedError](err)
	if !ok || failed.RawResponse == nil {
		return fault.Wrap(err, fault.CodeSourceUnreachable, "getting a token from Microsoft Entra").
			WithSuggestion("This server must reach the token service, %s unless the source says otherwise.", publicAuthority)
	}
	text, cause := err.Error(), err
	if m := entraWords.FindStringSubmatch(text); m != nil {
		cause = errors.New(m[1])
	}
	f := fault.Wrap(cause, fault.CodeSourceAuth, "getting a token from Microsoft Entra")
	if hint := entraHints[entraCode.FindString(text)]; hint != "" {
		return f.WithSuggestion("%s", hint)
	}
	return f.WithSuggestion("Check the tenant, the client and its secret or certificate.")
}
