package plan_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/engine/sync/plan/plantest"
	"github.com/millrace/millrace/internal/value"
)

// Req: SY-39, SY-43, M-04, M-05, FLD-01, FLD-02, FLD-31
func TestConformance(t *testing.T) {
	t.Parallel()
	plantest.Test(t, open(plan.Options{MemoryLimit: 256 << 20, Threads: 2}))
}

// Keys that are compared part by part give the same plans.
//
// Req: SY-39, SY-43, FLD-17
func TestConformanceInPasses(t *testing.T) {
	t.Parallel()
	plantest.Histories(t, open(plan.Options{PassRows: 3, MemoryLimit: 256 << 20, Threads: 2}))
}

func open(o plan.Options) func(t testing.TB) plantest.Planner {
	engine := plan.New(o)
	return func(t testing.TB) plantest.Planner { return &planner{engine: engine, dir: t.TempDir()} }
}

// planner is a sync on the Basic engine. Everything that it remembers goes through JSON, as between
// processes, and every run has a folder of its own.
type planner struct {
	engine   *plan.Engine
	dir      string
	run      int
	baseline []byte
	staged   plan.Staged
	plan     plan.Plan
}

func (p *planner) folder(run int) string { return filepath.Join(p.dir, strconv.Itoa(run)) }

func (p *planner) old() *plan.Baseline {
	if p.baseline == nil {
		return nil
	}
	var b plan.Baseline
	if err := json.Unmarshal(p.baseline, &b); err != nil {
		panic(err)
	}
	return &b
}

// Plan stages and compares.
func (p *planner) Plan(ctx context.Context, model arrow.RecordBatch, s plantest.Settings) (plantest.Result, error) {
	p.run++
	dir := p.folder(p.run)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return plantest.Result{}, err
	}
	r, err := array.NewRecordReader(model.Schema(), []arrow.RecordBatch{model})
	if err != nil {
		return plantest.Result{}, err
	}
	defer r.Release()
	p.staged, err = p.engine.Stage(ctx, plan.StageInput{Reader: r, PrimaryKey: s.Key, Columns: s.Columns, Compare: s.Compare, Dir: dir})
	if err != nil {
		return plantest.Result{}, err
	}
	in := s.Input(p.staged, p.old(), dir)
	in.BaselineDir = p.folder(p.run - 1)
	planned, err := p.engine.Diff(ctx, in)
	if err != nil {
		return plantest.Result{}, err
	}
	if p.plan, err = plantest.Revived(planned); err != nil {
		return plantest.Result{}, err
	}
	return plantest.ResultOf(&p.plan)
}

// Settle hands the outcomes over as ranges of ordinals.
func (p *planner) Settle(ctx context.Context, outcome func(plantest.Row) string) error {
	ranges, err := plantest.Ranges(&p.plan, outcome)
	if err != nil {
		return err
	}
	b, err := p.engine.Settle(ctx, plan.SettleInput{
		Staged: p.staged, Plan: &p.plan, Old: p.old(), OldDir: p.folder(p.run - 1),
		Outcomes: plan.Sorted(ranges), Default: plan.Aborted, Dir: p.folder(p.run),
	})
	if err != nil {
		return err
	}
	p.baseline, err = json.Marshal(b)
	return err
}

// Settled reads the baseline.
func (p *planner) Settled(ctx context.Context) ([]plantest.Held, error) {
	b := p.old()
	var all []plantest.Held
	err := p.engine.Held(ctx, *b, p.folder(p.run), func(h plan.HeldRow) {
		held := plantest.Held{Key: h.Key, Dirty: h.Doubt}
		if h.Values != nil {
			held.Values = plantest.ByName(b.Schema, [][]value.Value{h.Values})[0]
		}
		held.Attempts = plantest.ByName(b.Schema, h.Attempts)
		all = append(all, held)
	})
	if err == nil && countHeld(all) != b.Rows {
		err = fmt.Errorf("the baseline says that it has %d rows and has %d", b.Rows, countHeld(all))
	}
	return all, err
}

func countHeld(all []plantest.Held) (n int64) {
	for _, h := range all {
		if h.Values != nil {
			n++
		}
	}
	return n
}
