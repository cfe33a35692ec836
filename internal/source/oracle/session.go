package oracle

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// session is one connection.
type session struct {
	owner  *Source
	conn   driver.Conn
	dialer *dialer
	ctx    context.Context // ends the running statement; a session lives within one call or one reader
	cancel context.CancelCauseFunc
	stop   func()      // of the timeout
	watch  func() bool // ends what happens when ctx ends
}

// dialer opens connections over the source's network and remembers the last one.
type dialer struct {
	network connector.Network

	mu     sync.Mutex
	open   net.Conn
	closed bool
}

// DialContext connects. A listener may send the driver on to another address.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
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

// close ends the connection under the driver.
func (d *dialer) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	if d.open != nil {
		_ = d.open.Close() //nolint:errcheck // it is given up
	}
}

const (
	connectTimeout = 30 * time.Second
	// stopTimeout is how long a statement has to end after the server was told to stop it.
	stopTimeout = 5 * time.Second
)

// beginRead refuses changes, and gives all statements one snapshot (S-15):
// https://docs.oracle.com/en/database/oracle/oracle-database/19/sqlrf/SET-TRANSACTION.html
const beginRead = "SET TRANSACTION READ ONLY"

// connect opens a connection and begins its transaction.
func (s *Source) connect(ctx context.Context) (*session, error) {
	stop := func() {}
	if s.timeout > 0 {
		ctx, stop = context.WithTimeoutCause(ctx, s.timeout, errTimeout)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	x := &session{owner: s, dialer: &dialer{network: s.network}, ctx: ctx, cancel: cancel, stop: stop, watch: func() bool { return true }}
	if !s.register(x) {
		x.close()
		return nil, fault.Wrap(errClosed, fault.CodeSourceUnreachable, "")
	}
	if err := x.begin(); err != nil {
		defer x.close()
		return nil, x.explain(err, statement{})
	}
	return x, nil
}

func (x *session) begin() error {
	ctx, done := context.WithTimeout(x.ctx, connectTimeout)
	defer done()
	stop := context.AfterFunc(ctx, x.dialer.close)
	conn, err := x.owner.dial(ctx, x.dialer)
	stop()
	switch {
	case x.ctx.Err() == nil && ctx.Err() != nil:
		return fault.Wrap(ctx.Err(), fault.CodeSourceUnreachable, "the server did not let us in within %s", connectTimeout)
	case err != nil:
		return err
	}
	x.conn = conn
	// The driver tells the server to stop a statement when its context ends; what does not stop then is cut off.
	x.watch = context.AfterFunc(x.ctx, func() { time.AfterFunc(stopTimeout, x.dialer.close) })
	if _, err := conn.(driver.ConnBeginTx).BeginTx(x.ctx, driver.TxOptions{}); err != nil { //nolint:forcetypeassert // the driver's own
		return err
	}
	_, err = conn.(driver.ExecerContext).ExecContext(x.ctx, beginRead, nil) //nolint:forcetypeassert // the driver's own
	return err
}

// rows are what the driver yields, with what it says of their columns.
type rows interface {
	driver.Rows
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypePrecisionScale
}

func (x *session) query(sql string) (rows, error) {
	if err := x.ctx.Err(); err != nil {
		return nil, err
	}
	r, err := x.conn.(driver.QueryerContext).QueryContext(x.ctx, sql, nil) //nolint:forcetypeassert // the driver's own
	if err != nil {
		return nil, err
	}
	return r.(rows), nil //nolint:forcetypeassert // the driver's own
}

// all reads a small result whole.
func (x *session) all(sql string, each func(row []driver.Value) error) error {
	r, err := x.query(sql)
	if err != nil {
		return err
	}
	row := make([]driver.Value, len(r.Columns()))
	for {
		switch err := r.Next(row); {
		case errors.Is(err, io.EOF):
			return r.Close()
		case err != nil:
			return err
		}
		if err := each(row); err != nil {
			return err
		}
	}
}

// streaming says that rows come from now on. The driver does not watch over them: when the context ends, the connection
// is cut.
func (x *session) streaming() {
	x.watch()
	x.watch = context.AfterFunc(x.ctx, x.dialer.close)
}

// close ends the connection, and with it the transaction, which has changed nothing.
func (x *session) close() {
	x.watch()
	x.cancel(errReleased)
	x.stop()
	x.dialer.close()
	x.owner.forget(x)
}
