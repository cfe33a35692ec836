package postgres

import (
	"context"
	"log/slog"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

var sql = query.Postgres

// destination is one database.
type destination struct {
	settings settings
	clock    clock.Clock
	log      *slog.Logger
	network  connector.Network

	mu   sync.Mutex
	open *pgxpool.Pool
}

var (
	_ connector.Destination  = (*destination)(nil)
	_ connector.FieldLister  = (*destination)(nil)
	_ connector.OptionLister = (*destination)(nil)
	_ connector.Resolver     = (*destination)(nil)
)

// pool returns the connections, which are made when they are first needed.
func (d *destination) pool() (*pgxpool.Pool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open != nil {
		return d.open, nil
	}
	config, err := d.settings.config()
	if err != nil {
		return nil, err
	}
	reach(&config.ConnConfig.Config, d.network)
	d.open, err = pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeInvalid, "preparing connections")
	}
	return d.open, nil
}

// acquire returns a connection.
func (d *destination) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	pool, err := d.pool()
	if err != nil {
		return nil, err
	}
	c, err := pool.Acquire(ctx)
	if err != nil {
		return nil, d.translate(ctx, err, "connecting to "+d.settings.address())
	}
	return c, nil
}

// minVersion is the first version with ON CONFLICT.
// Source: https://www.postgresql.org/docs/9.5/sql-insert.html
const minVersion = 90500

// Test connects and looks whether this server and role can take rows at all. What a sync needs of its
// table, Begin looks at.
func (d *destination) Test(ctx context.Context) error {
	c, err := d.acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	var version, readOnly string
	var number int
	var temporary bool
	err = c.QueryRow(ctx, `SELECT current_setting('server_version'), current_setting('server_version_num')::int,
		current_setting('transaction_read_only'), has_database_privilege(current_database(), 'TEMPORARY')`).Scan(&version, &number, &readOnly, &temporary)
	switch {
	case err != nil:
		return d.translate(ctx, err, "asking the server about itself")
	case number < minVersion:
		return fault.New(fault.CodeDestinationSchema, "the server is PostgreSQL %s", version).WithSuggestion("Use PostgreSQL 9.5 or later.")
	case readOnly == "on":
		return fault.New(fault.CodeDestinationDenied, "transactions of the role %q on this server are read-only", d.settings.User).
			WithSuggestion("Connect to the primary server, with a role whose default_transaction_read_only is off.")
	case !temporary:
		return fault.New(fault.CodeDestinationDenied, "the role %q lacks the permission TEMPORARY on the database %q", d.settings.User, d.settings.Database).
			WithSuggestion("Run: GRANT TEMPORARY ON DATABASE %s TO %s", sql.Ident(d.settings.Database), sql.Ident(d.settings.User))
	}
	return nil
}

// Close ends every connection.
func (d *destination) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open != nil {
		d.open.Close()
		d.open = nil
	}
	return nil
}
