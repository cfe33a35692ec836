package postgres

import (
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
)

// Every construct of the package query means here what it says.
func TestDialect(t *testing.T) {
	t.Parallel()
	settings, _ := place(t, "CREATE SCHEMA suite")
	sourcetest.Dialect(t, openAt(t, settings).(connector.Warehouse), "suite")
}
