package trino

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

// The engines and the connectors.
const (
	engineTrino  = "trino"
	enginePresto = "presto"

	connectorHive     = "hive"
	connectorIceberg  = "iceberg"
	connectorPostgres = "postgresql"
)

func fields() []connector.Field {
	low, high := float64(1), float64(65535)
	return []connector.Field{
		{Name: "host", Label: "Host", Type: connector.FieldString, Required: true, Example: "trino.example.com", Help: "Name or address of the coordinator."},
		{Name: "port", Label: "Port", Type: connector.FieldNumber, Required: true, Min: &low, Max: &high, Example: "443", Help: "The coordinator's HTTP port: often 443 or 8443 with encryption, 8080 without."},
		{Name: "catalog", Label: "Default catalogue", Type: connector.FieldString, Example: "hive", Help: "Where tables lie that are named without a catalogue. Empty lists the tables of every catalogue; the Lightning engine needs one."},
		{
			Name: "engine", Label: "Engine", Type: connector.FieldSelect, Default: engineTrino, Required: true,
			Options: []connector.Option{{Value: engineTrino, Label: "Trino", Help: "Also Starburst."}, {Value: enginePresto, Label: "Presto"}},
		},
		{
			Name: "connector", Label: "Connector", Type: connector.FieldSelect, Default: connectorHive, Required: true,
			Help:    "What the default catalogue is. It decides how the Lightning engine makes its tables.",
			Options: []connector.Option{{Value: connectorHive, Label: "Hive"}, {Value: connectorIceberg, Label: "Iceberg"}, {Value: connectorPostgres, Label: "PostgreSQL"}},
		},
		{Name: "user", Label: "User", Type: connector.FieldString, Required: true, Example: "millrace", Help: "It needs to read the data; with the Lightning engine also to write in Millrace's schemas."},
		{Name: "password", Label: "Password", Type: connector.FieldSecret, Secret: true, Help: "Leave it empty where the server asks for none. Servers take passwords over encrypted connections only."},
		{Name: "disableEncryption", Label: "Disable encryption", Type: connector.FieldBoolean, Default: false, Advanced: true, Help: "Connect with HTTP instead of HTTPS."},
		{
			Name: "caCertificate", Label: "CA certificate", Type: connector.FieldText, Advanced: true,
			ShowIf: &connector.ShowIf{Field: "disableEncryption", In: []string{"false"}},
			Help:   "PEM. Who may have signed the server's certificate; empty means those that this machine trusts.",
		},
	}
}

type settings struct {
	Host              string `json:"host"`
	Port              uint16 `json:"port"`
	Catalog           string `json:"catalog"`
	Engine            string `json:"engine"`
	Connector         string `json:"connector"`
	User              string `json:"user"`
	Password          string `json:"password"`
	DisableEncryption bool   `json:"disableEncryption"`
	CACertificate     string `json:"caCertificate"`
}

func (s settings) dialect() query.Dialect {
	d := query.Trino
	if s.Engine == enginePresto {
		d = query.Presto
	}
	switch s.Connector {
	case connectorIceberg:
		return query.TrinoIceberg(d)
	case connectorPostgres:
		return query.TrinoPostgres(d)
	default:
		return query.TrinoHive(d)
	}
}

func (s settings) client(n connector.Network) (*client, error) {
	transport := n.Transport()
	scheme := "http"
	if !s.DisableEncryption {
		scheme = "https"
		secure, err := s.tls()
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = secure
	}
	c := &client{
		base: url.URL{Scheme: scheme, Host: net.JoinHostPort(s.Host, strconv.Itoa(int(s.Port)))}, prefix: "X-Trino-",
		user: s.User, password: s.Password, catalog: s.Catalog, network: n,
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	if s.Engine == enginePresto {
		c.prefix = "X-Presto-"
	} else if s.Connector != connectorIceberg && s.Connector != connectorPostgres && s.Catalog != "" {
		// Without it, the Hive connector reads and writes instants with milliseconds.
		// https://trino.io/docs/current/connector/hive.html (hive.timestamp-precision)
		c.session = s.Catalog + ".timestamp_precision=MICROSECONDS"
	}
	return c, nil
}

func (s settings) tls() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.Host}
	if s.CACertificate == "" {
		return c, nil
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM([]byte(s.CACertificate)) {
		return nil, fault.New(fault.CodeInvalid, "the CA certificate holds no certificate in PEM").WithPath("caCertificate")
	}
	return c, nil
}
