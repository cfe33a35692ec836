package redis_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/redis"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/test/services"
)

// cutting opens connections that end as soon as a word was sent, before its answer.
func cutting(t *testing.T, word string) func(context.Context, string, string) (net.Conn, error) {
	t.Helper()
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &cutConn{Conn: c, word: []byte(word)}, nil
	}
}

type cutConn struct {
	net.Conn

	word []byte
	mu   sync.Mutex
	cut  bool
}

func (c *cutConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = c.cut || bytes.Contains(b, c.word)
	return n, err
}

func (c *cutConn) Read(b []byte) (int, error) {
	c.mu.Lock()
	cut := c.cut
	c.mu.Unlock()
	if cut {
		return 0, errors.Join(io.ErrUnexpectedEOF, c.Close())
	}
	return c.Conn.Read(b)
}

// authority signs certificates for the test's servers and clients.
type authority struct {
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{dir: t.TempDir(), key: key, cert: template, pem: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
	a.file(t, "ca.crt", a.pem)
	return a
}

func (a *authority) file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// issue makes a certificate and its key for a host name.
func (a *authority) issue(t *testing.T, host string) (certificate, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &k.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

// TestEncryption: each mode of encryption trusts whom it says it trusts, and a client certificate is shown.
//
// Req: X-22
func TestEncryption(t *testing.T) {
	t.Parallel()
	ours, other := newAuthority(t), newAuthority(t)
	certificate, key := ours.issue(t, "localhost")
	port := freePort(t)
	services.RedisOfItsOwn(t, "--tls-port", strconv.Itoa(port), "--tls-cert-file", ours.file(t, "s.crt", certificate), "--tls-key-file", ours.file(t, "s.key", key), "--tls-ca-cert-file", filepath.Join(ours.dir, "ca.crt"))
	shown, shownKey := ours.issue(t, "client")
	for _, c := range []struct {
		name, host, mode, ca string
		client               bool
		says                 string
	}{
		{name: "whoever answers", host: "127.0.0.1", mode: "require", client: true},
		{name: "signed", host: "127.0.0.1", mode: "verify-ca", ca: ours.pem, client: true},
		{name: "signed for the host", host: "localhost", mode: "verify-full", ca: ours.pem, client: true},
		{name: "signed for another host", host: "127.0.0.1", mode: "verify-full", ca: ours.pem, client: true, says: "127.0.0.1"},
		{name: "signed by another", host: "localhost", mode: "verify-full", ca: other.pem, client: true, says: "unknown authority"},
		{name: "signed by another, without host", host: "localhost", mode: "verify-ca", ca: other.pem, client: true, says: "unknown authority"},
		{name: "without client certificate", host: "localhost", mode: "verify-full", ca: ours.pem, says: "connecting"},
		{name: "plain", host: "localhost", mode: "disable", says: "localhost"},
	} {
		s := connector.Settings{"host": c.host, "port": float64(port), "sslMode": c.mode, "caCertificate": c.ca}
		if c.client {
			s["clientCertificate"], s["clientKey"] = shown, shownKey
		}
		err := open(t, s, connector.Network{}).Test(t.Context())
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || !fault.Is(err, fault.CodeDestinationUnreachable)):
			t.Errorf("%s: got %v, want it to say %q", c.name, err, c.says)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // only its port is wanted
	return l.Addr().(*net.TCPAddr).Port
}

// cluster starts two nodes that share the slots and name ports at which nobody listens. It returns the places where the
// nodes really are, and the address map.
func cluster(t *testing.T) (nodes [2]services.RedisPlace, addresses []any) {
	t.Helper()
	ranges := [2][]any{{0, 8191}, {8192, 16383}}
	for i := range nodes {
		announced := 1 + i // ports of the system at which no Redis listens
		bus := freePort(t)
		n := services.RedisOfItsOwn(t, "--cluster-enabled", "yes", "--cluster-announce-port", strconv.Itoa(announced), "--cluster-port", strconv.Itoa(bus))
		nodes[i] = n
		if i > 0 {
			worldAt(t, nodes[0], "").do(t, "CLUSTER", "MEET", "127.0.0.1", n.Port, bus)
		}
		addresses = append(addresses, fmt.Sprintf("127.0.0.1:%d=%s", announced, n.Address()))
		w := worldAt(t, n, "")
		w.do(t, append([]any{"CLUSTER", "ADDSLOTSRANGE"}, ranges[i]...)...)
	}
	return nodes, addresses
}

// served waits until every node knows that all of the slots are served.
func served(t *testing.T, nodes [2]services.RedisPlace) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for _, n := range nodes {
		w := worldAt(t, n, "")
		for !strings.Contains(fmt.Sprint(w.do(t, "CLUSTER", "INFO")), "cluster_state:ok") {
			if time.Now().After(deadline) {
				t.Fatalf("the cluster does not come up: %v", w.do(t, "CLUSTER", "INFO"))
			}
			w.do(t, "WAIT", 1, 20) // for a replica that there is not: the server answers after 20 milliseconds
		}
	}
}

// TestCluster: rows go to the node that serves their key, through the node address map, with and without transactions.
//
// Req: X-22
func TestCluster(t *testing.T) {
	t.Parallel()
	nodes, addresses := cluster(t)
	served(t, nodes)
	settings := func(changes ...any) connector.Settings {
		s := connector.Settings{"deployment": "cluster", "sslMode": "disable", "nodes": []any{"redis://" + nodes[0].Address()}, "nodeAddressMap": addresses}
		for i := 0; i < len(changes); i += 2 {
			s[changes[i].(string)] = changes[i+1]
		}
		return s
	}
	for _, transactions := range []string{"auto", "on"} {
		d := open(t, settings("transactions", transactions), connector.Network{})
		if err := d.Test(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := begin(t, d, job(redis.TypeKeys, "hset", connector.ModeUpsert, "name"))
		var rows []connector.Row
		for i := range 100 {
			rows = append(rows, row(fmt.Sprintf("%s %d", transactions, i), "x"))
		}
		if refused := write(t, s, connector.Added, rows...); len(refused) > 0 {
			t.Errorf("refused %v", refused)
		}
		var held int64
		for _, n := range nodes {
			w := worldAt(t, n, "")
			size := w.do(t, "DBSIZE").(int64)
			execs := strings.Contains(w.client.Info(t.Context(), "commandstats").Val(), "cmdstat_exec")
			if size == 0 || execs != (transactions == "on") {
				t.Errorf("transactions %s: a node holds %d keys; EXEC was seen: %v", transactions, size, execs)
			}
			held += size
			w.do(t, "FLUSHALL")
		}
		if held != 100 {
			t.Errorf("transactions %s: the nodes hold %d keys", transactions, held)
		}
	}
	for name, known := range map[string][]any{"without the map": {}, "with one node of two": addresses[:1]} {
		err := open(t, settings("nodeAddressMap", known), connector.Network{}).Test(t.Context())
		if !fault.Is(err, fault.CodeDestinationUnreachable) || !strings.Contains(fault.As(err).Hint(), "CLUSTER NODES") {
			t.Errorf("%s: %v", name, err)
		}
	}
	j := job(redis.TypeMembers, "zadd", connector.ModeUpsert, "key", "score")
	s := begin(t, open(t, settings("transactions", "on"), connector.Network{}), j)
	write(t, s, connector.Added, row("ann", "one", 1))
	write(t, s, connector.Changed, before(row("ann", "two", 2), "one", 1))
	c := goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: []string{nodes[0].Address()}, Protocol: 2, Dialer: mapped(nodes)})
	if n := c.Exists(t.Context(), "one").Val(); n != 0 || c.ZScore(t.Context(), "two", "ann").Val() != 2 {
		t.Errorf("a member that moved to another node's key is still in the old one: %d", n)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func mapped(nodes [2]services.RedisPlace) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		for i, n := range nodes {
			if address == fmt.Sprintf("127.0.0.1:%d", 1+i) {
				address = n.Address()
			}
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
}

// TestTunnel: one server is reached through a tunnel, a cluster is not.
//
// Req: X-23
func TestTunnel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != "redis.internal:6379" {
			t.Errorf("the tunnel was asked for %s", address)
		}
		return (&net.Dialer{}).DialContext(ctx, network, w.place.Address())
	}
	behind := connector.Network{Dial: dial, Beside: (&net.Dialer{}).DialContext}
	s := w.settings("host", "redis.internal", "port", 6379.0)
	if err := open(t, s, behind).Test(t.Context()); err != nil {
		t.Error(err)
	}
	s["deployment"], s["nodes"] = "cluster", []any{"redis://redis.internal"}
	if err := open(t, s, behind).Test(t.Context()); !fault.Is(err, fault.CodeInvalid) || !strings.Contains(fault.As(err).Hint(), "node address map") {
		t.Errorf("a cluster behind a tunnel: %v", err)
	}
}
