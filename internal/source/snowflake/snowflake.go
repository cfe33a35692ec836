// Package snowflake reads Snowflake, and plans in it: in tables of its own, or in Iceberg tables.
//
// Queries run in sessions, which are kept for a while since a login takes a second. Each class of work has sessions of
// its own, with the warehouse that it is routed to. Results come as Arrow, in files that Snowflake leaves for us; they
// are read one record at a time, and each column is turned into the type that its metadata says: the driver's own
// conversion rounds decimals.
package snowflake

import (
	"context"
	"crypto/rsa"
	"database/sql"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/snowflake/quiet"
	"github.com/snowflakedb/gosnowflake"
)

// Info describes Snowflake with tables of its own.
func Info() connector.SourceInfo {
	return connector.SourceInfo{
		Slug: "snowflake", Name: "Snowflake", Category: "warehouse", Summary: "Tables, views and queries of a Snowflake account",
		Fields: fields(), Methods: []string{"sql", "table"}, Engines: []string{connector.EngineBasic, connector.EngineLightning},
		Grants: grants("", ""), SyncLogs: true,
		Open: func(o connector.SourceOptions) (connector.Source, error) {
			return open(o, func(settings) query.Dialect { return query.Snowflake })
		},
	}
}

// IcebergInfo describes Snowflake with Iceberg tables (S-11, S-45).
func IcebergInfo() connector.SourceInfo {
	return connector.SourceInfo{
		Slug: "snowflake-iceberg", Name: "Snowflake Iceberg", Category: "warehouse", Summary: "Iceberg tables that Snowflake reads and writes",
		Fields: fields(icebergFields()...), Methods: []string{"sql", "table"}, Engines: []string{connector.EngineBasic, connector.EngineLightning},
		Grants: grants(icebergUser, icebergVolume), SyncLogs: true,
		Open: func(o connector.SourceOptions) (connector.Source, error) {
			return open(o, func(s settings) query.Dialect { return query.SnowflakeIceberg(s.ExternalVolume, s.BaseLocation) })
		},
	}
}

func open(o connector.SourceOptions, dialect func(settings) query.Dialect) (connector.Source, error) {
	muffle()
	var s settings
	if err := o.Settings.Decode(&s); err != nil {
		return nil, err
	}
	key, err := s.key()
	if err != nil {
		return nil, err
	}
	t, err := s.transport(o.Network)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	x := &Source{
		settings: s, key: key, dir: o.Dir, network: o.Network, dialect: dialect(s), schemas: connector.SchemasOf(o.Settings),
		transport: &transport{Transport: t}, ctx: ctx, cancel: cancel, pools: map[string]*sql.DB{},
	}
	return x, nil
}

// muffle silences the driver's logger, which writes to the standard error: what goes wrong is returned.
var muffle = sync.OnceFunc(func() {
	if quiet.Done() {
		gosnowflake.GetLogger().SetOutput(io.Discard)
	}
})

// Source answers queries with a Snowflake account. It is safe for concurrent use.
type Source struct {
	settings  settings
	key       *rsa.PrivateKey // nil where a password is used
	dir       string
	network   connector.Network
	dialect   query.Dialect
	schemas   connector.Schemas
	transport *transport
	ctx       context.Context // ends with the source
	cancel    context.CancelCauseFunc

	mu     sync.Mutex
	pools  map[string]*sql.DB // by warehouse
	closed bool
}

var _ connector.Warehouse = (*Source)(nil)

// Dialect is Snowflake's, with or without Iceberg.
func (s *Source) Dialect() query.Dialect { return s.dialect }

// Schemas returns the schemas that Millrace writes in.
func (s *Source) Schemas() connector.Schemas { return s.schemas }

// Test reads the catalog with the interactive warehouse and opens a session with the other one.
func (s *Source) Test(ctx context.Context) error {
	if _, err := s.Introspect(ctx); err != nil {
		return err
	}
	return s.with(ctx, connector.WorkloadBatch, func(context.Context, *session) error { return nil })
}

var (
	errClosed   = errors.New("the source was closed")
	errReleased = errors.New("the rows were released")
)

// Close ends every session; rows that are still being read end with an error.
func (s *Source) Close() error {
	s.mu.Lock()
	s.closed = true
	pools := s.pools
	s.pools = nil
	s.mu.Unlock()
	s.cancel(errClosed)
	var errs []error
	for _, p := range pools {
		errs = append(errs, p.Close())
	}
	s.transport.CloseIdleConnections()
	return errors.Join(errs...)
}

// How long sessions are kept. A session's master token is valid for four hours
// (https://docs.snowflake.com/en/user-guide/session-policies).
const (
	idleSessions    = 4
	idleTime        = 5 * time.Minute
	sessionLifetime = 3 * time.Hour
)

// pool returns the sessions with the warehouse of a class.
func (s *Source) pool(class connector.Workload) (*sql.DB, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	name := s.settings.warehouseOf(class)
	if p := s.pools[name]; p != nil {
		return p, nil
	}
	p := sql.OpenDB(&login{source: s, class: class})
	p.SetMaxIdleConns(idleSessions)
	p.SetConnMaxIdleTime(idleTime)
	p.SetConnMaxLifetime(sessionLifetime)
	s.pools[name] = p
	return p, nil
}

// transport is what the driver reaches Snowflake through. It tells who waits what the driver would keep to itself.
type transport struct{ *http.Transport }

// RoundTrip sends a request. A login that cannot even be sent is not tried for minutes, as the driver would; and the
// tables that a statement's columns come from, which the driver drops, are noted for who asked for them.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.Transport.RoundTrip(r)
	if err != nil {
		if a, ok := r.Context().Value(attemptKey{}).(*attempt); ok {
			a.fail(err)
		}
		return nil, err
	}
	if o, ok := r.Context().Value(originsKey{}).(*origins); ok {
		return o.note(r, resp)
	}
	return resp, nil
}
