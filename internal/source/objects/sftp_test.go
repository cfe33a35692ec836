package objects_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/objects"
	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// sftpServer is an SFTP server that serves a folder.
type sftpServer struct {
	port        int
	fingerprint string
	dir         string
	tried       atomic.Int64 // times that somebody showed a password or key
	drop        atomic.Bool  // connections end when a file is read
}

const sftpPassword = "very-secret-password"

func newSFTP(t *testing.T, user ssh.PublicKey, subsystem bool) *sftpServer {
	t.Helper()
	s := &sftpServer{dir: t.TempDir()}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	host, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	s.fingerprint = ssh.FingerprintSHA256(host.PublicKey())
	config := &ssh.ServerConfig{
		PasswordCallback: func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if s.tried.Add(1); string(password) != sftpPassword {
				return nil, errors.New("wrong password")
			}
			return &ssh.Permissions{}, nil
		},
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if s.tried.Add(1); user == nil || string(key.Marshal()) != string(user.Marshal()) {
				return nil, errors.New("wrong key")
			}
			return &ssh.Permissions{}, nil
		},
	}
	config.AddHostKey(host)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() }) //nolint:errcheck // the test is over
	s.port = l.Addr().(*net.TCPAddr).Port
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(conn, config, subsystem)
		}
	}()
	return s
}

func (s *sftpServer) serve(conn net.Conn, config *ssh.ServerConfig, subsystem bool) {
	defer conn.Close() //nolint:errcheck // the test's own
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for incoming := range channels {
		channel, requests, err := incoming.Accept()
		if err != nil {
			return
		}
		for r := range requests {
			ok := subsystem && r.Type == "subsystem"
			r.Reply(ok, nil) //nolint:errcheck // the client sees
			if ok {
				break
			}
		}
		server, err := sftp.NewServer(dropping{channel, conn, s}, sftp.WithServerWorkingDirectory(s.dir), sftp.ReadOnly())
		if err != nil {
			return
		}
		_ = server.Serve() //nolint:errcheck // until the client goes
	}
}

// dropping ends the connection after a part of a file was sent, when it is told to.
type dropping struct {
	ssh.Channel

	conn   net.Conn
	server *sftpServer
}

func (d dropping) Write(p []byte) (int, error) {
	if d.server.drop.Load() && len(p) > 10_000 {
		d.conn.Close() //nolint:errcheck // that is the point
	}
	return d.Channel.Write(p)
}

func (s *sftpServer) put(t *testing.T, path string, content []byte) {
	t.Helper()
	to := filepath.Join(s.dir, path)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *sftpServer) settings(changes ...any) connector.Settings {
	return with(connector.Settings{
		"host": "127.0.0.1", "port": s.port, "username": "millrace", "authentication": "password", "password": sftpPassword, "hostKey": s.fingerprint,
	}, changes...)
}

// privateKey returns a key pair, the private key in OpenSSH format.
func privateKey(t *testing.T, passphrase string) (text string, public ssh.PublicKey) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	var block *pem.Block
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(private, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block)), signer.PublicKey()
}

// Req: S-34, S-75, S-76, S-78, S-79, S-81
func TestSFTP(t *testing.T) {
	s := newSFTP(t, nil, true)
	other, _ := privateKey(t, "")
	sourcetest.RunFiles(t, sourcetest.Files{
		Info: objects.SFTP(), Settings: s.settings(), Put: s.put,
		Failing: []sourcetest.Failing{
			{Name: "wrong password", Settings: s.settings("password", "another-password"), Code: fault.CodeSourceAuth, Says: "unable to authenticate"},
			{Name: "wrong key", Settings: s.settings("authentication", "key", "privateKey", other), Code: fault.CodeSourceAuth, Says: "unable to authenticate"},
			{Name: "no server", Settings: s.settings("port", 1), Code: fault.CodeSourceUnreachable, Says: "connection refused"},
			{Name: "no such name", Settings: s.settings("host", "sftp.invalid"), Code: fault.CodeSourceUnreachable, Says: "no such host"},
			{Name: "unknown host key", Settings: s.settings("hostKey", ""), Code: fault.CodeSourceAuth, Says: s.fingerprint},
			{Name: "another host key", Settings: s.settings("hostKey", "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"), Code: fault.CodeSourceAuth, Says: s.fingerprint},
			{Name: "no SFTP", Settings: newSFTP(t, nil, false).settings(), Code: fault.CodeSourceUnreachable, Says: "subsystem request failed"},
		},
	})
}

// A server whose host key is not the one that is known gets neither password nor key.
//
// Req: S-34, S-81
func TestUnknownHostGetsNothing(t *testing.T) {
	t.Parallel()
	s := newSFTP(t, nil, true)
	for _, known := range []string{"", "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"} {
		err := open(t, objects.SFTP(), s.settings("hostKey", known)).Test(t.Context())
		if !fault.Is(err, fault.CodeSourceAuth) || !strings.Contains(fault.As(err).Hint(), "Ask who operates") {
			t.Errorf("%q: %v", known, err)
		}
	}
	if n := s.tried.Load(); n > 0 {
		t.Errorf("it was shown a password or key %d times", n)
	}
}

// Req: S-81
func TestPrivateKeys(t *testing.T) {
	t.Parallel()
	plain, public := privateKey(t, "")
	s := newSFTP(t, public, true)
	s.put(t, "a.csv", []byte("a\n1\n"))
	for _, pasted := range []string{plain, strings.TrimSpace(plain), "\n" + plain + "\n", strings.ReplaceAll(plain, "\n", "\r\n")} {
		if n, err := read(t.Context(), open(t, objects.SFTP(), s.settings("authentication", "key", "privateKey", pasted)), connector.File{Path: "a.csv"}); n != 1 || err != nil {
			t.Errorf("%d rows: %v", n, err)
		}
	}
	if err := open(t, objects.SFTP(), s.settings("authentication", "key", "privateKey", plain, "passphrase", "not needed")).Test(t.Context()); err != nil {
		t.Errorf("a passphrase that is not needed: %v", err)
	}
	locked, public := privateKey(t, "very-secret-passphrase")
	s = newSFTP(t, public, true)
	if err := open(t, objects.SFTP(), s.settings("authentication", "key", "privateKey", locked, "passphrase", "very-secret-passphrase")).Test(t.Context()); err != nil {
		t.Errorf("an encrypted key: %v", err)
	}
	for _, c := range []struct{ key, passphrase, says string }{
		{locked, "", "passphrase"}, {locked, "wrong", "passphrase"}, {"ssh-ed25519 AAAA", "", "OpenSSH format"}, {"PuTTY-User-Key-File-3: ssh-ed25519", "", "ssh-keygen"},
	} {
		_, err := objects.SFTP().Open(connector.SourceOptions{Settings: s.settings("authentication", "key", "privateKey", c.key, "passphrase", c.passphrase)})
		if !fault.Is(err, fault.CodeSourceAuth) || !strings.Contains(fault.As(err).Hint(), c.says) {
			t.Errorf("%.20q: %v\n%s", c.key, err, fault.As(err).Hint())
		}
	}
}

// Paths begin in the user's folder or at the root; what may not be read, or is no file, is said.
//
// Req: S-78
func TestSFTPPaths(t *testing.T) {
	t.Parallel()
	s := newSFTP(t, nil, true)
	s.put(t, "sub/a.csv", []byte("a\n1\n"))
	s.put(t, "folder.csv/x.csv", []byte("a\n1\n"))
	if err := os.Symlink(filepath.Join(s.dir, "sub"), filepath.Join(s.dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(s.dir, "sub", "a.csv"), filepath.Join(s.dir, "linked.csv")); err != nil {
		t.Fatal(err)
	}
	source := open(t, objects.SFTP(), s.settings())
	for _, path := range []string{"sub/a.csv", filepath.Join(s.dir, "sub", "a.csv"), "link/a.csv", "linked.csv", "./sub/../sub/a.csv"} {
		if n, err := read(t.Context(), source, connector.File{Path: path}); n != 1 || err != nil {
			t.Errorf("%s: %d rows, %v", path, n, err)
		}
	}
	if _, err := read(t.Context(), source, connector.File{Path: "folder.csv"}); !fault.Is(err, fault.CodeSourceFile) {
		t.Errorf("a folder: %v", err)
	}
	files, _, err := source.(connector.FileLister).ListFiles(t.Context(), "", 100)
	if err != nil || len(files) != 3 {
		t.Errorf("%+v, %v", files, err)
	}
}

// A server that dies within a file does not make a shorter file of it, and one that hangs is left when the time is over.
func TestSFTPDies(t *testing.T) {
	t.Parallel()
	s := newSFTP(t, nil, true)
	s.put(t, "a.csv", []byte("a\n"+strings.Repeat("1\n", 1<<20)))
	s.drop.Store(true)
	_, err := read(t.Context(), open(t, objects.SFTP(), s.settings()), connector.File{Path: "a.csv"})
	if !fault.Is(err, fault.CodeSourceUnreachable) || fault.ClassOf(err) != fault.Retryable {
		t.Errorf("%v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // the test is over
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		if _, err := l.Accept(); err == nil {
			cancel() // it was reached, and says nothing
		}
	}()
	if err := open(t, objects.SFTP(), s.settings("port", l.Addr().(*net.TCPAddr).Port)).Test(ctx); !fault.Is(err, fault.CodeSourceTimeout) {
		t.Errorf("a server that says nothing: %v", err)
	}
}
