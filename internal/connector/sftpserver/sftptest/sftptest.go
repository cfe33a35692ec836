// Package sftptest runs SFTP servers for tests: the files of one are those of a folder, and whoever knows the password
// comes in.
package sftptest

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// Password lets any user in.
const Password = "very-secret-password"

// Server is an SFTP server on 127.0.0.1 that ends with its test.
type Server struct {
	Root        string // the folder whose files it has
	Port        int
	Fingerprint string // of its host key, as SHA256:…
}

// Start starts a server with an empty folder.
func Start(t testing.TB) *Server {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	host, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{PasswordCallback: func(_ ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
		if string(given) != Password {
			return nil, errors.New("wrong password")
		}
		return &ssh.Permissions{}, nil
	}}
	config.AddHostKey(host)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() }) //nolint:errcheck // the test is over
	s := &Server{Root: t.TempDir(), Port: listener.Addr().(*net.TCPAddr).Port, Fingerprint: ssh.FingerprintSHA256(host.PublicKey())}
	go s.accept(listener, config)
	return s
}

func (s *Server) accept(listener net.Listener, config *ssh.ServerConfig) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go s.serve(conn, config)
	}
}

// serve serves one connection; a client that is killed is the end of it.
func (s *Server) serve(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close() //nolint:errcheck // the client is gone
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for incoming := range channels {
		channel, asked, err := incoming.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range asked {
				_ = r.Reply(r.Type == "subsystem", nil) //nolint:errcheck // the client sees
			}
		}()
		server, err := sftp.NewServer(channel, sftp.WithServerWorkingDirectory(s.Root))
		if err != nil {
			return
		}
		go server.Serve() //nolint:errcheck // it ends with the connection
	}
}
