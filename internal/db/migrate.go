package db

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/uptrace/bun"
)

//go:embed migration
var migrations embed.FS

// migration is one forward step of the schema.
type migration struct {
	version int
	name    string
	sql     string
}

// load reads the migrations of a dialect in order.
func load(dialect string) ([]migration, error) {
	entries, err := fs.ReadDir(migrations, path.Join("migration", dialect))
	if err != nil {
		return nil, fmt.Errorf("reading migrations: %w", err)
	}
	var all []migration
	for _, e := range entries {
		number, _, _ := strings.Cut(e.Name(), "_")
		version, err := strconv.Atoi(number)
		if err != nil {
			return nil, fmt.Errorf("the migration %s has no number", e.Name())
		}
		text, err := migrations.ReadFile(path.Join("migration", dialect, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading the migration %s: %w", e.Name(), err)
		}
		all = append(all, migration{version, e.Name(), string(text)})
	}
	sort.Slice(all, func(i, j int) bool { return all[i].version < all[j].version })
	return all, nil
}

// Migrate brings the database to this version of the program: our tables first, then the job queue's. A
// database of a newer version is refused. Servers that start at the same time wait for each other.
func (d *DB) Migrate(ctx context.Context) error {
	all, err := load(d.dialect())
	if err != nil {
		return err
	}
	unlock, err := d.lockMigrations(ctx)
	if err != nil {
		return err
	}
	return errors.Join(d.migrate(ctx, all), unlock())
}

// lockMigrations waits for other servers that migrate the same PostgreSQL database. SQLite serves one process.
func (d *DB) lockMigrations(ctx context.Context) (unlock func() error, err error) {
	if !d.postgres {
		return func() error { return nil }, nil
	}
	c, err := d.DB.DB.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connecting to the database: %w", err)
	}
	if _, err := c.ExecContext(ctx, "SELECT pg_advisory_lock($1)", migrationLock); err != nil {
		return nil, errors.Join(fmt.Errorf("waiting for other servers that migrate: %w", err), c.Close())
	}
	return func() error {
		_, err := c.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", migrationLock)
		return errors.Join(err, c.Close())
	}, nil
}

func (d *DB) dialect() string {
	if d.postgres {
		return "postgres"
	}
	return "sqlite"
}

func (d *DB) migrate(ctx context.Context, all []migration) error {
	if _, err := d.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL)`); err != nil {
		return fmt.Errorf("preparing migrations: %w", err)
	}
	for _, m := range all {
		if err := d.step(ctx, m); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
	}
	if err := d.refuseNewer(ctx, all); err != nil {
		return err
	}
	return d.migrateJobs(ctx)
}

// migrationLock is the advisory lock that starting servers share on PostgreSQL.
const migrationLock = 7_205_759_403

func (d *DB) step(ctx context.Context, m migration) error {
	return d.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		n, err := tx.NewSelect().Table("schema_migrations").Where("version = ?", m.version).Count(ctx)
		if err != nil || n > 0 {
			return err
		}
		for _, statement := range statements(m.sql) {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		_, err = tx.NewRaw("INSERT INTO schema_migrations (version, name) VALUES (?, ?)", m.version, m.name).Exec(ctx)
		return err
	})
}

// statements splits a migration at semicolons that end a line. Migrations have no bodies of functions.
func statements(sql string) []string {
	var all []string
	for s := range strings.SplitSeq(sql, ";\n") {
		if strings.TrimSpace(s) != "" {
			all = append(all, s)
		}
	}
	return all
}

func (d *DB) refuseNewer(ctx context.Context, all []migration) error {
	var newest int
	if err := d.NewSelect().Table("schema_migrations").ColumnExpr("max(version)").Scan(ctx, &newest); err != nil {
		return fmt.Errorf("reading the database's version: %w", err)
	}
	if known := all[len(all)-1].version; newest > known {
		return fault.New(fault.CodeConfig, "the database is at version %d, and this program knows %d", newest, known).
			WithSuggestion("Start a newer release: the database is never taken back.")
	}
	return nil
}

// migrateJobs brings the job queue's tables to its library's version.
func (d *DB) migrateJobs(ctx context.Context) error {
	var err error
	if d.postgres {
		err = migrateRiver(ctx, riverdatabasesql.New(d.DB.DB))
	} else {
		err = migrateRiver(ctx, riversqlite.New(d.DB.DB))
	}
	if err != nil {
		return fmt.Errorf("migrating the job queue: %w", err)
	}
	return nil
}
