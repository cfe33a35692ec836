//go:build teradata

package teradata

import (
	"cmp"
	"encoding/json"
	"os"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// What only a real database can tell. Its settings are in MILLRACE_TEST_TERADATA as JSON; MILLRACE_TERADATA_DRIVER names
// the vendor's driver where it is another version.
//
// Req: S-30, S-72
func TestLive(t *testing.T) {
	t.Parallel()
	text := os.Getenv("MILLRACE_TEST_TERADATA")
	if text == "" {
		t.Skip("MILLRACE_TEST_TERADATA is not set: no database to test against")
	}
	var settings connector.Settings
	if err := json.Unmarshal([]byte(text), &settings); err != nil {
		t.Fatal(err)
	}
	info := Info(cmp.Or(os.Getenv("MILLRACE_TERADATA_DRIVER"), Driver))
	s, err := info.Open(connector.SourceOptions{Settings: settings.WithDefaults(info.Fields)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) //nolint:errcheck // the test is over
	if err := s.Test(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sql  string
		typ  value.Type
		want string
	}{
		{"CAST(-128 AS BYTEINT)", value.TypeNumber, "-128"},
		{"CAST(9223372036854775807 AS BIGINT)", value.TypeNumber, "9223372036854775807"},
		{"CAST(-12345678901234567890123456789012345.678 AS DECIMAL(38, 3))", value.TypeNumber, "-12345678901234567890123456789012345.678"},
		{"CAST(0.1E0 AS FLOAT)", value.TypeNumber, "0.1"},
		{"_UNICODE '00FC'XC", value.TypeString, "ü"},
		{"'00FF10'XB", value.TypeString, "AP8Q"},
		{"DATE '0001-01-01'", value.TypeDate, "0001-01-01"},
		{"TIMESTAMP '2024-02-29 12:34:56.789012'", value.TypeTimestamp, "2024-02-29T12:34:56.789012Z"},
		{"TIMESTAMP '2024-02-29 12:34:56.789012+02:00'", value.TypeTimestamp, "2024-02-29T10:34:56.789012Z"},
	} {
		r, err := s.Query(t.Context(), connector.Query{SQL: "SELECT " + c.sql + " AS v", Tag: "live", Limit: 1})
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		got := sourcetest.Read(t, r)
		r.Release()
		if got.Schema[0].Type != c.typ || got.Rows[0][0].String() != c.want {
			t.Errorf("%s is %s %q", c.sql, got.Schema[0].Type, got.Rows[0][0])
		}
	}
	for _, sql := range []string{"SELECT no_such_column AS a FROM DBC.DBCInfoV", "SELECT a FROM no_such_table", "SELECT FROM FROM t", "DELETE FROM t"} {
		if _, err := s.Query(t.Context(), connector.Query{SQL: sql}); !fault.Is(err, fault.CodeSourceQuery) {
			t.Errorf("%s: %v", sql, err)
		}
	}
	settings["password"] = "not-the-password"
	denied, err := info.Open(connector.SourceOptions{Settings: settings.WithDefaults(info.Fields)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = denied.Close() }) //nolint:errcheck // the test is over
	if err := denied.Test(t.Context()); !fault.Is(err, fault.CodeSourceAuth) {
		t.Errorf("a wrong password: %v", err)
	}
}
