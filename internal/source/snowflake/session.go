package snowflake

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"os"
	"sync"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/snowflakedb/gosnowflake"
)

// login opens sessions for a pool.
type login struct {
	source *Source
	class  connector.Workload
}

var _ driver.Connector = (*login)(nil)

// Driver returns the driver.
func (*login) Driver() driver.Driver { return gosnowflake.SnowflakeDriver{} }

// Connect logs in.
func (l *login) Connect(ctx context.Context) (driver.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a := &attempt{cancel: cancel}
	s := l.source
	if s.dir != "" {
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			return nil, fault.Disk(err, "making the source's folder")
		}
	}
	c := s.settings.config(l.class, s.key, s.transport, s.dir)
	conn, err := gosnowflake.NewConnector(gosnowflake.SnowflakeDriver{}, c).Connect(context.WithValue(ctx, attemptKey{}, a))
	if cause := a.cause(); err != nil && cause != nil {
		return nil, cause
	}
	return conn, err
}

// attempt is a login that ends with the first error of the network.
type attempt struct {
	cancel context.CancelFunc

	mu  sync.Mutex
	err error
}

type attemptKey struct{}

func (a *attempt) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == nil {
		a.err = err
		a.cancel()
	}
}

func (a *attempt) cause() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// session is one session, for one caller.
type session struct {
	conn *sql.Conn
	used bool // a statement worked
	open bool // a transaction is
}

// link is what of the driver's connection is used.
type link interface {
	driver.ExecerContext
	driver.QueryerContext
	QueryArrowStream(ctx context.Context, query string, args ...driver.NamedValue) (gosnowflake.ArrowStreamLoader, error)
}

// errDriver cannot happen with the driver that is linked.
var errDriver = errors.New("the driver has no Arrow streams")

// use gives the driver's connection to f.
func (x *session) use(f func(link) error) error {
	err := x.conn.Raw(func(c any) error {
		l, ok := c.(link)
		if !ok {
			return errDriver
		}
		return f(l)
	})
	x.used = x.used || err == nil
	return err
}

// stream runs a statement that yields rows.
func (x *session) stream(ctx context.Context, st statement) (rows gosnowflake.ArrowStreamLoader, err error) {
	err = x.use(func(l link) error {
		rows, err = l.QueryArrowStream(st.context(ctx), st.text)
		return err
	})
	return rows, err
}

// execute runs a command and returns how many rows it wrote.
func (x *session) execute(ctx context.Context, st statement) (n int64, err error) {
	err = x.use(func(l link) error {
		r, err := l.ExecContext(st.context(ctx), st.text, nil)
		if err != nil || r == driver.ResultNoRows {
			return err
		}
		n, err = r.RowsAffected()
		return err
	})
	return n, err
}

// leave gives the session back, unless what went wrong leaves it in a state that nobody knows: then it is ended. A
// statement that Snowflake refused changes nothing in its session.
func (x *session) leave(ctx context.Context, err error) {
	var refused *gosnowflake.SnowflakeError
	clean := err == nil || errors.As(err, &refused) && refused.Number < firstDriver && !x.open && ctx.Err() == nil
	if !clean {
		_ = x.conn.Raw(func(any) error { return driver.ErrBadConn }) //nolint:errcheck // how a pool is told
	}
	_ = x.conn.Close() //nolint:errcheck // it is given back or ended already
}

// begin takes a session; the context that it returns ends with the source too.
func (s *Source) begin(ctx context.Context, class connector.Workload) (context.Context, context.CancelCauseFunc, *session, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.ctx, func() { cancel(context.Cause(s.ctx)) })
	end := func(cause error) {
		stop()
		cancel(cause)
	}
	x, err := s.take(ctx, class)
	if err != nil {
		err = s.explain(ctx, err, statement{})
		end(nil)
		return nil, nil, nil, err
	}
	return ctx, end, x, nil
}

func (s *Source) take(ctx context.Context, class connector.Workload) (*session, error) {
	if err := s.settings.problem(); err != nil {
		return nil, err
	}
	pool, err := s.pool(class)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeSourceUnreachable, "")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &session{conn: conn}, nil
}

// with runs f in a session, which f must leave as it was unless it fails. A session that Snowflake has forgotten in
// the meantime is replaced, as long as nothing happened in it.
func (s *Source) with(ctx context.Context, class connector.Workload, f func(context.Context, *session) error) error {
	for tries := 0; ; tries++ {
		ctx, end, x, err := s.begin(ctx, class)
		if err != nil {
			return err
		}
		err = f(ctx, x)
		x.leave(ctx, err)
		again := err != nil && !x.used && forgotten(err) && ctx.Err() == nil && tries < idleSessions
		if !again {
			err = s.explain(ctx, err, statement{})
		}
		end(nil)
		if !again {
			return err
		}
	}
}
