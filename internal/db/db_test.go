package db_test

import (
	"testing"

	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
)

// A process that stands still keeps no locks for long.
func TestIdleTransactionsEnd(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if !d.IsPostgres() {
			return
		}
		var after string
		if err := d.NewRaw("SHOW idle_in_transaction_session_timeout").Scan(t.Context(), &after); err != nil || after != "10s" {
			t.Errorf("they end after %s: %v", after, err)
		}
	})
}

func TestMigrateTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if err := d.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		first, err := d.NextID(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		second, err := d.NextID(t.Context(), d)
		if err != nil || second != first+1 {
			t.Errorf("got %d after %d: %v", second, first, err)
		}
	})
}
