// Package plantest is the conformance suite of planners. Whatever computes the difference between a
// model and what was settled before, on our machine or in a warehouse, passes it with one call of Test.
//
// It has two halves: cases that people can read, in testdata, and random histories of a sync that are
// compared with a planner of a few lines that holds everything in memory. HistoriesEnv asks for more of them.
package plantest

import (
	"context"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// Planner plans and settles the runs of one sync, one after the other, and remembers what was settled.
type Planner interface {
	// Plan compares the model's rows with what was settled last.
	Plan(ctx context.Context, model arrow.RecordBatch, s Settings) (Result, error)
	// Settle ends the run that was planned last; outcome says what became of each of its rows.
	Settle(ctx context.Context, outcome func(Row) string) error
	// Settled lists what the next run will compare with, in any order.
	Settled(ctx context.Context) ([]Held, error)
}

// Settings are a run's settings.
type Settings struct {
	Key     string   // the model's primary key
	Columns []string // what is kept
	Compare []string // what decides a change
	Before  []string // previous values that are wanted

	Identify []string // what tells the destination's records apart; nil: the key

	Added, Changed, Removed bool // operations that are acted on
	EveryRow                bool
	FullResync              bool
	ResetCDC                bool
	MappingChanged          bool
}

// Result is a plan. Rows are in the order in which they would be sent, duplicates last.
type Result struct {
	Rows           []Row
	Counts         Counts
	KeyTypeChanged bool
}

// Row is one planned row, or one that was refused because its key is not unique.
type Row struct {
	Operation connector.Operation
	Duplicate bool
	Key       string
	Values    map[string]value.Value
	Before    map[string]value.Value   // changed rows only
	Attempts  []map[string]value.Value // sent in doubt before, oldest first
}

// Tally is a number for each operation.
type Tally struct{ Added, Changed, Removed int64 }

// Counts is what became of the model's rows.
type Counts struct {
	Read, NullKeys, Duplicates, DuplicateKeys, Unchanged int64
	Found, Planned, Ignored                              Tally
}

// Held is what is known of one key.
type Held struct {
	Key      string
	Dirty    connector.Operation      // the operation whose outcome is unknown; empty when it is known
	Values   map[string]value.Value   // as settled last; nil where nothing was
	Attempts []map[string]value.Value // sent in doubt since, oldest first
}

// The outcomes of a row.
const (
	Accepted = "accepted"
	Rejected = "rejected"
	Aborted  = "aborted"
	Dirty    = "dirty"
)

// Test runs the whole suite; open returns a planner of a sync that never ran.
func Test(t *testing.T, open func(testing.TB) Planner) {
	t.Run("Cases", func(t *testing.T) { testCases(t, open) })
	Histories(t, open)
}

// Histories runs the random half of the suite alone, for a planner that differs from one which passed Test only in
// how it goes about its work.
func Histories(t *testing.T, open func(testing.TB) Planner) {
	t.Run("Histories", func(t *testing.T) { testHistories(t, open) })
}
