package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// Source answers queries with a server that speaks MySQL's protocol. It is safe for concurrent use.
type Source struct {
	product   product
	config    *mysql.Config
	network   connector.Network
	databases []string // whose tables are listed
	numeric   bool     // TINYINT(1) is a number

	mu       sync.Mutex
	sessions map[*session]bool // true once it is being closed
	closed   bool
}

var _ connector.Source = (*Source)(nil)

// killTimeout is how long the server may take to be told that a statement is not wanted any more.
const killTimeout = 10 * time.Second

var (
	errClosed   = errors.New("the source was closed")
	errReleased = errors.New("the rows were released")
)

// session is one connection. It belongs to one goroutine, except for what is said to be otherwise.
type session struct {
	owner   *Source
	conn    driver.Conn
	raw     net.Conn        // beneath the encryption
	id      string          // what the server calls the connection
	node    string          // which server that is; empty where it does not say
	ctx     context.Context // ends the running statement; a session lives within one call or one reader
	cancel  context.CancelCauseFunc
	running atomic.Bool // a statement has begun, and its rows have not ended
	killed  sync.Once
	done    chan struct{} // closed when nothing of it is left
}

// connect opens a connection.
func (s *Source) connect(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	x := &session{owner: s, ctx: ctx, cancel: cancel, done: make(chan struct{})}
	var err error
	if x.conn, x.raw, err = s.dial(ctx); err != nil {
		err = s.explain(ctx, err, statement{})
		cancel(nil)
		return nil, err
	}
	if !s.register(x) {
		x.close()
		return nil, fault.Wrap(errClosed, fault.CodeSourceUnreachable, "")
	}
	if x.id, x.node, err = x.identity(); err != nil {
		err = s.explain(ctx, err, statement{})
		x.close()
		return nil, err
	}
	return x, nil
}

// identity asks which connection of which server this is; a place that cannot tell is no failure.
func (x *session) identity() (id, node string, err error) {
	if !x.owner.product.kills {
		return "", "", nil
	}
	found, err := x.table("SELECT CONNECTION_ID(), CONCAT(@@hostname, ':', @@port)")
	if err != nil || len(found) != 1 {
		return "", "", unlessServer(err)
	}
	return found[0][0].text, found[0][1].text, nil
}

// dial connects and logs in.
func (s *Source) dial(ctx context.Context) (conn driver.Conn, raw net.Conn, err error) {
	c := s.config.Clone()
	c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		raw, err = s.network.DialContext(ctx, network, address)
		return raw, err
	}
	to, err := mysql.NewConnector(c)
	if err != nil {
		return nil, nil, err
	}
	ctx, stop := context.WithTimeoutCause(ctx, connectTimeout, context.DeadlineExceeded)
	defer stop()
	conn, err = to.Connect(ctx)
	return conn, raw, err
}

// begin starts the transaction that a query runs in. A relative of MySQL that knows no read-only transactions gets one
// with a snapshot alone: that the statement only reads has been checked (statement.reads).
func (x *session) begin() error {
	for _, sql := range x.owner.product.begin {
		err := x.execute(sql)
		if server := (*mysql.MySQLError)(nil); errors.As(err, &server) && (server.Number == numberSyntax || server.Number == numberNotSupported) {
			err = x.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (x *session) execute(sql string) error {
	_, err := x.conn.(driver.ExecerContext).ExecContext(x.ctx, sql, nil) //nolint:forcetypeassert // the driver's connection
	return err
}

// run begins a statement whose rows the caller reads.
func (x *session) run(sql string) (driver.Rows, error) {
	x.running.Store(true)
	rows, err := x.start(sql)
	if fromServer(err) {
		x.running.Store(false)
	}
	return rows, err
}

func (x *session) start(sql string) (driver.Rows, error) {
	if !x.owner.product.prepares {
		return x.conn.(driver.QueryerContext).QueryContext(x.ctx, sql, nil) //nolint:forcetypeassert // the driver's connection
	}
	st, err := x.conn.(driver.ConnPrepareContext).PrepareContext(x.ctx, sql) //nolint:forcetypeassert // the driver's connection
	if err != nil {
		return nil, err
	}
	if st.NumInput() > 0 {
		return nil, fault.New(fault.CodeSourceQuery, "the query has a parameter (?)").WithSuggestion("Write values instead of parameters.")
	}
	return st.(driver.StmtQueryContext).QueryContext(x.ctx, nil) //nolint:forcetypeassert // the driver's statement
}

// cell is a value that is read as text.
type cell struct {
	text string
	null bool
}

// table reads a small result as text; args are quoted by the driver.
func (x *session) table(sql string, args ...string) (all [][]cell, err error) {
	values := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
	}
	rows, err := x.conn.(driver.QueryerContext).QueryContext(x.ctx, sql, values) //nolint:forcetypeassert // the driver's connection
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	row := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, err
		}
		cells := make([]cell, len(row))
		for i, v := range row {
			cells[i] = cellOf(v)
		}
		all = append(all, cells)
	}
}

func cellOf(v driver.Value) cell {
	switch v := v.(type) {
	case nil:
		return cell{null: true}
	case []byte:
		return cell{text: string(v)}
	default:
		return cell{text: fmt.Sprint(v)}
	}
}

func (s *Source) register(x *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.sessions[x] = false
	}
	return !s.closed
}

func (s *Source) forget(x *session) {
	s.mu.Lock()
	delete(s.sessions, x)
	s.mu.Unlock()
	close(x.done)
}

// close ends the connection, and with it a statement that still runs: rows that nobody wants are not read to their
// end. It does not wait for the server.
func (x *session) close() {
	s := x.owner
	s.mu.Lock()
	if closing := s.sessions[x]; closing {
		s.mu.Unlock()
		return
	}
	s.sessions[x] = true
	s.mu.Unlock()
	running := x.running.Load()
	x.cancel(errReleased)
	if running {
		_ = x.raw.Close() //nolint:errcheck // it is given up
	}
	_ = x.conn.Close() //nolint:errcheck // there is nothing left to lose
	if !running {
		s.forget(x)
		return
	}
	go func() {
		defer s.forget(x)
		x.kill()
	}()
}

// kill ends the statement at the server, once. A server that computes does not see that its client is gone: another
// connection tells it, if it reaches the same server: behind one name there may be several, and another one would end
// somebody else's connection. Any goroutine may call it.
// https://dev.mysql.com/doc/refman/8.4/en/kill.html
func (x *session) kill() {
	x.killed.Do(func() {
		if _, err := strconv.ParseUint(x.id, 10, 64); err != nil || x.node == "" {
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), killTimeout)
		defer cancel()
		conn, _, err := x.owner.dial(ctx)
		if err != nil {
			return
		}
		defer conn.Close() //nolint:errcheck // it has said what it had to say
		other := &session{owner: x.owner, conn: conn, ctx: ctx}
		if _, node, err := other.identity(); err == nil && node == x.node {
			_ = other.execute("KILL CONNECTION " + x.id) //nolint:errcheck // a statement that ended by itself is no failure
		}
	})
}

// Close ends every connection; rows that are still being read end with an error.
func (s *Source) Close() error {
	s.mu.Lock()
	s.closed = true
	var closing, open []*session
	for x, ends := range s.sessions {
		if ends {
			closing = append(closing, x)
		} else {
			open = append(open, x)
		}
	}
	s.mu.Unlock()
	for _, x := range open {
		x.cancel(errClosed)
		if x.running.Load() {
			x.kill()
		}
	}
	for _, x := range closing {
		<-x.done
	}
	return nil
}
