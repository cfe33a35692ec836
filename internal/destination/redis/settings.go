package redis

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

const (
	defaultPort = 6379
	maxPort     = 65535
)

// What answers at the address.
const (
	deploySingle  = "single"
	deployCluster = "cluster"
)

// How the connection is encrypted, by the names that the other databases here use.
const (
	sslDisable    = "disable"
	sslRequire    = "require"
	sslVerifyCA   = "verify-ca"
	sslVerifyFull = "verify-full"
)

// Whether commands are sent between MULTI and EXEC.
const (
	txAuto = "auto"
	txOn   = "on"
	txOff  = "off"
)

// settings are the destination's own.
type settings struct {
	Deployment        string   `json:"deployment"`
	Host              string   `json:"host"`
	Port              float64  `json:"port"`
	Database          float64  `json:"database"`
	Nodes             []string `json:"nodes"`
	NodeAddressMap    []string `json:"nodeAddressMap"`
	Username          string   `json:"username"`
	Password          string   `json:"password"`
	SSLMode           string   `json:"sslMode"`
	CA                string   `json:"caCertificate"`
	ClientCertificate string   `json:"clientCertificate"`
	ClientKey         string   `json:"clientKey"`
	Transactions      string   `json:"transactions"`
}

type addIssue func(field, format string, args ...any)

// check reports every setting that cannot work.
func (s settings) check() fault.Issues {
	var issues fault.Issues
	add := func(field, format string, args ...any) {
		issues.Add("spec.configuration."+field, fault.CodeInvalid, format, args...)
	}
	switch s.Deployment {
	case deploySingle:
		s.checkServer(add)
	case deployCluster:
		s.checkCluster(add)
	default:
		add("deployment", "the deployment is either %s or %s, not %q", deploySingle, deployCluster, s.Deployment)
	}
	if s.Username != "" && s.Password == "" {
		add("password", "the user %q needs a password", s.Username)
	}
	switch s.Transactions {
	case txAuto, txOn, txOff, "":
	default:
		add("transactions", "transactions are %s, %s or %s, not %q", txAuto, txOn, txOff, s.Transactions)
	}
	if _, err := s.tls(); err != nil {
		e := fault.As(err)
		add(e.Path, "%s", e.Error())
	}
	return issues
}

func (s settings) checkServer(add addIssue) {
	switch {
	case s.Host == "":
		add("host", "the host is missing")
	case strings.Contains(s.Host, "://") || strings.ContainsAny(s.Host, "@?/ "):
		add("host", "the host must be a name or an IP address only, not a URL")
	}
	if s.Port != math.Trunc(s.Port) || s.Port < 1 || s.Port > maxPort {
		add("port", "the port must be a whole number from 1 to %d", maxPort)
	}
	if s.Database != math.Trunc(s.Database) || s.Database < 0 || s.Database > math.MaxInt32 {
		add("database", "the database is a whole number from 0 on")
	}
}

func (s settings) checkCluster(add addIssue) {
	if len(s.Nodes) == 0 {
		add("nodes", "name the URL of a node, such as redis://node-1.example.com:6379")
	}
	for i, text := range s.Nodes {
		if _, err := s.node(text); err != nil {
			add("nodes", "node %d: %v", i+1, err)
		}
	}
	if _, err := s.nodeMap(); err != nil {
		add("nodeAddressMap", "%v", err)
	}
}

// node reads the URL of a node and returns its address. Errors do not repeat the URL, which may hold a password.
func (s settings) node(text string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil || u.Scheme != "redis" && u.Scheme != "rediss" || u.Hostname() == "":
		return "", errors.New("the URL must be like redis://node-1.example.com:6379")
	case u.User != nil:
		return "", errors.New("the URL must not contain a user or password: they have fields of their own")
	case u.Path != "" && u.Path != "/" && u.Path != "/0" || u.RawQuery != "":
		return "", errors.New("the URL ends with the port: a cluster has no databases to choose from")
	case u.Scheme == "rediss" && s.SSLMode == sslDisable:
		return "", errors.New("a URL with rediss:// asks for encryption, and the connection's encryption is none")
	}
	port := u.Port()
	if port == "" {
		port = strconv.Itoa(defaultPort)
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}

// nodeMap reads the node address map: the address that the cluster names, and the one to connect to.
func (s settings) nodeMap() (map[string]string, error) {
	m := map[string]string{}
	for _, line := range s.NodeAddressMap {
		from, to, found := strings.Cut(strings.TrimSpace(line), "=")
		from, to = strings.TrimSpace(from), strings.TrimSpace(to)
		if !found || !isAddress(from) || !isAddress(to) {
			return nil, fault.New(fault.CodeInvalid, "an entry is like 10.0.1.5:6379=nat.example.com:7001; %q is not", line)
		}
		if _, twice := m[from]; twice {
			return nil, fault.New(fault.CodeInvalid, "the address %s is mapped twice", from)
		}
		m[from] = to
	}
	return m, nil
}

func isAddress(text string) bool {
	host, port, err := net.SplitHostPort(text)
	n, perr := strconv.Atoi(port)
	return err == nil && perr == nil && host != "" && n >= 1 && n <= maxPort
}

// transactional reports whether commands are sent between MULTI and EXEC.
func (s settings) transactional() bool {
	return s.Transactions == txOn || s.Transactions != txOff && s.Deployment == deploySingle
}

// address returns where the destination is, as the request log shows it.
func (s settings) address() string {
	if s.Deployment != deployCluster {
		return "redis://" + net.JoinHostPort(s.Host, strconv.Itoa(int(s.Port))) + "/" + strconv.Itoa(int(s.Database))
	}
	for _, text := range s.Nodes {
		if address, err := s.node(text); err == nil {
			return "redis://" + address
		}
	}
	return "redis:"
}

// tls returns the TLS settings, without a server's name; nil for none. An error's path is the setting's name.
func (s settings) tls() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	switch s.SSLMode {
	case sslDisable:
		return nil, nil //nolint:nilnil // no encryption
	case sslRequire:
		c.InsecureSkipVerify = true // what the mode means: encrypted, to whoever answers
	case sslVerifyCA, sslVerifyFull:
		if err := s.trust(c); err != nil {
			return nil, err
		}
	default:
		return nil, fault.New(fault.CodeInvalid, "%q is not a mode of encryption", s.SSLMode).WithPath("sslMode")
	}
	if s.ClientCertificate == "" && s.ClientKey == "" {
		return c, nil
	}
	pair, err := tls.X509KeyPair([]byte(s.ClientCertificate), []byte(s.ClientKey))
	if err != nil {
		return nil, fault.New(fault.CodeInvalid, "the client certificate and its key are not a pair in PEM form").WithPath("clientCertificate")
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}

// trust makes the configured authority the only one.
func (s settings) trust(c *tls.Config) error {
	if s.CA != "" {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM([]byte(s.CA)) {
			return fault.New(fault.CodeInvalid, "the CA certificate is not in PEM form").WithPath("caCertificate")
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

// syncSettings are a sync's own.
type syncSettings struct {
	Command   string  `json:"command"`
	Format    string  `json:"format"`
	TTL       float64 `json:"ttl"` // seconds; 0 means that keys stay
	BatchSize float64 `json:"batchSize"`
	Parallel  float64 `json:"parallel"`
}

// typeOf returns the description of a job's sync type.
func typeOf(job connector.SyncJob) connector.SyncType {
	if job.Type == TypeMembers {
		return membersType()
	}
	return keysType()
}

// decode reads the settings of a job.
func decode(job connector.SyncJob) (syncSettings, error) {
	var s syncSettings
	err := job.Settings.WithDefaults(typeOf(job).Fields).Decode(&s)
	return s, err
}
