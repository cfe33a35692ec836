package elasticsearch

import (
	"crypto/x509"
	"encoding/base64"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

const (
	defaultPort = 9200
	maxPort     = 65535
)

// How the place is named.
const (
	methodCloud  = "cloud"
	methodServer = "server"
)

// settings are the destination's own.
type settings struct {
	Method   string  `json:"method"`
	CloudID  string  `json:"cloudId"`
	Protocol string  `json:"protocol"`
	Host     string  `json:"host"`
	Port     float64 `json:"port"`
	Username string  `json:"username"`
	Password string  `json:"password"`
	APIKey   string  `json:"apiKey"`
	CA       string  `json:"caCertificate"`
}

type addIssue func(field, format string, args ...any)

// check reports every setting that cannot work.
func (s settings) check() fault.Issues {
	var issues fault.Issues
	add := func(field, format string, args ...any) {
		issues.Add("spec.configuration."+field, fault.CodeInvalid, format, args...)
	}
	switch s.Method {
	case methodCloud:
		s.checkCloud(add)
	case methodServer:
		s.checkServer(add)
	default:
		add("method", "the place is named by %s or %s, not %q", methodCloud, methodServer, s.Method)
	}
	return issues
}

func (s settings) checkCloud(add addIssue) {
	if _, err := cloudURL(s.CloudID); err != nil {
		add("cloudId", "%s", err.Error())
	}
	if s.APIKey == "" {
		add("apiKey", "the API key is missing")
	}
}

func (s settings) checkServer(add addIssue) {
	if s.Protocol != "http" && s.Protocol != "https" {
		add("protocol", "the protocol is http or https, not %q", s.Protocol)
	}
	switch {
	case s.Host == "":
		add("host", "the host is missing")
	case strings.Contains(s.Host, "://") || strings.ContainsAny(s.Host, "@?/ "):
		add("host", "the host must be a name or an IP address only, not a URL")
	}
	if s.Port != math.Trunc(s.Port) || s.Port < 1 || s.Port > maxPort {
		add("port", "the port must be a whole number from 1 to %d", maxPort)
	}
	switch {
	case s.Username != "" && s.APIKey != "":
		add("apiKey", "use either the API key or user and password")
	case s.Username != "" && s.Password == "":
		add("password", "the user %q needs a password", s.Username)
	case s.Username == "" && s.Password != "":
		add("username", "the password needs a user")
	}
	if s.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(s.CA)) {
		add("caCertificate", "the CA certificate is not in PEM form")
	}
}

// cloudParts is how many parts a Cloud ID has after it is decoded: the host, and the parts of it that name Elasticsearch
// and Kibana. Some have only the first two.
const cloudParts = 2

// cloudURL reads a Cloud ID: a label, a colon, and in base64 the host, Elasticsearch's name in it, and Kibana's, with
// dollar signs between them. Host and name may end with a port.
func cloudURL(id string) (*url.URL, error) {
	_, coded, found := strings.Cut(strings.TrimSpace(id), ":")
	if !found {
		coded = strings.TrimSpace(id)
	}
	text, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(coded, "="))
	parts := strings.Split(string(text), "$")
	if err != nil || len(parts) < cloudParts || parts[0] == "" || parts[1] == "" {
		return nil, fault.New(fault.CodeInvalid, "this is no Cloud ID: copy it from the page of the deployment in Elastic Cloud")
	}
	host, port, _ := strings.Cut(parts[0], ":")
	name, own, found := strings.Cut(parts[1], ":")
	if found {
		port = own
	}
	if port == "" {
		port = "443"
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > maxPort || strings.ContainsAny(name+host, "/@?# ") {
		return nil, fault.New(fault.CodeInvalid, "the Cloud ID names no host: copy it from the page of the deployment in Elastic Cloud")
	}
	return &url.URL{Scheme: "https", Host: name + "." + host + ":" + port, Path: "/"}, nil
}

// base returns the address that requests begin with, of settings that were checked.
func (s settings) base() *url.URL {
	if s.Method == methodCloud {
		if u, err := cloudURL(s.CloudID); err == nil {
			return u
		}
	}
	return &url.URL{Scheme: s.Protocol, Host: net.JoinHostPort(s.Host, strconv.Itoa(int(s.Port))), Path: "/"}
}

// authorize adds what the server is shown.
// https://www.elastic.co/docs/api/doc/elasticsearch/authentication
func (s settings) authorize(h http.Header) {
	key := s.APIKey
	switch {
	case key != "":
		if strings.Contains(key, ":") {
			key = base64.StdEncoding.EncodeToString([]byte(key))
		}
		h.Set("Authorization", "ApiKey "+key)
	case s.Username != "":
		h.Set("Authorization", "Basic "+s.basic())
	}
}

func (s settings) basic() string {
	return base64.StdEncoding.EncodeToString([]byte(s.Username + ":" + s.Password))
}

// secrets are the texts that no log may show.
func (s settings) secrets() []string { return []string{s.Password, s.APIKey, s.basic()} }

// syncSettings are a sync's own.
type syncSettings struct {
	Index     string  `json:"index"`
	BatchSize float64 `json:"batchSize"`
	Parallel  float64 `json:"parallel"`
}

// decode reads the settings of a job.
func decode(job connector.SyncJob) (syncSettings, error) {
	var s syncSettings
	err := job.Settings.WithDefaults(syncType().Fields).Decode(&s)
	return s, err
}
