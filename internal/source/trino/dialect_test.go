package trino

import (
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/source/trino/trinotest"
)

// Every construct of the package query means what it says, as far as the stand-in is Trino. Presto is left out: its
// instants have milliseconds, and the suite's have microseconds.
//
// Req: S-73
func TestDialect(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{connectorHive, connectorIceberg, connectorPostgres} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			_, settings := stand(t, trinotest.Options{Setup: []string{"CREATE SCHEMA suite"}})
			sourcetest.Dialect(t, openAt(t, with(settings, "connector", kind)).(connector.Warehouse), "suite")
		})
	}
}
