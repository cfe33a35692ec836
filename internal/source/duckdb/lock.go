package duckdb

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// everybody is more than there are readers of one file at a time.
const everybody = 1 << 20

// locks keep the databases of this process that write a file from those that read it. DuckDB's own lock, which the
// operating system holds for a process, keeps only other processes out.
var locks sync.Map // from path to *semaphore.Weighted

// lock waits until a file may be opened for the access, and returns what gives it back.
func lock(ctx context.Context, path, access string) (func(), error) {
	known, _ := locks.LoadOrStore(resolve(path), semaphore.NewWeighted(everybody))
	s := known.(*semaphore.Weighted) //nolint:forcetypeassert // stored above
	share := int64(1)
	if access == toWrite {
		share = everybody
	}
	if err := s.Acquire(ctx, share); err != nil {
		return nil, err
	}
	return sync.OnceFunc(func() { s.Release(share) }), nil
}
