package tds

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/microsoft/go-mssqldb/msdsn"

	"github.com/millrace/millrace/internal/fault"
)

// DefaultPort is the server's own.
const DefaultPort = 1433

// The modes of encryption.
const (
	EncryptStrict   = "strict"   // TLS before the first byte of the protocol (TDS 8.0)
	EncryptRequired = "required" // TLS negotiated by the protocol
	EncryptLogin    = "login"    // TLS for the login alone, if the server does not ask for more
	EncryptNone     = "none"
)

// Settings name a server, and who signs in.
type Settings struct {
	Host           string `json:"host"`
	Port           uint16 `json:"port"`
	Database       string `json:"database"`
	User           string `json:"user"`
	Password       string `json:"password"`
	Encryption     string `json:"encryption"`
	Trust          bool   `json:"trustServerCertificate"`
	CACertificate  string `json:"caCertificate"`
	ReadOnlyIntent bool   `json:"readOnlyIntent"`
}

// Place is where and how to connect.
type Place struct {
	Config msdsn.Config // without TLSConfig, which belongs to one connection: see TLS
	Trust  bool
	Roots  *x509.CertPool // nil means those that this machine trusts
}

// Place checks the settings. The path of an error is the name of the setting.
func (s Settings) Place() (Place, error) {
	if err := checkHost(s.Host); err != nil {
		return Place{}, err
	}
	encryption, err := encryptionOf(s.Encryption)
	if err != nil {
		return Place{}, err
	}
	p := Place{Trust: s.Trust}
	if s.CACertificate != "" {
		p.Roots = x509.NewCertPool()
		if !p.Roots.AppendCertsFromPEM([]byte(s.CACertificate)) {
			return Place{}, fault.New(fault.CodeInvalid, "the CA certificate holds no certificate in PEM").WithPath("caCertificate")
		}
	}
	p.Config = msdsn.Config{
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
	case EncryptStrict:
		return msdsn.EncryptionStrict, nil
	case EncryptRequired, "":
		return msdsn.EncryptionRequired, nil
	case EncryptLogin:
		return msdsn.EncryptionOff, nil
	case EncryptNone:
		return msdsn.EncryptionDisabled, nil
	default:
		return 0, fault.New(fault.CodeInvalid, "%s is not a mode of encryption", strconv.Quote(mode)).WithPath("encryption")
	}
}

// TLS returns the TLS settings of one connection. The driver hides what it was that it did not trust, so that the
// certificate is checked here, and refused tells.
func (p Place) TLS(refused *error) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: p.Config.Host, InsecureSkipVerify: true, DynamicRecordSizingDisabled: true} //nolint:gosec // verified below
	if !p.Trust {
		c.VerifyConnection = func(state tls.ConnectionState) error {
			*refused = verify(state, cmp.Or(state.ServerName, p.Config.Host), p.Roots)
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
