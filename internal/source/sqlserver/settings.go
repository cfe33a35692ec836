package sqlserver

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/microsoft/go-mssqldb/msdsn"
	"github.com/millrace/millrace/internal/fault"
)

type settings struct {
	Auth             string  `json:"auth"`
	ConnectionString string  `json:"connectionString"`
	Host             string  `json:"host"`
	Port             uint16  `json:"port"`
	Database         string  `json:"database"`
	User             string  `json:"user"`
	Password         string  `json:"password"`
	RequestTimeout   float64 `json:"requestTimeout"` // seconds
	Encryption       string  `json:"encryption"`
	Trust            bool    `json:"trustServerCertificate"`
	CACertificate    string  `json:"caCertificate"`
	ReadOnlyIntent   bool    `json:"readOnlyIntent"`

	TenantID     string `json:"tenantId"`
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
	Thumbprint   string `json:"thumbprint"`
	PrivateKey   string `json:"privateKey"`
	Authority    string `json:"authority"`
	TokenScope   string `json:"tokenScope"`
}

// place is where and how to connect.
type place struct {
	config  msdsn.Config
	trust   bool
	roots   *x509.CertPool // nil means those that this machine trusts
	timeout time.Duration  // of a query; 0 means none
	token   func(ctx context.Context) (string, error)
}

func (s settings) place() (place, error) {
	if s.Auth == authString {
		var err error
		if s, err = s.fromString(); err != nil {
			return place{}, err
		}
	}
	if err := checkHost(s.Host); err != nil {
		return place{}, err
	}
	if s.Auth == authPassword && s.User == "" {
		return place{}, fault.New(fault.CodeRequired, "User is required").WithPath("user")
	}
	if s.Auth == authSecret || s.Auth == authCertificate {
		s.User = "" // the token says who it is
	}
	encryption, err := encryptionOf(s.Encryption)
	if err != nil {
		return place{}, err
	}
	p := place{trust: s.Trust, timeout: time.Duration(s.RequestTimeout * float64(time.Second))}
	if s.CACertificate != "" {
		p.roots = x509.NewCertPool()
		if !p.roots.AppendCertsFromPEM([]byte(s.CACertificate)) {
			return place{}, fault.New(fault.CodeInvalid, "the CA certificate holds no certificate in PEM").WithPath("caCertificate")
		}
	}
	p.config = msdsn.Config{
		Host: s.Host, Port: uint64(s.Port), Database: s.Database, User: s.User, Password: s.Password, Encryption: encryption,
		AppName: "millrace", Workstation: "millrace", ReadOnlyIntent: s.ReadOnlyIntent, Protocols: []string{"tcp"},
		DisableRetry: true, DialTimeout: -1, NoTraceID: true, PacketSize: packetSize,
		Encoding: msdsn.EncodeParameters{Timezone: time.UTC, GuidConversion: true},
	}
	return p, nil
}

// packetSize is asked for; larger packets than the usual 4 kB make large results faster.
const packetSize = 16_383

// checkHost is S-68: a name or an address, and nothing around it.
func checkHost(host string) error {
	scheme, _, prefixed := strings.Cut(host, "://")
	switch {
	case prefixed:
		return fault.New(fault.CodeInvalid, "the host is a name or an address, without %s", strconv.Quote(scheme+"://")).WithPath("host")
	case strings.ContainsAny(host, "/?#@ \t\r\n"):
		return fault.New(fault.CodeInvalid, "the host is a name or an address, with nothing before or behind it").WithPath("host")
	case strings.Contains(host, `\`):
		return fault.New(fault.CodeInvalid, "a named instance is not looked up").WithPath("host").
			WithSuggestion("Give the name of the server alone, and the port that the instance listens on.")
	case host == "":
		return fault.New(fault.CodeInvalid, "the host is missing").WithPath("host")
	default:
		return nil
	}
}

func encryptionOf(mode string) (msdsn.Encryption, error) {
	switch mode {
	case encryptStrict:
		return msdsn.EncryptionStrict, nil
	case encryptRequired, "":
		return msdsn.EncryptionRequired, nil
	case encryptLogin:
		return msdsn.EncryptionOff, nil
	case encryptNone:
		return msdsn.EncryptionDisabled, nil
	default:
		return 0, fault.New(fault.CodeInvalid, "%s is not a mode of encryption", strconv.Quote(mode)).WithPath("encryption")
	}
}

// tls returns the TLS settings of one connection. The driver hides what it was that it did not trust, so that the
// certificate is checked here, and refused tells.
func (p place) tls(refused *error) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: p.config.Host, InsecureSkipVerify: true, DynamicRecordSizingDisabled: true} //nolint:gosec // verified below
	if !p.trust {
		c.VerifyConnection = func(state tls.ConnectionState) error {
			*refused = verify(state, cmp.Or(state.ServerName, p.config.Host), p.roots)
			return *refused
		}
	}
	return c
}

// verify checks who signed a certificate and whom it names. A handshake knows the server's name, which may be another one
// than that of the settings after a server sent us on, but no address.
func verify(state tls.ConnectionState, name string, roots *x509.CertPool) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the server sent no certificate")
	}
	options := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool(), DNSName: name}
	for _, c := range state.PeerCertificates[1:] {
		options.Intermediates.AddCert(c)
	}
	_, err := state.PeerCertificates[0].Verify(options)
	return err
}
