package databricks_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
)

// liveEnv holds the settings of a real workspace as JSON. Its user may make schemas in the catalog.
const liveEnv = "MILLRACE_TEST_DATABRICKS"

// The contract of sources, on a real workspace.
//
// Req: S-14
func TestLive(t *testing.T) {
	t.Parallel()
	text := os.Getenv(liveEnv)
	if text == "" {
		t.Skip("no workspace: set " + liveEnv + " to the settings of a source, as JSON")
	}
	var settings connector.Settings
	if err := json.Unmarshal([]byte(text), &settings); err != nil {
		t.Fatalf("reading %s: %v", liveEnv, err)
	}
	f := fixture(nil, settings)
	f.Tables, f.Hidden, f.Failing, f.Running = nil, nil, f.Failing[:1], nil
	sourcetest.Run(t, f)
}
