package run_test

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
)

// stored lists the objects of the workspace that have the text in their name.
func (w *world) stored(part string) []string {
	w.t.Helper()
	root := filepath.Join(w.dir, "storage")
	var all []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(path, part) {
			all = append(all, strings.TrimPrefix(path, root))
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// What is kept of rows, requests and answers goes when its time is over, a run's at a time; what the sync must
// remember stays.
//
// Req: SY-68, SY-73
func TestRowsAndRequestsAreKeptForSevenDays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		readable := func(id int64) bool {
			rows, _, err := w.engine.Rows(t.Context(), workspace, id, run.RowQuery{Limit: 10})
			exchanges, xerr := w.engine.Exchanges(t.Context(), workspace, id, 0)
			if (err == nil) != (xerr == nil) || err == nil && (len(rows) == 0 || len(exchanges) == 0) {
				t.Errorf("run %d: rows %d, %v; exchanges %d, %v", id, len(rows), err, len(exchanges), xerr)
			}
			if err != nil && (!fault.Is(err, fault.CodeNotFound) || !strings.Contains(fault.As(err).Hint(), "7 days")) {
				t.Errorf("run %d: %v", id, err)
			}
			return err == nil
		}
		expire := func() int {
			n, err := w.engine.Expire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		w.rows = []row{r("1", "Ann", 1)}
		first := w.run(run.Options{})
		w.clock.Advance(24 * time.Hour)
		w.rows = []row{r("1", "Anna", 1)}
		second := w.run(run.Options{})

		w.clock.Advance(6*24*time.Hour - time.Second)
		if n := expire(); n != 0 || !readable(first.ID) || !readable(second.ID) {
			t.Errorf("%d runs were cleaned before their time", n)
		}
		w.clock.Advance(2 * time.Second)
		if readable(first.ID) || !readable(second.ID) {
			t.Error("what is over is shown until it is cleaned, or too much is over")
		}
		if n := expire(); n != 1 || readable(first.ID) || !readable(second.ID) {
			t.Errorf("%d runs were cleaned, want the first", n)
		}
		w.clock.Advance(24 * time.Hour)
		if n := expire(); n != 1 || expire() != 0 {
			t.Errorf("%d runs were cleaned, want the second", n)
		}
		if left := w.stored("/runs/"); len(left) != 0 {
			t.Errorf("left are %v", left)
		}
		if n, err := w.db.NewSelect().Table("run_segments").Count(t.Context()); err != nil || n != 0 {
			t.Errorf("%d entries are left in the index, %v", n, err)
		}
		if len(w.stored("/baseline/")) == 0 {
			t.Error("the baseline is gone")
		}
		if c := w.run(run.Options{}).Counts; c.Unchanged != 1 || c.Planned.Total() != 0 {
			t.Errorf("the sync has forgotten what it sent: %+v", c)
		}
	})
}
