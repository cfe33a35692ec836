package api_test

import (
	"fmt"
	"net/url"
	"strconv"
	"testing"
	"time"
)

// trigger starts a run through the compatible API and returns its number as it is answered.
func (w *world) trigger(path string, body any) string {
	w.t.Helper()
	a := w.ok("POST", path, body)
	a.whole().fields("it", "id")
	return a.text("id")
}

// Clients index [0] at once, read every member as a number, and end on any error: what they force is held from
// the first moment to the last.
//
// Req: API-01, SY-06
func TestPollingClients(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		w.source.rows = [][]string{{"1", "Ada", "a"}, {"2", "Bob", "b"}, {"3", "Cyd", "c"}}
		w.target.refuse = "2"
		sync := fmt.Sprintf("/api/v1/syncs/%d", w.ok("GET", "/api/v1/syncs", nil).id("data.0.id"))
		w.ok("GET", sync, nil).has("status", "pending").has("lastRunAt", nil)

		id := w.trigger(sync+"/trigger", nil)
		runs := w.ok("GET", sync+"/runs?runId="+id+".0", nil).has("data.0.id", id).has("hasMore", false)
		runs.fields("data.0", runFields)
		runs.has("data.0.status", "queued").has("data.0.completionRatio", 0).has("data.0.error", nil).has("data.0.finishedAt", nil).has("data.0.querySize", 0)
		for _, counts := range []string{"plannedRows", "successfulRows", "failedRows"} {
			runs.fields("data.0."+counts, "addedCount changedCount removedCount")
			runs.has("data.0."+counts, "map[addedCount:0 changedCount:0 removedCount:0]")
		}
		w.ok("GET", sync, nil).has("status", "queued").has("lastRunAt", runs.at("data.0.createdAt"))

		var next string
		w.target.before = func(int64) error {
			if next != "" {
				return nil
			}
			now := w.ok("GET", sync+"/runs?runId="+id, nil)
			now.has("data.0.status", "processing").has("data.0.plannedRows.addedCount", 3).has("data.0.error", nil).has("data.0.finishedAt", nil).has("data.0.querySize", 3)
			w.ok("GET", sync, nil).has("status", "processing")
			next = w.trigger(sync+"/trigger", nil) // a trigger meanwhile queues one run, however often it is repeated
			if again := w.trigger(sync+"/trigger", nil); again != next || next == id {
				t.Errorf("runs %s, %s and %s", id, next, again)
			}
			w.ok("GET", sync, nil).has("status", "queued")
			w.clock.Advance(time.Minute)
			return nil
		}
		w.work()
		w.work()
		if next == "" {
			t.Fatal("nothing was sent")
		}
		end := w.ok("GET", sync+"/runs?runId="+id, nil)
		end.has("data.0.status", "warning").has("data.0.completionRatio", 1).has("data.0.error", nil).
			has("data.0.plannedRows.addedCount", 3).has("data.0.successfulRows.addedCount", 2).has("data.0.failedRows.addedCount", 1)
		if end.at("data.0.finishedAt") == nil {
			t.Error("finishedAt is null")
		}
		list := w.ok("GET", sync+"/runs", nil)
		if ids := list.list("data", "id"); len(ids) != 2 || ids[0] != next || ids[1] != id {
			t.Errorf("the newest run is not the first: %v", ids)
		}
		if list.text("data.0.createdAt") >= list.text("data.0.startedAt") {
			t.Errorf("a run that waited was created at %v and started at %v", list.at("data.0.createdAt"), list.at("data.0.startedAt"))
		}
		w.ok("GET", "/api/v1/models", nil).has("data.0.lastRunSize", 3)
	})
}

// Req: API-01
func TestTriggerForms(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		id := w.ok("GET", "/api/v1/syncs", nil).id("data.0.id")
		first := w.trigger("/api/v1/syncs/trigger", url.Values{"syncId": {strconv.FormatInt(id, 10)}})
		for _, try := range []struct {
			path string
			body any
		}{
			{"/api/v1/syncs/trigger", object{"syncId": strconv.FormatInt(id, 10)}},
			{"/api/v1/syncs/trigger", object{"syncId": id}},
			{"/api/v1/syncs/trigger", object{"syncId": float64(id) + 0.0, "unknown": []int{1}}},
			{"/api/v1/syncs/trigger", object{"syncSlug": "people-to-crm"}},
			{"/api/v1/sync/trigger/", object{"syncSlug": "people-to-crm", "fullResync": "false"}},
			{fmt.Sprintf("/api/v1/syncs/%d/trigger", id), ""},
			{fmt.Sprintf("/api/v1/syncs/%d/trigger", id), nil},
			{fmt.Sprintf("/api/v1/syncs/%d.0/trigger/", id), object{}},
			{fmt.Sprintf("/api/v1/sync/%d/trigger", id), "null"},
		} {
			if again := w.trigger(try.path, try.body); again != first {
				t.Errorf("%s %v made the run %s beside %s", try.path, try.body, again, first)
			}
		}
		w.trigger(fmt.Sprintf("/api/v1/syncs/%d/trigger", id), url.Values{"fullResync": {"true"}})
		w.ok("GET", "/api/runs/"+first, nil).has("options.fullResync", true).has("trigger", "api")
		w.send("POST", "/api/v1/syncs/trigger", object{"syncSlug": "nobody"}).want(422).fields("details", "syncSlug")
		w.send("POST", "/api/v1/syncs/trigger", object{}).want(422).fields("details", "syncId")
		w.send("POST", "/api/v1/syncs/trigger", object{"syncId": id, "clearAndFill": "true"}).want(422).fields("details", "clearAndFill")
		w.send("POST", "/api/v1/syncs/trigger", object{"syncId": id, "resetCDC": true}).want(409).has("message", "Validation failed")
		w.send("POST", "/api/v1/syncs/424242/trigger", nil).want(404)
		w.ok("GET", "/api/syncs/people-to-crm/activity", nil).has("items.0.action", "triggered").has("items.0.by", adminEmail)
	})
}

// Every status word of the contract is reached by a run of its own.
//
// Req: API-01, SY-03
func TestStatusWords(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		w.source.rows = [][]string{{"1", "Ada", "a"}}
		sync := fmt.Sprintf("/api/v1/syncs/%d", w.ok("GET", "/api/v1/syncs", nil).id("data.0.id"))
		ended := func(want string, wantError any) {
			t.Helper()
			w.ok("GET", sync+"/runs?limit=1", nil).has("data.0.status", want).has("data.0.error", wantError).has("data.0.completionRatio", 1)
			w.ok("GET", sync, nil).has("status", want)
			w.clock.Advance(time.Minute)
		}
		w.trigger(sync+"/trigger", nil)
		w.work()
		ended("success", nil)
		id := w.trigger(sync+"/trigger", nil)
		w.ok("POST", "/api/runs/"+id+"/cancel", nil)
		w.queue.take()
		ended("cancelled", nil)
		w.source.fail = queryFailed("syntax error at or near SELEC")
		w.trigger(sync+"/trigger", nil)
		w.work()
		ended("failed", "syntax error at or near SELEC")
		w.source.fail = nil
		w.source.rows = append(w.source.rows, []string{"2", "Bob", "b"}, []string{"2", "Bob", "b"})
		w.trigger(sync+"/trigger", nil)
		w.work()
		ended("warning", nil)
		for _, state := range []struct{ own, rest string }{{"querying", "querying"}, {"planning", "querying"}, {"delivering", "processing"}, {"settling", "reporting"}, {"interrupted", "interrupted"}} {
			_, err := w.db.NewUpdate().Table("sync_runs").Set("state = ?", state.own).Where("id = (SELECT max(id) FROM sync_runs)").Exec(t.Context())
			w.must(err)
			w.ok("GET", sync, nil).has("status", state.rest)
		}
		_, err := w.db.NewUpdate().Table("sync_runs").Set("state = 'committed'").Where("id = (SELECT max(id) FROM sync_runs)").Exec(t.Context())
		w.must(err)
		w.ok("PATCH", sync, object{"disabled": true}).has("status", "disabled")
		w.trigger(sync+"/trigger", nil)
		w.ok("GET", sync, nil).has("status", "queued")
	})
}

// Req: API-01
func TestCompatibleRunLists(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		sync := fmt.Sprintf("/api/v1/syncs/%d", w.ok("GET", "/api/v1/syncs", nil).id("data.0.id"))
		var ids, starts []string
		for range 4 {
			id := w.trigger(sync+"/trigger", nil)
			w.clock.Advance(10 * time.Minute)
			w.work()
			ids = append(ids, id)
			starts = append(starts, w.ok("GET", sync+"/runs?runId="+id, nil).text("data.0.startedAt"))
		}
		waiting := w.trigger(sync+"/trigger", nil)
		newest := []string{waiting, ids[3], ids[2], ids[1], ids[0]}
		for _, by := range []string{"", "id", "createdAt", "startedAt"} {
			w.ok("GET", sync+"/runs?orderBy="+by, nil).lists("data", "id", newest...)
		}
		w.ok("GET", sync+"/runs?limit=2", nil).lists("data", "id", newest[:2]...).has("hasMore", true)
		w.ok("GET", sync+"/runs?limit=2&offset=2", nil).lists("data", "id", newest[2:4]...).has("hasMore", true)
		w.ok("GET", sync+"/runs?limit=3&offset=2", nil).lists("data", "id", newest[2:]...).has("hasMore", false)
		w.ok("GET", sync+"/runs?after="+url.QueryEscape(starts[2]), nil).lists("data", "id", newest[:3]...)
		w.ok("GET", sync+"/runs?before="+starts[1], nil).lists("data", "id", ids[1], ids[0])
		w.ok("GET", sync+"/runs?after=2026-03-01T08:00:00+00:00", nil).lists("data", "id", newest...)
		w.ok("GET", sync+"/runs?within=5", nil).lists("data", "id", newest[:2]...)
		w.ok("GET", sync+"/runs?runId=424242", nil).has("data", "[]")
		w.ok("GET", sync+"/runs?runId=latest", nil).has("data", "[]")
		w.send("GET", sync+"/runs?after=x", nil).want(422)
	})
}
