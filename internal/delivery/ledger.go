// Package delivery brings rows to a destination: it batches, paces, retries and splits, and journals
// every batch before it leaves and after it is answered, so that what became of each row is known
// whatever happens to the process.
//
// The invariants, cited where they are enforced:
//
//	D1  a batch's intent is durable before its first byte leaves
//	D2  an answer is durable before it counts
//	D3  an accepted row is never sent again for the same plan
//	D4  a batch without an answer is in doubt, and stays so until rows of it are taken or refused one by one, or the
//	    next plan: that a later attempt fails says nothing about an earlier one
//	D5  a batch is split or sent again only when it is certain that none of it was taken, or harmless to send twice
//	D6  removals are answered before changes are sent, and changes before additions
//	D7  no attempt starts when the run may be another worker's: what it would send may be older than what that one sent
//
// A row may become several records (RecordReader), which the limits count. A row's records stay in one batch where they
// fit, and what became of the row is the worst of what became of them. The journal knows rows only: what it calls a
// batch is whole rows, and one row whose records do not fit into a batch has one answer for all that were sent of it.
package delivery

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/millrace/millrace/internal/connector"
)

// State is what became of one row of a plan.
type State uint8

// The states. The zero value is NotSent.
const (
	NotSent   State = iota // not attempted, or certainly not taken and given up for this run
	InDoubt                // sent, without a readable answer
	Accepted               // the destination took it
	Rejected               // the destination or the mapping refused it
	Partial                // a part of it was carried out: some records were taken or removed, others refused or not sent
	Retracted              // what it had and lost was removed; the row itself is as NotSent
)

var stateNames = [...]string{"not sent", "in doubt", "accepted", "rejected", "partly taken", "retracted"}

// reasoned reports whether rows in the state have a reason.
func (s State) reasoned() bool { return s == Rejected || s == InDoubt || s == Partial }

// String returns the state's name.
func (s State) String() string { return stateNames[s] }

const stateCount = len(stateNames)

// Range is the ordinals From ≤ n < To.
type Range struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// Len returns how many ordinals the range has.
func (r Range) Len() int64 { return r.To - r.From }

// Ledger holds the state of every row of a plan: one byte a row, and a reason for the rejected ones. It
// is safe for concurrent use.
type Ledger struct {
	mu      sync.RWMutex
	bounds  [3]int64 // end of each operation's ordinals, in the order of connector.Operations
	states  []State
	counts  [3][stateCount]int64
	reasons reasonTable
	batches map[uint32]*openBatch
	removed map[int64]bool // rows that were Retracted once: whatever comes of them, a part was carried out
	last    uint32         // the highest number of a batch
}

// openBatch is a batch that was announced and has no final answer.
type openBatch struct {
	rows  []Range
	token string
	named bool   // name is its id; otherwise that follows from its rows
	name  string // empty where no later run may repeat it
}

// NewLedger returns a ledger for a plan with so many removed, changed and added rows, which have their
// ordinals in that order.
func NewLedger(removed, changed, added int64) *Ledger {
	l := &Ledger{
		bounds:  [3]int64{removed, removed + changed, removed + changed + added},
		states:  make([]State, removed+changed+added),
		batches: map[uint32]*openBatch{}, removed: map[int64]bool{},
	}
	for op, n := range [3]int64{removed, changed, added} {
		l.counts[op][NotSent] = n
	}
	return l
}

// Rows returns how many rows the plan has.
func (l *Ledger) Rows() int64 { return l.bounds[2] }

// Operation returns the operation of an ordinal.
func (l *Ledger) Operation(ordinal int64) connector.Operation {
	return connector.Operations[l.opIndex(ordinal)]
}

func (l *Ledger) opIndex(ordinal int64) int {
	for op, end := range l.bounds {
		if ordinal < end {
			return op
		}
	}
	return len(l.bounds) - 1
}

// Span returns the ordinals of an operation.
func (l *Ledger) Span(op connector.Operation) Range {
	var from int64
	for i, o := range connector.Operations {
		if o == op {
			return Range{from, l.bounds[i]}
		}
		from = l.bounds[i]
	}
	return Range{}
}

// State returns what became of a row, and why it was rejected.
func (l *Ledger) State(ordinal int64) (State, string) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.states[ordinal], l.reasons.get(ordinal)
}

// Waits reports whether a row itself was not sent.
func (l *Ledger) Waits(ordinal int64) bool { return l.pending(ordinal, false) }

// pending reports whether a row is still to be sent, or to be retracted.
func (l *Ledger) pending(ordinal int64, retract bool) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	s := l.states[ordinal]
	return s == NotSent || s == Retracted && !retract
}

// lastBatch returns the highest number that a batch had so far.
func (l *Ledger) lastBatch() uint32 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.last
}

// Count returns how many rows of an operation are in a state.
func (l *Ledger) Count(op connector.Operation, s State) int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for i, o := range connector.Operations {
		if o == op {
			return l.counts[i][s]
		}
	}
	return 0
}

// Total returns how many rows are in a state.
func (l *Ledger) Total(s State) int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.counts[0][s] + l.counts[1][s] + l.counts[2][s]
}

// Apply folds a journal record into the ledger. A record that does not fit the plan is an error: the
// journal belongs to another one.
func (l *Ledger) Apply(r Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch r.Kind {
	case RecordIntent:
		return l.intend(r)
	case RecordAnswer:
		return l.answer(r)
	case RecordCheckpoint:
		if open, known := l.batches[r.Batch]; known {
			open.token = r.Token
		}
		return nil
	case RecordName:
		if open, known := l.batches[r.Batch]; known {
			open.named, open.name = true, r.Token
		}
		return nil
	default:
		return fmt.Errorf("journal: there is no record kind %d", r.Kind)
	}
}

func (l *Ledger) intend(r Record) error {
	for _, span := range r.Rows {
		if span.From < 0 || span.To > l.bounds[2] || span.From >= span.To {
			return fmt.Errorf("journal: batch %d names the rows %d to %d of a plan with %d", r.Batch, span.From, span.To, l.bounds[2])
		}
	}
	l.batches[r.Batch] = &openBatch{rows: r.Rows}
	l.last = max(l.last, r.Batch)
	for _, span := range r.Rows {
		for n := span.From; n < span.To; n++ {
			l.set(n, InDoubt)
		}
	}
	return nil
}

func (l *Ledger) answer(r Record) error {
	open, known := l.batches[r.Batch]
	if !known {
		return fmt.Errorf("journal: an answer to batch %d, which was never announced", r.Batch)
	}
	if r.State != InDoubt {
		delete(l.batches, r.Batch)
	}
	for _, span := range open.rows {
		for n := span.From; n < span.To; n++ {
			l.set(n, r.State)
			if r.State.reasoned() {
				l.reasons.set(n, r.Reason)
			}
		}
	}
	for _, refusal := range r.Refused {
		if refusal.Ordinal < 0 || refusal.Ordinal >= l.bounds[2] {
			return fmt.Errorf("journal: batch %d refuses row %d of a plan with %d", r.Batch, refusal.Ordinal, l.bounds[2])
		}
		if r.State == Retracted {
			delete(l.removed, refusal.Ordinal) // the state of the others is not its own
		}
		l.set(refusal.Ordinal, Rejected)
		l.reasons.set(refusal.Ordinal, refusal.Reason)
	}
	return nil
}

func (l *Ledger) set(n int64, s State) {
	switch {
	case s == Retracted:
		l.removed[n] = true
	case s == NotSent && l.removed[n]:
		s = Retracted
	case s == Rejected && l.removed[n]:
		s = Partial
	}
	op := l.opIndex(n)
	l.counts[op][l.states[n]]--
	l.counts[op][s]++
	l.states[n] = s
}

// unanswered returns the batches that were announced and have no final answer, with their tokens.
func (l *Ledger) unanswered() map[uint32]string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	tokens := make(map[uint32]string, len(l.batches))
	for id, open := range l.batches {
		tokens[id] = open.token
	}
	return tokens
}

// Noted reports whether a batch without an answer has a token that a destination can be asked about.
func (l *Ledger) Noted() bool {
	for _, token := range l.unanswered() {
		if token != "" {
			return true
		}
	}
	return false
}

// Runs calls f for each longest run of ordinals that share an operation and a state, in order.
func (l *Ledger) Runs(f func(span Range, s State)) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var start int64
	for n := int64(1); n <= int64(len(l.states)); n++ {
		if n < int64(len(l.states)) && l.states[n] == l.states[start] && l.opIndex(n) == l.opIndex(start) {
			continue
		}
		f(Range{start, n}, l.states[start])
		start = n
	}
}

// EachReason calls f for each row that has a reason, in order.
func (l *Ledger) EachReason(f func(ordinal int64, s State, reason string)) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	l.reasons.each(func(n int64, reason string) { f(n, l.states[n], reason) })
}

// maxReason is how much of a reason is kept, in bytes.
const maxReason = 2000

// maxReasons is how many bytes of different reasons are kept for a run, so that a destination that names the
// row in every refusal does not fill the memory (FLD-17). The rows beyond have tooManyReasons; the request log
// has the answers themselves.
const maxReasons = 32 << 20

const tooManyReasons = "refused; the run has too many different reasons to keep this one, and the request log has it"

// reasonChunk is how many ordinals share one block of reason numbers.
const reasonChunk = 1 << 14

// reasonTable keeps a reason for some ordinals: texts once each, numbers in blocks that exist only
// where there are any.
type reasonTable struct {
	texts  []string
	bytes  int // of texts
	number map[string]uint32
	blocks map[int64]*[reasonChunk]uint32
}

func (t *reasonTable) set(n int64, reason string) {
	if t.number == nil {
		t.number, t.blocks = map[string]uint32{}, map[int64]*[reasonChunk]uint32{}
	}
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "")
	}
	if _, known := t.number[reason]; !known && t.bytes > maxReasons {
		reason = tooManyReasons
	}
	id, known := t.number[reason]
	if !known {
		reason = strings.Clone(reason) // without what it was cut from
		t.bytes += len(reason)
		t.texts = append(t.texts, reason)
		id = uint32(len(t.texts)) // fewer texts than rows
		t.number[reason] = id
	}
	block := t.blocks[n/reasonChunk]
	if block == nil {
		block = new([reasonChunk]uint32)
		t.blocks[n/reasonChunk] = block
	}
	block[n%reasonChunk] = id
}

func (t *reasonTable) get(n int64) string {
	block := t.blocks[n/reasonChunk]
	if block == nil || block[n%reasonChunk] == 0 {
		return ""
	}
	return t.texts[block[n%reasonChunk]-1]
}

func (t *reasonTable) each(f func(n int64, reason string)) {
	if len(t.blocks) == 0 {
		return
	}
	var last int64
	for b := range t.blocks {
		last = max(last, b)
	}
	for b := int64(0); b <= last; b++ {
		block := t.blocks[b]
		if block == nil {
			continue
		}
		for i, id := range block {
			if id != 0 {
				f(b*reasonChunk+int64(i), t.texts[id-1])
			}
		}
	}
}

// WriteSnapshot writes the ledger as journal frames: replayed into a ledger of the same plan, they give the
// same states and reasons.
func (l *Ledger) WriteSnapshot(w io.Writer) error {
	s := snapshot{w: w}
	l.Runs(func(span Range, state State) {
		if state != NotSent {
			s.add(span, state, "")
		}
	})
	l.EachReason(func(n int64, state State, reason string) {
		if state.reasoned() {
			s.extend(n, state, reason)
		}
	})
	s.addOpen()
	return s.flush()
}

// snapshot writes spans of rows as batches of one announcement and one answer each.
type snapshot struct {
	w     io.Writer
	batch uint32
	group []Record
	frame []byte
	err   error

	open   Range // neighbours with one state and reason so far
	state  State
	reason string
}

// snapshotGroup is how many batches share a frame of a snapshot.
const snapshotGroup = 1000

func (s *snapshot) add(span Range, state State, reason string) {
	s.batch++
	s.group = append(s.group,
		Record{Kind: RecordIntent, Batch: s.batch, Rows: []Range{span}},
		Record{Kind: RecordAnswer, Batch: s.batch, State: state, Reason: reason})
	if len(s.group) >= 2*snapshotGroup {
		s.err = errors.Join(s.err, s.flush())
	}
}

func (s *snapshot) extend(n int64, state State, reason string) {
	if s.open.To == n && s.open.Len() > 0 && s.state == state && s.reason == reason {
		s.open.To++
		return
	}
	s.addOpen()
	s.open, s.state, s.reason = Range{n, n + 1}, state, reason
}

func (s *snapshot) addOpen() {
	if s.open.Len() > 0 {
		s.add(s.open, s.state, s.reason)
	}
}

func (s *snapshot) flush() error {
	if s.err != nil || len(s.group) == 0 {
		return s.err
	}
	s.frame = appendFrame(s.frame[:0], s.group)
	s.group = s.group[:0]
	_, err := s.w.Write(s.frame)
	return err
}
