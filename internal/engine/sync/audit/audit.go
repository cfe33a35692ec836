// Package audit writes sync logs: what became of rows, into three tables of the warehouse that they come from, which all
// of its syncs share (SY-53). A run that is over leaves a row in an outbox, in the transaction that ends it; the writing
// is done afterwards, by whichever process takes it, and holds up or fails no run. The invariants:
//
//	L1  a run that is to be logged and its row in the outbox are one transaction
//	L2  the logs of one sync are written one after another, in the order of its runs
//	L3  what is written of a run is one transaction of the warehouse, which replaces what was written of it before
//	L4  a writer whose lease is over writes nothing. Its rows pass through a table of its own; whoever takes over removes
//	    that table first, and the transaction begins with it
//
// So a log that was cut off anywhere is written again as a whole, and nothing is lost or doubled.
package audit

import (
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// The tables, in the audit schema (WH-11 to WH-13).
const (
	Changelog = "sync_changelog"
	Snapshot  = "sync_snapshot"
	Runs      = "sync_runs"
)

func text(name string) connector.OwnColumn {
	return connector.OwnColumn{Name: name, Kind: query.TypeText, Is: value.TypeString}
}

func number(name string) connector.OwnColumn {
	return connector.OwnColumn{Name: name, Kind: query.TypeInteger, Is: value.TypeNumber}
}

func instant(name string) connector.OwnColumn {
	return connector.OwnColumn{Name: name, Kind: query.TypeTimestamp, Is: value.TypeTimestamp}
}

func object(name string) connector.OwnColumn {
	return connector.OwnColumn{Name: name, Kind: query.TypeJSON, Is: value.TypeObject}
}

// columns are the tables' columns.
var columns = map[string][]connector.OwnColumn{
	Changelog: {
		number("sync_id"), number("sync_run_id"), text("op_type"), text("row_id"), text("status"), text("failure_reason"), object("fields"),
	},
	Snapshot: {
		number("sync_id"), text("op_type"), text("row_id"), text("status"), text("failure_reason"), object("fields"),
	},
	Runs: {
		number("sync_id"), number("sync_run_id"), text("primary_key"), text("destination"), text("model_name"), number("model_id"),
		text("status"), text("error"), instant("started_at"), instant("finished_at"),
		number("num_planned_add"), number("num_planned_change"), number("num_planned_remove"),
		number("num_attempted_add"), number("num_attempted_change"), number("num_attempted_remove"),
		number("num_succeeded_add"), number("num_succeeded_change"), number("num_succeeded_remove"),
		number("num_failed_add"), number("num_failed_change"), number("num_failed_remove"),
	},
}

// names lists the columns of a table in their order.
func names(table string) []string {
	all := make([]string, len(columns[table]))
	for i, c := range columns[table] {
		all[i] = c.Name
	}
	return all
}

// opUnchanged is the operation of a snapshot's rows for which a run had nothing to do.
const opUnchanged = "unchanged"
