package sqlserver

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"sync"
	"time"

	mssql "github.com/microsoft/go-mssqldb"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/tds"
	"github.com/millrace/millrace/internal/destination/sqltable"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

var dialect = query.SQLServer

const (
	// connectTimeout is how long it may take to connect and sign in. A database of Azure that sleeps needs time to wake.
	connectTimeout = 90 * time.Second

	// idleTime is how long a connection is kept for later.
	idleTime = time.Minute
)

// begin runs first on each connection: an error ends the transaction as a whole; messages are in English and texts that are
// dates begin with the year, whatever the login's language is; a lock is waited for for a minute.
// https://learn.microsoft.com/en-us/sql/t-sql/statements/set-xact-abort-transact-sql
// The others are what tables with computed columns and indexed views ask for.
// https://learn.microsoft.com/en-us/sql/t-sql/statements/set-statements-transact-sql
const begin = "SET XACT_ABORT ON; SET LANGUAGE us_english; SET DATEFORMAT ymd; SET LOCK_TIMEOUT 60000; " +
	"SET ANSI_NULLS, ANSI_PADDING, ANSI_WARNINGS, ARITHABORT, CONCAT_NULL_YIELDS_NULL, QUOTED_IDENTIFIER ON; SET NUMERIC_ROUNDABORT OFF"

// destination is one database.
type destination struct {
	settings settings
	clock    clock.Clock
	log      *slog.Logger
	network  connector.Network
	driver   driver.Connector // nil means the server that the settings name

	mu   sync.Mutex
	open *sql.DB
}

var (
	_ connector.Destination  = (*destination)(nil)
	_ connector.FieldLister  = (*destination)(nil)
	_ connector.OptionLister = (*destination)(nil)
	_ connector.Resolver     = (*destination)(nil)
)

// server opens connections to the server that settings name.
type server struct {
	place   tds.Place
	network connector.Network
}

// distrust is why the server's certificate was not trusted, which the driver does not tell.
type distrust struct {
	reason error
	said   error
}

func (d *distrust) Error() string   { return d.said.Error() }
func (d *distrust) Unwrap() []error { return []error{d.reason, d.said} }

// Connect connects and signs in. The driver does not look at the context while it waits for a server's first words.
func (s server) Connect(ctx context.Context) (driver.Conn, error) {
	dialer := tds.NewDialer(s.network)
	defer context.AfterFunc(ctx, dialer.Close)()
	var refused error
	config := s.place.Config
	config.TLSConfig = s.place.TLS(&refused)
	c := mssql.NewConnectorConfig(config)
	c.Dialer = dialer
	conn, err := c.Connect(ctx)
	switch {
	case err != nil && refused != nil:
		return nil, &distrust{refused, err}
	case err != nil:
		return nil, err
	}
	c.SessionInitSQL = begin // each time that the connection is used again; its failure would not be told
	if err := prepare(ctx, conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// prepare runs what a connection begins with.
func prepare(ctx context.Context, conn driver.Conn) (err error) {
	st, err := conn.(driver.ConnPrepareContext).PrepareContext(ctx, begin) //nolint:forcetypeassert // the driver's own
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	_, err = st.(driver.StmtExecContext).ExecContext(ctx, nil) //nolint:forcetypeassert // the driver's own
	return err
}

// Driver is the driver.
func (s server) Driver() driver.Driver { return &mssql.Driver{} }

// pool returns the connections, which are made when they are first needed.
func (d *destination) pool() (*sql.DB, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open != nil {
		return d.open, nil
	}
	place, err := d.settings.place()
	if err != nil {
		return nil, err
	}
	connect := d.driver
	if connect == nil {
		connect = server{place, d.network}
	}
	d.open = sql.OpenDB(connect)
	d.open.SetMaxOpenConns(sqltable.MaxParallel + 2)
	d.open.SetMaxIdleConns(sqltable.MaxParallel)
	d.open.SetConnMaxIdleTime(idleTime)
	return d.open, nil
}

// acquire returns a connection.
func (d *destination) acquire(ctx context.Context) (*sql.Conn, error) {
	pool, err := d.pool()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, connectTimeout, context.DeadlineExceeded)
	defer cancel()
	c, err := pool.Conn(ctx)
	if err != nil {
		return nil, d.translate(ctx, err, "connecting to "+d.settings.address())
	}
	return c, nil
}

// release gives a connection back.
func (d *destination) release(c *sql.Conn) {
	if err := c.Close(); err != nil {
		d.log.Debug("giving a connection back", "error", said(err))
	}
}

// minLevel is the first compatibility level with OPENJSON.
// https://learn.microsoft.com/en-us/sql/t-sql/functions/openjson-transact-sql
const minLevel = 130

// Test connects and looks whether this database can take rows at all. What a sync needs of its table, Begin looks at.
func (d *destination) Test(ctx context.Context) error {
	c, err := d.acquire(ctx)
	if err != nil {
		return err
	}
	defer d.release(c)
	var level int
	var updates string
	if err := c.QueryRowContext(ctx, aboutQuery).Scan(&level, &updates); err != nil {
		return d.translate(ctx, err, "asking the database about itself")
	}
	switch {
	case updates != "READ_WRITE":
		return fault.New(fault.CodeDestinationDenied, "the database only reads (%s)", updates).WithSuggestion("Connect to the primary replica, or run: ALTER DATABASE … SET READ_WRITE.")
	case level < minLevel:
		return fault.New(fault.CodeDestinationSchema, "the database's compatibility level is %d", level).
			WithSuggestion("Use SQL Server 2016 or newer, and run: ALTER DATABASE CURRENT SET COMPATIBILITY_LEVEL = %d (or more).", minLevel)
	}
	return nil
}

const aboutQuery = "SELECT compatibility_level, CONVERT(NVARCHAR(60), DATABASEPROPERTYEX(DB_NAME(), 'Updateability')) FROM sys.databases WHERE database_id = DB_ID()"

// Close ends every connection.
func (d *destination) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open == nil {
		return nil
	}
	err := d.open.Close()
	d.open = nil
	return err
}

// collect reads all rows of a query.
func collect[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error)) (all []T, failed error) {
	if err != nil {
		return nil, err
	}
	defer func() { failed = errors.Join(failed, rows.Close()) }()
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
