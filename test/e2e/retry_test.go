package e2e

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// attempts notes which contacts were asked for, and refuses some.
type attempts struct {
	mu      sync.Mutex
	seen    []string
	refused map[string]bool
}

// refuse refuses these contacts from now on, and no others.
func (a *attempts) refuse(ids ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused = map[string]bool{}
	for _, id := range ids {
		a.refused[id] = true
	}
}

func (a *attempts) decide(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen = append(a.seen, id)
	return a.refused[id]
}

// take returns which contacts were asked for since the last time, sorted.
func (a *attempts) take() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	slices.Sort(a.seen)
	all := strings.Join(a.seen, " ")
	a.seen = nil
	return all
}

// retries is a small world whose receiver refuses by contact.
func retries(t *testing.T) (*world, *attempts) {
	t.Helper()
	w := newWorld(t, http.MethodPut)
	w.people.rows = map[int]int{1: 1, 2: 1, 3: 1}
	w.people.save(t)
	a := &attempts{}
	w.receiver.refuse = a.decide
	return w, a
}

// sync runs once and holds the run to what it took and refused.
func (w *world) sync(succeeded, failed opCounts) runView {
	w.t.Helper()
	w.server.trigger(crashSync)
	last := w.server.settle(crashSync)[0]
	if last.State != "committed" || last.Error != nil || last.Succeeded != succeeded || last.Failed != failed {
		w.t.Errorf("run %d is %s, took %+v and refused %+v, want %+v and %+v; error %+v", last.ID, last.State, last.Succeeded, last.Failed, succeeded, failed, last.Error)
	}
	return last
}

// patch changes the settings of the sync.
func (w *world) patch(change func(settings map[string]any)) {
	w.t.Helper()
	var d struct {
		Metadata map[string]any `json:"metadata"`
		Spec     map[string]any `json:"spec"`
	}
	w.server.must(http.MethodGet, "/api/syncs/"+crashSync, nil, &d)
	change(d.Spec["settings"].(map[string]any))
	w.server.must(http.MethodPut, "/api/syncs/"+crashSync, d, nil)
}

// A refused row comes again in every run until it is taken, with the values that it has then, as what it was; only
// it comes again. One that leaves the model before it was ever taken is forgotten.
//
// Req: SY-45, SY-77
func TestRefusedRowsComeAgain(t *testing.T) {
	t.Parallel()
	w, a := retries(t)
	a.refuse("2", "3")
	first := w.sync(opCounts{Added: 1}, opCounts{Added: 2})
	if got := a.take(); got != "1 2 3" {
		t.Errorf("the first run sent %s", got)
	}
	if rows := w.server.rows(first.ID, "failed"); len(rows) != 2 || !strings.Contains(rows[0].Reason, "422") || !strings.Contains(rows[0].Reason, "is not wanted") {
		t.Errorf("the reasons are not the receiver's own words: %+v", rows)
	}
	w.sync(opCounts{}, opCounts{Added: 2})
	if got := a.take(); got != "2 3" {
		t.Errorf("the second run sent %s, want the refused rows alone", got)
	}
	w.people.rows[2] = 7 // the row changes while it is refused
	delete(w.people.rows, 3)
	w.people.save(t)
	a.refuse()
	w.sync(opCounts{Added: 1}, opCounts{})
	if got := a.take(); got != "2" {
		t.Errorf("the third run sent %s, want the row that is still in the model", got)
	}
	if got, want := w.receiver.state(), w.people.want(); !maps.Equal(got, want) {
		t.Errorf("the receiver holds %v, want %v", got, want)
	}
	w.sync(opCounts{}, opCounts{})
	if got := a.take(); got != "" {
		t.Errorf("everything was taken, and %s is sent again", got)
	}

	a.refuse("1") // a change that is refused is a change again
	w.people.rows[1] = 8
	w.people.save(t)
	w.sync(opCounts{}, opCounts{Changed: 1})
	a.refuse()
	w.sync(opCounts{Changed: 1}, opCounts{})
	if got := a.take(); got != "1 1" {
		t.Errorf("the change was sent for %s", got)
	}
}

// A removal that was refused is tried again, until one of three things stops it: doing nothing about removals, doing
// nothing about them for one run, or a reset of what is known.
//
// Req: SY-15, SY-79
func TestRefusedRemovals(t *testing.T) {
	t.Parallel()
	on := func(enabled bool) func(map[string]any) {
		return func(settings map[string]any) { settings["removed"].(map[string]any)["enabled"] = enabled }
	}
	for name, stop := range map[string]func(w *world, a *attempts){
		"nothing stops it": nil,
		"do nothing": func(w *world, _ *attempts) {
			w.patch(on(false))
			w.sync(opCounts{}, opCounts{})
			w.sync(opCounts{}, opCounts{})
		},
		"do nothing for one run": func(w *world, _ *attempts) {
			w.patch(on(false))
			w.sync(opCounts{}, opCounts{})
			w.patch(on(true))
		},
		"reset": func(w *world, _ *attempts) {
			w.server.must(http.MethodPost, "/api/syncs/"+crashSync+"/trigger", map[string]any{"resetCDC": true}, nil)
			w.server.settle(crashSync)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, a := retries(t)
			w.sync(opCounts{Added: 3}, opCounts{})
			delete(w.people.rows, 2)
			w.people.save(t)
			a.refuse("2")
			w.sync(opCounts{}, opCounts{Removed: 1})
			w.sync(opCounts{}, opCounts{Removed: 1})
			if got := a.take(); got != "1 2 2 2 3" {
				t.Fatalf("%s was sent, want the removal of 2 twice", got)
			}
			a.refuse()
			if stop == nil {
				w.sync(opCounts{Removed: 1}, opCounts{})
				if got := a.take(); got != "2" || len(w.receiver.state()) != 2 {
					t.Errorf("%s was sent, and %d contacts are left", got, len(w.receiver.state()))
				}
				return
			}
			stop(w, a)
			w.sync(opCounts{}, opCounts{})
			if got := a.take(); got != "" || len(w.receiver.state()) != 3 {
				t.Errorf("%s was sent, and %d contacts are left", got, len(w.receiver.state()))
			}
			delete(w.people.rows, 3) // later removals are no part of it
			w.people.save(t)
			if name != "do nothing" {
				w.sync(opCounts{Removed: 1}, opCounts{})
			}
		})
	}
}

// A batch that is refused as a whole is halved until each row has an answer of its own; what is taken on the way is
// not sent again, and the next run sends the refused rows alone. A server that is busy for a moment is asked again.
//
// Req: SY-76, SY-78
func TestBatchesAreHalved(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	taken, sizes, busy := map[string]int{}, []int{}, 2
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if busy > 0 {
			busy--
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		n := strings.Count(string(body), `"id"`)
		sizes = append(sizes, n)
		for _, bad := range []string{"3", "6"} {
			if strings.Contains(string(body), fmt.Sprintf(`"id":"%s"`, bad)) {
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprintf(w, `{"error":"contact %s is bad, and so is the batch of %d"}`, bad, n)
				return
			}
		}
		for id := range 9 {
			if strings.Contains(string(body), fmt.Sprintf(`"id":"%d"`, id)) {
				taken[strconv.Itoa(id)]++
			}
		}
	}))
	t.Cleanup(receiver.Close)
	w := newWorld(t, http.MethodPut)
	w.people.rows = map[int]int{1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1, 7: 1, 8: 1}
	w.people.save(t)
	w.server.must(http.MethodPut, "/api/destinations/api", map[string]any{
		"metadata": map[string]any{"name": "api"}, "spec": map[string]any{"type": "http-request", "configuration": map[string]any{"baseUrl": receiver.URL}},
	}, nil)
	w.patch(func(settings map[string]any) {
		settings["added"] = map[string]any{
			"enabled": true, "method": "PUT", "url": "/contacts", "body": "mapped", "rows": "batch", "batchSize": 8, "split": true, "concurrency": 1, "retries": 3,
		}
	})
	first := w.sync(opCounts{Added: 6}, opCounts{Added: 2})
	mu.Lock()
	if want := map[string]int{"1": 1, "2": 1, "4": 1, "5": 1, "7": 1, "8": 1}; !maps.Equal(taken, want) || sizes[0] != 8 || busy != 0 {
		t.Errorf("taken were %v in batches of %v; %d times busy is left", taken, sizes, busy)
	}
	sizes = nil
	mu.Unlock()
	rows := w.server.rows(first.ID, "failed")
	if len(rows) != 2 {
		t.Fatalf("%+v", rows)
	}
	for _, row := range rows {
		if want := fmt.Sprintf("contact %s is bad, and so is the batch of 1", row.Key); !strings.Contains(row.Reason, want) {
			t.Errorf("row %s was refused with %q", row.Key, row.Reason)
		}
	}
	w.sync(opCounts{}, opCounts{Added: 2})
	mu.Lock()
	defer mu.Unlock()
	if len(taken) != 6 || slices.Max(sizes) != 2 {
		t.Errorf("the second run sent batches of %v, want the two refused rows alone", sizes)
	}
}
