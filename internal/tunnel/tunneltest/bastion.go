// Package tunneltest is an SSH server as customers run one, for tests of standard tunnels.
package tunneltest

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

// User is who may sign in to a Bastion.
const User = "millrace"

// Bastion is an SSH server that lets User in with keys and forwards connections. It is safe for concurrent use.
type Bastion struct {
	t       testing.TB
	address string

	mu       sync.Mutex
	listener net.Listener
	signer   ssh.Signer
	keys     map[string]bool // in their wire format
	forbid   bool
	conns    []net.Conn
}

// New starts a bastion that nobody may sign in to. It ends with the test.
func New(t testing.TB) *Bastion {
	t.Helper()
	b := &Bastion{t: t, address: "127.0.0.1:0", keys: map[string]bool{}}
	b.NewHostKey()
	b.Listen()
	t.Cleanup(b.Stop)
	return b
}

// Address is the bastion's host and port.
func (b *Bastion) Address() string { return b.address }

// HostKey is its public host key.
func (b *Bastion) HostKey() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(b.signer.PublicKey())))
}

// NewHostKey gives the bastion another host key, as a machine that was set up anew has one.
func (b *Bastion) NewHostKey() {
	b.t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromSigner(private)
	if err != nil {
		b.t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.signer = signer
}

// Authorize makes these lines the whole file authorized_keys.
func (b *Bastion) Authorize(lines ...string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keys = map[string]bool{}
	for _, line := range lines {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			b.t.Fatal(err)
		}
		b.keys[string(key.Marshal())] = true
	}
}

// Forbid says whether the server refuses to forward, as with AllowTcpForwarding no.
func (b *Bastion) Forbid(forbid bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forbid = forbid
}

// Listen starts the server again, at the address that it had.
func (b *Bastion) Listen() {
	b.t.Helper()
	l, err := net.Listen("tcp", b.address)
	if err != nil {
		b.t.Fatal(err)
	}
	b.mu.Lock()
	b.listener, b.address = l, l.Addr().String()
	b.mu.Unlock()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			b.conns = append(b.conns, conn)
			b.mu.Unlock()
			go b.serve(conn)
		}
	}()
}

// Stop ends the server and every connection, as a machine that is switched off.
func (b *Bastion) Stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.listener.Close() //nolint:errcheck // it may be closed
	for _, c := range b.conns {
		_ = c.Close() //nolint:errcheck // it may be closed
	}
	b.conns = nil
}

func (b *Bastion) serve(conn net.Conn) {
	config := &ssh.ServerConfig{PublicKeyCallback: func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if c.User() == User && b.keys[string(key.Marshal())] {
			return &ssh.Permissions{}, nil
		}
		return nil, errors.New("no")
	}}
	b.mu.Lock()
	config.AddHostKey(b.signer)
	b.mu.Unlock()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		go b.forward(c)
	}
}

// forward connects a channel to where its opener wants: RFC 4254, 7.2.
func (b *Bastion) forward(c ssh.NewChannel) {
	var ask struct {
		Host       string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}
	b.mu.Lock()
	forbid := b.forbid
	b.mu.Unlock()
	if forbid || ssh.Unmarshal(c.ExtraData(), &ask) != nil {
		_ = c.Reject(ssh.Prohibited, "administratively prohibited") //nolint:errcheck // a test's end
		return
	}
	far, err := net.Dial("tcp", net.JoinHostPort(ask.Host, strconv.Itoa(int(ask.Port))))
	if err != nil {
		_ = c.Reject(ssh.ConnectionFailed, err.Error()) //nolint:errcheck // a test's end
		return
	}
	near, requests, err := c.Accept()
	if err != nil {
		_ = far.Close() //nolint:errcheck // a test's end
		return
	}
	go ssh.DiscardRequests(requests)
	go func() {
		_, _ = io.Copy(far, near) //nolint:errcheck // either side may leave
		_ = far.Close()           //nolint:errcheck // it may be closed
	}()
	_, _ = io.Copy(near, far) //nolint:errcheck // either side may leave
	_ = near.Close()          //nolint:errcheck // it may be closed
}
