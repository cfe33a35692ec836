package sqlserver

import (
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// live names a server to run the suite on: sqlserver://user:password@host:port/database.
const live = "MILLRACE_TEST_SQLSERVER"

// The suite on a real server, version 2022 or newer (GENERATE_SERIES), whose certificate is not checked.
//
// Req: S-23
func TestLive(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(os.Getenv(live))
	if err != nil || u.Host == "" {
		t.Skipf("%s names no server: sqlserver://user:password@host:1433/database", live)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	settings := connector.Settings{
		"auth": "password", "host": u.Hostname(), "port": port, "database": strings.Trim(u.Path, "/"), "user": u.User.Username(), "password": password, "trustServerCertificate": true,
	}
	sourcetest.Run(t, sourcetest.Fixture{
		Info: Server(), Settings: settings, NoDigits: true, NoObjects: true, Repeat: "REPLICATE",
		Failing: []sourcetest.Failing{{Name: "password", Settings: with(settings, "password", "not-the-password"), Code: fault.CodeSourceAuth, Says: "Login failed"}},
		SQL: map[string]string{
			"not a number": "", "infinity": "", "object": "", "empty object": "", "list": "", "list of texts": "", "list of lists": "", "list of booleans": "",
			"true": "CAST('true' AS BIT)", "false": "CAST('false' AS BIT)", "uuid": "CAST('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11' AS UNIQUEIDENTIFIER)",
			"unicode":   "N'😀 👩‍👩‍👧 مرحبا e\u0301 é ß 日本語'",
			"timestamp": "CAST('2024-02-29 12:34:56.789012' AS DATETIME2(6))", "timestamp before 1970": "CAST('1969-12-31 23:59:59.999999' AS DATETIME2(6))",
			"first timestamp": "CAST('0001-01-01 00:00:00' AS DATETIME2(6))", "timestamp with a zone": "CAST('2024-02-29 12:34:56.789012+02:00' AS DATETIMEOFFSET(6))",
		},
		Values: []sourcetest.Value{
			{Name: "bytes", SQL: "0x00ff10", Type: value.TypeString, Want: value.OfBytes([]byte{0, 255, 16})},
			{Name: "money", SQL: "CAST(-1234.5 AS MONEY)", Type: value.TypeNumber, Want: value.OfDecimal("-1234.5000")},
		},
		Rows: func(n int64) string {
			return "SELECT value AS id, CAST(CONCAT('row ', value) AS NVARCHAR(MAX)) AS name FROM GENERATE_SERIES(CAST(1 AS BIGINT), CAST(" + strconv.FormatInt(n, 10) + " AS BIGINT))"
		},
		Endless: "SELECT COUNT_BIG(*) AS n FROM sys.all_columns a, sys.all_columns b, sys.all_columns c",
		Says:    sourcetest.Says{Syntax: "Incorrect syntax near", Table: "Invalid object name 'no_such_table'", Column: "Invalid column name 'no_such_column'"},
	})
}
