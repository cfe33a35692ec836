package run

import (
	"testing"

	"github.com/millrace/millrace/internal/connector"
)

// What each mode does with each delete behaviour.
//
// Req: SY-15, SY-18, SY-19, SY-75
func TestRulesOf(t *testing.T) {
	t.Parallel()
	const nothing, clears, deletes = connector.DeleteNothing, connector.DeleteClear, connector.DeleteRecord
	tests := []struct {
		mode                    connector.Mode
		delete                  connector.DeleteBehavior
		added, changed, removed bool
		everyRow                bool
	}{
		{connector.ModeInsert, nothing, true, false, false, false},
		{connector.ModeInsert, deletes, true, false, true, false},
		{connector.ModeUpdate, "", true, true, false, false},
		{connector.ModeUpdate, nothing, true, true, false, false},
		{connector.ModeUpdate, clears, true, true, true, false},
		{connector.ModeUpdate, deletes, true, true, true, false},
		{connector.ModeUpsert, "", true, true, false, false},
		{connector.ModeUpsert, nothing, true, true, false, false},
		{connector.ModeUpsert, clears, true, true, true, false},
		{connector.ModeUpsert, deletes, true, true, true, false},
		{connector.ModeAdd, nothing, true, true, false, false},
		{connector.ModeAdd, deletes, true, true, true, false},
		{connector.ModeRemove, nothing, true, false, false, false},
		{connector.ModeDiff, "", true, true, true, false},
		{connector.ModeTrigger, "", true, true, true, false},
		{connector.ModeAll, "", true, false, false, true},
		{connector.ModeAll, deletes, true, false, false, true},
		{connector.ModeSnapshot, "", true, false, false, true},
		{connector.ModeArchive, nothing, true, false, false, true},
	}
	for _, tt := range tests {
		r := rulesOf(tt.mode, tt.delete)
		if r.acts[connector.Added] != tt.added || r.acts[connector.Changed] != tt.changed || r.acts[connector.Removed] != tt.removed || r.everyRow != tt.everyRow {
			t.Errorf("%s, %q: %+v, want %+v", tt.mode, tt.delete, r, tt)
		}
		if only := r.only([]connector.Operation{connector.Changed}); only.acts[connector.Added] || only.acts[connector.Changed] != tt.changed || only.acts[connector.Removed] {
			t.Errorf("%s, %q for a destination that acts on changes alone: %+v", tt.mode, tt.delete, only)
		}
	}
}
