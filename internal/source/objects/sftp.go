package objects

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"net"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// The ways to authenticate at an SFTP server (S-81).
const (
	sftpByPassword = "password"
	sftpByKey      = "key"
)

// SFTP describes the source of files on an SFTP server (S-34).
func SFTP() connector.SourceInfo {
	low, high := float64(1), float64(65535)
	byKey := &connector.ShowIf{Field: "authentication", In: []string{sftpByKey}}
	info := connector.SourceInfo{
		Slug: "sftp", Name: "SFTP", Category: "file", Summary: "CSV files on an SFTP server",
		Fields: []connector.Field{
			{Name: "host", Label: "Host", Type: connector.FieldString, Required: true, Example: "sftp.example.com", Help: "Name or address of the server."},
			{Name: "port", Label: "Port", Type: connector.FieldNumber, Required: true, Default: 22, Min: &low, Max: &high},
			{Name: "username", Label: "Username", Type: connector.FieldString, Required: true, Example: "millrace", Help: "A user who may read the files."},
			{
				Name: "authentication", Label: "Authentication", Type: connector.FieldSelect, Default: sftpByPassword,
				Options: []connector.Option{{Value: sftpByPassword, Label: "Password"}, {Value: sftpByKey, Label: "Private key"}},
			},
			{Name: "password", Label: "Password", Type: connector.FieldSecret, Secret: true, Required: true, ShowIf: &connector.ShowIf{Field: "authentication", In: []string{sftpByPassword}}},
			{
				Name: "privateKey", Label: "Private key", Type: connector.FieldText, Secret: true, Required: true, ShowIf: byKey,
				Help: "In OpenSSH format, with its first and last line: -----BEGIN OPENSSH PRIVATE KEY----- and -----END OPENSSH PRIVATE KEY-----.",
			},
			{Name: "passphrase", Label: "Passphrase", Type: connector.FieldSecret, Secret: true, ShowIf: byKey, Help: "Only where the private key is encrypted."},
			{
				Name: "hostKey", Label: "Fingerprint of the host key", Type: connector.FieldString, Example: "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
				Help: "Who operates the server can say it. Where it is empty, the test shows the fingerprint of the server that answers, and nothing is read until it is entered here: no password is sent to an unknown server.",
			},
		},
		Methods: []string{"file"}, Engines: []string{connector.EngineBasic},
		Files: &connector.FileRules{Extensions: sftpExtensions},
	}
	info.Open = func(o connector.SourceOptions) (connector.Source, error) {
		s := &sftpServer{network: o.Network}
		if err := o.Settings.Decode(s); err != nil {
			return nil, err
		}
		if err := s.prepare(); err != nil {
			return nil, err
		}
		return newSource(info, s, o.Dir), nil
	}
	return info
}

// sftpServer is a server that is reached over SSH. Every reading has a connection of its own, which ends with it.
type sftpServer struct {
	Host           string `json:"host"`
	Port           uint16 `json:"port"`
	Username       string `json:"username"`
	Authentication string `json:"authentication"`
	Password       string `json:"password"`
	PrivateKey     string `json:"privateKey"`
	Passphrase     string `json:"passphrase"`
	HostKey        string `json:"hostKey"`

	network connector.Network
	methods []ssh.AuthMethod
}

var _ store = (*sftpServer)(nil)

// prepare reads what is shown to the server.
func (s *sftpServer) prepare() error {
	if s.Authentication != sftpByKey {
		s.methods = []ssh.AuthMethod{ssh.Password(s.Password), ssh.KeyboardInteractive(s.answer)}
		return nil
	}
	signer, err := s.signer()
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		return fault.New(fault.CodeSourceAuth, "the private key is encrypted").WithPath("spec.configuration.passphrase").
			WithSuggestion("Enter the passphrase of the private key.")
	case err != nil:
		return fault.Wrap(err, fault.CodeSourceAuth, "reading the private key").WithPath("spec.configuration.privateKey").
			WithSuggestion("Paste the whole key in OpenSSH format, with its first and last line, and check its passphrase. ssh-keygen -p -f KEY converts a key of another format.")
	}
	s.methods = []ssh.AuthMethod{ssh.PublicKeys(signer)}
	return nil
}

func (s *sftpServer) signer() (ssh.Signer, error) {
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
func (s *sftpServer) answer(_, _ string, questions []string, _ []bool) ([]string, error) {
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
func (s *sftpServer) checkHost(key ssh.PublicKey, shown *string) error {
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

// connect opens a connection, which ends with ctx or when close is called.
func (s *sftpServer) connect(ctx context.Context) (_ *sftp.Client, done func(), err error) {
	address := net.JoinHostPort(s.Host, strconv.Itoa(int(s.Port)))
	conn, err := s.network.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, nil, s.fault(err, "connecting to "+address, "")
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() }) //nolint:errcheck // it ends what waits for it
	done = func() {
		stop()
		conn.Close() //nolint:errcheck // nothing was written
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
	client, err := sftp.NewClient(ssh.NewClient(c, channels, requests))
	if err != nil {
		done()
		return nil, nil, s.fault(err, "starting SFTP on "+address, shown)
	}
	return client, done, nil
}

func (s *sftpServer) close() error { return nil }

func (s *sftpServer) test(ctx context.Context) error {
	client, done, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer done()
	_, err = client.Getwd()
	return s.fault(err, "asking for the folder", "")
}

// maxFolders is how many folders are looked through for files to choose from.
const maxFolders = 200

// list goes through the folders below the one that the prefix names. Links to folders are not followed.
func (s *sftpServer) list(ctx context.Context, prefix string) iter.Seq2[connector.FileEntry, error] {
	return func(yield func(connector.FileEntry, error) bool) {
		client, done, err := s.connect(ctx)
		if err != nil {
			yield(connector.FileEntry{}, err)
			return
		}
		defer done()
		dir, _ := path.Split(prefix)
		w := walk{server: s, client: client, prefix: prefix, left: maxFolders}
		w.folder(ctx, dir, yield)
	}
}

// walk is a way through the folders of a server.
type walk struct {
	server *sftpServer
	client *sftp.Client
	prefix string
	left   int // folders that may still be looked into
}

// folder yields the files of a folder and of those within; dir is empty or ends in a slash. It reports whether more
// are wanted.
func (w *walk) folder(ctx context.Context, dir string, yield func(connector.FileEntry, error) bool) bool {
	if w.left--; w.left < 0 {
		return yield(connector.FileEntry{}, errTooMany)
	}
	entries, err := w.client.ReadDirContext(ctx, path.Clean(dir))
	if err != nil {
		if dir != w.root() && errors.Is(err, fs.ErrPermission) {
			return true // a folder of somebody else
		}
		return yield(connector.FileEntry{}, w.server.fault(err, "listing the folder "+path.Clean(dir), ""))
	}
	slices.SortFunc(entries, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range entries {
		if !w.entry(ctx, dir, e, yield) {
			return false
		}
	}
	return true
}

func (w *walk) root() string {
	dir, _ := path.Split(w.prefix)
	return dir
}

func (w *walk) entry(ctx context.Context, dir string, e fs.FileInfo, yield func(connector.FileEntry, error) bool) bool {
	name := dir + e.Name()
	if e.Mode()&fs.ModeSymlink != 0 {
		target, err := w.client.Stat(name)
		if err != nil || target.IsDir() {
			return true
		}
		e = target
	}
	switch {
	case e.IsDir() && (strings.HasPrefix(name, w.prefix) || strings.HasPrefix(w.prefix, name+"/")):
		return w.folder(ctx, name+"/", yield)
	case e.Mode().IsRegular() && strings.HasPrefix(name, w.prefix):
		return yield(connector.FileEntry{Path: name, Size: e.Size(), Modified: e.ModTime().UTC()}, nil)
	default:
		return true
	}
}

func (s *sftpServer) open(ctx context.Context, name string) (io.ReadCloser, error) {
	client, done, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	f, info, err := openRegular(client, name)
	if err != nil {
		done()
		return nil, s.fault(err, "reading "+name, "")
	}
	return &body{ReadCloser: closing{f, done}, want: info.Size(), path: name, network: s.network}, nil
}

func openRegular(client *sftp.Client, name string) (*sftp.File, fs.FileInfo, error) {
	info, err := client.Stat(name)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fault.New(fault.CodeSourceFile, "it is no file").WithSuggestion("Choose a file.")
	}
	f, err := client.Open(name)
	return f, info, err
}

// closing ends the connection with the file.
type closing struct {
	*sftp.File

	done func()
}

// Close ends the connection.
func (c closing) Close() error {
	c.done()
	return nil
}

// fault gives an error its code, in the server's own words, and says what to do. shown is the fingerprint of the
// server's host key.
func (s *sftpServer) fault(err error, doing, shown string) error {
	switch _, known := errors.AsType[*fault.Error](err); {
	case err == nil:
		return nil
	case known:
		return err
	case errors.Is(err, errUnknownHost):
		return fault.New(fault.CodeSourceAuth, "%s: the server's host key has the fingerprint %s, which this source does not know", doing, shown).WithPath("spec.configuration.hostKey").
			WithSuggestion("Ask who operates the server whether the fingerprint is right, and enter it as the fingerprint of the host key.")
	case errors.Is(err, errOtherHost):
		return fault.New(fault.CodeSourceAuth, "%s: the server's host key has the fingerprint %s and not %s", doing, shown, s.HostKey).WithPath("spec.configuration.hostKey").
			WithSuggestion("The server got another key, or somebody stands between it and this one. Ask who operates it, and enter the new fingerprint if it is right.")
	case strings.Contains(err.Error(), "unable to authenticate"):
		return fault.Wrap(err, fault.CodeSourceAuth, "%s", doing).WithSuggestion("%s", s.authAdvice())
	case errors.Is(err, fs.ErrNotExist):
		return fault.Wrap(err, fault.CodeSourceFile, "%s", doing).
			WithSuggestion("Check the path. One that does not begin with a slash begins in the folder in which the user arrives.")
	case errors.Is(err, fs.ErrPermission):
		return fault.Wrap(err, fault.CodeSourceDenied, "%s", doing).
			WithSuggestion("Let the user %s read the file, and enter its folder.", s.Username)
	case strings.Contains(err.Error(), "subsystem request failed"):
		return fault.Reclass(fault.Wrap(err, fault.CodeSourceUnreachable, "%s", doing).
			WithSuggestion("The server speaks SSH and offers no SFTP to this user: let it offer the subsystem sftp."), fault.Fatal)
	default:
		return fault.Wrap(err, fault.CodeSourceUnreachable, "%s", doing).
			WithSuggestion("Check host and port: it must be an SSH server; FTP and FTPS are not supported.%s", s.network.Firewall())
	}
}

func (s *sftpServer) authAdvice() string {
	if s.Authentication == sftpByKey {
		return "Check the username, and that the public key of this private key is among the user's authorized keys."
	}
	return "Check username and password, and that the server lets this user in by password."
}
