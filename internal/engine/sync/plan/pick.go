package plan

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/millrace/millrace/internal/fault"
)

// Picked gathers single rows of batches. Its rows are copies, so that nothing keeps the batches. Release it.
type Picked struct {
	batches []Batch
}

// Add copies rows of a batch, by their places.
func (p *Picked) Add(b Batch, rows []int) error {
	spans := make([]Batch, len(rows))
	for n, i := range rows {
		spans[n] = b.slice(int64(i), int64(i)+1)
		defer spans[n].release()
	}
	copied, err := join(spans)
	if err == nil {
		p.batches = append(p.batches, copied)
	}
	return err
}

// Batch returns all rows in the order in which they were added. It is valid until Release.
func (p *Picked) Batch() (Batch, error) {
	if len(p.batches) == 1 {
		return p.batches[0], nil
	}
	all, err := join(p.batches)
	p.Release()
	if err == nil {
		p.batches = []Batch{all}
	}
	return all, err
}

// Release drops the copies.
func (p *Picked) Release() {
	for _, b := range p.batches {
		b.release()
	}
	p.batches = nil
}

// slice is the rows from ≤ i < to. It has to be released.
func (b Batch) slice(from, to int64) Batch {
	s := Batch{First: b.First + from, Keys: array.NewSlice(b.Keys, from, to).(*array.String), Values: b.Values.NewSlice(from, to)} //nolint:forcetypeassert // a slice has the type of the whole
	if b.Before != nil {
		s.Before = b.Before.NewSlice(from, to)
	}
	if b.Attempts != nil {
		s.Attempts = array.NewSlice(b.Attempts, from, to).(*array.List) //nolint:forcetypeassert // as above
	}
	return s
}

func (b Batch) release() {
	b.Keys.Release()
	b.Values.Release()
	if b.Before != nil {
		b.Before.Release()
	}
	if b.Attempts != nil {
		b.Attempts.Release()
	}
}

// join copies batches of one operation into one.
func join(all []Batch) (b Batch, err error) {
	if len(all) == 0 {
		return b, fault.New(fault.CodeInternal, "no rows were picked")
	}
	keys, err := joined(all, func(b Batch) arrow.Array { return b.Keys })
	if err != nil {
		return b, err
	}
	b.First, b.Keys = all[0].First, keys.(*array.String) //nolint:forcetypeassert // the type of its parts
	if b.Values, err = joinRecords(all, func(b Batch) arrow.RecordBatch { return b.Values }); err != nil {
		return b, err
	}
	if all[0].Before != nil {
		if b.Before, err = joinRecords(all, func(b Batch) arrow.RecordBatch { return b.Before }); err != nil {
			return b, err
		}
	}
	if all[0].Attempts != nil {
		attempts, err := joined(all, func(b Batch) arrow.Array { return b.Attempts })
		if err != nil {
			return b, err
		}
		b.Attempts = attempts.(*array.List) //nolint:forcetypeassert // as above
	}
	return b, nil
}

func joinRecords(all []Batch, of func(Batch) arrow.RecordBatch) (arrow.RecordBatch, error) {
	first, rows := of(all[0]), int64(0)
	for _, b := range all {
		rows += of(b).NumRows()
	}
	columns := make([]arrow.Array, first.NumCols())
	for i := range columns {
		column, err := joined(all, func(b Batch) arrow.Array { return of(b).Column(i) })
		if err != nil {
			return nil, err
		}
		defer column.Release()
		columns[i] = column
	}
	return array.NewRecordBatch(first.Schema(), columns, rows), nil
}

func joined(all []Batch, of func(Batch) arrow.Array) (arrow.Array, error) {
	parts := make([]arrow.Array, len(all))
	for i, b := range all {
		parts[i] = of(b)
	}
	return array.Concatenate(parts, memory.DefaultAllocator)
}
