package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/test/services"
)

// sequenceView is what these tests read of a sequence's run.
type sequenceView struct {
	ID    int64
	State string
	Steps []struct {
		Sync     struct{ Slug string }
		State    string
		RunID    *int64
		Rejected int64
	}
	Error *struct{ Code, Message string }
}

func (v sequenceView) over() bool {
	return v.State == "done" || v.State == "failed" || v.State == "cancelled"
}

func (v sequenceView) states() []string {
	all := make([]string, len(v.Steps))
	for i, s := range v.Steps {
		all[i] = s.State
	}
	return all
}

// sequence adds a second sync of the same people, and a sequence of both.
func (w *world) sequence(steps ...map[string]any) {
	w.t.Helper()
	var d struct{ Spec map[string]any }
	w.server.must(http.MethodGet, "/api/syncs/"+crashSync, nil, &d)
	document := func(kind, slug string, spec map[string]any) map[string]any {
		return map[string]any{"kind": kind, "metadata": map[string]any{"slug": slug, "name": slug}, "spec": spec}
	}
	w.server.must(http.MethodPost, "/api/apply", map[string]any{"documents": []any{
		document("sync", "again", d.Spec),
		document("sequence", "both", map[string]any{"steps": steps, "schedule": map[string]any{"type": "manual"}, "disabled": false}),
	}}, nil)
}

func (p *process) triggerSequence() sequenceView {
	p.t.Helper()
	var made struct{ Run sequenceView }
	p.must(http.MethodPost, "/api/sequences/both/trigger", nil, &made)
	return made.Run
}

// settleSequence waits until a run of a sequence is over.
func (p *process) settleSequence(id int64) sequenceView {
	p.t.Helper()
	var v sequenceView
	err := until(p.t.Context(), 2*time.Minute, func() (bool, error) {
		err := p.call(http.MethodGet, fmt.Sprintf("/api/sequence-runs/%d", id), nil, &v)
		return v.over(), err
	})
	if err != nil {
		p.t.Fatalf("run %d: %v: %+v\n%s", id, err, v, p.log)
	}
	return v
}

// The process is killed before and after each transaction that moves a sequence on, and while its syncs run. After the
// restart the sequence goes on where it was: every step has exactly one run, or the runs that continue it.
//
// Req: SY-86, SY-88, FLD-03
func TestKillSequence(t *testing.T) {
	t.Parallel()
	databases := map[string][]string{"sqlite": nil, "postgres": {"MILLRACE_DATABASE_URL=" + services.Postgres(t), "MILLRACE_LEASE_TIME=1s"}}
	for name, env := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, http.MethodPut, env...)
			w.sequence(map[string]any{"sync": crashSync}, map[string]any{"sync": "again", "terminate": "fatal"}, map[string]any{"sync": crashSync, "terminate": "never"})
			for _, point := range []string{"sequence-step:1", "sequence-step:2", "sequence-step:3", "sequence-step:4", "sequence-stepped:1", "sequence-stepped:2", "sequence-stepped:3", "delivering:1", "committed:2"} {
				w.change()
				before := map[string]int{crashSync: len(w.server.runs(crashSync)), "again": len(w.server.runs("again"))}
				w.server.kill()
				w.restart("MILLRACE_FAILPOINT=kill:" + point)
				id := w.server.triggerSequence().ID
				if err := until(t.Context(), time.Minute, func() (bool, error) { return w.server.ended(), nil }); err != nil {
					t.Fatalf("the sequence did not pass %s: %v\n%s", point, err, w.server.log)
				}
				w.server.kill()
				w.restart()
				v := w.server.settleSequence(id)
				if v.State != "done" || !slices.Equal(v.states(), []string{"success", "success", "success"}) {
					t.Errorf("%s: %+v", point, v)
				}
				for sync, want := range map[string]int{crashSync: 2, "again": 1} {
					got := 0
					for _, r := range w.server.runs(sync)[:len(w.server.runs(sync))-before[sync]] {
						if r.State != "interrupted" {
							got++
						}
					}
					if got != want {
						t.Errorf("%s: %s ran %d times, want %d", point, sync, got, want)
					}
				}
			}
			w.check()
		})
	}
}

// Two workers and an API of their own share a sequence. A second trigger waits, a fatal step ends it, and cancelling
// stops the run of the sync.
//
// Req: SY-86, SY-87
func TestSequenceOverWorkers(t *testing.T) {
	t.Parallel()
	shared := []string{
		"MILLRACE_DATABASE_URL=" + services.Postgres(t), "MILLRACE_STORAGE_URL=file://" + t.TempDir(),
		"MILLRACE_ENCRYPTION_KEY=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
	}
	with := func(role string) []string {
		return append([]string{"MILLRACE_HOME=" + t.TempDir(), "MILLRACE_ROLES=" + role}, shared...)
	}
	w := &world{t: t, people: &people{dir: t.TempDir(), rows: map[int]int{1: 1, 2: 1}}, receiver: newReceiver(t)}
	w.people.save(t)
	w.server = start(t, with("api")...)
	w.configure(http.MethodPut)
	w.sequence(map[string]any{"sync": crashSync}, map[string]any{"sync": "again"})
	first, second, third := w.server.triggerSequence(), w.server.triggerSequence(), w.server.triggerSequence()
	if first.ID != second.ID || third.ID != second.ID {
		t.Errorf("without a worker one run waits: %d, %d, %d", first.ID, second.ID, third.ID)
	}
	start(t, with("worker")...)
	start(t, with("worker")...)
	if v := w.server.settleSequence(first.ID); v.State != "done" {
		t.Errorf("%+v", v)
	}
	w.receiver.mu.Lock()
	w.receiver.refuse = func(id string) bool { return id == "3" }
	w.receiver.mu.Unlock()
	w.people.rows[3] = 1
	w.people.save(t)
	v := w.server.settleSequence(w.server.triggerSequence().ID)
	if v.State != "failed" || !slices.Equal(v.states(), []string{"warning", "skipped"}) || v.Steps[0].Rejected != 1 || v.Error == nil || v.Error.Code != "sequence.stopped" {
		t.Errorf("%+v %+v", v, v.Error)
	}
}

// The verbs of the command line on sequences.
//
// Req: SY-86, SY-88
func TestSequenceCommands(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := start(t, "MILLRACE_HOME="+t.TempDir())
	write(t, filepath.Join(data, "orders.csv"), "id,total\n1,10\n2,20\n")
	documents := shop(data, "SELECT id, total FROM orders") + `
---
kind: sequence
metadata: {slug: nightly, name: Nightly}
spec: {steps: [{sync: orders-to-files}, {sync: orders-to-files, terminate: fatal}], schedule: {type: manual}, disabled: false}
`
	run(t, p, documents, "apply", "-f", "-").expect(t, 0, "sequence/nightly created")
	run(t, p, documents, "apply", "-f", "-").expect(t, 0, "sequence/nightly unchanged")
	run(t, p, "", "get", "sequence").expect(t, 0, "nightly", "Nightly")
	run(t, p, "", "logs", "sequence/nightly").expect(t, 4, "never ran")
	run(t, p, "", "run", "sequence/nightly").expect(t, 0, "step 1, orders-to-files: Completed", "step 2, orders-to-files: Completed", "Completed in", "success")
	logs := run(t, p, "", "logs", "sequence/nightly")
	logs.expect(t, 0, "STEP", "orders-to-files")
	fields := strings.Fields(logs.out)
	id := strings.TrimSuffix(fields[1], ":")
	run(t, p, "", "logs", id).expect(t, 0, "STEP", "orders-to-files")
	run(t, p, "", "cancel", id).expect(t, 0, "run "+id+": done")
	run(t, p, "", "cancel", "424242").expect(t, 4, "there is no run 424242")
	run(t, p, "", "run", "sequence/nightly", "--full-resync").expect(t, 2, "runs its syncs as they are")
	run(t, p, "", "delete", "sync", "orders-to-files").expect(t, 5, `sequence "nightly"`)

	run(t, p, shop(data, "SELEC"), "apply", "-f", "-").expect(t, 0)
	run(t, p, "", "run", "sequence/nightly").expect(t, 9, "ended the sequence", "SELEC")
}

// A server without what its runs need does not start, and says what is missing.
//
// Req: FLD-21
func TestMissingDependencies(t *testing.T) {
	t.Parallel()
	serve := func(env ...string) result {
		p := start(t, append([]string{"MILLRACE_HOME=" + t.TempDir()}, env...)...)
		if p.base != "" {
			t.Errorf("the server started with %v", env)
		}
		<-p.done
		return result{err: p.log.String(), code: p.cmd.ProcessState.ExitCode()}
	}
	serve("MILLRACE_DATABASE_URL=postgres://millrace@127.0.0.1:1/millrace").expect(t, 2, "connecting to the database")
	serve("MILLRACE_STORAGE_URL=s3://nothing?region=eu-central-1&endpoint=http://127.0.0.1:1&s3ForcePathStyle=true", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x").
		expect(t, 2, "the storage does not answer", "MILLRACE_STORAGE_URL")

	home := t.TempDir()
	p := start(t, "MILLRACE_HOME="+home)
	run(t, p, "kind: destination\nmetadata: {slug: db, name: DB}\nspec: {type: postgres, configuration: {host: h, port: 5432, database: d, user: u, password: secret}}", "apply", "-f", "-").expect(t, 0)
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	serve("MILLRACE_HOME="+home, "MILLRACE_ENCRYPTION_KEY=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").expect(t, 10, "another encryption key")
}
