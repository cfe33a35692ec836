package db

import (
	"errors"
	"sync"
	"testing"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/test/services"
)

// onEach runs f on an empty database of each kind.
func onEach(t *testing.T, f func(t *testing.T, c Config)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		f(t, Config{Home: t.TempDir()})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		f(t, Config{URL: services.Postgres(t)})
	})
}

func openTest(t *testing.T, c Config) *DB {
	t.Helper()
	d, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// A database of the previous version keeps what it holds.
func TestMigrateFromPreviousVersion(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, c Config) {
		d := openTest(t, c)
		all, err := load(d.dialect())
		if err != nil {
			t.Fatal(err)
		}
		if err := d.migrate(t.Context(), all[:len(all)-1]); err != nil {
			t.Fatal(err)
		}
		if _, err := d.NewRaw("INSERT INTO organizations (id, name, created_at) VALUES (7, 'kept', 1)").Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := d.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		var name string
		if err := d.NewRaw("SELECT name FROM organizations WHERE id = 7").Scan(t.Context(), &name); err != nil || name != "kept" {
			t.Errorf("%q, %v", name, err)
		}
		var version int
		if err := d.NewRaw("SELECT max(version) FROM schema_migrations").Scan(t.Context(), &version); err != nil || version != all[len(all)-1].version {
			t.Errorf("the version is %d: %v", version, err)
		}
	})
}

// Both databases have the same steps, so that a document of one fits the other.
func TestMigrationsArePaired(t *testing.T) {
	t.Parallel()
	lite, err := load("sqlite")
	if err != nil {
		t.Fatal(err)
	}
	postgres, err := load("postgres")
	if err != nil {
		t.Fatal(err)
	}
	if len(lite) != len(postgres) {
		t.Fatalf("%d steps for SQLite, %d for PostgreSQL", len(lite), len(postgres))
	}
	for i := range lite {
		if lite[i].name != postgres[i].name || i > 0 && lite[i].version <= lite[i-1].version {
			t.Errorf("step %d is %s on SQLite and %s on PostgreSQL", i+1, lite[i].name, postgres[i].name)
		}
	}
}

// A database is never taken back.
func TestNewerDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, c Config) {
		d := openTest(t, c)
		if err := d.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := d.NewRaw("INSERT INTO schema_migrations (version, name) VALUES (9999, 'later')").Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := d.Migrate(t.Context()); !fault.Is(err, fault.CodeConfig) {
			t.Errorf("%v", err)
		}
	})
}

// Servers that start at the same time on an empty PostgreSQL database wait for each other.
func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	c := Config{URL: services.Postgres(t)}
	errs := make([]error, 4)
	var all sync.WaitGroup
	for i := range errs {
		d := openTest(t, c)
		all.Go(func() { errs[i] = d.Migrate(t.Context()) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}
