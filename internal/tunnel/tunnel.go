// Package tunnel carries connections through SSH to places that this server cannot reach by itself.
//
// A standard tunnel is opened by this server: it signs in to a bastion of the customer's, and every connection through
// it ends at one service behind the bastion. A reverse tunnel is opened from the customer's side: a client signs in to
// this server (Server) and offers one port, through which this server reaches the service that the client chose.
//
// What several processes must agree on (keys, host keys, which process a client is connected to, how a tunnel stands)
// is in the database (Store). Connections are a process's own.
package tunnel

import (
	"context"
	"net"
	"time"

	"github.com/millrace/millrace/internal/fault"
)

// Types of tunnels.
const (
	Standard = "standard"
	Reverse  = "reverse"
)

// State is how a tunnel stands.
type State string

// The states.
const (
	Pending      State = "pending"      // it was never open
	Connected    State = "connected"    // it works
	Disconnected State = "disconnected" // it was open, and is opened again when it can be
	Failed       State = "error"        // it cannot be opened; the failure says why
)

// Limits of time.
const (
	handshakeTime  = 20 * time.Second // connecting and signing in
	keepAliveEvery = 15 * time.Second // how often a silent side is asked whether it is there
	keepAliveTime  = 15 * time.Second // how long it may take to answer
)

// Dial opens a connection to an address.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Target is where a standard tunnel goes: the bastion, and the service behind it.
type Target struct {
	ID          int64 // of the tunnel's document
	WorkspaceID int64
	Bastion     string // host:port of the SSH server
	User        string // who signs in to it
	Service     string // host:port, as the bastion reaches it
	HostKey     string // the bastion's, as a line of known_hosts without its host; empty: the first one seen is kept
}

// failure names the cause of an error for people, with what to do about it.
func failure(err error, code fault.Code, suggestion, format string, args ...any) *fault.Error {
	return fault.Wrap(err, code, format, args...).WithSuggestion("%s", suggestion)
}
