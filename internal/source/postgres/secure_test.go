package postgres

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"maps"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/test/services"
)

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	a := authority{}
	a.certificate = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.key = newKey(t)
	a.pem = a.sign(t, a.certificate, a.key)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a authority) sign(t *testing.T, c *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// issue returns a certificate and its key.
func (a authority) issue(t *testing.T, name string) (certificate, key []byte) {
	t.Helper()
	k := newKey(t)
	certificate = a.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IPAddresses: []net.IP{},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, k)
	der, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return certificate, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}

// Req: S-03, S-05, S-15
func TestEncryptionAndPasswords(t *testing.T) {
	t.Parallel()
	ours, other := newAuthority(t, "ours"), newAuthority(t, "other")
	certificate, key := ours.issue(t, "localhost")
	clientCertificate, clientKey := ours.issue(t, "postgres")
	const password = "correct horse '\\ battery"
	port := services.SecurePostgres(t, services.Secure{Password: password, Certificate: certificate, Key: key, ClientCA: ours.pem})
	base := connector.Settings{"host": "localhost", "port": port, "database": "postgres", "user": "postgres", "password": password}
	for _, c := range []struct {
		name    string
		change  connector.Settings
		code    fault.Code // empty: it works
		says    string
		suggest string
	}{
		{name: "default"},
		{name: "require", change: connector.Settings{"sslMode": "require"}},
		{name: "verify-ca", change: connector.Settings{"sslMode": "verify-ca", "caCertificate": string(ours.pem)}},
		{name: "verify-ca under another name", change: connector.Settings{"sslMode": "verify-ca", "caCertificate": string(ours.pem), "host": "127.0.0.1"}},
		{name: "verify-full", change: connector.Settings{"sslMode": "verify-full", "caCertificate": string(ours.pem)}},
		{name: "client certificate", change: connector.Settings{"database": "certified", "clientCertificate": string(clientCertificate), "clientKey": string(clientKey)}},
		{"verify-full under another name", connector.Settings{"sslMode": "verify-full", "caCertificate": string(ours.pem), "host": "127.0.0.1"}, fault.CodeSourceUnreachable, "127.0.0.1", "host name"},
		{"verify-ca of another", connector.Settings{"sslMode": "verify-ca", "caCertificate": string(other.pem)}, fault.CodeSourceUnreachable, "unknown authority", "CA certificate"},
		{"verify-full of another", connector.Settings{"sslMode": "verify-full", "caCertificate": string(other.pem)}, fault.CodeSourceUnreachable, "unknown authority", "CA certificate"},
		{"verify-full of the machine's", connector.Settings{"sslMode": "verify-full"}, fault.CodeSourceUnreachable, "unknown authority", "CA certificate"},
		{"none", connector.Settings{"sslMode": "disable"}, fault.CodeSourceAuth, "no encryption", ""},
		{"wrong password", connector.Settings{"password": "wrong horse"}, fault.CodeSourceAuth, `password authentication failed for user "postgres"`, ""},
		{"no password", connector.Settings{"password": ""}, fault.CodeSourceAuth, "", ""},
		{"no client certificate", connector.Settings{"database": "certified", "sslMode": "require"}, fault.CodeSourceAuth, "valid client certificate", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := base.WithDefaults(nil)
			maps.Copy(s, c.change)
			err := openAt(t, s).Test(t.Context())
			if c.code == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) || !strings.Contains(fault.As(err).Hint(), c.suggest) {
				t.Errorf("code %s: %v\n%s", fault.As(err).Code, err, fault.As(err).Hint())
			}
			if strings.Contains(err.Error(), password) || strings.Contains(err.Error(), "horse") {
				t.Errorf("the password is shown: %v", err)
			}
			if fault.ClassOf(err) != fault.Fatal {
				t.Errorf("it would be tried again: %s", fault.ClassOf(err))
			}
		})
	}
}

func TestBadSettings(t *testing.T) {
	t.Parallel()
	for path, change := range map[string]connector.Settings{
		"caCertificate":     {"sslMode": "verify-full", "caCertificate": "no PEM"},
		"clientCertificate": {"clientCertificate": "no PEM", "clientKey": "sekret"},
		"sslMode":           {"sslMode": "sometimes"},
		"":                  {"port": "many"},
	} {
		_, err := Info().Open(connector.SourceOptions{Settings: change})
		if !fault.Is(err, fault.CodeInvalid) || fault.As(err).Path != path || strings.Contains(err.Error(), "sekret") {
			t.Errorf("%v: %v at %q", change, err, fault.As(err).Path)
		}
	}
}
