package httpx

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Network says where connections may go. The operator of a server chooses it: whoever may configure a
// destination could otherwise read what only the server can reach.
type Network uint8

// The networks. Link-local addresses, among them the metadata service of clouds (169.254.169.254),
// are refused in both.
const (
	AnyNetwork Network = iota // private addresses and this machine too
	PublicOnly                // only addresses that are routed on the internet
)

// refusedError says that an address is not allowed.
type refusedError struct{ addr netip.Addr }

func (e *refusedError) Error() string {
	return fmt.Sprintf("connections to %s are not allowed", e.addr)
}

// control is a net.Dialer's Control: it sees the address after the name was resolved, so that a name
// that changes its address between check and use changes nothing.
func (n Network) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("reading the address %s: %w", address, err)
	}
	if !n.Allows(ap.Addr()) {
		return &refusedError{ap.Addr()}
	}
	return nil
}

// DialContext opens a connection to where the network allows.
func (n Network) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return n.dialer().DialContext(ctx, network, address)
}

func (n Network) dialer() *net.Dialer {
	return &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, Control: n.control}
}

// Transport returns a transport that connects only to where the network allows, for clients of other libraries.
func (n Network) Transport() *http.Transport {
	return newTransport(Options{Network: n}, &tls.Config{MinVersion: tls.VersionTLS12})
}

// special are networks that are not routed on the internet and that netip has no word for: the IANA
// IPv4 and IPv6 Special-Purpose Address Registries.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("fec0::/10"),
}

// embedding are IPv6 networks whose addresses carry an IPv4 address, and where it begins: NAT64
// (RFC 6052) and 6to4 (RFC 3056).
var embedding = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},
	{netip.MustParsePrefix("2002::/16"), 2},
}

// metadata6 is the metadata service of one cloud on IPv6, inside a network that is otherwise private.
var metadata6 = netip.MustParseAddr("fd00:ec2::254")

// Allows reports whether connections to the address are allowed.
func (n Network) Allows(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, e := range embedding {
		if e.prefix.Contains(a) {
			raw := a.As16()
			inner, _ := netip.AddrFromSlice(raw[e.at : e.at+4])
			return n.Allows(inner)
		}
	}
	if a.IsLinkLocalUnicast() || a.IsMulticast() || a == metadata6 {
		return false
	}
	return n == AnyNetwork || isPublic(a)
}

func isPublic(a netip.Addr) bool {
	if a.IsPrivate() || a.IsLoopback() || a.IsUnspecified() {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
