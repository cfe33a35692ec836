package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// lane is one goroutine that sends batches, one after another.
type lane struct {
	d       *Delivery
	ctx     context.Context // ends the requests in flight
	drain   context.Context // ends the sending of further batches
	chunk   *Chunk
	reader  RowReader
	rows    []connector.Row
	retract bool     // the pass under way removes what rows had and lost
	pending []Record // answers that the next write takes along
	sent    bool     // something was sent before: Limits.Pause applies
	token   string   // the last checkpoint of the batch under way
	permit  *permit  // of the attempt under way
}

// work sends batches until there are no more. The answer to one batch is journaled together with the
// intent of the next, and alone when there is no next one waiting.
func (l *lane) work(tasks <-chan task) {
	for {
		select {
		case t, open := <-tasks:
			if !open {
				l.flush()
				return
			}
			l.task(t)
		default:
			l.flush()
			t, open := <-tasks
			if !open {
				return
			}
			l.task(t)
		}
	}
}

// flush journals the pending answers (D2).
func (l *lane) flush(more ...Record) bool {
	l.pending = append(l.pending, more...)
	records := l.pending
	if len(records) == 0 {
		return true
	}
	l.pending = l.pending[:0]
	if err := l.d.Journal.Write(records...); err != nil {
		l.d.fail.set(err)
		return false
	}
	return true
}

// task maps the rows of some batches and sends those that could be mapped: at once, or as many records at a time as
// there would be rows.
func (l *lane) task(t task) {
	defer t.release()
	l.retract = t.retract
	for at := (place{}); at.piece < len(t.pieces) && l.drain.Err() == nil; {
		var refused []Refusal
		refused, at = l.build(t, at)
		if len(refused) > 0 {
			l.refuse(refused)
			t.id = "" // it is another batch without them
		}
		if !l.dispatch(t.send, t.id) {
			return
		}
	}
}

// dispatch sends the rows that were mapped. It returns false when the run cannot go on. A batch that an earlier run sent
// keeps its id, unless it is more than one batch by now.
func (l *lane) dispatch(op connector.Operation, id string) bool {
	began := time.Now()
	parts := l.parts()
	if len(parts) != 1 {
		id = ""
	}
	batches, ok := l.announce(op, id, 1, parts...)
	if !ok {
		return false
	}
	journaled := time.Now()
	for i, b := range batches {
		if i > 0 && l.drain.Err() != nil {
			l.withdraw(batches[i:])
			return false
		}
		if !l.send(op, b, effort{round: 1}) {
			l.withdraw(batches[i+1:])
			return false
		}
	}
	l.d.ahead.learn(journaled.Sub(began), time.Since(journaled), len(batches))
	return true
}

// parts cuts the rows into batches.
func (l *lane) parts() [][]connector.Row {
	var parts [][]connector.Row
	for start := 0; start < len(l.rows); {
		end := l.fit(start)
		parts = append(parts, l.rows[start:end])
		start = end
	}
	return parts
}

// place is a row of a task.
type place struct{ piece, row int }

// build maps rows into l.rows, from a place on until there are as many records as a task has rows. It returns the rows
// that could not be mapped, and the place to go on from.
func (l *lane) build(t task, at place) ([]Refusal, place) {
	l.rows = l.rows[:0]
	var refused []Refusal
	for ; at.piece < len(t.pieces); at = (place{piece: at.piece + 1}) {
		p := t.pieces[at.piece]
		if l.chunk != p.chunk {
			l.chunk, l.reader = p.chunk, p.chunk.Bind()
		}
		for ; p.from+at.row < p.to; at.row++ {
			i := p.from + at.row
			if len(l.rows) >= t.size {
				return refused, at
			}
			ordinal := p.chunk.ordinal(i)
			if l.d.resumed && !l.d.Ledger.pending(ordinal, t.retract) { // D3
				continue
			}
			if err := l.read(i, ordinal); err != nil {
				refused = append(refused, Refusal{ordinal, err.Error()})
			}
		}
	}
	return refused, at
}

// read appends the records of a row to l.rows; none where it could not be mapped.
func (l *lane) read(i int, ordinal int64) (err error) {
	before := len(l.rows)
	if records, several := l.reader.(RecordReader); several {
		err = records.Records(i, l.next)
	} else {
		err = l.reader.Read(i, l.next())
	}
	if err != nil {
		l.rows = l.rows[:before]
		return err
	}
	for n := range l.rows[before:] {
		l.rows[before+n].Ordinal, l.rows[before+n].Record = ordinal, n
	}
	return nil
}

// next returns an empty row at the end of l.rows, reusing the slices of an earlier batch.
func (l *lane) next() *connector.Row {
	if len(l.rows) < cap(l.rows) {
		l.rows = l.rows[:len(l.rows)+1]
	} else {
		l.rows = append(l.rows, connector.Row{})
	}
	row := &l.rows[len(l.rows)-1]
	*row = connector.Row{Values: row.Values[:0], Match: row.Match[:0], Source: row.Source[:0], Before: row.Before[:0], Matched: row.Matched[:0]}
	return row
}

// refuse notes rows that the mapping refused: they have an answer without having been sent.
func (l *lane) refuse(refused []Refusal) {
	if l.d.limits.Deferred {
		l.deferRefused(refused)
		return
	}
	batch := l.d.batches.Add(1)
	spans := make([]Range, 0, len(refused))
	for _, r := range refused {
		spans = appendOrdinal(spans, r.Ordinal)
	}
	l.pending = append(l.pending,
		Record{Kind: RecordIntent, Batch: batch, Rows: spans},
		Record{Kind: RecordAnswer, Batch: batch, State: Rejected, Refused: refused})
}

func (l *lane) deferRefused(refused []Refusal) {
	l.d.defers.mu.Lock()
	defer l.d.defers.mu.Unlock()
	l.d.defers.refused = append(l.d.defers.refused, refused...)
}

// fit returns the end of the rows from start that stay within the limits. The records of a row stay together: one
// whose records do not fit is alone.
func (l *lane) fit(start int) int {
	end := l.fitRecords(l.rows, start)
	if end == len(l.rows) || l.rows[end].Ordinal != l.rows[end-1].Ordinal {
		return end
	}
	first := end - 1
	for first > start && l.rows[first-1].Ordinal == l.rows[end].Ordinal {
		first--
	}
	if first > start {
		return first
	}
	for end < len(l.rows) && l.rows[end].Ordinal == l.rows[start].Ordinal {
		end++
	}
	return end
}

// fitRecords returns the end of the records from start that stay within Limits.Rows and Limits.Bytes.
func (l *lane) fitRecords(rows []connector.Row, start int) int {
	limit, most := l.d.limits.Bytes, min(len(rows), start+l.d.limits.Rows)
	if limit <= 0 {
		return most
	}
	size := 0
	for i := start; i < most; i++ {
		size += rowBytes(&rows[i])
		if size > limit && i > start {
			return i
		}
	}
	return most
}

// rowBytes estimates a row's JSON: text as it is, twelve bytes for any other value, and the names' quotes. A
// destination that is given the model's own columns makes its payload of these.
func rowBytes(r *connector.Row) int { return 2 + max(valueBytes(r.Values), valueBytes(r.Source)) }

func valueBytes(values []value.Value) int {
	size := 0
	for _, v := range values {
		size += len(v.Raw()) + 12
	}
	return size
}

// appendOrdinal adds an ordinal to spans, joining it to the last one where it follows it or is its last.
func appendOrdinal(spans []Range, n int64) []Range {
	if len(spans) > 0 && spans[len(spans)-1].To == n {
		spans[len(spans)-1].To++
		return spans
	}
	if len(spans) > 0 && spans[len(spans)-1].To == n+1 {
		return spans // another record of the row
	}
	return append(spans, Range{n, n + 1})
}

func spansOf(rows []connector.Row) []Range {
	spans := make([]Range, 0, 1)
	for i := range rows {
		spans = appendOrdinal(spans, rows[i].Ordinal)
	}
	return spans
}

// effort is what was done for rows already when they become a batch.
type effort struct {
	round int  // how often the destination asked for these rows
	doubt bool // they were sent in a larger batch without a readable answer
}

// deliver sends rows as one batch until they have their answers. It returns false when the run cannot go on.
func (l *lane) deliver(op connector.Operation, rows []connector.Row, e effort) bool {
	batches, ok := l.announce(op, "", e.round, rows)
	return ok && l.send(op, batches[0], e)
}

// send brings a batch that was announced to its answer.
func (l *lane) send(op connector.Operation, b announced, e effort) bool {
	rows := b.rows
	l.token = ""
	if alone(rows) {
		return l.sendRecords(op, b, e)
	}
	answer := l.attempts(op, b, e.doubt)
	parts := answer.gather(rows)
	if l.d.limits.Deferred {
		for _, t := range parts {
			answer.refused = append(answer.refused, Refusal{t.ordinal, t.answer().reason})
		}
		return l.settleDeferred(rows, answer)
	}
	l.answered(b.number, answer)
	l.announceParts(op, parts)
	switch {
	case answer.fatal:
		l.flush()
		return false
	case answer.split:
		half, e := middle(rows), effort{e.round, answer.doubt}
		return l.deliver(op, rows[:half], e) && l.deliver(op, rows[half:], e)
	}
	again := len(answer.again) > 0 && e.round < l.d.retry.Attempts && sleep(l.drain, l.d.backoff(e.round))
	if again && !l.deliver(op, answer.again, effort{round: e.round + 1}) {
		return false
	}
	return l.sendParts(op, parts, again, e)
}

// answered notes the answer of a batch, to be journaled with the next write. Rows that lost what they had are still to
// be sent.
func (l *lane) answered(batch uint32, a answer) {
	if l.retract {
		a = a.retracted()
	}
	l.pending = append(l.pending, Record{Kind: RecordAnswer, Batch: batch, State: a.state, Reason: a.reason, Refused: a.refused})
}

// answer is what became of one batch.
type answer struct {
	state   State
	reason  string
	refused []Refusal
	at      []int           // places of refused in the batch
	fatal   bool            // the run cannot go on
	split   bool            // none was taken: halve it (D5)
	doubt   bool            // an earlier attempt may have been taken
	again   []connector.Row // refused rows that are worth another attempt
}

// attempts sends the batch until it has an answer that stands. Doubt about one attempt is not dispelled by
// the failure of the next: only rows with an answer of their own leave it (D4).
func (l *lane) attempts(op connector.Operation, b announced, doubt bool) answer {
	throttled := time.Duration(0)
	for attempt := 1; ; {
		if err := l.ready(); err != nil {
			return answer{state: NotSent, reason: err.Error()}.doubted(doubt)
		}
		if l.d.limits.Idempotency != connector.Transactional {
			l.token = "" // an earlier attempt's says nothing of this one
		}
		result, err := l.write(op, b)
		if err == nil {
			l.d.fail.exhausted.Store(0)
			return l.taken(b.rows, result)
		}
		a, wait := l.judge(err, len(b.rows), attempt, &throttled)
		if wait < 0 {
			unanswered := b.again && a.state == Rejected && fault.ClassOf(err) != fault.Permanent // the earlier attempt of D4
			return a.doubted(doubt || unanswered)
		}
		doubt = doubt || a.doubt
		if fault.ClassOf(err) != fault.Throttled { // being asked to wait is not a failed attempt
			attempt++
		}
		if !sleep(l.drain, wait) {
			return answer{state: NotSent, reason: err.Error()}.doubted(doubt)
		}
	}
}

// doubted is the answer where an earlier attempt may have been taken.
func (a answer) doubted(doubt bool) answer {
	if doubt && (a.state == NotSent || a.state == Rejected) {
		a.state, a.doubt = InDoubt, true
	}
	return a
}

// taken reads the answer of a batch that the destination dealt with. It may be the last one of the run.
func (l *lane) taken(rows []connector.Row, result connector.Result) answer {
	a := answer{state: Accepted}
	if result.Stop != nil {
		l.d.fail.set(result.Stop)
	}
	for _, r := range result.Rejected {
		if r.Row < 0 || r.Row >= len(rows) {
			continue
		}
		a.refused, a.at = append(a.refused, Refusal{rows[r.Row].Ordinal, r.Reason}), append(a.at, r.Row)
		if r.Retry {
			a.again = append(a.again, copyRow(rows[r.Row]))
		}
	}
	return a
}

// copyRow keeps a row beyond the reuse of the lane's slices.
func copyRow(r connector.Row) connector.Row {
	r.Values = append(r.Values[:0:0], r.Values...)
	r.Match = append(r.Match[:0:0], r.Match...)
	r.Source = append(r.Source[:0:0], r.Source...)
	r.Before = append(r.Before[:0:0], r.Before...)
	return r
}

// judge decides about a batch that failed as a whole: an answer (wait < 0), or another attempt after wait, with
// answer.doubt where the failed one may have been taken.
func (l *lane) judge(err error, rows, attempt int, throttled *time.Duration) (answer, time.Duration) {
	class := fault.ClassOf(err)
	switch class {
	case fault.Throttled:
		return l.judgeThrottled(err, attempt, throttled)
	case fault.Retryable:
		return l.judgeNotTaken(err, attempt)
	case fault.Unknown:
		return l.judgeUnknown(err, attempt)
	case fault.Fatal:
		l.d.fail.set(err)
		return answer{state: NotSent, reason: err.Error(), fatal: true}, -1
	default:
		l.d.fail.exhausted.Store(0) // it refuses, and so it is there
		if (l.d.limits.Split || fault.Is(err, fault.CodeDestinationTooLarge)) && rows > 1 {
			return answer{state: NotSent, split: true}, -1
		}
		return answer{state: Rejected, reason: err.Error()}, -1
	}
}

// judgeNotTaken: it is certain that nothing was taken, and worth another attempt.
func (l *lane) judgeNotTaken(err error, attempt int) (answer, time.Duration) {
	if attempt < l.d.retry.Attempts {
		return answer{}, l.d.backoff(attempt)
	}
	return l.exhausted(err), -1
}

func (l *lane) judgeThrottled(err error, attempt int, throttled *time.Duration) (answer, time.Duration) {
	if pausing(err) { // a limit, and not the destination, does not allow a request of the batch
		l.d.fail.set(err)
		return answer{state: NotSent, reason: err.Error()}, -1
	}
	wait := fault.As(err).After
	if wait <= 0 {
		wait = l.d.backoff(attempt)
	}
	until := l.d.Clock.Now().Add(wait)
	l.d.pacer.hold(l.ctx, until)
	if p := l.d.pacer.patience; p > 0 && wait > p {
		l.d.fail.set(&Pause{Until: until, Err: err})
		return answer{state: NotSent, reason: err.Error()}, -1
	}
	if *throttled += wait; *throttled > maxThrottle {
		return answer{state: Rejected, reason: err.Error()}, -1
	}
	return answer{}, wait
}

// judgeUnknown: rows may have been taken. They are sent again only where that is harmless (D4, D5).
func (l *lane) judgeUnknown(err error, attempt int) (answer, time.Duration) {
	kind := l.d.limits.Idempotency
	if asked(kind, l.d.Resolver, l.token) {
		switch resolve(l.ctx, l.d.Resolver, l.d.Job, l.token) {
		case connector.ResolvedTaken:
			return answer{state: Accepted}, -1
		case connector.ResolvedNotTaken:
			return l.judgeNotTaken(err, attempt)
		}
	}
	harmless := l.d.Resend || kind == connector.Idempotent || kind == connector.Keyed
	if harmless && attempt < l.d.retry.Attempts {
		return answer{doubt: true}, l.d.backoff(attempt)
	}
	return answer{state: InDoubt, reason: err.Error()}, -1
}

// maxExhausted is how many batches in a row may use up all their attempts before the run gives up: the
// destination is down, not the rows (SY-76).
const maxExhausted = 10

func (l *lane) exhausted(err error) answer {
	if l.d.fail.exhausted.Add(1) >= maxExhausted {
		l.d.fail.set(fmt.Errorf("%d batches in a row failed after %d attempts: %w", maxExhausted, l.d.retry.Attempts, err))
	}
	return answer{state: Rejected, reason: err.Error()}
}

// ready waits until the pace allows an attempt. An error means that the run is stopped, or pauses.
func (l *lane) ready() error {
	if l.sent && !sleep(l.drain, l.d.limits.Pause) {
		return context.Cause(l.drain)
	}
	var err error
	l.permit, err = l.d.pacer.begin(l.drain)
	switch {
	case err == nil:
		return l.lost()
	case l.drain.Err() == nil && pausing(err):
		l.d.fail.set(err)
		return err
	default:
		return context.Cause(l.drain)
	}
}

// lost refuses an attempt that another worker's may have overtaken (D7).
func (l *lane) lost() error {
	if l.d.Lost == nil {
		return nil
	}
	err := l.d.Lost()
	if err != nil {
		l.d.pacer.end()
		l.d.fail.set(err)
	}
	return err
}

// write makes one attempt.
func (l *lane) write(op connector.Operation, a announced) (connector.Result, error) {
	defer l.d.pacer.end()
	l.sent = true
	b := connector.Batch{ID: a.id, Origin: originOf(a.id), Operation: op, Rows: a.rows, Checkpoint: l.checkpoint(a.number), Next: l.permit.next, Hold: l.d.hold}
	result, err := l.d.Session.Write(l.ctx, &b)
	if l.d.Exchanges != nil && len(b.Exchanges) > 0 {
		l.d.Exchanges.Record(BatchExchanges{Batch: a.number, Operation: op, Rows: spansOf(a.rows), Exchanges: b.Exchanges})
	}
	if err != nil && l.ctx.Err() != nil && fault.ClassOf(err) == fault.Permanent {
		err = fault.Reclass(err, fault.Unknown) // the process is being stopped: nobody read an answer
	}
	return result, err
}

func (l *lane) checkpoint(number uint32) func(context.Context, string) error {
	return func(_ context.Context, token string) error {
		l.token = token
		return l.d.Journal.Write(Record{Kind: RecordCheckpoint, Batch: number, Token: token})
	}
}

// settleDeferred notes the answer of a batch whose rows count only at Finish.
func (l *lane) settleDeferred(rows []connector.Row, a answer) bool {
	switch {
	case a.fatal:
		return false
	case a.state == Accepted:
		l.d.written.Add(rowsIn(rows))
		l.deferRefused(a.refused)
		return true
	case a.state == Rejected && !a.split:
		var all []Refusal
		for i := range rows {
			if i == 0 || rows[i].Ordinal != rows[i-1].Ordinal {
				all = append(all, Refusal{rows[i].Ordinal, a.reason})
			}
		}
		l.deferRefused(all)
		return true
	case a.state == NotSent && l.drain.Err() != nil:
		return false // the run is stopped; what was written is discarded
	default:
		l.d.fail.set(fault.New(fault.CodeDestinationUnknown, "a part of the file could not be written: %s", a.reason))
		return false
	}
}
