package tunnel

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/fault"
	"golang.org/x/crypto/ssh"
)

// process is one process of ours. With listen, clients of reverse tunnels can connect to it.
func (w *world) process(t testing.TB, name string, listen bool) (*Server, string) {
	t.Helper()
	o := ServerOptions{Store: w.store, Key: w.key, Process: name, Clock: w.clock, Log: w.log}
	var l net.Listener
	if listen {
		var err error
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		o.Address = l.Addr().String()
	}
	s, err := NewServer(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) //nolint:errcheck // a test's end
	if listen {
		done := make(chan error, 1)
		go func() { done <- s.Serve(context.WithoutCancel(t.Context()), l) }()
		t.Cleanup(func() { _ = l.Close(); <-done }) //nolint:errcheck // a test's end
	}
	return s, o.Address
}

// signIn connects a client with a key, without offering a port.
func signIn(t testing.TB, address, hostKey string, r Record, pair Pair) (*ssh.Client, error) {
	t.Helper()
	signer, err := ssh.ParsePrivateKey([]byte(pair.Private))
	if err != nil {
		t.Fatal(err)
	}
	known, err := ParseKey(hostKey)
	if err != nil {
		t.Fatal(err)
	}
	c, err := ssh.Dial("tcp", address, &ssh.ClientConfig{
		User: r.Login, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(known), HostKeyAlgorithms: algorithms(known),
	})
	if err == nil {
		t.Cleanup(func() { _ = c.Close() }) //nolint:errcheck // a test's end
	}
	return c, err
}

// offer forwards the tunnel's port to a service, as ssh -R does.
func offer(t testing.TB, c *ssh.Client, port int, service string) error {
	t.Helper()
	l, err := c.ListenTCP(&net.TCPAddr{IP: net.IPv4zero, Port: port})
	if err != nil {
		return err
	}
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", service)
			if err != nil {
				_ = near.Close() //nolint:errcheck // a test's end
				continue
			}
			go func() { _, _ = io.Copy(far, near); _ = far.Close() }()  //nolint:errcheck // a test's end
			go func() { _, _ = io.Copy(near, far); _ = near.Close() }() //nolint:errcheck // a test's end
		}
	}()
	return nil
}

func issue(t testing.TB, w *world, at bool) Pair {
	t.Helper()
	pair, err := w.store.Rotate(t.Context(), 1, 7, at)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// A client that offers its port is reached, from the process that it is connected to and from others; one that is gone
// is not, and its return is noticed.
//
// Req: X-24
func TestReverse(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		r := w.create(t, 7, Reverse)
		holder, at := w.process(t, "holder", true)
		other, _ := w.process(t, "other", false)
		if holder.HostKey() != other.HostKey() {
			t.Error("two processes have two host keys")
		}
		code(t, justErr(other.Dial(t.Context(), 1, 7)), fault.CodeTunnelClosed, "client")
		pair := issue(t, w, false)
		for range 2 {
			c, err := signIn(t, at, holder.HostKey(), r, pair)
			if err != nil {
				t.Fatal(err)
			}
			if err := offer(t, c, r.Port, echo(t)); err != nil {
				t.Fatal(err)
			}
			w.await(t, 7, Connected)
			for _, s := range []*Server{holder, other} {
				conn, err := s.Dial(t.Context(), 1, 7)
				if err != nil {
					t.Fatalf("%s: %v", s.Process, err)
				}
				says(t, conn, "hello from "+s.Process)
				if err := conn.Close(); err != nil {
					t.Error(err)
				}
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			w.await(t, 7, Disconnected)
			code(t, justErr(holder.Dial(t.Context(), 1, 7)), fault.CodeTunnelClosed, "client")
			code(t, justErr(other.Dial(t.Context(), 1, 7)), fault.CodeTunnelClosed, "client")
		}
	})
}

// A client may forward its own port and do nothing else: not another port, not connect out of the server, and not as
// somebody else.
//
// Req: X-24
func TestClientMayNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	r := w.create(t, 7, Reverse)
	s, at := w.process(t, "p", true)
	pair := issue(t, w, false)
	c, err := signIn(t, at, s.HostKey(), r, pair)
	if err != nil {
		t.Fatal(err)
	}
	if err := offer(t, c, r.Port+1, echo(t)); err == nil {
		t.Error("it may forward another port")
	}
	if conn, err := c.Dial("tcp", echo(t)); err == nil {
		_ = conn.Close() //nolint:errcheck // a test's end
		t.Error("it may connect out of the server")
	}
	session, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Start("id"); err == nil {
		t.Error("it may run commands")
	}
	stranger, err := NewPair("stranger")
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{r.Login, peerUser, "tunnel-unknown", "root"} {
		if _, err := signIn(t, at, s.HostKey(), Record{Login: user}, stranger); err == nil {
			t.Errorf("a stranger's key lets %s in", user)
		}
	}
	if _, err := signIn(t, at, s.HostKey(), Record{Login: peerUser}, pair); err == nil {
		t.Error("a tunnel's key makes a peer")
	}
}

// Of two clients the one that works keeps its place; a client whose service does not answer is told apart from one that
// is not there.
//
// Req
func TestOneClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	r := w.create(t, 7, Reverse)
	s, at := w.process(t, "p", true)
	pair := issue(t, w, false)
	first, err := signIn(t, at, s.HostKey(), r, pair)
	if err != nil {
		t.Fatal(err)
	}
	if err := offer(t, first, r.Port, echo(t)); err != nil {
		t.Fatal(err)
	}
	second, err := signIn(t, at, s.HostKey(), r, pair)
	if err != nil {
		t.Fatal(err)
	}
	if err := offer(t, second, r.Port, echo(t)); err == nil {
		t.Error("a second client takes the place of one that works")
	}
	if err := errors.Join(first.Close()); err != nil {
		t.Error(err)
	}
	w.await(t, 7, Disconnected)
	if err := offer(t, second, r.Port, echo(t)); err != nil {
		t.Errorf("once the first is gone: %v", err)
	}
}

// The old key works until the new one is used; with immediate rotation its client is turned out.
//
// Req: X-24
func TestRotateReverse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	r := w.create(t, 7, Reverse)
	s, at := w.process(t, "p", true)
	old := issue(t, w, false)
	next := issue(t, w, false)
	for _, pair := range []Pair{old, next} {
		c, err := signIn(t, at, s.HostKey(), r, pair)
		if err != nil {
			t.Fatal(err)
		}
		if err := offer(t, c, r.Port, echo(t)); err != nil && pair == next {
			t.Fatalf("the client with the new key: %v", err)
		}
	}
	if _, err := signIn(t, at, s.HostKey(), r, old); err == nil {
		t.Error("the old key works although the new one was used")
	}
	w.await(t, 7, Connected)
	issue(t, w, true)
	s.Recheck(t.Context(), 7)
	w.await(t, 7, Disconnected)
	if _, err := signIn(t, at, s.HostKey(), r, next); err == nil {
		t.Error("a key that was replaced at once works")
	}
}

// The command that people are told works with OpenSSH, and a service that cannot be reached is told.
//
// Req
func TestOpenSSH(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("ssh")
	if err != nil {
		t.Skip("the program ssh is not installed")
	}
	w := newWorld(t, dbtest.SQLite(t))
	r := w.create(t, 7, Reverse)
	s, at := w.process(t, "p", true)
	pair := issue(t, w, false)
	dir := t.TempDir()
	key, known := filepath.Join(dir, "key.pem"), filepath.Join(dir, "known_hosts")
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{key: pair.Private, known: "[" + host + "]:" + port + " " + s.HostKey() + "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	run := func(service string, extra ...string) (stop func()) {
		arguments := append([]string{"-F", "none", "-o", "UserKnownHostsFile=" + known, "-o", "StrictHostKeyChecking=yes", "-i", key, "-p", port,
			"-R", "0.0.0.0:" + strconv.Itoa(r.Port) + ":" + service, "-o", "ExitOnForwardFailure=yes", "-o", "ServerAliveInterval=15", r.Login + "@" + host}, extra...)
		ctx, cancel := context.WithCancel(t.Context())
		cmd := exec.CommandContext(ctx, program, arguments...)
		var words strings.Builder
		cmd.Stderr = &words
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stop = func() {
			cancel()
			_ = cmd.Wait() //nolint:errcheck // a test's end
			if t.Failed() {
				t.Log(words.String())
			}
		}
		t.Cleanup(stop)
		return stop
	}
	stop := run(echo(t), "-N")
	w.await(t, 7, Connected)
	conn, err := s.Dial(t.Context(), 1, 7)
	if err != nil {
		t.Fatal(err)
	}
	says(t, conn, "through OpenSSH")
	stop()
	w.await(t, 7, Disconnected)
	run(unused(t)) // without -N, as some write it: it asks for a shell and stays
	w.await(t, 7, Connected)
	code(t, justErr(s.Dial(t.Context(), 1, 7)), fault.CodeTunnelForward, "-R …")
}

// Lines that are no keys are refused, and those of known_hosts and authorized_keys are read.
//
// Req: X-23
func TestParseKey(t *testing.T) {
	t.Parallel()
	line := Line(newSigner(t).PublicKey())
	for text, good := range map[string]bool{
		line: true, line + " comment": true, "bastion.example.com " + line: true, "[bastion]:2222 " + line: true,
		"": false, "SHA256:abcdef": false, "ssh-ed25519": false, "-----BEGIN OPENSSH PRIVATE KEY-----": false,
	} {
		key, err := ParseKey(text)
		if good != (err == nil) || good && Line(key) != line {
			t.Errorf("%q: %v", text, err)
		}
	}
}
