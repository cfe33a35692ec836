package db_test

import (
	"testing"

	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
)

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
