package run

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/delivery"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/fault"
)

// Rows that are in doubt when a run ends are sent again by a later one. A destination that drops what it had before
// knows a batch by its id, so the id is kept beside the baseline: which rows were sent under it, by digests of their
// keys and of what they said. The next run sends those that say the same together, under the same id, before the other
// rows of their operation. A row that says something else by now has a new id, and so has everything in a run that
// compares with nothing, such as a full resync.

// doubts are the batches of earlier runs that have no answer.
type doubts struct {
	Form    string        `json:"form"` // Pinned.Form of the runs that sent them
	Batches []doubtedSend `json:"batches"`
}

// doubtedSend is a batch without an answer.
type doubtedSend struct {
	ID        string              `json:"id"`
	Operation connector.Operation `json:"operation"`
	Rows      []mark              `json:"rows"`           // in the order in which they were sent
	Part      bool                `json:"part,omitempty"` // other rows of it need not be sent as they were
}

// mark tells a row and what it said: half of a digest of its key, then half of one of its values.
type mark []byte

// half is how many bytes of a digest are kept.
const half = sha256.Size / 2

// maxDoubts is how many rows keep the id of their batch, roughly: a destination that loses every answer must not fill
// the memory. Those beyond come with another id.
const maxDoubts = 50_000

func (m mark) key() string { return string(m[:half]) }

func markOfKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return string(sum[:half])
}

// marker makes marks of the rows of one batch of a plan.
type marker struct {
	batch   plan.Batch
	columns columns
	order   []int // of the columns, by their names
	scratch []byte
}

func markerOf(b plan.Batch) (*marker, error) {
	c, err := columnsOf(b.Values)
	if err != nil {
		return nil, err
	}
	m := &marker{batch: b, columns: c, order: make([]int, len(c.schema))}
	for i := range m.order {
		m.order[i] = i
	}
	slices.SortFunc(m.order, func(a, b int) int { return cmp.Compare(c.schema[a].Name, c.schema[b].Name) })
	return m, nil
}

func (m *marker) mark(row int) mark {
	m.scratch = m.scratch[:0]
	for _, i := range m.order {
		m.scratch = append(append(m.scratch, m.columns.schema[i].Name...), 0)
		m.scratch = append(m.columns.readers[i](row).AppendJSON(m.scratch), 0)
	}
	sum := sha256.Sum256(m.scratch)
	return append(mark(markOfKey(m.batch.Keys.Value(row))), sum[:half]...)
}

// formOf is a digest of everything besides the rows that makes what is sent of them.
func formOf(b Bundle, mapping, target string) (string, error) {
	s := b.SyncSpec
	text, err := json.Marshal([]any{mapping, target, s.Type, s.Mode, s.Delete, s.Settings})
	if err != nil {
		return "", fmt.Errorf("encoding the sync's settings: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// planID makes the ids of the run's batches. They name the installation, since others may have the same account of a
// vendor.
func (x *execution) planID() (string, error) {
	instance, err := x.Store.Instance(x.ctx)
	return fmt.Sprintf("%s-%d-%d", instance, x.lease.run.SyncID, x.lease.run.ID), err
}

// remembers reports whether it matters under which id a row in doubt is sent again.
func (p Pinned) remembers() bool { return len(p.Keyed) > 0 && !p.Deferred && !p.EveryRow }

// recallDoubts reads the batches that have no answer, of those runs that sent the same of a row as this one.
func (x *execution) recallDoubts(w *work) ([]doubtedSend, error) {
	if w.baseline == nil || w.baseline.Doubts == "" || !w.plan.Compares() || !x.lease.run.Pinned.remembers() {
		return nil, nil
	}
	err := x.fetch(x.baselineDir(), w.baseline.Prefix, []string{w.baseline.Doubts})
	if fault.Is(err, fault.CodeNotFound) { // the warehouse has the baseline, and the storage is another one
		x.log.Warn("rows in doubt are sent again under another id", "error", err)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(x.baselineDir(), w.baseline.Doubts))
	if err != nil {
		return nil, fault.Disk(err, "reading which batches are in doubt")
	}
	var d doubts
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fault.Wrap(err, fault.CodeRunBaseline, "reading which batches are in doubt")
	}
	if d.Form != x.lease.run.Pinned.Form {
		return nil, nil
	}
	return d.Batches, nil
}

// keepDoubts writes the batches that have no answer beside the next baseline.
func (x *execution) keepDoubts(w *work, next *baseline) error {
	p := x.lease.run.Pinned
	if !p.remembers() || p.Form == "" {
		return nil
	}
	batches, err := x.doubted(w)
	if err != nil {
		return err
	}
	unsent, err := x.unsent(w)
	if err != nil {
		return err
	}
	if batches = append(batches, unsent...); len(batches) == 0 {
		return nil
	}
	text, err := json.Marshal(doubts{Form: p.Form, Batches: batches})
	if err != nil {
		return fmt.Errorf("encoding which batches are in doubt: %w", err)
	}
	name := fmt.Sprintf("%d-doubts.json", x.lease.run.Epoch) // as own says
	if err := os.WriteFile(filepath.Join(x.dir, name), text, 0o600); err != nil {
		return fault.Disk(err, "noting which batches are in doubt")
	}
	next.Doubts = name
	return nil
}

// doubted lists the batches of this run that have no answer and may be sent again.
func (x *execution) doubted(w *work) ([]doubtedSend, error) {
	var all []doubtedSend
	type place struct{ batch, row int }
	places := map[int64]place{}
	id, err := x.planID()
	if err != nil {
		return nil, err
	}
	for _, d := range w.ledger.Doubts(id, maxDoubts) {
		op := w.ledger.Operation(d.Rows[0])
		if !slices.Contains(x.lease.run.Pinned.Keyed, op) {
			continue
		}
		for i, n := range d.Rows {
			places[n] = place{len(all), i}
		}
		all = append(all, doubtedSend{ID: d.ID, Operation: op, Rows: make([]mark, len(d.Rows)), Part: d.Part})
	}
	ordinals := make([]int64, 0, len(places))
	for n := range places {
		ordinals = append(ordinals, n)
	}
	slices.Sort(ordinals)
	for _, op := range connector.Operations {
		span := w.ledger.Span(op)
		from, _ := slices.BinarySearch(ordinals, span.From)
		to, _ := slices.BinarySearch(ordinals, span.To)
		err := marksOf(&w.plan, op, ordinals[from:to], func(n int64, m mark) {
			at := places[n]
			all[at.batch].Rows[at.row] = m
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// marksOf reads the marks of some rows of an operation, which are in the order of their ordinals.
func marksOf(p *plan.Plan, op connector.Operation, ordinals []int64, f func(ordinal int64, m mark)) (err error) {
	if len(ordinals) == 0 {
		return nil
	}
	rows, err := p.Open(op)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, rows.Close()) }()
	for len(ordinals) > 0 {
		if err := rows.SeekTo(ordinals[0]); err != nil {
			return err
		}
		if !rows.Next() {
			return rows.Err()
		}
		m, err := markerOf(rows.Batch())
		if err != nil {
			return err
		}
		for len(ordinals) > 0 && ordinals[0] < rows.Batch().Last() {
			f(ordinals[0], m.mark(int(ordinals[0]-rows.Batch().First)))
			ordinals = ordinals[1:]
		}
	}
	return nil
}

// unsent are the rows of earlier batches without an answer that this run did not come to send, whatever they say by now:
// they may say again what they said.
func (x *execution) unsent(w *work) ([]doubtedSend, error) {
	earlier, err := x.recallDoubts(w)
	if err != nil || len(earlier) == 0 {
		return nil, err
	}
	waiting, err := waitingKeys(w)
	if err != nil {
		return nil, err
	}
	var all []doubtedSend
	for _, b := range earlier {
		rows := slices.DeleteFunc(slices.Clone(b.Rows), func(m mark) bool { return !waiting[m.key()] })
		b.Rows, b.Part = rows, b.Part || len(rows) < len(b.Rows)
		if len(b.Rows) > 0 {
			all = append(all, b)
		}
	}
	return all, nil
}

// waitingKeys are the keys of rows that were planned and not sent, and of those that could not be planned.
func waitingKeys(w *work) (map[string]bool, error) {
	waiting := map[string]bool{}
	for _, op := range connector.Operations {
		rows, err := w.plan.Open(op)
		if err != nil {
			return nil, err
		}
		err = eachBatch(rows, func(b plan.Batch) error {
			for i := range b.Len() {
				if w.ledger.Waits(b.First + int64(i)) {
					waiting[markOfKey(b.Keys.Value(i))] = true
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	rows, err := w.plan.OpenDuplicates()
	if err != nil {
		return nil, err
	}
	return waiting, eachBatch(rows, func(b plan.Batch) error {
		for i := range b.Len() {
			waiting[markOfKey(b.Keys.Value(i))] = true
		}
		return nil
	})
}

func eachBatch(rows *plan.Rows, f func(plan.Batch) error) (err error) {
	defer func() { err = cmp.Or(err, rows.Close()) }()
	for rows.Next() {
		if err := f(rows.Batch()); err != nil {
			return err
		}
	}
	return rows.Err()
}

// repeats feeds the rows of earlier batches that have no answer, batch by batch. What is held of them in memory is
// their number times the width of a row.
type repeats struct {
	*chunks

	ledger  *delivery.Ledger
	earlier []doubtedSend
	op      connector.Operation
	picked  plan.Picked
	ready   []*delivery.Chunk
}

var _ delivery.Chunks = (*repeats)(nil)

// Next returns the next batch of an operation.
func (r *repeats) Next(ctx context.Context, op connector.Operation) (*delivery.Chunk, error) {
	if r.op != op {
		r.op = op
		if err := r.gather(ctx, op); err != nil {
			return nil, err
		}
	}
	if len(r.ready) == 0 {
		return nil, nil //nolint:nilnil // as delivery.Chunks says
	}
	c := r.ready[0]
	r.ready = r.ready[1:]
	return c, nil
}

// repeated is a row that is planned as it was sent before.
type repeated struct {
	ordinal int64
	row     int // in what was picked
}

// gather finds the rows of an operation's batches in the plan.
func (r *repeats) gather(ctx context.Context, op connector.Operation) error {
	r.drop()
	wanted := map[string]mark{}
	for _, b := range r.earlier {
		for _, m := range b.Rows {
			if b.Operation == op {
				wanted[m.key()] = m
			}
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	found := map[string]repeated{}
	rows, err := r.plan.Open(op)
	if err != nil {
		return err
	}
	err = eachBatch(rows, func(b plan.Batch) error { return cmp.Or(ctx.Err(), r.pick(b, wanted, found)) })
	if err != nil || len(found) == 0 {
		return err
	}
	return r.batches(op, found)
}

// pick keeps those rows of a batch of the plan that say what they said.
func (r *repeats) pick(b plan.Batch, wanted map[string]mark, found map[string]repeated) error {
	var m *marker
	var places []int
	for i := range b.Len() {
		was, in := wanted[markOfKey(b.Keys.Value(i))]
		if !in || !r.ledger.Waits(b.First+int64(i)) {
			continue
		}
		if m == nil {
			var err error
			if m, err = markerOf(b); err != nil {
				return err
			}
		}
		if bytes.Equal(m.mark(i), was) {
			found[was.key()] = repeated{b.First + int64(i), len(found)}
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		return nil
	}
	return r.picked.Add(b, places)
}

// batches makes a chunk of each batch.
func (r *repeats) batches(op connector.Operation, found map[string]repeated) error {
	all, err := r.picked.Batch()
	if err != nil {
		return err
	}
	for _, b := range r.earlier {
		var ordinals []int64
		var rows []int
		var said []byte
		for _, m := range b.Rows {
			if at, is := found[m.key()]; is && b.Operation == op {
				ordinals, rows, said = append(ordinals, at.ordinal), append(rows, at.row), append(said, m...)
			}
		}
		if len(rows) == 0 {
			continue
		}
		if b.Part || len(rows) < len(b.Rows) {
			b.ID = delivery.PartOf(b.ID, said)
		}
		c, err := r.chunk(all, op)
		if err != nil {
			return err
		}
		bind := c.Bind
		c.ID, c.Ordinals, c.Rows = b.ID, ordinals, len(rows)
		c.Bind = func() delivery.RowReader { return pickedReader(bind(), rows) }
		r.ready = append(r.ready, c)
	}
	return nil
}

func (r *repeats) drop() {
	for _, c := range r.ready {
		c.Release()
	}
	r.ready = nil
	r.picked.Release()
}

func (r *repeats) close() error {
	r.drop()
	return nil
}

// pickedReader reads rows by their places in what was picked.
func pickedReader(r delivery.RowReader, rows []int) delivery.RowReader {
	if records, several := r.(delivery.RecordReader); several {
		return pickedRecords{pickedRows{r, rows}, records}
	}
	return pickedRows{r, rows}
}

type pickedRows struct {
	reader delivery.RowReader
	rows   []int
}

// Read fills a row.
func (p pickedRows) Read(i int, row *connector.Row) error { return p.reader.Read(p.rows[i], row) }

type pickedRecords struct {
	pickedRows

	records delivery.RecordReader
}

// Records fills the records of a row.
func (p pickedRecords) Records(i int, next func() *connector.Row) error {
	return p.records.Records(p.rows[i], next)
}
