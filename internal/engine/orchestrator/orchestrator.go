// Package orchestrator starts syncs and sequences when jobs of dbt Cloud or Fivetran have succeeded. The jobs of dbt
// Cloud are asked for, Fivetran's tell by a signed webhook. What is due goes through the timetable, so that skips,
// disabled schedules and runs under way are treated as with every other schedule.
package orchestrator

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/dbt/dbtcloud"
	"github.com/millrace/millrace/internal/engine/orchestrator/fivetran"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/orchestrator"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/signature"
	"github.com/uptrace/bun"
)

// actor is who reads documents here.
const actor = "millrace"

// Timetable starts what is due.
type Timetable interface {
	Wake(ctx context.Context, tx bun.Tx, workspaceID int64, kind string, documentID int64) error
}

// Options are what an engine needs.
type Options struct {
	DB        *db.DB
	Documents *resource.Store
	Timetable Timetable
	State     func(workspaceID, documentID int64) connector.State // where webhooks are remembered
	Network   connector.Network
	Public    func() string // the address by which Fivetran reaches this server
	Clock     clock.Clock
	Log       *slog.Logger
}

// Engine listens to orchestrators.
type Engine struct{ Options }

// New returns an engine.
func New(o Options) *Engine { return &Engine{o} }

// timed is a spec that has a schedule.
type timed interface {
	Timing() (s sync.Schedule, disabled bool)
}

// scheduled are the kinds with a schedule.
var scheduled = []string{"sync", "sequence"}

// waiting is a document that waits for jobs of an orchestrator.
type waiting struct {
	document resource.Document
	schedule sync.Schedule
}

// waiters lists the documents whose schedules name an orchestrator.
func (e *Engine) waiters(ctx context.Context, workspaceID int64, slug string) ([]waiting, error) {
	var all []waiting
	sc := resource.Scope{WorkspaceID: workspaceID, Actor: actor}
	for _, kind := range scheduled {
		if _, err := e.Documents.Kinds().Kind(kind); err != nil {
			continue
		}
		documents, _, err := e.Documents.List(ctx, sc, kind, resource.Filter{Refs: map[string]string{orchestrator.KindName: slug}})
		if err != nil {
			return nil, err
		}
		for _, d := range documents {
			s, _ := d.Spec.(timed).Timing() //nolint:forcetypeassert // both kinds have schedules
			if s.Waits() && s.After != nil && s.After.Orchestrator == slug {
				all = append(all, waiting{d, s})
			}
		}
	}
	return all, nil
}

// succeeded notes that a job succeeded, and makes those due that have waited for the last of theirs.
func (e *Engine) succeeded(ctx context.Context, workspaceID int64, slug, job string) error {
	all, err := e.waiters(ctx, workspaceID, slug)
	if err != nil {
		return err
	}
	return e.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return e.noteAll(ctx, tx, workspaceID, all, job) })
}

func (e *Engine) noteAll(ctx context.Context, tx bun.Tx, workspaceID int64, all []waiting, job string) error {
	for _, w := range all {
		if err := e.note(ctx, tx, workspaceID, w, job); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) note(ctx context.Context, tx bun.Tx, workspaceID int64, w waiting, job string) error {
	now := e.Clock.Now()
	named := map[string]bool{}
	for _, j := range w.schedule.After.Jobs {
		named[j] = true
	}
	if !named[job] || w.schedule.Start != nil && now.Before(*w.schedule.Start) || w.schedule.End != nil && now.After(*w.schedule.End) {
		return nil
	}
	if len(named) > 1 {
		all, err := e.allDone(ctx, tx, w.document.ID, named, job)
		if err != nil || !all {
			return err
		}
	}
	return e.Timetable.Wake(ctx, tx, workspaceID, w.document.Kind, w.document.ID)
}

// allDone notes that a job is done, and reports whether all are, which are then forgotten.
func (e *Engine) allDone(ctx context.Context, tx bun.Tx, documentID int64, named map[string]bool, job string) (bool, error) {
	_, err := tx.NewRaw("INSERT INTO schedule_waits (document_id, job, done_at) VALUES (?, ?, ?) ON CONFLICT (document_id, job) DO UPDATE SET done_at = excluded.done_at",
		documentID, job, clock.Millis(e.Clock.Now())).Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("noting a job: %w", err)
	}
	var done []string
	if err := tx.NewSelect().Table("schedule_waits").Column("job").Where("document_id = ?", documentID).Scan(ctx, &done); err != nil {
		return false, fmt.Errorf("reading the jobs that are done: %w", err)
	}
	for _, j := range done {
		delete(named, j)
	}
	if len(named) > 0 {
		return false, nil
	}
	if _, err := tx.NewDelete().Table("schedule_waits").Where("document_id = ?", documentID).Exec(ctx); err != nil {
		return false, fmt.Errorf("forgetting the jobs that are done: %w", err)
	}
	return true, nil
}

// Done lists the jobs of a document's schedule that have succeeded while it waits for others.
func (e *Engine) Done(ctx context.Context, documentID int64) ([]string, error) {
	done := []string{}
	if err := e.DB.NewSelect().Table("schedule_waits").Column("job").Where("document_id = ?", documentID).Order("job").Scan(ctx, &done); err != nil {
		return nil, fmt.Errorf("reading the jobs that are done: %w", err)
	}
	return done, nil
}

// cloud asks the dbt Cloud of an orchestrator.
func (e *Engine) cloud(s *orchestrator.Spec) dbtcloud.Client {
	c := s.Settings()
	return dbtcloud.Client{Base: c.Text("baseUrl"), Token: c.Text("token"), Account: c.Text("accountId"), Transport: e.Network.Transport()}
}

func (e *Engine) fivetran(s *orchestrator.Spec) fivetran.Client {
	c := s.Settings()
	return fivetran.Client{Base: c.Text("baseUrl"), Key: c.Text("apiKey"), Secret: c.Text("apiSecret"), Transport: e.Network.Transport()}
}

// resolved returns an orchestrator with its secrets.
func (e *Engine) resolved(ctx context.Context, workspaceID int64, slug string) (resource.Document, *orchestrator.Spec, error) {
	d, err := e.Documents.Resolve(ctx, resource.Scope{WorkspaceID: workspaceID, Actor: actor}, orchestrator.KindName, slug)
	if err != nil {
		return d, nil, err
	}
	return d, d.Spec.(*orchestrator.Spec), nil //nolint:forcetypeassert // the kind's own spec
}

// Job is something that a schedule can wait for.
type Job struct {
	ID    string
	Label string
}

// Jobs lists what schedules can wait for.
func (e *Engine) Jobs(ctx context.Context, workspaceID int64, slug string) ([]Job, error) {
	_, spec, err := e.resolved(ctx, workspaceID, slug)
	if err != nil {
		return nil, err
	}
	all := []Job{}
	if spec.Type == orchestrator.Fivetran {
		jobs, err := e.fivetran(spec).Jobs(ctx)
		for _, j := range jobs {
			all = append(all, Job(j))
		}
		return all, err
	}
	jobs, err := e.cloud(spec).Jobs(ctx)
	for _, j := range jobs {
		all = append(all, Job{strconv.FormatInt(j.ID, 10), j.Name})
	}
	return all, err
}

// recentRuns is how many runs of a job are looked at.
const recentRuns = 20

// Sweep asks dbt Cloud for the runs of every job that a schedule waits for.
func (e *Engine) Sweep(ctx context.Context) {
	var rows []struct {
		WorkspaceID int64  `bun:"workspace_id"`
		Slug        string `bun:"slug"`
	}
	err := e.DB.NewSelect().Table("documents").Column("workspace_id", "slug").Where("kind = ?", orchestrator.KindName).Order("id").Scan(ctx, &rows)
	if err != nil && ctx.Err() == nil {
		e.Log.Error("looking for orchestrators", "error", err)
	}
	for _, row := range rows {
		if err := e.poll(ctx, row.WorkspaceID, row.Slug); err != nil && ctx.Err() == nil {
			e.Log.Warn("asking an orchestrator", "workspace", row.WorkspaceID, "orchestrator", row.Slug, "code", fault.As(err).Code)
		}
	}
}

// poll asks for the runs of an orchestrator's jobs. Fivetran tells by itself.
func (e *Engine) poll(ctx context.Context, workspaceID int64, slug string) error {
	all, err := e.waiters(ctx, workspaceID, slug)
	if err != nil || len(all) == 0 {
		return err
	}
	d, spec, err := e.resolved(ctx, workspaceID, slug)
	if err != nil || spec.Type != orchestrator.DBTCloud {
		return err
	}
	jobs := map[string]bool{}
	for _, w := range all {
		for _, j := range w.schedule.After.Jobs {
			jobs[j] = true
		}
	}
	var failed error
	for job := range jobs {
		runs, err := e.cloud(spec).Runs(ctx, job, recentRuns)
		if err == nil {
			err = e.take(ctx, workspaceID, d, all, job, runs)
		}
		if err == nil {
			continue
		}
		failed = err
		if err := e.keepFailure(ctx, d.ID, job, err); err != nil {
			return err
		}
	}
	return failed
}

// jobRow is a row of orchestrator_jobs.
type jobRow struct {
	bun.BaseModel `bun:"table:orchestrator_jobs,alias:j"`

	OrchestratorID int64  `bun:"orchestrator_id,pk"`
	Job            string `bun:"job,pk"`
	Seen           int64  `bun:"seen"`
	CheckedAt      int64  `bun:"checked_at"`
	Failure        string `bun:"failure"`
}

// unseen is the mark of a job that could not be asked for yet.
const unseen = -1

// take notes the runs of a job that have ended since the last look. What ended before the first look starts nothing,
// and neither does a run that failed (DBT-07). Several that succeeded start what waits for them once. What is seen and
// what is started are one transaction, so that no success is lost, and none counts twice.
func (e *Engine) take(ctx context.Context, workspaceID int64, d resource.Document, all []waiting, job string, runs []dbtcloud.Run) error {
	return e.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		row, err := e.jobRow(ctx, tx, d.ID, job)
		if err != nil {
			return err
		}
		newest, success := max(row.Seen, 0), false
		for _, r := range runs {
			if r.Over() && r.ID > row.Seen {
				newest, success = max(newest, r.ID), success || r.Status == dbtcloud.StatusSuccess
			}
		}
		first := row.Seen == unseen
		row.Seen, row.CheckedAt, row.Failure = newest, clock.Millis(e.Clock.Now()), ""
		if _, err := tx.NewUpdate().Model(&row).WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("noting the runs of a job: %w", err)
		}
		if first || !success {
			return nil
		}
		return e.noteAll(ctx, tx, workspaceID, all, job)
	})
}

// jobRow returns what is known of a job, and keeps others from changing it.
func (e *Engine) jobRow(ctx context.Context, tx bun.Tx, id int64, job string) (jobRow, error) {
	fresh := &jobRow{OrchestratorID: id, Job: job, Seen: unseen}
	if _, err := tx.NewInsert().Model(fresh).On("CONFLICT (orchestrator_id, job) DO NOTHING").Exec(ctx); err != nil {
		return jobRow{}, fmt.Errorf("reading the runs of a job: %w", err)
	}
	row := jobRow{OrchestratorID: id, Job: job}
	q := tx.NewSelect().Model(&row).WherePK()
	if e.DB.IsPostgres() {
		q.For("UPDATE")
	}
	if err := q.Scan(ctx); err != nil {
		return row, fmt.Errorf("reading the runs of a job: %w", err)
	}
	return row, nil
}

// keepFailure remembers why a job could not be asked for.
func (e *Engine) keepFailure(ctx context.Context, id int64, job string, cause error) error {
	return e.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		row, err := e.jobRow(ctx, tx, id, job)
		if err != nil {
			return err
		}
		row.CheckedAt, row.Failure = clock.Millis(e.Clock.Now()), cause.Error()
		if _, err := tx.NewUpdate().Model(&row).WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("noting why a job could not be asked for: %w", err)
		}
		return nil
	})
}

// webhook is what is remembered of a webhook.
type webhook struct {
	ID      string `json:"id"`
	Secret  string `json:"secret"`
	Address string `json:"address"`
}

// webhookKey is where the state holds it.
const webhookKey = "webhook"

// SignatureHeader holds the signature of what Fivetran sends.
const SignatureHeader = fivetran.SignatureHeader

// HookPath is the path that Fivetran's webhooks call.
func HookPath(workspaceID int64, uuid string) string {
	return fmt.Sprintf("/api/hooks/fivetran/%d/%s", workspaceID, uuid)
}

// Connect proves an orchestrator's key, and makes the webhook that Fivetran tells by. It returns the webhook's ID. An
// earlier webhook is removed.
func (e *Engine) Connect(ctx context.Context, workspaceID int64, slug string) (string, error) {
	d, spec, err := e.resolved(ctx, workspaceID, slug)
	if err != nil {
		return "", err
	}
	if spec.Type == orchestrator.DBTCloud {
		_, err := e.cloud(spec).Jobs(ctx)
		return "", err
	}
	client, state := e.fivetran(spec), e.State(workspaceID, d.ID)
	before, err := e.webhook(ctx, workspaceID, d.ID)
	if err != nil {
		return "", err
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return "", fault.Wrap(err, fault.CodeSecret, "making a secret")
	}
	w := webhook{Secret: hex.EncodeToString(secret), Address: e.Public() + HookPath(workspaceID, d.UUID)}
	if err := keep(ctx, state, w); err != nil { // before it is made: Fivetran tries the address at once
		return "", err
	}
	if w.ID, err = client.Webhook(ctx, w.Address, w.Secret); err != nil {
		_ = keep(ctx, state, before) //nolint:errcheck // the first error says more
		return "", err
	}
	if err := keep(ctx, state, w); err != nil {
		return "", err
	}
	if before.ID != "" {
		err = client.Remove(ctx, before.ID)
	}
	return w.ID, err
}

func keep(ctx context.Context, s connector.State, w webhook) error {
	text, err := json.Marshal(w) //nolint:gosec // the state seals it
	if err != nil {
		return fmt.Errorf("encoding a webhook: %w", err)
	}
	_, err = s.Update(ctx, webhookKey, func(context.Context, string) (string, error) { return string(text), nil })
	return err
}

func (e *Engine) webhook(ctx context.Context, workspaceID, id int64) (w webhook, err error) {
	text, found, err := e.State(workspaceID, id).Load(ctx, webhookKey)
	if err != nil || !found {
		return w, err
	}
	if err := json.Unmarshal([]byte(text), &w); err != nil {
		return w, fmt.Errorf("reading a webhook: %w", err)
	}
	return w, nil
}

// Status is how an orchestrator stands.
type Status struct {
	Webhook string    // the ID of Fivetran's; empty: it is not connected
	Checked time.Time // when dbt Cloud was last asked
	Failure string    // why that failed
}

// Look returns how an orchestrator stands.
func (e *Engine) Look(ctx context.Context, workspaceID int64, d resource.Document) (s Status, err error) {
	if d.Spec.(*orchestrator.Spec).Type == orchestrator.Fivetran { //nolint:forcetypeassert // the kind's own spec
		w, err := e.webhook(ctx, workspaceID, d.ID)
		return Status{Webhook: w.ID}, err
	}
	var rows []jobRow
	if err := e.DB.NewSelect().Model(&rows).Where("orchestrator_id = ?", d.ID).Order("checked_at DESC").Scan(ctx); err != nil {
		return s, fmt.Errorf("reading the jobs of an orchestrator: %w", err)
	}
	for i, row := range rows {
		if i == 0 {
			s.Checked = clock.FromMillis(row.CheckedAt)
		}
		if row.Failure != "" {
			s.Failure = row.Failure
		}
	}
	return s, nil
}

// Hear takes what a webhook of Fivetran sends. What is not signed with the secret that it was made with is refused.
func (e *Engine) Hear(ctx context.Context, workspaceID int64, uuid string, body []byte, given string) error {
	refused := fault.New(fault.CodeSignature, "the signature is not that of this webhook")
	d, err := e.Documents.GetByUUID(ctx, resource.Scope{WorkspaceID: workspaceID, Actor: actor}, orchestrator.KindName, uuid)
	if fault.Is(err, fault.CodeNotFound) {
		return refused // who does not know a secret does not learn what there is
	}
	if err != nil {
		return err
	}
	w, err := e.webhook(ctx, workspaceID, d.ID)
	if err != nil {
		return err
	}
	if !signature.Signed(w.Secret, body, given) {
		return refused
	}
	event, ok, err := fivetran.Read(body)
	if err != nil || !ok || !event.Success {
		return err
	}
	return e.succeeded(ctx, workspaceID, d.Slug, event.Job)
}
