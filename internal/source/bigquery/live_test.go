package bigquery

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
)

// The suite at Google, with the settings that MILLRACE_TEST_BIGQUERY holds as JSON: credential, project and location
// of an account that may make datasets. It makes the datasets conformance, suite, millrace_planner and millrace_audit.
//
// Req: S-12
func TestLive(t *testing.T) {
	text := os.Getenv("MILLRACE_TEST_BIGQUERY")
	if text == "" {
		t.Skip("MILLRACE_TEST_BIGQUERY holds no settings of a BigQuery project")
	}
	var settings connector.Settings
	if err := json.Unmarshal([]byte(text), &settings); err != nil {
		t.Fatal("MILLRACE_TEST_BIGQUERY is no JSON")
	}
	sourcetest.Run(t, sourcetest.Fixture{
		Info: Info(), Settings: settings, SQL: replaced, Values: values, NoDigits: true, NoZeros: true, PlainNames: true,
		// One array has a million items at most.
		Rows: func(n int64) string {
			return fmt.Sprintf("SELECT a * 1000 + b AS id, CONCAT('row ', CAST(a * 1000 + b AS STRING)) AS name FROM UNNEST(GENERATE_ARRAY(0, DIV(%[1]d, 1000))) AS a, UNNEST(GENERATE_ARRAY(1, 1000)) AS b WHERE a * 1000 + b <= %[1]d", n)
		},
		Endless: "SELECT COUNT(*) AS n FROM UNNEST(GENERATE_ARRAY(1, 1000000)) AS a, UNNEST(GENERATE_ARRAY(1, 1000000)) AS b, UNNEST(GENERATE_ARRAY(1, 1000000)) AS c WHERE MOD(a * b * c, 7) = 3",
		Says:    sourcetest.Says{Syntax: "Syntax error", Table: "no_such_table", Column: "Unrecognized name: no_such_column"},
	})
	sourcetest.DialectNoZeros(t, openAt(t, settings), "conformance")
}
