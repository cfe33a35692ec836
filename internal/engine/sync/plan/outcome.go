package plan

import (
	"iter"
	"slices"

	"github.com/millrace/millrace/internal/fault"
)

// State is what became of a planned row.
type State string

// The states. The last three are those of rows that were rejected before they could be planned (Plan.Unplanned).
const (
	Accepted  State = "accepted"
	Rejected  State = "rejected"  // the destination refused it, or it could not be mapped
	Aborted   State = "aborted"   // it was not sent
	Dirty     State = "dirty"     // it was sent and nobody knows what became of it
	Duplicate State = "duplicate" // its key is not unique
	Repeated  State = "repeated"  // its array has the element before
	NoArray   State = "no array"  // what should hold an array does not
)

// Range is consecutive rows with one state: those with ordinals from From up to, not including, To.
type Range struct {
	From  int64
	To    int64
	State State
}

// Outcomes are what became of a plan's rows, in ascending order, without overlaps. Rows in no range
// have the default state that goes with them. An error ends the sequence.
type Outcomes = iter.Seq2[Range, error]

// Sorted returns ranges as Outcomes. It sorts them in place; neighbours with one state become one.
func Sorted(ranges []Range) Outcomes {
	slices.SortFunc(ranges, func(a, b Range) int { return int(a.From - b.From) })
	return func(yield func(Range, error) bool) {
		for i := 0; i < len(ranges); {
			r := ranges[i]
			for i++; i < len(ranges) && ranges[i].From == r.To && ranges[i].State == r.State; i++ {
				r.To = ranges[i].To
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// complete fills the gaps of outcomes between from and to with the default state, and refuses
// outcomes that are out of order.
func complete(outcomes Outcomes, standard State, from, to int64) Outcomes {
	return func(yield func(Range, error) bool) {
		next, last := from, int64(0)
		if outcomes != nil {
			for r, err := range outcomes {
				if err == nil && (r.From < last || r.To < r.From) {
					err = fault.New(fault.CodeInternal, "the outcomes of rows %d to %d are out of order", r.From, r.To)
				}
				if err != nil {
					yield(Range{}, err)
					return
				}
				last = r.To
				r.From, r.To = max(r.From, next), min(r.To, to)
				if r.From >= r.To {
					continue
				}
				if r.From > next && !yield(Range{next, r.From, standard}, nil) {
					return
				}
				if !yield(r, nil) {
					return
				}
				next = r.To
			}
		}
		if next < to {
			yield(Range{next, to, standard}, nil)
		}
	}
}
