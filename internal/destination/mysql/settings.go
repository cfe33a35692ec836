package mysql

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"maps"
	"math"
	"net"
	"strconv"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/sqltable"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

const (
	defaultPort    = 3306
	maxPort        = 65535
	connectTimeout = 30 * time.Second
)

// How the connection is encrypted.
const (
	sslDisable    = "disable"
	sslRequire    = "require"
	sslVerifyCA   = "verify-ca"
	sslVerifyFull = "verify-full"
)

// settings are the destination's own.
type settings struct {
	Host              string  `json:"host"`
	Port              float64 `json:"port"`
	Database          string  `json:"database"`
	User              string  `json:"user"`
	Password          string  `json:"password"`
	SSLMode           string  `json:"sslMode"`
	CA                string  `json:"caCertificate"`
	ClientCertificate string  `json:"clientCertificate"`
	ClientKey         string  `json:"clientKey"`
}

// check reports every setting that cannot work.
func (s settings) check() fault.Issues {
	var issues fault.Issues
	add := func(field, format string, args ...any) {
		issues.Add("spec.configuration."+field, fault.CodeInvalid, format, args...)
	}
	switch {
	case s.Host == "":
		add("host", "the host is missing")
	case strings.Contains(s.Host, "://") || strings.ContainsAny(s.Host, "@? "):
		add("host", "the host must be a name or an IP address only, not a URL")
	}
	if s.Port != math.Trunc(s.Port) || s.Port < 1 || s.Port > maxPort {
		add("port", "the port must be a whole number from 1 to %d", maxPort)
	}
	for field, text := range map[string]string{"database": s.Database, "user": s.User} {
		if text == "" {
			add(field, "the %s is missing", field)
		}
	}
	switch s.SSLMode {
	case sslDisable:
		return issues
	case sslRequire:
	case sslVerifyCA, sslVerifyFull:
		if s.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(s.CA)) {
			add("caCertificate", "the CA certificate is not in PEM form")
		}
	default:
		add("sslMode", "%q is not a mode of encryption", s.SSLMode)
	}
	if _, err := s.certificates(); err != nil {
		add("clientCertificate", "client certificate and key are not a pair in PEM form")
	}
	return issues
}

// address returns the database's address, as the request log shows it.
func (s settings) address() string {
	return "mysql://" + net.JoinHostPort(s.Host, strconv.Itoa(int(s.Port))) + "/" + s.Database
}

// variables are set when a connection begins: the mode is strict whatever the server's is, and a zero is a zero in an
// AUTO_INCREMENT column; instants are in UTC; messages are in English, since they say which row they are about; a
// connection whose process was stopped in the middle of a transaction ends after a minute, with its locks.
// https://dev.mysql.com/doc/refman/8.4/en/sql-mode.html
// https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html
var variables = map[string]string{
	"sql_mode":        "'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION'",
	"time_zone":       "'+00:00'",
	"lc_messages":     "'en_US'",
	"sql_notes":       "1",
	"max_error_count": "65535",
	"wait_timeout":    "60",
}

// config says how to connect.
func (s settings) config(n connector.Network) (*driver.Config, error) {
	if err := s.check().Err(); err != nil {
		return nil, fault.As(err)
	}
	secure, err := s.tls()
	if err != nil {
		return nil, err
	}
	c := driver.NewConfig()
	c.User, c.Passwd, c.DBName, c.Net = s.User, s.Password, s.Database, "tcp"
	c.Addr = net.JoinHostPort(s.Host, strconv.Itoa(int(s.Port)))
	c.TLS, c.Timeout, c.Logger = secure, connectTimeout, &driver.NopLogger{}
	c.Params, c.ClientFoundRows, c.InterpolateParams = maps.Clone(variables), true, true
	c.MaxAllowedPacket = 0 // the server is asked for it
	c.ConnectionAttributes = "program_name:millrace"
	c.DialFunc = n.DialContext
	return c, nil
}

func (s settings) certificates() ([]tls.Certificate, error) {
	if s.ClientCertificate == "" && s.ClientKey == "" {
		return nil, nil
	}
	pair, err := tls.X509KeyPair([]byte(s.ClientCertificate), []byte(s.ClientKey))
	return []tls.Certificate{pair}, err
}

// tls returns the TLS settings, nil for none.
func (s settings) tls() (*tls.Config, error) {
	if s.SSLMode == sslDisable {
		return nil, nil //nolint:nilnil // no encryption
	}
	certificates, err := s.certificates()
	if err != nil { // check has seen that they are a pair
		return nil, err
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.Host, Certificates: certificates}
	if s.CA != "" && s.SSLMode != sslRequire {
		c.RootCAs = x509.NewCertPool()
		c.RootCAs.AppendCertsFromPEM([]byte(s.CA)) // check has seen that it is one
	}
	switch s.SSLMode {
	case sslRequire:
		c.InsecureSkipVerify = true // what the mode means: encrypted, to whoever answers
	case sslVerifyCA:
		c.InsecureSkipVerify = true // checked here, without the host's name
		c.VerifyConnection = func(state tls.ConnectionState) error { return verifyChain(state, c.RootCAs) }
	}
	return c, nil
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

// syncSettings are a sync's own.
type syncSettings struct {
	sqltable.Batching

	Table     string `json:"table"`
	Statement string `json:"statement"`
	Fit       string `json:"fit"`
}

func (s syncSettings) loads() bool { return s.Statement == writeLoad }

// exact says that a value is stored as it was sent, or not at all.
func (s syncSettings) exact() bool { return s.Fit != fitAdapt }

// ref is a table of the connection's database.
func (d *destination) ref(table string) query.TableRef {
	return query.TableRef{Schema: d.settings.Database, Name: table}
}

// decode reads the settings of a job.
func decode(job connector.SyncJob) (syncSettings, error) {
	var s syncSettings
	err := job.Settings.WithDefaults(syncType().Fields).Decode(&s)
	return s, err
}
