package connector

import (
	"context"
	"net"
	"net/http"
	"strings"
	"time"
)

// Network is how a connector reaches the places that its settings name. The zero value connects directly.
type Network struct {
	// Dial opens a connection to an address (host:port): directly, or through the tunnel that the connection goes
	// through. Whoever runs the server confines with it where connections may lie. Nil means direct.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Beside opens connections past a tunnel that Dial goes through, where every connection ends at the tunnel's one
	// service. Nil where there is no tunnel.
	Beside func(ctx context.Context, network, address string) (net.Conn, error)

	// Egress lists the addresses that this server connects from, for those who must let them through a firewall.
	Egress []string
}

// dialTimeout is how long a connection may take to be made.
const dialTimeout = 30 * time.Second

// DialContext opens a connection. It has the signature that drivers ask for.
func (n Network) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if n.Dial != nil {
		return n.Dial(ctx, network, address)
	}
	return (&net.Dialer{Timeout: dialTimeout, KeepAlive: dialTimeout}).DialContext(ctx, network, address)
}

// Tunnelled reports whether connections go through a tunnel: what Dial is told to reach is then only a name, which
// this machine need not be able to resolve.
func (n Network) Tunnelled() bool { return n.Beside != nil }

// Direct is the network without its tunnel, for what a connector asks besides the place itself, such as a service that
// issues tokens.
func (n Network) Direct() Network {
	if n.Beside == nil {
		return n
	}
	return Network{Dial: n.Beside, Egress: n.Egress}
}

// Transport returns the standard transport over this network, to be adapted and owned by the caller. It obeys no
// proxy of the environment: an address that settings name is reached as they say.
func (n Network) Transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // the standard library's
	t.Proxy = nil
	t.DialContext = n.DialContext
	return t
}

// Firewall is a sentence about the addresses that a firewall must admit, with a space before it; empty where nobody
// said which they are. It ends the suggestion of every error that a firewall may have caused.
func (n Network) Firewall() string {
	if len(n.Egress) == 0 {
		return ""
	}
	return " This server connects from " + strings.Join(n.Egress, ", ") + "."
}
