package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// The SSL modes, as PostgreSQL's own clients call them.
const (
	sslDisable    = "disable"
	sslPrefer     = "prefer"
	sslRequire    = "require"
	sslVerifyCA   = "verify-ca"
	sslVerifyFull = "verify-full"
)

const (
	connectTimeout = 30 * time.Second
)

func fields(port int) []connector.Field {
	low, high := float64(1), float64(65535)
	encrypted := &connector.ShowIf{Field: "sslMode", In: []string{sslPrefer, sslRequire, sslVerifyCA, sslVerifyFull}}
	return []connector.Field{
		{Name: "host", Label: "Host", Type: connector.FieldString, Required: true, Example: "db.example.com", Help: "Name or address of the server."},
		{Name: "port", Label: "Port", Type: connector.FieldNumber, Required: true, Default: port, Min: &low, Max: &high},
		{Name: "database", Label: "Database", Type: connector.FieldString, Required: true, Example: "analytics", Help: "The database that queries run in."},
		{Name: "user", Label: "User", Type: connector.FieldString, Required: true, Example: "millrace", Help: "A role that may read the data; it needs no right to write."},
		{Name: "password", Label: "Password", Type: connector.FieldSecret, Secret: true, Help: "Leave it empty where the server asks for none."},
		{
			Name: "sslMode", Label: "Encryption", Type: connector.FieldSelect, Default: sslPrefer, Advanced: true,
			Options: []connector.Option{
				{Value: sslDisable, Label: "None"},
				{Value: sslPrefer, Label: "If the server offers it"},
				{Value: sslRequire, Label: "Always"},
				{Value: sslVerifyCA, Label: "Always, and check who signed the server's certificate"},
				{Value: sslVerifyFull, Label: "Always, and check signature and host name"},
			},
		},
		{
			Name: "caCertificate", Label: "CA certificate", Type: connector.FieldText, Advanced: true,
			ShowIf: &connector.ShowIf{Field: "sslMode", In: []string{sslVerifyCA, sslVerifyFull}},
			Help:   "PEM. Who may have signed the server's certificate; empty means those that this machine trusts.",
		},
		{Name: "clientCertificate", Label: "Client certificate", Type: connector.FieldText, Advanced: true, ShowIf: encrypted, Help: "PEM. Only where the server asks for one."},
		{Name: "clientKey", Label: "Client key", Type: connector.FieldText, Secret: true, Advanced: true, ShowIf: encrypted, Help: "PEM. The private key of the client certificate."},
	}
}

type settings struct {
	Host              string `json:"host"`
	Port              uint16 `json:"port"`
	Database          string `json:"database"`
	User              string `json:"user"`
	Password          string `json:"password"`
	SSLMode           string `json:"sslMode"`
	CACertificate     string `json:"caCertificate"`
	ClientCertificate string `json:"clientCertificate"`
	ClientKey         string `json:"clientKey"`
}

// config says how to connect. The driver would also listen to the server's own environment (PGHOST, a
// password file, certificates of the user's home), so that everything is set here.
func (s settings) config(n connector.Network) (*pgx.ConnConfig, error) {
	if s.SSLMode == "" {
		s.SSLMode = sslPrefer
	}
	c, err := pgx.ParseConfig("host=localhost sslmode=disable")
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeConfig, "the environment has PostgreSQL settings that cannot be read")
	}
	secure, err := s.tls()
	if err != nil {
		return nil, err
	}
	c.Host, c.Port, c.Database, c.User, c.Password = s.Host, s.Port, s.Database, s.User, s.Password
	c.TLSConfig, c.Fallbacks = secure, nil
	if s.SSLMode == sslPrefer {
		c.Fallbacks = []*pgconn.FallbackConfig{{Host: s.Host, Port: s.Port}}
	}
	c.RuntimeParams = map[string]string{"application_name": "millrace", "client_encoding": "UTF8"}
	c.ConnectTimeout = connectTimeout
	reach(&c.Config, n)
	c.KerberosSrvName, c.KerberosSpn, c.ValidateConnect = "", "", nil
	c.SSLNegotiation, c.SSLCertMode, c.ChannelBinding, c.RequireAuth = "", "", "prefer", ""
	c.MinProtocolVersion, c.MaxProtocolVersion = "", ""
	c.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec // leaves no prepared statement behind (S-65)
	c.StatementCacheCapacity, c.DescriptionCacheCapacity = 0, 0
	return c, nil
}

// reach makes connections go through the network, which resolves the server's name as well: behind a tunnel it may mean
// nothing here.
func reach(c *pgconn.Config, n connector.Network) {
	if n.Dial == nil {
		return
	}
	c.DialFunc = n.DialContext
	c.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
}

// tls returns the TLS settings of the mode, nil for none.
func (s settings) tls() (*tls.Config, error) {
	if s.SSLMode == sslDisable {
		return nil, nil //nolint:nilnil // no encryption
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.Host}
	if err := s.trust(c); err != nil {
		return nil, err
	}
	if s.ClientCertificate == "" && s.ClientKey == "" {
		return c, nil
	}
	pair, err := tls.X509KeyPair([]byte(s.ClientCertificate), []byte(s.ClientKey))
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeInvalid, "reading the client certificate").WithPath("clientCertificate")
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}

func (s settings) trust(c *tls.Config) error {
	switch s.SSLMode {
	case sslPrefer, sslRequire:
		c.InsecureSkipVerify = true // what these modes mean: encrypted, to whoever answers
		return nil
	case sslVerifyCA, sslVerifyFull:
	default:
		return fault.New(fault.CodeInvalid, "%s is not a mode of encryption", strconv.Quote(s.SSLMode)).WithPath("sslMode")
	}
	if s.CACertificate != "" {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM([]byte(s.CACertificate)) {
			return fault.New(fault.CodeInvalid, "the CA certificate holds no certificate in PEM").WithPath("caCertificate")
		}
	}
	if s.SSLMode == sslVerifyCA {
		c.InsecureSkipVerify = true // checked below, without the host's name
		roots := c.RootCAs
		c.VerifyConnection = func(state tls.ConnectionState) error { return verifyChain(state, roots) }
	}
	return nil
}

// verifyChain checks who signed a certificate, and not whom it names.
func verifyChain(state tls.ConnectionState, roots *x509.CertPool) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the server sent no certificate")
	}
	options := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
	for _, c := range state.PeerCertificates[1:] {
		options.Intermediates.AddCert(c)
	}
	_, err := state.PeerCertificates[0].Verify(options)
	return err
}
