package oracle

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql/driver"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	ora "github.com/sijms/go-ora/v2"
)

// What the database's name may be.
const (
	byService = "service"
	bySID     = "sid"
)

// The modes of encryption.
const (
	encryptAsked    = "native"   // the protocol's own encryption, if the server does it
	encryptRequired = "required" // the protocol's own encryption, or no connection
	encryptTLS      = "tls"
	encryptNone     = "none"
)

const defaultPort = 1521

func fields() []connector.Field {
	low, high, zero := float64(1), float64(65535), float64(0)
	secure := &connector.ShowIf{Field: "encryption", In: []string{encryptTLS}}
	return []connector.Field{
		{Name: "host", Label: "Host", Type: connector.FieldString, Required: true, Example: "db.example.com", Help: "Name or address of the server or its listener."},
		{Name: "port", Label: "Port", Type: connector.FieldNumber, Required: true, Default: defaultPort, Min: &low, Max: &high, Help: "Often 2484 with TLS."},
		{Name: "database", Label: "Database", Type: connector.FieldString, Required: true, Example: "ORCLPDB1", Help: "The name of the service; the listener knows it (lsnrctl services)."},
		{Name: "user", Label: "User", Type: connector.FieldString, Required: true, Example: "MILLRACE", Help: "A user of its own that may read the data, never SYS."},
		{Name: "password", Label: "Password", Type: connector.FieldSecret, Secret: true, Required: true},
		{
			Name: "databaseIs", Label: "The database is named by", Type: connector.FieldSelect, Default: byService, Advanced: true,
			Options: []connector.Option{{Value: byService, Label: "Its service"}, {Value: bySID, Label: "Its SID, as old ones are"}},
		},
		{
			Name: "encryption", Label: "Encryption", Type: connector.FieldSelect, Default: encryptAsked, Advanced: true,
			Options: []connector.Option{
				{Value: encryptAsked, Label: "Oracle's own, if the server offers it"},
				{Value: encryptRequired, Label: "Oracle's own, always"},
				{Value: encryptTLS, Label: "TLS (tcps)"},
				{Value: encryptNone, Label: "None"},
			},
		},
		{Name: "caCertificate", Label: "CA certificate", Type: connector.FieldText, Advanced: true, ShowIf: secure, Help: "PEM. Who may have signed the server's certificate; empty means those that this machine trusts."},
		{Name: "trustServerCertificate", Label: "Trust the server's certificate", Type: connector.FieldBoolean, Default: false, Advanced: true, ShowIf: secure, Help: "Encrypts to whoever answers. Only where the way to the server is safe."},
		{Name: "requestTimeout", Label: "Request timeout", Type: connector.FieldNumber, Min: &zero, Advanced: true, Help: "How many seconds a query may take until its last row. Empty or 0 means as long as it needs."},
	}
}

type settings struct {
	Host           string  `json:"host"`
	Port           int     `json:"port"`
	Database       string  `json:"database"`
	User           string  `json:"user"`
	Password       string  `json:"password"`
	DatabaseIs     string  `json:"databaseIs"`
	Encryption     string  `json:"encryption"`
	CACertificate  string  `json:"caCertificate"`
	Trust          bool    `json:"trustServerCertificate"`
	RequestTimeout float64 `json:"requestTimeout"` // seconds
}

// timeout is how long a query may take; 0 means as long as it needs.
type timeout = time.Duration

func (s settings) timeout() timeout { return timeout(s.RequestTimeout * float64(time.Second)) }

func (s settings) check() error {
	switch {
	case strings.Contains(s.Host, "://") || strings.ContainsAny(s.Host, "/?#@ \t\r\n()="):
		return fault.New(fault.CodeInvalid, "the host is a name or an address, with nothing before or behind it").WithPath("host")
	case s.Host == "":
		return fault.New(fault.CodeInvalid, "the host is missing").WithPath("host")
	case strings.ContainsAny(s.Database, "()=") || s.Database == "":
		return fault.New(fault.CodeInvalid, "the database is the name of a service, no connect descriptor").WithPath("database")
	case strings.EqualFold(strings.Trim(s.User, `"`), "SYS"):
		return fault.New(fault.CodeInvalid, "SYS is not for reading data").WithPath("user").WithSuggestion("Make a user of its own that may do nothing but read.")
	default:
		return nil
	}
}

// dial opens a connection over a dialer.
type dial func(ctx context.Context, d *dialer) (driver.Conn, error)

// dial says how to connect. Only what is set here counts: files and the environment of this machine say nothing.
func (s settings) dial() (dial, error) {
	secure, err := s.tls()
	if err != nil {
		return nil, err
	}
	address := s.url()
	return func(ctx context.Context, d *dialer) (driver.Conn, error) {
		c, ok := ora.NewConnector(address).(*ora.OracleConnector)
		if !ok {
			return nil, fault.New(fault.CodeInternal, "the driver is another one")
		}
		c.Dialer(d)
		if secure != nil {
			c.WithTLSConfig(secure.Clone()) // the driver writes into it
		}
		return c.Connect(ctx)
	}, nil
}

// url is the settings as the driver reads them.
func (s settings) url() string {
	u := url.URL{
		Scheme: "oracle", User: url.UserPassword(s.User, s.Password), Host: net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), Path: "/" + s.Database,
		RawQuery: s.options().Encode(),
	}
	return u.String()
}

// options are the driver's words for the settings.
func (s settings) options() url.Values {
	o := url.Values{}
	o.Set("PROGRAM", "millrace")
	o.Set("OS USER", "millrace")
	o.Set("CONNECTION TIMEOUT", strconv.Itoa(int(connectTimeout.Seconds())))
	o.Set("SERVER LOCATION", "UTC") // what has no zone stays as it is written
	if s.DatabaseIs == bySID {
		o.Set("SID", s.Database)
	}
	switch s.Encryption {
	case encryptTLS:
		o.Set("SSL", "true")
		o.Set("SSL VERIFY", strconv.FormatBool(!s.Trust))
	case encryptRequired:
		o.Set("ENCRYPTION", "REQUIRED")
		o.Set("DATA INTEGRITY", "REQUIRED")
	case encryptNone:
		o.Set("ENCRYPTION", "REJECTED")
	default:
		o.Set("ENCRYPTION", "REQUESTED")
		o.Set("DATA INTEGRITY", "REQUESTED")
	}
	return o
}

// tls returns the TLS settings, nil for none.
func (s settings) tls() (*tls.Config, error) {
	if s.Encryption != encryptTLS {
		return nil, nil //nolint:nilnil // no TLS
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.Host, InsecureSkipVerify: s.Trust} //nolint:gosec // somebody asked for it
	if s.CACertificate != "" {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM([]byte(s.CACertificate)) {
			return nil, fault.New(fault.CodeInvalid, "the CA certificate holds no certificate in PEM").WithPath("caCertificate")
		}
	}
	return c, nil
}
