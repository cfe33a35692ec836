package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/fault"
)

// pkcs8 writes a key as PEM files have it.
func pkcs8(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func rsaKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func number(t *testing.T, text string) *big.Int {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return new(big.Int).SetBytes(raw)
}

// TestPublishedSignature: the example of RS256 in RFC 7515, A.2.
func TestPublishedSignature(t *testing.T) {
	t.Parallel()
	n := number(t, "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ")
	d := number(t, "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ")
	p := number(t, "4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc")
	published := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: 65537}, D: d, Primes: []*big.Int{p, new(big.Int).Div(n, p)}}
	published.Precompute()
	pkcs1 := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(published)}))
	for name, text := range map[string]string{"PKCS #8": pkcs8(t, published), "PKCS #1": pkcs1, "out of JSON": strings.ReplaceAll(pkcs1, "\n", `\n`)} {
		key, method, err := Assertion{Key: text}.key()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := method.Sign("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ", key)
		const want = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
		if err != nil || base64.RawURLEncoding.EncodeToString(got) != want {
			t.Errorf("%s: got %x, %v", name, got, err)
		}
	}
}

// read checks an assertion's signature and returns its header and claims as text, without its number.
func read(t *testing.T, text string, key crypto.PublicKey, now time.Time) string {
	t.Helper()
	claims := jwt.MapClaims{}
	parsed, err := jwt.ParseWithClaims(text, claims, func(*jwt.Token) (any, error) { return key, nil }, jwt.WithTimeFunc(func() time.Time { return now }))
	if err != nil {
		t.Errorf("the assertion is not good: %v", err)
		return ""
	}
	if id, _ := claims["jti"].(string); len(id) < 20 {
		t.Errorf("the assertion's number is %q", id)
	}
	delete(claims, "jti")
	var list []string
	for _, m := range []map[string]any{parsed.Header, claims} {
		for _, name := range slices.Sorted(maps.Keys(m)) {
			v, err := json.Marshal(m[name])
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, name+"="+strings.Trim(string(v), `"`))
		}
	}
	return strings.Join(list, " ")
}

// TestBearerAssertions: what providers get that let a key stand for a person or a service.
//
//   - Google: https://developers.google.com/identity/protocols/oauth2/service-account#httprest
//   - Salesforce: https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_jwt_flow.htm
func TestBearerAssertions(t *testing.T) {
	t.Parallel()
	key, now := rsaKey(t), clock.NewManual(day)
	p := newProvider(t)
	file, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "robot@project.iam.gserviceaccount.com", "private_key": pkcs8(t, key), "private_key_id": "key-1", "token_uri": p.URL + "/token",
	})
	if err != nil {
		t.Fatal(err)
	}
	google, err := Google(string(file), "", "https://www.googleapis.com/auth/adwords", "https://www.googleapis.com/auth/datamanager")
	if err != nil {
		t.Fatal(err)
	}
	delegated, err := Google(string(file), "ada@example.com", "scope")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		config Config
		want   string
	}{
		"Google":               {google, "alg=RS256 kid=key-1 typ=JWT aud=TOKEN exp=1767229200 iat=1767225600 iss=robot@project.iam.gserviceaccount.com scope=https://www.googleapis.com/auth/adwords https://www.googleapis.com/auth/datamanager"},
		"Google, for a person": {delegated, "alg=RS256 kid=key-1 typ=JWT aud=TOKEN exp=1767229200 iat=1767225600 iss=robot@project.iam.gserviceaccount.com scope=scope sub=ada@example.com"},
		"Salesforce": {
			Config{
				Grant: GrantJWT, TokenURL: p.URL + "/token", HeaderPrefix: "Bearer",
				Assertion: &Assertion{Key: pkcs8(t, key), Issuer: "consumer-key", Subject: "ada@example.com", Audience: "https://login.salesforce.com"},
			}, "alg=RS256 typ=JWT aud=https://login.salesforce.com exp=1767225780 iat=1767225600 iss=consumer-key sub=ada@example.com",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			c.config.TokenURL = p.URL + "/token"
			want := strings.ReplaceAll(c.want, "TOKEN", c.config.TokenURL)
			k := New(c.config, Options{Clock: now})
			for range 2 {
				if err := p.works(t, k); err != nil {
					t.Fatal(err)
				}
			}
			form := p.asked[0]
			if got := read(t, form.Get("assertion"), &key.PublicKey, day); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || len(form) != 2 || p.heads[0].Get("Authorization") != "" || len(p.asked) != 1 {
				t.Errorf("asked %d times, with %v %v", len(p.asked), form, p.heads[0])
			}
		})
	}
	if google.TokenURL != p.URL+"/token" {
		t.Errorf("the key's own address is not used: %s", google.TokenURL)
	}
}

// TestClientAssertions: a key instead of a client secret, with each kind of key.
func TestClientAssertions(t *testing.T) {
	t.Parallel()
	ec := func(c elliptic.Curve) *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r, p256, p384, p521 := rsaKey(t), ec(elliptic.P256()), ec(elliptic.P384()), ec(elliptic.P521())
	sec1, err := x509.MarshalECPrivateKey(p256)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		assertion Assertion
		key       crypto.PublicKey
		algorithm string
	}{
		"RSA":         {Assertion{Key: pkcs8(t, r)}, &r.PublicKey, "RS256"},
		"RSA-PSS":     {Assertion{Key: pkcs8(t, r), Algorithm: "PS256"}, &r.PublicKey, "PS256"},
		"P-256":       {Assertion{Key: pkcs8(t, p256)}, &p256.PublicKey, "ES256"},
		"P-256, SEC1": {Assertion{Key: string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1}))}, &p256.PublicKey, "ES256"},
		"P-384":       {Assertion{Key: pkcs8(t, p384)}, &p384.PublicKey, "ES384"},
		"P-521":       {Assertion{Key: pkcs8(t, p521)}, &p521.PublicKey, "ES512"},
		"Ed25519":     {Assertion{Key: pkcs8(t, private)}, public, "EdDSA"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			c.assertion.Claims, c.assertion.KeyID, c.assertion.Lifetime = map[string]any{"scope": []string{"rest_webservices"}}, "certificate-1", time.Hour
			k := New(Config{
				Grant: GrantClient, TokenURL: p.URL + "/token", ClientID: "client id", ClientSecret: "unused", AuthStyle: AuthAssertion, Assertion: &c.assertion,
			}, Options{Clock: clock.NewManual(day)})
			if err := p.works(t, k); err != nil {
				t.Fatal(err)
			}
			form := p.asked[0]
			want := fmt.Sprintf(`alg=%s kid=certificate-1 typ=JWT aud=%s/token exp=1767229200 iat=1767225600 iss=client id scope=["rest_webservices"] sub=client id`, c.algorithm, p.URL)
			if got := read(t, form.Get("client_assertion"), c.key, day); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			form.Del("client_assertion")
			if got := form.Encode(); got != "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_id=client+id&grant_type=client_credentials" {
				t.Errorf("asked with %s", got)
			}
		})
	}
}

// TestAssertionAlone: a provider that wants to hear of the client from the assertion only, as NetSuite's pages show it.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_162755359851.html
func TestAssertionAlone(t *testing.T) {
	t.Parallel()
	p, key := newProvider(t), rsaKey(t)
	k := New(Config{
		Grant: GrantClient, TokenURL: p.URL + "/token", AuthStyle: AuthAssertion,
		Assertion: &Assertion{Key: pkcs8(t, key), Algorithm: "PS256", Issuer: "client id", KeyID: "certificate-1"},
	}, Options{Clock: clock.NewManual(day)})
	if err := p.works(t, k); err != nil {
		t.Fatal(err)
	}
	if got := p.asked[0]; len(got) != 3 || got.Has("client_id") || !strings.Contains(read(t, got.Get("client_assertion"), &key.PublicKey, day), "iss=client id") {
		t.Errorf("asked with %v", got)
	}
}

// TestBadKeys: a key that cannot sign ends the run, and no error repeats it.
func TestBadKeys(t *testing.T) {
	t.Parallel()
	good := pkcs8(t, rsaKey(t))
	for name, c := range map[string]struct {
		assertion *Assertion
		says      string
	}{
		"none":           {nil, "no private key"},
		"no PEM":         {&Assertion{Key: "c2VjcmV0LWtleQ=="}, "not PEM"},
		"a certificate":  {&Assertion{Key: "-----BEGIN CERTIFICATE-----\nc2VjcmV0LWtleQ==\n-----END CERTIFICATE-----\n"}, "cannot be read"},
		"another kind":   {&Assertion{Key: good, Algorithm: "ES256"}, "does not fit"},
		"unknown":        {&Assertion{Key: good, Algorithm: "RS1"}, `"RS1"`},
		"shared secrets": {&Assertion{Key: good, Algorithm: "HS256"}, `"HS256"`},
		"no signature":   {&Assertion{Key: good, Algorithm: "none"}, `"none"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			for _, config := range []Config{{Grant: GrantJWT}, {Grant: GrantClient, ClientID: "c", AuthStyle: AuthAssertion}} {
				config.TokenURL, config.Assertion = p.URL+"/token", c.assertion
				err := p.works(t, New(config, Options{}))
				if !fault.Is(err, fault.CodeDestinationAuth) || fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "c2VjcmV0") {
					t.Errorf("got %v", err)
				}
			}
			if len(p.asked) != 0 {
				t.Error("the provider was asked")
			}
		})
	}
	for _, text := range []string{"", "{}", `{"type":"authorized_user","client_id":"x"}`, `{"type":"service_account","client_email":"a","private_key":"b","token_uri":1}`} {
		if _, err := Google(text, ""); !fault.Is(err, fault.CodeInvalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if c, err := Google(`{"type":"service_account","client_email":"a","private_key":"b"}`, ""); err != nil || c.TokenURL != "https://oauth2.googleapis.com/token" {
		t.Errorf("got %v, %v", c.TokenURL, err)
	}
}

// TestRefusedAssertion: a provider that knows the key no more ends the run without repeating the assertion.
func TestRefusedAssertion(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.fail = func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":"invalid_grant","error_description":"not approved: %s"}`, r.PostForm.Get("assertion"))
	}
	c := Config{Grant: GrantJWT, TokenURL: p.URL + "/token", Assertion: &Assertion{Key: pkcs8(t, rsaKey(t)), Issuer: "me"}}
	err := p.works(t, New(c, Options{}))
	if !fault.Is(err, fault.CodeDestinationAuth) || !strings.Contains(err.Error(), "not approved") || strings.Contains(err.Error(), "eyJ") {
		t.Errorf("got %v", err)
	}
}
