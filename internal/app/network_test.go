package app

import (
	"testing"

	"github.com/millrace/millrace/internal/config"
)

// Clients and other processes are told an address that they can use, and none where nobody listens.
//
// Req: X-24
func TestTunnelAddresses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		config  config.Config
		clients string
		peers   string // empty: not compared
	}{
		{config.Config{}, "", ""},
		{config.Config{TunnelListen: ":2222"}, "millrace.example.com:2222", ""},
		{config.Config{TunnelListen: "10.0.0.7:2222"}, "millrace.example.com:2222", "10.0.0.7:2222"},
		{config.Config{TunnelListen: ":2222", TunnelAddress: "tunnel.example.com:22", TunnelPeerAddress: "api-0:2222"}, "tunnel.example.com:22", "api-0:2222"},
		{config.Config{TunnelAddress: "tunnel.example.com:22"}, "tunnel.example.com:22", ""}, // another process listens
	} {
		if got := tunnelAddress(&c.config, "https://millrace.example.com"); got != c.clients {
			t.Errorf("%+v: clients are told %q, want %q", c.config, got, c.clients)
		}
		if got := peerAddress(&c.config); c.peers != "" && got != c.peers {
			t.Errorf("%+v: peers are told %q, want %q", c.config, got, c.peers)
		}
	}
	if got := peerAddress(&config.Config{}); got != "" {
		t.Errorf("without a listener peers are told %q", got)
	}
}
