package delivery

import (
	"fmt"

	"github.com/millrace/millrace/internal/connector"
)

// alone reports whether rows are several records of one row.
func alone(rows []connector.Row) bool {
	return len(rows) > 1 && rows[0].Ordinal == rows[len(rows)-1].Ordinal
}

// rowsIn counts the rows that records belong to.
func rowsIn(records []connector.Row) (rows int64) {
	for i := range records {
		if i == 0 || records[i].Ordinal != records[i-1].Ordinal {
			rows++
		}
	}
	return rows
}

// middle is where records of several rows are halved: between two rows.
func middle(records []connector.Row) int {
	half := len(records) / 2
	for at := half; at < len(records); at++ {
		if records[at].Ordinal != records[at-1].Ordinal {
			return at
		}
	}
	for records[half].Ordinal == records[half-1].Ordinal {
		half--
	}
	return half
}

// tally is what became of the records of one row.
type tally struct {
	batch   announced // has the row's answer
	ordinal int64
	records []recordAnswer  // by Row.Record
	again   []connector.Row // those that are worth another attempt
}

type recordAnswer struct {
	state  State
	reason string
}

func newTally(b announced) *tally {
	return &tally{batch: b, ordinal: b.rows[0].Ordinal, records: make([]recordAnswer, len(b.rows))}
}

func (t *tally) note(records []connector.Row, s State, reason string) {
	for _, r := range records {
		t.records[r.Record] = recordAnswer{s, reason}
	}
}

// answer is the worst of what became of the records. Where some were taken, the row is neither taken nor refused.
func (t *tally) answer() answer {
	var found [stateCount]int
	var first [stateCount]int
	for i, r := range t.records {
		if found[r.state] == 0 {
			first[r.state] = i
		}
		found[r.state]++
	}
	total := len(t.records)
	switch {
	case found[InDoubt] > 0:
		return answer{state: InDoubt, reason: t.words(first[InDoubt])}
	case found[Accepted] == total, found[NotSent] == total:
		return answer{state: t.records[0].state, reason: t.records[0].reason}
	case found[Accepted] == 0:
		return answer{state: Rejected, reason: t.words(first[Rejected])}
	case found[Rejected] > 0:
		return answer{state: Partial, reason: fmt.Sprintf("%s (%d of %d were taken)", t.words(first[Rejected]), found[Accepted], total)}
	default:
		return answer{state: Partial, reason: fmt.Sprintf("the run was stopped when %d of %d records of the row were sent", found[Accepted], total)}
	}
}

// words is the reason of a record, which its place names.
func (t *tally) words(record int) string {
	if len(t.records) == 1 {
		return t.records[record].reason
	}
	return fmt.Sprintf("record %d of %d: %s", record+1, len(t.records), t.records[record].reason)
}

// sendRecords brings the records of one row to one answer, in as many requests as they need.
func (l *lane) sendRecords(op connector.Operation, b announced, e effort) bool {
	t := newTally(b)
	goOn := l.sendPieces(op, t, b.rows, e)
	if l.d.limits.Deferred {
		return goOn && l.settleDeferred(b.rows, t.answer())
	}
	l.answered(b.number, t.answer())
	if !goOn {
		l.flush()
	}
	return goOn
}

// sendPieces sends records of a row, as many at a time as the limits allow. What is not sent when the run is stopped
// stays so.
func (l *lane) sendPieces(op connector.Operation, t *tally, records []connector.Row, e effort) bool {
	for start := 0; start < len(records); {
		if start > 0 && l.drain.Err() != nil {
			return true
		}
		end := l.fitRecords(records, start)
		if !l.sendPiece(op, t, records[start:end], e) {
			return false
		}
		start = end
	}
	return true
}

// sendPiece sends records of a row in one request, and in smaller ones where it is refused as a whole (D5).
func (l *lane) sendPiece(op connector.Operation, t *tally, records []connector.Row, e effort) bool {
	l.token = ""
	piece := t.batch
	piece.id, piece.rows = again(nameOfPiece(piece.id, len(t.records), records), e.round), records
	a := l.attempts(op, piece, e.doubt)
	t.note(records, a.state, a.reason)
	if a.fatal {
		return false
	}
	if a.split {
		half, e := len(records)/2, effort{e.round, a.doubt}
		return l.sendPiece(op, t, records[:half], e) && l.sendPiece(op, t, records[half:], e)
	}
	for i, at := range a.at {
		t.note(records[at:at+1], Rejected, a.refused[i].Reason)
	}
	if len(a.again) > 0 && e.round < l.d.retry.Attempts && sleep(l.drain, l.d.backoff(e.round)) {
		return l.sendPiece(op, t, a.again, effort{round: e.round + 1})
	}
	return true
}

// gather takes the rows that have several records, some of which were refused, out of the answer of a batch.
func (a *answer) gather(rows []connector.Row) []*tally {
	var tallies []*tally
	refused, kept := map[int]string{}, a.refused[:0:0]
	for i, at := range a.at {
		refused[at] = a.refused[i].Reason
	}
	for start := 0; start < len(rows) && len(refused) > 0; {
		end := start + 1
		for end < len(rows) && rows[end].Ordinal == rows[start].Ordinal {
			end++
		}
		if t := tallyOf(rows[start:end], start, refused); end-start == 1 {
			if reason, found := refused[start]; found {
				kept = append(kept, Refusal{rows[start].Ordinal, reason})
			}
		} else if t != nil {
			tallies = append(tallies, t)
		}
		start = end
	}
	if len(tallies) == 0 {
		return nil
	}
	a.refused = kept
	a.part(tallies)
	return tallies
}

// tallyOf is what became of the records of one row, which begin at a place of their batch; nil where none was refused.
func tallyOf(records []connector.Row, at int, refused map[int]string) *tally {
	t, found := newTally(announced{rows: records}), false
	t.note(records, Accepted, "")
	for i := range records {
		if reason, is := refused[at+i]; is {
			t.note(records[i:i+1], Rejected, reason)
			found = true
		}
	}
	if !found {
		return nil
	}
	return t
}

// part gives the records that are worth another attempt to the tallies of their rows.
func (a *answer) part(tallies []*tally) {
	rest := a.again[:0:0]
	for _, row := range a.again {
		mine := false
		for _, t := range tallies {
			if mine = t.ordinal == row.Ordinal; mine {
				t.again = append(t.again, row)
				break
			}
		}
		if !mine {
			rest = append(rest, row)
		}
	}
	a.again = rest
}

// announceParts announces rows again whose batch was answered in parts, together with the answer of the batch: until
// they have their own, they are in doubt (D4). A part of them was answered: no later run repeats the rest.
func (l *lane) announceParts(op connector.Operation, parts []*tally) {
	for _, t := range parts {
		row := []Range{{t.ordinal, t.ordinal + 1}}
		t.batch = announced{number: l.d.batches.Add(1), id: nameOf(l.d.PlanID, op, row)}
		l.pending = append(l.pending, Record{Kind: RecordIntent, Batch: t.batch.number, Rows: row}, Record{Kind: RecordName, Batch: t.batch.number})
	}
}

// sendParts sends the records again that are worth it, and gives their rows an answer.
func (l *lane) sendParts(op connector.Operation, parts []*tally, waited bool, e effort) bool {
	for i, t := range parts {
		goOn := true
		if len(t.again) > 0 && e.round < l.d.retry.Attempts && (waited || sleep(l.drain, l.d.backoff(e.round))) {
			waited = true
			goOn = l.flush() && l.sendPieces(op, t, t.again, effort{round: e.round + 1}) // D1
		}
		l.answered(t.batch.number, t.answer())
		if !goOn {
			for _, rest := range parts[i+1:] {
				l.answered(rest.batch.number, rest.answer())
			}
			l.flush()
			return false
		}
	}
	return true
}

// retracted is the answer to the removal of what rows had and lost: where it worked, the rows are still to be sent.
func (a answer) retracted() answer {
	const doing = "removing what the row had before: "
	if a.state == Accepted {
		a.state = Retracted
	}
	if a.reason != "" {
		a.reason = doing + a.reason
	}
	refused := make([]Refusal, len(a.refused))
	for i, r := range a.refused {
		refused[i] = Refusal{r.Ordinal, doing + r.Reason}
	}
	a.refused = refused
	return a
}
