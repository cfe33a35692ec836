package api

import (
	"fmt"
	"testing"

	"github.com/millrace/millrace/internal/engine/sync/run"
)

// Clients wait until every planned row is accounted for, whatever became of it; a run that failed or was
// cancelled is over all the same.
//
// Req: API-01
func TestEndedRunsAddUp(t *testing.T) {
	t.Parallel()
	counts := run.Counts{
		Planned: run.OpCounts{Added: 3, Changed: 2, Removed: 1}, Succeeded: run.OpCounts{Added: 1, Changed: 2},
		Failed: run.OpCounts{Added: 1}, Aborted: run.OpCounts{Added: 1, Removed: 1},
	}
	for state, want := range map[run.State]string{
		run.Committed: "map[addedCount:2 changedCount:0 removedCount:1]", run.Cancelled: "map[addedCount:1 changedCount:0 removedCount:0]",
	} {
		if got := fmt.Sprint(v1Run(run.Run{State: state, Counts: counts})["failedRows"]); got != want {
			t.Errorf("%s: failed are %s, want %s", state, got, want)
		}
	}
}
