// Package gittest serves real repositories over HTTP and SSH, for tests.
package gittest

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/subtle"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Repository is a bare repository with a working copy.
type Repository struct {
	t    testing.TB
	work string
	Root string // the folder that shop.git lies in
}

// New makes a repository shop.git whose branch main has the files.
func New(t testing.TB, files map[string]string) *Repository {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal("these tests serve repositories with the command git, which is not installed")
	}
	root := t.TempDir()
	r := &Repository{t: t, Root: root, work: filepath.Join(root, "work")}
	r.git(root, "init", "-q", "--bare", "-b", "main", "shop.git")
	r.git(root, "init", "-q", "-b", "main", "work")
	r.git(r.work, "remote", "add", "origin", filepath.Join(root, "shop.git"))
	r.Commit("main", files)
	return r
}

// Commit writes the files into a branch, and returns the commit.
func (r *Repository) Commit(branch string, files map[string]string) string {
	r.t.Helper()
	if branch != "main" {
		r.git(r.work, "checkout", "-q", "-B", branch)
		defer r.git(r.work, "checkout", "-q", "main")
	}
	for name, text := range files {
		path := filepath.Join(r.work, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			r.t.Fatal(err)
		}
		if target, link := strings.CutPrefix(text, "-> "); link {
			if err := os.Symlink(target, path); err != nil {
				r.t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
	r.git(r.work, "add", "-A")
	r.git(r.work, "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "-q", "--allow-empty", "-m", "a change")
	r.git(r.work, "push", "-q", "origin", branch)
	return strings.TrimSpace(r.git(r.work, "rev-parse", "HEAD"))
}

func (r *Repository) git(dir string, args ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// HTTP serves the repository to those who send the token, and returns its address.
func (r *Repository) HTTP(token string) string {
	r.t.Helper()
	path, err := exec.LookPath("git")
	if err != nil {
		r.t.Fatal(err)
	}
	backend := &cgi.Handler{Path: path, Args: []string{"http-backend"}, Env: []string{"GIT_PROJECT_ROOT=" + r.Root, "GIT_HTTP_EXPORT_ALL=1"}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if _, password, ok := req.BasicAuth(); token != "" && (!ok || subtle.ConstantTimeCompare([]byte(password), []byte(token)) != 1) {
			w.Header().Set("WWW-Authenticate", "Basic")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, req)
	}))
	r.t.Cleanup(s.Close)
	return s.URL + "/shop.git"
}

// SSH is a server of SSH.
type SSH struct {
	Address string // ssh://git@…/shop.git
	HostKey ssh.PublicKey
}

// Key makes a key pair: the private one in PEM.
func Key(t testing.TB) (private string, public ssh.PublicKey) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	sshKey, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block)), sshKey
}

// SSH serves the repository to the owner of the key.
func (r *Repository) SSH(allowed ssh.PublicKey) SSH {
	r.t.Helper()
	_, hostKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		r.t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(hostKey)
	if err != nil {
		r.t.Fatal(err)
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if c.User() != "git" || string(key.Marshal()) != string(allowed.Marshal()) {
			return nil, io.ErrUnexpectedEOF
		}
		return &ssh.Permissions{}, nil
	}}
	config.AddHostKey(signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = l.Close() }) //nolint:errcheck // a test's end
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go r.serve(conn, config)
		}
	}()
	return SSH{Address: "ssh://git@" + l.Addr().String() + "/shop.git", HostKey: signer.PublicKey()}
}

func (r *Repository) serve(conn net.Conn, config *ssh.ServerConfig) {
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		go func() {
			for req := range requests {
				if req.Type != "exec" {
					_ = req.Reply(false, nil) //nolint:errcheck // a test's server
					continue
				}
				_ = req.Reply(true, nil) //nolint:errcheck // a test's server
				r.run(channel, string(req.Payload[4:]))
				return
			}
		}()
	}
}

// run serves git-upload-pack, which is all that there is.
func (r *Repository) run(channel ssh.Channel, command string) {
	defer channel.Close() //nolint:errcheck // a test's server
	name := strings.Trim(strings.TrimPrefix(command, "git-upload-pack "), "'/")
	cmd := exec.Command("git", "upload-pack", filepath.Join(r.Root, name))
	cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
	in, err := cmd.StdinPipe() // which Run would wait for
	if err != nil || cmd.Start() != nil {
		return
	}
	go func() {
		_, _ = io.Copy(in, channel) //nolint:errcheck // a test's server
		_ = in.Close()              //nolint:errcheck // a test's server
	}()
	status := byte(0)
	if cmd.Wait() != nil {
		status = 128
	}
	_, _ = channel.SendRequest("exit-status", false, []byte{0, 0, 0, status}) //nolint:errcheck // a test's server
}
