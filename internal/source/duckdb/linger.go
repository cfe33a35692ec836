package duckdb

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// linger is how long a database that wrote stays open for the next command: planning a run takes a dozen, and opening
// one costs more than most of them.
const linger = 200 * time.Millisecond

// writer keeps the database that wrote last open for a moment. While it is open nothing else of this process can read
// the file, which is why it does not stay.
type writer struct {
	turn *semaphore.Weighted // one command at a time

	mu     sync.Mutex // guards what follows; taken within a turn, or by the timer
	kept   *database
	closer *time.Timer
}

func newWriter() *writer { return &writer{turn: semaphore.NewWeighted(1)} }

// use runs f with an open database: the one that is kept, or one that open makes. After an error, in which a
// transaction may be left, and where keep is not asked for, the database is closed.
func (w *writer) use(ctx context.Context, keep bool, open func() (*database, error), f func(d *database) error) error {
	if err := w.turn.Acquire(ctx, 1); err != nil {
		return err
	}
	defer w.turn.Release(1)
	d := w.take()
	keep = keep || d != nil
	if d == nil {
		var err error
		if d, err = open(); err != nil {
			return err
		}
	}
	if err := f(d); err != nil || !keep {
		return errors.Join(err, d.close())
	}
	w.put(d)
	return nil
}

func (w *writer) take() *database {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closer != nil {
		w.closer.Stop()
	}
	d := w.kept
	w.kept = nil
	return d
}

func (w *writer) put(d *database) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept = d
	w.closer = time.AfterFunc(linger, func() {
		_ = w.close() //nolint:errcheck // nobody could act on it
	})
}

// busy reports whether a database is kept: what reads had better use it.
func (w *writer) busy() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kept != nil
}

// close ends the database that is kept.
func (w *writer) close() error {
	if d := w.take(); d != nil {
		return d.close()
	}
	return nil
}

// sub is a folder for one result within the database's own, which ends with its owner.
func (d *database) sub() (*database, error) {
	dir, err := os.MkdirTemp(d.dir, "result-*")
	return &database{dir: dir}, err
}
