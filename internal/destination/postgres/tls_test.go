package postgres_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/fault"
)

// authority makes a certificate for a host that is its own authority.
func authority(t *testing.T, host string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// encrypt is a proxy that speaks TLS before a server that does not.
func encrypt(t *testing.T, server string, certificate tls.Certificate) (port float64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) //nolint:errcheck // a listener
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go encrypted(c, server, certificate)
		}
	}()
	return float64(l.Addr().(*net.TCPAddr).Port)
}

func encrypted(client net.Conn, server string, certificate tls.Certificate) {
	defer client.Close()                                            //nolint:errcheck // either side may have closed it
	if _, err := io.ReadFull(client, make([]byte, 8)); err != nil { // SSLRequest
		return
	}
	if _, err := client.Write([]byte("S")); err != nil {
		return
	}
	plain, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer plain.Close() //nolint:errcheck // nothing is written any more
	secure := tls.Server(client, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	go func() {
		_, _ = io.Copy(secure, plain) //nolint:errcheck // ends with the connection
		_ = client.Close()            //nolint:errcheck // either side may have closed it
	}()
	_, _ = io.Copy(plain, secure) //nolint:errcheck // ends with the connection
}

// TestTLS proves what each SSL mode believes.
func TestTLS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	settings := w.settings(t)
	address := net.JoinHostPort(settings.Text("host"), strings.TrimSuffix(settings.Text("port"), ".0"))
	right, rightCA := authority(t, "localhost")
	_, otherCA := authority(t, "localhost")
	wrongHost, wrongHostCA := authority(t, "db.example.com")
	for _, c := range []struct {
		name        string
		mode        string
		certificate tls.Certificate
		ca          string
		says        string
	}{
		{"require", "require", right, "", ""},
		{"prefer", "prefer", right, "", ""},
		{"verify-full", "verify-full", right, rightCA, ""},
		{"verify-ca with another host", "verify-ca", wrongHost, wrongHostCA, ""},
		{"verify-full with another host", "verify-full", wrongHost, wrongHostCA, "x509"},
		{"verify-ca of another authority", "verify-ca", right, otherCA, "x509"},
		{"verify-full of another authority", "verify-full", right, otherCA, "x509"},
		{"verify-full of the machine's authorities", "verify-full", right, "", "x509"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := w.settings(t, "host", "localhost", "port", encrypt(t, address, c.certificate), "sslMode", c.mode, "caCertificate", c.ca)
			err := w.open(t, s).Test(t.Context())
			switch {
			case c.says == "" && err != nil:
				t.Error(err)
			case c.says != "" && (!fault.Is(err, fault.CodeDestinationUnreachable) || !strings.Contains(err.Error(), c.says) || !strings.Contains(fault.As(err).Hint(), "CA certificate")):
				t.Errorf("%v", err)
			}
		})
	}
}
