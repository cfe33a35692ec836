package e2e

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/millrace/millrace/test/services"
)

const crashSync = "people-to-api"

// world is a source, a receiver, and a server that dies now and then.
type world struct {
	t        *testing.T
	engine   string
	env      []string
	people   *people
	receiver *receiver
	rnd      *rand.Rand
	server   *process
}

// newWorld configures a sync of people to the receiver. method is POST where sending twice is not safe.
func newWorld(t *testing.T, method string, env ...string) *world {
	t.Helper()
	return newWorldOn(t, "basic", method, env...)
}

// newWorldOn has the people in PostgreSQL where the Lightning engine plans.
func newWorldOn(t *testing.T, engine, method string, env ...string) *world {
	t.Helper()
	return newWorldAt(t, nil, engine, method, env...)
}

// newWorldAt has the people at a place of the test's own, if there is one.
func newWorldAt(t *testing.T, at *place, engine, method string, env ...string) *world {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("MILLRACE_TEST_SEED"); text != "" {
		given, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = given
	}
	t.Logf("MILLRACE_TEST_SEED=%d", seed)
	w := &world{
		t: t, engine: engine, env: append([]string{"MILLRACE_HOME=" + t.TempDir()}, env...),
		people:   &people{dir: t.TempDir(), at: at, rows: map[int]int{}},
		receiver: newReceiver(t), rnd: rand.New(rand.NewPCG(seed, 0)),
	}
	if engine == "lightning" {
		w.people.db = newDatabase(t, "CREATE TABLE people (id text, name text, version bigint)", "CREATE SCHEMA millrace_planner")
	}
	for id := range 60 {
		w.people.rows[id] = 1
	}
	w.people.save(t)
	w.restart()
	w.configure(method)
	return w
}

func (w *world) restart(env ...string) {
	w.t.Helper()
	w.server = start(w.t, append(slices.Clone(w.env), env...)...)
}

func (w *world) configure(method string) {
	w.t.Helper()
	send := map[string]any{"enabled": true, "method": method, "url": "/contacts/{{ row.id }}", "body": "mapped", "concurrency": 4}
	document := func(kind, slug string, spec map[string]any) map[string]any {
		return map[string]any{"kind": kind, "metadata": map[string]any{"slug": slug, "name": slug}, "spec": spec}
	}
	model := map[string]any{"source": "people", "method": "sql", "sql": "SELECT id, name, version FROM people", "primaryKey": "id"}
	if at := w.people.at; at != nil {
		maps.Copy(model, at.model)
		w.server.must(http.MethodPost, "/api/apply", map[string]any{"documents": at.documents}, nil)
	}
	w.server.must(http.MethodPost, "/api/apply", map[string]any{"documents": []any{
		document("source", "people", w.source()),
		document("model", "people", model),
		document("destination", "api", map[string]any{"type": "http-request", "configuration": map[string]any{"baseUrl": w.receiver.URL}}),
		document("sync", crashSync, map[string]any{
			"model": "people", "destination": "api", "mode": "trigger",
			"mappings": []any{map[string]any{"to": "id", "from": "id"}, map[string]any{"to": "name", "from": "name"}, map[string]any{"to": "version", "from": "version"}},
			"settings": map[string]any{
				"added": send, "changed": send,
				"removed": map[string]any{"enabled": true, "method": "DELETE", "url": "/contacts/{{ row.id }}", "body": "none", "concurrency": 4},
			},
		}),
	}}, nil)
}

func (w *world) source() map[string]any {
	if w.people.at != nil {
		return w.people.at.source
	}
	if w.people.db == nil {
		return map[string]any{"type": "file", "configuration": map[string]any{"path": w.people.dir}}
	}
	return map[string]any{"type": "postgresql", "configuration": w.people.db.configuration(), "engine": w.engine}
}

// change lets some people come, change and go.
func (w *world) change() {
	for id := range w.people.rows {
		switch w.rnd.IntN(6) {
		case 0:
			delete(w.people.rows, id)
		case 1, 2:
			w.people.rows[id]++
		}
	}
	for range 8 {
		id := w.rnd.IntN(120)
		w.people.rows[id]++
	}
	w.people.save(w.t)
}

// check compares what arrived with the model, once a last run has gone through.
func (w *world) check() {
	w.t.Helper()
	w.server.trigger(crashSync)
	last := w.server.settle(crashSync)[0]
	if last.State != "committed" || last.Error != nil {
		w.t.Errorf("the last run is %+v", last)
	}
	if got, want := w.receiver.state(), w.people.want(); !maps.Equal(got, want) {
		w.t.Errorf("the receiver holds %d contacts, the model has %d; different: %v", len(got), len(want), different(got, want))
	}
}

func different(got, want map[string]string) []string {
	var all []string
	for id, w := range want {
		if g := got[id]; g != w {
			all = append(all, fmt.Sprintf("%s is %q, want %q", id, g, w))
		}
	}
	for id, g := range got {
		if _, there := want[id]; !there {
			all = append(all, fmt.Sprintf("%s is %q, want nothing", id, g))
		}
	}
	slices.Sort(all)
	return all
}

// checkNoResend holds the runs that were interrupted against what arrived after the restart: no row whose
// answer was journaled is sent again for that plan.
func (w *world) checkNoResend(runs []runView, before map[int64]bool, mark int) {
	w.t.Helper()
	sent := map[string]int{}
	for _, request := range w.receiver.since(mark) {
		_, id, _ := cutRequest(request)
		sent[id]++
	}
	for _, r := range runs {
		if before[r.ID] || r.State != "interrupted" {
			continue
		}
		for _, row := range w.server.rows(r.ID, "succeeded") {
			if sent[row.Key] > 0 {
				w.t.Errorf("run %d: row %s (%s) was acknowledged and sent again after the restart", r.ID, row.Key, row.Operation)
			}
		}
	}
	for id, n := range sent {
		if n > 1 {
			w.t.Errorf("row %s was sent %d times after the restart", id, n)
		}
	}
}

func cutRequest(request string) (method, id string, ok bool) {
	for i := range request {
		if request[i] == ' ' {
			return request[:i], request[i+1:], true
		}
	}
	return "", "", false
}

// crash lets one run die, by kill, and comes back.
func (w *world) crash(kill func()) {
	w.t.Helper()
	before := map[int64]bool{}
	for _, r := range w.server.runs(crashSync) {
		before[r.ID] = true
	}
	w.change()
	kill()
	w.server.kill()
	mark := w.receiver.quiet()
	w.restart()
	runs := w.server.settle(crashSync)
	w.checkNoResend(runs, before, mark)
	w.check()
}

// failpoints are the edges of the run's state machine.
var failpoints = []string{"querying", "planning", "kept", "delivering", "settling", "settled", "committed"}

// The process is killed at each edge of the state machine and at random requests, before and after they
// take effect, and at random times. What was acknowledged is not sent again, nothing is missing, and in the
// end the receiver holds what the model says.
//
// Req: FLD-03, FLD-31, SY-39, SY-77
func TestKill(t *testing.T) {
	t.Parallel()
	databases := map[string][]string{"sqlite": nil, "postgres": {"MILLRACE_DATABASE_URL=" + services.Postgres(t)}}
	for name, env := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, http.MethodPut, env...)
			if name == "postgres" { // what a dead worker held is free when its lease is over
				w.env = append(w.env, "MILLRACE_LEASE_TIME=1s")
			}
			w.check()
			for _, point := range failpoints {
				w.killAtPoint(point)
			}
			for range 22 {
				w.killAtRequest()
			}
			for range 8 {
				w.killAtSomeTime()
			}
		})
	}
}

func (w *world) killAtPoint(point string) {
	w.t.Helper()
	w.server.kill()
	w.restart("MILLRACE_FAILPOINT=kill:" + point + ":1")
	w.crash(func() {
		w.server.trigger(crashSync)
		if err := until(w.t.Context(), time.Minute, func() (bool, error) { return w.server.ended(), nil }); err != nil {
			w.t.Fatalf("the run did not pass %s: %v", point, err)
		}
	})
}

func (w *world) killAtRequest() {
	w.t.Helper()
	n, before, answered := 1+w.rnd.IntN(20), w.rnd.IntN(2) == 0, w.rnd.IntN(2) == 0
	w.crash(func() {
		w.receiver.at(n, before, func() bool {
			_ = w.server.cmd.Process.Kill() //nolint:errcheck // it may be gone already
			return answered
		})
		r := w.server.trigger(crashSync)
		w.waitEnd(r.ID)
	})
}

func (w *world) killAtSomeTime() {
	w.t.Helper()
	w.crash(func() {
		r := w.server.trigger(crashSync)
		timer := time.AfterFunc(time.Duration(w.rnd.IntN(400))*time.Millisecond, func() {
			_ = w.server.cmd.Process.Kill() //nolint:errcheck // it may be gone already
		})
		defer timer.Stop()
		w.waitEnd(r.ID)
	})
}

// waitEnd waits until the run or the process is over.
func (w *world) waitEnd(run int64) {
	w.t.Helper()
	err := until(w.t.Context(), time.Minute, func() (bool, error) {
		var r runView
		if w.server.ended() || w.server.call(http.MethodGet, fmt.Sprintf("/api/runs/%d", run), nil, &r) != nil {
			return w.server.ended(), nil //nolint:nilerr // a server that does not answer is asked again
		}
		return r.over(), nil
	})
	if err != nil {
		w.t.Fatalf("run %d: %v\n%s", run, err, w.server.log)
	}
}

// At a destination that would take rows twice, what is in doubt is reported and not sent again.
//
// Req: FLD-03, FLD-31
func TestKillReportsInDoubt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, http.MethodPost)
	w.check()
	reported := int64(0)
	for range 6 {
		mark := w.receiver.quiet()
		before := w.server.runs(crashSync)[0].ID
		w.change()
		w.receiver.at(1+w.rnd.IntN(12), false, func() bool {
			_ = w.server.cmd.Process.Kill() //nolint:errcheck // it may be gone already
			return false
		})
		w.waitEnd(w.server.trigger(crashSync).ID)
		w.server.kill()
		w.receiver.quiet()
		w.restart()
		for _, r := range w.server.settle(crashSync) {
			if r.ID > before {
				reported += r.InDoubt
			}
		}
		posts := map[string]int{}
		for _, request := range w.receiver.since(mark) {
			if posts[request]++; posts[request] > 1 && strings.HasPrefix(request, http.MethodPost) {
				t.Errorf("%s was sent twice", request)
			}
		}
	}
	if reported == 0 {
		t.Error("no row was reported as in doubt")
	}
}

// A worker that is stopped long enough for another to take its run over commits nothing when it comes back.
//
// Req: FLD-03
func TestStoppedWorkerIsFenced(t *testing.T) {
	t.Parallel()
	stoppedWorkerIsFenced(t, "basic")
}

func stoppedWorkerIsFenced(t *testing.T, engine string) {
	t.Helper()
	database := "MILLRACE_DATABASE_URL=" + services.Postgres(t)
	objects := "MILLRACE_STORAGE_URL=file://" + t.TempDir()
	key := "MILLRACE_ENCRYPTION_KEY=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	lease := "MILLRACE_LEASE_TIME=1s"
	w := newWorldOn(t, engine, http.MethodPut, database, objects, key, lease)
	w.check()
	for _, point := range failpoints {
		w.change()
		if err := w.server.stop(); err != nil {
			t.Fatalf("stopping: %v\n%s", err, w.server.log)
		}
		stopped := start(t, append(slices.Clone(w.env), "MILLRACE_FAILPOINT=stop:"+point+":1")...)
		go func() { // the process may stop before it answers
			_ = stopped.call(http.MethodPost, "/api/syncs/"+crashSync+"/trigger", map[string]any{}, nil) //nolint:errcheck // see above
		}()
		waitStopped(t, stopped)
		other := []string{"MILLRACE_HOME=" + t.TempDir(), database, objects, key, lease}
		w.server = start(t, other...)
		w.server.settle(crashSync)
		w.check()
		ended := w.server.runs(crashSync)
		if err := stopped.cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		if err := stopped.stop(); err != nil {
			t.Errorf("%s: the revived process: %v\n%s", point, err, stopped.log)
		}
		if now := w.server.runs(crashSync); !slices.Equal(states(now), states(ended)) {
			t.Errorf("%s: the revived worker changed runs: %v, before %v", point, states(now), states(ended))
		}
		w.check()
	}
}

func states(runs []runView) []string {
	all := make([]string, len(runs))
	for i, r := range runs {
		all[i] = fmt.Sprintf("%d %s %+v", r.ID, r.State, r.Succeeded)
	}
	return all
}

// waitStopped waits until SIGSTOP has stopped a process.
func waitStopped(t *testing.T, p *process) {
	t.Helper()
	err := until(t.Context(), time.Minute, func() (bool, error) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
		if err != nil {
			return false, err
		}
		bracket := slices.Index(text, ')') // the name may hold anything but this
		return len(text) > bracket+2 && text[bracket+2] == 'T', nil
	})
	if err != nil {
		t.Fatalf("the process did not stop: %v\n%s", err, p.log)
	}
}
