package httprequest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// newCertificate returns a certificate that signs itself, and its key, as PEM.
func newCertificate(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "millrace"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}

// TestCertificates: an API with an authority of its own, which asks for a client's certificate.
func TestCertificates(t *testing.T) {
	t.Parallel()
	certificate, key := newCertificate(t)
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM([]byte(certificate))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.TLS.PeerCertificates[0].Subject.CommonName) //nolint:errcheck // the client sees
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients}
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	for name, c := range map[string]struct {
		settings connector.Settings
		code     fault.Code
		says     string
	}{
		"unknown authority":   {connector.Settings{"clientCertificate": certificate, "clientKey": key}, fault.CodeDestinationUnreachable, "certificate"},
		"without certificate": {connector.Settings{"caCertificate": ca}, "", "certificate"},
		"with both":           {connector.Settings{"caCertificate": ca, "clientCertificate": certificate, "clientKey": key}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.settings["baseUrl"] = server.URL
			s := begin(t, httpx.AnyNetwork, c.settings, connector.Settings{"added": map[string]any{"enabled": true}})
			b := oneRow(connector.Added)
			_, err := s.Write(t.Context(), b)
			switch {
			case c.says == "" && err != nil:
				t.Error(err)
			case c.says == "" && b.Exchanges[0].ResponseBody != "millrace":
				t.Errorf("got %+v", b.Exchanges)
			case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || c.code != "" && !fault.Is(err, c.code)):
				t.Errorf("got %v", err)
			}
		})
	}
}
