package mysql_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"maps"
	"math/big"
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
	pem         string
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	a := authority{key: newKey(t)}
	a.certificate = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
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

func (a authority) sign(t *testing.T, c *x509.Certificate, key *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// issue returns a certificate and its key.
func (a authority) issue(t *testing.T, name string) (certificate, key string) {
	t.Helper()
	k := newKey(t)
	certificate = a.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, k)
	der, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return certificate, string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
}

const hardPassword = "correct horse '\\ battery"

// TestEncryption proves what each mode believes, on a real server that is encrypted, and that rows go there by LOAD DATA
// as well.
//
// Req: S-03, S-20, S-66
func TestEncryption(t *testing.T) {
	t.Parallel()
	ours, other := newAuthority(t, "ours"), newAuthority(t, "other")
	certificate, key := ours.issue(t, "localhost")
	server := services.MariaDBOfItsOwn(t, map[string]string{"server.crt": certificate, "server.key": key, "ca.crt": ours.pem},
		"--ssl-cert=server.crt", "--ssl-key=server.key", "--ssl-ca=ca.crt")
	admin := worldAt(t, server.DSN())
	admin.exec(t, "CREATE DATABASE shop; CREATE TABLE shop.things (id int PRIMARY KEY, a mediumtext); CREATE USER writer@'%' IDENTIFIED BY '"+strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(hardPassword)+"' REQUIRE SSL; GRANT ALL ON shop.* TO writer@'%'; CREATE USER certified@'%' REQUIRE X509; GRANT ALL ON shop.* TO certified@'%'")
	clientCertificate, clientKey := ours.issue(t, "client")
	base := connector.Settings{"host": "localhost", "port": float64(server.Port), "database": "shop", "user": "writer", "password": hardPassword, "sslMode": "require"}
	for _, c := range []struct {
		name    string
		change  connector.Settings
		code    fault.Code
		says    string
		suggest string
	}{
		{name: "require"},
		{name: "verify-ca", change: connector.Settings{"sslMode": "verify-ca", "caCertificate": ours.pem, "host": "127.0.0.1"}},
		{name: "verify-full", change: connector.Settings{"sslMode": "verify-full", "caCertificate": ours.pem}},
		{name: "client certificate", change: connector.Settings{"user": "certified", "password": "", "clientCertificate": clientCertificate, "clientKey": clientKey}},
		{"verify-full under another name", connector.Settings{"sslMode": "verify-full", "caCertificate": ours.pem, "host": "127.0.0.1"}, fault.CodeDestinationUnreachable, "127.0.0.1", "host name"},
		{"verify-ca of another", connector.Settings{"sslMode": "verify-ca", "caCertificate": other.pem}, fault.CodeDestinationUnreachable, "unknown authority", "CA certificate"},
		{"verify-full of another", connector.Settings{"sslMode": "verify-full", "caCertificate": other.pem}, fault.CodeDestinationUnreachable, "unknown authority", "CA certificate"},
		{"verify-full of the machine's", connector.Settings{"sslMode": "verify-full"}, fault.CodeDestinationUnreachable, "unknown authority", "CA certificate"},
		{"none", connector.Settings{"sslMode": "disable"}, fault.CodeDestinationAuth, "Access denied", "password"},
		{"wrong password", connector.Settings{"password": "wrong horse"}, fault.CodeDestinationAuth, "Access denied for user 'writer'@", "password"},
		{"no client certificate", connector.Settings{"user": "certified", "password": ""}, fault.CodeDestinationAuth, "Access denied", "password"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := maps.Clone(base)
			maps.Copy(s, c.change)
			err := openIn(t, s, connector.Network{}).Test(t.Context())
			if c.code == "" {
				if err != nil {
					t.Errorf("%v\n%s", err, fault.As(err).Hint())
				}
				return
			}
			if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) || !strings.Contains(fault.As(err).Hint(), c.suggest) || fault.ClassOf(err) != fault.Fatal {
				t.Errorf("%s %s: %v\n%s", fault.As(err).Code, fault.ClassOf(err), err, fault.As(err).Hint())
			}
			if strings.Contains(err.Error(), "horse") {
				t.Errorf("the password is shown: %v", err)
			}
		})
	}
	t.Run("rows", func(t *testing.T) {
		t.Parallel()
		j := job("things", connector.ModeUpsert, "id", "id", "a")
		j.Settings["statement"] = "load"
		s, err := openIn(t, base, connector.Network{}).Begin(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		none(t, write(t, s, connector.Added, rowOf(j, num(1), text(strings.Repeat("x", 100_000)))))
		same(t, admin.text(t, "SELECT id, length(a) FROM shop.things"), "1,100000")
	})
}
