// Package db opens the database: SQLite in a file by default, PostgreSQL by URL. Both have the same tables
// and run the same statements; where they differ, this package says so.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"modernc.org/sqlite" // the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/jackc/pgx/v5"
)

// Config says which database to open.
type Config struct {
	URL      string // postgres://…; empty means SQLite
	Home     string // folder of the SQLite file
	MaxConns int    // of PostgreSQL; 0 means 16
}

// DB is the database. Statements on it run outside a transaction; inside InTx use the transaction
// only: SQLite has one connection, and a second statement would wait for ever.
type DB struct {
	*bun.DB

	postgres bool
}

// SQLite's settings: without immediate transactions and a busy timeout, concurrent writers fail
// (docs/decisions); synchronous(FULL) makes a commit survive a power loss, which the run journal promises.
const sqliteSettings = "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=busy_timeout(10000)&_txlock=immediate"

// fileName of the SQLite database in Config.Home.
const fileName = "millrace.db"

// Open connects to the database. It does not change it; Migrate does.
func Open(ctx context.Context, c Config) (*DB, error) {
	if c.URL == "" {
		return openSQLite(c)
	}
	if !strings.HasPrefix(c.URL, "postgres://") && !strings.HasPrefix(c.URL, "postgresql://") {
		return nil, fault.New(fault.CodeConfig, "the database's URL must begin with postgres://; leave it empty for SQLite")
	}
	return openPostgres(ctx, c)
}

func openSQLite(c Config) (*DB, error) {
	if err := os.MkdirAll(c.Home, 0o700); err != nil {
		return nil, fault.Wrap(err, fault.CodeConfig, "making the data folder")
	}
	pool, err := sql.Open("sqlite", "file:"+filepath.Join(c.Home, fileName)+sqliteSettings)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeConfig, "opening the database")
	}
	pool.SetMaxOpenConns(1)
	return &DB{DB: bun.NewDB(pool, sqlitedialect.New())}, nil
}

func openPostgres(ctx context.Context, c Config) (*DB, error) {
	config, err := pgx.ParseConfig(c.URL)
	if err != nil {
		return nil, fault.New(fault.CodeConfig, "the database's URL cannot be read")
	}
	pool := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(endIdle))
	pool.SetMaxOpenConns(maxConns(c))
	pool.SetMaxIdleConns(maxConns(c))
	if err := pool.PingContext(ctx); err != nil {
		return nil, fault.Wrap(err, fault.CodeConfig, "connecting to the database")
	}
	return &DB{DB: bun.NewDB(pool, pgdialect.New()), postgres: true}, nil
}

// idleInTransaction is how long a transaction may stand still before the server ends it. A process that was stopped, or
// whose machine is gone, would keep its locks otherwise, and nobody could take its runs over.
const idleInTransaction = 10 * time.Second

// endIdle is a statement and not a parameter of the connection, which poolers refuse.
func endIdle(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, fmt.Sprintf("SET idle_in_transaction_session_timeout = %d", idleInTransaction.Milliseconds()))
	return err //nolint:wrapcheck // the pool's ping wraps it
}

func maxConns(c Config) int {
	if c.MaxConns > 0 {
		return c.MaxConns
	}
	return 16
}

// IsPostgres reports whether the database is PostgreSQL.
func (d *DB) IsPostgres() bool { return d.postgres }

// InTx runs f in a transaction, which commits when f returns nil.
func (d *DB) InTx(ctx context.Context, f func(ctx context.Context, tx bun.Tx) error) error {
	return Explain(d.DB.RunInTx(ctx, nil, f))
}

// diskFull is the SQLSTATE disk_full (PostgreSQL documentation, appendix A).
const diskFull = "53100"

// Explain gives an error of the database a code where a person can do something about it: a full disk. Others
// stay as they are.
func Explain(err error) error {
	var lite *sqlite.Error
	var postgres *pgconn.PgError
	switch {
	case errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_FULL,
		errors.As(err, &postgres) && postgres.Code == diskFull:
		return fault.Wrap(err, fault.CodeDiskFull, "the database cannot grow")
	default:
		return err
	}
}

// NextID returns the next number of the one sequence that documents and runs share.
func (d *DB) NextID(ctx context.Context, tx bun.IDB) (int64, error) {
	var id int64
	if err := tx.NewRaw("UPDATE id_sequence SET last = last + 1 RETURNING last").Scan(ctx, &id); err != nil {
		return 0, fmt.Errorf("taking a number: %w", err)
	}
	return id, nil
}

// NextIDs takes n numbers that follow each other, and returns the first.
func (d *DB) NextIDs(ctx context.Context, tx bun.IDB, n int) (int64, error) {
	var last int64
	if err := tx.NewRaw("UPDATE id_sequence SET last = last + ? RETURNING last", n).Scan(ctx, &last); err != nil {
		return 0, fmt.Errorf("taking %d numbers: %w", n, err)
	}
	return last - int64(n) + 1, nil
}
