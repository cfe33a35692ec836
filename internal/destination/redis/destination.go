package redis

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// Limits of time.
const (
	dialTimeout      = 10 * time.Second
	handshakeTimeout = 5 * time.Second
	readTimeout      = 30 * time.Second
	writeTimeout     = 30 * time.Second
	maxRedirects     = 5
)

// destination is one server or one cluster.
type destination struct {
	settings settings
	clock    clock.Clock
	log      *slog.Logger
	network  connector.Network

	mu   sync.Mutex
	open goredis.UniversalClient
}

var (
	_ connector.Destination = (*destination)(nil)
	_ connector.FieldLister = (*destination)(nil)
)

// client returns the connections, which are made when they are first needed.
func (d *destination) client() (goredis.UniversalClient, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open != nil {
		return d.open, nil
	}
	if err := d.usable().Err(); err != nil {
		return nil, fault.As(err)
	}
	dial, err := d.dialer()
	if err != nil {
		return nil, err
	}
	logging.Disable() // every error comes back to its caller
	if d.settings.Deployment == deployCluster {
		d.open, err = d.cluster(dial)
		return d.open, err
	}
	d.open = goredis.NewClient(&goredis.Options{
		Addr: net.JoinHostPort(d.settings.Host, strconv.Itoa(int(d.settings.Port))), DB: int(d.settings.Database),
		Username: d.settings.Username, Password: d.settings.Password, Dialer: dial, Protocol: 2, DisableIdentity: true,
		MaxRetries: -1, DialerRetries: 1, DialTimeout: dialTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		ContextTimeoutEnabled: true, PoolSize: maxParallel + 2, MaintNotificationsConfig: quiet(),
	})
	return d.open, nil
}

// usable reports every setting that cannot work. A tunnel leads to one service, so that it cannot reach the nodes of a
// cluster.
func (d *destination) usable() fault.Issues {
	issues := d.settings.check()
	if d.settings.Deployment == deployCluster && d.network.Tunnelled() {
		e := issues.Add("spec.tunnel", fault.CodeInvalid, "a tunnel leads to one service, and a cluster is reached at all of its nodes")
		*e = *e.WithSuggestion("Forward a port to each node, outside of Millrace, and name the ports in the node address map.")
	}
	return issues
}

// quiet turns off what only some vendors' servers know, and other servers answer with an error.
func quiet() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

func (d *destination) cluster(dial dialer) (goredis.UniversalClient, error) {
	var addresses []string
	for _, text := range d.settings.Nodes {
		address, err := d.settings.node(text)
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, address)
	}
	return goredis.NewClusterClient(&goredis.ClusterOptions{
		Addrs: addresses, Username: d.settings.Username, Password: d.settings.Password, Dialer: dial, Protocol: 2, DisableIdentity: true,
		MaxRedirects: maxRedirects, MaxRetries: -1, DialerRetries: 1, DialTimeout: dialTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		ContextTimeoutEnabled: true, PoolSize: maxParallel + 2, MaintNotificationsConfig: quiet(),
	}), nil
}

type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// dialError says that no connection was made: nothing was sent.
type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

// handshakeError says that a connection was made and could not be encrypted.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return "TLS handshake: " + e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }

// dialer opens connections where the node address map says, encrypted as the settings say.
func (d *destination) dialer() (dialer, error) {
	config, err := d.settings.tls()
	if err != nil {
		return nil, err
	}
	nodes, err := d.settings.nodeMap()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if to, mapped := nodes[address]; mapped {
			address = to
		}
		conn, err := d.network.DialContext(ctx, network, address)
		if err != nil {
			return nil, &dialError{err}
		}
		if config == nil {
			return conn, nil
		}
		secured, err := handshake(ctx, conn, config, address)
		if err != nil {
			return nil, &dialError{&handshakeError{err}}
		}
		return secured, nil
	}, nil
}

func handshake(ctx context.Context, conn net.Conn, config *tls.Config, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	c := config.Clone()
	c.ServerName = host
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout) // a server that does not encrypt waits for more
	defer cancel()
	secured := tls.Client(conn, c)
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close() //nolint:errcheck // the handshake's error matters
		return nil, err
	}
	return secured, nil
}

// Test connects and looks whether this server takes writes. What a user may do is only seen when a command is sent.
func (d *destination) Test(ctx context.Context) error {
	c, err := d.client()
	if err != nil {
		return err
	}
	if err := c.Ping(ctx).Err(); err != nil {
		return d.translate(ctx, err, "connecting to "+d.settings.address())
	}
	if cluster, ok := c.(*goredis.ClusterClient); ok {
		err := cluster.ForEachMaster(ctx, func(ctx context.Context, node *goredis.Client) error { return node.Ping(ctx).Err() })
		if err != nil {
			return d.translate(ctx, err, "connecting to each node of "+d.settings.address())
		}
		return nil
	}
	text, err := c.Info(ctx, "server", "replication").Result()
	if wordOf(err) == wordUnknown { // before Redis 7, INFO takes one section
		text, err = c.Info(ctx).Result()
	}
	switch {
	case wordOf(err) == wordNoPermission:
		return nil // INFO is not needed for writing
	case err != nil:
		return d.translate(ctx, err, "asking the server about itself")
	case info(text, "redis_mode") == deployCluster:
		return fault.New(fault.CodeDestinationSchema, "%s is a node of a cluster", d.settings.address()).WithPath("spec.configuration.deployment").
			WithSuggestion("Choose the deployment “A cluster”.")
	case info(text, "role") == "slave":
		return fault.New(fault.CodeDestinationDenied, "%s is a replica, which only reads", d.settings.address()).WithSuggestion("Connect to the primary server.")
	}
	return nil
}

// info returns a member of what INFO answers.
func info(text, name string) string {
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), name+":"); found {
			return value
		}
	}
	return ""
}

// TargetFields lists what can be filled with the sync's command.
func (d *destination) TargetFields(_ context.Context, job connector.SyncJob) ([]connector.TargetField, error) {
	s, err := decode(job)
	if err != nil {
		return nil, err
	}
	c, err := commandOf(job, s)
	if err != nil {
		return nil, err
	}
	return c.targetFields(), nil
}

// Close ends every connection.
func (d *destination) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open == nil {
		return nil
	}
	err := d.open.Close()
	d.open = nil
	return err
}
