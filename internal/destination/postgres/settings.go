package postgres

import (
	"context"
	"crypto/x509"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/sqltable"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

const (
	defaultPort         = 5432
	maxPort             = 65535
	maxStatementTimeout = 24 * 60 * 60
	connectTimeout      = 10 * time.Second
)

// How the connection is encrypted, by the names of PostgreSQL's own clients.
const (
	sslDisable    = "disable"
	sslPrefer     = "prefer"
	sslRequire    = "require"
	sslVerifyCA   = "verify-ca"
	sslVerifyFull = "verify-full"
)

// settings are the destination's own.
type settings struct {
	Host             string  `json:"host"`
	Port             float64 `json:"port"`
	Database         string  `json:"database"`
	User             string  `json:"user"`
	Password         string  `json:"password"`
	SSLMode          string  `json:"sslMode"`
	CA               string  `json:"caCertificate"`
	StatementTimeout float64 `json:"statementTimeout"` // seconds; 0 means the server's own
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
	case sslDisable, sslPrefer, sslRequire:
	case sslVerifyCA, sslVerifyFull:
		if s.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(s.CA)) {
			add("caCertificate", "the CA certificate is not in PEM form")
		}
	default:
		add("sslMode", "there is no SSL mode %q", s.SSLMode)
	}
	return issues
}

// address returns the database's address, as the request log shows it.
func (s settings) address() string {
	return "postgresql://" + s.Host + ":" + strconv.Itoa(int(s.Port)) + "/" + s.Database
}

// config returns how to connect. Nothing is taken from the environment or from files of this machine,
// which the driver would otherwise read as defaults.
func (s settings) config() (*pgxpool.Config, error) {
	if err := s.check().Err(); err != nil {
		return nil, fault.As(err)
	}
	pairs := [][2]string{
		{"host", s.Host}, {"port", strconv.Itoa(int(s.Port))}, {"dbname", s.Database}, {"user", s.User}, {"password", s.Password}, {"sslmode", s.SSLMode},
		{"sslrootcert", ""}, {"sslcert", ""}, {"sslkey", ""}, {"passfile", ""}, {"target_session_attrs", "any"}, {"sslnegotiation", "postgres"},
	}
	var text strings.Builder
	for _, pair := range pairs {
		text.WriteString(pair[0] + "='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(pair[1]) + "' ")
	}
	c, err := pgxpool.ParseConfig(text.String())
	if err != nil { // its text may repeat the settings, the password among them
		return nil, fault.New(fault.CodeInvalid, "the connection's settings cannot be used").WithPath("spec.configuration")
	}
	c.MaxConns = sqltable.MaxParallel + 2
	c.ConnConfig.Password = s.Password
	c.ConnConfig.ConnectTimeout = connectTimeout
	c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec // no prepared statements: poolers lose them
	c.ConnConfig.RuntimeParams = map[string]string{"application_name": "millrace", "client_encoding": "UTF8"}
	s.trust(&c.ConnConfig.Config)
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

// trust makes the configured authority the only one.
func (s settings) trust(c *pgconn.Config) {
	if s.CA == "" || c.TLSConfig == nil {
		return
	}
	c.TLSConfig.RootCAs = x509.NewCertPool()
	c.TLSConfig.RootCAs.AppendCertsFromPEM([]byte(s.CA)) // check has seen that it is one
	for _, f := range c.Fallbacks {
		if f.TLSConfig != nil {
			f.TLSConfig.RootCAs = c.TLSConfig.RootCAs
		}
	}
}

// syncSettings are a sync's own.
type syncSettings struct {
	sqltable.Batching

	Schema string `json:"schema"`
	Table  string `json:"table"`
}

func (s syncSettings) ref() query.TableRef { return query.TableRef{Schema: s.Schema, Name: s.Table} }

// decode reads the settings of a job.
func decode(job connector.SyncJob) (syncSettings, error) {
	var s syncSettings
	err := job.Settings.WithDefaults(syncType().Fields).Decode(&s)
	return s, err
}
