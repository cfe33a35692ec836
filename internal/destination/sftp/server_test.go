package sftp_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/millrace/millrace/internal/connector"
)

// server is an SFTP server that serves a folder. Its renaming is as OpenSSH's: only posix-rename replaces a file.
type server struct {
	port        int
	fingerprint string
	root        string
	short       atomic.Bool // the next file is cut short

	mu      sync.Mutex
	intrude func(method, path string, conn net.Conn) error // may refuse, or end the connection
}

const password = "very-secret-password"

func newServer(t *testing.T, user ssh.PublicKey) *server {
	t.Helper()
	s := &server{root: t.TempDir()}
	for _, folder := range []string{"home", "upload"} {
		if err := os.Mkdir(filepath.Join(s.root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
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
		PasswordCallback: func(_ ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
			if string(given) != password {
				return nil, errors.New("wrong password")
			}
			return &ssh.Permissions{}, nil
		},
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if user == nil || string(key.Marshal()) != string(user.Marshal()) {
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
			go s.serve(conn, config)
		}
	}()
	return s
}

func (s *server) serve(conn net.Conn, config *ssh.ServerConfig) {
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
		go func() {
			for r := range requests {
				r.Reply(r.Type == "subsystem", nil) //nolint:errcheck // the client sees
			}
		}()
		h := handler{s, conn}
		_ = sftp.NewRequestServer(channel, sftp.Handlers{FileGet: h, FilePut: h, FileCmd: h, FileList: h}, sftp.WithStartDirectory("/home")).Serve() //nolint:errcheck // until the client goes
	}
}

// handler answers the requests of a connection.
type handler struct {
	*server

	conn net.Conn
}

func (h handler) allow(method, path string) error {
	h.mu.Lock()
	intrude := h.intrude
	h.mu.Unlock()
	if intrude == nil {
		return nil
	}
	return intrude(method, path, h.conn)
}

func (h handler) Fileread(*sftp.Request) (io.ReaderAt, error) { return nil, fs.ErrPermission }

func (h handler) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	if err := h.allow("write", r.Filepath); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(h.root, r.Filepath), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err == nil && h.short.CompareAndSwap(true, false) {
		return forgetful{f}, nil
	}
	return f, err
}

// forgetful keeps only the beginning of what it says that it wrote.
type forgetful struct{ *os.File }

func (f forgetful) WriteAt(p []byte, offset int64) (int, error) {
	if offset > 0 {
		return len(p), nil
	}
	return f.File.WriteAt(p, offset)
}

func (h handler) Filecmd(r *sftp.Request) error {
	if err := h.allow(r.Method, r.Filepath); err != nil {
		return err
	}
	from, to := filepath.Join(h.root, r.Filepath), filepath.Join(h.root, r.Target)
	switch r.Method {
	case "Rename":
		if _, err := os.Lstat(to); err == nil {
			return sftp.ErrSSHFxFailure
		}
		return os.Rename(from, to)
	case "Remove":
		return os.Remove(from)
	case "Mkdir":
		return os.Mkdir(from, 0o755)
	default:
		return sftp.ErrSSHFxOpUnsupported
	}
}

func (h handler) PosixRename(r *sftp.Request) error {
	if err := h.allow(r.Method, r.Filepath); err != nil {
		return err
	}
	return os.Rename(filepath.Join(h.root, r.Filepath), filepath.Join(h.root, r.Target))
}

func (h handler) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	if err := h.allow(r.Method, r.Filepath); err != nil {
		return nil, err
	}
	info, err := os.Stat(filepath.Join(h.root, r.Filepath))
	return one{info}, err
}

// one lists a single file.
type one struct{ fs.FileInfo }

func (o one) ListAt(to []fs.FileInfo, offset int64) (int, error) {
	if offset > 0 {
		return 0, io.EOF
	}
	return copy(to, []fs.FileInfo{o.FileInfo}), io.EOF
}

// read returns a file below the root, or false.
func (s *server) read(t *testing.T, name string) (string, bool) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.root, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(data), err == nil
}

func (s *server) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.root, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// names lists a folder.
func (s *server) names(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(s.root, folder))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func (s *server) settings(changes ...any) connector.Settings {
	all := connector.Settings{
		"host": "127.0.0.1", "port": s.port, "username": "millrace", "authentication": "password", "password": password, "hostKey": s.fingerprint,
	}
	for i := 0; i < len(changes); i += 2 {
		all[changes[i].(string)] = changes[i+1]
	}
	return all
}
