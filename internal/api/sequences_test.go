package api_test

import (
	"fmt"
	"testing"
	"time"
)

// Req: SY-86, SY-87, SY-88
func TestSequences(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		w.source.rows = [][]string{{"1", "Ada", "a"}, {"2", "Bob", "b"}}
		w.ok("POST", "/api/sequences", document("all", "All", sequenceSpec())).has("spec.steps.1.terminate", "never").
			has("status.state", "pending").has("status.lastRun", nil).has("status.nextRunAt", nil).has("status.lastSkip", nil)
		w.send("DELETE", "/api/syncs/people-to-crm", nil).want(409).has("error.code", "resource.referenced")
		w.ok("GET", "/api/syncs/people-to-crm/references", nil).has("items.0.kind", "sequence").has("items.0.slug", "all")
		w.send("POST", "/api/sequences", document("bad", "Bad", object{"steps": []object{{"sync": "nothing"}}, "schedule": object{"type": "cron", "cron": "0 0 12 * * *"}, "disabled": false})).
			want(422).lists("error.issues", "path", "spec.schedule.cron", "spec.steps[0].sync")

		made := w.ok("POST", "/api/sequences/all/trigger", nil).has("run.state", "pending").has("run.label", "Queued").has("run.trigger", "manual").has("run.steps", "[]")
		run := fmt.Sprintf("/api/sequence-runs/%d", made.id("run.id"))
		w.ok("GET", "/api/sequences/all", nil).has("status.state", "queued")
		w.must(w.seqs.Advance(t.Context(), made.id("run.id")))
		w.ok("GET", run, nil).has("state", "running").lists("steps", "state", "running", "waiting").has("steps.0.run.state", "queued").has("steps.0.sync.name", "People to CRM").has("steps.1.runId", nil)
		w.ok("GET", "/api/sequences?status=running", nil).lists("items", "metadata.slug", "all")
		w.clock.Advance(time.Minute)
		w.work()
		w.sequenced()
		end := w.ok("GET", run, nil).has("state", "done").has("label", "Completed").lists("steps", "state", "success", "success").lists("steps", "label", "Completed", "Completed").has("error", nil).has("steps.0.run", nil)
		if end.id("steps.0.durationMs") < 60_000 || end.id("steps.0.runId") == end.id("steps.1.runId") {
			t.Errorf("the steps are %v", end.at("steps"))
		}
		w.ok("GET", fmt.Sprintf("/api/runs/%d", end.id("steps.0.runId")), nil).has("trigger", "sequence")
		w.ok("GET", "/api/sequences/all", nil).has("status.state", "completed").has("status.label", "Completed").has("status.lastRun.id", made.id("run.id"))
		w.ok("GET", "/api/sequences/all/activity", nil).has("items.0.action", "triggered")

		w.source.rows = append(w.source.rows, []string{"3", "Cyd", "c"})
		w.target.refuse = "3"
		again := w.ok("POST", "/api/sequences/all/trigger", nil)
		w.sequenced()
		w.ok("GET", fmt.Sprintf("/api/sequence-runs/%d", again.id("run.id")), nil).has("state", "failed").lists("steps", "state", "warning", "skipped").lists("steps", "rejected", "1", "0").
			has("error.code", "sequence.stopped").has("error.message", `step 1, the sync "people-to-crm", ended the sequence: 1 rows were rejected`)
		w.ok("GET", "/api/sequences?status=failed", nil).lists("items", "metadata.slug", "all")
		w.ok("GET", "/api/sequences?status=completed", nil).has("total", 0)
		w.send("GET", "/api/sequences?status=happy", nil).want(422)
		list := w.ok("GET", "/api/sequences/all/runs?limit=1", nil).lists("items", "state", "failed")
		w.ok("GET", "/api/sequences/all/runs?limit=1&cursor="+list.text("nextCursor"), nil).lists("items", "state", "done").has("nextCursor", nil)
	})
}

// Req: SY-85, SY-86
func TestSequenceCancelAndDisable(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		w.ok("POST", "/api/sequences", document("all", "All", sequenceSpec()))
		w.ok("POST", "/api/sequences/all/disable", nil).has("spec.disabled", true).has("status.state", "disabled")
		w.ok("POST", "/api/syncs/people-to-crm/disable", nil)
		made := w.ok("POST", "/api/sequences/all/trigger", nil)
		w.must(w.seqs.Advance(t.Context(), made.id("run.id")))
		run := fmt.Sprintf("/api/sequence-runs/%d", made.id("run.id"))
		w.ok("GET", run, nil).lists("steps", "state", "running", "waiting")
		w.ok("POST", run+"/cancel", nil).has("state", "cancelled").has("label", "Cancelled by user").lists("steps", "state", "cancelled", "skipped")
		w.ok("POST", "/api/sequences/all/enable", nil).has("spec.disabled", false).has("status.state", "cancelled")
		w.send("POST", "/api/sequence-runs/424242/cancel", nil).want(404)
	})
}

// A schedule says when it runs next and what it skipped and why.
//
// Req: FLD-21
func TestScheduleStatus(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		spec := syncSpec()
		spec["schedule"] = object{"type": "cron", "cron": "0 * * * *"}
		w.ok("PUT", "/api/syncs/people-to-crm", document("people-to-crm", "People to CRM", spec))
		w.times.Tick(t.Context())
		w.ok("GET", "/api/syncs/people-to-crm", nil).has("status.nextRunAt", "2026-03-01T09:00:00.000Z").has("status.lastSkip", nil)
		for range 2 {
			w.clock.Advance(time.Hour)
			w.times.Tick(t.Context())
		}
		s := w.ok("GET", "/api/syncs/people-to-crm", nil).has("status.nextRunAt", "2026-03-01T11:00:00.000Z").
			has("status.lastSkip.at", "2026-03-01T10:00:00.000Z").has("status.lastSkip.reason", "waiting")
		if s.text("status.lastSkip.message") == "" {
			t.Error("nothing is said about it")
		}
		w.ok("POST", "/api/syncs/people-to-crm/disable", nil).has("status.nextRunAt", nil)
	})
}

// The preview reckons as the schedules do: also where clocks change.
//
// Req: SY-82, SY-83, SY-84
func TestSchedulePreview(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		preview := func(schedule object, more ...any) answer {
			in := object{"schedule": schedule}
			for i := 0; i < len(more); i += 2 {
				in[more[i].(string)] = more[i+1]
			}
			return w.send("POST", "/api/schedules/preview", in)
		}
		preview(object{"type": "cron", "cron": "0 12 * * *"}, "count", 2).has("runs", "[2026-03-01T12:00:00.000Z 2026-03-02T12:00:00.000Z]")
		preview(object{"type": "custom", "zone": "Europe/Berlin", "recurrences": []object{{"days": []string{"sunday"}, "time": "02:30"}}}).
			has("runs", "[2026-03-08T01:30:00.000Z 2026-03-15T01:30:00.000Z 2026-03-22T01:30:00.000Z 2026-03-29T01:00:00.000Z 2026-04-05T00:30:00.000Z]")
		preview(object{"type": "interval", "interval": object{"unit": "hour", "quantity": 2}}, "lastRunAt", "2026-03-01T07:30:00Z", "count", 2).
			has("runs", "[2026-03-01T09:30:00.000Z 2026-03-01T11:30:00.000Z]")
		preview(object{"type": "cron", "cron": "0 * * * *", "end": "2026-03-01T10:00:00Z"}).has("runs", "[2026-03-01T09:00:00.000Z 2026-03-01T10:00:00.000Z]")
		preview(object{"type": "manual"}).has("runs", "[]")
		for _, bad := range []string{"0 0 12 * * *", "0 12 W * *", "0 12 LW * *", "0 12 L-2 * *", "0 12 * * 5#2", "0 12 30 2 *"} {
			preview(object{"type": "cron", "cron": bad}).want(422).has("error.path", "schedule.cron")
		}
		preview(object{"type": "interval", "interval": object{"unit": "week", "quantity": 1000}}).want(422)
	})
}

// The compatible API's sequences, to the letter.
//
// Req: API-01, SY-86, SY-88
func TestCompatibleSequences(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		w.source.rows = [][]string{{"1", "Ada", "a"}}
		w.ok("POST", "/api/sequences", document("all", "All", sequenceSpec()))
		list := w.ok("GET", "/api/v1/sync-sequences?limit=1", nil).has("hasMore", false).has("data.0.status", "pending").has("data.0.lastRunAt", nil)
		list.fields("data.0", "id name slug workspaceId createdAt updatedAt schedule disabled status syncs lastRunAt")
		id := list.text("data.0.id")
		if len(id) != 36 {
			t.Errorf("the id is %q", id)
		}
		trigger := func() string {
			a := w.ok("POST", "/api/v1/sync-sequences/"+id+"/trigger", nil)
			a.whole().fields("it", "id")
			return a.text("id")
		}
		first := trigger()
		show := func(id, want string, runs ...string) {
			t.Helper()
			a := w.ok("GET", "/api/v1/sync-sequences/runs/"+id, nil).has("id", id).has("status", want).lists("syncRuns", "status", runs...)
			a.whole().fields("it", "id status syncRuns")
			if len(runs) > 0 {
				a.fields("syncRuns.0", "syncId syncRunId status finishedAt")
				if a.id("syncRuns.0.syncId") == 0 || a.id("syncRuns.0.syncRunId") == 0 {
					t.Errorf("%s", a.body)
				}
			}
		}
		show(first, "pending")
		r, err := w.seqs.GetByUUID(t.Context(), 1, first)
		w.must(err)
		w.must(w.seqs.Advance(t.Context(), r.ID))
		show(first, "running", "queued")
		second := trigger()
		if again := trigger(); again != second || second == first {
			t.Errorf("the runs are %s, %s and %s", first, second, again)
		}
		w.work()
		w.sequenced()
		show(first, "done", "success", "success")
		w.sequenced()
		w.work()
		w.sequenced()
		show(second, "done", "success", "success")
		runs := w.ok("GET", "/api/v1/sync-sequences/"+id+"/runs?limit=1&orderBy=createdAt", nil).has("hasMore", true).has("data.0.id", second).has("data.0.status", "success")
		runs.fields("data.0", "id status createdAt startedAt finishedAt")
		third := trigger()
		r, err = w.seqs.GetByUUID(t.Context(), 1, third)
		w.must(err)
		_, err = w.seqs.Cancel(t.Context(), 1, r.ID)
		w.must(err)
		show(third, "cancelled")
		for _, o := range [][2]string{
			{"GET", "runs/nothing"}, {"GET", "runs/00000000-0000-4000-8000-000000000000"}, {"GET", id + "/others"},
			{"POST", "nothing/trigger"}, {"POST", "00000000-0000-4000-8000-000000000000/trigger"},
		} {
			w.send(o[0], "/api/v1/sync-sequences/"+o[1], nil).want(404).has("message", "Not found")
		}
	})
}
