package trino

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
)

// The suite against a real server, whose settings are in MILLRACE_TEST_TRINO as JSON. Its default catalogue must be
// writable.
//
// Req: S-27
func TestLive(t *testing.T) {
	t.Parallel()
	text := os.Getenv("MILLRACE_TEST_TRINO")
	if text == "" {
		t.Skip("MILLRACE_TEST_TRINO is not set: no server to test against")
	}
	var settings connector.Settings
	if err := json.Unmarshal([]byte(text), &settings); err != nil {
		t.Fatal(err)
	}
	sourcetest.Run(t, sourcetest.Fixture{Info: Info(), Settings: settings, SQL: replaced, Values: own, NoDigits: true, Rows: numbers, Endless: endless, Says: says})
}
