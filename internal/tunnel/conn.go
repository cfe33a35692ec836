package tunnel

import (
	"io"
	"net"

	"golang.org/x/crypto/ssh"
)

// conn is a connection through a channel. Channels of SSH know no deadlines, and drivers stop what they wait for by
// setting one: a pipe stands in between, which has them.
type conn struct {
	net.Conn // the near end of the pipe

	local, remote net.Addr
	lost          func() error // why the tunnel is gone; nil while it is there
}

// newConn takes the channel over.
func newConn(ch ssh.Channel, local, remote net.Addr, lost func() error) net.Conn {
	near, far := net.Pipe()
	go func() {
		_, _ = io.Copy(ch, far) //nolint:errcheck // either side may leave
		_ = ch.Close()          //nolint:errcheck // it may be closed already
	}()
	go func() {
		_, _ = io.Copy(far, ch) //nolint:errcheck // either side may leave
		_ = far.Close()         //nolint:errcheck // a pipe
	}()
	return &conn{Conn: near, local: local, remote: remote, lost: lost}
}

// Read says why there is nothing more to read, where the tunnel is why. That is an ordinary error of a connection: what
// was sent before may have arrived.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, c.because(err)
}

// Write is Read's counterpart.
func (c *conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	return n, c.because(err)
}

func (c *conn) because(err error) error {
	if err == nil || err != io.EOF && err != io.ErrClosedPipe { //nolint:errorlint // what a pipe returns as it is
		return err
	}
	if why := c.lost(); why != nil {
		return why
	}
	return err
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// address is the address of a service behind a tunnel, which this machine may not be able to resolve.
type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }
