package app

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/millrace/millrace/internal/engine/monitor"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/jobs"
	kindmonitor "github.com/millrace/millrace/internal/kind/monitor"
	"github.com/millrace/millrace/internal/resource"
	"github.com/uptrace/bun"
)

// reportTick is how often a process asks whether there are reports for monitors.
const reportTick = time.Second

// openMonitors makes what keeps reports for monitors. Runs that end leave them.
func (p *process) openMonitors() {
	p.monitors = monitor.NewStore(p.db, p.clock)
	p.runs.OnEnd(func(ctx context.Context, tx bun.Tx, r run.Run) error {
		if !r.State.Telling() { // another run goes on with it
			return nil
		}
		return p.monitors.Note(ctx, tx, r.WorkspaceID, func(ctx context.Context, tx bun.Tx) (monitor.Report, error) {
			return report(ctx, tx, r)
		})
	})
	p.documents.OnDelete(func(ctx context.Context, tx bun.Tx, _ resource.Scope, d resource.Document) error {
		if d.Kind != kindmonitor.KindName {
			return nil
		}
		return p.monitors.Forget(ctx, tx, d.ID)
	})
}

// startMonitors begins to send reports, whose links begin with the base URL. What it returns stops it.
func (p *process) startMonitors(ctx context.Context, base string) (stop func(), err error) {
	p.datadog, err = monitor.NewDatadog(monitor.Options{Network: networkOf(p.Config), Public: base, Clock: p.clock})
	if err != nil {
		return nil, err
	}
	d := &monitor.Dispatcher{Store: p.monitors, Monitors: monitors{p.documents}, Sender: p.datadog, Log: p.log}
	return jobs.StartLoop(context.WithoutCancel(ctx), reportTick, d.Sweep).Stop, nil
}

// report says how a run went.
func report(ctx context.Context, tx bun.Tx, r run.Run) (monitor.Report, error) {
	var names struct {
		Workspace string `bun:"workspace"`
		Name      string `bun:"name"`
	}
	err := tx.NewSelect().TableExpr("documents AS d").Join("JOIN workspaces AS w ON w.id = d.workspace_id").ColumnExpr("w.slug AS workspace, d.name AS name").
		Where("d.id = ?", r.SyncID).Scan(ctx, &names)
	if err != nil { // the sync was deleted meanwhile
		names.Name = r.SyncSlug
	}
	words := r.Words()
	query, execution := r.Durations()
	m := monitor.Report{
		Workspace: names.Workspace, Sync: r.SyncSlug, Name: names.Name, Run: r.ID, Status: words.Metric, EndedAt: r.FinishedAt, Query: query, Execution: execution,
		Words: fmt.Sprintf("%s: %d rows arrived, %d were refused.", words.Run, r.Counts.Succeeded.Total(), r.Counts.Failed.Total()),
		Path:  fmt.Sprintf("/syncs/%s/runs/%d", r.SyncSlug, r.ID), Rows: reported(r.Counts),
	}
	if r.Failure != nil {
		m.Words += " " + r.Failure.Message
	}
	return m, nil
}

// reported lists the rows of a run that had an answer.
func reported(c run.Counts) []monitor.Rows {
	var all []monitor.Rows
	for _, x := range []struct {
		success bool
		counts  run.OpCounts
	}{{true, c.Succeeded}, {false, c.Failed}} {
		for op, n := range map[string]int64{"added": x.counts.Added, "changed": x.counts.Changed, "removed": x.counts.Removed} {
			if n > 0 {
				all = append(all, monitor.Rows{Operation: op, Success: x.success, Count: n})
			}
		}
	}
	return all
}

// workspaceSlug names a workspace in metrics; an unknown one by its number.
func (p *process) workspaceSlug(id int64) string {
	if slug, ok := p.slugs.Load(id); ok {
		return slug.(string) //nolint:forcetypeassert // stored below
	}
	var slug string
	if err := p.db.NewSelect().Table("workspaces").Column("slug").Where("id = ?", id).Scan(context.Background(), &slug); err != nil {
		return strconv.FormatInt(id, 10)
	}
	p.slugs.Store(id, slug)
	return slug
}

// monitors reads monitors for sending.
type monitors struct{ store *resource.Store }

var _ monitor.Monitors = monitors{}

// Monitor returns a monitor with its secrets in place.
func (m monitors) Monitor(ctx context.Context, workspaceID, id int64) (kindmonitor.Spec, error) {
	scope := resource.Scope{WorkspaceID: workspaceID, Actor: engineActor}
	d, err := m.store.GetByID(ctx, scope, kindmonitor.KindName, id)
	if err != nil {
		return kindmonitor.Spec{}, err
	}
	if d, err = m.store.Resolve(ctx, scope, kindmonitor.KindName, d.Slug); err != nil {
		return kindmonitor.Spec{}, err
	}
	return *d.Spec.(*kindmonitor.Spec), nil //nolint:forcetypeassert // the kind's own spec
}
