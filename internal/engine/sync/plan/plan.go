// Package plan is the Basic planner: it stages the rows of a model, compares them with what was
// settled before, and keeps what the next run compares with (SY-39). The comparison runs in DuckDB
// over Parquet files, so that memory does not grow with the model.
//
// What a plan is, how its rows are numbered and what is settled of them is the same for every planner; the
// package lightning has the one that works in a warehouse.
//
// A run calls Stage, then Diff, then reads the plan's rows with Plan.Open, and Settle when it knows
// what became of them. Every step writes immutable files into folders of the caller and returns a
// description that survives as JSON; nothing else is kept. Files appear under their names only when
// they are complete.
//
// # What a run settles
//
// A Baseline is the files that were staged plus an overlay: the keys whose state is not what was
// staged. The overlay holds, for each of its keys, one of three states.
//
//   - absent: the destination does not have the row (an addition failed, or the key is a duplicate).
//   - kept: the destination has the row as it was before the run (a change or a removal failed). Where
//     the values alone would not bring the row into the next plan, it is kept without a hash, which
//     differs from every hash.
//   - dirty: nobody knows. The overlay remembers what was settled before, if anything, and every
//     attempt since, so that identifiers that were sent in doubt can be taken back.
//
// # What adds up
//
// In every plan (FLD-02):
//
//	Read  = Found.Added + Found.Changed + Unchanged + NullKeys + Duplicates + Repeated + NoArray
//	Found = Planned + Ignored, for each operation
package plan

import (
	"runtime"

	"github.com/millrace/millrace/internal/connector"
)

// DefaultMemoryLimit is how much memory the comparison may use where Options does not say.
const DefaultMemoryLimit = 512 << 20

// Options says what an Engine may use.
type Options struct {
	MemoryLimit int64  // bytes for each running call; beyond it rows spill to disk; 0 means DefaultMemoryLimit
	Threads     int    // 0 means all processors
	TempDir     string // where rows spill to; empty means the folder that the call writes to

	// PassRows is how many keys are compared at a time; 0 means what fits MemoryLimit.
	PassRows int64
}

// Engine plans runs. Each call opens a DuckDB of its own in memory and closes it. An Engine is safe
// for concurrent use.
type Engine struct {
	options Options
}

// New returns an engine.
func New(o Options) *Engine {
	if o.MemoryLimit <= 0 {
		o.MemoryLimit = DefaultMemoryLimit
	}
	if o.Threads <= 0 {
		o.Threads = runtime.NumCPU()
	}
	if o.PassRows <= 0 {
		o.PassRows = max(o.MemoryLimit/bytesPerKey, minPassRows)
	}
	return &Engine{options: o}
}

// bytesPerKey is what comparing one key costs at the peak: an entry in the hash tables of both sides.
const bytesPerKey = 64

// minPassRows keeps a tiny memory limit from reading the files thousands of times.
const minPassRows = 250_000

// Operations in the order of their ordinals: a removal goes before another row claims its identifier.
var sectionOrder = connector.Operations
