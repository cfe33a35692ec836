package plan

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// HeldRow is a row of a baseline.
type HeldRow struct {
	Key      string
	Doubt    connector.Operation
	Values   []value.Value
	Attempts [][]value.Value
}

// Held lists the baseline's rows.
func (e *Engine) Held(ctx context.Context, b Baseline, dir string, yield func(HeldRow)) (err error) {
	s, err := e.open(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	rel, err := b.relation(dir, b.Layout, nil, Comparison{Direct: true})
	if err != nil {
		return err
	}
	if _, err := s.write(ctx, rel, filepath.Join(dir, "held.parquet")); err != nil {
		return err
	}
	p, err := openParquet(filepath.Join(dir, "held.parquet"))
	if err != nil {
		return err
	}
	defer p.Close() //nolint:errcheck // read only
	r, err := p.stream(nil)
	if err != nil {
		return err
	}
	defer r.Release()
	for r.Next() {
		if err := heldRows(b, r.RecordBatch(), yield); err != nil {
			return err
		}
	}
	return r.Err()
}

func heldRows(b Baseline, rec arrow.RecordBatch, yield func(HeldRow)) error {
	readers, err := readersOf(rec)
	if err != nil {
		return err
	}
	columns := map[string]value.Reader{}
	for i, f := range rec.Schema().Fields() {
		columns[f.Name] = readers[i]
	}
	for row := range int(rec.NumRows()) {
		h := HeldRow{Key: columns["_k"](row).String()}
		h.Doubt = connector.Operation(owned(columns["_op"](row)).String())
		if columns["_held"](row).Bool() {
			h.Values = []value.Value{}
			for i := range b.Schema {
				h.Values = append(h.Values, owned(columns["c"+string(rune('0'+i))](row)))
			}
		}
		for _, a := range columns["_attempts"](row).List() {
			var values []value.Value
			for _, f := range a.Fields() {
				values = append(values, owned(f.Value))
			}
			h.Attempts = append(h.Attempts, values)
		}
		yield(h)
	}
	return nil
}
