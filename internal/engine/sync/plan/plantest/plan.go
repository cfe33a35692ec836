package plantest

import (
	"encoding/json"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/value"
)

// Input is the comparison that the settings ask for, of what was staged with what was settled last.
func (s Settings) Input(staged plan.Staged, baseline *plan.Baseline, dir string) plan.DiffInput {
	return plan.DiffInput{
		Staged: staged, Baseline: baseline, Dir: dir,
		FullResync: s.FullResync, ResetCDC: s.ResetCDC, MappingChanged: s.MappingChanged, Before: s.Before, Identify: s.Identify,
		Rules: plan.ModeRules{AddedActs: s.Added, ChangedActs: s.Changed, RemovedActs: s.Removed, EveryRow: s.EveryRow},
	}
}

// Revived is a plan as another process reads it.
func Revived(p plan.Plan) (plan.Plan, error) {
	b, err := json.Marshal(p)
	if err != nil {
		return plan.Plan{}, err
	}
	out := plan.Plan{}
	err = json.Unmarshal(b, &out)
	out.Dir = p.Dir
	return out, err
}

// ResultOf reads a plan's rows from its files.
func ResultOf(p *plan.Plan) (Result, error) {
	c := p.Counts
	r := Result{KeyTypeChanged: p.KeyTypeChanged, Counts: Counts{
		Read: c.Read, NullKeys: c.NullKeys, Duplicates: c.Duplicates, DuplicateKeys: c.DuplicateKeys, Unchanged: c.Unchanged,
		Found: Tally(c.Found), Planned: Tally(c.Planned), Ignored: Tally(c.Ignored),
	}}
	for _, op := range connector.Operations {
		rows, err := p.Open(op)
		if err != nil {
			return r, err
		}
		if err := r.read(p, rows, op, false); err != nil {
			return r, err
		}
	}
	rows, err := p.OpenDuplicates()
	if err != nil {
		return r, err
	}
	return r, r.read(p, rows, connector.Added, true)
}

func (r *Result) read(p *plan.Plan, rows *plan.Rows, op connector.Operation, duplicate bool) error {
	defer rows.Close() //nolint:errcheck // a test's reader
	for rows.Next() {
		b := rows.Batch()
		if b.First != int64(len(r.Rows)) {
			return fmt.Errorf("the ordinal is %d after %d rows", b.First, len(r.Rows))
		}
		attempts, err := p.AttemptReader(b)
		if err != nil {
			return err
		}
		for i := range b.Len() {
			row := Row{Operation: op, Duplicate: duplicate, Key: b.Keys.Value(i), Values: named(b.Values, i)}
			if b.Before != nil {
				row.Before = named(b.Before, i)
			}
			if attempts != nil {
				row.Attempts = ByName(p.Schema, attempts(i))
			}
			r.Rows = append(r.Rows, row)
		}
	}
	return rows.Err()
}

// ByName gives the values of rows their columns' names.
func ByName(s value.Schema, rows [][]value.Value) []map[string]value.Value {
	var out []map[string]value.Value
	for _, values := range rows {
		row := map[string]value.Value{}
		for i, c := range s {
			row[c.Name] = values[i]
		}
		out = append(out, row)
	}
	return out
}

func named(rec arrow.RecordBatch, row int) map[string]value.Value {
	out := map[string]value.Value{}
	for i, f := range rec.Schema().Fields() {
		read, err := value.NewReader(f, rec.Column(i))
		if err != nil {
			panic(err)
		}
		out[f.Name] = read(row)
	}
	return out
}

// Ranges gives each row of a plan its outcome; rows that were aborted are left out.
func Ranges(p *plan.Plan, outcome func(Row) string) ([]plan.Range, error) {
	r, err := ResultOf(p)
	if err != nil {
		return nil, err
	}
	var ranges []plan.Range
	for i, row := range r.Rows {
		if !row.Duplicate && outcome(row) != Aborted {
			ranges = append(ranges, plan.Range{From: int64(i), To: int64(i) + 1, State: plan.State(outcome(row))})
		}
	}
	return ranges, nil
}
