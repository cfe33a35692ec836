package sqlserver

import (
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/sqlserver/sqlservertest"
)

// days is a reader of one column of dates.
func days(t *testing.T, all ...arrow.Date32) array.RecordReader {
	t.Helper()
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: "day", Type: arrow.FixedWidthTypes.Date32, Nullable: true}}, nil))
	defer b.Release()
	b.Field(0).(*array.Date32Builder).AppendValues(all, nil)
	batch := b.NewRecordBatch()
	defer batch.Release()
	r, err := array.NewRecordReader(b.Schema(), []arrow.RecordBatch{batch})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Release)
	return r
}

// A date that the server does not have is refused, with the column's name; the driver would write another one. Where
// rows go in pieces, what came before is not kept: the transaction is not committed.
//
// Req: S-24, S-25
func TestLoadDates(t *testing.T) {
	t.Parallel()
	settings, server := serve(t, sqlservertest.Options{})
	for _, e := range []edition{synapseEdition, fabricEdition} {
		w, err := openWarehouse(e, connector.SourceOptions{Settings: settings}, nil)
		if err != nil {
			t.Fatal(err)
		}
		table := query.TableRef{Schema: "dates", Name: e.dialect.Name}
		if err := w.Load(t.Context(), table, days(t, -719_162, 2_932_896)); err != nil {
			t.Errorf("%s: %v", e.dialect.Name, err)
		}
		for _, day := range []arrow.Date32{-719_163, 2_932_897} {
			err := w.Append(t.Context(), table, days(t, 0, day))
			if !fault.Is(err, fault.CodeSourceType) || !strings.Contains(err.Error(), `"day"`) {
				t.Errorf("%s: %v", e.dialect.Name, err)
			}
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	commits := 0
	for _, batch := range server.Batches() {
		if batch == endWrite {
			commits++
		}
	}
	if commits != 2 {
		t.Errorf("%d transactions were committed, want those of the two loads", commits)
	}
}

// Commands run in one transaction, except definitions where the product has none in it.
//
// Req: S-24, S-25
func TestExecuteTransactions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		edition edition
		sql     []string
		whole   bool
	}{
		{synapseEdition, []string{"INSERT INTO kept VALUES (1)", "DELETE FROM kept"}, true},
		{synapseEdition, []string{"INSERT INTO kept VALUES (1)", "CREATE TABLE other (id INTEGER)"}, false},
		{fabricEdition, []string{"INSERT INTO kept VALUES (1)", "CREATE TABLE other (id INTEGER)"}, true},
	} {
		settings, server := serve(t, sqlservertest.Options{Setup: []string{"CREATE TABLE kept (id INTEGER)"}})
		w, err := openWarehouse(c.edition, connector.SourceOptions{Settings: settings}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var commands []connector.Query
		for _, sql := range c.sql {
			commands = append(commands, connector.Query{SQL: sql})
		}
		if _, err := w.Execute(t.Context(), commands...); err != nil {
			t.Error(err)
		}
		want := c.sql
		if c.whole {
			want = slices.Concat([]string{"BEGIN TRANSACTION"}, c.sql, []string{"COMMIT TRANSACTION"})
		}
		if got := server.Batches(); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", c.edition.dialect.Name, got, want)
		}
		commands = append(commands, connector.Query{SQL: "INSERT INTO no_such_table VALUES (1)"})
		if _, err := w.Execute(t.Context(), commands[len(commands)-1:]...); !fault.Is(err, fault.CodeSourceQuery) {
			t.Error(err)
		}
		if got := server.Batches(); got[len(got)-1] == "COMMIT TRANSACTION" {
			t.Error("a transaction that failed was committed")
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}
