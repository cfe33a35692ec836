package mongodb

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

const (
	defaultPort = 27017
	maxPort     = 65535
)

// Limits of time.
const (
	selectionTimeout = 10 * time.Second
	connectTimeout   = 10 * time.Second
	operationTimeout = 60 * time.Second
)

// How the place is named.
const (
	methodParameters = "parameters"
	methodURI        = "uri"
)

// How the connection is encrypted, by the names that the other databases here use.
const (
	sslDisable    = "disable"
	sslRequire    = "require"
	sslVerifyFull = "verify-full"
)

// settings are the destination's own.
type settings struct {
	Method     string  `json:"method"`
	URI        string  `json:"uri"`
	Host       string  `json:"host"`
	SRV        bool    `json:"srv"`
	Port       float64 `json:"port"`
	Database   string  `json:"database"`
	Username   string  `json:"username"`
	Password   string  `json:"password"`
	AuthSource string  `json:"authSource"`
	SSLMode    string  `json:"sslMode"`
	CA         string  `json:"caCertificate"`
}

type addIssue func(field, format string, args ...any)

// check reports every setting that cannot work.
func (s settings) check() fault.Issues {
	var issues fault.Issues
	add := func(field, format string, args ...any) {
		issues.Add("spec.configuration."+field, fault.CodeInvalid, format, args...)
	}
	switch s.Method {
	case methodParameters:
		s.checkParameters(add)
	case methodURI:
		if err := checkURI(s.URI); err != nil {
			add("uri", "%v", err)
		}
	default:
		add("method", "the place is named by %s or %s, not %q", methodParameters, methodURI, s.Method)
	}
	switch name := s.database(); {
	case name == "":
		add("database", "the database is missing")
	case strings.ContainsAny(name, "/\\. \"$*<>:|?\x00"):
		add("database", "%q cannot be the name of a database", name)
	}
	if s.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(s.CA)) {
		add("caCertificate", "the CA certificate is not in PEM form")
	}
	return issues
}

func (s settings) checkParameters(add addIssue) {
	switch {
	case s.Host == "":
		add("host", "the host is missing")
	case strings.Contains(s.Host, "://") || strings.ContainsAny(s.Host, "@?/, "):
		add("host", "the host must be a name or an IP address only; for a connection string, choose to connect by it")
	}
	if !s.SRV && (s.Port != math.Trunc(s.Port) || s.Port < 1 || s.Port > maxPort) {
		add("port", "the port must be a whole number from 1 to %d", maxPort)
	}
	switch {
	case s.Username != "" && s.Password == "":
		add("password", "the user %q needs a password", s.Username)
	case s.Username == "" && s.Password != "":
		add("username", "the password needs a user")
	}
	switch s.SSLMode {
	case sslDisable, sslRequire, sslVerifyFull:
	default:
		add("sslMode", "%q is not a mode of encryption", s.SSLMode)
	}
}

// mechanisms are the ways of authentication that a connection string may name: those that need nothing of this machine.
// https://www.mongodb.com/docs/manual/core/authentication/
var mechanisms = []string{"", "DEFAULT", "SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN"}

// checkURI looks at a connection string. Errors do not repeat it: it holds a password.
// https://www.mongodb.com/docs/manual/reference/connection-string/
func checkURI(text string) error {
	if text == "" {
		return errors.New("the connection string is missing")
	}
	if !strings.HasPrefix(text, "mongodb://") && !strings.HasPrefix(text, "mongodb+srv://") {
		return errors.New("a connection string begins with mongodb:// or mongodb+srv://")
	}
	if strings.Contains(text, "<") {
		return errors.New("put the password, and what else stands between < and >, into the connection string (a < that belongs to the password is written %3C)")
	}
	_, behind, _ := strings.Cut(text, "?")
	query, err := url.ParseQuery(behind)
	if err != nil {
		return errors.New("the options behind the question mark cannot be read")
	}
	for name := range query {
		if strings.HasSuffix(strings.ToLower(name), "file") {
			return errors.New("the option " + name + " names a file of this server, which is not read: paste certificates into their own field")
		}
		if strings.EqualFold(name, "authMechanism") && !slices.Contains(mechanisms, strings.ToUpper(query.Get(name))) {
			return errors.New("the authentication mechanism is not one of SCRAM-SHA-1, SCRAM-SHA-256 and PLAIN")
		}
	}
	if strings.HasPrefix(text, "mongodb+srv://") {
		return nil // reading it asks DNS
	}
	if err := parsed(text).Validate(); err != nil {
		return errors.New("the connection string cannot be read: write special characters of user and password with percent signs, such as %40 for @")
	}
	return nil
}

// database returns the database's name: the field's, else the connection string's.
func (s settings) database() string {
	if s.Database != "" || s.Method != methodURI {
		return s.Database
	}
	_, rest, _ := strings.Cut(s.URI, "://")
	_, path, _ := strings.Cut(rest, "/")
	name, _, _ := strings.Cut(path, "?")
	if plain, err := url.PathUnescape(name); err == nil {
		return plain
	}
	return name
}

// hosts returns where the servers are, for people to read.
func (s settings) hosts() string {
	switch {
	case s.Method == methodURI:
		_, rest, _ := strings.Cut(s.URI, "://")
		rest, _, _ = strings.Cut(rest, "?")
		at := strings.LastIndexByte(rest, '@')
		hosts, _, _ := strings.Cut(rest[at+1:], "/")
		return hosts
	case s.SRV:
		return s.Host
	default:
		return net.JoinHostPort(s.Host, strconv.Itoa(int(s.Port)))
	}
}

// address returns the database's address, as messages and the request log show it.
func (s settings) address() string { return "mongodb://" + s.hosts() + "/" + s.database() }

// parsed reads a connection string.
func parsed(uri string) *options.ClientOptions { return options.Client().ApplyURI(uri) }

// options returns how to connect, of settings that were checked. It asks DNS where the host is a seedlist record.
func (s settings) options(n connector.Network) (*options.ClientOptions, error) {
	o := parsed(s.connection())
	if s.Method == methodParameters && s.Username != "" {
		o.SetAuth(options.Credential{Username: s.Username, Password: s.Password, PasswordSet: true, AuthSource: s.AuthSource})
	}
	if err := s.encrypt(o); err != nil {
		return nil, err
	}
	o.SetDialer(dialer(n.DialContext)).SetAppName("millrace").SetRetryWrites(false).SetRetryReads(false) // the engine repeats
	o.SetServerSelectionTimeout(selectionTimeout).SetConnectTimeout(connectTimeout).SetTimeout(operationTimeout).SetMaxPoolSize(maxParallel + 2)
	if n.Tunnelled() { // other members of a replica set are not behind the tunnel
		o.SetDirect(true)
	}
	if err := o.Validate(); err != nil {
		return nil, fault.New(fault.CodeInvalid, "the servers of %s cannot be found", s.hosts()).
			WithSuggestion("Check the host's name. A seedlist record is a name in DNS with entries of the type SRV; Atlas shows it on the page of the cluster.")
	}
	return o, nil
}

// connection returns the connection string, without user and password where they are fields of their own.
func (s settings) connection() string {
	switch {
	case s.Method == methodURI:
		return s.URI
	case s.SRV:
		return "mongodb+srv://" + s.Host + "/?tls=" + strconv.FormatBool(s.SSLMode != sslDisable)
	default:
		return "mongodb://" + s.hosts()
	}
}

func (s settings) encrypt(o *options.ClientOptions) error {
	if s.Method == methodURI {
		if s.CA == "" {
			return nil // as the connection string says
		}
		if o.TLSConfig == nil {
			return fault.New(fault.CodeInvalid, "a CA certificate is of no use: the connection string does not ask for encryption").WithPath("spec.configuration.caCertificate").
				WithSuggestion("Add tls=true to the connection string.")
		}
	}
	if s.Method == methodParameters && s.SSLMode == sslDisable {
		o.SetTLSConfig(nil)
		return nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: s.Method == methodParameters && s.SSLMode == sslRequire} //nolint:gosec // what the mode means: encrypted, to whoever answers
	if s.CA != "" {
		c.RootCAs = x509.NewCertPool()
		c.RootCAs.AppendCertsFromPEM([]byte(s.CA)) // check has seen that it is one
	}
	o.SetTLSConfig(c)
	return nil
}

// syncSettings are a sync's own.
type syncSettings struct {
	Collection string  `json:"collection"`
	BatchSize  float64 `json:"batchSize"`
	Parallel   float64 `json:"parallel"`
}

// decode reads the settings of a job.
func decode(job connector.SyncJob) (syncSettings, error) {
	var s syncSettings
	err := job.Settings.WithDefaults(syncType().Fields).Decode(&s)
	return s, err
}
