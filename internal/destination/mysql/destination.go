package mysql

import (
	"context"
	"database/sql"
	"log/slog"
	"strings"
	"sync"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/sqltable"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

var dialect = query.MySQL

// idleTime is how long a connection is kept for later: less than the server keeps it (variables).
const idleTime = 30 * time.Second

// destination is one database.
type destination struct {
	settings settings
	clock    clock.Clock
	log      *slog.Logger
	network  connector.Network

	mu   sync.Mutex
	open *sql.DB
}

var (
	_ connector.Destination  = (*destination)(nil)
	_ connector.FieldLister  = (*destination)(nil)
	_ connector.OptionLister = (*destination)(nil)
	_ connector.Resolver     = (*destination)(nil)
)

// pool returns the connections, which are made when they are first needed.
func (d *destination) pool() (*sql.DB, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open != nil {
		return d.open, nil
	}
	config, err := d.settings.config(d.network)
	if err != nil {
		return nil, err
	}
	c, err := driver.NewConnector(config)
	if err != nil { // its text may repeat the settings
		return nil, fault.New(fault.CodeInvalid, "the connection's settings cannot be used").WithPath("spec.configuration")
	}
	d.open = sql.OpenDB(c)
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

// Test connects and looks whether this server takes writes at all. What a sync needs of its table, Begin looks at.
func (d *destination) Test(ctx context.Context) error {
	c, err := d.acquire(ctx)
	if err != nil {
		return err
	}
	defer d.release(c)
	var readOnly string
	if err := c.QueryRowContext(ctx, "SELECT @@global.read_only").Scan(&readOnly); err != nil {
		return d.translate(ctx, err, "asking the server about itself")
	}
	if readOnly != "0" && !strings.EqualFold(readOnly, "OFF") {
		return fault.New(fault.CodeDestinationDenied, "the server is read-only (read_only is %s)", readOnly).
			WithSuggestion("Connect to the primary server, not to a replica.")
	}
	return nil
}

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
