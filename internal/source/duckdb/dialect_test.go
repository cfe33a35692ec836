package duckdb

import (
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
)

// Every construct of the package query means here what it says.
func TestDialect(t *testing.T) {
	t.Parallel()
	path := makeFile(t, "CREATE SCHEMA suite")
	s, err := Info(Reach{}).Open(connector.SourceOptions{Settings: connector.Settings{"path": path}, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	sourcetest.Dialect(t, s.(connector.Warehouse), "suite")
}
