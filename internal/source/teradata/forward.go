package teradata

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"

	"github.com/millrace/millrace/internal/connector"
)

// loopback is where the driver finds the database. It is an address, so that the driver looks for no further nodes.
const loopback = "127.0.0.1"

// forward passes connections of the driver on over the source's network: the driver dials by itself, where neither the
// operator's limits nor a tunnel would count.
type forward struct {
	ctx     context.Context //nolint:containedctx // until it is cut
	cancel  context.CancelFunc
	network connector.Network

	mu     sync.Mutex
	open   map[io.Closer]bool
	closed bool
	err    error // why the database was not reached

	running sync.WaitGroup
}

// newForward outlives ctx: a driver may connect once more to tell the database that a statement is not wanted any more.
func newForward(ctx context.Context, n connector.Network) *forward {
	f := &forward{network: n, open: map[io.Closer]bool{}}
	f.ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return f
}

// listen returns a port of this machine at which the address is reached.
func (f *forward) listen(host string, port int) (int, error) {
	l, err := (&net.ListenConfig{}).Listen(f.ctx, "tcp", net.JoinHostPort(loopback, "0"))
	if err != nil {
		return 0, err
	}
	if !f.keep(l) {
		return 0, errors.Join(net.ErrClosed, l.Close())
	}
	address := net.JoinHostPort(host, strconv.Itoa(port))
	f.running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.running.Go(func() { f.pass(c, address) })
		}
	})
	return l.Addr().(*net.TCPAddr).Port, nil //nolint:forcetypeassert // of a listener on TCP
}

func (f *forward) pass(near net.Conn, address string) {
	defer near.Close() //nolint:errcheck // the driver notices
	far, err := f.network.DialContext(f.ctx, "tcp", address)
	if err != nil {
		f.mu.Lock()
		f.err = err
		f.mu.Unlock()
		return
	}
	defer far.Close() //nolint:errcheck // the database notices
	if !f.keep(near) || !f.keep(far) {
		return
	}
	var both sync.WaitGroup
	for from, to := range map[net.Conn]net.Conn{near: far, far: near} {
		both.Go(func() {
			_, _ = io.Copy(to, from) //nolint:errcheck // the other side notices
			_ = to.Close()           //nolint:errcheck // there is nothing more to say
		})
	}
	both.Wait()
	f.drop(near)
	f.drop(far)
}

func (f *forward) keep(c io.Closer) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.open[c] = true
	}
	return !f.closed
}

func (f *forward) drop(c io.Closer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.open, c)
}

// cause is why the database was not reached, nil where it was.
func (f *forward) cause() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// cut ends every connection, under the driver.
func (f *forward) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.cancel()
	for c := range f.open {
		_ = c.Close() //nolint:errcheck // it is given up
	}
}

func (f *forward) close() {
	f.cut()
	f.running.Wait()
}
