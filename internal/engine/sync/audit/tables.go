package audit

import (
	"context"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/plan/lightning"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// changelog is the rows of the run in the changelog.
func (x *writing) changelog() query.Query {
	s := query.Table(x.staged).As("s")
	return query.From(s).Select(
		query.Int(x.row.SyncID).As("sync_id"), query.Int(x.row.RunID).As("sync_run_id"), s.Col("op_type"), s.Col("row_id"),
		s.Col("status"), s.Col("failure_reason"), query.Cast(s.Col("fields"), query.TypeJSON).As("fields"),
	)
}

// planSnapshot decides what the snapshot is made of. The rows of a run that tracks no changes are all in its plan. Of
// other runs the unchanged ones are in the planner's table.
func (x *writing) planSnapshot(ctx context.Context) error {
	if x.run.Pinned.EveryRow {
		x.snapshot = x.planned()
		return nil
	}
	rows := x.run.Pinned.Logs.Rows
	found, err := x.warehouse.Columns(ctx, rows.Table)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		x.leave("two further runs were settled before it was written, and the model's rows of this one are gone")
		return nil
	}
	x.snapshot = x.joined(*rows)
	return nil
}

// planned is the snapshot of a run that planned every row.
func (x *writing) planned() query.Query {
	s := query.Table(x.staged).As("s")
	return query.From(s).Where(s.Col("op_type").Ne(query.Text(string(connector.Removed)))).Select(
		query.Int(x.row.SyncID).As("sync_id"), s.Col("op_type"), s.Col("row_id"), s.Col("status"), s.Col("failure_reason"),
		query.Cast(s.Col("fields"), query.TypeJSON).As("fields"),
	)
}

// joined is the snapshot of a run that compared: the model's rows, which never leave the warehouse, with what became of
// those that were planned. Rows that share their key share their outcome.
func (x *writing) joined(rows run.ModelRows) query.Query {
	s := query.Table(x.staged).As("s")
	outcomes := query.Sub(query.From(s).Where(s.Col("op_type").Ne(query.Text(string(connector.Removed)))).Distinct().
		Select(s.Cols("row_id", "op_type", "status", "failure_reason")...)).As("o")
	m := query.Table(rows.Table).As("m")
	key := lightning.Key(m)
	return query.From(m).LeftJoin(outcomes, outcomes.Col("row_id").Eq(key)).Where(key.NotNull()).Select(
		query.Int(x.row.SyncID).As("sync_id"), query.Coalesce(outcomes.Col("op_type"), query.Text(opUnchanged)).As("op_type"),
		key.As("row_id"), query.Coalesce(outcomes.Col("status"), query.Text(string(run.RowSucceeded))).As("status"),
		outcomes.Col("failure_reason"), x.fitting(lightning.Fields(m, rows.Layout)).As("fields"),
	)
}

// fitting is an object, or where the warehouse cannot hold one so long, one that only says so.
func (x *writing) fitting(object query.Expr) query.Expr {
	longest := x.warehouse.Dialect().Longest()
	if longest == 0 {
		return object
	}
	says := query.Object(query.Member{Name: truncatedMember, Value: query.Bool(true), Type: value.TypeBoolean})
	return query.Case().When(query.Bytes(query.Cast(object, query.TypeText)).Le(query.Int(int64(longest))), object).Else(says)
}

// runs adds the run's own row. Rows that share their key were never planned, and are in none of its numbers.
func (x *writing) runs() query.Command {
	r, c := x.run, x.run.Counts
	attempted := run.OpCounts{
		Added: c.Succeeded.Added + c.Failed.Added, Changed: c.Succeeded.Changed + c.Failed.Changed, Removed: c.Succeeded.Removed + c.Failed.Removed,
	}
	row := []query.Expr{
		query.Int(r.SyncID), query.Int(r.ID), query.Text(r.Pinned.PrimaryKey), query.Text(r.Pinned.Logs.Destination),
		query.Text(r.Pinned.Model.Name), query.Int(r.Pinned.Model.ID), query.Text(r.Words().Warehouse), endedBy(r, x.warehouse.Dialect().Longest()),
		query.Time(r.StartedAt), query.Time(r.FinishedAt),
	}
	for _, n := range []run.OpCounts{c.Planned, attempted, c.Succeeded, c.Failed} {
		row = append(row, query.Int(n.Added), query.Int(n.Changed), query.Int(n.Removed))
	}
	return query.Insert{Table: x.table(Runs), Columns: names(Runs), Rows: [][]query.Expr{row}}
}

// endedBy says what ended a run early.
func endedBy(r run.Run, longest int) query.Expr {
	switch {
	case r.State == run.Committed:
		return query.Null(query.TypeText)
	case r.Failure != nil:
		return query.Text(clean(r.Failure.Message, longest))
	default:
		return query.Text(r.Words().Run)
	}
}
