package sqlserver

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
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

const password = "correct-horse-battery"

// try tests a destination at a stand-in that speaks the protocol.
func try(t *testing.T, s connector.Settings, n connector.Network) error {
	t.Helper()
	info := Info()
	d, err := info.Open(connector.DestinationOptions{Settings: s.WithDefaults(info.Fields), Network: n, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d.Test(t.Context())
}

// TestSignIn proves what encryption believes, and what is said where a server does not let us in.
//
// Req: S-23, X-19, X-22
func TestSignIn(t *testing.T) {
	t.Parallel()
	pair, ca := certificate(t, "localhost")
	_, other := certificate(t, "localhost")
	standin := func(o sqlservertest.Options) *sqlservertest.Server {
		o.User, o.Password, o.Database = "millrace", password, "app"
		return sqlservertest.Start(t, o)
	}
	secure, plain := standin(sqlservertest.Options{Certificate: &pair}), standin(sqlservertest.Options{})
	walled := standin(sqlservertest.Options{Refuse: &sqlservertest.Error{Number: 40615, State: 1, Class: 14, Message: "Cannot open server 'x' requested by the login. Client with IP address '192.0.2.7' is not allowed to access the server.", Line: 1}})
	base := func(s *sqlservertest.Server, changes ...any) connector.Settings {
		return settingsOf(append([]any{"host", "localhost", "port", float64(s.Port), "password", password, "encryption", "required"}, changes...)...)
	}
	at := strconv.Itoa(plain.Port)
	for _, c := range []struct {
		name     string
		settings connector.Settings
		code     fault.Code // empty: it is let in
		says     string
		hint     string
	}{
		{name: "trusted", settings: base(secure, "caCertificate", ca)},
		{name: "not checked", settings: base(secure, "trustServerCertificate", true)},
		{name: "no encryption", settings: base(plain, "encryption", "none")},
		{name: "connection string", settings: connector.Settings{"auth": "connectionString", "connectionString": "Server=tcp:127.0.0.1," + at + ";Database=app;User Id=millrace;Password=" + password + ";Encrypt=false;TrustServerCertificate=true"}},
		{"unknown signer", base(secure), fault.CodeDestinationUnreachable, "x509", "CA certificate"},
		{"another signer", base(secure, "caCertificate", other), fault.CodeDestinationUnreachable, "x509", "CA certificate"},
		{"another name", base(secure, "caCertificate", ca, "host", "127.0.0.1"), fault.CodeDestinationUnreachable, "x509", "host name"},
		{"no encryption offered", base(plain), fault.CodeDestinationUnreachable, "server does not support encryption", "turn it on"},
		{"wrong password", base(plain, "encryption", "none", "password", "wrong-horse-battery"), fault.CodeDestinationAuth, "Login failed for user 'millrace'", "password"},
		{"no database", base(plain, "encryption", "none", "database", "nowhere"), fault.CodeDestinationSchema, `Cannot open database "nowhere"`, "database's name"},
		{"a firewall", base(walled, "encryption", "none"), fault.CodeDestinationUnreachable, "is not allowed to access the server", "five minutes. This server connects from 192.0.2.7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := try(t, c.settings, connector.Network{Egress: []string{"192.0.2.7"}})
			switch {
			case c.code == "" && err != nil:
				t.Errorf("%v\n%s", err, fault.As(err).Hint())
			case c.code != "" && (!fault.Is(err, c.code) || fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(), c.says) || !strings.Contains(fault.As(err).Hint(), c.hint)):
				t.Errorf("%s %s: %v\n%s", fault.As(err).Code, fault.ClassOf(err), err, fault.As(err).Hint())
			}
			if err != nil && strings.Contains(err.Error(), "horse") {
				t.Errorf("the password is shown: %v", err)
			}
		})
	}
	t.Run("what a connection begins with", func(t *testing.T) {
		t.Parallel()
		if err := try(t, base(plain, "encryption", "none"), connector.Network{}); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(plain.Batches(), begin) || !slices.Contains(plain.Programs(), "millrace") {
			t.Errorf("%q of %q", plain.Batches(), plain.Programs())
		}
	})
	t.Run("through a tunnel", func(t *testing.T) {
		t.Parallel()
		var asked string
		err := try(t, base(plain, "encryption", "none", "host", "db.internal", "port", 1433.0), connector.Network{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			asked = address
			return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+at)
		}})
		if asked != "db.internal:1433" || err != nil {
			t.Errorf("asked for %q: %v", asked, err)
		}
	})
}
