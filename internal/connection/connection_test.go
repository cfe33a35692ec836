package connection_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connection"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/db/dbtest"
	pgdestination "github.com/millrace/millrace/internal/destination/postgres"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/source"
	kindtunnel "github.com/millrace/millrace/internal/kind/tunnel"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/secret"
	"github.com/millrace/millrace/internal/source/postgres"
	"github.com/millrace/millrace/internal/tunnel"
	"github.com/millrace/millrace/internal/tunnel/tunneltest"
	"github.com/millrace/millrace/test/services"
	"golang.org/x/crypto/ssh"
)

// world is a server whose tunnels and documents are real, and a PostgreSQL server.
type world struct {
	t      *testing.T
	docs   *resource.Store
	set    *connection.Set
	opener *connection.Opener
	pg     *pgx.ConnConfig
}

var scope = resource.Scope{WorkspaceID: 1, Actor: "test"}

func newWorld(t *testing.T, network httpx.Network) *world {
	t.Helper()
	key, err := secret.NewKey([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	d, c, log := dbtest.SQLite(t), clock.System{}, slog.New(slog.DiscardHandler)
	registry := connector.New([]connector.SourceInfo{postgres.Info()}, []connector.DestinationInfo{pgdestination.Info()})
	docs := resource.NewStore(d, resource.NewRegistry(kindtunnel.Kind(), source.Kind(registry)), key, c)
	store := tunnel.NewStore(d, key, c)
	server, err := tunnel.NewServer(t.Context(), tunnel.ServerOptions{Store: store, Key: key, Process: "test", Clock: c, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	set := &connection.Set{
		Store: store, Server: server, Documents: docs,
		Clients: tunnel.NewClients(tunnel.ClientOptions{Store: store, Reach: network.DialContext, Clock: c, Log: log}),
	}
	set.Follow(docs)
	t.Cleanup(func() { _, _ = set.Clients.Close(), server.Close() }) //nolint:errcheck // a test's end
	pg, err := pgx.ParseConfig(services.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, docs, set, connection.New(connection.Options{
		Registry: registry, Documents: docs, Tunnels: set, Network: network, Egress: []string{"203.0.113.7"},
	}), pg}
}

// tunnel makes a tunnel's document, and returns it with what the server knows of it.
func (w *world) tunnel(slug string, spec kindtunnel.Spec) (resource.Document, tunnel.Record) {
	w.t.Helper()
	text, err := json.Marshal(spec)
	if err != nil {
		w.t.Fatal(err)
	}
	d, err := w.docs.Create(w.t.Context(), scope, "tunnel", resource.Write{Name: slug, Slug: slug, Spec: text})
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := w.set.Store.Get(w.t.Context(), 1, d.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return d, r
}

// standard makes a tunnel through a bastion to the database.
func (w *world) standard(b *tunneltest.Bastion) {
	w.t.Helper()
	host, port, err := net.SplitHostPort(b.Address())
	if err != nil {
		w.t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		w.t.Fatal(err)
	}
	_, r := w.tunnel("office", kindtunnel.Spec{Type: tunnel.Standard, SSHHost: host, SSHPort: n, ServiceHost: w.pg.Host, ServicePort: int(w.pg.Port)})
	b.Authorize(r.PublicKey)
}

// configuration names a host that nothing but a tunnel can mean.
func (w *world) configuration(host string) map[string]any {
	return map[string]any{"host": host, "port": 5432, "database": w.pg.Database, "user": w.pg.User, "password": w.pg.Password, "sslMode": "disable"}
}

func (w *world) source(host, slug string) connector.Source {
	w.t.Helper()
	s, err := w.opener.Source(w.t.Context(), 1, source.Spec{Type: "postgresql", Configuration: w.configuration(host), Tunnel: slug}, connector.SourceOptions{Dir: w.t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = s.Close() }) //nolint:errcheck // a test's end
	return s
}

// count reads how many rows a query has.
func count(t *testing.T, s connector.Source, sql string) (int64, error) {
	t.Helper()
	r, err := s.Query(t.Context(), connector.Query{SQL: sql})
	if err != nil {
		return 0, err
	}
	defer r.Release()
	var n int64
	for r.Next() {
		n += r.RecordBatch().NumRows()
	}
	return n, r.Err()
}

// PostgreSQL is read through a standard tunnel, by a name that only the customer's network knows. The bastion's end in
// the middle of the rows is a clear error, and once it is back so are the rows.
//
// Req
func TestPostgresThroughStandardTunnel(t *testing.T) {
	t.Parallel()
	w, b := newWorld(t, httpx.AnyNetwork), tunneltest.New(t)
	w.standard(b)
	s := w.source("db.internal.invalid", "office")
	if err := s.Test(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := count(t, s, "SELECT g, repeat('x', 100) FROM generate_series(1, 100000) g"); err != nil || n != 100_000 {
		t.Fatalf("%d rows, %v", n, err)
	}
	r, err := s.Query(t.Context(), connector.Query{SQL: "SELECT g, repeat('x', 1000) FROM generate_series(1, 10000000) g"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if !r.Next() {
		t.Fatal(r.Err())
	}
	b.Stop()
	for r.Next() {
		continue
	}
	if err := r.Err(); err == nil || !strings.Contains(err.Error(), "the SSH tunnel through "+b.Address()+" was lost") || !fault.Is(err, fault.CodeSourceUnreachable) {
		t.Errorf("the bastion's end is told as %v", err)
	}
	if err := s.Test(t.Context()); !fault.Is(err, fault.CodeTunnelUnreachable) || !strings.Contains(err.Error(), b.Address()) {
		t.Errorf("without the bastion: %v", err)
	}
	b.Listen()
	if n, err := count(t, s, "SELECT 1"); err != nil || n != 1 {
		t.Errorf("afterwards: %d rows, %v", n, err)
	}
	b.Forbid(true)
	if err := s.Test(t.Context()); !fault.Is(err, fault.CodeTunnelForward) {
		t.Errorf("where forwarding is forbidden: %v", err)
	}
}

// A query that is cancelled ends at the server, although its connection goes through a tunnel.
//
// Req: X-22
func TestCancelThroughTunnel(t *testing.T) {
	t.Parallel()
	w, b := newWorld(t, httpx.AnyNetwork), tunneltest.New(t)
	w.standard(b)
	s := w.source("db.internal.invalid", "office")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	r, err := s.Query(ctx, connector.Query{SQL: "SELECT pg_sleep(600) /* through a tunnel */"})
	if err == nil {
		for r.Next() {
			continue
		}
		err = r.Err()
		r.Release()
	}
	if !fault.Is(err, fault.CodeSourceTimeout) {
		t.Errorf("it ends with %v", err)
	}
	direct := w.source(w.pg.Host, "")
	_ = direct.Close() //nolint:errcheck // a test's end
	conn, err := pgx.ConnectConfig(t.Context(), w.pg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // a test's end
	for n := 1; n > 0; {
		err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%through a tunnel%' AND pid <> pg_backend_pid()").Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// PostgreSQL is read through a reverse tunnel.
//
// Req
func TestPostgresThroughReverseTunnel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, httpx.AnyNetwork)
	d, r := w.tunnel("site", kindtunnel.Spec{Type: tunnel.Reverse})
	s := w.source("db.internal.invalid", "site")
	if err := s.Test(t.Context()); !fault.Is(err, fault.CodeTunnelClosed) {
		t.Errorf("without a client: %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })                                           //nolint:errcheck // a test's end
	go func() { _ = w.set.Server.Serve(context.WithoutCancel(t.Context()), l) }() //nolint:errcheck // a test's end
	pair, err := w.set.Rotate(t.Context(), 1, d, false)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey([]byte(pair.Private))
	if err != nil {
		t.Fatal(err)
	}
	key, err := tunnel.ParseKey(w.set.Server.HostKey())
	if err != nil {
		t.Fatal(err)
	}
	client, err := ssh.Dial("tcp", l.Addr().String(), &ssh.ClientConfig{User: r.Login, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(key)})
	if err != nil {
		t.Fatal(err)
	}
	forwarded, err := client.ListenTCP(&net.TCPAddr{IP: net.IPv4zero, Port: r.Port})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			near, err := forwarded.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", net.JoinHostPort(w.pg.Host, strconv.Itoa(int(w.pg.Port))))
			if err != nil {
				_ = near.Close() //nolint:errcheck // a test's end
				continue
			}
			go func() { _, _ = io.Copy(far, near); _ = far.Close() }()  //nolint:errcheck // a test's end
			go func() { _, _ = io.Copy(near, far); _ = near.Close() }() //nolint:errcheck // a test's end
		}
	}()
	if n, err := count(t, s, "SELECT g, repeat('x', 100) FROM generate_series(1, 100000) g"); err != nil || n != 100_000 {
		t.Fatalf("%d rows, %v", n, err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Test(t.Context()); err == nil {
		t.Error("it is reached although its client is gone")
	}
}

// What the operator allows holds for direct connections and for bastions. Errors of firewalls name this server's
// addresses.
//
// Req
func TestOperatorsNetwork(t *testing.T) {
	t.Parallel()
	closed := newWorld(t, httpx.PublicOnly)
	b := tunneltest.New(t)
	closed.standard(b)
	for _, slug := range []string{"", "office"} {
		if err := closed.source("127.0.0.1", slug).Test(t.Context()); err == nil || !strings.Contains(err.Error(), "connections to 127.0.0.1 are not allowed") {
			t.Errorf("through %q: %v", slug, err)
		}
	}
	open := newWorld(t, httpx.AnyNetwork)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close() //nolint:errcheck // a test's end
	configuration := open.configuration("127.0.0.1")
	configuration["port"] = l.Addr().(*net.TCPAddr).Port
	s, err := open.opener.Source(t.Context(), 1, source.Spec{Type: "postgresql", Configuration: configuration}, connector.SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Test(t.Context()); !fault.Is(err, fault.CodeSourceUnreachable) || !strings.Contains(fault.As(err).Hint(), "203.0.113.7") {
		t.Errorf("a source behind a firewall: %v, %v", err, fault.As(err).Hint())
	}
	p, err := open.opener.Destination(t.Context(), 1, destination.Spec{Type: "postgres", Configuration: configuration}, connector.DestinationOptions{Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Test(t.Context()); !fault.Is(err, fault.CodeDestinationUnreachable) || !strings.Contains(fault.As(err).Hint(), "203.0.113.7") {
		t.Errorf("a destination behind a firewall: %v, %v", err, fault.As(err).Hint())
	}
}
