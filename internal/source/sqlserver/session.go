package sqlserver

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"runtime"
	"time"

	mssql "github.com/microsoft/go-mssqldb"
	"github.com/millrace/millrace/internal/connector/tds"
	"github.com/millrace/millrace/internal/fault"
)

// session is one connection.
type session struct {
	owner   *Source
	conn    driver.Conn
	dialer  *tds.Dialer
	refused error           // why the server's certificate is not trusted
	ctx     context.Context // ends the running statement; a session lives within one call or one reader
	cancel  context.CancelCauseFunc
	stop    context.CancelFunc // of the timeout
}

// connectTimeout is how long it may take to connect and sign in. A database of Azure that sleeps needs time to wake.
const connectTimeout = 90 * time.Second

// connect opens a connection and signs in; begin is what it runs first.
func (s *Source) connect(ctx context.Context, begin string) (*session, error) {
	stop := func() {}
	if s.place.timeout > 0 {
		ctx, stop = context.WithTimeoutCause(ctx, s.place.timeout, errTimeout)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	x := &session{owner: s, dialer: tds.NewDialer(s.network), ctx: ctx, cancel: cancel, stop: stop}
	if !s.register(x) {
		x.close()
		return nil, fault.Wrap(errClosed, fault.CodeSourceUnreachable, "")
	}
	err := x.login()
	if err == nil && begin != "" {
		_, err = x.exec(begin)
	}
	if err != nil {
		defer x.close()
		return nil, x.explain(err, statement{})
	}
	return x, nil
}

// login signs in. The driver does not look at the context while it waits for a server's first words.
func (x *session) login() error {
	ctx, done := context.WithTimeout(x.ctx, connectTimeout)
	defer done()
	defer context.AfterFunc(ctx, x.dialer.Close)()
	config := x.owner.place.Config
	config.TLSConfig = x.owner.place.TLS(&x.refused)
	c := mssql.NewConnectorConfig(config)
	if token := x.owner.place.token; token != nil {
		var err error
		if c, err = mssql.NewSecurityTokenConnector(config, token); err != nil {
			return err
		}
	}
	c.Dialer = x.dialer
	conn, err := c.Connect(ctx)
	switch {
	case err == nil && ctx.Err() == nil:
		x.conn = conn
		return nil
	case x.ctx.Err() == nil && ctx.Err() != nil:
		return fault.Wrap(ctx.Err(), fault.CodeSourceUnreachable, "the server did not let us in within %s", connectTimeout)
	case err == nil:
		return ctx.Err()
	default:
		return err
	}
}

// exec runs a batch and returns how many rows it wrote.
func (x *session) exec(sql string) (int64, error) {
	stmt, err := x.prepare(sql)
	if err != nil {
		return 0, err
	}
	done, err := stmt.(driver.StmtExecContext).ExecContext(x.ctx, nil) //nolint:forcetypeassert // the driver's own
	if err != nil {
		return 0, err
	}
	return done.RowsAffected()
}

func (x *session) prepare(sql string) (driver.Stmt, error) {
	if err := x.ctx.Err(); err != nil {
		return nil, err
	}
	return x.conn.(driver.ConnPrepareContext).PrepareContext(x.ctx, sql) //nolint:forcetypeassert // the driver's own
}

// query runs a batch that yields rows.
func (x *session) query(sql string) (*mssql.Rows, error) {
	stmt, err := x.prepare(sql)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.(driver.StmtQueryContext).QueryContext(x.ctx, nil) //nolint:forcetypeassert // the driver's own
	if err != nil {
		return nil, err
	}
	return rows.(*mssql.Rows), nil //nolint:forcetypeassert // the driver's own
}

// all reads a small result whole.
func (x *session) all(sql string, each func(row []driver.Value) error) error {
	rows, err := x.query(sql)
	if err != nil {
		return err
	}
	defer finish(rows, x.dialer)
	row := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := each(row); err != nil {
			return err
		}
	}
}

// finish ends a statement: the server is told to stop it and has a moment to say that it did. What the driver's reader
// still holds is taken from it, so that it ends.
func finish(rows *mssql.Rows, d *tds.Dialer) {
	if rows.Close() == nil {
		return
	}
	d.Close()
	for rows.Close() != nil {
		runtime.Gosched()
	}
}

// close ends the connection. A transaction that was not committed is undone by the server.
func (x *session) close() {
	x.cancel(errReleased)
	x.stop()
	x.dialer.Close()
	x.owner.forget(x)
}

// kill ends the connection from another goroutine than the one that uses it.
func (x *session) kill() {
	x.cancel(errClosed)
	x.dialer.Close()
}
