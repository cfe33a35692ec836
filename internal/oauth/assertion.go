package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"maps"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/fault"
)

// defaultAssertionLifetime is short: an assertion is used at once, and some providers refuse more than five minutes.
const defaultAssertionLifetime = 3 * time.Minute

// Assertion is a JSON Web Token by which a client says who it is, or on whose behalf it acts (RFC 7523, 3).
type Assertion struct {
	Key       string         // PEM of the private key
	KeyID     string         // how the provider calls the key; empty where it has one only
	Algorithm string         // of RFC 7518, such as PS256; empty means what the key is usually used with
	Issuer    string         // empty means the client ID
	Subject   string         // empty means the issuer, where it shows who the client is, else none
	Audience  string         // empty means the token URL
	Lifetime  time.Duration  // default 3 minutes
	Claims    map[string]any // further ones, such as scope
}

// Google returns the Config of a service account at Google Cloud from the JSON of its key. subject is the person for
// whom it acts by domain-wide delegation, or empty.
// https://developers.google.com/identity/protocols/oauth2/service-account#httprest
func Google(key, subject string, scopes ...string) (Config, error) {
	a, err := cloud.ParseServiceAccount(key)
	if err != nil {
		return Config{}, err
	}
	var more struct {
		KeyID    string `json:"private_key_id"`
		TokenURI string `json:"token_uri"`
	}
	if err := json.Unmarshal([]byte(key), &more); err != nil {
		return Config{}, fault.New(fault.CodeInvalid, "the service account's key is not as Google writes it")
	}
	if more.TokenURI == "" {
		more.TokenURI = "https://oauth2.googleapis.com/token"
	}
	return Config{
		Grant: GrantJWT, TokenURL: more.TokenURI, HeaderPrefix: "Bearer",
		Assertion: &Assertion{
			Key: a.PrivateKey, KeyID: more.KeyID, Issuer: a.ClientEmail, Subject: subject, Lifetime: time.Hour,
			Claims: map[string]any{"scope": strings.Join(scopes, " ")},
		},
	}, nil
}

// assertion signs the Config's assertion.
func (c Config) assertion(now time.Time) (string, error) {
	if c.Assertion == nil {
		return "", badKey("there is no private key to sign the token request with")
	}
	a := *c.Assertion
	if a.Issuer == "" {
		a.Issuer = c.ClientID
	}
	if a.Subject == "" && c.Grant != GrantJWT {
		a.Subject = a.Issuer // RFC 7523, 3: the client itself
	}
	if a.Audience == "" {
		a.Audience = c.TokenURL
	}
	return a.Sign(now)
}

// Sign returns the assertion as of now. Its error is Fatal and says nothing of the key.
func (a Assertion) Sign(now time.Time) (string, error) {
	key, method, err := a.key()
	if err != nil {
		return "", err
	}
	lifetime := a.Lifetime
	if lifetime <= 0 {
		lifetime = defaultAssertionLifetime
	}
	claims := jwt.MapClaims{"iss": a.Issuer, "aud": a.Audience, "iat": now.Unix(), "exp": now.Add(lifetime).Unix(), "jti": rand.Text()}
	if a.Subject != "" {
		claims["sub"] = a.Subject
	}
	maps.Copy(claims, a.Claims)
	unsigned := jwt.NewWithClaims(method, claims)
	if a.KeyID != "" {
		unsigned.Header["kid"] = a.KeyID
	}
	text, err := unsigned.SignedString(key)
	if err != nil {
		return "", badKey("the private key does not fit the algorithm %s", method.Alg())
	}
	return text, nil
}

func badKey(format string, args ...any) error {
	return fault.New(fault.CodeDestinationAuth, format, args...).
		WithSuggestion("Paste the whole private key as PEM, from the line BEGIN to the line END, without a passphrase.")
}

// key reads the private key and chooses the algorithm.
func (a Assertion) key() (crypto.Signer, jwt.SigningMethod, error) {
	text := a.Key
	if !strings.Contains(text, "\n") {
		text = strings.ReplaceAll(text, `\n`, "\n") // copied out of JSON
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, nil, badKey("the private key is not PEM")
	}
	key, err := parseKey(block.Bytes)
	if err != nil {
		return nil, nil, err
	}
	name := a.Algorithm
	if name == "" {
		name = usual(key)
	}
	method := jwt.GetSigningMethod(name)
	if method == nil || strings.HasPrefix(name, "HS") || name == "none" {
		return nil, nil, badKey("no token can be signed with the algorithm %q and this kind of private key", name)
	}
	return key, method, nil
}

// parseKey reads a key in any of the formats that PEM files have.
func parseKey(der []byte) (crypto.Signer, error) {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	return nil, badKey("the private key cannot be read")
}

// usual is the algorithm that a kind of key is usually used with (RFC 7518, 3.1; RFC 8037).
func usual(key crypto.Signer) string {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return jwt.SigningMethodRS256.Alg()
	case *ecdsa.PrivateKey:
		return map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[k.Curve.Params().Name]
	case ed25519.PrivateKey:
		return jwt.SigningMethodEdDSA.Alg()
	}
	return ""
}
