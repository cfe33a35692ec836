// Package dbtest gives tests a migrated database of each kind.
package dbtest

import (
	"testing"

	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/test/services"
)

// Each runs f as a subtest on SQLite and on PostgreSQL.
func Each(t *testing.T, f func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		f(t, SQLite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		f(t, Postgres(t))
	})
}

// SQLite returns a migrated database in a file.
func SQLite(t testing.TB) *db.DB {
	t.Helper()
	return open(t, db.Config{Home: t.TempDir()})
}

// Postgres returns a migrated database on the shared cluster.
func Postgres(t testing.TB) *db.DB {
	t.Helper()
	return open(t, db.Config{URL: services.Postgres(t)})
}

func open(t testing.TB, c db.Config) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}
