package delivery

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
)

// nameOf is the id of a batch of whole rows of a plan. It follows from what is in the journal, so that the journal need
// not hold it.
func nameOf(plan string, op connector.Operation, rows []Range) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s-%s-%d-%d", plan, op, rows[0].From, count(rows))
	if len(rows) > 1 {
		h := fnv.New64a()
		fmt.Fprint(h, rows)
		fmt.Fprintf(&b, "-%x", h.Sum64())
	}
	return b.String()
}

func count(rows []Range) (n int64) {
	for _, r := range rows {
		n += r.Len()
	}
	return n
}

// again is the id of rows that were refused and are worth another attempt: whoever remembers batches remembers the
// refusal too.
func again(id string, round int) string {
	if round == 1 {
		return id
	}
	return fmt.Sprintf("%s-again%d", id, round-1)
}

// nameOfPiece is the id of some records of a row, which has an id and so many records.
func nameOfPiece(id string, all int, piece []connector.Row) string {
	if len(piece) == all {
		return id
	}
	return fmt.Sprintf("%s.%d-%d", id, piece[0].Record, len(piece))
}

// part separates the id of a batch from what tells those of its rows apart that are sent without the others.
const part = "-part-"

// PartOf is the id of rows of a batch that are sent again without its other rows. Whoever remembers the whole batch must
// not take them for it.
func PartOf(id string, rows []byte) string {
	h := fnv.New64a()
	_, _ = h.Write(rows) // it never fails
	return fmt.Sprintf("%s%s%x", originOf(id), part, h.Sum64())
}

// originOf is the id of the batch that rows were part of at first.
func originOf(id string) string {
	origin, _, _ := strings.Cut(id, part)
	return origin
}

// Doubt is rows that were sent together, and of which nobody knows whether they were taken.
type Doubt struct {
	ID   string  // Batch.ID
	Rows []int64 // ordinals
	Part bool    // what became of other rows of the batch is known
}

// Doubts lists rows in doubt by the batch that sent them last, the latest batch first, for a later run to repeat these
// batches: at least as many as most, if there are. Where a batch cannot be repeated, its rows are left out. plan is
// Delivery.PlanID.
func (l *Ledger) Doubts(plan string, most int) []Doubt {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var doubts []Doubt
	seen := map[int64]bool{}
	for _, number := range slices.Backward(slices.Sorted(maps.Keys(l.batches))) {
		if len(seen) >= most {
			break
		}
		open := l.batches[number]
		rows := l.unknown(open.rows, seen)
		id := open.name
		if !open.named {
			id = nameOf(plan, l.Operation(open.rows[0].From), open.rows)
		}
		if id != "" && len(rows) > 0 {
			doubts = append(doubts, Doubt{id, rows, int64(len(rows)) < count(open.rows)})
		}
	}
	return doubts
}

// unknown lists those of some rows that are in doubt, once each.
func (l *Ledger) unknown(spans []Range, seen map[int64]bool) (rows []int64) {
	for _, span := range spans {
		for n := span.From; n < span.To; n++ {
			if l.states[n] == InDoubt && !seen[n] {
				seen[n] = true
				rows = append(rows, n)
			}
		}
	}
	return rows
}
