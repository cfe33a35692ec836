package mysql

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
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

// encrypted starts a server that offers encryption, under the name localhost, with settings that log in to it and one to
// do everything.
func encrypted(t *testing.T, ours authority, statements ...string) (connector.Settings, *sql.DB) {
	t.Helper()
	certificate, key := ours.issue(t, "localhost")
	server := services.MariaDBOfItsOwn(t, map[string]string{"server.crt": certificate, "server.key": key, "ca.crt": ours.pem},
		"--ssl-cert=server.crt", "--ssl-key=server.key", "--ssl-ca=ca.crt")
	db := adminOf(t, server)
	execute(t, db, "CREATE DATABASE shop", "USE shop")
	execute(t, db, statements...)
	execute(t, db, "CREATE USER reader@'%' IDENTIFIED BY '"+strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(hardPassword)+"' REQUIRE SSL", "GRANT SELECT ON *.* TO reader@'%'",
		"CREATE USER certified@'%' REQUIRE X509", "GRANT SELECT ON *.* TO certified@'%'")
	return connector.Settings{"host": "localhost", "port": server.Port, "database": "shop", "user": "reader", "password": hardPassword}, db
}

// Req: S-03, S-05, S-20, S-22, S-66, S-67
func TestEncryptionAndPasswords(t *testing.T) {
	t.Parallel()
	ours, other := newAuthority(t, "ours"), newAuthority(t, "other")
	base, _ := encrypted(t, ours)
	clientCertificate, clientKey := ours.issue(t, "client")
	const mysql, planetscale, singlestore = 0, 1, 2
	for _, c := range []struct {
		name    string
		product int
		change  connector.Settings
		code    fault.Code // empty: it works
		says    string
		suggest string
	}{
		{name: "default"},
		{name: "verify-ca", change: connector.Settings{"sslMode": "verify-ca", "caCertificate": ours.pem}},
		{name: "verify-ca under another name", change: connector.Settings{"sslMode": "verify-ca", "caCertificate": ours.pem, "host": "127.0.0.1"}},
		{name: "verify-full", change: connector.Settings{"sslMode": "verify-full", "caCertificate": ours.pem}},
		{name: "client certificate", change: connector.Settings{"user": "certified", "password": "", "clientCertificate": clientCertificate, "clientKey": clientKey}},
		{name: "SingleStore", product: singlestore},
		{name: "SingleStore, verified", product: singlestore, change: connector.Settings{"verifyCA": true, "caCertificate": ours.pem}},
		{name: "SingleStore, verified without the name", product: singlestore, change: connector.Settings{"verifyCA": true, "caCertificate": ours.pem, "verifyHost": false, "host": "127.0.0.1"}},

		{"verify-full under another name", mysql, connector.Settings{"sslMode": "verify-full", "caCertificate": ours.pem, "host": "127.0.0.1"}, fault.CodeSourceUnreachable, "127.0.0.1", "host name"},
		{"verify-ca of another", mysql, connector.Settings{"sslMode": "verify-ca", "caCertificate": other.pem}, fault.CodeSourceUnreachable, "unknown authority", "CA certificate"},
		{"verify-full of another", mysql, connector.Settings{"sslMode": "verify-full", "caCertificate": other.pem}, fault.CodeSourceUnreachable, "unknown authority", "CA certificate"},
		{"verify-full of the machine's", mysql, connector.Settings{"sslMode": "verify-full"}, fault.CodeSourceUnreachable, "unknown authority", "CA certificate"},
		{"none", mysql, connector.Settings{"sslMode": "disable"}, fault.CodeSourceAuth, "Access denied", "password"},
		{"wrong password", mysql, connector.Settings{"password": "wrong horse"}, fault.CodeSourceAuth, "Access denied for user 'reader'@", "password"},
		{"no password", mysql, connector.Settings{"password": ""}, fault.CodeSourceAuth, "Access denied", ""},
		{"no client certificate", mysql, connector.Settings{"user": "certified", "password": ""}, fault.CodeSourceAuth, "Access denied", ""},
		{"PlanetScale streams", planetscale, connector.Settings{"caCertificate": ours.pem}, fault.CodeSourceQuery, "Unknown system variable 'workload'", ""}, // MariaDB has none
		{"PlanetScale verifies", planetscale, nil, fault.CodeSourceUnreachable, "unknown authority", "CA certificate"},
		{"SingleStore of another", singlestore, connector.Settings{"verifyCA": true, "caCertificate": other.pem}, fault.CodeSourceUnreachable, "unknown authority", "CA certificate"},
		{"SingleStore under another name", singlestore, connector.Settings{"verifyCA": true, "caCertificate": ours.pem, "host": "127.0.0.1"}, fault.CodeSourceUnreachable, "127.0.0.1", "host name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := base.WithDefaults(nil)
			maps.Copy(s, c.change)
			err := openAs(t, Infos()[c.product], s, connector.Network{}).Test(t.Context())
			if c.code == "" {
				if err != nil {
					t.Errorf("%v\n%s", err, fault.As(err).Hint())
				}
				return
			}
			if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) || !strings.Contains(fault.As(err).Hint(), c.suggest) {
				t.Errorf("code %s: %v\n%s", fault.As(err).Code, err, fault.As(err).Hint())
			}
			if strings.Contains(err.Error(), "horse") {
				t.Errorf("the password is shown: %v", err)
			}
			if fault.ClassOf(err) != fault.Fatal {
				t.Errorf("it would be tried again: %s", fault.ClassOf(err))
			}
		})
	}
	t.Run("encrypted only", func(t *testing.T) {
		t.Parallel()
		s := openAt(t, base)
		if rows := read(t, s, "SHOW STATUS LIKE 'Ssl_cipher'").Rows; len(rows) != 1 || rows[0][1].String() == "" {
			t.Errorf("the connection is not encrypted: %v", rows)
		}
	})
}

// What speaks the text protocol yields the same values, encrypted. The suite runs as SingleStore; that it is MariaDB
// which answers proves the protocol and nothing of SingleStore's language.
//
// Req: S-22, S-67
func TestTextProtocol(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t, "ours")
	settings, db := encrypted(t, ours, setup...)
	settings["verifyCA"], settings["caCertificate"] = true, ours.pem
	own := maps.Clone(replaced)
	own["real"] = "" // MariaDB writes six digits of a FLOAT
	info := Infos()[2]
	sourcetest.Run(t, sourcetest.Fixture{
		Info: info, Settings: settings, Tables: undescribed(tables("shop")), Values: values, SQL: own, Lacks: lacking, Says: says, Rows: numbered, Endless: endless,
		Running: func(t *testing.T, tag string) bool {
			return numberOf(t, db, "SELECT count(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE ?", "%/* "+tag+" */%") > 0
		},
	})
}

// Req: S-67
func TestBadSettings(t *testing.T) {
	t.Parallel()
	infos := Infos()
	for _, c := range []struct {
		product int
		path    string
		code    fault.Code
		change  connector.Settings
	}{
		{0, "caCertificate", fault.CodeInvalid, connector.Settings{"sslMode": "verify-full", "caCertificate": "no PEM"}},
		{0, "clientCertificate", fault.CodeInvalid, connector.Settings{"clientCertificate": "no PEM", "clientKey": "sekret"}},
		{0, "sslMode", fault.CodeInvalid, connector.Settings{"sslMode": "sometimes"}},
		{0, "", fault.CodeInvalid, connector.Settings{"port": "many"}},
		{2, "caCertificate", fault.CodeRequired, connector.Settings{"verifyCA": true}},
		{2, "caCertificate", fault.CodeInvalid, connector.Settings{"verifyCA": true, "caCertificate": "no PEM"}},
	} {
		_, err := infos[c.product].Open(connector.SourceOptions{Settings: c.change})
		if !fault.Is(err, c.code) || fault.As(err).Path != c.path || strings.Contains(err.Error(), "sekret") {
			t.Errorf("%v: %v at %q", c.change, err, fault.As(err).Path)
		}
	}
	full := connector.Settings{"host": "h", "port": 3306, "database": "d", "user": "u", "verifyCA": true}
	if issues := full.Check("s", infos[2].Fields, nil); len(issues) != 1 || issues[0].Path != "s.caCertificate" {
		t.Errorf("a CA certificate is not asked for: %v", issues)
	}
	full["verifyCA"] = false
	if issues := full.Check("s", infos[2].Fields, nil); len(issues) != 0 {
		t.Errorf("a CA certificate is asked for: %v", issues)
	}
	for _, f := range infos[1].Fields {
		for _, o := range f.Options {
			if f.Name == "sslMode" && o.Value == sslDisable {
				t.Error("PlanetScale is reached without encryption")
			}
		}
	}
}

// PlanetScale asks for what MySQL asks for, has its port, and is always encrypted.
//
// Req: S-21
func TestPlanetScale(t *testing.T) {
	t.Parallel()
	registry := connector.New(Infos(), nil)
	mysql, err := registry.Source("mysql")
	if err != nil {
		t.Fatal(err)
	}
	planetscale, err := registry.Source("planetscale")
	if err != nil {
		t.Fatal(err)
	}
	names := func(i connector.SourceInfo) (all []string) {
		for _, f := range i.Fields {
			all = append(all, f.Name)
		}
		return all
	}
	if !slices.Equal(names(planetscale), names(mysql)) {
		t.Errorf("it asks for %v, MySQL for %v", names(planetscale), names(mysql))
	}
	if !slices.Equal(planetscale.Methods, []string{"sql", "table", "dbt", "bi"}) || !slices.Equal(planetscale.Engines, []string{connector.EngineBasic}) {
		t.Errorf("its models are %v on the engines %v", planetscale.Methods, planetscale.Engines)
	}
	full := connector.Settings{}.WithDefaults(planetscale.Fields)
	if fmt.Sprint(full["port"]) != "3306" || full["sslMode"] != "verify-full" {
		t.Errorf("its port is %v, its encryption %v", full["port"], full["sslMode"])
	}
}
