package run

import (
	"context"

	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/fault"
)

// RowReader reads all rows of one run that a query asks for, one after another. Close it.
type RowReader struct {
	ctx context.Context //nolint:containedctx // it lives for one request
	log *logReader
	q   RowQuery
}

// OpenRows returns a reader of a run's rows. The query's cursor is where it begins; its limit does not count.
func (e *Engine) OpenRows(ctx context.Context, workspaceID, runID int64, q RowQuery) (*RowReader, error) {
	r, err := e.readLog(ctx, workspaceID, runID)
	return &RowReader{ctx: ctx, log: r, q: q}, err
}

// Columns returns the names of the rows' values in their order; nothing for a run that never planned.
func (r *RowReader) Columns() []string {
	if r.log == nil {
		return nil
	}
	return r.log.plan.Schema.Names()
}

// exportPage is how many rows are in memory at a time.
const exportPage = 1000

// Each calls f with every row until it returns an error.
func (r *RowReader) Each(f func(Row) error) error {
	if r.log == nil {
		return nil
	}
	for q := r.q; ; {
		q.Limit = exportPage
		page, next, err := r.log.search(r.ctx, q)
		if err != nil {
			return err
		}
		for _, v := range page {
			if err := f(r.log.row(v)); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		q.Cursor = next
	}
}

// Close removes what was fetched.
func (r *RowReader) Close() error {
	if r.log == nil {
		return nil
	}
	return r.log.close()
}

// Row returns one row of a run.
func (e *Engine) Row(ctx context.Context, workspaceID, runID, ordinal int64) (Row, error) {
	rows, _, err := e.Rows(ctx, workspaceID, runID, RowQuery{Cursor: cursorAt(ordinal), Limit: 1})
	if err != nil {
		return Row{}, err
	}
	if len(rows) == 0 || rows[0].Ordinal != ordinal {
		return Row{}, fault.New(fault.CodeNotFound, "run %d has no row %d", runID, ordinal)
	}
	return rows[0], nil
}

// search returns a page of the plan's rows.
func (r *logReader) search(ctx context.Context, q RowQuery) ([]plan.RowView, string, error) {
	return r.Planner.Search(ctx, plan.RowsQuery{
		Plan: r.plan, Outcomes: plan.Sorted(outcomes(r.ledger)), Default: plan.Accepted,
		Operation: q.Operation, States: statesOf(q), Key: q.Key, Cursor: q.Cursor, Limit: q.Limit,
	})
}
