package snowflake_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/snowflake"
)

// A real account, where MILLRACE_TEST_SNOWFLAKE holds the settings of one as JSON. Its role owns the two schemas. The
// suite of sources cannot run there, since names that nobody quoted come in capitals.
//
// Req: S-10
func TestLive(t *testing.T) {
	t.Parallel()
	text := os.Getenv("MILLRACE_TEST_SNOWFLAKE")
	if text == "" {
		t.Skip("MILLRACE_TEST_SNOWFLAKE holds no settings of a Snowflake account")
	}
	var settings connector.Settings
	if err := json.Unmarshal([]byte(text), &settings); err != nil {
		t.Fatal(err)
	}
	info := snowflake.Info()
	if settings.Text("externalVolume") != "" {
		info = snowflake.IcebergInfo()
	}
	w := openAt(t, info, settings).(connector.Warehouse)
	if err := w.Test(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := connector.TestWarehouse(t.Context(), w, info, settings); err != nil {
		t.Error(err)
	}
	liveTypes(t, w)
	sourcetest.Dialect(t, w, w.Schemas().Planner)
}

// liveTypes reads each type and loads what was read.
func liveTypes(t *testing.T, w connector.Warehouse) {
	t.Helper()
	const sql = `SELECT 1 AS "one", 12345678901234567890123456789012345678 AS "long", CAST(1.5 AS NUMBER(10, 2)) AS "scaled", CAST('NaN' AS FLOAT) AS "nan", 0.1::FLOAT AS "float", TRUE AS "yes",
  '2024-02-29'::DATE AS "day", '23:59:59.123456789'::TIME AS "clock", '2024-02-29 12:34:56.789012345'::TIMESTAMP_NTZ AS "ntz", '2024-02-29 12:34:56 +02:00'::TIMESTAMP_TZ AS "tz",
  '2024-02-29 12:34:56'::TIMESTAMP_LTZ AS "ltz", PARSE_JSON('{"a":[1,null]}') AS "variant", ARRAY_CONSTRUCT(1, NULL) AS "array", OBJECT_CONSTRUCT('a', 1) AS "object",
  TO_BINARY('00ff', 'HEX') AS "binary", [1.5, 2]::VECTOR(FLOAT, 2) AS "vector", TO_GEOGRAPHY('POINT(1 2)') AS "geography", 'O''Brien \\ "x"\n' AS "text"`
	r, err := w.Query(t.Context(), connector.Query{SQL: sql, Class: connector.WorkloadInteractive, Limit: 10, Tag: "millrace live test"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	t.Log(sourcetest.Read(t, r))
	again, err := w.Query(t.Context(), connector.Query{SQL: sql})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Release()
	table := query.TableRef{Schema: w.Schemas().Planner, Name: "millrace_live_test"}
	if err := w.Load(t.Context(), table, again); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Execute(t.Context(), connector.Query{SQL: w.Dialect().Command(query.DropTable{Table: table})}); err != nil {
		t.Error(err)
	}
}
