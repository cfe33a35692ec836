package lightning

import (
	"context"
	"slices"

	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/query"
)

// Forget drops what the sync's runs up to this one left in the planner schema, except for the tables of keep. It is
// called when the run is over, with the pairs that count: later runs may be making theirs already.
func (p *Planner) Forget(ctx context.Context, keep ...*plan.Tables) error {
	var kept []string
	for _, t := range keep {
		if t != nil {
			kept = append(kept, t.Plan.Name, t.Rejections.Name)
		}
	}
	names, err := p.warehouse.OwnTables(ctx, p.schema, p.run.prefix())
	if err != nil {
		return failure(ctx, err, "looking for old tables")
	}
	var old []query.TableRef
	for _, name := range names {
		if id, ours := p.run.runOf(name); ours && id <= p.run.ID && !slices.Contains(kept, name) {
			old = append(old, query.TableRef{Schema: p.schema, Name: name})
		}
	}
	if len(old) == 0 {
		return nil
	}
	return failure(ctx, p.drop(ctx, old...), "dropping old tables")
}
