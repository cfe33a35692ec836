package api_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/audit"
	"github.com/millrace/millrace/internal/fault"
)

// noWarehouse fails to open any.
type noWarehouse struct{ err error }

func (n noWarehouse) Warehouse(context.Context, int64, int64) (connector.Warehouse, error) {
	return nil, n.err
}

// writeLogs writes the logs that are due, as a worker does, into a warehouse that cannot be opened.
func (w *world) writeLogs(err error) {
	w.t.Helper()
	writer := &audit.Writer{Store: w.logs, Runs: w.runs, Rows: w.engine, Warehouses: noWarehouse{err}, Log: slog.New(slog.DiscardHandler)}
	writer.Drain(w.t.Context())
}

// Sources and syncs choose their logs where the source can have some; people are told where they are written and how that
// stands.
//
// Req: SY-53, SY-54, SY-59
func TestSyncLogs(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		w.ok("GET", "/api/sources/shop/sync-logs", nil).has("reason", "Memory has no sync logs").has("queries", "[]").has("written", nil)
		spec := sourceSpec()
		spec["syncLogs"] = object{"runs": true}
		w.send("POST", "/api/sources", document("other", "Other", spec)).want(422).has("error.path", "spec.syncLogs")
		sync := syncSpec()
		sync["syncLogs"] = object{"changelog": true}
		w.send("POST", "/api/syncs", document("x", "X", sync)).want(422).has("error.path", "spec.syncLogs")

		house := object{"type": "house", "configuration": object{"auditSchema": "told"}, "syncLogs": object{"runs": true}}
		w.send("POST", "/api/sources", document("house", "House", house)).want(422).has("error.path", "spec.syncLogs")
		house["engine"] = "lightning"
		w.ok("POST", "/api/sources", document("house", "House", house)).has("spec.syncLogs.runs", true)
		m := modelSpec()
		m["source"] = "house"
		w.ok("POST", "/api/models", document("guests", "Guests", m))
		sync["model"] = "guests"
		w.ok("POST", "/api/syncs", document("guests-to-crm", "Guests to CRM", sync)).has("spec.syncLogs.changelog", true)
		a := w.ok("GET", "/api/syncs/guests-to-crm/sync-logs", nil).has("reason", nil).has("source.slug", "house").has("waiting", 0)
		a.lists("tables", "table", "told.sync_snapshot", "told.sync_changelog", "told.sync_runs")
		a.has("tables.0.bySource", false).has("tables.0.bySync", false).has("tables.1.bySource", false).has("tables.1.bySync", true).has("tables.2.bySource", true).has("tables.2.bySync", false)
		a.lists("queries", "title", "The most common errors", "When rows entered and left a model", "The rows that are in each model now")
		w.ok("GET", "/api/sources/house/sync-logs", nil).has("tables.1.bySync", false).has("tables.2.bySource", true)

		compatible := path("/api/v1/syncs/%d", w.ok("GET", "/api/syncs/guests-to-crm", nil).id("metadata.id"))
		if found := w.ok("GET", compatible, nil).at("configuration.syncLogs"); found != nil {
			w.t.Errorf("the compatible API knows of %v", found)
		}
		w.ok("PATCH", compatible, object{"configuration": object{"mode": "insert"}}).has("configuration.mode", "insert")
		w.ok("GET", "/api/syncs/guests-to-crm", nil).has("spec.mode", "insert").has("spec.syncLogs.changelog", true)

		w.ok("POST", "/api/syncs/guests-to-crm/trigger", nil)
		w.work()
		w.ok("GET", "/api/syncs/guests-to-crm/sync-logs", nil).has("waiting", 1).has("error", nil)
		since := w.ok("GET", "/api/syncs/guests-to-crm", nil).text("status.lastRun.finishedAt")
		w.writeLogs(fault.New(fault.CodeSourceUnreachable, "nobody answers"))
		for _, path := range []string{"syncs/guests-to-crm", "sources/house"} {
			w.ok("GET", "/api/"+path+"/sync-logs", nil).has("waiting", 1).has("since", since).has("error.code", "source.unreachable").
				has("error.suggestion", fault.CodeSourceUnreachable.Info().Hint).has("givenUp", nil)
		}
		w.clock.Advance(audit.GiveUp)
		w.writeLogs(fault.New(fault.CodeSourceUnreachable, "nobody answers"))
		w.ok("GET", "/api/sources/house/sync-logs", nil).has("waiting", 0).has("givenUp.sync.slug", "guests-to-crm").has("givenUp.error.message", "nobody answers")
	})
}

// What documents say of sync logs survives an export.
//
// Req: SY-54
func TestSyncLogsAreExported(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		house := object{"type": "house", "configuration": object{}, "engine": "lightning", "syncLogs": object{"snapshot": true}}
		w.ok("POST", "/api/sources", document("house", "House", house))
		d := w.ok("GET", "/api/sources/house", nil)
		w.ok("POST", "/api/apply", object{"documents": []any{object{"kind": "source", "metadata": object{"slug": "house", "name": "House"}, "spec": d.at("spec")}}}).
			has("results.0.action", "unchanged")
	})
}
