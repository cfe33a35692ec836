// Package postgres reads PostgreSQL, version 15 and newer, and the databases that speak its protocol: Lakebase,
// Greenplum, Redshift and Materialize. What one of them does otherwise is its variant.
//
// Each query has a connection of its own, with one read-only transaction: one snapshot, nothing left behind,
// and a statement that ends when its context does. Rows stream from the wire into Arrow builders.
package postgres

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

// Source answers queries with a PostgreSQL server. It is safe for concurrent use.
type Source struct {
	variant variant
	options connector.Settings // of the variant
	config  *pgx.ConnConfig
	network connector.Network
	schemas connector.Schemas
	log     *slog.Logger

	mu       sync.Mutex
	sessions map[*session]bool // true once it is being closed
	closed   bool
}

var _ connector.Warehouse = (*Source)(nil)

// Dialect is the variant's.
func (s *Source) Dialect() query.Dialect { return s.variant.dialect }

// Test connects, and reads the catalog as discovery does.
func (s *Source) Test(ctx context.Context) error {
	_, err := s.Introspect(ctx)
	return err
}

// closeTimeout is how long a connection may take to say goodbye.
const closeTimeout = 5 * time.Second

var (
	errClosed   = errors.New("the source was closed")
	errReleased = errors.New("the rows were released")
)

// session is one connection.
type session struct {
	owner  *Source
	conn   *pgx.Conn
	ctx    context.Context // ends the running statement; a session lives within one call or one reader
	cancel context.CancelCauseFunc
}

// connect opens a connection; begin is what it runs first.
func (s *Source) connect(ctx context.Context, begin string) (*session, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	conn, err := pgx.ConnectConfig(ctx, s.config)
	if err != nil {
		err = s.firewall(explain(ctx, err, statement{}))
		cancel(nil)
		return nil, err
	}
	x := &session{owner: s, conn: conn, ctx: ctx, cancel: cancel}
	if !s.register(x) {
		x.close()
		return nil, fault.Wrap(errClosed, fault.CodeSourceUnreachable, "")
	}
	if _, err := conn.PgConn().Exec(ctx, begin).ReadAll(); err != nil {
		defer x.close()
		return nil, explain(ctx, err, statement{})
	}
	return x, nil
}

// firewall adds to the advice about a server that cannot be reached which addresses it must let in.
func (s *Source) firewall(err error) error {
	if f := fault.As(err); f.Code == fault.CodeSourceUnreachable && len(s.network.Egress) > 0 {
		return f.WithSuggestion("%s%s", f.Hint(), s.network.Firewall())
	}
	return err
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
	defer s.mu.Unlock()
	delete(s.sessions, x)
}

// cancelInterval is how often the server is asked to stop a statement, until it has.
const cancelInterval = 200 * time.Millisecond

// close ends the connection, and with it a statement that still runs. It does not wait for the server.
func (x *session) close() {
	x.owner.mu.Lock()
	x.owner.sessions[x] = true
	x.owner.mu.Unlock()
	x.cancel(errReleased)
	if !x.conn.IsClosed() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), closeTimeout)
		defer cancel()
		_ = x.conn.Close(ctx) //nolint:errcheck // there is nothing left to lose
	}
	select {
	case <-x.conn.PgConn().CleanupDone():
		x.owner.forget(x)
	default:
		go x.stop()
	}
}

// stop waits while the driver takes leave of a server that was busy. The driver asks once to cancel the statement;
// a server that had not begun it by then would run it to its end, and is asked again.
func (x *session) stop() {
	defer x.owner.forget(x)
	pg := x.conn.PgConn()
	again := time.NewTicker(cancelInterval)
	defer again.Stop()
	for {
		select {
		case <-pg.CleanupDone():
			return
		case <-again.C:
			ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), closeTimeout)
			_ = pg.CancelRequest(ctx) //nolint:errcheck // the connection ends with or without it
			cancel()
		}
	}
}

// kill ends the connection from another goroutine than the one that uses it.
func (x *session) kill() {
	x.cancel(errClosed)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), closeTimeout)
	defer cancel()
	pg := x.conn.PgConn()
	_ = errors.Join(pg.CancelRequest(ctx), pg.Conn().Close()) //nolint:errcheck // it is given up
}

// Close ends every connection; rows that are still being read end with an error.
func (s *Source) Close() error {
	s.mu.Lock()
	s.closed = true
	open := make(map[*session]bool, len(s.sessions))
	maps.Copy(open, s.sessions)
	s.mu.Unlock()
	for x, closing := range open {
		if closing {
			<-x.conn.PgConn().CleanupDone()
		} else {
			x.kill()
		}
	}
	return nil
}
