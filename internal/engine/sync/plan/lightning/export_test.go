package lightning

import (
	"context"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/query"
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
func (p *Planner) Held(ctx context.Context, b *plan.Baseline) ([]HeldRow, error) {
	rel := query.Sub(base{baseline: b, now: b.Layout, compare: plan.Comparison{Direct: true}}.values()).As("b")
	q := query.From(rel).Select(rel.Cols("_k", "_held", "_op", "_attempts")...).Select(rel.Cols(columns(len(b.Schema))...)...)
	r, err := p.rows(ctx, q)
	if err != nil {
		return nil, err
	}
	defer r.Release()
	staged := query.Table(b.Tables.Plan).As("t")
	fields, err := p.fields(ctx, query.From(staged).Select(staged.Cols(columns(len(b.Schema))...)...))
	if err != nil {
		return nil, err
	}
	s := newSection(r, plan.DiffInput{Staged: plan.Staged{Layout: b.Layout}, Baseline: b}, fields)
	defer s.Release()
	var all []HeldRow
	for s.Next() {
		rec := s.RecordBatch()
		readers := make([]value.Reader, rec.NumCols())
		for i, f := range rec.Schema().Fields() {
			if readers[i], err = value.NewReader(f, rec.Column(i)); err != nil {
				return nil, err
			}
		}
		for n := range int(rec.NumRows()) {
			h := HeldRow{Key: readers[0](n).String(), Doubt: connector.Operation(readers[2](n).String())}
			if readers[1](n).String() == "1" {
				h.Values = []value.Value{}
				for _, read := range readers[4:] {
					h.Values = append(h.Values, outliving(read(n)))
				}
			}
			for _, item := range readers[3](n).List() {
				var values []value.Value
				for _, f := range item.Fields() {
					values = append(values, outliving(f.Value))
				}
				h.Attempts = append(h.Attempts, values)
			}
			all = append(all, h)
		}
	}
	return all, s.Err()
}

// outliving is a value that outlives its batch.
func outliving(v value.Value) value.Value {
	if v.Kind() == value.Text {
		return value.OfText(string([]byte(v.Raw())))
	}
	return v
}
