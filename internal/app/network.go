package app

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"

	"github.com/millrace/millrace/internal/config"
	"github.com/millrace/millrace/internal/connection"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/jobs"
	"github.com/millrace/millrace/internal/kind/credential"
	"github.com/millrace/millrace/internal/tunnel"
)

// Credentials returns the providers of clouds that workspaces can have credentials of.
func Credentials(c *config.Config) []credential.Type {
	return credential.Types(credential.Policy{ServerIdentity: c.StorageIdentity == "true", AWSAccount: c.AWSAccount})
}

// openConnections makes what decides how sources and destinations are reached.
func (p *process) openConnections(ctx context.Context, owner string) error {
	c := p.Config
	network := networkOf(c)
	direct := connector.Network{Dial: network.DialContext, Egress: c.EgressAddresses}
	store := tunnel.NewStore(p.db, p.key, p.clock)
	server, err := tunnel.NewServer(ctx, tunnel.ServerOptions{
		Store: store, Key: p.key, Process: owner, Address: peerAddress(c), Clock: p.clock, Log: p.log,
	})
	if err != nil {
		return err
	}
	p.tunnels = &connection.Set{
		Store: store, Server: server, Documents: p.documents,
		Clients: tunnel.NewClients(tunnel.ClientOptions{Store: store, Reach: network.DialContext, Egress: direct.Firewall(), Clock: p.clock, Log: p.log}),
	}
	p.tunnels.Follow(p.documents)
	p.closers = append(p.closers, p.tunnels.Clients.Close, server.Close)
	p.credentials = connection.Credentials{Types: Credentials(c), Key: p.key, Network: direct}
	p.connections = connection.New(connection.Options{
		Registry: p.Registry, Documents: p.documents, Tunnels: p.tunnels, Credentials: p.credentials, Network: network, Egress: c.EgressAddresses,
	})
	return nil
}

// via is how something is reached that a document names: through a tunnel, or directly.
func (p *process) via(workspaceID int64, tunnel string) connector.Network {
	return p.connections.Via(workspaceID, tunnel)
}

// serveTunnels keeps standard tunnels open, and accepts clients of reverse tunnels where the operator wants it. What it
// returns stops it.
func (p *process) serveTunnels(ctx context.Context) (stop func() error, err error) {
	alive := context.WithoutCancel(ctx)
	if p.Config.TunnelListen == "" {
		keep := jobs.StartLoop(alive, keepEvery, p.keepTunnels)
		return func() error { keep.Stop(); return nil }, nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", p.Config.TunnelListen)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeConfig, "listening for clients of reverse tunnels on %s", p.Config.TunnelListen)
	}
	keep := jobs.StartLoop(alive, keepEvery, p.keepTunnels)
	failed := make(chan error, 1)
	go func() { failed <- p.tunnels.Server.Serve(alive, l) }()
	return func() error {
		keep.Stop()
		return errors.Join(l.Close(), p.tunnels.Server.Close(), <-failed)
	}, nil
}

// keepTunnels opens standard tunnels that are not open.
func (p *process) keepTunnels(ctx context.Context) {
	if err := p.tunnels.Keep(ctx); err != nil && ctx.Err() == nil {
		p.log.Error("opening tunnels", "error", err)
	}
}

// peerAddress is where the server's other processes reach this one's SSH server.
func peerAddress(c *config.Config) string {
	host, port, err := net.SplitHostPort(c.TunnelListen)
	switch {
	case c.TunnelPeerAddress != "" || c.TunnelListen == "" || err != nil:
		return c.TunnelPeerAddress
	case host != "" && host != "0.0.0.0" && host != "::":
		return c.TunnelListen
	}
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return net.JoinHostPort(name, port)
}

// tunnelAddress is where clients of reverse tunnels reach the SSH server; empty where there is none.
func tunnelAddress(c *config.Config, base string) string {
	_, port, err := net.SplitHostPort(c.TunnelListen)
	if c.TunnelListen == "" && c.TunnelAddress == "" || c.TunnelAddress != "" {
		return c.TunnelAddress
	}
	u, perr := url.Parse(base)
	if err != nil || perr != nil {
		return ""
	}
	return net.JoinHostPort(u.Hostname(), port)
}
