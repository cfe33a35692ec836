package app

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/millrace/millrace/internal/config"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/engine/sync/audit"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/synclog"
	"github.com/millrace/millrace/internal/resource"
)

// logging is a process that writes sync logs, with a warehouse and a sync.
func logging(t *testing.T, d *db.DB) (x *planned, house resource.Document) {
	t.Helper()
	x = newPlanned(t, d, `{"type":"manual"}`)
	x.Config = &config.Config{Home: t.TempDir(), LeaseTime: time.Minute}
	x.engine = run.New(run.EngineOptions{Store: x.runs, Registry: x.Registry, Clock: x.now, Log: x.log, Dir: x.dir()})
	x.openSyncLogs()
	spec, err := json.Marshal(map[string]any{"type": "duckdb", "engine": "lightning", "configuration": map[string]any{"path": filepath.Join(t.TempDir(), "x.duckdb")}})
	if err != nil {
		t.Fatal(err)
	}
	return x, x.create("source", "house", string(spec))
}

// Req: SY-53
func TestWarehousesOfSyncLogs(t *testing.T) {
	t.Parallel()
	x, house := logging(t, dbtest.SQLite(t))
	open := warehouses{documents{store: x.documents}, x.engine}
	w, err := open.Warehouse(t.Context(), 1, house.ID)
	if err != nil {
		t.Fatal(err)
	}
	if w.Schemas().Audit != "millrace_audit" {
		t.Errorf("%+v", w.Schemas())
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	sample, err := x.documents.Get(t.Context(), scopeOfTest, "source", "source")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		workspace, id int64
		want          fault.Code
	}{{1, sample.ID, fault.CodeInvalid}, {2, house.ID, fault.CodeNotFound}, {1, 9999, fault.CodeNotFound}} {
		if _, err := open.Warehouse(t.Context(), c.workspace, c.id); !fault.Is(err, c.want) {
			t.Errorf("source %d in workspace %d: %v, want %s", c.id, c.workspace, err, c.want)
		}
	}
}

// Somebody who saves the source has removed what was in the way: its logs are tried at once. What became of the logs of a
// sync that is deleted is forgotten.
//
// Req: SY-53
func TestSyncLogsFollowDocuments(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x, house := logging(t, d)
		ended := run.Run{ID: 500, WorkspaceID: 1, SyncID: x.doc.ID, State: run.Failed, StartedAt: x.now.Now(), FinishedAt: x.now.Now()}
		ended.Pinned.Source.ID, ended.Pinned.Logs = house.ID, &run.Logs{Tables: synclog.Tables{Runs: true}}
		if err := d.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error { return x.logs.Note(ctx, tx, ended) }); err != nil {
			t.Fatal(err)
		}
		status := func() audit.Status {
			t.Helper()
			s, err := x.logs.OfSource(t.Context(), 1, house.ID)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		w := &audit.Writer{Store: x.logs, Runs: history{ended}, Rows: x.engine, Warehouses: warehouses{documents{store: x.documents}, x.engine}, Log: x.log}
		w.Drain(t.Context()) // there is no file
		if s := status(); s.Failure == nil || !s.NextAt.After(x.now.Now()) {
			t.Fatalf("%+v", s)
		}
		_, err := x.documents.Update(t.Context(), scopeOfTest, "source", "house", resource.Write{Name: "House", Revision: house.Revision, Spec: mustJSON(t, house.Spec)})
		if err != nil {
			t.Fatal(err)
		}
		if s := status(); !s.NextAt.Equal(x.now.Now()) {
			t.Errorf("%+v", s)
		}
		x.now.Advance(audit.GiveUp)
		w.Drain(t.Context())
		if s := status(); s.GivenUp == nil {
			t.Errorf("%+v", s)
		}
		if err := x.documents.Delete(t.Context(), scopeOfTest, "sync", "sync", x.doc.Revision); err != nil {
			t.Fatal(err)
		}
		if s := status(); s.GivenUp != nil {
			t.Errorf("%+v", s)
		}
	})
}

func mustJSON(t *testing.T, v any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// history is one run.
type history struct{ run run.Run }

// Get returns the run.
func (h history) Get(context.Context, int64, int64) (run.Run, error) { return h.run, nil }

// Instance names this installation.
func (h history) Instance(context.Context) (string, error) { return "test", nil }
