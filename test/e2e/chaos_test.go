package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/millrace/millrace/test/services"
)

// flaky stands before a receiver and misbehaves.
type flaky struct {
	*httptest.Server

	to *receiver

	mu   sync.Mutex
	rnd  *rand.Rand
	mood string
}

// flakyMoods are what the receiver's API does to requests.
var flakyMoods = []string{"calm", "throttling", "broken", "overloaded", "cutting", "losing", "garbling", "refusing", "stalling"}

func newFlaky(t testing.TB, to *receiver, seed uint64) *flaky {
	f := &flaky{to: to, rnd: rand.New(rand.NewPCG(seed, 9)), mood: "calm"}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *flaky) set(mood string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mood = mood
}

func (f *flaky) roll() (mood string, effect bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rnd.IntN(3) == 0 {
		return "calm", true
	}
	return f.mood, f.rnd.IntN(2) == 0
}

// ServeHTTP answers as the mood says. Where an answer is lost, the request may have had its effect.
func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mood, effect := f.roll()
	switch mood {
	case "throttling":
		w.Header().Set("Retry-After", "1")
		http.Error(w, "slow down", http.StatusTooManyRequests)
	case "broken":
		http.Error(w, "it is us", http.StatusInternalServerError)
	case "overloaded":
		http.Error(w, "later", http.StatusServiceUnavailable)
	case "refusing":
		http.Error(w, "not this one", http.StatusUnprocessableEntity)
	case "cutting":
		panic(http.ErrAbortHandler)
	case "stalling":
		time.Sleep(time.Duration(200+len(r.URL.Path)%5*100) * time.Millisecond)
		f.to.ServeHTTP(w, r)
	case "losing":
		if effect {
			f.to.ServeHTTP(httptest.NewRecorder(), r)
		}
		panic(http.ErrAbortHandler)
	case "garbling":
		if effect {
			f.to.ServeHTTP(httptest.NewRecorder(), r)
		}
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, "<html")
	default:
		f.to.ServeHTTP(w, r)
	}
}

// fleet is an API server and workers over one PostgreSQL server, that all come to harm.
type fleet struct {
	*world

	postgres *services.Own
	flaky    *flaky
	workers  []*process
	story    []string
}

const fleetWorkers = 3

// fleetHistories is how many histories of processes there are: MILLRACE_TEST_CHAOS_PROCESSES, or one.
func fleetHistories(t *testing.T) int {
	text := os.Getenv("MILLRACE_TEST_CHAOS_PROCESSES")
	if text == "" {
		return 1
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func newFleet(t *testing.T) *fleet {
	postgres := services.OwnPostgres(t)
	w := newWorld(t, http.MethodPut, "MILLRACE_ROLES=api", "MILLRACE_DATABASE_URL="+postgres.URL, "MILLRACE_STORAGE_URL=file://"+t.TempDir(),
		"MILLRACE_ENCRYPTION_KEY=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "MILLRACE_LEASE_TIME=2s")
	f := &fleet{world: w, postgres: postgres, flaky: newFlaky(t, w.receiver, w.rnd.Uint64())}
	w.server.must(http.MethodPut, "/api/destinations/api", f.destination(), nil)
	var sync struct {
		Metadata map[string]any
		Spec     map[string]any
	}
	w.server.must(http.MethodGet, "/api/syncs/"+crashSync, nil, &sync)
	sync.Spec["schedule"] = map[string]any{"type": "interval", "interval": map[string]any{"quantity": 1, "unit": "minute"}}
	w.server.must(http.MethodPut, "/api/syncs/"+crashSync, map[string]any{"metadata": sync.Metadata, "spec": sync.Spec}, nil)
	for range fleetWorkers {
		f.employ()
	}
	return f
}

func (f *fleet) destination() map[string]any {
	f.t.Helper()
	var d struct {
		Metadata map[string]any
		Spec     map[string]any
	}
	f.server.must(http.MethodGet, "/api/destinations/api", nil, &d)
	d.Spec["configuration"] = map[string]any{"baseUrl": f.flaky.URL, "rateLimits": []any{"200/second", "12 at once"}}
	return map[string]any{"metadata": d.Metadata, "spec": d.Spec}
}

// employ starts a worker with a home of its own. It has another address for its probes.
func (f *fleet) employ() {
	f.t.Helper()
	env := slices.Clone(f.env)
	for i, e := range env {
		switch {
		case strings.HasPrefix(e, "MILLRACE_HOME="):
			env[i] = "MILLRACE_HOME=" + f.t.TempDir()
		case strings.HasPrefix(e, "MILLRACE_ROLES="):
			env[i] = "MILLRACE_ROLES=worker"
		}
	}
	f.workers = append(f.workers, start(f.t, env...))
}

func (f *fleet) note(format string, args ...any) {
	f.story = append(f.story, fmt.Sprintf(format, args...))
}

// Processes die, stop and come back, the database server dies and comes back, a disk is full for a while, and the API
// that rows go to throttles, breaks, and loses answers. When all that is over, the API holds what the model says, no
// run is without an end, numbers add up, and the schedule goes on.
//
// Req: FLD-02, FLD-03, FLD-09, SY-76, SY-77
func TestChaos(t *testing.T) { //nolint:tparallel // one fleet at a time: each needs the whole machine
	t.Parallel()
	for i := range fleetHistories(t) {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			f := newFleet(t)
			f.trigger()
			for range 8 {
				f.storm()
			}
			f.calm()
			if t.Failed() {
				t.Log(strings.Join(f.story, "\n"))
			}
		})
	}
}

func (f *fleet) trigger() {
	_ = f.server.call(http.MethodPost, "/api/syncs/"+crashSync+"/trigger", map[string]any{}, nil) //nolint:errcheck // the database may be away
}

// storm does some harm to a run that is under way.
func (f *fleet) storm() {
	f.t.Helper()
	mood := flakyMoods[f.rnd.IntN(len(flakyMoods))]
	f.flaky.set(mood)
	f.change()
	f.note("the API is %s", mood)
	f.trigger()
	time.Sleep(time.Duration(100+f.rnd.IntN(900)) * time.Millisecond)
	i := f.rnd.IntN(len(f.workers))
	k := f.workers[i]
	switch f.rnd.IntN(5) {
	case 0:
		f.note("worker %d is killed", i)
		k.kill()
		f.workers = slices.Delete(f.workers, i, i+1)
		f.employ()
	case 1:
		d := time.Duration(500+f.rnd.IntN(4000)) * time.Millisecond
		f.note("worker %d stands still for %s", i, d)
		f.signal(k, syscall.SIGSTOP)
		time.Sleep(d)
		f.signal(k, syscall.SIGCONT)
	case 2:
		d := time.Duration(100+f.rnd.IntN(3000)) * time.Millisecond
		f.note("the database server is away for %s", d)
		if err := f.postgres.Down(); err != nil {
			f.t.Fatal(err)
		}
		time.Sleep(d)
		if err := f.postgres.Up(); err != nil {
			f.t.Fatal(err)
		}
	case 3:
		f.note("no worker can write a file")
		for _, k := range f.workers {
			f.limit(k, "1024")
		}
		time.Sleep(time.Second)
		for _, k := range f.workers {
			f.limit(k, "unlimited")
		}
	case 4:
		f.note("all workers are killed")
		for _, k := range f.workers {
			k.kill()
		}
		f.workers = nil
		for range fleetWorkers {
			f.employ()
		}
	}
	time.Sleep(time.Duration(f.rnd.IntN(1000)) * time.Millisecond)
}

func (f *fleet) signal(k *process, s syscall.Signal) {
	f.t.Helper()
	if err := k.cmd.Process.Signal(s); err != nil && !k.ended() {
		f.t.Fatal(err)
	}
}

// limit bounds the size of the files that a process may write.
func (f *fleet) limit(k *process, bytes string) {
	f.t.Helper()
	out, err := exec.CommandContext(f.t.Context(), "prlimit", "--pid", strconv.Itoa(k.cmd.Process.Pid), "--fsize="+bytes+":unlimited").CombinedOutput()
	if err != nil && !k.ended() {
		f.t.Fatalf("%v: %s", err, out)
	}
}

// calm lets everything work again and holds the runs to what is promised.
func (f *fleet) calm() {
	f.t.Helper()
	f.flaky.set("calm")
	for i, k := range f.workers {
		if k.ended() {
			f.t.Errorf("worker %d ended by itself: %v\n%s", i, k.err, k.log)
		}
	}
	f.server.settle(crashSync)
	f.check()
	var status struct {
		Status struct{ NextRunAt *time.Time }
	}
	f.server.must(http.MethodGet, "/api/syncs/"+crashSync, nil, &status)
	if next := status.Status.NextRunAt; next == nil || time.Until(*next) > 2*time.Minute {
		f.t.Errorf("the sync runs next at %v", next)
	}
	for _, r := range f.server.runs(crashSync) {
		for _, c := range [][4]int64{
			{r.Planned.Added, r.Succeeded.Added, r.Failed.Added, r.Aborted.Added},
			{r.Planned.Changed, r.Succeeded.Changed, r.Failed.Changed, r.Aborted.Changed},
			{r.Planned.Removed, r.Succeeded.Removed, r.Failed.Removed, r.Aborted.Removed},
		} {
			if c[0] != c[1]+c[2]+c[3] {
				f.t.Errorf("the rows of run %d do not add up: %+v", r.ID, r)
			}
		}
	}
}
