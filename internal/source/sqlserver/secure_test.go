package sqlserver

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/sqlserver/sqlservertest"
)

// certificate makes one that signed itself, for a name.
func certificate(t *testing.T, name string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// Req: S-23
func TestEncryption(t *testing.T) {
	t.Parallel()
	pair, ca := certificate(t, "localhost")
	settings, _ := serve(t, sqlservertest.Options{Certificate: &pair})
	settings = with(with(settings, "host", "localhost"), "encryption", "required")
	for _, c := range []struct {
		name     string
		settings connector.Settings
		says     string
		hint     string
	}{
		{"trusted", with(settings, "caCertificate", ca), "", ""},
		{"not checked", with(settings, "trustServerCertificate", true), "", ""},
		{"unknown signer", settings, "x509", "CA certificate"},
		{"other name", with(with(settings, "caCertificate", ca), "host", "127.0.0.1"), "x509", "host name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := openAt(t, Server(), c.settings, connector.Network{}).Test(t.Context())
			switch {
			case c.says == "" && err != nil:
				t.Fatal(err)
			case c.says == "":
			case err == nil:
				t.Error("it connected")
			case !fault.Is(err, fault.CodeSourceUnreachable) || fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(), c.says) || !strings.Contains(fault.As(err).Hint(), c.hint):
				t.Errorf("%v\n%s", err, fault.As(err).Hint())
			}
		})
	}
}

// entra is a token service with one application.
type entra struct {
	*httptest.Server

	secret string
	key    *rsa.PublicKey
	thumb  []byte
	token  string
	asked  atomic.Int64
	refuse string // the body of every answer
}

func startEntra(t *testing.T, e *entra) *entra {
	t.Helper()
	e.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration") {
			answer(t, w, map[string]any{
				"issuer": e.URL + "/tenant-1/v2.0", "token_endpoint": e.URL + "/tenant-1/oauth2/v2.0/token",
				"authorization_endpoint": e.URL + "/tenant-1/oauth2/v2.0/authorize",
			})
			return
		}
		e.asked.Add(1)
		if e.refuse != "" || !e.knows(t, r) {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, e.refuse)
			return
		}
		answer(t, w, map[string]any{"access_token": e.token, "token_type": "Bearer", "expires_in": 3600})
	}))
	t.Cleanup(e.Close)
	return e
}

func answer(t *testing.T, w http.ResponseWriter, body map[string]any) {
	t.Helper()
	if err := json.NewEncoder(w).Encode(body); err != nil {
		t.Error(err)
	}
}

// knows checks what the application shows.
func (e *entra) knows(t *testing.T, r *http.Request) bool {
	if r.FormValue("grant_type") != "client_credentials" || r.FormValue("client_id") != "client-1" || !strings.Contains(r.FormValue("scope"), publicScope) {
		t.Errorf("the token service was asked for %v", r.Form)
	}
	if e.key == nil {
		return r.FormValue("client_secret") == e.secret
	}
	assertion, err := jwt.Parse(r.FormValue("client_assertion"), func(*jwt.Token) (any, error) { return e.key, nil },
		jwt.WithAudience(e.URL+"/tenant-1/oauth2/v2.0/token"), jwt.WithIssuer("client-1"), jwt.WithSubject("client-1"), jwt.WithExpirationRequired(), jwt.WithValidMethods([]string{"RS256"}))
	if err != nil {
		t.Errorf("the assertion: %v", err)
		return false
	}
	return assertion.Header["x5t"] == base64.RawURLEncoding.EncodeToString(e.thumb)
}

// trusting is a source type whose token service is e.
func trusting(info connector.SourceInfo, edition edition, e *entra) connector.SourceInfo {
	info.Open = func(o connector.SourceOptions) (connector.Source, error) {
		return openWarehouse(edition, o, e.Client().Transport)
	}
	return info
}

// principal turns settings with a password into those of a service principal.
func principal(s connector.Settings, e *entra) connector.Settings {
	s = s.WithDefaults(nil)
	delete(s, "user")
	delete(s, "password")
	s["auth"], s["tenantId"], s["clientId"], s["authority"] = "clientSecret", "tenant-1", "client-1", e.URL
	return s
}

// Req: S-25, S-69
func TestConformanceFabric(t *testing.T) {
	t.Parallel()
	e := startEntra(t, &entra{secret: "s3cret-value", token: "token-of-fabric"})
	settings, s := serve(t, sqlservertest.Options{Setup: setup, Token: e.token})
	settings = with(principal(settings, e), "clientSecret", e.secret)
	f := fixture(t, trusting(Fabric(), fabricEdition, e), settings, s)
	f.Failing = []sourcetest.Failing{
		{Name: "port", Settings: with(settings, "port", closedPort(t)), Code: fault.CodeSourceUnreachable, Says: "connection refused"},
		{Name: "database", Settings: with(settings, "database", "nowhere"), Code: fault.CodeSourceUnreachable, Says: `Cannot open database "nowhere"`},
	}
	sourcetest.Run(t, f)
	if n := e.asked.Load(); n == 0 {
		t.Error("no token was asked for")
	}
}

// Req: S-24, S-69
func TestServicePrincipal(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	thumb := sha1.Sum([]byte("the certificate"))
	pkcs1 := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	const expired = `{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys for app 'client-1' are expired.","error_codes":[7000222]}`
	for _, c := range []struct {
		name, says, hint string
		entra            *entra
		set              map[string]string
	}{
		{"secret", "", "", &entra{secret: "s3cret-value"}, map[string]string{"clientSecret": "s3cret-value"}},
		{"certificate", "", "", &entra{key: &key.PublicKey, thumb: thumb[:]}, map[string]string{"auth": "clientCertificate", "thumbprint": strings.ToUpper(hex.EncodeToString(thumb[:])), "privateKey": pkcs1}},
		{"certificate of the other form", "", "", &entra{key: &key.PublicKey, thumb: thumb[:]}, map[string]string{"auth": "clientCertificate", "thumbprint": hex.EncodeToString(thumb[:]), "privateKey": pkcs8 + "\n"}},
		{"expired", "AADSTS7000222", "has expired", &entra{refuse: expired}, map[string]string{"clientSecret": "s3cret-value"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.entra.token = "token-of-synapse"
			e := startEntra(t, c.entra)
			settings, _ := serve(t, sqlservertest.Options{Token: e.token})
			settings = principal(settings, e)
			for name, v := range c.set {
				settings[name] = v
			}
			s := openAt(t, trusting(Synapse(), synapseEdition, e), settings, connector.Network{})
			err := s.Test(t.Context())
			if c.says == "" {
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Test(t.Context()); err != nil || e.asked.Load() != 1 {
					t.Errorf("%d tokens were asked for: %v", e.asked.Load(), err)
				}
				return
			}
			if err == nil || !fault.Is(err, fault.CodeSourceAuth) || !strings.Contains(err.Error(), c.says) || !strings.Contains(fault.As(err).Hint(), c.hint) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%v\n%s", err, fault.As(err).Hint())
			}
		})
	}
}

// Req: S-69
func TestServicePrincipalSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, value, path string }{
		{"thumbprint", "12", "thumbprint"}, {"privateKey", "MIIE", "privateKey"},
		{"privateKey", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "privateKey"},
	} {
		settings := connector.Settings{
			"auth": "clientCertificate", "host": "h", "database": "d", "tenantId": "t", "clientId": "c", "thumbprint": strings.Repeat("a", 40), "privateKey": "x", c.name: c.value,
		}
		_, err := Fabric().Open(connector.SourceOptions{Settings: settings.WithDefaults(Fabric().Fields)})
		if err == nil || c.name == "privateKey" && strings.Contains(err.Error(), c.value) {
			t.Errorf("%s %q: %v", c.name, c.value, err)
		}
	}
}

// openAt opens a source that ends with the test.
func openAt(t *testing.T, info connector.SourceInfo, s connector.Settings, n connector.Network) connector.Source {
	t.Helper()
	source, err := info.Open(connector.SourceOptions{Settings: s.WithDefaults(info.Fields), Network: n})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = source.Close() }) //nolint:errcheck // the test is over
	return source
}

// failure runs a statement that must fail.
func failure(ctx context.Context, t *testing.T, s connector.Source, sql string) *fault.Error {
	t.Helper()
	r, err := s.Query(ctx, connector.Query{SQL: sql})
	if err == nil {
		defer r.Release()
		for r.Next() {
		}
		err = r.Err()
	}
	if err == nil {
		t.Fatalf("%s: it worked", sql)
	}
	return fault.As(err)
}
