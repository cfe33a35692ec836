package run

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/fault"
)

// baseline is what was settled last, in storage.
type baseline struct {
	plan.Baseline

	Prefix  string    `json:"prefix"` // of its objects
	RunID   int64     `json:"runId"`
	Settled time.Time `json:"settled"`
	Doubts  string    `json:"doubts,omitempty"` // the object that lists the batches without an answer; empty: every batch has one

	Place   int64     `json:"place,omitempty"`  // Place.ID of the storage that the objects are in
	Expired time.Time `json:"expired,omitzero"` // when it was removed because no run used it
	Lost    bool      `json:"lost,omitempty"`   // the last run was given up: nothing is known

	Previous *plan.Tables `json:"previous,omitempty"` // the pair before, which a warehouse keeps as well (SY-49)
}

// inWarehouse reports whether tables of the warehouse hold it, and no objects.
func (b *baseline) inWarehouse() bool { return b.Tables != nil }

// names lists the objects below the prefix.
func (b *baseline) names() []string {
	names := append([]string(nil), b.Files...)
	if b.Overlay != "" {
		names = append(names, b.Overlay)
	}
	return names
}

// readBaseline reads sync_state.baseline; empty text means that nothing was settled.
func readBaseline(text string) (*baseline, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // nothing settled is an ordinary state
	}
	var b baseline
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		return nil, fault.Wrap(err, fault.CodeRunBaseline, "reading what was synced before")
	}
	return &b, nil
}

// fetch downloads objects below a prefix into a folder.
func (x *execution) fetch(dir, prefix string, names []string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.Disk(err, "making a folder")
	}
	for _, name := range names {
		if err := x.Storage.Download(x.ctx, x.lease.run.WorkspaceID, prefix+"/"+name, filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("fetching %s: %w", name, err)
		}
	}
	return nil
}
