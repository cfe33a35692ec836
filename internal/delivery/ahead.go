package delivery

import (
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/internal/connector"
)

// Bounds of how far lanes announce batches ahead.
const (
	maxAhead     = 8   // batches in one write of the journal
	maxAheadRows = 400 // rows in them: what a processor's cache holds
)

// ahead decides how many batches a lane announces at once. A destination that answers faster than the journal
// writes would otherwise wait for the journal most of the time. Batches that were announced are in doubt after a
// crash, so more than one is announced only where sending them again is harmless, and only as many as are sent
// while the journal writes once: a slow destination has one batch in each lane.
type ahead struct {
	most    int64 // 1 where nothing may be announced ahead
	batches atomic.Int64
}

// limit begins anew with a session's limits.
func (a *ahead) limit(l connector.Limits) {
	a.most = 1
	a.batches.Store(1)
	harmless := l.Idempotency == connector.Idempotent || l.Idempotency == connector.Keyed
	if harmless && !l.Deferred && len(l.Rates) == 0 && l.Pause == 0 {
		a.most = max(1, min(maxAhead, int64(maxAheadRows/l.Rows)))
	}
}

// learn takes note of how long the journal took for one write, and the destination for so many batches.
func (a *ahead) learn(journal, destination time.Duration, batches int) {
	if a.most > 1 && batches > 0 {
		each := max(destination/time.Duration(batches), 1)
		a.batches.Store(min(max(int64(journal/each), 1), a.most))
	}
}

// announced is a batch whose intent is durable.
type announced struct {
	number uint32
	id     string // Batch.ID
	rows   []connector.Row
	again  bool // an earlier run sent it and got no answer
}

// announce numbers batches and journals their intents in one write (D1), with the answers that wait. It returns
// false when the run cannot go on. id is that of a batch which an earlier run sent.
func (l *lane) announce(op connector.Operation, id string, round int, parts ...[]connector.Row) ([]announced, bool) {
	batches := make([]announced, len(parts))
	intents := make([]Record, 0, len(parts))
	for i, rows := range parts {
		spans, number := spansOf(rows), l.d.batches.Add(1)
		intents = append(intents, Record{Kind: RecordIntent, Batch: number, Rows: spans})
		batches[i] = announced{number, id, rows, id != ""}
		if id == "" {
			batches[i].id = again(nameOf(l.d.PlanID, op, spans), round)
		}
		switch {
		case l.retract: // by the rows it cannot be told from what is sent of them
			intents = append(intents, Record{Kind: RecordName, Batch: number})
		case id != "" || round > 1:
			intents = append(intents, Record{Kind: RecordName, Batch: number, Token: batches[i].id})
		}
	}
	if l.d.limits.Deferred {
		return batches, true
	}
	return batches, l.flush(intents...)
}

// withdraw notes that batches are not sent after all.
func (l *lane) withdraw(batches []announced) {
	if l.d.limits.Deferred {
		return
	}
	for _, b := range batches {
		l.pending = append(l.pending, Record{Kind: RecordAnswer, Batch: b.number, State: NotSent})
	}
}
