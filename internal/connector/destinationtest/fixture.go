// Package destinationtest is the conformance suite of destinations. A new destination calls Run
// with a Fixture from its own test; whatever passes may be driven by the engine.
//
// The suite proves the contract of connector.Destination on the real target: opening stays offline,
// errors carry a code and the vendor's words but no secret, values arrive as they were sent, every
// row has an answer, and an unfinished run leaves the previous state.
package destinationtest

import (
	"context"
	"log/slog"
	"testing"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Fixture is what the suite needs to know of a destination.
type Fixture struct {
	Info connector.DestinationInfo

	// Target makes a fresh, empty place that takes the columns; the first one, "id", is text and
	// identifies a row. It is called for most subtests, which run in parallel.
	Target func(t *testing.T, columns []connector.TargetColumn) Target

	// Failing are settings with which Open works and Test fails.
	Failing []Failing

	// Invalid are jobs that Check refuses.
	Invalid []Invalid

	// Arrival says what becomes of a value. Nil means that every value arrives as it was sent and
	// that an omitted null is absent.
	Arrival func(c connector.TargetColumn, v value.Value) Arrival

	// Refused are rows that the destination must refuse one by one while it takes their neighbours.
	Refused []Refused

	// Audience makes a fresh, empty audience of a sync type with identifiers, whose Read finds its members: a record
	// for each, with the fields that it was sent. The job's columns are one field of each group of identifiers, and its
	// Delete removes members that leave. Nil where no sync type has identifiers.
	Audience func(t *testing.T) Target

	// Removes tells that Read no longer returns rows that were sent as removed.
	Removes bool
}

// Target is one place that rows arrive in.
type Target struct {
	Settings connector.Settings // of the destination, with defaults and secrets
	Job      connector.SyncJob  // its Columns are those that were asked for
	Read     func(t *testing.T) []Record
}

// Record is one row as it was found in the target: a missing member is a field that is not there.
type Record map[string]value.Value

// Failing are settings with which Test must fail.
type Failing struct {
	Name     string
	Settings connector.Settings
	Code     fault.Code // that the error carries
	Says     string     // a part of the vendor's own words
}

// Invalid is a job that Check must refuse.
type Invalid struct {
	Name     string
	Settings connector.Settings           // of the destination; nil means a target's own
	Edit     func(job *connector.SyncJob) // breaks a good job
	Paths    []string                     // each must be named by an issue
}

// Refused is a value that makes its row unacceptable.
type Refused struct {
	Name   string
	Column connector.TargetColumn // the column "value"
	Value  value.Value
	Says   string // a part of the reason
}

// Arrival is what becomes of a sent value.
type Arrival struct {
	Value   value.Value // what Read finds
	Absent  bool        // Read finds no such member
	Refused bool        // the row is refused, with a reason
	Skip    bool        // not said: the row is not checked
}

// As returns the arrival of a value in the given form.
func As(v value.Value) Arrival { return Arrival{Value: v} }

// Text returns the arrival of a value at a target that holds text only.
func Text(v value.Value) Arrival { return Arrival{Value: value.OfText(v.String())} }

func (f Fixture) arrival(c connector.TargetColumn, v value.Value) Arrival {
	if f.Arrival != nil {
		return f.Arrival(c, v)
	}
	if v.IsNull() && c.Omit {
		return Arrival{Absent: true}
	}
	return As(v)
}

// open opens the destination and closes it with the test.
func (f Fixture) open(t *testing.T, s connector.Settings) connector.Destination {
	t.Helper()
	return f.openIn(t, s, t.TempDir())
}

func (f Fixture) openIn(t *testing.T, s connector.Settings, dir string) connector.Destination {
	t.Helper()
	d, err := f.Info.Open(connector.DestinationOptions{
		Settings: s.WithDefaults(f.Info.Fields),
		Dir:      dir,
		Clock:    clock.System{},
		Log:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("closing the destination: %v", err)
		}
	})
	return d
}

// begin starts a run.
func begin(t *testing.T, d connector.Destination, job connector.SyncJob) connector.Session {
	t.Helper()
	s, err := d.Begin(t.Context(), job)
	if err != nil {
		t.Fatalf("beginning: %v", err)
	}
	return s
}

func newBatch(id string, op connector.Operation, rows []connector.Row) *connector.Batch {
	return &connector.Batch{
		ID: id, Operation: op, Rows: rows,
		Checkpoint: func(context.Context, string) error { return nil },
	}
}
