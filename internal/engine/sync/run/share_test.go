package run_test

import (
	"context"
	"errors"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/engine/sync/run"
)

// A workspace has so many runs at a time and no more; the end of one wakes the one that has waited longest. Another
// workspace does not wait, and neither does a run that goes on where it paused.
//
// Req: S-91
func TestAWorkspaceHasSoManyRuns(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store.WorkspaceRuns = 1
		w.fill(2)
		trigger := func(workspaceID, sync int64) int64 {
			made, err := w.store.Trigger(t.Context(), run.Request{WorkspaceID: workspaceID, SyncID: sync, SyncSlug: "people", Trigger: run.TriggerManual}, w.queue)
			if err != nil {
				t.Fatal(err)
			}
			return made.ID
		}
		first, second, third, foreign := trigger(workspace, syncID), trigger(workspace, syncID+1), trigger(workspace, syncID+2), trigger(workspace+1, syncID+3)
		asked := 0
		w.query = func(context.Context) (array.RecordReader, error) {
			if asked++; asked > 1 {
				return nil, errors.New("only the first and the foreign run get here")
			}
			for _, waiting := range []int64{second, third} {
				if got := w.execute(waiting); got.State != run.Queued {
					t.Errorf("run %d is %s beside another one", waiting, got.State)
				}
			}
			if err := w.engine.Execute(t.Context(), foreign); err != nil {
				t.Fatal(err)
			}
			if got, err := w.store.Get(t.Context(), workspace+1, foreign); err != nil || !got.State.Ended() {
				t.Errorf("the run of another workspace waits: %s, %v", got.State, err)
			}
			w.queue.ids = nil
			return nil, errors.New("enough was seen")
		}
		if got := w.execute(first); got.State != run.Failed {
			t.Fatalf("the first run is %s", got.State)
		}
		if len(w.queue.ids) != 1 || w.queue.ids[0] != second {
			t.Errorf("the end of run %d wakes %v, want %d", first, w.queue.ids, second)
		}
		w.query = nil
		if got := w.execute(second); got.State != run.Committed {
			t.Errorf("the second run is %s: %+v", got.State, got.Failure)
		}
	})
}
