package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/query"
)

// writing is one attempt to write the log of a run into a warehouse.
type writing struct {
	warehouse connector.Warehouse
	schemas   connector.Schemas
	row       logRow
	run       run.Run
	prefix    string         // of the sync's own tables in the planner schema
	staged    query.TableRef // what became of the planned rows
	tag       string
	snapshot  query.Query // the rows of the snapshot; nil leaves it as it is
	remark    string      // why it was left
}

func newWriting(warehouse connector.Warehouse, row logRow, r run.Run, instance string) *writing {
	x := &writing{warehouse: warehouse, schemas: warehouse.Schemas(), row: row, run: r, prefix: fmt.Sprintf("mr_%s_log_%d_", instance, row.SyncID)}
	x.staged = query.TableRef{Schema: x.schemas.Planner, Name: fmt.Sprintf("%s%d_%d", x.prefix, row.RunID, row.Attempts)}
	x.tag = fmt.Sprintf("millrace sync %d run %d log", row.SyncID, row.RunID)
	return x
}

// table is one of the shared tables.
func (x *writing) table(name string) query.TableRef {
	return query.TableRef{Schema: x.schemas.Audit, Name: name}
}

// wanted lists the tables that are to be written.
func (x *writing) wanted() []string {
	var all []string
	if x.row.Changelog {
		all = append(all, Changelog)
	}
	if x.row.Snapshot && x.snapshot != nil {
		all = append(all, Snapshot)
	}
	if x.row.Runs {
		all = append(all, Runs)
	}
	return all
}

// leave leaves the snapshot as it is.
func (x *writing) leave(why string) {
	x.row.Snapshot, x.snapshot, x.remark = false, nil, why
}

func (x *writing) execute(ctx context.Context, commands ...query.Command) error {
	return connector.ExecuteAll(ctx, x.warehouse, x.tag, commands...)
}

// clean removes the tables that earlier attempts for the sync left. One whose transaction is under way is waited for,
// since it uses its own; the others find that theirs is gone.
func (x *writing) clean(ctx context.Context) error {
	found, err := x.warehouse.OwnTables(ctx, x.schemas.Planner, x.prefix)
	if err != nil || len(found) == 0 {
		return err
	}
	commands := make([]query.Command, len(found))
	for i, name := range found {
		commands[i] = query.DropTable{Table: query.TableRef{Schema: x.schemas.Planner, Name: name}}
	}
	return x.execute(ctx, commands...)
}

// discard removes the attempt's own table, which nobody needs any more. What is left of it the next attempt removes.
func (x *writing) discard(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), discardTime)
	defer stop()
	_ = x.execute(ctx, query.DropTable{Table: x.staged}) //nolint:errcheck // the attempt has failed already
}

// discardTime is how long an attempt that failed may take to remove its table.
const discardTime = 10 * time.Second

// prepare makes the tables that are missing, and their columns.
func (x *writing) prepare(ctx context.Context) error {
	for _, name := range x.wanted() {
		t := connector.OwnTable{Ref: x.table(name), Columns: columns[name], Tag: x.tag, Probe: x.staged.Name}
		if err := t.Ensure(ctx, x.warehouse); err != nil {
			return err
		}
	}
	return nil
}

// commit replaces what the warehouse has of the run, in one transaction (L3). What an earlier attempt may have written
// is removed first; before the first one there is nothing, and the changelog need not be searched.
func (x *writing) commit(ctx context.Context) error {
	var commands []query.Command
	staged := x.row.Changelog || x.snapshot != nil
	if staged {
		commands = append(commands, query.Delete{Table: x.staged, Where: query.Col("row_id").IsNull()}) // none; it takes the table (L4)
	}
	ofRun := query.Col("sync_run_id").Eq(query.Int(x.row.RunID))
	if x.row.Changelog {
		if x.row.Attempts > 1 {
			commands = append(commands, query.Delete{Table: x.table(Changelog), Where: ofRun})
		}
		commands = append(commands, query.InsertQuery{Table: x.table(Changelog), Columns: names(Changelog), Query: x.changelog()})
	}
	if x.snapshot != nil {
		commands = append(commands,
			query.Delete{Table: x.table(Snapshot), Where: query.Col("sync_id").Eq(query.Int(x.row.SyncID))},
			query.InsertQuery{Table: x.table(Snapshot), Columns: names(Snapshot), Query: x.snapshot})
	}
	if x.row.Runs {
		commands = append(commands, query.Delete{Table: x.table(Runs), Where: ofRun}, x.runs())
	}
	if staged {
		commands = append(commands, query.DropTable{Table: x.staged})
	}
	if len(commands) == 0 {
		return nil
	}
	return x.execute(ctx, commands...)
}
