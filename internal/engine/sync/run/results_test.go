package run_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/engine/sync/run"
)

// bucket gives warehouses a folder of the world's storage.
type bucket struct{ *world }

func (b bucket) Results(_ context.Context, ws int64, key string) (*connector.Results, error) {
	return &connector.Results{Bucket: "bucket", Prefix: b.storage.(mortal).path(ws, key)}, nil
}

// mortal is storage that a dead process cannot reach.
type mortal struct {
	folder

	dead *bool
}

func (m mortal) DeletePrefix(ctx context.Context, ws int64, prefix string) error {
	if *m.dead {
		return errCrash
	}
	return m.folder.DeletePrefix(ctx, ws, prefix)
}

// warehouse is a world whose source leaves a file in the bucket.
func warehouse(t *testing.T, d *db.DB) (w *world, dead *bool) {
	t.Helper()
	w, dead = newWorld(t, d), new(bool)
	w.storage = mortal{folder(filepath.Join(w.dir, "storage")), dead}
	w.bucket = bucket{w}
	w.rows = []row{r("1", "Ada", 1)}
	w.write = func(_ context.Context, q connector.Query) error {
		if err := os.MkdirAll(q.Results.Prefix, 0o700); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(q.Results.Prefix, "0.parquet"), []byte("ada@example.com"), 0o600)
	}
	w.restart()
	return w, dead
}

// left are the files of results that are in storage.
func (w *world) left() (files []string) {
	for _, path := range w.stored("/results/") {
		files = append(files, filepath.Base(path))
	}
	return files
}

// Whatever becomes of a run, the files that the warehouse wrote for it are removed: after it, after its failure, after it was
// cancelled, and after the death of its worker. What a run asks is of the class of runs.
//
// Req: S-51, S-80, S-89
func TestResultsAreRemoved(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, dead := warehouse(t, d)
		write := w.write
		seen := 0
		w.write = func(ctx context.Context, q connector.Query) error {
			if q.Results.Dir == "" || !strings.Contains(q.Results.Prefix, "/runs/") || q.Class != connector.WorkloadBatch {
				t.Errorf("the warehouse gets %+v for %+v", q.Results, q)
			}
			err := write(ctx, q)
			seen += len(w.left())
			return err
		}
		if got := w.run(run.Options{}); got.State != run.Committed || seen != 1 || len(w.left()) != 0 {
			t.Errorf("%s after %d files; left are %v", got.State, seen, w.left())
		}
		w.write = func(ctx context.Context, q connector.Query) error {
			return errors.Join(write(ctx, q), errors.New("the warehouse is tired"))
		}
		if got := w.run(run.Options{}); got.State != run.Failed || len(w.left()) != 0 {
			t.Errorf("%s; left are %v", got.State, w.left())
		}
		id := w.trigger()
		w.write = func(ctx context.Context, q connector.Query) error {
			if err := write(ctx, q); err != nil {
				return err
			}
			if _, err := w.store.Cancel(t.Context(), workspace, id); err != nil {
				return err
			}
			<-ctx.Done()
			return context.Cause(ctx)
		}
		if got := w.execute(id); got.State != run.Cancelled || len(w.left()) != 0 {
			t.Errorf("%s; left are %v", got.State, w.left())
		}
		id = w.trigger()
		w.write = func(ctx context.Context, q connector.Query) error {
			*dead = true
			if err := write(ctx, q); err != nil {
				return err
			}
			panic(errCrash)
		}
		if !w.crash(id, "", 0, false) || len(w.left()) != 1 {
			t.Fatalf("the dead process left %v", w.left())
		}
		*dead, w.write = false, write
		w.recover()
		if got := w.get(id); got.State != run.Interrupted || len(w.left()) != 0 {
			t.Errorf("%s; left are %v", got.State, w.left())
		}
		w.checkTarget(w.model())
	})
}
