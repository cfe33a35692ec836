package tds

import (
	"context"
	"errors"
	"net"
	"sync"

	mssql "github.com/microsoft/go-mssqldb"

	"github.com/millrace/millrace/internal/connector"
)

// Dialer opens a connection over a connector's network and remembers it. Names are looked up there too, since the driver
// sees that it is a HostDialer.
type Dialer struct {
	network connector.Network

	mu     sync.Mutex
	open   net.Conn
	closed bool
}

// NewDialer returns the dialer of one connection.
func NewDialer(n connector.Network) *Dialer { return &Dialer{network: n} }

var _ mssql.HostDialer = (*Dialer)(nil)

// DialContext connects. The driver dials again where a server sends it on to another one.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d.network.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errors.Join(net.ErrClosed, c.Close())
	}
	d.open = c
	return c, nil
}

// HostName tells the driver that names are not looked up here.
func (d *Dialer) HostName() string { return "" }

// Close ends the connection under the driver. The driver's own way of closing gives a buffer back that it may still
// be reading into.
func (d *Dialer) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	if d.open != nil {
		_ = d.open.Close() //nolint:errcheck // it is given up
	}
}
