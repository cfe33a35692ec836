// Package synclog is the block `syncLogs` that sources and syncs carry: which tables of the source's warehouse tell
// what became of rows (SY-54).
package synclog

import (
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// Tables chooses among the tables that all syncs of a warehouse share (SY-53). A source's choice holds for all of its
// syncs; a sync may choose more.
type Tables struct {
	Snapshot  bool `json:"snapshot,omitempty"`  // sync_snapshot: the latest status of each row of the model (SY-56)
	Changelog bool `json:"changelog,omitempty"` // sync_changelog: every operation of every run (SY-55)
	Runs      bool `json:"runs,omitempty"`      // sync_runs: every run with its numbers (SY-57)
}

// Any reports whether a table is chosen.
func (t Tables) Any() bool { return t.Snapshot || t.Changelog || t.Runs }

// Union returns the tables that one of the blocks chooses; a block may be missing.
func Union(blocks ...*Tables) Tables {
	var all Tables
	for _, b := range blocks {
		if b != nil {
			all.Snapshot, all.Changelog, all.Runs = all.Snapshot || b.Snapshot, all.Changelog || b.Changelog, all.Runs || b.Runs
		}
	}
	return all
}

// Validate reports a choice of tables that a source cannot have: the rows that they tell of are in the warehouse only
// where the Lightning engine plans in it.
func (t *Tables) Validate(path string, info connector.SourceInfo, engine string, issues *fault.Issues) {
	if t == nil || !t.Any() {
		return
	}
	if err := Possible(info, engine); err != nil {
		*issues = append(*issues, fault.As(err).WithPath(path))
	}
}

// Possible says why a source has no sync logs; nil where it can have them.
func Possible(info connector.SourceInfo, engine string) error {
	switch {
	case !info.SyncLogs:
		return fault.New(fault.CodeInvalid, "%s has no sync logs", info.Name).
			WithSuggestion("The reference of sources says which types have them.")
	case engine != connector.EngineLightning:
		return fault.New(fault.CodeInvalid, "sync logs need the Lightning engine").
			WithSuggestion("Choose the Lightning engine for the source first.")
	default:
		return nil
	}
}
