package tunnel

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/secret"
	"github.com/millrace/millrace/internal/tunnel/tunneltest"
	"github.com/uptrace/bun"
	"golang.org/x/crypto/ssh"
)

func newSigner(t testing.TB) ssh.Signer {
	t.Helper()
	pair, err := NewPair("test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey([]byte(pair.Private))
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// echo is a service that repeats lines.
func echo(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) //nolint:errcheck // a test's end
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn); _ = conn.Close() }() //nolint:errcheck // a test's end
		}
	}()
	return l.Addr().String()
}

// says sends a line through a connection and expects it back.
func says(t testing.TB, conn net.Conn, line string) {
	t.Helper()
	if _, err := io.WriteString(conn, line+"\n"); err != nil {
		t.Fatal(err)
	}
	got, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || got != line+"\n" {
		t.Fatalf("%q, %v", got, err)
	}
}

// world is a server with a database.
type world struct {
	store *Store
	db    *db.DB
	key   *secret.Key
	clock *clock.Manual
	log   *slog.Logger
}

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	key, err := secret.NewKey([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	c := clock.NewManual(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC))
	return &world{store: NewStore(d, key, c), db: d, key: key, clock: c, log: slog.New(slog.DiscardHandler)}
}

func (w *world) create(t testing.TB, id int64, kind string) Record {
	t.Helper()
	err := w.db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error { return w.store.Create(ctx, tx, 1, id, kind) })
	if err != nil {
		t.Fatal(err)
	}
	return w.get(t, id)
}

func (w *world) get(t testing.TB, id int64) Record {
	t.Helper()
	r, err := w.store.Get(t.Context(), 1, id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (w *world) clients(t testing.TB) *Clients {
	t.Helper()
	c := NewClients(ClientOptions{Store: w.store, Egress: " This server connects from 203.0.113.7.", Clock: w.clock, Log: w.log})
	t.Cleanup(func() { _ = c.Close() }) //nolint:errcheck // a test's end
	return c
}

// await waits until a tunnel stands so.
func (w *world) await(t testing.TB, id int64, state State) Record {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		r := w.get(t, id)
		if r.State == state {
			return r
		}
		if time.Now().After(deadline) {
			t.Fatalf("the tunnel is %s, not %s", r.State, state)
		}
		runtime.Gosched()
	}
}

func target(b *tunneltest.Bastion, service string) Target {
	return Target{ID: 7, WorkspaceID: 1, Bastion: b.Address(), User: "millrace", Service: service}
}

func code(t testing.TB, err error, want fault.Code, hint string) {
	t.Helper()
	f := fault.As(err)
	if f == nil || f.Code != want || !strings.Contains(f.Hint(), hint) {
		t.Fatalf("%v (%v), want %s: …%s…", err, f, want, hint)
	}
}
