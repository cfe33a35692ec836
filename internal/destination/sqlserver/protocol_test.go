package sqlserver

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/sqlserver/sqlservertest"
)

// answers are what the catalogue says of a table, in the types that a server has for it.
var answers = map[string]string{
	tableQuery: "SELECT CAST(7 AS INTEGER)",
	columnsQuery: `SELECT name, base, CAST(length AS SMALLINT), CAST(0 AS SMALLINT), CAST(0 AS SMALLINT), alphabet, empty, '', false, false, false, '' FROM (VALUES
		('id', 'int', 4, '', false), ('name', 'nvarchar', 40, 'Latin1_General_CI_AS', true)) AS c(name, base, length, alphabet, empty)`,
	keysQuery:  "SELECT CAST(1 AS INTEGER), true, 'id'",
	linksQuery: "SELECT 'x', 'y' WHERE false",
}

// TestProtocol sends a batch through the real driver to a server that speaks the protocol, and reads what arrives there:
// the statements and their parameters, in one transaction.
//
// Req: SY-74, SY-76
func TestProtocol(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []string
	var refuse *sqlservertest.Error
	written := 1
	server := sqlservertest.Start(t, sqlservertest.Options{
		User: "millrace", Password: password, Database: "app",
		Answer: func(statement string, parameters []string) (sqlservertest.Reply, bool) {
			mu.Lock()
			defer mu.Unlock()
			if sql := answers[statement]; sql != "" {
				return sqlservertest.Reply{SQL: sql}, true
			}
			switch {
			case strings.HasPrefix(statement, "SET NOCOUNT ON;"):
				got = append(got, "rows", strings.Join(parameters, "; "))
				return sqlservertest.Reply{Refuse: refuse}, true
			case strings.HasPrefix(statement, "INSERT INTO [dbo].[millrace_receipts]"):
				got = append(got, "receipt", parameters[1])
				return sqlservertest.Reply{Rows: written}, true
			case strings.HasPrefix(statement, "DELETE FROM [dbo].[millrace_receipts]"), strings.HasPrefix(statement, "IF @@TRANCOUNT"):
				return sqlservertest.Reply{}, true
			default:
				return sqlservertest.Reply{}, false
			}
		},
	})
	info := Info()
	d, err := info.Open(connector.DestinationOptions{
		Settings: settingsOf("host", "127.0.0.1", "port", float64(server.Port), "password", password).WithDefaults(info.Fields), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	j := job("people", connector.ModeUpsert, "id", "id", "name")
	s, err := d.Begin(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	same(t, string(s.Limits().Idempotency), string(connector.Transactional))
	write := func(want ...string) error {
		t.Helper()
		mu.Lock()
		got = nil
		mu.Unlock()
		before := len(server.Batches())
		b := batch(connector.Added, rowOf(j, num(1), text("日本 😀 \"x\"\x00")), rowOf(j, num(2), text(strings.Repeat("x", 100_000))))
		b.ID = "the-batch"
		_, err := s.Write(t.Context(), b)
		var transactions []string
		for _, sent := range server.Batches()[before:] {
			if strings.Contains(sent, "TRANSACTION") {
				transactions = append(transactions, sent)
			}
		}
		same(t, strings.Join(transactions, "; "), strings.Join(want, "; "))
		return err
	}

	answer := func(rows int, number int32) {
		mu.Lock()
		defer mu.Unlock()
		written, refuse = rows, nil
		if number != 0 {
			refuse = &sqlservertest.Error{Number: number, State: 1, Class: 13, Message: "what the server says", Line: 3}
		}
	}

	if err := write("BEGIN TRANSACTION", "COMMIT TRANSACTION"); err != nil {
		t.Fatal(err)
	}
	wanted := []string{"receipt", "@p2 = the-batch", "rows", `@p1 = [[0,"1","日本 😀 \"x\"\u0000"],[1,"2","` + strings.Repeat("x", 100_000) + `"]]`}
	if !slices.Equal(got, wanted) {
		t.Errorf("%.300q", got)
	}

	answer(0, 0) // the receipt is there already: the batch was taken
	if err := write("BEGIN TRANSACTION", "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION"); err != nil {
		t.Fatal(err)
	}
	same(t, strings.Join(got, " "), "receipt @p2 = the-batch")

	answer(1, 245)
	if err := write("BEGIN TRANSACTION", "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION"); !fault.Is(err, fault.CodeDestinationRejected) || fault.ClassOf(err) != fault.Permanent {
		t.Errorf("%v (%s)", err, fault.ClassOf(err))
	}
	answer(1, 1205)
	if err := write("BEGIN TRANSACTION", "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION"); fault.ClassOf(err) != fault.Retryable {
		t.Errorf("%v (%s)", err, fault.ClassOf(err))
	}
	if err := s.Finish(t.Context()); err != nil {
		t.Error(err)
	}
}
