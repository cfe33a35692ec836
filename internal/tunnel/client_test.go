package tunnel

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/tunnel/tunneltest"
)

// A standard tunnel carries connections to its service with the key that was generated, and its state says so.
//
// Req: X-23
func TestStandard(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, b := newWorld(t, d), tunneltest.New(t)
		r := w.create(t, 7, Standard)
		if r.State != Pending || !strings.HasPrefix(r.PublicKey, "ssh-ed25519 ") || strings.Contains(r.PublicKey, "PRIVATE") {
			t.Fatalf("%+v", r)
		}
		b.Authorize(r.PublicKey)
		c := w.clients(t)
		conn, err := c.Dial(t.Context(), target(b, echo(t)))
		if err != nil {
			t.Fatal(err)
		}
		says(t, conn, "hello")
		another, err := c.Dial(t.Context(), target(b, echo(t)))
		if err != nil {
			t.Fatal(err)
		}
		says(t, another, "world")
		if err := errors.Join(conn.Close(), another.Close()); err != nil {
			t.Error(err)
		}
		if r = w.get(t, 7); r.State != Connected || r.Failure != nil || r.HostKey != b.HostKey() {
			t.Errorf("%+v", r)
		}
	})
}

// The private key is nowhere in the database as it is.
//
// Req: X-23
func TestPrivateKeyIsSealed(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	w := newWorld(t, d)
	w.create(t, 7, Standard)
	var stored string
	if err := d.NewSelect().Table("tunnels").Column("private_key").Scan(t.Context(), &stored); err != nil {
		t.Fatal(err)
	}
	if stored == "" || strings.Contains(stored, "PRIVATE") || !strings.HasPrefix(stored, w.key.ID+":") {
		t.Errorf("the private key is stored as %q", stored)
	}
}

// Each cause of a tunnel that does not work is told apart, noted, and goes away with the cause.
//
// Req: X-25
func TestCauses(t *testing.T) {
	t.Parallel()
	w, b := newWorld(t, dbtest.SQLite(t)), tunneltest.New(t)
	r := w.create(t, 7, Standard)
	service := echo(t)
	c := w.clients(t)
	fails := func(what Target, want fault.Code, hint string) {
		t.Helper()
		err := c.Check(t.Context(), what)
		code(t, err, want, hint)
		if r := w.get(t, 7); r.State != Failed || r.Failure == nil || r.Failure.Code != want {
			t.Errorf("noted: %+v", r)
		}
	}
	good := target(b, service)
	fails(good, fault.CodeTunnelAuth, "authorized_keys")
	b.Authorize(r.PublicKey)
	wrong := good
	wrong.User = "somebody"
	fails(wrong, fault.CodeTunnelAuth, "somebody")
	if err := c.Check(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	nobody := good
	nobody.Bastion = unused(t)
	fails(nobody, fault.CodeTunnelUnreachable, "203.0.113.7")
	silent := good
	silent.Bastion = service // answers, but not as SSH servers do
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	code(t, c.Check(ctx, silent), fault.CodeTunnelUnreachable, "SSH server")
	gone := good
	gone.Service = unused(t)
	fails(gone, fault.CodeTunnelForward, gone.Service)
	b.Forbid(true)
	fails(good, fault.CodeTunnelForward, "AllowTcpForwarding")
	b.Forbid(false)
	b.NewHostKey()
	fails(good, fault.CodeTunnelHostKey, "forget")
	pinned := good
	pinned.HostKey = b.HostKey()
	if err := c.Check(t.Context(), pinned); err != nil {
		t.Errorf("with the host key that is given: %v", err)
	}
	pinned.HostKey = Line(newSigner(t).PublicKey())
	fails(pinned, fault.CodeTunnelHostKey, "")
	if err := w.store.Unpin(t.Context(), 1, 7); err != nil {
		t.Fatal(err)
	}
	if err := c.Check(t.Context(), good); err != nil {
		t.Errorf("with a host key that was forgotten: %v", err)
	}
	if r := w.get(t, 7); r.State != Connected || r.Failure != nil {
		t.Errorf("noted: %+v", r)
	}
}

// unused is an address that nobody listens at.
func unused(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // a test's end
	return l.Addr().String()
}

// A connection says why it ended when the bastion dies, and the next one opens the tunnel anew.
//
// Req: X-25
func TestBastionDies(t *testing.T) {
	t.Parallel()
	w, b := newWorld(t, dbtest.SQLite(t)), tunneltest.New(t)
	b.Authorize(w.create(t, 7, Standard).PublicKey)
	c, goal := w.clients(t), target(b, echo(t))
	conn, err := c.Dial(t.Context(), goal)
	if err != nil {
		t.Fatal(err)
	}
	says(t, conn, "before")
	b.Stop()
	_, err = io.ReadAll(conn)
	var coded *fault.Error
	if err == nil || !strings.Contains(err.Error(), "the SSH tunnel through "+goal.Bastion+" was lost") || errors.As(err, &coded) {
		t.Fatalf("what was under way ends with %v", err)
	}
	w.await(t, 7, Disconnected)
	code(t, justErr(c.Dial(t.Context(), goal)), fault.CodeTunnelUnreachable, "firewall")
	c.Keep(t.Context(), []Target{goal}) // a moment after the failure: not yet
	b.Listen()
	if w.get(t, 7).State != Failed {
		t.Error("it was tried again at once")
	}
	w.clock.Advance(lastWait)
	c.Keep(t.Context(), []Target{goal})
	if r := w.get(t, 7); r.State != Connected {
		t.Errorf("afterwards it is %s: %v", r.State, r.Failure)
	}
	if conn, err = c.Dial(t.Context(), goal); err != nil {
		t.Fatal(err)
	}
	says(t, conn, "after")
	c.Keep(t.Context(), nil)
	if _, err := conn.Write([]byte("x")); err == nil {
		if _, err = io.ReadAll(conn); err == nil {
			t.Error("a tunnel that is not wanted any more stays open")
		}
	}
}

func justErr(conn net.Conn, err error) error {
	if conn != nil {
		_ = conn.Close() //nolint:errcheck // a test's end
	}
	return err
}

// The old key works until the new one was used, or with immediate rotation not any more.
//
// Req: X-23
func TestRotateStandard(t *testing.T) {
	t.Parallel()
	w, b := newWorld(t, dbtest.SQLite(t)), tunneltest.New(t)
	first := w.create(t, 7, Standard).PublicKey
	b.Authorize(first)
	c, goal := w.clients(t), target(b, echo(t))
	second, err := w.store.Rotate(t.Context(), 1, 7, false)
	if err != nil || second.Private != "" {
		t.Fatalf("%+v, %v", second, err)
	}
	if err := c.Check(t.Context(), goal); err != nil {
		t.Fatalf("with the old key: %v", err)
	}
	if r := w.get(t, 7); r.PublicKey != first || r.NextKey != second.Public {
		t.Errorf("%+v", r)
	}
	conn, err := c.Dial(t.Context(), goal)
	if err != nil {
		t.Fatal(err)
	}
	b.Authorize(first, second.Public)
	c.Keep(t.Context(), []Target{goal}) // nobody tells that the new key was let in
	says(t, conn, "what is under way goes on")
	if r := w.get(t, 7); r.PublicKey != second.Public || r.NextKey != "" {
		t.Errorf("the new key was used, and is not the only one: %+v", r)
	}
	if _, err := w.store.Rotate(t.Context(), 1, 7, true); err != nil {
		t.Fatal(err)
	}
	code(t, justErr(c.Dial(t.Context(), goal)), fault.CodeTunnelAuth, "")
}

// Drivers stop what they wait for with a deadline, so that connections through a tunnel must have them.
//
// Req: X-23
func TestDeadline(t *testing.T) {
	t.Parallel()
	w, b := newWorld(t, dbtest.SQLite(t)), tunneltest.New(t)
	b.Authorize(w.create(t, 7, Standard).PublicKey)
	conn, err := w.clients(t).Dial(t.Context(), target(b, echo(t)))
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("reading ends with %v", err)
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	says(t, conn, strings.Repeat("much ", 100_000))
}
