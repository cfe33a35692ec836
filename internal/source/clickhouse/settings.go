package clickhouse

import (
	"net/url"
	"strconv"

	"github.com/millrace/millrace/internal/connector"
)

// The ways to say where the server is.
const (
	methodPassword = "password"
	methodString   = "connection_string"
)

// The ports of the HTTP interface: https://clickhouse.com/docs/guides/sre/network-ports
const (
	defaultPort       = 8123
	defaultSecurePort = 8443
)

func fields() []connector.Field {
	low, high := float64(1), float64(65535)
	apart := &connector.ShowIf{Field: "method", In: []string{methodPassword}}
	return []connector.Field{
		{
			Name: "method", Label: "Authentication method", Type: connector.FieldSelect, Default: methodPassword, Required: true,
			Options: []connector.Option{{Value: methodPassword, Label: "Password"}, {Value: methodString, Label: "Connection string", Help: "A JDBC address, which may have more options."}},
		},
		{Name: "host", Label: "Host", Type: connector.FieldString, Required: true, ShowIf: apart, Example: "clickhouse.example.com", Help: "Name or address of the server."},
		{Name: "port", Label: "Port", Type: connector.FieldNumber, Required: true, Default: defaultPort, Min: &low, Max: &high, ShowIf: apart, Help: "Of the HTTP interface: 8123, or 8443 with encryption, unless the server has others."},
		{Name: "database", Label: "Database", Type: connector.FieldString, Required: true, Default: "default", ShowIf: apart, Help: "Where queries find tables that are named without a database."},
		{Name: "user", Label: "Username", Type: connector.FieldString, Required: true, ShowIf: apart, Example: "millrace", Help: "A user that may read the data; readonly = 1 is enough."},
		{Name: "password", Label: "Password", Type: connector.FieldSecret, Secret: true, ShowIf: apart, Help: "Leave it empty where the server asks for none."},
		{Name: "secure", Label: "Encryption", Type: connector.FieldBoolean, Default: false, ShowIf: apart, Help: "Connect with HTTPS. ClickHouse Cloud wants it, with port 8443."},
		{
			Name: "connectionString", Label: "Connection string", Type: connector.FieldSecret, Secret: true, Required: true,
			ShowIf:  &connector.ShowIf{Field: "method", In: []string{methodString}},
			Example: "jdbc:clickhouse://clickhouse.example.com:8443/default?ssl=true&user=millrace&password=…",
			Help:    "A JDBC address. Options that are settings of the server go to it with each query.",
		},
		{Name: "caCertificate", Label: "CA certificate", Type: connector.FieldText, Advanced: true, Help: "PEM. Who may have signed the server's certificate; empty means those that this machine trusts."},
	}
}

type settings struct {
	Method           string `json:"method"`
	Host             string `json:"host"`
	Port             uint16 `json:"port"`
	Database         string `json:"database"`
	User             string `json:"user"`
	Password         string `json:"password"`
	Secure           bool   `json:"secure"`
	ConnectionString string `json:"connectionString"`
	CACertificate    string `json:"caCertificate"`
}

// place is where a server is, and how it is spoken to.
type place struct {
	host, port     string
	database       string
	user, password string
	secure         bool
	anyone         bool   // whoever answers is believed
	ca             string // PEM
	path           string
	settings       url.Values // of the server, with each query
}

func (s settings) place() (place, error) {
	if s.Method == methodString {
		p, err := parseJDBC(s.ConnectionString)
		p.ca = s.CACertificate
		return p, err
	}
	return place{
		host: s.Host, port: strconv.Itoa(int(s.Port)), database: s.Database, user: s.User, password: s.Password, secure: s.Secure, ca: s.CACertificate,
	}, nil
}
