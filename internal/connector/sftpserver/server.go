// Package sftpserver reaches SFTP servers for the connectors that read and write files there: how people say which
// server it is and who they are (S-81), a connection that is only made to a server whose host key is known, and what
// its errors mean.
package sftpserver

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// The ways to authenticate (S-81).
const (
	byPassword = "password"
	byKey      = "key"
)

// Fields are the settings that Server decodes. user says what the user must be allowed to do.
func Fields(user string) []connector.Field {
	low, high := float64(1), float64(65535)
	key := &connector.ShowIf{Field: "authentication", In: []string{byKey}}
	return []connector.Field{
		{Name: "host", Label: "Host", Type: connector.FieldString, Required: true, Example: "sftp.example.com", Help: "Name or address of the server."},
		{Name: "port", Label: "Port", Type: connector.FieldNumber, Required: true, Default: 22, Min: &low, Max: &high},
		{Name: "username", Label: "Username", Type: connector.FieldString, Required: true, Example: "millrace", Help: user},
		{
			Name: "authentication", Label: "Authentication", Type: connector.FieldSelect, Default: byPassword,
			Options: []connector.Option{{Value: byPassword, Label: "Password"}, {Value: byKey, Label: "Private key"}},
		},
		{Name: "password", Label: "Password", Type: connector.FieldSecret, Secret: true, Required: true, ShowIf: &connector.ShowIf{Field: "authentication", In: []string{byPassword}}},
		{
			Name: "privateKey", Label: "Private key", Type: connector.FieldText, Secret: true, Required: true, ShowIf: key,
			Help: "In OpenSSH or RSA (PEM) format, with its first and last line, such as -----BEGIN OPENSSH PRIVATE KEY----- and -----END OPENSSH PRIVATE KEY-----.",
		},
		{Name: "passphrase", Label: "Passphrase", Type: connector.FieldSecret, Secret: true, ShowIf: key, Help: "Only where the private key is encrypted."},
		{
			Name: "hostKey", Label: "Fingerprint of the host key", Type: connector.FieldString, Example: "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
			Help: "Who operates the server can say it. Where it is empty, the test shows the fingerprint of the server that answers, and nothing is read or written until it is entered here: no password is sent to an unknown server.",
		},
	}
}

// Codes are what errors are called: those of sources or those of destinations.
type Codes struct {
	Unreachable, Auth, Denied, File fault.Code
}

// Server is a server that is reached over SSH.
type Server struct {
	Host           string `json:"host"`
	Port           uint16 `json:"port"`
	Username       string `json:"username"`
	Authentication string `json:"authentication"`
	Password       string `json:"password"`
	PrivateKey     string `json:"privateKey"`
	Passphrase     string `json:"passphrase"`
	HostKey        string `json:"hostKey"`

	Network connector.Network `json:"-"`
	Codes   Codes             `json:"-"`

	methods []ssh.AuthMethod
}

// Prepare reads what is shown to the server. It must be called before Connect.
func (s *Server) Prepare() error {
	if s.Authentication != byKey {
		s.methods = []ssh.AuthMethod{ssh.Password(s.Password), ssh.KeyboardInteractive(s.answer)}
		return nil
	}
	signer, err := s.signer()
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		return fault.New(s.Codes.Auth, "the private key is encrypted").WithPath("spec.configuration.passphrase").
			WithSuggestion("Enter the passphrase of the private key.")
	case err != nil:
		return fault.Wrap(err, s.Codes.Auth, "reading the private key").WithPath("spec.configuration.privateKey").
			WithSuggestion("Paste the whole key in OpenSSH format, with its first and last line, and check its passphrase. ssh-keygen -p -f KEY converts a key of another format.")
	}
	s.methods = []ssh.AuthMethod{ssh.PublicKeys(signer)}
	return nil
}

func (s *Server) signer() (ssh.Signer, error) {
	text := []byte(strings.TrimSpace(s.PrivateKey) + "\n")
	if s.Passphrase == "" {
		return ssh.ParsePrivateKey(text)
	}
	signer, err := ssh.ParsePrivateKeyWithPassphrase(text, []byte(s.Passphrase))
	if err != nil && strings.Contains(err.Error(), "not password protected") {
		return ssh.ParsePrivateKey(text)
	}
	return signer, err
}

// answer gives the password to servers that ask for it as a question.
func (s *Server) answer(_, _ string, questions []string, _ []bool) ([]string, error) {
	answers := make([]string, len(questions))
	for i := range answers {
		answers[i] = s.Password
	}
	return answers, nil
}

// errUnknownHost and errOtherHost end a connection before anything is shown to the server.
var (
	errUnknownHost = errors.New("the host key is not known")
	errOtherHost   = errors.New("the server shows another host key")
)

// checkHost compares the server's key with the one that is known.
func (s *Server) checkHost(key ssh.PublicKey, shown *string) error {
	*shown = ssh.FingerprintSHA256(key)
	known := strings.TrimSpace(s.HostKey)
	if line, _, _, _, err := ssh.ParseAuthorizedKey([]byte(known)); err == nil {
		known = ssh.FingerprintSHA256(line)
	}
	switch strings.TrimRight(known, "=") {
	case "":
		return errUnknownHost
	case *shown:
		return nil
	default:
		return errOtherHost
	}
}

// handshakeTime is how long it may take until a connection can be used.
const handshakeTime = 30 * time.Second

// Address is host and port.
func (s *Server) Address() string { return net.JoinHostPort(s.Host, strconv.Itoa(int(s.Port))) }

// Connect opens a connection, which ends with ctx or when done is called. Its errors are those of Fault.
func (s *Server) Connect(ctx context.Context, options ...sftp.ClientOption) (_ *sftp.Client, done func(), err error) {
	address := s.Address()
	conn, err := s.Network.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, nil, s.Fault(err, "connecting to "+address)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() }) //nolint:errcheck // it ends what waits for it
	done = func() {
		stop()
		conn.Close() //nolint:errcheck // what was written is acknowledged already
	}
	late := time.AfterFunc(handshakeTime, func() { conn.Close() }) //nolint:errcheck // it ends what waits for it
	defer late.Stop()
	var shown string
	c, channels, requests, err := ssh.NewClientConn(conn, address, &ssh.ClientConfig{
		User: s.Username, Auth: s.methods, ClientVersion: "SSH-2.0-Millrace",
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error { return s.checkHost(key, &shown) },
	})
	if err != nil {
		done()
		return nil, nil, s.fault(err, "connecting to "+address, shown)
	}
	client, err := sftp.NewClient(ssh.NewClient(c, channels, requests), options...)
	if err != nil {
		done()
		return nil, nil, s.Fault(err, "starting SFTP on "+address)
	}
	return client, done, nil
}
