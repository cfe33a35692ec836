package run

import (
	"context"
	"time"

	"github.com/millrace/millrace/internal/connector"
)

// Results knows folders that warehouses may write results into.
type Results interface {
	// Results returns an empty folder of a workspace; nil where no warehouse may write.
	Results(ctx context.Context, workspaceID int64, key string) (*connector.Results, error)
}

// resultsPrefix is the folder of what a warehouse writes for a run. It is below what is removed with the run's log, for
// files that a warehouse finished after nobody wanted them any more.
func (r Run) resultsPrefix() string { return r.logPrefix() + "/results" }

// results returns where the warehouse may write the result of a run; nil where it sends it.
func (b *basic) results(sourceType string) (*connector.Results, error) {
	if info, err := b.Registry.Source(sourceType); err != nil || !info.Results || b.Results == nil {
		return nil, err
	}
	to, err := b.Results.Results(b.drain, b.lease.run.WorkspaceID, b.lease.run.resultsPrefix())
	if err != nil || to == nil {
		return nil, err
	}
	to.Dir = b.dir
	return to, b.litter()
}

// clearTime is how long a store may take to remove the files of a result.
const clearTime = 2 * time.Minute

// clearResults removes what a warehouse wrote for the run, also of one that was stopped. What cannot be removed now goes
// with the run's log.
func (x *execution) clearResults() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), clearTime)
	defer cancel()
	if err := x.Storage.DeletePrefix(ctx, x.lease.run.WorkspaceID, x.lease.run.resultsPrefix()+"/"); err != nil {
		x.log.Warn("removing the files of a result", "error", err)
	}
}
