// Package cloudtest stands in for the token services of clouds.
package cloudtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Token is the access token that services of this package issue.
const Token = "very-secret-access-token"

// privateKey is made once: it takes long, and no test looks at it.
var privateKey = sync.OnceValues(func() (string, error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), err
})

// Email is the address of every service account of this package.
const Email = "millrace@acme.iam.gserviceaccount.com"

// GCP is the configuration of a credential: a service account whose tokens come from a server that answers with the
// status. https://developers.google.com/identity/protocols/oauth2/service-account#httprest
func GCP(t testing.TB, status int) map[string]any {
	t.Helper()
	return gcp(t, func(w http.ResponseWriter) {
		if status != http.StatusOK {
			w.WriteHeader(status)
			fmt.Fprint(w, `{"error":"invalid_grant","error_description":"Invalid JWT Signature."}`)
			return
		}
		fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, Token)
	})
}

// Issuer is a token service whose tokens all differ, and of which the last one alone is accepted.
type Issuer struct {
	Lifetime int // of a token, in seconds

	mu      sync.Mutex
	issued  int
	last    string // the token that is accepted; empty: none
	revoked bool   // no further one will be
}

// NewIssuer returns the configuration of a credential, and who issues its tokens.
func NewIssuer(t testing.TB) (map[string]any, *Issuer) {
	t.Helper()
	i := &Issuer{Lifetime: 3600}
	return gcp(t, func(w http.ResponseWriter) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.issued++
		token := fmt.Sprintf("%s-%d", Token, i.issued)
		if !i.revoked {
			i.last = token
		}
		fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":%d}`, token, i.Lifetime)
	}), i
}

// Issued is how many tokens there were.
func (i *Issuer) Issued() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.issued
}

// Revoke takes all tokens back. Those that are issued from then on are accepted, unless never.
func (i *Issuer) Revoke(never bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.last, i.revoked = "", never
}

// Accepts reports whether an Authorization header has the last token.
func (i *Issuer) Accepts(header string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.last != "" && header == "Bearer "+i.last
}

func gcp(t testing.TB, issue func(w http.ResponseWriter)) map[string]any {
	t.Helper()
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.PostFormValue("assertion") == "" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_request"}`)
			return
		}
		issue(w)
	}))
	t.Cleanup(tokens.Close)
	private, err := privateKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "acme", "client_email": Email, "private_key_id": "1",
		"private_key": private, "token_uri": tokens.URL,
	})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"auth": "key", "serviceAccountKey": string(key)}
}
