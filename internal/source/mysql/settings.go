package mysql

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"maps"
	"net"
	"strconv"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// The modes of encryption.
const (
	sslDisable    = "disable"
	sslRequire    = "require"
	sslVerifyCA   = "verify-ca"
	sslVerifyFull = "verify-full"
)

var (
	optionRequire    = connector.Option{Value: sslRequire, Label: "Always"}
	optionVerifyCA   = connector.Option{Value: sslVerifyCA, Label: "Always, and check who signed the server's certificate"}
	optionVerifyFull = connector.Option{Value: sslVerifyFull, Label: "Always, and check signature and host name"}
	optionDisable    = connector.Option{Value: sslDisable, Label: "None", Help: "Only for a server on this machine or behind a tunnel: whoever listens reads passwords and rows."}
)

// What a TINYINT(1) is read as.
const (
	tinyBoolean = "boolean"
	tinyNumber  = "number"
)

const (
	defaultPort    = 3306
	connectTimeout = 30 * time.Second
)

func (p product) fields(host string) []connector.Field {
	low, high := float64(1), float64(65535)
	all := []connector.Field{
		{Name: "host", Label: "Host", Type: connector.FieldString, Required: true, Example: host, Help: "Name or address of the server."},
		{Name: "port", Label: "Port", Type: connector.FieldNumber, Required: true, Default: defaultPort, Min: &low, Max: &high},
		{Name: "database", Label: "Database", Type: connector.FieldString, Required: true, Example: "shop", Help: "The database that queries run in and whose tables are listed."},
		{Name: "user", Label: "User", Type: connector.FieldString, Required: true, Example: "millrace", Help: "A user who may read the data; it needs no right to write."},
		{Name: "password", Label: "Password", Type: connector.FieldSecret, Secret: true, Help: "Leave it empty where the server asks for none."},
	}
	if p.encryption == nil {
		all = append(all, checkFields()...)
	} else {
		all = append(all, p.modeFields()...)
	}
	return append(all,
		connector.Field{
			Name: "otherDatabases", Label: "Other databases", Type: connector.FieldList, Advanced: true,
			Help: "Databases of the same server whose tables are listed as well. Queries reach every database that the user may read, listed or not.",
		},
		connector.Field{
			Name: "tinyInt", Label: "TINYINT(1) is", Type: connector.FieldSelect, Default: tinyBoolean, Advanced: true,
			Options: []connector.Option{{Value: tinyBoolean, Label: "True or false"}, {Value: tinyNumber, Label: "A number"}},
			Help:    "BOOLEAN is another word for TINYINT(1). Choose a number where such columns hold more than 0 and 1.",
		},
	)
}

// modeFields choose one of several modes of encryption.
func (p product) modeFields() []connector.Field {
	encrypted := &connector.ShowIf{Field: "sslMode", In: []string{sslRequire, sslVerifyCA, sslVerifyFull}}
	return []connector.Field{
		{
			Name: "sslMode", Label: "Encryption", Type: connector.FieldSelect, Default: p.encryption[0].Value, Advanced: true, Options: p.encryption,
			Help: "Connections are encrypted unless this says otherwise.",
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

// checkFields ask for SingleStore's CA certificate (S-67).
func checkFields() []connector.Field {
	checked := &connector.ShowIf{Field: "verifyCA", In: []string{"true"}}
	return []connector.Field{
		{
			Name: "verifyCA", Label: "Verify CA certificate", Type: connector.FieldBoolean, Default: false,
			Help: "Check who signed the server's certificate. Connections are encrypted either way.",
		},
		{
			Name: "caCertificate", Label: "CA certificate", Type: connector.FieldText, Required: true, ShowIf: checked,
			Help: "PEM. SingleStore's portal offers it beside the workspace's connection details, as TLS/SSL certificate.",
		},
		{
			Name: "verifyHost", Label: "Check the host name too", Type: connector.FieldBoolean, Default: true, Advanced: true, ShowIf: checked,
			Help: "Switch it off where the server's certificate is for another name than the one that it is reached by.",
		},
	}
}

type settings struct {
	Host              string   `json:"host"`
	Port              uint16   `json:"port"`
	Database          string   `json:"database"`
	User              string   `json:"user"`
	Password          string   `json:"password"`
	SSLMode           string   `json:"sslMode"`
	CACertificate     string   `json:"caCertificate"`
	ClientCertificate string   `json:"clientCertificate"`
	ClientKey         string   `json:"clientKey"`
	VerifyCA          bool     `json:"verifyCA"`
	VerifyHost        *bool    `json:"verifyHost"`
	OtherDatabases    []string `json:"otherDatabases"`
	TinyInt           string   `json:"tinyInt"`
}

// databases are those whose tables are listed.
func (s settings) databases() []string { return append([]string{s.Database}, s.OtherDatabases...) }

// config says how to connect.
func (s settings) config(p product) (*driver.Config, error) {
	secure, err := s.tls(s.mode(p))
	if err != nil {
		return nil, err
	}
	c := driver.NewConfig()
	c.User, c.Passwd, c.DBName, c.Net = s.User, s.Password, s.Database, "tcp"
	c.Addr = net.JoinHostPort(s.Host, strconv.Itoa(int(cmp.Or(s.Port, defaultPort))))
	c.TLS, c.Timeout, c.Logger = secure, connectTimeout, &driver.NopLogger{}
	c.Params, c.InterpolateParams = maps.Clone(p.session), true
	c.ConnectionAttributes = "program_name:millrace"
	return c, nil
}

// mode is the mode of encryption.
func (s settings) mode(p product) string {
	switch {
	case p.encryption != nil:
		return cmp.Or(s.SSLMode, p.encryption[0].Value)
	case !s.VerifyCA:
		return sslRequire
	case s.VerifyHost != nil && !*s.VerifyHost:
		return sslVerifyCA
	default:
		return sslVerifyFull
	}
}

// tls returns the TLS settings of a mode, nil for none.
func (s settings) tls(mode string) (*tls.Config, error) {
	if mode == sslDisable {
		return nil, nil //nolint:nilnil // no encryption
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.Host}
	if s.VerifyCA && s.CACertificate == "" {
		return nil, fault.New(fault.CodeRequired, "the CA certificate is needed to verify it").WithPath("caCertificate")
	}
	if err := s.trust(c, mode); err != nil {
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

func (s settings) trust(c *tls.Config, mode string) error {
	switch mode {
	case sslRequire:
		c.InsecureSkipVerify = true // what the mode means: encrypted, to whoever answers
		return nil
	case sslVerifyCA, sslVerifyFull:
	default:
		return fault.New(fault.CodeInvalid, "%s is not a mode of encryption", strconv.Quote(mode)).WithPath("sslMode")
	}
	if s.CACertificate != "" {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM([]byte(s.CACertificate)) {
			return fault.New(fault.CodeInvalid, "the CA certificate holds no certificate in PEM").WithPath("caCertificate")
		}
	}
	if mode == sslVerifyCA {
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
